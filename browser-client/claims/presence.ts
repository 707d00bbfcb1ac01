/** Presence: who is in a room, with data of each (coordination §10). */

import { HaretError, haretError } from '../../core/base/errors.ts';
import type { ClaimHandle } from '../../core/client/claims.ts';
import type { Change } from '../../core/service/events.ts';
import { decode, encode } from '../codecs.ts';
import type { Codec } from '../codecs.ts';
import type { Executor } from '../handle.ts';
import type { Fold, HasLive, LiveSource } from '../live.ts';
import type { CoreNamespace } from '../namespace.ts';
import { opOf, transactionOf, written } from '../operations.ts';
import type { CallOptions, ReadOptions, Written } from '../options.ts';
import { watch } from '../watch.ts';
import { withLease } from './hold.ts';
import { openEphemeral, wishOf } from './lives.ts';

/** A hidden tab and a short break are no leave. */
const defaultLeaseMs = 30_000;

/** Options of `join` of a room. */
export interface JoinOptions extends CallOptions {
  /**
   * The name of this member in the room. A member that comes back under the same name in the same session takes its
   * place again. Default: one that nobody else has.
   */
  readonly name?: string | undefined;
  /** After so long without a sign of life it is gone. Default 30,000 milliseconds. */
  readonly leaseMs?: number | undefined;
}

/** Everyone in the room. */
class MembersFold<Out> implements Fold<ReadonlyMap<string, Out>> {
  readonly #path: string;
  readonly #codec: Codec<Out, never>;
  readonly #members = new Map<string, Uint8Array>();

  constructor(path: string, codec: Codec<Out, never>) {
    this.#path = path;
    this.#codec = codec;
  }

  clear(): void {
    this.#members.clear();
  }

  apply({ path, kind, type, value }: Change): void {
    if (kind === 'deleted') {
      for (const name of this.#members.keys())
        if (`${this.#pathOf(name)}/`.startsWith(path === '/' ? path : `${path}/`)) this.#members.delete(name);
      return;
    }
    const before = this.#pathOf('');
    const name = path.slice(before.length);
    if (type === 'blob' && value !== null && path.startsWith(before) && !name.includes('/'))
      this.#members.set(name, value);
  }

  #pathOf(name: string): string {
    return `${this.#path === '/' ? '' : this.#path}/${name}`;
  }

  value(): ReadonlyMap<string, Out> {
    return new Map([...this.#members].map(([name, value]) => [name, decode(this.#codec, value, this.#pathOf(name))]));
  }
}

/** This program as a member of a room. It is there until it leaves, or its session ends. */
export class Member<In> {
  /** Its name in the room. */
  readonly name: string;
  /** The path of its node. */
  readonly path: string;
  readonly #executor: Executor;
  readonly #codec: Codec<unknown, In>;
  readonly #created: number;
  readonly #handle: ClaimHandle;
  readonly #controller: AbortController;

  /** @internal Made by `join` of a room. */
  constructor(
    { name, path, created }: { readonly name: string; readonly path: string; readonly created: number },
    executor: Executor,
    codec: Codec<unknown, In>,
    handle: ClaimHandle,
    controller: AbortController,
  ) {
    this.name = name;
    this.path = path;
    this.#created = created;
    this.#executor = executor;
    this.#codec = codec;
    this.#handle = handle;
    this.#controller = controller;
  }

  /** True while it is in the room, as far as this client was told. */
  get present(): boolean {
    return this.#handle.held;
  }

  /**
   * Aborts when it is no longer in the room, although it did not leave. The reason is a HaretError `Lost` whose detail
   * `reason` is `sessionGone`, `continued`, `deleted` or `closed`. It may then join again.
   */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Replaces its data. @throws HaretError `Lost` when it is no longer in the room. */
  async update(data: In, options: CallOptions = {}): Promise<Written> {
    const { path } = this;
    const put = opOf(
      { kind: 'blobPut', path, value: encode(this.#codec, data, path), ifVersion: null, ifAbsent: false },
      'done',
      written,
    );
    const guard = { kind: 'created', path, op: this.#created } as const;
    const { held, results, op } = await this.#executor.run(() => transactionOf([guard], [put], []), options);
    if (held) return put.read(results[0]!, op);
    throw haretError('Lost', `Lost: ${path} is no longer there`, { reason: 'deleted', path });
  }

  /** Leaves the room. @returns false when it was not in it any more. */
  leave(options: CallOptions = {}): Promise<boolean> {
    const executor = this.#executor;
    if (!this.present) return Promise.resolve(false);
    return executor.call<boolean>((_, done) => {
      this.#handle.release(0, executor.timeoutOf(options), done);
      return { abandon: () => done({ ok: true, value: true }) };
    }, options);
  }

  /** For `await using`: {@link leave}, without its errors. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.leave();
    } catch (error) {
      if (!(error instanceof HaretError)) throw error;
    }
  }
}

/** A room: a directory with a node for each member. It is made by the first who joins, and goes with the last. */
export class CorePresence<Out, In = Out, N extends CoreNamespace = CoreNamespace> implements HasLive<
  ReadonlyMap<string, Out>
> {
  /** The path of the room. */
  readonly path: string;
  /** @internal */
  readonly executor: Executor;
  readonly #namespace: N;
  readonly #codec: Codec<Out, In>;

  constructor(namespace: N, path: string, codec: Codec<Out, In>) {
    this.path = path;
    this.executor = namespace.executor;
    this.#namespace = namespace;
    this.#codec = codec;
  }

  /**
   * Joins the room. Others see this member until it leaves, or gives no sign of life for its lease.
   * @throws HaretError `PathExists` with `owner` and `leftMs` when another session has a member of this name.
   *
   * @example
   * await using me = await ns.presence('/rooms/lobby', json<{ at: string }>()).join({ at: 'door' });
   * await me.update({ at: 'window' });
   */
  async join(data: In, { name, leaseMs = defaultLeaseMs, ...options }: JoinOptions = {}): Promise<Member<In>> {
    const own = name ?? crypto.randomUUID();
    if (own === '' || own.includes('/'))
      throw haretError('BadArgument', `not a name of a member: ${own}`, { field: 'name' });
    const path = `${this.path === '/' ? '' : this.path}/${own}`;
    const { executor } = withLease(this.#namespace, leaseMs);
    const value = encode(this.#codec, data, path);
    const make = opOf({ kind: 'create', path, type: 'blob', value }, 'done', written);
    const controller = new AbortController();
    let member: Member<In> | null = null as Member<In> | null;
    await openEphemeral(
      executor,
      wishOf(make, { ephemeral: true, adopt: true }, leaseMs, true),
      options,
      true,
      (told, handle) => {
        if (told.kind === 'ended') return controller.abort(new HaretError(told.error));
        const { created } = told.created;
        member = new Member({ name: own, path, created }, executor, this.#codec, handle(), controller);
      },
    );
    if (member === null) throw haretError('Internal', 'a member was made without an answer');
    return member;
  }

  /** @internal */
  get source(): LiveSource<ReadonlyMap<string, Out>> {
    const fold = (): MembersFold<Out> => new MembersFold(this.path, this.#codec);
    return { type: 'directory', codec: this.#codec, recursive: true, fold };
  }

  /** Everyone in the room now, by name. */
  async members({ read, signal }: ReadOptions = {}): Promise<ReadonlyMap<string, Out>> {
    const fold = new MembersFold(this.path, this.#codec);
    for await (const update of watch(this.#namespace, this.path, { from: 'snapshot', read, signal })) {
      if (update.kind !== 'snapshot') continue;
      if (update.first) fold.clear();
      for (const change of update.changes) fold.apply(change);
      if (update.last) break;
    }
    return fold.value();
  }
}

/** A room in `namespace`. To make the handle asks nothing of the cluster. */
export function presence<Out, In = Out, N extends CoreNamespace = CoreNamespace>(
  namespace: N,
  path: string,
  codec: Codec<Out, In>,
): CorePresence<Out, In, N> {
  return new CorePresence(namespace, path, codec);
}
