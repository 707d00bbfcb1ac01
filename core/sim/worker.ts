/**
 * Simulated users of a work queue. They use the client's own half of jobs, and believe what that says. Whenever an entry
 * is committed, every item must be in one place, and in no other hand than that of a worker who counts on it
 * (coordination §16).
 */

import { textOf, utf8 } from '../base/bytes.ts';
import type { NamespaceId } from '../base/ids.ts';
import type { SeededRandom } from '../base/random.ts';
import { take } from '../client/takes.ts';
import type { TakeHandle, TakeTold } from '../client/takes.ts';
import { jobResultOf } from '../tree/job-result.ts';
import type { KnownItem } from '../tree/job-result.ts';
import { itemStates } from '../tree/names.ts';
import type { Operation, OperationResult } from '../tree/operation.ts';
import type { Tree } from '../tree/tree.ts';
import { RuleBroken } from './checker.ts';
import { neverDenied } from './workload.ts';
import type { SimClient, World } from './world.ts';

const timeoutMs = 4000;
const path = '/work/queue';
/** How many takes it has at once, and how many items it leaves in the queue. */
const mostTakes = 2;
const mostItems = 12;
const page = 1000;

/** What all workers of a queue know of its items, by their values, each of which is put once. */
export class Ledger {
  readonly #put = new Set<string>();
  /** Of which somebody has said that they are done, and of which this was answered. */
  readonly #acking = new Set<string>();
  readonly #done = new Set<string>();

  put(value: string): void {
    this.#put.add(value);
  }

  acking(value: string): void {
    this.#acking.add(value);
  }

  acked(value: string): void {
    if (this.#done.has(value)) throw new RuleBroken(`rule 7: the item ${value} was acknowledged twice`);
    this.#done.add(value);
  }

  /** How many there are that nobody has acknowledged. */
  get open(): number {
    return this.#put.size - this.#acking.size;
  }

  /** Judges the queue as it is now. @returns its jobs. */
  judge(tree: Tree): readonly KnownItem[] {
    const places = new Map<string, string>();
    const found = (value: string, place: string): void => {
      const other = places.get(value);
      if (other !== undefined) throw new RuleBroken(`rule 7: the item ${value} is ${other} and ${place}`);
      if (this.#done.has(value)) throw new RuleBroken(`rule 7: the item ${value} was acknowledged, and is ${place}`);
      places.set(value, place);
    };
    for (const value of valuesOf(tree)) found(value, 'waiting');
    let jobs: readonly KnownItem[] = [];
    for (const state of itemStates) {
      const items = itemsOf(tree, state);
      for (const { value } of items) found(textOf(value) ?? '', state);
      if (state === 'taken') jobs = items;
    }
    for (const value of this.#put)
      if (!places.has(value) && !this.#acking.has(value)) throw new RuleBroken(`rule 7: the item ${value} was lost`);
    return jobs;
  }
}

function read(tree: Tree, operation: Operation): OperationResult | null {
  const result = tree.read(operation);
  return result.ok ? result.value : null;
}

function valuesOf(tree: Tree): readonly string[] {
  const list = read(tree, { kind: 'queueList', path, limit: page, from: 0 });
  return list?.kind === 'values' ? list.values.map((value) => textOf(value) ?? '') : [];
}

function itemsOf(tree: Tree, state: (typeof itemStates)[number]): readonly KnownItem[] {
  const table = read(tree, { kind: 'queueItems', path, state, limit: page, from: 0 });
  const shown = table?.kind === 'table' ? jobResultOf(table) : null;
  return shown?.kind === 'items' ? shown.items : [];
}

interface Held {
  readonly item: number;
  readonly receipt: number;
  readonly handle: TakeHandle;
  /** Null until it was read. */
  value: string | null;
}

export class Worker {
  readonly name: string;
  /** How often it was given something. */
  grants = 0;
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #namespace: string;
  readonly #ledger: Ledger;
  readonly #sim: SimClient;
  readonly #leaseMs: number;
  readonly #handles = new Set<TakeHandle>();
  readonly #held = new Set<Held>();
  #namespaceId: NamespaceId | null = null;
  #puts = 0;
  #stopped = false;

  constructor(name: string, world: World, namespace: string, random: SeededRandom, ledger: Ledger) {
    this.name = name;
    this.#world = world;
    this.#random = random;
    this.#namespace = namespace;
    this.#ledger = ledger;
    this.#leaseMs = random.pick([1000, 2000, 5000]);
    this.#sim = world.addClient(
      { followRedirects: random.chance(1, 2), requestTimeoutMs: timeoutMs },
      random.chance(1, 3),
    );
    this.#enter();
  }

  get host(): string {
    return this.#sim.host;
  }

  /** It takes nothing more, and gives up what it has. */
  stop(): void {
    this.#stopped = true;
    for (const handle of this.#handles) handle.cancel();
    this.#handles.clear();
    this.#held.clear();
  }

  /** An entry was committed. The jobs on which it counts are there, under its receipts. */
  committed(namespace: NamespaceId): void {
    if (namespace !== this.#namespaceId) return;
    const { checker } = this.#world;
    const tree = checker.treeAt(namespace, checker.committedOp(namespace));
    if (tree === null) return;
    const jobs = this.#ledger.judge(tree);
    for (const { item, receipt, handle } of this.#held) {
      if (!handle.has(item) || jobs.some((job) => job.id === item && job.receipt === receipt)) continue;
      throw new RuleBroken(`rule 7: ${this.name} counts on the job ${item}, which it does not have`);
    }
  }

  #enter(): void {
    this.#sim.client.enter(this.#namespace, (entered) => {
      if (!entered.ok) {
        neverDenied(entered.error, this.#namespace);
        return this.#world.schedule.after(100_000, () => this.#enter());
      }
      this.#namespaceId = entered.value.namespaceId;
      this.#think();
    });
  }

  #think(): void {
    this.#world.schedule.after(20_000 + this.#random.below(200_000), () => {
      if (this.#stopped) return;
      const random = this.#random;
      if (this.#ledger.open < mostItems) this.#put();
      if (this.#handles.size < mostTakes) this.#take();
      else if (random.chance(1, 20)) this.#cancel();
      if (random.chance(1, 40)) this.#do({ kind: 'queueDead', path, item: 0, drop: false }, () => undefined);
      this.#think();
    });
  }

  #do(operation: Operation, done: (result: OperationResult | null) => void): void {
    this.#sim.client.execute(operation, { timeoutMs }, (result) => {
      const answer = result.ok ? result.value.answer : null;
      done(answer?.kind === 'result' ? answer.result : null);
    });
  }

  #put(): void {
    const random = this.#random;
    const value = `${this.name} ${++this.#puts}`;
    const delayMs = random.chance(1, 4) ? 1 + random.below(2000) : 0;
    const priority = random.chance(1, 4) ? random.below(10) : 0;
    const operation = { kind: 'queuePut', path, value: utf8(value), priority, delayMs, dedup: null } as const;
    this.#do({ kind: 'upsert', operation }, (result) => {
      if (result !== null) this.#ledger.put(value);
    });
  }

  #take(): void {
    const random = this.#random;
    const wish = {
      kind: 'queueTake',
      path,
      max: 1 + random.below(3),
      visibilityMs: random.pick([1000, 1500, 4000]),
      waitMs: random.pick([0, 500, 3000, null]),
      leaseMs: this.#leaseMs,
    } as const;
    const handle: TakeHandle = take(this.#sim.client, wish, { timeoutMs, make: true }, (told) =>
      this.#told(handle, told),
    );
    this.#handles.add(handle);
  }

  #told(handle: TakeHandle, told: TakeTold): void {
    switch (told.kind) {
      case 'waits':
        return;
      case 'nothing':
      case 'ended':
        this.#handles.delete(handle);
        for (const one of this.#held) if (one.handle === handle) this.#held.delete(one);
        return;
      case 'jobOver':
        for (const one of this.#held) if (one.handle === handle && one.item === told.item) this.#finish(one);
        return;
      case 'given':
        this.grants++;
        for (const { item, value } of told.jobs) {
          const one = { item, receipt: told.receipt, handle, value: value === null ? null : textOf(value) };
          this.#held.add(one);
          this.#work(one);
        }
    }
  }

  #work(one: Held): void {
    const random = this.#random;
    const { item, receipt, handle } = one;
    if (one.value === null)
      this.#do({ kind: 'queueJob', path, item, receipt }, (result) => {
        if (result?.kind === 'value' && result.value !== null) one.value = textOf(result.value);
      });
    const workUs = random.chance(1, 8) ? 5_000_000 : 20_000 + random.below(500_000);
    this.#world.schedule.after(workUs, () => {
      if (this.#stopped || !this.#held.has(one)) return;
      this.#finish(one);
      handle.finish(item);
      const { value } = one;
      if (value === null || random.chance(1, 4)) {
        const delayMs = random.pick([0, 100, null]);
        this.#do({ kind: 'queueNack', path, item, receipt, delayMs, reason: 'for once' }, () => undefined);
        return;
      }
      this.#ledger.acking(value);
      this.#do({ kind: 'queueAck', path, item, receipt }, (result) => {
        if (result !== null) this.#ledger.acked(value);
      });
    });
  }

  /** Nothing counts on it any more. */
  #finish(one: Held): void {
    this.#held.delete(one);
    if (![...this.#held].some(({ handle }) => handle === one.handle)) this.#handles.delete(one.handle);
  }

  #cancel(): void {
    const handle = this.#random.pick([...this.#handles]);
    this.#handles.delete(handle);
    for (const one of this.#held) if (one.handle === handle) this.#held.delete(one);
    handle.cancel();
  }
}
