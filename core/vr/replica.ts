/**
 * One replica of a group: a value with `step(input) -> effects` (protocol §1). It passes each input to the part that
 * handles it, and checks the envelope of every message. The protocol itself is in the parts.
 */

import { unreachable } from '../base/assert.ts';
import type { Epoch, Op, SessionId, View } from '../base/ids.ts';
import { Backup } from './backup.ts';
import { Checkpoints } from './checkpointing.ts';
import { ReplicatedClock } from './clock.ts';
import { Core } from './core.ts';
import type { ReplicaOptions } from './core.ts';
import { Execution } from './execution.ts';
import { Installation } from './installation.ts';
import type { Member } from './configuration.ts';
import type { Message } from './messages.ts';
import type { Parts } from './parts.ts';
import type { Effect, Input, ReplicaView } from './ports.ts';
import { Primary } from './primary.ts';
import { Reads } from './reads.ts';
import { judge, otherHistory } from './judgement.ts';
import { twoHistories } from './lineage.ts';
import { Reach } from './reach.ts';
import { HeadRecovery } from './recovery.ts';
import { Requests } from './requests.ts';
import { Suspicion } from './suspicion.ts';
import { Transfer } from './transfer.ts';
import { ViewChange } from './view-change.ts';

export type { ReplicaLimits, ReplicaOptions } from './core.ts';
export type { ReplicaTiming } from './times.ts';

/** All parts, as what comes from outside needs them; to each other they are {@link Parts}. */
type AllParts = ReturnType<typeof partsOf>;

export class Replica {
  readonly #core: Core;
  readonly #parts: AllParts;
  /** How far views that others give may be above its own. */
  readonly #reach: Reach;
  #stopped = false;
  #alarmed = false;

  /**
   * Restores the machine from the installed checkpoint and applies what is known to be committed. The effects of this
   * come with the first step.
   */
  constructor(options: ReplicaOptions) {
    const core = new Core(options);
    this.#core = core;
    this.#reach = new Reach(core.now);
    const parts = partsOf(core, options);
    this.#parts = parts;
    core.parts = parts;
    core.log.warm(core.log.floor() + 1);
    parts.execution.start();
    parts.viewChange.start();
  }

  /**
   * Takes one input, at `now`, the monotonic time in milliseconds. The effects must be carried out in their order.
   * @throws {@link InvariantViolation} when a rule of the protocol is broken. This replica must then stop.
   */
  step(input: Input, now: number): readonly Effect[] {
    if (this.#stopped) return [];
    try {
      const core = this.#core;
      if (now > core.now) core.now = now;
      this.#parts.clock.advance();
      this.#step(input);
    } catch (error) {
      this.#stopped = true;
      this.#core.status = 'stopped';
      throw error;
    }
    return this.#core.takeEffects();
  }

  #step(input: Input): void {
    const core = this.#core;
    const parts = this.#parts;
    switch (input.kind) {
      case 'message':
        return this.#receive(input.message);
      case 'request':
        return parts.requests.request(input);
      case 'propose':
        return parts.requests.propose(input.token, input.body);
      case 'read':
        return parts.reads.read(input.token, input.consistency);
      case 'abandon':
        parts.reads.abandon(input.token);
        return parts.requests.abandon(input.token);
      case 'tick':
        return this.#tick();
      case 'flush':
        return this.#flush();
      case 'durable':
        return core.durable(input.ticket);
      case 'checkpointWritten':
        return parts.checkpoints.written(input.checkpoint);
      case 'checkpointFailed':
        return parts.checkpoints.failed();
      case 'chunkLost':
        return parts.transfer.chunkLost(input.op);
      case 'chunkStaged':
        return parts.transfer.chunkStaged(input.op, input.index);
      case 'peer':
        return parts.suspicion.peer(input.node, input.connected);
      case 'diskLow':
        core.diskLowSince = input.low ? (core.diskLowSince ?? core.now) : null;
        return;
      case 'learners':
        return core.setExtraLearners(input.members);
      default:
        unreachable(input);
    }
  }

  #tick(): void {
    const parts = this.#parts;
    const core = this.#core;
    const { now } = core;
    core.disk.tick(now, core.unsynced);
    parts.primary.tick(now);
    parts.suspicion.tick(now);
    parts.viewChange.tick(now);
    parts.recovery.tick(now);
    parts.reads.tick(now);
    parts.transfer.pump();
  }

  #flush(): void {
    const parts = this.#parts;
    parts.primary.flush();
    parts.backup.flush();
    parts.reads.flush();
    parts.checkpoints.flush();
    parts.transfer.pump();
  }

  /**
   * First the envelope: who sent it, and in which epoch and view. Then whether the message is possible (protocol §1).
   */
  #receive(message: Message): void {
    const core = this.#core;
    const { identity } = core;
    if (message.cluster !== identity.cluster) return core.drop('message of another cluster');
    if (message.namespace !== identity.namespace) return core.drop('message of another namespace');
    if (message.to !== identity.replica) return core.drop('message for another replica');
    const from = core.senderOf(message);
    if (from === null) return core.drop('message from a replica that the configuration does not name');
    if (message.epoch !== core.epoch) return core.drop('message of another epoch');
    if (message.view < core.view) {
      // This tells the sender of the newer view. What it said is void.
      if (message.kind !== 'viewNow') core.send(from, { kind: 'viewNow' });
      return;
    }
    if (!this.#reach.allows(core.view, message.view, core.now)) {
      return core.refuse(from, message.kind, 'its view is beyond what elections can have reached');
    }
    const problem = judge(core, from, message);
    if (problem !== null) {
      if (problem === otherHistory) this.#alarmOfHistory();
      return core.refuse(from, message.kind, problem);
    }
    if (message.view > core.view) {
      this.#reach.take(core.view, message.view);
      core.parts.viewChange.moveTo(message.view);
      if (message.kind !== 'startView') core.parts.viewChange.askStartView(from);
    }
    this.#dispatch(from, message);
  }

  /** Reported once. The operator must act before the others have gone on for long. */
  #alarmOfHistory(): void {
    if (this.#alarmed) return;
    this.#alarmed = true;
    this.#core.event({
      kind: 'alarm',
      reason: twoHistories('the log that the other replicas go on with lacks what is committed here'),
    });
  }

  #dispatch(from: Member, message: Message): void {
    const core = this.#core;
    const parts = this.#parts;
    switch (message.kind) {
      case 'prepare':
        return parts.backup.prepare(from, message);
      case 'prepareOk':
        return parts.primary.prepareOk(from, message);
      case 'commit':
        return parts.backup.commit(from, message);
      case 'commitOk':
        return parts.primary.commitOk(from, message);
      case 'startViewChange':
        return parts.suspicion.startViewChange(from, message.target);
      case 'doViewChange':
        return parts.viewChange.doViewChange(from, message.log);
      case 'startView':
        return parts.viewChange.startView(from, message);
      case 'getState':
        return parts.transfer.getState(from, message);
      case 'newState':
        return parts.transfer.newState(from, message);
      case 'getStartView':
        if (core.status === 'normal') parts.viewChange.sendStartView(from, message.nonce);
        return;
      case 'viewNow':
        return;
      case 'getChunk':
        return parts.transfer.checkpoint.getChunk(from, message);
      case 'chunk':
        return parts.transfer.checkpoint.chunk(message);
      case 'readIndex':
        return parts.reads.readIndex(from, message);
      case 'readIndexOk':
        return parts.reads.readIndexOk(message);
      case 'recovery':
        return parts.recovery.answer(from, message);
      case 'recoveryOk':
        return parts.recovery.recoveryOk(from, message);
      default:
        unreachable(message);
    }
  }

  /** It leads its view and serves. */
  get isPrimary(): boolean {
    return this.#core.isPrimary && !this.#core.parts.primary.abdicated;
  }

  /** The node of the primary that this replica follows, possibly this node itself; null while it follows none. */
  get primaryNode(): string | null {
    return this.#core.parts.suspicion.knownPrimary()?.node ?? null;
  }

  /** Its state was found wrong and is being rebuilt. Nothing is read from it, and no node follows it. */
  get down(): boolean {
    return this.#core.down !== null;
  }

  /** It leads, or knows, by itself or through others, that the primary of its view leads. So its state is recent. */
  get inTouch(): boolean {
    return this.#core.parts.suspicion.heardMs() !== null;
  }

  /** Requests of one session that wait here or are in the log, and are not executed yet. */
  outstanding(session: SessionId): number {
    return this.#parts.requests.outstanding(session);
  }

  /** Epoch, view and op of a read from the state as it is now. */
  appliedAt(): { readonly epoch: Epoch; readonly view: View; readonly op: Op } {
    const { epoch, view, parts } = this.#core;
    return { epoch, view, op: parts.execution.applied };
  }

  /** False for an entry of the log that is being repaired. */
  readable(op: Op): boolean {
    return !this.#core.log.isCorrupt(op);
  }

  /** Messages that were dropped, by reason. */
  get dropped(): ReadonlyMap<string, number> {
    return this.#core.dropped;
  }

  view(): ReplicaView {
    const core = this.#core;
    const { log } = core;
    const parts = this.#parts;
    return {
      identity: core.identity,
      status: core.status,
      configuration: core.configuration,
      view: core.viewstamp,
      logView: core.logView,
      primary: parts.suspicion.knownPrimary(),
      isPrimary: this.isPrimary,
      head: log.head,
      commit: core.commit,
      applied: parts.execution.applied,
      checkpointOp: core.checkpointName?.op ?? 0,
      checkpointHash: core.checkpointName?.hash ?? null,
      logFirst: log.first,
      pending: parts.requests.pending,
      pipeline: parts.primary.pipeline,
    };
  }
}

function partsOf(core: Core, { checkpointBytes, recovered }: ReplicaOptions) {
  return {
    suspicion: new Suspicion(core),
    viewChange: new ViewChange(core),
    installation: new Installation(core),
    transfer: new Transfer(core),
    primary: new Primary(core),
    backup: new Backup(core),
    requests: new Requests(core),
    reads: new Reads(core),
    clock: new ReplicatedClock(core),
    execution: new Execution(core),
    checkpoints: new Checkpoints(core, checkpointBytes),
    recovery: new HeadRecovery(core, recovered.headProven),
  } satisfies Parts;
}
