/**
 * Lines of the log that others can cause with what they send, as often as they like. The first of a kind is written at
 * once. Those that follow are counted, and the count is written now and then. A kind is a text of this program without
 * anything that the other end chose, so there are few kinds. Even so, at most `maxKinds` are kept apart.
 */

import type { Clock, Log, LogLevel } from '../../base/ports.ts';

const everyMs = 600_000;
const maxKinds = 256;
const otherKinds = 'other kinds';

type Facts = Readonly<Record<string, unknown>>;

interface Told {
  readonly level: LogLevel;
  readonly message: string;
  /** The facts of the last one. */
  facts: Facts;
  atMs: number;
  /** How many came since the last line. */
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

  /** Writes the line if it is the first of its kind. Later ones are counted, and written only at the level debug. */
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

  /** Forgets these kinds, so that the next one is written again at once. */
  forget(kinds: string): void {
    for (const kind of this.#kinds.keys()) if (kind.startsWith(kinds)) this.#kinds.delete(kind);
  }

  /** Writes a line for those that were only counted. */
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
