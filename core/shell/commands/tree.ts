/** Commands for the tree itself: they make, list, show and remove nodes. */

import { maxPage } from '../../tree/operation.ts';
import type { NodeType } from '../../tree/names.ts';
import type { Child, Stat } from '../../tree/operation.ts';
import { invariant } from '../../base/assert.ts';
import type { Bound } from '../bind.ts';
import type { JsonValue, Outcome, Stamp } from '../outcome.ts';
import { success } from '../outcome.ts';
import { UsageError } from '../status.ts';
import type { CommandContext, CommandSpec } from '../table.ts';
import { quoteWord } from '../words.ts';
import { leafFamilies, leafTypes } from './leaves.ts';
import {
  createWith,
  hasLife,
  lifeDetails,
  lifeExamples,
  lifeFlags,
  markOf,
  showCreated,
  touchCommand,
} from './lives.ts';
import { columns, ifVersion, limit, optionalPath, path, showResult, showWithoutVersion } from './arguments.ts';

/** How many nodes one listing shows at most. Beyond that it says how to continue. */
const maxListed = 100_000;

const types: readonly NodeType[] = ['directory', ...leafTypes];
/** Which types `--value` is for, for its help and its error. */
const valued = Object.values(leafFamilies).flatMap(({ value }) => (value === null ? [] : [value]));

/** Joins a directory and a name. */
function below(directory: string, name: string): string {
  return directory === '/' ? `/${name}` : `${directory}/${name}`;
}

interface Listed {
  readonly path: string;
  readonly child: Child;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly more: boolean;
  readonly stamp: Stamp;
  readonly version: number | null;
}

/** Children of a directory, at most `wanted`, in as many requests as necessary. */
async function listChildren(
  context: CommandContext,
  directory: string,
  wanted: number,
  from: string | null,
): Promise<Page<Child>> {
  const items: Child[] = [];
  let after = from;
  for (;;) {
    const page = Math.min(maxPage, wanted - items.length);
    const { result, stamp } = await context.execute({ kind: 'children', path: directory, limit: page, after });
    invariant(result.kind === 'children', 'children are answered by children', { kind: result.kind });
    for (const child of result.children) items.push(child);
    after = result.children.at(-1)?.name ?? null;
    if (!result.more || items.length >= wanted) return { items, more: result.more, stamp, version: result.version };
  }
}

/** Every path at and below `from`, as `ls` of the first haret lists them. */
async function listKeys(
  context: CommandContext,
  root: string,
  wanted: number,
  from: string | null,
): Promise<Page<string>> {
  const items: string[] = [];
  let after = from;
  for (;;) {
    const page = Math.min(maxPage, wanted - items.length);
    const { result, stamp } = await context.execute({ kind: 'keys', path: root, limit: page, after });
    invariant(result.kind === 'paths', 'keys are answered by paths', { kind: result.kind });
    for (const one of result.paths) items.push(one);
    after = result.paths.at(-1) ?? null;
    if (!result.more || items.length >= wanted) return { items, more: result.more, stamp, version: null };
  }
}

/** Everything below `root`, depth first, with the facts about each node. */
async function listDeep(context: CommandContext, root: string, wanted: number): Promise<Page<Listed>> {
  const items: Listed[] = [];
  const first = await listChildren(context, root, wanted, null);
  let { stamp, more } = first;
  const stack: Listed[] = [];
  const push = (directory: string, children: readonly Child[]): void => {
    for (const child of [...children].reverse()) stack.push({ path: below(directory, child.name), child });
  };
  push(root, first.items);
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (items.length >= wanted) return { items, more: true, stamp, version: first.version };
    items.push(next);
    if (next.child.type !== 'directory' || next.child.count === 0) continue;
    const inside = await listChildren(context, next.path, wanted - items.length + 1, null);
    stamp = inside.stamp;
    more ||= inside.more;
    push(next.path, inside.items);
  }
  return { items, more, stamp, version: first.version };
}

function longLines(listed: readonly Listed[]): readonly string[] {
  const marks = listed.map(({ child }) => markOf(child));
  const marked = marks.some((mark) => mark !== '');
  return columns(
    listed.map(({ path: name, child }, i) => [
      child.type,
      String(child.version),
      String(child.count),
      String(child.bytes),
      ...(marked ? [marks[i]!] : []),
      name,
    ]),
  );
}

function longJson(listed: readonly Listed[]): JsonValue {
  return listed.map(({ path: name, child }) => ({ ...child, path: name }));
}

async function runList(bound: Bound, context: CommandContext): Promise<Outcome> {
  const root = bound.textOr('PATH', '/');
  const long = bound.has('long');
  const deep = bound.has('recursive') || (!bound.has('PATH') && !long);
  const wanted = bound.numberOr('limit', maxListed);
  const after = bound.has('after') ? bound.text('after') : null;
  if (deep && !long) {
    const { items, more, stamp } = await listKeys(context, root, wanted, after);
    return success(
      { kind: 'lines', lines: items, json: items },
      { stamp, more: more ? afterFlag(items.at(-1)) : null },
    );
  }
  if (deep) {
    if (after !== null) throw new UsageError('--after may be used with -l or -R, not with both');
    const { items, more, stamp, version } = await listDeep(context, root, wanted);
    const shown = { kind: 'lines', lines: longLines(items), json: longJson(items) } as const;
    return success(shown, { stamp, version, more: more ? `--limit ${wanted} reached` : null });
  }
  const { items, more, stamp, version } = await listChildren(context, root, wanted, after);
  const listed = items.map((child) => ({ path: child.name, child }));
  const names = items.map((child) => child.name);
  const shown = long
    ? ({ kind: 'lines', lines: longLines(listed), json: items.map((child) => ({ ...child })) } as const)
    : ({ kind: 'lines', lines: names, json: names } as const);
  return success(shown, { stamp, version, more: more ? afterFlag(names.at(-1)) : null });
}

function afterFlag(last: string | undefined): string {
  return last === undefined ? '--limit reached' : `--after ${quoteWord(last)}`;
}

/** Draws paths in depth-first order as a tree. */
export function drawTree(root: string, paths: readonly string[]): readonly string[] {
  const prefix = root === '/' ? '' : root.replace(/\/$/, '');
  const rows = paths
    .filter((one) => one !== root && one.startsWith(`${prefix}/`))
    .map((one) => one.slice(prefix.length + 1).split('/'));
  // We read from the end. A node is the last child of its parent if no node of its depth came since a shallower one.
  const drawn: string[] = [];
  const continues: boolean[] = [];
  for (const parts of [...rows].reverse()) {
    const depth = parts.length - 1;
    continues.length = Math.min(continues.length, depth + 1);
    let line = '';
    for (let level = 0; level < depth; level++) line += continues[level] === true ? '│   ' : '    ';
    line += `${continues[depth] === true ? '├── ' : '└── '}${parts[depth] ?? ''}`;
    for (let level = continues.length; level < depth; level++) continues[level] = false;
    continues[depth] = true;
    drawn.push(line);
  }
  return [root, ...drawn.reverse()];
}

export const treeCommands: readonly CommandSpec[] = [
  {
    words: ['ls'],
    family: 'tree',
    needs: 'namespace',
    arguments: [optionalPath],
    flags: [
      {
        long: 'long',
        short: 'l',
        about: 'with type, version, count and bytes; of an ephemeral its session, and the time to live',
      },
      { long: 'recursive', short: 'R', about: 'everything below PATH, depth first' },
      limit,
      {
        long: 'after',
        argument: { name: 'NAME', kind: 'text' },
        about: 'continue after this name (with -R: after this path)',
      },
    ],
    summary: 'List every path; with PATH, the names in that directory.',
    examples: ['ls', 'ls /some -l', 'ls /some -R --limit 100'],
    operation: (bound) => {
      const page = bound.numberOr('limit', maxPage);
      const after = bound.has('after') ? bound.text('after') : null;
      return bound.has('PATH') && !bound.has('recursive')
        ? { kind: 'children', path: bound.text('PATH'), limit: page, after }
        : { kind: 'keys', path: bound.textOr('PATH', '/'), limit: page, after };
    },
    run: runList,
  },
  {
    words: ['tree'],
    family: 'tree',
    needs: 'namespace',
    arguments: [optionalPath],
    flags: [limit],
    summary: 'Draw the tree at and below PATH.',
    examples: ['tree /some'],
    run: async (bound, context) => {
      const root = bound.textOr('PATH', '/');
      const { items, more, stamp } = await listKeys(context, root, bound.numberOr('limit', maxListed), null);
      return success(
        { kind: 'lines', lines: drawTree(root, items), json: items },
        { stamp, more: more ? '--limit reached' : null },
      );
    },
  },
  {
    words: ['stat'],
    family: 'tree',
    needs: 'namespace',
    arguments: [path],
    flags: [
      {
        long: 'largest',
        argument: { name: 'N', kind: 'integer', min: 1, max: 100 },
        about: 'also the N largest leaves at and below PATH, by bytes',
      },
    ],
    summary: 'Tell the type, version, age and bytes of a node, and the bytes of everything beneath it.',
    examples: ['stat /some', 'stat / --largest 10'],
    operation: (bound) => ({ kind: 'stat', path: bound.text('PATH') }),
    run: runStat,
  },
  {
    words: ['exists'],
    family: 'tree',
    needs: 'namespace',
    arguments: [path],
    flags: [],
    summary: 'Tell whether there is a node at PATH.',
    operation: (bound) => ({ kind: 'exists', path: bound.text('PATH') }),
  },
  {
    words: ['create'],
    family: 'tree',
    needs: 'namespace',
    arguments: [{ name: 'TYPE', kind: 'choice', choices: types }, path],
    flags: [
      {
        long: 'value',
        argument: { name: 'VALUE', kind: 'value' },
        about: `the first value ${valued.map((one) => one.of).join(', or ')}`,
      },
      ...lifeFlags,
    ],
    summary: 'Make a node; missing directories above it are made too.',
    details: lifeDetails,
    examples: ['create blob /some/blob --value hello', 'create queue /jobs', ...lifeExamples],
    operation: (bound) => {
      const type = types.find((one) => one === bound.text('TYPE'));
      invariant(type !== undefined, 'TYPE is one of its choices');
      if (bound.has('value') && (type === 'directory' || leafFamilies[type].value === null)) {
        throw new UsageError(`--value is for ${valued.map((one) => one.plural).join(' and ')}`);
      }
      const plain = { path: bound.text('PATH'), type, value: bound.bytesOr('value', null) };
      return hasLife(bound) ? createWith(plain, bound) : { kind: 'create', ...plain };
    },
    show: showCreated,
  },
  touchCommand,
  {
    words: ['rm'],
    family: 'tree',
    needs: 'namespace',
    arguments: [path],
    flags: [{ long: 'recursive', short: 'r', about: 'a directory with everything in it' }, ifVersion],
    summary: 'Remove a node.',
    examples: ['rm /some/blob', 'rm /some -r'],
    operation: (bound) => ({
      kind: 'delete',
      path: bound.text('PATH'),
      recursive: bound.has('recursive'),
      ifVersion: bound.numberOr('if-version', null),
    }),
    show: showWithoutVersion,
  },
];

async function runStat(bound: Bound, context: CommandContext): Promise<Outcome> {
  const root = bound.text('PATH');
  const { result, stamp } = await context.execute({ kind: 'stat', path: root });
  const shown = showResult(result);
  if (!bound.has('largest')) return { ...shown, stamp };
  const answer = await context.execute({ kind: 'largest', path: root, limit: bound.number('largest') });
  const largest = showResult(answer.result);
  invariant(shown.value.kind === 'lines' && largest.value.kind === 'lines', 'stat and largest are shown as lines');
  invariant(result.kind === 'stat' && answer.result.kind === 'stats', 'stat and largest answer stats');
  const both: { readonly stat: Stat; readonly largest: readonly Stat[] } = {
    stat: result.stat,
    largest: answer.result.stats,
  };
  return success(
    {
      kind: 'lines',
      lines: [...shown.value.lines, 'largest:', ...largest.value.lines.map((line) => `  ${line}`)],
      json: { ...both.stat, largest: both.largest.map((one) => ({ ...one })) },
    },
    { version: shown.version, stamp: answer.stamp },
  );
}
