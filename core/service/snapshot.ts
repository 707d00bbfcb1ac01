/**
 * The encoded state of a namespace: a header, the sessions in the order of their ids, then the tree. Equal states give
 * equal bytes, however they came about (protocol §6). A chunk may end anywhere.
 */

import { Reader, Writer, equalBytes, utf8 } from '../base/bytes.ts';
import type { ChunkReader } from '../base/chunk-reader.ts';
import { MalformedError } from '../base/errors.ts';
import { hexFromBytes } from '../base/hex.ts';
import type { Op, SessionId } from '../base/ids.ts';
import type { TypeOf } from '../base/schema.ts';
import { bool, nullable, struct, uint } from '../base/schema.ts';
import { secretBytes, secretSchema } from '../base/session-secret.ts';
import { encodeWhole } from '../base/whole.ts';
import { clientIdentitySchema } from './body.ts';
import { serviceLimitsSchema } from './limits.ts';
import { ReplyWindow } from './reply-window.ts';
import type { Binding, Session } from './session.ts';
import type { BelongingRecord } from './told.ts';
import { recordsSchema } from './told.ts';
import { Sessions } from './sessions.ts';

const snapshotFormat = 4;
/** Lets us recognise and refuse the bytes of another kind of group. */
const magic = utf8('haret namespace');
const maxHeaderBytes = 4096;
const maxClientBytes = 128;
/** No reply is ever longer. The tree's `maxResultBytes` bounds a reply far below this. */
const maxReplyBytes = 1024 * 1024 * 1024;

const headerSchema = struct({
  /** The last op that was applied, and the replicated clock at that op. */
  op: uint<Op>(),
  timestamp: uint(),
  limits: serviceLimitsSchema,
  sessions: uint(),
});
const bindingSchema = nullable(
  struct({
    identity: clientIdentitySchema,
    attempt: uint(),
    continued: bool,
    doubtedMs: nullable(uint()),
  }),
);
const maxBindingBytes = 256;
const maxRecordsBytes = 16 * 1024 * 1024;
export type SnapshotHeader = TypeOf<typeof headerSchema>;

/** A snapshot that is being written reads from this. The tree's own snapshot has this shape. */
interface Pieces {
  next(bytes: number): Uint8Array | null;
}

export class ServiceSnapshot implements Pieces {
  readonly #writer = new Writer();
  readonly #records: Generator<undefined, void>;
  readonly #tree: Pieces;
  #recordsDone = false;

  constructor(header: Omit<SnapshotHeader, 'sessions'>, sessions: readonly Readonly<Session>[], tree: Pieces) {
    this.#records = writeRecords(this.#writer, { ...header, sessions: sessions.length }, sessions);
    this.#tree = tree;
  }

  /** The next piece, of about `bytes`; null at the end. */
  next(bytes: number): Uint8Array | null {
    if (!this.#recordsDone) {
      this.#writer.reset();
      while (this.#writer.length < bytes) {
        if (this.#records.next().done === true) {
          this.#recordsDone = true;
          break;
        }
      }
      if (this.#writer.length > 0) return this.#writer.finish();
    }
    return this.#tree.next(bytes);
  }
}

/** Yields wherever a piece may end: after each session, and after each reply of a session. */
function* writeRecords(
  writer: Writer,
  header: SnapshotHeader,
  sessions: readonly Readonly<Session>[],
): Generator<undefined, void> {
  const head = new Writer();
  headerSchema.encode(head, header);
  writer.raw(magic);
  writer.uint(snapshotFormat);
  writer.bytes(head.view());
  for (const session of sessions) {
    const { window } = session;
    writer.uint(session.id);
    writer.text(session.client);
    secretSchema.encode(writer, session.secret);
    writer.bytes(encodeWhole(bindingSchema, session.binding));
    writer.uint(session.seenMs);
    writer.uint(session.leaseMs);
    writer.u8(session.continued ? 1 : 0);
    writer.uint(session.changed);
    writer.bytes(encodeWhole(recordsSchema, session.records));
    writer.uint(window.base);
    writer.uint(window.count);
    for (let request = window.base; request < window.next; request++) {
      writer.uint(window.digest(request));
      writer.bytes(window.get(request));
      yield;
    }
    yield;
  }
}

export interface RestoredSessions {
  readonly header: SnapshotHeader;
  readonly sessions: Sessions;
}

/**
 * Reads the header and the sessions. `reader` is then at the tree.
 * @throws {@link MalformedError} when the bytes are not a snapshot of this format.
 */
export function readSessions(reader: ChunkReader): RestoredSessions {
  if (!equalBytes(reader.raw(magic.length), magic)) throw new MalformedError('is not a snapshot of a namespace');
  const format = reader.uint();
  if (format !== snapshotFormat) {
    throw new MalformedError(`snapshot has format ${format}, this release reads ${snapshotFormat}`);
  }
  const headerReader = new Reader(reader.bytes(maxHeaderBytes));
  const header = headerSchema.decode(headerReader);
  headerReader.end();
  if (header.sessions > header.limits.maxSessions)
    throw new MalformedError('snapshot has more sessions than its limit allows');
  const sessions = new Sessions(header.limits);
  let lastId: SessionId = 0;
  for (let i = 0; i < header.sessions; i++) lastId = readSession(reader, sessions, lastId, header);
  return { header, sessions };
}

function readBinding(reader: ChunkReader): Binding | null {
  const bytes = new Reader(reader.bytes(maxBindingBytes));
  const binding = bindingSchema.decode(bytes);
  bytes.end();
  return binding;
}

function readRecords(reader: ChunkReader): readonly BelongingRecord[] {
  const bytes = new Reader(reader.bytes(maxRecordsBytes));
  const records = recordsSchema.decode(bytes);
  bytes.end();
  return records;
}

function readSession(reader: ChunkReader, sessions: Sessions, lastId: SessionId, header: SnapshotHeader): SessionId {
  const id = reader.uint();
  const client = reader.text(maxClientBytes);
  const secret = hexFromBytes(reader.raw(secretBytes));
  const binding = readBinding(reader);
  const seenMs = reader.uint();
  const leaseMs = reader.uint();
  const continued = reader.u8() === 1;
  const changed = reader.uint();
  const records = readRecords(reader);
  const base = reader.uint();
  const count = reader.uint();
  if (id <= lastId || id > header.op || seenMs > header.timestamp || count > header.limits.maxWindow) {
    throw new MalformedError(`snapshot has an invalid session ${id}`);
  }
  const window = new ReplyWindow(base);
  // Copied, so that a reply does not keep its whole chunk in memory.
  for (let i = 0; i < count; i++) {
    const digest = reader.uint();
    window.push(reader.bytes(maxReplyBytes).slice(), digest);
  }
  sessions.restore({ id, client, secret, binding, seenMs, leaseMs, continued, changed, records, window });
  return id;
}
