/** Durations as people type them. */

import { UsageError } from './status.ts';

const dayMs = 86_400_000;
const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: dayMs };

function millisecondsOf(text: string, form: RegExp): number {
  const [, amount, unit] = form.exec(text) ?? [];
  return Math.round(Number(amount) * (unitsMs[unit ?? ''] ?? Number.NaN));
}

/** `500ms`, `2s`, `1m`, `1h`, in milliseconds. @throws UsageError */
export function readDuration(text: string): number {
  const milliseconds = millisecondsOf(text, /^(\d+(?:\.\d+)?)(ms|s|m|h)$/);
  if (!(milliseconds >= 1 && milliseconds <= dayMs)) {
    throw new UsageError(`a duration is written 500ms, 2s, 1m or 1h, up to 24h, not ${JSON.stringify(text)}`);
  }
  return milliseconds;
}

/** As {@link readDuration}, and also in days: `30d`. @throws UsageError */
export function readLongDuration(text: string, min: number, max: number): number {
  const milliseconds = millisecondsOf(text, /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/);
  if (!(milliseconds >= min && milliseconds <= max)) {
    const bounds = `from ${durationText(min)} to ${durationText(max)}`;
    throw new UsageError(`expected a duration ${bounds}, such as 30s, 2h or 7d, not ${JSON.stringify(text)}`);
  }
  return milliseconds;
}

/** A duration as it is typed, in the largest unit of which it is a whole number. */
export function durationText(ms: number): string {
  const [unit, unitMs] = Object.entries(unitsMs).findLast(([, one]) => ms % one === 0) ?? ['ms', 1];
  return `${ms / unitMs}${unit}`;
}
