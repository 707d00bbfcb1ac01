/**
 * Lines of the log that others can cause by what they send, as often as they like. The first of a kind is told at once. Those that follow
 * are counted and told together, seldom. A kind is a text of this program that does not hold what the other end chose, so that there are
 * few of them; all the same no more than `maxKinds` are kept apart.
 */

import type { Clock, Log, LogLevel } from '../../base/ports.ts';

const everyMs = 600_000;
const maxKinds = 256;
const otherKinds = 'other kinds';

type Facts = Readonly<Record<string, unknown>>;

interface Told {
  readonly level: LogLevel;
  readonly message: string;
  /** What was last said of it. */
  facts: Facts;
  atMs: number;
  /** How many came since. */
  untold: number;
}

export class Notices {
  readonly #log: Log;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #kinds = new Map<string, Told>();
  #lookedMs = 0;

  constructor(log: Log, clock: Pick<Clock, 'now'>) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Tells it if it is the first of its kind; the others are for those who look closely. */
  tell(level: LogLevel, kind: string, message: string, facts: Facts): void {
    const now = this.#clock.now();
    const key = this.#kinds.has(kind) || this.#kinds.size < maxKinds ? kind : otherKinds;
    const told = this.#kinds.get(key);
    if (told === undefined) {
      this.#kinds.set(key, { level, message, facts, atMs: now, untold: 0 });
      this.#log.write(level, message, facts);
      return;
    }
    told.untold++;
    told.facts = facts;
    this.#log.write('debug', message, facts);
  }

  /** What was told of these kinds is over: the next is news again. */
  forget(kinds: string): void {
    for (const kind of this.#kinds.keys()) if (kind.startsWith(kinds)) this.#kinds.delete(kind);
  }

  /** Tells what was only counted. */
  tick(now: number): void {
    if (now - this.#lookedMs < everyMs / 60) return;
    this.#lookedMs = now;
    for (const told of this.#kinds.values()) {
      if (told.untold === 0 || now - told.atMs < everyMs) continue;
      this.#log.write(told.level, `${told.message}, and again`, { ...told.facts, times: told.untold });
      told.atMs = now;
      told.untold = 0;
    }
  }
}
