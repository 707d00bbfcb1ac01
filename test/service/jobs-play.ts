/** Sessions that put, take and settle items of a queue, by hand (coordination §11). */

import { textOf, utf8 } from '../../core/base/bytes.ts';
import type { ItemState } from '../../core/tree/names.ts';
import { jobResultOf } from '../../core/tree/job-result.ts';
import type { JobResult, KnownItem } from '../../core/tree/job-result.ts';
import type { Asked, Operation, SimpleResult } from '../../core/tree/operation.ts';
import { Play } from './play.ts';

export const q = '/q';
type Took = Extract<JobResult, { kind: 'took' }>;
type Info = Extract<JobResult, { kind: 'queueInfo' }>;
type Result = JobResult | SimpleResult | string;

function known(result: SimpleResult | string): Result {
  return typeof result !== 'string' && result.kind === 'table' ? jobResultOf(result) : result;
}

export class Jobs extends Play {
  constructor() {
    super();
    const a = this.register();
    this.ask(a, { kind: 'create', path: q, type: 'queue', value: null });
  }

  do(session: number, operation: Operation): Result {
    return known(this.ask(session, operation));
  }

  push(session: number, ...values: string[]): void {
    for (const value of values) this.ask(session, { kind: 'queuePush', path: q, value: utf8(value) });
  }

  put(session: number, value: string, more: Partial<Asked<'queuePut'>> = {}): Result {
    const put = { kind: 'queuePut', path: q, value: utf8(value), priority: 0, delayMs: 0, dedup: null } as const;
    return this.do(session, { ...put, ...more });
  }

  take(session: number, more: Partial<Asked<'queueTake'>> = {}): Took {
    const result = this.tryTake(session, more);
    if (typeof result === 'string' || result.kind !== 'took') throw new Error(JSON.stringify(result));
    return result;
  }

  tryTake(session: number, more: Partial<Asked<'queueTake'>> = {}): Result {
    const take = { kind: 'queueTake', path: q, max: 1, visibilityMs: 5000, waitMs: 0, leaseMs: 60_000 } as const;
    return this.do(session, { ...take, ...more });
  }

  ack(session: number, item: number, receipt: number): Result {
    return this.do(session, { kind: 'queueAck', path: q, item, receipt });
  }

  nack(session: number, item: number, receipt: number, delayMs: number | null = 0): Result {
    return this.do(session, { kind: 'queueNack', path: q, item, receipt, delayMs, reason: 'failed' });
  }

  items(state: ItemState): readonly KnownItem[] {
    const shown = this.shown({ kind: 'queueItems', path: q, state, limit: 100, from: 0 });
    return shown?.kind === 'items' ? shown.items : [];
  }

  waiting(): readonly string[] {
    const answer = this.read({ kind: 'queueList', path: q, limit: 100, from: 0 });
    return answer.kind === 'result' && answer.result.kind === 'values'
      ? answer.result.values.map((one) => textOf(one)!)
      : [];
  }

  info(): Info {
    const shown = this.shown({ kind: 'queueInfo', path: q });
    if (shown?.kind !== 'queueInfo') throw new Error('no info');
    return shown;
  }

  shown(operation: Operation): JobResult | null {
    const answer = this.read(operation);
    return answer.kind === 'result' && answer.result.kind === 'table' ? jobResultOf(answer.result) : null;
  }

  /** Lets time go on, and does what is due. */
  later(ms: number): void {
    this.wait(ms);
    this.expire();
  }
}

export const values = (took: Took): readonly string[] => took.items.map(({ value }) => textOf(value)!);
