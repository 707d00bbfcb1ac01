/** A queue: values in the order in which they came, and jobs made of them (coordination §11). */

import { invariant } from '../../base/assert.ts';
import type { Writer } from '../../base/bytes.ts';
import type { ChunkReader } from '../../base/chunk-reader.ts';
import type { Op } from '../../base/ids.ts';
import { newNumbered } from '../btree.ts';
import type { SortedMap } from '../btree.ts';
import type { Stored } from '../stored.ts';
import { bytesOfClaim } from './claims.ts';
import { itemOverheadBytes, newHead, owns } from './head.ts';
import type { Contents, NodeHead, Owner } from './head.ts';
import {
  Jobs,
  bytesOfFirstPut,
  bytesOfItem,
  bytesOfNote,
  defaultSettings,
  itemOf,
  maxPriority,
  valueOf,
  waitingOf,
} from './jobs.ts';
import type {
  DeadItem,
  DelayedItem,
  FirstPut,
  Item,
  Job,
  NumberedItem,
  QueueSettings,
  Taker,
  Waiting,
} from './jobs.ts';
import { readJobs, readJobsHead, readWaiting, writeJobs, writeJobsHead, writeWaiting } from './jobs-encoding.ts';
import { Many } from './many.ts';

const noDead: readonly DeadItem[] = [];

/** Waiting items of priority 0 are the entries, by their ids. */
export class QueueNode extends Many<number, Waiting> {
  /** The id of the item that came last. */
  #last = 0;
  #jobs: Jobs | null = null;

  get type(): 'queue' {
    return 'queue';
  }

  static empty(name: string, op: Op): QueueNode {
    return new QueueNode(newHead(name, op), newNumbered(), 0);
  }

  /** Waiting items. */
  override get count(): number {
    return this.entries.size + (this.#jobs === null ? 0 : this.#jobs.urgentCount);
  }

  /** Jobs: a queue that has any is not removed. */
  override get held(): number {
    return this.#jobs?.taken.size ?? 0;
  }

  /** Jobs and takes that wait, and one more if the queue has a deadline of its own. */
  override get owned(): number {
    const jobs = this.#jobs;
    return jobs === null ? 0 : jobs.taken.size + jobs.line.size + Math.min(jobs.delayed.size + jobs.ends.size, 1);
  }

  /** When the first delayed item is ready, or the first id is forgotten. */
  get dueAt(): number | null {
    return this.#jobs?.dueAt ?? null;
  }

  /** The first put under an id. */
  firstPut(id: string): FirstPut | undefined {
    return this.#jobs?.firstPuts.get(id);
  }

  get firstPuts(): number {
    return this.#jobs?.firstPuts.size ?? 0;
  }

  /** The first put that is forgotten next. */
  nextForgotten(): FirstPut | null {
    const first = this.#jobs?.ends.minKey();
    return first === undefined ? null : this.#jobs!.firstPuts.get(this.#jobs!.ends.get(first)!)!;
  }

  /** From now on, another put under this id is a duplicate. */
  remembering(put: FirstPut, owner: Owner): this {
    const queue = this.#still(owner);
    const jobs = queue.#jobs!;
    invariant(jobs.firstPuts.set(put.id, put), 'an id has one first put');
    jobs.ends.set({ at: put.until, id: put.item }, put.id);
    queue.bytes += bytesOfFirstPut(put);
    return queue;
  }

  forgetting(put: FirstPut, owner: Owner): this {
    const queue = this.#still(owner);
    const jobs = queue.#jobs!;
    jobs.firstPuts.delete(put.id);
    invariant(jobs.ends.delete({ at: put.until, id: put.item }), 'an id that is known has an end');
    queue.bytes -= bytesOfFirstPut(put);
    return queue;
  }

  /** The delayed item that is ready first. */
  nextReady(): DelayedItem | null {
    const first = this.#jobs?.delayed.minKey();
    return first === undefined ? null : this.#jobs!.delayed.get(first)!;
  }

  /** The take behind this one, or the foremost for 0. */
  takerAfter(claim: Op): Taker | null {
    for (const taker of this.#jobs?.line.values(claim + 1) ?? []) return taker;
    return null;
  }

  /** Null while it was only pushed and popped. Callers only read it. */
  get jobs(): Jobs | null {
    return this.#jobs;
  }

  get settings(): QueueSettings {
    return this.#jobs?.settings ?? defaultSettings;
  }

  get delayed(): number {
    return this.#jobs?.delayed.size ?? 0;
  }

  get dead(): number {
    return this.#jobs?.dead.size ?? 0;
  }

  /** Takes that wait. */
  get takers(): number {
    return this.#jobs?.line.size ?? 0;
  }

  /** The item that is taken next. */
  first(): NumberedItem | null {
    for (const some of this.#jobs?.urgent ?? []) {
      const id = some?.minKey();
      if (id !== undefined) return { id, ...some!.get(id)! };
    }
    const id = this.entries.minKey();
    return id === undefined ? null : { id, ...itemOf(this.entries.get(id)!) };
  }

  front(): Stored | null {
    if (this.#jobs !== null) return this.first()?.value ?? null;
    const id = this.entries.minKey();
    return id === undefined ? null : valueOf(this.entries.get(id)!);
  }

  back(): Stored | null {
    const id = this.entries.maxKey();
    if (id !== undefined) return valueOf(this.entries.get(id)!);
    const urgent = this.#jobs?.urgent ?? [];
    for (let i = urgent.length - 1; i >= 0; i--) {
      const last = urgent[i]?.maxKey();
      if (last !== undefined) return urgent[i]!.get(last)!.value;
    }
    return null;
  }

  /** Values of waiting items from a position on. @param skip is told how many are passed one by one. */
  *waiting(from = 0, skip: (count: number) => boolean = () => true): Generator<Stored, void> {
    let left = from;
    for (const some of this.#jobs?.urgent ?? []) {
      if (some === undefined) continue;
      if (left >= some.size) {
        left -= some.size;
        continue;
      }
      if (left > 0 && !skip(left)) return;
      for (const { value } of some.values()) if (left-- <= 0) yield value;
      left = 0;
    }
    const first = this.entries.minKey();
    if (first === undefined || left >= this.entries.size) return;
    // Without gaps, a position is found at once.
    const dense = this.entries.maxKey()! - first + 1 === this.entries.size;
    if (!dense && left > 0 && !skip(left)) return;
    for (const item of this.entries.values(dense ? first + left : first)) {
      if (dense || left-- <= 0) yield valueOf(item);
    }
  }

  /** How many wait before this place, counted up to `most`. */
  before(id: number, priority: number, most: number): number {
    let count = 0;
    const urgent = this.#jobs?.urgent ?? [];
    for (let other = maxPriority; other > priority; other--) count += urgent[maxPriority - other]?.size ?? 0;
    const same: SortedMap<number, unknown> | undefined = priority === 0 ? this.entries : urgent[maxPriority - priority];
    for (const one of same?.keys() ?? []) {
      if (one >= id || count >= most) break;
      count++;
    }
    return count;
  }

  job(id: number): Job | undefined {
    return this.#jobs?.taken.get(id);
  }

  /** Jobs of one take. */
  jobsOf(is: (job: Job) => boolean): readonly Job[] {
    return [...(this.#jobs?.taken.values() ?? [])].filter(is);
  }

  pushed(value: Stored, op: Op, owner: Owner): this {
    const queue = this.writable(op, owner);
    queue.entries.set(++queue.#last, value);
    queue.bytes += value.length + itemOverheadBytes;
    return queue;
  }

  /** Adds an item that has its own priority, or waits only from `ready` on. */
  put(item: Item, ready: number | null, op: Op, owner: Owner): this {
    const queue = this.#working(op, owner);
    const id = ++queue.#last;
    queue.bytes += bytesOfItem(item);
    if (ready === null) queue.#wait({ ...item, id });
    else queue.#delay({ ...item, id, ready });
    return queue;
  }

  /** The id of the item that came last. */
  get last(): number {
    return this.#last;
  }

  /** Removes the front, which must exist. */
  popped(op: Op, owner: Owner): this {
    const queue = this.writable(op, owner);
    if (queue.#jobs !== null) {
      const item = queue.first();
      invariant(item !== null, 'only a queue with items is popped');
      queue.#unwait(item);
      queue.bytes -= bytesOfItem(item);
      return queue;
    }
    const id = queue.entries.minKey();
    invariant(id !== undefined, 'only a queue with items is popped');
    queue.bytes -= valueOf(queue.entries.get(id)!).length + itemOverheadBytes;
    queue.entries.delete(id);
    return queue;
  }

  #working(op: Op, owner: Owner): this {
    const queue = this.writable(op, owner);
    queue.#jobs ??= new Jobs();
    return queue;
  }

  #wait(item: NumberedItem): void {
    const { id, value, priority, attempts } = item;
    const isNew =
      priority === 0
        ? this.entries.set(id, waitingOf(item))
        : this.#jobs!.ofPriority(priority).set(id, { value, priority, attempts });
    invariant(isNew, 'an item is in one place');
  }

  #unwait({ id, priority }: NumberedItem): void {
    const waited = priority === 0 ? this.entries.delete(id) : this.#jobs!.ofPriority(priority).delete(id);
    invariant(waited, 'only an item that waits leaves those that wait');
  }

  #delay(item: DelayedItem): void {
    invariant(this.#jobs!.delayed.set({ at: item.ready, id: item.id }, item), 'an item is in one place');
    this.bytes += bytesOfNote(null);
  }

  #untake({ id, note }: Job): void {
    invariant(this.#jobs!.taken.delete(id), 'only a job comes back');
    this.bytes -= bytesOfNote(note);
  }

  /** Takes the first item. */
  taking(job: Job, op: Op, owner: Owner): this {
    const queue = this.#working(op, owner);
    queue.#unwait(job);
    invariant(queue.#jobs!.taken.set(job.id, job), 'an item is in one place');
    queue.bytes += bytesOfNote(job.note);
    return queue;
  }

  /** A job is done, and its item is gone. */
  acked(job: Job, op: Op, owner: Owner): this {
    const queue = this.#working(op, owner);
    queue.#untake(job);
    queue.bytes -= bytesOfItem(job);
    return queue;
  }

  /** The item of a job waits again, now or from `ready` on. */
  returned(job: Job, attempts: number, ready: number | null, op: Op, owner: Owner): this {
    const queue = this.#working(op, owner);
    const { id, value, priority } = job;
    queue.#untake(job);
    if (ready === null) queue.#wait({ id, value, priority, attempts });
    else queue.#delay({ id, value, priority, attempts, ready });
    return queue;
  }

  /** The item of a job is dead. Gives those that had to make room. */
  buried(
    job: Job,
    reason: string,
    since: number,
    op: Op,
    owner: Owner,
  ): { queue: QueueNode; dropped: readonly DeadItem[] } {
    const queue = this.#working(op, owner);
    const jobs = queue.#jobs!;
    queue.#untake(job);
    const { id, value, priority, attempts } = job;
    const grave = (jobs.graves.maxKey() ?? 0) + 1;
    invariant(jobs.dead.set(id, { id, value, priority, attempts, reason, since, grave }), 'an item is in one place');
    jobs.graves.set(grave, id);
    queue.bytes += bytesOfNote(reason);
    return { queue, dropped: queue.#dropOldest() };
  }

  #dropOldest(): readonly DeadItem[] {
    const jobs = this.#jobs!;
    if (jobs.dead.size <= jobs.settings.maxDead) return noDead;
    const dropped: DeadItem[] = [];
    while (jobs.dead.size > jobs.settings.maxDead) {
      const oldest = jobs.dead.get(jobs.graves.get(jobs.graves.minKey()!)!)!;
      this.#exhume(oldest);
      this.bytes -= bytesOfItem(oldest);
      jobs.dropped++;
      dropped.push(oldest);
    }
    return dropped;
  }

  #exhume({ id, grave, reason }: DeadItem): void {
    invariant(this.#jobs!.dead.delete(id) && this.#jobs!.graves.delete(grave), 'only a dead item leaves the dead');
    this.bytes -= bytesOfNote(reason);
  }

  /** A dead item waits again, as if it had never been taken. */
  retried(item: DeadItem, op: Op, owner: Owner): this {
    const queue = this.#working(op, owner);
    queue.#exhume(item);
    const { id, value, priority } = item;
    queue.#wait({ id, value, priority, attempts: 0 });
    return queue;
  }

  /** A dead item is gone. */
  dropping(item: DeadItem, op: Op, owner: Owner): this {
    const queue = this.#working(op, owner);
    queue.#exhume(item);
    queue.bytes -= bytesOfItem(item);
    return queue;
  }

  /** The time of a delayed item has come. */
  readied(item: DelayedItem, op: Op, owner: Owner): this {
    const queue = this.#working(op, owner);
    invariant(queue.#jobs!.delayed.delete({ at: item.ready, id: item.id }), 'only a delayed item becomes ready');
    queue.bytes -= bytesOfNote(null);
    queue.#wait(item);
    return queue;
  }

  /** The same job with another note, which is no change of its version. */
  noted(job: Job, note: string, owner: Owner): this {
    const queue = this.#still(owner);
    queue.#jobs!.taken.set(job.id, { ...job, note });
    queue.bytes += bytesOfNote(note) - bytesOfNote(job.note);
    return queue;
  }

  /** The same job with another deadline, which is no change of its version (coordination §9). */
  extended(job: Job, owner: Owner): this {
    const queue = this.#still(owner);
    queue.#jobs!.taken.set(job.id, job);
    return queue;
  }

  /** For what moves only a deadline, or shows how far a job is: the head stays as it is. */
  #still(owner: Owner): this {
    return owns(owner, this) ? this : (this.copied(this, owner) as this);
  }

  enqueued(taker: Taker, op: Op, owner: Owner): this {
    const queue = this.#working(op, owner);
    invariant(queue.#jobs!.line.set(taker.claim, taker), 'a place in a line belongs to one claim');
    queue.bytes += bytesOfClaim(taker);
    return queue;
  }

  /** Takes a take out of the line. */
  without(taker: Taker, op: Op, owner: Owner): this {
    const queue = this.#working(op, owner);
    invariant(queue.#jobs!.line.delete(taker.claim), 'only a claim in line leaves it');
    queue.bytes -= bytesOfClaim(taker);
    return queue;
  }

  configured(settings: QueueSettings, op: Op, owner: Owner): { queue: QueueNode; dropped: readonly DeadItem[] } {
    const queue = this.#working(op, owner);
    queue.#jobs!.settings = settings;
    return { queue, dropped: queue.#dropOldest() };
  }

  copied(head: NodeHead, owner: Owner): QueueNode {
    const queue = new QueueNode(head, this.entries.clone(), this.bytes, owner);
    queue.#last = this.#last;
    queue.#jobs = this.#jobs === null ? null : new Jobs(this.#jobs);
    return queue;
  }

  contents(): Contents {
    return { kind: 'pushed', values: this.waiting() };
  }

  override write(writer: Writer): void {
    writer.uint(this.#last);
    writer.uint(this.entries.size);
    writeJobsHead(writer, this.#jobs);
  }

  override *pieces(writer: Writer): Generator<undefined, void> {
    yield* writeWaiting(writer, this.entries);
    if (this.#jobs !== null) yield* writeJobs(writer, this.#jobs);
  }

  static restore(reader: ChunkReader, head: NodeHead): QueueNode {
    const last = reader.uint();
    const count = reader.uint();
    const jobsHead = readJobsHead(reader);
    const queue = new QueueNode(head, newNumbered(), 0);
    queue.#last = last;
    queue.bytes += readWaiting(reader, queue.entries, count, last);
    if (jobsHead === null) return queue;
    queue.#jobs = new Jobs();
    queue.bytes += readJobs(reader, queue.#jobs, jobsHead, (id) => id <= last && !queue.entries.has(id));
    return queue;
  }
}
