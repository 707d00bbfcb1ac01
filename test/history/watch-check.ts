/**
 * Compares what watches were told with the calls: in order, each op once, nothing that was not written, and nothing
 * left out. The answer of a write says what it changed. For a write of unknown outcome, an event may be the only sign.
 */

import type { Anomaly } from './anomaly.ts';
import { lineOf } from './anomaly.ts';
import type {
  Call,
  SimpleOperation,
  Told,
  ToldChange,
  Transaction,
  Upsertable,
  WatchItem,
  WatchTold,
} from './format.ts';
import { isBeneath, isRead, pathsOf } from './model.ts';

/** A change that a write must have made. */
interface Expected {
  readonly path: string;
  readonly kind: string;
  readonly value?: string | null;
  readonly number?: number;
  readonly version?: number;
}

export function checkWatches(calls: readonly Call[], watches: readonly WatchTold[]): Anomaly[] {
  const writes = new Map<number, Call>();
  const open: Call[] = [];
  for (const call of calls) {
    if (isRead(call.operation)) continue;
    const { answer } = call;
    if (answer === null || answer.outcome === 'unknown') open.push(call);
    else if (answer.op !== null && (answer.outcome === 'done' || answer.outcome === 'failed'))
      writes.set(answer.op, call);
  }
  const ops = [...writes.keys()].sort((a, b) => a - b);
  const anomalies = watches.flatMap((watch) => checkWatch(watch, writes, ops));
  return [...anomalies, ...invented(watches, writes, open)];
}

function told(watch: WatchTold, item: WatchItem): { readonly line: number; readonly says: string } {
  const changes = item.changes.map(
    ({ path, kind, version }) => `${path} ${kind}${version === undefined ? '' : ` (version ${version})`}`,
  );
  const what = changes.length === 0 ? item.kind : `${item.kind} of ${changes.slice(0, 5).join(', ')}`;
  return { line: item.line, says: `watch ${watch.id} of ${watch.path} was told op ${item.op} at ${item.at}: ${what}` };
}

function checkWatch(watch: WatchTold, writes: ReadonlyMap<number, Call>, ops: readonly number[]): Anomaly[] {
  const anomalies: Anomaly[] = [];
  /** Everything up to here was told. Null until the watch has said where it begins. */
  let upTo: number | null = null;
  let next = 0;
  const known = new KnownPaths(watch);
  for (const item of watch.items) {
    if (item.kind === 'begun') {
      if (upTo === null && item.op === 0) known.nothing();
      upTo ??= item.op;
      continue;
    }
    if (item.kind === 'snapshot') {
      if (upTo !== null && item.op < upTo)
        anomalies.push({ what: 'a snapshot went back in time', lines: [told(watch, item)] });
      known.page(item);
      if (!item.more) upTo = item.op;
      continue;
    }
    const again = upTo !== null && (item.kind === 'event' ? item.op <= upTo : item.op < upTo);
    if (again) {
      anomalies.push({
        what: `op ${item.op} was told after everything up to op ${upTo} had been`,
        lines: [told(watch, item)],
      });
      continue;
    }
    if (upTo !== null && !item.folded) {
      const end = item.kind === 'event' ? item.op - 1 : item.op;
      while (next < ops.length && ops[next]! <= upTo) next++;
      for (; next < ops.length && ops[next]! <= end; next++) {
        const call = writes.get(ops[next]!)!;
        const change = changesOf(call)?.find((one) => concerns(watch, one));
        const missing = change ?? known.missing(call);
        if (missing === undefined) continue;
        anomalies.push({
          what: `watch ${watch.id} was not told that ${missing.path} was ${missing.kind} by op ${ops[next]}`,
          lines: [lineOf(call), told(watch, item)],
        });
      }
    }
    if (item.kind === 'event') {
      const unmade = known.event(item);
      const call = item.folded ? undefined : writes.get(item.op);
      if (call !== undefined) anomalies.push(...compare(watch, item, call));
      const missing = unmade ?? (call === undefined ? undefined : known.missing(call));
      if (missing !== undefined) {
        const lines = [...(call === undefined ? [] : [lineOf(call)]), told(watch, item)];
        anomalies.push({ what: `op ${item.op} was told, and nobody told that ${missing.path} was created`, lines });
      }
    }
    upTo = item.op;
  }
  return anomalies;
}

/** The paths of which a watch must know that a node is there. */
class KnownPaths {
  readonly #watch: WatchTold;
  /** Null: the watch began somewhere in the middle, and nobody knows what was there. */
  #paths: Set<string> | null = null;
  #page: Set<string> | null = null;

  constructor(watch: WatchTold) {
    this.#watch = watch;
  }

  nothing(): void {
    this.#paths = new Set();
  }

  /** A page of a snapshot. */
  page({ changes, more }: WatchItem): void {
    this.#page ??= new Set();
    for (const { path } of changes) this.#page.add(path);
    if (more) return;
    this.#paths = this.#page;
    this.#page = null;
  }

  /** @returns a change of a node that was never told to exist, with its creation. */
  event({ changes, folded }: WatchItem): Expected | undefined {
    const paths = this.#paths;
    let missing: Expected | undefined;
    if (paths === null) return undefined;
    for (const { path, kind } of changes) {
      if (kind === 'deleted') for (const one of paths) if (one === path || isBeneath(one, path)) paths.delete(one);
      if (kind === 'deleted') continue;
      if (kind !== 'created' && !folded && !paths.has(path)) missing ??= { path, kind: 'created' };
      paths.add(path);
    }
    return missing;
  }

  /** @returns the creation of a node that must be there after a write, and of which the watch does not know. */
  missing(call: Call): Expected | undefined {
    if (this.#paths === null || call.answer?.outcome !== 'done') return undefined;
    for (const path of thereAfter(call)) {
      if (!concerns(this.#watch, { path }) || this.#paths.has(path)) continue;
      this.#paths.add(path);
      return { path, kind: 'created' };
    }
    return undefined;
  }
}

/** Paths at which a node is for certain after a write that was done. */
function thereAfter({ operation, answer }: Call): ReadonlySet<string> {
  const there = new Set<string>();
  const branch = operation.kind !== 'transaction' ? [operation] : takenBranch(operation, answer?.result ?? {});
  for (const one of branch) {
    if (one.kind === 'delete') {
      for (const path of there) if (path === one.path || isBeneath(path, one.path)) there.delete(path);
    } else if (!isRead(one)) {
      there.add(one.kind === 'upsert' ? one.operation.path : one.path);
    }
  }
  return there;
}

function takenBranch({ then, otherwise }: Transaction, { held }: Told): readonly SimpleOperation[] {
  if (held === undefined) return [];
  return held ? then : otherwise;
}

function concerns({ path, subtree }: WatchTold, change: { readonly path: string }): boolean {
  if (change.path === path) return true;
  return subtree && isBeneath(change.path, path);
}

/** An event has what its write's answer says, as far as it is watched. */
function compare(watch: WatchTold, item: WatchItem, call: Call): Anomaly[] {
  const expected = changesOf(call);
  if (expected === null) return [];
  const lines = [lineOf(call), told(watch, item)];
  const anomalies: Anomaly[] = [];
  const left = [...item.changes];
  for (const one of expected.filter((change) => concerns(watch, change))) {
    const at = left.findIndex((change) => same(one, change, watch.values));
    if (at < 0) anomalies.push({ what: `op ${item.op} was told without that ${one.path} was ${one.kind}`, lines });
    else left.splice(at, 1);
  }
  const named = pathsOf(call.operation);
  for (const change of left) {
    const above =
      change.kind === 'created' && named.some((path) => path === change.path || isBeneath(path, change.path));
    // A watch beneath a directory that is deleted is told about the directory.
    if (!above && !expected.some((one) => same(one, change, watch.values)))
      anomalies.push({ what: `op ${item.op} was told to have ${change.kind} ${change.path}, which it did not`, lines });
  }
  return anomalies;
}

function same(expected: Expected, change: ToldChange, values: boolean): boolean {
  if (expected.path !== change.path || expected.kind !== change.kind) return false;
  const version = expected.version === undefined || change.version === undefined || expected.version === change.version;
  return version && fits(expected.value, change.value, values) && fits(expected.number, change.number, values);
}

/** What a write's answer does not say fits everything. A watch without values is told none. */
function fits<T>(expected: T | undefined, told: T | null | undefined, values: boolean): boolean {
  if (expected === undefined) return true;
  if (told === undefined || told === null) return !values || expected === null;
  return expected === told;
}

/** The changes of a write that was answered. Null when its answer does not say. */
function changesOf({ operation, answer }: Call): readonly Expected[] | null {
  if (answer?.outcome === 'failed') return [];
  if (answer === null || answer.result === null) return null;
  if (operation.kind !== 'transaction') return changesOfOne(operation, answer.result);
  const { held, results } = answer.result;
  if (held === undefined || results === undefined) return null;
  const branch = takenBranch(operation, answer.result);
  const all: Expected[] = [];
  for (const [index, one] of branch.entries()) {
    const changes = changesOfOne(one, results[index] ?? {});
    if (changes === null) return null;
    all.push(...changes);
  }
  return all;
}

function changesOfOne(operation: SimpleOperation, result: Told): readonly Expected[] | null {
  if (isRead(operation)) return [];
  if (operation.kind === 'upsert') return upserted(operation.operation, result);
  const { path } = operation;
  const version = typeof result.version === 'number' ? { version: result.version } : {};
  switch (operation.kind) {
    case 'create':
      return [{ path, kind: 'created' }];
    case 'delete':
      return [{ path, kind: 'deleted' }];
    case 'blobPut':
      return [{ path, kind: operation.ifAbsent === true ? 'created' : 'put', value: operation.value, ...version }];
    case 'blobCas':
      return [{ path, kind: 'put', value: operation.value, ...version }];
    case 'queuePush':
      return [{ path, kind: 'pushed', value: operation.value, ...version }];
    case 'queuePop':
      if (result.value === undefined) return null;
      return result.value === null ? [] : [{ path, kind: 'popped', value: result.value, ...version }];
    case 'setInsert':
    case 'setRemove': {
      if (result.truth === undefined) return null;
      const kind = operation.kind === 'setInsert' ? 'inserted' : 'removed';
      return result.truth ? [{ path, kind, value: operation.member, ...version }] : [];
    }
    case 'counterAdd':
      if (operation.by === 0) return [];
      return [{ path, kind: 'counted', ...(result.number === undefined ? {} : { number: result.number }), ...version }];
    default:
      // A history may have kinds that the types do not.
      operation satisfies never;
      return null;
  }
}

/** The value of a new blob comes with its creation. Version 0 shows that the put made it. */
function upserted(operation: Upsertable, result: Told): readonly Expected[] | null {
  if (operation.kind !== 'blobPut') return changesOfOne(operation, result);
  if (typeof result.version !== 'number') return null;
  const { path, value } = operation;
  return [{ path, kind: result.version === 0 ? 'created' : 'put', value, version: result.version }];
}

/**
 * Events of ops that no answer has. Each must come from a write of unknown outcome, and each such write has at most one
 * op.
 */
function invented(watches: readonly WatchTold[], writes: ReadonlyMap<number, Call>, open: readonly Call[]): Anomaly[] {
  const signs = new Map<number, { readonly watch: WatchTold; readonly item: WatchItem }>();
  for (const watch of watches) {
    for (const item of watch.items) {
      if (item.kind !== 'event' || item.folded || writes.has(item.op)) continue;
      if (!signs.has(item.op)) signs.set(item.op, { watch, item });
    }
  }
  const takenBy = new Map<Call, number>();
  const assign = (op: number, tried: Set<Call>): boolean => {
    const { item } = signs.get(op)!;
    for (const call of open) {
      if (tried.has(call) || call.at > item.at || !mayBe(call, item)) continue;
      tried.add(call);
      const other = takenBy.get(call);
      if (other !== undefined && !assign(other, tried)) continue;
      takenBy.set(call, op);
      return true;
    }
    return false;
  };
  const anomalies: Anomaly[] = [];
  for (const [op, { watch, item }] of signs) {
    if (!assign(op, new Set()))
      anomalies.push({ what: `op ${op} was told, and nobody wrote it`, lines: [told(watch, item)] });
  }
  return anomalies;
}

/**
 * Whether a write can have made all changes of an event: for each path, it names the path, or one beneath or above it.
 */
function mayBe(call: Call, item: WatchItem): boolean {
  const named = pathsOf(call.operation);
  return item.changes.every(({ path, kind, value }) => {
    const near = named.some((one) => one === path || (kind === 'created' && isBeneath(one, path)));
    return near && (kind !== 'put' || value === undefined || value === null || valuesOf(call).includes(value));
  });
}

function valuesOf({ operation }: Call): readonly string[] {
  const all = operation.kind === 'transaction' ? [...operation.then, ...operation.otherwise] : [operation];
  return all.flatMap((one) => {
    const simple = one.kind === 'upsert' ? one.operation : one;
    return 'value' in simple && typeof simple.value === 'string' ? [simple.value] : [];
  });
}
