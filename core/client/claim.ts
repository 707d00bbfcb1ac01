/** One claim as its client knows it: its state, and who is told what becomes of it (coordination §5). */

import type { ErrorInfo, Result } from '../base/errors.ts';
import { errorInfo } from '../base/errors.ts';
import type { Op } from '../base/ids.ts';
import type { BelongingRecord } from '../service/told.ts';
import type { DataCall } from './calls.ts';

/** Why something that was held, or waited for, can no longer be counted on. */
export type LostReason = 'lapsed' | 'timeUp' | 'stolen' | 'continued' | 'deleted' | 'sessionGone' | 'closed';

/** What its handler is told of a claim. */
export type ClaimTold =
  /** It is in line, behind so many others. */
  | { readonly kind: 'waits'; readonly claim: Op; readonly ahead: number }
  /** It is held, and may be counted on from now on. A take is told what it was given. */
  | { readonly kind: 'granted'; readonly claim: Op; readonly token: Op; readonly given: Given | null }
  /** A take that did not want to wait got no item. This comes last. */
  | { readonly kind: 'nothing' }
  /** A job of a take can no longer be counted on, with the code `Lost`. */
  | { readonly kind: 'jobOver'; readonly item: number; readonly error: ErrorInfo }
  /** It passed an open barrier. This comes last. */
  | { readonly kind: 'passed'; readonly op: Op }
  /** It was not granted; or, with the code `Lost`, it can no longer be counted on. This comes last. */
  | { readonly kind: 'ended'; readonly error: ErrorInfo };

/** The items that a take was given. */
export interface Given {
  /** The replicated time at which they are taken back. */
  readonly until: number;
  /** Those that were given by a notice have no values. They must be read. */
  readonly items: readonly { readonly id: number; readonly attempts: number; readonly value: Uint8Array | null }[];
}

export interface ClaimOptions {
  /** How long it may take until it is granted or stands in line. */
  readonly timeoutMs: number;
  /** At a barrier, a grant is a passage, and nothing is held. */
  readonly passes?: boolean;
  /** Jobs of a take are extended by this much again and again until they are finished. */
  readonly extendMs?: number;
}

/** A claim that was made. */
export interface ClaimHandle {
  /** True while it is held and may be counted on. */
  readonly held: boolean;
  /** Looks at the clock. If it can no longer be counted on, the handler is told now. */
  look(): void;
  /** Gives it up, whatever became of it. Nothing more is told. */
  cancel(): void;
  /**
   * Gives up what is held. From now on nothing counts on it.
   * @param to a claim that then comes first, or 0. @param done is told true when this ended the hold.
   */
  release(to: Op, timeoutMs: number, done: (result: Result<boolean>) => void): void;
  /** Of a take: true while a job of it may be counted on. */
  has(item: number): boolean;
  /** Nothing counts on this job any more: it is acknowledged, or given back. */
  finish(item: number): void;
  /** The job is taken until this replicated time. */
  extended(item: number, until: number): void;
}

const texts = {
  lapsed: 'its lease could no longer be counted on',
  timeUp: 'its time was over before it was acknowledged or extended',
  stolen: 'another one took it',
  continued: 'another process goes on with the ClientID',
  deleted: 'it was deleted',
  sessionGone: 'the session has ended',
  closed: 'the client was closed, or the namespace left',
} as const satisfies Record<LostReason, string>;

export function lost(reason: LostReason, { path, token }: Pick<Claim, 'path' | 'token'>, item = 0): ErrorInfo {
  const what = item === 0 ? path : `item ${item} of ${path}`;
  const details = item === 0 ? { reason, path, token } : { reason, path, token, item };
  return errorInfo('Lost', `Lost: ${what}, because ${texts[reason]}`, details);
}

/** Why a wait ended without a grant. */
export function endOf({ reason }: BelongingRecord, path: string): ErrorInfo {
  if (reason === 'deleted') return errorInfo('PathNotFound', `Path Not Found: ${path} was deleted`, { path });
  if (reason === 'tooMany') {
    const text = `Limit exceeded: ${path} has fewer permits now than this waits for`;
    return errorInfo('LimitExceeded', text, { path, field: 'permits' });
  }
  return errorInfo('WaitOver', `Wait over: ${path} was not granted in time`, { path });
}

/** The claims of the session that made a claim. */
export interface ClaimOwner {
  look(): void;
  cancel(one: Claim): void;
  release(one: Claim, to: Op, timeoutMs: number, done: (result: Result<boolean>) => void): void;
  finish(one: Claim, item: number): void;
  extended(one: Claim, item: number, until: number): void;
}

type State =
  /** Its reply is on its way. */
  | 'asked'
  | 'waits'
  /** It was granted, which the program was not told yet, because it could not count on it. */
  | 'granted'
  | 'held'
  | 'over';

/** A job that is not finished. */
export interface HeldJob {
  /** The replicated time at which it is taken back. */
  until: number;
  /** When it was given or an extension was asked for, and whether that is on its way. */
  askedAtMs: number;
  asking: boolean;
}

export class Claim implements ClaimHandle {
  readonly path: string;
  readonly options: ClaimOptions;
  readonly handler: (told: ClaimTold) => void;
  state: State = 'asked';
  call: DataCall | null = null;
  /** Null until it is known which session makes it. */
  claims: ClaimOwner | null = null;
  id: Op = 0;
  token: Op = 0;
  /** What a take was given, and those of its jobs that are not finished. */
  given: Given | null = null;
  readonly jobs = new Map<number, HeldJob>();
  /** The op of the newest that was told about it. */
  newest: Op = 0;
  /** It is told to the program only when everything up to this op was. */
  after: Op = 0;
  /** The time at which it was learned, or will be given up. */
  atMs = 0;
  limitMs = Infinity;

  constructor(path: string, options: ClaimOptions, handler: (told: ClaimTold) => void) {
    this.path = path;
    this.options = options;
    this.handler = handler;
  }

  look(): void {
    this.claims?.look();
  }

  get held(): boolean {
    this.look();
    return this.state === 'held';
  }

  cancel(): void {
    if (this.claims === null) this.state = 'over';
    else this.claims.cancel(this);
  }

  release(to: Op, timeoutMs: number, done: (result: Result<boolean>) => void): void {
    if (this.held) this.claims?.release(this, to, timeoutMs, done);
    else done({ ok: true, value: false });
  }

  has(item: number): boolean {
    return this.held && this.jobs.has(item);
  }

  finish(item: number): void {
    this.claims?.finish(this, item);
  }

  extended(item: number, until: number): void {
    this.claims?.extended(this, item, until);
  }
}
