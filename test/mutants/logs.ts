/** Mutants of commits, crashes, rot, checkpoints and the log's end: scenarios V10, V11, V13, V23 and V24. */

import type { Mutant } from './mutant.ts';

const installation = 'core/vr/installation.ts';
const transfer = 'core/vr/transfer.ts';
const choose = 'core/vr/choose.ts';
const primary = 'core/vr/primary.ts';
const execution = 'core/vr/execution.ts';

export const logMutants: readonly Mutant[] = [
  {
    scenario: 'V10',
    name: 'a checkpoint is installed beside the old log on disk',
    by: 'exploration',
    edits: [
      {
        file: installation,
        find: 'batch = { ...base, checkpoint, truncateFrom: checkpoint.op + 1, shortenTo: checkpoint.op };',
        replace: 'batch = { ...base, checkpoint, shortenTo: checkpoint.op };',
      },
    ],
  },
  {
    scenario: 'V10',
    name: 'a replica asks for entries that were dropped, and no checkpoint is offered',
    by: 'exploration',
    edits: [
      { file: transfer, find: 'checkpoint: gone ? log.checkpoint : null', replace: 'checkpoint: gone ? null : null' },
    ],
  },
  {
    scenario: 'V10',
    name: 'a checkpoint replaces the log of another view without an installation',
    by: 'exploration',
    edits: [
      { file: transfer, find: 'if (installation.active) {', replace: 'if (false) {' },
      { file: transfer, find: 'if (!ownPast && !core.inView) {', replace: 'if (false) {' },
    ],
  },
  {
    scenario: 'V11',
    name: 'the primary counts its own disk before it has written',
    by: 'exploration',
    edits: [
      {
        file: primary,
        find: 'held.push(core.isSelf(member) ? core.acknowledgeable() : (this.#acknowledged.get(member) ?? 0));',
        replace: 'held.push(core.isSelf(member) ? core.log.head : (this.#acknowledged.get(member) ?? 0));',
      },
      {
        file: primary,
        find: 'core.persist({ entries }, () => this.acknowledgedMore());',
        replace: 'core.persist({ entries }, () => this.acknowledgedMore());\n    this.acknowledgedMore();',
      },
    ],
  },
  {
    scenario: 'V11',
    name: 'after a crash everything on disk counts as committed',
    by: 'exploration',
    edits: [
      {
        file: 'core/vr/log.ts',
        find: 'if (entry !== null) return Math.max(this.checkpointOp, entry.commit);',
        replace: 'if (entry !== null) return Math.max(this.checkpointOp, entry.op);',
      },
    ],
  },
  {
    scenario: 'V11',
    name: 'a quorum is one less than it must be',
    by: 'exploration',
    edits: [
      {
        file: primary,
        find: 'const op = held[core.quorum - 1]!;',
        replace: 'const op = held[Math.max(0, core.quorum - 2)]!;',
      },
    ],
  },
  {
    scenario: 'V11',
    name: 'the store calls a batch durable while it is being written',
    by: 'simulator',
    edits: [
      {
        file: 'core/store/log-writer.ts',
        find: `this.#disk.write(name, offset, [bytes], true, (error) => {
      if (error === null) this.#host.durable(written, () => this.#completed(parts, oldest));`,
        replace: `this.#disk.write(name, offset, [bytes], false, (error) => {
      if (error === null) this.#host.durable(written, () => this.#completed(parts, oldest));`,
      },
    ],
  },
  {
    scenario: 'V13',
    name: 'a corrupt entry counts as one that the replica never held',
    by: 'exploration',
    damage: 'rot',
    edits: [
      {
        file: choose,
        find: 'if (rotten.get(vote)!.has(op)) continue;',
        replace: 'if (rotten.get(vote)!.has(op)) {\n        lacking++;\n        continue;\n      }',
      },
    ],
  },
  {
    scenario: 'V13',
    name: 'a corrupt entry counts as one that can be read',
    by: 'exploration',
    damage: 'rot',
    edits: [{ file: choose, find: 'if (rotten.get(vote)!.has(op)) continue;', replace: '' }],
  },
  {
    scenario: 'V13',
    name: 'the log is taken to end below a corrupt entry',
    by: 'exploration',
    damage: 'rot',
    edits: [
      {
        file: 'core/vr/log.ts',
        find: 'this.#head = Math.max(recovered.head, bottom);',
        replace: `const lowest = Math.min(Infinity, ...recovered.corrupt.map(({ op }) => op));
    this.#head = Math.max(Math.min(recovered.head, lowest - 1), bottom);`,
      },
      {
        file: 'core/vr/log.ts',
        find: 'if (name.op > bottom) this.#corrupt.set(name.op, name);',
        replace: 'if (name.op > bottom && name.op < lowest) this.#corrupt.set(name.op, name);',
      },
    ],
  },
  {
    scenario: 'V13',
    name: 'an entry is dropped when fewer than n - q + 1 replicas lack it',
    by: 'exploration',
    damage: 'rot',
    edits: [
      {
        file: 'core/vr/configuration.ts',
        find: 'return configuration.voters.length - quorum(configuration) + 1;',
        replace: 'return configuration.voters.length - quorum(configuration);',
      },
    ],
  },
  {
    scenario: 'V13',
    name: 'a replica that cannot prove its head votes',
    by: 'exploration',
    damage: 'rot',
    edits: [
      {
        file: 'core/vr/recovery.ts',
        find: 'this.#pending = !headProven;',
        replace: 'this.#pending = !headProven && core.voters.length > 64;',
      },
    ],
  },
  {
    scenario: 'V13',
    name: 'corrupt entries are acknowledged with those around them',
    by: 'exploration',
    damage: 'rot',
    edits: [
      {
        file: 'core/vr/core.ts',
        find: 'return corrupt === null ? this.durableHead : Math.min(this.durableHead, corrupt - 1);',
        replace: 'return corrupt === -1 ? 0 : this.durableHead;',
      },
    ],
  },
  {
    scenario: 'V13',
    name: 'corrupt entries are never repaired',
    by: 'exploration',
    damage: 'rot',
    edits: [
      {
        file: transfer,
        find: 'if (log.corruptCount === 0) return false;',
        replace: 'if (log.corruptCount >= 0) return false;',
      },
    ],
  },
  {
    scenario: 'V13',
    name: 'a replica that lost its disk votes under its old name',
    by: 'exploration',
    damage: 'loss',
    edits: [
      {
        file: 'core/vr/core.ts',
        find: 'const { replica, node, incarnation } = this.identity;\n    return member.replica === replica && member.node === node && member.incarnation === incarnation;',
        replace:
          'const { replica, node } = this.identity;\n    return member.replica === replica && member.node === node;',
      },
      {
        file: 'core/vr/core.ts',
        find: `member.node === message.node &&
        member.incarnation === message.incarnation`,
        replace: 'member.node === message.node',
      },
    ],
  },
  {
    scenario: 'V13',
    name: 'a log whose tail is lost is taken for a shorter one',
    by: 'simulator',
    damage: 'rot',
    edits: [
      {
        file: 'core/store/recovery.ts',
        find: `    this.#rosterProven = false;
    for (const replica of this.#replicas.values()) {
      if (!replica.doubtful) replica.suspicion = reason;
      replica.doubtful = true;
    }`,
        replace: '',
      },
    ],
  },
  {
    scenario: 'V23',
    name: 'the log waits for the checkpoint of every replica',
    by: 'exploration',
    edits: [
      {
        file: 'core/vr/checkpointing.ts',
        find: 'return ops[core.quorum - 1] ?? 0;',
        replace: 'return ops[core.voters.length - 1] ?? 0;',
      },
    ],
  },
  {
    scenario: 'V23',
    name: 'entries do not say what was committed before them',
    by: 'exploration',
    edits: [{ file: primary, find: 'commit: core.commit,\n          parent', replace: 'commit: 0,\n          parent' }],
  },
  {
    scenario: 'V24',
    name: 'entries from before a checkpoint are applied on top of it',
    by: 'exploration',
    edits: [
      {
        file: execution,
        find: '    this.#applied = info.op;\n    this.#checksum = info.checksum;\n    if (core.commit',
        replace: '    if (core.commit',
      },
    ],
  },
];
