/** The forms in which a session is told what became of its belongings (coordination §3). */

import type { Op } from '../base/ids.ts';
import type { TypeOf } from '../base/schema.ts';
import { list, nullable, oneOf, struct, uint } from '../base/schema.ts';
import { noticeKinds, noticeReasons } from '../tree/names.ts';
import { pathSchema } from '../tree/result.ts';

export const recordSchema = struct({
  /** The entry that did it. Of what is told about a claim, the highest op counts. */
  op: uint<Op>(),
  path: pathSchema,
  claim: uint<Op>(),
  kind: oneOf(...noticeKinds),
  /** The fencing token of what was granted or revoked; 0 for a wait that ended. */
  token: uint<Op>(),
  reason: nullable(oneOf(...noticeReasons)),
  /** Until when the room of a revoked hold stays taken, or granted items are given, by the replicated clock. */
  until: nullable(uint()),
  /** What a take was given: for each item its number, and how often it was taken. */
  items: list(uint(), 200),
});
/** A change of a belonging that none of the session's own requests answers. It is kept until the session has heard it. */
export interface BelongingRecord extends TypeOf<typeof recordSchema> {}

/** No session has more, because records count as belongings. */
const maxRecords = 4096;
export const recordsSchema = list(recordSchema, maxRecords);

/** The answer to one of the keep-alives that a primary put together. */
export const aliveSchema = struct({
  /** 0 for a session without a lease. */
  leaseMs: uint(),
  changes: recordsSchema,
});
