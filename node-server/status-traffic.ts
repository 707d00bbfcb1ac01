/**
 * Counts the messages between this node and others while someone looks, and remembers when a few of them were seen.
 * What it keeps is bounded by the number of links and kinds, not of messages.
 */

import type { Message, MessageKind } from '../core/vr/messages.ts';
import type { StatusTraffic } from '../core/wire/status.ts';

/** Links times kinds times groups in one interval. If there are more, the later ones are left out. */
const maxCounted = 512;
/** Moments of one link and kind in one interval. */
const maxMoments = 12;

interface Counted {
  readonly group: number;
  readonly from: string;
  readonly to: string;
  readonly kind: MessageKind;
  count: number;
  readonly at: number[];
}

export class StatusTraffics {
  readonly #now: () => number;
  readonly #everyMs: number;
  readonly #counted = new Map<string, Counted>();
  #begunMs = 0;

  /** @param everyMs the expected length of an interval. Moments are at least a fraction of it apart. */
  constructor(everyMs: number, now: () => number) {
    this.#everyMs = everyMs;
    this.#now = now;
  }

  /** Forgets what was counted, and begins an interval. */
  begin(): void {
    this.#counted.clear();
    this.#begunMs = this.#now();
  }

  saw(from: string, to: string, { namespace, kind }: Message): void {
    if (from === to) return;
    const key = `${namespace} ${kind} ${from} ${to}`;
    let counted = this.#counted.get(key);
    if (counted === undefined) {
      if (this.#counted.size >= maxCounted) return;
      counted = { group: namespace, from, to, kind, count: 0, at: [] };
      this.#counted.set(key, counted);
    }
    counted.count++;
    const { at } = counted;
    if (at.length >= maxMoments) return;
    const atMs = Math.max(0, Math.floor(this.#now() - this.#begunMs));
    if (at.length === 0 || atMs - at.at(-1)! >= this.#everyMs / maxMoments) at.push(atMs);
  }

  /** Returns what was counted in the interval that ends now, and begins the next. */
  take(): { readonly intervalMs: number; readonly messages: readonly StatusTraffic[] } {
    const taken = {
      intervalMs: Math.max(1, Math.floor(this.#now() - this.#begunMs)),
      messages: [...this.#counted.values()],
    };
    this.begin();
    return taken;
  }
}
