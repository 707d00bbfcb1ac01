/** A client's own writer and reader of documents, compared with the library that a node uses. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../core/base/bytes.ts';
import { MalformedError } from '../../core/base/errors.ts';
import { decodeBody } from '../../core/service/body.ts';
import { textApi } from '../../core/wire/api-client-text.ts';
import type { Outgoing } from '../../core/wire/api-client.ts';
import { apiClientCodec, apiServerCodec } from '../../core/wire/api-codecs.ts';
import type { ClientMessage } from '../../core/wire/api.ts';
import { joinDocument, messagePart, readMessageDocument } from '../../core/wire/documents.ts';
import { readDocument, writeDocument } from '../../core/wire/text-codec.ts';
import { clientMessage, serverMessage } from './arbitrary.ts';

const node = apiServerCodec(textApi.subprotocol);
const library = apiClientCodec(textApi.subprotocol);
const frames = textApi.frames(node.maxFrameBytes);

function said(message: ClientMessage): Outgoing {
  if (message.kind !== 'request' && message.kind !== 'read') return message;
  const body = decodeBody(message.operation);
  if (body.kind !== 'operation') throw new Error('clients send operations');
  return { ...message, operation: textApi.pack(body.operation, null) };
}

function refusal(frame: string): unknown {
  try {
    frames.decode(frame);
    return null;
  } catch (error) {
    return error;
  }
}

describe('documents of messages', () => {
  it('are written as the library writes them', () => {
    fc.assert(
      fc.property(fc.array(clientMessage, { maxLength: 6 }), (messages) => {
        const ours = frames.encode(messages.map(said));
        // The library writes an operation at its place among the fields. The engine puts it last.
        expect(readDocument(ours as string, node.maxFrameBytes)).toEqual(
          readDocument(library.encode(messages) as string, node.maxFrameBytes),
        );
        const { json: _json, ...rest } = JSON.parse(ours as string) as { readonly json: unknown };
        const { json: _theirs, ...libraryRest } = JSON.parse(library.encode(messages) as string) as { json: unknown };
        expect(rest).toEqual(libraryRest);
      }),
    );
    const value = fc.oneof(fc.uint8Array(), fc.string(), fc.maxSafeInteger(), fc.boolean(), fc.constant(null));
    // No field of a message has a number for a name. An engine would move it to the front of its object.
    const name = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9]{0,7}$/);
    const record = fc.dictionary(name, fc.oneof(value, fc.array(value), fc.dictionary(name, value)), {
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(fc.array(record), (messages) => {
        expect(joinDocument(messages.map(messagePart))).toBe(writeDocument(messages));
        expect(readMessageDocument(writeDocument(messages))).toEqual(messages);
      }),
    );
  });

  it('give messages or a MalformedError, however a frame was damaged on the way', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.nat(3)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(serverMessage, { maxLength: 6 }), damage, (messages, damages) => {
        const bytes = [...utf8(node.encode(messages) as string)];
        for (const [where, byte, how] of damages) {
          const at = where % (bytes.length + 1);
          if (how === 0) bytes.splice(at, 1);
          else if (how === 1) bytes.splice(at, 0, byte);
          else if (how === 2) bytes.length = at;
          else bytes[at % Math.max(bytes.length, 1)] = byte;
        }
        const error = refusal(new TextDecoder().decode(Uint8Array.from(bytes)));
        if (error !== null) expect(error).toBeInstanceOf(MalformedError);
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (frame) => {
        const error = refusal(frame);
        if (error !== null) expect(error).toBeInstanceOf(MalformedError);
      }),
    );
  });

  it.each([
    [
      'an annotation that superjson follows',
      '{"json":[9],"meta":{"values":{"0":[["typed-array","Float64Array"]]},"v":1}}',
    ],
    [
      'a place of a prototype',
      '{"json":[{"kind":"pong","id":1}],"meta":{"values":{"0.__proto__.x":[["custom","bytes"]]},"v":1}}',
    ],
    ['a place that is none', '{"json":[],"meta":{"values":{"length":[["custom","bytes"]]},"v":1}}'],
    ['bytes that are not base64', '{"json":["%"],"meta":{"values":{"0":[["custom","bytes"]]},"v":1}}'],
    ['a binary frame', new Uint8Array(1) as unknown as string],
    ['no list', '{"json":{"kind":"pong","id":1}}'],
    ['nesting without end', '['.repeat(1_000_000)],
    ['a field of a prototype', '{"json":[{"kind":"toString","id":1}]}'],
  ])('refuse %s', (_, frame) => {
    expect(refusal(frame)).toBeInstanceOf(MalformedError);
  });

  it('refuse a frame over the limit and name both numbers', () => {
    const size = frames.maxFrameBytes + 1;
    expect(() => frames.decode(' '.repeat(size))).toThrow(
      `frame of ${size} bytes is over the limit of ${frames.maxFrameBytes}`,
    );
  });
});
