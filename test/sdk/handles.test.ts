/**
 * Every type of handle: its operations send what they say, all its methods work, and its live value follows the node
 * from wherever it begins. The compiler names the type, or the operation, that has no line here.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { utf8 } from '../../core/base/bytes.ts';
import type { SimpleOperation } from '../../core/tree/operation.ts';
import { forms } from '../../core/tree/operations/index.ts';
import type { Haret, LiveNode, Namespace } from '../../browser-client/index.ts';
import { json } from '../../browser-client/index.ts';
import { handles } from '../../browser-client/kinds/index.ts';
import type { HandleType } from '../../browser-client/kinds/index.ts';
import type { HasLive, Live } from '../../browser-client/live.ts';
import type { NodeOps, Op } from '../../browser-client/operations.ts';
import { jobKinds } from '../tree/data.ts';
import { simulate } from '../../browser-client/testing.ts';
import type { SimulatedCluster } from '../../browser-client/testing.ts';

type HandleOf<T extends HandleType> = InstanceType<(typeof handles)[T]>;
type OwnOp<T extends HandleType> = Exclude<keyof HandleOf<T>['op'], keyof NodeOps>;

/** A call, what it answers (a function says whether the answer is right), and the live value after it. */
type Step = readonly [call: () => unknown, answer: unknown, live: unknown];

interface Story<T extends HandleType> {
  /** Of each operation: one, and what it sends. */
  readonly ops: (handle: HandleOf<T>) => {
    readonly [M in OwnOp<T>]: readonly [op: Op<unknown>, sent: SimpleOperation];
  };
  /** The operations of the tree that only methods send, page by page, and those of `haret/coordination`. */
  readonly paged: readonly SimpleOperation['kind'][];
  /** The live value where no node is. */
  readonly empty: unknown;
  /** Calls of all its methods. The first makes the node. */
  readonly steps: (handle: HandleOf<T>) => readonly Step[];
}

const path = '/d/x';
const value = (of: unknown): Uint8Array => utf8(JSON.stringify(of));
const written = { version: expect.any(Number) as number, op: expect.any(Number) as number };
const made = { ...written, path };
const create = (type: HandleType, first: Uint8Array | null = null): SimpleOperation => ({
  kind: 'create',
  path,
  type,
  value: first,
});

const stories: { readonly [T in HandleType]: Story<T> } = {
  directory: {
    ops: ({ op }) => ({ create: [op.create(), create('directory')] }),
    paged: [],
    empty: [],
    steps: (directory) => [
      [() => directory.create(), made, [`${path} directory`]],
      [() => directory.counter('n').add(2), 2, [`${path} directory`, `${path}/n counter 2`]],
      [() => directory.counter('n').delete(), true, [`${path} directory`]],
      [() => directory.blob('b', json()).put('b'), written, [`${path} directory`, `${path}/b blob "b"`]],
      [
        () => directory.entries().toArray(),
        [expect.objectContaining({ name: 'b', type: 'blob' })],
        [`${path} directory`, `${path}/b blob "b"`],
      ],
      [
        () => directory.paths({ pageSize: 1 }).toArray(),
        [path, `${path}/b`],
        [`${path} directory`, `${path}/b blob "b"`],
      ],
    ],
  },
  blob: {
    ops: ({ op }) => ({
      create: [op.create('a'), create('blob', value('a'))],
      put: [op.put('a'), { kind: 'blobPut', path, value: value('a'), ifVersion: null, ifAbsent: false }],
      replace: [op.replace('a', 'b'), { kind: 'blobCas', path, expected: value('a'), value: value('b') }],
      get: [op.get(), { kind: 'blobGet', path }],
      read: [op.read(), { kind: 'blobGet', path }],
      size: [op.size(), { kind: 'blobSize', path }],
    }),
    paged: [],
    empty: undefined,
    steps: (blob) => [
      [() => blob.create('a'), made, 'a'],
      [() => blob.put('b'), written, 'b'],
      [() => blob.replace('b', 'cc'), written, 'cc'],
      [() => blob.update((old) => `${String(old)}c`), { ...written, value: 'ccc' }, 'ccc'],
      [() => blob.get(), 'ccc', 'ccc'],
      [() => blob.read(), { ...written, value: 'ccc' }, 'ccc'],
      [() => blob.size(), 5, 'ccc'],
    ],
  },
  queue: {
    ops: ({ op }) => ({
      create: [op.create(), create('queue')],
      push: [op.push('a'), { kind: 'queuePush', path, value: value('a') }],
      pop: [op.pop(), { kind: 'queuePop', path }],
      front: [op.front(), { kind: 'queueFront', path }],
      back: [op.back(), { kind: 'queueBack', path }],
      length: [op.length(), { kind: 'queueLength', path }],
    }),
    paged: ['queueList', ...jobKinds],
    empty: [],
    steps: (queue) => [
      [() => queue.create(), made, []],
      [() => queue.push('a'), written, ['a']],
      [() => queue.push('b'), written, ['a', 'b']],
      [() => queue.push('c'), written, ['a', 'b', 'c']],
      [() => queue.pop(), 'a', ['b', 'c']],
      [() => queue.front(), 'b', ['b', 'c']],
      [() => queue.back(), 'c', ['b', 'c']],
      [() => queue.length(), 2, ['b', 'c']],
      [() => queue.items().toArray(), ['b', 'c'], ['b', 'c']],
    ],
  },
  set: {
    ops: ({ op }) => ({
      create: [op.create(), create('set')],
      insert: [op.insert('a'), { kind: 'setInsert', path, member: value('a') }],
      remove: [op.remove('a'), { kind: 'setRemove', path, member: value('a') }],
      contains: [op.contains('a'), { kind: 'setContains', path, member: value('a') }],
      size: [op.size(), { kind: 'setSize', path }],
      union: [op.union('/o'), { kind: 'setUnion', paths: [path, '/o'] }],
      intersection: [op.intersection('/o'), { kind: 'setIntersection', paths: [path, '/o'] }],
      difference: [op.difference('/o'), { kind: 'setDifference', path, other: '/o' }],
      symmetricDifference: [op.symmetricDifference('/o'), { kind: 'setSymmetricDifference', path, other: '/o' }],
      isSubsetOf: [op.isSubsetOf('/o'), { kind: 'setSubset', path, other: { kind: 'path', path: '/o' } }],
      isSupersetOf: [
        op.isSupersetOf(['a']),
        { kind: 'setSuperset', path, other: { kind: 'members', members: [value('a')] } },
      ],
    }),
    paged: ['setMembers'],
    empty: [],
    steps: (set) => [
      [() => set.create(), made, []],
      [() => set.insert('b'), true, ['b']],
      [() => set.insert('a'), true, ['a', 'b']],
      [() => set.insert('c'), true, ['a', 'b', 'c']],
      [() => set.remove('b'), true, ['a', 'c']],
      [() => set.contains('a'), true, ['a', 'c']],
      [() => set.size(), 2, ['a', 'c']],
      [() => set.members().toArray(), ['a', 'c'], ['a', 'c']],
      [() => set.union([set]), ['a', 'c'], ['a', 'c']],
      [() => set.intersection([set]), ['a', 'c'], ['a', 'c']],
      [() => set.difference(set), [], ['a', 'c']],
      [() => set.symmetricDifference(set), [], ['a', 'c']],
      [() => set.isSubsetOf(['a']), false, ['a', 'c']],
      [() => set.isSupersetOf(['a']), true, ['a', 'c']],
    ],
  },
  counter: {
    ops: ({ op }) => ({
      create: [op.create(7), create('counter', utf8('7'))],
      add: [op.add(-2), { kind: 'counterAdd', path, by: -2 }],
      get: [op.get(), { kind: 'counterGet', path }],
    }),
    paged: [],
    empty: 0,
    steps: (counter) => [
      [() => counter.create(7), made, 7],
      [() => counter.add(-9), -2, -2],
      [() => counter.add(), -1, -1],
      [() => counter.get(), -1, -1],
    ],
  },
};

let cluster: SimulatedCluster;
let haret: Haret;
let ns: Namespace;

beforeEach(async () => {
  cluster = simulate({ seed: 7 });
  haret = await cluster.connect();
  ns = haret.namespace('test');
});

afterEach(async () => {
  await cluster.close();
});

const types = Object.keys(stories) as HandleType[];

/** Its live value, when everything up to the last op was told. A live tree is a list of its nodes as text. */
async function followed(live: Live<unknown>, namespace = ns): Promise<unknown> {
  await cluster.until(() => live.state.status !== 'loading' && live.state.op >= namespace.lastOp);
  const { value: now, error } = live.state;
  expect(error).toBeUndefined();
  if (!(now instanceof Map)) return now;
  return [...(now as ReadonlyMap<string, LiveNode>).values()].map(({ path: at, type, value: bytes, number }) =>
    [at, type, ...(bytes === null ? [] : [Buffer.from(bytes).toString()]), ...(number === null ? [] : [number])].join(
      ' ',
    ),
  );
}

function liveOf(handle: HasLive<unknown> & { live(): Live<unknown> }): Live<unknown> {
  const live = handle.live();
  live.subscribe(() => undefined);
  return live;
}

/** The names of the methods of a handle that only its type has, apart from those that make handles. */
function methodsOf(type: HandleType): readonly string[] {
  const core = Object.getPrototypeOf(handles[type].prototype) as object;
  const own = Object.entries(Object.getOwnPropertyDescriptors(core));
  return own.flatMap(([name, { value: method }]) =>
    name !== 'constructor' && typeof method === 'function' ? [name] : [],
  );
}

describe.each(types)('a handle of type %s', (type) => {
  const story = stories[type] as unknown as Story<'counter'>;
  const handleIn = (namespace: Namespace, at = path): HandleOf<'counter'> =>
    (namespace[type] as (path: string, codec: unknown) => never)(at, json());

  it('is made by its namespace and by its directory', () => {
    expect(handleIn(ns)).toBeInstanceOf(handles[type]);
    const beneath = (ns.directory('/d')[type] as (name: string, codec: unknown) => never)('x', json()) as object;
    expect(beneath).toBeInstanceOf(handles[type]);
    expect(beneath).toMatchObject({ path });
  });

  it('sends the operation that each of its operations names, and has all that the tree has', () => {
    const ops = Object.values(story.ops(handleIn(ns)));
    for (const [op, sent] of ops) expect(op.operation).toEqual(sent);
    if (type === 'directory') return;
    const sent = new Set<string>([...ops.map(([op]) => op.operation.kind), ...story.paged]);
    const { writes, reads } = forms[type];
    expect([...Object.keys(writes), ...Object.keys(reads)].filter((kind) => !sent.has(kind))).toEqual([]);
  });

  it('has a live value that follows each of its methods', async () => {
    const handle = handleIn(ns);
    const live = liveOf(handle);
    const tree = liveOf(ns.directory());
    const called = new Set<string | symbol>();
    const watched = new Proxy(handle, {
      get: (target, name) => {
        called.add(name);
        const found: unknown = Reflect.get(target, name, target);
        return typeof found === 'function' ? (found.bind(target) as unknown) : found;
      },
    });
    expect(await followed(live)).toEqual(story.empty);
    const values: unknown[] = [story.empty];
    for (const [call, answer, after] of story.steps(watched)) {
      expect(await call()).toEqual(answer);
      expect(await followed(live), call.toString()).toEqual(after);
      values.push(after);
      // A live tree shows numbers and values, too.
      const shown = ((await followed(tree)) as string[]).find((line) => line.startsWith(`${path} `));
      const told = typeof after === 'number' ? ` ${after}` : typeof after === 'string' ? ` "${after}"` : '';
      expect(shown).toBe(`${path} ${type}${told}`);
    }
    expect(methodsOf(type).filter((name) => !called.has(name))).toEqual([]);
    expect(new Set(values.map((one) => JSON.stringify(one))).size).toBeGreaterThan(2);
    // One that begins now is told the state, and not how it came to be.
    const other = (await cluster.connect()).namespace('test');
    expect(await followed(liveOf(handleIn(other)), other)).toEqual(values.at(-1));
    await handle.delete({ recursive: true });
    expect(await followed(live)).toEqual(story.empty);
  });
});
