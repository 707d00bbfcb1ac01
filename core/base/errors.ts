/**
 * The errors that cross haret's borders. There is one class. `code` says what went wrong, and `outcome` says whether
 * the operation may have happened all the same (architecture §2). The texts are those of docs/language.md.
 */

/** Decoders and guards throw this when bytes or a value are not what they should be. `where` names the field. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';
  readonly where: string;

  constructor(problem: string, where = '') {
    super(where === '' ? problem : `${where}: ${problem}`);
    this.where = where;
  }
}

/** `definite`: the operation did not happen. `unknown`: it may have happened, or may still happen. */
export type Outcome = 'definite' | 'unknown';

const refused = { retryable: false, outcome: 'definite' } as const;
/** Another attempt may well succeed. */
const passing = { retryable: true, outcome: 'definite' } as const;
const doubtful = { retryable: false, outcome: 'unknown' } as const;
const cutOff = { retryable: true, outcome: 'unknown' } as const;

/** Every code, with whether the same call may be tried again, and what is known of its outcome. */
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
  // Coordination (coordination §15).
  /** Another one holds it. */
  Held: passing,
  /** This session does not hold it, or not with this token. */
  NotHeld: refused,
  /** The wait for a claim ended before it was granted. */
  WaitOver: passing,
  /** What was held can no longer be counted on. Only clients say so. */
  Lost: refused,
  // Sessions and groups (protocol §7).
  SessionGone: doubtful,
  RequestTooOld: doubtful,
  /** Another incarnation holds this ClientID and may still be alive. */
  ClientIdHeld: passing,
  /** Another process of the same incarnation took over this ClientID, and is alive. */
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
  MemoryLow: passing,
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
  /** A program that a shell ran ended with a failure, or could not be run. Only shells say so. */
  ProgramFailed: refused,
  Closed: refused,
  Internal: doubtful,
} as const satisfies Record<string, { retryable: boolean; outcome: Outcome }>;

/** What went wrong, as a name. `docs/errors.md` says for each code what happened and what to do. */
export type ErrorCode = keyof typeof errorCodes;

/** More facts by name: the limit and the actual size, the path that was asked for, the address to use instead. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

/** An error as it travels and as it is printed. {@link HaretError} is the same as an exception. */
export interface ErrorInfo {
  /** What went wrong. */
  readonly code: ErrorCode;
  /** What went wrong, in words for people, with the value or name that it was about. */
  readonly message: string;
  /** The same call may well succeed later. */
  readonly retryable: boolean;
  /** Whether the operation may have happened all the same. */
  readonly outcome: Outcome;
  /** More facts by name: limits and actual sizes, paths, addresses. */
  readonly details: ErrorDetails;
}

/**
 * The only error class of this package. `code` says what went wrong, and `outcome` says whether the operation may have
 * happened all the same.
 */
export class HaretError extends Error implements ErrorInfo {
  /** Always this name, for code that tells errors apart by name across copies of the package. */
  override readonly name = 'HaretError';
  /** What went wrong. */
  readonly code: ErrorCode;
  /** The same call may well succeed later. */
  readonly retryable: boolean;
  /** Whether the operation may have happened all the same. */
  readonly outcome: Outcome;
  /** More facts by name: limits and actual sizes, paths, addresses. */
  readonly details: ErrorDetails;

  /** @param options `cause`: what led to the error in this process, such as the reason of an abort signal. */
  constructor(info: ErrorInfo, options?: ErrorOptions) {
    super(info.message, options);
    this.code = info.code;
    this.retryable = info.retryable;
    this.outcome = info.outcome;
    this.details = info.details;
  }
}

/** Makes an error's value from its code. `outcome` replaces the code's own outcome where the caller knows better. */
export function errorInfo(code: ErrorCode, message: string, details: ErrorDetails = {}, outcome?: Outcome): ErrorInfo {
  const known = errorCodes[code];
  return { code, message, retryable: known.retryable, outcome: outcome ?? known.outcome, details };
}

/** The error of a session that is no more. @param continued another process goes on with its ClientID. */
export function sessionGone(session: number, continued: boolean): ErrorInfo {
  const text = `Session ${session} is ${continued ? 'continued by another process' : 'gone'}`;
  return errorInfo('SessionGone', text, continued ? { session, continued } : { session });
}

export function haretError(
  code: ErrorCode,
  message: string,
  details: ErrorDetails = {},
  outcome?: Outcome,
): HaretError {
  return new HaretError(errorInfo(code, message, details, outcome));
}

/** A value or an error, for code that fails often and has to fail cheaply. */
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
