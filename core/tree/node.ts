/** The kinds of nodes: directories, and a class for each type of leaf (`nodes/`). */

import { utf8Length } from '../base/bytes.ts';
import type { ClaimType, LeafType, NodeType } from './names.ts';
import { BlobNode } from './nodes/blob.ts';
import { claimClasses } from './nodes/claims.ts';
import type { ClaimsNode } from './nodes/claims.ts';
import { CounterNode } from './nodes/counter.ts';
import { DirectoryNode } from './nodes/directory.ts';
import type { LeafClass } from './nodes/head.ts';
import { QueueNode } from './nodes/queue.ts';
import { SetNode } from './nodes/set.ts';

export { DirectoryNode } from './nodes/directory.ts';

/** Every type of leaf, by its class. */
export const leafClasses = {
  blob: BlobNode,
  queue: QueueNode,
  set: SetNode,
  counter: CounterNode,
  ...claimClasses,
} as const satisfies { readonly [T in LeafType]: LeafClass<T> };

export type LeafNode =
  | { [T in Exclude<LeafType, ClaimType>]: InstanceType<(typeof leafClasses)[T]> }[Exclude<LeafType, ClaimType>]
  | ClaimsNode;
export type TreeNode = DirectoryNode | LeafNode;

/** True for a type that a leaf can have today. */
export function isLeafType(type: NodeType): type is LeafType {
  return Object.hasOwn(leafClasses, type);
}

/** Bytes of the node itself: its name and, for a leaf, its content. */
export function ownBytes(node: TreeNode): number {
  return utf8Length(node.name) + (node instanceof DirectoryNode ? 0 : node.bytes);
}
