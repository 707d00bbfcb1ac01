/**
 * The errors that cross haret's borders: one class, a discriminated `code`, and whether the operation that failed may have
 * happened (architecture §2). Their texts are those of docs/language.md.
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

const refused = { retryable: false, outcome: 'definite' } as const;
/** Another try may well succeed. */
const passing = { retryable: true, outcome: 'definite' } as const;
const doubtful = { retryable: false, outcome: 'unknown' } as const;
const cutOff = { retryable: true, outcome: 'unknown' } as const;

/** Every code, with what a client may do: retry the same call, and what is known of its outcome. */
export const errorCodes = {
  // The tree (architecture §3).
  PathNotFound: refused,
  PathExists: refused,
  PathMustBeDirectory: refused,
  PathNotAbsolute: refused,
  PathMalformed: refused,
  WrongType: refused,
  CannotDeleteRoot: refused,
  DirectoryNotEmpty: refused,
  GuardFailed: refused,
  CounterOverflow: refused,
  LimitExceeded: refused,
  UnknownOperation: refused,
  // Sessions and groups (protocol §7).
  SessionGone: doubtful,
  RequestTooOld: doubtful,
  /** Another incarnation holds this ClientID and may be alive. */
  ClientIdHeld: passing,
  /** Another process of the same incarnation went on with this ClientID, and lives. */
  ClientIdTaken: refused,
  WindowExceeded: passing,
  Overloaded: passing,
  NotPrimary: passing,
  NoPrimary: passing,
  Timeout: cutOff,
  Disconnected: cutOff,
  Retry: passing,
  BadEpoch: passing,
  DiskLow: passing,
  // Cluster and administration (architecture §6).
  UnknownNamespace: refused,
  NamespaceExists: refused,
  BadName: refused,
  NotInNamespace: refused,
  NotEnoughReplicas: refused,
  NodeNotFound: refused,
  NodeRefused: refused,
  NodeUnreachable: passing,
  ReplicaNotFound: refused,
  WrongCluster: refused,
  NotAllowed: refused,
  // Frames and arguments.
  BadFrame: refused,
  BadArgument: refused,
  BadValue: refused,
  Interrupted: doubtful,
  Closed: refused,
  Internal: doubtful,
} as const satisfies Record<string, { retryable: boolean; outcome: Outcome }>;

/** What went wrong, by name; `docs/errors.md` says of each what happened and what to do. */
export type ErrorCode = keyof typeof errorCodes;

/** Further facts by name: the limit and the actual size, the path that was asked for, the address to go to. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

/** An error as it travels and as it is printed; {@link HaretError} is the same as an exception. */
export interface ErrorInfo {
  /** What went wrong. */
  readonly code: ErrorCode;
  /** The same for people, with what it was about. */
  readonly message: string;
  /** The same call may well succeed later. */
  readonly retryable: boolean;
  /** Whether what was asked may have happened all the same. */
  readonly outcome: Outcome;
  /** Further facts by name: limits and actual sizes, paths, addresses. */
  readonly details: ErrorDetails;
}

/** The one error of this package. `code` tells what went wrong, and `outcome` whether what was asked may have happened. */
export class HaretError extends Error implements ErrorInfo {
  /** Always that: for those who tell errors apart by name, across copies of the package. */
  override readonly name = 'HaretError';
  /** What went wrong. */
  readonly code: ErrorCode;
  /** The same call may well succeed later. */
  readonly retryable: boolean;
  /** Whether what was asked may have happened all the same. */
  readonly outcome: Outcome;
  /** Further facts by name: limits and actual sizes, paths, addresses. */
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
