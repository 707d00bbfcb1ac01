/**
 * What a disk suffers in a simulated world: bytes that flip, sectors that cannot be read or are zeros, a cut tail, a missing segment, or
 * everything gone at once. One node of a world at most, so that a quorum keeps what was acknowledged, and never the one that founded the
 * cluster, which alone votes in the root group. The last batch of the log is left whole: a flaw there is a torn write (protocol §2).
 */

import { bytesFromHex } from '../base/bytes.ts';
import { SeededRandom } from '../base/random.ts';
import { identityFile, parseCheckpointName, parseSegmentName, sectorBytes } from '../store/format.ts';
import { readIdentity } from '../store/identity.ts';
import type { MemoryDisk } from '../store/memory-disk.ts';
import { scanSegment } from '../store/scan.ts';
import type { SimNode } from './sim-node.ts';
import type { World } from './world.ts';

/** `rot`: parts of the disk go bad, again and again. `loss`: the disk comes back empty, once. */
export type DamageKind = 'none' | 'rot' | 'loss';

const firstWithinUs = 2_000_000;
const nextWithinUs = 3_000_000;
const offForUs = 500_000;

/** A batch of the log as it lies on the disk. */
interface Placed {
  readonly file: string;
  readonly offset: number;
  readonly end: number;
}

export class Damage {
  readonly kind: DamageKind;
  /** The node whose disk it is. */
  readonly victim: SimNode;
  readonly #world: World;
  /** Draws of its own: a world without damage is the same as before there was any. */
  readonly #random: SeededRandom;
  #active = false;
  #lost = false;

  /** @param kind drawn from the seed when left out; most worlds have none. */
  constructor(world: World, seed: number, kind?: DamageKind) {
    this.#world = world;
    this.#random = new SeededRandom(seed, 0xd15c0);
    this.kind = kind ?? this.#random.pick(['none', 'none', 'none', 'none', 'rot', 'rot', 'rot', 'loss'] as const);
    this.victim = this.#random.pick(world.nodes.slice(1));
  }

  /** The disk was emptied: the node is a stranger to its cluster for good (protocol §2, "Strangers"). */
  get lost(): boolean {
    return this.#lost;
  }

  begin(): void {
    if (this.kind === 'none') return;
    this.#active = true;
    this.#next(firstWithinUs);
  }

  end(): void {
    this.#active = false;
  }

  #next(withinUs: number): void {
    this.#world.schedule.after(this.#random.below(withinUs), () => {
      if (!this.#active) return;
      this.#strike();
      if (!this.#lost) this.#next(nextWithinUs);
    });
  }

  #strike(): void {
    const world = this.#world;
    const { victim } = this;
    if (victim.alive) {
      if (this.#random.chance(1, 2)) world.crash(victim);
      else world.cutPower(victim);
    }
    if (this.kind === 'loss') this.#lose();
    else {
      for (let flaws = this.#random.pick([1, 1, 1, 2, 4]); flaws > 0; flaws--) this.#rot();
      world.spoilt(victim);
    }
    world.schedule.after(1000 + this.#random.below(offForUs), () => {
      if (this.#active && !victim.alive) world.start(victim);
    });
  }

  #lose(): void {
    this.#lost = true;
    this.#world.note(`the disk of ${this.victim.name} is lost`);
    this.victim.disk.wipe();
    this.#world.lost(this.victim);
  }

  #rot(): void {
    const random = this.#random;
    const { disk } = this.victim;
    switch (random.below(10)) {
      case 0:
        return this.#flip(identityFile, 0, sectorBytes);
      case 1: {
        const checkpoints = disk.list().filter(({ name }) => parseCheckpointName(name) !== null);
        if (checkpoints.length === 0) return;
        const { name, size } = random.pick(checkpoints);
        return this.#flip(name, 0, size);
      }
      default:
    }
    const batches = wholeBatches(disk);
    const last = batches.pop();
    if (last === undefined || batches.length === 0) return;
    // Mostly what is still needed.
    const at = random.chance(1, 2) ? Math.max(0, batches.length - 1 - random.below(8)) : random.below(batches.length);
    const { file, offset, end } = batches[at]!;
    const sector = (offset + sectorBytes * random.below((end - offset) / sectorBytes)) / sectorBytes;
    switch (random.below(8)) {
      case 0:
        this.#note('a sector cannot be read', file, sector * sectorBytes);
        return disk.breakSector(file, sector);
      case 1:
        this.#note('a sector is zeros', file, sector * sectorBytes);
        return disk.erase(file, sector);
      case 2:
        // Not without a trace: the file is shorter than it was made.
        if (!random.chance(1, 3)) return this.#flip(file, offset, end);
        this.#note('the rest of a segment is gone', file, offset);
        return disk.cut(file, offset);
      case 3:
        // One below the last is missed by its number.
        if (file === last.file || !random.chance(1, 3)) return this.#flip(file, offset, end);
        this.#note('a segment is gone', file, 0);
        return disk.lose(file);
      default:
        return this.#flip(file, offset, end);
    }
  }

  #flip(file: string, from: number, to: number): void {
    const at = from + this.#random.below(to - from);
    this.#note('a byte flips', file, at);
    this.victim.disk.corrupt(file, at, 1 + this.#random.below(255));
  }

  #note(what: string, file: string, at: number): void {
    this.#world.note(`disk of ${this.victim.name}: ${what}: ${file} at ${at}`);
  }
}

/** The batches that a start would find whole, in their order. */
function wholeBatches(disk: MemoryDisk): Placed[] {
  const files = disk.list();
  const identity = readIdentity(
    disk,
    files.map(({ name }) => name),
  );
  if (identity === null) return [];
  const seal = bytesFromHex(identity.seal)!;
  const whole: Placed[] = [];
  let sequence = 0;
  for (const { name, size } of files) {
    const segment = parseSegmentName(name);
    if (segment === null) continue;
    scanSegment(disk, { ...segment, name, actual: size }, seal, sequence, ({ head, body, end }) => {
      sequence = head.sequence;
      if (body !== null) whole.push({ file: name, offset: head.offset, end: Math.min(end, size) });
    });
  }
  return whole;
}
