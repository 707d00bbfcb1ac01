/** How a snapshot has the items of a queue, wherever they are. Equal content gives equal bytes. */

import { compareText } from '../../base/bytes.ts';
import type { Writer } from '../../base/bytes.ts';
import type { ChunkReader } from '../../base/chunk-reader.ts';
import { MalformedError } from '../../base/errors.ts';
import type { SortedMap } from '../btree.ts';
import { store, writeStored } from '../stored.ts';
import { bytesOfClaim, readClaim, writeClaim } from './claims.ts';
import { maxEncodedValueBytes } from './head.ts';
import { bytesOfFirstPut, bytesOfItem, bytesOfNote, itemOf, maxPriority, valueOf, waitingOf } from './jobs.ts';
import type { Item, Jobs, NumberedItem, Waiting } from './jobs.ts';

/** No note and no reason is longer. */
const maxTextBytes = 64 * 1024;

function isPlain(waiting: Waiting): boolean {
  return typeof waiting === 'string' || waiting instanceof Uint8Array;
}

/** Yields after each item, where a piece of the snapshot may end. */
export function* writeWaiting(writer: Writer, entries: SortedMap<number, Waiting>): Generator<undefined, void> {
  let before = 0;
  for (const [id, waiting] of entries.entries()) {
    writer.uint((id - before) * 2 + (isPlain(waiting) ? 0 : 1));
    if (!isPlain(waiting)) writer.uint(itemOf(waiting).attempts);
    writeStored(writer, valueOf(waiting));
    before = id;
    yield;
  }
}

/** Returns the bytes of what it read. */
export function readWaiting(
  reader: ChunkReader,
  entries: SortedMap<number, Waiting>,
  count: number,
  last: number,
): number {
  let id = 0;
  let bytes = 0;
  for (let left = count; left > 0; left--) {
    const step = reader.uint();
    id += Math.floor(step / 2);
    const attempts = step % 2 === 0 ? 0 : reader.uint();
    if (step < 2 || id > last || (attempts === 0) !== (step % 2 === 0))
      throw new MalformedError('items of a queue are not in their order');
    const item = { value: store(reader.bytes(maxEncodedValueBytes)), priority: 0, attempts };
    entries.set(id, waitingOf(item));
    bytes += bytesOfItem(item);
  }
  return bytes;
}

/** How many of each there are. */
export interface JobsHead {
  readonly urgent: number;
  readonly delayed: number;
  readonly taken: number;
  readonly dead: number;
  readonly line: number;
  readonly firstPuts: number;
  readonly settings: Jobs['settings'];
  readonly dropped: number;
}

export function writeJobsHead(writer: Writer, jobs: Jobs | null): void {
  writer.u8(jobs === null ? 0 : 1);
  if (jobs === null) return;
  const { settings, dropped, delayed, taken, dead, line, firstPuts, urgentCount } = jobs;
  for (const count of [urgentCount, delayed.size, taken.size, dead.size, line.size, firstPuts.size]) writer.uint(count);
  writer.uint(settings.maxAttempts);
  writer.uint(settings.maxDead);
  writer.uint(dropped);
}

export function readJobsHead(reader: ChunkReader): JobsHead | null {
  const flag = reader.u8();
  if (flag > 1) throw new MalformedError('a queue has unknown flags');
  if (flag === 0) return null;
  return {
    urgent: reader.uint(),
    delayed: reader.uint(),
    taken: reader.uint(),
    dead: reader.uint(),
    line: reader.uint(),
    firstPuts: reader.uint(),
    settings: { maxAttempts: reader.uint(), maxDead: reader.uint() },
    dropped: reader.uint(),
  };
}

function writeItem(writer: Writer, id: number, { priority, attempts, value }: Item): void {
  writer.uint(id);
  writer.u8(priority);
  writer.uint(attempts);
  writeStored(writer, value);
}

/** Yields after each item. */
export function* writeJobs(writer: Writer, jobs: Jobs): Generator<undefined, void> {
  for (const some of jobs.urgent) {
    for (const [id, item] of some?.entries() ?? []) {
      writeItem(writer, id, item);
      yield;
    }
  }
  for (const item of jobs.delayed.values()) {
    writeItem(writer, item.id, item);
    writer.uint(item.ready);
    yield;
  }
  for (const job of jobs.taken.values()) {
    const { session, claim, request, receipt, since, until, shadow, note } = job;
    writeItem(writer, job.id, job);
    for (const number of [session, claim, request, receipt, since, until]) writer.uint(number);
    writer.u8((shadow ? 1 : 0) | (note === null ? 0 : 2));
    if (note !== null) writer.text(note);
    yield;
  }
  for (const id of jobs.graves.values()) {
    const item = jobs.dead.get(id)!;
    writeItem(writer, id, item);
    writer.text(item.reason);
    writer.uint(item.since);
    yield;
  }
  for (const taker of jobs.line.values()) {
    writeClaim(writer, taker);
    writer.uint(taker.visibilityMs);
    yield;
  }
  for (const { id, item, until } of jobs.firstPuts.values()) {
    writer.text(id);
    writer.uint(item);
    writer.uint(until);
    yield;
  }
}

function malformed(): MalformedError {
  return new MalformedError('jobs of a queue are not as they can be');
}

/** Returns the bytes of what it read. @param free whether an item may have this id. */
export function readJobs(reader: ChunkReader, jobs: Jobs, head: JobsHead, free: (id: number) => boolean): number {
  const seen = new Set<number>();
  let bytes = 0;
  const readItem = (least: number): NumberedItem => {
    const id = reader.uint();
    const priority = reader.u8();
    const item = { id, priority, attempts: reader.uint(), value: store(reader.bytes(maxEncodedValueBytes)) };
    if (id <= least || priority > maxPriority || seen.has(id) || !free(id)) throw malformed();
    seen.add(id);
    bytes += bytesOfItem(item);
    return item;
  };
  jobs.settings = head.settings;
  jobs.dropped = head.dropped;
  let before = 0;
  let priority = maxPriority;
  for (let left = head.urgent; left > 0; left--) {
    const { id, ...item } = readItem(0);
    if (item.priority === 0 || item.priority > priority || (item.priority === priority && id <= before))
      throw malformed();
    ({ priority } = item);
    before = id;
    jobs.ofPriority(priority).set(id, item);
  }
  let last = { at: 0, id: 0 };
  for (let left = head.delayed; left > 0; left--) {
    const item = { ...readItem(0), ready: reader.uint() };
    const { id, ready: at } = item;
    if (at < last.at || (at === last.at && id <= last.id)) throw malformed();
    last = { at, id };
    bytes += bytesOfNote(null);
    jobs.delayed.set(last, item);
  }
  before = 0;
  for (let left = head.taken; left > 0; left--) {
    const item = readItem(before);
    before = item.id;
    const session = reader.uint();
    const claim = reader.uint();
    const request = reader.uint();
    const receipt = reader.uint();
    const since = reader.uint();
    const until = reader.uint();
    const flags = reader.u8();
    if (flags > 3 || receipt < claim || session === 0) throw malformed();
    const note = (flags & 2) === 0 ? null : reader.text(maxTextBytes);
    bytes += bytesOfNote(note);
    const shadow = (flags & 1) !== 0;
    jobs.taken.set(item.id, { ...item, session, claim, request, receipt, since, until, shadow, note });
  }
  for (let grave = 1; grave <= head.dead; grave++) {
    const item = { ...readItem(0), reason: reader.text(maxTextBytes), since: reader.uint(), grave };
    bytes += bytesOfNote(item.reason);
    jobs.dead.set(item.id, item);
    jobs.graves.set(grave, item.id);
  }
  before = 0;
  for (let left = head.line; left > 0; left--) {
    const taker = { ...readClaim(reader), visibilityMs: reader.uint() };
    if (taker.claim <= before) throw malformed();
    before = taker.claim;
    bytes += bytesOfClaim(taker);
    jobs.line.set(taker.claim, taker);
  }
  let beforeId: string | null = null;
  for (let left = head.firstPuts; left > 0; left--) {
    const put = { id: reader.text(maxTextBytes), item: reader.uint(), until: reader.uint() };
    if (beforeId !== null && compareText(beforeId, put.id) >= 0) throw malformed();
    beforeId = put.id;
    bytes += bytesOfFirstPut(put);
    jobs.firstPuts.set(put.id, put);
    if (!jobs.ends.set({ at: put.until, id: put.item }, put.id)) throw malformed();
  }
  return bytes;
}
