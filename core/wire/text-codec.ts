/**
 * The text codec: a frame is one superjson document, a list of messages. Bytes are base64 through the custom transformer `bytes`;
 * nothing else is annotated. Messages whose plain form differs from the one that core uses are turned at the border.
 *
 * The document is written and read here, not by superjson itself: that one walks every number and name by all of its rules, and
 * a page of ten thousand members would hold a node up for a tenth of a second. A test holds both to the same format.
 */

import { base64FromBytes, bytesFromBase64 } from '../base/bytes.ts';
import { MalformedError } from '../base/errors.ts';
import type { Schema } from '../base/schema.ts';
import type { Codec } from './codec.ts';
import { bytesAnnotation, guardText } from './guard.ts';

const bytesType = [['custom', bytesAnnotation]] as const;

/** Writes plain values (objects, lists, text, numbers, truths, null and bytes) as a superjson document. */
export function writeDocument(value: unknown): string {
  const values: Record<string, typeof bytesType> = {};
  const json = withoutBytes(value, [], values);
  for (const _ in values) return JSON.stringify({ json, meta: { values, v: 1 } });
  return JSON.stringify({ json });
}

/** `value` with its bytes in base64, and their places noted; itself where there are none in it. */
function withoutBytes(value: unknown, path: string[], values: Record<string, typeof bytesType>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) {
    values[path.join('.')] = bytesType;
    return base64FromBytes(value);
  }
  if (Array.isArray(value)) {
    let copy: unknown[] | null = null;
    for (let i = 0; i < value.length; i++) {
      const item: unknown = value[i];
      if (typeof item !== 'object' || item === null) continue;
      path.push(String(i));
      const changed = withoutBytes(item, path, values);
      path.pop();
      if (changed === item) continue;
      copy ??= [...(value as unknown[])];
      copy[i] = changed;
    }
    return copy ?? value;
  }
  let copy: Record<string, unknown> | null = null;
  for (const name in value) {
    const field = (value as Record<string, unknown>)[name];
    if (typeof field !== 'object' || field === null) continue;
    path.push(name);
    const changed = withoutBytes(field, path, values);
    path.pop();
    if (changed === field) continue;
    copy ??= { ...value };
    copy[name] = changed;
  }
  return copy ?? value;
}

/**
 * Reads a superjson document of a list that the guard lets through.
 * @throws {@link MalformedError}
 */
export function readDocument(frame: string, maxFrameBytes: number): readonly unknown[] {
  const { json, values } = guardText(frame, maxFrameBytes);
  if (values !== null) for (const path of Object.keys(values)) restoreBytes(json, path);
  return json;
}

const canonicalIndex = /^(0|[1-9][0-9]*)$/;

/** Puts bytes in the place of the base64 at `path`, which must be there. */
function restoreBytes(json: readonly unknown[], path: string): void {
  const steps = path.split('.');
  const last = steps.length - 1;
  let at: unknown = json;
  for (let i = 0; i <= last; i++) {
    const step = steps[i]!;
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) break;
    if (Array.isArray(at) && !canonicalIndex.test(step)) break;
    const parent = at as Record<string, unknown>;
    at = parent[step];
    if (i < last) continue;
    const bytes = typeof at === 'string' ? bytesFromBase64(at) : null;
    if (bytes === null) throw new MalformedError('bytes are not base64', 'json');
    parent[step] = bytes;
    return;
  }
  throw new MalformedError('annotation of a place that is not there', 'meta.values');
}

/** The text codec of one interface. `toPlain` and `fromPlain` turn one message; `plain` is the schema of its plain form. */
export function textCodec<Out, In, PlainIn>(
  subprotocol: string,
  toPlain: (message: Out) => unknown,
  plain: Schema<PlainIn>,
  fromPlain: (message: PlainIn) => In,
  maxMessages: number,
  maxFrameBytes: number,
): Codec<Out, In> {
  return {
    subprotocol,
    maxFrameBytes,
    encode: (messages) => writeDocument(messages.map(toPlain)),
    decode(frame) {
      if (typeof frame !== 'string') throw new MalformedError('binary frame on a text connection');
      const document = readDocument(frame, maxFrameBytes);
      if (document.length > maxMessages) {
        throw new MalformedError(`${document.length} messages are over the limit of ${maxMessages} in a frame`);
      }
      return document.map((message, index) => fromPlain(plain.check(message, `[${index}]`)));
    },
  };
}
