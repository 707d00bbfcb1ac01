/** All mutants, by scenario: the table of protocol §10 turned round. */

import { clientMutants } from './clients.ts';
import { floorMutants } from './floors.ts';
import { logMutants } from './logs.ts';
import type { Mutant } from './mutant.ts';
import { viewMutants } from './views.ts';

function number({ scenario }: Mutant): number {
  return Number(scenario.slice(1));
}

export const mutants: readonly Mutant[] = [...viewMutants, ...logMutants, ...floorMutants, ...clientMutants].sort(
  (a, b) => number(a) - number(b),
);
