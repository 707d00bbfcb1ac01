/** Maximums: the largest number that each was raised to. */

import type { Change } from '../../core/service/events.ts';
import { Handle } from '../handle.ts';
import type { Executor } from '../handle.ts';
import { live } from '../live.ts';
import type { Live, LiveSource } from '../live.ts';
import type { CoreNamespace } from '../namespace.ts';
import { NodeGuards, NodeOps, number, opOf, upsertOf } from '../operations.ts';
import type { Op } from '../operations.ts';
import type { CallOptions, ReadOptions } from '../options.ts';
import { NodeFold } from './fold.ts';

/** Operations of a maximum, for transactions. */
export class MaxOps extends NodeOps {
  raise(to: number): Op<number> {
    return opOf({ kind: 'maxRaise', path: this.path, to }, 'number', number);
  }

  get(): Op<number> {
    return opOf({ kind: 'maxGet', path: this.path }, 'number', number);
  }
}

class MaxFold extends NodeFold<number> {
  #number = 0;

  constructor(path: string) {
    super(path, 'max');
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

export class CoreMax extends Handle {
  readonly op: MaxOps;
  readonly guard: NodeGuards;

  constructor(executor: Executor, path: string) {
    super(executor, path);
    this.op = new MaxOps(path);
    this.guard = new NodeGuards(path);
  }

  get source(): LiveSource<number> {
    return { type: 'max', codec: MaxFold, recursive: false, fold: () => new MaxFold(this.path) };
  }

  get(options: ReadOptions = {}): Promise<number> {
    return this.executor.run(() => this.op.get(), options, [0]);
  }

  raise(to: number, options: CallOptions = {}): Promise<number> {
    return this.executor.run(() => upsertOf(this.op.raise(to)), options);
  }
}

export class Max extends CoreMax {
  live(): Live<number> {
    return live(this);
  }
}

export function max(namespace: CoreNamespace, path: string): CoreMax {
  return new CoreMax(namespace.executor, path);
}
