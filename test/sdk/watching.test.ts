/**
 * Watches and live values over a simulated cluster: in order and each change once, whatever happens to nodes and
 * connections.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Haret, Live, Namespace, Watch, WatchUpdate } from '../../browser-client/index.ts';
import { json, text } from '../../browser-client/index.ts';
import { simulate } from '../../browser-client/testing.ts';
import type { SimulatedCluster } from '../../browser-client/testing.ts';

let cluster: SimulatedCluster;
let haret: Haret;
let ns: Namespace;

beforeEach(async () => {
  cluster = simulate({ seed: 11 });
  haret = await cluster.connect();
  ns = haret.namespace('test');
  await ns.ready();
});

afterEach(async () => {
  await cluster.close();
});

function shown(update: WatchUpdate): string {
  if (update.kind === 'progress') return 'progress';
  const decoder = new TextDecoder();
  const changes = update.changes.map(
    ({ kind, path, value, number }) =>
      `${kind} ${path}${value === null ? '' : ` ${decoder.decode(value)}`}${number === null ? '' : ` ${number}`}`,
  );
  return `${update.kind}: ${changes.join(', ')}`;
}

async function take(watch: Watch, count: number): Promise<string[]> {
  const told: string[] = [];
  while (told.length < count) {
    const { done, value } = await watch.next();
    if (done === true) break;
    told.push(shown(value));
  }
  return told;
}

describe('a watch', () => {
  it('tells the state, then every change, a transaction as one event', async () => {
    await ns.blob('/svc/a', text).put('1');
    await ns.counter('/other').add();
    const watch = ns.watch('/svc', { from: 'snapshot' });
    expect(await take(watch, 1)).toEqual(['snapshot: created /svc, created /svc/a 1']);
    const a = ns.blob('/svc/a', text);
    await a.put('2');
    await ns.counter('/other').add();
    await ns.txn().do(a.op.put('3'), ns.counter('/svc/n').op.create(4), a.op.delete()).commit();
    await ns.set('/svc/s', text).insert('m');
    expect(await take(watch, 3)).toEqual([
      'event: put /svc/a 2',
      'event: put /svc/a 3, created /svc/n 4, deleted /svc/a',
      'event: created /svc/s, inserted /svc/s m',
    ]);
    await watch.return();
    expect(await watch.next()).toEqual({ done: true, value: undefined });
  });

  it('of one node can be oneshot and without values', async () => {
    await ns.blob('/svc/a', text).put('1');
    const watch = ns.watch('/svc/a', { recursive: false, once: true, values: false });
    const first = watch.next();
    await cluster.run(100);
    await ns.blob('/svc/b', text).put('2');
    await ns.blob('/svc/a', text).put('3');
    expect(shown((await first).value!)).toBe('event: put /svc/a');
    expect((await watch.next()).done).toBe(true);
  });

  it('continues where another ended', async () => {
    const counter = ns.counter('/n');
    await counter.add();
    const first = ns.watch('/', { from: 'snapshot' });
    expect(await take(first, 1)).toEqual(['snapshot: created /, created /n 1']);
    const op = first.op!;
    await first.return();
    for (let i = 0; i < 3; i++) await counter.add();
    const second = (await cluster.connect()).namespace('test').watch('/', { from: { after: op } });
    expect(await take(second, 3)).toEqual([2, 3, 4].map((n) => `event: counted /n ${n}`));
  });

  it('waits for an op that is still to come', async () => {
    const counter = ns.counter('/n');
    await counter.add();
    await counter.add();
    const watch = ns.watch('/n', { from: { after: ns.lastOp + 2 } });
    const next = watch.next();
    await cluster.run(1000);
    for (let i = 0; i < 4; i++) await counter.add();
    expect(shown((await next).value!)).toBe('event: counted /n 5');
    expect(await take(watch, 1)).toEqual(['event: counted /n 6']);
  });

  it('survives failovers without a gap and without a repeat', async () => {
    const counter = ns.counter('/n');
    await counter.create();
    const watch = ns.watch('/n', { from: 'snapshot' });
    await watch.next();
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 5; i++) await counter.add();
      const primary = cluster.primaryOf('test')!;
      cluster.crash(primary);
      for (let i = 0; i < 5; i++) await counter.add();
      cluster.restart(primary);
      await cluster.run(3000);
    }
    const told = await take(watch, 30);
    expect(told).toEqual(Array.from({ length: 30 }, (_, i) => `event: counted /n ${i + 1}`));
  });

  it('ends with its signal, and with its namespace', async () => {
    const controller = new AbortController();
    const watch = ns.watch('/', { signal: controller.signal });
    const next = watch.next();
    await cluster.run(100);
    controller.abort(new Error('enough'));
    await expect(next).rejects.toMatchObject({ code: 'Interrupted', cause: new Error('enough') });
    await expect(haret.namespace('none').watch('/').next()).rejects.toMatchObject({ code: 'UnknownNamespace' });
    const open = ns.watch('/').next();
    const { seen, stop } = record(ns.counter('/n').live());
    await cluster.run(100);
    ns.leave();
    await expect(open).rejects.toMatchObject({ code: 'Closed' });
    await expect(ns.watch('/').next()).rejects.toMatchObject({ code: 'Closed' });
    expect(seen).toEqual([
      ['live', 0],
      ['failed', 0, 'Closed'],
    ]);
    stop();
  });
});

/** The values that a live handle shows, each time that it changed. */
function record<T>(live: Live<T>): { readonly seen: unknown[]; readonly stop: () => void } {
  const seen: unknown[] = [];
  const stop = live.subscribe(() => {
    const { status, value, error } = live.state;
    seen.push(error === undefined ? [status, value] : [status, value, error.code]);
  });
  return { seen, stop };
}

describe('a live value', () => {
  it('of a blob follows it, through absence and back', async () => {
    const blob = ns.blob('/svc/b', json<{ n: number }>());
    const { seen, stop } = record(blob.live());
    expect(blob.live().state.status).toBe('loading');
    await cluster.run(100);
    await blob.put({ n: 1 });
    await cluster.run(100);
    await blob.put({ n: 2 });
    await cluster.run(100);
    await ns.delete('/svc', { recursive: true });
    await cluster.run(100);
    stop();
    await blob.put({ n: 3 });
    expect(seen).toEqual([
      ['live', undefined],
      ['live', { n: 1 }],
      ['live', { n: 2 }],
      ['live', undefined],
    ]);
    expect(blob.live().state).toMatchObject({ status: 'stale' });
  });

  it('of collections shows them whole', async () => {
    const set = ns.set('/s', text);
    const queue = ns.queue('/q', json<number>());
    const counter = ns.counter('/n');
    await set.insert('b');
    await queue.push(1);
    await counter.create(5);
    const lives = [set.live(), queue.live(), counter.live(), ns.directory().live()] as const;
    const stops = lives.map((live) => live.subscribe(() => undefined));
    await cluster.run(100);
    expect(lives.slice(0, 3).map(({ state }) => state.value)).toEqual([['b'], [1], 5]);
    await set.insert('a');
    await set.insert('c');
    await set.remove('b');
    await queue.push(2);
    await queue.push(3);
    await queue.pop();
    await counter.add(-7);
    await cluster.run(100);
    expect(lives.slice(0, 3).map(({ state }) => state.value)).toEqual([['a', 'c'], [2, 3], -2]);
    expect([...lives[3].state.value!].map(([path, { type, number }]) => [path, type, number])).toEqual([
      ['/', 'directory', null],
      ['/n', 'counter', -2],
      ['/q', 'queue', null],
      ['/s', 'set', null],
    ]);
    for (const stop of stops) stop();
  });

  it('is shared by callers that ask for the same value', () => {
    expect(ns.set('/s', text).live()).toBe(ns.set('/s', text).live());
    expect(ns.set('/s', text).live()).not.toBe(ns.set('/s', json()).live());
    expect(ns.set('/s', text).live()).not.toBe(ns.queue('/s', text).live());
  });

  it('is stale while there is no connection, and live again with the changes that it missed', async () => {
    const counter = ns.counter('/n');
    await counter.add();
    const { seen, stop } = record(counter.live());
    await cluster.run(200);
    cluster.partition(['client1'], cluster.nodes);
    await cluster.run(5000);
    const other = await cluster.connect();
    await other.namespace('test').counter('/n').add();
    cluster.heal();
    await cluster.run(5000);
    stop();
    expect(seen).toEqual([
      ['live', 1],
      ['stale', 1],
      ['live', 1],
      ['live', 2],
    ]);
  });

  it('reports a value that it cannot read, and recovers; a node of another type ends it for good', async () => {
    const blob = ns.blob('/b', json<number>());
    const raw = ns.blob('/b', text);
    await raw.put('1');
    const { seen, stop } = record(blob.live());
    await cluster.run(100);
    await raw.put('{');
    await cluster.run(100);
    await raw.put('2');
    await cluster.run(100);
    stop();
    expect(seen).toEqual([
      ['live', 1],
      ['failed', 1, 'BadValue'],
      ['live', 2],
    ]);
    const wrong = record(ns.counter('/b').live());
    await cluster.run(100);
    expect(wrong.seen).toEqual([['failed', undefined, 'WrongType']]);
    wrong.stop();
  });

  it('is an async iterator of the latest value', async () => {
    const counter = ns.counter('/n');
    const controller = new AbortController();
    const seen: number[] = [];
    const reader = (async () => {
      for await (const value of counter.live().values({ signal: controller.signal })) seen.push(value);
    })();
    await cluster.run(100);
    for (let i = 0; i < 3; i++) await counter.add();
    await cluster.run(100);
    controller.abort();
    await reader;
    expect(seen[0]).toBe(0);
    expect(seen.at(-1)).toBe(3);
    expect([...seen].sort()).toEqual(seen);
  });
});
