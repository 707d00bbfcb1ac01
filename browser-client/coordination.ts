/**
 * `haret/coordination`: locks, semaphores, barriers, elections, presence, work queues, and nodes with a life of their
 * own, as functions that take a namespace. A page pays for those that it imports. A namespace of `haret` has them as
 * methods, except work queues.
 *
 * @module haret/coordination
 */

export { Barrier, barrier } from './claims/barrier.ts';
export type { BarrierOps } from './claims/barrier.ts';
export { Election, Term, election } from './claims/election.ts';
export type { CampaignOptions, ElectionEvent, Leader, ObserveOptions, ResignOptions } from './claims/election.ts';
export { Hold } from './claims/hold.ts';
export type { ClaimsInfo, LostReason, WaitOptions } from './claims/hold.ts';
export { Job } from './claims/job.ts';
export type { NackOptions } from './claims/job.ts';
export { JobQueue, jobs } from './claims/jobs.ts';
export type {
  ConsumeOptions,
  JobOptions,
  JobQueueOps,
  PutJob,
  QueueInfo,
  QueueItem,
  TakeOptions,
} from './claims/jobs.ts';
export { Lock, lock } from './claims/lock.ts';
export type { AcquireOptions } from './claims/lock.ts';
export type { ClaimNode, ClaimNodeOps, StealOptions } from './claims/node.ts';
export { create, touch, withOptions } from './claims/lives.ts';
export type { CreateOptions, Created, LifeOptions } from './claims/lives.ts';
export { Member, presence } from './claims/presence.ts';
export type { CorePresence, JoinOptions } from './claims/presence.ts';
export { Semaphore, semaphore } from './claims/semaphore.ts';
export type { PermitOptions, SemaphoreOps, SemaphoreOptions } from './claims/semaphore.ts';
export { locks } from './claims/web-locks.ts';
export type {
  GrantedLock,
  LockInfo,
  LockManager,
  LockManagerSnapshot,
  LockRequestOptions,
  LockWork,
} from './claims/web-locks.ts';
export type { KnownClaim } from '../core/tree/operation.ts';
