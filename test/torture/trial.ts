/** What a trial is: something that a stranger, a disk or a power cut does to real processes, and what must hold all the same. */

import type { Stage } from './stage.ts';

export interface Trial {
  /** As `--only` names it. */
  readonly name: string;
  /** What is done, and what must hold. */
  readonly sentence: string;
  /** It is cheap enough for the tests: a few seconds. */
  readonly short: boolean;
  /** It is given up, and counts as failed, after so many milliseconds. */
  readonly limitMs: number;
  play(stage: Stage): Promise<void>;
}

/** What a trial came to, as `--json` prints it. */
export interface Verdict {
  readonly name: string;
  readonly sentence: string;
  readonly passed: boolean;
  readonly seconds: number;
  /** Writes that were acknowledged, and how many of them were there in the end. */
  readonly acknowledged: number;
  readonly present: number;
  /** What each refusal said, once each. */
  readonly refusals: readonly string[];
  /** What did not hold. */
  readonly faults: readonly string[];
  /** Why it could not be played here; it then counts as neither. */
  readonly skipped: string | null;
  /** Where data and logs were kept; null when it passed. */
  readonly kept: string | null;
  readonly steps: readonly string[];
}
