/**
 * The text codec: a frame is one superjson document, a list of messages. Bytes are base64 through a custom transformer;
 * nothing else is annotated. Messages whose plain form differs from the one that core uses are turned at the border.
 */

import SuperJSON from 'superjson';
import { base64FromBytes, bytesFromBase64 } from '../base/bytes.ts';
import { MalformedError } from '../base/errors.ts';
import type { Schema } from '../base/schema.ts';
import type { Codec } from './codec.ts';
import { bytesAnnotation, guardText } from './guard.ts';

const superjson = new SuperJSON();
superjson.registerCustom<Uint8Array, string>(
  {
    isApplicable: (value): value is Uint8Array => value instanceof Uint8Array,
    serialize: base64FromBytes,
    deserialize: (text: unknown) => {
      const bytes = typeof text === 'string' ? bytesFromBase64(text) : null;
      if (bytes === null) throw new MalformedError('bytes are not base64');
      return bytes;
    },
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

/**
 * Reads a superjson document of a list that the guard lets through.
 * @throws {@link MalformedError}
 */
export function readDocument(frame: string, maxFrameBytes: number): readonly unknown[] {
  const { json, values } = guardText(frame, maxFrameBytes);
  if (values === null) return json;
  try {
    const document = { json, meta: { values, v: 1 as const } } as unknown as Parameters<
      typeof superjson.deserialize
    >[0];
    return superjson.deserialize<readonly unknown[]>(document, { inPlace: true });
  } catch (error) {
    if (error instanceof MalformedError) throw error;
    // superjson throws plain errors at annotations that do not fit the document.
    throw new MalformedError('annotations do not fit the document', 'meta.values');
  }
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
