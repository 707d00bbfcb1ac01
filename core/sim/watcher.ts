/**
 * A simulated user's watch. What it is told is compared with the replay of the committed log (protocol §9.7): every
 * event is a committed entry, in order and once, and between two events nothing happened to what is watched.
 */

import type { NamespaceId, Op } from '../base/ids.ts';
import { defaultLimits } from '../base/limits.ts';
import type { Client } from '../client/client.ts';
import { watch } from '../client/watches.ts';
import type { Change, WatchHandle, WatchOptions, WatchTold } from '../client/watches.ts';
import type { Stat } from '../tree/operation.ts';
import { Tree, treeLimitsOf } from '../tree/tree.ts';
import type { Checker } from './checker.ts';
import { RuleBroken } from './checker.ts';

export interface WatcherCounters {
  events: number;
  snapshots: number;
  resets: number;
}

/** What the reader knows of a path, from what it was told. */
interface Known {
  readonly type: string;
  readonly version: number;
}

/** Who watches what, and who judges what the watch is told. */
export interface Watched {
  /** Of the user, for what goes wrong. */
  readonly name: string;
  readonly checker: Checker;
  readonly namespace: NamespaceId;
  readonly path: string;
  readonly options: WatchOptions;
  readonly counters: WatcherCounters;
}

export class Watcher {
  readonly counters: WatcherCounters;
  readonly #name: string;
  readonly #checker: Checker;
  readonly #namespace: NamespaceId;
  readonly #path: string;
  readonly #options: WatchOptions;
  readonly #handle: WatchHandle;
  /** Everything up to this op was told. Null before anything is known. */
  #op: Op | null = null;
  /** What exists, if the watch began with a snapshot or has had one since. */
  #mirror: Map<string, Known> | null = null;
  #paging: { readonly op: Op; readonly mirror: Map<string, Known> } | null = null;
  #ended = false;

  constructor(client: Client, { name, checker, namespace, path, options, counters }: Watched) {
    this.#name = name;
    this.#checker = checker;
    this.#namespace = namespace;
    this.#path = path;
    this.#options = options;
    this.counters = counters;
    if (typeof options.from === 'object') this.#op = options.from.after;
    this.#handle = watch(client, path, options, (told) => this.#told(told));
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Everything up to this op was told. Null while nothing is known. */
  get op(): Op | null {
    return this.#op;
  }

  cancel(): void {
    this.#ended = true;
    this.#handle.cancel();
  }

  #told(told: WatchTold): void {
    this.#demand(!this.#ended, 'something was told after the end', { kind: told.kind });
    switch (told.kind) {
      case 'begun':
        if (this.#options.from !== 'snapshot') this.#op ??= told.op;
        return;
      case 'snapshot':
        return this.#page(told);
      case 'event':
        return this.#event(told);
      case 'progress':
        this.#demand(this.#paging === null, 'progress in the middle of a snapshot', { op: told.op });
        this.#quietUpTo(told.op);
        this.#op = told.op;
        return;
      case 'ended':
        this.#ended = true;
        this.#demand(told.error === null || told.error.code === 'Closed', 'a watch ended', { error: told.error });
    }
  }

  #page({ op, reset, first, last, changes }: Extract<WatchTold, { kind: 'snapshot' }>): void {
    this.#demand(op >= (this.#op ?? 0), 'a snapshot went back in time', { op, at: this.#op });
    if (first) {
      this.#paging = { op, mirror: new Map() };
      if (reset) this.counters.resets++;
      else this.counters.snapshots++;
    }
    const paging = this.#paging;
    this.#demand(paging?.op === op, 'a page of another snapshot', { op });
    for (const change of changes) applyTo(paging!.mirror, change);
    if (!last) return;
    this.#paging = null;
    this.#op = op;
    this.#mirror = paging!.mirror;
    this.#compare(op);
  }

  #event({ op, folded, changes }: Extract<WatchTold, { kind: 'event' }>): void {
    this.counters.events++;
    this.#demand(this.#paging === null, 'an event in the middle of a snapshot', { op });
    this.#demand(op > (this.#op ?? 0), 'an event came twice or out of order', { op, at: this.#op });
    this.#demand(changes.length > 0, 'an event without a change', { op });
    if (!folded) {
      this.#quietUpTo(op - 1);
      this.#demand(this.#changedAt(op), 'an event of what did not change', { op });
    }
    this.#op = op;
    if (this.#mirror === null) return;
    for (const change of changes) applyTo(this.#mirror, change);
    this.#compare(op);
  }

  /** At rest: everything that is committed was told. */
  upToDate(): boolean {
    if (this.#ended) return true;
    if (this.#op === null || this.#paging !== null) return false;
    return this.#quiet(this.#op, this.#checker.committedOp(this.#namespace));
  }

  /** The watch was told everything up to `op` that concerns it. A watch that is over need not be told more. */
  knows(op: Op): boolean {
    if (this.#ended) return true;
    return this.#op !== null && (this.#op >= op || this.#quiet(this.#op, op));
  }

  /** Nothing happened to what is watched after the last op that was told, up to `op`. Otherwise an event is missing. */
  #quietUpTo(op: Op): void {
    const from = this.#op;
    if (from === null || op <= from) return;
    this.#demand(this.#quiet(from, op), 'an event is missing', { from, to: op });
  }

  #quiet(from: Op, to: Op): boolean {
    const before = this.#stat(from);
    const after = this.#stat(to);
    return before?.created === after?.created && this.#touched(before) === this.#touched(after);
  }

  /**
   * What shows that the watched thing changed: any change beneath it when the subtree is watched, else a change of the
   * node itself.
   */
  #touched(stat: Stat | null): number | string | null {
    if (stat === null) return null;
    if (this.#options.subtree === true) return stat.modified;
    return stat.type === 'directory' ? stat.type : stat.version;
  }

  #changedAt(op: Op): boolean {
    return !this.#quiet(op - 1, op);
  }

  #stat(op: Op): Stat | null {
    return statIn(this.#tree(op), this.#path);
  }

  #tree(op: Op): Tree {
    // Before the first op there is only the root.
    if (op === 0) return beforeAll;
    const tree = this.#checker.treeAt(this.#namespace, op);
    this.#demand(tree !== null, 'an op was told that is not committed', { op });
    return tree!;
  }

  /** What the reader concluded from what it was told must equal what exists. */
  #compare(op: Op): void {
    const expected = new Map<string, Known>();
    const contents = this.#tree(op).contents(this.#path, this.#options.subtree === true);
    for (let next = contents.next(); next.done !== true; next = contents.next())
      expected.set(next.value.path, { type: next.value.type, version: next.value.version });
    const wrong = [...expected].filter(([path, { type, version }]) => {
      const known = this.#mirror!.get(path);
      // A directory's version counts what happens beneath it, and that is told under the paths where it happens.
      return known?.type !== type || (type !== 'directory' && known.version !== version);
    });
    const surplus = [...this.#mirror!.keys()].filter((path) => !expected.has(path));
    this.#demand(wrong.length === 0 && surplus.length === 0, 'what was told differs from what exists', {
      op,
      wrong,
      surplus,
    });
  }

  #demand(holds: boolean, what: string, facts: Readonly<Record<string, unknown>>): void {
    if (holds) return;
    const watcher = { watcher: this.#name, path: this.#path, ...this.#options };
    throw new RuleBroken(`rule 7: ${what} ${JSON.stringify({ ...watcher, ...facts })}`);
  }
}

const beforeAll = Tree.empty(treeLimitsOf(defaultLimits));

function applyTo(mirror: Map<string, Known>, { path, kind, type, version }: Change): void {
  if (kind === 'deleted') {
    for (const known of mirror.keys()) if (known === path || known.startsWith(`${path}/`)) mirror.delete(known);
  } else mirror.set(path, { type, version });
}

function statIn(tree: Tree, path: string): Stat | null {
  const answer = tree.read({ kind: 'stat', path });
  return answer.ok && answer.value.kind === 'stat' ? answer.value.stat : null;
}
