/**
 * The calls of a client that have not ended. It bounds them, keeps their deadlines, and decides when each is sent
 * again.
 */

import { invariant } from '../base/assert.ts';
import type { Complete } from '../base/complete.ts';
import type { ErrorCode, ErrorInfo, Outcome, Result, errorCodes } from '../base/errors.ts';
import { errorInfo, fail, ok } from '../base/errors.ts';
import type { Reply } from '../service/reply.ts';
import type { Incoming } from '../wire/server-messages.ts';
import type { Call, CallOwner, ControlCall } from './calls.ts';
import { Numbered } from '../base/numbered.ts';
import { messageOf } from './api-dialect.ts';
import { Deadlines } from './deadlines.ts';
import type { Line } from './line.ts';
import type { ClientOptions, ClientPorts } from './options.ts';

/**
 * Errors that are reported at once although they may pass. A writer should hear of a full disk or memory, of the holder
 * of its ClientID, and of the holders of a lock.
 */
type Reported = 'DiskLow' | 'MemoryLow' | 'ClientIdHeld' | 'Held' | 'WaitOver';
type Retryable = { [C in ErrorCode]: (typeof errorCodes)[C]['retryable'] extends true ? C : never }[ErrorCode];

const triedAgain = [
  'NotPrimary',
  'NoPrimary',
  'Overloaded',
  'Retry',
  'BadEpoch',
  'WindowExceeded',
  'Timeout',
  'Disconnected',
  'NodeUnreachable',
] as const satisfies readonly Exclude<Retryable, Reported>[];

/** Errors that may have passed at the next try. */
export const passing: ReadonlySet<ErrorCode> = new Set<
  Complete<Exclude<Retryable, Reported>, (typeof triedAgain)[number]>
>(triedAgain);

/** The longest wait before a call is sent again is `resendMs` times this. */
const maxResendFactor = 16;

export class CallTable implements CallOwner {
  readonly #ports: ClientPorts;
  readonly #options: ClientOptions;
  readonly #line: Line;
  readonly #ended: (call: Call, replied: boolean) => void;
  readonly #deadlines = new Deadlines();
  /** The calls that are sent or may be sent: all except writes that have no number yet. */
  readonly #byId = new Numbered<Call>();
  readonly #refused = new Set<Call>();
  #lastId = 0;
  #count = 0;
  #bytes = 0;
  /** Rounds of retries since a call last succeeded. */
  #failures = 0;
  #retryAtMs: number | null = null;
  #resendScanAtMs = 0;

  /**
   * @param ended is called when a call has ended. `replied` is true when the namespace itself answered it, so that its
   * number is used up.
   */
  constructor(ports: ClientPorts, options: ClientOptions, line: Line, ended: (call: Call, replied: boolean) => void) {
    this.#ports = ports;
    this.#options = options;
    this.#line = line;
    this.#ended = ended;
  }

  get count(): number {
    return this.#count;
  }

  /** True while answers are outstanding or calls wait to be sent again. */
  get owed(): boolean {
    return this.#byId.size > 0;
  }

  newId(): number {
    return ++this.#lastId;
  }

  get(id: number): Call | undefined {
    return this.#byId.get(id);
  }

  /** Counts a new call and starts its time-out. If there is no room for it, returns the reason. */
  admit(call: Call): { readonly ok: false; readonly error: ErrorInfo } | null {
    const { maxOutstanding, maxOutstandingBytes } = this.#options;
    const bytes = bytesOf(call);
    if (this.#count >= maxOutstanding) {
      return fail('Overloaded', `${this.#count} calls are outstanding, and the limit is ${maxOutstanding}`, {
        limit: maxOutstanding,
        actual: this.#count,
      });
    }
    const actual = this.#bytes + bytes;
    if (actual > maxOutstandingBytes) {
      // A call that is larger than the bound for all calls never fits.
      const code = bytes > maxOutstandingBytes ? 'LimitExceeded' : 'Overloaded';
      const details = { limit: maxOutstandingBytes, actual };
      return fail(code, `${actual} bytes would be outstanding, and the limit is ${maxOutstandingBytes}`, details);
    }
    this.takeUp(call, this.#ports.clock.now());
    return null;
  }

  /** As {@link admit}, for a call of the client itself. It has no bound, because there are only a few. */
  takeUp(call: Call, nowMs: number): void {
    this.#count++;
    this.#bytes += bytesOf(call);
    this.#deadlines.add(call, nowMs);
  }

  /** Sends the call over the present connection, if there is one, and over each new one. */
  begin(call: Call): void {
    this.#byId.set(call.id, call);
    this.send(call);
  }

  /** Sends the call, for the first time or again, if there is a connection. */
  send(call: Call): void {
    if (call.phase === 'ended' || !this.#line.open) return;
    call.phase = 'sent';
    call.unresolved++;
    call.sentAtMs = this.#ports.clock.now();
    if (call.sends++ === 0) call.firstSentAtMs = call.sentAtMs;
    this.#line.send(messageOf(call));
  }

  sendAll(): void {
    this.#refused.clear();
    this.#retryAtMs = null;
    for (const call of this.#byId.values()) this.send(call);
  }

  settle(call: ControlCall, message: Incoming): void {
    if (!this.#remove(call, true)) return;
    this.#failures = 0;
    call.settle(ok(message));
  }

  /** Ends a call. `replied` is true when the namespace itself answered it, so that its number is used up. */
  end(call: Call, result: Result<Reply> & Result<unknown>, replied: boolean): void {
    if (!this.#remove(call, replied)) return;
    if (replied) this.#failures = 0;
    report(call, result);
  }

  /**
   * Ends a call that was never admitted. It does so at the end of this turn, because a callback must not come before
   * its call returns.
   */
  endSoon(call: Call, result: { readonly ok: false; readonly error: ErrorInfo }): void {
    this.#ports.clock.soon(() => {
      if (call.phase === 'ended') return;
      call.phase = 'ended';
      report(call, result);
    });
  }

  endAll(code: ErrorCode, message: string): void {
    // Writes without a number have only a deadline, so this goes through the deadlines.
    for (const call of this.#deadlines.all() as Iterable<Call>) this.#endWith(call, code, message);
  }

  /** Handles the node's refusal of a call, for now or for good. */
  refused(call: Call, error: ErrorInfo): void {
    if (call.phase === 'ended') return;
    // A refusal is for one sending. If others are under way, at another node or at another primary, it settles none of
    // them (protocol §7).
    if (error.outcome === 'definite' && call.unresolved === 1) call.unresolved = 0;
    if (!passing.has(error.code)) {
      this.end(call, { ok: false, error: { ...error, outcome: outcomeOf(call) } }, false);
      return;
    }
    call.phase = 'refused';
    call.lastRefusal = error;
    this.#refused.add(call);
    if (this.#retryAtMs !== null) return;
    const { retryMs, retryMaxMs } = this.#options;
    const full = Math.min(retryMaxMs, retryMs * 2 ** Math.min(this.#failures, 16));
    this.#failures++;
    const half = Math.ceil(full / 2);
    this.#retryAtMs = this.#ports.clock.now() + half + this.#ports.random.below(half + 1);
  }

  /**
   * @param drained is true when no bytes wait to leave this process. Only then may a call that waits long for its
   * answer be sent again.
   */
  tick(nowMs: number, drained: boolean): void {
    this.#deadlines.expire(nowMs);
    if (this.#line.welcome === null) return;
    if (this.#retryAtMs !== null && nowMs >= this.#retryAtMs) {
      this.#retryAtMs = null;
      // They are sent in the order in which they were asked, which is the order of a session's numbers.
      const again = [...this.#refused].sort((a, b) => a.id - b.id);
      this.#refused.clear();
      for (const call of again) this.send(call);
    }
    if (drained && nowMs >= this.#resendScanAtMs) this.#resendLate(nowMs);
  }

  expired(call: Call): void {
    const { lastRefusal } = call;
    const why = lastRefusal === null ? {} : { lastCode: lastRefusal.code, lastMessage: lastRefusal.message };
    const error = errorInfo('Timeout', 'Timeout', { timeoutMs: call.timeoutMs, ...why }, outcomeOf(call));
    this.end(call, { ok: false, error }, false);
  }

  abandoned(call: Call): void {
    if (call.phase === 'ended') return;
    if (call.timed) this.#endWith(call, 'Interrupted', 'the call was abandoned');
    else this.endSoon(call, fail('Interrupted', 'the call was abandoned', {}, 'definite'));
  }

  #endWith(call: Call, code: ErrorCode, message: string): void {
    this.end(call, fail(code, message, {}, outcomeOf(call)), false);
  }

  /** Between nodes, an answer may be lost although its connection is not lost. */
  #resendLate(nowMs: number): void {
    const { resendMs } = this.#options;
    this.#resendScanAtMs = nowMs + Math.ceil(resendMs / 4);
    for (const call of this.#byId.values()) {
      if (call.phase !== 'sent') continue;
      const waitMs = resendMs * Math.min(maxResendFactor, 2 ** (call.sends - 1));
      if (nowMs - call.sentAtMs >= waitMs) this.send(call);
    }
  }

  #remove(call: Call, replied: boolean): boolean {
    if (call.phase === 'ended') return false;
    call.phase = 'ended';
    this.#byId.take(call.id);
    if (this.#refused.size > 0) this.#refused.delete(call);
    this.#deadlines.remove(call);
    this.#count--;
    this.#bytes -= bytesOf(call);
    invariant(this.#count >= 0 && this.#bytes >= 0, 'calls end once');
    this.#ended(call, replied);
    return true;
  }
}

function bytesOf(call: Call): number {
  return call.kind === 'data' ? call.operation.length : 0;
}

/** A read, or a call that changes no namespace, never has an unknown outcome. */
function outcomeOf(call: Call): Outcome {
  return call.kind === 'data' && call.writeSession !== null && call.unresolved > 0 ? 'unknown' : 'definite';
}

function report(call: Call, result: Result<Reply> & Result<unknown>): void {
  if (call.kind === 'data') call.done(result);
  else if (!result.ok) call.settle(result);
}
