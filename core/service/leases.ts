/**
 * What belongs to sessions, when it is over, and what they must be told of it (coordination §1 to §3). The tree says what
 * follows from an entry; this takes it up.
 */

import { MalformedError } from '../base/errors.ts';
import type { Op, SessionId } from '../base/ids.ts';
import type { Acting, Belonging, Consequence, DeadlineKind, Named } from '../tree/acting.ts';
import type { EntryStep } from '../tree/kinds/entry-steps.ts';
import type { TreeNode } from '../tree/node.ts';
import { isUnkept, ttlOf } from '../tree/place.ts';
import type { Tree } from '../tree/tree.ts';
import type { Sessions } from './sessions.ts';
import type { BelongingRecord } from './told.ts';
import { TreeDeadlines } from './tree-deadlines.ts';

/** What a session is told of a belonging (coordination §3). */
export interface Notice {
  readonly session: SessionId;
  readonly record: BelongingRecord;
}
const noNotices: readonly Notice[] = [];
const noItems: BelongingRecord['items'] = [];

/** How much an expiry does before it leaves the rest to another one (coordination §14). */
const maxUnitsOfExpiry = 1024;

/** Notices are hints, so those beyond this are not kept. A replica that catches up makes many that nobody takes. */
const maxNotices = 65_536;

/** What becomes of something whose deadline has come. */
const overOf = {
  shadow: ({ path, id }) => ({ kind: 'shadowOver', path, id }),
  wait: ({ path, id }) => ({ kind: 'waitOver', path, id }),
  job: ({ path, id }) => ({ kind: 'jobOver', path, id }),
  ttl: ({ path, id }) => ({ kind: 'ttlOver', path, id }),
  delay: ({ path, id }) => ({ kind: 'ready', path, id }),
} as const satisfies Record<DeadlineKind, (named: Named) => EntryStep>;

/** What becomes of something whose session has ended. */
function givenUp({ kind, path, id, item }: Belonging, clean: boolean): EntryStep {
  return kind === 'claim' ? { kind: 'giveUp', path, id, item, clean } : { kind: 'ownerEnded', path, id };
}

export class Leases {
  readonly #sessions: Sessions;
  readonly #deadlines = new TreeDeadlines();
  #notices: Notice[] = [];

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
  }

  /** Takes up what belongs to whom in a tree that was restored. @throws MalformedError */
  restore(tree: Tree): void {
    for (const { session, belonging, deadline } of tree.standing()) {
      if (session !== null && !this.#sessions.own(session, belonging))
        throw new MalformedError(`snapshot has a claim at ${belonging.path} of session ${session}, which is not there`);
      if (deadline !== null) this.#deadlines.add(deadline);
    }
    for (const { path, node } of tree.lives()) this.#restoredLife(path, node);
  }

  #restoredLife(path: string, node: TreeNode): void {
    const { life, created: id } = node;
    if (life === null) return;
    const { owner, ttlMs } = life;
    if (owner !== 0 && !this.#sessions.own(owner, { kind: 'ephemeral', path, id }))
      throw new MalformedError(`snapshot has an ephemeral at ${path} of session ${owner}, which is not there`);
    if (ttlMs > 0 && isUnkept(node)) this.#deadlines.add(ttlOf(node, path, life));
  }

  /** For whom the tree acts. By itself, the group acts for no session. */
  acting(now: number): Acting {
    const sessions = this.#sessions;
    return {
      session: 0,
      request: 0,
      now,
      sessions: {
        over: (id) => sessions.over(id, now),
        countsUntil: (id) => sessions.countsUntil(id),
        room: (id) => sessions.roomOf(id),
        refuses: (id, leaseMs, entry) => sessions.refusesBelonging(id, leaseMs, entry),
        changed: (id) => sessions.changedOf(id),
      },
    };
  }

  /** Takes up what follows from an entry. */
  follow(op: Op, consequences: readonly Consequence[]): void {
    for (const one of consequences) this.#follow(op, one);
  }

  #follow(op: Op, one: Consequence): void {
    switch (one.kind) {
      case 'gained':
        return this.#sessions.gained(one.session, one.belonging, one.leaseMs);
      case 'gaveUp':
        return this.#sessions.gaveUp(one.session, one.belonging);
      case 'due':
        return this.#deadlines.add(one.deadline);
      case 'notDue':
        return this.#deadlines.remove(one.deadline);
      case 'told': {
        const record = { op, items: noItems, ...one.told };
        if (this.#sessions.tell(one.session, record) && this.#notices.length < maxNotices)
          this.#notices.push({ session: one.session, record });
        return;
      }
    }
  }

  /** Ends sessions, and says what must be done to what belonged to them (coordination §2). */
  end(ids: readonly SessionId[], clean = false): EntryStep[] {
    const steps: EntryStep[] = [];
    for (const id of ids) {
      for (const one of this.#sessions.belongingsOf(id)) steps.push(givenUp(one, clean));
      this.#sessions.end(id);
    }
    return steps;
  }

  /**
   * A session goes on in another one. What the process before may still count on becomes a shadow; the rest passes to
   * the new one (coordination §6).
   */
  continue(from: SessionId, to: SessionId): EntryStep[] {
    const until = this.#sessions.countsUntil(from);
    const leaseMs = this.#sessions.leaseOf(from);
    return this.#sessions
      .belongingsOf(from)
      .map(({ kind, path, id, item }) =>
        kind === 'claim'
          ? { kind: 'continued', path, id, item, until }
          : { kind: 'passedOn', path, id, from, to, leaseMs },
      );
  }

  /** Ends what is due, in order, up to a bound, and says what must be done to the tree. */
  due(now: number): { readonly steps: readonly EntryStep[]; readonly sessions: number } {
    let sessions = 0;
    const steps: EntryStep[] = [];
    for (let units = 0; units < maxUnitsOfExpiry;) {
      const session = this.#sessions.nextDue();
      const other = this.#deadlines.first;
      const sessionFirst = session !== null && (other === null || session.atMs <= other.at);
      if ((sessionFirst ? session.atMs : (other?.at ?? Infinity)) > now) break;
      if (sessionFirst) {
        const ended = this.end([session.id]);
        steps.push(...ended);
        units += 1 + ended.length;
        sessions++;
      } else {
        const { kind, path, id } = other!;
        this.#deadlines.remove(other!);
        steps.push(overOf[kind]({ path, id }));
        units++;
      }
    }
    return { steps, sessions };
  }

  /** The changes that sessions must be told of, by the entries since the last call. */
  takeNotices(): readonly Notice[] {
    if (this.#notices.length === 0) return noNotices;
    const taken = this.#notices;
    this.#notices = [];
    return taken;
  }

  /** The replicated time at which something is due, or null when there is nothing. */
  deadline(): number | null {
    const session = this.#sessions.nextDue()?.atMs ?? Infinity;
    const first = Math.min(session, this.#deadlines.first?.at ?? Infinity);
    return first === Infinity ? null : first;
  }
}
