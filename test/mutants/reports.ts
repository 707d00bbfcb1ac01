/** Mutants of what nodes report of nodes that are missing: scenario V40. */

import type { Mutant } from './mutant.ts';

const file = 'core/cluster/admin/attendance.ts';

function unreported(name: string, find: string, replace: string): Mutant {
  return { scenario: 'V40', name, by: 'attendance', edits: [{ file, find, replace }] };
}

export const reportMutants: readonly Mutant[] = [
  unreported(
    'a node that is away for long is not missed',
    'else if (since !== null && this.#parts.now() - since >= absentMs)',
    'else if (since !== null && since < 0)',
  ),
  unreported(
    'a node that is restarted is missed at once',
    'else if (since !== null && this.#parts.now() - since >= absentMs)',
    'else if (since !== null && absentMs >= 0)',
  ),
  unreported(
    'a node in whose place something else answers is only away',
    'if (absence !== null) missing.set(name, reasons[absence]);',
    'if (absence === "replaced") missing.set(name, reasons[absence]);',
  ),
  unreported(
    'a group without a quorum is said to go on',
    "if (spare < 0) so = 'they are not a quorum, so",
    "if (spare < -9) so = 'they are not a quorum, so",
  ),
  unreported('groups beyond those that are named are not counted', '      else more++;\n', '      else more += 0;\n'),
];
