/** What locks, semaphores, barriers and elections have in common: each is a node with a line of claims. */

import type { NodeType } from '../../core/tree/operation.ts';
import { Handle } from '../handle.ts';
import type { CoreNamespace } from '../namespace.ts';
import { NodeGuards, NodeOps, opOf, written } from '../operations.ts';
import type { Op } from '../operations.ts';
import type { CallOptions, ReadOptions, Written } from '../options.ts';
import { infoOf } from './hold.ts';
import type { ClaimsInfo } from './hold.ts';

/** Options of `steal`. */
export interface StealOptions extends CallOptions {
  /** The op of the one claim to take it from ({@link Hold.claim}). Default: all. */
  readonly claim?: number | undefined;
}

/** Operations of a node with claims, for transactions. */
export class ClaimNodeOps extends NodeOps {
  readonly #type: NodeType;

  constructor(path: string, type: NodeType) {
    super(path);
    this.#type = type;
  }

  /** Makes it, so that it stays when no one holds it. Fails with `PathExists` where a node exists. */
  create(): Op<Written> {
    return this.make(this.#type, null);
  }
}

/** A node with a line of claims. */
export abstract class ClaimNode<N extends CoreNamespace> extends Handle {
  /** Its conditions, for transactions. */
  readonly guard: NodeGuards;
  /** @internal */
  readonly namespace: N;

  constructor(namespace: N, path: string) {
    super(namespace.executor, path);
    this.namespace = namespace;
    this.guard = new NodeGuards(path);
  }

  /** Who holds it and who waits, up to 1,000 of them. Undefined when it does not exist. */
  info(options: ReadOptions = {}): Promise<ClaimsInfo | undefined> {
    return infoOf(this.executor, this.path, options);
  }

  /**
   * Takes it from those who hold it, for an operator. Their signals fire as soon as they hear. It is granted to the next
   * only when they have confirmed that, or their lease is over. @throws HaretError `PathNotFound`
   */
  steal({ claim = 0, ...options }: StealOptions = {}): Promise<Written> {
    return this.executor.run(
      () => opOf({ kind: 'steal', path: this.path, claim, put: null }, 'done', written),
      options,
    );
  }
}
