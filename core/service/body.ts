/** What an entry's body says: an operation of a session, or something that the group itself needs (protocol §7). */

import type { TypeOf } from '../base/schema.ts';
import { secretSchema } from '../base/session-secret.ts';
import { hex, list, struct, text, uint, union } from '../base/schema.ts';
import { decodeWhole, encodeWhole } from '../base/whole.ts';
import { operationSchema } from '../tree/operation.ts';
import type { Operation } from '../tree/operation.ts';

/**
 * Who a client is, for good: an id that it has alone in its namespace, and which of its lives this is. Whoever goes on where an earlier
 * process ended has the same incarnation; any other has drawn one of its own.
 */
export const clientIdentitySchema = struct({ id: text(64), incarnation: hex(16) });
export type ClientIdentity = TypeOf<typeof clientIdentitySchema>;

const bodyVariants = {
  operation: [1, { operation: operationSchema }],
  /**
   * Registers a session, whose id is the op number of this entry. `client` names its holder, for people; by `secret` its holder is known
   * from then on.
   */
  register: [2, { client: text(128), secret: secretSchema }],
  /** Ends a session that its holder has no more use for. */
  unregister: [3, { session: uint(), secret: secretSchema }],
  /** Keep-alives of many sessions, folded together by the primary. */
  keepAlive: [4, { sessions: list(struct({ session: uint(), secret: secretSchema }), 65_536) }],
  /** Expires whatever is due at the entry's timestamp. */
  expire: [5, {}],
  noop: [6, {}],
  /**
   * Registers a session for the one holder of a ClientID. `attempt` is drawn anew for each claim and stays the same when that is sent again.
   * `previous` is the session that this very process had last under this identity, 0 if none: so a process in whose place another one has
   * come is told from one that comes in another's place.
   */
  claim: [
    7,
    { client: text(128), identity: clientIdentitySchema, attempt: uint(), previous: uint(), secret: secretSchema },
  ],
} as const;
export const bodySchema = union(
  bodyVariants,
  // Nearly every body is one.
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

/** @throws MalformedError on bytes that are not one body, whole. */
export function decodeBody(bytes: Uint8Array): Body {
  return decodeWhole(bodySchema, bytes);
}
