/**
 * Changing the view: leaving the old one, DoViewChange, and the candidate's choice (protocol §4.2, §4.3). The chosen
 * log is staged and installed elsewhere.
 */

import { invariant } from '../base/assert.ts';
import type { View } from '../base/ids.ts';
import type { Vote } from './choose.ts';
import { chooseLog } from './choose.ts';
import type { Member } from './configuration.ts';
import type { Core } from './core.ts';
import type { LogDescription, MessageOf } from './messages.ts';
import type { ViewChangePart } from './parts.ts';

export class ViewChange implements ViewChangePart {
  readonly #core: Core;
  /** How this replica described its log in this view. Set once the view is durable here. */
  #told: LogDescription | null = null;
  /** The durable log has changed since it was described. It is described anew as soon as all of it is durable. */
  #outdated = false;
  #resendAt = 0;
  #resendMs = 0;
  /** The candidate's votes, including its own. When it chooses, it takes them in the order of the voters. */
  readonly #votes = new Map<Member, LogDescription>();
  /** When this replica last asked for a StartView of this view, which others know to have begun. */
  #askedAt = -Infinity;

  constructor(core: Core) {
    this.#core = core;
  }

  /**
   * At start: a replica that was between two views goes on there. A primary that was at work does not resume. It moves
   * on alone, because it may have prepared what its disk never got (protocol §3).
   */
  start(): void {
    const core = this.#core;
    if (core.inView && core.isPrimaryOf(core.view)) this.moveTo(core.view + 1);
    else if (core.inView) core.setStatus(core.sound ? 'normal' : 'recovering');
    else this.#enter();
  }

  /** Moves to a newer view, in view-change status. The DoViewChange leaves when that is durable. */
  moveTo(view: View): void {
    const core = this.#core;
    invariant(view > core.view, 'views never go down', { view, from: core.view });
    if (!Number.isSafeInteger(view + 1)) {
      // A view that cannot be encoded is never persisted (protocol §1).
      core.event({
        kind: 'alarm',
        reason: `the views of this group are used up at ${core.view}: it elects nobody any more`,
      });
      return;
    }
    this.stepDown();
    core.view = view;
    core.persist({ view: core.viewstamp, entries: [] });
    this.#enter();
  }

  /** Stops being primary, if it was. */
  stepDown(): void {
    this.#core.parts.primary.end();
  }

  #enter(): void {
    const core = this.#core;
    this.#told = null;
    this.#outdated = false;
    this.#votes.clear();
    this.#askedAt = -Infinity;
    core.parts.installation.suspend();
    core.parts.transfer.cancel();
    core.parts.backup.enteredView();
    core.setStatus(core.sound ? 'viewChange' : 'recovering');
    this.#tellWhenDurable();
    core.parts.suspicion.enteredView();
  }

  /** Everything that is described must be durable. More may have been added to the log while the disk was at work. */
  #tellWhenDurable(): void {
    const core = this.#core;
    const { view } = core;
    core.whenDurable(() => {
      if (core.view !== view || core.inView) return;
      if (core.unsynced) this.#tellWhenDurable();
      else this.#tell();
    });
  }

  /** Describes this replica's log, once view and log are durable. */
  #tell(): void {
    const core = this.#core;
    if (!core.counts) return;
    // The log stays as it is until a log of this view is installed, so a resend says the same, even across a crash.
    this.#told = core.log.describe(core.logView);
    this.#outdated = false;
    this.#resendMs = core.timing.resendMs;
    this.#send();
    if (core.isPrimaryOf(core.view)) this.#vote(this.#self(), this.#told);
  }

  /**
   * Entries were repaired, or committed ones were added. Only in these ways may a log change after it was described
   * (protocol §4.2).
   */
  changed(): void {
    if (this.#told === null || this.#core.status !== 'viewChange' || this.#core.inView) return;
    this.#outdated = true;
    this.#tellWhenDurable();
  }

  /** Something that kept this replica from counting is over. */
  restored(): void {
    const core = this.#core;
    if (!core.inView) this.#enter();
    else if (!core.sound) core.setStatus('recovering');
    else if (core.isPrimaryOf(core.view)) this.moveTo(core.view + 1);
    else core.setStatus('normal');
  }

  #send(): void {
    const core = this.#core;
    invariant(this.#told !== null, 'a DoViewChange is told once the view is durable');
    core.sendToVoters({ kind: 'doViewChange', log: this.#told });
    this.#resendAt = core.now + this.#resendMs;
    this.#resendMs = Math.min(this.#resendMs * 2, core.timing.suspicionMs);
  }

  tick(now: number): void {
    const core = this.#core;
    if (core.status !== 'viewChange' || core.inView || this.#told === null || now < this.#resendAt) return;
    if (this.#outdated) return;
    // With a StartView in hand, the vote is no longer needed.
    if (core.parts.installation.active && !core.isPrimaryOf(core.view)) return;
    this.#send();
  }

  doViewChange(from: Member, log: LogDescription): void {
    const core = this.#core;
    if (!core.isVoterMember(from)) return;
    if (core.status === 'normal') {
      // The view has begun, and the sender missed that.
      this.sendStartView(from, 0);
    } else if (core.status === 'viewChange' && core.isPrimaryOf(core.view) && !core.inView) {
      this.#vote(from, log);
    }
  }

  #vote(from: Member, log: LogDescription): void {
    this.#votes.set(from, log);
    this.#choose();
  }

  /** A voter that was asked for entries does not answer. Perhaps the others decide without it. */
  unanswered(): void {
    const core = this.#core;
    if (core.status === 'viewChange' && core.isPrimaryOf(core.view) && !core.inView) this.#choose();
  }

  /**
   * Any quorum of votes decides, because the others could as well have been lost on the way. So the vote of a voter that
   * does not answer counts only if the others do not decide: what it alone has cannot be fetched, and the group would wait
   * for it as long as that voter speaks and does not hear (protocol §4.3, §9.9).
   */
  #choose(): void {
    const core = this.#core;
    // The chosen log is compared with its own, so its own vote is always among them.
    if (this.#told === null) return;
    const answering: Vote[] = [];
    const all: Vote[] = [];
    for (const member of core.voters) {
      const told = this.#votes.get(member);
      if (told === undefined) continue;
      const vote = { from: member, log: told };
      all.push(vote);
      if (!core.parts.transfer.silent(member)) answering.push(vote);
    }
    const chosen =
      chooseLog(answering, core.configuration) ??
      (answering.length < all.length ? chooseLog(all, core.configuration) : null);
    if (chosen !== null) core.parts.installation.begin(chosen);
  }

  /** A voter says that it cannot prove its head. Whatever it voted in an earlier life is void. */
  forget(from: Member): void {
    this.#votes.delete(from);
  }

  #self(): Member {
    const self = this.#core.voters.find((member) => this.#core.isSelf(member));
    invariant(self !== undefined, 'a candidate is a voter');
    return self;
  }

  /** Sends `to` the log of this view, which this replica has installed. */
  sendStartView(to: Member, nonce: number): void {
    const core = this.#core;
    invariant(core.inView, 'only who is in a view can start others in it');
    core.send(to, { kind: 'startView', nonce, commit: core.commit, log: core.log.describe(core.logView) });
  }

  startView(from: Member, message: MessageOf<'startView'>): void {
    const core = this.#core;
    const { log } = message;
    if (core.isVoterMember(from) && core.primaryMember() === from) core.parts.suspicion.heardPrimary();
    if (core.parts.recovery.pending && !core.parts.recovery.admits(from, message)) return;
    // Only a view above log_view replaces the log. In the same view, it can only tell of more (protocol §4.5).
    if (core.inView) {
      // A primary itself counts which replica holds what.
      if (!core.isPrimaryOf(core.view)) core.parts.backup.heardHead(log.head, message.commit);
      return;
    }
    // It may have started this view and forgotten it. The others will go on to a view that it does not lead.
    if (core.isPrimaryOf(core.view)) return;
    const { head, floor, floorChecksum, checksums } = log;
    const commit = Math.min(head, Math.max(message.commit, floor));
    core.parts.installation.begin({ from, head, floor, floorChecksum, checksums, commit });
  }

  /** Asks a member that is probably in this view for its log. */
  askStartView(from: Member): void {
    const core = this.#core;
    if (core.now - this.#askedAt < core.timing.resendMs) return;
    this.#askedAt = core.now;
    core.send(from, { kind: 'getStartView', nonce: core.parts.recovery.question });
  }
}
