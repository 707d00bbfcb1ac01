/**
 * The words of the tree: the types of a node, and the kinds of its changes. The position of a word in its list is its
 * number in messages and in storage, so a new word goes to the end. Every table with a row for each word is tied to
 * these types.
 */

/** The types of nodes. */
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
/** Types of nodes with nothing beneath them. */
export type LeafType = Exclude<NodeType, 'directory'>;

/** Types whose nodes are a line of claims (coordination §4). */
export const claimTypes = ['lock', 'semaphore', 'barrier', 'election'] as const satisfies readonly LeafType[];
export type ClaimType = (typeof claimTypes)[number];

/**
 * The kinds of changes: `created`; `deleted`, with everything beneath; a blob's `put`; a queue's `pushed` and `popped`;
 * a set's `inserted` and `removed`; a counter's `counted`. `changed` replaces several changes at once, for a watch that
 * asked to have them folded, and tells that what a claim made stays from now on. Of a claim: it `waits`, it is `granted` or has `passed`, it has `left` the line, its hold
 * is `released` or `revoked`, its value is `proclaimed`. Of a line: it is `resized`, `opened` or `closed`, and an
 * election is `vacant`. Of an item of a queue: it is `taken` as a job, which is `acked`; the item is
 * `returned` to those that wait, it is `delayed`, it has `died`, or is `dropped` by then.
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
  'waits',
  'granted',
  'passed',
  'left',
  'released',
  'revoked',
  'proclaimed',
  'resized',
  'opened',
  'closed',
  'vacant',
  'taken',
  'acked',
  'returned',
  'delayed',
  'died',
  'dropped',
] as const;
export type ChangeKind = (typeof changeKinds)[number];

/** Why a node was deleted, when nobody asked for it: its time to live is over, or the session that owned it. */
export const deletionCauses = ['ttl', 'session'] as const;
export type DeletionCause = (typeof deletionCauses)[number];
/** Where an item of a queue is that does not wait (coordination §11). */
export const itemStates = ['taken', 'delayed', 'dead'] as const;
export type ItemState = (typeof itemStates)[number];

/** What a claim was when it was abandoned. */
export const claimStates = ['waiting', 'granted', 'nothing'] as const;

/** What a session is told of a belonging of its own that changed without a request of its own (coordination §3). */
export const noticeKinds = ['granted', 'passed', 'revoked', 'ended', 'lost'] as const;
export type NoticeKind = (typeof noticeKinds)[number];
export const noticeReasons = ['waitOver', 'deleted', 'tooMany', 'timeUp', 'stolen', 'continued'] as const;
export type NoticeReason = (typeof noticeReasons)[number];
