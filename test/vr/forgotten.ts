/**
 * Random lives of a replica whose group has forgotten what it committed: while it was away, the others were given old
 * copies of their directories (protocol §5). The same group is played twice from one seed, alike at first. In the one
 * playing, the replica commits more. In the other, the others go on without it. Then it meets the others. It may take
 * nothing of what they tell, and somebody must say that there are two histories.
 */

import { SeededRandom } from '../../core/base/random.ts';
import { defaultLimits } from '../../core/base/limits.ts';
import type { Message, MessageKind } from '../../core/vr/messages.ts';
import type { Effect, Input } from '../../core/vr/ports.ts';
import { Replica } from '../../core/vr/replica.ts';
import { NodeHash } from '../../node-server/node-hash.ts';
import { telling } from '../again.ts';
import type { MemoryStorage } from './memory-storage.ts';
import { ToyMachine } from './toy-machine.ts';
import type { WorldOptions } from './world.ts';
import { World } from './world.ts';

const hash = new NodeHash();
const timing = { heartbeatMs: 100, suspicionMs: 1000, resendMs: 50 };
/** Each message is lost once in this many times. */
const oneLostOf = 10;
const patienceMs = 20_000;
/** What is asked. The rest of what it says is for a group that is no longer its own, and could bend the others. */
const questions: ReadonlySet<MessageKind> = new Set(['getState', 'getStartView', 'getChunk', 'recovery', 'readIndex']);

/** @throws with what runs the seed again, when it gives up what it has committed, or when nobody says what happened. */
export function forget(seed: number): void {
  telling('a group that forgot', seed, 'test/vr/forgotten.test.ts', () => {
    const random = new SeededRandom(seed, 0xf0f6);
    const options: WorldOptions = {
      seed,
      voters: random.pick([3, 3, 4, 5]),
      checkpointBytes: random.pick([100, 300, 1000, 100_000_000]),
      stageBytes: random.pick([1, 500, 100_000_000]),
    };
    const views = random.pick([0, 1, 1, 2, 70]);
    const together = random.below(20);
    const [known, others] = [new World(options), new World(options)];
    for (const world of [known, others]) {
      world.awaitPrimary();
      for (let i = 0; i < together; i++) world.put(`both-${i}`);
      // Older views than so many are no longer told apart.
      for (let i = 0; i < views; i++) elect(world, `view-${i}`);
      world.awaitAgreement();
    }
    const name = random.pick(known.names);
    others.crash(name);
    const committed = goOn(known, random, 'known', 0);
    known.awaitAgreement();
    const away = new Away(known, others, name, random);
    // Whoever has an old copy begins a view that is later than the one from which the copy is. It is later than all that
    // the replica knows, so that a view tells the two histories apart.
    const least = known.place(name).view.view.view;
    goOn(others, random, 'other', least);
    if (committed === 0 || away.committed <= together + views) return;
    away.meet();
  });
}

/** Another primary, and an entry of its view. */
function elect(world: World, value: string): void {
  world.restart(world.awaitPrimary());
  world.put(value);
}

/** Entries, some of them in later views. @returns how many. */
function goOn(world: World, random: SeededRandom, what: string, leastView: number): number {
  const entries = random.pick([1, 3, 10, 60]);
  for (let view = -1; view <= leastView;) {
    world.restart(world.awaitPrimary());
    ({ view } = world.place(world.awaitPrimary()).view.view);
  }
  for (let i = 0; i < entries; i++) {
    if (random.chance(1, 20)) world.restart(world.awaitPrimary());
    world.put(`${what}-${i}`);
  }
  // The log behind a quorum's checkpoint goes, or is still there.
  if (random.chance(3, 4)) world.run(2000);
  return entries;
}

/** The replica, among the others. */
class Away {
  readonly committed: number;
  readonly #others: World;
  readonly #name: string;
  readonly #random: SeededRandom;
  readonly #replica: Replica;
  readonly #storage: MemoryStorage;
  /** What it has committed and can still name, by op. */
  readonly #kept = new Map<number, string>();
  /** Hashes of the checkpoints that it wrote itself. */
  readonly #own = new Set<string>();
  readonly #inbox: Message[] = [];
  readonly #queued: Input[] = [];
  readonly #view: number;
  /** Its clock is ahead of theirs by this. */
  readonly #aheadMs: number;
  #told = false;

  constructor(known: World, others: World, name: string, random: SeededRandom) {
    this.#others = others;
    this.#name = name;
    this.#random = random;
    const place = known.place(name);
    this.#storage = place.storage;
    this.#aheadMs = Math.max(0, known.now - others.now);
    // It was cut off, or it was off.
    if (random.chance(1, 2)) {
      this.#storage.crash();
      place.replica = this.#started(known.now);
    }
    this.#replica = place.replica!;
    const { commit, checkpointOp, view } = this.#replica.view();
    this.committed = commit;
    this.#view = view.view;
    const { checkpoint } = this.#storage.recovered();
    if (checkpoint !== null) this.#own.add(checkpoint.hash);
    for (let op = checkpointOp + 1; op <= commit; op++) this.#kept.set(op, this.#storage.held(op)!);
  }

  #started(now: number): Replica {
    return new Replica({
      recovered: this.#storage.recovered(),
      storage: this.#storage,
      machine: new ToyMachine(),
      random: this.#random.fork(),
      hash,
      limits: defaultLimits,
      timing,
      checkpointBytes: 100_000_000,
      now,
    });
  }

  /** The others go on, hear what it asks, and tell it what they tell everybody. */
  meet(): void {
    const others = this.#others;
    others.route = ({ to, message }) => {
      if (to !== this.#name) return 'deliver';
      if (!this.#random.chance(1, oneLostOf)) this.#inbox.push(message);
      return 'drop';
    };
    for (let passedMs = 0; passedMs < patienceMs && !this.#told; passedMs += 10) {
      others.run(10);
      this.#take({ kind: 'tick' });
      for (const message of this.#inbox.splice(0)) this.#take({ kind: 'message', message });
      for (const input of this.#queued.splice(0)) this.#take(input);
      if (this.#random.chance(1, 50)) others.put('later');
    }
    this.#told ||= [...others.places.values()].some(({ events }) =>
      events.some((event) => event.kind === 'alarm' && isOfHistories(event.reason)),
    );
    if (!this.#told) throw new Error(`nobody says that ${this.#name} has another history\n${others.describe()}`);
  }

  #take(input: Input): void {
    for (const one of [input, { kind: 'flush' } as const])
      for (const effect of this.#replica.step(one, this.#others.now + this.#aheadMs)) this.#perform(effect);
    this.#keeps();
  }

  #perform(effect: Effect): void {
    const storage = this.#storage;
    switch (effect.kind) {
      case 'send': {
        const { to, message } = effect;
        if (!questions.has(message.kind) || this.#random.chance(1, oneLostOf)) return;
        this.#others.packets.push({ from: this.#name, to: to.replica, message });
        return;
      }
      case 'persist': {
        const { checkpoint } = effect.batch;
        if (checkpoint !== undefined && !this.#own.has(checkpoint.hash))
          throw new Error(`${this.#name} gives up what it has committed for a checkpoint at ${checkpoint.op}`);
        storage.persist(effect.ticket, effect.batch);
        while (storage.waiting > 0) this.#queued.push({ kind: 'durable', ticket: storage.sync() });
        return;
      }
      case 'writeCheckpoint': {
        const checkpoint = storage.write(effect.draft, effect.snapshot);
        this.#own.add(checkpoint.hash);
        this.#queued.push({ kind: 'checkpointWritten', checkpoint });
        return;
      }
      case 'stageChunk':
        storage.stage(effect.checkpoint, effect.index, effect.bytes);
        this.#queued.push({ kind: 'chunkStaged', op: effect.checkpoint.op, index: effect.index });
        return;
      case 'event':
        if (effect.event.kind === 'alarm' && isOfHistories(effect.event.reason)) this.#told = true;
        return;
      default:
    }
  }

  /** What it has committed is there, and it works in no view of those who forgot it. */
  #keeps(): void {
    for (const [op, checksum] of this.#kept) {
      const held = this.#storage.held(op);
      if (held !== checksum && held !== 'checkpoint')
        throw new Error(`${this.#name} gives up what it has committed at ${op}`);
    }
    const { logView } = this.#replica.view();
    if (logView.view > this.#view) throw new Error(`${this.#name} goes on in view ${logView.view} of those who forgot`);
  }
}

function isOfHistories(reason: string): boolean {
  return reason.startsWith('two histories: ');
}
