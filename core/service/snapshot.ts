/**
 * The encoded state of a namespace: a header, the sessions in the order of their ids, then the tree. Equal states give equal
 * bytes, whatever the path to them was (protocol §6). Records carry their length, so that chunks may end anywhere.
 */

import { Reader, Writer, concatBytes } from '../base/bytes.ts';
import { MalformedError } from '../base/errors.ts';
import type { TypeOf } from '../base/schema.ts';
import { struct, uint } from '../base/schema.ts';
import { serviceLimitsSchema } from './limits.ts';
import type { ServiceLimits } from './limits.ts';
import { ReplyWindow } from './reply-window.ts';
import type { Session } from './sessions.ts';
import { Sessions } from './sessions.ts';

export const snapshotFormat = 1;
/** "HNS": a namespace's state, so that another group's bytes are refused by name. */
const magic = 0x48_4e_53_00 + snapshotFormat;
/** A header or a session is never larger: a window is bounded far below, and a length that lies cannot make us allocate. */
const maxRecordBytes = 1024 * 1024 * 1024;
const maxClientBytes = 4096;

const headerSchema = struct({
  /** The last op that was applied, and the replicated clock there. */
  op: uint(),
  timestamp: uint(),
  limits: serviceLimitsSchema,
  sessions: uint(),
});
export type SnapshotHeader = TypeOf<typeof headerSchema>;

/** What a snapshot that is being written reads on from; the tree's own snapshot fits. */
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

/** Yields wherever a piece may end: after each session, and within one after each reply. */
function* writeRecords(
  writer: Writer,
  header: SnapshotHeader,
  sessions: readonly Readonly<Session>[],
): Generator<undefined, void> {
  const head = new Writer();
  headerSchema.encode(head, header);
  writer.u32(magic);
  writer.u32(head.length);
  writer.raw(head.view());
  yield;
  for (const session of sessions) {
    const { window } = session;
    head.reset();
    head.uint(session.id);
    head.text(session.client);
    head.uint(session.seenMs);
    head.uint(window.base);
    head.uint(window.count);
    // The window of a held session no longer changes, so its length can be told before its replies are written.
    writer.u32(head.length + 4 * window.count + window.bytes);
    writer.raw(head.view());
    for (let request = window.base; request < window.next; request++) {
      const reply = window.get(request);
      writer.u32(reply.length);
      writer.raw(reply);
      yield;
    }
    yield;
  }
}

/** Reads records from chunks that end anywhere, and gives back what is left of them for the tree. */
class ChunkReader {
  readonly #chunks: Iterator<Uint8Array>;
  #current: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(chunks: Iterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.iterator]();
  }

  take(count: number): Uint8Array {
    if (this.#current.length - this.#at >= count) {
      this.#at += count;
      return this.#current.subarray(this.#at - count, this.#at);
    }
    const parts: Uint8Array[] = [];
    let missing = count;
    while (missing > 0) {
      if (this.#at === this.#current.length) {
        const next = this.#chunks.next();
        if (next.done === true) throw new MalformedError(`snapshot ends ${missing} bytes too early`);
        this.#current = next.value;
        this.#at = 0;
        continue;
      }
      const part = this.#current.subarray(this.#at, this.#at + missing);
      this.#at += part.length;
      missing -= part.length;
      parts.push(part);
    }
    return concatBytes(parts);
  }

  record(): Reader {
    const length = new Reader(this.take(4)).u32();
    if (length > maxRecordBytes) throw new MalformedError(`snapshot has a record of ${length} bytes`);
    return new Reader(this.take(length));
  }

  *rest(): Generator<Uint8Array, void> {
    if (this.#at < this.#current.length) yield this.#current.subarray(this.#at);
    for (;;) {
      const next = this.#chunks.next();
      if (next.done === true) return;
      yield next.value;
    }
  }
}

export interface RestoredSessions {
  readonly header: SnapshotHeader;
  readonly limits: ServiceLimits;
  readonly sessions: Sessions;
  /** What follows the sessions: the tree's own snapshot. */
  readonly rest: Iterable<Uint8Array>;
}

/** @throws MalformedError when the bytes are no snapshot of this format. */
export function readSessions(chunks: Iterable<Uint8Array>): RestoredSessions {
  const source = new ChunkReader(chunks);
  const format = new Reader(source.take(4)).u32();
  if (format !== magic)
    throw new MalformedError(`snapshot has format ${format.toString(16)}, not ${magic.toString(16)}`);
  const headerReader = source.record();
  const header = headerSchema.decode(headerReader);
  headerReader.end();
  if (header.sessions > header.limits.maxSessions) throw new MalformedError('snapshot has sessions over their limit');
  const sessions = new Sessions(header.limits);
  let lastId = 0;
  for (let i = 0; i < header.sessions; i++) {
    lastId = readSession(source.record(), sessions, lastId, header.op);
  }
  return { header, limits: header.limits, sessions, rest: source.rest() };
}

function readSession(reader: Reader, sessions: Sessions, lastId: number, lastOp: number): number {
  const id = reader.uint();
  const client = reader.text();
  const seenMs = reader.uint();
  const base = reader.uint();
  const count = reader.uint();
  if (id <= lastId || id > lastOp || client.length > maxClientBytes) {
    throw new MalformedError(`snapshot has session ${id} where it cannot be`);
  }
  const window = new ReplyWindow(base);
  for (let i = 0; i < count; i++) {
    // A copy, so that a reply does not keep its whole chunk in memory.
    window.push(reader.raw(reader.u32()).slice());
  }
  reader.end();
  sessions.restore(id, client, seenMs, window);
  return id;
}
