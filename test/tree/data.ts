/** What the tree has besides claims and jobs. These have models of their own, because they belong to sessions. */

import { claimTypes, nodeTypes } from '../../core/tree/names.ts';
import type { ClaimType, LeafType } from '../../core/tree/names.ts';
import type { AllForms } from '../../core/tree/operations/index.ts';

type Claims = 'claims' | ClaimType;
type QueueForms = AllForms['queue'];
type PlainQueueKind = `queue${'Push' | 'Pop' | 'Front' | 'Back' | 'Length' | 'List'}`;
export type JobKind = Exclude<keyof QueueForms['writes'] | keyof QueueForms['reads'], PlainQueueKind>;
/** Operations on jobs, which `haret/coordination` sends. What a job does is no change of what waits in its queue. */
export const jobKinds: readonly JobKind[] = Object.keys({
  queuePut: 0,
  queueTake: 0,
  queueAck: 0,
  queueNack: 0,
  queueExtend: 0,
  queueProgress: 0,
  queueConfigure: 0,
  queueDead: 0,
  queueJob: 0,
  queueItems: 0,
  queueInfo: 0,
} satisfies Record<JobKind, 0>) as JobKind[];

export type ClaimKind =
  | JobKind
  | {
      [F in Claims]: keyof AllForms[F]['writes'] | keyof AllForms[F]['reads'];
    }[Claims];
/** How long nodes live is also about sessions, and about time. */
export type LifeKind = keyof AllForms['lives']['writes'];
export type DataType = Exclude<LeafType, ClaimType>;

/** Every type of leaf that is no line of claims. */
export const dataTypes = nodeTypes.filter(
  (type): type is DataType => type !== 'directory' && !(claimTypes as readonly string[]).includes(type),
);
