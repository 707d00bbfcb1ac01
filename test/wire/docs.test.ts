/** docs/wire.md shows frames. The codecs read and write each of them. */

import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { describe, expect, it } from 'vitest';
import { bytesFromHex } from '../../core/base/bytes.ts';
import { adminClientCodec, adminServerCodec } from '../../core/wire/admin-codecs.ts';
import { adminSubprotocols } from '../../core/wire/admin.ts';
import { apiClientCodec, apiServerCodec } from '../../core/wire/api-codecs.ts';
import { apiSubprotocols } from '../../core/wire/api.ts';
import * as closeCodes from '../../core/wire/close-codes.ts';
import type { Codec } from '../../core/wire/codec.ts';
import { changeKinds, nodeTypes } from '../../core/tree/names.ts';
import { forms } from '../../core/tree/operations/index.ts';
import { madeIn, remade, structs, tables, written } from './tables.ts';

const file = new URL('../../docs/wire.md', import.meta.url);
const page = readFileSync(file, 'utf8');
const pattern = /<!-- (api|admin) (superjson|binary) (client|server) -->\n\n?```(?:json|hex)\n([\s\S]*?)\n```/g;
const examples = [...page.matchAll(pattern)].map(([, area, codec, end, frame]) => ({
  area,
  codec,
  end,
  frame: frame!,
}));

/** The codec of the end that writes the example, and that of the end that reads it. */
function ends(
  area: string,
  codec: 'superjson' | 'binary',
  end: string,
): [Codec<never, unknown>, Codec<unknown, unknown>] {
  const both =
    area === 'api'
      ? [apiClientCodec(apiSubprotocols[codec]), apiServerCodec(apiSubprotocols[codec])]
      : [adminClientCodec(adminSubprotocols[codec]), adminServerCodec(adminSubprotocols[codec])];
  return (end === 'client' ? [both[1], both[0]] : [both[0], both[1]]) as [
    Codec<never, unknown>,
    Codec<unknown, unknown>,
  ];
}

/** The words in backticks of a passage that begins and ends with these texts. */
function wordsBetween(begin: string, end: string): string[] {
  const [, after, another] = page.split(begin);
  expect([begin, another]).toEqual([begin, undefined]);
  return [...after!.slice(0, after!.indexOf(end)).matchAll(/`(\w+)`/g)].map(([, word]) => word!);
}

describe('docs/wire.md', () => {
  it('has examples of both interfaces and both codecs', () => {
    expect(examples.length).toBeGreaterThanOrEqual(11);
    expect(page.match(/```(json|hex)/g)).toHaveLength(examples.length);
  });

  it.each(examples)('$area $codec $end, number %#', ({ area, codec, end, frame }) => {
    const [reader, writer] = ends(area!, codec as 'superjson' | 'binary', end!);
    const raw = codec === 'binary' ? bytesFromHex(frame.replaceAll(' ', ''))! : frame;
    const messages = reader.decode(raw);
    expect(messages.length).toBeGreaterThan(0);
    const written = writer.encode(messages);
    if (typeof raw === 'string') expect(JSON.parse(written as string)).toEqual(JSON.parse(raw));
    else expect(written).toEqual(raw);
  });

  it('says of every close code what it means', () => {
    const rows = [...page.matchAll(/^\| (\d{4}) /gm)].map(([, code]) => Number(code));
    const codes = Object.values(closeCodes).filter((code) => code !== closeCodes.abnormal);
    expect(rows).toEqual(codes.sort((a, b) => a - b));
  });

  it('has every kind with its number and its fields, as the sources have them (UPDATE_WIRE=1 writes them)', async () => {
    expect([...madeIn(page)].sort()).toEqual([...Object.keys(tables), ...Object.keys(structs)].sort());
    const made = await format(remade(page), { ...(await resolveConfig(file)), parser: 'markdown' });
    if (process.env['UPDATE_WIRE'] === '1') writeFileSync(file, made);
    else expect(page).toBe(made);
  });

  it('lists every type of node in its place, every write that an upsert can do, and every kind of change', () => {
    expect(wordsBetween('A type of node is one byte', '.\n')).toEqual([...nodeTypes]);
    const upserts = Object.values(forms).flatMap((kind) => Object.keys(kind.upserts));
    expect(wordsBetween('In an `upsert` only ', ' may stand').sort()).toEqual([...upserts].sort());
    expect(wordsBetween('The operation `upsert` does a ', '. If').sort()).toEqual([...upserts].sort());
    // In the order that reads best: a type's kinds stand beside the type.
    expect(wordsBetween('A `change` names a path, what happened to it', '), and').sort()).toEqual(
      changeKinds.filter((kind) => kind !== 'changed').sort(),
    );
  });

  it('says of every admin command what is judged of it', () => {
    const section = page.slice(
      page.indexOf('### What is judged of a command'),
      page.indexOf('<!-- made: admin commands'),
    );
    const firstColumns = [...section.matchAll(/^\| (`[^|]*)\|/gm)].map(([, column]) => column!);
    const said = firstColumns.flatMap((column) => [...column.matchAll(/`(\w+)`/g)].map(([, kind]) => kind!));
    const kinds = [...written('admin commands').matchAll(/^\| \d+ \| `(\w+)`/gm)].map(([, kind]) => kind!);
    expect(kinds.length).toBeGreaterThan(5);
    expect(said.sort()).toEqual(kinds.sort());
  });
});
