/**
 * Mutants of how a log proves its head, and of the floor with which the log is compared (protocol §2; V27, V28, V29).
 */

import type { Mutant } from './mutant.ts';

const recovery = 'core/store/recovery.ts';
const store = 'core/store/store.ts';

export const floorMutants: readonly Mutant[] = [
  {
    scenario: 'V27',
    name: 'a replica with an old tail believes the log_view of a later part of its log',
    by: 'exploration',
    damage: 'rot',
    edits: [
      {
        file: 'core/vr/core.ts',
        find: 'this.logView = recovered.headProven ? recovered.logView : noView;',
        replace: 'this.logView = recovered.logView;',
      },
      {
        file: 'core/vr/recovery.ts',
        find: 'this.#pending = !headProven;',
        replace: 'this.#pending = !headProven && !core.inView;',
      },
    ],
  },
  {
    scenario: 'V28',
    name: 'a start acts on what a killed process wrote and did not live to sync',
    by: 'lives',
    edits: [{ file: store, find: '      syncFound(ports.disk);\n', replace: '' }],
  },
  {
    scenario: 'V29',
    name: 'a start leaves the floor where a killed run left it',
    by: 'lives',
    damage: 'rot',
    edits: [
      {
        file: 'core/store/floor.ts',
        find: 'confirmed: Math.max(confirmed, durable.segment, lost ? begun : 0),',
        replace: 'confirmed: Math.max(confirmed, lost ? begun : 0),',
      },
      { file: 'core/store/floor.ts', find: 'reached: Math.max(reached, durable.sequence),', replace: 'reached,' },
    ],
  },
  {
    scenario: 'V29',
    name: 'a start that finds a loss begins a segment, as if the lost one had taken no batch',
    by: 'lives',
    damage: 'rot',
    edits: [
      {
        file: 'core/store/floor.ts',
        find: 'confirmed: Math.max(confirmed, durable.segment, lost ? begun : 0),',
        replace: 'confirmed: Math.max(confirmed, durable.segment),',
      },
    ],
  },
  {
    scenario: 'V28',
    name: 'a store takes a torn opening batch over a torn one for lost batches',
    by: 'lives',
    edits: [
      {
        file: recovery,
        find: 'if (opens && this.#bad !== null && this.#bad.head.sequence > repeated) this.#bad = null;',
        replace: 'if (opens && batch.body !== null && this.#bad !== null) this.#bad = null;',
      },
      {
        file: recovery,
        find: '} else if (repeated !== this.#known) {',
        replace: '} else if (head.sequence - 1 !== this.#lastValid) {',
      },
    ],
  },
  {
    scenario: 'V13',
    name: 'a start after a loss goes on with the turns that were lost',
    by: 'lives',
    damage: 'rot',
    edits: [{ file: recovery, find: '      replica.turn += unprovenTurns;\n', replace: '' }],
  },
  {
    scenario: 'V29',
    name: 'a store does not compare its log with the floor',
    by: 'lives',
    damage: 'rot',
    edits: [{ file: recovery, find: 'this.#compare(files, floor, endSegment);', replace: '' }],
  },
  {
    scenario: 'V29',
    name: 'a store that lost its log takes itself for a blank one',
    by: 'simulator',
    wish: { rot: 'log', events: 6000 },
    damage: 'rot',
    edits: [
      {
        file: store,
        find: 'this.emptied = recovered.record === null && (told ?? unknownFloor).recorded;',
        replace: 'this.emptied = false;',
      },
      { file: recovery, find: 'this.#compare(files, floor, endSegment);', replace: '' },
    ],
  },
  {
    scenario: 'V29',
    name: 'the floor is written when the next segment begins, and not before this segment begins',
    by: 'lives',
    damage: 'rot',
    edits: [
      {
        file: store,
        find: 'if (segment <= this.#floor.state.begun) return true;',
        replace: 'if (segment > 0) return true;',
      },
      {
        file: store,
        find: 'const reached = { confirmed: segment, reached: sequence };',
        replace: 'const reached = { begun: segment - 1, confirmed: segment - 1 };',
      },
    ],
  },
];
