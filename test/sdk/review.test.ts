/**
 * Faults that a review of the client found, tested through the SDK: lost values, late refusals, and callers that
 * disturb others.
 */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Codec, Haret, Namespace, Watch, WatchUpdate } from '../../browser-client/index.ts';
import { bytes, json, superjson, text } from '../../browser-client/index.ts';
import { useValue } from '../../browser-client/react.ts';
import { simulate } from '../../browser-client/testing.ts';
import type { SimulatedCluster } from '../../browser-client/testing.ts';
import { endOf } from './ends.ts';

type Subscribe = (listener: () => void) => () => void;

/** The state that React keeps for the rendered component. */
const react = vi.hoisted(() => ({
  ref: null as { current: unknown } | null,
  subscribe: null as ((listener: () => void) => () => void) | null,
}));

vi.mock('react', () => ({
  useRef: (current: unknown) => (react.ref ??= { current }),
  useSyncExternalStore: (subscribe: Subscribe, snapshot: () => unknown) => {
    react.subscribe = subscribe;
    return snapshot();
  },
}));

/**
 * A component with one hook, as React renders it. It subscribes again when it is given another function to subscribe
 * with.
 */
class Component<T> {
  #ref: { current: unknown } | null = null;
  #subscribe: Subscribe | null = null;
  #stop = (): void => undefined;

  render(hook: () => T): T {
    react.ref = this.#ref;
    const value = hook();
    this.#ref = react.ref;
    if (react.subscribe !== this.#subscribe) {
      this.#stop();
      this.#subscribe = react.subscribe;
      this.#stop = this.#subscribe!(() => undefined);
    }
    return value;
  }

  unmount(): void {
    this.#stop();
  }
}

let cluster: SimulatedCluster;
let haret: Haret;
let ns: Namespace;

beforeEach(async () => {
  cluster = simulate({ seed: 5, namespaces: ['test', 'other'] });
  haret = await cluster.connect();
  ns = haret.namespace('test');
});

afterEach(async () => {
  await cluster.close();
});

/** Makes all calls at once. @returns those that were not refused with `BadArgument`, and how they ended. */
async function unrefusedOf(calls: Readonly<Record<string, () => Promise<unknown>>>): Promise<string[]> {
  const ends = Object.entries(calls).map(async ([what, call]) => `${what}: ${await endOf(call())}`);
  return (await Promise.all(ends)).filter((end) => !end.endsWith(': BadArgument definite'));
}

/** The errors that are reported as uncaught while `story` runs. The runner would count them as failures. */
async function uncaughtIn(story: () => Promise<void>): Promise<string[]> {
  const caught: string[] = [];
  const catches = (error: Error): void => void caught.push(error.message);
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', catches);
  try {
    await story();
  } finally {
    process.off('uncaughtException', catches);
    for (const other of others) process.on('uncaughtException', other);
  }
  return caught;
}

async function opsOf(watch: Watch<WatchUpdate>, count: number): Promise<number[]> {
  const ops: number[] = [];
  while (ops.length < count) ops.push((await watch.next()).value!.op);
  return ops;
}

describe('a namespace that is left', () => {
  it('keeps its writes: none goes to the namespace that replaces it', async () => {
    const put = endOf(ns.blob('/x', text).put('for test', { ifAbsent: true }));
    ns.leave();
    const other = haret.namespace('other');
    expect(await other.blob('/y', text).get()).toBeUndefined();
    expect(await put).toBe('Closed definite');
    const check = await cluster.connect();
    for (const name of ['test', 'other']) {
      expect(await check.namespace(name).blob('/x', text).get()).toBeUndefined();
    }
  });

  it('keeps its op numbers: a late answer does not count in the namespace that replaces it', async () => {
    const counter = ns.counter('/n');
    for (let i = 0; i < 50; i++) await counter.add();
    const late = counter.add();
    ns.leave();
    const other = haret.namespace('other');
    expect(await late).toBe(51);
    expect(other.lastOp).toBe(0);
    expect(await other.counter('/n').get({ read: { atLeast: other.lastOp } })).toBe(0);
  });
});

describe.each(['binary', 'superjson'] as const)('a value that no message can hold, over %s,', (codec) => {
  beforeEach(async () => {
    haret = await cluster.connect({ codec });
    ns = haret.namespace('test');
    await ns.ready();
  });

  it('is refused as BadArgument, and costs other calls nothing', async () => {
    const counter = ns.counter('/n');
    await counter.create(10);
    const states: string[] = [];
    haret.on('state', (state) => states.push(state));
    const began = cluster.nowMs;
    const going = counter.add();
    const root = ns.directory('/');
    const unrefused = await unrefusedOf({
      'add(Infinity)': () => counter.add(Infinity),
      'add(NaN)': () => counter.add(NaN),
      'add(1.5)': () => counter.add(1.5),
      'add(2^60)': () => counter.add(2 ** 60),
      'pageSize 0': () => root.entries({ pageSize: 0 }).toArray(),
      'pageSize -1': () => root.entries({ pageSize: -1 }).toArray(),
      'pageSize Infinity': () => root.entries({ pageSize: Infinity }).toArray(),
      'a lone surrogate': () => ns.blob('/\ud800', text).put('x'),
      'a path too long': () => ns.blob(`/${'x'.repeat(4096)}`, text).put('x'),
      'atLeast -1': () => counter.get({ read: { atLeast: -1 } }),
      'atLeast NaN': () => counter.get({ read: { atLeast: NaN } }),
    });
    expect(unrefused).toEqual([]);
    expect(await going).toBe(11);
    expect(await counter.add()).toBe(12);
    expect(cluster.nowMs - began).toBeLessThan(100);
    expect(haret.state).toBe('ready');
    expect(states).toEqual([]);
  });

  it('guards nothing: with an invalid version, nothing is deleted', async () => {
    const blob = ns.blob('/x', text);
    await blob.put('precious');
    for (const ifVersion of [NaN, 0.5, -1, Infinity]) {
      expect(await endOf(blob.delete({ ifVersion }))).toBe('BadArgument definite');
      expect(await endOf(blob.put('lost', { ifVersion }))).toBe('BadArgument definite');
    }
    expect(await blob.get()).toBe('precious');
    expect(await blob.delete({ ifVersion: 0 })).toBe(true);
  });

  it('ends a watch, and nothing else', async () => {
    const states: string[] = [];
    haret.on('state', (state) => states.push(state));
    const other = ns.watch('/', { from: 'snapshot' });
    await other.next();
    const unrefused = await unrefusedOf({
      'after -1': () => ns.watch('/', { from: { after: -1 } }).next(),
      'after NaN': () => ns.watch('/', { from: { after: NaN } }).next(),
      'a path too long': () => ns.watch(`/${'x'.repeat(4096)}`).next(),
      'a lone surrogate': () => ns.watch('/\ud800').next(),
      'atLeast 0.5': () => ns.watch('/', { read: { atLeast: 0.5 } }).next(),
    });
    expect(unrefused).toEqual([]);
    const { op } = await ns.blob('/x', text).put('1');
    expect(await opsOf(other, 1)).toEqual([op]);
    expect(states).toEqual([]);
  });

  it('is refused when a codec does not return bytes, before anything is sent', async () => {
    const wrong = { name: 'wrong', encode: (value: unknown) => JSON.stringify(value), decode: () => undefined };
    const blob = ns.blob('/x', wrong as unknown as Codec<unknown>);
    expect(await endOf(blob.put(123))).toBe('BadValue definite');
    expect(await endOf(blob.create(123))).toBe('BadValue definite');
    expect(await ns.exists('/x')).toBe(false);
  });

  it('is refused when it does not fit its codec', async () => {
    const wrong = (value: unknown): never => value as never;
    for (const value of [undefined, null, 5, {}, '\ud800']) {
      expect(await endOf(ns.blob('/t', text).put(wrong(value)))).toBe('BadValue definite');
    }
    for (const value of [undefined, 'text', 5, new Uint16Array([1000]), new ArrayBuffer(4)]) {
      expect(await endOf(ns.blob('/t', bytes).put(wrong(value)))).toBe('BadValue definite');
    }
    expect(await endOf(ns.blob('/t', superjson<unknown>()).put(() => 1))).toBe('BadValue definite');
    expect(await ns.exists('/t')).toBe(false);
  });

  it('is refused as a path, a name or a signal, and no listener stays on a signal', async () => {
    const wrong = (value: unknown): never => value as never;
    for (const path of [undefined, null, 5]) {
      expect(await endOf(ns.counter(wrong(path)).get())).toBe('BadArgument definite');
      expect(await endOf(ns.exists(wrong(path)))).toBe('BadArgument definite');
    }
    for (const name of [undefined, null, 5, 'a b']) {
      expect(() => haret.namespace(wrong(name))).toThrow(expect.objectContaining({ code: 'BadName' }));
    }
    await expect(cluster.connect({ name: wrong(5) })).rejects.toMatchObject({ code: 'BadArgument' });
    await expect(ns.counter('/n').get({ signal: wrong({}) })).rejects.toThrow(TypeError);
    const { signal } = new AbortController();
    const add = vi.spyOn(signal, 'addEventListener');
    const remove = vi.spyOn(signal, 'removeEventListener');
    expect(await endOf(ns.counter('/n').add(NaN, { signal }))).toBe('BadArgument definite');
    expect(remove).toHaveBeenCalledTimes(add.mock.calls.length);
  });

  it('does not include minus zero, which is zero', async () => {
    const counter = ns.counter('/n');
    await counter.add(5);
    expect(await counter.add(-0)).toBe(5);
  });
});

describe('a value that is written', () => {
  it('is the value at the time of the call', async () => {
    const value = { n: 1 };
    const raw = new Uint8Array([1]);
    const [blob, queue, block] = [
      ns.blob('/new', json<{ n: number }>()),
      ns.queue('/q', bytes),
      ns.blob('/raw', bytes),
    ];
    // These wait until the namespace is entered.
    const early = [blob.put(value), queue.push(raw), block.put(raw)];
    value.n = raw[0] = 2;
    await Promise.all(early);
    expect(await blob.get()).toEqual({ n: 1 });
    expect(await queue.pop()).toEqual(new Uint8Array([1]));
    expect(await block.get()).toEqual(new Uint8Array([1]));
    // A put where no node exists becomes a create, even while it waits.
    await ns.delete('/new');
    const late = [blob.put(value), queue.push(raw), block.put(raw)];
    value.n = raw[0] = 3;
    await Promise.all(late);
    expect(await blob.get()).toEqual({ n: 2 });
    expect(await queue.pop()).toEqual(new Uint8Array([2]));
    expect(await block.get()).toEqual(new Uint8Array([2]));
  });

  it('may be written although its result cannot be read: that is definite only for reads', async () => {
    await ns.blob('/bad', text).put('no json');
    const counter = ns.counter('/n');
    await counter.create();
    const get = ns.blob('/bad', json<number>()).op.get();
    expect(await endOf(ns.txn().do(counter.op.add(1), get).commit())).toBe('BadValue unknown');
    expect(await counter.get()).toBe(1);
    expect(await endOf(ns.txn().do(counter.op.get(), get).commit())).toBe('BadValue definite');
  });
});

describe('a watch', () => {
  it('for which there is no room ends at once, as Overloaded', async () => {
    const full = (await cluster.connect({ maxOutstanding: 1 })).namespace('test');
    const put = full.blob('/x', text).put('1');
    const began = cluster.nowMs;
    expect(await endOf(full.watch('/').next())).toBe('Overloaded definite');
    expect(cluster.nowMs).toBe(began);
    expect((await put).version).toBe(0);
  }, 5000);
});

describe('a watch of which several updates are asked for at once', () => {
  it('tells them in the order in which they were asked for', async () => {
    const n = ns.counter('/n');
    await n.create();
    const watch = ns.watch('/n');
    // The message that it has begun goes to the first of them, which has no use for it.
    const asked = [watch.next(), watch.next(), watch.next()];
    await cluster.run(1000);
    for (let i = 0; i < 3; i++) await n.add();
    const ops = (await Promise.all(asked)).map(({ value }) => value?.op ?? 0);
    expect(ops).toEqual(ops.toSorted((a, b) => a - b));
    expect(new Set(ops).size).toBe(3);
    await watch.return();
  });
});

describe('a live value', () => {
  it('is back when a node of its type replaces one of another type', async () => {
    const blob = ns.blob('/b', text);
    await blob.put('first');
    const live = blob.live();
    const stop = live.subscribe(() => undefined);
    await cluster.until(() => live.state.status === 'live');
    await blob.delete();
    await ns.counter('/b').create(3);
    await cluster.until(() => live.state.status === 'failed');
    expect(live.state).toMatchObject({ status: 'failed', error: { code: 'WrongType' } });
    await ns.counter('/b').add();
    await ns.delete('/b');
    await blob.put('second');
    await cluster.until(() => live.state.status === 'live');
    expect(live.state.value).toBe('second');
    stop();
  });

  it('serves the next reader after it failed', async () => {
    const live = ns.blob('/x', json<number>()).live();
    const first = async (): Promise<number | undefined> => {
      for await (const value of live) return value;
      return undefined;
    };
    await ns.blob('/x', text).put('no json');
    expect(await endOf(first())).toBe('BadValue definite');
    expect(live.state.status).toBe('failed');
    await ns.blob('/x', text).put('7');
    expect(await first()).toBe(7);
  });

  it('whose listener throws keeps no event from other listeners', async () => {
    const blob = ns.blob('/a', text);
    await blob.put('0');
    let angry = false;
    let heard = 0;
    const live = blob.live();
    const stops = [
      live.subscribe(() => {
        if (angry) throw new Error('a listener’s own');
      }),
      live.subscribe(() => heard++),
    ];
    const watch = ns.watch('/');
    const ops = opsOf(watch, 3);
    await cluster.run(200);
    const caught = await uncaughtIn(async () => {
      angry = true;
      heard = 0;
      const puts = await Promise.all(['1', '2', '3'].map((value) => blob.put(value)));
      expect(await ops).toEqual(puts.map(({ op }) => op));
      await cluster.run(200);
    });
    expect(live.state).toMatchObject({ status: 'live', value: '3' });
    expect(heard).toBe(3);
    expect(caught).toEqual(Array(3).fill('a listener’s own'));
    for (const stop of stops) stop();
    await watch.return();
  });

  it('whose listener throws does not keep its client from closing', async () => {
    const counter = ns.counter('/n');
    await counter.add();
    let closing = false;
    const stop = counter.live().subscribe(() => {
      if (closing) throw new Error('a listener’s own');
    });
    await cluster.run(200);
    cluster.partition(...cluster.nodes.map((name) => [name]));
    const underWay = endOf(counter.add(1, { timeoutMs: 60_000 }));
    const caught = await uncaughtIn(async () => {
      closing = true;
      await haret.close();
      expect(await underWay).toBe('Closed unknown');
      await haret.close();
    });
    expect(haret.state).toBe('closed');
    expect(caught.length).toBeGreaterThan(0);
    stop();
  });
});

describe('useValue', () => {
  it('follows its handle to another namespace', async () => {
    const other = haret.namespace('other');
    await ns.counter('/n').add(1);
    await other.counter('/n').add(2);
    const component = new Component<unknown>();
    const show = async (of: Namespace): Promise<unknown> => {
      component.render(() => useValue(of.counter('/n')));
      await cluster.run(200);
      return component.render(() => useValue(of.counter('/n')).value);
    };
    expect([await show(ns), await show(other), await show(ns)]).toEqual([1, 2, 1]);
    component.unmount();
  });

  it('stays with its path when each render makes a codec of its own', async () => {
    await ns.blob('/x', json<number>()).put(1);
    const component = new Component<string>();
    const seen: string[] = [];
    for (let i = 0; i < 4; i++) {
      seen.push(component.render(() => useValue(ns.blob('/x', json<number>())).status));
      await cluster.run(200);
    }
    expect(seen).toEqual(['loading', 'live', 'live', 'live']);
    component.unmount();
  });
});

describe('the state', () => {
  it('is told in its order: no listener is told an older state after a newer one', async () => {
    await ns.ready();
    const told: string[] = [];
    haret.on('state', () => void haret.close());
    haret.on('state', (state) => told.push(state));
    for (const node of cluster.nodes) cluster.crash(node);
    await cluster.run(3000);
    expect(haret.state).toBe('closed');
    expect(told).toEqual(['closed']);
  });
});

describe('the time of a simulated cluster', () => {
  it('passes where nothing happens', async () => {
    await haret.close();
    for (const node of cluster.nodes) cluster.crash(node);
    const began = cluster.nowMs;
    await cluster.run(1000);
    expect(cluster.nowMs - began).toBe(1000);
    await expect(cluster.until(() => false, 500)).rejects.toThrow('500 virtual milliseconds');
    expect(cluster.nowMs - began).toBe(1500);
    await expect(cluster.run(NaN)).rejects.toThrow(RangeError);
  }, 5000);
});
