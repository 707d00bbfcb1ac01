/**
 * The half of `schema.ts` that checks plain values, with the same names. A page only speaks text, so its bundle is
 * built with this file in the place of `schema.ts` and carries no binary form.
 */

import { utf8Length } from './utf8-length.ts';
import { isWellFormed } from './utf8.ts';
import { MalformedError } from './errors.ts';

export interface Check<T> {
  /**
   * Checks a plain value from an unknown source and returns it typed, without unknown fields.
   * @throws {@link MalformedError} that names the field as `where`.
   */
  readonly check: (value: unknown, where?: string) => T;
}

export type TypeOf<S> = S extends Check<infer T> ? T : never;

function wrong(where: string, expected: string, value: unknown): never {
  const actual = value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value;
  throw new MalformedError(`expected ${expected}, got ${actual}`, where);
}

export function inBounds(value: number, min: number, max: number, where: string): number {
  if (value < min || value > max) throw new MalformedError(`number ${value} is not from ${min} to ${max}`, where);
  return value;
}

// Each of these functions only makes an object, so a bundle leaves out what it does not use.

/** JSON has a -0, which the binary form has not, and which superjson writes as text. It is 0. */
const withoutSign = (value: number): number => (value === 0 ? 0 : value);

/** A safe integer from `min` (default 0) to `max`. */
/* @__NO_SIDE_EFFECTS__ */
export function uint<N extends number = number>(max: number = Number.MAX_SAFE_INTEGER, min = 0): Check<N> {
  return {
    check: (value, where = '') => {
      if (typeof value !== 'number' || !Number.isSafeInteger(value)) return wrong(where, 'an integer', value);
      return inBounds(withoutSign(value), min, max, where) as N;
    },
  };
}

/** A safe integer of either sign. */
export const int: Check<number> = {
  check: (value, where = '') => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) return wrong(where, 'an integer', value);
    return withoutSign(value);
  },
};

/** Any finite number. */
export const finite: Check<number> = {
  check: (value, where = '') =>
    Number.isFinite(value) ? withoutSign(value as number) : wrong(where, 'a finite number', value),
};

export const bool: Check<boolean> = {
  check: (value, where = '') => (typeof value === 'boolean' ? value : wrong(where, 'true or false', value)),
};

/** Well-formed text of at most `maxBytes` in UTF-8. */
/* @__NO_SIDE_EFFECTS__ */
export function text(maxBytes: number): Check<string> {
  return {
    check: (value, where = '') => {
      if (typeof value !== 'string') return wrong(where, 'text', value);
      if (value.length > maxBytes) textWithin(value.length, maxBytes, where);
      textWithin(utf8Length(value), maxBytes, where);
      if (!isWellFormed(value)) throw new MalformedError('text has a lone surrogate', where);
      return value;
    },
  };
}

export function textWithin(bytes: number, maxBytes: number, where: string): void {
  if (bytes > maxBytes) throw new MalformedError(`text of ${bytes} bytes is over the limit of ${maxBytes}`, where);
}

/** Bytes, at most `maxBytes` of them. */
/* @__NO_SIDE_EFFECTS__ */
export function bytes(maxBytes: number): Check<Uint8Array> {
  return {
    check: (value, where = '') =>
      value instanceof Uint8Array ? bytesWithin(value, maxBytes, where) : wrong(where, 'bytes', value),
  };
}

export function bytesWithin(value: Uint8Array, maxBytes: number, where: string): Uint8Array {
  if (value.length > maxBytes)
    throw new MalformedError(`${value.length} bytes are over the limit of ${maxBytes}`, where);
  return value;
}

/**
 * Exactly `size` bytes, such as ids and checksums. We hold them as lower-case hexadecimal, so that `===` and maps work.
 */
/* @__NO_SIDE_EFFECTS__ */
export function hex(size: number): Check<string> {
  const pattern = new RegExp(`^[0-9a-f]{${2 * size}}$`);
  return {
    check: (value, where = '') =>
      typeof value === 'string' && pattern.test(value) ? value : wrong(where, `${2 * size} hexadecimal digits`, value),
  };
}

/** One of a fixed set of words. */
/* @__NO_SIDE_EFFECTS__ */
export function oneOf<const W extends readonly string[]>(...words: W): Check<W[number]> {
  return {
    check: (value, where = '') => {
      if (typeof value === 'string' && words.includes(value)) return value;
      return wrong(where, `one of ${words.join(', ')}`, value);
    },
  };
}

/** A list of at most `maxItems`. */
/* @__NO_SIDE_EFFECTS__ */
export function list<T>(item: Check<T>, maxItems: number): Check<readonly T[]> {
  return {
    check: (value, where = '') => {
      if (!Array.isArray(value)) return wrong(where, 'a list', value);
      listWithin(value.length, maxItems, where);
      return value.map((one, index) => item.check(one, `${where}[${index}]`));
    },
  };
}

export function listWithin(items: number, maxItems: number, where: string): void {
  if (items > maxItems) throw new MalformedError(`list of ${items} is over the limit of ${maxItems}`, where);
}

/** A value or null. */
/* @__NO_SIDE_EFFECTS__ */
export function nullable<T>(inner: Check<T>): Check<T | null> {
  return { check: (value, where = '') => (value === null ? null : inner.check(value, where)) };
}

export type StructOf<F> = { readonly [K in keyof F]: TypeOf<F[K]> };

/** An object with exactly these fields. */
/* @__NO_SIDE_EFFECTS__ */
export function struct<F extends Record<string, Check<unknown>>>(fields: F): Check<StructOf<F>> {
  const names = Object.keys(fields);
  return {
    check: (value, where = '') => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong(where, 'an object', value);
      const record: Record<string, unknown> = {};
      for (const name of names) {
        const inside = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
        record[name] = fields[name]!.check(inside, where === '' ? name : `${where}.${name}`);
      }
      return record as StructOf<F>;
    },
  };
}

type Variants = Record<string, readonly [tag: number, fields: Record<string, Check<unknown>>]>;
export type UnionOf<V extends Variants> = { [K in keyof V]: { readonly kind: K } & StructOf<V[K][1]> }[keyof V];

/** One of several structs. The field `kind` tells which. */
/* @__NO_SIDE_EFFECTS__ */
export function union<V extends Variants>(variants: V): Check<UnionOf<V>> {
  const byKind = new Map(Object.entries(variants).map(([kind, [, fields]]) => [kind, struct(fields)]));
  return {
    check: (value, where = '') => {
      if (typeof value !== 'object' || value === null) return wrong(where, 'an object', value);
      const kind = Object.hasOwn(value, 'kind') ? (value as { kind: unknown }).kind : undefined;
      const variant = typeof kind === 'string' ? byKind.get(kind) : undefined;
      if (variant === undefined) {
        throw new MalformedError(
          `unknown kind ${typeof kind === 'string' ? JSON.stringify(kind.slice(0, 64)) : ''}`,
          where,
        );
      }
      return { kind, ...variant.check(value, where) } as UnionOf<V>;
    },
  };
}

/**
 * A value that travels as the bytes of its own binary form, so that a node that only passes it on need not read it. As
 * a plain value it is simply itself.
 */
/* @__NO_SIDE_EFFECTS__ */
export function embedded<T>(inner: Check<T>): Check<T> {
  return inner;
}
