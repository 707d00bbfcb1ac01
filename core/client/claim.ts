/** One claim as its client knows it: its state, and who is told what becomes of it (coordination §5). */

import type { ErrorInfo, Result } from '../base/errors.ts';
import { errorInfo } from '../base/errors.ts';
import type { Op, RequestNumber, SessionId } from '../base/ids.ts';
import type { BelongingRecord } from '../service/told.ts';
import type { Operation } from '../tree/operation.ts';
import type { OperationResult } from '../tree/result.ts';
import type { DataCall } from './calls.ts';
import type { Lease } from './lease.ts';

/** Why something that was held, or waited for, can no longer be counted on. */
export type LostReason = 'lapsed' | 'timeUp' | 'stolen' | 'continued' | 'deleted' | 'sessionGone' | 'closed';

/** What its handler is told of a claim. */
export type ClaimTold =
  /** It is in line, behind so many others. */
  | { readonly kind: 'waits'; readonly claim: Op; readonly ahead: number }
  /** It is held, and may be counted on from now on. */
  | { readonly kind: 'granted'; readonly claim: Op; readonly token: Op }
  /** It passed an open barrier, or a take that did not want to wait got nothing. This comes last. */
  | { readonly kind: 'passed'; readonly op: Op }
  /** It was not granted; or, with the code `Lost`, it can no longer be counted on. This comes last. */
  | { readonly kind: 'ended'; readonly error: ErrorInfo };

export interface ClaimOptions {
  /** How long it may take until it is granted or stands in line. */
  readonly timeoutMs: number;
  /** At a barrier, a grant is a passage, and nothing is held. */
  readonly passes?: boolean;
}

/** What the answer to a claim says. The claim is 0 when nothing was claimed. */
export type Claimed = Pick<
  Extract<OperationResult, { readonly kind: 'claimed' }>,
  'claim' | 'token' | 'ahead' | 'clock' | 'changed'
>;

/** A claim that was made. */
export interface ClaimHandle {
  /** True while it is held and may be counted on. */
  readonly held: boolean;
  /** Looks at the clock. If it can no longer be counted on, the handler is told now. */
  look(): void;
  /**
   * A program works under it, and gives it up when that is over. If it is stolen meanwhile, its room stays taken until
   * then, at most until its lease is over (coordination §6).
   */
  keep(): void;
  /** Gives it up, whatever became of it. Nothing more is told. */
  cancel(): void;
  /**
   * Gives up what is held. From now on nothing counts on it.
   * @param to a claim that then comes first, or 0. @param done is told true when this ended the hold.
   */
  release(to: Op, timeoutMs: number, done: (result: Result<boolean>) => void): void;
}

const texts = {
  lapsed: 'its lease could no longer be counted on',
  timeUp: 'its time is over',
  stolen: 'another one took it',
  continued: 'another process goes on with the ClientID',
  deleted: 'it was deleted',
  sessionGone: 'the session has ended',
  closed: 'the client was closed, or the namespace left',
} as const satisfies Record<LostReason, string>;

export function lost(reason: LostReason, { path, token }: Pick<Claim, 'path' | 'token'>): ErrorInfo {
  return errorInfo('Lost', `Lost: ${path}, because ${texts[reason]}`, { reason, path, token });
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
  /** Nothing more is told of it. */
  forget(claim: Claim): void;
  cancel(one: Claim): void;
  release(one: Claim, to: Op, timeoutMs: number, done: (result: Result<boolean>) => void): void;
}

type State =
  /** Its reply is on its way. */
  | 'asked'
  | 'waits'
  /** It was granted, which the program was not told yet, because it could not count on it. */
  | 'granted'
  | 'held'
  | 'over';

export class Claim implements ClaimHandle {
  path: string;
  readonly options: ClaimOptions;
  readonly handler: (told: ClaimTold) => void;
  state: State = 'asked';
  call: DataCall | null = null;
  /** Null until it is known which session makes it. */
  claims: ClaimOwner | null = null;
  id: Op = 0;
  token: Op = 0;
  /** The op of the newest that was told about it. */
  newest: Op = 0;
  /** It is told to the program only when everything up to this op was. */
  after: Op = 0;
  /** A program works under it. */
  keeps = false;
  /** It was stolen, and the cluster was not told that the work is over. */
  kept = false;
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

  /** False for what does not lapse by the client's own clock, because nobody counts on having it alone. */
  get lapses(): boolean {
    return true;
  }

  /** Whether it is given up when its lease can no longer be counted on. Jobs come back by themselves. */
  get owed(): boolean {
    return true;
  }

  /** A notice or a record says that it was granted. */
  told(_record: BelongingRecord): void {
    return undefined;
  }

  /** It is handed to the program. False when its own time is over already. */
  begin(_lease: Lease): boolean {
    return true;
  }

  /** Ends what is over of it, and returns how long the rest can be counted on, if that is less than the lease. */
  lookAt(_lease: Lease): number {
    return Infinity;
  }

  tick(_nowMs: number): void {
    return undefined;
  }

  /** What the answer says of it, or null for another answer. */
  resultOf(result: OperationResult): Claimed | null {
    return result.kind === 'claimed' ? result : null;
  }

  /** Gives it up, whatever became of it. @param request that made it, for one whose op is not known. */
  abandonment(_session: SessionId, request: RequestNumber): Operation {
    return { kind: 'abandon', path: this.path, claim: this.id, request: this.id === 0 ? request : 0 };
  }

  /** Gives up what is held. */
  ending(_session: SessionId, to: Op): Operation {
    const { path, id: claim, token } = this;
    return { kind: 'release', path, claim, token, to };
  }

  keep(): void {
    this.keeps = true;
  }

  cancel(): void {
    if (this.claims === null) this.state = 'over';
    else this.claims.cancel(this);
  }

  release(to: Op, timeoutMs: number, done: (result: Result<boolean>) => void): void {
    if (this.held) return this.claims?.release(this, to, timeoutMs, done);
    if (this.kept) this.cancel();
    done({ ok: true, value: false });
  }
}
