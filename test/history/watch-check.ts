/**
 * Compares what watches were told with the calls: in order, each op once, nothing that was not written, and nothing
 * left out. The answer of a write says what it changed. For a write of unknown outcome, an event may be the only sign.
 */

import type { Anomaly } from './anomaly.ts';
import { lineOf } from './anomaly.ts';
import type { Call, SimpleOperation, Told, ToldChange, Upsertable, WatchItem, WatchTold } from './format.ts';
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
  for (const item of watch.items) {
    if (item.kind === 'begun') {
      upTo ??= item.op;
      continue;
    }
    if (item.kind === 'snapshot') {
      if (upTo !== null && item.op < upTo)
        anomalies.push({ what: 'a snapshot went back in time', lines: [told(watch, item)] });
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
        const missing = changesOf(call)?.find((change) => concerns(watch, change));
        if (missing === undefined) continue;
        anomalies.push({
          what: `watch ${watch.id} was not told that ${missing.path} was ${missing.kind} by op ${ops[next]}`,
          lines: [lineOf(call), told(watch, item)],
        });
      }
    }
    if (item.kind === 'event' && !item.folded) {
      const call = writes.get(item.op);
      if (call !== undefined) anomalies.push(...compare(watch, item, call));
    }
    upTo = item.op;
  }
  return anomalies;
}

function concerns({ path, subtree }: WatchTold, change: { readonly path: string; readonly kind: string }): boolean {
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
    const at = left.findIndex((change) => same(one, change));
    if (at < 0) anomalies.push({ what: `op ${item.op} was told without that ${one.path} was ${one.kind}`, lines });
    else left.splice(at, 1);
  }
  const named = pathsOf(call.operation);
  for (const change of left) {
    const above =
      change.kind === 'created' && named.some((path) => path === change.path || isBeneath(path, change.path));
    // A watch beneath a directory that is deleted is told about the directory.
    if (!above && !expected.some((one) => same(one, change)))
      anomalies.push({ what: `op ${item.op} was told to have ${change.kind} ${change.path}, which it did not`, lines });
  }
  return anomalies;
}

function same(expected: Expected, change: ToldChange): boolean {
  if (expected.path !== change.path || expected.kind !== change.kind) return false;
  const value =
    expected.value === undefined ||
    change.value === undefined ||
    change.value === null ||
    expected.value === change.value;
  const version = expected.version === undefined || change.version === undefined || expected.version === change.version;
  const number =
    expected.number === undefined ||
    change.number === undefined ||
    change.number === null ||
    expected.number === change.number;
  return value && version && number;
}

/** The changes of a write that was answered. Null when its answer does not say. */
function changesOf({ operation, answer }: Call): readonly Expected[] | null {
  if (answer?.outcome === 'failed') return [];
  if (answer === null || answer.result === null) return null;
  if (operation.kind !== 'transaction') return changesOfOne(operation, answer.result);
  const { held, results } = answer.result;
  if (held === undefined || results === undefined) return null;
  const branch = held ? operation.then : operation.otherwise;
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
