/** docs/limits.md names every queue, buffer and table of a node, and every bound, as the code has them. */

import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defaultLimits } from '../../core/base/limits.ts';
import type { Limits } from '../../core/base/limits.ts';

const root = new URL('../../', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, root), 'utf8');
const text = read('docs/limits.md');

/** Where a node keeps something for longer than a call. The browser's disk and the programs of a terminal are not part of a node. */
const rooms = ['core/cluster', 'core/vr', 'core/store', 'core/service', 'node-server'];
const besides = /^(core\/store\/memory-disk|node-server\/(terminal|dev)|node-server\/sim)/;
const files = rooms
  .flatMap((room) =>
    readdirSync(new URL(room, root), { recursive: true, encoding: 'utf8' }).map((file) => `${room}/${file}`),
  )
  .filter((file) => file.endsWith('.ts') && !besides.test(file))
  .sort();

/** The cells of the rows of a section's table. */
function rows(section: string): string[][] {
  const part = text.split('\n## ').find((one) => one.startsWith(section))!;
  const lines = part.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const code = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);

const units: Readonly<Record<string, number>> = { bytes: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, ms: 1 };

function valueOf(cell: string): number {
  const [, number, unit] = /^([\d.,]+)(?: (\w+))?$/.exec(cell) ?? [];
  return Number(number?.replaceAll(',', '')) * (unit === undefined ? 1 : units[unit]!);
}

/** The value of a constant of a file: numbers and products of them. */
function constantOf(file: string, name: string): number {
  const found = new RegExp(`^(?:export )?const ${name}(?:: number)? =\\s*([^;]+);`, 'm').exec(read(file));
  const expression = found?.[1]?.replaceAll('_', '').replaceAll('kibi', '1024').replaceAll('mebi', '1048576') ?? '';
  return expression.split('*').reduce((product, factor) => {
    const [above, below = '1'] = factor.trim().split('/');
    return (product * Number(above)) / Number(below);
  }, 1);
}

describe('the page of limits', () => {
  it('has every key with its default', () => {
    const told = rows('Keys').map(([key, value]) => [code(key!)[0]!, valueOf(value!)] as const);
    const keys = (Object.keys(defaultLimits) as (keyof Limits)[]).map(
      (key) => [key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), defaultLimits[key]] as const,
    );
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(keys));
  });

  it('has every queue and table', () => {
    const field = /^ {2}(?:readonly )?(#?\w+)(?:: [^=\n]+)? = (?:new (?:Map|Set|Numbered|Heap)\b|\[\])/gm;
    const made = files.flatMap((file) => [...read(file).matchAll(field)].map(([, name]) => `${file} ${name!}`));
    const told = rows('Queues, buffers and tables').flatMap(([file, names]) =>
      code(names!).map((name) => `${code(file!)[0]!} ${name}`),
    );
    expect(made.length).toBeGreaterThan(80);
    expect(told.toSorted()).toEqual(made.toSorted());
  });

  it('has every constant that bounds something, with its value', () => {
    const told = rows('Constants').map(([file, name, value]) => [code(file!)[0]!, code(name!)[0]!, value!] as const);
    for (const [file, name, value] of told)
      expect([file, name, constantOf(file, name)]).toEqual([file, name, valueOf(value)]);
    const bounds = files.flatMap((file) =>
      [...read(file).matchAll(/^(?:export )?const (max[A-Z]\w*)(?:: number)? =/gm)].map(
        ([, name]) => `${file} ${name!}`,
      ),
    );
    const named = new Set(told.map(([file, name]) => `${file} ${name}`));
    expect(bounds.filter((bound) => !named.has(bound))).toEqual([]);
  });

  it('names metrics, constants and keys that there are', () => {
    const metrics =
      read('core/cluster/metrics.ts') + read('node-server/prometheus.ts') + read('node-server/node-process.ts');
    const named = code(text).filter((name) => /^(haret|process)_[a-z_]+$/.test(name));
    expect(named.filter((name) => !metrics.includes(`'${name}'`))).toEqual([]);
    const constants = new Set(rows('Constants').map(([, name]) => code(name!)[0]!));
    const bounds = rows('Queues, buffers and tables').flatMap(([, , bound]) => code(bound!));
    const cited = bounds.filter((name) => /^[a-z]+[A-Z]\w*$/.test(name));
    expect(cited.filter((name) => !constants.has(name))).toEqual([]);
  });
});
