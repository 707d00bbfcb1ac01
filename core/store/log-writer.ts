/**
 * Group commit. Everything that waits when a batch becomes durable goes into the next batch, for all replicas of the
 * node, in one write that syncs. Batch s + 1 is written only when s is durable, and repeats the headers of s (protocol
 * §2).
 */

import { Writer, bytesFromHex } from '../base/bytes.ts';
import { crc32 } from '../base/crc32.ts';
import { invariant } from '../base/assert.ts';
import type { Disk, DiskError } from '../base/ports.ts';
import { encodeHead, flagEcho, flagOpening, headBytes, maxBatchBytes, sectorBytes, wholeSectors } from './format.ts';
import type { Segments } from './segments.ts';

/** Something that waits to be logged. */
export interface QueuedPart {
  /** At least as many bytes as {@link write} will write. */
  readonly size: number;
  /**
   * Applies the part to the state that manifests repeat, and writes it. A position in `body` plus `offset` gives the
   * place in the segment.
   */
  write(body: Writer, echo: Writer, segment: number, offset: number): void;
  done(): void;
}

/** Where a run of the node continues the log. */
export interface WriterStart {
  /** The number of the first batch to write. */
  readonly sequence: number;
  /** The place in the current segment. */
  readonly offset: number;
  /** What the last durable batch of the run before held, and how many batches back that is. */
  readonly echo: Uint8Array | null;
  readonly echoDistance: number;
}

/** What the floor needs to know of a durable batch. */
export interface WrittenBatch {
  readonly sequence: number;
  readonly segment: number;
  readonly opening: boolean;
}

export interface WriterHost {
  readonly now: () => number;
  readonly soon: ((work: () => void) => void) | null;
  readonly trailAfterMs: number;
  /** How many bytes {@link WriterHost.writeManifest} may take. */
  manifestSize(): number;
  writeManifest(body: Writer, echo: Writer, opening: boolean): void;
  roster(): number;
  /**
   * The first batch of a segment is about to be written. Returns false when the floor must first say that the segment
   * was begun (protocol §2, "Proof of the head"). `ready` is called once it does.
   */
  mayBegin(segment: number, ready: () => void): boolean;
  /** A batch is durable. `then` calls back the owners of its parts. */
  durable(batch: WrittenBatch, then: () => void): void;
  failed(error: DiskError): void;
  /** Called after every durable batch, once its callbacks have run. */
  settled(): void;
}

const zeros = new Uint8Array(sectorBytes);
/** One huge part may make the batch buffer this large. Then the buffer is dropped. */
const keptBufferBytes = 2 * maxBatchBytes;

export class LogWriter {
  readonly #disk: Disk;
  readonly #segments: Segments;
  readonly #host: WriterHost;
  readonly #seal: Uint8Array;
  #queue: QueuedPart[] = [];
  #queuedBytes = 0;
  #buffer = new Writer(256 * 1024);
  #echo = new Writer(16 * 1024);
  /** The echo of the last durable batch, for the next; null when there is none. */
  #lastEcho: Uint8Array | null;
  #echoDistance: number;
  #sequence: number;
  #offset: number;
  #opening = true;
  #started = false;
  #writing = false;
  #completing = false;
  #scheduled = false;
  #waitingForSegment = false;
  #stopped = false;
  /** The last batch had parts that no durable batch has repeated yet. */
  #untrailed = false;
  #durableAtMs = 0;
  #batches = 0;
  #writtenBytes = 0;
  #parts = 0;

  constructor(disk: Disk, segments: Segments, seal: string, from: WriterStart, host: WriterHost) {
    this.#disk = disk;
    this.#segments = segments;
    this.#host = host;
    this.#seal = bytesFromHex(seal)!;
    this.#sequence = from.sequence;
    this.#offset = from.offset;
    this.#lastEcho = from.echo;
    this.#echoDistance = from.echoDistance;
  }

  /** The number of the last batch. It is durable when the log is idle. */
  get lastSequence(): number {
    return this.#sequence - 1;
  }

  get idle(): boolean {
    return this.#queue.length === 0 && !this.#writing && !this.#opening;
  }

  /** A batch is on its way, or waits for a file. */
  get waits(): boolean {
    return this.#writing || this.#waitingForSegment;
  }

  stats(): { batches: number; writtenBytes: number; parts: number; queuedParts: number; queuedBytes: number } {
    return {
      batches: this.#batches,
      writtenBytes: this.#writtenBytes,
      parts: this.#parts,
      queuedParts: this.#queue.length,
      queuedBytes: this.#queuedBytes,
    };
  }

  /** The store's identity is durable, so batches may be written, the opening one first. */
  start(): void {
    this.#started = true;
    this.#pump();
  }

  /** Nothing is written any more, and the callbacks of what waits are never called. */
  stop(): void {
    this.#stopped = true;
    this.#queue = [];
  }

  add(part: QueuedPart): void {
    if (this.#stopped) return;
    this.#queue.push(part);
    this.#queuedBytes += part.size;
    if (this.#writing || this.#completing || this.#scheduled) return;
    if (this.#host.soon === null) this.#pump();
    else {
      this.#scheduled = true;
      this.#host.soon(() => {
        this.#scheduled = false;
        this.#pump();
      });
    }
  }

  /** The turn is over. What waits is written now, not at the end of the next turn. */
  flush(): void {
    if (this.#queue.length > 0) this.#pump();
  }

  /**
   * An idle log repeats its last headers in an empty batch. It does so soon, so that later damage can be told from a
   * torn write.
   */
  tick(now: number): void {
    if (this.#untrailed && now - this.#durableAtMs >= this.#host.trailAfterMs) this.#pump(true);
  }

  #pump(trail = false): void {
    if (!this.#started || this.#stopped || this.#writing || this.#completing || this.#waitingForSegment) return;
    if (this.#queue.length === 0 && !this.#opening && !trail) return;

    let count = 0;
    let size = 0;
    while (count < this.#queue.length && (count === 0 || size + this.#queue[count]!.size <= maxBatchBytes)) {
      size += this.#queue[count++]!.size;
    }
    const fixed = headBytes + (this.#lastEcho?.length ?? 0) + size;
    // Every segment begins with a manifest, so earlier segments are needed only for their entries.
    let manifest = this.#opening || this.#offset === 0;
    let segment = this.#segments.current;
    let needed = wholeSectors(fixed + (manifest ? this.#host.manifestSize() : 0));
    if (segment === null || this.#offset + needed > segment.size) {
      manifest = true;
      needed = wholeSectors(fixed + this.#host.manifestSize());
      segment = this.#segments.advance(needed, () => {
        this.#waitingForSegment = false;
        this.#pump(trail);
      });
      if (segment === null) {
        this.#waitingForSegment = true;
        return;
      }
      this.#offset = 0;
    }
    if (this.#offset === 0) {
      const ready = (): void => {
        this.#waitingForSegment = false;
        this.#pump(trail);
      };
      this.#waitingForSegment = !this.#host.mayBegin(segment.number, ready);
      if (this.#waitingForSegment) return;
    }
    const taken = count === this.#queue.length ? this.#queue : this.#queue.splice(0, count);
    if (taken === this.#queue) this.#queue = [];
    this.#queuedBytes -= size;
    this.#write(taken, manifest, segment.number, segment.name, segment.size);
    if (this.#offset > segment.size / 2) this.#segments.prepare();
  }

  #write(parts: QueuedPart[], manifest: boolean, segment: number, name: string, size: number): void {
    const out = this.#buffer;
    const echo = this.#echo;
    out.reset();
    echo.reset();
    out.raw(zeros.subarray(0, headBytes));
    if (this.#lastEcho !== null) out.raw(this.#lastEcho);
    const bodyAt = out.length;
    const roster = this.#host.roster();
    if (manifest) this.#host.writeManifest(out, echo, this.#opening);
    for (const part of parts) part.write(out, echo, segment, this.#offset);
    const bodyEnd = out.length;
    out.raw(zeros.subarray(0, wholeSectors(bodyEnd) - bodyEnd));
    const bytes = out.view();
    invariant(this.#offset + bytes.length <= size, 'a batch fits into its segment', {
      offset: this.#offset,
      bytes: bytes.length,
      size,
    });
    const oldest = this.#segments.oldestNeeded();
    encodeHead(
      {
        sequence: this.#sequence,
        segment,
        offset: this.#offset,
        flags: (this.#opening ? flagOpening : 0) | (this.#lastEcho === null ? 0 : flagEcho),
        echoDistance: this.#echoDistance,
        echoBytes: bodyAt - headBytes,
        echoCrc: crc32(bytes, 0, headBytes, bodyAt),
        bodyBytes: bodyEnd - bodyAt,
        bodyCrc: crc32(bytes, 0, bodyAt, bodyEnd),
        oldestSegment: oldest,
        roster,
      },
      this.#seal,
      bytes,
    );
    this.#lastEcho = echo.finish();
    this.#echoDistance = 1;
    this.#untrailed = manifest || parts.length > 0;
    const written: WrittenBatch = { sequence: this.#sequence++, segment, opening: this.#opening };
    this.#opening = false;
    this.#writing = true;
    const offset = this.#offset;
    this.#offset += bytes.length;
    this.#batches++;
    this.#parts += parts.length;
    this.#writtenBytes += bytes.length;
    this.#disk.write(name, offset, [bytes], true, (error) => {
      if (error === null) this.#host.durable(written, () => this.#completed(parts, oldest));
      else this.#host.failed(error);
    });
  }

  #completed(parts: readonly QueuedPart[], oldest: number): void {
    if (this.#stopped) return;
    this.#writing = false;
    this.#durableAtMs = this.#host.now();
    if (this.#buffer.view().length > keptBufferBytes) this.#buffer = new Writer(256 * 1024);
    // Everything that the callbacks hand over goes into one batch, whichever replica it is from.
    this.#completing = true;
    try {
      for (const part of parts) part.done();
    } finally {
      this.#completing = false;
    }
    this.#segments.removeBelow(oldest);
    this.#pump();
    this.#host.settled();
  }
}
