/**
 * haret's client, the same in Node and in browsers. `connect` gives a client, `namespace` a namespace, and the
 * namespace gives handles (`blob`, `queue`, `set`, `counter`, `directory`) and transactions.
 *
 * @module haret
 */

export { bytes, json, superjson, text } from './codecs.ts';
export type { Codec, Issue, StandardSchema, Validated } from './codecs.ts';
export { HaretError } from '../core/base/errors.ts';
export { Barrier, Election, Hold, Lock, Member, Semaphore, Term, withOptions } from './coordination.ts';
export { Presence } from './claims/live-presence.ts';
export type {
  AcquireOptions,
  BarrierOps,
  CampaignOptions,
  ClaimNode,
  ClaimNodeOps,
  ClaimsInfo,
  CreateOptions,
  Created,
  ElectionEvent,
  GrantedLock,
  JoinOptions,
  KnownClaim,
  Leader,
  LockInfo,
  LockManager,
  LockManagerSnapshot,
  LockRequestOptions,
  LockWork,
  LifeOptions,
  LostReason,
  ObserveOptions,
  PermitOptions,
  ResignOptions,
  SemaphoreOps,
  SemaphoreOptions,
  StealOptions,
  WaitOptions,
} from './coordination.ts';
export { connect, open } from './full.ts';
export type { Haret, Namespace } from './full.ts';
export { Blob, Counter, Directory, Queue, SetHandle } from './kinds/index.ts';
export type { CoreHaret } from './haret.ts';
export type { CoreNamespace } from './namespace.ts';
export type * from './types.ts';
