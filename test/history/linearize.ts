/**
 * Whether calls can have happened one after the other, each at some moment between its call and its answer. It is the
 * search of Wing and Gong, with a memory of what was seen (Lowe, and later Porcupine). A call whose outcome is unknown
 * may happen at any later time, or never.
 */

import type { Call, Told } from './format.ts';
import type { Model, State } from './model.ts';
import { fits, isRead } from './model.ts';

export interface Step {
  readonly call: Call;
  /** The model's answer to it at this place. */
  readonly answer: Told | string;
}

export type Linearized = { readonly steps: number } & Found;
type Found =
  | { readonly kind: 'yes'; readonly order: readonly Call[] }
  /** `stuck` are the calls of which one must come next, with the model's answers. `at` is the time. */
  | { readonly kind: 'no'; readonly order: readonly Call[]; readonly stuck: readonly Step[]; readonly at: number }
  /** The search took more steps than it may. */
  | { readonly kind: 'undecided' };

/** A moment in time: of a call, or of its answer. */
interface Moment {
  readonly item: Item;
  readonly call: boolean;
  before: Moment;
  after: Moment;
}

interface Item {
  readonly call: Call;
  /** True when its outcome is known, so that it must happen before its answer. */
  readonly known: boolean;
  /** The client's earlier call that is known to have happened. It must come first. */
  readonly follows: Item | null;
  readonly order: number;
  readonly hash: readonly [number, number];
  asked: Moment | null;
  answered: Moment | null;
  taken: boolean;
}

interface Frame {
  readonly state: State;
  readonly candidates: readonly Item[];
  next: number;
  /** The call that was placed here. */
  readonly item: Item | null;
}

/**
 * @param calls those that may have happened, in the order in which they were made.
 * @param doubted calls whose answers are not believed, so that they count as unknown.
 */
export function linearize(
  model: Model,
  calls: readonly Call[],
  maxSteps: number,
  doubted: ReadonlySet<Call> = new Set(),
): Linearized {
  return new Search(model, itemsOf(calls, doubted), maxSteps).run();
}

function itemsOf(calls: readonly Call[], doubted: ReadonlySet<Call>): Item[] {
  const items: Item[] = [];
  const last = new Map<string, Item>();
  let seed = 0x9e3779b9;
  const draw = (): number => {
    seed = (Math.imul(seed ^ (seed >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) | 0;
    return seed ^ (seed >>> 13);
  };
  for (const call of calls) {
    const { answer, client, operation } = call;
    const known = answer !== null && (answer.outcome === 'done' || answer.outcome === 'failed') && !doubted.has(call);
    const read = isRead(operation);
    if (read && !known) continue;
    const follows = read ? null : (last.get(client) ?? null);
    // If the answers show an order, we try it first. We do not believe it.
    const order = !known ? Infinity : answer.op === null ? Number.MAX_VALUE : answer.op + (read ? 0.5 : 0);
    const item: Item = {
      call,
      known,
      follows: known ? follows : null,
      order,
      hash: [draw(), draw()],
      asked: null,
      answered: null,
      taken: false,
    };
    if (!read && known) last.set(client, item);
    items.push(item);
  }
  return items;
}

class Search {
  readonly #model: Model;
  readonly #head: Moment;
  readonly #maxSteps: number;
  readonly #seen = new Set<string>();
  readonly #states = new Map<string, number>();
  readonly #stack: Frame[] = [];
  #open = 0;
  #hash: [number, number] = [0, 0];
  #best: {
    readonly taken: number;
    readonly order: readonly Call[];
    readonly stuck: readonly Step[];
    readonly at: number;
  } | null = null;

  constructor(model: Model, items: readonly Item[], maxSteps: number) {
    this.#model = model;
    this.#maxSteps = maxSteps;
    const moments: { readonly at: number; readonly item: Item; readonly call: boolean }[] = [];
    for (const item of items) {
      moments.push({ at: item.call.at, item, call: true });
      if (!item.known) continue;
      moments.push({ at: item.call.answer!.at, item, call: false });
      this.#open++;
    }
    // Calls and answers at the same time are concurrent, so calls come first.
    moments.sort((a, b) => a.at - b.at || Number(b.call) - Number(a.call));
    const head = {} as { before: Moment; after: Moment };
    head.before = head.after = head as Moment;
    this.#head = head as Moment;
    for (const { item, call } of moments) {
      const moment: Moment = { item, call, before: this.#head.before, after: this.#head };
      this.#head.before.after = moment;
      this.#head.before = moment;
      if (call) item.asked = moment;
      else item.answered = moment;
    }
  }

  run(): Linearized {
    this.#stack.push(this.#frame(this.#model.empty, null));
    for (let steps = 0; ; steps++) {
      const frame = this.#stack.at(-1);
      if (frame === undefined) return { kind: 'no', steps, ...this.#best! };
      if (this.#open === 0) return { kind: 'yes', steps, order: this.#order() };
      if (steps > this.#maxSteps) return { kind: 'undecided', steps };
      const item = frame.candidates[frame.next++];
      if (item === undefined) {
        this.#stuck(frame);
        this.#stack.pop();
        if (frame.item !== null) this.#putBack(frame.item);
        continue;
      }
      if (item.follows?.taken === false) continue;
      const { state, matches } = this.#try(frame.state, item);
      // An unknown call that would change nothing need not have happened.
      if (!matches || (!item.known && state === frame.state)) continue;
      this.#take(item);
      if (this.#isNew(state)) this.#stack.push(this.#frame(state, item));
      else this.#putBack(item);
    }
  }

  #try(state: State, { call, known }: Item): { readonly state: State; readonly matches: boolean } {
    const applied = this.#model.apply(state, call.operation);
    if (!known) return { state: applied.state, matches: true };
    const { answer } = call;
    if ('error' in applied)
      return { state: applied.state, matches: answer!.outcome === 'failed' && answer!.error === applied.error };
    const matches = answer!.outcome === 'done' && (answer!.result === null || fits(answer!.result, applied.result));
    return { state: applied.state, matches };
  }

  /** The calls that can come next: those that were asked before the first open answer. */
  #frame(state: State, item: Item | null): Frame {
    const candidates: Item[] = [];
    for (let at = this.#head.after; at !== this.#head && at.call; at = at.after) candidates.push(at.item);
    candidates.sort((a, b) => a.order - b.order);
    return { state, candidates, next: 0, item };
  }

  #take(item: Item): void {
    item.taken = true;
    for (const moment of [item.asked, item.answered]) {
      if (moment === null) continue;
      moment.before.after = moment.after;
      moment.after.before = moment.before;
    }
    if (item.known) this.#open--;
    this.#mix(item);
  }

  #putBack(item: Item): void {
    item.taken = false;
    // In the opposite order, so that each finds its neighbours as they were.
    for (const moment of [item.answered, item.asked]) {
      if (moment === null) continue;
      moment.before.after = moment;
      moment.after.before = moment;
    }
    if (item.known) this.#open++;
    this.#mix(item);
  }

  #mix({ hash }: Item): void {
    this.#hash = [this.#hash[0] ^ hash[0], this.#hash[1] ^ hash[1]];
  }

  /** True when this state was not met before with the same calls placed. */
  #isNew({ key }: State): boolean {
    let id = this.#states.get(key);
    if (id === undefined) this.#states.set(key, (id = this.#states.size));
    const place = `${this.#hash[0]} ${this.#hash[1]} ${id}`;
    if (this.#seen.has(place)) return false;
    this.#seen.add(place);
    return true;
  }

  #order(): readonly Call[] {
    return this.#stack.flatMap(({ item }) => (item === null ? [] : [item.call]));
  }

  /** No call can come next. A failure reports the furthest such place. */
  #stuck({ state, candidates }: Frame): void {
    let first = this.#head.after;
    while (first !== this.#head && first.call) first = first.after;
    const { answer } = first.item.call;
    const taken = this.#stack.length;
    if (
      this.#best !== null &&
      (answer!.at < this.#best.at || (answer!.at === this.#best.at && taken <= this.#best.taken))
    )
      return;
    const stuck = candidates
      .filter(({ known, follows }) => known && follows?.taken !== false)
      .map(({ call }) => {
        const applied = this.#model.apply(state, call.operation);
        return { call, answer: 'error' in applied ? applied.error : applied.result };
      });
    this.#best = { taken, order: this.#order(), stuck, at: answer!.at };
  }
}
