/**
 * Commands that take and give up what locks, semaphores, barriers and elections have (coordination §4). What a shell
 * holds, it holds until it gives it up, leaves the namespace, or ends.
 */

import { errorInfo } from '../../base/errors.ts';
import type { ErrorInfo } from '../../base/errors.ts';
import type { ClaimType } from '../../tree/names.ts';
import type { Bound } from '../bind.ts';
import type { ClaimWish, ShellHold } from '../connection.ts';
import { lines, success } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';
import { UsageError, exitStatus } from '../status.ts';
import type { CommandContext, CommandSpec, FlagSpec } from '../table.ts';
import { path } from './arguments.ts';

const duration = { name: 'D', kind: 'duration' } as const;
const waitFlag: FlagSpec = { long: 'wait', argument: duration, about: 'wait at most this long: 500ms, 10s, 5m' };
const leaseFlag: FlagSpec = {
  long: 'lease',
  argument: duration,
  about: 'the lease of this shell, 10s unless given; it is set once',
};
const command = { name: 'COMMAND', kind: 'rest', optional: true } as const;
const childDetails = [
  'With COMMAND, runs that program while it is held, and gives it up when the program ends.',
  'The program has the path in HARET_PATH and the fencing token in HARET_TOKEN.',
  'The exit status is that of the program.',
  'If it is lost, the program gets SIGTERM, and the exit status is 7.',
];

function wish(type: ClaimType, bound: Bound, more: Partial<ClaimWish> = {}): ClaimWish {
  return {
    kind: 'claim',
    path: bound.text('PATH'),
    permits: 1,
    exclusive: type === 'lock' || type === 'election',
    value: null,
    waitMs: bound.has('wait') ? bound.number('wait') : null,
    leaseMs: bound.has('lease') ? bound.number('lease') : null,
    auto: type === 'barrier' ? null : type,
    of: null,
    ...more,
  } as ClaimWish;
}

function failure(error: ErrorInfo, status: Extract<Outcome, { ok: false }>['status']): Outcome {
  return { ok: false, error, stamp: null, status, bare: false, hints: [] };
}

/** Takes it, and runs a program meanwhile if one is given. */
async function take(asked: ClaimWish, bound: Bound, context: CommandContext): Promise<Outcome> {
  const words = bound.words('COMMAND').map(({ text }) => text);
  const run = context.runProgram;
  if (words.length > 0 && run === null) throw new UsageError('no program can be run here');
  const hold = await context.claim(asked);
  if (hold === null) return lines(['Ok'], { passed: true });
  const { claim, token } = hold;
  if (words.length === 0 || run === null) return success({ kind: 'number', number: token }, {});
  const { status, problem } = await run(
    words,
    { HARET_PATH: hold.path, HARET_TOKEN: String(token), HARET_CLAIM: String(claim) },
    hold,
  );
  if (hold.lost !== null) return failure(hold.lost, exitStatus.lockLost);
  context.holds.take(hold.path);
  await context.release(hold);
  if (problem === null) return lines([], { token, status });
  const program = words[0] ?? '';
  return failure(errorInfo('ProgramFailed', `${program} ${problem}`, { program, status }), status);
}

function held(bound: Bound, context: CommandContext): ShellHold | Outcome {
  const where = bound.text('PATH');
  const hold = context.holds.of(where);
  if (hold !== null) return hold;
  return failure(
    errorInfo('NotHeld', `Not held: this shell holds nothing at ${where}`, { path: where }),
    exitStatus.failed,
  );
}

async function giveUp(bound: Bound, context: CommandContext): Promise<Outcome> {
  const hold = held(bound, context);
  if ('ok' in hold) return hold;
  context.holds.take(hold.path);
  await context.release(hold);
  return success({ kind: 'ok' }, {});
}

function acquire(
  type: ClaimType,
  verb: string,
  summary: string,
  more: Partial<CommandSpec>,
  asked: (bound: Bound) => ClaimWish,
): CommandSpec {
  return {
    words: [type, verb],
    family: type,
    needs: 'namespace',
    arguments: [path, command],
    flags: [waitFlag, leaseFlag],
    summary,
    details: childDetails,
    run: (bound, context) => take(asked(bound), bound, context),
    ...more,
  };
}

function release(type: ClaimType, verb: string, summary: string): CommandSpec {
  return { words: [type, verb], family: type, needs: 'namespace', arguments: [path], flags: [], summary, run: giveUp };
}

function info(type: ClaimType): CommandSpec {
  return {
    words: [type, 'info'],
    family: type,
    needs: 'namespace',
    arguments: [path],
    flags: [],
    summary: `Print who has the ${type} at PATH, and who waits.`,
    operation: (bound) => ({ kind: 'claims', path: bound.text('PATH'), limit: 1000, from: 0 }),
  };
}

const sharedFlag: FlagSpec = { long: 'shared', about: 'together with others who share it' };
const permitsFlag: FlagSpec = {
  long: 'permits',
  argument: { name: 'N', kind: 'integer', min: 1, max: 1_000_000 },
  about: 'so many permits, 1 unless given',
};
const ofFlag: FlagSpec = {
  long: 'of',
  argument: { name: 'N', kind: 'integer', min: 1, max: 1_000_000 },
  about: 'where no semaphore is, make one with N permits, which goes with its last holder',
};
const valueFlag: FlagSpec = { long: 'value', argument: { name: 'VALUE', kind: 'value' }, about: 'what observers see' };

export const claimingCommands: readonly CommandSpec[] = [
  acquire(
    'lock',
    'acquire',
    'Wait for the lock at PATH, and print its fencing token.',
    {
      flags: [sharedFlag, waitFlag, leaseFlag],
      form: 'PATH [--shared] [--wait D] [--lease D] [-- COMMAND ...]',
      examples: ['lock acquire /deploy', 'lock acquire /deploy --wait 30s -- ./deploy.sh'],
    },
    (bound) => wish('lock', bound, { exclusive: !bound.has('shared') }),
  ),
  acquire(
    'lock',
    'try',
    'Take the lock at PATH if it is free now.',
    { flags: [sharedFlag, leaseFlag], form: 'PATH [--shared] [--lease D] [-- COMMAND ...]' },
    (bound) => wish('lock', bound, { exclusive: !bound.has('shared'), waitMs: 0 }),
  ),
  release('lock', 'release', 'Give up the lock at PATH that this shell holds.'),
  {
    words: ['lock', 'steal'],
    family: 'lock',
    needs: 'namespace',
    arguments: [path],
    flags: [],
    summary: 'Take the lock at PATH away from its holders.',
    details: ['Their tokens are dead at once. The next one gets the lock when they can no longer count on it.'],
    operation: (bound) => ({ kind: 'steal', path: bound.text('PATH'), claim: 0, put: null }),
  },
  info('lock'),
  acquire(
    'semaphore',
    'acquire',
    'Wait for permits of the semaphore at PATH, and print their fencing token.',
    {
      flags: [permitsFlag, ofFlag, waitFlag, leaseFlag],
      form: 'PATH [--permits N] [--of N] [--wait D] [--lease D] [-- COMMAND ...]',
    },
    (bound) => {
      const of = bound.has('of') ? bound.number('of') : null;
      return wish('semaphore', bound, {
        permits: bound.numberOr('permits', 1),
        of,
        auto: of === null ? null : 'semaphore',
      });
    },
  ),
  release('semaphore', 'release', 'Give back the permits of the semaphore at PATH that this shell took last.'),
  info('semaphore'),
  acquire(
    'barrier',
    'wait',
    'Wait until the barrier at PATH is open.',
    { arguments: [path], form: 'PATH [--wait D] [--lease D]', details: [] },
    (bound) => wish('barrier', bound),
  ),
  info('barrier'),
  acquire(
    'election',
    'campaign',
    'Wait until this shell leads the election at PATH, and print its term.',
    {
      flags: [valueFlag, waitFlag, leaseFlag],
      form: 'PATH [--value VALUE] [--wait D] [--lease D] [-- COMMAND ...]',
    },
    (bound) => wish('election', bound, { value: bound.has('value') ? bound.bytes('value') : null }),
  ),
  release('election', 'resign', 'Give up the lead of the election at PATH.'),
  {
    words: ['election', 'proclaim'],
    family: 'election',
    needs: 'namespace',
    arguments: [path, { name: 'VALUE', kind: 'value' }],
    flags: [],
    summary: 'As leader of the election at PATH, replace the value that observers see.',
    run: async (bound, context) => {
      const hold = held(bound, context);
      if ('ok' in hold) return hold;
      const { claim, token } = hold;
      const { stamp } = await context.execute({
        kind: 'proclaim',
        path: hold.path,
        claim,
        token,
        value: bound.bytes('VALUE'),
      });
      return { ...success({ kind: 'ok' }, {}), stamp };
    },
  },
  info('election'),
];
