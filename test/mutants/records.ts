/** Mutants of a node's record that is lost while its replicas are there: scenario V27. */

import type { Mutant } from './mutant.ts';

const groups = 'core/cluster/replicas/groups.ts';
const wish = { rot: 'record', rotWithinMs: 400, events: 10_000 } as const;

export const recordMutants: readonly Mutant[] = [
  {
    scenario: 'V27',
    name: 'a replica that the record does not name is made a second time when the catalog names it',
    by: 'simulator',
    damage: 'rot',
    wish,
    edits: [
      { file: groups, find: 'const kept = this.#unknown.get(key);', replace: 'const kept = this.#unknown.get("");' },
    ],
  },
  {
    scenario: 'V27',
    name: 'a replica that the record does not name is left where it is',
    by: 'simulator',
    damage: 'rot',
    wish,
    edits: [
      {
        file: groups,
        find: '      this.#unknown.delete(key);\n      this.#open(kept);\n',
        replace: '      this.#unknown.delete(key);\n',
      },
    ],
  },
];
