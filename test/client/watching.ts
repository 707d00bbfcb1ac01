/**
 * Random lives of one watch from one seed: a client's watches alone, over connections that break between any two
 * messages, to nodes that remember only some of what happened. What the watch was told is, in the end, what is there,
 * and on the way it is told in its order (V34).
 */

import { SeededRandom } from '../../core/base/random.ts';
import { errorInfo } from '../../core/base/errors.ts';
import { defaultClientOptions } from '../../core/client/options.ts';
import type { PartMessage } from '../../core/client/part.ts';
import type { WatchHandle, WatchTold } from '../../core/client/watches.ts';
import { Watches } from '../../core/client/watches.ts';
import { binaryApi } from '../../core/wire/api-client-binary.ts';
import type { Outgoing } from '../../core/wire/api-client.ts';
import { telling } from '../again.ts';

type Watch = Extract<Outgoing, { kind: 'watch' }>;
type Changes = Extract<WatchTold, { kind: 'snapshot' }>['changes'];

const keys = 12;
const tickMs = 100;

/** @throws with what runs the seed again, when a watch is told what is not so, or not what is. */
export function watch(seed: number): void {
  telling('a watch', seed, 'test/client/watching.test.ts', () => {
    const life = new Life(seed);
    for (let step = 0; step < 300; step++) life.step();
    life.end();
  });
}

/** The change that gives a key its value. A watch passes changes on as they are. */
function changesOf(entries: Iterable<readonly [key: string, op: number]>): Changes {
  return [...entries].map(([key, op]) => ({ path: key, op })) as unknown as Changes;
}

class Life {
  readonly #random: SeededRandom;
  readonly #watches: Watches;
  readonly #handle: WatchHandle;
  /** What happened: each op gives one key its number. Nodes remember what is above the floor. */
  readonly #log: string[] = [];
  #floor = 0;
  #nowMs = 0;
  #connected = false;
  /** What the node still has to say, and up to which op it has said what happened. */
  #queue: PartMessage[] = [];
  #serves: { readonly id: number; told: number } | null = null;
  #nextId = 1;
  /** What the watch was told. */
  readonly #known = new Map<string, number>();
  #op = 0;
  #paging = false;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed, 0x3a7c);
    this.#watches = new Watches({
      ports: {
        transport: { dial: () => neverDialled() },
        clock: { now: () => this.#nowMs, soon: (work) => work() },
        random: this.#random.fork(),
      },
      options: { ...defaultClientOptions, codec: binaryApi, addresses: [] },
      newId: () => this.#nextId++,
      connected: () => this.#connected,
      send: (message) => this.#hears(message),
      violation: (what) => {
        throw new Error(what);
      },
      execute: () => unasked(),
      keepAlive: () => unasked(),
      alarms: new Set(),
    });
    this.#handle = this.#watches.open(1, '/', { subtree: true, from: 'snapshot' }, (told) => this.#told(told));
  }

  step(): void {
    const random = this.#random;
    switch (random.pick(['happens', 'happens', 'say', 'say', 'say', 'break', 'connect', 'forget', 'rest'] as const)) {
      case 'happens':
        this.#log.push(`/${random.below(keys)}`);
        break;
      case 'say':
        this.#say(1 + random.below(4));
        break;
      case 'break':
        if (random.chance(1, 3)) this.#break();
        break;
      case 'connect':
        this.#connect();
        break;
      case 'forget':
        this.#floor = random.below(this.#log.length + 1);
        break;
      case 'rest':
        if (random.chance(1, 2)) this.#handle.pause();
        else this.#handle.resume();
    }
    this.#nowMs += random.below(tickMs);
    this.#watches.tick(this.#nowMs);
  }

  end(): void {
    this.#handle.resume();
    for (let i = 0; i < 2000; i++) {
      this.#connect();
      this.#say(10);
      this.#nowMs += tickMs;
      this.#watches.tick(this.#nowMs);
    }
    if (this.#paging) throw new Error('a snapshot has no end');
    const there = JSON.stringify([...this.#state()].sort());
    const known = JSON.stringify([...this.#known].sort());
    if (known !== there) throw new Error(`the watch was told ${known}, and there is ${there}`);
  }

  #state(): ReadonlyMap<string, number> {
    return new Map(this.#log.map((key, i) => [key, i + 1]));
  }

  // The node.

  #connect(): void {
    if (this.#connected) return;
    this.#connected = true;
    this.#watches.connected();
  }

  #break(): void {
    if (!this.#connected) return;
    this.#connected = false;
    this.#queue = [];
    this.#serves = null;
    this.#watches.disconnected();
  }

  #hears(message: Outgoing): void {
    if (message.kind === 'unwatch' && message.id === this.#serves?.id) this.#serves = null;
    if (message.kind !== 'watch') return;
    if (this.#random.chance(1, 10)) {
      // Now and then it is not the moment.
      this.#watches.refused(message.id, errorInfo('NoPrimary', 'not now'));
      return;
    }
    this.#begins(message);
  }

  #begins({ id, from }: Watch): void {
    const op = this.#log.length;
    this.#serves = { id, told: op };
    this.#queue.push({ kind: 'watching', id, op });
    if (from.kind === 'after' && from.op >= this.#floor) this.#serves.told = from.op;
    else if (from.kind !== 'now') this.#snapshot(id, from.kind === 'after');
  }

  #snapshot(id: number, reset: boolean): void {
    const op = this.#log.length;
    const entries = [...this.#state()];
    const pageSize = this.#random.pick([1, 3, keys]);
    const pages = Array.from({ length: Math.max(1, Math.ceil(entries.length / pageSize)) }, (_, i) =>
      entries.slice(i * pageSize, (i + 1) * pageSize),
    );
    for (const [i, page] of pages.entries()) {
      const [first, last] = [i === 0, i === pages.length - 1];
      this.#queue.push({ kind: 'snapshot', id, op, reset, first, last, changes: changesOf(page) });
    }
  }

  #say(most: number): void {
    for (let said = 0; said < most && this.#connected; said++) {
      const next = this.#queue.shift() ?? this.#event();
      if (next === null) return;
      this.#watches.receive(next);
    }
  }

  #event(): PartMessage | null {
    const serves = this.#serves;
    if (serves === null || serves.told >= this.#log.length) return null;
    const op = ++serves.told;
    const key = this.#log[op - 1]!;
    const event = { op, changes: changesOf([[key, op]]) } as unknown as Extract<
      PartMessage,
      { kind: 'event' }
    >['event'];
    return { kind: 'event', id: serves.id, event };
  }

  // Whoever watches.

  #told(told: WatchTold): void {
    if (told.kind === 'snapshot') {
      if (told.first) this.#known.clear();
      if (!told.first && !this.#paging) throw new Error('a snapshot without its beginning');
      this.#paging = !told.last;
    } else if (told.kind === 'event') {
      if (this.#paging) throw new Error('an event in the middle of a snapshot');
      if (told.op !== this.#op + 1) throw new Error(`op ${told.op} is told after ${this.#op}`);
    } else return;
    this.#op = told.op;
    for (const { path, op } of told.changes as unknown as { path: string; op: number }[]) this.#known.set(path, op);
  }
}

function unasked(): never {
  throw new Error('a watch asks for nothing but itself');
}

function neverDialled(): never {
  throw new Error('watches dial nobody');
}
