/** Mutants of time: the replicated clock, and the sessions that it ends (protocol §7, "Time"). */

import type { Mutant } from './mutant.ts';

const clock = 'core/vr/clock.ts';
const sessions = 'core/service/sessions.ts';

export const timeSurvivors: readonly Mutant[] = [
  {
    scenario: 'V26',
    name: 'timestamps go back when the view changes',
    by: 'exploration',
    edits: [
      { file: clock, find: 'this.#base = this.#core.log.headTimestamp();', replace: 'this.#base = 0;' },
      {
        file: 'core/vr/primary.ts',
        find: 'Math.max(log.headTimestamp(), clock.timestamp())',
        replace: 'clock.timestamp()',
      },
    ],
  },
  {
    scenario: 'V26',
    name: 'the replicated clock follows a machine whose clock goes back',
    by: 'exploration',
    edits: [
      { file: 'core/vr/replica.ts', find: 'if (now > core.now) core.now = now;', replace: 'core.now = now;' },
      { file: clock, find: '    if (passed <= 0) return;\n', replace: '' },
    ],
  },
  {
    scenario: 'V15',
    name: 'sessions never expire',
    by: 'simulator',
    edits: [
      {
        file: sessions,
        find: 'return idle === null ? null : { id: idle.id, atMs: idleMs };',
        replace: 'return null;',
      },
    ],
  },
  {
    scenario: 'V15',
    name: 'of several sessions that are due, only one expires',
    by: 'simulator',
    equivalent: 'the next deadline has passed already, so that the next entry of expiry ends the next of them',
    edits: [
      {
        file: 'core/service/leases.ts',
        find: '        units += 1 + ended.length;\n',
        replace: '        units += maxUnitsOfExpiry;\n',
      },
    ],
  },
  {
    scenario: 'V15',
    name: 'the newest session is evicted, and not the one that was idle longest',
    by: 'simulator',
    edits: [
      {
        file: sessions,
        find: `      this.#remove(oldest.id);
      evicted++;`,
        replace: `      this.#remove([...this.#byId.keys()].at(-1)!);
      evicted++;`,
      },
    ],
  },
  {
    scenario: 'V15',
    name: 'a sign of life does not protect a session from eviction',
    by: 'simulator',
    edits: [{ file: sessions, find: '    session.idle.seenMs = nowMs;\n', replace: '' }],
  },
];
