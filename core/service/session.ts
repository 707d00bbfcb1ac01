/** What is kept of one session of a namespace (protocol §7, coordination §2), and how much of it counts. */

import { utf8Length } from '../base/bytes.ts';
import type { ErrorInfo } from '../base/errors.ts';
import { errorInfo } from '../base/errors.ts';
import type { Op, RequestNumber, SessionId } from '../base/ids.ts';
import type { SessionSecret } from '../base/session-secret.ts';
import type { Belonging } from '../tree/acting.ts';
import type { ClientIdentity } from './body.ts';
import type { IdleNode } from './idle-order.ts';
import { ReplyWindow } from './reply-window.ts';
import type { BelongingRecord } from './told.ts';

/**
 * What a session and each kept reply count for in addition to their text and bytes. The size decides when a checkpoint
 * is due.
 */
const sessionOverheadBytes = 80;
export const replyOverheadBytes = 16;
const recordOverheadBytes = 64;
const itemOverheadBytes = 8;

/** A session's hold on its ClientID. */
export interface Binding {
  readonly identity: ClientIdentity;
  /** The bind that made it, and how that bind was answered. */
  readonly attempt: number;
  readonly continued: boolean;
  /** When another client bound the id; null if none did. */
  readonly doubtedMs: number | null;
}

/** What a bind says. */
export interface BindWish {
  readonly client: string;
  readonly identity: ClientIdentity;
  readonly attempt: number;
  /** The session that the binding process had last; 0 for a process that has just begun. */
  readonly previous: SessionId;
  readonly secret: SessionSecret;
}

/** One session. To change it, first ask {@link Sessions} for a writable one. */
export interface Session {
  /** The op number of its registration. */
  readonly id: SessionId;
  readonly client: string;
  /** A client must show this to use the session. */
  readonly secret: SessionSecret;
  /** How it holds a ClientID; null for a session without one. */
  binding: Binding | null;
  idle: IdleNode;
  /** Replicated time of the last sign of life. */
  seenMs: number;
  /** How long it lives without one, or 0 for a session without a lease (coordination §2). It is set once. */
  leaseMs: number;
  /** Another process goes on with its ClientID. It lives only until nothing can count on its belongings any more. */
  continued: boolean;
  /** The op of the last change of a belonging that none of its own requests answers. */
  changed: Op;
  /** Those that it has not heard of, by op. The list is never changed in place. */
  records: readonly BelongingRecord[];
  /**
   * What belongs to it, by the op and path that name it. It follows from the tree, so no snapshot has it, and copies of
   * a session share it.
   */
  belongings: Map<string, Belonging> | null;
  window: ReplyWindow;
  /** The hold count at which the record and its window became this table's alone. */
  generation: number;
  windowGeneration: number;
}

/** What a session begins with: when it is registered, bound or restored. */
export type Inserted = Pick<
  Session,
  'id' | 'client' | 'secret' | 'binding' | 'seenMs' | 'leaseMs' | 'continued' | 'changed' | 'records' | 'window'
>;

/** With what every new session begins. */
export function fresh(): Pick<Session, 'leaseMs' | 'continued' | 'changed' | 'records' | 'window'> {
  return { leaseMs: 0, continued: false, changed: 0, records: [], window: new ReplyWindow(0) };
}

/** What to do with a request that has reached execution. */
export type Admission =
  | { readonly kind: 'execute'; readonly session: Session }
  | { readonly kind: 'kept'; readonly reply: Uint8Array }
  | { readonly kind: 'refused'; readonly error: ErrorInfo };

/** The result of a bind. */
export type Bind =
  | {
      readonly kind: 'bound';
      readonly session: Readonly<Session>;
      readonly continued: boolean;
      /** How many sessions were evicted to make room for it. */
      readonly evicted: number;
      /** The session before it, whose belongings must be given up (coordination §6); 0 if it had none. */
      readonly continues: SessionId;
    }
  /** `doubted`: the session whose holder must be asked whether it is alive; null when there is none to ask. */
  | { readonly kind: 'refused'; readonly error: ErrorInfo; readonly doubted: SessionId | null };

/** What a session counts for while it has not heard of a change. */
export function bytesOfRecord({ path, items }: BelongingRecord): number {
  return recordOverheadBytes + utf8Length(path) + itemOverheadBytes * items.length;
}

export function bytesOfRecords(records: readonly BelongingRecord[]): number {
  let bytes = 0;
  for (const record of records) bytes += bytesOfRecord(record);
  return bytes;
}

export function keyOf({ kind, id, path, item }: Belonging): string {
  return item === undefined ? `${kind}${id}${path}` : `${kind}${id}.${item}${path}`;
}

/** Locks are not taken from a living holder because another client wants its ClientID (coordination §2). */
export function leasedHolder({ id }: Session, identity: ClientIdentity, retryAfterMs: number): ErrorInfo {
  const text = `Client id ${identity.id} is held by session ${id}, which holds locks or other belongings until its lease ends`;
  return errorInfo('ClientIdHeld', text, { clientId: identity.id, session: id, alive: true, retryAfterMs });
}

/** What a session counts for without its replies. */
export function ownBytes({ client, binding }: Pick<Session, 'client' | 'binding'>): number {
  return sessionOverheadBytes + utf8Length(client) + (binding === null ? 0 : utf8Length(binding.identity.id) + 32);
}

/** Another operation already has this number, and its reply is no answer to this one. */
export function numberTaken(session: SessionId, request: RequestNumber): ErrorInfo {
  const text = `Request ${request} of session ${session} was sent before with another operation; this one needs a number of its own`;
  return errorInfo('BadArgument', text, { session, request });
}

export function refused(error: ErrorInfo): Admission {
  return { kind: 'refused', error };
}

export function windowExceeded(name: string, limit: number, actual: number): ErrorInfo {
  const message = `The session's window is full: ${name} is ${limit}, this needs ${actual}`;
  return errorInfo('WindowExceeded', message, { name, limit, actual });
}
