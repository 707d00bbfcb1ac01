/**
 * The floor is what a store keeps outside its log, so that it can tell a log that has lost its end, or all of it, from
 * one that never got that far (protocol §2, "Proof of the head"). It is written rarely: before a segment takes its
 * first batch, once that batch is durable, when a run has begun or ends, and when the node gets a record. There are two
 * equal copies, written one after the other, and both are durable before anything goes on. So if one copy is torn or
 * rots, the other is still high enough.
 */

import { bytesFromHex, hexFromBytes } from '../base/bytes.ts';
import { crc32 } from '../base/crc32.ts';
import { DiskFull } from '../base/disk-full.ts';
import type { Disk, DiskError } from '../base/ports.ts';
import type { StoreIdentity } from './format.ts';
import { floorFile, formatVersion, sectorBytes } from './format.ts';

export interface FloorState {
  /** The highest segment that a batch was about to be written to. All files up to it existed. */
  readonly begun: number;
  /** The highest segment that is known to have taken a batch. */
  readonly confirmed: number;
  /** The batch with this number was durable. */
  readonly reached: number;
  /** The log held the node's record, which says what the node belongs to. */
  readonly recorded: boolean;
  /** The log held a replica. */
  readonly peopled: boolean;
}

export const emptyFloor: FloorState = { begun: 0, confirmed: 0, reached: 0, recorded: false, peopled: false };
/** What we assume when the floor cannot be read. */
export const unknownFloor: FloorState = { ...emptyFloor, recorded: true, peopled: true };

const floorMagic = 0x464c5254;
const two32 = 0x1_0000_0000;
const copyBytes = 80;
const copies = 2;
/** If there was no room, we try again after this time. */
const retryMs = 500;
const flagRecorded = 1;
const flagPeopled = 2;

interface Copy {
  /** Each time the floor is written, this number rises. */
  readonly generation: number;
  readonly state: FloorState;
}

/** What a start found of the floor. */
export interface FoundFloor {
  /** Null when no copy can be read. Then nothing tells how far the log had got. */
  readonly state: FloorState | null;
  readonly generation: number;
  /** The newest copy. The other is written first, because it may be bad. */
  readonly newest: number;
  /** The file exists, whatever it holds. */
  readonly there: boolean;
  /** One copy cannot be read, and the other can. */
  readonly damaged: boolean;
}

function encodeCopy({ generation, state }: Copy, identity: StoreIdentity): Uint8Array {
  const bytes = new Uint8Array(sectorBytes);
  const view = new DataView(bytes.buffer);
  const number = (at: number, value: number): void => {
    view.setUint32(at, value % two32, true);
    view.setUint32(at + 4, Math.floor(value / two32), true);
  };
  view.setUint32(0, floorMagic, true);
  view.setUint32(8, formatVersion, true);
  bytes.set(bytesFromHex(identity.incarnation)!, 12);
  bytes.set(bytesFromHex(identity.seal)!, 28);
  number(44, generation);
  view.setUint32(52, state.begun, true);
  view.setUint32(56, state.confirmed, true);
  number(60, state.reached);
  view.setUint32(68, (state.recorded ? flagRecorded : 0) | (state.peopled ? flagPeopled : 0), true);
  view.setUint32(4, crc32(bytes, 0, 8, copyBytes), true);
  return bytes;
}

/** The copy in one sector, or null when the sector holds no copy of this store. */
function decodeCopy(sector: Uint8Array, identity: StoreIdentity): Copy | null {
  if (sector.length < copyBytes) return null;
  const view = new DataView(sector.buffer, sector.byteOffset, sector.length);
  if (view.getUint32(0, true) !== floorMagic || view.getUint32(4, true) !== crc32(sector, 0, 8, copyBytes)) return null;
  if (view.getUint32(8, true) !== formatVersion) return null;
  if (hexFromBytes(sector.subarray(12, 28)) !== identity.incarnation) return null;
  if (hexFromBytes(sector.subarray(28, 44)) !== identity.seal) return null;
  const number = (at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * two32;
  return {
    generation: number(44),
    state: {
      begun: view.getUint32(52, true),
      confirmed: view.getUint32(56, true),
      reached: number(60),
      recorded: (view.getUint32(68, true) & flagRecorded) !== 0,
      peopled: (view.getUint32(68, true) & flagPeopled) !== 0,
    },
  };
}

export function readFloor(disk: Disk, names: readonly string[], identity: StoreIdentity): FoundFloor {
  const there = names.includes(floorFile);
  let found: Copy | null = null;
  let newest = 0;
  let bad = 0;
  for (let i = 0; there && i < copies; i++) {
    const copy = readCopy(disk, i, identity);
    if (copy === null) bad++;
    if (copy === null || (found !== null && copy.generation <= found.generation)) continue;
    found = copy;
    newest = i;
  }
  return {
    state: found?.state ?? null,
    generation: found?.generation ?? 0,
    newest,
    there,
    damaged: found !== null && bad > 0,
  };
}

function readCopy(disk: Disk, index: number, identity: StoreIdentity): Copy | null {
  try {
    return decodeCopy(disk.read(floorFile, index * sectorBytes, sectorBytes), identity);
  } catch {
    return null;
  }
}

export interface FloorParts {
  readonly disk: Disk;
  readonly identity: StoreIdentity;
  /** What the disk has. */
  readonly found: FoundFloor;
  /** As it is to be. */
  readonly state: FloorState;
  readonly failed: (error: DiskError) => void;
  /** Called when nothing is being written any more. */
  readonly rested: () => void;
}

export class Floor {
  readonly #disk: Disk;
  readonly #identity: StoreIdentity;
  readonly #failed: (error: DiskError) => void;
  readonly #rested: () => void;
  /** The floor as it is meant to be, and as it is in both copies. */
  #state: FloorState;
  #durable: FloorState;
  #generation: number;
  #newest: number;
  #there: boolean;
  #writing = false;
  /** What found no room, and when we try it again. */
  #again: { readonly work: () => void; readonly error: DiskError } | null = null;
  #retryAt = 0;
  #changed = false;
  /** Called once everything asked for so far is in both copies. */
  #waiting: (() => void)[] = [];

  constructor({ disk, identity, found, state, failed, rested }: FloorParts) {
    this.#disk = disk;
    this.#identity = identity;
    this.#failed = failed;
    this.#rested = rested;
    this.#state = state;
    this.#durable = found.state ?? emptyFloor;
    this.#generation = found.generation;
    this.#newest = found.newest;
    this.#there = found.there;
  }

  get busy(): boolean {
    return this.#writing;
  }

  /** The floor as it is durable. */
  get state(): FloorState {
    return this.#durable;
  }

  /** Raises the given fields and never lowers them. Calls `done` once both copies hold them. */
  raise(to: Partial<FloorState>, done?: () => void): void {
    const { begun, confirmed, reached, recorded, peopled } = this.#state;
    this.#state = {
      begun: Math.max(begun, to.begun ?? 0),
      confirmed: Math.max(confirmed, to.confirmed ?? 0),
      reached: Math.max(reached, to.reached ?? 0),
      recorded: recorded || to.recorded === true,
      peopled: peopled || to.peopled === true,
    };
    this.write(done);
  }

  /** Writes both copies of the current floor, so that a copy that was torn is whole again. */
  write(done?: () => void): void {
    if (done !== undefined) this.#waiting.push(done);
    if (this.#writing) {
      this.#changed = true;
      return;
    }
    this.#writing = true;
    if (this.#there) this.#writeCopies();
    else this.#create();
  }

  #create(): void {
    this.#disk.create(floorFile, copies * sectorBytes, (error) => {
      if (error !== null) return this.refused(error, () => this.#create());
      this.#there = true;
      this.#writeCopies();
    });
  }

  /**
   * A write that finds no room is tried again. Until it succeeds, the log waits, as it does for a segment (V33). So
   * does what follows the floor at a start.
   */
  refused(error: DiskError, again: () => void): void {
    if (error instanceof DiskFull) this.#again = { work: again, error };
    else this.#failed(error);
  }

  /** There was no room for the floor; null when there was. */
  get refusal(): DiskError | null {
    return this.#again?.error ?? null;
  }

  /** There may be room now. */
  tick(now: number): void {
    const again = this.#again;
    if (again === null) return;
    if (this.#retryAt === 0) this.#retryAt = now + retryMs;
    if (now < this.#retryAt) return;
    this.#retryAt = 0;
    this.#again = null;
    again.work();
  }

  #writeCopies(): void {
    this.#changed = false;
    const state = this.#state;
    const waiting = this.#waiting;
    this.#waiting = [];
    const bytes = encodeCopy({ generation: ++this.#generation, state }, this.#identity);
    // One after the other, and first the one that may be bad. So one of them is whole at any moment.
    const order = [copies - 1 - this.#newest, this.#newest];
    const next = (): void => {
      const [index] = order;
      if (index === undefined) return this.#written(state, waiting);
      this.#disk.write(floorFile, index * sectorBytes, [bytes], true, (error) => {
        if (error !== null) return this.refused(error, next);
        order.shift();
        this.#newest = index;
        next();
      });
    };
    next();
  }

  #written(state: FloorState, waiting: readonly (() => void)[]): void {
    this.#durable = state;
    if (this.#changed) this.#writeCopies();
    else this.#writing = false;
    for (const done of waiting) done();
    if (!this.#writing) this.#rested();
  }
}

/** What recovery found of the log. */
interface FoundLog {
  readonly record: Uint8Array | null;
  readonly replicas: { readonly size: number };
  readonly endSegment: number;
  readonly resumeAt: { readonly segment: number } | null;
  readonly durable: { readonly segment: number; readonly sequence: number };
  readonly lost: boolean;
}

/**
 * The floor at the beginning of a run: what the old floor said, raised by what was found above it. The run before may have
 * been killed after its last batches were durable, and before the floor said so. If they are lost later, nothing else
 * tells that they were there. If this start has found a loss, whatever was begun may have been confirmed: a later start
 * must not conclude from what this run begins that the lost segments never took a batch.
 */
export function floorAfter(told: FloorState | null, found: FoundLog): FloorState {
  const { record, replicas, endSegment, resumeAt, durable, lost } = found;
  const { begun, confirmed, reached, recorded, peopled } = told ?? unknownFloor;
  return {
    begun: Math.max(begun, endSegment, resumeAt?.segment ?? 0),
    confirmed: Math.max(confirmed, durable.segment, lost ? begun : 0),
    reached: Math.max(reached, durable.sequence),
    recorded: recorded || record !== null,
    peopled: peopled || replicas.size > 0,
  };
}
