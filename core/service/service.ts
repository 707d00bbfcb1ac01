/**
 * What a namespace replicates: its sessions with their replies, and its tree (protocol §7). It is the state machine
 * that core/vr drives. It repeats the shapes of core/vr here, because a service knows nothing of replication
 * (architecture §1).
 */

import { invariant, unreachable } from '../base/assert.ts';
import { Writer } from '../base/bytes.ts';
import { ChunkReader } from '../base/chunk-reader.ts';
import type { ErrorInfo, Result } from '../base/errors.ts';
import { MalformedError, errorInfo } from '../base/errors.ts';
import type { Epoch, Op, RequestNumber, SessionId, View } from '../base/ids.ts';
import { sessionOf } from '../base/ids.ts';
import type { Limits } from '../base/limits.ts';
import type { SessionSecret } from '../base/session-secret.ts';
import type { Acting, Consequence } from '../tree/acting.ts';
import type { ClaimStep } from '../tree/kinds/claims.ts';
import type { Claim, Hold } from '../tree/nodes/claims.ts';
import type { OperationResult, Stat } from '../tree/operation.ts';
import { isRead } from '../tree/reading.ts';
import { ResultBudget } from '../tree/limits.ts';
import { Tree, validateOperation } from '../tree/tree.ts';
import type { AppliedOperation } from '../tree/tree.ts';
import type { Body } from './body.ts';
import { decodeBody, encodeBody } from './body.ts';
import { History } from './history.ts';
import type { ServiceLimits } from './limits.ts';
import type { Reply } from './reply.ts';
import { writeReply } from './reply.ts';
import { digestOf } from './reply-window.ts';
import { Sessions } from './sessions.ts';
import { ServiceSnapshot, readSessions } from './snapshot.ts';
import type { BelongingRecord } from './told.ts';
import { TreeDeadlines } from './tree-deadlines.ts';

/** What the service reads of a committed entry. */
export interface ServiceEntry {
  readonly op: Op;
  readonly epoch: Epoch;
  readonly view: View;
  /** The replicated clock, in milliseconds. */
  readonly timestamp: number;
  /** 0 for an entry that the group itself proposes. */
  readonly session: SessionId;
  readonly request: RequestNumber;
  /** The lowest request number of the session whose answer the client has not received yet. */
  readonly answered: RequestNumber;
  readonly body: Uint8Array;
}

/** Where a reply was given: the entry's epoch, view and op. For a read: those of the replica that answers. */
export interface ReplyMeta {
  readonly epoch: Epoch;
  readonly view: View;
  readonly op: Op;
}

export interface ServiceStats {
  readonly sessions: number;
  readonly sessionBytes: number;
  readonly keys: number;
  readonly treeBytes: number;
  /** Of sessions and tree together, as {@link Service.size} counts. */
  readonly bytes: number;
  /** Counts since this process began, by kind of body or operation. Duplicates and refusals are kinds of their own. */
  readonly applied: ReadonlyMap<string, number>;
  readonly evictedSessions: number;
  readonly expiredSessions: number;
}

/** A session as it is shown to others. */
export interface KnownSession {
  /** The op of its registration. */
  readonly id: SessionId;
  readonly client: string;
  /** Replicated time from its last sign of life to the last entry. */
  readonly idleMs: number;
}

/** What any read costs, and how many bytes of what is asked and of what is answered cost a step. */
const stepsOfReading = 50;
const askedBytesOfStep = 32;
const answeredBytesOfStep = 128;

/** What a session is told of a belonging (coordination §3). */
export interface Notice {
  readonly session: SessionId;
  readonly record: BelongingRecord;
}
const noNotices: readonly Notice[] = [];

/** How much an expiry does before it leaves the rest to another one (coordination §14). */
const maxUnitsOfExpiry = 1024;

const expireBody = encodeBody({ kind: 'expire' });
const nothing: Reply['answer'] = { kind: 'nothing' };

export class Service {
  /** They judge what is proposed here, never what is applied: other nodes may have other limits. */
  readonly #nodeLimits: Limits;
  readonly #writer = new Writer(1024);
  readonly #applied = new Map<string, number>();
  #limits: ServiceLimits;
  #sessions: Sessions;
  #tree: Tree;
  #deadlines = new TreeDeadlines();
  #notices: Notice[] = [];
  #history: History;
  #op: Op = 0;
  #timestamp = 0;
  #evicted = 0;
  #expired = 0;
  #readWork = 0;
  /** Not part of the state: a question that the node of the primary asks. */
  #doubted: SessionId | null = null;

  /**
   * @param limits of the namespace, the same on every replica; @param nodeLimits of this node, for {@link validate}.
   */
  constructor(limits: ServiceLimits, nodeLimits: Limits) {
    this.#limits = limits;
    this.#nodeLimits = nodeLimits;
    this.#sessions = new Sessions(limits);
    this.#tree = Tree.empty(limits.tree).owned();
    this.#history = this.#newHistory(0);
  }

  #newHistory(floor: Op): History {
    const { watchHistoryMs, watchHistoryBytes } = this.#nodeLimits;
    return new History({ maxMs: watchHistoryMs, maxBytes: watchHistoryBytes }, floor);
  }

  /** The last op that was applied; 0 before the first. */
  get op(): Op {
    return this.#op;
  }

  /** The replicated clock at {@link op}, in milliseconds. */
  get timestamp(): number {
    return this.#timestamp;
  }

  /** The tree as it is now. This value never changes. */
  get tree(): Tree {
    return this.#tree.hold();
  }

  /** The recent changes, for watches. A restored state has a new history. */
  get history(): History {
    return this.#history;
  }

  get limits(): ServiceLimits {
    return this.#limits;
  }

  apply(entry: ServiceEntry): Uint8Array {
    invariant(entry.op > this.#op, 'entries are applied in op order, once each', { op: entry.op, last: this.#op });
    this.#op = entry.op;
    if (entry.timestamp > this.#timestamp) this.#timestamp = entry.timestamp;
    if (entry.session !== 0) return this.#applyRequest(entry);
    return this.#encode(entry, this.#applyOwn(entry));
  }

  #applyRequest(entry: ServiceEntry): Uint8Array {
    const { session, request, answered, body } = entry;
    // A session that is due ends with the first entry that meets it (coordination §2).
    if (this.#sessions.isDue(session, this.#timestamp)) this.#act(this.#endSessions([session]));
    const admission = this.#sessions.admit(session, request, answered, body, this.#timestamp);
    if (admission.kind === 'kept') {
      this.#count('duplicate');
      return admission.reply;
    }
    if (admission.kind === 'refused') {
      this.#count('refused');
      return this.#encode(entry, failed(admission.error));
    }
    // Whatever comes of it, even an error, is what this request did. Its number is used, and its reply is kept.
    const reply = this.#encode(entry, this.#execute(entry));
    this.#sessions.keep(admission.session, reply, body);
    return reply;
  }

  #execute(entry: ServiceEntry): Reply['answer'] {
    const body = decode(entry.body);
    if (!body.ok) return this.#malformed(body.error);
    if (body.value.kind !== 'operation') {
      this.#count('malformed');
      return failed(errorInfo('BadArgument', `A session's request is an operation, not ${body.value.kind}`));
    }
    const { operation } = body.value;
    this.#count(operation.kind);
    const acting = { ...this.#acting(), session: entry.session, request: entry.request };
    return answerOf(this.#take(this.#tree.apply(operation, entry.op, acting)));
  }

  /** For whom the tree acts. By itself, the group acts for no session. */
  #acting(): Acting {
    const now = this.#timestamp;
    const sessions = this.#sessions;
    return {
      session: 0,
      request: 0,
      now,
      sessions: {
        over: (id) => sessions.over(id, now),
        countsUntil: (id) => sessions.countsUntil(id),
        refuses: (id, leaseMs, entry) => sessions.refusesBelonging(id, leaseMs, entry),
        changed: (id) => sessions.changedOf(id),
      },
    };
  }

  /** Takes up what an entry did to the tree, with all that follows from it. */
  #take({ tree, result, changes, consequences }: AppliedOperation): Result<OperationResult> {
    this.#tree = tree;
    if (changes.length > 0) this.#history.push(this.#op, this.#timestamp, changes);
    for (const one of consequences) this.#follow(one);
    return result;
  }

  #follow(one: Consequence): void {
    switch (one.kind) {
      case 'gained':
        return this.#sessions.gained(one.session, one.belonging, one.leaseMs);
      case 'gaveUp':
        return this.#sessions.gaveUp(one.session, one.belonging);
      case 'due':
        return this.#deadlines.add(one.deadline);
      case 'notDue':
        return this.#deadlines.remove(one.deadline);
      case 'told': {
        const record = { op: this.#op, ...one.told };
        if (this.#sessions.tell(one.session, record)) this.#notices.push({ session: one.session, record });
        return;
      }
    }
  }

  /** Ends sessions, and says what must be done to what belonged to them (coordination §2). */
  #endSessions(ids: readonly SessionId[]): ClaimStep[] {
    const steps: ClaimStep[] = [];
    for (const id of ids) {
      for (const { path, id: claim } of this.#sessions.belongingsOf(id))
        steps.push({ kind: 'giveUp', path, id: claim });
      this.#sessions.end(id);
    }
    return steps;
  }

  /** Does to claims what the end of sessions and of waits asks for. An entry does this once. */
  #act(steps: readonly ClaimStep[]): void {
    if (steps.length > 0) this.#take(this.#tree.step(steps, this.#op, this.#acting()));
  }

  /** Ends what is due, in order, up to a bound. What is left is still due, so another entry follows at once. */
  #expire(): void {
    const now = this.#timestamp;
    const steps: ClaimStep[] = [];
    for (let units = 0; units < maxUnitsOfExpiry;) {
      const session = this.#sessions.nextDue();
      const other = this.#deadlines.first;
      const sessionFirst = session !== null && (other === null || session.atMs <= other.at);
      if ((sessionFirst ? session.atMs : (other?.at ?? Infinity)) > now) break;
      if (sessionFirst) {
        const ended = this.#endSessions([session.id]);
        steps.push(...ended);
        units += 1 + ended.length;
        this.#expired++;
      } else {
        const { kind, path, id } = other!;
        this.#deadlines.remove(other!);
        steps.push({ kind: kind === 'wait' ? 'waitOver' : 'shadowOver', path, id });
        units++;
      }
    }
    this.#act(steps);
  }

  #keepAlive({ sessions }: Extract<Body, { kind: 'keepAlive' }>): Reply['answer'] {
    const now = this.#timestamp;
    const due = sessions.filter(
      ({ session, secret }) => this.#speaks(session, secret) && this.#sessions.isDue(session, now),
    );
    this.#act(this.#endSessions([...new Set(due.map(({ session }) => session))]));
    const answers = sessions.map(({ session, secret, heard }) => {
      const known = this.#sessions.keepAlive(session, secret, heard, now);
      return known === null ? null : { leaseMs: known.leaseMs, changes: known.records };
    });
    return { kind: 'allAlive', clock: now, sessions: answers };
  }

  #speaks(session: SessionId, secret: SessionSecret): boolean {
    return this.#sessions.spokenAs(session, secret) !== undefined;
  }

  /** The changes that sessions must be told of, by the entries since the last call. */
  takeNotices(): readonly Notice[] {
    if (this.#notices.length === 0) return noNotices;
    const taken = this.#notices;
    this.#notices = [];
    return taken;
  }

  #bind(entry: ServiceEntry, body: Extract<Body, { kind: 'bind' }>): Reply['answer'] {
    const now = this.#timestamp;
    const holder = this.#sessions.holderOf(body.identity.id);
    const steps = this.#sessions.isDue(holder, now) ? this.#endSessions([holder]) : [];
    const bind = this.#sessions.bind(sessionOf(entry.op), body, now);
    if (bind.kind === 'bound' && bind.continues !== 0) {
      const until = this.#sessions.countsUntil(bind.continues);
      for (const { path, id } of this.#sessions.belongingsOf(bind.continues))
        steps.push({ kind: 'continued', path, id, until });
    }
    this.#act(steps);
    if (bind.kind === 'refused') {
      this.#doubted = bind.doubted;
      return failed(bind.error);
    }
    const { session, continued } = bind;
    this.#evicted += bind.evicted;
    return { kind: 'bound', session: session.id, secret: session.secret, continued };
  }

  /** Executes what the group itself proposes. None of this is deduplicated. */
  #applyOwn(entry: ServiceEntry): Reply['answer'] {
    const decoded = decode(entry.body);
    if (!decoded.ok) return this.#malformed(decoded.error);
    const body = decoded.value;
    this.#count(body.kind);
    switch (body.kind) {
      case 'operation':
        return failed(errorInfo('BadArgument', 'An operation needs a session'));
      case 'register':
        return this.#register(sessionOf(entry.op), body);
      case 'bind':
        return this.#bind(entry, body);
      case 'unregister':
        if (this.#sessions.mayUnregister(body.session, body.secret)) this.#act(this.#endSessions([body.session]));
        return nothing;
      case 'keepAlive':
        return this.#keepAlive(body);
      case 'expire':
        this.#expire();
        return nothing;
      case 'noop':
        return nothing;
      default:
        return unreachable(body);
    }
  }

  #register(id: SessionId, { client, secret }: Extract<Body, { kind: 'register' }>): Reply['answer'] {
    const evicted = this.#sessions.register(id, client, secret, this.#timestamp);
    if (typeof evicted !== 'number') return failed(evicted);
    this.#evicted += evicted;
    return { kind: 'registered', session: id, secret };
  }

  #malformed(error: ErrorInfo): Reply['answer'] {
    this.#count('malformed');
    return failed(error);
  }

  /**
   * Answers a read from the state as it is now, as an encoded reply, and changes nothing. `meta` says where it is
   * answered. The caller must know that the state is recent enough for the read (protocol §7, "Reads").
   */
  read(body: Uint8Array, meta: ReplyMeta): Uint8Array {
    return this.#readOf(this.#tree, body, meta);
  }

  /** The reply of {@link read}, made when it is asked for. Until then it holds the state as it is now, in O(1). */
  readLater(body: Uint8Array, meta: ReplyMeta): () => Uint8Array {
    const { tree } = this;
    return () => this.#readOf(tree, body, meta);
  }

  #readOf(tree: Tree, body: Uint8Array, meta: ReplyMeta): Uint8Array {
    const budget = new ResultBudget(tree.limits);
    const reply = this.#encode(meta, readOf(tree, body, budget));
    this.#readWork +=
      stepsOfReading + budget.worked + body.length / askedBytesOfStep + reply.length / answeredBytesOfStep;
    return reply;
  }

  /** The work of all reads so far, in steps of some 30 ns ({@link maxSteps}). */
  get readWork(): number {
    return this.#readWork;
  }

  /**
   * What the applied state knows of a request. Only a `new` one may be executed. It is `gone` if the session has
   * another secret, and `other` if something else was executed under its number.
   */
  request(
    session: SessionId,
    secret: SessionSecret,
    request: RequestNumber,
    body: Uint8Array,
  ): 'new' | 'executed' | 'other' | 'old' | 'gone' {
    const window = this.#sessions.spokenAs(session, secret)?.window;
    if (window === undefined) return 'gone';
    if (request < window.base) return 'old';
    if (request >= window.next) return 'new';
    return window.digest(request) === digestOf(body) ? 'executed' : 'other';
  }

  /** The lowest request number of a live session that was never executed. Numbers begin where `answered` says. */
  nextRequest(session: SessionId): RequestNumber {
    const known = this.#sessions.get(session);
    invariant(known !== undefined, 'the session lives', { session });
    return known.window.next;
  }

  /** The kept reply of an `executed` request. */
  reply(session: SessionId, request: RequestNumber): Uint8Array {
    const known = this.#sessions.get(session);
    invariant(known !== undefined, 'the session lives', { session });
    return known.window.get(request);
  }

  /** The session whose holder was put in doubt by the entry that was applied last. Returned only once. */
  takeDoubted(): SessionId | null {
    const session = this.#doubted;
    this.#doubted = null;
    return session;
  }

  /** True when the session exists and this is its secret. */
  hasSession(session: SessionId, secret: SessionSecret): boolean {
    return this.#sessions.spokenAs(session, secret) !== undefined;
  }

  /** Checks a body before it is proposed. An error refuses the body, and is definite. */
  validate(body: Uint8Array): ErrorInfo | null {
    const { maxBodyBytes } = this.#nodeLimits;
    if (body.length > maxBodyBytes) {
      const details = { name: 'maxBodyBytes', limit: maxBodyBytes, actual: body.length };
      const message = `Limit exceeded: maxBodyBytes is ${maxBodyBytes}, this needs ${body.length}`;
      return errorInfo('LimitExceeded', message, details);
    }
    const decoded = decode(body);
    if (!decoded.ok) return decoded.error;
    return decoded.value.kind === 'operation' ? validateOperation(decoded.value.operation, this.#nodeLimits) : null;
  }

  /** The replicated time at which a session or a wait is due, or null when there is none. */
  deadline(): number | null {
    const session = this.#sessions.nextDue()?.atMs ?? Infinity;
    const first = Math.min(session, this.#deadlines.first?.at ?? Infinity);
    return first === Infinity ? null : first;
  }

  /**
   * The body of the entry that expires what is due. That entry's own timestamp decides what is due when it is applied.
   */
  expiry(_timestamp: number): Uint8Array {
    return expireBody;
  }

  /** Holds the state as it is now, while more entries are applied. */
  snapshot(): ServiceSnapshot {
    const header = { op: this.#op, timestamp: this.#timestamp, limits: this.#limits };
    return new ServiceSnapshot(header, this.#sessions.hold(), this.#tree.snapshot());
  }

  /**
   * Replaces the state, including the limits, by that of a snapshot. @throws {@link MalformedError} and leaves the
   * state as it was.
   */
  restore(chunks: Iterable<Uint8Array>): void {
    const reader = new ChunkReader(chunks);
    const { header, sessions } = readSessions(reader);
    const tree = Tree.restore(reader, header.limits.tree);
    reader.end();
    if (tree.modified > header.op) throw new MalformedError('snapshot has a tree that is ahead of its op');
    this.#limits = header.limits;
    this.#sessions = sessions;
    this.#deadlines = new TreeDeadlines();
    this.#notices = [];
    for (const { path, claim } of tree.claims()) this.#restored(path, claim);
    this.#tree = tree.owned();
    this.#op = header.op;
    this.#timestamp = header.timestamp;
    this.#history = this.#newHistory(header.op);
  }

  /** Notes whose a claim of a snapshot is, and when it is over. */
  #restored(path: string, claim: Claim | Hold): void {
    const belonging = { path, id: claim.claim };
    if (!this.#sessions.own(claim.session, belonging))
      throw new MalformedError(`snapshot has a claim at ${path} of session ${claim.session}, which is not there`);
    const at = 'token' in claim ? claim.until : claim.waitUntil;
    if (at !== null) this.#deadlines.add({ ...belonging, kind: 'token' in claim ? 'shadow' : 'wait', at });
  }

  /** The size of the state in bytes, as all replicas count it. */
  size(): number {
    return this.#tree.bytes + this.#sessions.bytes;
  }

  stats(): ServiceStats {
    return {
      sessions: this.#sessions.size,
      sessionBytes: this.#sessions.bytes,
      keys: this.#tree.keys,
      treeBytes: this.#tree.bytes,
      bytes: this.size(),
      applied: this.#applied,
      evictedSessions: this.#evicted,
      expiredSessions: this.#expired,
    };
  }

  /** The `most` sessions that were registered last, newest first, for showing. */
  newestSessions(most: number): readonly KnownSession[] {
    const now = this.#timestamp;
    return this.#sessions.newest(most).map(({ id, client, seenMs }) => ({ id, client, idleMs: now - seenMs }));
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** The `limit` largest leaves of the tree, by bytes. */
  largest(limit: number): readonly Stat[] {
    const result = this.#tree.read({ kind: 'largest', path: '/', limit });
    return result.ok && result.value.kind === 'stats' ? result.value.stats : [];
  }

  #encode(meta: ReplyMeta, answer: Reply['answer']): Uint8Array {
    const writer = this.#writer;
    writer.reset();
    writeReply(writer, meta, answer);
    return writer.finish();
  }

  #count(kind: string): void {
    this.#applied.set(kind, (this.#applied.get(kind) ?? 0) + 1);
  }
}

/** A body that cannot be decoded gives the same error on every replica (architecture §2). */
function decode(bytes: Uint8Array): Result<Body> {
  try {
    return { ok: true, value: decodeBody(bytes) };
  } catch (error) {
    if (error instanceof MalformedError) {
      return { ok: false, error: errorInfo('BadFrame', `The operation cannot be decoded: ${error.message}`) };
    }
    throw error;
  }
}

function readOf(tree: Tree, body: Uint8Array, budget: ResultBudget): Reply['answer'] {
  const decoded = decode(body);
  if (!decoded.ok) return failed(decoded.error);
  if (decoded.value.kind !== 'operation' || !isRead(decoded.value.operation)) {
    return failed(errorInfo('BadArgument', 'Only an operation that changes nothing can be read'));
  }
  return answerOf(tree.read(decoded.value.operation, budget));
}

function failed(error: ErrorInfo): Reply['answer'] {
  return { kind: 'error', error };
}

function answerOf(result: Result<OperationResult>): Reply['answer'] {
  return result.ok ? { kind: 'result', result: result.value } : { kind: 'error', error: result.error };
}
