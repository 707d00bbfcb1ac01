/** Commands that the shell answers itself: help, explain, the history, and leaving. */

import { isRead } from '../../tree/reading.ts';
import type { Operation } from '../../tree/operation.ts';
import { encodeOperation } from '../../service/body.ts';
import { harmlessJson } from '../display.ts';
import { describeJson } from '../json.ts';
import { helpFor } from '../help.ts';
import { lines, success } from '../outcome.ts';
import { UsageError } from '../status.ts';
import type { CommandContext, CommandSpec } from '../table.ts';

/** How an operation is executed, in a sentence. */
function describeWay(operation: Operation, context: CommandContext): string {
  if (!isRead(operation)) return 'write: goes through the log and is done once, on a quorum';
  const { consistency } = context;
  if (consistency.kind === 'local') return 'local read: the node answers at once from what it has applied';
  if (consistency.kind === 'atLeast')
    return `read at least op ${consistency.op}: the node answers once it has applied that op`;
  return 'linearizable read: does not go through the log; the primary answers after a round to a quorum';
}

const exitSpec: Omit<CommandSpec, 'words'> = {
  family: 'shell',
  needs: 'nothing',
  arguments: [],
  flags: [],
  summary: 'Leave; so does Ctrl-D.',
  run: (_bound, context) => {
    context.exit();
    return Promise.resolve(lines([], null));
  },
};

export const explainCommand: CommandSpec = {
  words: ['explain'],
  family: 'shell',
  needs: 'nothing',
  arguments: [{ name: 'COMMAND', kind: 'rest' }],
  flags: [],
  summary: 'Tell what COMMAND would send, without sending it.',
  examples: ['explain blob put /a hello', 'explain txn { if absent /a; do create blob /a }'],
  run: async (bound, context) => {
    const { spec, bound: inner } = await context.bind(bound.words('COMMAND'));
    const name = spec.words.join(' ');
    const operation = spec.operation?.(inner) ?? (await spec.build?.(inner, context));
    if (operation === undefined)
      throw new UsageError(`${name} is not an operation of the tree, so it cannot be explained`);
    const read = isRead(operation);
    const way = describeWay(operation, context);
    const bytes = encodeOperation(operation).length;
    const shown = describeJson(operation);
    return lines([`${name} is the operation ${operation.kind}`, way, `body: ${bytes} bytes`, harmlessJson(shown)], {
      command: name,
      read,
      way,
      bytes,
      operation: shown,
    });
  },
};

export const shellCommands: readonly CommandSpec[] = [
  {
    words: ['history'],
    family: 'shell',
    needs: 'nothing',
    arguments: [{ name: 'N', kind: 'integer', optional: true, min: 1 }],
    flags: [],
    summary: 'Print the lines that were typed, or the last N.',
    run: (bound, context) => {
      const all = context.history;
      const from = Math.max(0, all.length - bound.numberOr('N', all.length));
      const width = String(all.length).length;
      const shown = all.slice(from);
      return Promise.resolve(
        lines(
          shown.map((line, index) => `${String(from + index + 1).padStart(width)}  ${line}`),
          shown,
        ),
      );
    },
  },
  {
    words: ['help'],
    family: 'shell',
    needs: 'nothing',
    arguments: [{ name: 'COMMAND', kind: 'command', optional: true, repeated: true }],
    flags: [],
    summary: 'List the commands, or explain one.',
    run: (bound, context) => {
      const text = helpFor(context.table, bound.texts('COMMAND'));
      return Promise.resolve(success({ kind: 'lines', lines: text, json: text }));
    },
  },
  { ...exitSpec, words: ['exit'] },
  { ...exitSpec, words: ['quit'] },
];
