/** Counters: whole numbers of up to 53 bits. */

import type { Change } from '../../core/service/events.ts';
import { encode } from '../codecs.ts';
import { Handle } from '../handle.ts';
import { createWith } from '../claims/lives.ts';
import type { CreateOptions, Created } from '../claims/lives.ts';
import type { Executor } from '../handle.ts';
import { live } from '../live.ts';
import type { Live, LiveSource } from '../live.ts';
import type { CoreNamespace } from '../namespace.ts';
import { NodeGuards, NodeOps, number, opOf, upsertOf } from '../operations.ts';
import type { Op } from '../operations.ts';
import type { CallOptions, ReadOptions, Written } from '../options.ts';
import { NodeFold } from './fold.ts';

/** Operations of a counter, for transactions. */
export class CounterOps extends NodeOps {
  /** Fails with `PathExists` where a node exists. */
  create(value = 0): Op<Written> {
    // The tree takes a counter's first value as decimal text.
    return this.make('counter', encode({ name: 'integer', encode: integer, decode: () => value }, value, this.path));
  }

  /** Adds `by`, which may be negative, and returns the sum. */
  add(by: number): Op<number> {
    // Minus zero is not a number in messages.
    return opOf({ kind: 'counterAdd', path: this.path, by: by === 0 ? 0 : by }, 'number', number);
  }

  /** The sum. */
  get(): Op<number> {
    return opOf({ kind: 'counterGet', path: this.path }, 'number', number);
  }
}

function integer(value: number): Uint8Array {
  if (!Number.isSafeInteger(value)) throw new RangeError('not a safe integer');
  return new TextEncoder().encode(String(value));
}

class CounterFold extends NodeFold<number> {
  #number = 0;

  constructor(path: string) {
    super(path, 'counter');
  }

  protected empty(): void {
    this.#number = 0;
  }

  protected change({ number }: Change): void {
    this.#number = number ?? 0;
  }

  protected make(): number {
    return this.#number;
  }
}

/** A whole number of up to 53 bits. */
export class CoreCounter extends Handle {
  /** Its operations as values, for transactions. */
  readonly op: CounterOps;
  /** Its conditions, for transactions. */
  readonly guard: NodeGuards;

  constructor(executor: Executor, path: string) {
    super(executor, path);
    this.op = new CounterOps(path);
    this.guard = new NodeGuards(path);
  }

  /** @throws HaretError `PathExists` */
  create(value = 0, options: CallOptions = {}): Promise<Written> {
    return this.executor.run(() => this.op.create(value), options);
  }

  /** The sum. It is 0 where no counter exists. */
  get(options: ReadOptions = {}): Promise<number> {
    return this.executor.run(() => this.op.get(), options, [0]);
  }

  /** @internal */
  get source(): LiveSource<number> {
    return { type: 'counter', codec: CounterFold, recursive: false, fold: () => new CounterFold(this.path) };
  }

  /** Adds `by`, which may be negative. @returns the sum. @throws HaretError `CounterOverflow` beyond 2^53 - 1. */
  add(by = 1, options: CallOptions = {}): Promise<number> {
    return this.executor.run(() => upsertOf(this.op.add(by)), options);
  }
}

/** A whole number of up to 53 bits. A program can follow its changes. */
export class Counter extends CoreCounter {
  /** @throws HaretError `PathExists` */
  override create(value = 0, options: CreateOptions = {}): Promise<Created> {
    return createWith(this.executor, () => this.op.create(value), options);
  }

  /** The sum, kept up to date. */
  live(): Live<number> {
    return live(this);
  }
}

/** A whole number in `namespace`. To make the handle asks nothing of the cluster. */
export function counter(namespace: CoreNamespace, path: string): CoreCounter {
  return new CoreCounter(namespace.executor, path);
}
