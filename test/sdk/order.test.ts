/**
 * Calls that one client makes in order, without waiting, take effect in this order, whatever they are for, and whether
 * or not their nodes exist yet.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Haret, Namespace } from '../../browser-client/index.ts';
import { json, text } from '../../browser-client/index.ts';
import { simulate } from '../../browser-client/testing.ts';
import type { SimulatedCluster } from '../../browser-client/testing.ts';
import { endOf } from './ends.ts';

let cluster: SimulatedCluster;
let haret: Haret;
let ns: Namespace;

beforeEach(async () => {
  cluster = simulate({ seed: 8 });
  haret = await cluster.connect({ host: 'app' });
  ns = haret.namespace('test');
});

afterEach(async () => {
  await cluster.close();
});

const six = [1, 2, 3, 4, 5, 6];

/**
 * For each call that makes its node: the call, made six times without waiting, then the final content, and the ops of
 * the answers.
 */
const bursts: Readonly<Record<string, (at: Namespace, path: string) => [Promise<unknown>[], () => Promise<unknown>]>> =
  {
    'puts of a blob': (at, path) => {
      const blob = at.blob(path, json<number>());
      return [six.map((n) => blob.put(n)), () => blob.get()];
    },
    'pushes of a queue': (at, path) => {
      const queue = at.queue(path, json<number>());
      return [six.map((n) => queue.push(n)), () => queue.items().toArray()];
    },
    'inserts and removals of a set': (at, path) => {
      const set = at.set(path, json<number>());
      const asked = [set.insert(1), set.remove(1), set.insert(2), set.insert(1), set.remove(2), set.insert(3)];
      return [asked, () => set.members().toArray()];
    },
    'additions of a counter': (at, path) => {
      const counter = at.counter(path);
      return [six.map((n) => counter.add(n)), () => counter.get()];
    },
  };
const ends: Readonly<Record<string, unknown>> = {
  'puts of a blob': 6,
  'pushes of a queue': six,
  'inserts and removals of a set': [1, 3],
  'additions of a counter': 21,
};

describe('six calls that are not waited for', () => {
  it.each(Object.keys(bursts))('%s that does not exist yet happen in their order', async (kind) => {
    await ns.ready();
    for (let round = 0; round < 10; round++) {
      const [asked, result] = bursts[kind]!(ns, `/new/${round}`);
      await Promise.all(asked);
      expect(await result()).toEqual(ends[kind]);
    }
  });

  it.each(Object.keys(bursts))(
    '%s happen in their order before the namespace is entered, and after it',
    async (kind) => {
      const fresh = (await cluster.connect({ host: 'fresh' })).namespace('test');
      const [asked, result] = bursts[kind]!(fresh, '/first');
      await Promise.all(asked);
      expect(await result()).toEqual(ends[kind]);
    },
  );

  it('keep their order while one enters the namespace, and so do calls as soon as it is entered', async () => {
    const fresh = (await cluster.connect({ host: 'fresh' })).namespace('test');
    const log = fresh.queue('/log', json<number>());
    const asked: Promise<unknown>[] = [];
    // A caller that waits for the namespace continues as soon as it is entered. Earlier calls come first.
    const ready = fresh.ready().then(() => asked.push(log.push(4)));
    asked.push(log.push(1), log.push(2), log.push(3));
    await ready;
    await Promise.all(asked);
    expect(await log.items().toArray()).toEqual([1, 2, 3, 4]);
  });

  it('keep their order when the namespace is left and entered again, and none goes to the wrong one', async () => {
    const blob = ns.blob('/x', text);
    const lost = endOf(blob.put('before'));
    ns.leave();
    expect(await lost).toBe('Closed definite');
    const again = haret.namespace('test').blob('/x', text);
    await Promise.all([again.put('1'), again.put('2')]);
    expect(await again.get()).toBe('2');
  });

  it('are one entry of the log each, with the first one', async () => {
    const queue = ns.queue('/q', text);
    const blob = ns.blob('/b', text);
    await ns.ready();
    const first = await blob.put('0');
    const asked = [blob.put('1'), ns.blob('/c', text).put('2'), queue.push('3'), queue.push('4')];
    const ops = (await Promise.all(asked)).map(({ op }) => op - first.op);
    expect(ops).toEqual([1, 2, 3, 4]);
  });

  it('are told to a watch as a node that is made, and then changed', async () => {
    const watch = ns.watch('/', { from: 'now' });
    const told = watch.next();
    await ns.counter('/elsewhere').add();
    expect((await told).value?.changes.map(({ path, kind }) => `${kind} ${path}`)).toEqual([
      'created /elsewhere',
      'counted /elsewhere',
    ]);
    await ns.blob('/deep/er', text).put('x');
    const { changes } = (await watch.next()).value!;
    expect(changes.map(({ path, kind }) => `${kind} ${path}`)).toEqual(['created /deep', 'created /deep/er']);
    await watch.return();
  });

  it('leave no node when the values that they add are refused', async () => {
    const queue = ns.queue('/too/large', text);
    expect(await endOf(queue.push('x'.repeat(2 * 1024 * 1024)))).toBe('LimitExceeded definite');
    expect(await ns.exists('/too')).toBe(false);
    await ns.counter('/n').add();
    expect(await endOf(ns.blob('/n', text).put('x'))).toBe('WrongType definite');
    expect(await endOf(ns.blob('/n/x', text).put('x'))).toBe('PathMustBeDirectory definite');
  });
});

describe('the op after which a watch can continue', () => {
  it('does not exist before the snapshot is whole, and then no change is lost', async () => {
    // It is large enough for several pages.
    const value = 'v'.repeat(100_000);
    const keys = Array.from({ length: 12 }, (_, i) => `/w/${String.fromCharCode(97 + i)}`);
    await Promise.all(keys.map((key) => ns.blob(key, text).put(value)));
    const watch = ns.watch('/w', { from: 'snapshot' });
    expect(watch.op).toBeNull();
    let pages = 0;
    for (;;) {
      const { value: page } = await watch.next();
      pages++;
      if (page?.kind !== 'snapshot' || page.last) break;
      expect(watch.op).toBeNull();
    }
    expect(pages).toBeGreaterThan(1);
    const { op } = watch;
    await watch.return();
    await ns.blob('/w/z', text).put('later');
    const next = ns.watch('/w', { from: { after: op! } });
    expect((await next.next()).value?.changes.map(({ path }) => path)).toEqual(['/w/z']);
    await next.return();
  });
});
