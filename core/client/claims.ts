/**
 * The client's half of claims (coordination §5): what this client stands in line for, what it holds, and until when it
 * may count on that. It is told by replies, notices and the answers to keep-alives, which may be lost, doubled and
 * reordered. For each claim the newest counts, by the op that made it true.
 */

import type { ErrorInfo, Result } from '../base/errors.ts';
import { errorInfo } from '../base/errors.ts';
import type { Op, RequestNumber, SessionId } from '../base/ids.ts';
import type { Reply } from '../service/reply.ts';
import type { BelongingRecord } from '../service/told.ts';
import type { Asked } from '../tree/operation.ts';
import type { DataCall } from './calls.ts';
import type { Client } from './client.ts';
import { Lease } from './lease.ts';
import type { Pending } from './options.ts';
import type { ClientPart, PartHost, PartMessage } from './part.ts';
import type { SessionLease, WriteSession } from './session.ts';

/** Why something that was held, or waited for, can no longer be counted on. */
export type LostReason = 'lapsed' | 'stolen' | 'continued' | 'deleted' | 'sessionGone' | 'closed';

/** What its handler is told of a claim. */
export type ClaimTold =
  /** It is in line, behind so many others. */
  | { readonly kind: 'waits'; readonly claim: Op; readonly ahead: number }
  /** It is held, and may be counted on from now on. */
  | { readonly kind: 'granted'; readonly claim: Op; readonly token: Op }
  /** It passed an open barrier. This comes last. */
  | { readonly kind: 'passed'; readonly op: Op }
  /** It was not granted; or, with the code `Lost`, it can no longer be counted on. This comes last. */
  | { readonly kind: 'ended'; readonly error: ErrorInfo };

export interface ClaimOptions {
  /** How long it may take until it is granted or stands in line. */
  readonly timeoutMs: number;
  /** At a barrier, a grant is a passage, and nothing is held. */
  readonly passes?: boolean;
}

/** A claim that was made. */
export interface ClaimHandle {
  /** True while it is held and may be counted on. */
  readonly held: boolean;
  /** Looks at the clock. If it can no longer be counted on, the handler is told now. */
  look(): void;
  /** Gives it up, whatever became of it. Nothing more is told. */
  cancel(): void;
  /**
   * Gives up what is held. From now on nothing counts on it.
   * @param to a claim that then comes first, or 0. @param done is told true when this ended the hold.
   */
  release(to: Op, timeoutMs: number, done: (result: Result<boolean>) => void): void;
}

type Wish = Asked<'claim'> | (Asked<'steal'> & { readonly put: object });

/**
 * Puts a claim in line, in the namespace that `client` entered. The handler is told what becomes of it.
 * @throws MalformedError for values that no message can hold.
 */
export function claim(
  client: Client,
  wish: Wish,
  options: ClaimOptions,
  handler: (told: ClaimTold) => void,
): ClaimHandle {
  return client.part(Claims).open(wish, options, handler);
}

/** The lease of a session whose claims ask for none. */
export const defaultLeaseMs = 10_000;

/** How long an operation that the client itself owes may take before it is sent anew. */
const owedTimeoutMs = 10_000;

const texts = {
  lapsed: 'its lease could no longer be counted on',
  stolen: 'another one took it',
  continued: 'another process goes on with the ClientID',
  deleted: 'it was deleted',
  sessionGone: 'the session has ended',
  closed: 'the client was closed, or the namespace left',
} as const satisfies Record<LostReason, string>;

function lost(reason: LostReason, { path, token }: Claim): ErrorInfo {
  return errorInfo('Lost', `Lost: ${path}, because ${texts[reason]}`, { reason, path, token });
}

/** Why a wait ended without a grant. */
function endOf({ reason }: BelongingRecord, path: string): ErrorInfo {
  if (reason === 'deleted') return errorInfo('PathNotFound', `Path Not Found: ${path} was deleted`, { path });
  if (reason === 'tooMany') {
    const text = `Limit exceeded: ${path} has fewer permits now than this waits for`;
    return errorInfo('LimitExceeded', text, { path, field: 'permits' });
  }
  return errorInfo('WaitOver', `Wait over: ${path} was not granted in time`, { path });
}

type State =
  /** Its reply is on its way. */
  | 'asked'
  | 'waits'
  /** It was granted, which the program was not told yet, because it could not count on it. */
  | 'granted'
  | 'held'
  | 'over';

class Claim implements ClaimHandle {
  readonly path: string;
  readonly options: ClaimOptions;
  readonly handler: (told: ClaimTold) => void;
  state: State = 'asked';
  call: DataCall | null = null;
  /** Null until it is known which session makes it. */
  claims: SessionClaims | null = null;
  id: Op = 0;
  token: Op = 0;
  /** The op of the newest that was told about it. */
  newest: Op = 0;
  /** It is told to the program only when everything up to this op was. */
  after: Op = 0;
  /** The time at which it was learned, or will be given up. */
  atMs = 0;
  limitMs = Infinity;

  constructor(path: string, options: ClaimOptions, handler: (told: ClaimTold) => void) {
    this.path = path;
    this.options = options;
    this.handler = handler;
  }

  look(): void {
    this.claims?.look();
  }

  get held(): boolean {
    this.look();
    return this.state === 'held';
  }

  cancel(): void {
    if (this.claims === null) this.state = 'over';
    else this.claims.cancel(this);
  }

  release(to: Op, timeoutMs: number, done: (result: Result<boolean>) => void): void {
    if (this.held) this.claims?.release(this, to, timeoutMs, done);
    else done({ ok: true, value: false });
  }
}

function keyOf(path: string, id: Op): string {
  return `${id} ${path}`;
}

/** Something that the client must still tell the cluster: that it gives up a claim. */
interface Debt {
  readonly session: SessionId;
  readonly path: string;
  readonly id: Op;
  readonly request: RequestNumber;
  call: Pending | null;
}

/** The claims of one session of this client. */
class SessionClaims implements SessionLease {
  readonly session: WriteSession;
  readonly #host: PartHost;
  readonly #lease: Lease;
  /** Those whose reply is on its way. */
  readonly #asked = new Set<Claim>();
  /** Those that are in line or held, by key. */
  readonly #known = new Map<string, Claim>();
  readonly #granted = new Set<Claim>();
  readonly #held = new Set<Claim>();
  /** The newest news of claims that are not known yet. They may be of one whose reply is on its way. */
  readonly #early = new Map<string, BelongingRecord>();
  readonly #debts = new Set<Debt>();
  /** The newest op of what this session was told. */
  #told: Op = 0;
  #keptAtMs = -Infinity;

  constructor(host: PartHost, session: WriteSession, leaseMs: number) {
    this.#host = host;
    this.session = session;
    this.#lease = new Lease(host.ports.clock, leaseMs);
    session.lease = this;
  }

  get #now(): number {
    return this.#host.ports.clock.now();
  }

  get #idle(): boolean {
    return this.#asked.size + this.#known.size + this.#debts.size === 0;
  }

  add(claim: Claim): void {
    this.#asked.add(claim);
  }

  /** Ends what can no longer be counted on. Returns how long the rest can be. */
  look(): number {
    const left = this.#lease.left();
    if (this.#held.size === 0) return Infinity;
    if (left > 0) return left;
    const lapsed = [...this.#held];
    for (const one of lapsed) this.#forget(one);
    for (const one of lapsed) this.#owe(one, 0);
    for (const one of lapsed) one.handler({ kind: 'ended', error: lost('lapsed', one) });
    return Infinity;
  }

  tick(nowMs: number): void {
    if (this.session.lease !== this) return;
    if (nowMs - this.#keptAtMs >= this.#lease.ms / 3) this.renew();
    for (const debt of this.#debts) if (debt.call === null) this.#pay(debt);
    for (const one of [...this.#asked, ...this.#known.values()]) {
      if (nowMs < one.limitMs || one.state === 'held') continue;
      this.cancel(one);
      const text = `Wait over: ${one.path} was not granted in time, and no one says why`;
      one.handler({ kind: 'ended', error: errorInfo('WaitOver', text, { path: one.path }) });
    }
  }

  /** Sends a keep-alive. Its answer tells everything that is not heard yet. */
  renew(): void {
    this.#keptAtMs = this.#now;
    this.#host.keepAlive(this.session);
  }

  /** @see SessionLease */
  alive(sentAtMs: number, { op, answer }: Reply): void {
    const { session } = this;
    if (answer.kind !== 'alive' || op < session.heard) return;
    session.heard = op;
    if (answer.leaseMs > 0) this.#lease.ms = answer.leaseMs;
    else if (this.#idle) session.lease = null;
    for (const record of answer.changes) this.#news(record);
    this.#told = Math.max(this.#told, op);
    this.#lease.answered(sentAtMs, answer.clock);
    this.#lease.renew(answer.clock);
    this.#handOn();
  }

  /** A notice. */
  notice(record: BelongingRecord): void {
    this.#news(record);
    this.#handOn();
  }

  #news(record: BelongingRecord): void {
    const { op, path } = record;
    this.#told = Math.max(this.#told, op);
    const key = keyOf(path, record.claim);
    const one = this.#known.get(key);
    if (one !== undefined) this.#learn(one, record);
    else if (this.#asked.size > 0 && op > (this.#early.get(key)?.op ?? 0)) this.#early.set(key, record);
  }

  #learn(one: Claim, record: BelongingRecord): void {
    const { op, kind, token, reason } = record;
    if (op <= one.newest) return;
    one.newest = op;
    one.after = 0;
    switch (kind) {
      case 'granted':
        return this.#grant(one, token);
      case 'passed':
        this.#forget(one);
        return one.handler({ kind: 'passed', op });
      case 'ended':
        this.#forget(one);
        return one.handler({ kind: 'ended', error: endOf(record, one.path) });
      case 'revoked':
      case 'lost':
        one.token = token;
        this.#forget(one);
        // The room is kept until the holder says that it has heard.
        this.#owe(one, 0);
        return one.handler({
          kind: 'ended',
          error: lost(kind === 'lost' ? 'deleted' : reason === 'continued' ? reason : 'stolen', one),
        });
    }
  }

  #grant(one: Claim, token: Op): void {
    one.state = 'granted';
    one.token = token;
    one.atMs = this.#now;
    this.#granted.add(one);
  }

  /** Tells the program of grants, in the order of ops, if it can count on them. */
  #handOn(): void {
    if (this.#granted.size === 0) return;
    const left = this.#lease.left();
    const ready = [...this.#granted].filter(({ after }) => after <= this.#told && left > 0);
    for (const one of ready.sort((a, b) => a.newest - b.newest)) {
      // The program may have given up this one when it was told of another.
      if (!this.#granted.delete(one)) continue;
      one.state = 'held';
      this.#held.add(one);
      one.handler({ kind: 'granted', claim: one.id, token: one.token });
    }
    for (const { atMs } of this.#granted) {
      if (atMs < this.#keptAtMs) continue;
      this.renew();
      return;
    }
  }

  /** The call that makes a claim has ended. */
  answered(one: Claim, result: Result<Reply>): void {
    this.#asked.delete(one);
    if (one.state === 'over') return;
    const { call, path } = one;
    const answer = result.ok ? result.value.answer : null;
    const claimed = answer?.kind === 'result' && answer.result.kind === 'claimed' ? answer.result : null;
    if (!result.ok || claimed === null) {
      this.#forget(one);
      if (!result.ok && result.error.outcome === 'unknown') this.#owe(one, call?.requestNumber ?? 0);
      one.handler({ kind: 'ended', error: this.#refusal(one, result) });
      return;
    }
    const { claim, token, ahead, clock, changed } = claimed;
    const { op } = result.value;
    this.#lease.answered(call?.firstSentAtMs ?? -Infinity, clock);
    // Who could have been told that it lost something does not count on it for longer.
    if (changed <= this.session.heard) this.#lease.renew(clock);
    one.id = claim;
    one.newest = op;
    one.after = changed;
    one.state = 'waits';
    const key = keyOf(path, claim);
    this.#known.set(key, one);
    const early = this.#early.get(key);
    if (this.#asked.size === 0) this.#early.clear();
    else this.#early.delete(key);
    if (token > 0 && one.options.passes === true) {
      this.#forget(one);
      return one.handler({ kind: 'passed', op });
    }
    if (token > 0) this.#grant(one, token);
    if (early !== undefined) this.#learn(one, early);
    else if (token === 0) one.handler({ kind: 'waits', claim, ahead });
    this.#handOn();
  }

  #refusal(one: Claim, result: Result<Reply>): ErrorInfo {
    if (result.ok) {
      const { answer } = result.value;
      return answer.kind === 'error' ? answer.error : errorInfo('Internal', `a claim was answered by ${answer.kind}`);
    }
    const { error } = result;
    // With its session, whatever it had claimed is gone.
    if (error.code !== 'SessionGone') return error;
    return lost(error.details['continued'] === true ? 'continued' : 'sessionGone', one);
  }

  #forget(one: Claim): void {
    one.state = 'over';
    this.#known.delete(keyOf(one.path, one.id));
    this.#granted.delete(one);
    this.#held.delete(one);
  }

  cancel(one: Claim): void {
    const { state, call } = one;
    if (state === 'over') return;
    this.#forget(one);
    if (state !== 'asked') return this.#owe(one, 0);
    const request = call?.requestNumber ?? 0;
    call?.abandon();
    this.#owe(one, request);
  }

  release(one: Claim, to: Op, timeoutMs: number, done: (result: Result<boolean>) => void): void {
    this.#forget(one);
    const { path, id: claim, token } = one;
    const session = this.session.id;
    this.#host.execute({ kind: 'release', path, claim, token, to }, { timeoutMs }, (result) => {
      const error = !result.ok ? result.error : result.value.answer.kind === 'error' ? result.value.answer.error : null;
      if (error === null) return done({ ok: true, value: true });
      const gone = error.code === 'SessionGone' || (error.code === 'NotHeld' && to === 0);
      if (gone) return done({ ok: true, value: false });
      if (session === this.session.id) this.#owe(one, 0);
      done({ ok: false, error });
    });
  }

  /** Has a claim given up, by its op or else by the request that made it. This is sent again until it is answered. */
  #owe(one: Claim, request: RequestNumber): void {
    if (one.id === 0 && request === 0) return;
    const debt: Debt = { session: this.session.id, path: one.path, id: one.id, request, call: null };
    this.#debts.add(debt);
    this.#pay(debt);
  }

  #pay(debt: Debt): void {
    const { path, id: claim } = debt;
    // The number of a request means nothing in another session.
    if (debt.session !== this.session.id) {
      this.#debts.delete(debt);
      return;
    }
    const request = claim === 0 ? debt.request : 0;
    debt.call = this.#host.execute(
      { kind: 'abandon', path, claim, request },
      { timeoutMs: owedTimeoutMs },
      (result) => {
        debt.call = null;
        if (result.ok) this.#debts.delete(debt);
      },
    );
  }

  /** @see SessionLease */
  ended(error: ErrorInfo | null): void {
    const { session } = this;
    const continued = error?.details['continued'] === true;
    const all = [...this.#known.values()];
    const debts = [...this.#debts];
    this.#debts.clear();
    this.#early.clear();
    this.#told = 0;
    this.#lease.reset();
    for (const one of all) this.#forget(one);
    for (const { call } of debts) call?.abandon();
    if (continued) {
      // The other process need not wait until the lease is over. This one never takes the ClientID back by itself.
      const { namespaceId, id } = session;
      this.#host.send({ kind: 'unregister', id: this.#host.newId(), namespaceId, session: id });
      session.taken = errorInfo('ClientIdTaken', 'another process goes on with the ClientID of this one', {
        session: id,
      });
    }
    // Claims that were never sent are made in the next session.
    if (this.#asked.size === 0) session.lease = null;
    const reason = error === null ? 'closed' : continued ? 'continued' : 'sessionGone';
    for (const one of all) one.handler({ kind: 'ended', error: lost(reason, one) });
  }
}

export class Claims implements ClientPart {
  readonly #host: PartHost;
  /** Those with a session that has a lease, or had one. */
  readonly #all = new Map<WriteSession, SessionClaims>();
  readonly #alarm = (): number => {
    let leftMs = Infinity;
    for (const one of this.#all.values()) leftMs = Math.min(leftMs, one.look());
    return leftMs;
  };

  constructor(host: PartHost) {
    this.#host = host;
    host.alarms.add(this.#alarm);
  }

  open(wish: Wish, options: ClaimOptions, handler: (told: ClaimTold) => void): ClaimHandle {
    const one = new Claim(wish.path, options, handler);
    const { waitMs, leaseMs } = wish.kind === 'claim' ? wish : wish.put;
    one.call = this.#host.execute(wish, { timeoutMs: options.timeoutMs }, (result) => {
      if (one.claims !== null) one.claims.answered(one, result);
      else if (!result.ok && one.state !== 'over') handler({ kind: 'ended', error: result.error });
    });
    if (waitMs !== null) one.limitMs = this.#host.ports.clock.now() + waitMs + options.timeoutMs;
    const session = one.call.writeSession;
    if (session === null) return one;
    one.claims = this.#of(session, leaseMs ?? defaultLeaseMs);
    one.claims.add(one);
    return one;
  }

  #of(session: WriteSession, leaseMs: number): SessionClaims {
    const known = this.#all.get(session);
    if (known !== undefined && session.lease === known) return known;
    const made = new SessionClaims(this.#host, session, leaseMs);
    this.#all.set(session, made);
    return made;
  }

  receive(message: PartMessage): void {
    if (message.kind !== 'notice') return;
    const { namespaceId, session, record } = message;
    for (const one of this.#all.values()) {
      if (one.session.namespaceId === namespaceId && one.session.id === session) one.notice(record);
    }
  }

  tick(nowMs: number): void {
    for (const [session, one] of this.#all) {
      if (session.lease === one) one.tick(nowMs);
      else this.#all.delete(session);
    }
  }

  /** On another connection everything is asked again, also what was told in the meantime. */
  connected(): void {
    for (const one of this.#all.values()) if (one.session.lease === one) one.renew();
  }

  disconnected(): void {
    return undefined;
  }

  refused(): boolean {
    return false;
  }

  close(): void {
    this.#host.alarms.delete(this.#alarm);
    for (const one of this.#all.values()) one.ended(null);
    this.#all.clear();
  }
}
