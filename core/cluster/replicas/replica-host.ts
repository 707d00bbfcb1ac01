/**
 * Hosts one replica with its state machine. Inputs go in one at a time, effects are carried out in their order, and
 * every waiter of a reply or a read is called exactly once. It decides nothing. The decisions are made in `core/vr`.
 */

import { invariant } from '../../base/assert.ts';
import { errorInfo } from '../../base/errors.ts';
import type { ErrorInfo } from '../../base/errors.ts';
import type { Epoch, NamespaceId, Op, SessionId, Token, View } from '../../base/ids.ts';
import { Numbered } from '../../base/numbered.ts';
import type { Log } from '../../base/ports.ts';
import type { SessionSecret } from '../../base/session-secret.ts';
import type { Store } from '../../store/store.ts';
import type { Member } from '../../vr/configuration.ts';
import type { Entry } from '../../vr/entry.ts';
import type { Message } from '../../vr/messages.ts';
import type { Effect, Input, ReplicaEvent, ReplicaIdentity, ReplicaView, StateMachine } from '../../vr/ports.ts';
import type { Replica } from '../../vr/replica.ts';
import type { Flushable, Turn } from '../base/turn.ts';
import type { ItemOf, Waiter } from './job.ts';

/** A keep-alive that waits for the tick in which it is folded with others into one entry. */
export interface WaitingKeepAlive {
  readonly session: SessionId;
  readonly secret: SessionSecret;
  readonly heard: Op;
  readonly waiter: Waiter;
}

/** A state machine as it is hosted. That of a namespace can also be read between entries. */
export interface ReadableMachine extends StateMachine {
  /** The encoded reply to a read of the applied state. The reply names `at` as the place where it was read. */
  read?(body: Uint8Array, at: ReadAt): Uint8Array;
  /** The same reply, made when it is asked for. Until then it holds the state as it is now. */
  readLater?(body: Uint8Array, at: ReadAt): () => Uint8Array;
  /** The work of all reads so far, in steps of some 30 ns. */
  readonly readWork?: number;
}

interface ReadAt {
  readonly epoch: Epoch;
  readonly view: View;
  readonly op: Op;
}

export type ReadConsistency = 'linearizable' | { readonly atLeast: number };

/** What a hosted replica asks of its node. */
export interface ReplicaHostEvents {
  send(to: Member, message: Message): void;
  event(host: ReplicaHost, event: ReplicaEvent): void;
  applied(host: ReplicaHost, entry: Entry, reply: Uint8Array): void;
  restored(host: ReplicaHost, op: Op): void;
  /** The replica broke an invariant and is stopped (protocol §1). The node reports it and goes on with the others. */
  broke(host: ReplicaHost, error: unknown): void;
}

/** What a hosted replica needs. */
export interface ReplicaHostOptions {
  /** Its namespace and its own name, for people. */
  readonly name: string;
  readonly replica: Replica;
  readonly machine: ReadableMachine;
  readonly store: Store;
  readonly turn: Turn;
  readonly log: Log;
  readonly events: ReplicaHostEvents;
  /**
   * A longer wait ends with a time-out: of a request for its predecessor or its quorum, or of a read for its primary or
   * its op.
   */
  readonly patienceMs: number;
  /** How many keep-alives may wait for their tick. */
  readonly maxKeepAlives: number;
}

/** How many overdue waiters are answered in one tick, so that a tick stays short. */
const maxOverdueATick = 512;
/**
 * How many tokens are looked at in one tick. Most of them were answered long ago. It is more than a replica gives out
 * in a tick.
 */
const maxTokensATick = 16_384;

/**
 * After this many ticks in which nothing but heartbeats came in, a replica is ticked only now and then. Otherwise
 * hundreds of idle groups would cost a node more than its busy ones. Every time-out that can end while nothing happens
 * is at least a hundred milliseconds long.
 */
const quietAfterTicks = 100;

interface PendingRead {
  readonly waiter: Waiter;
  readonly body: Uint8Array;
}

export class ReplicaHost implements Flushable {
  readonly name: string;
  readonly namespaceId: NamespaceId;
  readonly replicaName: string;
  readonly machine: ReadableMachine;
  readonly #replica: Replica;
  readonly #store: Store;
  readonly #turn: Turn;
  readonly #events: ReplicaHostEvents;
  readonly #log: Log;
  readonly #waiters = new Numbered<Waiter, Token>();
  readonly #reads = new Numbered<PendingRead, Token>();
  #keepAlives: WaitingKeepAlive[] = [];
  #inbox: Message[] = [];
  #inputs: Input[] = [];
  #stepping = false;
  #stopped = false;
  #nextToken: Token = 1;
  #quietTicks = 0;
  readonly #patienceMs: number;
  readonly #maxKeepAlives: number;
  /**
   * Now and then we note the next token and the time, so that a waiter needs neither a clock nor an object of its own.
   */
  readonly #marks: { readonly token: Token; readonly atMs: number }[] = [];
  /** Waiters with lower tokens have waited too long. Those below `#toldOverdue` have been answered. */
  #overdue: Token = 0;
  #toldOverdue: Token = 0;
  readonly #identity: ReplicaIdentity;

  constructor(options: ReplicaHostOptions) {
    this.name = options.name;
    this.#replica = options.replica;
    this.machine = options.machine;
    this.#store = options.store;
    this.#turn = options.turn;
    this.#log = options.log;
    this.#events = options.events;
    this.#patienceMs = options.patienceMs;
    this.#maxKeepAlives = options.maxKeepAlives;
    this.#identity = options.replica.view().identity;
    this.namespaceId = this.#identity.namespace;
    this.replicaName = this.#identity.replica;
  }

  get identity(): ReplicaIdentity {
    return this.#identity;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** True when its state must not be used, because the replica is stopped, or was found wrong and is being rebuilt. */
  get silent(): boolean {
    return this.#stopped || this.#replica.down;
  }

  /** The replica as it is now. */
  view(): ReplicaView {
    const view = this.#replica.view();
    return this.#stopped ? { ...view, status: 'stopped', primary: null, isPrimary: false } : view;
  }

  get isPrimary(): boolean {
    return !this.#stopped && this.#replica.isPrimary;
  }

  /**
   * The node of the primary that this replica follows, perhaps this node itself. Null while the replica follows none.
   */
  get primaryNode(): string | null {
    return this.#stopped ? null : this.#replica.primaryNode;
  }

  /**
   * True when it is the primary, or follows its primary, perhaps through other nodes. Otherwise it is cut off or has no
   * quorum.
   */
  get inTouch(): boolean {
    return !this.#stopped && this.#replica.inTouch;
  }

  /** The last op whose entry is in the state here. */
  get applied(): Op {
    return this.#replica.appliedAt().op;
  }

  /** True when everything that is known to be committed is in the state here. */
  get upToDate(): boolean {
    return this.behind === 0;
  }

  /** Entries that are known to be committed and are not in the state here. */
  get behind(): number {
    const { applied, commit } = this.#replica.view();
    return Math.max(0, commit - applied);
  }

  /** The committed entry that cannot be read here, and for which all later entries wait. Null when none is. */
  get blockedAt(): number | null {
    const { applied, commit } = this.#replica.view();
    return applied < commit && !this.#replica.readable(applied + 1) ? applied + 1 : null;
  }

  /** Requests of one session that wait here or are in the log, and are not executed yet. */
  outstanding(session: SessionId): number {
    return this.#stopped ? 0 : this.#replica.outstanding(session);
  }

  /** Messages that were dropped, by reason. */
  get dropped(): ReadonlyMap<string, number> {
    return this.#replica.dropped;
  }

  /**
   * A client's numbered request. The waiter is called once, whatever happens to the replica.
   * @param refusal why this node does not take such a request now. A request that was executed or is under way still
   * gets its reply.
   */
  request(waiter: Waiter, item: ItemOf<'request'>, secret: SessionSecret, refusal: ErrorInfo | null): void {
    const { session, request, answered, operation } = item;
    const token = this.#wait(waiter);
    this.input({ kind: 'request', token, session, secret, request, answered, body: operation, refusal });
  }

  /** Proposes something that has no session. */
  propose(waiter: Waiter, body: Uint8Array): void {
    this.input({ kind: 'propose', token: this.#wait(waiter), body });
  }

  read(waiter: Waiter, consistency: ReadConsistency, body: Uint8Array): void {
    const token = this.#nextToken++;
    this.#reads.set(token, { waiter, body });
    this.input({ kind: 'read', token, consistency });
  }

  /** Keep-alives of one tick become one entry (architecture §4). */
  keepAlive(waiter: Waiter, { session, heard }: ItemOf<'keepAlive'>, secret: SessionSecret): void {
    if (this.#stopped) return waiter.fail(errorInfo('NotPrimary', `replica ${this.name} is stopped`));
    const limit = this.#maxKeepAlives;
    if (this.#keepAlives.length >= limit) {
      const details = { limit, actual: limit + 1 };
      return waiter.fail(errorInfo('Overloaded', `${limit} keep-alives wait at replica ${this.name}`, details));
    }
    this.#keepAlives.push({ session, secret, heard, waiter });
  }

  /** The keep-alives since the last call, for the node to fold into one body. */
  takeKeepAlives(): readonly WaitingKeepAlive[] {
    const taken = this.#keepAlives;
    if (taken.length > 0) this.#keepAlives = [];
    return taken;
  }

  #wait(waiter: Waiter): number {
    const token = this.#nextToken++;
    this.#waiters.set(token, waiter);
    return token;
  }

  /** A message of another replica. The replica handles it in this turn. */
  receive(message: Message): void {
    if (message.kind !== 'commit' && message.kind !== 'commitOk') this.#quietTicks = 0;
    this.#inbox.push(message);
    this.#turn.wake(this);
  }

  /** Handles one input now. What the replica batches is sent at the end of the turn. */
  input(input: Input): void {
    if (input.kind !== 'tick') this.#quietTicks = 0;
    this.#turn.wake(this);
    this.#step(input, this.#turn.now());
  }

  /** @see Turn */
  flush(): void {
    const inbox = this.#inbox;
    const now = this.#turn.now();
    if (inbox.length > 0) {
      this.#inbox = [];
      for (const message of inbox) this.#step({ kind: 'message', message }, now);
    }
    this.#step({ kind: 'flush' }, this.#turn.now());
  }

  /**
   * Lets time pass. A tick reaches only the replicas with something to do. One that is not for `everyone` skips the
   * quiet replicas.
   */
  tick(now: number, everyone: boolean): void {
    if (this.#stopped || (++this.#quietTicks > quietAfterTicks && !everyone)) return;
    this.input({ kind: 'tick' });
    this.#endOverdue(now);
  }

  /** Ends waits that are too long: for a primary that is gone, or for an op or a predecessor that never comes. */
  #endOverdue(now: number): void {
    const patienceMs = this.#patienceMs;
    const marks = this.#marks;
    const last = marks.at(-1);
    if (last === undefined || (last.token < this.#nextToken && now - last.atMs >= patienceMs / 16)) {
      marks.push({ token: this.#nextToken, atMs: now });
    }
    while (marks.length > 0 && now - marks[0]!.atMs >= patienceMs) this.#overdue = marks.shift()!.token;
    const end = Math.min(this.#overdue, this.#toldOverdue + maxTokensATick);
    for (let left = maxOverdueATick; this.#toldOverdue < end && left > 0;) {
      const token = this.#toldOverdue++;
      const waiter = this.#settle(token);
      const read = this.#reads.take(token);
      if (waiter === undefined && read === undefined) continue;
      left--;
      this.input({ kind: 'abandon', token });
      waiter?.fail(errorInfo('Timeout', `replica ${this.name} did not finish the request within ${patienceMs} ms`));
      const text = `replica ${this.name} could not answer the read within ${patienceMs} ms`;
      read?.waiter.fail(errorInfo('Timeout', text, {}, 'definite'));
    }
  }

  /** Stops for good. Waiters of writes hear that the outcome is unknown. */
  stop(reason: string): void {
    if (this.#stopped) return;
    this.#stopped = true;
    // Another replica may serve them. A numbered request that was executed is found there (protocol §7).
    const unknown = errorInfo('NotPrimary', reason, {}, 'unknown');
    const definite = errorInfo('NoPrimary', reason);
    const waiters = this.#waiters.values();
    const reads = [...this.#reads.values(), ...this.#keepAlives];
    this.#waiters.clear();
    this.#reads.clear();
    this.#keepAlives = [];
    for (const waiter of waiters) waiter.fail(unknown);
    for (const { waiter } of reads) waiter.fail(definite);
  }

  #step(input: Input, now: number): void {
    if (this.#stopped) {
      this.#refuse(input);
      return;
    }
    if (this.#stepping) {
      this.#inputs.push(input);
      return;
    }
    this.#stepping = true;
    try {
      let next: Input | undefined = input;
      while (next !== undefined) {
        for (const effect of this.#replica.step(next, now)) this.#perform(effect);
        next = this.#inputs.length > 0 ? this.#inputs.shift() : undefined;
      }
    } catch (error) {
      this.#log.write('error', 'a replica broke an invariant and is stopped', {
        replica: this.name,
        error: describe(error),
      });
      this.#inputs = [];
      this.stop(`replica ${this.name} is stopped: ${describe(error)}`);
      this.#events.broke(this, error);
    } finally {
      this.#stepping = false;
    }
  }

  #refuse(input: Input): void {
    if (input.kind === 'read') {
      this.#reads.take(input.token)?.waiter.fail(errorInfo('NoPrimary', `replica ${this.name} is stopped`));
    } else if (input.kind === 'request' || input.kind === 'propose') {
      this.#settle(input.token)?.fail(errorInfo('NotPrimary', `replica ${this.name} is stopped`));
    }
  }

  #settle(token: Token): Waiter | undefined {
    return this.#waiters.take(token);
  }

  #perform(effect: Effect): void {
    const identity = this.#identity;
    switch (effect.kind) {
      case 'send':
        return this.#events.send(effect.to, effect.message);
      case 'persist': {
        const { ticket } = effect;
        return this.#store.persist(identity.namespace, identity.replica, effect.batch, () =>
          this.input({ kind: 'durable', ticket }),
        );
      }
      case 'reply': {
        const waiter = this.#settle(effect.token);
        if (effect.result.ok) waiter?.reply(effect.result.reply);
        else waiter?.fail(effect.result.error);
        return;
      }
      case 'readReady': {
        const read = this.#reads.take(effect.token);
        if (read === undefined) return;
        if (effect.result.ok) this.#answerRead(read);
        else read.waiter.fail(effect.result.error);
        return;
      }
      case 'writeCheckpoint':
        return this.#store.writeCheckpoint(
          identity.namespace,
          identity.replica,
          effect.draft,
          effect.snapshot,
          (checkpoint) =>
            this.input(checkpoint === null ? { kind: 'checkpointFailed' } : { kind: 'checkpointWritten', checkpoint }),
        );
      case 'dropCheckpoint':
        return this.#store.dropCheckpoint(identity.namespace, identity.replica, effect.checkpoint);
      case 'stageChunk': {
        const { checkpoint, index } = effect;
        return this.#store.stageChunk(identity.namespace, identity.replica, checkpoint, index, effect.bytes, (staged) =>
          this.input({ kind: staged ? 'chunkStaged' : 'chunkLost', op: checkpoint.op, index }),
        );
      }
      case 'applied':
        return this.#events.applied(this, effect.entry, effect.reply);
      case 'restored':
        return this.#events.restored(this, effect.op);
      case 'event':
        return this.#events.event(this, effect.event);
    }
  }

  #answerRead({ waiter, body }: PendingRead): void {
    const { machine } = this;
    invariant(machine.read !== undefined, 'only a machine that can be read is read');
    const at = this.#replica.appliedAt();
    const hold = waiter.holder?.(this.#turn.tired);
    if (hold && machine.readLater !== undefined) {
      const make = machine.readLater(body, at);
      return hold(() => {
        const before = machine.readWork ?? 0;
        const reply = make();
        this.#spent(waiter, before);
        return reply;
      });
    }
    const before = machine.readWork ?? 0;
    const reply = machine.read(body, at);
    this.#spent(waiter, before);
    waiter.reply(reply);
  }

  /** What reads cost is counted, because they are not in the log and so have no other bound. */
  #spent(waiter: Waiter, before: number): void {
    const steps = (this.machine.readWork ?? 0) - before;
    if (waiter.spent === undefined) this.#turn.spend(steps);
    else waiter.spent(steps);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
