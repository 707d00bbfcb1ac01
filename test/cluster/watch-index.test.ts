/** The index of watches finds exactly the watches that a change concerns, and forgets watches that are removed. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultLimits } from '../../core/base/limits.ts';
import { WatchIndex } from '../../core/cluster/watching/watch-index.ts';
import type { WatchScope } from '../../core/cluster/watching/watch-index.ts';
import type { TreeChange } from '../../core/tree/change.ts';
import { concerns } from '../../core/tree/change.ts';
import { Tree, treeLimitsOf } from '../../core/tree/tree.ts';

const part = fc.constantFrom('a', 'b', 'ab');
const path = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join('/')}`);
const scope: fc.Arbitrary<WatchScope> = fc.record({
  path: fc.oneof(path, fc.constant('/')),
  subtree: fc.boolean(),
  values: fc.boolean(),
});
const operation = fc.oneof(
  path.map((at) => ({ kind: 'create', path: at, type: 'blob', value: null }) as const),
  path.map((at) => ({ kind: 'delete', path: at, recursive: true, ifVersion: null }) as const),
);

describe('the index', () => {
  it('finds each watch that a change concerns once, as asking every watch would', () => {
    fc.assert(
      fc.property(
        fc.array(scope, { maxLength: 12 }),
        fc.array(operation, { maxLength: 12 }),
        fc.array(fc.nat(11), { maxLength: 6 }),
        (scopes, operations, removed) => {
          const index = new WatchIndex<number>();
          const members = new Map(scopes.map((one, i) => [i, one]));
          for (const [i, one] of members) index.add(one, i);
          for (const i of removed) {
            const one = members.get(i);
            if (one !== undefined) index.remove(one, i);
            members.delete(i);
          }
          expect(index.size).toBe(members.size);
          let tree = Tree.empty(treeLimitsOf(defaultLimits));
          const changes: TreeChange[] = [];
          operations.forEach((one, i) => {
            const applied = tree.apply(one, i + 1);
            tree = applied.tree;
            changes.push(...applied.changes);
          });
          for (const change of changes) {
            const found: number[] = [];
            index.match(change, (group) => found.push(...group.members));
            const expected = [...members].filter(([, one]) => concerns(change, one.path, one.subtree)).map(([i]) => i);
            expect(found.sort((a, b) => a - b)).toEqual(expected);
          }
          for (const [i, one] of members) index.remove(one, i);
          expect([index.size, [...index.members()]]).toEqual([0, []]);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('costs a change no more when there are many watches elsewhere', () => {
    const index = new WatchIndex<number>();
    for (let i = 0; i < 20_000; i++) index.add({ path: `/other/${i}`, subtree: false, values: false }, i);
    index.add({ path: '/here', subtree: true, values: false }, -1);
    const change: TreeChange = {
      path: '/here/x',
      kind: 'put',
      type: 'blob',
      version: 1,
      value: null,
      number: null,
      removed: null,
      claim: null,
      cause: null,
    };
    let visits = 0;
    for (let i = 0; i < 100_000; i++) index.match(change, () => visits++);
    expect(visits).toBe(100_000);
  });
});
