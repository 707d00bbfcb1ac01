/** Someone removes the newest files of a log that hold anything. The one that was made in advance stays. */

import { segmentsGone } from '../../stage/tools/segments-gone.ts';
import type { Trial } from '../../stage/trial.ts';

export const trial = {
  name: 'newest-used-segments',
  sentence:
    'The newest used segments of a log are removed, but not the one made in advance: the node notices, and votes for nothing with what is left.',
  short: false,
  limitMs: 240_000,
  play: (stage) => segmentsGone(stage, false),
} as const satisfies Trial;
