/** Barriers: closed, they hold everyone back; open, they let everyone pass. */

import type { CoreNamespace } from '../namespace.ts';
import { opOf, written } from '../operations.ts';
import type { Op } from '../operations.ts';
import type { CallOptions, Written } from '../options.ts';
import { claimIn, withLease } from './hold.ts';
import type { WaitOptions } from './hold.ts';
import { ClaimNode, ClaimNodeOps } from './node.ts';

/** Operations of a barrier, for transactions. */
export class BarrierOps extends ClaimNodeOps {
  constructor(path: string) {
    super(path, 'barrier');
  }

  /** Lets everyone pass. Fails with `PathNotFound` where no barrier exists. */
  open(): Op<Written> {
    return opOf({ kind: 'barrierSet', path: this.path, open: true }, 'done', written);
  }

  /** Holds back those who come later. Fails with `PathNotFound` where no barrier exists. */
  close(): Op<Written> {
    return opOf({ kind: 'barrierSet', path: this.path, open: false }, 'done', written);
  }
}

/** A barrier. It is made closed, by {@link create}. */
export class Barrier<N extends CoreNamespace = CoreNamespace> extends ClaimNode<N> {
  /** Its operations as values, for transactions. */
  readonly op: BarrierOps;

  constructor(namespace: N, path: string) {
    super(namespace, path);
    this.op = new BarrierOps(path);
  }

  /** Makes it, closed. @throws HaretError `PathExists` */
  create(options: CallOptions = {}): Promise<Written> {
    return this.executor.run(() => this.op.create(), options);
  }

  /** Lets all who wait pass, in one entry, and then everyone. @throws HaretError `PathNotFound` */
  open(options: CallOptions = {}): Promise<Written> {
    return this.executor.run(() => this.op.open(), options);
  }

  /** Holds back those who come later. @throws HaretError `PathNotFound` */
  close(options: CallOptions = {}): Promise<Written> {
    return this.executor.run(() => this.op.close(), options);
  }

  /**
   * Resolves when the barrier is open.
   * @throws HaretError `PathNotFound` where no barrier exists, also when it is deleted. Else as {@link Lock.acquire}.
   */
  async wait(options: WaitOptions = {}): Promise<void> {
    const ns = withLease(this.namespace, options.leaseMs);
    await claimIn(ns, { path: this.path, exclusive: false, auto: null, passes: true }, options);
  }
}

/** A barrier in `namespace`. To make the handle asks nothing of the cluster. */
export function barrier<N extends CoreNamespace>(namespace: N, path: string): Barrier<N> {
  return new Barrier(namespace, path);
}
