/**
 * What a disk suffers in a simulated world: bytes that flip, sectors that cannot be read or are zeros, whole batches
 * side by side, a cut tail, missing segments including the newest, the node's newest records, a log that is gone while
 * the identity is there, or a disk that loses everything at once. At most one node of a world suffers, so that a quorum keeps what was
 * acknowledged. It is never the node that founded the cluster, because that one alone votes in the root group. The last
 * batch of a log that goes on in its segment stays whole: damage there would look like a torn write (protocol §2).
 */

import { bytesFromHex } from '../base/bytes.ts';
import { SeededRandom } from '../base/random.ts';
import { floorFile, identityFile, parseCheckpointName, parseSegmentName, sectorBytes } from '../store/format.ts';
import { readIdentity } from '../store/identity.ts';
import type { MemoryDisk } from '../store/memory-disk.ts';
import { loseRecord, withoutNamespaces } from './lost-record.ts';
import { scanSegment } from '../store/scan.ts';
import type { SimNode } from './sim-node.ts';
import type { World } from './world.ts';

/** `rot`: parts of the disk go bad, again and again. `loss`: the disk comes back empty, once. */
export type DamageKind = 'none' | 'rot' | 'loss';

/** The kinds of rot. A kind that is listed more often happens more often. Most of them hit the log. */
const rots = [
  'identity',
  'checkpoint',
  'floor',
  'newest',
  'newest',
  'log',
  'record',
  ...Array.from({ length: 10 }, () => 'batch' as const),
] as const;

export type RotKind = (typeof rots)[number] | 'cut';

const firstWithinUs = 2_000_000;
const nextWithinUs = 3_000_000;
/** Of the first, for a wish. */
const nextAfterFirst = 2;
const offForUs = 500_000;

/** A batch of the log as it lies on the disk. */
export interface Placed {
  readonly file: string;
  readonly offset: number;
  readonly end: number;
}

/** What a hunt wants of it (shape.ts). */
export interface DamageWish {
  readonly rot?: RotKind;
  readonly rotWithinMs?: number;
}

export class Damage {
  readonly kind: DamageKind;
  /** The node whose disk suffers. */
  readonly victim: SimNode;
  readonly #world: World;
  /** It draws from a generator of its own, so that a world without damage is the same as before damage existed. */
  readonly #random: SeededRandom;
  readonly #favour: RotKind | null;
  readonly #withinUs: { readonly first: number; readonly next: number };
  #active = false;
  #lost = false;

  /**
   * @param kind drawn from the seed when left out. Most worlds have none.
   * @param wish `rot` happens as often as all other kinds of rot together.
   */
  constructor(world: World, seed: number, kind?: DamageKind, { rot, rotWithinMs }: DamageWish = {}) {
    this.#favour = rot ?? null;
    this.#withinUs =
      rotWithinMs === undefined
        ? { first: firstWithinUs, next: nextWithinUs }
        : { first: rotWithinMs * 1000, next: rotWithinMs * 1000 * nextAfterFirst };
    this.#world = world;
    this.#random = new SeededRandom(seed, 0xd15c0);
    this.kind = kind ?? this.#random.pick(['none', 'none', 'none', 'none', 'rot', 'rot', 'rot', 'loss'] as const);
    this.victim = this.#random.pick(world.nodes.slice(1));
  }

  /**
   * The disk was emptied, or its log is gone. The node is a stranger to its cluster for good (protocol §2,
   * "Strangers").
   */
  get lost(): boolean {
    return this.#lost;
  }

  begin(): void {
    if (this.kind === 'none') return;
    this.#active = true;
    this.#next(this.#withinUs.first);
  }

  end(): void {
    this.#active = false;
  }

  #next(withinUs: number): void {
    this.#world.schedule.after(this.#random.below(withinUs), () => {
      if (!this.#active) return;
      if (this.#random.chance(1, 2)) this.#strike();
      else this.#ambush();
      if (!this.#lost) this.#next(this.#withinUs.next);
    });
  }

  /**
   * The disk goes bad when it is needed. One node was cut off while the others went on, and now the others and the
   * victim fall. The victim comes back first, together with the node that lacks what they have.
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
      if (world.spoilt(victim)) {
        world.note(`the log of ${victim.name} is gone`);
        this.#lost = true;
        world.lost(victim);
      }
    }
    if (this.#random.chance(1, 4)) this.#flicker(1 + this.#random.below(3));
    else this.#startWithin(victim, offForUs);
  }

  /**
   * What a start concludes from a damaged log must still be concluded when its own first batch is torn, and that of the
   * start after it.
   */
  #flicker(times: number): void {
    const { victim } = this;
    const world = this.#world;
    world.schedule.after(1000 + this.#random.below(5000), () => {
      if (!this.#active) return;
      if (!victim.alive) world.start(victim);
      world.schedule.after(this.#random.below(1500), () => {
        if (!this.#active) return;
        world.cutPower(victim);
        if (times > 1) this.#flicker(times - 1);
        else this.#startWithin(victim, offForUs);
      });
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
    const drawn = rots[random.below(rots.length)]!;
    const kind = this.#favour !== null && random.chance(1, 2) ? this.#favour : drawn;
    switch (kind) {
      case 'identity':
        return this.#flip(identityFile, 0, sectorBytes);
      case 'floor': {
        const copy = random.below(2) * sectorBytes;
        return this.#flip(floorFile, copy, copy + sectorBytes);
      }
      case 'newest':
        return this.#loseNewest();
      case 'log':
        return this.#loseLog();
      case 'record':
        return this.#loseRecord();
      case 'checkpoint': {
        const checkpoints = disk.list().filter(({ name }) => parseCheckpointName(name) !== null);
        if (checkpoints.length === 0) return;
        const { name, size } = random.pick(checkpoints);
        return this.#flip(name, 0, size);
      }
      case 'batch':
      case 'cut':
        return this.#rotBatch(kind === 'cut');
    }
  }

  #rotBatch(cut: boolean): void {
    const random = this.#random;
    const { disk } = this.victim;
    const batches = wholeBatches(disk);
    const last = batches.pop();
    if (last === undefined || batches.length === 0) return;
    // Mostly damages what is still needed.
    const at = random.chance(1, 2) ? Math.max(0, batches.length - 1 - random.below(8)) : random.below(batches.length);
    const { file, offset, end } = batches[at]!;
    if (cut) return this.#cut(file, offset);
    if (random.chance(1, 4)) return this.#wreck(batches.slice(at, at + 2 + random.below(2)));
    const sector = (offset + sectorBytes * random.below((end - offset) / sectorBytes)) / sectorBytes;
    switch (random.below(8)) {
      case 0:
        this.#note('a sector cannot be read', file, sector * sectorBytes);
        return disk.breakSector(file, sector);
      case 1:
        this.#note('a sector is zeros', file, sector * sectorBytes);
        return disk.erase(file, sector);
      case 2:
        // This leaves a trace: the file is shorter than when it was made.
        if (!random.chance(1, 3)) return this.#flip(file, offset, end);
        return this.#cut(file, offset);
      case 3:
        // A missing segment below the last shows by its number.
        if (file === last.file || !random.chance(1, 3)) return this.#flip(file, offset, end);
        this.#note('a segment is gone', file, 0);
        return disk.lose(file);
      default:
        return this.#flip(file, offset, end);
    }
  }

  #cut(file: string, offset: number): void {
    this.#note('the rest of a segment is gone', file, offset);
    this.victim.disk.cut(file, offset);
  }

  /** Batches side by side, heads included, so that nothing repeats what the first of them held (V27). */
  #wreck(batches: readonly Placed[]): void {
    for (const { file, offset, end } of batches) {
      this.#note('a batch cannot be read', file, offset);
      for (let at = offset; at < end; at += sectorBytes) this.victim.disk.breakSector(file, at / sectorBytes);
    }
  }

  /** An earlier record of the node is left, which knows fewer namespaces. Their replicas are there (V27). */
  #loseRecord(): void {
    const { disk, name } = this.victim;
    const parts = { ...this.#world.store, random: this.#random };
    if (!loseRecord(disk, parts, (record) => withoutNamespaces(record, this.#random))) return;
    this.#world.note(`disk of ${name}: the newest records of the node are gone`);
  }

  /** Loses the newest segments that took a batch, with or without the later ones that took none (V29). */
  #loseNewest(): void {
    const { disk } = this.victim;
    const random = this.#random;
    const used = [...new Set(wholeBatches(disk).map(({ file }) => file))];
    const lost = used.slice(-1 - random.below(2));
    // If nothing is left, the log is gone. Another case covers that.
    if (used.length <= lost.length) return;
    const withSpares = random.chance(1, 2);
    for (const { name } of disk.list()) {
      const spare = parseSegmentName(name) !== null && name > used.at(-1)!;
      if (!lost.includes(name) && !(spare && withSpares)) continue;
      this.#note('a segment is gone', name, 0);
      disk.lose(name);
    }
  }

  /**
   * The log is gone or zeros, but the identity is there (V29). This is rare, because the node takes no part any more.
   */
  #loseLog(): void {
    const { disk } = this.victim;
    if (!this.#random.chance(1, 2)) return;
    const zeros = this.#random.chance(1, 2);
    for (const { name, size } of disk.list()) {
      if (parseSegmentName(name) === null) continue;
      this.#note(zeros ? 'a segment is zeros' : 'a segment is gone', name, 0);
      if (!zeros) disk.lose(name);
      else for (let sector = 0; sector < size / sectorBytes; sector++) disk.erase(name, sector);
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
export function wholeBatches(disk: MemoryDisk): Placed[] {
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
