/** Shows a plain value of haret as JSON. Bytes become text, or base64 if they are not text. */

import { jsonOfBytes } from './display.ts';
import type { JsonValue } from './outcome.ts';

/** Messages and operations are plain values with bytes in them. Any other value becomes null. */
export function describeJson(value: unknown): JsonValue {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  if (value instanceof Uint8Array) return jsonOfBytes(value);
  if (Array.isArray(value)) return value.map(describeJson);
  if (typeof value !== 'object') return null;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, describeJson(one)]));
}
