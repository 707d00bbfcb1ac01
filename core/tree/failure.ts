/**
 * Why an operation was refused, as a plain value. A failure is ordinary here, so it must cost neither a throw nor a
 * stack trace.
 */

import { errorInfo } from '../base/errors.ts';
import type { ErrorCode, ErrorDetails, ErrorInfo } from '../base/errors.ts';

/** The failing half of a `Result`. `instanceof` distinguishes it from nodes and results. */
export class Failure {
  readonly ok = false as const;
  readonly error: ErrorInfo;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    this.error = errorInfo(code, message, details);
  }

  /** The same failure with further facts. */
  with(details: ErrorDetails): Failure {
    const { code, message } = this.error;
    return new Failure(code, message, { ...this.error.details, ...details });
  }
}

export function notFound(path: string): Failure {
  return new Failure('PathNotFound', `Path Does not exist: ${path}`, { path });
}

export function alreadyExists(path: string): Failure {
  return new Failure('PathExists', `Path Already exists: ${path}`, { path });
}

export function mustBeDirectory(path: string): Failure {
  return new Failure('PathMustBeDirectory', `Path must end in directory: ${path}`, { path });
}

export function wrongType(path: string, expected: string, actual: string): Failure {
  return new Failure('WrongType', 'Wrong type', { path, expected, actual });
}

/** A guard that does not hold, whether it came with an operation or in a transaction. */
export function guardFailed(path: string, guard: string, facts: ErrorDetails = {}): Failure {
  return new Failure('GuardFailed', 'Cas Failed', { path, guard, ...facts });
}

export function badArgument(problem: string, details: ErrorDetails = {}): Failure {
  return new Failure('BadArgument', problem, details);
}

/** An operation or transaction that looked at more nodes and members than it may. */
export function tooMuchWork(max: number): Failure {
  return new Failure('LimitExceeded', `Limit exceeded: maxSteps is ${max}, this needs more`, {
    name: 'maxSteps',
    limit: max,
    actual: max + 1,
  });
}

/** @param limit the configuration key of the limit that was reached. */
export function limitExceeded(limit: string, max: number, actual: number, details: ErrorDetails = {}): Failure {
  return new Failure('LimitExceeded', `Limit exceeded: ${limit} is ${max}, this needs ${actual}`, {
    name: limit,
    limit: max,
    actual,
    ...details,
  });
}
