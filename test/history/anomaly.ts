/** An impossible part of a history, in words, with the lines that contradict each other. */

import type { Call, Operation, SimpleOperation } from './format.ts';

export interface Anomaly {
  readonly what: string;
  /** The lines of the history, with their contents. */
  readonly lines: readonly { readonly line: number; readonly says: string }[];
}

export function saysOf(call: Call): string {
  const { client, at, answer, operation } = call;
  return `${client} asked at ${at} for ${operationText(operation)}: ${answerText(call)}${
    answer === null ? '' : `, at ${answer.at}${answer.op === null ? '' : `, op ${answer.op}`}`
  }`;
}

export function lineOf(call: Call): { readonly line: number; readonly says: string } {
  return { line: call.line, says: saysOf(call) };
}

function answerText({ answer }: Call): string {
  if (answer === null) return 'no answer';
  if (answer.outcome === 'failed' || answer.outcome === 'definite')
    return `${answer.outcome}, ${answer.error ?? 'no reason'}`;
  return answer.outcome === 'unknown' || answer.result === null ? answer.outcome : JSON.stringify(answer.result);
}

export function operationText(operation: Operation): string {
  if (operation.kind === 'transaction') return `a transaction of ${operation.then.map(simpleText).join(' and ')}`;
  return simpleText(operation);
}

function simpleText(operation: SimpleOperation): string {
  if (operation.kind === 'upsert') return `upsert of ${simpleText(operation.operation)}`;
  const { kind, path, ...rest } = operation;
  const args = Object.entries(rest).map(([key, value]) => `${key} ${JSON.stringify(value)}`);
  return [kind, path, ...args].join(' ');
}
