/**
 * Commands for the items of a queue as jobs (coordination §11). What a shell took, it has until it acknowledges it, gives
 * it back, leaves the namespace, or ends.
 */

import { errorInfo } from '../../base/errors.ts';
import { textOf } from '../../base/bytes.ts';
import type { SimpleOperation } from '../../tree/operation.ts';
import { maxPage } from '../../tree/operation.ts';
import { jobResultOf } from '../../tree/job-result.ts';
import { itemStates } from '../../tree/names.ts';
import {
  maxAttemptsLimit,
  maxDeadLimit,
  maxTake,
  maxVisibilityMs,
  minVisibilityMs,
} from '../../tree/operations/queue.ts';
import type { Bound } from '../bind.ts';
import type { ShellJob } from '../connection.ts';
import { jsonOfBytes } from '../display.ts';
import { lines, success } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';
import { UsageError, exitStatus } from '../status.ts';
import type { CommandContext, CommandSpec, FlagSpec, LeafFamily } from '../table.ts';
import { limit, path, value } from './arguments.ts';
import { showJobs } from './job-results.ts';

type JobCommands = Omit<
  LeafFamily<'queue'>['commands'],
  'queuePush' | 'queuePop' | 'queueFront' | 'queueBack' | 'queueLength' | 'queueList'
>;

const duration = { name: 'D', kind: 'duration' } as const;
const item = { name: 'ITEM', kind: 'integer', min: 1 } as const;
const receipt = { name: 'RECEIPT', kind: 'integer', min: 1, optional: true } as const;
const command = { name: 'COMMAND', kind: 'rest', optional: true } as const;
export const waitFlag: FlagSpec = {
  long: 'wait',
  argument: duration,
  about: 'where there is none, wait at most this long: 500ms, 10s, 5m',
};
const leaseFlag: FlagSpec = {
  long: 'lease',
  argument: duration,
  about: 'the lease of this shell, 10s unless given; it is set once',
};
const visibilityFlag: FlagSpec = {
  long: 'visibility',
  argument: duration,
  about: 'after this long, an item that was not acknowledged waits again; 30s unless given',
};
const defaultVisibilityMs = 30_000;

/** How long a job is one's own. @throws UsageError */
function visibilityOf(bound: Bound, name: string): number {
  const ms = bound.numberOr(name, defaultVisibilityMs);
  if (ms < minVisibilityMs || ms > maxVisibilityMs) throw new UsageError(`${name} is from 1s to 24h`);
  return ms;
}

/** The receipt of a job, which the shell knows for what it took itself. @throws UsageError */
function receiptOf(bound: Bound, context: CommandContext | null): number {
  if (bound.has('RECEIPT')) return bound.number('RECEIPT');
  const job = context?.jobs.of(bound.text('PATH'), bound.number('ITEM'));
  if (job != null) return job.receipt;
  throw new UsageError(
    context === null ? 'RECEIPT is needed here' : 'this shell did not take that item: RECEIPT is needed',
  );
}

function named(bound: Bound, context: CommandContext | null): { path: string; item: number; receipt: number } {
  return { path: bound.text('PATH'), item: bound.number('ITEM'), receipt: receiptOf(bound, context) };
}

/** A command that does something to a job, which this shell mostly took itself. */
function onJob<K extends SimpleOperation['kind']>(
  verb: string,
  more: Pick<CommandSpec, 'summary'> & Partial<CommandSpec>,
  operation: (bound: Bound, context: CommandContext | null) => Extract<SimpleOperation, { readonly kind: K }>,
  ends: boolean,
): CommandSpec & { readonly operation: (bound: Bound) => Extract<SimpleOperation, { readonly kind: K }> } {
  return {
    words: ['queue', verb],
    family: 'queue',
    needs: 'namespace',
    arguments: [path, item, receipt],
    flags: [],
    ...more,
    operation: (bound) => operation(bound, null),
    run: async (bound, context) => {
      const { stamp } = await context.execute(operation(bound, context));
      if (ends) context.jobs.of(bound.text('PATH'), bound.number('ITEM'))?.finish();
      return { ...success({ kind: 'ok' }, {}), stamp };
    },
  };
}

/** Runs a program for a job: it is acknowledged if the program ends well, and else given back. */
async function workOn(job: ShellJob, words: readonly string[], context: CommandContext): Promise<Outcome> {
  const run = context.runProgram;
  if (run === null) throw new UsageError('no program can be run here');
  const environment = {
    HARET_PATH: job.path,
    HARET_ITEM: String(job.item),
    HARET_ATTEMPT: String(job.attempts),
    HARET_VALUE: textOf(job.value) ?? '',
  };
  const { status, problem } = await run(words, environment, job);
  if (job.lost !== null) {
    const error = job.lost;
    return { ok: false, error, stamp: null, status: exitStatus.lockLost, bare: false, hints: [] };
  }
  const { path: where, item: id, receipt: by } = job;
  job.finish();
  if (problem === null) {
    await context.execute({ kind: 'queueAck', path: where, item: id, receipt: by });
    return lines([], { item: id, status });
  }
  const reason = `the program ${problem}`;
  await context.execute({ kind: 'queueNack', path: where, item: id, receipt: by, delayMs: null, reason });
  const [program = ''] = words;
  const error = errorInfo('ProgramFailed', `${program} ${problem}`, { program, status });
  return { ok: false, error, stamp: null, status, bare: false, hints: [] };
}

async function take(bound: Bound, context: CommandContext): Promise<Outcome> {
  const words = bound.words('COMMAND').map(({ text }) => text);
  if (words.length > 0 && context.runProgram === null) throw new UsageError('no program can be run here');
  const jobs = await context.take(takeOf(bound));
  const [first] = jobs;
  if (words.length > 0 && first !== undefined) return await workOn(first, words, context);
  const shown = jobs.map(({ item: id, value: bytes }) => `${id} ${textOf(bytes) ?? `${bytes.length} bytes`}`);
  return lines(
    shown,
    jobs.map(({ item: id, attempts, receipt: by, value: bytes }) => ({
      id,
      attempts,
      receipt: by,
      value: jsonOfBytes(bytes),
    })),
  );
}

function takeOf(bound: Bound): Extract<SimpleOperation, { kind: 'queueTake' }> {
  return {
    kind: 'queueTake',
    path: bound.text('PATH'),
    max: bound.words('COMMAND').length > 0 ? 1 : bound.numberOr('max', 1),
    visibilityMs: visibilityOf(bound, 'visibility'),
    waitMs: bound.has('wait') ? bound.number('wait') : 0,
    leaseMs: bound.has('lease') ? bound.number('lease') : null,
  };
}

/** Takes an item, acknowledges it, and only then shows it. */
export async function popWaiting(bound: Bound, context: CommandContext): Promise<Outcome> {
  const [job] = await context.take({
    kind: 'queueTake',
    path: bound.text('PATH'),
    max: 1,
    visibilityMs: defaultVisibilityMs,
    waitMs: bound.number('wait'),
    leaseMs: null,
  });
  if (job === undefined) return success({ kind: 'bytes', bytes: null }, {});
  const { path: where, item: id, receipt: by, value: bytes } = job;
  job.finish();
  const { stamp } = await context.execute({ kind: 'queueAck', path: where, item: id, receipt: by });
  return { ...success({ kind: 'bytes', bytes }, {}), stamp };
}

export const jobCommands: JobCommands = {
  queuePut: [
    {
      words: ['queue', 'put'],
      family: 'queue',
      needs: 'namespace',
      arguments: [path, value],
      flags: [
        {
          long: 'priority',
          argument: { name: 'N', kind: 'integer', min: 0, max: 9 },
          about: '0 to 9; higher ones come first',
        },
        { long: 'delay', argument: duration, about: 'it waits only after this long' },
        { long: 'dedup', argument: { name: 'ID', kind: 'text' }, about: 'put it once under this id' },
        { long: 'within', argument: duration, about: 'for so long after the first of this id; 5m unless given' },
      ],
      summary: 'Put VALUE into the queue at PATH, and print the number of the item.',
      examples: ['queue put /jobs resize-17 --priority 5', 'queue put /jobs mail-3 --delay 10m --dedup mail-3'],
      operation: (bound) => ({
        kind: 'queuePut',
        path: bound.text('PATH'),
        value: bound.bytes('VALUE'),
        priority: bound.numberOr('priority', 0),
        delayMs: bound.numberOr('delay', 0),
        dedup: bound.has('dedup') ? { id: bound.text('dedup'), ms: bound.numberOr('within', 300_000) } : null,
      }),
    },
  ],
  queueTake: [
    {
      words: ['queue', 'take'],
      family: 'queue',
      needs: 'namespace',
      arguments: [path, command],
      flags: [
        {
          long: 'max',
          argument: { name: 'N', kind: 'integer', min: 1, max: maxTake },
          about: 'at most so many items, 1 unless given',
        },
        visibilityFlag,
        waitFlag,
        leaseFlag,
      ],
      form: 'PATH [--max N] [--visibility D] [--wait D] [--lease D] [-- COMMAND ...]',
      summary: 'Take items of the queue at PATH as jobs, and print their numbers and values.',
      details: [
        'A job is taken back unless `queue ack` comes in time, and when this shell ends.',
        'With COMMAND, takes one item and runs that program, with the item in HARET_VALUE, HARET_ITEM and HARET_ATTEMPT.',
        'The item is acknowledged if the program ends with status 0, and else given back. Meanwhile it is extended.',
      ],
      examples: ['queue take /jobs --wait 1m', 'queue take /jobs --wait 1m -- ./work.sh'],
      operation: takeOf,
      run: take,
    },
  ],
  queueAck: [
    onJob(
      'ack',
      { summary: 'Acknowledge the job ITEM of the queue at PATH: it is done, and goes away.' },
      (bound, context) => ({ kind: 'queueAck', ...named(bound, context) }),
      true,
    ),
  ],
  queueNack: [
    onJob(
      'nack',
      {
        summary: 'Give back the job ITEM of the queue at PATH, because it failed.',
        details: [
          'Without --delay, it waits again after a second, and after each failure twice as long, up to a minute.',
        ],
        flags: [
          { long: 'delay', argument: duration, about: 'it waits again after this long' },
          { long: 'reason', argument: { name: 'TEXT', kind: 'text' }, about: 'why it failed' },
        ],
      },
      (bound, context) => ({
        kind: 'queueNack',
        ...named(bound, context),
        delayMs: bound.has('delay') ? bound.number('delay') : null,
        reason: bound.textOr('reason', ''),
      }),
      true,
    ),
  ],
  queueExtend: [
    onJob(
      'extend',
      { summary: 'Have the job ITEM of the queue at PATH for longer, from now on.', flags: [visibilityFlag] },
      (bound, context) => ({
        kind: 'queueExtend',
        ...named(bound, context),
        visibilityMs: visibilityOf(bound, 'visibility'),
      }),
      false,
    ),
  ],
  queueProgress: [
    onJob(
      'progress',
      {
        arguments: [path, item, { name: 'NOTE', kind: 'text' }, receipt],
        summary: 'Show others with NOTE how far the job ITEM of the queue at PATH is.',
      },
      (bound, context) => ({ kind: 'queueProgress', ...named(bound, context), note: bound.text('NOTE') }),
      false,
    ),
  ],
  queueConfigure: [
    {
      words: ['queue', 'configure'],
      family: 'queue',
      needs: 'namespace',
      arguments: [path],
      flags: [
        {
          long: 'max-attempts',
          argument: { name: 'N', kind: 'integer', min: 0, max: maxAttemptsLimit },
          about: 'an item is dead after so many attempts, 5 unless set; 0: never',
        },
        {
          long: 'max-dead',
          argument: { name: 'N', kind: 'integer', min: 0, max: maxDeadLimit },
          about: 'so many dead items are kept, 10000 unless set',
        },
      ],
      summary: 'Change the settings of the queue at PATH.',
      operation: (bound) => ({
        kind: 'queueConfigure',
        path: bound.text('PATH'),
        maxAttempts: bound.has('max-attempts') ? bound.number('max-attempts') : null,
        maxDead: bound.has('max-dead') ? bound.number('max-dead') : null,
      }),
    },
  ],
  queueDead: [
    raising('retry', 'Have dead items of the queue at PATH wait again, as if they were new.'),
    raising('drop', 'Drop dead items of the queue at PATH.'),
  ],
  queueJob: [
    {
      words: ['queue', 'job'],
      family: 'queue',
      needs: 'namespace',
      arguments: [path, item, { name: 'RECEIPT', kind: 'integer', min: 1 }],
      flags: [],
      summary: 'Print the value of the job ITEM of the queue at PATH.',
      operation: (bound) => ({ kind: 'queueJob', ...named(bound, null) }),
    },
  ],
  queueItems: [
    listing(['queue', 'items'], 'Print the items of the queue at PATH that are taken, delayed or dead.', null),
    listing(['queue', 'dead', 'list'], 'Print the dead items of the queue at PATH, with why they died.', 'dead'),
  ],
  queueInfo: [
    {
      words: ['queue', 'info'],
      family: 'queue',
      needs: 'namespace',
      arguments: [path],
      flags: [],
      summary: 'Print how many items of the queue at PATH wait, are delayed, taken and dead, and its settings.',
      operation: (bound) => ({ kind: 'queueInfo', path: bound.text('PATH') }),
    },
  ],
};

function raising(verb: 'retry' | 'drop', summary: string): JobCommands['queueDead'][number] {
  return {
    words: ['queue', 'dead', verb],
    family: 'queue',
    needs: 'namespace',
    arguments: [path, { ...item, optional: true }],
    flags: [{ long: 'all', about: 'all of them, at most 1000 at once' }],
    form: 'PATH ITEM|--all',
    summary,
    operation: (bound) => {
      const all = bound.has('all');
      if (all === bound.has('ITEM')) throw new UsageError('expected either ITEM or --all');
      return {
        kind: 'queueDead',
        path: bound.text('PATH'),
        item: all ? 0 : bound.number('ITEM'),
        drop: verb === 'drop',
      };
    },
  };
}

function listing(
  words: readonly string[],
  summary: string,
  state: (typeof itemStates)[number] | null,
): JobCommands['queueItems'][number] {
  const stateArgument = { name: 'STATE', kind: 'choice', choices: itemStates } as const;
  return {
    words,
    family: 'queue',
    needs: 'namespace',
    arguments: state === null ? [path, stateArgument] : [path],
    flags: [limit, { long: 'from', argument: { name: 'POSITION', kind: 'integer' }, about: 'begin at this position' }],
    summary,
    operation: (bound) => ({
      kind: 'queueItems',
      path: bound.text('PATH'),
      state: state ?? (bound.text('STATE') as (typeof itemStates)[number]),
      limit: bound.numberOr('limit', maxPage),
      from: bound.numberOr('from', 0),
    }),
    show: (result, bound) => {
      const listed = result.kind === 'table' ? jobResultOf(result) : null;
      if (listed?.kind !== 'items') throw new UsageError('a list was answered by something else');
      const shown = showJobs(listed);
      return listed.more ? { ...shown, more: `--from ${bound.numberOr('from', 0) + listed.items.length}` } : shown;
    },
  };
}
