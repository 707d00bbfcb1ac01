/** Queues: first in, first out. */

import type { Change } from '../../core/service/events.ts';
import { decode, encode } from '../codecs.ts';
import type { Codec } from '../codecs.ts';
import { Handle, nothing } from '../handle.ts';
import { createWith } from '../claims/lives.ts';
import type { CreateOptions, Created } from '../claims/lives.ts';
import type { Executor } from '../handle.ts';
import { live } from '../live.ts';
import type { Live, LiveSource } from '../live.ts';
import type { CoreNamespace } from '../namespace.ts';
import { NodeGuards, NodeOps, number, opOf, upsertOf, written } from '../operations.ts';
import type { Op } from '../operations.ts';
import type { CallOptions, PageOptions, ReadOptions, Written } from '../options.ts';
import { listing } from '../pages.ts';
import type { Listing } from '../pages.ts';
import { NodeFold } from './fold.ts';
import { valuesPage } from './values-page.ts';

/** Operations of a queue, for transactions. */
export class QueueOps<Out, In> extends NodeOps {
  readonly #codec: Codec<Out, In>;

  constructor(path: string, codec: Codec<Out, In>) {
    super(path);
    this.#codec = codec;
  }

  /** Fails with `PathExists` where a node exists. */
  create(): Op<Written> {
    return this.make('queue', null);
  }

  /** Adds an item at the end. */
  push(item: In): Op<Written> {
    const value = encode(this.#codec, item, this.path);
    return opOf({ kind: 'queuePush', path: this.path, value }, 'done', written);
  }

  /** Takes the first item. Undefined when the queue is empty. */
  pop(): Op<Out | undefined> {
    return this.#item('queuePop', true);
  }

  /** The first item, which stays in the queue. Undefined when the queue is empty. */
  front(): Op<Out | undefined> {
    return this.#item('queueFront', false);
  }

  /** The last item, which stays in the queue. Undefined when the queue is empty. */
  back(): Op<Out | undefined> {
    return this.#item('queueBack', false);
  }

  /** The number of items. */
  length(): Op<number> {
    return opOf({ kind: 'queueLength', path: this.path }, 'number', number);
  }

  #item(kind: 'queuePop' | 'queueFront' | 'queueBack', changed: boolean): Op<Out | undefined> {
    return opOf({ kind, path: this.path }, 'value', ({ value }) =>
      value === null ? undefined : decode(this.#codec, value, this.path, changed),
    );
  }
}

class QueueFold<Out> extends NodeFold<readonly Out[]> {
  readonly #codec: Codec<Out, never>;
  #items: Uint8Array[] = [];

  constructor(path: string, codec: Codec<Out, never>) {
    super(path, 'queue');
    this.#codec = codec;
  }

  protected empty(): void {
    this.#items = [];
  }

  /** What waits. A job is not in it until it comes back, to a place that its change tells (coordination §11). */
  protected change({ kind, value, number }: Change): void {
    if (kind === 'popped' || kind === 'taken') this.#items.shift();
    else if ((kind === 'pushed' || kind === 'returned') && value !== null)
      this.#items.splice(number ?? this.#items.length, 0, value);
  }

  protected make(): readonly Out[] {
    return this.#items.map((item) => decode(this.#codec, item, this.path));
  }
}

/** A first-in, first-out queue of items. */
export class CoreQueue<Out, In = Out> extends Handle {
  /** Its operations as values, for transactions. */
  readonly op: QueueOps<Out, In>;
  /** Its conditions, for transactions. */
  readonly guard: NodeGuards;
  readonly #codec: Codec<Out, In>;

  constructor(executor: Executor, path: string, codec: Codec<Out, In>) {
    super(executor, path);
    this.#codec = codec;
    this.op = new QueueOps(path, codec);
    this.guard = new NodeGuards(path);
  }

  /** @throws HaretError `PathExists` */
  create(options: CallOptions = {}): Promise<Written> {
    return this.executor.run(() => this.op.create(), options);
  }

  /** Adds an item at the end. Makes the queue if it is missing. */
  push(item: In, options: CallOptions = {}): Promise<Written> {
    return this.executor.run(() => upsertOf(this.op.push(item)), options);
  }

  /** Takes the first item. Undefined when there is none. */
  pop(options: CallOptions = {}): Promise<Out | undefined> {
    return this.executor.run(() => this.op.pop(), options, nothing);
  }

  /** The first item, which stays in the queue. Undefined when there is none. */
  front(options: ReadOptions = {}): Promise<Out | undefined> {
    return this.executor.run(() => this.op.front(), options, nothing);
  }

  /** The last item, which stays in the queue. Undefined when there is none. */
  back(options: ReadOptions = {}): Promise<Out | undefined> {
    return this.executor.run(() => this.op.back(), options, nothing);
  }

  /** The number of items. It is 0 where no queue exists. */
  length(options: ReadOptions = {}): Promise<number> {
    return this.executor.run(() => this.op.length(), options, [0]);
  }

  /** @internal */
  get source(): LiveSource<readonly Out[]> {
    return { type: 'queue', codec: this.#codec, recursive: false, fold: () => new QueueFold(this.path, this.#codec) };
  }

  /**
   * The items from the front. Pages count by position, so an item that is popped between two pages moves the later ones
   * forward.
   */
  items(options: PageOptions = {}): Listing<Out> {
    return listing<Out, number>(
      (from, limit, asked) =>
        valuesPage(
          this.executor,
          this.#codec,
          { kind: 'queueList', path: this.path, limit, from: from ?? 0 },
          asked,
          (all) => (from ?? 0) + all.length,
        ),
      options,
      this.executor.defaultRead,
    );
  }
}

/** A first-in, first-out queue of items. A program can follow its changes. */
export class Queue<Out, In = Out> extends CoreQueue<Out, In> {
  /** @throws HaretError `PathExists` */
  override create(options: CreateOptions = {}): Promise<Created> {
    return createWith(this.executor, () => this.op.create(), options);
  }

  /** The items from the front, kept up to date. */
  live(): Live<readonly Out[]> {
    return live(this);
  }
}

/** A queue in `namespace`. To make the handle asks nothing of the cluster. */
export function queue<Out, In>(namespace: CoreNamespace, path: string, codec: Codec<Out, In>): CoreQueue<Out, In> {
  return new CoreQueue(namespace.executor, path, codec);
}
