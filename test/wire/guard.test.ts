/** Hostile frames, and what it costs to refuse them. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equalBytes } from '../../core/base/bytes.ts';
import { MalformedError } from '../../core/base/errors.ts';
import { encodeOperation } from '../../core/service/body.ts';
import { apiClientCodec, apiServerCodec } from '../../core/wire/api-codecs.ts';
import { apiSubprotocols } from '../../core/wire/api.ts';
import { adminServerCodec } from '../../core/wire/admin-codecs.ts';
import type { Packed, Outgoing } from '../../core/wire/api-client.ts';
import { textApi } from '../../core/wire/api-client-text.ts';
import { apiDialect } from '../../core/client/api-dialect.ts';
import { Outbox } from '../../core/wire/outbox.ts';
import type { Frame } from '../../core/base/ports.ts';

const codec = apiServerCodec(apiSubprotocols.superjson);

function refusal(frame: string): string {
  try {
    codec.decode(frame);
  } catch (error) {
    expect(error).toBeInstanceOf(MalformedError);
    return (error as MalformedError).message;
  }
  return 'not refused';
}

describe('the guard', () => {
  it('refuses the 80-byte bomb, which asks superjson for an array of gigabytes, in no time', () => {
    const bombs = [
      '{"json":[268435456],"meta":{"values":{"0":[["typed-array","Float64Array"]]},"v":1}}',
      '{"json":268435456,"meta":{"values":[["typed-array","Float64Array"]],"v":1}}',
    ];
    for (const bomb of bombs) refusal(bomb);
    const before = process.cpuUsage();
    for (const bomb of bombs) for (let i = 0; i < 500; i++) expect(refusal(bomb)).not.toBe('not refused');
    // This decodes a thousand of them. Each costs microseconds, and the bound leaves room for a busy machine.
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(2000);
  });

  it.each([
    ['Date', '[["Date"]]'],
    ['bigint', '["bigint"]'],
    ['regexp', '["regexp"]'],
    ['set', '["set"]'],
    ['map', '["map"]'],
    ['Error', '["Error"]'],
    ['undefined', '["undefined"]'],
    ['class', '[["class","Object"]]'],
    ['symbol', '[["symbol","iterator"]]'],
    ['another custom one', '[["custom","toString"]]'],
    ['a nested one', '[["custom","bytes"],{"0":[["custom","bytes"]]}]'],
  ])('refuses the annotation %s', (_, annotation) => {
    expect(refusal(`{"json":[{"kind":"ping","id":"1"}],"meta":{"values":{"0.id":${annotation}},"v":1}}`)).toContain(
      'unknown annotation',
    );
  });

  it.each(['__proto__', 'constructor', 'prototype', '\\u005f_proto__'])('refuses the key %s anywhere', (key) => {
    expect(refusal(`{"json":[{"kind":"ping","id":1,"${key}":{"polluted":true}}]}`)).toContain('a message has no field');
    expect(refusal(`{"json":[{"kind":"ping","id":1,"x":[{"${key}":1}]}]}`)).toContain('a message has no field');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it.each([
    '0.__proto__.x',
    '0.constructor.name',
    '0',
    '',
    '99999999999.x',
    'x',
    '0.operation.a\\\\.b',
    '0.id.0',
    '0.later',
    '1.id',
    '00.kind',
  ])('refuses an annotation at %s', (path) => {
    const meta = `{"values":{"${path}":[["custom","bytes"]]},"v":1}`;
    expect(refusal(`{"json":[{"kind":"ping","id":1}],"meta":${meta}}`)).not.toBe('not refused');
  });

  it('counts depth only outside of strings, and before anything is parsed', () => {
    expect(refusal('['.repeat(4_000_000))).toContain('nested more than');
    expect(refusal(`{"json":[{"kind":"hello","protocol":1,"client":"${'['.repeat(100)}\\"[["}]}`)).toBe('not refused');
    expect(refusal(`{"json":[{"kind":"hello","protocol":1,"client":"\\\\"}]}`)).toBe('not refused');
    expect(refusal('{"json":["')).toBe('frame is not JSON');
  });

  it('refuses a frame with more parts than messages can have before it builds anything from it', () => {
    const whole = (parts: string): string => `{"json":[${parts}]}`;
    const many = (count: number, one: (i: number) => string): string =>
      Array.from({ length: count }, (_, i) => one(i)).join();
    const annotations = `{"json":[1],"meta":{"values":{${many(130_000, (i) => `"${i}.a":[["custom","bytes"]]`)}},"v":1}}`;
    const equal = `{"json":[1],"meta":{"referentialEqualities":{${many(130_000, (i) => `"${i}":["a"]`)}},"v":1}}`;
    const frames: readonly (readonly [frame: string, said: RegExp])[] = [
      [whole(`${'[],'.repeat(1_300_000)}1`), /more than 4096 messages/],
      [whole(`{${many(320_000, (i) => `"k${i}":1`)}}`), /more than 32 fields/],
      [whole(many(180_000, () => '{"kind":"ping","id":1}')), /more than 4096 messages/],
      [annotations, /more than 10000 places/],
      [equal, /more than 10000 places/],
      [whole(`{"kind":"ping","id":1,"x":[${'[],'.repeat(1_300_000)}1]}`), /more than 10000 items/],
      [whole(many(4000, (j) => `{${many(30, (i) => `"k${j}_${i}":[[]]`)}}`)), /more than 262144 brackets/],
      [whole('1'.repeat(3_900_000)), /more than 256 characters between/],
      [' '.repeat(3_900_000), /more than 256 characters between/],
      [whole(':'.repeat(3_900_000)), /more than 262144 brackets/],
      ['{"json":]'.padEnd(3_900_000, ']'), /not JSON/],
    ];
    const before = process.cpuUsage();
    for (const [frame, said] of frames) expect(refusal(frame)).toMatch(said);
    const { user, system } = process.cpuUsage(before);
    // Without the count, one of them takes up to a second. All of them take about 0.15 s with it, on a slow machine.
    expect((user + system) / 1000).toBeLessThan(1500);
  });

  it('reads -0 as 0, in every codec', () => {
    const messages = codec.decode('{"json":[{"kind":"ping","id":-0},{"kind":"read","id":-0}]}');
    expect(messages).toMatchObject([{ kind: 'ping' }, { kind: 'unusable' }]);
    for (const message of messages) expect(Object.is((message as { id: number }).id, 0)).toBe(true);
    expect(codec.encode([{ kind: 'pong', id: (messages[0] as { id: number }).id }])).toBe(
      '{"json":[{"kind":"pong","id":0}]}',
    );
    const admin = adminServerCodec('haret-admin.v1.superjson');
    const [asked] = admin.decode('{"json":[{"id":-0,"command":{"kind":"ping"}}]}');
    expect(Object.is(asked!.id, 0)).toBe(true);
  });

  it('takes what a page sends: too much for one frame is sent in several, or refused before it is sent', () => {
    const members = (count: number): readonly Uint8Array[] =>
      Array.from({ length: count }, (_, i) => Uint8Array.of(i & 127));
    const subset = (count: number): Packed =>
      textApi.pack(
        { kind: 'setSubset', path: '/s', other: { kind: 'members', members: members(count) } },
        { kind: 'local' },
      );
    expect(() => subset(10_001)).toThrow(
      '10001 values of bytes in one message, and a text frame may have 10000: send them in parts',
    );
    const reads = Array.from({ length: 300 }, (_, id): Outgoing => ({
      kind: 'read',
      id,
      namespaceId: 1,
      consistency: { kind: 'local' },
      operation: subset(id === 7 ? 10_000 : 300),
    }));
    const frames: Frame[] = [];
    const link = { send: (frame: Frame) => void frames.push(frame), close: () => undefined, buffered: () => 0 };
    const dialect = apiDialect(textApi);
    const outbox = new Outbox(
      dialect.codec(2 ** 22),
      link,
      { soon: () => undefined },
      {
        maxFrameBytes: 2 ** 22,
        maxQueuedBytes: 2 ** 26,
        maxFrameMessages: dialect.maxFrameMessages,
        estimate: (message) => dialect.estimate(message),
        oversized: () => null,
      },
    );
    for (const read of reads) outbox.send(read);
    for (let id = 300; id < 20_300; id++) outbox.send({ kind: 'ping', id });
    outbox.flush();
    expect(frames.flatMap((frame) => codec.decode(frame)).filter(({ kind }) => kind !== 'unusable')).toHaveLength(
      20_300,
    );
  });

  it.each([
    ['a fraction', '{"json":[{"kind":"ping","id":1.5}]}'],
    ['a number beyond 2^53', '{"json":[{"kind":"ping","id":9007199254740993}]}'],
    ['infinity', '{"json":[{"kind":"ping","id":1e999}]}'],
    ['a negative id', '{"json":[{"kind":"ping","id":-1}]}'],
    ['text for a number', '{"json":[{"kind":"ping","id":"1"}]}'],
    ['an unknown kind', '{"json":[{"kind":"pong!","id":1}]}'],
    ['a kind from the prototype', '{"json":[{"kind":"toString","id":1}]}'],
    ['a missing field', '{"json":[{"kind":"ping"}]}'],
    ['no list', '{"json":{"kind":"ping","id":1}}'],
    ['another version of annotations', '{"json":[],"meta":{"v":2}}'],
    ['another field beside json', '{"json":[],"more":1}'],
    ['another kind of meta', '{"json":[],"meta":{"classes":{},"v":1}}'],
    ['a lone surrogate', '{"json":[{"kind":"enter","id":1,"namespace":"\\ud800"}]}'],
    ['null', 'null'],
    ['null for a message', '{"json":[null]}'],
    ['a list for a message', '{"json":[[]]}'],
    ['a question without an id', '{"json":[{"kind":"read","namespaceId":1}]}'],
    ['a question with an invalid id', '{"json":[{"kind":"read","id":-1}]}'],
    [
      'bytes that are not base64',
      '{"json":[{"kind":"read","id":1,"operation":{"value":"%"}}],"meta":{"values":{"0.operation.value":[["custom","bytes"]]},"v":1}}',
    ],
    [
      'the same bytes twice',
      '{"json":[{"kind":"ping","id":"AA=="}],"meta":{"values":{"0.id":[["custom","bytes"]],"00.id":[["custom","bytes"]]},"v":1}}',
    ],
  ])('refuses %s', (_, frame) => {
    expect(refusal(frame)).not.toBe('not refused');
  });

  it('gives only messages or a MalformedError, whatever JSON comes', () => {
    const field = fc.oneof(
      fc.constantFrom('kind', 'id', 'operation', 'consistency', 'namespaceId', 'path'),
      fc.string(),
    );
    const kind = fc.constantFrom('read', 'request', 'watch', 'ping', 'hello');
    const message = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(field, fc.oneof(kind, fc.nat(), fc.jsonValue())),
      fc
        .tuple(kind, fc.nat(), fc.dictionary(field, fc.jsonValue()))
        .map(([of, id, rest]) => ({ ...rest, kind: of, id })),
    );
    fc.assert(
      fc.property(fc.array(message, { maxLength: 3 }), (messages) => {
        // This throws whatever is not a MalformedError, because that would end a node.
        refusal(JSON.stringify({ json: messages }));
      }),
      { numRuns: 500 },
    );
  });

  it('refuses only the message that asks for something out of bounds under an id, and serves the rest of the frame', () => {
    const read = { kind: 'read', namespaceId: 1, consistency: { kind: 'local' } };
    const frame = JSON.stringify({
      json: [
        { ...read, id: 7, operation: { kind: 'children', path: '/', limit: 0, after: null } },
        { kind: 'ping', id: 8 },
      ],
    });
    expect(codec.decode(frame)).toMatchObject([
      { kind: 'unusable', id: 7, error: { code: 'BadArgument', outcome: 'definite' } },
      { kind: 'ping', id: 8 },
    ]);
  });

  it('ignores fields of a later release', () => {
    expect(codec.decode('{"json":[{"kind":"ping","id":1,"later":true}]}')).toEqual([{ kind: 'ping', id: 1 }]);
  });

  it('reads and writes a page of many members without delaying the node', () => {
    const members = Array.from({ length: 10_000 }, (_, i) => Uint8Array.of(i & 255, (i >> 8) & 255, i >> 16));
    const client = apiClientCodec(apiSubprotocols.superjson);
    const other = { kind: 'members', members } as const;
    const operation = encodeOperation({ kind: 'setSubset', path: '/s', other });
    const read = { kind: 'read', id: 1, namespaceId: 1, consistency: { kind: 'local' }, operation } as const;
    const wide = apiServerCodec(apiSubprotocols.superjson, 64 * 1024 * 1024);
    const before = process.cpuUsage();
    const messages = wide.decode(client.encode([read]));
    // Of the processor, because others may have it meanwhile.
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(2000);
    const [message] = messages;
    expect(message?.kind === 'read' && equalBytes(message.operation, operation)).toBe(true);
  });

  it('uses memory in proportion to the frame, whatever it contains', () => {
    const full = codec.maxFrameBytes - 20;
    for (const unit of ['[],', '{},', '0,', '"",', '{"a":[]},']) {
      const before = process.memoryUsage().rss;
      refusal(`{"json":[${unit.repeat(Math.floor(full / unit.length))}0]}`);
      expect(process.memoryUsage().rss - before).toBeLessThan(60 * codec.maxFrameBytes);
    }
  });
});
