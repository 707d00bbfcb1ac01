/** Durations as people type them. */

import { UsageError } from './status.ts';
import type { ArgumentSpec } from './table.ts';

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const dayMs = 24 * 3_600_000;

/** `500ms`, `2s`, `1m`, `1h`, `2d`, in milliseconds, from `min` to `max`. @throws UsageError */
export function readDuration(text: string, { min = 1, max = dayMs }: Pick<ArgumentSpec, 'min' | 'max'> = {}): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const milliseconds = Math.round(Number(amount) * (unitsMs[unit ?? ''] ?? Number.NaN));
  if (!(milliseconds >= min && milliseconds <= max)) {
    const most = max % dayMs === 0 && max > dayMs ? `${max / dayMs}d` : `${max / 3_600_000}h`;
    const bounds = min > 1 ? `from ${durationText(min)} to ${most}` : `${min === 0 ? 'from 0s ' : ''}up to ${most}`;
    throw new UsageError(`a duration is written 500ms, 2s, 1m or 1h, ${bounds}, not ${JSON.stringify(text)}`);
  }
  return milliseconds;
}

/** A duration as it is typed, in the largest unit of which it is a whole number. */
export function durationText(ms: number): string {
  const [unit, unitMs] = Object.entries(unitsMs).findLast(([, one]) => ms % one === 0) ?? ['ms', 1];
  return `${ms / unitMs}${unit}`;
}
