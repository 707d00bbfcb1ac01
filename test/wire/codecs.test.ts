/**
 * One conformance suite for every codec of every interface: the other end reads the same value that one end wrote.
 * @module-tag slow
 */

import fc from 'fast-check';
import SuperJSON from 'superjson';
import { describe, expect, it } from 'vitest';
import { base64FromBytes, utf8 } from '../../core/base/bytes.ts';
import { MalformedError, errorInfo } from '../../core/base/errors.ts';
import type { Frame } from '../../core/base/ports.ts';
import { decodeBody, encodeOperation } from '../../core/service/body.ts';
import { decodeEvent } from '../../core/service/events.ts';
import { decodeReply } from '../../core/service/reply.ts';
import { adminClientCodec, adminServerCodec, offeredAdminSubprotocols } from '../../core/wire/admin-codecs.ts';
import { binaryApi } from '../../core/wire/api-client-binary.ts';
import { textApi } from '../../core/wire/api-client-text.ts';
import type { Outgoing } from '../../core/wire/api-client.ts';
import { apiClientCodec, apiServerCodec, offeredApiSubprotocols } from '../../core/wire/api-codecs.ts';
import { apiSubprotocols } from '../../core/wire/api.ts';
import type { ClientMessage } from '../../core/wire/api.ts';
import type { Codec } from '../../core/wire/codec.ts';
import { adminReply, adminRequest, clientMessage, serverMessage } from './arbitrary.ts';

/** Both directions of one interface in one codec, as pairs of a writer and its reader. */
interface Direction {
  readonly title: string;
  readonly messages: fc.Arbitrary<readonly object[]>;
  readonly writer: Codec<object, unknown>;
  readonly reader: Codec<never, object>;
}

function direction<M extends object>(
  title: string,
  message: fc.Arbitrary<M>,
  writer: Codec<M, unknown>,
  reader: Codec<never, M>,
): Direction {
  return {
    title: `${title} in ${writer.subprotocol}`,
    messages: fc.array(message, { maxLength: 6 }),
    writer: writer,
    reader,
  };
}

const directions: readonly Direction[] = [
  ...offeredApiSubprotocols.flatMap((name) => [
    direction(
      'what a client says',
      clientMessage,
      apiClientCodec(name),
      apiServerCodec(name) as Codec<never, ClientMessage>,
    ),
    direction(
      'what a node says',
      serverMessage,
      apiServerCodec(name),
      apiClientCodec(name) as Codec<never, object> as never,
    ),
  ]),
  ...offeredAdminSubprotocols.flatMap((name) => [
    direction('what haret-admin asks', adminRequest, adminClientCodec(name), adminServerCodec(name) as never),
    direction('what a node answers', adminReply, adminServerCodec(name), adminClientCodec(name) as never),
  ]),
];

function expectMalformedOrRead(reader: Codec<never, object>, frame: Frame): void {
  try {
    reader.decode(frame);
  } catch (error) {
    expect(error).toBeInstanceOf(MalformedError);
  }
}

describe.each(directions)('$title', ({ messages, writer, reader }) => {
  it('arrives as it was sent, whatever it is', () => {
    fc.assert(
      fc.property(messages, (sent) => {
        expect(reader.decode(writer.encode(sent))).toEqual(sent);
      }),
      { numRuns: 150 },
    );
  });

  it('is one frame that its encoder would write again, byte for byte', () => {
    fc.assert(
      fc.property(messages, (sent) => {
        const frame = writer.encode(sent);
        expect(writer.encode(reader.decode(frame))).toEqual(frame);
      }),
      { numRuns: 40 },
    );
  });

  it('gives a MalformedError or a message, and nothing else, when a frame was damaged on the way', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.nat(3)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(messages, damage, (sent, damages) => {
        const frame = writer.encode(sent);
        const bytes = [...(typeof frame === 'string' ? utf8(frame) : frame)];
        for (const [where, byte, how] of damages) {
          const at = where % (bytes.length + 1);
          if (how === 0) bytes.splice(at, 1);
          else if (how === 1) bytes.splice(at, 0, byte);
          else if (how === 2) bytes.length = at;
          else bytes[at % Math.max(bytes.length, 1)] = byte;
        }
        const damaged = Uint8Array.from(bytes);
        expectMalformedOrRead(reader, typeof frame === 'string' ? new TextDecoder().decode(damaged) : damaged);
      }),
      { numRuns: 300 },
    );
  });

  it('gives a MalformedError for what is not a frame at all', () => {
    const junk = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.string({ unit: 'binary' }), fc.json({ maxDepth: 6 }));
    fc.assert(
      fc.property(junk, (frame) => {
        expectMalformedOrRead(reader, frame);
      }),
      { numRuns: 500 },
    );
  });

  it('refuses a frame over the limit and names both numbers', () => {
    const text = typeof writer.encode([]) === 'string';
    const size = reader.maxFrameBytes + 1;
    expect(() => reader.decode(text ? ' '.repeat(size) : new Uint8Array(size))).toThrow(
      `frame of ${size} bytes is over the limit of ${reader.maxFrameBytes}`,
    );
  });
});

describe('the two codecs', () => {
  it('refuse each other’s frames by name', () => {
    const binary = apiServerCodec(apiSubprotocols.binary);
    const text = apiServerCodec(apiSubprotocols.superjson);
    expect(() => binary.decode('{"json":[]}')).toThrow('text frame on a binary connection');
    expect(() => text.decode(new Uint8Array([0]))).toThrow('binary frame on a text connection');
  });

  it('carry the same message as the same value, with the same bytes of the operation', () => {
    fc.assert(
      fc.property(clientMessage, (message) => {
        const [viaBinary, viaText] = [apiSubprotocols.binary, apiSubprotocols.superjson].map((name) =>
          apiServerCodec(name).decode(apiClientCodec(name).encode([message])),
        );
        expect(viaText).toEqual(viaBinary);
      }),
      { numRuns: 200 },
    );
  });

  it('do not know other subprotocols', () => {
    expect(() => apiServerCodec('haret.v9.xml')).toThrow('unknown subprotocol');
    expect(() => adminClientCodec('haret.v1.binary')).toThrow('unknown subprotocol');
  });
});

describe('the text codec and superjson itself', () => {
  const superjson = new SuperJSON();
  superjson.registerCustom<Uint8Array, string>(
    {
      isApplicable: (v): v is Uint8Array => v instanceof Uint8Array,
      serialize: base64FromBytes,
      deserialize: (v) => utf8(atob(v)),
    },
    'bytes',
  );
  const put = { kind: 'blobPut', path: '/a', value: utf8('hi'), ifVersion: null, ifAbsent: false } as const;
  const plain = { kind: 'request', id: 1, namespaceId: 2, session: 3, request: 4, answered: 4, operation: put };

  it('understand each other, so a thin client may use superjson with only the transformer', () => {
    const codec = apiServerCodec(apiSubprotocols.superjson);
    expect(codec.decode(superjson.stringify([plain]))).toEqual([{ ...plain, operation: encodeOperation(put) }]);
    const frame = apiClientCodec(apiSubprotocols.superjson).encode([
      { ...plain, kind: 'request', operation: encodeOperation(put) },
    ]);
    expect(superjson.parse(frame as string)).toEqual([plain]);
  });

  it('take a frame in which superjson noted equal objects, and ignore the notes', () => {
    const codec = apiServerCodec(apiSubprotocols.superjson);
    const frame = superjson.stringify([plain, plain]);
    expect(frame).toContain('referentialEqualities');
    expect(codec.decode(frame)).toHaveLength(2);
    const forged = '{"json":[{"kind":"ping","id":1}],"meta":{"referentialEqualities":{"0":["__proto__.x"]},"v":1}}';
    expect(codec.decode(forged)).toEqual([{ kind: 'ping', id: 1 }]);
  });

  it('write no such notes for a value that is shared', () => {
    const codec = apiServerCodec(apiSubprotocols.superjson);
    const error = errorInfo('Overloaded', 'too much');
    const frame = codec.encode([
      { kind: 'error', id: 1, error },
      { kind: 'error', id: 2, error },
    ]);
    expect(frame).not.toContain('referentialEqualities');
  });
});

describe.each([binaryApi, textApi])('an engine that speaks $subprotocol', (engine) => {
  const node = apiServerCodec(engine.subprotocol);
  const frames = engine.frames(node.maxFrameBytes);

  it('sends messages that a node can read, whatever happens to the values meanwhile', () => {
    fc.assert(
      fc.property(fc.array(clientMessage, { maxLength: 6 }), (messages) => {
        const said = messages.map((message): Outgoing => {
          if (message.kind !== 'request' && message.kind !== 'read') return message;
          const body = decodeBody(message.operation.slice());
          if (body.kind !== 'operation') throw new Error('clients send operations');
          const operation = engine.pack(body.operation, null);
          if ('value' in body.operation) body.operation.value?.fill(0);
          return { ...message, operation };
        });
        expect(node.decode(frames.encode(said))).toEqual(messages);
      }),
    );
  });

  it('reads the messages of a node', () => {
    fc.assert(
      fc.property(fc.array(serverMessage, { maxLength: 6 }), (messages) => {
        const heard = messages.map((message) => {
          if (message.kind === 'reply') return { ...message, reply: decodeReply(message.reply) };
          return message.kind === 'event' ? { ...message, event: decodeEvent(message.event) } : message;
        });
        expect(frames.decode(node.encode(messages))).toEqual(heard);
      }),
    );
  });

  it('refuses a value that no message may hold before it is sent', () => {
    expect(() => engine.pack({ kind: 'blobGet', path: '\ud800' }, null)).toThrow('lone surrogate');
    expect(() => engine.pack({ kind: 'counterAdd', path: '/n', by: 0.5 }, null)).toThrow('integer');
    expect(() => engine.pack({ kind: 'exists', path: '/n' }, { kind: 'atLeast', op: NaN })).toThrow('integer');
    expect(() => engine.check({ kind: 'enter', id: 1, namespace: undefined as unknown as string })).toThrow();
  });
});
