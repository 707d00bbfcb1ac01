/**
 * Copies what an idle namespace still needs of the oldest segment forward, so that a few entries do not keep every
 * later segment. Entries are written again only where they are changes.
 */

import type { Writer } from '../base/bytes.ts';
import type { Op } from '../base/ids.ts';
import type { Log } from '../base/ports.ts';
import type { Entry } from '../vr/entry.ts';
import type { QueuedPart } from './log-writer.ts';
import { writeCopy } from './parts.ts';
import type { ReplicaLog } from './replica-log.ts';
import type { Segment, Segments } from './segments.ts';

/** Bytes copied at once. It is small, so that a client's batch that comes next does not wait long. */
const copyBytes = 256 * 1024;
/** With this many sealed segments or more, copying is considered. */
const minSealed = 2;

export class Compaction {
  readonly #segments: Segments;
  readonly #log: Log;
  readonly #read: (replica: ReplicaLog, op: Op) => Entry | null;
  readonly #add: (part: QueuedPart) => void;
  #copying = false;
  /** A segment with an entry that cannot be read. It stays until the replica has repaired the entry. */
  #stuck = 0;
  #copied = 0;

  constructor(
    segments: Segments,
    log: Log,
    read: (replica: ReplicaLog, op: Op) => Entry | null,
    add: (part: QueuedPart) => void,
  ) {
    this.#segments = segments;
    this.#log = log;
    this.#read = read;
    this.#add = add;
  }

  get copiedEntries(): number {
    return this.#copied;
  }

  /**
   * Copies the next piece when the log holds more than twice what is needed, and little of that is in the oldest
   * segment.
   */
  consider(replicas: Iterable<ReplicaLog>): void {
    if (this.#copying) return;
    const sealed = this.#segments.sealed();
    const oldest = sealed[0];
    if (oldest === undefined || sealed.length < minSealed || oldest.number === this.#stuck) return;
    if (oldest.liveEntries === 0 || oldest.liveBytes > oldest.size / 2) return;
    let live = 0;
    let size = 0;
    for (const segment of sealed) {
      live += segment.liveBytes;
      size += segment.size;
    }
    if (live > size / 2) return;
    for (const replica of replicas) if (this.#copy(replica, oldest)) return;
    this.#stuck = oldest.number;
  }

  /**
   * Queues a copy of up to {@link copyBytes} of what `replica` has in `segment`. Returns false when there is nothing to
   * copy.
   */
  #copy(replica: ReplicaLog, segment: Segment): boolean {
    const { index, identity } = replica;
    const entries: Entry[] = [];
    let bytes = 0;
    for (let op = index.first; op <= index.head && bytes < copyBytes; op++) {
      if (index.segmentOf(op) !== segment.number) continue;
      const entry = this.#read(replica, op);
      if (entry === null) {
        this.#log.write(
          'error',
          'an entry of the log cannot be read; its segment is kept until the entry is repaired',
          {
            namespace: identity.namespace,
            replica: identity.replica,
            op,
          },
        );
        this.#stuck = segment.number;
        continue;
      }
      entries.push(entry);
      bytes += entry.bytes.length + 16;
    }
    if (entries.length === 0) return false;
    this.#copying = true;
    this.#add({
      size: bytes + 160,
      write: (body: Writer, echo: Writer, into: number, offset: number) => {
        // Entries that were dropped or replaced since we read them are no longer in that segment.
        const still = entries.filter((e) => index.holds(e.op) && index.segmentOf(e.op) === segment.number);
        if (replica.removed || still.length === 0) return;
        writeCopy(body, echo, identity.namespace, identity.replica, still, (entry, at) => {
          replica.place(entry.op, into, offset + at, entry.bytes.length);
        });
        this.#copied += still.length;
      },
      done: () => {
        this.#copying = false;
      },
    });
    return true;
  }
}
