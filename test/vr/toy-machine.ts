/**
 * A state machine small enough to check by eye: sessions with their replies, and a chained digest of everything
 * applied.
 */

import { createHash } from 'node:crypto';
import { textOf, utf8 } from '../../core/base/bytes.ts';
import type { ErrorInfo } from '../../core/base/errors.ts';
import { MalformedError, errorInfo } from '../../core/base/errors.ts';
import type { Entry } from '../../core/vr/entry.ts';
import type { Snapshot, StateMachine } from '../../core/vr/ports.ts';

interface ToySession {
  next: number;
  answered: number;
  replies: [number, string][];
}

interface ToyState {
  op: number;
  digest: string;
  sessions: [number, ToySession][];
  values: string[];
  deadline: number | null;
  padding: number;
}

/** Bodies are text: `register`, `put VALUE`, `unregister N`, `alarm T` sets the deadline, `expire` clears it. */
export function body(text: string): Uint8Array {
  return utf8(text);
}

export class ToyMachine implements StateMachine {
  op = 0;
  digest = '';
  values: string[] = [];
  timestamps: number[] = [];
  #sessions = new Map<number, ToySession>();
  #deadline: number | null = null;

  apply(entry: Entry): Uint8Array {
    this.op = entry.op;
    this.timestamps.push(entry.timestamp);
    this.digest = createHash('sha256').update(this.digest).update(entry.checksum).digest('hex').slice(0, 32);
    return utf8(this.#apply(entry));
  }

  #apply(entry: Entry): string {
    const text = textOf(entry.body) ?? '';
    if (entry.session === 0) return this.#execute(entry, text);
    const session = this.#sessions.get(entry.session);
    if (session === undefined) return 'session gone';
    const kept = session.replies.find(([number]) => number === entry.request);
    if (kept !== undefined) return kept[1];
    if (entry.request < session.next) return 'too old';
    session.answered = Math.max(session.answered, entry.answered);
    session.replies = session.replies.filter(([number]) => number >= session.answered);
    const reply = this.#execute(entry, text);
    session.next = entry.request + 1;
    session.replies.push([entry.request, reply]);
    return reply;
  }

  #execute(entry: Entry, text: string): string {
    const [verb, argument] = text.split(' ');
    if (verb === 'register') {
      this.#sessions.set(entry.op, { next: 1, answered: 1, replies: [] });
      return `session ${entry.op}`;
    }
    if (verb === 'unregister') this.#sessions.delete(Number(argument));
    if (verb === 'alarm') this.#deadline = Number(argument);
    if (verb === 'expire') this.#deadline = null;
    if (verb === 'put') this.values.push(argument ?? '');
    return `${text} at ${entry.op}`;
  }

  request(session: number, _secret: string, request: number): 'new' | 'executed' | 'old' | 'gone' {
    const known = this.#sessions.get(session);
    if (known === undefined) return 'gone';
    if (known.replies.some(([number]) => number === request)) return 'executed';
    return request < known.next ? 'old' : 'new';
  }

  nextRequest(session: number): number {
    return this.#sessions.get(session)?.next ?? 1;
  }

  reply(session: number, request: number): Uint8Array {
    return utf8(this.#sessions.get(session)?.replies.find(([number]) => number === request)?.[1] ?? '');
  }

  validate(bytes: Uint8Array): ErrorInfo | null {
    return textOf(bytes) === 'invalid' ? errorInfo('BadArgument', 'no such body') : null;
  }

  deadline(): number | null {
    return this.#deadline;
  }

  expiry(): Uint8Array {
    return utf8('expire');
  }

  snapshot(): Snapshot {
    const state: ToyState = {
      op: this.op,
      digest: this.digest,
      sessions: structuredClone([...this.#sessions]),
      values: [...this.values],
      deadline: this.#deadline,
      padding: 0,
    };
    const bytes = utf8(JSON.stringify(state));
    let at = 0;
    return {
      next: (count) => {
        if (at >= bytes.length) return null;
        const piece = bytes.subarray(at, at + count);
        at += piece.length;
        return piece;
      },
    };
  }

  restore(chunks: Iterable<Uint8Array>): void {
    const text = textOf(Buffer.concat([...chunks]));
    if (text === null) throw new MalformedError('no snapshot');
    const state = JSON.parse(text) as ToyState;
    this.op = state.op;
    this.digest = state.digest;
    this.values = state.values;
    this.#sessions = new Map(state.sessions);
    this.#deadline = state.deadline;
  }

  size(): number {
    return 64 + 16 * this.values.length;
  }
}
