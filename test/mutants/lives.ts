/**
 * Mutants of ephemeral and sequential nodes and of times to live (coordination §9). Users of them in the simulated cluster
 * must find each.
 */

import type { Mutant } from './mutant.ts';

const ends = 'core/service/leases.ts';
const life = 'core/tree/nodes/life.ts';
const lives = 'core/tree/kinds/lives.ts';
const place = 'core/tree/place.ts';

function simulated(name: string, file: string, find: string, replace: string): Mutant {
  return { scenario: 'V26', name, by: 'simulator', wish: { events: 20_000 }, edits: [{ file, find, replace }] };
}

export const lifeMutants: readonly Mutant[] = [
  simulated(
    'a time to live ends by the clock of another one',
    life,
    'return ttlMs === 0 ? Infinity : since + ttlMs;',
    'return ttlMs === 0 ? Infinity : since + ttlMs - 400;',
  ),
  simulated('a change does not begin a time to live anew', place, 'since: now };', 'since: life.since };'),
  simulated(
    'an ephemeral survives its session',
    ends,
    'for (const one of this.#sessions.belongingsOf(id)) steps.push(givenUp(one, clean));',
    "for (const one of this.#sessions.belongingsOf(id)) if (one.kind === 'claim') steps.push(givenUp(one, clean));",
  ),
  simulated(
    'another session adopts an ephemeral',
    lives,
    'life.owner === context.acting.session &&',
    'life.owner !== 0 &&',
  ),
  simulated(
    'a sequence counts what is there',
    lives,
    'return locate(root, sequenced(path, op, sequence.next++));',
    'return locate(root, sequenced(path, root.nodes, sequence.next++));',
  ),
  simulated('a touch changes versions', place, "as: 'still' }", "as: 'change' }"),
];
