import { describe, expect, it } from 'vitest';
import { Tree, validateOperation } from '../../core/tree/tree.ts';
import type { TreeLimits } from '../../core/tree/tree.ts';
import { World, ask, limits } from './world.ts';

function limited(some: Partial<TreeLimits>): World {
  return new World(Tree.empty({ ...limits, ...some }));
}

describe('limits', () => {
  it('on values refuse with name, limit and actual value, before proposing and when applied', () => {
    const world = limited({ maxValueBytes: 4 });
    world.do(ask.create('/b', 'blob'));
    world.do(ask.create('/s', 'set'));
    world.do(ask.create('/q', 'queue'));
    const large = { code: 'LimitExceeded', details: { name: 'maxValueBytes', limit: 4, actual: 5 } };
    for (const operation of [
      ask.create('/x', 'blob', '12345'),
      ask.put('/b', '12345'),
      ask.putIfAbsent('/y', '12345'),
      ask.cas('/b', '', '12345'),
      ask.insert('/s', '12345'),
      ask.push('/q', '12345'),
    ]) {
      expect(world.refused(operation)).toMatchObject(large);
      expect(validateOperation(operation, world.tree.limits)).toMatchObject(large);
    }
    world.do(ask.put('/b', '1234'));
  });

  it('on children hold for directories, sets and queues', () => {
    const world = limited({ maxChildren: 3 });
    world.do(ask.create('/d', 'directory'));
    world.do(ask.create('/s', 'set'));
    world.do(ask.create('/q', 'queue'));
    expect(world.refused(ask.create('/x', 'blob')).details).toMatchObject({ name: 'maxChildren', limit: 3, actual: 4 });
    for (const item of '123') {
      world.do(ask.insert('/s', item));
      world.do(ask.push('/q', item));
    }
    expect(world.refused(ask.insert('/s', '4')).code).toBe('LimitExceeded');
    expect(world.refused(ask.push('/q', '4')).code).toBe('LimitExceeded');
    expect(world.do(ask.insert('/s', '3'))).toMatchObject({ truth: false });
    world.do(ask.pop('/q'));
    world.do(ask.push('/q', '4'));
  });

  it('on keys and bytes refuse growth, and nothing else', () => {
    const world = limited({ maxKeys: 3, maxBytes: 40 });
    world.do(ask.create('/a/b', 'blob', 'x'.repeat(30)));
    expect(world.refused(ask.create('/a/c/d', 'blob')).details).toMatchObject({ name: 'maxNamespaceKeys', actual: 4 });
    expect(world.refused(ask.put('/a/b', 'x'.repeat(39))).details).toMatchObject({
      name: 'maxNamespaceBytes',
      limit: 40,
      actual: 41,
    });
    world.tree = world.tree.withLimits({ ...limits, maxKeys: 1, maxBytes: 10 });
    world.do(ask.put('/a/b', 'x'.repeat(20)));
    expect(world.refused(ask.put('/a/b', 'x'.repeat(21))).code).toBe('LimitExceeded');
    world.do(ask.delete('/a/b'));
    expect(world.tree.bytes).toBe(1);
  });

  it('on work refuse a small request that would look at millions of members', () => {
    const world = new World();
    world.do(ask.create('/a', 'set'));
    world.do(ask.create('/b', 'set'));
    const members = Array.from({ length: 900 }, (_, i) => `${i}`);
    world.do(
      ask.txn(
        [],
        members.map((member) => ask.insert('/a', member)),
      ),
    );
    world.do(
      ask.txn(
        [],
        members.map((member) => ask.insert('/b', `no ${member}`)),
      ),
    );
    const compare = { kind: 'setIntersection', paths: ['/a', '/b'] } as const;
    const times = (count: number) =>
      ask.txn(
        [],
        Array.from({ length: count }, () => compare),
      );
    world.tree = world.tree.withLimits({ ...limits, maxTransactionItems: 10_000 });
    expect(world.do(times(200))).toMatchObject({ held: true });
    expect(world.refused(times(1000)).details).toMatchObject({ name: 'maxSteps', limit: 1_000_000, part: 'then' });
  });

  it('on transactions count guards and both branches, and all answers together', () => {
    const world = limited({ maxTransactionItems: 3, maxResultBytes: 10 });
    world.do(ask.create('/b', 'blob', '12345678'));
    const many = ask.txn([{ kind: 'exists', path: '/b' }], [ask.get('/b'), ask.get('/b')], [ask.get('/b')]);
    expect(world.refused(many).details).toMatchObject({ name: 'maxTransactionItems', limit: 3, actual: 4 });
    expect(validateOperation(many, world.tree.limits)?.code).toBe('LimitExceeded');
    expect(world.refused(ask.stat('/b')).details).toMatchObject({ name: 'maxResultBytes', limit: 10 });
    expect(world.refused({ kind: 'largest', path: '/', limit: 1 }).details).toMatchObject({ name: 'maxResultBytes' });
    expect(world.refused(ask.txn([], [ask.get('/b'), ask.get('/b')])).details).toMatchObject({
      name: 'maxResultBytes',
      actual: 16,
      index: 1,
    });
  });
});
