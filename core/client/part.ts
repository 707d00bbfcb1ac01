/**
 * An optional part of a client, such as its watches and its claims. The first use brings the part in
 * ({@link Client.part}), so that a page which does not use it need not load its code. A part is told about the
 * connection, and gets the messages for which no call waits.
 */

import type { ErrorInfo, Result } from '../base/errors.ts';
import type { Reply } from '../service/reply.ts';
import type { Operation } from '../tree/operation.ts';
import type { Outgoing } from '../wire/api-client.ts';
import type { Incoming } from '../wire/server-messages.ts';
import type { DataCall } from './calls.ts';
import type { Alarm, ClientOptions, ClientPorts, ExecuteOptions } from './options.ts';
import type { WriteSession } from './session.ts';

/** The messages that parts get. */
export type PartMessage = Extract<Incoming, { kind: 'watching' | 'event' | 'snapshot' | 'progress' | 'notice' }>;

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
  /** @see Client.execute */
  execute(operation: Operation, options: ExecuteOptions, done: (result: Result<Reply>) => void): DataCall;
  keepAlive(session: WriteSession): void;
  /** Looked at before anything else happens to the client. */
  readonly alarms: Set<Alarm>;
}

export type PartClass<P extends ClientPart> = new (host: PartHost) => P;

/**
 * Looks at the clock, so that a program is told what it can no longer count on before anything else (coordination §5).
 * Returns in how many milliseconds this must be called again at the latest.
 */
export function ring(alarms: ReadonlySet<Alarm>): number {
  let leftMs = Infinity;
  if (alarms.size > 0) for (const alarm of alarms) leftMs = Math.min(leftMs, alarm());
  return leftMs;
}
