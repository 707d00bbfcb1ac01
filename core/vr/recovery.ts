/**
 * A replica whose store cannot prove its head: promises and acknowledgements of its past may be forgotten (protocol §2). It asks
 * enough others where they stand that no promise of its own can be above, and counts again once it holds the log that the primary of
 * such a view told it afterwards: whatever it once acknowledged there is in it. Stricter than the page, which waits for any StartView.
 * What stays open is a forgotten DoViewChange that is still under way when all this is over; a broken connection takes such with it.
 */

import type { Member } from './configuration.ts';
import type { Core } from './core.ts';
import type { MessageOf } from './messages.ts';

export class HeadRecovery {
  readonly #core: Core;
  #pending: boolean;
  readonly #nonce: number;
  readonly #views = new Map<Member, number>();
  /** The head that must be held, told by the primary of `#view` in answer to this life's nonce. */
  #view = -1;
  #head = -1;
  #resendAt = -Infinity;

  constructor(core: Core, headProven: boolean) {
    this.#core = core;
    this.#pending = !headProven && core.isVoter;
    this.#nonce = core.nonce();
  }

  get pending(): boolean {
    return this.#pending;
  }

  tick(now: number): void {
    const core = this.#core;
    if (!this.#pending) return;
    if (this.#resendAt === -Infinity) {
      const alone = core.voters.length - 1 < core.quorum;
      const reason = alone
        ? 'part of its log is lost and too few other voters can tell what it held: it does not serve; restore the data directory from a copy'
        : 'part of its log is lost: it catches up from the other replicas before it votes again';
      core.event({ kind: 'alarm', reason });
    }
    this.#finish();
    if (now < this.#resendAt) return;
    this.#resendAt = now + core.timing.suspicionMs / 4;
    core.sendToVoters({ kind: 'recovery', nonce: this.#nonce });
  }

  /** A peer that recovers asks; one that recovers itself does not know. */
  answer(from: Member, message: MessageOf<'recovery'>): void {
    const core = this.#core;
    if (!core.counts) return;
    core.send(from, { kind: 'recoveryOk', nonce: message.nonce });
    if (core.isPrimary) core.parts.viewChange.sendStartView(from, message.nonce);
  }

  recoveryOk(from: Member, message: MessageOf<'recoveryOk'>): void {
    if (!this.#pending || message.nonce !== this.#nonce || !this.#core.isVoterMember(from)) return;
    this.#views.set(from, message.view);
    this.#finish();
  }

  startView(from: Member, message: MessageOf<'startView'>): void {
    if (!this.#pending || message.nonce !== this.#nonce || from !== this.#core.primaryMember()) return;
    this.#view = message.view;
    this.#head = message.log.head;
    this.#finish();
  }

  /** A log of the view is durable. */
  installed(): void {
    if (this.#pending) this.#finish();
  }

  #finish(): void {
    const core = this.#core;
    // With so many others asked, one of them is in every quorum that a forgotten promise was part of.
    if (this.#views.size < Math.min(core.quorum, core.voters.length - 1)) return;
    for (const view of this.#views.values()) if (view > core.view) return;
    if (this.#view !== core.view || !core.inView || core.durableHead < this.#head) return;
    this.#pending = false;
    // Said once more with log_view, so that the store knows the head to be proven.
    core.persist({ logView: core.logView, entries: [] });
    core.parts.viewChange.restored();
  }
}
