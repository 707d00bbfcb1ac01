/**
 * What happens to the items of a queue, whoever asks: they are given, come back, die (coordination §11). Takes that wait
 * get theirs when the entry is settled.
 */

import type { Op, RequestNumber, SessionId } from '../../base/ids.ts';
import type { GivenItem, TreeDeadline } from '../acting.ts';
import type { TreeChange } from '../change.ts';
import { claimChange, makeChange } from '../change.ts';
import type { ResultBudget } from '../limits.ts';
import type { ChangeKind } from '../names.ts';
import { DirectoryNode } from '../node.ts';
import type { Mark } from '../nodes/directory.ts';
import type { Growth } from '../nodes/head.ts';
import type { DeadItem, Job, NumberedItem, Taker } from '../nodes/jobs.ts';
import type { QueueNode } from '../nodes/queue.ts';
import { replace } from '../place.ts';
import type { Place } from '../place.ts';
import { load } from '../stored.ts';
import type { ClaimStep } from './claim-steps.ts';
import { isOver, maxClaims, moved, tell } from './line.ts';
import type { WriteContext } from './rules.ts';

/** Delayed items that become ready, and ids that are forgotten, by one step of an expiry. What is left follows at once. */
const maxReadied = 64;
/** How far the place of an item that waits again is counted, for those who follow the queue. */
const maxCounted = 1000;

/** What a queue was before a change, which may be in place. */
export interface Measures {
  readonly bytes: number;
  readonly held: number;
  readonly owned: number;
  readonly dueAt: number | null;
}

export function measures({ bytes, held, owned, dueAt }: QueueNode): Measures {
  return { bytes, held, owned, dueAt };
}

export function growthSince(before: Measures, { bytes, held, owned }: Omit<Measures, 'dueAt'>): Growth {
  return { bytes: bytes - before.bytes, nodes: 0, held: held - before.held, owned: owned - before.owned, lives: 0 };
}

/**
 * Puts a changed queue in its place, and has its own deadline follow its delayed items. A `quiet` change changes the version
 * of the node alone, and a `still` one no version at all, so it makes no event (coordination §9).
 */
export function putQueue(
  place: Place,
  node: QueueNode,
  before: Measures,
  context: WriteContext,
  how: Mark['as'] = 'change',
): DirectoryNode {
  const { path } = place;
  const { consequences, touched } = context;
  const { dueAt } = node;
  if (dueAt !== before.dueAt) {
    if (before.dueAt !== null) consequences.push({ kind: 'notDue', deadline: delayOf(path, before.dueAt) });
    if (dueAt !== null) consequences.push({ kind: 'due', deadline: delayOf(path, dueAt) });
  }
  if (node.takers > 0 && node.count > 0 && !touched.has(path)) touched.set(path, 0);
  return replace(place, node, growthSince(before, node), context, how);
}

export function delayOf(path: string, at: number): TreeDeadline {
  return { kind: 'delay', path, id: 0, at };
}

export function jobDeadline(path: string, { id, until }: Pick<Job, 'id' | 'until'>): TreeDeadline {
  return { kind: 'job', path, id, at: until };
}

/** A change of one item. */
export function itemChange(
  path: string,
  kind: ChangeKind,
  node: QueueNode,
  { id, value }: Pick<NumberedItem, 'id' | 'value'>,
  by: { readonly receipt: Op; readonly session: SessionId } | null = null,
  number: number | null = null,
): TreeChange {
  const claim = { claim: id, token: by?.receipt ?? 0, session: by?.session ?? 0 };
  return { ...makeChange(path, kind, node, value, number), claim };
}

/** An item waits, perhaps before others. Its place among those that wait is told if it is among the first. */
export function waitsChange(
  path: string,
  kind: 'pushed' | 'returned',
  node: QueueNode,
  item: NumberedItem,
): TreeChange {
  const before = node.before(item.id, item.priority, maxCounted);
  return itemChange(path, kind, node, item, null, before < maxCounted ? before : null);
}

/** Who takes, and how much. */
export interface Taking {
  readonly claim: Op;
  readonly session: SessionId;
  readonly request: RequestNumber;
  readonly max: number;
  readonly visibilityMs: number;
}

/** Gives the first items. @param budget how much the answer may still have, or null if it has no values. */
export function give(
  path: string,
  queue: QueueNode,
  taking: Taking,
  context: Pick<WriteContext, 'op' | 'owner' | 'acting' | 'changes' | 'consequences'>,
  budget: ResultBudget | null,
): { readonly queue: QueueNode; readonly items: readonly (GivenItem & { readonly value: Uint8Array })[] } {
  const { op, owner, acting, changes, consequences } = context;
  const { claim, session, request, visibilityMs } = taking;
  const since = acting.now;
  const until = since + visibilityMs;
  const items: (GivenItem & { value: Uint8Array })[] = [];
  let node = queue;
  for (;;) {
    const item = items.length < taking.max ? node.first() : null;
    if (item === null || budget?.take(item.value.length) === false) break;
    const attempts = item.attempts + 1;
    const by = { session, claim, request, receipt: op, since, until, shadow: false, note: null };
    const job = { ...item, attempts, ...by };
    node = node.taking(job, op, owner);
    changes.push(itemChange(path, 'taken', node, item, job));
    consequences.push({
      kind: 'gained',
      session,
      belonging: { kind: 'claim', path, id: op, item: item.id },
      leaseMs: null,
    });
    consequences.push({ kind: 'due', deadline: jobDeadline(path, job) });
    items.push({ id: item.id, attempts, value: budget === null ? noValue : load(item.value) });
  }
  return { queue: node, items };
}
const noValue = new Uint8Array();

/** What follows when a job ends, whatever becomes of its item. */
export function jobEnds(path: string, job: Job, { consequences }: WriteContext): void {
  const { session, receipt: id, id: item } = job;
  consequences.push({ kind: 'gaveUp', session, belonging: { kind: 'claim', path, id, item } });
  consequences.push({ kind: 'notDue', deadline: jobDeadline(path, job) });
}

/** Why an item comes back. */
export interface Back {
  /** What is said of it if it is dead now. */
  readonly reason: string;
  /** The attempt does not count. */
  readonly clean?: boolean;
  readonly delayMs?: number;
}

/** Ends a job whose item comes back: it waits again, or later, or is dead. */
export function takeBack(
  place: Place,
  job: Job,
  { reason, clean = false, delayMs = 0 }: Back,
  context: WriteContext,
): Place {
  const { path } = place;
  const { op, owner, acting, changes } = context;
  const queue = place.node as QueueNode;
  const before = measures(queue);
  const { maxAttempts } = queue.settings;
  jobEnds(path, job, context);
  let node: QueueNode;
  if (!clean && maxAttempts > 0 && job.attempts >= maxAttempts) {
    const buried = queue.buried(job, reason, acting.now, op, owner);
    node = buried.queue;
    changes.push(itemChange(path, 'died', node, job, job));
    tellDropped(path, node, buried.dropped, context);
  } else {
    const attempts = job.attempts - (clean ? 1 : 0);
    const ready = delayMs === 0 ? null : acting.now + delayMs;
    node = queue.returned(job, attempts, ready, op, owner);
    changes.push(
      ready === null ? waitsChange(path, 'returned', node, job) : itemChange(path, 'delayed', node, job, job),
    );
  }
  return moved(place, putQueue(place, node, before, context), node);
}

export function tellDropped(path: string, node: QueueNode, dropped: readonly DeadItem[], context: WriteContext): void {
  for (const item of dropped) context.changes.push(itemChange(path, 'dropped', node, item));
}

/** Takes a take that waits out of the line. */
export function leaveLine(place: Place, taker: Taker, context: WriteContext): Place {
  const { path } = place;
  const { op, owner, consequences } = context;
  const queue = place.node as QueueNode;
  const before = measures(queue);
  const node = queue.without(taker, op, owner);
  takerLeaves(path, taker, consequences);
  context.changes.push(claimChange(path, 'left', node, { ...taker, token: 0 }));
  return moved(place, putQueue(place, node, before, context, 'quiet'), node);
}

export function takerLeaves(path: string, taker: Taker, consequences: WriteContext['consequences']): void {
  const belonging = { kind: 'claim', path, id: taker.claim } as const;
  consequences.push({ kind: 'gaveUp', session: taker.session, belonging });
  if (taker.waitUntil !== null)
    consequences.push({ kind: 'notDue', deadline: { ...belonging, kind: 'wait', at: taker.waitUntil } });
}

/** Does a step of the group itself to a queue. One that no longer applies changes nothing. */
export function applyQueueStep(place: Place, step: ClaimStep, context: WriteContext): Place {
  const { path } = place;
  const queue = place.node as QueueNode;
  const { now } = context.acting;
  const taker = queue.jobs?.line.get(step.id);
  switch (step.kind) {
    case 'giveUp': {
      if (step.item === undefined) return taker === undefined ? place : leaveLine(place, taker, context);
      const job = queue.job(step.item);
      if (job?.receipt !== step.id) return place;
      return takeBack(place, job, { reason: 'sessionEnded', clean: step.clean }, context);
    }
    case 'waitOver': {
      if (taker?.waitUntil == null || taker.waitUntil > now) return place;
      tell(context, taker.session, endedTake(path, taker, 'waitOver'));
      return leaveLine(place, taker, context);
    }
    case 'continued': {
      if (step.item === undefined) return taker === undefined ? place : leaveLine(place, taker, context);
      const job = queue.job(step.item);
      return job?.receipt === step.id && !job.shadow ? shadow(place, job, step.until, context) : place;
    }
    case 'jobOver': {
      const job = queue.job(step.id);
      if (job === undefined || job.until > now) return place;
      // Its session is not told, because its client knows by its own clock before (coordination §5).
      return takeBack(place, job, { reason: job.shadow ? 'sessionEnded' : 'timeUp' }, context);
    }
    case 'ready':
      return readied(place, context);
    case 'shadowOver':
      return place;
  }
}

export function endedTake(path: string, { claim }: Taker, reason: 'waitOver' | 'deleted'): Parameters<typeof tell>[2] {
  return { path, claim, kind: 'ended', token: 0, reason, until: null };
}

/** Tells all who wait for items of a queue that is deleted. */
export function endTakes(queue: QueueNode, path: string, context: WriteContext): void {
  const { consequences } = context;
  for (const taker of queue.jobs?.line.values() ?? []) {
    tell(context, taker.session, endedTake(path, taker, 'deleted'));
    takerLeaves(path, taker, consequences);
  }
  if (queue.dueAt !== null) consequences.push({ kind: 'notDue', deadline: delayOf(path, queue.dueAt) });
}

/** A job of a session that another process continues is taken back when its process cannot count on it any more. */
function shadow(place: Place, job: Job, until: number, context: WriteContext): Place {
  const { path } = place;
  const { owner, consequences } = context;
  const queue = place.node as QueueNode;
  const before = measures(queue);
  const after = { ...job, shadow: true, until: Math.min(job.until, until) };
  consequences.push({ kind: 'notDue', deadline: jobDeadline(path, job) });
  consequences.push({ kind: 'due', deadline: jobDeadline(path, after) });
  const node = queue.extended(after, owner);
  return moved(place, putQueue(place, node, before, context, 'still'), node);
}

/** Delayed items whose time has come wait from now on, and ids whose time is over are forgotten. */
function readied(place: Place, context: WriteContext): Place {
  const { path } = place;
  const { op, owner, acting, changes, consequences } = context;
  const queue = place.node as QueueNode;
  const before = measures(queue);
  const told = changes.length;
  let node = queue;
  for (let left = maxReadied; left > 0; left--) {
    const next = node.nextReady();
    if (next === null || next.ready > acting.now) break;
    node = node.readied(next, op, owner);
    changes.push(waitsChange(path, 'returned', node, next));
  }
  const how = changes.length > told ? 'change' : 'still';
  for (let left = maxReadied; left > 0; left--) {
    const next = node.nextForgotten();
    if (next === null || next.until > acting.now) break;
    node = node.forgetting(next, owner);
  }
  // The deadline that brought this here is not kept any more.
  if (before.dueAt !== null && node.dueAt === before.dueAt)
    consequences.push({ kind: 'due', deadline: delayOf(path, before.dueAt) });
  return moved(place, putQueue(place, node, before, context, how), node);
}

/** Gives waiting items to the takes in line, the foremost first. */
export function settleQueue(place: Place, context: WriteContext): DirectoryNode {
  const { path } = place;
  const { op, acting, consequences } = context;
  const queue = place.node as QueueNode;
  const before = measures(queue);
  // The queue is copied for the first of them at most, and put back once.
  const owner = context.owner ?? {};
  const given = new Map<SessionId, number>();
  let room = maxClaims - place.above[0]!.owned + 1;
  let node = queue;
  for (let taker = node.takerAfter(0); taker !== null && node.count > 0; taker = node.takerAfter(taker.claim)) {
    // Its time is over. The entry that says so will tell its session.
    if (isOver(taker, context)) continue;
    const { claim, session, request, visibilityMs, permits } = taker;
    const had = given.get(session) ?? 0;
    const max = Math.max(1, Math.min(permits, room, acting.sessions.room(session) - had));
    node = node.without(taker, op, owner);
    takerLeaves(path, taker, consequences);
    const gave = give(path, node, { claim, session, request, max, visibilityMs }, { ...context, owner }, null);
    node = gave.queue;
    room -= gave.items.length - 1;
    given.set(session, had + gave.items.length);
    const items = gave.items.flatMap(({ id, attempts }) => [id, attempts]);
    const until = acting.now + visibilityMs;
    tell(context, session, { path, claim, kind: 'granted', token: op, reason: null, until, items });
  }
  return given.size === 0 ? place.above[0]! : putQueue(place, node, before, context);
}
