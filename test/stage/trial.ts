/**
 * A trial: something that a stranger, a disk or a power cut does to real processes, and what must hold all the same.
 */

import type { Stage } from './stage.ts';

export interface Trial {
  /** The name for `--only`. */
  readonly name: string;
  /** What is done, and what must hold. */
  readonly sentence: string;
  /** It takes only a few seconds, so it is in the tests. */
  readonly short: boolean;
  /** After this many milliseconds it is given up, and counts as failed. */
  readonly limitMs: number;
  play(stage: Stage): Promise<void>;
}

/** The result of a trial, as `--json` prints it. */
export interface Verdict {
  readonly name: string;
  readonly sentence: string;
  readonly passed: boolean;
  readonly seconds: number;
  /** How many writes were acknowledged, and how many of them were there in the end. */
  readonly acknowledged: number;
  readonly present: number;
  /** What else was measured, by name. */
  readonly figures: Readonly<Record<string, string>>;
  /** What nodes told their operators meanwhile. */
  readonly said: readonly string[];
  /** What each refusal said, once each. */
  readonly refusals: readonly string[];
  /** What did not hold. */
  readonly faults: readonly string[];
  /** Why it could not be played here. It then counts neither as passed nor as failed. */
  readonly skipped: string | null;
  /** Where data and logs were kept; null when it passed. */
  readonly kept: string | null;
  readonly steps: readonly string[];
}
