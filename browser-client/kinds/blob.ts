/** Blobs: a value at a path. */

import { haretError } from '../../core/base/errors.ts';
import type { Change } from '../../core/service/events.ts';
import type { Guard } from '../../core/tree/operation.ts';
import { decode, encode } from '../codecs.ts';
import type { Codec } from '../codecs.ts';
import { Handle, isNotFound, nothing } from '../handle.ts';
import { createWith } from '../claims/lives.ts';
import type { CreateOptions, Created } from '../claims/lives.ts';
import type { Executor } from '../handle.ts';
import { live } from '../live.ts';
import type { Live, LiveSource } from '../live.ts';
import type { CoreNamespace } from '../namespace.ts';
import { NodeGuards, NodeOps, number, opOf, transactionOf, upsertOf, written } from '../operations.ts';
import type { Op, Transacted, VersionGuard } from '../operations.ts';
import type { CallOptions, ReadOptions, Versioned, Written } from '../options.ts';
import { NodeFold } from './fold.ts';

/** Operations of a blob, for transactions. */
export class BlobOps<Out, In> extends NodeOps {
  readonly #codec: Codec<Out, In>;

  constructor(path: string, codec: Codec<Out, In>) {
    super(path);
    this.#codec = codec;
  }

  /** Fails with `PathExists` where a node exists. */
  create(value: In): Op<Written> {
    return this.make('blob', encode(this.#codec, value, this.path));
  }

  /** The blob must exist. With `ifAbsent` it must not. */
  put(
    value: In,
    { ifVersion, ifAbsent = false }: VersionGuard & { readonly ifAbsent?: boolean | undefined } = {},
  ): Op<Written> {
    const stored = encode(this.#codec, value, this.path);
    return opOf(
      { kind: 'blobPut', path: this.path, value: stored, ifVersion: ifVersion ?? null, ifAbsent },
      'done',
      written,
    );
  }

  /** Puts `value` if the current value is `expected`, byte for byte. Otherwise it fails with `GuardFailed`. */
  replace(expected: In, value: In): Op<Written> {
    return opOf(
      {
        kind: 'blobCas',
        path: this.path,
        expected: encode(this.#codec, expected, this.path),
        value: encode(this.#codec, value, this.path),
      },
      'done',
      written,
    );
  }

  /** The value. Fails with `PathNotFound` where no node exists. */
  get(): Op<Out> {
    return opOf({ kind: 'blobGet', path: this.path }, 'value', ({ value }) => this.#decode(value));
  }

  /** The value with its version. */
  read(): Op<Versioned<Out>> {
    return opOf({ kind: 'blobGet', path: this.path }, 'value', ({ value, version }, op) => ({
      value: this.#decode(value),
      version,
      op,
    }));
  }

  /** The size of the value in bytes. */
  size(): Op<number> {
    return opOf({ kind: 'blobSize', path: this.path }, 'number', number);
  }

  #decode(value: Uint8Array | null): Out {
    if (value === null) throw haretError('Internal', 'a blob without a value');
    return decode(this.#codec, value, this.path);
  }
}

/** The conditions on a blob, for transactions. */
export class BlobGuards<In> extends NodeGuards {
  readonly #codec: Codec<unknown, In>;

  constructor(path: string, codec: Codec<unknown, In>) {
    super(path);
    this.#codec = codec;
  }

  /** The value is `value`, byte for byte. */
  value(value: In): Guard {
    return { kind: 'blobValue', path: this.path, value: encode(this.#codec, value, this.path) };
  }

  /** The value has this many bytes. */
  size(size: number): Guard {
    return { kind: 'blobSize', path: this.path, size };
  }
}

class BlobFold<Out> extends NodeFold<Out | undefined> {
  readonly #codec: Codec<Out, never>;
  #bytes: Uint8Array | null = null;

  constructor(path: string, codec: Codec<Out, never>) {
    super(path, 'blob');
    this.#codec = codec;
  }

  protected empty(): void {
    this.#bytes = null;
  }

  protected change({ value }: Change): void {
    this.#bytes = value;
  }

  protected make(): Out | undefined {
    return this.#bytes === null ? undefined : decode(this.#codec, this.#bytes, this.path);
  }
}

/** Options of {@link Blob.put}. */
export interface PutOptions extends CallOptions {
  /** Put only if the blob has this version. Otherwise `GuardFailed`, or `PathNotFound` when it does not exist. */
  readonly ifVersion?: number | undefined;
  /** Put only where no node exists. Otherwise `GuardFailed`. */
  readonly ifAbsent?: boolean | undefined;
}

/**
 * The state that {@link Blob.update} found. `modified` identifies exactly this state. Unlike a version, it is never
 * used again.
 */
interface Found<Out> {
  readonly value: Out;
  readonly modified: number;
}

/** A value at a path. */
export class CoreBlob<Out, In = Out> extends Handle {
  /** Its operations as values, for transactions. */
  readonly op: BlobOps<Out, In>;
  readonly #codec: Codec<Out, In>;

  constructor(executor: Executor, path: string, codec: Codec<Out, In>) {
    super(executor, path);
    this.#codec = codec;
    this.op = new BlobOps(path, codec);
  }

  /** Its conditions, for transactions. */
  get guard(): BlobGuards<In> {
    return new BlobGuards(this.path, this.#codec);
  }

  /** The value. Undefined when the path does not exist. */
  get(options: ReadOptions = {}): Promise<Out | undefined> {
    return this.executor.run(() => this.op.get(), options, nothing);
  }

  /** The value with its version, for a later `put` with `ifVersion`. Undefined when the path does not exist. */
  read(options: ReadOptions = {}): Promise<Versioned<Out> | undefined> {
    return this.executor.run(() => this.op.read(), options, nothing);
  }

  /** Writes the value. Creates the blob and the directories above it if they are missing. */
  put(value: In, options: PutOptions = {}): Promise<Written> {
    const guarded = options.ifVersion !== undefined || options.ifAbsent === true;
    return this.executor.run(() => {
      const put = this.op.put(value, options);
      return guarded ? put : upsertOf(put);
    }, options);
  }

  /** Creates the blob. @throws HaretError `PathExists` */
  create(value: In, options: CallOptions = {}): Promise<Written> {
    return this.executor.run(() => this.op.create(value), options);
  }

  /**
   * Writes `value` if the current value is `expected`, byte for byte.
   * @throws HaretError `GuardFailed` when it is another one.
   */
  replace(expected: In, value: In, options: CallOptions = {}): Promise<Written> {
    return this.executor.run(() => this.op.replace(expected, value), options);
  }

  /** @internal */
  get source(): LiveSource<Out | undefined> {
    return { type: 'blob', codec: this.#codec, recursive: false, fold: () => new BlobFold(this.path, this.#codec) };
  }

  /** The size of the value in bytes. Undefined when the path does not exist. */
  size(options: ReadOptions = {}): Promise<number | undefined> {
    return this.executor.run(() => this.op.size(), options, nothing);
  }

  /**
   * Reads the value, lets `change` compute the next one, and writes it only if the value is still the one that was
   * read. Otherwise it does all this again, until it succeeds. `change` gets undefined where the path does not exist,
   * and returns undefined to change nothing. It may be called many times, and should only compute. `timeoutMs` is the
   * time for everything together.
   *
   * The method never guesses. When the outcome of a write is unknown, the outcome of the update is unknown too, and the
   * error says so.
   * @returns what was written. Undefined when `change` returned undefined.
   */
  async update(
    change: (current: Out | undefined) => In | undefined | Promise<In | undefined>,
    options: CallOptions = {},
  ): Promise<Versioned<In> | undefined> {
    const until = this.executor.nowMs + this.executor.timeoutOf(options);
    let attempts = 0;
    const left = (): CallOptions => {
      const timeoutMs = until - this.executor.nowMs;
      if (timeoutMs > 0) return { ...options, timeoutMs };
      const problem = `no time is left to update ${this.path} after ${attempts} attempts`;
      throw haretError('Timeout', problem, { path: this.path, attempts }, 'definite');
    };
    const [stat, get] = [this.op.stat(), this.op.get()];
    const foundBy = ({ results, op }: Transacted): Found<Out> => ({
      modified: stat.read(results[0]!, op).modified,
      value: get.read(results[1]!, op),
    });
    const looked = await this.executor.run(
      () => transactionOf([], [stat, get], []),
      { ...left(), read: 'linearizable' },
      nothing,
    );
    let found = looked === undefined ? null : foundBy(looked);
    for (;;) {
      const value = await change(found?.value);
      if (value === undefined) return undefined;
      attempts++;
      const guard = found === null ? this.guard.absent() : this.guard.modified(found.modified);
      const write = found === null ? this.op.create(value) : this.op.put(value);
      try {
        const written = await this.executor.run(() => transactionOf([guard], [write], [stat, get]), left());
        if (written.held) return { value, ...write.read(written.results[0]!, written.op) };
        found = foundBy(written);
      } catch (error) {
        // The guard did not hold, and then no node existed to be read.
        if (found === null || !isNotFound(error)) throw error;
        found = null;
      }
    }
  }
}

/** A value at a path. A program can follow its changes. */
export class Blob<Out, In = Out> extends CoreBlob<Out, In> {
  /** @throws HaretError `PathExists` */
  override create(value: In, options: CreateOptions = {}): Promise<Created> {
    return createWith(this.executor, () => this.op.create(value), options);
  }

  /** The value, kept up to date. Undefined while the path does not exist. */
  live(): Live<Out | undefined> {
    return live(this);
  }
}

/** A value in `namespace`. To make the handle asks nothing of the cluster. */
export function blob<Out, In>(namespace: CoreNamespace, path: string, codec: Codec<Out, In>): CoreBlob<Out, In> {
  return new CoreBlob(namespace.executor, path, codec);
}
