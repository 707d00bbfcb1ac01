/**
 * A client that believes what it may conclude from what it was told, and no more (coordination §5). Its clock runs up to
 * one per cent fast or slow. What it sends may be lost, doubled and late, and so may what it is told.
 */

import type { SeededRandom } from '../../../core/base/random.ts';
import { drawSecret } from '../../../core/base/session-secret.ts';
import { encodeOperation } from '../../../core/service/body.ts';
import type { Reply } from '../../../core/service/reply.ts';
import type { BelongingRecord } from '../../../core/service/told.ts';
import type { Operation, SimpleOperation } from '../../../core/tree/operation.ts';

export interface KnownHold {
  readonly path: string;
  readonly claim: number;
  /** The op of what was told last. */
  op: number;
  state: 'waiting' | 'granted' | 'over';
  token: number;
  readonly exclusive: boolean;
  /** It has begun to release or abandon it. */
  given: boolean;
  /** It was counted on at some time, so that it is over for good once the deadline has passed. */
  counted: boolean;
  lapsed: boolean;
}

interface Outstanding {
  readonly request: number;
  readonly operation: Operation;
  readonly bytes: Uint8Array;
  readonly sentMs: number;
}

/** How it reaches the cluster. */
export interface Wire {
  request(client: LineClient, request: number, answered: number, bytes: Uint8Array): void;
  keepAlive(client: LineClient, heard: number, sentMs: number): void;
}

export class LineClient {
  readonly name: string;
  readonly #random: SeededRandom;
  readonly #wire: Wire;
  /** Local milliseconds per real one. */
  readonly #rate: number;
  readonly #offset: number;
  /** A process that was continued by another never comes back. */
  dead = false;
  session = 0;
  secret: string;
  readonly lease: number;
  /** It made something that belongs to its session. */
  leased = false;
  heard = 0;
  /** By its own clock. What it holds counts until then. */
  #deadline = -Infinity;
  next = 1;
  readonly holds = new Map<string, KnownHold>();
  readonly outstanding = new Map<number, Outstanding>();
  /** The requests whose claims it gave up without knowing what became of them. */
  readonly #given = new Set<number>();
  #lastKeepAlive = -Infinity;

  constructor(name: string, random: SeededRandom, wire: Wire) {
    this.name = name;
    this.#random = random;
    this.#wire = wire;
    this.#rate = 0.99 + random.below(2001) / 100_000;
    this.#offset = random.below(1_000_000);
    this.lease = random.pick([1000, 2000, 3000, 10_000]);
    this.secret = drawSecret(random);
  }

  localMs(realMs: number): number {
    return this.#offset + realMs * this.#rate;
  }

  /** Begins again without a session, as a client does whose session is gone. */
  begin(): void {
    this.session = 0;
    this.secret = drawSecret(this.#random);
    this.leased = false;
    this.heard = 0;
    this.next = 1;
    this.#deadline = -Infinity;
    this.holds.clear();
    this.outstanding.clear();
    this.#given.clear();
  }

  /** Every way into the client looks at the clock first. */
  look(realMs: number): void {
    const counts = this.localMs(realMs) < this.#deadline;
    for (const hold of this.holds.values()) {
      if (hold.state !== 'granted' || hold.given) continue;
      if (counts && !hold.lapsed) hold.counted = true;
      else if (!counts && hold.counted && !hold.lapsed) hold.lapsed = true;
    }
  }

  /** What it counts on at this time. */
  counted(realMs: number): KnownHold[] {
    if (this.session === 0 || this.localMs(realMs) >= this.#deadline) return [];
    return [...this.holds.values()].filter(({ state, given, lapsed }) => state === 'granted' && !given && !lapsed);
  }

  /** @returns what is worth sending again. */
  again(realMs: number): void {
    for (const { request, bytes } of this.outstanding.values())
      if (this.#random.chance(1, 2)) this.#wire.request(this, request, this.answered, bytes);
    if (this.leased && this.localMs(realMs) - this.#lastKeepAlive >= this.lease / 3) this.keepAlive(realMs);
  }

  get answered(): number {
    return Math.min(this.next, ...this.outstanding.keys());
  }

  keepAlive(realMs: number): void {
    this.#lastKeepAlive = this.localMs(realMs);
    this.#wire.keepAlive(this, this.heard, this.#lastKeepAlive);
  }

  ask(operation: Operation, realMs: number): void {
    const request = this.next++;
    const bytes = encodeOperation(operation);
    this.outstanding.set(request, { request, operation, bytes, sentMs: this.localMs(realMs) });
    this.#wire.request(this, request, this.answered, bytes);
  }

  /** Marks what it gives up before it says so. */
  give(hold: KnownHold): void {
    hold.given = true;
  }

  /** A claim that is abandoned by its request is void, whatever its answer will say. */
  giveRequest(request: number, path: string): void {
    this.#given.add(request);
    for (const hold of this.holds.values()) if (hold.path === path) hold.given = true;
  }

  // What it is told.

  replied(request: number, { op, answer }: Reply, realMs: number): void {
    this.look(realMs);
    const asked = this.outstanding.get(request);
    if (asked === undefined) return;
    if (answer.kind === 'error') {
      const { code } = answer.error;
      // Nothing was executed. It is sent again.
      if (code === 'Retry' || code === 'RequestTooOld' || code === 'WindowExceeded') return;
      this.outstanding.delete(request);
      if (code === 'SessionGone') this.gone(answer.error.details['continued'] === true);
      return;
    }
    this.outstanding.delete(request);
    if (answer.kind !== 'result') return;
    const { result } = answer;
    const { operation } = asked;
    if (operation.kind === 'transaction') {
      if (result.kind !== 'transaction' || !result.held) return;
      operation.then.forEach((one, i) => this.#done(one, result.results[i]!, op, asked));
    } else if (result.kind !== 'transaction') this.#done(operation, result, op, asked);
    this.look(realMs);
  }

  #done(asked: SimpleOperation, result: { readonly kind: string }, op: number, { request, sentMs }: Outstanding): void {
    if (result.kind !== 'claimed') return;
    const { claim, token, changed } = result as unknown as { claim: number; token: number; changed: number };
    const exclusive = asked.kind === 'claim' ? asked.exclusive : asked.kind === 'steal' && asked.put!.exclusive;
    const path = 'path' in asked ? asked.path : '';
    this.leased = true;
    // Who passed a barrier holds nothing.
    this.#know(path, claim, exclusive, op, token === 0 ? 'waiting' : path === '/b' ? 'over' : 'granted', token);
    if (this.#given.has(request)) this.holds.get(`${path} ${claim}`)!.given = true;
    if (changed <= this.heard) this.#extend(sentMs, this.lease);
  }

  /** Per claim, the newest by op counts, also if it comes before the claim's own reply. */
  #know(
    path: string,
    claim: number,
    exclusive: boolean | null,
    op: number,
    state: KnownHold['state'],
    token: number,
  ): void {
    const key = `${path} ${claim}`;
    const known = this.holds.get(key);
    if (known !== undefined && known.op > op) {
      if (exclusive !== null) this.holds.set(key, { ...known, exclusive });
      return;
    }
    this.holds.set(key, {
      path,
      claim,
      op,
      state,
      token,
      exclusive: exclusive ?? known?.exclusive ?? false,
      given: known?.given ?? false,
      counted: known?.counted ?? false,
      lapsed: known?.lapsed ?? false,
    });
  }

  #extend(sentMs: number, lease: number): void {
    this.#deadline = Math.max(this.#deadline, sentMs + 0.99 * lease);
  }

  noticed(record: BelongingRecord, realMs: number): void {
    this.look(realMs);
    this.#record(record);
    this.look(realMs);
  }

  #record({ path, claim, kind, op, token }: BelongingRecord): void {
    this.#know(path, claim, null, op, kind === 'granted' ? 'granted' : 'over', token);
  }

  alive(
    op: number,
    answer: { leaseMs: number; changes: readonly BelongingRecord[] } | null,
    sentMs: number,
    realMs: number,
  ): void {
    this.look(realMs);
    if (answer === null) return this.gone(false);
    if (op < this.heard) return;
    for (const one of answer.changes) this.#record(one);
    this.heard = op;
    if (answer.leaseMs > 0) this.#extend(sentMs, answer.leaseMs);
    this.look(realMs);
  }

  /** Its session has ended. */
  gone(continued: boolean): void {
    if (continued) this.dead = true;
    this.begin();
  }
}
