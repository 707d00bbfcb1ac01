/**
 * A replica that follows a primary. It takes Prepares in order, acknowledges what is durable, and answers heartbeats
 * (protocol §3). Learners do the same, but stay silent.
 */

import type { Op } from '../base/ids.ts';
import type { Member } from './configuration.ts';
import type { Core } from './core.ts';
import type { Entry } from './entry.ts';
import type { MessageOf } from './messages.ts';
import type { BackupPart } from './parts.ts';

export class Backup implements BackupPart {
  readonly #core: Core;
  /** The highest head of the view's log that it heard of. Missing entries up to there are fetched. */
  #targetHead = 0;
  #acknowledged = 0;

  constructor(core: Core) {
    this.#core = core;
  }

  get targetHead(): Op {
    return this.#targetHead;
  }

  enteredView(): void {
    this.#targetHead = 0;
    this.#acknowledged = 0;
  }

  /** Another replica in this view has a log up to `head`, committed up to `commit`. */
  heardHead(head: Op, commit: Op): void {
    if (head > this.#targetHead) this.#targetHead = head;
    if (this.#core.inView) this.#core.learnCommit(commit);
  }

  /** True when the message is from the primary of this view. It then counts as heard. */
  #fromPrimary(from: Member, kind: string): boolean {
    const core = this.#core;
    if (from !== core.primaryMember()) {
      core.drop(`${kind} from a replica that is not the primary`);
      return false;
    }
    core.parts.suspicion.heardPrimary();
    if (core.inView) return true;
    if (!core.parts.installation.active) core.parts.viewChange.askStartView(from);
    return false;
  }

  prepare(from: Member, message: MessageOf<'prepare'>): void {
    if (!this.#fromPrimary(from, 'prepare')) return;
    const core = this.#core;
    const { log } = core;
    const { entries } = message;
    const last = entries.at(-1);
    if (last === undefined) return;
    // Entries that are all in order are taken as they are. We copy only if some of them were already here.
    let added: Entry[] | readonly Entry[] = entries;
    if (entries[0]!.op > log.head + 1 || core.congested) {
      // A Prepare was lost, or there was no room for it. What is missing is fetched, including this Prepare.
      this.heardHead(last.op, message.commit);
      return;
    }
    if (entries[0]!.op <= log.head) added = entries.filter((entry) => entry.op > log.head);
    for (const entry of added) log.append(entry);
    if (added.length > 0) core.persist({ entries: added });
    this.heardHead(log.head, message.commit);
  }

  commit(from: Member, message: MessageOf<'commit'>): void {
    const core = this.#core;
    const follows = this.#fromPrimary(from, 'commit');
    if (from !== core.primaryMember()) return;
    if (follows) {
      this.heardHead(message.head, message.commit);
      core.parts.checkpoints.heardAgreed(message.agreed);
      core.parts.checkpoints.shorten(message.shortenTo);
    }
    // A replica in view v, even without the log of v, confirms that it has promised nothing to a later view.
    if (!core.counts) return;
    const op = core.acknowledgeable();
    this.#acknowledged = Math.max(this.#acknowledged, op);
    core.send(from, {
      kind: 'commitOk',
      round: message.round,
      op,
      checkpoint: core.checkpointName,
      diskLow: core.diskLowSince !== null,
    });
  }

  /** At the end of a turn: one cumulative acknowledgement of everything that became durable in it. */
  flush(): void {
    const core = this.#core;
    if (core.status !== 'normal' || core.isPrimaryOf(core.view)) return;
    const op = core.acknowledgeable();
    if (op <= this.#acknowledged) return;
    this.#acknowledged = op;
    core.send(core.primaryMember(), { kind: 'prepareOk', op });
  }
}
