/** What this node knows about primaries, from its own replicas and from peers, as far as a peer can be believed. */

import type { NamespaceId } from '../../base/ids.ts';
import { Reach } from '../../vr/reach.ts';
import type { PrimaryHint } from '../../wire/peer.ts';
import type { Groups } from '../replicas/groups.ts';

/** How many hints are kept for groups that were just created and that peers know sooner. */
const maxEarly = 1024;

export class Hints {
  readonly #groups: Groups;
  readonly #now: () => number;
  readonly #known = new Map<NamespaceId, PrimaryHint>();
  /** Hints about groups that the catalog here does not have yet. */
  readonly #early = new Map<NamespaceId, PrimaryHint>();
  readonly #reach: Reach;
  /** Hints that were not believed. */
  unbelieved = 0;

  constructor(groups: Groups, now: () => number) {
    this.#groups = groups;
    this.#now = now;
    this.#reach = new Reach(now());
  }

  of(namespaceId: NamespaceId): PrimaryHint | null {
    return this.#known.get(namespaceId) ?? null;
  }

  all(): readonly PrimaryHint[] {
    return [...this.#known.values()];
  }

  /** Takes what a replica here knows about its primary. Returns true when it is new. */
  learn(hint: PrimaryHint): boolean {
    const known = this.#known.get(hint.namespaceId);
    if (known !== undefined && order(hint, known) <= 0) return false;
    this.#known.set(hint.namespaceId, hint);
    return true;
  }

  /**
   * Takes what a peer says about a primary. Returns true when it is new. It is believed if the catalog here names the
   * replica, and if elections can have reached the view. A hint about a group that the catalog does not have yet is
   * kept until it does.
   */
  told(hint: PrimaryHint): boolean {
    const { namespaceId } = hint;
    const possible = this.#groups.mayBePrimary(hint);
    if (possible === null) {
      if (this.#early.size >= maxEarly && !this.#early.has(namespaceId)) this.#early.clear();
      this.#early.set(namespaceId, hint);
      return false;
    }
    const known = this.#known.get(namespaceId);
    const from = known?.epoch === hint.epoch ? known.view : 0;
    if (!possible || !this.#reach.allows(from, hint.view, this.#now())) {
      this.unbelieved++;
      return false;
    }
    if (!this.learn(hint)) return false;
    this.#reach.take(from, hint.view);
    return true;
  }

  /** Takes the hints that came before the catalog here could judge them, and forgets them. */
  takeEarly(): readonly PrimaryHint[] {
    if (this.#early.size === 0) return [];
    const early = [...this.#early.values()];
    this.#early.clear();
    return early;
  }
}

function order(a: PrimaryHint, b: PrimaryHint): number {
  return a.epoch - b.epoch || a.view - b.view;
}
