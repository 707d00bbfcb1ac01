/**
 * Messages in a member's name that no member sent: real ones of this history with something impossible in them, as far
 * as that can be judged (protocol §1, V31). A generator of its own draws what is forged, so a history is the same with
 * and without forgeries.
 */

import type { SeededRandom } from '../../core/base/random.ts';
import { makeEntry } from '../../core/vr/entry.ts';
import type { Entry } from '../../core/vr/entry.ts';
import type { LogDescription, Message, MessageKind, MessageOf } from '../../core/vr/messages.ts';
import { primaryOf } from '../../core/vr/configuration.ts';
import { NodeHash } from '../../node-server/node-hash.ts';
import type { Packet, World } from './world.ts';

const hash = new NodeHash();
const most = Number.MAX_SAFE_INTEGER;
const maxSeen = 60;
/** Only voters say these. A learner that cannot prove its head also asks. */
const votes: ReadonlySet<MessageKind> = new Set<MessageKind>([
  'prepareOk',
  'commitOk',
  'startViewChange',
  'doViewChange',
  'recoveryOk',
]);

/** An impossible message, and why it is impossible; null when this message gives no occasion. */
type Forgery = (message: Message, target: Target) => readonly [Message, string] | null;

/** The replica that gets it, in its present state. */
interface Target {
  readonly world: World;
  readonly random: SeededRandom;
  readonly name: string;
  readonly view: number;
  readonly head: number;
  readonly commit: number;
  /** Its log is of its view. */
  readonly inView: boolean;
  readonly isPrimary: boolean;
  /** Its view has not begun, and it will lead it. */
  readonly mayLead: boolean;
}

function entryLike(entry: Entry, change: Partial<Entry>): Entry {
  return makeEntry({ ...entry, ...change }, hash);
}

function inName(world: World, replica: string): Pick<Message, 'replica' | 'node' | 'incarnation'> {
  const { node, incarnation } = world.place(replica).member;
  return { replica, node, incarnation };
}

/** A voter that is neither `target` nor any of the others named. */
function anotherVoter({ world, random, name }: Target, not: string): string | null {
  const { voters } = world.configuration;
  const others = voters.map(({ replica }) => replica).filter((replica) => replica !== name && replica !== not);
  return others.length === 0 ? null : random.pick(others);
}

/** In the target's view, so that the message is not of an older one. */
function now<M extends Message>(message: M, { view }: Target): M {
  return { ...message, view };
}

function leads(target: Target): boolean {
  const { world, view, name } = target;
  return primaryOf(world.configuration, view).replica === name;
}

/** In the name of the primary of the target's view, unless that is the target. */
function fromPrimary<M extends Message>(message: M, target: Target): M | null {
  const { replica } = primaryOf(target.world.configuration, target.view);
  return replica === target.name ? null : { ...now(message, target), ...inName(target.world, replica) };
}

function fromVoter<M extends Message>(message: M, target: Target): M | null {
  const voter = anotherVoter(target, '');
  return voter === null ? null : { ...now(message, target), ...inName(target.world, voter) };
}

const badLogs: readonly ((log: LogDescription, random: SeededRandom) => LogDescription)[] = [
  (log) => ({ ...log, head: most, floor: most, checksums: [] }),
  (log) => ({ ...log, head: log.head + 1 }),
  (log) => ({ ...log, floor: log.head + 1, checksums: [] }),
  (log) => ({ ...log, checkpointOp: log.floor + 1 }),
  (log) => ({ ...log, checksums: [...log.checksums, log.floorChecksum] }),
  (log) => ({ ...log, corrupt: [log.head + 1] }),
];

const forgeries: Readonly<Record<string, Forgery>> = {
  'a view at the end of numbers': (message, { random, view }) => [
    { ...message, view: random.pick([most, most - 1, 2 ** 52 + 1, view + 2 ** 45]) },
    'view',
  ],
  'another epoch': (message, { random }) => [{ ...message, epoch: random.pick([0, 2, most]) }, 'epoch'],
  'another incarnation': (message) => [{ ...message, incarnation: 'e'.repeat(32) }, 'incarnation'],
  'a node that has no such replica': (message) => [{ ...message, node: 'node-x' }, 'node'],
  'a learner that votes': (message, target) => {
    const [learner] = target.world.configuration.learners;
    if (learner === undefined || learner.replica === target.name || !votes.has(message.kind)) return null;
    return [{ ...now(message, target), ...inName(target.world, learner.replica) }, 'learner'];
  },
  'a number at the end of numbers': (message, target) => {
    if (message.kind === 'getState')
      return [{ ...now(message, target), ...target.random.pick([{ from: most }, { commit: most }]) }, 'op'];
    if (message.kind !== 'readIndexOk') return null;
    const forged = fromPrimary(message, target);
    return forged === null ? null : [{ ...forged, index: most }, 'index'];
  },
  'another cluster': (message) => [{ ...message, cluster: 'd'.repeat(32) }, 'cluster'],
  'another namespace': (message) => [{ ...message, namespace: 0 }, 'namespace'],
  'more than was sent': (message, target) => {
    if (message.kind !== 'prepareOk' && message.kind !== 'commitOk') return null;
    const forged = fromVoter(message, target);
    if (forged === null || !target.isPrimary) return null;
    const beyond = target.random.pick([target.head + 1, target.head + 2, most]);
    return [{ ...forged, op: beyond }, 'op'];
  },
  'a round that was not begun': (message, target) => {
    if (message.kind !== 'commitOk' || !target.isPrimary) return null;
    const forged = fromVoter(message, target);
    return forged === null ? null : [{ ...forged, op: 0, checkpoint: null, round: most }, 'round'];
  },
  'an acknowledgement for another primary': (message, target) => {
    if ((message.kind !== 'prepareOk' && message.kind !== 'commitOk' && message.kind !== 'readIndex') || leads(target))
      return null;
    const forged = fromVoter(message, target);
    return forged === null ? null : [forged, 'not for the primary'];
  },
  'a Prepare of no primary': (message, target) => {
    if (message.kind !== 'prepare' && message.kind !== 'commit' && message.kind !== 'readIndexOk') return null;
    const primary = primaryOf(target.world.configuration, target.view).replica;
    const other = anotherVoter(target, primary);
    return other === null ? null : [{ ...now(message, target), ...inName(target.world, other) }, 'not the primary'];
  },
  'entries that contradict': (message, target) => {
    if (message.kind !== 'prepare') return null;
    const [first] = message.entries;
    const forged = fromPrimary(message, target);
    if (first === undefined || forged === null) return null;
    const base = { ...first, epoch: 1, view: target.view, op: target.head + 1, commit: 0 };
    const entry = (change: Partial<Entry>): Entry => entryLike(base, change);
    const bad: readonly (readonly Entry[])[] = [
      [entry({ op: most })],
      [entry({ commit: base.op })],
      [entry({ view: target.view + 1 })],
      [entry({ timestamp: most })],
      [entry({}), entry({})],
      ...(target.inView ? [[entry({ parent: 'a'.repeat(32) })]] : []),
      ...(target.inView && target.head > 0
        ? [[entry({ op: target.head, body: new Uint8Array([7, 7]), commit: 0 })]]
        : []),
    ];
    return [{ ...forged, commit: 0, entries: target.random.pick(bad) }, 'entries'];
  },
  'a heartbeat that does not add up': (message, target) => {
    if (message.kind !== 'commit') return null;
    const forged = fromPrimary(message, target);
    if (forged === null) return null;
    const { head, commit } = forged;
    return [
      {
        ...forged,
        ...target.random.pick([{ head: most }, { commit: head + 1 }, { shortenTo: commit + 1 }, { round: most }]),
      },
      'heartbeat',
    ];
  },
  'a vote that does not add up': (message, target) => {
    if (message.kind !== 'doViewChange') return null;
    const forged = fromVoter(message, target);
    if (forged === null) return null;
    const { random, view } = target;
    const begun = { ...forged.log, logView: { epoch: 1, view: view + random.below(2) } };
    return [{ ...forged, log: random.chance(1, 3) ? begun : random.pick(badLogs)(forged.log, random) }, 'vote'];
  },
  'a StartView that contradicts': (message, target) => {
    if (message.kind !== 'startView') return null;
    const forged = fromVoter(message, target);
    return forged === null ? null : badStartView(forged, target);
  },
  'a StartView to who leads': ({ kind: _kind, ...message }, target) => {
    if (!target.isPrimary && !target.mayLead) return null;
    const { view, head, random } = target;
    // Above everything that is known to be committed here, so that nothing else about it can be judged.
    const log = emptyLog(view, head + 1);
    const forged = fromVoter(
      { ...message, kind: 'startView', nonce: 0, commit: random.pick([0, head + 1]), log },
      target,
    );
    return forged === null ? null : [forged, 'StartView'];
  },
  'a suspicion of another view': (message, target) => {
    if (message.kind !== 'startViewChange') return null;
    const forged = fromVoter(message, target);
    return forged === null ? null : [{ ...forged, target: target.view + 2 + target.random.below(9) }, 'target'];
  },
  'a NewState that contradicts': (message, target) => {
    if (message.kind !== 'newState') return null;
    const forged = fromVoter(message, target);
    if (forged === null) return null;
    const changes: Partial<MessageOf<'newState'>>[] = [
      { logView: { epoch: 1, view: target.view + 1 } },
      { commit: most },
    ];
    const [first] = forged.entries;
    if (first !== undefined) {
      changes.push({ entries: [first, first] }, { entries: [entryLike(first, { commit: first.op })] });
      changes.push({ entries: [entryLike(first, { view: most })] });
    }
    return [{ ...forged, ...target.random.pick(changes) }, 'state'];
  },
};

function badStartView(forged: MessageOf<'startView'>, target: Target): readonly [Message, string] {
  const { random, view } = target;
  const log = { ...forged.log, logView: { epoch: 1, view } };
  const bad: Partial<MessageOf<'startView'>>[] = [
    { log: { ...log, logView: { epoch: 1, view: view + 1 } } },
    { log, commit: log.head + 1 },
    { log: random.pick(badLogs)(log, random) },
  ];
  return [{ ...forged, log, ...random.pick(bad) }, 'StartView'];
}

/** A log of `view` of which only the head is given. */
function emptyLog(view: number, head: number): LogDescription {
  const floorChecksum = 'a'.repeat(32);
  return { logView: { epoch: 1, view }, head, floor: head, floorChecksum, checkpointOp: 0, checksums: [], corrupt: [] };
}

export class Forging {
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #seen: Packet[] = [];

  constructor(world: World, random: SeededRandom) {
    this.#world = world;
    this.#random = random;
  }

  /** Looks at what is on its way, and now and then forges something similar. */
  step(): void {
    const random = this.#random;
    const packet = this.#world.packets.at(-1);
    if (packet !== undefined) {
      if (this.#seen.length < maxSeen) this.#seen.push(packet);
      else this.#seen[random.below(maxSeen)] = packet;
    }
    if (this.#seen.length === 0 || !random.chance(1, 4)) return;
    const { message } = random.pick(this.#seen);
    const name = random.pick(this.#world.names);
    const { replica } = this.#world.place(name);
    if (replica === null || name === message.replica) return;
    const view = replica.view();
    const inView = view.logView.view === view.view.view;
    const { configuration } = this.#world;
    const leader = primaryOf(configuration, view.view.view).replica === name && !this.#world.place(name).wiped;
    const target: Target = {
      world: this.#world,
      random,
      name,
      view: view.view.view,
      head: view.head,
      commit: view.commit,
      inView,
      isPrimary: view.status === 'normal' && view.isPrimary,
      mayLead: leader && !inView && view.status === 'viewChange',
    };
    for (let tries = 0; tries < 4; tries++) {
      const [what, forge] = random.pick(Object.entries(forgeries));
      const forged = forge({ ...message, to: name }, target);
      if (forged === null) continue;
      this.#world.forge(name, forged[0], `${what}: ${forged[1]}`);
      return;
    }
  }
}
