/** The forms of operations on a queue, and on the jobs that are made of its items (coordination §11). */

import { bool, nullable, oneOf, struct, text, uint } from '../../base/schema.ts';
import { pageSchema, pathSchema, valueSchema } from '../result.ts';
import { itemStates } from '../names.ts';
import { maxLeaseMs, maxWaitMs, minLeaseMs } from './claims.ts';
import type { Forms } from './form.ts';

const queuePush = [4, { path: pathSchema, value: valueSchema }] as const;

/** Items that one take gives at most. */
export const maxTake = 100;
export const minVisibilityMs = 1000;
/** 24 hours. */
export const maxVisibilityMs = 86_400_000;
export const maxAttemptsLimit = 1_000_000;
export const maxDeadLimit = 100_000;
/** Bytes of a note, of a reason and of an id of deduplication. */
export const maxNoteBytes = 1024;
export const maxDedupBytes = 128;
export const minDedupMs = 1000;
/** 24 hours. */
export const maxDedupMs = 86_400_000;

const job = { path: pathSchema, item: uint(), receipt: uint() } as const;
const visibility = uint(maxVisibilityMs, minVisibilityMs);

const dedup = { id: text(maxDedupBytes), ms: uint(maxDedupMs, minDedupMs) } as const;
const dedupSchema = struct(dedup);

/** Adds an item with a priority, one that waits only after a delay, or one that is added once under an id. */
const queuePut = [
  26,
  {
    path: pathSchema,
    value: valueSchema,
    /** 0 to 9. Higher ones come first. */
    priority: uint(9),
    delayMs: uint(maxWaitMs),
    /** Within so many milliseconds of the first put under this id, others do nothing and get its answer. */
    dedup: nullable(dedupSchema),
  },
] as const;

/**
 * Takes items as jobs of the session, which come back after `visibilityMs` unless they are acknowledged. Where none
 * waits, the take waits in line for so long; 0: not at all, null: without end.
 */
const queueTake = [
  27,
  {
    path: pathSchema,
    max: uint(maxTake, 1),
    visibilityMs: visibility,
    waitMs: nullable(uint(maxWaitMs)),
    leaseMs: nullable(uint(maxLeaseMs, minLeaseMs)),
  },
] as const;

/** Changes what is not null. */
const queueConfigure = [
  96,
  {
    path: pathSchema,
    /** After so many attempts, an item is dead. 0: never. */
    maxAttempts: nullable(uint(maxAttemptsLimit)),
    maxDead: nullable(uint(maxDeadLimit)),
  },
] as const;

export const queueForms = {
  writes: {
    queuePush,
    queuePop: [5, { path: pathSchema }],
    queuePut,
    queueTake,
    /** The job is done. Its item is gone. */
    queueAck: [28, { ...job }],
    /** The job failed. Its item waits again after `delayMs`, or after a back-off that grows, or is dead. */
    queueNack: [29, { ...job, delayMs: nullable(uint(maxWaitMs)), reason: text(maxNoteBytes) }],
    /** The job is taken for so long from now on. */
    queueExtend: [30, { ...job, visibilityMs: visibility }],
    /** Shows others how far the job is. */
    queueProgress: [98, { ...job, note: text(maxNoteBytes) }],
    queueConfigure,
    /** A dead item waits again as if it were new, or is dropped. 0: all dead items, at most 1000 of them. */
    queueDead: [97, { path: pathSchema, item: uint(), drop: bool }],
  },
  upserts: { queuePush, queuePut, queueTake, queueConfigure },
  reads: {
    queueFront: [38, { path: pathSchema }],
    queueBack: [39, { path: pathSchema }],
    queueLength: [40, { path: pathSchema }],
    /** Items from the front, from position `from` on. */
    queueList: [41, { path: pathSchema, limit: pageSchema, from: uint() }],
    /** The value of a job. */
    queueJob: [61, { ...job }],
    /** Items of a state, from position `from` on: jobs by their numbers, delayed ones by their time, dead ones by their death. */
    queueItems: [62, { path: pathSchema, state: oneOf(...itemStates), limit: pageSchema, from: uint() }],
    /** How many items there are of each state, and the settings. */
    queueInfo: [63, { path: pathSchema }],
  },
  guards: {},
} as const satisfies Forms;
