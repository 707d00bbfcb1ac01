/**
 * Numbers in README.md and docs/*.md are those of the code: limits and times beside the keys that they are of, close codes, the ports of
 * `haret dev`, and what sentences claim. A claim that is worded anew is worded anew here.
 */

import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { defaultLimits } from '../core/base/limits.ts';
import { defaultClientOptions } from '../core/client/options.ts';
import { defaultTiming } from '../core/cluster/base/host.ts';
import { doubtMs } from '../core/service/sessions.ts';
import { maxPartBytes, maxPathBytes, maxPathParts } from '../core/tree/path.ts';
import * as closeCodes from '../core/wire/close-codes.ts';
import { loadConfig } from '../node-server/config.ts';
import { layOut } from '../node-server/dev-layout.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const documents = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith('.md'),
);
/** In one line, so that a sentence may go on in the next. */
const texts = new Map(documents.map((name) => [name, readFileSync(join(root, name), 'utf8').replaceAll(/\s+/g, ' ')]));

const directory = mkdtempSync(join(tmpdir(), 'haret-numbers-'));
const dev = layOut(directory);
afterAll(() => rmSync(directory, { recursive: true }));
const defaults: Readonly<Record<string, unknown>> = {
  ...defaultLimits,
  ...defaultTiming,
  diskReserveBytes: loadConfig(dev[0]!.configFile).diskReserveBytes,
};

const words: Readonly<Record<string, number>> = { two: 2, five: 5, ten: 10 };
const units: Readonly<Record<string, number>> = {
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  M: 1_000_000,
  milliseconds: 1,
  seconds: 1000,
  minutes: 60_000,
};
const quantity = '((?:\\d[\\d,]*|two|five|ten)(?: (?:KiB|MiB|GiB|M|milliseconds|seconds|minutes)\\b)?)';

/** `16 MiB`, `10 minutes`, `20,000`: in bytes, milliseconds, or as it is. */
function read(text: string): number {
  const [number = '', unit] = text.split(' ');
  return (words[number] ?? Number(number.replaceAll(',', ''))) * (unit === undefined ? 1 : units[unit]!);
}

function defaultOf(key: string): unknown {
  return defaults[key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())];
}

/** What documents say of a key, as `key` (VALUE). */
function besideKeys(): readonly { readonly where: string; readonly key: string; readonly value: number }[] {
  const pattern = new RegExp(`\`([a-z]+(?:_[a-z]+)+)\` \\(${quantity}\\)`, 'g');
  return [...texts].flatMap(([where, text]) =>
    [...text.matchAll(pattern)].map(([, key, value]) => ({ where, key: key!, value: read(value!) })),
  );
}

/** The rows of the table of limits: one key or several, and as many values. */
function rows(): readonly { readonly key: string; readonly value: number }[] {
  const text = readFileSync(join(root, 'docs/operations.md'), 'utf8');
  const [, table = ''] = /\| Key +\| Default +\| Bounds[^\n]*\n((?:\|.*\n)+)/.exec(text) ?? [];
  return table
    .split('\n')
    .map((row) => row.split('|').map((cell) => cell.trim()))
    .filter(([, keys]) => keys?.startsWith('`') === true)
    .flatMap(([, keys = '', values = '']) => {
      const told = values.split(/, (?=\d)/);
      const named = [...keys.matchAll(/`(\w+)`/g)].map(([, key]) => key!);
      expect(told, keys).toHaveLength(named.length);
      return named.map((key, i) => ({ key, value: read(told[i]!) }));
    });
}

/** Sentences, with `#` for the number in them, and what it is in the code. */
const claims: readonly (readonly [document: string, sentence: string, value: number])[] = [
  ['docs/wire.md', "a frame over the limit (#, or the node's `max_frame_bytes`", defaultLimits.maxFrameBytes],
  ['docs/wire.md', 'if you write nothing, send a `keepAlive` every #', defaultClientOptions.keepAliveMs],
  ['docs/wire.md', 'If there is no answer for #, do the same over the same connection', defaultClientOptions.resendMs],
  ['docs/wire.md', 'an `error` that is `retryable`, do it after #, doubled', defaultClientOptions.retryMs],
  ['docs/wire.md', 'If it gives no sign of life for # after such a bind', doubtMs],
  ['docs/wire.md', 'remembers the changes of the last # or', defaultLimits.watchHistoryMs],
  ['docs/wire.md', 'the last ten minutes or # (`watch_history_ms`', defaultLimits.watchHistoryBytes],
  ['docs/guide.md', 'Nodes remember #, or', defaultLimits.watchHistoryMs],
  ['docs/guide.md', 'Nodes remember ten minutes, or #.', defaultLimits.watchHistoryBytes],
  ['docs/guide.md', 'If the first says nothing for #, the second gets the id', doubtMs],
  ['docs/architecture.md', 'A path has at most # and', maxPathBytes],
  ['docs/architecture.md', 'A path has at most 1 KiB and # levels', maxPathParts],
  ['docs/architecture.md', 'and a part at most # bytes', maxPartBytes],
  ['docs/architecture.md', 'are bytes, at most # unless the namespace has another limit', defaultLimits.maxValueBytes],
];

describe('a number in the documents', () => {
  it('beside a key is the default of that key', () => {
    const told = besideKeys();
    expect(told.length).toBeGreaterThan(2);
    expect(told.filter(({ key, value }) => defaultOf(key) !== value)).toEqual([]);
  });

  it('in the table of limits is the default of its key', () => {
    const told = rows();
    expect(told.length).toBeGreaterThan(15);
    expect(told.filter(({ key, value }) => defaultOf(key) !== value)).toEqual([]);
  });

  it.each(claims)('in %s: %s', (document, sentence, value) => {
    const escaped = sentence.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replace('#', quantity);
    const found = new RegExp(escaped).exec(texts.get(document)!);
    expect(found, 'no such sentence').not.toBeNull();
    expect(read(found![1]!)).toBe(value);
  });

  it('that closes a connection is a close code, and docs/wire.md has all of ours', () => {
    const known = Object.values(closeCodes);
    const told = [...texts].flatMap(([where, text]) =>
      [...text.matchAll(/(?:\bcode|\bwith) ([14]\d{3})\b/g)].map(([, code]) => ({ where, code: Number(code) })),
    );
    expect(told.length).toBeGreaterThan(3);
    expect(told.filter(({ code }) => !known.includes(code as (typeof known)[number]))).toEqual([]);
    const listed = [...readFileSync(join(root, 'docs/wire.md'), 'utf8').matchAll(/^\| (4\d{3}) +\|/gm)];
    expect(listed.map(([, code]) => Number(code))).toEqual(known.filter((code) => code >= 4000).sort());
  });

  it('that is a port is one of haret dev, or of the configuration that stands beside it', () => {
    for (const [where, text] of texts) {
      const configured = [...text.matchAll(/\w+_host = "([^"]+)"/g)].map(([, address]) => address!);
      const known = [...configured, ...dev.flatMap(({ cluster, admin, api }) => [cluster, admin, api])];
      const told = [...text.matchAll(/127\.0\.0\.1:\d+/g)].map(([address]) => address);
      expect(new Set(told.filter((address) => !known.includes(address))), where).toEqual(new Set());
    }
  });
});
