/**
 * Simulated users. Each has a client of its own, a few outstanding calls, and a memory of what it was told. What a user
 * is told is compared with the replay of the committed log.
 */

import type { ErrorInfo, Result } from '../base/errors.ts';
import { equalBytes, utf8 } from '../base/bytes.ts';
import type { NamespaceId, Op } from '../base/ids.ts';
import type { SeededRandom } from '../base/random.ts';
import { encodeOperation } from '../service/body.ts';
import type { Reply } from '../service/reply.ts';
import { isRead } from '../tree/reading.ts';
import { RuleBroken } from './checker.ts';
import { blobPaths, drawOperation, watchedPaths } from './uses/index.ts';
import { Watcher } from './watcher.ts';
import type { WatcherCounters } from './watcher.ts';
import type { SimClient, World } from './world.ts';

const outstandingPerUser = 4;
const watchesPerUser = 2;

/** How the users of a world behave. */
export interface Habits {
  readonly requestTimeoutMs: number;
  readonly keepAliveMs: number;
  /**
   * Now and then a value is filled up with this many bytes. With a few of these, a snapshot takes more than one page.
   */
  readonly padding: number;
}

const usual: Habits = { requestTimeoutMs: 4000, keepAliveMs: 30_000, padding: 0 };

export interface WorkloadCounters {
  asked: number;
  succeeded: number;
  refused: number;
  unknown: number;
}

export interface UserOptions {
  /** Where it works. */
  readonly namespace: string;
  /** The highest op of each namespace that any user was told. All users of a world share it. */
  readonly acknowledged: Map<NamespaceId, Op>;
  /** Decides about watches. Null, which is the default, means that it has none. */
  readonly watchRandom?: SeededRandom | null;
  readonly habits?: Habits;
}

export class User {
  readonly counters: WorkloadCounters = { asked: 0, succeeded: 0, refused: 0, unknown: 0 };
  readonly watching: WatcherCounters = { events: 0, snapshots: 0, resets: 0 };
  readonly name: string;
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #namespace: string;
  readonly #acknowledged: Map<NamespaceId, Op>;
  /** Bodies that occur once in the world, and what their user was told about each. */
  readonly #unique: { readonly body: Uint8Array; told: 'executed' | 'definite' | 'unknown' | 'waiting' }[] = [];
  /** Decides about watches, from a generator of its own. Null: this user has no watches. */
  readonly #watchRandom: SeededRandom | null;
  #watchers: Watcher[] = [];
  #sim: SimClient;
  #namespaceId: NamespaceId | null = null;
  #outstanding = 0;
  #serial = 0;
  #generation = 0;
  #stopped = false;

  readonly #habits: Habits;

  constructor(
    name: string,
    world: World,
    { namespace, acknowledged, watchRandom = null, habits = usual }: UserOptions,
  ) {
    this.#habits = habits;
    this.#watchRandom = watchRandom;
    this.name = name;
    this.#world = world;
    this.#namespace = namespace;
    this.#acknowledged = acknowledged;
    this.#random = world.chance();
    this.#sim = this.#connect();
  }

  /** The namespace in which it works. */
  get namespace(): string {
    return this.#namespace;
  }

  get outstanding(): number {
    return this.#outstanding;
  }

  /** The user's process dies and a new one begins. Its earlier requests may still be on their way (V16). */
  restart(): void {
    this.#sim.kill();
    const told = this.#watchers.map((watcher) => watcher.op);
    this.#watchers = [];
    for (const one of this.#unique) if (one.told === 'waiting') one.told = 'unknown';
    this.#outstanding = 0;
    this.#namespaceId = null;
    this.#sim = this.#connect(told);
  }

  /** True when every watch was told everything that is committed. */
  watchesUpToDate(): boolean {
    return this.#watchers.every((watcher) => watcher.upToDate());
  }

  /** Asks nothing more. */
  stop(): void {
    this.#stopped = true;
  }

  /** @param told how far the watches of the process before had got, so that new ones can go on there. */
  #connect(told: readonly (Op | null)[] = []): SimClient {
    const generation = ++this.#generation;
    const { requestTimeoutMs, keepAliveMs } = this.#habits;
    const sim = this.#world.addClient({ followRedirects: this.#random.chance(1, 2), requestTimeoutMs, keepAliveMs });
    this.#enter(sim, generation, told);
    return sim;
  }

  #enter(sim: SimClient, generation: number, told: readonly (Op | null)[]): void {
    sim.client.enter(this.#namespace, (entered) => {
      if (generation !== this.#generation) return;
      if (entered.ok) {
        this.#namespaceId = entered.value.namespaceId;
        for (const op of told) this.#watch(op);
        this.#think(generation);
        return;
      }
      neverDenied(entered.error, this.#namespace);
      this.#world.schedule.after(100_000, () => generation === this.#generation && this.#enter(sim, generation, told));
    });
  }

  /** Begins another watch or ends one. */
  #reconsider(random: SeededRandom): void {
    this.#watchers = this.#watchers.filter((watcher) => !watcher.ended);
    if (this.#watchers.length < watchesPerUser) this.#watch(null);
    else if (random.chance(1, 4)) {
      const index = random.below(this.#watchers.length);
      const [watcher] = this.#watchers.splice(index, 1);
      watcher!.cancel();
      if (random.chance(1, 2)) this.#watch(watcher!.op);
    }
  }

  #watch(after: Op | null): void {
    const random = this.#watchRandom;
    const namespace = this.#namespaceId;
    if (random === null || namespace === null) return;
    const options = {
      subtree: random.chance(2, 3),
      values: random.chance(1, 2),
      oneshot: random.chance(1, 8),
      slow: random.pick(['reset', 'fold'] as const),
      from: after !== null ? { after } : random.pick(['now', 'snapshot', 'snapshot'] as const),
    };
    const watched = {
      name: this.name,
      checker: this.#world.checker,
      namespace,
      path: random.pick(watchedPaths),
      options,
      counters: this.watching,
    };
    this.#watchers.push(new Watcher(this.#sim.client, watched));
  }

  #think(generation: number): void {
    this.#world.schedule.after(this.#random.below(20_000), () => {
      if (generation !== this.#generation) return;
      if (!this.#stopped && this.#outstanding < outstandingPerUser) this.#ask(generation);
      if (!this.#stopped && this.#watchRandom?.chance(1, 20) === true) this.#reconsider(this.#watchRandom);
      this.#think(generation);
    });
  }

  #ask(generation: number): void {
    const namespace = this.#namespaceId!;
    const { requestTimeoutMs, padding } = this.#habits;
    const filler = padding > 0 && this.#random.chance(1, 4) ? '.'.repeat(padding) : '';
    const unique = utf8(`${this.name}.${++this.#serial}${filler}`);
    const random = this.#random;
    const operation = drawOperation({ random, blobPath: random.pick(blobPaths), unique });
    const floor = this.#acknowledged.get(namespace) ?? 0;
    this.#outstanding++;
    this.counters.asked++;
    if (isRead(operation)) {
      const local = this.#random.chance(1, 4);
      const consistency = local ? ('local' as const) : ('linearizable' as const);
      this.#sim.client.execute(operation, { consistency, timeoutMs: requestTimeoutMs }, (result) => {
        if (generation !== this.#generation) return;
        this.#settled(namespace, result);
        if (result.ok) this.#world.checker.wasRead(namespace, operation, result.value, local ? 0 : floor);
      });
      return;
    }
    const body = encodeOperation(operation);
    const record = { body, told: 'waiting' as 'executed' | 'definite' | 'unknown' | 'waiting' };
    if (holds(body, unique)) this.#unique.push(record);
    this.#sim.client.execute(operation, { timeoutMs: requestTimeoutMs }, (result) => {
      if (generation !== this.#generation) return;
      this.#settled(namespace, result);
      record.told = outcomeOf(result);
      if (result.ok) this.#world.checker.acknowledged(namespace, body, result.value);
    });
  }

  #settled(namespace: NamespaceId, result: Result<Reply>): void {
    this.#outstanding--;
    if (!result.ok) return this.#failed(result.error);
    this.counters.succeeded++;
    const known = this.#acknowledged.get(namespace) ?? 0;
    if (result.value.op > known) this.#acknowledged.set(namespace, result.value.op);
  }

  #failed(error: ErrorInfo): void {
    if (error.outcome === 'unknown') this.counters.unknown++;
    else this.counters.refused++;
    if (error.code === 'Internal' || error.code === 'BadFrame')
      throw new RuleBroken(`a user was told ${error.code}: ${error.message}`);
  }

  /**
   * Each write that it was told had happened happened once. Each write that it was told had not happened did not
   * (protocol §9.3, architecture §2).
   */
  account(): void {
    const namespace = this.#namespaceId;
    if (namespace === null) return;
    for (const { body, told } of this.#unique) {
      const times = this.#world.checker.executions(namespace, body);
      const allowed = told === 'executed' ? times === 1 : told === 'definite' ? times === 0 : times <= 1;
      if (!allowed) throw new RuleBroken(`${this.name} was told ${told} of a write that was executed ${times} times`);
    }
  }
}

/** No node may deny a namespace that exists, whatever the node has lost or does not know yet (protocol §9.9). */
export function neverDenied({ code, message }: ErrorInfo, namespace: string): void {
  if (code === 'UnknownNamespace') throw new RuleBroken(`rule 9: ${namespace}, which exists, was denied: ${message}`);
}

/**
 * An error inside a reply is the log's own answer: the request was executed without effect, or refused there. Neither
 * happened twice.
 */
function outcomeOf(result: Result<Reply>): 'executed' | 'definite' | 'unknown' {
  if (!result.ok) return result.error.outcome;
  return result.value.answer.kind === 'error' ? 'unknown' : 'executed';
}

/** True when `part` is somewhere in `whole`. */
function holds(whole: Uint8Array, part: Uint8Array): boolean {
  for (let at = 0; at + part.length <= whole.length; at++)
    if (equalBytes(whole.subarray(at, at + part.length), part)) return true;
  return false;
}
