/**
 * One description of a message gives its binary form, its check when it arrives as a plain value (from JSON), and its
 * TypeScript type. So the text codec and the binary codec carry the same messages, and neither can forget a check.
 */

import type { Reader } from './bytes.ts';
import { Writer } from './bytes.ts';
import type { Check, StructOf, UnionOf } from './checks.ts';
import * as checks from './checks.ts';
import { bytesWithin, inBounds, listWithin, textWithin } from './checks.ts';
import { MalformedError } from './errors.ts';

export type { StructOf, TypeOf } from './checks.ts';

export interface Schema<T> extends Check<T> {
  encode(writer: Writer, value: T): void;
  /** @throws {@link MalformedError} on bytes that no encoder writes. */
  decode(reader: Reader): T;
}

/** A safe integer from `min` (default 0) to `max`. `N` says what it numbers: `uint<Op>()`. */
export function uint<N extends number = number>(max: number = Number.MAX_SAFE_INTEGER, min = 0): Schema<N> {
  return {
    encode: (writer, value) => writer.uint(value),
    decode: (reader) => inBounds(reader.uint(), min, max, '') as N,
    check: checks.uint<N>(max, min).check,
  };
}

/** A safe integer of either sign. */
export const int: Schema<number> = {
  encode: (writer, value) => writer.int(value),
  decode: (reader) => reader.int(),
  check: checks.int.check,
};

/** A finite number, which need not be whole. One that is takes no more bytes than an `int`. */
export interface Finite extends Schema<number> {
  /** The compiler knows the fields that need not be whole by this. */
  readonly whole: false;
}

export const finite: Finite = {
  encode: (writer, value) => writer.finite(value),
  decode: (reader) => reader.finite(),
  check: checks.finite.check,
  whole: false,
};

export const bool: Schema<boolean> = {
  encode: (writer, value) => writer.u8(value ? 1 : 0),
  decode: (reader) => {
    const byte = reader.u8();
    if (byte > 1) throw new MalformedError(`expected 0 or 1, got ${byte}`);
    return byte === 1;
  },
  check: checks.bool.check,
};

/** Well-formed text of at most `maxBytes` in UTF-8. */
export function text(maxBytes: number): Schema<string> {
  return {
    encode: (writer, value) => writer.text(value),
    decode: (reader) => {
      const before = reader.position;
      const value = reader.text();
      // What was read is the length and the text, so the sum tells how large the text is.
      const read = reader.position - before;
      textWithin(read - (read <= 128 ? 1 : read <= 16_385 ? 2 : read <= 2_097_154 ? 3 : 4), maxBytes, '');
      return value;
    },
    check: checks.text(maxBytes).check,
  };
}

/** Bytes, at most `maxBytes` of them. */
export function bytes(maxBytes: number): Schema<Uint8Array> {
  return {
    encode: (writer, value) => writer.bytes(value),
    decode: (reader) => bytesWithin(reader.bytes(), maxBytes, ''),
    check: checks.bytes(maxBytes).check,
  };
}

/**
 * Exactly `size` bytes, such as ids and checksums. We hold them as lower-case hexadecimal, so that `===` and maps work.
 */
export function hex(size: number): Schema<string> {
  return {
    encode: (writer, value) => writer.hex(value),
    decode: (reader) => reader.hex(size),
    check: checks.hex(size).check,
  };
}

/** One of a fixed set of words. A word's place is its number in the binary form, so new words go at the end. */
export function oneOf<const W extends readonly string[]>(...words: W): Schema<W[number]> {
  return {
    encode: (writer, value) => writer.u8(words.indexOf(value)),
    decode: (reader) => {
      const index = reader.u8();
      const word = words[index];
      if (word === undefined) throw new MalformedError(`unknown word number ${index} (known: ${words.join(', ')})`);
      return word;
    },
    check: checks.oneOf(...words).check,
  };
}

/** A list of at most `maxItems`. */
export function list<T>(item: Schema<T>, maxItems: number): Schema<readonly T[]> {
  return {
    encode: (writer, value) => {
      writer.uint(value.length);
      for (const one of value) item.encode(writer, one);
    },
    decode: (reader) => {
      const length = reader.uint();
      listWithin(length, maxItems, '');
      // Every item takes at least one byte, so a length that is wrong cannot make us allocate.
      if (length > reader.remaining) throw new MalformedError(`list of ${length} in ${reader.remaining} bytes`);
      const values: T[] = [];
      for (let i = 0; i < length; i++) values.push(item.decode(reader));
      return values;
    },
    check: checks.list(item, maxItems).check,
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
    check: checks.nullable(inner).check,
  };
}

type Fields = Readonly<Record<string, Schema<never>>>;
/** An object with exactly these fields. Their order here is their order in the binary form. */
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
    check: checks.struct(fields).check,
  };
}

type Variants = Record<string, readonly [tag: number, fields: Record<string, Schema<unknown>>]>;
/**
 * Reads the fields of some variants, in their order. A variant that is read very often is made at once, not field by
 * field.
 */
type ReadShortcuts<V extends Variants> = {
  readonly [K in keyof V]?: (reader: Reader) => { readonly kind: K } & StructOf<V[K][1]>;
};

/**
 * Writes the fields of some variants, in their order. A variant that is written very often needs no lookup of each
 * field by name.
 */
type WriteShortcuts<V extends Variants> = {
  readonly [K in keyof V]?: (writer: Writer, value: StructOf<V[K][1]>) => void;
};

interface Variant {
  readonly tag: number;
  readonly kind: string;
  readonly schema: Schema<object>;
  readonly read: ((reader: Reader) => object) | undefined;
  readonly write: ((writer: Writer, value: never) => void) | undefined;
}

/**
 * One of several structs. The field `kind` tells which. Each has a number below 256 that no other variant ever gets.
 */
export function union<V extends Variants>(
  variants: V,
  reads: ReadShortcuts<V> = {},
  writes: WriteShortcuts<V> = {},
): Schema<UnionOf<V>> {
  const byKind = new Map<string, Variant>();
  const byTag: (Variant | undefined)[] = new Array<undefined>(256).fill(undefined);
  for (const [kind, [tag, fields]] of Object.entries(variants)) {
    if (byTag[tag] !== undefined) throw new Error(`two variants have the number ${tag}`);
    const schema = struct(fields) as Schema<object>;
    const variant: Variant = { tag, kind, schema, read: reads[kind], write: writes[kind] };
    byKind.set(kind, variant);
    byTag[tag] = variant;
  }
  return {
    encode: (writer, value) => {
      const variant = byKind.get(value.kind as string);
      if (variant === undefined) throw new MalformedError(`unknown kind ${String(value.kind)}`);
      writer.u8(variant.tag);
      if (variant.write === undefined) variant.schema.encode(writer, value);
      else variant.write(writer, value as never);
    },
    decode: (reader) => {
      const tag = reader.u8();
      const variant = byTag[tag];
      if (variant === undefined) throw new MalformedError(`unknown kind number ${tag}`);
      if (variant.read !== undefined) return variant.read(reader) as UnionOf<V>;
      const value = variant.schema.decode(reader) as { kind: string };
      value.kind = variant.kind;
      return value as UnionOf<V>;
    },
    check: checks.union(variants).check,
  };
}

/**
 * A value that travels as the bytes of its own binary form, so that a node that only passes it on need not read it. As
 * a plain value it is simply itself.
 */
export function embedded<T>(inner: Schema<T>): Schema<T> {
  return {
    encode: (writer, value) => {
      const whole = new Writer();
      inner.encode(whole, value);
      writer.bytes(whole.view());
    },
    decode: (reader) => {
      const end = reader.uint() + reader.position;
      const value = inner.decode(reader);
      if (reader.position !== end) throw new MalformedError(`goes ${reader.position - end} bytes past its length`);
      return value;
    },
    check: inner.check,
  };
}
