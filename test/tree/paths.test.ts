import { describe, expect, it } from 'vitest';
import { Failure } from '../../core/tree/failure.ts';
import { parsePath } from '../../core/tree/path.ts';
import { validateOperation } from '../../core/tree/tree.ts';
import { World, ask, limits } from './world.ts';

function refusal(path: string): string {
  const parts = parsePath(path);
  return parts instanceof Failure ? parts.error.message : 'accepted';
}

describe('a path', () => {
  it('is absolute', () => {
    expect(parsePath('/')).toEqual([]);
    expect(parsePath('/a/b')).toEqual(['a', 'b']);
    expect(refusal('')).toBe('Paths must be absolute');
    expect(refusal('a/b')).toBe('Paths must be absolute');
  });

  it('has no empty part, no slash at its end, and no dots as names', () => {
    expect(refusal('/d//e')).toBe('Path is malformatted /d//e: it has an empty part');
    expect(refusal('//')).toBe('Path is malformatted //: it has an empty part');
    expect(refusal('/d/')).toBe('Path is malformatted /d/: it ends in a slash');
    expect(refusal('/a/./b')).toMatch(/^Path is malformatted \/a\/\.\/b: /);
    expect(refusal('/a/..')).toMatch(/^Path is malformatted \/a\/\.\.: /);
    expect(refusal('/a/.../.b')).toBe('accepted');
  });

  it('is bounded in UTF-8 bytes, in parts, and in bytes of a part', () => {
    expect(refusal(`/${'x'.repeat(255)}`)).toBe('accepted');
    expect(refusal(`/${'x'.repeat(256)}`)).toMatch(/256, the limit is 255/);
    expect(refusal(`/${'é'.repeat(128)}`)).toMatch(/256, the limit is 255/);
    expect(refusal('/a'.repeat(32))).toBe('accepted');
    expect(refusal('/a'.repeat(33))).toMatch(/levels: 33, the limit is 32/);
    expect(refusal(`/${'x'.repeat(204)}`.repeat(5))).toMatch(/bytes: 1025, the limit is 1024/);
  });

  it('is cut in an error when it is too long for the message', () => {
    const parts = parsePath(`/${'😀'.repeat(2000)}`);
    const error = parts instanceof Failure ? parts.error : null;
    expect(error?.details).toMatchObject({ limit: 1024, actual: 8001 });
    expect(error?.message).toMatch(/^Path is malformatted \/(😀){511}\.\.\.: /u);
    expect(refusal('x'.repeat(3000))).toBe('Paths must be absolute');
  });

  it('is well-formed text', () => {
    expect(refusal('/a\ud800b')).toMatch(/well-formed/);
    expect(refusal('/😀')).toBe('accepted');
  });

  it('is refused before it is proposed, at any place in an operation', () => {
    const bad = '/a/';
    for (const operation of [
      ask.create(bad, 'blob'),
      ask.get(bad),
      ask.keys('/', 10, bad),
      { kind: 'setUnion', paths: ['/a', bad] },
      { kind: 'setDifference', path: '/a', other: bad },
      { kind: 'setSubset', path: '/a', other: { kind: 'path', path: bad } },
      ask.txn([{ kind: 'exists', path: bad }], []),
      ask.txn([], [], [ask.get('/a'), ask.get(bad)]),
    ] as const) {
      expect(validateOperation(operation, limits)?.code).toBe('PathMalformed');
    }
    expect(validateOperation(ask.txn([], [], [ask.get('/a'), ask.get(bad)]), limits)?.details).toMatchObject({
      part: 'otherwise',
      index: 1,
      path: bad,
    });
    expect(validateOperation(ask.put('/a', 'fine'), limits)).toBeNull();
  });

  it('is also refused when it is applied', () => {
    const world = new World();
    expect(world.refused(ask.create('/d//e', 'blob')).code).toBe('PathMalformed');
    expect(world.refused(ask.create('d', 'blob')).message).toBe('Paths must be absolute');
    expect(world.paths()).toEqual(['/']);
  });
});
