import { describe, expect, it } from 'vitest';
import { utf8 } from '../../core/base/bytes.ts';
import type { Operation } from '../../core/tree/operation.ts';
import { World, ask } from './world.ts';

describe('creating and deleting', () => {
  it('makes missing directories, and an error names the path that was asked for', () => {
    const world = new World();
    world.do(ask.create('/some/other/node', 'set'));
    expect(world.paths()).toEqual(['/', '/some', '/some/other', '/some/other/node']);
    expect(world.refused(ask.create('/some/other', 'blob')).message).toBe('Path Already exists: /some/other');
    expect(world.refused(ask.create('/', 'directory')).message).toBe('Path Already exists: /');
    expect(world.refused(ask.get('/some/none/at/all')).message).toBe('Path Does not exist: /some/none/at/all');
    expect(world.refused(ask.get('/some/other')).message).toBe('Wrong type');
    expect(world.refused(ask.create('/some/other/node/x/y', 'blob')).message).toBe(
      'Path must end in directory: /some/other/node/x/y',
    );
    expect(world.refused(ask.get('/some/other/node/x')).message).toBe('Path must end in directory: /some/other/node/x');
  });

  it('deletes a directory that is not empty only recursively, and the root never', () => {
    const world = new World();
    world.do(ask.create('/d/e/f', 'blob'));
    expect(world.refused(ask.delete('/d')).message).toBe('Directory is not empty: /d');
    expect(world.refused(ask.delete('/', true)).message).toBe('Cannot delete root');
    world.do(ask.delete('/d/e', true));
    expect(world.paths()).toEqual(['/', '/d']);
    world.do(ask.delete('/d'));
    expect(world.paths()).toEqual(['/']);
    expect([world.tree.keys, world.tree.bytes]).toEqual([0, 0]);
    expect(world.refused(ask.delete('/d')).message).toBe('Path Does not exist: /d');
  });

  it('makes a semaphore only with its permits', () => {
    const error = new World().refused(ask.create('/s', 'semaphore'));
    expect(error).toMatchObject({ code: 'BadArgument', details: { type: 'semaphore' } });
    expect(error.message).toContain('semaphoreCreate');
  });

  it('takes a first value only for a type that has one, and in its only form', () => {
    const world = new World();
    world.do(ask.create('/b', 'blob', 'first'));
    expect(world.text(ask.get('/b'))).toBe('first');
    world.do(ask.create('/c', 'counter', '-42'));
    expect(world.do({ kind: 'counterGet', path: '/c' })).toEqual({ kind: 'number', number: -42, version: 0 });
    for (const [type, value] of [
      ['set', 'x'],
      ['counter', ''],
      ['counter', '1.5'],
      ['counter', '-0'],
      ['counter', '01'],
      ['counter', '9007199254740992'],
    ] as const) {
      expect(world.refused(ask.create('/x', type, value)).code).toBe('BadArgument');
    }
  });
});

describe('versions', () => {
  it('begin at 0, and a change adds 1 to the node and to every node above it', () => {
    const world = new World();
    world.do(ask.create('/a/b', 'blob'));
    expect(world.versions('/', '/a', '/a/b')).toEqual([1, 0, 0]);
    world.do(ask.put('/a/b', 'x'));
    expect(world.versions('/', '/a', '/a/b')).toEqual([2, 1, 1]);
    world.do(ask.create('/a/c', 'set'));
    expect(world.versions('/', '/a', '/a/b', '/a/c')).toEqual([3, 2, 1, 0]);
    world.do(ask.delete('/a/c'));
    expect(world.versions('/', '/a', '/a/b')).toEqual([4, 3, 1]);
  });

  it('come with the op numbers of the creation and of the last change beneath', () => {
    const world = new World();
    world.do(ask.create('/a/b', 'blob'));
    world.do(ask.create('/a/c', 'blob'));
    world.do(ask.put('/a/b', 'x'));
    expect(world.stat('/a')).toMatchObject({ created: 1, modified: 3 });
    expect(world.stat('/a/b')).toMatchObject({ created: 1, modified: 3 });
    expect(world.stat('/a/c')).toMatchObject({ created: 2, modified: 2 });
    expect(world.stat('/')).toMatchObject({ created: 0, modified: 3 });
  });

  it('stay the same after an operation that changes nothing', () => {
    const world = new World();
    world.do(ask.create('/s', 'set'));
    world.do(ask.create('/q', 'queue'));
    world.do(ask.create('/c', 'counter'));
    expect(world.do(ask.insert('/s', 'm'))).toEqual({ kind: 'truth', truth: true, version: 1 });
    const before = world.tree;
    for (const nothing of [ask.insert('/s', 'm'), ask.remove('/s', 'n'), ask.pop('/q'), ask.add('/c', 0)])
      world.do(nothing);
    world.do(ask.txn([], [ask.insert('/s', 'm'), ask.pop('/q')]));
    expect(world.tree).toBe(before);
    expect(world.do(ask.insert('/s', 'm'))).toEqual({ kind: 'truth', truth: false, version: 1 });
    expect(world.do(ask.pop('/q'))).toEqual({ kind: 'value', value: null, version: 0 });
  });

  it('guard writes and deletes', () => {
    const world = new World();
    world.do(ask.create('/b', 'blob'));
    expect(world.do(ask.put('/b', 'x', 0))).toEqual({ kind: 'done', version: 1 });
    expect(world.refused(ask.put('/b', 'y', 0))).toMatchObject({
      code: 'GuardFailed',
      message: 'Cas Failed',
      details: { path: '/b', expected: 0, actual: 1 },
    });
    expect(world.refused(ask.delete('/b', false, 0)).message).toBe('Cas Failed');
    expect(world.refused(ask.putIfAbsent('/b', 'z')).message).toBe('Cas Failed');
    world.do(ask.putIfAbsent('/new/b', 'z'));
    expect(world.refused(ask.cas('/b', 'y', 'z')).message).toBe('Cas Failed');
    expect(world.do(ask.cas('/b', 'x', 'z'))).toEqual({ kind: 'done', version: 2 });
    world.do(ask.delete('/b', false, 2));
    expect(world.refused(ask.put('/b', 'y')).message).toBe('Path Does not exist: /b');
  });
});

describe('leaves', () => {
  it('queues return items in the order of pushing', () => {
    const world = new World();
    world.do(ask.create('/q', 'queue'));
    for (const item of ['a', 'b', 'c']) world.do(ask.push('/q', item));
    expect(world.do({ kind: 'queueLength', path: '/q' })).toEqual({ kind: 'number', number: 3, version: 3 });
    expect(world.text({ kind: 'queueFront', path: '/q' })).toBe('a');
    expect(world.text({ kind: 'queueBack', path: '/q' })).toBe('c');
    expect(world.text(ask.pop('/q'))).toBe('a');
    world.do(ask.push('/q', 'd'));
    expect(world.texts({ kind: 'queueList', path: '/q', limit: 2, from: 1 })).toEqual(['c', 'd']);
    expect(world.texts({ kind: 'queueList', path: '/q', limit: 2, from: 9 })).toEqual([]);
    expect([1, 2, 3, 4].map(() => world.text(ask.pop('/q')))).toEqual(['b', 'c', 'd', null]);
    world.do(ask.push('/q', 'e'));
    expect(world.text(ask.pop('/q'))).toBe('e');
    expect(world.stat('/q')).toMatchObject({ count: 0, bytes: 1 });
  });

  it('counters refuse to pass what a number can hold exactly', () => {
    const world = new World();
    const most = Number.MAX_SAFE_INTEGER;
    world.do(ask.create('/c', 'counter'));
    world.do(ask.add('/c', most));
    expect(world.refused(ask.add('/c', 1))).toMatchObject({ code: 'CounterOverflow', details: { value: most, by: 1 } });
    expect(world.do(ask.add('/c', -most))).toEqual({ kind: 'number', number: 0, version: 2 });
    world.do(ask.add('/c', -most));
    expect(world.refused(ask.add('/c', -1)).code).toBe('CounterOverflow');
  });

  it('values are bytes, and are the tree’s own whatever becomes of the frame', () => {
    const world = new World();
    for (const size of [0, 1, 30, 1024, 1025, 5000]) {
      const value = new Uint8Array(size).map((_, index) => index * 7);
      world.do({ kind: 'create', path: `/b${size}`, type: 'blob', value });
      const kept = value.slice();
      value.fill(9);
      expect(world.do(ask.get(`/b${size}`))).toEqual({ kind: 'value', value: kept, version: 0 });
      expect(world.do({ kind: 'blobSize', path: `/b${size}` })).toEqual({ kind: 'number', number: size, version: 0 });
    }
  });

  it('stat tells the bytes of nodes and subtrees, and the largest leaves can be found', () => {
    const world = new World();
    world.do(ask.create('/dir/small', 'blob', 'x'));
    world.do(ask.create('/dir/deep/big', 'blob', 'x'.repeat(100)));
    world.do(ask.create('/é', 'blob', 'x'.repeat(10)));
    expect(world.stat('/dir/deep/big')).toMatchObject({ bytes: 103, subtreeBytes: 103, subtreeNodes: 1 });
    expect(world.stat('/dir')).toMatchObject({ bytes: 3, subtreeBytes: 3 + 6 + 4 + 103, subtreeNodes: 4, count: 2 });
    expect(world.stat('/')).toMatchObject({ bytes: 0, subtreeBytes: 116 + 12, subtreeNodes: 6 });
    expect([world.tree.bytes, world.tree.keys]).toEqual([128, 5]);
    const found = world.do({ kind: 'largest', path: '/', limit: 2 });
    expect(found.kind === 'stats' && found.stats.map((stat) => [stat.path, stat.bytes])).toEqual([
      ['/dir/deep/big', 103],
      ['/é', 12],
    ]);
    const one = world.do({ kind: 'largest', path: '/é', limit: 5 });
    expect(one.kind === 'stats' && one.stats.length).toBe(1);
  });

  it('`exists` answers for every valid path', () => {
    const world = new World();
    world.do(ask.create('/b', 'blob'));
    expect(world.do({ kind: 'exists', path: '/' })).toEqual({ kind: 'truth', truth: true, version: 1 });
    expect(world.do({ kind: 'exists', path: '/b' })).toEqual({ kind: 'truth', truth: true, version: 0 });
    expect(world.do({ kind: 'exists', path: '/c' })).toEqual({ kind: 'truth', truth: false, version: null });
    expect(world.do({ kind: 'exists', path: '/b/c' })).toEqual({ kind: 'truth', truth: false, version: null });
    expect(world.refused({ kind: 'exists', path: '/b/' }).code).toBe('PathMalformed');
  });
});

describe('sets', () => {
  function sets(): World {
    const world = new World();
    for (const [path, members] of Object.entries({ '/a': 'xyz', '/b': 'yzw', '/e': '', '/y': 'y' })) {
      world.do(ask.create(path, 'set'));
      for (const member of members) world.do(ask.insert(path, member));
    }
    return world;
  }

  it('are combined, and the order of the paths means what it says', () => {
    const world = sets();
    expect(world.texts({ kind: 'setUnion', paths: ['/b', '/a', '/e'] })).toEqual(['w', 'x', 'y', 'z']);
    expect(world.texts({ kind: 'setUnion', paths: [] })).toEqual([]);
    expect(world.texts({ kind: 'setIntersection', paths: ['/a', '/b'] })).toEqual(['y', 'z']);
    expect(world.texts({ kind: 'setIntersection', paths: ['/a', '/a'] })).toEqual(['x', 'y', 'z']);
    expect(world.texts({ kind: 'setIntersection', paths: ['/a', '/e', '/b'] })).toEqual([]);
    expect(world.texts({ kind: 'setIntersection', paths: [] })).toEqual([]);
    expect(world.texts({ kind: 'setDifference', path: '/b', other: '/a' })).toEqual(['w']);
    expect(world.texts({ kind: 'setDifference', path: '/a', other: '/b' })).toEqual(['x']);
    expect(world.texts({ kind: 'setSymmetricDifference', path: '/a', other: '/b' })).toEqual(['w', 'x']);
    expect(world.refused({ kind: 'setUnion', paths: ['/a', '/none'] }).message).toBe('Path Does not exist: /none');
    expect(world.refused({ kind: 'setDifference', path: '/a', other: '/' }).message).toBe('Wrong type');
  });

  it('are compared with another set or with given members', () => {
    const world = sets();
    const truth = (operation: Operation): boolean => {
      const result = world.do(operation);
      return result.kind === 'truth' && result.truth;
    };
    const given = (text: string) => ({ kind: 'members', members: Array.from(text, utf8) }) as const;
    expect(truth({ kind: 'setSubset', path: '/y', other: { kind: 'path', path: '/a' } })).toBe(true);
    expect(truth({ kind: 'setSubset', path: '/a', other: { kind: 'path', path: '/y' } })).toBe(false);
    expect(truth({ kind: 'setSuperset', path: '/a', other: { kind: 'path', path: '/y' } })).toBe(true);
    expect(truth({ kind: 'setSubset', path: '/y', other: given('yyq') })).toBe(true);
    expect(truth({ kind: 'setSuperset', path: '/a', other: given('zzxx') })).toBe(true);
    expect(truth({ kind: 'setSuperset', path: '/a', other: given('q') })).toBe(false);
    expect(truth({ kind: 'setSubset', path: '/e', other: given('') })).toBe(true);
  });

  it('sort by bytes and page', () => {
    const world = new World();
    world.do(ask.create('/s', 'set'));
    for (const member of ['b', '', 'ab', 'a', '\uffff', '😀']) world.do(ask.insert('/s', member));
    const page = (after: string | null) =>
      world.texts({ kind: 'setMembers', path: '/s', limit: 4, after: after === null ? null : utf8(after) });
    expect(page(null)).toEqual(['', 'a', 'ab', 'b']);
    expect(page('b')).toEqual(['\uffff', '😀']);
    expect(page('aa')).toEqual(['ab', 'b', '\uffff', '😀']);
    expect(page('😀')).toEqual([]);
  });
});
