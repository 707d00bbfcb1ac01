import { describe, expect, it } from 'vitest';
import { utf8 } from '../../core/base/bytes.ts';
import type { Guard } from '../../core/tree/operation.ts';
import { World, ask } from './world.ts';

function holds(world: World, ...guards: readonly Guard[]): boolean {
  const result = world.do(ask.txn(guards, []));
  return result.kind === 'transaction' && result.held;
}

describe('guards', () => {
  it('hold on the root as on any other node', () => {
    const world = new World();
    expect(holds(world, { kind: 'version', path: '/', version: 0 })).toBe(true);
    world.do(ask.create('/a', 'blob'));
    expect(holds(world, { kind: 'version', path: '/', version: 0 })).toBe(false);
    expect(holds(world, { kind: 'version', path: '/', version: 1 })).toBe(true);
    expect(holds(world, { kind: 'exists', path: '/' }, { kind: 'type', path: '/', type: 'directory' })).toBe(true);
  });

  it('on /foo and /foobar/x are each judged at their own path', () => {
    const world = new World();
    world.do(ask.create('/foo', 'blob'));
    world.do(ask.create('/foobar/x', 'blob'));
    world.do(ask.put('/foobar/x', 'v'));
    const at = (foo: number, x: number): boolean =>
      holds(world, { kind: 'version', path: '/foo', version: foo }, { kind: 'version', path: '/foobar/x', version: x });
    expect([at(0, 1), at(1, 0), at(0, 0), at(1, 1)]).toEqual([true, false, false, false]);
  });

  it('that contradict each other on one path fail, whichever comes first', () => {
    const world = new World();
    world.do(ask.create('/a', 'blob'));
    const zero = { kind: 'version', path: '/a', version: 0 } as const;
    const one = { kind: 'version', path: '/a', version: 1 } as const;
    expect([holds(world, zero, one), holds(world, one, zero), holds(world, zero, zero)]).toEqual([false, false, true]);
    expect(holds(world, { kind: 'exists', path: '/a' }, { kind: 'absent', path: '/a' })).toBe(false);
  });

  it('on `created` or `modified` notice that a node was deleted and created again', () => {
    const world = new World();
    world.do(ask.create('/a', 'blob'));
    const { created, modified, version } = world.stat('/a');
    const byCreated = { kind: 'created', path: '/a', op: created } as const;
    const byModified = { kind: 'modified', path: '/a', op: modified } as const;
    expect(holds(world, byCreated, byModified)).toBe(true);
    world.do(ask.delete('/a'));
    world.do(ask.create('/a', 'blob'));
    expect(world.stat('/a').version).toBe(version);
    expect([holds(world, byCreated), holds(world, byModified)]).toEqual([false, false]);
  });

  it('on `modified` of a directory notice a change anywhere beneath', () => {
    const world = new World();
    world.do(ask.create('/d/e/f', 'blob'));
    const guard = { kind: 'modified', path: '/d', op: world.stat('/d').modified } as const;
    expect(holds(world, guard)).toBe(true);
    world.do(ask.put('/d/e/f', 'x'));
    expect(holds(world, guard)).toBe(false);
  });

  it('ask for type, value, size and members, and are false when the node is of another type or absent', () => {
    const world = new World();
    world.do(ask.create('/b', 'blob', 'value'));
    world.do(ask.create('/s', 'set'));
    world.do(ask.insert('/s', 'm'));
    const verdicts: [Guard, boolean][] = [
      [{ kind: 'type', path: '/b', type: 'blob' }, true],
      [{ kind: 'type', path: '/b', type: 'set' }, false],
      [{ kind: 'blobValue', path: '/b', value: utf8('value') }, true],
      [{ kind: 'blobValue', path: '/b', value: utf8('valuf') }, false],
      [{ kind: 'blobValue', path: '/s', value: utf8('m') }, false],
      [{ kind: 'blobSize', path: '/b', size: 5 }, true],
      [{ kind: 'blobSize', path: '/b', size: 4 }, false],
      [{ kind: 'setMember', path: '/s', member: utf8('m') }, true],
      [{ kind: 'setMember', path: '/s', member: utf8('n') }, false],
      [{ kind: 'setMember', path: '/b', member: utf8('value') }, false],
      [{ kind: 'absent', path: '/none' }, true],
      [{ kind: 'absent', path: '/b' }, false],
      [{ kind: 'absent', path: '/b/beneath' }, true],
      [{ kind: 'exists', path: '/b/beneath' }, false],
      [{ kind: 'version', path: '/none', version: 0 }, false],
      [{ kind: 'held', path: '/b', token: 1 }, false],
    ];
    for (const [guard, verdict] of verdicts) expect([guard, holds(world, guard)]).toEqual([guard, verdict]);
    expect(
      world.refused(
        ask.txn(
          [
            { kind: 'absent', path: '/none' },
            { kind: 'absent', path: 'x' },
          ],
          [],
        ),
      ),
    ).toMatchObject({
      code: 'PathNotAbsolute',
      details: { part: 'guards', index: 1 },
    });
  });

  it('are judged in the state before the transaction', () => {
    const world = new World();
    const guard = { kind: 'absent', path: '/a' } as const;
    const result = world.do(ask.txn([guard], [ask.create('/a', 'blob'), ask.put('/a', 'x')]));
    expect(result).toMatchObject({ held: true, results: [{ version: 0 }, { version: 1 }] });
  });
});

describe('a transaction', () => {
  it('runs the other branch when a guard does not hold', () => {
    const world = new World();
    world.do(ask.create('/b', 'blob', 'old'));
    const transaction = ask.txn([{ kind: 'version', path: '/b', version: 7 }], [ask.put('/b', 'new')], [ask.get('/b')]);
    expect(world.do(transaction)).toEqual({
      kind: 'transaction',
      held: false,
      results: [{ kind: 'value', value: utf8('old'), version: 0 }],
    });
    expect(world.do(ask.txn([{ kind: 'absent', path: '/b' }], [ask.put('/b', 'new')]))).toMatchObject({
      held: false,
      results: [],
    });
  });

  it('shows each operation the effects of those before it, and each change adds 1', () => {
    const world = new World();
    world.do(ask.create('/d', 'directory'));
    const result = world.do(
      ask.txn([], [ask.create('/d/q', 'queue'), ask.push('/d/q', 'x'), ask.pop('/d/q'), ask.pop('/d/q')]),
    );
    expect(result).toMatchObject({
      results: [{ version: 0 }, { version: 1 }, { value: utf8('x'), version: 2 }, { value: null, version: 2 }],
    });
    expect(world.versions('/', '/d', '/d/q')).toEqual([4, 3, 2]);
    expect(world.stat('/d/q')).toMatchObject({ created: world.op, modified: world.op });
  });

  it('undoes everything when one operation fails, and says which', () => {
    const world = new World();
    world.do(ask.create('/a', 'blob', 'kept'));
    const error = world.refused(
      ask.txn([], [ask.put('/a', 'lost'), ask.create('/b', 'set'), ask.put('/none', 'x'), ask.create('/c', 'set')]),
    );
    expect(error).toMatchObject({
      code: 'PathNotFound',
      message: 'Path Does not exist: /none',
      details: { part: 'then', index: 2, path: '/none' },
    });
    expect(world.text(ask.get('/a'))).toBe('kept');
    expect(world.paths()).toEqual(['/', '/a']);
    expect(world.versions('/', '/a')).toEqual([1, 0]);
  });

  it('that only reads is answered without the log, and any other is not', () => {
    const world = new World();
    world.do(ask.create('/a', 'blob', 'x'));
    expect(world.tree.read(ask.txn([{ kind: 'exists', path: '/a' }], [ask.get('/a')]))).toMatchObject({ ok: true });
    for (const operation of [ask.put('/a', 'y'), ask.txn([], [], [ask.put('/a', 'y')])])
      expect(world.tree.read(operation)).toMatchObject({ ok: false, error: { code: 'BadArgument' } });
  });
});
