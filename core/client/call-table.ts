/** The calls of a client that have not ended: their bound, their deadlines, and when each is sent again. */

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

/** What the caller is told at once, though it may try again: who writes should hear of a full disk, and who is held up of the holder. */
type Reported = 'DiskLow' | 'ClientIdHeld';
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

/** What another try may well find changed. */
export const passing: ReadonlySet<ErrorCode> = new Set<
  Complete<Exclude<Retryable, Reported>, (typeof triedAgain)[number]>
>(triedAgain);

/** No call is sent again later than after `resendMs` times this. */
const maxResendFactor = 16;

export class CallTable implements CallOwner {
  readonly #ports: ClientPorts;
  readonly #options: ClientOptions;
  readonly #line: Line;
  readonly #ended: (call: Call, replied: boolean) => void;
  readonly #deadlines = new Deadlines();
  /** Those that are or may be sent: all but writes that have no number yet. */
  readonly #byId = new Numbered<Call>();
  readonly #refused = new Set<Call>();
  #lastId = 0;
  #count = 0;
  #bytes = 0;
  /** Rounds of retries since something last succeeded. */
  #failures = 0;
  #retryAtMs: number | null = null;
  #resendScanAtMs = 0;

  /** @param ended a call is no more; `replied`: the namespace itself answered it, so that its number is done with. */
  constructor(ports: ClientPorts, options: ClientOptions, line: Line, ended: (call: Call, replied: boolean) => void) {
    this.#ports = ports;
    this.#options = options;
    this.#line = line;
    this.#ended = ended;
  }

  get count(): number {
    return this.#count;
  }

  /** Answers are outstanding, or calls wait to be sent again. */
  get owed(): boolean {
    return this.#byId.size > 0;
  }

  newId(): number {
    return ++this.#lastId;
  }

  get(id: number): Call | undefined {
    return this.#byId.get(id);
  }

  /** Counts a new call and starts its time, or says why there is no room for it. */
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
      // What is larger than all may be together never fits.
      const code = bytes > maxOutstandingBytes ? 'LimitExceeded' : 'Overloaded';
      const details = { limit: maxOutstandingBytes, actual };
      return fail(code, `${actual} bytes would be outstanding, and the limit is ${maxOutstandingBytes}`, details);
    }
    this.adopt(call, this.#ports.clock.now());
    return null;
  }

  /** The same for a call of the client itself, which no bound refuses: there are a few at most. */
  adopt(call: Call, nowMs: number): void {
    this.#count++;
    this.#bytes += bytesOf(call);
    this.#deadlines.add(call, nowMs);
  }

  /** From now on it is sent at each new connection, and over this one, if there is one. */
  begin(call: Call): void {
    this.#byId.set(call.id, call);
    this.send(call);
  }

  /** Sends it, again or for the first time; not while there is no connection. */
  send(call: Call): void {
    if (call.phase === 'ended' || !this.#line.open) return;
    call.phase = 'sent';
    call.sends++;
    call.unresolved++;
    call.sentAtMs = this.#ports.clock.now();
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

  /** Ends a call. `replied`: the namespace itself answered it, so that its number is done with. */
  end(call: Call, result: Result<Reply> & Result<unknown>, replied: boolean): void {
    if (!this.#remove(call, replied)) return;
    if (replied) this.#failures = 0;
    report(call, result);
  }

  /** Ends a call that was never admitted, at the end of this turn: a callback never comes before its call returns. */
  endSoon(call: Call, result: { readonly ok: false; readonly error: ErrorInfo }): void {
    this.#ports.clock.soon(() => {
      if (call.phase === 'ended') return;
      call.phase = 'ended';
      report(call, result);
    });
  }

  endAll(code: ErrorCode, message: string): void {
    // Writes without a number are only among the timed ones, so all of those are ended.
    for (const call of this.#deadlines.all() as Iterable<Call>) this.#endWith(call, code, message);
  }

  /** The node refused a call, for now or for good. */
  refused(call: Call, error: ErrorInfo): void {
    if (call.phase === 'ended') return;
    // It is said of one sending. With others under way, elsewhere or behind another primary, it settles none of them (protocol §7).
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

  /** @param drained nothing waits to leave: what has no answer for long may be sent again. */
  tick(nowMs: number, drained: boolean): void {
    this.#deadlines.expire(nowMs);
    if (this.#line.welcome === null) return;
    if (this.#retryAtMs !== null && nowMs >= this.#retryAtMs) {
      this.#retryAtMs = null;
      // In the order they were asked for: that is the order of a session's numbers.
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

  /** An answer may be lost without its connection being lost, on the way between nodes. */
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

/** A read, and whatever changes no namespace, never leaves a doubt. */
function outcomeOf(call: Call): Outcome {
  return call.kind === 'data' && call.writeSession !== null && call.unresolved > 0 ? 'unknown' : 'definite';
}

function report(call: Call, result: Result<Reply> & Result<unknown>): void {
  if (call.kind === 'data') call.done(result);
  else if (!result.ok) call.settle(result);
}
