/**
 * superjson's format, as the codec of that name stores it: JSON that keeps Date, Map, Set, bigint, undefined, URL,
 * RegExp, Error, Uint8Array and objects that occur more than once.
 *
 * This file replaces the library, because the library would be a seventh of everything that a page loads. It also has
 * classes, symbols and rules that programs register, which the codec does not use. test/sdk/superjson.test.ts checks
 * that this file writes the same text as the library, and reads that text as the value that was written.
 */

import { base64FromBytes, bytesFromBase64 } from '../core/base/base64.ts';
import { MalformedError } from '../core/base/errors.ts';

/** The annotations of a value: its type, the annotations inside it by paths, or both. */
type Annotations = Typed | Inside;
type Typed = readonly [type: unknown, inside?: Inside];
interface Inside {
  readonly [path: string]: Annotations;
}
interface Equalities {
  readonly [path: string]: readonly string[];
}

function isTyped(annotations: Annotations): annotations is Typed {
  return Array.isArray(annotations);
}

interface Plain {
  readonly json: unknown;
  readonly annotations?: Annotations | undefined;
}

const bytesType = ['custom', 'bytes'];

const escaped = (step: string): string => step.replace(/[\\.]/g, '\\$&');

function stepsOf(path: string): readonly string[] {
  const steps: string[] = [];
  let step = '';
  for (const [char, quoted = char] of path.matchAll(/\\(.)|[^]/g)) {
    if (char !== '.') step += quoted;
    else {
      steps.push(step);
      step = '';
    }
  }
  return [...steps, step];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || value === Object.prototype) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** The type with which `value` is annotated, and the JSON that replaces it. Null for a value that JSON has. */
function typed(value: unknown): readonly [type: unknown, json: unknown] | null {
  if (value === undefined) return ['undefined', null];
  if (typeof value === 'bigint') return ['bigint', String(value)];
  if (typeof value === 'number') {
    const text = Object.is(value, -0) ? '-0' : String(value);
    return Number.isFinite(value) && text !== '-0' ? null : ['number', text];
  }
  if (value instanceof Uint8Array) return [bytesType, base64FromBytes(value)];
  if (value instanceof Date) return Number.isNaN(value.valueOf()) ? null : ['Date', value.toISOString()];
  if (value instanceof Error) {
    const { name, message } = value;
    return ['Error', 'cause' in value ? { name, message, cause: value.cause } : { name, message }];
  }
  if (value instanceof RegExp) return ['regexp', String(value)];
  if (value instanceof Set) return ['set', [...(value as ReadonlySet<unknown>)]];
  if (value instanceof Map) return ['map', [...(value as ReadonlyMap<unknown, unknown>)]];
  if (value instanceof URL) return ['URL', String(value)];
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    // A short text could demand gigabytes of them.
    throw new MalformedError('typed arrays other than Uint8Array');
  }
  return null;
}

/** Restores what {@link typed} wrote, by its type. */
const untyped: Readonly<Record<string, (json: never) => unknown>> = {
  undefined: () => undefined,
  bigint: (json: string) => BigInt(json),
  number: Number,
  '["custom","bytes"]': (json: unknown) => {
    const bytes = typeof json === 'string' ? bytesFromBase64(json) : null;
    if (bytes === null) throw new MalformedError('bytes are not base64');
    return bytes;
  },
  Date: (json: string) => new Date(json),
  // It has a cause if one was written.
  Error: (json: Error) => Object.assign(new Error(json.message, json), { name: json.name, stack: undefined }),
  regexp: (json: string) => {
    const end = json.lastIndexOf('/');
    return new RegExp(json.slice(1, end), json.slice(end + 1));
  },
  set: (json: readonly unknown[]) => new Set(json),
  map: (json: readonly (readonly [unknown, unknown])[]) => new Map(json),
  URL: (json: string) => new URL(json),
};

/** @throws an error that says which part has no such form. */
export function toSuperjson(value: unknown): string {
  /** The places of each object. Equal bigints, and NaN, count as one, as in the library. */
  const places = new Map<unknown, (readonly string[])[]>();
  const known = new Map<unknown, Plain>();

  const plainOf = (one: unknown, path: readonly string[], above: readonly unknown[]): Plain => {
    const isObject = (typeof one === 'object' && one !== null) || typeof one === 'function';
    const identified = isObject || typeof one === 'bigint' || Number.isNaN(one);
    if (identified) {
      const all = places.get(one);
      if (all === undefined) places.set(one, [path]);
      else all.push(path);
      const before = known.get(one);
      if (before !== undefined) return before;
    }
    // An object inside itself is shown only by its places.
    if (above.includes(one)) return { json: null };
    const found = typed(one);
    const inner = found === null ? one : found[1];
    let plain: Plain;
    if (Array.isArray(inner) || isRecord(inner)) {
      const json: Record<string, unknown> = Array.isArray(inner) ? ([] as never) : {};
      const inside: Record<string, Annotations> = {};
      for (const [name, part] of Object.entries(inner)) {
        if (name === '__proto__' || name === 'constructor' || name === 'prototype') {
          throw new MalformedError(`a property named ${name}`);
        }
        const { json: written, annotations = {} } = plainOf(part, [...path, name], [...above, one]);
        json[name] = written;
        if (isTyped(annotations)) inside[escaped(name)] = annotations;
        else for (const [deep, tree] of Object.entries(annotations)) inside[`${escaped(name)}.${deep}`] = tree;
      }
      const empty = Object.keys(inside).length === 0;
      plain = {
        json,
        annotations: found === null ? (empty ? undefined : inside) : empty ? [found[0]] : [found[0], inside],
      };
    } else {
      plain = { json: inner, annotations: found === null ? undefined : [found[0]] };
    }
    if (identified) known.set(one, plain);
    return plain;
  };

  const { json, annotations } = plainOf(value, [], []);
  const equal: Record<string, readonly string[]> = {};
  let root: readonly string[] | null = null;
  for (const all of places.values()) {
    if (all.length === 1) continue;
    const [first, ...others] = [...all].sort((a, b) => a.length - b.length).map((path) => path.map(escaped).join('.'));
    const isRoot = all.some((path) => path.length === 0);
    if (isRoot) root = others;
    else equal[first!] = others;
  }
  const someEqual = Object.keys(equal).length > 0;
  const referentialEqualities = root === null ? (someEqual ? equal : undefined) : someEqual ? [root, equal] : [root];
  const meta = { values: annotations, referentialEqualities, v: 1 };
  return JSON.stringify({
    json,
    meta: annotations === undefined && referentialEqualities === undefined ? undefined : meta,
  });
}

/** @throws an error that says why `text` is not such a document. */
export function fromSuperjson(text: string): unknown {
  const document: unknown = JSON.parse(text);
  if (!isRecord(document) || !('json' in document)) throw new MalformedError('not a superjson document');
  const { values, referentialEqualities } = (document['meta'] ?? {}) as {
    readonly values?: Annotations;
    readonly referentialEqualities?: Equalities | readonly [readonly string[], Equalities?];
  };
  let result = values === undefined ? document['json'] : restored(document['json'], values);
  const put = (paths: readonly string[], one: unknown): void => {
    for (const path of paths) result = changed(result, stepsOf(path), () => one);
  };
  // Values that are the same as the whole come first.
  const [root, equal] = (
    Array.isArray(referentialEqualities) ? referentialEqualities : [[], referentialEqualities]
  ) as [readonly string[], Equalities?];
  put(root, result);
  for (const [path, others] of Object.entries(equal ?? {})) {
    put(
      others,
      stepsOf(path).reduce((holder, step) => placesIn(holder, step)[step], result),
    );
  }
  return result;
}

/** Parts inside are restored before the value that holds them. Until then everything is a list or a record. */
function restored(json: unknown, annotations: Annotations): unknown {
  const [type, inside]: Typed = isTyped(annotations) ? annotations : [null, annotations];
  let result = json;
  for (const [path, deep] of Object.entries(inside ?? {})) {
    result = changed(result, stepsOf(path), (part) => restored(part, deep));
  }
  if (type === null) return result;
  const name = typeof type === 'string' ? type : JSON.stringify(type);
  if (!Object.hasOwn(untyped, name)) throw new MalformedError(`unknown annotation ${name.slice(0, 64)}`);
  return untyped[name]!(result as never);
}

/** The parts of `holder` by steps of a path: the rows of a map, or the members of a set in order. */
function placesIn(holder: unknown, step: string): Record<string, unknown> {
  const places: unknown =
    holder instanceof Set || holder instanceof Map ? [...(holder as ReadonlySet<unknown>)] : holder;
  const there = typeof places === 'object' && places !== null && Object.hasOwn(places, step);
  if (!there || (Array.isArray(places) && step === 'length')) {
    throw new MalformedError('annotations do not fit the document');
  }
  return places as Record<string, unknown>;
}

/** `holder` with its part at `path` replaced by the result of `change`. */
function changed(holder: unknown, path: readonly string[], change: (part: unknown) => unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return change(holder);
  const places = placesIn(holder, step);
  places[step] = changed(places[step], rest, change);
  if (holder instanceof Set || holder instanceof Map) {
    const rows = places as unknown as readonly (readonly [unknown, unknown])[];
    holder.clear();
    if (holder instanceof Set) for (const row of rows) holder.add(row);
    else for (const row of rows) holder.set(...row);
  }
  return holder;
}
