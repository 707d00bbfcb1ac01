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

  /** What an operator does for a node that runs again and has lost even the name of its cluster: joins it again, as its log says. */
  mend(): void {
    const { victim } = this;
    if (this.kind !== 'rot' || victim.node === null || victim.node.view().cluster !== null) return;
    this.#world.note(`join ${victim.name} again`);
    const command = { kind: 'clusterJoin', node: victim.name, address: victim.clusterAddress } as const;
    this.#world.order(this.#world.nodes[0]!, command, (result) => {
      if (!result.ok) this.#world.schedule.after(nextWithinUs, () => this.mend());
    });
  }

  #next(withinUs: number): void {
    this.#world.schedule.after(this.#random.below(withinUs), () => {
      if (!this.#active) return;
      if (this.#random.chance(1, 2)) this.#strike();
      else this.#ambush();
      if (!this.#lost) this.#next(nextWithinUs);
    });
  }

  /**
   * The disk goes bad when it is needed: one node was cut off while the others went on, and these now fall with the victim. It comes back
   * first, with the one that lacks what they have.
   */
  #ambush(): void {
    const world = this.#world;
    const random = this.#random;
    const others = world.nodes.filter((node) => node !== this.victim);
    const behind = random.pick(others);
    world.note(`cut off ${behind.name}`);
    for (const { name } of world.nodes) {
      if (name === behind.name) continue;
      world.network.cut(name, behind.name);
      world.network.cut(behind.name, name);
    }
    world.schedule.after(200_000 + random.below(600_000), () => {
      if (!this.#active) return;
      this.#strike();
      for (const witness of others) {
        if (witness === behind) continue;
        if (witness.alive) world.crash(witness);
        this.#startWithin(witness, 3 * offForUs);
      }
      world.network.mendAll();
    });
  }

  #startWithin(node: SimNode, us: number): void {
    this.#world.schedule.after(1000 + this.#random.below(us), () => {
      if (this.#active && !node.alive) this.#world.start(node);
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
    this.#startWithin(victim, offForUs);
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
