/** Nothing happens at all: what the light load is judged by. */

import { trialOf } from '../attack.ts';

export const trial = trialOf({
  name: 'calm',
  sentence: 'Nobody attacks anything: the light load goes on as before.',
  short: true,
  // Other tests run beside it.
  floorMs: 2000,
  clue: null,
  attack: () => Promise.resolve(),
});
