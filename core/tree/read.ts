/** The operations that change nothing. */

import { unreachable } from '../base/assert.ts';
import { Failure, limitExceeded } from './failure.ts';
import type { ResultBudget } from './limits.ts';
import { children, keys, largest, oneStat, queueList, setMembers } from './listing.ts';
import type { DirectoryNode } from './node.ts';
import type { SimpleOperation, SimpleResult } from './operation.ts';
import { find, findTyped, locate } from './place.ts';
import { compareSets, difference, intersection, symmetricDifference, union } from './sets.ts';
import { load } from './stored.ts';
import type { Stored } from './stored.ts';
import type { WriteOperation } from './write.ts';

export type ReadOperation = Exclude<SimpleOperation, WriteOperation>;

function exists(root: DirectoryNode, path: string): SimpleResult | Failure {
  const place = locate(root, path);
  // Nothing is beneath a leaf, which is an answer and no mistake.
  if (place instanceof Failure && place.error.code !== 'PathMustBeDirectory') return place;
  const node = place instanceof Failure ? null : place.node;
  return { kind: 'truth', truth: node !== null, version: node === null ? null : node.version };
}

function value(value: Stored | null, version: number, path: string, budget: ResultBudget): SimpleResult | Failure {
  if (value !== null && !budget.take(value.length))
    return limitExceeded('maxResultBytes', budget.maxBytes, budget.with(value.length), { path });
  return { kind: 'value', value: value === null ? null : load(value), version };
}

/** Answers one read of the tree under `root`. Bytes in the answer may be the tree's own, to be read only. */
export function read(root: DirectoryNode, operation: ReadOperation, budget: ResultBudget): SimpleResult | Failure {
  switch (operation.kind) {
    case 'blobGet': {
      const blob = findTyped(root, operation.path, 'blob');
      return blob instanceof Failure ? blob : value(blob.value, blob.version, operation.path, budget);
    }
    case 'blobSize': {
      const blob = findTyped(root, operation.path, 'blob');
      return blob instanceof Failure ? blob : { kind: 'number', number: blob.value.length, version: blob.version };
    }
    case 'queueFront': {
      const queue = findTyped(root, operation.path, 'queue');
      return queue instanceof Failure ? queue : value(queue.front(), queue.version, operation.path, budget);
    }
    case 'queueBack': {
      const queue = findTyped(root, operation.path, 'queue');
      return queue instanceof Failure ? queue : value(queue.back(), queue.version, operation.path, budget);
    }
    case 'queueLength': {
      const queue = findTyped(root, operation.path, 'queue');
      return queue instanceof Failure ? queue : { kind: 'number', number: queue.count, version: queue.version };
    }
    case 'setContains': {
      const set = findTyped(root, operation.path, 'set');
      if (set instanceof Failure) return set;
      return { kind: 'truth', truth: set.members.has(operation.member), version: set.version };
    }
    case 'setSize': {
      const set = findTyped(root, operation.path, 'set');
      return set instanceof Failure ? set : { kind: 'number', number: set.count, version: set.version };
    }
    case 'counterGet': {
      const counter = findTyped(root, operation.path, 'counter');
      return counter instanceof Failure ? counter : { kind: 'number', number: counter.value, version: counter.version };
    }
    case 'stat': {
      const node = find(root, operation.path);
      return node instanceof Failure ? node : oneStat(node, operation.path, budget);
    }
    case 'exists':
      return exists(root, operation.path);
    case 'keys':
      return keys(root, operation, budget);
    case 'children':
      return children(root, operation, budget);
    case 'queueList':
      return queueList(root, operation, budget);
    case 'setMembers':
      return setMembers(root, operation, budget);
    case 'setUnion':
      return union(root, operation.paths, budget);
    case 'setIntersection':
      return intersection(root, operation.paths, budget);
    case 'setDifference':
      return difference(root, operation.path, operation.other, budget);
    case 'setSymmetricDifference':
      return symmetricDifference(root, operation.path, operation.other, budget);
    case 'setSubset':
      return compareSets(root, operation.path, operation.other, false, budget);
    case 'setSuperset':
      return compareSets(root, operation.path, operation.other, true, budget);
    case 'largest':
      return largest(root, operation, budget);
    default:
      return unreachable(operation);
  }
}
