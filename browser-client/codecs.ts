/**
 * How values become bytes and come back. Each handle has a codec. A value that its codec refuses is a `BadValue`,
 * before anything is sent.
 */

import { isWellFormed, textOf, utf8 } from '../core/base/utf8.ts';
import { MalformedError, haretError } from '../core/base/errors.ts';
import { fromSuperjson, toSuperjson } from './superjson.ts';

/**
 * Turns values into bytes and bytes into values. `Out` is the type that is read and `In` the type that may be written.
 * They differ only if a schema transforms values. Members of sets are compared as bytes, so equal values should have
 * equal bytes.
 */
export interface Codec<Out, In = Out> {
  /** The name in errors. */
  readonly name: string;
  /** @throws an error that says what is wrong with `value`. */
  encode(value: In): Uint8Array;
  /** @throws an error that says what is wrong with `bytes`. */
  decode(bytes: Uint8Array): Out;
}

/** Text as UTF-8. */
export const text: Codec<string> = {
  name: 'text',
  encode: (value) => {
    if (typeof value !== 'string' || !isWellFormed(value)) throw new MalformedError('not well-formed text');
    return utf8(value);
  },
  decode: (bytes) => {
    const value = textOf(bytes);
    if (value === null) throw new MalformedError('not UTF-8');
    return value;
  },
};

/** Bytes as they are. Bytes that you give are copied when the call is made. Bytes that you get are yours. */
export const bytes: Codec<Uint8Array> = {
  name: 'bytes',
  encode: (value) => value.slice(),
  // The bytes of an answer lie in the frame in which they came. A caller that keeps a few of them must not keep the
  // whole frame.
  decode: (value) => value.slice(),
};

/** A fault that a schema finds in a value. */
export interface Issue {
  /** What is wrong. */
  readonly message: string;
  /** Where in the value it is. */
  readonly path?:
    | readonly (
        | PropertyKey
        | {
            /** A step of the path. */
            readonly key: PropertyKey;
          }
      )[]
    | undefined;
}
/** The verdict of a schema about a value. */
export type Validated<Out> =
  | {
      /** The value as it is read. */
      readonly value: Out;
      /** Nothing is wrong. */
      readonly issues?: undefined;
    }
  | {
      /** What is wrong. */
      readonly issues: readonly Issue[];
    };

/**
 * A schema of any library that follows Standard Schema (https://standardschema.dev): zod, valibot, arktype and others.
 */
export interface StandardSchema<In = unknown, Out = In> {
  /** The interface of such a schema. */
  readonly '~standard': {
    /** The version of the standard. */
    readonly version: 1;
    /** The name of the library, for errors. */
    readonly vendor: string;
    /** Judges a value. A schema that returns a promise is refused, because a codec cannot wait. */
    readonly validate: (value: unknown) => Validated<Out> | Promise<Validated<Out>>;
    /** For the compiler only. */
    readonly types?:
      | {
          /** The type that may be written. */
          readonly input: In;
          /** The type that is read. */
          readonly output: Out;
        }
      | undefined;
  };
}

/** JSON with the type that you say it has. Nothing checks it. */
export function json<T>(): Codec<T>;
/** JSON that `schema` checks when it is written and when it is read. The schema must validate synchronously. */
export function json<In, Out>(schema: StandardSchema<In, Out>): Codec<Out, In>;
export function json<In, Out>(schema?: StandardSchema<In, Out>): Codec<Out, In> {
  return {
    name: 'json',
    encode: (value) => {
      if (schema !== undefined) validate(schema, value);
      const written = JSON.stringify(value) as string | undefined;
      if (written === undefined) throw new MalformedError('has no JSON form');
      return utf8(written);
    },
    decode: (stored) => {
      const value: unknown = JSON.parse(text.decode(stored));
      return schema === undefined ? (value as Out) : validate(schema, value);
    },
  };
}

function validate<In, Out>(schema: StandardSchema<In, Out>, value: unknown): Out {
  const { vendor, validate: judge } = schema['~standard'];
  const judged = judge(value);
  if (judged instanceof Promise) {
    // No one waits for its result any more.
    judged.catch(() => undefined);
    throw new MalformedError(`the ${vendor} schema validates asynchronously, which a codec cannot wait for`);
  }
  if (judged.issues === undefined) return judged.value;
  throw new MalformedError(judged.issues.map(shown).join('; '));
}

function shown({ message, path }: Issue): string {
  if (path === undefined || path.length === 0) return message;
  return `${path.map((step) => String(typeof step === 'object' ? step.key : step)).join('.')}: ${message}`;
}

/**
 * superjson: JSON that keeps Date, Map, Set, bigint, undefined, URL, RegExp, Error and Uint8Array. Other typed arrays
 * are refused, because a short text could demand gigabytes of them.
 */
export function superjson<T>(): Codec<T> {
  return {
    name: 'superjson',
    encode: (value) => {
      const written = toSuperjson(value);
      // JSON leaves out a function, for example. The stored text could then never be read.
      if (!written.startsWith('{"json"')) throw new MalformedError('has no JSON form');
      return utf8(written);
    },
    // The user says which type is read.
    decode: (stored) => fromSuperjson(text.decode(stored)) as T,
  };
}

/** @throws HaretError BadValue. Nothing was sent. */
export function encode<In>(codec: Codec<unknown, In>, value: In, path: string): Uint8Array {
  try {
    const stored: unknown = codec.encode(value);
    if (stored instanceof Uint8Array) return stored;
    throw new MalformedError('not encoded as bytes');
  } catch (error) {
    throw haretError('BadValue', `not a value of codec ${codec.name} for ${path}: ${said(error)}`, {
      path,
      codec: codec.name,
    });
  }
}

/**
 * @param changed is true when the operation that answered `stored` was a write. An answer that cannot be read does not
 * undo it.
 * @throws HaretError BadValue
 */
export function decode<Out>(codec: Codec<Out, never>, stored: Uint8Array, path: string, changed = false): Out {
  try {
    return codec.decode(stored);
  } catch (error) {
    const message = `what is at ${path} is not a value of codec ${codec.name}: ${said(error)}`;
    throw haretError('BadValue', message, { path, codec: codec.name }, changed ? 'unknown' : 'definite');
  }
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
