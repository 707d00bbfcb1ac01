/**
 * Transactions: guards, operations for when all of them hold, and operations for when one does not. All or nothing, as
 * one entry of the log.
 */

import type { Guard } from '../core/tree/operation.ts';
import { isRead } from '../core/tree/reading.ts';
import type { CoreNamespace } from './namespace.ts';
import { transactionOf } from './operations.ts';
import type { Asked, Op, Transacted } from './operations.ts';
import type { CallOptions } from './options.ts';

/** The way from a transaction to its namespace. */
export type Transact = (transaction: Asked<Transacted>, options: CallOptions) => Promise<Transacted>;

/** The outcome of a transaction: which branch ran, and a result for each of its operations, in order. */
export type Committed<Then extends readonly unknown[], Else extends readonly unknown[]> =
  | {
      /** Every guard held. */
      readonly held: true;
      /** The results of the operations given to `do`. */
      readonly results: Then;
      /** The op number of the entry. */
      readonly op: number;
    }
  | {
      /** A guard did not hold. */
      readonly held: false;
      /** The results of the operations given to `else`. */
      readonly results: Else;
      /** The op number of the entry. */
      readonly op: number;
    };

/** Operations with these results. */
export type OpsOf<R extends readonly unknown[]> = { readonly [K in keyof R]: Op<R[K]> };

/**
 * A transaction that is being built. Each step returns a new one, so that a part can be used twice. Nothing is sent
 * before `commit`.
 *
 * @example
 * const outcome = await ns
 *   .txn()
 *   .if(config.guard.version(3), lock.guard.absent())
 *   .do(config.op.put(next), runs.op.add(1))
 *   .else(config.op.get())
 *   .commit();
 * if (outcome.held) outcome.results; // [Written, number]
 */
export class Txn<Then extends readonly unknown[] = [], Else extends readonly unknown[] = []> {
  readonly #transact: Transact;
  readonly #guards: readonly Guard[];
  readonly #then: readonly Op<unknown>[];
  readonly #else: readonly Op<unknown>[];

  constructor(
    transact: Transact,
    guards: readonly Guard[],
    then: readonly Op<unknown>[],
    otherwise: readonly Op<unknown>[],
  ) {
    this.#transact = transact;
    this.#guards = guards;
    this.#then = then;
    this.#else = otherwise;
  }

  /** Adds guards. All must hold, in the state before the transaction. */
  if(...guards: readonly Guard[]): Txn<Then, Else> {
    return new Txn(this.#transact, [...this.#guards, ...guards], this.#then, this.#else);
  }

  /**
   * Adds operations for when all guards hold. An operation that fails undoes those before it and ends the transaction
   * with its error.
   */
  do<R extends readonly unknown[]>(...ops: OpsOf<R>): Txn<[...Then, ...R], Else> {
    return new Txn(this.#transact, this.#guards, [...this.#then, ...ops], this.#else);
  }

  /** Adds operations for when a guard does not hold. */
  else<R extends readonly unknown[]>(...ops: OpsOf<R>): Txn<Then, [...Else, ...R]> {
    return new Txn(this.#transact, this.#guards, this.#then, [...this.#else, ...ops]);
  }

  /**
   * @throws HaretError of the first operation that failed. Its details `index` and `part` say which operation that was.
   */
  async commit(options: CallOptions = {}): Promise<Committed<Then, Else>> {
    const transaction = transactionOf(this.#guards, this.#then, this.#else);
    const { held, results, op } = await this.#transact(transaction, options);
    const ops = held ? this.#then : this.#else;
    // `do` and `else` give the types, and the order is theirs.
    try {
      return { held, results: ops.map((one, i) => one.read(results[i]!, op)), op } as unknown as Committed<Then, Else>;
    } catch (error) {
      // A result that cannot be read does not undo what was done.
      throw isRead(transaction.operation) ? error : Object.assign(error as Error, { outcome: 'unknown' });
    }
  }
}

/** Begins a transaction in `namespace`. */
export function txn({ executor }: CoreNamespace): Txn {
  return new Txn(
    (transaction, options) => {
      const read = isRead(transaction.operation) ? { read: executor.defaultRead } : {};
      return executor.run(() => transaction, { ...options, ...read });
    },
    [],
    [],
    [],
  );
}
