/** Durations as people type them. */

import { UsageError } from './status.ts';

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `500ms`, `2s`, `1m`, `1h`, in milliseconds. @throws UsageError */
export function readDuration(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const milliseconds = Math.round(Number(amount) * (unitsMs[unit ?? ''] ?? Number.NaN));
  if (!(milliseconds >= 1 && milliseconds <= 24 * 3_600_000)) {
    throw new UsageError(`a duration is written 500ms, 2s, 1m or 1h, up to 24h, not ${JSON.stringify(text)}`);
  }
  return milliseconds;
}
