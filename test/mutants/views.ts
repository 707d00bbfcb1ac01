/** Mutants of view changes, suspicion and promises: scenarios V1 to V9, V12, V20 and V21. */

import type { Mutant } from './mutant.ts';

const viewChange = 'core/vr/view-change.ts';
const installation = 'core/vr/installation.ts';
const suspicion = 'core/vr/suspicion.ts';
const replica = 'core/vr/replica.ts';
const core = 'core/vr/core.ts';

export const viewMutants: readonly Mutant[] = [
  {
    scenario: 'V1',
    name: 'the log is cut to the commit number when its replacement is asked for',
    by: 'exploration',
    edits: [
      {
        file: installation,
        find: 'this.#keep = this.#matching(goal);',
        replace: `this.#keep = core.commit;
    if (log.head > core.commit) {
      log.truncateFrom(core.commit + 1);
      core.persist({ truncateFrom: core.commit + 1, entries: [] });
    }`,
      },
    ],
  },
  {
    scenario: 'V2',
    name: 'log_view advances on disk when the log is asked for',
    by: 'exploration',
    edits: [
      {
        file: installation,
        find: 'for (const entry of staged) this.#stage(entry, committed);\n    this.advance();',
        replace: `for (const entry of staged) this.#stage(entry, committed);
    this.advance();
    if (this.#goal !== null) core.persist({ logView: core.viewstamp, entries: [] });`,
      },
    ],
  },
  {
    scenario: 'V2',
    name: 'the suffix is durable before log_view is',
    by: 'exploration',
    edits: [
      {
        file: installation,
        find: 'this.#replacement(this.#staged, { view: core.viewstamp, logView: core.viewstamp });',
        replace: 'this.#replacement(this.#staged, { view: core.viewstamp });',
      },
      {
        file: installation,
        find: 'const { view } = core;\n    core.persist(batch, () => {',
        replace:
          'const { view } = core;\n    core.persist(batch);\n    core.persist({ logView: core.viewstamp, entries: [] }, () => {',
      },
    ],
  },
  {
    scenario: 'V3',
    name: 'a StartView of an older view is taken',
    by: 'exploration',
    edits: [
      {
        file: replica,
        find: 'if (message.view < core.view) {',
        replace: "if (message.view < core.view && message.kind !== 'startView') {",
      },
    ],
  },
  {
    scenario: 'V3',
    name: 'a second StartView of the same view cuts the entries that came since',
    by: 'exploration',
    edits: [
      {
        file: viewChange,
        find: 'core.parts.backup.heardHead(log.head, message.commit);\n      return;',
        replace: `if (log.head < core.log.head && log.head > core.log.checkpointOp && !core.isPrimaryOf(core.view)) {
        core.log.truncateFrom(log.head + 1);
        core.persist({ truncateFrom: log.head + 1, entries: [] });
      }
      core.parts.backup.heardHead(log.head, message.commit);
      return;`,
      },
    ],
  },
  {
    scenario: 'V3',
    name: 'a NewState of another log is appended',
    by: 'exploration',
    edits: [{ file: 'core/vr/transfer.ts', find: 'if (!sameLog && entry.op > message.commit) break;', replace: '' }],
  },
  {
    scenario: 'V3',
    name: 'a replica takes a NewState that it does not wait for',
    by: 'exploration',
    // An entry that is taken is named by the canonical log or by a repair (protocol §4.5, §2), or is committed, or is
    // of the log of this very view (§9.5). A commit number belongs to one chain with the log (§9.1). None of this
    // becomes false later or in another view.
    equivalent: 'an answer is judged by what it holds: each entry by its name, by being committed, or by its log_view',
    edits: [
      { file: 'core/vr/transfer.ts', find: 'if (asked?.nonce !== message.nonce) return;', replace: '' },
      {
        file: 'core/vr/transfer.ts',
        find: 'this.#useful(asked, message.checkpoint)',
        replace: 'asked !== null && this.#useful(asked, message.checkpoint)',
      },
      {
        file: replica,
        find: 'if (message.view < core.view) {',
        replace: "if (message.view < core.view && message.kind !== 'newState') {",
      },
    ],
  },
  {
    scenario: 'V4',
    name: 'a replica takes a lower commit number',
    by: 'exploration',
    edits: [{ file: core, find: 'if (commit <= this.commit) return;', replace: 'if (commit === this.commit) return;' }],
  },
  {
    scenario: 'V4',
    name: 'a replica takes a lower commit number and executes entries again',
    by: 'exploration',
    edits: [
      {
        file: 'core/vr/execution.ts',
        find: 'const before = this.#applied;',
        replace: `if (this.#applied > core.commit) this.#applied = core.commit;
    const before = this.#applied;`,
      },
      { file: core, find: 'if (commit <= this.commit) return;', replace: 'if (commit === this.commit) return;' },
    ],
  },
  {
    scenario: 'V5',
    name: 'a replica that fetches a log never suspects the primary',
    by: 'exploration',
    edits: [
      {
        file: suspicion,
        find: 'if (core.isPrimary) return;',
        replace: 'if (core.isPrimary || core.parts.installation.active) return;',
      },
    ],
  },
  {
    scenario: 'V6',
    name: 'one replica that asks for another view gets it',
    by: 'exploration',
    edits: [
      {
        file: suspicion,
        find: 'if (!this.#suspecting || this.#asked.size + 1 < core.quorum) return;',
        replace: '',
      },
    ],
  },
  {
    scenario: 'V6',
    name: 'a replica that hears nothing begins a view change alone',
    by: 'exploration',
    edits: [
      {
        file: suspicion,
        find: 'if (!this.#suspecting || this.#asked.size + 1 < core.quorum) return;',
        replace: 'if (!this.#suspecting) return;',
      },
    ],
  },
  {
    scenario: 'V7',
    name: 'a DoViewChange leaves before its view is durable',
    by: 'exploration',
    edits: [
      {
        file: viewChange,
        find: `    this.#tellWhenDurable();
    core.parts.suspicion.enteredView();`,
        replace: `    this.#tell();
    core.parts.suspicion.enteredView();`,
      },
    ],
  },
  {
    scenario: 'V34',
    name: 'a replica that fetches a log acknowledges entries before they are durable',
    by: 'exploration',
    edits: [
      { file: viewChange, find: 'if (core.unsynced) this.#tellWhenDurable();', replace: 'if (core.view < 0) return;' },
    ],
  },
  {
    scenario: 'V7',
    name: 'entries are acknowledged before they are durable',
    by: 'exploration',
    edits: [
      {
        file: core,
        find: 'return corrupt === null ? this.durableHead : Math.min(this.durableHead, corrupt - 1);',
        replace: 'return corrupt === null ? this.log.head : Math.min(this.log.head, corrupt - 1);',
      },
    ],
  },
  {
    scenario: 'V7',
    name: 'in the whole cluster, entries are acknowledged before they are durable',
    by: 'simulator',
    edits: [
      {
        file: core,
        find: 'return corrupt === null ? this.durableHead : Math.min(this.durableHead, corrupt - 1);',
        replace: 'return corrupt === null ? this.log.head : Math.min(this.log.head, corrupt - 1);',
      },
    ],
  },
  {
    scenario: 'V7',
    name: 'entries are acknowledged before log_view is durable',
    by: 'exploration',
    edits: [
      {
        file: core,
        find: ' || compareViewstamps(this.durableLogView, this.viewstamp) !== 0) return 0;',
        replace: ') return 0;',
      },
    ],
  },
  {
    scenario: 'V8',
    name: 'a restart forgets the view that it was changing to',
    by: 'exploration',
    edits: [
      {
        file: viewChange,
        find: "else if (core.inView) core.setStatus(core.sound ? 'normal' : 'recovering');\n    else this.#enter();\n  }\n\n  /** Moves",
        replace: `else {
      core.view = core.logView.view;
      core.setStatus(core.sound ? 'normal' : 'recovering');
    }
  }

  /** Moves`,
      },
    ],
  },
  {
    scenario: 'V8',
    name: 'messages of a newer view are not followed',
    by: 'exploration',
    edits: [
      {
        file: replica,
        find: 'if (message.view > core.view) {',
        replace: `if (message.view > core.view && message.kind !== 'startView') return core.drop('message of a newer view');
    if (message.view > core.view) {`,
      },
    ],
  },
  {
    scenario: 'V9',
    name: 'a backup takes Prepares of a view whose log it does not have',
    by: 'exploration',
    edits: [
      { file: 'core/vr/backup.ts', find: 'if (core.inView) return true;', replace: 'return true;' },
      {
        file: 'core/vr/backup.ts',
        find: `    if (!core.parts.installation.active) core.parts.viewChange.askStartView(from);
    return false;`,
        replace: '',
      },
      {
        file: 'core/vr/log.ts',
        find: "invariant(entry.parent === this.#headChecksum, 'an entry chains to the head', { op: entry.op });",
        replace: '',
      },
    ],
  },
  {
    scenario: 'V9',
    name: 'an installed log continues from an own entry that was not compared',
    by: 'exploration',
    edits: [
      {
        file: installation,
        find: 'if (own !== null && own === this.#wanted(goal, op)) return op;',
        replace: 'if (own !== null) return op;',
      },
      {
        file: installation,
        find: 'if (!chained) {',
        replace: 'if (!chained && entry.op < 0) {',
      },
      {
        file: 'core/vr/log.ts',
        find: "invariant(entry.parent === this.#headChecksum, 'an entry chains to the head', { op: entry.op });",
        replace: '',
      },
    ],
  },
  {
    scenario: 'V12',
    name: 'the first log of the newest log_view is chosen, not the longest',
    by: 'exploration',
    edits: [
      {
        file: 'core/vr/choose.ts',
        find: 'if (order > 0 || (order === 0 && vote.log.head > canonical.log.head)) canonical = vote;',
        replace: 'if (order > 0) canonical = vote;',
      },
    ],
  },
  {
    scenario: 'V12',
    name: 'a candidate begins with the bodies that it has',
    by: 'exploration',
    edits: [
      {
        file: installation,
        find: 'if (goal === null || this.#top() < goal.head) return;',
        replace: 'if (goal === null || (this.#top() < goal.head && !this.#core.isPrimaryOf(this.#core.view))) return;',
      },
    ],
  },
  {
    scenario: 'V12',
    name: 'the longest log is chosen, whatever its log_view',
    by: 'exploration',
    edits: [
      {
        file: 'core/vr/choose.ts',
        find: 'const order = compareViewstamps(vote.log.logView, canonical.log.logView);',
        replace: 'const order = 0 * compareViewstamps(vote.log.logView, canonical.log.logView);',
      },
    ],
  },
  {
    scenario: 'V20',
    name: 'a primary that restarts resumes its view',
    by: 'exploration',
    edits: [
      {
        file: viewChange,
        find: `  start(): void {
    const core = this.#core;
    if (core.inView && core.isPrimaryOf(core.view)) this.moveTo(core.view + 1);`,
        replace: `  start(): void {
    const core = this.#core;
    if (core.inView && core.isPrimaryOf(core.view)) core.parts.primary.begin(core.commit);`,
      },
    ],
  },
  {
    scenario: 'V21',
    name: 'a primary that no quorum answers still sends heartbeats',
    by: 'exploration',
    edits: [
      {
        file: 'core/vr/primary.ts',
        find: 'return this.#core.quorum > 1 && this.#core.now - this.#quorumAt > this.#core.timing.suspicionMs;',
        replace: 'return false;',
      },
    ],
  },
  {
    scenario: 'V21',
    name: 'a replica that is not told the log of its view never asks for it',
    by: 'exploration',
    edits: [
      {
        file: viewChange,
        find: "core.send(from, { kind: 'getStartView', nonce: core.parts.recovery.question });",
        replace: '',
      },
      {
        file: viewChange,
        find: '      // The view has begun, and the sender missed that.\n      this.sendStartView(from, 0);',
        replace: '',
      },
    ],
  },
  {
    scenario: 'V21',
    name: 'votes are not sent again',
    by: 'exploration',
    edits: [
      {
        file: viewChange,
        find: 'if (core.parts.installation.active && !core.isPrimaryOf(core.view)) return;\n    this.#send();',
        replace: '',
      },
    ],
    equivalent: 'a lost vote is made up for by the next view change, which the time-out of this one brings',
  },
];
