/** Writes down the calls of haret's clients, in the form of docs/history.md. */

import { base64FromBytes, textOf } from '../../core/base/bytes.ts';
import type { Result } from '../../core/base/errors.ts';
import type { Change } from '../../core/service/events.ts';
import type { Operation, OperationResult } from '../../core/tree/operation.ts';

export type Row = Readonly<Record<string, unknown>>;

/** Text where bytes are text, otherwise base64, at any depth. */
export function plainOf(value: unknown): unknown {
  if (value instanceof Uint8Array) {
    const text = textOf(value);
    return text !== null && !text.startsWith('base64:') ? text : { base64: base64FromBytes(value) };
  }
  if (Array.isArray(value)) return value.map(plainOf);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plainOf(one)]));
}

/** The parts of a result that the form can hold. */
export function resultRow(result: OperationResult): Row {
  if (result.kind === 'transaction')
    return { kind: result.kind, held: result.held, results: result.results.map(resultRow) };
  if (result.kind === 'stat') {
    const { type, version, count } = result.stat;
    return { kind: result.kind, type, version, count };
  }
  // A page that is not the last proves nothing.
  if ((result.kind === 'values' || result.kind === 'paths') && result.more) return { kind: result.kind };
  if (result.kind === 'values' || result.kind === 'paths') {
    const { more: _, ...rest } = result;
    return plainOf(rest) as Row;
  }
  return plainOf(result) as Row;
}

export function callRow(id: string, client: string, at: number, operation: Operation, linearizable = true): Row {
  return { type: 'call', id, client, at, operation: plainOf(operation), ...(linearizable ? {} : { linearizable }) };
}

/** The row of a call that the log or a replica answered. `answer` is the tree's result or error. */
export function answerRow(id: string, at: number, op: number | null, answer: Result<OperationResult>): Row {
  const place = op === null ? {} : { op };
  return answer.ok
    ? { type: 'answer', id, at, outcome: 'done', ...place, result: resultRow(answer.value) }
    : { type: 'answer', id, at, outcome: 'failed', ...place, error: answer.error.code };
}

export function changeRows(changes: readonly Change[]): readonly Row[] {
  return changes.map(({ path, kind, type, version, value, number }) => ({
    ...{ path, kind, type, version },
    ...(value === null ? {} : { value: plainOf(value) }),
    ...(number === null ? {} : { number }),
  }));
}
