/**
 * The claims of one session of a client (coordination §5): what it stands in line for, what it holds, and until when it
 * may count on that. It is told by replies, notices and the answers to keep-alives, which may be lost, doubled and
 * reordered. For each claim the newest counts, by the op that made it true.
 */

import type { ErrorInfo, Result } from '../base/errors.ts';
import { errorInfo } from '../base/errors.ts';
import type { Op, RequestNumber } from '../base/ids.ts';
import type { Reply } from '../service/reply.ts';
import type { BelongingRecord } from '../service/told.ts';
import type { Operation } from '../tree/operation.ts';
import { endOf, lost } from './claim.ts';
import type { Claim, ClaimOwner } from './claim.ts';
import { Lease } from './lease.ts';
import type { Pending } from './options.ts';
import type { PartHost } from './part.ts';
import type { SessionLease, WriteSession } from './session.ts';

/** How long an operation that the client itself owes may take before it is sent anew. */
const owedTimeoutMs = 10_000;

function keyOf(path: string, id: Op): string {
  return `${id} ${path}`;
}

/** Something that the client must still tell the cluster: that it gives up a claim. */
interface Debt {
  readonly operation: Operation;
  call: Pending | null;
}

export class SessionClaims implements SessionLease, ClaimOwner {
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
    if (left > 0) return this.#lookAtHeld(left);
    const lapsed = [...this.#held];
    for (const one of lapsed) this.forget(one);
    for (const one of lapsed) if (one.owed) this.#owe(one, 0);
    for (const one of lapsed) one.handler({ kind: 'ended', error: lost('lapsed', one) });
    return Infinity;
  }

  #lookAtHeld(left: number): number {
    let least = left;
    for (const one of this.#held) least = Math.min(least, one.lookAt(this.#lease));
    return least;
  }

  tick(nowMs: number): void {
    if (this.session.lease !== this) return;
    for (const one of this.#held) one.tick(nowMs);
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
    if (this.session.id === 0) return;
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
        one.told(record);
        return this.#grant(one, token);
      case 'passed':
        this.forget(one);
        return one.handler({ kind: 'passed', op });
      case 'ended':
        this.forget(one);
        return one.handler({ kind: 'ended', error: endOf(record, one.path) });
      case 'revoked':
      case 'lost':
        one.token = token;
        this.forget(one);
        // The room is kept until the holder says that it has heard, and no longer works.
        if (kind === 'revoked' && one.keeps) one.kept = true;
        else if (kind === 'revoked') this.#owe(one, 0);
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
      if (!one.begin(this.#lease)) {
        this.forget(one);
        one.handler({ kind: 'ended', error: lost('timeUp', one) });
        continue;
      }
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
    const { call } = one;
    const answer = result.ok ? result.value.answer : null;
    const claimed = answer?.kind === 'result' ? one.resultOf(answer.result) : null;
    if (!result.ok || claimed === null) {
      this.forget(one);
      if (!result.ok && result.error.outcome === 'unknown') this.#owe(one, call?.requestNumber ?? 0);
      one.handler({ kind: 'ended', error: this.#refusal(one, result) });
      return;
    }
    const { claim, token, ahead, clock, changed } = claimed;
    const { op } = result.value;
    this.#lease.answered(call?.firstSentAtMs ?? -Infinity, clock);
    // Who could have been told that it lost something does not count on it for longer.
    if (changed <= this.session.heard) this.#lease.renew(clock);
    if (claim === 0) {
      this.forget(one);
      return one.handler({ kind: 'passed', op });
    }
    // From its first keep-alive on, a node asks for the next ones in time, should our timers sleep.
    if (this.#keptAtMs < 0) this.renew();
    one.id = claim;
    one.newest = op;
    one.after = changed;
    one.state = 'waits';
    const key = keyOf(one.path, claim);
    this.#known.set(key, one);
    const early = this.#early.get(key);
    if (this.#asked.size === 0) this.#early.clear();
    else this.#early.delete(key);
    if (token > 0 && one.options.passes === true) {
      this.forget(one);
      return one.handler({ kind: 'passed', op });
    }
    if (!one.lapses) {
      one.token = token;
      one.state = 'held';
      one.handler({ kind: 'granted', claim, token });
    } else if (token > 0) this.#grant(one, token);
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

  forget(one: Claim): void {
    one.state = 'over';
    this.#known.delete(keyOf(one.path, one.id));
    this.#granted.delete(one);
    this.#held.delete(one);
  }

  cancel(one: Claim): void {
    const { state, call } = one;
    if (one.kept) this.#owe(one, 0);
    one.kept = false;
    if (state === 'over') return;
    this.forget(one);
    if (state !== 'asked') return this.#owe(one, 0);
    const request = call?.requestNumber ?? 0;
    call?.abandon();
    this.#owe(one, request);
  }

  release(one: Claim, to: Op, timeoutMs: number, done: (result: Result<boolean>) => void): void {
    this.forget(one);
    const session = this.session.id;
    this.#host.execute(one.ending(session, to), { timeoutMs }, (result) => {
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
    // With its session, everything is given up. And the number of a request means nothing in another session.
    if (this.session.id === 0 || (one.id === 0 && request === 0)) return;
    const debt: Debt = { operation: one.abandonment(this.session.id, request), call: null };
    this.#debts.add(debt);
    this.#pay(debt);
  }

  #pay(debt: Debt): void {
    debt.call = this.#host.execute(debt.operation, { timeoutMs: owedTimeoutMs }, (result) => {
      debt.call = null;
      if (result.ok) this.#debts.delete(debt);
    });
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
    for (const one of all) this.forget(one);
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
