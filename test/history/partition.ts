/**
 * Splits a history into independent parts: calls whose paths are not above each other, and that no transaction joins
 * (linearizability is local: Herlihy and Wing). A directory above a path matters only where a call names it.
 */

import type { Call } from './format.ts';
import { isBeneath, parentOf, pathsOf } from './model.ts';

export interface Part {
  /** The topmost of its paths. */
  readonly tops: readonly string[];
  readonly calls: readonly Call[];
}

export function partition(calls: readonly Call[]): Part[] {
  const groups = new Map<string, string>();
  const find = (path: string): string => {
    let top = path;
    for (let up = groups.get(top)!; up !== top; up = groups.get(top)!) top = up;
    for (let at = path; at !== top;) {
      const up = groups.get(at)!;
      groups.set(at, top);
      at = up;
    }
    return top;
  };
  const named = calls.map((call) => pathsOf(call.operation));
  for (const path of named.flat()) groups.set(path, path);
  for (const [first, ...others] of named) for (const other of others) groups.set(find(other), find(first!));
  for (const path of [...groups.keys()])
    for (let up = parentOf(path); up !== null; up = parentOf(up)) if (groups.has(up)) groups.set(find(path), find(up));

  const parts = new Map<string, { readonly paths: Set<string>; readonly calls: Call[] }>();
  for (const [index, call] of calls.entries()) {
    const [first] = named[index]!;
    if (first === undefined) continue;
    const top = find(first);
    let part = parts.get(top);
    if (part === undefined) parts.set(top, (part = { paths: new Set(), calls: [] }));
    part.calls.push(call);
    for (const path of named[index]!) part.paths.add(path);
  }
  return [...parts.values()].map((part) => ({ tops: topsOf(part.paths), calls: part.calls }));
}

function topsOf(paths: ReadonlySet<string>): string[] {
  const tops: string[] = [];
  for (const path of [...paths].sort((a, b) => a.length - b.length))
    if (!tops.some((top) => isBeneath(path, top))) tops.push(path);
  return tops;
}
