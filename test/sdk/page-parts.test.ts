/** What a page's bundle has in the place of core's modules: the same answers, and no name in it shortened that others know. */

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as base64 from '../../core/base/base64.ts';
import { errorCodes } from '../../core/base/errors.ts';
import { hexFromBytes } from '../../core/base/hex.ts';
import * as utf8 from '../../core/base/utf8.ts';
import * as pageBase64 from '../../browser-client/page/base64.ts';
import { hexFromBytes as pageHex } from '../../browser-client/page/hex.ts';
import * as pageUtf8 from '../../browser-client/page/utf8.ts';
import * as haret from '../../browser-client/index.ts';
import { packageRoot } from '../integration/programs.ts';

const anyText = fc.string({
  unit: fc.oneof(fc.constantFrom('a', '=', '+', '\ud800', '\udc00', 'é', '€', '😀'), fc.string()),
});

describe('the parts of a page', () => {
  it('turn bytes into base64 and hexadecimal, and back', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const text = pageBase64.base64FromBytes(bytes);
        expect(text).toBe(base64.base64FromBytes(bytes));
        expect(pageBase64.bytesFromBase64(text)).toEqual(bytes);
        expect(pageHex(bytes)).toBe(hexFromBytes(bytes));
      }),
    );
    for (const text of ['A', 'AA', 'AA=', 'AB==', 'AA==AA==', ' AA==', 'A-==', 'é===', '====']) {
      expect(pageBase64.bytesFromBase64(text), text).toBe(null);
      expect(base64.bytesFromBase64(text), text).toBe(null);
    }
  });

  it('judge text as core does', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(pageUtf8.isWellFormed(text)).toBe(utf8.isWellFormed(text));
        expect(pageUtf8.utf8Length(text)).toBe(utf8.utf8Length(text));
        expect(pageUtf8.textOf(pageUtf8.utf8(text))).toBe(utf8.textOf(utf8.utf8(text)));
      }),
    );
    expect(pageUtf8.textOf(Uint8Array.of(0xff))).toBe(null);
  });
});

describe('the names that a page shortens', () => {
  const groups = JSON.parse(readFileSync(`${packageRoot}/browser-client/page/private-names.json`, 'utf8')) as Record<
    string,
    string[]
  >;
  const names = new Set(Object.values(groups).flat());

  function refuse(known: Iterable<string>): void {
    expect([...known].filter((name) => names.has(name))).toEqual([]);
  }

  it('are in no message', () => {
    const source = ['core/wire/api.ts', 'core/wire/server-messages.ts', 'core/tree/operation.ts', 'core/tree/result.ts']
      .concat(['core/service/events.ts', 'core/service/reply.ts', 'core/service/body.ts'])
      .map((file) => readFileSync(`${packageRoot}/${file}`, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, ''))
      .join('\n');
    const fields = [...source.matchAll(/(\w+):/g)].map(([, name]) => name!);
    expect(fields).toContain('namespaceId');
    refuse(fields);
    refuse(Object.keys(errorCodes));
  });

  it('are none that programs use', () => {
    for (const one of Object.values(haret)) {
      if (typeof one !== 'function') continue;
      const ours = new Set(['make', 'creating']);
      refuse(
        Object.getOwnPropertyNames((one as { prototype?: object }).prototype ?? {}).filter((name) => !ours.has(name)),
      );
    }
    const types = ['options', 'websocket', 'codecs', 'react', 'live', 'watch', 'txn', 'pages']
      .map((file) => readFileSync(`${packageRoot}/browser-client/${file}.ts`, 'utf8').replace(/\/\*[\s\S]*?\*\//g, ''))
      .join('\n');
    refuse([...types.matchAll(/readonly (\w+)\??:/g)].map(([, name]) => name!));
  });
});
