/**
 * Writes and reads the superjson documents of messages without superjson, as a client does (docs/wire.md, the text
 * codec). Messages only have the annotation for bytes, and for that the library would be a tenth of what a page loads.
 * A node uses the library itself (`text-codec.ts`). test/wire/documents.test.ts checks that both give the same text.
 */

import { base64FromBytes, bytesFromBase64 } from '../base/base64.ts';
import type { Check } from '../base/checks.ts';
import { MalformedError } from '../base/errors.ts';
import type { Frame } from '../base/ports.ts';

/** The only annotation that haret's messages have, by its name in superjson. */
export const bytesAnnotation = 'bytes';
/** The annotation as it is written. */
export const bytesMark = '[["custom","bytes"]]';
/** Values of bytes that a node takes in one text frame, and items of one list in it: an annotation costs more to read than what it is about. */
export const maxTextItems = 10_000;

/** One value as superjson writes it, and the paths of the bytes in it. */
export interface DocumentPart {
  readonly json: string;
  readonly bytesAt: readonly string[];
}

/** A value of a message: text, numbers, Booleans, null, bytes, and lists and objects of these. */
export function messagePart(value: unknown): DocumentPart {
  const bytesAt: string[] = [];
  return { json: JSON.stringify(withoutBytes(value, '', bytesAt)), bytesAt };
}

/** No field name of our messages has a dot, so none is escaped. */
function withoutBytes(value: unknown, path: string, bytesAt: string[]): unknown {
  if (value instanceof Uint8Array) {
    bytesAt.push(path);
    return base64FromBytes(value);
  }
  if (typeof value !== 'object' || value === null) return value;
  const inside = (name: string | number, one: unknown): unknown =>
    withoutBytes(one, path === '' ? String(name) : `${path}.${name}`, bytesAt);
  if (Array.isArray(value)) return value.map((one, index) => inside(index, one));
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, inside(name, one)]));
}

/** The document of a list whose items are already written. */
export function joinDocument(parts: readonly DocumentPart[]): string {
  const items = parts.map((part) => part.json).join(',');
  const values = parts.flatMap(({ bytesAt }, index) => bytesAt.map((path) => `"${index}.${path}":${bytesMark}`));
  if (values.length === 0) return `{"json":[${items}]}`;
  return `{"json":[${items}],"meta":{"values":{${values.join(',')}},"v":1}}`;
}

/**
 * Reads a document of messages. It needs no guard: it only builds what is in the JSON, with bytes in place of text, and
 * a schema checks the result.
 * @throws {@link MalformedError}
 */
export function readMessageDocument(frame: string): readonly unknown[] {
  let document: unknown;
  try {
    document = JSON.parse(frame);
  } catch {
    throw new MalformedError('frame is not JSON');
  }
  const json = own(document, 'json');
  if (!Array.isArray(json)) throw new MalformedError('a frame is a list of messages', 'json');
  for (const [path, annotation] of Object.entries(own(own(document, 'meta'), 'values') ?? {})) {
    const steps = path.split('.');
    const last = steps.pop()!;
    const holder = steps.reduce<unknown>(own, json);
    const text = own(holder, last);
    const bytes = typeof text === 'string' ? bytesFromBase64(text) : null;
    if (bytes === null || JSON.stringify(annotation) !== bytesMark) {
      throw new MalformedError('annotations do not fit the document', 'meta.values');
    }
    (holder as Record<string, unknown>)[last] = bytes;
  }
  return json;
}

/** @throws {@link MalformedError} on a frame of the binary codec. */
export function textOfFrame(frame: Frame): string {
  if (typeof frame !== 'string') throw new MalformedError('binary frame on a text connection');
  return frame;
}

/**
 * Checks the messages of a frame.
 * @throws {@link MalformedError}
 */
export function checkMessages<M>(messages: readonly unknown[], plain: Check<M>, maxMessages: number): M[] {
  if (messages.length > maxMessages) {
    throw new MalformedError(`${messages.length} messages are over the limit of ${maxMessages} in a frame`);
  }
  return messages.map((message, index) => plain.check(message, `[${index}]`));
}

/** The property of this name that `holder` itself has, never one of its prototype. */
function own(holder: unknown, name: string): unknown {
  if (typeof holder !== 'object' || holder === null || !Object.hasOwn(holder, name)) return undefined;
  return (holder as Record<string, unknown>)[name];
}
