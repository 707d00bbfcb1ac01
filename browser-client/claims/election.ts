/** Elections: one leader at a time, with a value that everyone sees. */

import { HaretError, haretError } from '../../core/base/errors.ts';
import type { KnownClaim } from '../../core/tree/operation.ts';
import { decode, encode } from '../codecs.ts';
import type { Codec } from '../codecs.ts';
import type { CoreNamespace } from '../namespace.ts';
import { opOf, written } from '../operations.ts';
import type { CallOptions, ReadOptions, Written } from '../options.ts';
import { watch } from '../watch.ts';
import { Hold, bounded, claimIn, withLease } from './hold.ts';
import type { Holding, WaitOptions } from './hold.ts';
import { ClaimNode, ClaimNodeOps } from './node.ts';

/** Options of {@link Election.campaign}. */
export interface CampaignOptions<In> extends WaitOptions {
  /** What everyone sees of this candidate once it leads. At most 16 KiB. */
  readonly value: In;
}

/** Options of {@link Term.resign}. */
export interface ResignOptions extends CallOptions {
  /** The candidate who is next: the `claim` of one who waits ({@link ClaimsInfo}). Default: the one who waited longest. */
  readonly to?: number | undefined;
}

/** Options of {@link Election.observe}. */
export interface ObserveOptions extends ReadOptions {
  /** Go on after this op, where another observer ended. Default: begin with who leads now. */
  readonly after?: number | undefined;
}

/** Who leads. */
export interface Leader<Out> {
  /** The term: the op of the entry that elected this leader. Later terms are larger. */
  readonly term: number;
  /** Its value now. */
  readonly value: Out;
  /** The session that leads. */
  readonly session: number;
}

/** What happened in an election. */
export type ElectionEvent<Out> =
  | {
      /** There is another leader. */
      readonly kind: 'elected';
      /** Its term. */
      readonly term: number;
      /** Its value. */
      readonly value: Out;
      /** The term of the leader before. Null when there was none, or when it is not known. */
      readonly previous: number | null;
      /** The op of the entry. */
      readonly op: number;
      /** Events before this one were missed: it says how things are now, not only what happened. */
      readonly missed: boolean;
    }
  | {
      /** The leader has another value. */
      readonly kind: 'proclaimed';
      /** Its term. */
      readonly term: number;
      /** The new value. */
      readonly value: Out;
      /** The op of the entry. */
      readonly op: number;
      /** Events before this one were missed: it says how things are now, not only what happened. */
      readonly missed: boolean;
    }
  | {
      /** There is no leader any more. */
      readonly kind: 'vacant';
      /** The term that ended. Null when it is not known. */
      readonly term: number | null;
      /** The op of the entry. */
      readonly op: number;
      /** Events before this one were missed: it says how things are now, not only what happened. */
      readonly missed: boolean;
    };

/** A term in office. It ends by {@link resign}, or by a loss, which fires its signal. */
export class Term<Out, In = Out, N extends CoreNamespace = CoreNamespace> extends Hold<N> {
  readonly #codec: Codec<Out, In>;

  /** @internal Made by {@link Election.campaign}. */
  constructor(holding: Holding, ns: N, codec: Codec<Out, In>) {
    super(holding, ns);
    this.#codec = codec;
  }

  /** The term: the op of the entry that elected it, which is also the fencing token. */
  get term(): number {
    return this.token;
  }

  /** Replaces the value that everyone sees. @throws HaretError `NotHeld` when the term is over. */
  proclaim(value: In, options: CallOptions = {}): Promise<Written> {
    const { path, claim, token } = this;
    return this.ns.executor.run(() => {
      const bytes = encode(this.#codec, value, path);
      return opOf({ kind: 'proclaim', path, claim, token, value: bytes }, 'done', written);
    }, options);
  }

  /**
   * Gives the office up, in any case. @returns false when it was lost or given up before.
   * @throws HaretError `NotHeld` when `to` is not in line. The candidate who waited longest is then next. `BadArgument`
   * when `to` cannot be a claim; only then the office is kept.
   */
  async resign({ to = 0, ...options }: ResignOptions = {}): Promise<boolean> {
    bounded('to', to, 0, Number.MAX_SAFE_INTEGER);
    try {
      return await this.releaseTo(to, options);
    } catch (error) {
      if (!(error instanceof HaretError) || error.code !== 'NotHeld') throw error;
      const text = `Not in line: ${this.path} has no candidate ${to}. The office was given up all the same`;
      throw haretError('NotHeld', text, error.details);
    }
  }
}

/** An election. It is made by its first candidate, and then goes away with the last one, unless it was created. */
export class Election<Out, In = Out, N extends CoreNamespace = CoreNamespace> extends ClaimNode<N> {
  /** Its operations as values, for transactions. */
  readonly op: ClaimNodeOps;
  readonly #codec: Codec<Out, In>;

  constructor(namespace: N, path: string, codec: Codec<Out, In>) {
    super(namespace, path);
    this.op = new ClaimNodeOps(path, 'election');
    this.#codec = codec;
  }

  /** Makes it, so that it stays without candidates. @throws HaretError `PathExists` */
  create(options: CallOptions = {}): Promise<Written> {
    return this.executor.run(() => this.op.create(), options);
  }

  /** Resolves when this client leads and can count on it. @throws HaretError as {@link Lock.acquire}. */
  async campaign(options: CampaignOptions<In>): Promise<Term<Out, In, N>> {
    // Without options there is no value, which the codec says.
    const asked = (options as CampaignOptions<In> | undefined) ?? ({} as CampaignOptions<In>);
    const ns = withLease(this.namespace, asked.leaseMs);
    const value = encode(this.#codec, asked.value, this.path);
    const holding = await claimIn(ns, { path: this.path, exclusive: true, value, auto: 'election' }, asked);
    return new Term(holding, ns, this.#codec);
  }

  /** Who leads. Undefined when no one does. */
  async leader(options: ReadOptions = {}): Promise<Leader<Out> | undefined> {
    return (await this.#present(options)).leader;
  }

  async #present(options: ReadOptions): Promise<{ readonly leader: Leader<Out> | undefined; readonly op: number }> {
    const { path } = this;
    const { namespace } = this;
    const shown = ({ token, value, session }: KnownClaim): Leader<Out> => ({
      term: token,
      value: this.#decode(value),
      session,
    });
    const read = await this.executor.run(
      () =>
        opOf({ kind: 'leader', path }, 'leader', ({ leader }, op) => ({
          leader: leader === null ? undefined : shown(leader),
          op,
        })),
      options,
      [undefined],
    );
    // Where there is no election, the op of its absence is not known, but the newest that was answered is no later.
    return read ?? { leader: undefined, op: namespace.lastOp };
  }

  #decode(value: Uint8Array | null): Out {
    return decode(this.#codec, value ?? new Uint8Array(), this.path);
  }

  /**
   * Follows the election: who leads now, and then every election, proclamation and vacancy, in order and each once, until
   * the loop is left or `signal` ends it. An observer that fell so far behind that no node remembers what it missed, or
   * that goes on after such an op, is told who leads now, by an event with `missed: true`.
   *
   * @example
   * for await (const event of ns.election('/leader').observe()) console.log(event.kind, event.term);
   */
  async *observe({ after, ...options }: ObserveOptions = {}): AsyncGenerator<ElectionEvent<Out>, void, undefined> {
    const { path } = this;
    let term: number | null = null;
    let seen = after ?? 0;
    const present = async (missed: boolean): Promise<ElectionEvent<Out>> => {
      const { leader, op } = await this.#present(options);
      const known = term;
      seen = Math.max(seen, op);
      term = leader?.term ?? null;
      // Who led before this is not known: it need not be the last one who was told.
      if (leader === undefined) return { kind: 'vacant', term: null, op, missed };
      return leader.term === known
        ? { kind: 'proclaimed', term: leader.term, value: leader.value, op, missed }
        : { kind: 'elected', term: leader.term, value: leader.value, previous: null, op, missed };
    };
    if (after === undefined) yield await present(false);
    const updates = watch(this.namespace, path, {
      recursive: false,
      from: { after: seen },
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    for await (const update of updates) {
      if (update.kind === 'snapshot') {
        if (update.last) yield await present(true);
        continue;
      }
      const { op } = update;
      if (op <= seen) continue;
      seen = op;
      for (const { path: changed, kind, claim, value } of update.changes) {
        if (changed !== path || claim === null) continue;
        if (kind === 'granted') {
          yield { kind: 'elected', term: claim.token, value: this.#decode(value), previous: term, op, missed: false };
          term = claim.token;
        } else if (kind === 'proclaimed') {
          yield { kind: 'proclaimed', term: claim.token, value: this.#decode(value), op, missed: false };
        } else if (kind === 'vacant') {
          yield { kind: 'vacant', term: claim.token, op, missed: false };
          term = null;
        }
      }
    }
  }
}

/** An election in `namespace`. To make the handle asks nothing of the cluster. */
export function election<Out, In = Out, N extends CoreNamespace = CoreNamespace>(
  namespace: N,
  path: string,
  codec: Codec<Out, In>,
): Election<Out, In, N> {
  return new Election(namespace, path, codec);
}
