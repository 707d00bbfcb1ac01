/**
 * The words of the tree: the types of a node, and the kinds of its changes. The position of a word in its list is its
 * number in messages and in storage, so a new word goes to the end. Every table with a row for each word is tied to
 * these types.
 */

/** The types of nodes. The coordination types already have names, and come with a later feature level. */
export const nodeTypes = [
  'directory',
  'blob',
  'queue',
  'set',
  'counter',
  'lock',
  'semaphore',
  'barrier',
  'election',
] as const;
/** The type of a node, from its creation to its end. */
export type NodeType = (typeof nodeTypes)[number];
/** Types that have a name and are not built yet. */
type LaterType = 'lock' | 'semaphore' | 'barrier' | 'election';
/** Types of nodes with nothing beneath them. */
export type LeafType = Exclude<NodeType, 'directory' | LaterType>;
/** The types that a node can have today. */
export type BuiltType = 'directory' | LeafType;

/**
 * The kinds of changes: `created`; `deleted`, with everything beneath; a blob's `put`; a queue's `pushed` and `popped`;
 * a set's `inserted` and `removed`; a counter's `counted`. `changed` replaces several changes at once, for a watch that
 * asked to have them folded.
 */
export const changeKinds = [
  'created',
  'deleted',
  'put',
  'pushed',
  'popped',
  'inserted',
  'removed',
  'counted',
  'changed',
] as const;
export type ChangeKind = (typeof changeKinds)[number];
