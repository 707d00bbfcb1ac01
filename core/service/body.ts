/** The body of an entry: an operation of a session, or something that the group itself needs (protocol §7). */

import type { Op, SessionId } from '../base/ids.ts';
import type { TypeOf } from '../base/schema.ts';
import { secretSchema } from '../base/session-secret.ts';
import { hex, list, struct, text, uint, union } from '../base/schema.ts';
import { decodeWhole, encodeWhole } from '../base/whole.ts';
import { operationSchema } from '../tree/operation.ts';
import type { Operation } from '../tree/operation.ts';

/**
 * Who a client is, over all of its processes: an id that it alone has in its namespace, and which incarnation of it
 * this is. A process that continues an earlier one has the same incarnation. Any other process has drawn its own.
 */
/** A program gives 64 bytes at most. Its sessions of other leases have a ClientID each, which ends with the lease. */
export const clientIdentitySchema = struct({ id: text(72), incarnation: hex(16) });
export type ClientIdentity = TypeOf<typeof clientIdentitySchema>;

const bodyVariants = {
  operation: [1, { operation: operationSchema }],
  /**
   * Registers a session. Its id is the op number of this entry. `client` names its holder, for people. `secret`
   * identifies the holder from then on.
   */
  register: [2, { client: text(128), secret: secretSchema }],
  /** Ends a session that its holder no longer needs. */
  unregister: [3, { session: uint<SessionId>(), secret: secretSchema }],
  /**
   * Keep-alives of many sessions, which the primary puts together. Each has heard of every change of what belongs to it
   * up to `heard` (coordination §3).
   */
  keepAlive: [
    4,
    {
      sessions: list(struct({ session: uint<SessionId>(), secret: secretSchema, heard: uint<Op>() }), 65_536),
    },
  ],
  /** Expires every session that is due at the entry's timestamp. */
  expire: [5, {}],
  noop: [6, {}],
  /**
   * Registers a session for the one holder of a ClientID. `attempt` is drawn anew for each bind, and stays the same
   * when the bind is sent again. `previous` is the session that this very process had last under this identity, or 0.
   * It tells a process that was replaced by another from the process that replaced it.
   */
  bind: [
    7,
    {
      client: text(128),
      identity: clientIdentitySchema,
      attempt: uint(),
      previous: uint<SessionId>(),
      secret: secretSchema,
    },
  ],
} as const;
export const bodySchema = union(
  bodyVariants,
  // Nearly every body is an operation.
  { operation: (reader) => ({ kind: 'operation', operation: operationSchema.decode(reader) }) },
  { operation: (writer, { operation }) => operationSchema.encode(writer, operation) },
);
export type Body = TypeOf<typeof bodySchema>;

export function encodeBody(body: Body): Uint8Array {
  return encodeWhole(bodySchema, body);
}

export function encodeOperation(operation: Operation): Uint8Array {
  return encodeBody({ kind: 'operation', operation });
}

/** @throws {@link MalformedError} when the bytes are not exactly one body. */
export function decodeBody(bytes: Uint8Array): Body {
  return decodeWhole(bodySchema, bytes);
}
