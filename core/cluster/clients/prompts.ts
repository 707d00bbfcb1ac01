/**
 * Asks for a sign of life ("who are you?") in time, when a session with a lease has not kept itself alive for half of that
 * lease. The timers of a page that is hidden may come once a minute. Its messages come at once, so it can answer
 * (coordination §2).
 */

import type { HeapItem } from '../../base/heap.ts';
import { Heap } from '../../base/heap.ts';
import type { NamespaceId, SessionId } from '../../base/ids.ts';

/** A connection over which a session keeps itself alive. */
export interface PromptedConnection {
  askWho(namespaceId: NamespaceId, session: SessionId): void;
}

interface Prompt extends HeapItem {
  connection: PromptedConnection;
  readonly namespaceId: NamespaceId;
  readonly session: SessionId;
  readonly number: number;
  atMs: number;
}

function before(a: Prompt, b: Prompt): boolean {
  return a.atMs !== b.atMs ? a.atMs < b.atMs : a.number < b.number;
}

/** It holds at most what connections may have registered: a prompt for each session that has kept itself alive. */
export class Prompts {
  readonly #heap = new Heap<Prompt>(before);
  readonly #bySession = new Map<string, Prompt>();
  #nowMs = 0;
  #number = 0;

  get size(): number {
    return this.#bySession.size;
  }

  /** A keep-alive of the session was answered. @param leaseMs 0 for a session without a lease. */
  alive(connection: PromptedConnection, namespaceId: NamespaceId, session: SessionId, leaseMs: number): void {
    const key = keyOf(namespaceId, session);
    const known = this.#bySession.get(key);
    if (leaseMs === 0) return this.#drop(key, known);
    const atMs = this.#nowMs + leaseMs / 2;
    if (known === undefined) {
      const made: Prompt = { connection, namespaceId, session, number: this.#number++, atMs, index: 0 };
      this.#bySession.set(key, made);
      this.#heap.add(made);
      return;
    }
    known.connection = connection;
    if (atMs <= known.atMs) return;
    known.atMs = atMs;
    this.#heap.later(known);
  }

  /** The session does not speak over this connection any more. */
  silent(connection: PromptedConnection, namespaceId: NamespaceId, session: SessionId): void {
    const key = keyOf(namespaceId, session);
    const known = this.#bySession.get(key);
    if (known?.connection === connection) this.#drop(key, known);
  }

  #drop(key: string, known: Prompt | undefined): void {
    if (known === undefined) return;
    this.#bySession.delete(key);
    this.#heap.remove(known);
  }

  /** Asks those whose time has come, each once. The next keep-alive sets the next time. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    for (let { top } = this.#heap; top !== undefined && top.atMs <= nowMs; { top } = this.#heap) {
      const { namespaceId, session } = top;
      this.#drop(keyOf(namespaceId, session), top);
      top.connection.askWho(namespaceId, session);
    }
  }
}

function keyOf(namespaceId: NamespaceId, session: SessionId): string {
  return `${namespaceId}/${session}`;
}
