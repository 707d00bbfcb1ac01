/** Someone removes the newest files of a log, including the spare, so that what is left has no gap. */

import { segmentsGone } from '../../stage/tools/segments-gone.ts';
import type { Trial } from '../../stage/trial.ts';

export const trial = {
  name: 'newest-segments',
  sentence:
    'The newest segments of a log are removed, with the one made in advance: the node notices, and votes for nothing with what is left.',
  short: false,
  limitMs: 240_000,
  play: (stage) => segmentsGone(stage, true),
} as const satisfies Trial;
