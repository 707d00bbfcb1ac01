import { describe, expect, it } from 'vitest';
import { World, ask, limits } from './world.ts';
import { Tree } from '../../core/tree/tree.ts';

function listed(): World {
  const world = new World();
  for (const path of ['/b', '/a/z', '/a-b', '/a/\uffff', '/a/😀', '/c/d/e', '/a/z!'])
    world.do(ask.create(path, 'blob'));
  return world;
}

const everything = ['/', '/a', '/a/z', '/a/z!', '/a/\uffff', '/a/😀', '/a-b', '/b', '/c', '/c/d', '/c/d/e'];

describe('listing', () => {
  it('goes depth first, a directory before what is in it, names by UTF-8 bytes', () => {
    const world = listed();
    expect(world.paths()).toEqual(everything);
    expect(world.paths('/c')).toEqual(['/c', '/c/d', '/c/d/e']);
    expect(world.paths('/b')).toEqual(['/b']);
    expect(world.refused(ask.keys('/none')).message).toBe('Path Does not exist: /none');
  });

  it('gives pages of any size that together are the whole', () => {
    const world = listed();
    for (let limit = 1; limit <= everything.length; limit++) {
      const seen: string[] = [];
      for (let after: string | null = null; ; after = seen[seen.length - 1]!) {
        const page = world.do(ask.keys('/', limit, after));
        if (page.kind !== 'paths') throw new Error(page.kind);
        seen.push(...page.paths);
        expect(page.more).toBe(seen.length < everything.length);
        if (!page.more) break;
      }
      expect(seen).toEqual(everything);
    }
  });

  it('continues after a path that is gone', () => {
    const world = listed();
    world.do(ask.delete('/a', true));
    expect(world.do(ask.keys('/', 2, '/a/z'))).toEqual({ kind: 'paths', paths: ['/a-b', '/b'], more: true });
    expect(world.do(ask.keys('/c', 5, '/c/d/e'))).toEqual({ kind: 'paths', paths: [], more: false });
    expect(world.refused(ask.keys('/c', 5, '/b')).code).toBe('BadArgument');
  });

  it('gives each child with its type, version and sizes', () => {
    const world = listed();
    world.do(ask.put('/b', 'xyz'));
    const page = world.do({ kind: 'children', path: '/', limit: 2, after: 'a' });
    expect(page).toEqual({
      kind: 'children',
      children: [
        { name: 'a-b', type: 'blob', version: 0, count: 0, bytes: 3, owner: null, ttlMs: null },
        { name: 'b', type: 'blob', version: 1, count: 0, bytes: 4, owner: null, ttlMs: null },
      ],
      more: true,
      version: 8,
    });
    expect(world.refused({ kind: 'children', path: '/b', limit: 2, after: null }).message).toBe(
      'Path must end in directory: /b',
    );
  });

  it('ends a page early rather than answer more than fits into a frame', () => {
    const world = new World(Tree.empty({ ...limits, maxResultBytes: 100 }));
    world.do(ask.create('/s', 'set'));
    for (let i = 0; i < 10; i++) world.do(ask.insert('/s', `${i}`.repeat(30)));
    const page = world.do({ kind: 'setMembers', path: '/s', limit: 100, after: null });
    expect(page.kind === 'values' && [page.values.length, page.more]).toEqual([2, true]);
    expect(world.refused({ kind: 'setUnion', paths: ['/s'] })).toMatchObject({
      code: 'LimitExceeded',
      details: { name: 'maxResultBytes', limit: 100 },
    });
    world.do(ask.create('/b', 'blob', 'x'.repeat(101)));
    expect(world.refused(ask.get('/b')).details).toMatchObject({ name: 'maxResultBytes', actual: 101 });
  });
});
