/** Asks for nodes with a life, and keeps what a tree says of them as a service does. */

import { utf8 } from '../../core/base/bytes.ts';
import type { Acting, Consequence } from '../../core/tree/acting.ts';
import type { EntryStep } from '../../core/tree/kinds/entry-steps.ts';
import type { Asked } from '../../core/tree/operation.ts';

type CreateWith = Asked<'createWith'>;

/** `createWith` with nothing but what a test names. */
export function createWith(path: string, options: Partial<Omit<CreateWith, 'kind' | 'path'>> = {}): CreateWith {
  const flags = { ephemeral: false, sequential: false, adopt: false, auto: false } as const;
  const rest = { value: null, capacity: null, ttlMs: null, leaseMs: null };
  return { kind: 'createWith', path, type: 'blob', ...flags, ...rest, ...options };
}

export const ephemeral = (path: string, value: string, adopt = false): CreateWith =>
  createWith(path, { ephemeral: true, adopt, value: utf8(value) });

/** One session asks at a time. All of them live, and may have what they like. */
export function actingAs(session: number, now: number): Acting {
  const sessions = {
    over: () => false,
    countsUntil: () => now + 10_000,
    refuses: () => null,
    room: () => 1024,
    changed: () => 0,
  };
  return { session, request: 1, now, sessions };
}

/** What belongs to whom and when it is due, as the consequences of entries say. */
export class Book {
  readonly owned = new Map<string, { readonly session: number; readonly path: string; readonly id: number }>();
  readonly due = new Map<string, { readonly at: number; readonly path: string; readonly id: number }>();

  take(consequences: readonly Consequence[]): void {
    for (const one of consequences) {
      if (one.kind === 'gained') {
        const { session, belonging } = one;
        this.owned.set(`${belonging.id} ${belonging.path}`, { session, ...belonging });
      } else if (one.kind === 'gaveUp') {
        const key = `${one.belonging.id} ${one.belonging.path}`;
        // Another session may have got it by the same entry.
        if (this.owned.get(key)?.session === one.session) this.owned.delete(key);
      } else if (one.kind === 'due') {
        this.due.set(`${one.deadline.id} ${one.deadline.path}`, one.deadline);
      } else if (one.kind === 'notDue') {
        this.due.delete(`${one.deadline.id} ${one.deadline.path}`);
      }
    }
  }

  /** What the end of a session asks for. */
  ended(session: number): EntryStep[] {
    return this.#of(session).map(({ path, id }) => ({ kind: 'ownerEnded', path, id }));
  }

  /** What it asks for when a session is continued by another one. */
  continued(from: number, to: number): EntryStep[] {
    return this.#of(from).map(({ path, id }) => ({ kind: 'passedOn', path, id, from, to, leaseMs: 10_000 }));
  }

  #of(session: number): readonly { readonly path: string; readonly id: number }[] {
    return [...this.owned.values()].filter((one) => one.session === session).sort((a, b) => a.id - b.id);
  }

  expiry(now: number): EntryStep[] {
    const due = [...this.due.values()].filter(({ at }) => at <= now).sort((a, b) => a.at - b.at || a.id - b.id);
    return due.map(({ path, id }) => ({ kind: 'ttlOver', path, id }));
  }
}
