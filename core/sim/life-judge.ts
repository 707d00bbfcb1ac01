/**
 * Judges what each committed entry did to nodes with a life (coordination §9, §16.7), by comparing the state before it with
 * the state after it. It counts times to live by itself, from what changed and what was touched.
 */

import type { Op, SessionId } from '../base/ids.ts';
import type { Body } from '../service/body.ts';
import { decodeBody } from '../service/body.ts';
import type { ServiceEntry } from '../service/service.ts';
import { DirectoryNode } from '../tree/node.ts';
import type { Operation, SimpleOperation } from '../tree/operation.ts';
import type { Tree } from '../tree/tree.ts';

interface Known {
  readonly path: string;
  readonly created: Op;
  readonly owner: SessionId;
  readonly ttlMs: number;
  readonly modified: Op;
  /** Something beneath it keeps it. */
  readonly kept: boolean;
  /** From when its time counts. */
  since: number;
}

/** True when there is such a session after the entry. */
type Exists = (session: SessionId) => boolean;

const sequence = /(\d{16})(?:\.\d{4})?$/;

export class LifeJudge {
  #before: ReadonlyMap<string, Known> = new Map();
  /** The number of every sequential node that was made, by what comes before it. */
  readonly #last = new Map<string, string>();

  /** Takes the state after the next committed entry. @returns the rule that it breaks, or null. */
  entry(entry: ServiceEntry, timestamp: number, tree: Tree, exists: Exists): string | null {
    const before = this.#before;
    const body = decodeBody(entry.body);
    const asked = body.kind === 'operation' ? simpleOf(body.operation) : [];
    const touched = new Set(asked.flatMap((one) => (one.kind === 'touch' ? [one.path] : [])));
    // To make what is there renews it only for its owner. Anyone else is refused.
    const adopted = new Set(asked.flatMap((one) => (one.kind === 'createWith' && one.adopt ? [one.path] : [])));
    const after = new Map<string, Known>();
    for (const { path, node } of tree.lives()) {
      const { created, modified, life } = node;
      if (life === null) continue;
      const was = before.get(`${created} ${path}`);
      const renewed = touched.has(path) || (adopted.has(path) && life.owner !== 0 && life.owner === entry.session);
      const changed = was?.modified !== modified || renewed;
      const kept = node instanceof DirectoryNode ? node.count > 0 : node.owned > 0;
      const since = changed ? timestamp : was.since;
      after.set(`${created} ${path}`, { path, created, ...life, modified, kept, since });
    }
    this.#before = after;
    if (before.size + after.size === 0) return null;
    return this.#sequential(entry.op, before, after) ?? left(before, after, { body, asked, timestamp, exists });
  }

  #sequential(op: Op, before: ReadonlyMap<string, Known>, after: ReadonlyMap<string, Known>): string | null {
    const made = [...after].filter(([key]) => !before.has(key)).map(([, { path }]) => path);
    for (const path of made.sort()) {
      const digits = sequence.exec(path);
      if (digits === null) continue;
      if (Number(digits[1]) !== op) return `a sequential node has another number than its entry at ${path}`;
      const prefix = path.slice(0, digits.index);
      if (path <= (this.#last.get(prefix) ?? '')) return `a sequential name is no later one at ${path}`;
      this.#last.set(prefix, path);
    }
    return null;
  }
}

function simpleOf(operation: Operation): readonly SimpleOperation[] {
  return operation.kind === 'transaction' ? [...operation.then, ...operation.otherwise] : [operation];
}

/** What went had a reason, and what had to go went. */
function left(
  before: ReadonlyMap<string, Known>,
  after: ReadonlyMap<string, Known>,
  facts: {
    readonly body: Body;
    readonly asked: readonly SimpleOperation[];
    readonly timestamp: number;
    readonly exists: Exists;
  },
): string | null {
  const { body, asked, timestamp, exists } = facts;
  const due = ({ ttlMs, since }: Known): boolean => ttlMs > 0 && since + ttlMs <= timestamp;
  for (const [key, one] of before) {
    const still = after.get(key);
    // It passes to another session only when that continues the ClientID of its own.
    if (still !== undefined && still.owner !== one.owner && body.kind !== 'bind')
      return `an ephemeral has another owner at ${one.path}`;
    if (still !== undefined) continue;
    const { path, owner, kept } = one;
    const deleted = asked.some(
      (other) => other.kind === 'delete' && (other.path === path || path.startsWith(`${other.path}/`)),
    );
    if (deleted || (owner !== 0 && !exists(owner))) continue;
    if (due(one) && (body.kind === 'expire' || kept)) continue;
    return owner === 0
      ? `a node went before its time at ${path}`
      : `an ephemeral went although its session lives at ${path}`;
  }
  for (const one of after.values()) {
    if (one.owner !== 0 && !exists(one.owner)) return `an ephemeral outlived its session at ${one.path}`;
    // What is left of a large expiry is for the next one, but no world here has so much.
    if (body.kind === 'expire' && due(one) && !one.kept) return `a node outlived its time at ${one.path}`;
  }
  return null;
}
