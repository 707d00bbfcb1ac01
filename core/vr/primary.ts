/**
 * The primary at work. It batches requests into Prepares, turns acknowledgements into commits, sends heartbeat rounds,
 * and abdicates (protocol §3).
 */

import { invariant } from '../base/assert.ts';
import type { Op } from '../base/ids.ts';
import type { Member } from './configuration.ts';
import type { Core } from './core.ts';
import { makeEntry } from './entry.ts';
import type { Entry } from './entry.ts';
import type { MessageOf } from './messages.ts';
import type { PrimaryPart } from './parts.ts';

/**
 * How many Prepares may be in flight. More would make them smaller, and each costs a sync and a message to every peer.
 */
const maxBatchesInFlight = 4;
/** If no Prepare carries a commit to the backups for this long, a heartbeat does. */
const quietMs = 20;

export class Primary implements PrimaryPart {
  readonly #core: Core;
  #active = false;
  #abdicated = false;
  /** The head of the log with which the view began. Reads wait until it is committed (protocol §7). */
  #startHead = 0;
  /** What each voter durably holds in this view, and the last heartbeat round that it answered. */
  readonly #acknowledged = new Map<Member, Op>();
  readonly #answered = new Map<Member, number>();
  /** When each voter last said that its disk has room. */
  readonly #roomy = new Map<Member, number>();
  readonly #commitOrder: Op[] = [];
  /** The last ops of the Prepares in flight. */
  readonly #batches: Op[] = [];
  #round = 0;
  #quorumRound = 0;
  #sentAt: { readonly round: number; readonly at: number }[] = [];
  /** When the newest heartbeat that a quorum answered was sent. */
  #quorumAt = 0;
  #toldCommit = 0;
  #toldAt = 0;
  #heartbeatAt = 0;

  constructor(core: Core) {
    this.#core = core;
  }

  get active(): boolean {
    return this.#active;
  }

  /** The newest heartbeat round that was begun. */
  get round(): number {
    return this.#round;
  }

  get abdicated(): boolean {
    return this.#abdicated;
  }

  /** It takes requests and reads. */
  get serving(): boolean {
    return this.#active && !this.#abdicated;
  }

  /** The suffix with which the view began is committed. */
  get settled(): boolean {
    return this.#core.commit >= this.#startHead;
  }

  get pipeline(): number {
    return this.#active ? this.#core.log.head - this.#core.commit : 0;
  }

  /** The log of the view that this replica will lead is durable here, so the view begins. */
  begin(commit: Op): void {
    const core = this.#core;
    invariant(core.inView && core.isPrimaryOf(core.view) && !this.#active, 'a view begins once, with its primary', {
      view: core.view,
    });
    this.#active = true;
    this.#abdicated = false;
    this.#startHead = core.log.head;
    this.#acknowledged.clear();
    this.#answered.clear();
    this.#roomy.clear();
    this.#batches.length = 0;
    this.#round = 0;
    this.#quorumRound = 0;
    this.#sentAt = [];
    this.#quorumAt = core.now;
    this.#toldCommit = 0;
    core.parts.clock.beginView();
    core.parts.checkpoints.beginView();
    core.parts.suspicion.leading();
    core.learnCommit(commit);
    core.parts.requests.beginView();
    core.setStatus('normal');
    for (const member of core.others) core.parts.viewChange.sendStartView(member, 0);
    this.acknowledgedMore();
    this.heartbeat();
    core.parts.reads.primaryChanged();
  }

  end(): void {
    if (!this.#active) return;
    this.#active = false;
    this.#abdicated = false;
    this.#core.parts.checkpoints.endView();
    this.#core.parts.requests.lost();
    this.#core.parts.reads.primaryChanged();
  }

  /** At the end of a turn: prepares what waits, while the pipeline has room. */
  flush(): void {
    if (!this.serving) return;
    const { requests } = this.#core.parts;
    while (requests.queued > 0 && this.#batches.length < maxBatchesInFlight && !this.#core.congested) {
      const room = this.#core.limits.maxPipelineEntries - this.pipeline;
      if (room <= 0) break;
      this.#prepare(room);
    }
  }

  #prepare(room: number): void {
    const core = this.#core;
    const { log, limits, hash } = core;
    const { requests, clock } = core.parts;
    const entries: Entry[] = [];
    let bytes = 0;
    const timestamp = Math.max(log.headTimestamp(), clock.timestamp());
    const most = Math.min(room, limits.maxBatchEntries);
    while (entries.length < most) {
      const next = requests.peek();
      if (next === undefined || (entries.length > 0 && bytes + next.body.length > limits.maxBatchBytes)) break;
      requests.shift();
      bytes += next.body.length;
      const { session, request, answered, body } = next;
      const op = log.head + 1;
      const entry = makeEntry(
        {
          epoch: core.epoch,
          view: core.view,
          op,
          commit: core.commit,
          parent: log.headChecksum,
          timestamp,
          session,
          request,
          answered,
          body,
        },
        hash,
      );
      log.append(entry);
      requests.prepared(next, op);
      entries.push(entry);
    }
    invariant(log.head - core.commit <= limits.maxPipelineEntries, 'the pipeline is bounded', { head: log.head });
    this.#batches.push(log.head);
    // To this replica's own disk and to the backups' at the same time (protocol §2).
    core.persist({ entries }, () => this.acknowledgedMore());
    core.sendToOthers({ kind: 'prepare', commit: core.commit, entries });
    this.#toldCommit = core.commit;
    this.#toldAt = core.now;
  }

  prepareOk(from: Member, message: MessageOf<'prepareOk'>): void {
    if (!this.#active || !this.#core.isVoterMember(from)) return;
    this.#acknowledge(from, message.op);
  }

  commitOk(from: Member, message: MessageOf<'commitOk'>): void {
    const core = this.#core;
    if (!this.#active || !core.isVoterMember(from)) return;
    if (message.diskLow) this.#roomy.delete(from);
    else this.#roomy.set(from, core.now);
    if (message.checkpoint !== null) core.parts.checkpoints.report(from, message.checkpoint);
    // The comparison may have found that this replica itself differs.
    if (!core.isPrimary) return;
    if (message.op > 0) this.#acknowledge(from, message.op);
    if (message.round > (this.#answered.get(from) ?? 0)) {
      this.#answered.set(from, message.round);
      this.#countRounds();
    }
  }

  #acknowledge(from: Member, op: Op): void {
    if (op <= (this.#acknowledged.get(from) ?? 0)) return;
    this.#acknowledged.set(from, op);
    this.acknowledgedMore();
  }

  /** Commits what a quorum durably holds in this view. The own disk counts as one of the quorum. */
  acknowledgedMore(): void {
    const core = this.#core;
    if (!this.#active) return;
    const held = this.#commitOrder;
    held.length = 0;
    for (const member of core.voters) {
      held.push(core.isSelf(member) ? core.acknowledgeable() : (this.#acknowledged.get(member) ?? 0));
    }
    held.sort((a, b) => b - a);
    const op = held[core.quorum - 1]!;
    if (op <= core.commit) return;
    const by = core.voters.filter(
      (member) => (core.isSelf(member) ? core.acknowledgeable() : (this.#acknowledged.get(member) ?? 0)) >= op,
    );
    core.event({ kind: 'committed', op, by: by.map((member) => member.replica) });
    core.learnCommit(op);
    while (this.#batches.length > 0 && this.#batches[0]! <= op) this.#batches.shift();
    core.parts.reads.settled();
  }

  /** Starts a round. A replica that answers it confirms that this replica led the view when the round began. */
  heartbeat(): number {
    const core = this.#core;
    this.#round++;
    this.#sentAt.push({ round: this.#round, at: core.now });
    this.#heartbeatAt = core.now;
    this.#toldCommit = core.commit;
    this.#toldAt = core.now;
    const { agreed } = core.parts.checkpoints;
    const shortenTo = core.parts.checkpoints.quorumCheckpoint();
    core.sendToOthers({
      kind: 'commit',
      round: this.#round,
      commit: core.commit,
      head: core.log.head,
      agreed,
      shortenTo,
    });
    core.parts.checkpoints.shorten(shortenTo);
    this.#countRounds();
    return this.#round;
  }

  #countRounds(): void {
    const core = this.#core;
    const rounds = core.voters.map((member) => (core.isSelf(member) ? this.#round : (this.#answered.get(member) ?? 0)));
    rounds.sort((a, b) => b - a);
    const round = rounds[core.quorum - 1]!;
    if (round <= this.#quorumRound) return;
    this.#quorumRound = round;
    let behind = 0;
    while (behind < this.#sentAt.length && this.#sentAt[behind]!.round <= round) {
      this.#quorumAt = this.#sentAt[behind]!.at;
      behind++;
    }
    if (behind > 0) this.#sentAt.splice(0, behind);
    if (this.#abdicated && this.#unfit() === null) {
      this.#abdicated = false;
      core.parts.suspicion.relent();
      core.announce();
    }
    core.parts.reads.confirmed(round);
  }

  /** Why it cannot lead any longer although others may, or null (protocol §3). */
  #unfit(): string | null {
    const core = this.#core;
    // There is no one else.
    if (core.quorum === 1) return null;
    if (this.#overdue()) return 'a quorum does not answer its heartbeats';
    if (core.disk.stalled) return 'its disk does not answer';
    const low = core.diskLowSince;
    if (low === null || core.now - low < core.times.handOverMs) return null;
    for (const at of this.#roomy.values())
      if (core.now - at <= core.timing.suspicionMs) return 'its disk has no room, and that of another has';
    return null;
  }

  #overdue(): boolean {
    return this.#core.quorum > 1 && this.#core.now - this.#quorumAt > this.#core.timing.suspicionMs;
  }

  tick(now: number): void {
    const core = this.#core;
    if (!this.#active) return;
    const unfit = this.#abdicated ? null : this.#unfit();
    if (unfit !== null) {
      // It stops, and itself asks for another view, because its own vote may be the missing one.
      this.#abdicated = true;
      core.parts.requests.abdicated();
      core.announce();
      core.parts.suspicion.suspect(unfit);
    }
    core.parts.checkpoints.tick();
    if (!this.serving) return;
    const { timing, commit } = core;
    const quiet = commit > this.#toldCommit && now - this.#toldAt >= quietMs;
    // All replicas of a node send heartbeats in the same tick, so that one frame carries them however many groups are
    // idle.
    const slot = (at: number): number => Math.floor(at / timing.heartbeatMs);
    if (quiet || slot(now) !== slot(this.#heartbeatAt)) this.heartbeat();
    this.#expire();
  }

  /** Proposes an expiry once a deadline of the replicated clock passes (protocol §7, "Time"). */
  #expire(): void {
    const core = this.#core;
    const { requests, clock, execution } = core.parts;
    if (requests.expiryPending || execution.applied < core.commit || !this.settled) return;
    const deadline = core.machine.deadline();
    const timestamp = clock.timestamp();
    if (deadline !== null && timestamp >= deadline) requests.expire(core.machine.expiry(timestamp));
  }
}
