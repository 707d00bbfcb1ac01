/**
 * A group of replicas on a scripted network. Messages wait until they are delivered, dropped or held, and batches wait
 * until they are synced. After every step, it checks what is always true (invariants.ts, promises.ts).
 */

import { Reader, Writer, textOf } from '../../core/base/bytes.ts';
import type { ErrorInfo } from '../../core/base/errors.ts';
import { defaultLimits } from '../../core/base/limits.ts';
import { SeededRandom } from '../../core/base/random.ts';
import type { Configuration, Member } from '../../core/vr/configuration.ts';
import type { Message } from '../../core/vr/messages.ts';
import { decodeMessage, encodeMessage } from '../../core/vr/messages.ts';
import type { Effect, Input, ReplicaEvent } from '../../core/vr/ports.ts';
import type { ReplicaLimits } from '../../core/vr/replica.ts';
import { Replica } from '../../core/vr/replica.ts';
import { NodeHash } from '../../node-server/node-hash.ts';
import { Invariants } from './invariants.ts';
import { Ledger } from './ledger.ts';
import { MemoryStorage } from './memory-storage.ts';
import { Place } from './place.ts';
import type { Must } from './promises.ts';
import { Promises } from './promises.ts';
import { ToyMachine } from './toy-machine.ts';

const hash = new NodeHash();

const testTiming = { heartbeatMs: 100, suspicionMs: 1000, resendMs: 50 };

export interface Packet {
  readonly from: string;
  readonly to: string;
  readonly message: Message;
}

/** What became of a request or a read. */
export interface Outcome {
  reply: string | null;
  error: ErrorInfo | null;
  /** For a read: the op that was applied where it was answered. */
  readAt: number | null;
}

export interface WorldOptions {
  readonly seed?: number;
  readonly voters?: number;
  readonly learners?: number;
  readonly limits?: Partial<ReplicaLimits>;
  readonly checkpointBytes?: number;
  /** Each life of a replica has a clock of its own, which begins anywhere. */
  readonly ownClocks?: boolean;
  readonly stageBytes?: number;
  /** Nothing happens to any disk, so a replica has no reason for an alarm but that it gets nothing from the others. */
  readonly wholeDisks?: boolean;
  /** Told of what each step brings, before it is done: what flows are written from. */
  readonly onStep?: (name: string, effects: readonly Effect[]) => void;
}

export class Group {
  readonly random: SeededRandom;
  readonly configuration: Configuration;
  readonly places = new Map<string, Place>();
  readonly packets: Packet[] = [];
  /** Decides about each packet that is sent. Held ones stay in `held` until they are released. */
  route: (packet: Packet) => 'deliver' | 'drop' | 'hold' = () => 'deliver';
  held: Packet[] = [];
  now = 1_000_000;
  readonly outcomes = new Map<number, Outcome>();
  /** The highest op whose reply a client has. */
  acknowledged = 0;
  protected readonly ops = new Map<string, number>();
  /** By token: when a linearizable read was asked. */
  protected readonly askedAt = new Map<number, number>();
  protected readonly options: WorldOptions;
  readonly #promises: Promises;
  readonly #invariants: Invariants;
  protected readonly ledger: Ledger;
  readonly #writer = new Writer(4096);
  protected nextToken = 1;
  #forging = false;

  constructor(options: WorldOptions = {}) {
    this.options = options;
    this.random = new SeededRandom(options.seed ?? 1);
    const must: Must = (condition, what) => this.#must(condition, what);
    const committed = (op: number): string | undefined => this.committed.get(op);
    this.#promises = new Promises(
      must,
      committed,
      options.limits?.maxPipelineEntries ?? defaultLimits.maxPipelineEntries,
    );
    const names = 'abcdefghijkl'.split('');
    const member = (name: string, index: number): Member => ({
      replica: name,
      node: `node-${name}`,
      incarnation: (index + 1).toString(16).padStart(32, '0'),
      address: '',
    });
    const voters = names.slice(0, options.voters ?? 3).map(member);
    const learners = names.slice(voters.length, voters.length + (options.learners ?? 0));
    this.configuration = {
      epoch: 1,
      voters,
      learners: learners.map((name, index) => member(name, index + voters.length)),
    };
    this.#invariants = new Invariants(must, this.configuration);
    this.ledger = new Ledger(must, this.configuration, testTiming.suspicionMs);
    for (const one of [...voters, ...this.configuration.learners]) {
      const { replica, node, incarnation } = one;
      const identity = { cluster: 'c'.repeat(32), namespace: 7, replica, node, incarnation };
      this.places.set(replica, new Place(one, new MemoryStorage(identity, this.configuration, hash)));
    }
    for (const name of this.places.keys()) this.start(name);
  }

  get names(): string[] {
    return [...this.places.keys()];
  }

  place(name: string): Place {
    const place = this.places.get(name);
    if (place === undefined) throw new Error(`there is no replica ${name}`);
    return place;
  }

  /** By op: the checksum of the entry that was committed there. */
  get committed(): ReadonlyMap<number, string> {
    return this.#invariants.committed;
  }

  // Lives.

  start(name: string): void {
    const place = this.place(name);
    place.machine = new ToyMachine();
    place.queued = [];
    place.paused = false;
    place.lastStepAt = this.now;
    this.#invariants.begins(name);
    if (this.options.ownClocks === true) place.clockMs = this.random.below(100_000_000);
    place.replica = new Replica({
      recovered: place.storage.recovered(),
      storage: place.storage,
      machine: place.machine,
      random: this.random.fork(),
      hash,
      limits: { ...defaultLimits, ...this.options.limits },
      timing: testTiming,
      checkpointBytes: this.options.checkpointBytes ?? 64 * 1024 * 1024,
      ...(this.options.stageBytes === undefined ? {} : { stageBytes: this.options.stageBytes }),
      now: this.#clockOf(place),
    });
    this.ledger.begins(name, this.#clockOf(place), place.view);
    this.step(name, { kind: 'tick' });
    this.step(name, { kind: 'flush' });
  }

  crash(name: string, tellPeers = false): void {
    const place = this.place(name);
    place.replica = null;
    place.storage.crash();
    place.queued = [];
    place.heldCheckpoints = [];
    if (tellPeers) {
      for (const other of this.names) {
        if (other !== name) this.input(other, { kind: 'peer', node: place.member.node, connected: false });
      }
    }
  }

  restart(name: string, tellPeers = false): void {
    if (this.place(name).replica !== null) this.crash(name);
    this.start(name);
    if (tellPeers) {
      for (const other of this.names) {
        if (other !== name) this.input(other, { kind: 'peer', node: this.place(name).member.node, connected: true });
      }
    }
  }

  /** Its disk is lost with all that it promised. The node, which must be down, comes back as another incarnation. */
  wipe(name: string): void {
    const place = this.place(name);
    const { replica, node, incarnation } = place.member;
    const other = incarnation.replace(/^0/, 'f');
    const identity = { cluster: 'c'.repeat(32), namespace: 7, replica, node, incarnation: other };
    place.storage = new MemoryStorage(identity, this.configuration, hash);
    place.wiped = true;
  }

  // Steps.

  input(name: string, input: Input): void {
    const place = this.place(name);
    if (place.replica === null) return;
    if (place.paused) {
      place.queued.push(input);
      return;
    }
    this.step(name, input);
    this.step(name, { kind: 'flush' });
  }

  /** The time as this replica is told it. */
  #clockOf(place: Place): number {
    return this.now + place.clockMs;
  }

  /** Tells a replica the time. */
  tick(name: string): void {
    this.input(name, { kind: 'tick' });
  }

  /** The clock of a machine is set back, for good. */
  setClockBack(name: string, ms: number): void {
    this.place(name).clockMs -= ms;
  }

  resume(name: string, ticksFirst = true): void {
    const place = this.place(name);
    place.paused = false;
    const { queued } = place;
    place.queued = [];
    if (ticksFirst) this.tick(name);
    for (const input of queued) this.input(name, input);
    if (!ticksFirst) this.tick(name);
  }

  step(name: string, input: Input): void {
    const place = this.place(name);
    if (place.replica === null) return;
    place.runningMs += Math.min(this.now - place.lastStepAt, testTiming.suspicionMs);
    place.lastStepAt = this.now;
    this.ledger.takes(name, input, this.#clockOf(place));
    const effects = place.replica.step(input, this.#clockOf(place));
    if (place.replica.down) for (const written of place.spoiled) place.wrong.add(written);
    this.options.onStep?.(name, effects);
    for (const effect of effects) this.#perform(place, effect);
    const { isPrimary } = place.replica;
    if (!isPrimary && effects.length === 0) return;
    const { view } = place;
    this.#invariants.hold(place, view);
    if (effects.length > 0) this.ledger.stands(name, input, view, place.storage, this.committed);
  }

  #perform(place: Place, effect: Effect): void {
    const name = place.member.replica;
    switch (effect.kind) {
      case 'send': {
        this.#writer.reset();
        encodeMessage(this.#writer, effect.message);
        const reader = new Reader(this.#writer.finish());
        const message = decodeMessage(reader, hash);
        reader.end();
        this.#promises.check(name, message, place.storage, place.replica?.isPrimary === true);
        this.ledger.says(name, message, place.storage, () => place.view);
        if (message.kind === 'prepare') {
          for (const entry of message.entries) this.#invariants.header(entry);
        }
        const packet = { from: name, to: effect.to.replica, message };
        const fate = this.route(packet);
        if (fate === 'deliver') this.packets.push(packet);
        else if (fate === 'hold') this.held.push(packet);
        return;
      }
      case 'persist':
        for (const entry of effect.batch.entries) {
          this.#invariants.header(entry);
          this.#invariants.made(entry, place, this.now);
        }
        this.#must(
          !place.wrong.has(effect.batch.checkpoint?.hash ?? ''),
          `${name} installs a checkpoint of a state that was found wrong`,
        );
        this.#must(
          effect.batch.checkpoint?.chunks.every((_, i) => place.storage.staged(effect.batch.checkpoint!, i)) !== false,
          `${name} installs a checkpoint that it has dropped`,
        );
        place.storage.persist(effect.ticket, effect.batch);
        return;
      case 'reply': {
        const outcome = this.outcomes.get(effect.token);
        if (outcome === undefined) return;
        this.#must(outcome.reply === null && outcome.error === null, 'a token is answered once');
        if (effect.result.ok) {
          outcome.reply = textOf(effect.result.reply) ?? '';
          const op = Number(/(\d+)$/.exec(outcome.reply)?.[1] ?? 0);
          this.acknowledged = Math.max(this.acknowledged, op);
        } else outcome.error = effect.result.error;
        return;
      }
      case 'readReady': {
        const outcome = this.outcomes.get(effect.token);
        if (outcome === undefined) return;
        if (effect.result.ok) {
          outcome.readAt = place.machine.op;
          const askedAt = this.askedAt.get(effect.token);
          if (askedAt !== undefined) this.ledger.read(name, askedAt);
          this.#must(
            place.machine.op >= (this.ops.get(String(effect.token)) ?? 0),
            `a read went back in time on ${name}`,
          );
        } else outcome.error = effect.result.error;
        return;
      }
      case 'writeCheckpoint': {
        const checkpoint = place.storage.write(effect.draft, effect.snapshot, place.spoilCheckpoints);
        place.wrote(checkpoint.hash);
        (place.holdsCheckpoints ? place.heldCheckpoints : place.queued).push({ kind: 'checkpointWritten', checkpoint });
        return;
      }
      case 'dropCheckpoint':
        place.storage.drop(effect.checkpoint);
        return;
      case 'stageChunk':
        place.storage.stage(effect.checkpoint, effect.index, effect.bytes);
        place.queued.push({ kind: 'chunkStaged', op: effect.checkpoint.op, index: effect.index });
        return;
      case 'applied':
        this.#invariants.applied(name, effect.entry);
        return;
      case 'restored':
        this.#invariants.restored(name, effect.op);
        return;
      case 'event':
        if (effect.event.kind === 'alarm') {
          const { about, reason } = effect.event;
          const mayBe = this.options.wholeDisks !== true || about === 'transfer';
          this.#must(mayBe, `${name}, whose disk is whole, says: ${reason}`);
          this.#invariants.rebuilding(name);
        }
        place.events.push(effect.event);
        if (effect.event.kind === 'refused') {
          const { from, said, reason } = effect.event;
          this.#must(this.#forging, `${name} refused an honest ${said} of ${from}: ${reason}`);
        }
        this.ledger.event(name, effect.event);
        if (effect.event.kind === 'committed') this.#invariants.committedOn(this.places, effect.event.op);
    }
  }

  #must(condition: boolean, what: string): void {
    if (!condition) throw new Error(`seed ${this.options.seed ?? 1}: ${what}`);
  }

  // Time and the network.

  deliver(packet: Packet): void {
    this.input(packet.to, { kind: 'message', message: packet.message });
  }

  /**
   * `to` gets a message in a member's name that no member sent. It is impossible, so it must change nothing: at most it
   * is reported, or an older view is answered with the newer one (V31).
   */
  forge(to: string, message: Message, what: string): void {
    const place = this.place(to);
    if (place.replica === null || place.paused) return;
    this.#forging = true;
    const before = JSON.stringify(place.view);
    const dropped = droppedBy(place.replica);
    try {
      for (const effect of place.replica.step({ kind: 'message', message }, this.now)) {
        const harmless =
          effect.kind === 'event' && (effect.event.kind === 'refused' || effect.event.kind === 'dropped');
        this.#must(harmless, `${to} believed a forged ${message.kind} (${what}): ${effect.kind}`);
        this.#perform(place, effect);
      }
      this.#must(droppedBy(place.replica) === dropped + 1, `${to} did not count a forged ${message.kind} (${what})`);
      this.#must(JSON.stringify(place.view) === before, `${to} was changed by a forged ${message.kind} (${what})`);
    } catch (error) {
      throw new Error(`seed ${this.options.seed ?? 1}: a forged ${message.kind} (${what}): ${String(error)}`, {
        cause: error,
      });
    } finally {
      this.#forging = false;
    }
  }

  sync(name: string): void {
    const place = this.place(name);
    if (place.storage.waiting > 0) this.input(name, { kind: 'durable', ticket: place.storage.sync() });
  }

  /** Hands over what a replica's disk reports in addition to batches. */
  drain(name: string): void {
    const place = this.place(name);
    if (place.paused) return;
    const { queued } = place;
    place.queued = [];
    for (const input of queued) this.input(name, input);
  }

  /** The same, and messages that came meanwhile, in one turn: what it makes of all of it leaves at the end. */
  turn(name: string, messages: readonly Message[]): void {
    const place = this.place(name);
    if (place.paused) return;
    const { queued } = place;
    place.queued = [];
    for (const input of queued) this.step(name, input);
    for (const message of messages) this.step(name, { kind: 'message', message });
    this.step(name, { kind: 'flush' });
  }

  /** Delivers and syncs until nothing moves. */
  settle(): void {
    for (let rounds = 0; ; rounds++) {
      if (rounds > 5000) throw new Error(`seed ${this.options.seed ?? 1}: the group never comes to rest`);
      let moved = false;
      for (const packet of this.packets.splice(0)) {
        moved = true;
        this.deliver(packet);
      }
      for (const [name, place] of this.places) {
        if (!place.paused && place.queued.length > 0) {
          moved = true;
          this.drain(name);
        }
        while (!place.slowDisk && !place.paused && place.storage.waiting > 0) {
          moved = true;
          this.sync(name);
        }
      }
      if (!moved) return;
    }
  }

  /** Lets time pass in ticks, and lets everything settle in between. */
  run(ms: number): void {
    for (let passed = 0; passed < ms; passed += 10) {
      this.now += 10;
      for (const [name, place] of this.places) if (!place.paused) this.tick(name);
      this.settle();
    }
  }

  /** Runs until `done`, at most for `limitMs`. Returns how long it took. */
  runUntil(done: () => boolean, limitMs = 30_000): number {
    const start = this.now;
    this.settle();
    while (!done()) {
      if (this.now - start > limitMs)
        throw new Error(`seed ${this.options.seed ?? 1}: waited in vain\n${this.describe()}`);
      this.run(10);
    }
    return this.now - start;
  }

  describe(): string {
    const lines = [...this.places].map(([name, place]) => {
      if (place.replica === null) return `${name} down`;
      const { status, view, logView, head, commit, applied, checkpointOp, isPrimary } = place.view;
      return `${name} ${status} view ${view.view} log_view ${logView.view} head ${head} commit ${commit} applied ${applied} checkpoint ${checkpointOp}${isPrimary ? ' primary' : ''}`;
    });
    return lines.join('\n');
  }

  /** Drops everything between the two sides, now and from now on, until `heal`. */
  partition(...sides: readonly (readonly string[])[]): void {
    const sideOf = (name: string): number => sides.findIndex((side) => side.includes(name));
    this.route = ({ from, to }) => (sideOf(from) === sideOf(to) ? 'deliver' : 'drop');
    this.packets.splice(0, this.packets.length, ...this.packets.filter(({ from, to }) => sideOf(from) === sideOf(to)));
  }

  /** Only these directed links work, written `ab` for a to b. */
  links(...alive: readonly string[]): void {
    this.route = ({ from, to }) => (alive.includes(from + to) ? 'deliver' : 'drop');
    this.packets.length = 0;
  }

  heal(): void {
    this.route = () => 'deliver';
  }

  release(): void {
    for (const packet of this.held.splice(0)) this.packets.push(packet);
  }

  get primary(): string | null {
    let best: string | null = null;
    let bestView = -1;
    for (const [name, place] of this.places) {
      if (place.replica?.isPrimary !== true || place.paused) continue;
      const { view } = place.view.view;
      if (view > bestView) {
        best = name;
        bestView = view;
      }
    }
    return best;
  }

  /** Waits for a primary that the others follow. */
  awaitPrimary(limitMs = 30_000): string {
    this.runUntil(() => this.primary !== null, limitMs);
    return this.primary!;
  }

  /** Waits until all live replicas hold and have applied the same. */
  awaitAgreement(limitMs = 30_000): void {
    this.runUntil(() => {
      const live = [...this.places.values()].filter((place) => place.replica !== null);
      const views = live.map((place) => place.view);
      return views.every(
        (view) =>
          view.status === 'normal' &&
          view.head === views[0]!.head &&
          view.applied === view.head &&
          view.view.view === views[0]!.view.view,
      );
    }, limitMs);
    const digests = new Set([...this.places.values()].filter((p) => p.replica !== null).map((p) => p.machine.digest));
    this.#must(digests.size === 1, 'replicas that agree have one state');
  }

  events<K extends ReplicaEvent['kind']>(name: string, kind: K): Extract<ReplicaEvent, { kind: K }>[] {
    return this.place(name).events.filter((event): event is Extract<ReplicaEvent, { kind: K }> => event.kind === kind);
  }
}

function droppedBy(replica: Replica): number {
  return [...replica.dropped.values()].reduce((sum, count) => sum + count, 0);
}
