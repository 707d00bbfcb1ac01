/**
 * Mutants of the clock, of checkpoints of a wrong state, of far transfers and of full disks: scenarios V26, V33, V34
 * and V36.
 */

import type { Mutant } from './mutant.ts';

const clock = 'core/vr/clock.ts';
const installation = 'core/vr/installation.ts';
const checkpointing = 'core/vr/checkpointing.ts';
const replica = 'core/vr/replica.ts';

export const diskMutants: readonly Mutant[] = [
  {
    scenario: 'V26',
    name: 'an entry has the time of the last tick, and a view counts from the tick before it began',
    by: 'exploration',
    edits: [
      { file: replica, find: '      this.#parts.clock.advance();\n', replace: '' },
      {
        file: replica,
        find: '    const { now } = core;\n',
        replace: '    const { now } = core;\n    parts.clock.advance();\n',
      },
      {
        file: clock,
        find: 'if (parts.primary.serving && parts.primary.settled) this.#elapsed',
        replace: 'this.#elapsed',
      },
    ],
  },
  {
    scenario: 'V26',
    name: 'a view counts time from before it began',
    by: 'exploration',
    edits: [
      { file: clock, find: 'this.#elapsed = 0;\n  }', replace: 'this.#elapsed = Math.min(this.#elapsed, 5);\n  }' },
    ],
  },
  {
    scenario: 'V26',
    name: "a view begins at the time of the machine's own clock",
    by: 'exploration',
    edits: [
      { file: clock, find: 'this.#base = this.#core.log.headTimestamp();', replace: 'this.#base = this.#core.now;' },
    ],
  },
  {
    scenario: 'V26',
    name: 'the replicated clock counts the whole of a pause',
    by: 'exploration',
    edits: [{ file: clock, find: 'Math.min(passed, timing.suspicionMs)', replace: 'passed' }],
  },
  {
    scenario: 'V33',
    name: 'a checkpoint that does not fit on the disk ends the node',
    by: 'simulator',
    wish: { favour: 'fullDisk', small: true, events: 8000 },
    edits: [{ file: 'core/store/checkpoints.ts', find: 'else this.#giveUp(error);', replace: 'else throw error;' }],
  },
  {
    scenario: 'V33',
    name: 'a segment that does not fit on the disk ends the node',
    by: 'simulator',
    wish: { favour: 'fullDisk', small: true, padding: 40_000, events: 8000 },
    edits: [
      {
        file: 'core/store/segments.ts',
        find: 'if (error !== null && (error instanceof DiskFull || this.#waiting === null)) {',
        replace: 'if (error !== null && number === 0) {',
      },
    ],
  },
  {
    scenario: 'V33',
    name: 'a log that waits for room does not ask again',
    by: 'simulator',
    wish: { favour: 'fullDisk', small: true, padding: 40_000, events: 8000 },
    edits: [
      {
        file: 'core/store/segments.ts',
        find: 'if (this.#refusal === null) return;',
        replace: 'if (this.#refusal !== null || now < 0) return;',
      },
    ],
  },
  {
    scenario: 'V34',
    name: 'a replica drops entries that do not fit its stage, and asks for them again and again',
    by: 'exploration',
    edits: [
      {
        file: installation,
        find: '    this.#staged.push(entry);\n',
        replace: '    if (this.#stagedBytes > this.#core.stageBytes) return;\n    this.#staged.push(entry);\n',
      },
      { file: installation, find: 'this.#stagedBytes <= core.stageBytes ||', replace: '' },
      { file: installation, find: '    this.#relieve();\n', replace: '' },
    ],
  },
  {
    scenario: 'V34',
    name: 'staged entries become part of the log although the replica holds more above them',
    by: 'exploration',
    edits: [{ file: installation, find: 'through < core.log.head || ', replace: '' }],
  },
  {
    scenario: 'V34',
    name: 'staged entries become part of the log although they are not committed',
    by: 'exploration',
    edits: [
      {
        file: installation,
        find: 'const through = Math.min(this.#top(), goal.commit);',
        replace: 'const through = this.#top();',
      },
      { file: installation, find: '    core.learnCommit(through);\n', replace: '' },
    ],
  },
  {
    scenario: 'V34',
    name: 'a replica takes a part of the log for the whole',
    by: 'exploration',
    edits: [
      {
        file: installation,
        find: 'this.#replacement(entries, {});',
        replace: 'this.#replacement(entries, { logView: core.viewstamp });',
      },
    ],
  },
  {
    scenario: 'V34',
    name: 'a replica uses entries that it staged for the log of another view',
    by: 'exploration',
    edits: [
      {
        file: installation,
        find: 'if (wanted === null ? entry.op > committed : entry.checksum !== wanted) return;',
        replace: 'if (wanted === null && entry.op > committed && committed >= 0 && this.#committed === 0) return;',
      },
    ],
  },
  {
    scenario: 'V36',
    name: 'a checkpoint that is being written of a wrong state is installed',
    by: 'exploration',
    damage: 'wrong',
    wish: { voters: 3, checkpointBytes: 500 },
    edits: [{ file: checkpointing, find: 'if (spoiled) this', replace: 'if (spoiled && info.op === 0) this' }],
  },
  {
    scenario: 'V36',
    name: 'a checkpoint that was written of a wrong state, and not installed yet, is kept for later',
    by: 'exploration',
    damage: 'wrong',
    wish: { voters: 3, checkpointBytes: 500 },
    edits: [
      {
        file: checkpointing,
        find: `    this.#written = null;
    core.event({ kind: 'alarm', reason });`,
        replace: "    core.event({ kind: 'alarm', reason });",
      },
    ],
  },
];
