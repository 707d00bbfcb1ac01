/**
 * A replica whose store cannot prove its head: promises and acknowledgements of its past may be forgotten, so it is in no view (protocol §2,
 * "Proof of the head"). It asks enough others where they stand that no promise of its own can be above, and takes the log that the primary of
 * such a view told it afterwards: whatever it once acknowledged is in that. The batch that installs it proves the head. Stricter than the
 * page, which waits for any StartView: one of an older view could be held back, and be installed over a promise that is forgotten.
 * What stays open is a forgotten DoViewChange that is still under way when all this is over; a broken connection takes such with it, and
 * a candidate that hears of the doubt drops the vote.
 */

import type { Member } from './configuration.ts';
import type { Core } from './core.ts';
import type { MessageOf } from './messages.ts';
import type { RecoveryPart } from './parts.ts';

export class HeadRecovery implements RecoveryPart {
  readonly #core: Core;
  #pending: boolean;
  readonly #nonce: number;
  /** The voters that answered. Their views are this replica's own by then, or older. */
  readonly #answered = new Set<Member>();
  /** The newest answer of the primary, which waits for those of the others. */
  #offer: MessageOf<'startView'> | null = null;
  #resendAt = -Infinity;

  constructor(core: Core, headProven: boolean) {
    this.#core = core;
    this.#pending = !headProven;
    this.#nonce = core.nonce();
  }

  get pending(): boolean {
    return this.#pending;
  }

  /** What a question for a StartView carries, so that its answer is known to be one to this life; 0 when any will do. */
  get question(): number {
    return this.#pending ? this.#nonce : 0;
  }

  tick(now: number): void {
    const core = this.#core;
    if (!this.#pending) return;
    if (this.#resendAt === -Infinity) core.event({ kind: 'alarm', reason: this.#reason() });
    if (now < this.#resendAt) return;
    this.#resendAt = now + core.times.proveMs;
    core.sendToVoters({ kind: 'recovery', nonce: this.#nonce });
  }

  #reason(): string {
    const { isVoter, voters, quorum, identity } = this.#core;
    if (!isVoter) return 'part of its log is lost: it catches up from the other replicas';
    // Voters of this node have lost what this one has, with the one log that all have.
    const elsewhere = voters.filter((voter) => voter.node !== identity.node).length;
    return elsewhere < Math.min(quorum, voters.length - 1) || voters.length - 1 < quorum
      ? 'part of its log is lost and too few voters of other nodes can tell what it held: it does not serve. A copy of the data directory helps only if no replica of this node has run on since it was made; before you put one back, read "Damage" in docs/operations.md'
      : 'part of its log is lost: it catches up from the other replicas before it votes again';
  }

  /** A peer that recovers asks; one that recovers itself does not know. */
  answer(from: Member, message: MessageOf<'recovery'>): void {
    const core = this.#core;
    core.parts.viewChange.forget(from);
    if (!core.counts) return;
    core.send(from, { kind: 'recoveryOk', nonce: message.nonce });
    if (core.isPrimary) core.parts.viewChange.sendStartView(from, message.nonce);
  }

  recoveryOk(from: Member, message: MessageOf<'recoveryOk'>): void {
    const core = this.#core;
    if (!this.#pending || message.nonce !== this.#nonce || !core.isVoterMember(from)) return;
    this.#answered.add(from);
    const offer = this.#offer;
    if (offer === null || offer.view !== core.view || !this.#enough()) return;
    core.parts.viewChange.startView(core.primaryMember(), offer);
  }

  /** Whether this StartView may be installed: told by the primary of the view in answer to this life, and none of the others is further. */
  admits(from: Member, message: MessageOf<'startView'>): boolean {
    if (message.nonce !== this.#nonce || from !== this.#core.primaryMember()) return false;
    this.#offer = message;
    return this.#enough();
  }

  /** With so many others asked, one of them is in every quorum that a forgotten promise was part of. A learner promised nothing. */
  #enough(): boolean {
    const { isVoter, quorum, voters } = this.#core;
    return !isVoter || this.#answered.size >= Math.min(quorum, voters.length - 1);
  }

  /** A log of the view is durable, and with it that the head is proven. */
  installed(): void {
    if (!this.#pending) return;
    this.#pending = false;
    this.#offer = null;
    this.#core.parts.viewChange.restored();
  }
}
