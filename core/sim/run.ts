/**
 * One run of the simulator. It founds a cluster and lets users work while things go wrong. Then it heals everything and
 * demands progress (protocol §9.9). The seed decides everything: the same seed gives the same trace.
 */

import { crc32 } from '../base/crc32.ts';
import { utf8 } from '../base/bytes.ts';
import type { NamespaceId, Op } from '../base/ids.ts';
import type { Hash } from '../base/ports.ts';
import { SeededRandom } from '../base/random.ts';
import { defaultTiming } from '../cluster/base/host.ts';
import type { NodeObserver } from '../cluster/base/host.ts';
import { RuleBroken } from './checker.ts';
import { Damage } from './damage.ts';
import type { DamageKind } from './damage.ts';
import { Eager } from './eager.ts';
import { Faults } from './faults.ts';
import { Locker } from './locker.ts';
import { Ledger, Worker } from './worker.ts';
import type { SimNode } from './sim-node.ts';
import { drawShape } from './shape.ts';
import type { Left, Shape, Wish } from './shape.ts';
import { ThinClient } from './thin-client.ts';
import type { Habits } from './workload.ts';
import { Stranger } from './strangers.ts';
import { User } from './workload.ts';
import type { WorldOptions } from './world.ts';
import { World } from './world.ts';

export interface RunOptions {
  readonly seed: number;
  /** How many events the part with faults has. */
  readonly events: number;
  readonly hash: Hash;
  readonly trace?: (line: string) => void;
  /** Watches all nodes, like the checker, for a page that draws the run. */
  readonly observer?: NodeObserver;
  /**
   * Gets each user's client before it is used. In such a world everybody who writes is one of them: there is no client
   * without the engine, and no stranger.
   */
  readonly witness?: WorldOptions['witness'];
  /** False for users without watches. Seeds that found something before watches existed then find it again. */
  readonly watches?: boolean;
  /** What one node's disk suffers. If left out, the seed decides. */
  readonly damage?: DamageKind;
  /** What is not left to the seed. */
  readonly wish?: Wish;
}

export interface RunReport {
  readonly seed: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly committed: number;
  readonly asked: number;
  readonly succeeded: number;
  readonly unknown: number;
  /** How many events watches were told, counting snapshots that replaced some. */
  readonly watched: number;
  readonly resets: number;
  /** CRC-32 of the trace: equal for equal seeds. */
  readonly trace: number;
}

function wished<T>(wish: T | undefined, drawn: T): T {
  return wish ?? drawn;
}

/** A run that broke a rule, with what is needed to repeat it. */
export class SeedFailed extends Error {
  override readonly name = 'SeedFailed';
  readonly seed: number;

  constructor({ seed, events, wish, damage }: RunOptions, at: number, cause: Error) {
    const wishes = JSON.stringify({ ...wish, ...(damage === undefined ? {} : { damage }) });
    const plain = wishes === '{}';
    const again = `npm run sim -- --seed ${seed} --events ${events}${plain ? '' : ` --wish '${wishes}'`} --trace`;
    const look = plain ? `\n  to look at: the playground of a node, at /#seed=${seed}&simulator=${events}` : '';
    super(`seed ${seed} failed at event ${at}: ${cause.message}\n  again: ${again}${look}`, { cause });
    this.seed = seed;
  }
}

/** After everything has healed, everyone must make progress within this much virtual time. */
const progressUs = 60_000_000;
const healthyRequests = 20;

/** A run that has begun. A caller that drives its {@link BegunSeed.rest} sees what {@link runSeed} sees. */
export interface BegunSeed {
  readonly world: World;
  readonly users: readonly User[];
  /** After this event, everything heals. */
  readonly healAt: number;
  /** The rest of the run. Each turn of the generator is one event. It throws when a rule is broken. */
  readonly rest: Generator<void, RunReport>;
}

/** A user has made progress when it got this many answers after everything healed, within {@link progressUs}. */
function progressOf(users: readonly User[], eager: Eager, lost = false): () => boolean {
  const before = users.map((user) => user.counters.succeeded);
  const eagerBefore = eager.succeeded;
  return () =>
    users.every((user, i) => user.counters.succeeded >= before[i]! + healthyRequests) &&
    // A user that reaches only one node has no way to a quorum when that node is off or reaches no other.
    (lost || eager.goesOn(eagerBefore));
}

/** The world of a seed before anything has happened in it. */
interface Prepared {
  readonly world: World;
  readonly shape: Shape;
  readonly random: SeededRandom;
  /** The checksum of the trace so far. */
  readonly trace: () => number;
}

const defaultLockers = 2;
/** In every second world. */
const defaultWorkers = 2;
/**
 * A session with a lease is never evicted. So those of users of locks come on top of what the others have: the one that
 * is in use, and those before it until their leases end. Otherwise a small table would be full of them, and nobody else
 * would get in.
 */
const sessionsOfLocker = 4;

/**
 * The shape of a world comes from a generator of its own, so that a change in the shape does not shift everything after
 * it.
 */
function prepare(options: RunOptions): Prepared {
  let trace = 0;
  const write = (line: string): void => {
    trace = crc32(utf8(line), trace);
    options.trace?.(line);
  };
  const random = new SeededRandom(options.seed, 0x5eed);
  const shape = drawShape(options.seed, random, options.wish);
  const { nodes, small, sessionMs, maxPipelineEntries, maxSessions, maxWindowReplyBytes } = shape;
  const world = new World({
    seed: options.seed,
    nodes,
    trace: write,
    damageIsTold: true,
    ...(options.observer === undefined ? {} : { observer: options.observer }),
    ...(options.witness === undefined ? {} : { witness: options.witness }),
    settings: {
      timing: { ...defaultTiming, sessionMs },
      hash: options.hash,
      segmentBytes: small ? 64 * 1024 : 1024 * 1024,
      checkpointBytes: small ? 8 * 1024 : 1024 * 1024,
      limits: {
        maxPipelineEntries,
        maxSessions: maxSessions + (lockersIn(options) + workersIn(options)) * sessionsOfLocker,
        maxWindowReplyBytes,
        watchHistoryBytes: shape.watchHistoryBytes,
        maxPendingRequests: shape.maxPendingRequests,
        maxSessionsPerConnection: 6,
      },
    },
  });
  return { world, random, shape, trace: () => trace };
}

/** How many users of locks there are: none in a world that a witness sees. */
function lockersIn({ wish = {}, witness }: RunOptions): number {
  return witness === undefined ? wished(wish.lockers, defaultLockers) : 0;
}

/** How many workers there are. */
function workersIn({ wish = {}, witness, seed }: RunOptions): number {
  return witness === undefined ? wished(wish.workers, seed % 2 === 0 ? defaultWorkers : 0) : 0;
}

/** Founds the cluster of a seed, starts its users, and begins with its faults. */
function begin(prepared: Prepared, options: RunOptions): BegunSeed {
  const { world, shape, random } = prepared;
  const { wish = {} } = options;
  const namespaces = ['ns1', 'ns2'].slice(0, 1 + random.below(2));
  world.found(namespaces, shape.replicas);
  const acknowledged = new Map<NamespaceId, Op>();
  const habits: Habits = {
    keepAliveMs: Math.floor(world.sessionMs / 4),
    // Shorter than most faults, so that a call ends, and says what it knows of its outcome, before all of its attempts
    // have ended.
    requestTimeoutMs: wished(wish.requestTimeoutMs, random.pick([4000, 4000, 700])),
    padding: wished(wish.padding, random.chance(1, 8) ? 40_000 : 0),
  };
  const users = Array.from({ length: 2 + random.below(4) }, (_, i) => {
    const watchRandom = options.watches === false ? null : new SeededRandom(options.seed, 0x3a7c4 + i);
    return new User(`u${i + 1}`, world, { namespace: random.pick(namespaces), acknowledged, watchRandom, habits });
  });
  const seen = options.witness !== undefined;
  const thin = seen
    ? null
    : new ThinClient('t', world, random.pick(namespaces), new SeededRandom(options.seed, 0x7419));
  const eager = new Eager('e1', world, random.pick(namespaces), new SeededRandom(options.seed, 0xea6e5), wish);
  // They come last, so that everybody else stays as without them.
  const ledger = new Ledger();
  const lockers = [
    ...Array.from(
      { length: lockersIn(options) },
      (_, i) => new Locker(`l${i + 1}`, world, namespaces[0]!, new SeededRandom(options.seed, 0x10c4 + i)),
    ),
    ...Array.from(
      { length: workersIn(options) },
      (_, i) => new Worker(`w${i + 1}`, world, namespaces[0]!, new SeededRandom(options.seed, 0x3088 + i), ledger),
    ),
  ];
  world.checker.onCommit = (namespace) => lockers.forEach((locker) => locker.committed(namespace));
  const faults = new Faults(world, users, [eager.host, ...lockers.map(({ host }) => host)], wish.favour ?? null);
  const damage = new Damage(world, options.seed, options.damage, wish);
  faults.begin();
  damage.begin();
  // In every second world, so that the others stay as they were without it.
  const stranger = options.seed % 2 === 1 && !seen ? new Stranger(world, options.hash, options.seed) : null;
  stranger?.begin();
  const healAt = world.events + options.events;
  const committed = (): number =>
    [...acknowledged.keys()].reduce((total, id) => total + world.checker.committedOp(id), 0);
  return {
    world,
    users,
    healAt,
    rest: play(
      { ...prepared, users, thin, eager, lockers, faults, damage, stranger, healAt, committed, namespaces },
      options,
    ),
  };
}

/** For the playground, where a person can step through a run and look at it. */
export function beginSeed(options: RunOptions): BegunSeed {
  return begin(prepare(options), options);
}

/** @throws {@link SeedFailed} when a rule of protocol §9 is broken, or when there is no progress after the healing. */
export function runSeed(options: RunOptions): RunReport {
  const prepared = prepare(options);
  try {
    const { rest } = begin(prepared, options);
    for (;;) {
      const turn = rest.next();
      if (turn.done === true) return turn.value;
    }
  } catch (error) {
    throw new SeedFailed(options, prepared.world.events, error as Error);
  }
}

interface Playing extends Prepared {
  readonly users: readonly User[];
  readonly thin: ThinClient | null;
  readonly eager: Eager;
  /** Users of locks, and workers of a queue. */
  readonly lockers: readonly (Locker | Worker)[];
  readonly faults: Faults;
  readonly damage: Damage;
  readonly stranger: Stranger | null;
  readonly healAt: number;
  /** How many ops were committed in the namespaces in which users worked. */
  readonly committed: () => number;
  readonly namespaces: readonly string[];
}

/** Like {@link World.until}, one event a turn. */
function* until(world: World, check: () => boolean): Generator<void, boolean> {
  const deadline = world.schedule.nowUs + progressUs;
  while (!check()) {
    if (world.schedule.nowUs > deadline || !world.step()) return false;
    yield;
  }
  return true;
}

function* play(playing: Playing, { seed, wish = {} }: RunOptions): Generator<void, RunReport> {
  const { world, users, thin, eager, lockers, faults, damage, stranger, healAt, committed, trace } = playing;
  while (world.events < healAt && world.step()) yield;

  damage.end();
  const { dead, alone, apart } = leftBehind(playing, seed, wish.left ?? null);
  // A node that lost its disk never serves again. A client that reaches only this node has no way to the others.
  const stranded = damage.lost && eager.only === damage.victim;
  if (dead.length + apart.length > 0) {
    faults.heal(dead);
    for (const [one, other] of apart) {
      world.note(`${one.name} and ${other.name} stay apart`);
      world.network.cut(one.name, other.name);
      world.network.cut(other.name, one.name);
    }
    const lost = stranded || (eager.only !== null && [...dead, ...alone].includes(eager.only));
    const goOn = progressOf(users, eager, lost);
    // What the others do without those that stay behind, its watch is told too: a node that is cut off has to say so.
    let op: number | null = null;
    const told = (): boolean => lost || eager.knows((op ??= eager.committedOp));
    if (!(yield* until(world, () => goOn() && told())))
      throw new RuleBroken(
        `rule 9: no progress within ${progressUs / 1e6} s with ${dead.length} nodes dead, ${alone.length} alone and ${apart.length} pairs apart`,
      );
  }
  faults.heal();
  if (!(yield* until(world, progressOf(users, eager, stranded))))
    throw new RuleBroken(`rule 9: no progress within ${progressUs / 1e6} s after everything healed`);

  const granted = lockers.map(({ grants }) => grants);
  if (!(yield* until(world, () => lockers.every(({ grants }, i) => grants > granted[i]!))))
    throw new RuleBroken(
      `rule 9: nobody was granted a lock or a job within ${progressUs / 1e6} s after everything healed`,
    );
  for (const user of [...users, eager, ...lockers]) user.stop();
  thin?.stop();
  stranger?.end();
  if (
    !(yield* until(
      world,
      () => [...users, eager].every((user) => user.outstanding === 0) && thin?.idle !== false && caughtUp(playing),
    ))
  )
    throw new RuleBroken('rule 9: replicas did not catch up with each other at rest');
  if (
    !(yield* until(world, () => users.every((user) => user.watchesUpToDate()) && (stranded || eager.watchUpToDate())))
  )
    throw new RuleBroken('rule 7: a watch was not told everything at rest');
  if (!(yield* until(world, () => world.checker.sessionsExpired())))
    throw new RuleBroken('rule 8: a session that no client uses never expires');
  world.checker.finalStates(hostsOf(world));
  for (const user of [...users, eager]) user.account();
  thin?.account();
  const sum = (of: (user: User) => number): number => users.reduce((total, user) => total + of(user), 0);
  return {
    seed,
    events: world.events,
    virtualMs: world.schedule.nowMs,
    committed: committed(),
    asked: sum((user) => user.counters.asked),
    succeeded: sum((user) => user.counters.succeeded),
    unknown: sum((user) => user.counters.unknown),
    watched: sum((user) => user.watching.events),
    resets: sum((user) => user.watching.resets),
    trace: trace(),
  };
}

interface LeftBehind {
  readonly dead: readonly SimNode[];
  /** Nodes that reach no other node, while all clients reach them. */
  readonly alone: readonly SimNode[];
  readonly apart: readonly (readonly [SimNode, SimNode])[];
}

/**
 * What stays broken while the rest heals, because a quorum must suffice (protocol §9.9). Every second time this is
 * nothing. Otherwise a minority is dead, or is cut off from all other nodes, and clients must leave it; or two nodes
 * are cut off from each other only, and each must work; or the node that founded the cluster is dead. It alone votes in
 * the root group, so the others must do with the catalogs that they have. A node that lost its disk belongs to the
 * minority. Where a disk rotted, the quorum must be able to read whatever may be committed, so all nodes come back.
 */
function leftBehind({ world, shape, damage, eager }: Playing, seed: number, left: Left | null): LeftBehind {
  const chance = new SeededRandom(seed, 0xdead);
  const none = { dead: [], alone: [], apart: [] };
  if ((chance.chance(1, 2) && left === null) || damage.kind === 'rot') return none;
  const holders = world.nodes.slice(0, shape.replicas);
  const nodes = holders.slice(1).filter((node) => !damage.lost || node !== damage.victim);
  const most = Math.floor(holders.length / 2) - (damage.lost && holders.includes(damage.victim) ? 1 : 0);
  const some = Array.from({ length: most }, () => nodes.splice(chance.below(nodes.length), 1)[0]!);
  const kind = left ?? (['dead', 'alone', 'apart', 'founder'] as const)[chance.below(4)]!;
  if (kind === 'none') return none;
  if (kind === 'dead' || damage.lost) return { ...none, dead: some };
  if (kind === 'founder') return { ...none, dead: world.nodes.slice(0, 1) };
  if (kind === 'alone') {
    const apart = some.flatMap((one) => world.nodes.filter((node) => node !== one).map((node) => [one, node] as const));
    return { ...none, alone: some, apart };
  }
  const one = chance.pick(world.nodes);
  const other = chance.pick(world.nodes.filter((node) => node !== one));
  // A cut between two nodes matters most when a client reaches only one of them and the other is the primary.
  const leads = world.nodes.find((node) => eager.isLedBy(node));
  const telling = eager.only !== null && leads !== undefined && leads !== eager.only && chance.chance(1, 2);
  return { ...none, apart: [telling ? [eager.only, leads] : [one, other]] };
}

function hostsOf(world: World): World['nodes'][number]['hosts'] {
  return world.nodes.flatMap((node) => [...node.hosts]);
}

/**
 * Every node runs all of its replicas, except one that lost its disk, and each replica has applied everything that its
 * group committed.
 */
function caughtUp({ world, damage, shape, namespaces }: Playing): boolean {
  // Each node follows the root group as well.
  const due = (index: number): number => (index < shape.replicas ? namespaces.length + 1 : 1);
  const whole = world.nodes.every(
    (node, index) => node.hosts.length >= due(index) || (damage.lost && node === damage.victim),
  );
  return whole && hostsOf(world).every((host) => host.view().applied >= world.checker.committedOp(host.namespaceId));
}
