/** The operations on the jobs that are made of the items of a queue (coordination §11). */

import type { Op } from '../../base/ids.ts';
import { claimChange, makeChange } from '../change.ts';
import { Failure, badArgument, limitExceeded, tooMuchWork } from '../failure.ts';
import { maxSteps, stepsOfNext } from '../limits.ts';
import type { ResultBudget } from '../limits.ts';
import type { ItemState } from '../names.ts';
import { DirectoryNode } from '../node.ts';
import { bytesOfClaim } from '../nodes/claims.ts';
import { growthOfBytes, itemOverheadBytes } from '../nodes/head.ts';
import { jobOverheadBytes, maxFirstPuts } from '../nodes/jobs.ts';
import type { DeadItem, DelayedItem, Job, Taker } from '../nodes/jobs.ts';
import { QueueNode } from '../nodes/queue.ts';
import { tableOf } from '../job-result.ts';
import type { KnownItem } from '../job-result.ts';
import type { Asked, SimpleResult } from '../operation.ts';
import { defaultLeaseMs } from '../operations/claims.ts';
import { Page } from '../page.ts';
import { findTyped, nodeAt, refuseGrowth } from '../place.ts';
import type { Place } from '../place.ts';
import { load, store } from '../stored.ts';
import {
  give,
  itemChange,
  jobDeadline,
  jobEnds,
  leaveLine,
  measures,
  putQueue,
  takeBack,
  tellDropped,
  waitsChange,
} from './job-steps.ts';
import { isOver, maxClaims, maxClaimsOfNode, notHeld } from './line.ts';
import type { WriteContext, Written } from './rules.ts';
import { tooLarge, valueResult } from './steps.ts';

/** What one `queueDead` of all does at most. */
const maxDeadAtOnce = 1000;

/** Why one more item of so many bytes cannot be added. */
export function refuseItem(place: Place, queue: QueueNode, value: Uint8Array, context: WriteContext): Failure | null {
  const { limits } = context;
  const large = tooLarge(value, limits, place.path);
  if (large !== null) return large;
  const count = queue.count + queue.delayed;
  if (count >= limits.maxChildren)
    return limitExceeded('maxChildren', limits.maxChildren, count + 1, { path: place.path });
  return refuseGrowth(place, growthOfBytes(value.length + itemOverheadBytes), limits);
}

export function put(
  place: Place,
  asked: Asked<'queuePut'>,
  context: WriteContext,
  root: DirectoryNode,
): Written | Failure {
  const { path } = place;
  const { op, owner, acting, changes } = context;
  const queue = nodeAt(place, 'queue');
  if (queue instanceof Failure) return queue;
  const { priority, delayMs, dedup } = asked;
  const first = dedup === null ? undefined : queue.firstPut(dedup.id);
  if (first !== undefined && first.until > acting.now)
    return { root, result: tableOf({ kind: 'put', item: first.item, duplicate: true, version: queue.version }) };
  if (dedup !== null && first === undefined && queue.firstPuts >= maxFirstPuts)
    return limitExceeded('maxDedupIds', maxFirstPuts, queue.firstPuts + 1, { path });
  const refused = refuseItem(place, queue, asked.value, context);
  if (refused !== null) return refused;
  const before = measures(queue);
  const item = { value: store(asked.value), priority, attempts: 0 };
  const ready = delayMs === 0 ? null : acting.now + delayMs;
  let node = queue.put(item, ready, op, owner);
  const numbered = { ...item, id: node.last };
  // One that is due is forgotten here, if the entry that says so has not come.
  if (first !== undefined) node = node.forgetting(first, owner);
  if (dedup !== null) node = node.remembering({ id: dedup.id, item: numbered.id, until: acting.now + dedup.ms }, owner);
  if (ready !== null) changes.push(itemChange(path, 'delayed', node, numbered));
  // The last of all is told as a plain push is.
  else if (priority === 0) changes.push(itemChange(path, 'pushed', node, numbered));
  else changes.push(waitsChange(path, 'pushed', node, numbered));
  const result = tableOf({ kind: 'put', item: numbered.id, duplicate: false, version: node.version });
  return { root: putQueue(place, node, before, context), result };
}

/** Why a session may not take. */
function refuseTake({ path, leaseMs }: Asked<'queueTake'>, place: Place, context: WriteContext): Failure | null {
  const { acting, consequences } = context;
  const { session, sessions } = acting;
  if (session === 0) return badArgument('A take needs a session', { path });
  const root = place.above[0]!;
  if (root.owned >= maxClaims) return limitExceeded('maxClaims', maxClaims, root.owned + 1, { path });
  const gained = consequences.filter((one) => one.kind === 'gained' && one.session === session);
  const [first] = gained;
  const lease = first?.kind === 'gained' ? (first.leaseMs ?? defaultLeaseMs) : 0;
  return sessions.refuses(session, leaseMs, { count: gained.length, leaseMs: lease });
}

/** True when a take that waits comes before a new one. */
function isAwaited(queue: QueueNode, context: WriteContext): boolean {
  for (let taker = queue.takerAfter(0); taker !== null; taker = queue.takerAfter(taker.claim))
    if (!isOver(taker, context)) return true;
  return false;
}

export function take(
  place: Place,
  asked: Asked<'queueTake'>,
  context: WriteContext,
  root: DirectoryNode,
): Written | Failure {
  const { path } = place;
  const { op, acting, consequences, budget } = context;
  const { session, request, now } = acting;
  const queue = nodeAt(place, 'queue');
  if (queue instanceof Failure) return queue;
  const refused = refuseTake(asked, place, context);
  if (refused !== null) return refused;
  const { max, visibilityMs, waitMs, leaseMs } = asked;
  const nothing = { kind: 'took', claim: 0, receipt: 0, ahead: 0, clock: now, until: 0, items: [] } as const;
  const changed = acting.sessions.changed(session);
  const first = queue.first();
  if (first !== null && !isAwaited(queue, context)) {
    if (budget.with(first.value.length) > budget.maxBytes)
      return limitExceeded('maxResultBytes', budget.maxBytes, budget.with(first.value.length), { path });
    const before = measures(queue);
    const gains = consequences.filter((one) => one.kind === 'gained' && one.session === session).length;
    const most = Math.min(max, acting.sessions.room(session) - gains, maxClaims - place.above[0]!.owned);
    const at = consequences.length;
    const { queue: node, items } = give(
      path,
      queue,
      { claim: op, session, request, max: most, visibilityMs },
      context,
      budget,
    );
    setLease(consequences, at, leaseMs);
    const until = now + visibilityMs;
    const result = tableOf({ kind: 'took', claim: op, receipt: op, ahead: 0, clock: now, changed, until, items });
    return { root: putQueue(place, node, before, context), result };
  }
  if (waitMs === 0) return { root, result: tableOf({ ...nothing, changed }) };
  if (queue.takers >= maxClaimsOfNode)
    return limitExceeded('maxClaimsOfNode', maxClaimsOfNode, queue.takers + 1, { path });
  const taker: Taker = {
    claim: op,
    session,
    request,
    permits: max,
    exclusive: false,
    value: null,
    enqueued: now,
    waitUntil: waitMs === null ? null : now + waitMs,
    front: 0,
    visibilityMs,
  };
  const full = refuseGrowth(place, growthOfBytes(bytesOfClaim(taker)), context.limits);
  if (full !== null) return full;
  const before = measures(queue);
  const ahead = queue.takers;
  const node = queue.enqueued(taker, op, context.owner);
  const belonging = { kind: 'claim', path, id: op } as const;
  consequences.push({ kind: 'gained', session, belonging, leaseMs });
  if (taker.waitUntil !== null)
    consequences.push({ kind: 'due', deadline: { ...belonging, kind: 'wait', at: taker.waitUntil } });
  context.changes.push(claimChange(path, 'waits', node, { ...taker, token: 0 }));
  return {
    root: putQueue(place, node, before, context, 'quiet'),
    result: tableOf({ ...nothing, claim: op, ahead, changed }),
  };
}

/** The first belonging of a session sets its lease. */
function setLease(consequences: WriteContext['consequences'], from: number, leaseMs: number | null): void {
  for (let at = from; at < consequences.length; at++) {
    const one = consequences[at]!;
    if (one.kind !== 'gained') continue;
    consequences[at] = { ...one, leaseMs };
    return;
  }
}

/** The job of the session that asks, under its receipt. */
function jobAt(
  place: Place,
  { item, receipt }: { readonly item: number; readonly receipt: Op },
  { acting }: Pick<WriteContext, 'acting'>,
): { readonly queue: QueueNode; readonly job: Job } | Failure {
  const { path } = place;
  if (place.node === null) return notHeld(path, item, receipt);
  const queue = nodeAt(place, 'queue');
  if (queue instanceof Failure) return queue;
  const job = queue.job(item);
  if (job === undefined || job.receipt !== receipt || job.session !== acting.session || job.shadow)
    return notHeld(path, item, receipt);
  return { queue, job };
}

export function ack(place: Place, asked: Asked<'queueAck'>, context: WriteContext): Written | Failure {
  const at = jobAt(place, asked, context);
  if (at instanceof Failure) return at;
  const { queue, job } = at;
  const { path } = place;
  const before = measures(queue);
  const node = queue.acked(job, context.op, context.owner);
  jobEnds(path, job, context);
  context.changes.push(itemChange(path, 'acked', node, job, job));
  return { root: putQueue(place, node, before, context), result: { kind: 'done', version: node.version } };
}

const firstBackOffMs = 1000;
const maxBackOffMs = 60_000;

/** How long an item that failed waits: a second, doubling to a minute, with a fifth up or down (coordination §11). */
export function backOffMs(attempts: number, op: Op, item: number): number {
  const base = Math.min(maxBackOffMs, firstBackOffMs * 2 ** Math.min(attempts - 1, 16));
  const mixed = Math.imul((op % 2 ** 32) ^ Math.imul(item, 0x85eb_ca6b), 0x9e37_79b1) >>> 0;
  return base - base / 5 + (mixed % ((2 * base) / 5 + 1));
}

export function nack(place: Place, asked: Asked<'queueNack'>, context: WriteContext): Written | Failure {
  const at = jobAt(place, asked, context);
  if (at instanceof Failure) return at;
  const { job } = at;
  const delayMs = asked.delayMs ?? backOffMs(job.attempts, context.op, job.id);
  const { above, node } = takeBack(place, job, { reason: asked.reason, delayMs }, context);
  return { root: above[0]!, result: { kind: 'done', version: node!.version } };
}

export function extend(place: Place, asked: Asked<'queueExtend'>, context: WriteContext): Written | Failure {
  const at = jobAt(place, asked, context);
  if (at instanceof Failure) return at;
  const { queue, job } = at;
  const { path } = place;
  const { owner, acting, consequences } = context;
  const before = measures(queue);
  const after = { ...job, until: acting.now + asked.visibilityMs };
  consequences.push({ kind: 'notDue', deadline: jobDeadline(path, job) });
  consequences.push({ kind: 'due', deadline: jobDeadline(path, after) });
  const node = queue.extended(after, owner);
  const changed = acting.sessions.changed(acting.session);
  return {
    root: putQueue(place, node, before, context, 'still'),
    result: tableOf({ kind: 'job', until: after.until, clock: acting.now, changed }),
  };
}

export function progress(place: Place, asked: Asked<'queueProgress'>, context: WriteContext): Written | Failure {
  const at = jobAt(place, asked, context);
  if (at instanceof Failure) return at;
  const { queue, job } = at;
  const { note } = asked;
  const full = refuseGrowth(place, growthOfBytes(note.length - (job.note?.length ?? 0)), context.limits);
  if (full !== null) return full;
  const before = measures(queue);
  const node = queue.noted(job, note, context.owner);
  return { root: putQueue(place, node, before, context, 'still'), result: { kind: 'done', version: node.version } };
}

export function configure(place: Place, asked: Asked<'queueConfigure'>, context: WriteContext): Written | Failure {
  const queue = nodeAt(place, 'queue');
  if (queue instanceof Failure) return queue;
  const before = measures(queue);
  const { maxAttempts, maxDead } = queue.settings;
  const settings = { maxAttempts: asked.maxAttempts ?? maxAttempts, maxDead: asked.maxDead ?? maxDead };
  const { queue: node, dropped } = queue.configured(settings, context.op, context.owner);
  context.changes.push(makeChange(place.path, 'changed', node, null, null));
  tellDropped(place.path, node, dropped, context);
  return { root: putQueue(place, node, before, context), result: { kind: 'done', version: node.version } };
}

/** Items that are dead wait again, or are dropped. */
export function raise(
  place: Place,
  { item, drop }: Asked<'queueDead'>,
  context: WriteContext,
  root: DirectoryNode,
): Written | Failure {
  const { path } = place;
  const { op, owner, changes } = context;
  const queue = nodeAt(place, 'queue');
  if (queue instanceof Failure) return queue;
  const one = queue.jobs?.dead.get(item);
  if (item !== 0 && one === undefined)
    return badArgument(`There is no dead item ${item} at ${path}`, { path, field: 'item', actual: item });
  const all = item === 0 ? firstDead(queue) : [one!];
  if (all.length === 0) return { root, result: { kind: 'number', number: 0, version: queue.version } };
  const before = measures(queue);
  let node = queue;
  for (const dead of all) {
    node = drop ? node.dropping(dead, op, owner) : node.retried(dead, op, owner);
    changes.push(drop ? itemChange(path, 'dropped', node, dead) : waitsChange(path, 'returned', node, dead));
  }
  return {
    root: putQueue(place, node, before, context),
    result: { kind: 'number', number: all.length, version: node.version },
  };
}

function firstDead({ jobs }: QueueNode): readonly DeadItem[] {
  const found: DeadItem[] = [];
  for (const id of jobs?.graves.values() ?? []) if (found.push(jobs!.dead.get(id)!) === maxDeadAtOnce) break;
  return found;
}

/** What `abandon` does at a queue: a take that waits leaves the line, and items that it was given wait again. */
export function abandonTake(
  place: Place,
  { claim, request }: Asked<'abandon'>,
  context: WriteContext,
  root: DirectoryNode,
): Written | Failure {
  const queue = place.node as QueueNode;
  const { session } = context.acting;
  const is = (one: Pick<Job, 'claim' | 'session' | 'request'>): boolean =>
    one.session === session && (claim === 0 ? one.request === request : one.claim === claim);
  const { jobs } = queue;
  if (jobs === null) return { root, result: { kind: 'abandoned', was: 'nothing' } };
  if (!context.budget.work((jobs.taken.size + (claim === 0 ? jobs.line.size : 0)) * stepsOfNext))
    return tooMuchWork(maxSteps);
  const known = claim === 0 ? [...jobs.line.values()].find(is) : jobs.line.get(claim);
  if (known !== undefined && is(known))
    return { root: leaveLine(place, known, context).above[0]!, result: { kind: 'abandoned', was: 'waiting' } };
  let at = place;
  for (const job of queue.jobsOf((one) => is(one) && !one.shadow))
    at = takeBack(at, job, { reason: 'abandoned', clean: true }, context);
  return { root: at.above[0]!, result: { kind: 'abandoned', was: at === place ? 'nothing' : 'granted' } };
}

export function readJob(
  root: DirectoryNode,
  { path, item, receipt }: Asked<'queueJob'>,
  budget: ResultBudget,
): SimpleResult | Failure {
  const queue = findTyped(root, path, 'queue');
  if (queue instanceof Failure) return queue.error.code === 'PathNotFound' ? notHeld(path, item, receipt) : queue;
  const job = queue.job(item);
  if (job?.receipt !== receipt) return notHeld(path, item, receipt);
  return valueResult(job.value, queue.version, path, budget);
}

type AnyItem = Job | DelayedItem | DeadItem;

/** The items of each state, in the order in which they are shown. */
const itemsOf: Readonly<Record<ItemState, (queue: QueueNode) => Iterable<AnyItem>>> = {
  taken: ({ jobs }) => jobs?.taken.values() ?? [],
  delayed: ({ jobs }) => jobs?.delayed.values() ?? [],
  *dead({ jobs }) {
    for (const id of jobs?.graves.values() ?? []) yield jobs!.dead.get(id)!;
  },
};

const unowned = { session: 0, client: '', receipt: 0, since: 0, until: 0, note: '' };

function known(item: AnyItem): KnownItem {
  const { id, priority, attempts } = item;
  const plain = { id, priority, attempts, value: load(item.value), ...unowned };
  if ('receipt' in item) {
    const { session, receipt, since, until, note } = item;
    return { ...plain, session, receipt, since, until, note: note ?? '' };
  }
  if ('ready' in item) return { ...plain, until: item.ready };
  return { ...plain, since: item.since, note: item.reason };
}

export function listItems(
  root: DirectoryNode,
  { path, state, limit, from }: Asked<'queueItems'>,
  budget: ResultBudget,
): SimpleResult | Failure {
  const queue = findTyped(root, path, 'queue');
  if (queue instanceof Failure) return queue;
  const page = new Page<KnownItem>(limit, budget);
  if (!budget.work(from * stepsOfNext)) return tooMuchWork(maxSteps);
  let at = 0;
  for (const item of itemsOf[state](queue)) {
    if (at++ < from) continue;
    if (!page.add(known(item), item.value.length + 2 * jobOverheadBytes)) break;
  }
  const { entries: items, more } = page;
  return page.failure ?? tableOf({ kind: 'items', state, items, more, version: queue.version });
}

export function info(root: DirectoryNode, { path }: Asked<'queueInfo'>): SimpleResult | Failure {
  const queue = findTyped(root, path, 'queue');
  if (queue instanceof Failure) return queue;
  const { count: waiting, delayed, held: taken, dead, takers, settings, jobs, version } = queue;
  const { maxAttempts, maxDead } = settings;
  const dropped = jobs?.dropped ?? 0;
  return tableOf({ kind: 'queueInfo', waiting, delayed, taken, dead, takers, dropped, maxAttempts, maxDead, version });
}
