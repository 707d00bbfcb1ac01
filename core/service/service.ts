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
import type { EntryStep } from '../tree/kinds/entry-steps.ts';
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
import { Leases } from './leases.ts';
import { named } from './naming.ts';
import type { Notice } from './leases.ts';
import { ServiceSnapshot, readSessions } from './snapshot.ts';

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
  #leases: Leases;
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
    this.#leases = new Leases(this.#sessions);
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
    if (this.#sessions.isDue(session, this.#timestamp)) this.#act(this.#leases.end([session]));
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
    const acting = { ...this.#leases.acting(this.#timestamp), session: entry.session, request: entry.request };
    return answerOf(this.#take(this.#tree.apply(operation, entry.op, acting)));
  }

  /** Takes up what an entry did to the tree, with all that follows from it. */
  #take({ tree, result, changes, consequences }: AppliedOperation): Result<OperationResult> {
    this.#tree = tree;
    if (changes.length > 0) this.#history.push(this.#op, this.#timestamp, changes);
    this.#leases.follow(this.#op, consequences);
    return result;
  }

  /** Does to claims what the end of sessions and of waits asks for. An entry does this once. */
  #act(steps: readonly EntryStep[]): void {
    if (steps.length > 0) this.#take(this.#tree.step(steps, this.#op, this.#leases.acting(this.#timestamp)));
  }

  /** Ends what is due. What is left is still due, so another entry follows at once. */
  #expire(): void {
    const { steps, sessions } = this.#leases.due(this.#timestamp);
    this.#expired += sessions;
    this.#act(steps);
  }

  #keepAlive({ sessions }: Extract<Body, { kind: 'keepAlive' }>): Reply['answer'] {
    const now = this.#timestamp;
    const due = sessions.filter(
      ({ session, secret }) => this.#speaks(session, secret) && this.#sessions.isDue(session, now),
    );
    this.#act(this.#leases.end([...new Set(due.map(({ session }) => session))]));
    const answers = sessions.map(({ session, secret, heard }) => {
      const known = this.#sessions.keepAlive(session, secret, heard, now);
      return known === null ? null : { leaseMs: known.leaseMs, changes: known.records };
    });
    const elsewhere = sessions.filter(({ session, secret }) => this.#sessions.isContinued(session, secret));
    return { kind: 'allAlive', clock: now, sessions: answers, elsewhere: elsewhere.map(({ session }) => session) };
  }

  #speaks(session: SessionId, secret: SessionSecret): boolean {
    return this.#sessions.spokenAs(session, secret) !== undefined;
  }

  /** The changes that sessions must be told of, by the entries since the last call. */
  takeNotices(): readonly Notice[] {
    return this.#leases.takeNotices();
  }

  #bind(entry: ServiceEntry, body: Extract<Body, { kind: 'bind' }>): Reply['answer'] {
    const now = this.#timestamp;
    const holder = this.#sessions.holderOf(body.identity.id);
    const steps = this.#sessions.isDue(holder, now) ? this.#leases.end([holder]) : [];
    const bind = this.#sessions.bind(sessionOf(entry.op), body, now);
    if (bind.kind === 'bound' && bind.continues !== 0)
      steps.push(...this.#leases.continue(bind.continues, bind.session.id));
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
        if (this.#sessions.mayUnregister(body.session, body.secret)) this.#act(this.#leases.end([body.session], true));
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
    const reply = this.#encode(meta, named(readOf(tree, body, budget), this.#sessions));
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
   * another secret, `continued` if another process goes on with its ClientID, and `other` if something else was executed under its number.
   */
  request(
    session: SessionId,
    secret: SessionSecret,
    request: RequestNumber,
    body: Uint8Array,
  ): 'new' | 'executed' | 'other' | 'old' | 'gone' | 'continued' {
    const window = this.#sessions.spokenAs(session, secret)?.window;
    if (window === undefined) return this.#sessions.isContinued(session, secret) ? 'continued' : 'gone';
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
    return this.#leases.deadline();
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
    const leases = new Leases(sessions);
    leases.restore(tree);
    if (tree.modified > header.op) throw new MalformedError('snapshot has a tree that is ahead of its op');
    this.#limits = header.limits;
    this.#sessions = sessions;
    this.#leases = leases;
    this.#tree = tree.owned();
    this.#op = header.op;
    this.#timestamp = header.timestamp;
    this.#history = this.#newHistory(header.op);
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
