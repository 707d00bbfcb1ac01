/**
 * The program of a user while nodes die, the same in Node and in a page. It counts up, one write at a time, and watches
 * the count. At the end nothing may be lost, doubled or left out.
 */

import type { Haret } from '../../browser-client/index.ts';

export interface Account {
  /** How many writes were answered, and how many have an unknown outcome. */
  readonly acknowledged: number;
  readonly unknown: number;
  /** The final value of the counter. */
  readonly final: number;
  /** The values that the watch told, in order. */
  readonly told: readonly number[];
  readonly states: readonly string[];
}

const path = '/scenario/n';
const betweenWritesMs = 5;

export class Scenario {
  readonly haret: Haret;
  readonly states: string[];
  readonly told: number[] = [];
  acknowledged = 0;
  unknown = 0;
  #running = true;
  #writer: Promise<void> = Promise.resolve();
  #watcher: Promise<void> = Promise.resolve();
  readonly #stopped = new AbortController();

  constructor(haret: Haret) {
    this.haret = haret;
    this.states = [haret.state];
    haret.on('state', (state) => this.states.push(state));
  }

  async begin(): Promise<void> {
    await this.#counter.create();
    this.#writer = this.#write();
    this.#watcher = this.#watch();
  }

  /** Other writers may have counted too. Their counts are for them to report. */
  async end(): Promise<Account> {
    this.#running = false;
    await this.#writer;
    const final = await this.#counter.get();
    while (this.told.at(-1) !== final) await this.#soon();
    this.#stopped.abort();
    await this.#watcher;
    const { acknowledged, unknown, told, states } = this;
    return { acknowledged, unknown, final, told, states };
  }

  get #counter(): ReturnType<ReturnType<Haret['namespace']>['counter']> {
    return this.haret.namespace('test-ns').counter(path);
  }

  async #write(): Promise<void> {
    while (this.#running) {
      try {
        await this.#counter.add(1, { timeoutMs: 30_000 });
        this.acknowledged++;
      } catch (error) {
        if ((error as { outcome?: string }).outcome !== 'unknown') throw error;
        this.unknown++;
      }
      await this.#soon();
    }
  }

  async #watch(): Promise<void> {
    const watch = this.haret.namespace('test-ns').watch(path, { from: 'snapshot', signal: this.#stopped.signal });
    try {
      for await (const { changes } of watch) {
        for (const { number } of changes) this.told.push(number ?? -1);
      }
    } catch (error) {
      if (!this.#stopped.signal.aborted) throw error;
    }
  }

  #soon(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, betweenWritesMs));
  }
}

/** What is wrong with an account, for people. Empty when nothing is. */
export function faults({ acknowledged, unknown, final, told }: Account): readonly string[] {
  const found: string[] = [];
  if (final < acknowledged) found.push(`${acknowledged} writes were answered and ${final} happened`);
  if (final > acknowledged + unknown)
    found.push(`${final} writes happened, of ${acknowledged} + ${unknown} that were asked for`);
  for (let i = 1; i < told.length; i++) {
    if (told[i] !== told[i - 1]! + 1) found.push(`the watch told ${told[i - 1]!}, then ${told[i]!}`);
  }
  return found;
}
