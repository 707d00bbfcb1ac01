/** All mutants by scenario, as in the table of protocol §10. */

import { claimMutants } from './claims.ts';
import { clientMutants } from './clients.ts';
import { diskMutants } from './disks.ts';
import { judgementMutants } from './judgement.ts';
import { floorMutants } from './floors.ts';
import { handshakeMutants } from './handshakes.ts';
import { historyMutants } from './histories.ts';
import { lifeMutants } from './lives.ts';
import { logMutants } from './logs.ts';
import type { Mutant } from './mutant.ts';
import { clientSurvivors } from './survivors-clients.ts';
import { storeSurvivors } from './survivors-store.ts';
import { timeSurvivors } from './survivors-time.ts';
import { viewSurvivors } from './survivors-views.ts';
import { recordMutants } from './records.ts';
import { reportMutants } from './reports.ts';
import { sessionMutants } from './sessions.ts';
import { reachMutants } from './reach.ts';
import { viewMutants } from './views.ts';

function number({ scenario }: Mutant): number {
  return Number(scenario.slice(1));
}

export const mutants: readonly Mutant[] = [
  ...viewMutants,
  ...logMutants,
  ...floorMutants,
  ...clientMutants,
  ...claimMutants,
  ...lifeMutants,
  ...diskMutants,
  ...judgementMutants,
  ...sessionMutants,
  ...reachMutants,
  ...recordMutants,
  ...historyMutants,
  ...reportMutants,
  ...handshakeMutants,
  ...viewSurvivors,
  ...timeSurvivors,
  ...storeSurvivors,
  ...clientSurvivors,
].sort((a, b) => number(a) - number(b));
