/**
 * The words of the tree: what a node can be, and what can happen to it. The place of a word in its list is its number where it
 * travels and where it is stored, so a new word goes to the end. Everything that there is one of for each word is tied to these types.
 */

/** What a node of the tree can be. The coordination types are named from the start and come with a later feature level. */
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
/** What a node of the tree is, from its creation to its end. */
export type NodeType = (typeof nodeTypes)[number];
/** Types that have a name and are not built yet. */
type LaterType = 'lock' | 'semaphore' | 'barrier' | 'election';
/** Types of nodes with nothing beneath them. */
export type LeafType = Exclude<NodeType, 'directory' | LaterType>;
/** What a node can be today. */
export type BuiltType = 'directory' | LeafType;

/**
 * What can happen to a node: `created`; `deleted`, with all beneath it; a blob's `put`; a queue's `pushed` and `popped`; a set's
 * `inserted` and `removed`; a counter's `counted`. `changed` stands for several changes at once, for who asked to have them folded.
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
