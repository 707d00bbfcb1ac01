/** The forms of operations on a blob. */

import type { Reader, Writer } from '../../base/bytes.ts';
import { bool, nullable, uint } from '../../base/schema.ts';
import type { StructOf } from '../../base/schema.ts';
import { pathSchema, valueSchema } from '../result.ts';
import type { Forms } from './form.ts';

const ifVersionSchema = nullable(uint());

/** With `ifAbsent` it makes the blob, and is GuardFailed when the path exists. Otherwise the blob must exist. */
const blobPut = [3, { path: pathSchema, value: valueSchema, ifVersion: ifVersionSchema, ifAbsent: bool }] as const;

export const blobForms = {
  writes: {
    blobPut,
    /** Puts `value` if the current value is `expected`. */
    blobCas: [9, { path: pathSchema, expected: valueSchema, value: valueSchema }],
  },
  upserts: { blobPut },
  reads: {
    blobGet: [36, { path: pathSchema }],
    blobSize: [37, { path: pathSchema }],
  },
  guards: {
    blobValue: [7, { path: pathSchema, value: valueSchema }],
    blobSize: [8, { path: pathSchema, size: uint() }],
  },
} as const satisfies Forms;

type Put = StructOf<(typeof blobPut)[1]>;

// Puts and gets are most of any load, so they are read, written and checked without a look at the names of their
// fields.

export function readPut(reader: Reader): Put & { readonly kind: 'blobPut' } {
  return {
    kind: 'blobPut',
    path: pathSchema.decode(reader),
    value: valueSchema.decode(reader),
    ifVersion: ifVersionSchema.decode(reader),
    ifAbsent: bool.decode(reader),
  };
}

export function writePut(writer: Writer, { path, value, ifVersion, ifAbsent }: Put): void {
  writer.text(path);
  writer.bytes(value);
  ifVersionSchema.encode(writer, ifVersion);
  bool.encode(writer, ifAbsent);
}

export function checkPut({ path, value, ifVersion, ifAbsent }: Put): void {
  pathSchema.check(path, 'path');
  valueSchema.check(value, 'value');
  ifVersionSchema.check(ifVersion, 'ifVersion');
  bool.check(ifAbsent, 'ifAbsent');
}

export function readGet(reader: Reader): { readonly kind: 'blobGet'; readonly path: string } {
  return { kind: 'blobGet', path: pathSchema.decode(reader) };
}

export function writeGet(writer: Writer, { path }: { readonly path: string }): void {
  writer.text(path);
}

export function checkGet({ path }: { readonly path: string }): void {
  pathSchema.check(path, 'path');
}
