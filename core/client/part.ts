/**
 * A part of a client that it can do without: watches now. Who first uses one brings it in ({@link Client.part}), so that a page which
 * never does so has no code for it. It is told what becomes of the connection, and hears the messages that no call waits for.
 */

import type { ErrorInfo } from '../base/errors.ts';
import type { Outgoing } from '../wire/api-client.ts';
import type { Incoming } from '../wire/server-messages.ts';
import type { ClientOptions, ClientPorts } from './options.ts';

/** What parts hear. */
export type PartMessage = Extract<Incoming, { kind: 'watching' | 'event' | 'snapshot' | 'progress' }>;

export interface ClientPart {
  /** There is a connection, the first or another one. */
  connected(): void;
  disconnected(): void;
  tick(nowMs: number): void;
  receive(message: PartMessage): void;
  /** What was asked by this id was refused. True when the part had asked it. */
  refused(id: number, error: ErrorInfo): boolean;
  /** The client was closed, for good. */
  close(): void;
}

/** What a part needs of its client. */
export interface PartHost {
  readonly ports: ClientPorts;
  readonly options: ClientOptions;
  newId(): number;
  /** A node is there that takes what is sent. */
  connected(): boolean;
  send(message: Outgoing): void;
  /** The node broke its word. */
  violation(what: string): void;
}

export type PartClass<P extends ClientPart> = new (host: PartHost) => P;
