import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../core/base/bytes.ts';
import { nodeTypes } from '../../core/tree/names.ts';
import type { ClaimKind, DataType } from './data.ts';
import { isClaimType } from '../../core/tree/kinds/line.ts';
import { isLeafType } from '../../core/tree/node.ts';
import type { Asked, Guard, Operation, SimpleOperation, Upsertable, WriteKind } from '../../core/tree/operation.ts';
import type { EntryStep } from '../../core/tree/kinds/entry-steps.ts';
import { Tree } from '../../core/tree/tree.ts';
import { Book, actingAs } from './lives.ts';
import { Model } from './model.ts';
import type { ModelledRead } from './model.ts';
import { limits, restored, whole, written } from './world.ts';

// There are few names, so that operations meet. Some sort differently as UTF-16, or around the slash.
const name = fc.constantFrom('a', 'b', 'a-', 'ab', '\uffff', '😀');
const path = fc
  .array(name, { minLength: 0, maxLength: 3 })
  .map((names) => (names.length === 0 ? '/' : names.map((one) => `/${one}`).join('')));
const value = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('', 'x', 'y', 'xy', 'é').map(utf8) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom(1024, 1025).map((size) => new Uint8Array(size).fill(200)) },
);
const small = fc.integer({ min: 0, max: 4 });
const ifVersion = fc.option(small, { freq: 4 });
const paths = fc.array(path, { maxLength: 3 });

/** The model has no claims. */
const dataTypes = nodeTypes.filter((type): type is DataType => isLeafType(type) && !isClaimType(type));

const kind = <K extends string>(name: K): fc.Arbitrary<K> => fc.constant(name);
const by = fc.constantFrom(0, 1, -5, Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER);

/** An operation of each kind that an upsert can do. */
const upserts: { readonly [K in Exclude<Upsertable['kind'], ClaimKind>]: fc.Arbitrary<Asked<K>> } = {
  blobPut: fc.record({
    kind: kind('blobPut'),
    path,
    value,
    ifVersion: fc.option(small, { freq: 9 }),
    ifAbsent: fc.nat(9).map((n) => n === 0),
  }),
  queuePush: fc.record({ kind: kind('queuePush'), path, value }),
  setInsert: fc.record({ kind: kind('setInsert'), path, member: value }),
  counterAdd: fc.record({ kind: kind('counterAdd'), path, by }),
};

type Drawn<K extends SimpleOperation['kind']> = readonly [weight: number, arbitrary: fc.Arbitrary<Asked<K>>];

/** Every write, and how often it is drawn. */
const writes: { readonly [K in Exclude<WriteKind, ClaimKind>]: Drawn<K> } = {
  create: [
    6,
    fc.oneof(
      fc.record({
        kind: kind('create'),
        path,
        type: fc.constantFrom('directory', ...dataTypes),
        value: fc.constant(null),
      }),
      fc.record({ kind: kind('create'), path, type: kind('blob'), value }),
      fc.record({
        kind: kind('create'),
        path,
        type: kind('counter'),
        value: fc.constantFrom('7', '-9007199254740991').map(utf8),
      }),
    ),
  ],
  upsert: [4, fc.record({ kind: kind('upsert'), operation: fc.oneof(...Object.values(upserts)) })],
  delete: [2, fc.record({ kind: kind('delete'), path, recursive: fc.boolean(), ifVersion })],
  blobPut: [
    4,
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ kind: kind('blobPut'), path, value, ifVersion, ifAbsent: fc.constant(false) }),
      },
      fc.record({ kind: kind('blobPut'), path, value, ifVersion: fc.constant(null), ifAbsent: fc.constant(true) }),
    ),
  ],
  blobCas: [1, fc.record({ kind: kind('blobCas'), path, expected: value, value })],
  queuePush: [2, fc.record({ kind: kind('queuePush'), path, value })],
  queuePop: [1, fc.record({ kind: kind('queuePop'), path })],
  setInsert: [3, fc.record({ kind: kind('setInsert'), path, member: value })],
  setRemove: [1, fc.record({ kind: kind('setRemove'), path, member: value })],
  counterAdd: [1, fc.record({ kind: kind('counterAdd'), path, by })],
  createWith: [
    6,
    fc.record({
      kind: kind('createWith'),
      path,
      type: fc.constantFrom('directory', 'blob', 'blob', 'set'),
      value: fc.constant(null),
      capacity: fc.constant(null),
      ephemeral: fc.boolean(),
      sequential: fc.nat(5).map((n) => n === 0),
      adopt: fc.nat(2).map((n) => n === 0),
      auto: fc.nat(3).map((n) => n === 0),
      ttlMs: fc.option(fc.constantFrom(1000, 2000, 5000)),
      leaseMs: fc.constant(null),
    }),
  ],
  touch: [2, fc.record({ kind: kind('touch'), path })],
};

/** Every read that the model does. */
const reads: { readonly [K in ModelledRead]: fc.Arbitrary<Asked<K>> } = {
  blobGet: fc.record({ kind: kind('blobGet'), path }),
  stat: fc.record({ kind: kind('stat'), path }),
  keys: fc.record({ kind: kind('keys'), path, limit: fc.constant(10_000), after: fc.constant(null) }),
  setUnion: fc.record({ kind: kind('setUnion'), paths }),
  setIntersection: fc.record({ kind: kind('setIntersection'), paths }),
  setDifference: fc.record({ kind: kind('setDifference'), path, other: path }),
  setSymmetricDifference: fc.record({ kind: kind('setSymmetricDifference'), path, other: path }),
};

const simple: fc.Arbitrary<SimpleOperation> = fc.oneof(
  ...Object.values(writes).map(([weight, arbitrary]) => ({
    weight,
    arbitrary: arbitrary as fc.Arbitrary<SimpleOperation>,
  })),
  ...Object.values(reads),
);

const guard: fc.Arbitrary<Guard> = fc.oneof(
  fc.record({ kind: fc.constant('version' as const), path, version: small }),
  fc.record({
    kind: fc.constantFrom('created' as const, 'modified' as const),
    path,
    op: fc.integer({ min: 0, max: 30 }),
  }),
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('exists' as const, 'absent' as const), path }) },
  fc.record({ kind: fc.constant('type' as const), path, type: fc.constantFrom('directory', 'blob', 'set') }),
  fc.record({ kind: fc.constant('blobValue' as const), path, value }),
  fc.record({ kind: fc.constant('blobSize' as const), path, size: small }),
  fc.record({ kind: fc.constant('setMember' as const), path, member: value }),
  fc.record({ kind: fc.constant('owner' as const), path, session: fc.nat(2) }),
);

/** What happens besides operations. */
type Happening =
  | { readonly does: Operation; readonly session: number }
  | { readonly ends: number }
  | { readonly passes: readonly [from: number, to: number] }
  | { readonly waits: number }
  | { readonly expires: true };

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 4, arbitrary: simple },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('transaction' as const),
      guards: fc.array(guard, { maxLength: 2 }),
      then: fc.array(simple, { maxLength: 4 }),
      otherwise: fc.array(simple, { maxLength: 3 }),
    }),
  },
);

const session = fc.integer({ min: 1, max: 3 });
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ does: operation, session }) },
  { weight: 1, arbitrary: fc.record({ ends: session }) },
  { weight: 1, arbitrary: fc.record({ passes: fc.tuple(session, session) }) },
  { weight: 3, arbitrary: fc.record({ waits: fc.constantFrom(300, 1000, 4000) }) },
  { weight: 3, arbitrary: fc.record({ expires: fc.constant(true as const) }) },
);

/** What a tree says of lives must be what anyone can see in it. */
function judgeLives(tree: Tree, model: Model, book: Book): void {
  const owned = [...model.nodes].flatMap(([where, { life, created }]) =>
    life === null || life.owner === 0 ? [] : [[where, created, life.owner]],
  );
  expect([...book.owned.values()].map((one) => [one.path, one.id, one.session]).sort()).toEqual(owned.sort());
  const due = model.deadlines().map(([where, at]) => [where, at]);
  expect([...book.due.values()].map(({ path: where, at }) => [where, at]).sort()).toEqual(due.sort());
  const lives = [...model.nodes].filter(([, { life }]) => life !== null).map(([where]) => where);
  expect([...tree.lives()].map(({ path: where }) => where).sort()).toEqual(lives.sort());
}

describe('the tree, compared with a model of it', () => {
  it('answers, refuses and ends as the model does, whatever is asked of it', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 50 }), (operations) => {
        const model = new Model();
        let tree = Tree.empty(limits);
        operations.forEach((one, index) => {
          const said = tree.apply(one, index + 1);
          tree = said.tree;
          expect(said.result.ok ? said.result.value : said.result.error.code).toEqual(model.apply(one, index + 1));
        });
        const listing = tree.read({ kind: 'keys', path: '/', limit: 10_000, after: null });
        expect(listing.ok && listing.value).toEqual({ kind: 'paths', paths: model.paths('/'), more: false });
        for (const each of model.nodes.keys()) {
          const said = tree.read({ kind: 'stat', path: each });
          expect(said.ok && said.value).toEqual(model.apply({ kind: 'stat', path: each }, 0));
        }
      }),
      { numRuns: 400 },
    );
  });

  it('lets nodes live as long as they may, whoever changes them, and says when each is due', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), fc.boolean(), (all, inPlace) => {
        const model = new Model();
        const book = new Book();
        let tree = inPlace ? Tree.empty(limits).owned() : Tree.empty(limits);
        let now = 1;
        all.forEach((one, index) => {
          const op = index + 1;
          const step = (steps: readonly EntryStep[]): void => {
            const done = tree.step(steps, op, actingAs(0, now));
            tree = done.tree;
            book.take(done.consequences);
          };
          if ('does' in one) {
            const said = tree.apply(one.does, op, actingAs(one.session, now));
            tree = said.tree;
            book.take(said.consequences);
            const expected = model.apply(one.does, op, one.session, now);
            expect(said.result.ok ? said.result.value : said.result.error.code).toEqual(expected);
          } else if ('ends' in one) {
            step(book.ended(one.ends));
            model.end(one.ends, op, now);
          } else if ('passes' in one) {
            const [from, to] = one.passes;
            if (from !== to) step(book.continued(from, to));
            model.pass(from, to);
          } else if ('waits' in one) now += one.waits;
          else {
            step(book.expiry(now));
            model.expire(op, now);
          }
          judgeLives(tree, model, book);
          if (index % 7 === 0) expect(whole(restored(written(tree))).equals(whole(tree))).toBe(true);
        });
        for (const each of model.nodes.keys()) {
          const said = tree.read({ kind: 'stat', path: each });
          expect(said.ok && said.value).toEqual(model.apply({ kind: 'stat', path: each }, 0));
        }
      }),
      { numRuns: 600 },
    );
  });

  it('keeps every version unchanged, and each comes back whole from its snapshot', () => {
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 40 }),
        fc.integer({ min: 1, max: 300 }),
        (operations, pieceBytes) => {
          let tree = Tree.empty(limits);
          const versions: { tree: Tree; bytes: Buffer }[] = [];
          operations.forEach((one, index) => {
            tree = tree.apply(one, index + 1).tree;
            if (index % 5 === 0) versions.push({ tree, bytes: whole(tree) });
          });
          for (const version of versions) {
            expect(whole(version.tree).equals(version.bytes)).toBe(true);
            const back = restored(written(version.tree, pieceBytes));
            expect(whole(back).equals(version.bytes)).toBe(true);
            expect([back.bytes, back.keys, back.modified]).toEqual([
              version.tree.bytes,
              version.tree.keys,
              version.tree.modified,
            ]);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it('does the same in place when nothing else holds it, and never changes a version that something holds', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(operation, fc.constantFrom('go on', 'go on', 'hold', 'snapshot')), { maxLength: 50 }),
        (steps) => {
          let value = Tree.empty({ ...limits, maxBytes: 90, maxKeys: 12 });
          const variable = value.owned();
          const held: { tree: Tree; bytes: Buffer }[] = [];
          steps.forEach(([one, then], index) => {
            const asValue = value.apply(one, index + 1);
            value = asValue.tree;
            const inPlace = variable.apply(one, index + 1);
            expect(inPlace.tree).toBe(variable);
            expect(inPlace.result).toEqual(asValue.result);
            expect([variable.bytes, variable.keys, variable.modified]).toEqual([
              value.bytes,
              value.keys,
              value.modified,
            ]);
            if (then === 'hold') held.push({ tree: variable.hold(), bytes: whole(value) });
            if (then === 'snapshot') expect(whole(variable).equals(whole(value))).toBe(true);
          });
          expect(whole(variable).equals(whole(value))).toBe(true);
          for (const { tree, bytes } of held) expect(whole(tree).equals(bytes)).toBe(true);
        },
      ),
      { numRuns: 400 },
    );
  });
});
