/**
 * Mutants of what a replica does whose group has forgotten what it committed, and of what it knows for that: scenario
 * V39.
 */

import type { Mutant } from './mutant.ts';

const judgement = 'core/vr/judgement.ts';
const lineage = 'core/vr/lineage.ts';

export const historyMutants: readonly Mutant[] = [
  {
    scenario: 'V39',
    name: 'a checkpoint of a history that lacks what is committed here is taken',
    by: 'forgotten',
    edits: [
      {
        file: judgement,
        find: 'return isOfOtherHistory(core, checkpoint) ? otherHistory : null;',
        replace: 'return null;',
      },
    ],
  },
  {
    scenario: 'V39',
    name: 'a replica whose log ends at its checkpoint takes any other',
    by: 'forgotten',
    edits: [
      {
        file: judgement,
        find: 'return own?.op === commit ? madeIn(own.lineage, commit) : log.entry(commit);',
        replace: 'return own?.op === commit ? null : log.entry(commit);',
      },
    ],
  },
  {
    scenario: 'V39',
    name: 'nobody is told of a log that lacks what is committed here',
    by: 'forgotten',
    edits: [
      {
        file: judgement,
        find: 'return loses(core, { epoch, view }, log) ? otherHistory : null;',
        replace: 'return null;',
      },
    ],
  },
  {
    scenario: 'V39',
    name: 'a log of a view that was heard of may be shorter than what is committed here',
    by: 'forgotten',
    edits: [
      {
        file: judgement,
        find: 'return differs(core, there) || (last !== null && compareViewstamps(last, stamp) < 0);',
        replace: 'return differs(core, there) || (last !== null && stamp.view > core.view);',
      },
    ],
  },
  {
    scenario: 'V39',
    name: 'all of a history counts as made in its last view',
    by: 'exploration',
    edits: [
      {
        file: lineage,
        find: 'return lineage.findLast(({ from }) => from <= op) ?? null;',
        replace: 'return op < 0 ? null : (lineage.at(-1) ?? null);',
      },
    ],
  },
  {
    scenario: 'V39',
    name: 'a later view is not noted in the history',
    by: 'exploration',
    edits: [
      {
        file: lineage,
        find: 'if (last?.epoch === epoch && last.view === view) return lineage;',
        replace: 'if (last?.epoch === epoch) return lineage;',
      },
    ],
  },
  {
    scenario: 'V39',
    name: 'a checkpoint forgets the views before it',
    by: 'exploration',
    edits: [
      {
        file: 'core/vr/checkpointing.ts',
        find: '    this.#lineage = info.lineage;\n',
        replace: '    this.#lineage = [];\n',
      },
    ],
  },
  {
    scenario: 'V39',
    name: 'views are noted without end',
    by: 'forgotten',
    edits: [
      {
        file: lineage,
        find: '[...lineage, { epoch, view, from: op }].slice(-maxViews)',
        replace: '[...lineage, { epoch, view, from: op }]',
      },
    ],
  },
];
