/**
 * `txn { if ...; do ...; else ... }`: guards and operations in one entry of the log (architecture §3). The guards have
 * a small table of their own.
 */

import { invariant } from '../../base/assert.ts';
import { errorInfo } from '../../base/errors.ts';
import { nodeTypeSchema } from '../../tree/operation.ts';
import type { Guard, Operation, SimpleOperation } from '../../tree/operation.ts';
import type { Bound } from '../bind.ts';
import { statusOf, UsageError } from '../status.ts';
import { CommandFailed } from '../table.ts';
import type { CommandContext, CommandSpec, GuardSpec, GuardSpecs } from '../table.ts';
import { isBare } from '../words.ts';
import type { Word } from '../words.ts';
import { equals, number, path, showResult } from './arguments.ts';
import { leafFamilies } from './leaves.ts';
import { lifeGuards } from './lives.ts';

const nodeGuards: GuardSpecs<'node'> = {
  version: {
    word: 'version',
    arguments: [path, equals, number],
    about: 'the version of the node',
    guard: (bound) => ({ kind: 'version', path: bound.text('PATH'), version: bound.number('N') }),
  },
  created: {
    word: 'created',
    arguments: [path, equals, number],
    about: 'the op number of its creation',
    guard: (bound) => ({ kind: 'created', path: bound.text('PATH'), op: bound.number('N') }),
  },
  modified: {
    word: 'modified',
    arguments: [path, equals, number],
    about: 'the op number of the last change at or beneath it',
    guard: (bound) => ({ kind: 'modified', path: bound.text('PATH'), op: bound.number('N') }),
  },
  exists: {
    word: 'exists',
    arguments: [path],
    about: 'a node exists',
    guard: (bound) => ({ kind: 'exists', path: bound.text('PATH') }),
  },
  absent: {
    word: 'absent',
    arguments: [path],
    about: 'no node exists',
    guard: (bound) => ({ kind: 'absent', path: bound.text('PATH') }),
  },
  type: {
    word: 'type',
    arguments: [path, equals, { name: 'TYPE', kind: 'text' }],
    about: 'the type of the node',
    guard: (bound) => ({ kind: 'type', path: bound.text('PATH'), type: nodeTypeSchema.check(bound.text('TYPE')) }),
  },
  held: {
    word: 'held',
    arguments: [path, { name: 'token', kind: 'literal' }, number],
    about: 'the lock is held with this fencing token',
    guard: (bound) => ({ kind: 'held', path: bound.text('PATH'), token: bound.number('N') }),
  },
};

const { held, ...general } = nodeGuards;
const leafGuards = Object.values(leafFamilies).flatMap(({ guards }) => Object.values<GuardSpec>(guards));
/** Every guard, by its first word. Those of locks and of ephemerals come last. */
export const guardSpecs: readonly GuardSpec[] = [...Object.values(general), ...leafGuards, held, lifeGuards.owner];

/** `version PATH = N`, the form of a guard in help. */
export function guardUsage(spec: GuardSpec): string {
  return [spec.word, ...spec.arguments.map((argument) => argument.name)].join(' ');
}

/** The statements between the braces. */
export function splitStatements(words: readonly Word[]): readonly (readonly Word[])[] {
  if (!isBare(words[0], '{'))
    throw new UsageError('a transaction is written txn { if GUARD; do COMMAND; else COMMAND }');
  const closing = words.findIndex((word) => isBare(word, '}'));
  if (closing < 0) throw new UsageError('the } of the transaction is missing; it is a word of its own');
  if (closing !== words.length - 1) throw new UsageError('nothing may follow the } of a transaction but ;');
  const statements: Word[][] = [[]];
  for (const word of words.slice(1, closing)) {
    if (isBare(word, ';')) statements.push([]);
    else statements.at(-1)!.push(word);
  }
  return statements.filter((statement) => statement.length > 0);
}

async function readGuard(words: readonly Word[], context: CommandContext): Promise<Guard> {
  const [first, ...rest] = words;
  const spec = guardSpecs.find((one) => isBare(first, one.word));
  if (spec === undefined) {
    const known = guardSpecs.map((one) => one.word).join(', ');
    throw new UsageError(
      `a guard begins with one of ${known}${first === undefined ? '' : `, not ${JSON.stringify(first.text)}`}`,
    );
  }
  try {
    return spec.guard(await context.bindTo({ arguments: spec.arguments, flags: [] }, rest));
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`if ${guardUsage(spec)}: ${error.problem}`);
    if (error instanceof Error && error.name === 'MalformedError')
      throw new UsageError(`if ${guardUsage(spec)}: ${error.message}`);
    throw error;
  }
}

async function readOperation(words: readonly Word[], context: CommandContext): Promise<SimpleOperation> {
  const { spec, bound } = await context.bind(words);
  if (spec.operation === undefined) throw new UsageError(`${spec.words.join(' ')} cannot be part of a transaction`);
  return spec.operation(bound);
}

async function buildTransaction(bound: Bound, context: CommandContext): Promise<Operation> {
  const guards: Guard[] = [];
  const then: SimpleOperation[] = [];
  const otherwise: SimpleOperation[] = [];
  for (const [head, ...words] of splitStatements(bound.words('STATEMENTS'))) {
    if (isBare(head, 'if')) guards.push(await readGuard(words, context));
    else if (isBare(head, 'do')) then.push(await readOperation(words, context));
    else if (isBare(head, 'else')) otherwise.push(await readOperation(words, context));
    else throw new UsageError(`a statement begins with if, do or else, not ${JSON.stringify(head?.text ?? '')}`);
  }
  return { kind: 'transaction', guards, then, otherwise };
}

export const transactionCommands: readonly CommandSpec[] = [
  {
    words: ['txn'],
    family: 'transaction',
    needs: 'namespace',
    arguments: [{ name: 'STATEMENTS', kind: 'rest' }],
    flags: [],
    form: '{ if GUARD; do COMMAND; else COMMAND }',
    summary: 'Do several operations at once, all or none.',
    details: [
      'Any number of `if`, `do` and `else`, in any order. When every guard holds the `do` commands run, otherwise the `else` commands.',
      'When a guard does not hold and there is no `else`, nothing is done and the exit status is 3.',
      'An operation that fails undoes those before it.',
      `Guards: ${guardSpecs.map(guardUsage).join('; ')}.`,
    ],
    examples: ['txn { if version /a = 3; if absent /b; do blob put /a v; do create blob /b; else blob get /a }'],
    build: buildTransaction,
    run: async (bound, context) => {
      const operation = await buildTransaction(bound, context);
      invariant(operation.kind === 'transaction', 'a transaction is built');
      const { result, stamp } = await context.execute(operation);
      invariant(result.kind === 'transaction', 'a transaction is answered by one', { kind: result.kind });
      if (!result.held && operation.otherwise.length === 0) {
        const error = errorInfo('GuardFailed', 'Cas Failed');
        throw new CommandFailed({ ok: false, error, stamp, status: statusOf(error), bare: false, hints: [] });
      }
      return { ...showResult(result), stamp };
    },
  },
];
