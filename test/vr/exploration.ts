/**
 * Random histories of one group from one seed: messages lost, forged, doubled, reordered; disks that lag; crashes,
 * pauses, partitions, rot, a lost disk. How often each happens is drawn as well, because some faults hide others.
 * healing.ts has the end of a history.
 */

import { SeededRandom } from '../../core/base/random.ts';
import { Forging } from './forging.ts';
import { Healing } from './healing.ts';
import type { Message, MessageKind } from '../../core/vr/messages.ts';
import { Users } from './users.ts';
import type { Packet } from './world.ts';
import { World } from './world.ts';

export interface Exploration {
  readonly seed: number;
  readonly steps: number;
  readonly voters?: number;
  /** Left out, like the number of voters: drawn. */
  readonly checkpointBytes?: number;
  readonly stageBytes?: number;
  /**
   * `rot`: entries on one disk become unreadable now and then, or its last batches are lost. `loss`: one disk is lost.
   * `wrong`: what one replica writes of its state differs from what the others write (V36).
   */
  readonly damage?: Damage;
}

export type Damage = 'none' | 'rot' | 'loss' | 'wrong';

const actions = [
  'deliver',
  'sync',
  'tick',
  'ask',
  'read',
  'crash',
  'restart',
  'pause',
  'links',
  'heal',
  'damage',
] as const;
type Action = (typeof actions)[number];

/** Packets that are held back for longer than any replica waits for them. */
const maxHeld = 30;

/** Messages that carry entries, or the names of many. A path that loses large frames still lets heartbeats pass. */
const large: ReadonlySet<MessageKind> = new Set(['prepare', 'newState', 'startView', 'chunk']);

/** Messages that say which checkpoints others have. */
const comparing: ReadonlySet<MessageKind> = new Set(['commit', 'commitOk']);

/** Weights in a few thousand. */
const usual: Readonly<Record<Action, number>> = {
  deliver: 500,
  sync: 200,
  tick: 100,
  ask: 100,
  read: 50,
  crash: 12,
  restart: 22,
  pause: 4,
  links: 7,
  heal: 6,
  damage: 6,
};

/** What a seed's disks suffer by default. */
export function damageOf(seed: number): Damage {
  return seed % 3 === 0 ? 'rot' : seed % 7 === 0 ? 'loss' : seed % 5 === 0 ? 'wrong' : 'none';
}

/**
 * @throws whatever rule was broken, of the world or an invariant of a replica, with the command that runs the seed
 *   again.
 */
export function explore(exploration: Exploration): World {
  const { seed, steps, voters, damage = 'none' } = exploration;
  try {
    return explored(exploration);
  } catch (error) {
    const what = (error instanceof Error ? error.message : String(error)).replace(`seed ${seed}: `, '');
    const shape = voters === undefined ? '' : ` VOTERS=${voters}`;
    const again = `FIRST=${seed} SEEDS=1 STEPS=${steps} DAMAGE=${damage}${shape} npx vitest run test/vr/exploration.test.ts`;
    throw new Error(`seed ${seed}: ${what}\n  again: ${again}`, { cause: error });
  }
}

function explored({ seed, steps, voters, damage = 'none', ...wish }: Exploration): World {
  const random = new SeededRandom(seed, 77);
  const world = new World({
    seed,
    voters: voters ?? random.pick([1, 2, 3, 3, 3, 3, 4, 5]),
    learners: random.pick([0, 0, 1]),
    limits: { maxPipelineEntries: random.pick([4, 16, 64]), maxBatchEntries: random.pick([1, 3, 16]) },
    checkpointBytes: random.pick([200, 500, 1500, 100_000_000]),
    ownClocks: true,
    wholeDisks: damage === 'none',
    // A replica that was away lacks more than it stages. What is drawn for the others stays as it was.
    stageBytes: new SeededRandom(seed, 0x57a6e).pick([1, 500, 100_000_000]),
    ...(wish.checkpointBytes === undefined ? {} : { checkpointBytes: wish.checkpointBytes }),
    ...(wish.stageBytes === undefined ? {} : { stageBytes: wish.stageBytes }),
  });
  const history = new History(world, random, seed, damage);
  // Only in some histories, because forging costs time.
  const forging = seed % 2 === 0 ? new Forging(world, new SeededRandom(seed, 0xf04)) : null;
  for (let step = 0; step < steps; step++) {
    history.step();
    forging?.step();
  }
  history.end();
  return world;
}

class History {
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #users: Users;
  readonly #healing: Healing;
  readonly #damage: Damage;
  readonly #wheel: Action[] = [];
  readonly #lossPercent: number;
  readonly #shuffled: boolean;
  /** The replica whose disk is damaged. */
  readonly #victim: string;
  /** What happens in one turn, and who is misled: from a generator of its own, so that the rest stays as it was. */
  readonly #turns: SeededRandom;
  /** Whether a primary that is cut off keeps one other. Groups of fewer than four have no such others. */
  readonly #friends: SeededRandom | null;

  constructor(world: World, random: SeededRandom, seed: number, damage: Damage) {
    this.#world = world;
    this.#random = random;
    this.#users = new Users(world, random, seed);
    this.#healing = new Healing(world, this.#users, random, seed);
    this.#victim = world.names[0]!;
    this.#turns = new SeededRandom(seed, 0x7042);
    this.#friends = world.configuration.voters.length < 4 ? null : new SeededRandom(seed, 0xf1e2d);
    // With two voters, both are in every quorum, so no other can prove what one has lost.
    this.#damage = world.configuration.voters.length <= (damage === 'rot' ? 1 : 2) ? 'none' : damage;
    this.#lossPercent = random.pick([0, 5, 20]);
    this.#shuffled = random.chance(1, 3);
    for (const action of actions) {
      const times =
        action === 'deliver' ? 1 : action === 'sync' ? random.pick([0.3, 1, 1]) : random.pick([0.3, 1, 1, 3]);
      for (let i = 0; i < usual[action] * times; i++) this.#wheel.push(action);
    }
    for (const place of world.places.values()) place.slowDisk = true;
    if (this.#damage === 'wrong') for (const place of world.places.values()) place.holdsCheckpoints = true;
    if (this.#damage === 'rot') world.place(this.#victim).storage.keepsHistory = true;
  }

  step(): void {
    const world = this.#world;
    const random = this.#random;
    const { names } = world;
    const name = random.pick(names);
    const place = world.place(name);
    switch (random.pick(this.#wheel)) {
      case 'deliver':
        this.#deliver();
        break;
      case 'sync':
        if (place.paused) break;
        world.sync(name);
        // Writing a checkpoint takes long.
        if (random.chance(1, 4)) place.queued.push(...place.heldCheckpoints.splice(0));
        if (this.#turns.chance(1, 2)) world.turn(name, this.#arrived(name));
        else world.drain(name);
        break;
      case 'tick':
        world.now += random.pick([1, 10, 10, 50, 200]);
        if (random.chance(1, 40)) world.setClockBack(name, random.pick([10, 100, 3000]));
        for (const one of names) if (!world.place(one).paused) world.tick(one);
        break;
      case 'ask':
        // A deposed primary also takes requests, until it finds out.
        this.#users.ask(
          world.primary !== null && random.chance(4, 5) ? world.primary : name,
          random.chance(1, 30) ? 24 : 1,
        );
        break;
      case 'read':
        world.read(name, random.chance(1, 2) ? 'linearizable' : { atLeast: random.below(20) });
        break;
      case 'crash':
        if (place.replica !== null) world.crash(name, random.chance(1, 2));
        break;
      case 'restart':
        if (place.replica === null || random.chance(1, 5)) world.restart(name, random.chance(1, 2));
        break;
      case 'pause':
        if (place.paused) world.resume(name, random.chance(1, 2));
        else if (place.replica !== null) place.paused = true;
        break;
      case 'links': {
        const alive = names.flatMap((a) => names.filter((b) => a !== b && random.chance(1, 2)).map((b) => a + b));
        if (random.chance(1, 2)) world.route = ({ from, to }) => (alive.includes(from + to) ? 'deliver' : 'drop');
        else if (this.#friends?.chance(1, 3) === true) this.#keepOne(world.primary ?? name, this.#friends);
        else if (random.chance(1, 4)) {
          if (this.#turns.chance(1, 2)) this.#mislead(world.primary ?? name);
          else this.#obscure(world.primary ?? name);
        } else this.#isolate(world.primary ?? name);
        break;
      }
      case 'heal':
        world.heal();
        for (const one of names) this.#tellPeers(one, true);
        break;
      case 'damage':
        if (this.#damage !== 'none') this.#spoil();
    }
    this.#users.listen();
  }

  /** Mostly in order, sometimes not at all, and now and then twice, or very late. */
  #deliver(): void {
    const { packets, held } = this.#world;
    const random = this.#random;
    if (held.length > 0 && random.chance(1, 40)) {
      const [late] = held.splice(random.below(held.length), 1);
      this.#world.deliver(late!);
      return;
    }
    if (packets.length === 0) return;
    const at = !this.#shuffled && random.chance(3, 4) ? 0 : random.below(packets.length);
    const packet = packets[at]!;
    if (!random.chance(1, 30)) packets.splice(at, 1);
    if (held.length < maxHeld && random.chance(1, 40)) {
      held.push(packet);
      if (random.chance(1, 2)) return;
    }
    if (random.chance(this.#lossPercent, 100)) return;
    const place = this.#world.place(packet.to);
    // What a checkpoint is compared with comes in the turn in which the next one has been written (V36).
    if (
      !place.paused &&
      place.heldCheckpoints.length > 0 &&
      comparing.has(packet.message.kind) &&
      this.#turns.chance(1, 3)
    ) {
      place.queued.push(...place.heldCheckpoints.splice(0));
      this.#world.turn(packet.to, [packet.message]);
    } else this.#world.deliver(packet);
  }

  /** The messages that have arrived at a replica since its last turn, in their order. */
  #arrived(name: string): readonly Message[] {
    const { packets } = this.#world;
    const arrived = packets.filter(({ to }) => to === name).slice(0, 1 + this.#turns.below(6));
    for (const packet of arrived) packets.splice(packets.indexOf(packet), 1);
    return arrived.map(({ message }) => message);
  }

  /** No one reaches one replica, which may go on for a while. The others may learn of that at once. */
  #isolate(alone: string): void {
    const world = this.#world;
    const random = this.#random;
    const late = random.chance(1, 4) ? this.#answersTo(alone) : [];
    world.route = ({ from, to }) => (from === alone || to === alone ? 'drop' : 'deliver');
    if (random.chance(1, 2)) this.#users.ask(alone, 1 + random.below(60));
    if (late.length > 0 || random.chance(2, 3)) this.#tellPeers(alone, false);
    if (late.length > 0) this.#calm(20);
    else if (random.chance(1, 3)) this.#calm(80);
    else if (random.chance(1, 3)) this.#comeBack(alone, random.chance(1, 2));
    if (late.length === 0) return;
    // What was true when the others said it is no longer true when it is heard: they have gone on without it (V19).
    world.read(alone);
    for (const packet of late) world.deliver(packet);
  }

  /**
   * A replica that was cut off meets what the others did meanwhile. Then it dies at once (V10), or soon leads again
   * (V14).
   */
  #comeBack(alone: string, dies: boolean): void {
    const world = this.#world;
    const random = this.#random;
    this.#tellPeers(alone, false);
    this.#calm(20);
    this.#meet(alone);
    if (dies) {
      world.restart(alone, random.chance(1, 2));
      return;
    }
    this.#leadsAgain(alone, 3);
  }

  /** Each primary that follows is cut off, until `name` leads again. */
  #leadsAgain(name: string, most: number): void {
    const world = this.#world;
    for (let tries = 0; tries < most; tries++) {
      const { primary } = world;
      if (primary === null || primary === name) break;
      world.route = ({ from, to }) => (from === primary || to === primary ? 'drop' : 'deliver');
      this.#tellPeers(primary, false);
      this.#rest(10 * this.#random.below(30));
      this.#meet(primary);
    }
  }

  /**
   * A primary that is cut off keeps one other, whose acknowledgements commit nothing. It leaves the view and leads a
   * later one in the same life. There they count for nothing (V20).
   */
  #keepOne(alone: string, random: SeededRandom): void {
    const world = this.#world;
    const pair = [alone, random.pick(this.#others(alone))];
    world.route = ({ from, to }) => (pair.includes(from) === pair.includes(to) ? 'deliver' : 'drop');
    this.#users.ask(alone, 4 + random.below(30));
    this.#rest(10 * random.below(20));
    this.#tellPeers(alone, false);
    this.#rest(1000 + 10 * random.below(200));
    this.#meet(alone);
    this.#leadsAgain(alone, 2 * world.configuration.voters.length);
    this.#users.ask(alone, 1 + random.below(3));
  }

  #others(name: string): readonly string[] {
    return this.#world.configuration.voters.map(({ replica }) => replica).filter((one) => one !== name);
  }

  #meet(name: string): void {
    this.#world.heal();
    this.#tellPeers(name, true);
    this.#rest(10 * this.#random.below(40));
  }

  /** `name` asks the others whether it still leads. Their answers are held back. */
  #answersTo(name: string): readonly Packet[] {
    const world = this.#world;
    const take = (which: (packet: Packet) => boolean): readonly Packet[] => {
      const taken = world.packets.filter(which);
      world.packets.splice(0, world.packets.length, ...world.packets.filter((packet) => !which(packet)));
      return taken;
    };
    world.read(name);
    for (const packet of take(({ from }) => from === name)) world.deliver(packet);
    return take(({ to }) => to === name);
  }

  /**
   * A replica that was cut off with entries of its own comes back, while everything large from the new primary is lost
   * on the way. Replicas that miss its entries ask all others for them (V3).
   */
  #obscure(alone: string): void {
    const world = this.#world;
    const random = this.#random;
    world.route = ({ from, to }) => (from === alone || to === alone ? 'drop' : 'deliver');
    this.#users.ask(alone, 1 + random.below(4));
    this.#tellPeers(alone, false);
    this.#rest(10 * random.below(30));
    const { primary } = world;
    if (primary === null || primary === alone) return;
    world.route = ({ from, message: { kind } }) => (from === primary && large.has(kind) ? 'drop' : 'deliver');
    this.#users.ask(primary, 1 + random.below(3));
    this.#tellPeers(alone, true);
    this.#rest(10 * random.below(200));
  }

  /**
   * As above, and the others hear of the new primary's view only when it has entries of its own, which never arrive. So
   * whoever begins the view asks for them where there are others in their place (V34).
   */
  #mislead(alone: string): void {
    const world = this.#world;
    const random = this.#turns;
    const late: ReadonlySet<MessageKind> = new Set(['startView', 'prepare']);
    world.route = ({ from, to, message: { kind } }) =>
      from === alone || to === alone || late.has(kind) ? 'drop' : 'deliver';
    this.#users.ask(alone, 1 + random.below(8));
    this.#tellPeers(alone, false);
    for (let waits = 0; waits < 30 && (world.primary === null || world.primary === alone); waits++) this.#rest(100);
    const { primary } = world;
    if (primary === null || primary === alone) return;
    this.#users.ask(primary, 1 + random.below(8));
    const bodies: ReadonlySet<MessageKind> = new Set(['newState', 'prepare', 'chunk']);
    world.route = ({ from, message: { kind } }) => (from === primary && bodies.has(kind) ? 'drop' : 'deliver');
    this.#tellPeers(alone, true);
    this.#rest(10 * random.below(200));
  }

  /** For a while nothing more goes wrong. */
  #rest(ms: number): void {
    const world = this.#world;
    for (const place of world.places.values()) place.slowDisk = false;
    world.run(ms);
    for (const place of world.places.values()) place.slowDisk = true;
  }

  /** For a while nothing more goes wrong, and the replicas that can work do. */
  #calm(ticks: number): void {
    const world = this.#world;
    const random = this.#random;
    for (const place of world.places.values()) place.slowDisk = false;
    for (let left = 1 + random.below(4); left > 0; left--) {
      world.run(10 * random.below(ticks));
      const leaders = world.names.filter((name) => world.place(name).replica?.isPrimary === true);
      for (const name of leaders) this.#users.ask(name, random.pick([1, 8, 20]));
    }
    for (const place of world.places.values()) place.slowDisk = true;
  }

  /** Tells all others that the connections to `name` broke, or are there again. */
  #tellPeers(name: string, connected: boolean): void {
    const { node } = this.#world.place(name).member;
    for (const one of this.#world.names) if (one !== name) this.#world.input(one, { kind: 'peer', node, connected });
  }

  #spoil(): void {
    const world = this.#world;
    const random = this.#random;
    const place = world.place(this.#victim);
    if (this.#damage === 'wrong') {
      place.spoilCheckpoints = place.spoilCheckpoints === '' ? ' ' : '';
      return;
    }
    if (place.replica !== null) world.crash(this.#victim, random.chance(1, 2));
    if (this.#damage === 'loss') {
      if (!place.wiped) world.wipe(this.#victim);
      return;
    }
    // Both of two voters are in every quorum, so no other can prove what one cannot.
    if (world.configuration.voters.length > 2 && random.chance(1, 2)) {
      place.storage.loseBatches(1 + random.below(4), random.chance(1, 2));
      return;
    }
    const first = (place.storage.recovered().checkpoint?.op ?? 0) + 1;
    const head = place.storage.durableHead;
    if (head < first) return;
    // Mostly an op about which a view change has to decide.
    const op = random.chance(1, 2) ? first + random.below(head - first + 1) : Math.max(first, head - random.below(3));
    if (!place.storage.isRotten(op)) place.storage.rot(op);
  }

  end(): void {
    const { primary } = this.#world;
    // Everything is asked again of the replica that leads at the end.
    if (primary !== null && this.#random.chance(1, 4)) {
      this.#world.route = ({ from, to }) => (from === primary || to === primary ? 'drop' : 'deliver');
      for (let asked = this.#random.below(8); asked > 0; asked--) this.#users.ask(primary, 1);
      this.#comeBack(primary, false);
    }
    this.#world.place(this.#victim).spoilCheckpoints = '';
    for (const place of this.#world.places.values()) {
      place.holdsCheckpoints = false;
      place.queued.push(...place.heldCheckpoints.splice(0));
    }
    const { wiped } = this.#world.place(this.#victim);
    this.#healing.run(wiped ? this.#victim : null, this.#damage !== 'rot');
  }
}
