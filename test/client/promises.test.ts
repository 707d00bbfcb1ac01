/** Promises over the engine: results, typed errors, and abandoning with a signal. */

import { describe, expect, it } from 'vitest';
import { HaretError, errorInfo } from '../../core/base/errors.ts';
import { PromiseClient } from '../../core/client/promises.ts';
import { FakeNode, World, get, put, resultOf, startClient } from './world.ts';

async function inWorld<T>(world: World, promise: Promise<T>, ms = 0): Promise<T> {
  world.settle();
  world.pass(ms);
  return promise;
}

function start() {
  const world = new World();
  const node = new FakeNode(world, 'a:1');
  const { client } = startClient(world);
  return { world, node, promises: new PromiseClient(client) };
}

describe('the promises', () => {
  it('carry the results of the engine', async () => {
    const { world, promises } = start();
    await inWorld(world, promises.connected());
    expect(await inWorld(world, promises.listNamespaces())).toEqual(['test-ns']);
    expect(await inWorld(world, promises.enter('test-ns'))).toMatchObject({ namespaceId: 1 });
    expect(await inWorld(world, promises.execute(put('/a')))).toMatchObject({ view: 1 });
    expect(await inWorld(world, promises.run(get('/a'), { consistency: 'local' }))).toMatchObject({ kind: 'done' });
    expect(await inWorld(world, promises.ping())).toBe(0);
  });

  it('reject with a HaretError, also for an operation that was executed and failed', async () => {
    const { world, node, promises } = start();
    await expect(inWorld(world, promises.enter('nowhere'))).rejects.toBeInstanceOf(HaretError);
    await inWorld(world, promises.enter('test-ns'));
    node.read = (connection, { id }) => {
      const error = errorInfo('PathNotFound', 'Path Does not exist: /a', { path: '/a' });
      connection.send(resultOf(id, { epoch: 1, view: 1, op: 7, answer: { kind: 'error', error } }));
    };
    await expect(inWorld(world, promises.run(get('/a')))).rejects.toMatchObject({ code: 'PathNotFound' });
    expect((await inWorld(world, promises.execute(get('/a')))).answer.kind).toBe('error');
  });

  it('can be abandoned with a signal, before or after the call is made', async () => {
    const { world, node, promises } = start();
    await inWorld(world, promises.enter('test-ns'));
    node.read = () => undefined;
    const controller = new AbortController();
    const read = promises.execute(get('/a'), { signal: controller.signal });
    world.settle();
    controller.abort();
    await expect(read).rejects.toMatchObject({ code: 'Interrupted', outcome: 'definite' });
    await expect(inWorld(world, promises.execute(get('/a'), { signal: controller.signal }))).rejects.toMatchObject({
      code: 'Interrupted',
    });
  });

  it('pass consistency on to the node', async () => {
    const { world, node, promises } = start();
    await inWorld(world, promises.enter('test-ns'));
    for (const consistency of ['linearizable', 'local', { atLeast: 42 }] as const) {
      await inWorld(world, promises.execute(get('/a'), { consistency }));
    }
    expect(node.heard('read').map(({ consistency }) => consistency)).toEqual([
      { kind: 'linearizable' },
      { kind: 'local' },
      { kind: 'atLeast', op: 42 },
    ]);
  });
});
