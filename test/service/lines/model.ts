/**
 * What sessions and lines of claims must do, written from the rules and never from the code (coordination §2 to §8, in
 * words in docs/architecture.md). It is slow and plain: claims are an array, deadlines are found by looking at all of
 * them, and whatever is refused is taken back by copying the state before.
 */

import type { Body } from '../../../core/service/body.ts';
import type { Asked, Operation, SimpleOperation } from '../../../core/tree/operation.ts';
import type { Claim, Line, Record, Session, State } from './state.ts';
import {
  belongingsOf,
  children,
  counts,
  dueAt,
  holdsOf,
  isLine,
  over,
  parentsOf,
  room,
  sameBytes,
  text,
  waitersOf,
} from './state.ts';

export interface ModelLimits {
  readonly maxSessions: number;
  readonly sessionMs: number;
}

export interface ModelEntry {
  readonly op: number;
  readonly timestamp: number;
  readonly session: number;
  readonly request: number;
  readonly answered: number;
  readonly body: Body;
  readonly bytes: Uint8Array;
}

/** What an entry must be answered: exactly this, or one of these errors. `kept`: the very bytes that were answered first. */
export type Expected =
  | { readonly is: 'answer'; readonly answer: unknown }
  | { readonly is: 'refused'; readonly codes: readonly string[]; readonly details?: object }
  | { readonly is: 'kept'; readonly reply: Uint8Array }
  /** A rule of ClientIDs that this model leaves to the service: whether a holder without belongings gives way. */
  | { readonly is: 'either' };

class Refused extends Error {
  readonly codes: readonly string[];
  constructor(...codes: string[]) {
    super(codes.join());
    this.codes = codes;
  }
}

const defaultLeaseMs = 10_000;

export class Model {
  readonly limits: ModelLimits;
  state: State = { op: 0, now: 0, nodes: new Map(), sessions: new Map() };
  /** What sessions were told by the last entry. */
  told: (Record & { session: number })[] = [];
  #touched = new Set<string>();
  /** Claims that the last entry made: their results, which its end completes. */
  #made: { path: string; claim: Claim; result: { [key: string]: unknown }; tries: boolean }[] = [];
  #bindAdopts: { identity: { id: string; incarnation: string }; attempt: number; secret: string } | null = null;

  constructor(limits: ModelLimits) {
    this.limits = limits;
  }

  apply(entry: ModelEntry): Expected {
    const { state } = this;
    state.op = entry.op;
    state.now = Math.max(state.now, entry.timestamp);
    this.told = [];
    this.#touched.clear();
    this.#made = [];
    const expected = entry.session === 0 ? this.#own(entry.body) : this.#request(entry);
    this.#forgetContinued();
    return expected;
  }

  /** The earliest time at which anything is over. */
  deadline(): number | null {
    const { nodes, sessions } = this.state;
    const times = [...sessions.values()].map((one) => dueAt(one, this.limits));
    for (const node of nodes.values()) {
      for (const one of node.claims) {
        if (one.token === 0 && one.waitUntil !== null) times.push(one.waitUntil);
        if (one.until !== null) times.push(one.until);
      }
    }
    return times.length === 0 ? null : Math.min(...times);
  }

  // Requests.

  #request({ session: id, request, answered, body, bytes }: ModelEntry): Expected {
    const { state } = this;
    const known = state.sessions.get(id);
    if (known !== undefined && this.#isDue(known)) {
      this.#end(known);
      this.#settle();
    }
    const session = state.sessions.get(id);
    if (session === undefined) return { is: 'refused', codes: ['SessionGone'] };
    if (session.continued) return { is: 'refused', codes: ['SessionGone'], details: { continued: true } };
    if (request < session.base) return { is: 'refused', codes: ['RequestTooOld'] };
    trim(session, Math.min(answered, request));
    const kept = session.replies.get(request);
    if (kept !== undefined) {
      if (sameBytes(kept.body, bytes)) return { is: 'kept', reply: kept.reply };
      return { is: 'refused', codes: ['BadArgument'] };
    }
    if (request > session.base + session.replies.size) return { is: 'refused', codes: ['Retry'] };
    session.seen = Math.max(session.seen, state.now);
    if (body.kind !== 'operation') throw new Error('requests are operations here');
    return this.#execute(session, request, body.operation);
  }

  /** The service's reply to what was just executed, which it keeps. */
  keep({ session: id, request, bytes }: ModelEntry, reply: Uint8Array): void {
    this.state.sessions.get(id)!.replies.set(request, { body: bytes, reply: reply.slice() });
  }

  #execute(session: Session, request: number, operation: Operation): Expected {
    const before = structuredClone(this.state.nodes);
    const sessionsBefore = structuredClone(this.state.sessions);
    try {
      let result: { [key: string]: unknown };
      if (operation.kind === 'transaction') {
        const held = operation.guards.every((guard) => {
          if (guard.kind !== 'heldBy' && guard.kind !== 'held') throw new Error(guard.kind);
          const by = guard.kind === 'heldBy' ? guard.claim : 0;
          const holds = holdsOf(this.state.nodes.get(guard.path)).filter(({ until }) => until === null);
          return holds.some((one) => one.token === guard.token && (by === 0 ? one.exclusive : one.claim === by));
        });
        const results: unknown[] = [];
        for (const one of held ? operation.then : operation.otherwise)
          results.push(this.#simple(session, request, one, true));
        result = { kind: 'transaction', held, results };
      } else result = this.#simple(session, request, operation, false);
      this.#settle();
      this.#completeMade();
      this.#removeEmpty();
      return { is: 'answer', answer: { kind: 'result', result } };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.state.nodes = before;
      this.state.sessions = sessionsBefore;
      this.told = [];
      return { is: 'refused', codes: error.codes };
    }
  }

  /** The line that a claim asks for, which it may make. */
  #lineFor(path: string, { auto, of }: Pick<Asked<'claim'>, 'auto' | 'of'>, reasons: string[]): Line {
    const node = this.state.nodes.get(path);
    if (node === undefined) {
      if (auto === null) throw new Refused('PathNotFound');
      if ((auto === 'semaphore') !== (of !== null) || auto === 'barrier') reasons.push('BadArgument');
      return this.#make(path, auto, { capacity: of, auto: true });
    }
    if (!isLine(node) || (auto !== null && auto !== node.type)) throw new Refused('WrongType');
    if (of !== null && of !== node.capacity) reasons.push('BadArgument');
    return node;
  }

  #simple(session: Session, request: number, asked: SimpleOperation, together: boolean): { [key: string]: unknown } {
    const { nodes, op } = this.state;
    switch (asked.kind) {
      case 'claim': {
        if (together && asked.waitMs !== 0) throw new Refused('BadArgument');
        const { path } = asked;
        const reasons: string[] = [];
        const node = this.#lineFor(path, asked, reasons);
        if (this.#made.some((one) => one.path === path)) reasons.push('BadArgument');
        return this.#claim(session, request, path, node, asked, { front: 0, reasons });
      }
      case 'release': {
        const node = nodes.get(asked.path);
        if (node !== undefined && !isLine(node)) throw new Refused('WrongType');
        const hold = holdsOf(node).find(
          (one) => one.claim === asked.claim && one.token === asked.token && one.session === session.id,
        );
        if (node === undefined || hold === undefined) throw new Refused('NotHeld');
        if (asked.to !== 0) {
          const next = waitersOf(node).find((one) => one.claim === asked.to);
          if (next === undefined) throw new Refused('NotHeld');
          // One entry puts one claim of a node in front.
          if (waitersOf(node).some((one) => one !== next && one.front === op)) throw new Refused('BadArgument');
          next.front = op;
        }
        this.#remove(asked.path, node, hold);
        return { kind: 'done' };
      }
      case 'abandon': {
        const node = nodes.get(asked.path);
        const one = node?.claims.find(
          (claim) =>
            claim.session === session.id &&
            (asked.claim !== 0 ? claim.claim === asked.claim : claim.request === asked.request),
        );
        if (node === undefined || one === undefined) return { kind: 'abandoned', was: 'nothing' };
        this.#remove(asked.path, node, one);
        return { kind: 'abandoned', was: one.token === 0 ? 'waiting' : 'granted' };
      }
      case 'steal': {
        if (together) throw new Refused('BadArgument');
        const reasons: string[] = [];
        // A thief finds a line that nobody made as somebody who claims does.
        const { put } = asked;
        const known = put === null || (asked.claim !== 0 && !nodes.has(asked.path));
        const node = known ? this.#line(asked.path) : this.#lineFor(asked.path, put, reasons);
        const { changed } = session;
        const stolen = holdsOf(node).filter(
          (one) => one.until === null && (asked.claim === 0 || one.claim === asked.claim),
        );
        if (asked.claim !== 0 && stolen.length === 0) reasons.push('NotHeld');
        for (const hold of stolen) this.#shadow(asked.path, hold, 'stolen');
        if (asked.put !== null) {
          const result = this.#claim(session, request, asked.path, node, asked.put, { front: op, reasons });
          // Its own theft is answered by this very request.
          result['changed'] = changed;
          return result;
        }
        if (reasons.length > 0) throw new Refused(...reasons);
        return { kind: 'done' };
      }
      case 'semaphoreResize': {
        const node = this.#line(asked.path, 'semaphore');
        if (node.capacity === asked.capacity) return { kind: 'done' };
        if (room(node) > asked.capacity) throw new Refused('Held');
        node.capacity = asked.capacity;
        this.#touched.add(asked.path);
        for (const one of waitersOf(node))
          if (one.permits > asked.capacity) this.#endWait(asked.path, node, one, 'tooMany');
        return { kind: 'done' };
      }
      case 'barrierSet': {
        const node = this.#line(asked.path, 'barrier');
        if (node.open !== asked.open) this.#touched.add(asked.path);
        node.open = asked.open;
        return { kind: 'done' };
      }
      case 'proclaim': {
        const node = nodes.get(asked.path);
        if (node !== undefined && node.type !== 'election') throw new Refused('WrongType');
        const hold = holdsOf(node).find(
          (one) =>
            one.claim === asked.claim && one.token === asked.token && one.until === null && one.session === session.id,
        );
        if (hold === undefined) throw new Refused('NotHeld');
        hold.value = text(asked.value);
        return { kind: 'done' };
      }
      case 'create': {
        const node = nodes.get(asked.path);
        if (node === undefined) this.#make(asked.path, asked.type, {});
        else if (node.auto && node.type === asked.type && node.type !== 'semaphore') node.auto = false;
        else throw new Refused('PathExists');
        return { kind: 'done' };
      }
      case 'semaphoreCreate': {
        const node = nodes.get(asked.path);
        if (node === undefined) this.#make(asked.path, 'semaphore', { capacity: asked.capacity });
        else if (node.auto && node.type === 'semaphore' && node.capacity === asked.capacity) node.auto = false;
        else throw new Refused('PathExists');
        return { kind: 'done' };
      }
      case 'delete':
        return this.#delete(asked.path, asked.recursive);
      case 'upsert': {
        if (asked.operation.kind !== 'blobPut') throw new Error(asked.operation.kind);
        const { path } = asked.operation;
        const node = nodes.get(path);
        if (node === undefined) this.#make(path, 'blob', {});
        else if (node.type !== 'blob') throw new Refused('WrongType');
        return { kind: 'done' };
      }
      default:
        throw new Error(asked.kind);
    }
  }

  #line(path: string, type: string | null = null): Line {
    const node = this.state.nodes.get(path);
    if (node === undefined) throw new Refused('PathNotFound');
    if (!isLine(node) || (type !== null && node.type !== type)) throw new Refused('WrongType');
    return node;
  }

  #make(path: string, type: Line['type'], made: Partial<Line>): Line {
    const { nodes } = this.state;
    for (const above of parentsOf(path)) {
      const node = nodes.get(above);
      if (node !== undefined && node.type !== 'directory') throw new Refused('PathMustBeDirectory');
      if (node === undefined)
        nodes.set(above, { type: 'directory', capacity: null, open: false, auto: made.auto ?? false, claims: [] });
    }
    const node: Line = { type, capacity: null, open: false, auto: false, claims: [], ...made };
    nodes.set(path, node);
    return node;
  }

  #claim(
    session: Session,
    request: number,
    path: string,
    node: Line,
    wish: {
      readonly permits: number;
      readonly exclusive: boolean;
      readonly value: Uint8Array | null;
      readonly waitMs: number | null;
      readonly leaseMs: number | null;
    },
    { front, reasons }: { front: number; reasons: string[] },
  ): { [key: string]: unknown } {
    const { state } = this;
    const { permits, exclusive, value, waitMs, leaseMs } = wish;
    if (permits > (node.capacity ?? (node.type === 'semaphore' ? Infinity : 1))) reasons.push('BadArgument');
    if (node.type === 'election' ? !exclusive : node.type !== 'lock' && exclusive) reasons.push('BadArgument');
    if (value !== null && node.type !== 'election') reasons.push('BadArgument');
    if (session.lease !== 0 && leaseMs !== null && leaseMs !== session.lease) reasons.push('BadArgument');
    const leased = [...state.sessions.values()].filter(({ lease }) => lease > 0).length;
    if (session.lease === 0 && leased >= Math.floor((this.limits.maxSessions * 3) / 4)) reasons.push('LimitExceeded');
    const claim: Claim = {
      claim: state.op,
      session: session.id,
      request,
      permits,
      exclusive,
      value: value === null ? null : text(value),
      enqueued: state.now,
      waitUntil: waitMs === null || waitMs === 0 ? null : state.now + waitMs,
      front,
      token: 0,
      granted: 0,
      until: null,
    };
    const result = { kind: 'claimed', claim: state.op, token: 0, ahead: 0, clock: state.now, changed: session.changed };
    if (waitMs === 0 && reasons.length > 0) reasons.push('Held');
    if (reasons.length > 0) throw new Refused(...reasons);
    if (session.lease === 0) session.lease = leaseMs ?? defaultLeaseMs;
    node.claims.push(claim);
    this.#touched.add(path);
    this.#made.push({ path, claim, result, tries: waitMs === 0 });
    return result;
  }

  #completeMade(): void {
    for (const { path, claim, result, tries } of this.#made) {
      const node = this.state.nodes.get(path);
      const there = node?.claims.includes(claim) === true;
      if (claim.token === 0 && tries) throw new Refused(...(there ? ['Held'] : ['Held', 'PathNotFound']));
      result['token'] = claim.token;
      if (claim.token === 0 && there) result['ahead'] = waitersOf(node).indexOf(claim);
    }
  }

  #delete(path: string, recursive: boolean): { [key: string]: unknown } {
    const { nodes } = this.state;
    const node = nodes.get(path);
    if (node === undefined) throw new Refused('PathNotFound');
    const beneath = [...nodes.keys()].filter((one) => one.startsWith(`${path}/`));
    const reasons: string[] = [];
    if (beneath.length > 0 && !recursive) reasons.push('DirectoryNotEmpty');
    const all = [path, ...beneath];
    if (all.some((one) => holdsOf(nodes.get(one)).length > 0)) reasons.push('Held');
    if (reasons.length > 0) throw new Refused(...reasons);
    for (const one of all) {
      const gone = nodes.get(one)!;
      for (const claim of waitersOf(gone)) this.#endWait(one, gone, claim, 'deleted');
      nodes.delete(one);
    }
    this.#emptied(path);
    return { kind: 'done' };
  }

  /** A directory that a claim made goes with its last child, whoever made that. */
  #emptied(path: string): void {
    const { nodes } = this.state;
    for (const above of parentsOf(path).reverse()) {
      const node = nodes.get(above);
      if (node?.auto !== true || children(nodes, above) > 0) return;
      nodes.delete(above);
    }
  }

  // What the group itself does.

  #own(body: Body): Expected {
    const { state } = this;
    switch (body.kind) {
      case 'register': {
        if (!this.#makeRoom()) return { is: 'refused', codes: ['LimitExceeded'] };
        this.#insert(body.secret, null);
        return { is: 'answer', answer: { kind: 'registered', session: state.op, secret: body.secret } };
      }
      case 'bind':
        return this.#bind(body);
      case 'unregister': {
        const session = state.sessions.get(body.session);
        if (session?.secret === body.secret) this.#end(session);
        this.#settle();
        return { is: 'answer', answer: { kind: 'nothing' } };
      }
      case 'keepAlive': {
        const speaks = ({ session, secret }: { session: number; secret: string }): Session | null => {
          const known = state.sessions.get(session);
          return known !== undefined && !known.continued && known.secret === secret ? known : null;
        };
        for (const one of body.sessions) {
          const known = speaks(one);
          if (known !== null && this.#isDue(known)) this.#end(known);
        }
        this.#settle();
        const sessions = body.sessions.map((one) => {
          const known = speaks(one);
          if (known === null) return null;
          known.seen = Math.max(known.seen, state.now);
          known.records = known.records.filter(({ op }) => op > one.heard);
          return { leaseMs: known.lease, changes: [...known.records] };
        });
        const elsewhere = body.sessions
          .filter(({ session, secret }) => {
            const known = state.sessions.get(session);
            return known?.continued === true && known.secret === secret;
          })
          .map(({ session }) => session);
        return { is: 'answer', answer: { kind: 'allAlive', clock: state.now, sessions, elsewhere } };
      }
      case 'expire': {
        for (const session of [...state.sessions.values()]) if (this.#isDue(session)) this.#end(session);
        for (const [path, node] of [...state.nodes]) {
          for (const one of [...node.claims]) {
            if (one.token === 0 && one.waitUntil !== null && one.waitUntil <= state.now)
              this.#endWait(path, node, one, 'waitOver');
            if (one.until !== null && one.until <= state.now) this.#remove(path, node, one);
          }
        }
        this.#settle();
        return { is: 'answer', answer: { kind: 'nothing' } };
      }
      case 'noop':
        return { is: 'answer', answer: { kind: 'nothing' } };
      case 'operation':
        return { is: 'refused', codes: ['BadArgument'] };
    }
  }

  #bind({ identity, attempt, previous, secret }: Extract<Body, { kind: 'bind' }>): Expected {
    const { sessions, op } = this.state;
    const first = this.holderOf(identity.id);
    if (first !== undefined && this.#isDue(first)) this.#end(first);
    const holder = this.holderOf(identity.id);
    let expected: Expected;
    const bound = (continued: boolean): Expected => {
      if (!this.#makeRoom()) return { is: 'refused', codes: ['LimitExceeded'] };
      this.#insert(secret, { ...identity, attempt, continued });
      return { is: 'answer', answer: { kind: 'bound', session: op, secret, continued } };
    };
    const same = holder?.identity?.incarnation === identity.incarnation;
    if (holder === undefined) expected = bound(false);
    else if (same && holder.identity!.attempt === attempt) {
      const { continued } = holder.identity!;
      expected = { is: 'answer', answer: { kind: 'bound', session: holder.id, secret: holder.secret, continued } };
      // A session without a lease is seen by whatever its holder sends.
      if (holder.lease === 0) holder.seen = Math.max(holder.seen, this.state.now);
    } else if (same && (previous === 0 || previous === holder.id)) {
      if (belongingsOf(this.state, holder.id).length === 0) {
        sessions.delete(holder.id);
        expected = bound(true);
      } else {
        const { identity: was } = holder;
        holder.identity = null;
        expected = bound(true);
        if (expected.is === 'refused') holder.identity = was;
        else this.#continue(holder);
      }
    } else if (belongingsOf(this.state, holder.id).length > 0)
      expected = {
        is: 'refused',
        codes: ['ClientIdHeld'],
        details: { retryAfterMs: dueAt(holder, this.limits) - this.state.now },
      };
    else {
      this.#bindAdopts = { identity, attempt, secret };
      expected = { is: 'either' };
    }
    this.#settle();
    return expected;
  }

  /** Takes over what the service decided about a holder that has nothing. */
  adopt(answer: { readonly kind: string; readonly session?: number; readonly continued?: boolean }): void {
    const { identity, attempt, secret } = this.#bindAdopts!;
    if (answer.kind !== 'bound') return;
    this.state.sessions.delete(this.holderOf(identity.id)!.id);
    this.#insert(secret, { ...identity, attempt, continued: answer.continued === true });
  }

  holderOf(id: string): Session | undefined {
    return [...this.state.sessions.values()].find(({ identity }) => identity?.id === id);
  }

  /** Waits end. Holds become shadows until the earlier process can no longer count on them. */
  #continue(session: Session): void {
    session.continued = true;
    for (const { path, node, claim } of belongingsOf(this.state, session.id)) {
      if (claim.token === 0) this.#remove(path, node, claim);
      else if (claim.until === null) this.#shadow(path, claim, 'continued');
    }
  }

  #insert(secret: string, identity: Session['identity']): void {
    const { op, now, sessions } = this.state;
    sessions.set(op, {
      id: op,
      secret,
      identity,
      seen: now,
      lease: 0,
      continued: false,
      changed: 0,
      records: [],
      base: 0,
      replies: new Map(),
    });
  }

  /** Only sessions without a lease are evicted, the idlest first, and none that is alive. */
  #makeRoom(): boolean {
    const { sessions, now } = this.state;
    while (sessions.size >= this.limits.maxSessions) {
      const idle = [...sessions.values()].filter(({ lease }) => lease === 0);
      idle.sort((a, b) => a.seen - b.seen || a.id - b.id);
      const [oldest] = idle;
      if (oldest === undefined || (now - oldest.seen) * 10 < this.limits.sessionMs) return false;
      sessions.delete(oldest.id);
    }
    return true;
  }

  #isDue(session: Session): boolean {
    return dueAt(session, this.limits) <= this.state.now;
  }

  #end(session: Session): void {
    for (const { path, node, claim } of belongingsOf(this.state, session.id)) this.#remove(path, node, claim);
    this.state.sessions.delete(session.id);
  }

  #forgetContinued(): void {
    for (const { id, continued } of [...this.state.sessions.values()])
      if (continued && belongingsOf(this.state, id).length === 0) this.state.sessions.delete(id);
  }

  // Claims.

  #remove(path: string, node: Line, claim: Claim): void {
    node.claims = node.claims.filter((one) => one !== claim);
    this.#touched.add(path);
  }

  #endWait(path: string, node: Line, claim: Claim, reason: Record['reason']): void {
    this.#remove(path, node, claim);
    this.#tell(claim.session, { path, claim: claim.claim, kind: 'ended', token: 0, reason, until: null, items: [] });
  }

  #shadow(path: string, hold: Claim, reason: 'stolen' | 'continued'): void {
    const session = this.state.sessions.get(hold.session)!;
    hold.until = session.seen + session.lease;
    this.#touched.add(path);
    const { claim, token, until } = hold;
    this.#tell(hold.session, { path, claim, kind: 'revoked', token, reason, until, items: [] });
  }

  #tell(id: number, record: Omit<Record, 'op'>): void {
    const session = this.state.sessions.get(id);
    if (session === undefined || session.continued) return;
    const one = { op: this.state.op, ...record };
    session.changed = one.op;
    session.records.push(one);
    this.told.push({ ...one, session: id });
  }

  #settle(): void {
    const { nodes, op, now } = this.state;
    for (const path of [...this.#touched].sort()) {
      const node = nodes.get(path);
      if (node === undefined) continue;
      for (const one of waitersOf(node)) {
        if (over(this.state, one, this.limits)) continue;
        if (node.type === 'barrier' ? !node.open : !counts(node, one)) break;
        one.token = op;
        one.granted = now;
        if (node.type === 'barrier') node.claims = node.claims.filter((other) => other !== one);
        const kind = node.type === 'barrier' ? 'passed' : 'granted';
        if (one.claim !== op)
          this.#tell(one.session, { path, claim: one.claim, kind, token: op, reason: null, until: null, items: [] });
      }
    }
    if (this.#made.length === 0) this.#removeEmpty();
  }

  /** A line that a claim made goes when nobody is in it any more. */
  #removeEmpty(): void {
    const { nodes } = this.state;
    for (const path of [...this.#touched].sort().reverse()) {
      const node = nodes.get(path);
      if (node === undefined || !isLine(node) || !node.auto || node.claims.length > 0) continue;
      nodes.delete(path);
      this.#emptied(path);
    }
  }
}

function trim(session: Session, base: number): void {
  if (base <= session.base) return;
  for (const request of [...session.replies.keys()]) if (request < base) session.replies.delete(request);
  session.base = base;
}
