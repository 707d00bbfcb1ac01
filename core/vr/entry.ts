/**
 * A log entry: its header, its opaque body, and its encoded form. The entry is encoded once. That form is logged, sent
 * and checksummed, and never made again (protocol §1). Entries form a chain: each names the checksum of the one before
 * it (protocol §2).
 */

import { Reader, Slab, Writer } from '../base/bytes.ts';
import { MalformedError } from '../base/errors.ts';
import type { Checksum, Epoch, Op, RequestNumber, SessionId, View } from '../base/ids.ts';
import type { Hash } from '../base/ports.ts';

/** The name and the place of an entry: all that is known of one whose record cannot be read. */
export interface EntryName {
  readonly op: Op;
  readonly checksum: Checksum;
  /** The checksum of the entry before it. For op 1, it is the group's genesis. */
  readonly parent: Checksum;
}

export interface Entry extends EntryName {
  readonly epoch: Epoch;
  readonly view: View;
  /** The primary's commit number when it prepared this entry. */
  readonly commit: Op;
  /** The replicated clock, in milliseconds (protocol §7, "Time"). */
  readonly timestamp: number;
  /** The session that asked; 0 for what the group itself proposes. */
  readonly session: SessionId;
  readonly request: RequestNumber;
  /** The lowest request number of the session whose answer the client has not received yet. */
  readonly answered: RequestNumber;
  readonly body: Uint8Array;
  /** The whole encoded entry: the checksum, then everything that the checksum covers. */
  readonly bytes: Uint8Array;
}

export type EntryFields = Omit<Entry, 'checksum' | 'bytes'>;

const formatVersion = 1;
const checksumSize = 16;

const noChecksum = '00'.repeat(checksumSize);
/** Every entry is encoded here and copied out once, at its exact size. */
const scratch = new Writer(64 * 1024);
/** Entries that are made together are also freed together. */
const slab = new Slab();

/**
 * Entries are mostly decoded in order. Then the parent of the next entry is this one, and needs no string of its own.
 */
let lastDecoded = noChecksum;

/** Encodes an entry, once for its whole life, and names it by its checksum. */
export function makeEntry(fields: EntryFields, hash: Hash): Entry {
  const { epoch, view, op, commit, parent, timestamp, session, request, answered } = fields;
  scratch.reset();
  scratch.hex(noChecksum);
  scratch.u8(formatVersion);
  scratch.uint(epoch);
  scratch.uint(view);
  scratch.uint(op);
  scratch.uint(commit);
  scratch.hex(parent);
  scratch.uint(timestamp);
  scratch.uint(session);
  scratch.uint(request);
  scratch.uint(answered);
  scratch.bytes(fields.body);
  const checksum = hash.digest(scratch.view().subarray(checksumSize));
  scratch.hexAt(0, checksum);
  const bytes = slab.copy(scratch.view());
  const body = bytes.subarray(bytes.length - fields.body.length);
  return { epoch, view, op, commit, parent, timestamp, session, request, answered, body, checksum, bytes };
}

/**
 * The entry in `bytes`, with its body as a view of them.
 * @throws {@link MalformedError} when they hold no entry, or not the one that the checksum says.
 */
export function decodeEntry(bytes: Uint8Array, hash: Hash): Entry {
  const checksum = hash.digest(bytes.subarray(checksumSize));
  const reader = new Reader(bytes);
  if (reader.hexLike(checksum) !== checksum) throw new MalformedError('entry does not match its checksum');
  const version = reader.u8();
  if (version !== formatVersion)
    throw new MalformedError(`entry has format ${version}, this release reads ${formatVersion}`);
  const epoch = reader.uint();
  const view = reader.uint();
  const op = reader.uint();
  const commit = reader.uint();
  const parent = reader.hexLike(lastDecoded);
  const timestamp = reader.uint();
  const session = reader.uint();
  const request = reader.uint();
  const answered = reader.uint();
  const body = reader.bytes();
  reader.end();
  lastDecoded = checksum;
  return { epoch, view, op, commit, parent, timestamp, session, request, answered, body, checksum, bytes };
}

export function nameOf(entry: EntryName): EntryName {
  return { op: entry.op, checksum: entry.checksum, parent: entry.parent };
}
