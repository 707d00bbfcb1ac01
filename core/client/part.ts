/**
 * An optional part of a client. Watches are the only one now. The first use brings the part in ({@link Client.part}),
 * so that a page which does not use it need not load its code. A part is told about the connection, and gets the
 * messages for which no call waits.
 */

import type { ErrorInfo } from '../base/errors.ts';
import type { Outgoing } from '../wire/api-client.ts';
import type { Incoming } from '../wire/server-messages.ts';
import type { ClientOptions, ClientPorts } from './options.ts';

/** The messages that parts get. */
export type PartMessage = Extract<Incoming, { kind: 'watching' | 'event' | 'snapshot' | 'progress' }>;

export interface ClientPart {
  /** Called when a connection is ready, the first or another one. */
  connected(): void;
  disconnected(): void;
  tick(nowMs: number): void;
  receive(message: PartMessage): void;
  /** The question with this id was refused. Returns true when this part had asked it. */
  refused(id: number, error: ErrorInfo): boolean;
  /** The client was closed, for good. */
  close(): void;
}

/** What a part needs of its client. */
export interface PartHost {
  readonly ports: ClientPorts;
  readonly options: ClientOptions;
  newId(): number;
  /** True while a connection takes messages. */
  connected(): boolean;
  send(message: Outgoing): void;
  /** The node violated the protocol. */
  violation(what: string): void;
}

export type PartClass<P extends ClientPart> = new (host: PartHost) => P;
