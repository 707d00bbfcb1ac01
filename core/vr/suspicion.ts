/**
 * When this replica wants another view, and when enough others do: heartbeat time-outs, broken connections,
 * StartViewChange (protocol §4.1). A suspicion alone never leaves the view, so a replica that hears nothing cannot
 * disturb a group that works.
 */

import type { View } from '../base/ids.ts';
import type { Member } from './configuration.ts';
import type { Core } from './core.ts';
import type { SuspicionPart } from './parts.ts';

/** How often the time-out of a view change doubles. */
const maxDoublings = 4;

export class Suspicion implements SuspicionPart {
  readonly #core: Core;
  /** When the primary of this view was last heard, or when this view was entered. */
  #heardAt: number;
  /** True once the primary of this view was heard to lead it. */
  #heard = false;
  #timeoutMs: number;
  /** How many view changes in a row brought no working primary. */
  #attempts = 0;
  #suspecting = false;
  #resendAt = 0;
  #resendMs = 0;
  /** When the primary of this view last led it, as others reported while this replica itself heard nothing of it. */
  #toldOfAt = Number.NEGATIVE_INFINITY;
  /** When to ask others next for what a suspected primary committed. */
  #askOthersAt = 0;
  /** When each voter last asked for the view after this one. */
  readonly #asked = new Map<Member, number>();
  readonly #disconnected = new Set<string>();

  constructor(core: Core) {
    this.#core = core;
    this.#heardAt = core.now;
    this.#timeoutMs = this.#drawTimeout();
  }

  get suspecting(): boolean {
    return this.#suspecting;
  }

  /** The primary of this view when this replica follows it or is it, else null. */
  knownPrimary(): Member | null {
    const core = this.#core;
    if (core.status !== 'normal') return null;
    if (core.isPrimaryOf(core.view))
      return core.isPrimary && !core.parts.primary.abdicated ? core.primaryMember() : null;
    return this.#heard && !this.#suspecting ? core.primaryMember() : null;
  }

  /**
   * How long ago the primary of this view led it, as far as this replica knows, by itself or through others (protocol
   * §9.9). A report keeps ageing on its way, so two replicas that tell each other of a primary that is gone do not keep
   * it alive. Null: too long to be believed.
   */
  heardMs(): number | null {
    const core = this.#core;
    if (this.knownPrimary() !== null) return core.isPrimary ? 0 : core.now - this.#heardAt;
    const toldMs = core.now - this.#toldOfAt;
    return core.status === 'normal' && core.inView && toldMs <= core.timing.suspicionMs ? toldMs : null;
  }

  /**
   * A peer in this view answered a question, and said how long ago the primary led. @returns false when the peer knows
   * of none.
   */
  told(heardMs: number | null): boolean {
    if (heardMs === null || !this.unheard) return false;
    const core = this.#core;
    this.#toldOfAt = Math.max(this.#toldOfAt, core.now - heardMs);
    this.#askOthersAt = core.now + core.timing.resendMs;
    return true;
  }

  /** Nothing was heard of the primary of this view for too long. */
  get unheard(): boolean {
    return this.#suspecting || (!this.#core.isVoter && !this.#heard);
  }

  /**
   * A backup that is cut off only from its primary moves no other replica to another view. It follows through the
   * replicas that hear the primary: now and then it asks them for what they have (protocol §9.9). True when it is time
   * to ask.
   */
  followsThroughOthers(): boolean {
    const core = this.#core;
    return this.unheard && core.inView && !core.isPrimaryOf(core.view) && core.now >= this.#askOthersAt;
  }

  connected(node: string): boolean {
    return !this.#disconnected.has(node);
  }

  /** The primary of this view showed itself as such. */
  heardPrimary(): void {
    this.#heardAt = this.#core.now;
    const news = !this.#heard || this.#suspecting;
    this.#heard = true;
    this.#attempts = 0;
    this.#suspecting = false;
    if (news) {
      this.#core.announce();
      this.#core.parts.reads.primaryChanged();
    }
  }

  /** A view was entered. Suspicion and requests for the next view belonged to the one before. */
  enteredView(): void {
    this.#heardAt = this.#core.now;
    this.#heard = false;
    this.#suspecting = false;
    this.#toldOfAt = Number.NEGATIVE_INFINITY;
    this.#asked.clear();
    this.#attempts++;
    this.#timeoutMs = this.#drawTimeout();
    if (this.#disconnected.has(this.#core.primaryMember().node)) this.suspect('its node is not connected');
  }

  /** This replica leads its view now. */
  leading(): void {
    this.#attempts = 0;
    this.#suspecting = false;
    this.#heardAt = this.#core.now;
  }

  /** A primary that a quorum answers again takes back its suspicion of itself. */
  relent(): void {
    this.#suspecting = false;
  }

  peer(node: string, connected: boolean): void {
    const core = this.#core;
    if (connected) {
      this.#disconnected.delete(node);
      return;
    }
    this.#disconnected.add(node);
    if (core.primaryMember().node !== node || node === core.identity.node) return;
    if (this.#hasSay) this.suspect('its connection broke');
    else this.#lose();
  }

  tick(now: number): void {
    const core = this.#core;
    if (!this.#hasSay) {
      if (now - this.#heardAt > this.#timeoutMs) this.#lose();
      return;
    }
    if (this.#suspecting) {
      if (now >= this.#resendAt) this.#ask();
      return;
    }
    // A working primary judges itself by the answers to its heartbeats.
    if (core.isPrimary) return;
    if (now - this.#heardAt > this.#timeoutMs) this.suspect('nothing was heard of it in time');
  }

  /** Asks for the view after this one, again and again, until the primary is heard or the view is left. */
  suspect(reason: string): void {
    const core = this.#core;
    if (this.#suspecting || !this.#hasSay) return;
    this.#suspecting = true;
    // If the others suspect it too, another view begins before that.
    this.#askOthersAt = core.now + core.times.followMs;
    this.#resendMs = core.timing.resendMs;
    core.event({ kind: 'suspects', primary: core.primaryMember().replica, view: core.view, reason });
    if (core.status === 'normal') core.announce();
    this.#ask();
  }

  /** Learners, and replicas that cannot prove what they promised, count in no quorum, and so not in this one. */
  get #hasSay(): boolean {
    return this.#core.isVoter && !this.#core.parts.recovery.pending;
  }

  /** A replica that has no say only stops knowing a primary. */
  #lose(): void {
    if (!this.#heard) return;
    this.#heard = false;
    this.#askOthersAt = this.#core.now;
    this.#core.announce();
  }

  /** A voter asks for view `target`. */
  startViewChange(from: Member, target: View): void {
    const core = this.#core;
    if (!core.isVoterMember(from) || target !== core.view + 1) return;
    this.#asked.set(from, core.now);
    // A primary that asks for it leaves its view, and no one needs to find that out by its silence.
    if (from === core.primaryMember() && !this.#suspecting) this.suspect('it leaves its view');
    else this.#count();
  }

  #ask(): void {
    const core = this.#core;
    core.sendToVoters({ kind: 'startViewChange', target: core.view + 1 });
    this.#resendAt = core.now + this.#resendMs;
    // If it were repeated less often than that, it would lapse at the others in between.
    this.#resendMs = Math.min(this.#resendMs * 2, core.times.askViewMs);
    this.#count();
  }

  #count(): void {
    const core = this.#core;
    // A question that was not repeated in that time has lapsed, whatever was done first in this tick.
    for (const [member, at] of this.#asked) if (core.now - at > core.timing.suspicionMs) this.#asked.delete(member);
    if (!this.#suspecting || this.#asked.size + 1 < core.quorum) return;
    core.parts.viewChange.moveTo(core.view + 1);
  }

  #drawTimeout(): number {
    const { random, timing } = this.#core;
    const doubled = timing.suspicionMs * 2 ** Math.min(Math.max(0, this.#attempts - 1), maxDoublings);
    return doubled + random.below(Math.max(1, Math.ceil(doubled / 2)));
  }
}
