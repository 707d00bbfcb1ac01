/** Hostile frames, and what it costs to refuse them. */

import { performance } from 'node:perf_hooks';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equalBytes } from '../../core/base/bytes.ts';
import { MalformedError } from '../../core/base/errors.ts';
import { encodeOperation } from '../../core/service/body.ts';
import { apiClientCodec, apiServerCodec } from '../../core/wire/api-codecs.ts';
import { apiSubprotocols } from '../../core/wire/api.ts';

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

  it('gives messages or a MalformedError, whatever JSON comes, and nothing else', () => {
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

  it('reads and writes a page of many members without holding the node up', () => {
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

  it('takes memory in proportion to the frame, whatever is in it', () => {
    const full = codec.maxFrameBytes - 20;
    for (const unit of ['[],', '{},', '0,', '"",', '{"a":[]},']) {
      const before = process.memoryUsage().rss;
      refusal(`{"json":[${unit.repeat(Math.floor(full / unit.length))}0]}`);
      expect(process.memoryUsage().rss - before).toBeLessThan(60 * codec.maxFrameBytes);
    }
  });
});
