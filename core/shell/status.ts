/** Exit statuses (docs/language.md), and which error leads to which status. */

import { errorInfo } from '../base/errors.ts';
import type { ErrorCode, ErrorInfo } from '../base/errors.ts';

export const exitStatus = {
  done: 0,
  failed: 1,
  usage: 2,
  guardFailed: 3,
  notFound: 4,
  unavailable: 5,
  notAllowed: 6,
  lockLost: 7,
  /** A program cannot be run, or is not there, as shells say it. */
  cannotRun: 126,
  noProgram: 127,
  hungUp: 129,
  interrupted: 130,
  quit: 131,
  terminated: 143,
} as const;
/** One of these, or that of a program which the shell ran. */
export type ExitStatus = number;

/** The usual status: "unavailable" for an error that may be tried again, otherwise "failed". */
const usual = null;

const statusOfCode: Readonly<Record<ErrorCode, ExitStatus | typeof usual>> = {
  PathNotFound: exitStatus.notFound,
  PathExists: usual,
  PathMustBeDirectory: usual,
  PathNotAbsolute: usual,
  PathMalformed: usual,
  WrongType: usual,
  CannotDeleteRoot: usual,
  DirectoryNotEmpty: usual,
  GuardFailed: exitStatus.guardFailed,
  CounterOverflow: usual,
  LimitExceeded: usual,
  UnknownOperation: usual,
  Held: usual,
  NotHeld: usual,
  WaitOver: exitStatus.unavailable,
  Lost: exitStatus.lockLost,
  SessionGone: usual,
  RequestTooOld: usual,
  ClientIdHeld: usual,
  ClientIdTaken: usual,
  WindowExceeded: usual,
  Overloaded: usual,
  NotPrimary: usual,
  NoPrimary: usual,
  Timeout: exitStatus.unavailable,
  Disconnected: exitStatus.unavailable,
  Retry: usual,
  BadEpoch: usual,
  DiskLow: usual,
  MemoryLow: usual,
  UnknownNamespace: exitStatus.notFound,
  NamespaceExists: usual,
  BadName: usual,
  NotInNamespace: exitStatus.usage,
  NotEnoughReplicas: usual,
  NodeNotFound: exitStatus.notFound,
  NodeRefused: usual,
  NodeUnreachable: exitStatus.unavailable,
  ReplicaNotFound: exitStatus.notFound,
  WrongCluster: usual,
  NotAllowed: exitStatus.notAllowed,
  BadFrame: usual,
  BadArgument: exitStatus.usage,
  BadValue: usual,
  Interrupted: exitStatus.interrupted,
  ProgramFailed: usual,
  Closed: exitStatus.unavailable,
  Internal: usual,
};

/** The exit status of a failed command. */
export function statusOf(error: ErrorInfo): ExitStatus {
  return statusOfCode[error.code] ?? (error.retryable ? exitStatus.unavailable : exitStatus.failed);
}

/** A command that cannot be understood. `problem` says what is wrong with it, and `usage` how it is written. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly problem: string;
  usage: string | null;

  constructor(problem: string, usage: string | null = null) {
    super(problem);
    this.problem = problem;
    this.usage = usage;
  }
}

export const interruptedError: ErrorInfo = errorInfo('Interrupted', 'Interrupted');
