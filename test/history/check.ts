/**
 * Checks a history of clients without knowing anything about the servers (protocol §9.3, §9.7). Is there an order of
 * the calls in which each answer is right, and were watches told exactly this? A failure is shown with a small set of
 * answers that contradict each other.
 */

import type { Anomaly } from './anomaly.ts';
import { lineOf, operationText } from './anomaly.ts';
import { checkClaims } from './claims.ts';
import type { Call, History, Told } from './format.ts';
import { HistoryError } from './format.ts';
import type { Linearized } from './linearize.ts';
import { linearize } from './linearize.ts';
import { isBeneath, isRead, isStateError, Model, NotModelled, pathsOf } from './model.ts';
import type { Part } from './partition.ts';
import { partition } from './partition.ts';
import { checkWatches } from './watch-check.ts';

export interface CheckOptions {
  /** How many steps the search may take in each part of the tree. Beyond that the part is undecided. */
  readonly maxSteps?: number;
}

export interface Verdict {
  readonly anomalies: readonly Anomaly[];
  /** Parts of the tree, by their topmost paths, for which the search did not end. */
  readonly undecided: readonly string[];
  readonly calls: number;
  readonly unknown: number;
  readonly events: number;
  readonly parts: number;
}

/** It is enough for a part of some thousand calls, with some dozen of unknown outcome. */
const defaultSteps = 2_000_000;
/**
 * A contradiction is made smaller with repeated searches. The first number bounds all their steps, the second those in
 * each part.
 */
const shrinkSteps = 100_000;
const mostStepsOnce = 4000;

/** @throws HistoryError when a call has an operation that the model does not know. */
export function checkHistory(history: History, { maxSteps = defaultSteps }: CheckOptions = {}): Verdict {
  const calls = [...history.calls].sort((a, b) => a.line - b.line);
  const happened = calls.filter(mayHaveHappened);
  const parts = partition(happened);
  const anomalies: Anomaly[] = [];
  const undecided: string[] = [];
  for (const part of parts) {
    const model = new Model(part.tops);
    const found = known(part, () => linearize(model, part.calls, maxSteps));
    if (found.kind === 'undecided') undecided.push(part.tops.join(', '));
    if (found.kind === 'no') anomalies.push(contradiction(part, model, found));
  }
  anomalies.push(...checkClaims(calls), ...checkWatches(calls, history.watches));
  return {
    anomalies,
    undecided,
    calls: calls.length,
    unknown: calls.filter(({ answer }) => answer === null || answer.outcome === 'unknown').length,
    events: history.watches.reduce(
      (total, { items }) => total + items.filter(({ kind }) => kind === 'event').length,
      0,
    ),
    parts: parts.length,
  };
}

/**
 * A call that was never executed, or that changed nothing for a reason that the state does not show, has no place in
 * the order.
 */
function mayHaveHappened({ answer, linearizable, operation }: Call): boolean {
  if (isRead(operation) && (!linearizable || answer === null || answer.outcome === 'unknown')) return false;
  if (answer?.outcome === 'definite') return false;
  return answer?.outcome !== 'failed' || isStateError(answer.error!);
}

function known<T>(part: Part, search: () => T): T {
  try {
    return search();
  } catch (error) {
    if (!(error instanceof NotModelled)) throw error;
    throw new HistoryError(part.calls[0]!.line, `the model of the tree does not know ${error.message}`);
  }
}

/**
 * A small set of answers that contradict each other. An answer that is doubted need not be right. If the part still
 * fails without it, the others are enough. So we leave out halves, then quarters, and so on.
 */
function contradiction(part: Part, model: Model, found: Extract<Linearized, { kind: 'no' }>): Anomaly {
  const within = narrower(part);
  if (within !== null) return contradiction(...within);
  const calls = part.calls.filter((call) => call.at <= found.at);
  let left = shrinkSteps;
  const fails = (doubted: ReadonlySet<Call>): boolean => {
    const again = linearize(model, calls, Math.min(left, mostStepsOnce), doubted);
    left -= again.steps;
    return again.kind === 'no';
  };
  const answered = calls.filter(({ answer }) => answer?.outcome === 'done' || answer?.outcome === 'failed');
  const doubted = new Set(answered.filter(({ answer }) => answer!.at > found.at));
  let kept = answered.filter((call) => !doubted.has(call));
  // Answers of reads can be left out at no cost, so we try them first. A part that stays too large within the steps is
  // shown with its last answers.
  const reads = kept.filter(({ operation }) => isRead(operation));
  if (fails(new Set([...doubted, ...reads]))) {
    for (const call of reads) doubted.add(call);
    kept = kept.filter((call) => !doubted.has(call));
  }
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < kept.length;) {
      if (left <= 0) break;
      const without = kept.slice(from, from + size);
      if (fails(new Set([...doubted, ...without]))) {
        for (const call of without) doubted.add(call);
        kept = kept.filter((call) => !without.includes(call));
      } else from += size;
    }
  }
  const told = kept.slice(-mostTold);
  const expected = found.stuck.map(({ call, answer }) => ({
    line: call.line,
    says: `here the tree would have answered ${answerText(answer)} to ${operationText(call.operation)}`,
  }));
  return {
    what: `no order of the calls at ${part.tops.join(', ')} bears out these ${kept.length} answers`,
    lines: [...told.map(lineOf), ...expected.slice(0, mostTold)],
  };
}

/** A part of this part that fails alone. Reads of directories join paths that no other call joins. */
function narrower(part: Part): [Part, Model, Extract<Linearized, { kind: 'no' }>] | null {
  const paths = [...new Set(part.calls.flatMap(({ operation }) => pathsOf(operation)))];
  const isAbove = (path: string): boolean => paths.some((other) => isBeneath(other, path));
  const calls = part.calls.filter(({ operation }) => !isRead(operation) || !pathsOf(operation).some(isAbove));
  if (calls.length === part.calls.length) return null;
  for (const within of partition(calls)) {
    const model = new Model(within.tops);
    const found = linearize(model, within.calls, shrinkSteps);
    if (found.kind === 'no') return [within, model, found];
  }
  return null;
}

const mostTold = 12;

function answerText(answer: Told | string): string {
  return typeof answer === 'string' ? answer : JSON.stringify(answer);
}
