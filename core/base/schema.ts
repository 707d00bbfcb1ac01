/**
 * One description of a message gives its binary form, its check when it arrives as a plain value (from JSON), and its
 * TypeScript type. So the text codec and the binary codec carry the same messages, and neither can forget a check.
 */

import type { Reader } from './bytes.ts';
import { Writer, isWellFormed, utf8Length } from './bytes.ts';
import { MalformedError } from './errors.ts';

export interface Schema<T> {
  encode(writer: Writer, value: T): void;
  /** @throws {@link MalformedError} on bytes that no encoder writes. */
  decode(reader: Reader): T;
  /**
   * Checks a plain value of unknown origin and returns it typed, with unknown fields left out.
   * @throws {@link MalformedError} that names the field by `where`.
   */
  check(value: unknown, where?: string): T;
  /** True for a field that a struct may leave out. */
  readonly optional?: boolean;
}

/** A shared buffer that grew past this is let go, so that one large value does not stay in memory for good. */
const keptWriterBytes = 1024 * 1024;

// One for everything that is encoded whole: encoding never waits, so two encodings never overlap.
let sharedWriter = new Writer(64 * 1024);

/** The binary form of `value`, in bytes of its own. */
export function encodeWhole<T>(schema: Schema<T>, value: T): Uint8Array {
  sharedWriter.reset();
  schema.encode(sharedWriter, value);
  const bytes = sharedWriter.finish();
  if (bytes.length > keptWriterBytes) sharedWriter = new Writer(64 * 1024);
  return bytes;
}

export type TypeOf<S> = S extends Schema<infer T> ? T : never;

function wrong(where: string, expected: string, value: unknown): never {
  const actual = value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value;
  throw new MalformedError(`expected ${expected}, got ${actual}`, where);
}

function inBounds(value: number, min: number, max: number, where: string): number {
  if (value < min || value > max) throw new MalformedError(`number ${value} is not from ${min} to ${max}`, where);
  return value;
}

/** A safe integer from `min` (0 unless told) to `max`. */
export function uint(max: number = Number.MAX_SAFE_INTEGER, min = 0): Schema<number> {
  return {
    encode: (writer, value) => writer.uint(value),
    decode: (reader) => inBounds(reader.uint(), min, max, ''),
    check: (value, where = '') => {
      if (typeof value !== 'number' || !Number.isSafeInteger(value)) return wrong(where, 'an integer', value);
      return inBounds(value, min, max, where);
    },
  };
}

/** A safe integer of either sign. */
export const int: Schema<number> = {
  encode: (writer, value) => writer.int(value),
  decode: (reader) => reader.int(),
  check: (value, where = '') => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) return wrong(where, 'an integer', value);
    // -0 has no binary form of its own, and must not be told from 0.
    return value === 0 ? 0 : value;
  },
};

export const bool: Schema<boolean> = {
  encode: (writer, value) => writer.u8(value ? 1 : 0),
  decode: (reader) => {
    const byte = reader.u8();
    if (byte > 1) throw new MalformedError(`expected 0 or 1, got ${byte}`);
    return byte === 1;
  },
  check: (value, where = '') => (typeof value === 'boolean' ? value : wrong(where, 'true or false', value)),
};

/** Well-formed text of at most `maxBytes` in UTF-8. */
export function text(maxBytes: number): Schema<string> {
  const bounded = (length: number, where: string): void => {
    if (length > maxBytes) throw new MalformedError(`text of ${length} bytes is over the limit of ${maxBytes}`, where);
  };
  return {
    encode: (writer, value) => writer.text(value),
    decode: (reader) => {
      const before = reader.position;
      const value = reader.text();
      // What was read is the text and its length, whose own size is known from the sum.
      const read = reader.position - before;
      bounded(read - (read <= 128 ? 1 : read <= 16_385 ? 2 : read <= 2_097_154 ? 3 : 4), '');
      return value;
    },
    check: (value, where = '') => {
      if (typeof value !== 'string') return wrong(where, 'text', value);
      if (value.length > maxBytes) bounded(value.length, where);
      bounded(utf8Length(value), where);
      if (!isWellFormed(value)) throw new MalformedError('text has a lone surrogate', where);
      return value;
    },
  };
}

/** Bytes, at most `maxBytes` of them. */
export function bytes(maxBytes: number): Schema<Uint8Array> {
  const bounded = (value: Uint8Array, where: string): Uint8Array => {
    if (value.length > maxBytes)
      throw new MalformedError(`${value.length} bytes are over the limit of ${maxBytes}`, where);
    return value;
  };
  return {
    encode: (writer, value) => writer.bytes(value),
    decode: (reader) => bounded(reader.bytes(), ''),
    check: (value, where = '') => (value instanceof Uint8Array ? bounded(value, where) : wrong(where, 'bytes', value)),
  };
}

/** Exactly `size` bytes, held as lower-case hexadecimal so that `===` and maps work on them: ids and checksums. */
export function hex(size: number): Schema<string> {
  const pattern = new RegExp(`^[0-9a-f]{${2 * size}}$`);
  return {
    encode: (writer, value) => writer.hex(value),
    decode: (reader) => reader.hex(size),
    check: (value, where = '') =>
      typeof value === 'string' && pattern.test(value) ? value : wrong(where, `${2 * size} hexadecimal digits`, value),
  };
}

/** One of a few words; their order is their number in the binary form, so new ones go to the end. */
export function oneOf<const W extends readonly string[]>(...words: W): Schema<W[number]> {
  return {
    encode: (writer, value) => writer.u8(words.indexOf(value)),
    decode: (reader) => {
      const index = reader.u8();
      const word = words[index];
      if (word === undefined) throw new MalformedError(`unknown word number ${index} (known: ${words.join(', ')})`);
      return word;
    },
    check: (value, where = '') => {
      if (typeof value === 'string' && words.includes(value)) return value;
      return wrong(where, `one of ${words.join(', ')}`, value);
    },
  };
}

/** A list of at most `maxItems`. */
export function list<T>(item: Schema<T>, maxItems: number): Schema<readonly T[]> {
  const bounded = (length: number, where: string): void => {
    if (length > maxItems) throw new MalformedError(`list of ${length} is over the limit of ${maxItems}`, where);
  };
  return {
    encode: (writer, value) => {
      writer.uint(value.length);
      for (const one of value) item.encode(writer, one);
    },
    decode: (reader) => {
      const length = reader.uint();
      bounded(length, '');
      // Every item takes a byte at least, so a length that lies cannot make us allocate.
      if (length > reader.remaining) throw new MalformedError(`list of ${length} in ${reader.remaining} bytes`);
      const values: T[] = [];
      for (let i = 0; i < length; i++) values.push(item.decode(reader));
      return values;
    },
    check: (value, where = '') => {
      if (!Array.isArray(value)) return wrong(where, 'a list', value);
      bounded(value.length, where);
      return value.map((one, index) => item.check(one, `${where}[${index}]`));
    },
  };
}

/** A value or null. */
export function nullable<T>(inner: Schema<T>): Schema<T | null> {
  return {
    encode: (writer, value) => {
      writer.u8(value === null ? 0 : 1);
      if (value !== null) inner.encode(writer, value);
    },
    decode: (reader) => (bool.decode(reader) ? inner.decode(reader) : null),
    check: (value, where = '') => (value === null ? null : inner.check(value, where)),
  };
}

type Fields = Readonly<Record<string, Schema<never>>>;
type StructOf<F> = { readonly [K in keyof F]: TypeOf<F[K]> };

/** An object with exactly these fields; their order here is their order in the binary form. */
export function struct<F extends Record<string, Schema<unknown>>>(fields: F): Schema<StructOf<F>> {
  const entries = Object.entries(fields as unknown as Fields);
  const names = entries.map(([name]) => name);
  const schemas = entries.map(([, schema]) => schema);
  return {
    encode: (writer, value) => {
      const record = value as Record<string, never>;
      for (let i = 0; i < names.length; i++) schemas[i]!.encode(writer, record[names[i]!]!);
    },
    decode: (reader) => {
      const record: Record<string, unknown> = {};
      for (let i = 0; i < names.length; i++) record[names[i]!] = schemas[i]!.decode(reader);
      return record as StructOf<F>;
    },
    check: (value, where = '') => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong(where, 'an object', value);
      const record: Record<string, unknown> = {};
      for (let i = 0; i < names.length; i++) {
        const name = names[i]!;
        const inside = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
        record[name] = schemas[i]!.check(inside, where === '' ? name : `${where}.${name}`);
      }
      return record as StructOf<F>;
    },
  };
}

type Variants = Record<string, readonly [tag: number, fields: Record<string, Schema<unknown>>]>;
type UnionOf<V extends Variants> = { [K in keyof V]: { readonly kind: K } & StructOf<V[K][1]> }[keyof V];

/** Reads the fields of some variants, in their order: what is read very often is made at once rather than field by field. */
type Shortcuts<V extends Variants> = {
  readonly [K in keyof V]?: (reader: Reader) => { readonly kind: K } & StructOf<V[K][1]>;
};

/** One of several structs, told apart by `kind`; each has a number that is never given to another. */
export function union<V extends Variants>(variants: V, shortcuts: Shortcuts<V> = {}): Schema<UnionOf<V>> {
  const byKind = new Map<string, { tag: number; schema: Schema<object> }>();
  const byTag = new Map<number, { kind: string; schema: Schema<object>; shortcut?: (reader: Reader) => UnionOf<V> }>();
  for (const [kind, [tag, fields]] of Object.entries(variants)) {
    if (byTag.has(tag)) throw new Error(`two variants have the number ${tag}`);
    const schema = struct(fields) as Schema<object>;
    byKind.set(kind, { tag, schema });
    const shortcut = shortcuts[kind];
    byTag.set(tag, shortcut === undefined ? { kind, schema } : { kind, schema, shortcut });
  }
  return {
    encode: (writer, value) => {
      const variant = byKind.get(value.kind as string);
      if (variant === undefined) throw new MalformedError(`unknown kind ${String(value.kind)}`);
      writer.u8(variant.tag);
      variant.schema.encode(writer, value);
    },
    decode: (reader) => {
      const tag = reader.u8();
      const variant = byTag.get(tag);
      if (variant === undefined) throw new MalformedError(`unknown kind number ${tag}`);
      if (variant.shortcut !== undefined) return variant.shortcut(reader);
      const value = variant.schema.decode(reader) as { kind: string };
      value.kind = variant.kind;
      return value as UnionOf<V>;
    },
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
      return { kind, ...variant.schema.check(value, where) } as UnionOf<V>;
    },
  };
}

/** A schema that refers to itself: `inner` is asked for when it is first needed. */
export function lazy<T>(inner: () => Schema<T>): Schema<T> {
  return {
    encode: (writer, value) => inner().encode(writer, value),
    decode: (reader) => inner().decode(reader),
    check: (value, where) => inner().check(value, where),
  };
}
