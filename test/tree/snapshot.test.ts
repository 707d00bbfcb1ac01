import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../core/base/errors.ts';
import { SeededRandom } from '../../core/base/random.ts';
import { newMembers, newNames } from '../../core/tree/btree.ts';
import type { SortedMap } from '../../core/tree/btree.ts';
import { DirectoryNode } from '../../core/tree/node.ts';
import type { DataType } from './data.ts';
import type { TreeNode } from '../../core/tree/node.ts';
import { BlobNode } from '../../core/tree/nodes/blob.ts';
import type { Mark } from '../../core/tree/nodes/directory.ts';
import { newHead } from '../../core/tree/nodes/head.ts';
import type { Growth } from '../../core/tree/nodes/head.ts';
import { World, ask, restored, whole, written } from './world.ts';

/** A tree with every type of node, large enough for B+ trees with several levels. */
function furnished(): World {
  const world = new World();
  for (let i = 0; i < 300; i++) world.do(ask.create(`/d/${i}`, 'blob', `value ${i}`));
  for (const fill of Object.values(leaves)) fill(world);
  return world;
}

/** Makes a leaf of each type that is not as it was made. */
const leaves: { readonly [T in DataType]: (world: World) => void } = {
  blob: (world) => void world.do(ask.create('/b', 'blob', 'value')),
  queue: (world) => {
    world.do(ask.create('/q', 'queue'));
    for (let i = 0; i < 300; i++) world.do(ask.push('/q', `item ${i}`));
    for (let i = 0; i < 100; i++) world.do(ask.pop('/q'));
  },
  set: (world) => {
    world.do(ask.create('/s', 'set'));
    for (let i = 0; i < 300; i++) world.do(ask.insert('/s', `member ${i}`));
  },
  counter: (world) => void world.do(ask.create('/c', 'counter', '-12')),
};

describe('a snapshot', () => {
  it('holds its version while the tree changes', () => {
    const world = furnished();
    const expected = whole(world.tree);
    const snapshot = world.tree.snapshot();
    const pieces: Uint8Array[] = [];
    for (let i = 0; ; i++) {
      const piece = snapshot.next(50);
      if (piece === null) break;
      expect(piece.length).toBeGreaterThan(0);
      pieces.push(piece);
      if (i < 300) {
        world.do(ask.delete(`/d/${i}`));
        world.do(ask.insert('/s', `more ${i}`));
        world.do(ask.remove('/s', `member ${i}`));
        world.do(ask.push('/q', 'more'));
        world.do(ask.pop('/q'));
      }
    }
    expect(Buffer.concat(pieces).equals(expected)).toBe(true);
    expect(snapshot.next(50)).toBeNull();
    expect(whole(world.tree).equals(expected)).toBe(false);
  });

  it('is the same for the same content, in whatever order the content was made', () => {
    const random = new SeededRandom(7);
    const names = Array.from({ length: 2000 }, (_, i) => `n${i}`);
    const build = (order: readonly string[]): Buffer => {
      // It is one transaction, so that op numbers and versions do not show the order.
      const world = new World();
      const extra = order.slice(0, 500).map((one) => `${one}+`);
      world.tree = world.tree.withLimits({ ...world.tree.limits, maxTransactionItems: 10_000 });
      world.do(
        ask.txn(
          [],
          [
            ...[...order, ...extra].flatMap((one) => [ask.create(`/d/${one}`, 'blob', one)]),
            ...extra.map((one) => ask.delete(`/d/${one}`)),
            ask.create('/q', 'queue'),
            ...extra.flatMap(() => [ask.push('/q', 'gone'), ask.pop('/q')]),
          ],
        ),
      );
      return whole(world.tree);
    };
    const sorted = build(names);
    const reversed = build(names.toReversed());
    const shuffled = build(
      names
        .map((one) => [random.uint32(), one] as const)
        .sort(([a], [b]) => a - b)
        .map(([, one]) => one),
    );
    expect(reversed.equals(sorted)).toBe(true);
    expect(shuffled.equals(sorted)).toBe(true);
  });

  it('comes back whole from chunks that are cut anywhere, and can be changed again', () => {
    const world = furnished();
    const bytes = whole(world.tree);
    for (const size of [1, 7, 1000, 1 << 20]) {
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
      expect(whole(restored(chunks)).equals(bytes)).toBe(true);
    }
    const other = new World(restored(written(world.tree)));
    other.op = world.op;
    for (const one of [world, other]) {
      one.do(ask.push('/q', 'last'));
      one.do(ask.pop('/q'));
      one.do(ask.put('/d/7', 'x'));
      one.do(ask.delete('/d/8'));
    }
    expect(whole(other.tree).equals(whole(world.tree))).toBe(true);
  });

  it('that is cut or changed is refused as a whole', () => {
    const world = new World();
    world.do(ask.create('/d/blob', 'blob', 'value'));
    world.do(ask.create('/s', 'set'));
    world.do(ask.insert('/s', 'a'));
    world.do(ask.insert('/s', 'b'));
    const bytes = whole(world.tree);
    for (let cut = 0; cut < bytes.length; cut++)
      expect(() => restored([bytes.subarray(0, cut)])).toThrow(MalformedError);
    expect(() => restored([bytes, new Uint8Array(1)])).toThrow(MalformedError);
    for (let at = 0; at < bytes.length; at++) {
      for (const flip of [1, 0x55, 0xff]) {
        const bent = Uint8Array.from(bytes);
        bent[at]! ^= flip;
        let back: Buffer | null = null;
        try {
          back = whole(restored([bent]));
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
        }
        // Each tree has exactly one encoding, so bytes that are accepted are those that would be written.
        if (back !== null) expect(back.equals(bent)).toBe(true);
      }
    }
  });
});

interface Inner {
  readonly children?: readonly Inner[];
}

function innerNodes(map: SortedMap<string, TreeNode>): Set<Inner> {
  const all = new Set<Inner>();
  const visit = (node: Inner): void => {
    all.add(node);
    node.children?.forEach(visit);
  };
  visit((map as unknown as { readonly _root: Inner })._root);
  return all;
}

const grown = (bytes: number, nodes: number): Growth => ({ bytes, nodes, held: 0, owned: 0, lives: 0 });
const mark = (op: number): Mark => ({ op, owner: null, as: 'change' });

describe('sharing between versions', () => {
  it('a write among 100,000 children makes a handful of new nodes and shares the rest', () => {
    const children = newNames<TreeNode>();
    for (let i = 0; i < 100_000; i++) children.set(`k${i}`, new BlobNode(newHead(`k${i}`, 1), ''));
    const before = new DirectoryNode(
      { name: '', version: 0, created: 0, modified: 1, life: null },
      children,
      {
        bytes: 0,
        nodes: 100_000,
        held: 0,
        owned: 0,
        lives: 0,
      },
      { auto: false, owner: null },
    );
    const old = innerNodes(before.children);
    const child = before.children.get('k777')!;
    const changed = before.withChild(
      child,
      new BlobNode({ name: 'k777', version: 1, created: 1, modified: 2, life: null }, 'x'),
      grown(1, 0),
      mark(2),
    );
    const created = changed.withChild(null, new BlobNode(newHead('new', 3), ''), grown(3, 1), mark(3));
    const deleted = created.withChild(created.children.get('k5')!, null, grown(0, -1), mark(4));
    for (const after of [changed, created, deleted]) {
      const made = [...innerNodes(after.children)].filter((node) => !old.has(node));
      expect(made.length).toBeLessThan(30);
      after.children.checkValid(true);
    }
    expect(innerNodes(before.children)).toEqual(old);
    expect([before.count, changed.count, created.count, deleted.count]).toEqual([100_000, 100_000, 100_001, 100_000]);
    expect(before.children.get('k777')).toBe(child);
  });

  it('old versions of a B+ tree stay as they were under any order of writes', () => {
    const random = new SeededRandom(11);
    let current = newNames<number>();
    const kept: { map: SortedMap<string, number>; content: string }[] = [];
    const contentOf = (map: SortedMap<string, number>): string =>
      [...map.keys()].map((key) => `${key}=${map.get(key)!}`).join();
    for (let i = 0; i < 6000; i++) {
      const next = current.clone();
      const key = `k${random.below(i < 3000 ? 2000 : 300)}`;
      if (random.chance(i < 3000 ? 3 : 1, 4)) next.set(key, i);
      else next.delete(key);
      current = next;
      if (i % 100 === 0) kept.push({ map: current, content: contentOf(current) });
    }
    for (const { map, content } of kept) {
      expect(contentOf(map)).toBe(content);
      map.checkValid(true);
    }
    expect(newMembers().size).toBe(0);
  });
});
