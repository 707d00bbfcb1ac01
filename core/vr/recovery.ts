/**
 * A replica whose store cannot prove its head. Promises and acknowledgements of its past may be forgotten, so it is in
 * no view (protocol §2, "Proof of the head"). It asks the others where they stand, until enough have answered that none
 * of its own promises can be for a higher view. Then it takes the log that the primary of such a view sent after the
 * question: that log holds whatever it once acknowledged. The batch that installs the log proves the head.
 *
 * This is stricter than VRR, which waits for any StartView: one of an older view could be held back, and then be
 * installed over a forgotten promise. One case stays open: a forgotten DoViewChange that is still under way when all
 * this is over. A broken connection loses it, and a candidate that hears of the doubt drops the vote.
 */

import type { Member } from './configuration.ts';
import type { Core } from './core.ts';
import type { MessageOf } from './messages.ts';
import type { RecoveryPart } from './parts.ts';

export class HeadRecovery implements RecoveryPart {
  readonly #core: Core;
  #pending: boolean;
  readonly #nonce: number;
  /** The voters that answered. By then, this replica's view is at least as high as theirs. */
  readonly #answered = new Set<Member>();
  /** The newest answer of the primary. It waits for the answers of the others. */
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

  /**
   * The nonce of a question for a StartView, by which we recognise an answer to this life; 0 when any StartView will
   * do.
   */
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
    // The voters of this node have lost what this one has, because they share one log.
    const elsewhere = voters.filter((voter) => voter.node !== identity.node).length;
    return elsewhere < Math.min(quorum, voters.length - 1) || voters.length - 1 < quorum
      ? 'part of its log is lost and too few voters of other nodes can tell what it held: it does not serve. A copy of the data directory helps only if no replica of this node has run on since it was made; before you put one back, read "Damage" in docs/operations.md'
      : 'part of its log is lost: it catches up from the other replicas before it votes again';
  }

  /** A replica that recovers asks. A replica that is itself recovering does not know the answer. */
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

  /**
   * Whether this StartView may be installed: the view's primary sent it in answer to this life, and no other voter is
   * further.
   */
  admits(from: Member, message: MessageOf<'startView'>): boolean {
    if (message.nonce !== this.#nonce || from !== this.#core.primaryMember()) return false;
    this.#offer = message;
    return this.#enough();
  }

  /**
   * When this many others have answered, one of them is in every quorum of which a forgotten promise was part. A
   * learner promised nothing.
   */
  #enough(): boolean {
    const { isVoter, quorum, voters } = this.#core;
    return !isVoter || this.#answered.size >= Math.min(quorum, voters.length - 1);
  }

  /** A log of the view is durable, and so the head is proven. */
  installed(): void {
    if (!this.#pending) return;
    this.#pending = false;
    this.#offer = null;
    this.#core.parts.viewChange.restored();
  }
}
