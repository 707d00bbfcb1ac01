/** Everything that simulated users do, for each type of leaf and for all nodes. */

import type { ClaimType, LeafType } from '../../tree/names.ts';
import type { Operation } from '../../tree/operation.ts';
import { blobUses, createBlob, put } from './blob.ts';
import { counterUses } from './counter.ts';
import { queueUses } from './queue.ts';
import { setUses } from './set.ts';
import type { Chance, LeafUses, Use } from './use.ts';

/** Claims have users of their own, because they wait. */
const leafUses: { readonly [T in Exclude<LeafType, ClaimType>]: LeafUses<T> } = {
  blob: blobUses,
  queue: queueUses,
  set: setUses,
  counter: counterUses,
};

const types = Object.keys(leafUses) as (keyof typeof leafUses)[];
const leaves = Object.values<Pick<LeafUses, 'watched'> & Parts>(leafUses);
const emptyPaths = types.flatMap((type) => emptyPathOf(type) ?? []);
const emptyLeaves = types.filter((type) => emptyPathOf(type) !== null);

/** The uses of any type, without the names of its operations. */
interface Parts {
  readonly writes: Readonly<Record<string, readonly Use[]>>;
  readonly reads: Readonly<Record<string, readonly Use[]>>;
}

function emptyPathOf(type: keyof typeof leafUses): string | null {
  const { made } = leafUses[type];
  return typeof made === 'string' ? made : null;
}

/** The path may belong to another type. Then the new type is there from now on. */
const createEmpty: Use = ({ random }) => ({
  kind: 'create',
  path: random.pick(emptyPaths),
  type: random.pick(emptyLeaves),
  value: null,
});

const putOrCreate: Use = (chance) => ({
  kind: 'transaction',
  guards: [{ kind: 'exists', path: chance.blobPath }],
  then: [put(chance)],
  otherwise: [createBlob(chance)],
});

const removeOrPut: Use = (chance) =>
  chance.random.chance(1, 4) ? { kind: 'delete', path: '/dir', recursive: true, ifVersion: null } : put(chance);

/** Each is equally likely. Their order is part of what a seed means. */
const uses: readonly Use[] = [
  ...types.flatMap((type) => (emptyPathOf(type) === null ? (leafUses[type].made as Use) : [])),
  createEmpty,
  ...leaves.flatMap(({ writes }) => Object.values(writes).flat()),
  putOrCreate,
  removeOrPut,
  () => ({ kind: 'keys', path: '/', limit: 100, after: null }),
  ...leaves.toReversed().flatMap(({ reads }) => Object.values(reads).flat()),
];

export { blobPaths } from './blob.ts';
export const watchedPaths = ['/', '/dir', '/dir/sub', ...leaves.flatMap(({ watched }) => watched)];

/** The next operation of a user. */
export function drawOperation(chance: Chance): Operation {
  return uses[chance.random.below(uses.length)]!(chance);
}
