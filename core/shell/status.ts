/** Exit statuses (docs/language.md), and which error leads to which. */

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
  interrupted: 130,
} as const;
export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus];

const statusOfCode: Readonly<Partial<Record<ErrorCode, ExitStatus>>> = {
  GuardFailed: exitStatus.guardFailed,
  PathNotFound: exitStatus.notFound,
  UnknownNamespace: exitStatus.notFound,
  NodeNotFound: exitStatus.notFound,
  ReplicaNotFound: exitStatus.notFound,
  Timeout: exitStatus.unavailable,
  Disconnected: exitStatus.unavailable,
  Closed: exitStatus.unavailable,
  NodeUnreachable: exitStatus.unavailable,
  NotAllowed: exitStatus.notAllowed,
  BadArgument: exitStatus.usage,
  NotInNamespace: exitStatus.usage,
  Interrupted: exitStatus.interrupted,
};

/** The exit status of a failed command. What may be tried again is "unavailable". */
export function statusOf(error: ErrorInfo): ExitStatus {
  return statusOfCode[error.code] ?? (error.retryable ? exitStatus.unavailable : exitStatus.failed);
}

/** A command that cannot be understood: `problem` says what is wrong with it, `usage` how it is written. */
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
