/**
 * The errors that cross haret's borders: one class, a discriminated `code`, and whether the operation that failed may have
 * happened (design §2). Their texts are those of language §2.
 */

/** Thrown by decoders and guards: these bytes or this value are not what they should be; `where` names the field. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';
  readonly where: string;

  constructor(problem: string, where = '') {
    super(where === '' ? problem : `${where}: ${problem}`);
    this.where = where;
  }
}

/** `definite`: the operation did not happen. `unknown`: it may have happened, or may yet. */
export type Outcome = 'definite' | 'unknown';

/** Every code, with what a client may do: retry the same call, and what is known of its outcome. */
export const errorCodes = {
  // The tree (design §3).
  PathNotFound: { retryable: false, outcome: 'definite' },
  PathExists: { retryable: false, outcome: 'definite' },
  PathMustBeDirectory: { retryable: false, outcome: 'definite' },
  PathNotAbsolute: { retryable: false, outcome: 'definite' },
  PathMalformed: { retryable: false, outcome: 'definite' },
  WrongType: { retryable: false, outcome: 'definite' },
  CannotDeleteRoot: { retryable: false, outcome: 'definite' },
  DirectoryNotEmpty: { retryable: false, outcome: 'definite' },
  GuardFailed: { retryable: false, outcome: 'definite' },
  CounterOverflow: { retryable: false, outcome: 'definite' },
  LimitExceeded: { retryable: false, outcome: 'definite' },
  UnknownOperation: { retryable: false, outcome: 'definite' },
  // Sessions and groups (protocol §7).
  SessionGone: { retryable: false, outcome: 'unknown' },
  RequestTooOld: { retryable: false, outcome: 'unknown' },
  /** Another incarnation holds this ClientID and may be alive. */
  ClientIdHeld: { retryable: true, outcome: 'definite' },
  WindowExceeded: { retryable: true, outcome: 'definite' },
  Overloaded: { retryable: true, outcome: 'definite' },
  NotPrimary: { retryable: true, outcome: 'definite' },
  NoPrimary: { retryable: true, outcome: 'definite' },
  Timeout: { retryable: true, outcome: 'unknown' },
  Disconnected: { retryable: true, outcome: 'unknown' },
  Retry: { retryable: true, outcome: 'definite' },
  BadEpoch: { retryable: true, outcome: 'definite' },
  DiskLow: { retryable: true, outcome: 'definite' },
  // Cluster and administration (design §6).
  UnknownNamespace: { retryable: false, outcome: 'definite' },
  NamespaceExists: { retryable: false, outcome: 'definite' },
  BadName: { retryable: false, outcome: 'definite' },
  NotInNamespace: { retryable: false, outcome: 'definite' },
  NotEnoughReplicas: { retryable: false, outcome: 'definite' },
  NodeNotFound: { retryable: false, outcome: 'definite' },
  NodeRefused: { retryable: false, outcome: 'definite' },
  NodeUnreachable: { retryable: true, outcome: 'definite' },
  ReplicaNotFound: { retryable: false, outcome: 'definite' },
  WrongCluster: { retryable: false, outcome: 'definite' },
  NotAllowed: { retryable: false, outcome: 'definite' },
  // Frames and arguments.
  BadFrame: { retryable: false, outcome: 'definite' },
  BadArgument: { retryable: false, outcome: 'definite' },
  BadValue: { retryable: false, outcome: 'definite' },
  Interrupted: { retryable: false, outcome: 'unknown' },
  Closed: { retryable: false, outcome: 'definite' },
  Internal: { retryable: false, outcome: 'unknown' },
} as const satisfies Record<string, { retryable: boolean; outcome: Outcome }>;

export type ErrorCode = keyof typeof errorCodes;

/** Further facts by name: the limit and the actual size, the path that was asked for, the address to go to. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

/** An error as it travels and as it is printed; {@link HaretError} is the same as an exception. */
export interface ErrorInfo {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly outcome: Outcome;
  readonly details: ErrorDetails;
}

export class HaretError extends Error implements ErrorInfo {
  override readonly name = 'HaretError';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly outcome: Outcome;
  readonly details: ErrorDetails;

  /** @param options `cause`: what led to it in this process, such as the reason of an abort signal. */
  constructor(info: ErrorInfo, options?: ErrorOptions) {
    super(info.message, options);
    this.code = info.code;
    this.retryable = info.retryable;
    this.outcome = info.outcome;
    this.details = info.details;
  }
}

/** An error's value from its code; `outcome` overrides the code's own where the caller knows better. */
export function errorInfo(code: ErrorCode, message: string, details: ErrorDetails = {}, outcome?: Outcome): ErrorInfo {
  const known = errorCodes[code];
  return { code, message, retryable: known.retryable, outcome: outcome ?? known.outcome, details };
}

export function haretError(
  code: ErrorCode,
  message: string,
  details: ErrorDetails = {},
  outcome?: Outcome,
): HaretError {
  return new HaretError(errorInfo(code, message, details, outcome));
}

/** A value or an error, for code that is asked to fail often and cheaply. */
export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ErrorInfo };

export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

export function fail(
  code: ErrorCode,
  message: string,
  details: ErrorDetails = {},
  outcome?: Outcome,
): { readonly ok: false; readonly error: ErrorInfo } {
  return { ok: false, error: errorInfo(code, message, details, outcome) };
}
