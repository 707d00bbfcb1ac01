/**
 * The replicated clock, by a model of its own (protocol §7, "Time"): timestamps never go back; within a view, and over the beginning of one,
 * they advance no further than its primary served by real time, of which a pause counts only up to the suspicion time; and they do advance.
 */

import type { Entry } from '../../core/vr/entry.ts';
import type { Must } from './promises.ts';

interface Life {
  toldAt: number;
  /** Real time in which it may have served, of each tick at most the suspicion time. */
  served: number;
  /** What its own clock lost of that by being set back. */
  lost: number;
  setBack: boolean;
  leads: { readonly view: number; readonly served: number } | null;
  last: { readonly view: number; readonly timestamp: number; readonly served: number; readonly lost: number } | null;
}

export class TimeModel {
  readonly #must: Must;
  readonly #suspicionMs: number;
  /** What one tick of those who are not paused adds at most: as far as an entry's timestamp may be from the truth. */
  readonly #tickMs: number;
  readonly #lives = new Map<string, Life>();
  readonly #timestamps = new Map<string, number>();
  readonly #applied = new Map<string, number>();

  constructor(must: Must, suspicionMs: number, tickMs: number) {
    this.#must = must;
    this.#suspicionMs = suspicionMs;
    this.#tickMs = tickMs;
  }

  /** @param real the time of the world, whatever the replica's own clock says. */
  begins(name: string, real: number): void {
    this.#lives.set(name, { toldAt: real, served: 0, lost: 0, setBack: false, leads: null, last: null });
    this.#applied.delete(name);
  }

  ticks(name: string, real: number): void {
    const life = this.#lives.get(name)!;
    const served = Math.min(real - life.toldAt, this.#suspicionMs);
    life.served += served;
    if (life.setBack) life.lost += served;
    life.setBack = false;
    life.toldAt = real;
  }

  /** The clock of `name` was set back: the tick that hears of it adds nothing, and those behind it what they did before. */
  setBack(name: string): void {
    this.#lives.get(name)!.setBack = true;
  }

  leads(name: string, view: number): void {
    const life = this.#lives.get(name)!;
    if (life.leads?.view === view) return;
    life.leads = { view, served: life.served };
  }

  /** `name` made an entry that was not there before. */
  made(name: string, { view, op, timestamp, parent, checksum }: Entry): void {
    this.#timestamps.set(checksum, timestamp);
    const life = this.#lives.get(name)!;
    if (life.leads?.view !== view) return;
    const who = `${name} in view ${view}`;
    const before = life.last?.view === view ? life.last : null;
    const base = before?.timestamp ?? this.#timestamps.get(parent) ?? 0;
    const served = life.served - (before?.served ?? life.leads.served);
    this.#must(timestamp >= base, `${who} takes time back at ${op}: ${timestamp} after ${base}`);
    const known = before !== null || op === 1 || this.#timestamps.has(parent);
    this.#must(
      !known || timestamp - base <= served + this.#tickMs,
      `${who} lets time run at ${op}: from ${base} to ${timestamp} in ${served} ms`,
    );
    if (before !== null)
      this.#must(
        timestamp - base >= served - this.#tickMs - (life.lost - before.lost),
        `${who} lets time stand at ${op}: ${timestamp}, ${served} ms after ${base}`,
      );
    life.last = { view, timestamp, served: life.served, lost: life.lost };
  }

  /** The committed log, as any replica applies it. */
  applied(name: string, { op, timestamp }: Entry): void {
    const before = this.#applied.get(name) ?? 0;
    this.#must(timestamp >= before, `time goes back in the log of ${name} at ${op}: ${timestamp} after ${before}`);
    this.#applied.set(name, timestamp);
  }
}
