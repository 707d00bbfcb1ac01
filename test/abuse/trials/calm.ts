/** Nothing happens at all: what the light load is judged by. */

import { trialOf } from '../attack.ts';

export const trial = trialOf({
  name: 'calm',
  sentence: 'Nobody attacks anything: the light load goes on as before.',
  short: true,
  clue: null,
  attack: () => Promise.resolve(),
});
