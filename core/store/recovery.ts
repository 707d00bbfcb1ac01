/**
 * What the log says at start (protocol §2). A bad last batch was torn by a crash and was never acknowledged, so it is
 * cut off. A bad batch below a valid one was durable: the echo in the next batch names what it held. If batches are
 * lost and nothing repeats them, every replica that they may have concerned cannot prove its head, until the turn in a
 * later part or manifest shows that none of them belonged to it.
 *
 * A log whose end is missing looks as if that end had never been written. The floor, which the store keeps outside the
 * log, tells the difference (floor.ts). One case neither of them shows: the last batches since the floor was written
 * are gone without a trace, including their heads. The empty batch that follows an idle log makes it two faults, next
 * to each other at the very end.
 */

import { bytesFromHex } from '../base/bytes.ts';
import { MalformedError } from '../base/errors.ts';
import type { Disk, Hash, Log } from '../base/ports.ts';
import { noView } from '../vr/configuration.ts';
import type { Place } from './entry-index.ts';
import type { FloorState } from './floor.ts';
import { flagEcho, flagOpening, lossJump } from './format.ts';
import type { ChangePart, CopyPart, Part, PartEntry, ReplicaState } from './parts.ts';
import { echoOf, entryIn, maxDoubt, readParts } from './parts.ts';
import type { LogPosition, Recovered } from './recovered.ts';
import { replicaKey } from './recovered.ts';
import { ReplicaLog, unprovenTurns } from './replica-log.ts';
import type { FoundBatch, SegmentFile } from './scan.ts';
import { scanSegment } from './scan.ts';
import { endsBelow, foreignSegments, holeBetween, listSegments, ownSegments, tookNone } from './segment-files.ts';
import type { Segments } from './segments.ts';

export class Recovery {
  readonly #disk: Disk;
  readonly #hash: Hash;
  readonly #log: Log;
  readonly #segments: Segments;
  readonly #replicas = new Map<string, ReplicaLog>();
  #record: Uint8Array | null = null;
  #roster = 0;
  #rosterProven = true;
  /**
   * False when the run that wrote the count began in doubt. Its count lacks what it never knew of, and so proves
   * nothing.
   */
  #rosterCounted = true;
  #lastSequence = 0;
  /** The lowest segment that is still needed, as the last batch found says. */
  #oldest = 0;
  /** The last batch found, if its body was bad. */
  #bad: FoundBatch | null = null;
  #seen = false;
  /** The end of the last batch found, and where a bad batch at the end begins. */
  #end: LogPosition | null = null;
  #tornAt: LogPosition | null = null;
  /** Whole entries of the corrupt batch that is being restored, by checksum. */
  readonly #salvaged = new Map<string, Place>();
  /** The body of the last valid batch, its number, and its segment. */
  #lastBody: Uint8Array | null = null;
  #lastValid = 0;
  #validSegment = 0;
  /** Every batch up to this number is accounted for: read, restored from an echo, or given up as lost. */
  #known = 0;
  #lost = 0;
  #named = 0;
  /** An opening batch follows batches that are not there: they were, when it judged what was before it. */
  #skipped = false;

  constructor(disk: Disk, hash: Hash, log: Log, segments: Segments) {
    this.#disk = disk;
    this.#hash = hash;
    this.#log = log;
    this.#segments = segments;
  }

  /** @param floor how far the log had got; null when the floor cannot be read. */
  run(seal: string, floor: FloorState | null): Recovered {
    const found = listSegments(this.#disk);
    const sealBytes = bytesFromHex(seal)!;
    const used = new Set<string>();
    let damaged = false;
    for (const file of found) {
      const { number, name, size } = file;
      if (this.#segments.get(number) === undefined) this.#segments.add(number, name, size);
      const { unreadable } = scanSegment(this.#disk, file, sealBytes, this.#lastSequence, (batch) => {
        used.add(name);
        // When two files have one number, the one with batches is ours.
        if (this.#segments.get(number)?.name !== name) this.#segments.add(number, name, size);
        if (batch.body === null) this.#tornAt ??= { segment: number, offset: batch.head.offset };
        else this.#tornAt = null;
        this.#found(batch);
        this.#end = { segment: number, offset: batch.end };
      });
      if (unreadable > 0) {
        damaged = true;
        this.#log.write('error', 'sectors of the log cannot be read', { file: name, sectors: unreadable });
      }
    }
    // A file was cut or a number is missing, and nothing valid is above it. What was there may have been acknowledged.
    const endSegment = this.#end?.segment ?? 0;
    const begun = Math.max(floor?.begun ?? 0, endSegment);
    const whole = this.#lost + this.#named === 0 && !this.#skipped ? endSegment : 0;
    const foreign = foreignSegments(this.#disk, found, seal);
    if (foreign.size > 0 && used.size === 0) {
      const text =
        'segments of the log were written by another store: the file "store" of this directory belongs to another node, or the segments do; remove nothing, and put the right files back';
      this.#log.write('error', text, { files: [...foreign].join(' ') });
    }
    const files = ownSegments(
      found,
      { used, foreign, oldest: this.#oldest, begun, whole, floor },
      this.#segments,
      this.#log,
    );
    for (const file of files) {
      if (file.actual >= file.size) continue;
      damaged = true;
      this.#log.write('error', 'a segment of the log is shorter than it was made: somebody or something cut it', {
        file: file.name,
        bytes: file.actual,
        expected: file.size,
      });
      if (file.number >= endSegment) this.#loss('the tail of the log is cut off');
    }
    if (this.#gaps(files, floor, endSegment, whole)) damaged = true;
    this.#compare(files, floor, endSegment);
    if (this.#bad !== null && this.#lost + this.#named > 0) damaged = true;
    if (this.#bad !== null) {
      this.#log.write(
        'info',
        'the last batch of the log was torn by a crash and is cut off: it was never acknowledged',
        { batch: this.#bad.head.sequence },
      );
    }
    // The floor says that no replica was ever made here, so none is missing.
    if (floor !== null && !floor.peopled && this.#replicas.size === 0) this.#rosterProven = true;
    for (const replica of this.#replicas.values()) this.#conclude(replica);
    const resume = this.#tornAt ?? this.#end;
    const last = this.#lost === 0 ? this.#lastSequence : Math.max(this.#lastSequence, floor?.reached ?? 0) + lossJump;
    return {
      replicas: this.#replicas,
      record: this.#record,
      roster: this.#rosterProven ? this.#roster : this.#roster + unprovenTurns,
      rosterProven: this.#rosterProven,
      sequence: last + 1,
      echo: this.#lastBody === null ? null : echoOf(this.#lastBody, this.#hash),
      echoDistance: last + 1 - this.#lastValid,
      // After damage we write nothing over: another start must be able to come to the same conclusions.
      resumeAt: damaged || this.#lost + this.#named > 0 ? null : resume,
      endSegment,
      durable: { segment: this.#validSegment, sequence: this.#lastValid },
      lost: this.#lost > 0,
      foreign: foreign.size > 0 && used.size === 0,
    };
  }

  /**
   * Looks for missing files below others. A file above all segments that were begun had been made ahead, and held
   * nothing. A number that is missing between consecutive batches belonged to a file that was never ours.
   */
  #gaps(files: readonly SegmentFile[], floor: FloorState | null, endSegment: number, whole: number): boolean {
    let gaps = 0;
    const missing = (number: number, facts: Readonly<Record<string, unknown>>): boolean => {
      if (tookNone(floor, number) || (floor !== null && number > Math.max(floor.begun, endSegment))) return false;
      this.#log.write('error', 'a segment of the log is missing: somebody or something removed it', facts);
      gaps++;
      return true;
    };
    const first = files[0]?.number ?? 0;
    if (first > this.#oldest && this.#oldest > 0) {
      const facts = { before: files[0]!.name };
      // The batches that are missing at the end may have let go of what is missing at the beginning.
      if (!endsBelow(floor, files, endSegment)) missing(this.#oldest, facts);
      else {
        gaps++;
        const text =
          'the oldest segments that the rest of the log needs are not there: this node may have dropped them itself, as the missing end of the log may say';
        this.#log.write('warn', text, facts);
      }
    }
    for (let i = 1; i < files.length; i++) {
      const [before, after] = [files[i - 1]!, files[i]!];
      if (after.number === before.number + 1 || after.number <= whole) continue;
      const lost = missing(before.number + 1, { after: before.name, before: after.name });
      if (lost && before.number >= endSegment) this.#loss('the last segment of the log is missing');
    }
    return gaps > 0;
  }

  /** Compares what was found with the floor. A log that ends below the floor has lost its end, or all of it. */
  #compare(files: readonly SegmentFile[], floor: FloorState | null, endSegment: number): void {
    if (floor === null) {
      return this.#loss(
        'the file "floor" is missing or damaged in both of its copies, and nothing else says how far the log had got',
      );
    }
    const facts = { floor: floor.reached, segment: floor.begun };
    if (endSegment === 0 && floor.confirmed > 0) this.#loss('the log is gone', 0, facts);
    else if (endsBelow(floor, files, endSegment)) {
      this.#loss('the newest segments of the log are missing or empty', this.#lastSequence, facts);
    } else if (this.#known < floor.reached) this.#loss('the end of the log is missing', this.#lastSequence, facts);
  }

  #found(batch: FoundBatch): void {
    const { head } = batch;
    const repeated = head.sequence - head.echoDistance;
    const opens = (head.flags & flagOpening) !== 0;
    // The run that wrote an opening batch judged everything before it: whatever follows the batch that it repeats was
    // torn. So an opening batch that was torn on top of a torn one, any number of times, hides nothing.
    if (opens && this.#bad !== null && this.#bad.head.sequence > repeated) this.#bad = null;
    // Its manifest says what everything before it was. Its echo says what rotted since.
    const judged = opens && batch.body !== null;
    if (!this.#seen) {
      // Every segment begins with a manifest. If that batch is bad, the next one repeats it.
      if (!judged && head.offset > 0 && head.sequence > 1) {
        this.#loss('the beginning of the log is missing', head.sequence);
        this.#restore(batch);
      }
    } else if (repeated !== this.#known) {
      const linked = this.#bad === null ? repeated === this.#known + 1 : this.#bad.head.sequence === repeated;
      if (judged) {
        if (linked && batch.echo !== null) this.#restore(batch);
        else if (repeated > this.#known) this.#skipped = true;
      } else {
        if (!linked) this.#loss(holeBetween(this.#segments, this.#end?.segment ?? 0, head.segment), head.sequence);
        this.#restore(batch);
      }
    }
    this.#seen = true;
    this.#known = repeated;
    this.#lastSequence = head.sequence;
    this.#oldest = head.oldestSegment;
    this.#bad = batch.body === null ? batch : null;
    if (!this.#rosterProven && this.#rosterCounted && head.roster === this.#roster) this.#rosterProven = true;
    if (batch.body !== null) {
      this.#lastBody = batch.body;
      this.#lastValid = head.sequence;
      this.#validSegment = head.segment;
      this.#known = head.sequence;
      this.#apply(batch.body, false, head.segment, batch.bodyOffset);
    }
  }

  /** Restores what the batch before `batch` held, from the echo in `batch`. */
  #restore(batch: FoundBatch): void {
    const repeated = batch.head.sequence - batch.head.echoDistance;
    if ((batch.head.flags & flagEcho) === 0 || batch.echo === null) {
      this.#loss('a batch of the log is damaged, and so is what the next one repeats of it', repeated);
      return;
    }
    this.#named++;
    this.#log.write(
      'warn',
      'a batch of the log is damaged; what it held is known by name and is fetched from the other nodes',
      { batch: repeated },
    );
    if (this.#bad !== null) this.#salvage(this.#bad);
    this.#apply(batch.echo, true, 0, 0);
    this.#salvaged.clear();
    this.#bad = null;
  }

  /** Finds the entries of a corrupt batch that are still whole. Each proves itself by its checksum. */
  #salvage(bad: FoundBatch): void {
    const { wreck, bodyOffset, head } = bad;
    if (wreck === null) return;
    try {
      readParts(wreck, false, (part) => {
        if (part.kind !== 'change' && part.kind !== 'copy') return;
        for (const { op, at, length } of part.entries) {
          const entry = entryIn(wreck.subarray(at, at + length), this.#hash);
          if (entry?.op !== op) continue;
          this.#salvaged.set(entry.checksum, { segment: head.segment, offset: bodyOffset + at, length });
        }
      });
    } catch (error) {
      // The damage is in what holds the entries together, so we cannot find the entries after it.
      if (!(error instanceof MalformedError)) throw error;
    }
  }

  #loss(reason: string, batch = this.#lastSequence, facts: Readonly<Record<string, unknown>> = {}): void {
    this.#lost++;
    this.#bad = null;
    const text = `${reason}: it may have held what was acknowledged, so this node counts none of it until the other nodes have confirmed it`;
    this.#log.write('error', text, { batch, ...facts });
    this.#rosterProven = false;
    for (const replica of this.#replicas.values()) {
      if (!replica.doubtful) replica.suspicion = reason;
      replica.doubtful = true;
    }
  }

  #apply(bytes: Uint8Array, named: boolean, segment: number, offset: number): void {
    try {
      readParts(bytes, named, (part) => this.#part(part, segment, offset));
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.#loss(`a batch of the log has a valid CRC but cannot be understood (${error.message})`);
    }
  }

  #part(part: Part, segment: number, offset: number): void {
    switch (part.kind) {
      case 'change':
        return this.#change(part, segment, offset);
      case 'copy':
        return this.#copy(part, segment, offset);
      case 'create': {
        const { identity } = part.state;
        const key = replicaKey(identity.namespace, identity.replica);
        this.#roster++;
        this.#forget(key);
        this.#replicas.set(key, new ReplicaLog(part.state, this.#segments.pin));
        return;
      }
      case 'remove':
        this.#roster++;
        this.#forget(replicaKey(part.namespace, part.replica));
        return;
      case 'node':
        this.#record = part.record;
        return;
      case 'manifest':
        this.#record = part.record;
        this.#roster = part.roster;
        this.#rosterProven = part.rosterProven;
        this.#rosterCounted = part.rosterProven;
        this.#manifest(part.replicas, part.opening);
        return;
    }
  }

  #forget(key: string): void {
    const replica = this.#replicas.get(key);
    replica?.index.reset(1);
    this.#replicas.delete(key);
  }

  /** A manifest is the truth about everything except where the entries are. */
  #manifest(states: readonly ReplicaState[], opening: boolean): void {
    if (opening) {
      this.#lost = 0;
      this.#named = 0;
    }
    const named = new Set<string>();
    for (const state of states) {
      const key = replicaKey(state.identity.namespace, state.identity.replica);
      named.add(key);
      const known = this.#replicas.get(key);
      const replica = new ReplicaLog({ ...state, first: state.first, head: state.first - 1 }, this.#segments.pin);
      // Parts were lost when the turns differ. Then we trust the places of ops that the lost parts may have replaced
      // only if the chain of checksums confirms them at the end. A run that opened after such a loss says that the head
      // is not proven. If it says that it is, the parts were lost later.
      const judged = opening && !state.headProven;
      const intact =
        known === undefined || known.turn === state.turn || (judged && state.turn === known.turn + unprovenTurns);
      replica.lostParts = !intact || (!judged && known?.lostParts === true);
      replica.lostOnce = known?.lostParts === true || known?.lostOnce === true;
      replica.index.fit(state.first, state.head);
      if (known !== undefined) {
        for (let op = Math.max(state.first, known.index.first); op <= Math.min(state.head, known.index.head); op++) {
          const { segment, offset, length } = known.index.place(op);
          if (segment !== 0 && !replica.corrupt.has(op)) replica.index.set(op, segment, offset, length);
        }
        // The manifest knows an entry that rotted later as readable. Only the echoes say that just its name is left.
        for (const name of known.corrupt.values()) {
          if (replica.index.holds(name.op) && replica.index.segmentOf(name.op) === 0)
            replica.corrupt.set(name.op, name);
        }
        known.index.reset(1);
      }
      this.#replicas.set(key, replica);
    }
    for (const key of [...this.#replicas.keys()]) if (!named.has(key)) this.#forget(key);
  }

  #change(part: ChangePart, segment: number, offset: number): void {
    const replica = this.#replicas.get(replicaKey(part.namespace, part.replica));
    if (replica === undefined) {
      this.#log.write('error', 'the log names a replica, but the batch that made it was lost', {
        namespace: part.namespace,
        replica: part.replica,
      });
      this.#rosterProven = false;
      return;
    }
    if (part.turn !== replica.turn + 1) replica.lostParts = true;
    replica.doubtful = false;
    replica.begin(part);
    for (const entry of part.entries) {
      if (entry.op > replica.index.head + 1) {
        // The entries below were in a lost part.
        replica.lostParts = true;
        replica.index.fit(replica.index.first, entry.op - 1);
      }
      if (entry.op >= replica.index.first) this.#place(replica, entry, segment, offset);
    }
    replica.finish(part.shortenTo);
  }

  #copy(part: CopyPart, segment: number, offset: number): void {
    const replica = this.#replicas.get(replicaKey(part.namespace, part.replica));
    if (replica === undefined) return;
    for (const entry of part.entries) {
      if (!replica.index.holds(entry.op)) continue;
      // If a copy cannot be read, the original is just as good while it is there.
      if (entry.name !== null && replica.index.segmentOf(entry.op) !== 0) continue;
      this.#place(replica, entry, segment, offset);
    }
  }

  #place(replica: ReplicaLog, entry: PartEntry, segment: number, offset: number): void {
    if (entry.name === null) {
      replica.place(entry.op, segment, offset + entry.at, entry.length);
      return;
    }
    const saved = this.#salvaged.get(entry.name.checksum);
    if (saved === undefined) replica.placeUnreadable(entry.name);
    else replica.place(entry.op, saved.segment, saved.offset, saved.length);
  }

  /** Ends recovery for one replica: each op of its log is readable or known by name, or its head is unproven. */
  #conclude(replica: ReplicaLog): void {
    const { index } = replica;
    const checkpointOp = replica.checkpoint?.op ?? 0;
    // Ops lost below the checkpoint are not needed. The log then begins above it.
    let lowestWhole = index.first;
    for (let op = index.first; op <= index.head; op++) {
      if (index.segmentOf(op) === 0 && !replica.corrupt.has(op) && op <= checkpointOp) lowestWhole = op + 1;
    }
    if (lowestWhole > index.first) replica.finish(lowestWhole - 1);
    // The checkpoint to which the log was shortened is lost too. Nothing connects to what is left of the log.
    if (index.first > checkpointOp + 1) {
      replica.headProven = false;
      index.reset(checkpointOp + 1);
    }
    if (replica.doubtful || replica.lostParts) replica.headProven = false;
    let whole = index.head;
    for (let op = index.first; op <= index.head; op++) {
      if (index.segmentOf(op) === 0 && !replica.corrupt.has(op)) {
        whole = op - 1;
        break;
      }
    }
    if (whole < index.head) replica.headProven = false;
    // What was lost and judged may have been replaced since by what is lost now.
    if (replica.headProven && replica.lostOnce && this.#chained(replica) < index.head) replica.headProven = false;
    if (replica.doubtful) replica.doubt = replica.suspicion.slice(0, maxDoubt / 4);
    if (!replica.headProven) {
      if (replica.doubt === '') replica.doubt = 'parts of its log are missing';
      this.#log.write(
        'error',
        'a replica cannot say what its log held, and catches up from the other nodes before it votes again',
        {
          namespace: replica.identity.namespace,
          replica: replica.identity.replica,
          upTo: whole,
          reason: replica.doubt,
        },
      );
      whole = Math.min(whole, this.#chained(replica));
      // What this run writes is never taken for what was lost, even if its opening batch is lost too.
      replica.turn += unprovenTurns;
      // In no view until it installs a log compared by checksums (protocol §2, "Proof of the head"): a later part, or a
      // lost one, may have set its log_view over entries of an older one.
      replica.logView = noView;
    }
    index.truncateFrom(whole + 1);
    if (index.head < checkpointOp) index.reset(checkpointOp + 1);
    for (const op of [...replica.corrupt.keys()]) if (!index.holds(op)) replica.corrupt.delete(op);
    replica.doubtful = false;
    replica.lostParts = false;
    replica.settle();
  }

  /** The highest op to which the chain of checksums holds: an unproven log can be used only up to here. */
  #chained(replica: ReplicaLog): number {
    const { index, checkpoint } = replica;
    let parent: string | null = null;
    for (let op = index.first; op <= index.head; op++) {
      if (op - 1 === checkpoint?.op) parent ??= checkpoint.checksum;
      const name = replica.corrupt.get(op) ?? this.#name(replica, op);
      if (name === null || (parent !== null && name.parent !== parent)) return op - 1;
      if (op === checkpoint?.op && name.checksum !== checkpoint.checksum) return op - 1;
      parent = name.checksum;
    }
    return index.head;
  }

  #name(replica: ReplicaLog, op: number): { checksum: string; parent: string } | null {
    const { segment, offset, length } = replica.index.place(op);
    const file = this.#segments.get(segment);
    if (file === undefined) return null;
    try {
      const entry = entryIn(this.#disk.read(file.name, offset, length), this.#hash);
      return entry?.op === op ? entry : null;
    } catch {
      return null;
    }
  }
}
