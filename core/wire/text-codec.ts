/**
 * The text codec: a frame is one superjson document, a list of messages. Bytes are base64 through a custom transformer.
 * Nothing else is annotated. Messages whose plain form differs from the one that core uses are converted at the border.
 *
 * superjson tries all of its rules on every value (about 10 us for a message, and 10 us for each of many small byte
 * strings). Browsers and thin clients use this codec. For them it is better to let the library keep the format than to
 * write it again here. Node clients speak binary.
 */

import SuperJSON from 'superjson';
import { base64FromBytes, bytesFromBase64 } from '../base/base64.ts';
import { MalformedError } from '../base/errors.ts';
import type { Check } from '../base/checks.ts';
import type { Codec } from './codec.ts';
import { bytesAnnotation, checkMessages, textOfFrame } from './documents.ts';
import type { DocumentPart } from './documents.ts';
import { guardText, toldBounds } from './guard.ts';
import type { FrameBounds } from './guard.ts';

/** superjson with bytes as base64. */
const superjson: SuperJSON = new SuperJSON();
superjson.registerCustom<Uint8Array, string>(
  {
    isApplicable: (value): value is Uint8Array => value instanceof Uint8Array,
    serialize: base64FromBytes,
    deserialize: bytesOf,
  },
  bytesAnnotation,
);

/** Writes plain values as a superjson document, without the equalities that no reader needs. */
export function writeDocument(value: unknown): string {
  const document = superjson.serialize(value);
  const values = document.meta?.values;
  return JSON.stringify(
    values === undefined ? { json: document.json } : { json: document.json, meta: { values, v: 1 } },
  );
}

export function documentPart(value: unknown): DocumentPart {
  const document = superjson.serialize(value);
  return { json: JSON.stringify(document.json), bytesAt: Object.keys(document.meta?.values ?? {}) };
}

/**
 * Reads the superjson document of a list, if the guard accepts it.
 * @throws {@link MalformedError}
 */
export function readDocument(
  frame: string,
  maxFrameBytes: number,
  bounds: FrameBounds = toldBounds,
): readonly unknown[] {
  const { json, values } = guardText(frame, maxFrameBytes, bounds);
  if (values === null) return json;
  // superjson's own reader ignores annotations of places that do not exist, and takes several times as long. We refuse such a frame.
  for (const path of Object.keys(values)) putBytes(json, path);
  return json;
}

function misplaced(): never {
  throw new MalformedError('annotations do not fit the document', 'meta.values');
}

const canonicalIndex = /^(0|[1-9][0-9]*)$/;

/** Makes bytes of the text at `path`. No field name of our messages has a dot, so none is escaped. */
function putBytes(json: readonly unknown[], path: string): void {
  let holder: unknown = null;
  let last = '';
  let at: unknown = json;
  for (const step of path.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) misplaced();
    if (Array.isArray(at) && !canonicalIndex.test(step)) misplaced();
    holder = at;
    last = step;
    at = (at as Record<string, unknown>)[step];
  }
  if (typeof at !== 'string') misplaced();
  (holder as Record<string, unknown>)[last] = bytesOf(at);
}

function bytesOf(text: unknown): Uint8Array {
  const bytes = typeof text === 'string' ? bytesFromBase64(text) : null;
  if (bytes === null) throw new MalformedError('bytes are not base64');
  return bytes;
}

/** One end of an interface. */
export interface TextEnd<Out, In, PlainIn> {
  /** Converts one message into its plain form. */
  readonly toPlain: (message: Out) => unknown;
  /** The schema of the plain form of what comes in. */
  readonly plain: Check<PlainIn>;
  readonly fromPlain: (message: PlainIn) => In;
  /** What the other end may put into one frame. */
  readonly bounds: FrameBounds;
}

/** The text codec of one end of an interface. */
export function textCodec<Out, In, PlainIn>(
  subprotocol: string,
  { toPlain, plain, fromPlain, bounds }: TextEnd<Out, In, PlainIn>,
  maxFrameBytes: number,
): Codec<Out, In> {
  return {
    subprotocol,
    maxFrameBytes,
    encode: (messages) => writeDocument(messages.map(toPlain)),
    decode: (frame) =>
      checkMessages(readDocument(textOfFrame(frame), maxFrameBytes, bounds), plain, bounds.messages).map(fromPlain),
  };
}
