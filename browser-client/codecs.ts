/** How values become bytes and come back: one codec a handle. What a codec refuses is a `BadValue`, before anything is sent. */

import { isWellFormed, textOf, utf8 } from '../core/base/utf8.ts';
import { MalformedError, haretError } from '../core/base/errors.ts';
import { fromSuperjson, toSuperjson } from './superjson.ts';

/**
 * Turns values into bytes and bytes into values. `Out` is what is read, `In` what may be written; they differ only where a schema
 * transforms. Members of sets are compared as bytes, so equal values should have equal bytes.
 */
export interface Codec<Out, In = Out> {
  /** Named in errors. */
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

/** Bytes as they are. Those that you give are copied when the call is made, and those that you get are yours. */
export const bytes: Codec<Uint8Array> = {
  name: 'bytes',
  encode: (value) => value.slice(),
  // The answer's bytes lie in the frame that they came in; who keeps a few must not keep all of it.
  decode: (value) => value.slice(),
};

/** What a schema finds wrong with a value. */
export interface Issue {
  /** What is wrong. */
  readonly message: string;
  /** Where in the value. */
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
/** What a schema says of a value. */
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

/** A schema of any library that keeps to Standard Schema (https://standardschema.dev): zod, valibot, arktype and others. */
export interface StandardSchema<In = unknown, Out = In> {
  /** What such a schema shows to those who take any. */
  readonly '~standard': {
    /** Of the standard. */
    readonly version: 1;
    /** The library, named in errors. */
    readonly vendor: string;
    /** Judges a value. What gives a promise is refused: a codec cannot wait. */
    readonly validate: (value: unknown) => Validated<Out> | Promise<Validated<Out>>;
    /** For the compiler only. */
    readonly types?:
      | {
          /** What may be written. */
          readonly input: In;
          /** What is read. */
          readonly output: Out;
        }
      | undefined;
  };
}

/** JSON, with the type that you say it has and nothing that checks it. */
export function json<T>(): Codec<T>;
/** JSON that is held to `schema` when it is written and when it is read. The schema must validate without waiting. */
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
    // Its end is nobody's concern any more.
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
 * superjson: JSON that keeps Date, Map, Set, bigint, undefined, URL, RegExp, Error and Uint8Array. Other typed arrays are refused, because
 * a short text could ask for gigabytes of them.
 */
export function superjson<T>(): Codec<T> {
  return {
    name: 'superjson',
    encode: (value) => {
      const written = toSuperjson(value);
      // A function, say, is left out by JSON: what is stored could never be read.
      if (!written.startsWith('{"json"')) throw new MalformedError('has no JSON form');
      return utf8(written);
    },
    // What is read is what the user says that it is.
    decode: (stored) => fromSuperjson(text.decode(stored)) as T,
  };
}

/** @throws HaretError BadValue: nothing was sent. */
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
 * @param changed the operation that answered `stored` was a write: that the answer cannot be read does not undo it.
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
