/** Feeds a service the entries of a log, one op after the other, and reads its replies back. */

import { defaultLimits } from '../../core/base/limits.ts';
import type { Body } from '../../core/service/body.ts';
import { encodeBody, encodeOperation } from '../../core/service/body.ts';
import type { ServiceLimits } from '../../core/service/limits.ts';
import { serviceLimitsOf } from '../../core/service/limits.ts';
import type { Reply } from '../../core/service/reply.ts';
import { decodeReply } from '../../core/service/reply.ts';
import type { ServiceEntry } from '../../core/service/service.ts';
import { Service } from '../../core/service/service.ts';
import type { Operation } from '../../core/tree/operation.ts';

export const sessionMs = 1000;
/** The secret of every session here, except where a test gives another one. */
export const secret = '5e'.repeat(16);

export function limitsWith(changes: Partial<ServiceLimits> = {}): ServiceLimits {
  return { ...serviceLimitsOf(defaultLimits, sessionMs), ...changes };
}

export class Driver {
  readonly service: Service;
  readonly log: ServiceEntry[] = [];
  /** Ids of all sessions that were ever registered here. */
  readonly registered: number[] = [];
  op = 0;
  now = 0;

  constructor(changes: Partial<ServiceLimits> = {}) {
    this.service = new Service(limitsWith(changes), defaultLimits);
  }

  /** Lets the replicated clock go on. */
  wait(ms: number): void {
    this.now += ms;
  }

  entry(session: number, request: number, answered: number, body: Uint8Array): ServiceEntry {
    return { op: ++this.op, epoch: 1, view: 2, timestamp: this.now, session, request, answered, body };
  }

  apply(entry: ServiceEntry): Uint8Array {
    this.log.push(entry);
    return this.service.apply(entry);
  }

  own(body: Body): Reply {
    return decodeReply(this.apply(this.entry(0, 0, 0, encodeBody(body))));
  }

  register(client = 'test'): number {
    const { answer } = this.own({ kind: 'register', client, secret });
    if (answer.kind !== 'registered') throw new Error(`not registered: ${answer.kind}`);
    return answer.session;
  }

  /** Sends a request. By default `answered` is the request itself, so that no older reply is kept. */
  request(session: number, request: number, operation: Operation, answered = request): Reply {
    return decodeReply(this.apply(this.entry(session, request, answered, encodeOperation(operation))));
  }

  /** What is known of a number, when a client asks for this operation under it. */
  known(session: number, request: number, operation = increment('/n'), by = secret): string {
    return this.service.request(session, by, request, encodeOperation(operation));
  }

  read(operation: Operation): Reply['answer'] {
    return decodeReply(this.service.read(encodeOperation(operation), { epoch: 1, view: 2, op: this.op })).answer;
  }

  counter(path: string): number {
    const answer = this.read({ kind: 'counterGet', path });
    if (answer.kind !== 'result' || answer.result.kind !== 'number') throw new Error(`no counter at ${path}`);
    return answer.result.number;
  }
}

export function snapshotOf(service: Service, pieceBytes = 4096): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  const snapshot = service.snapshot();
  for (let piece = snapshot.next(pieceBytes); piece !== null; piece = snapshot.next(pieceBytes)) pieces.push(piece);
  return pieces;
}

/** The same bytes in other chunks. */
export function rechunk(pieces: readonly Uint8Array[], size: number): Uint8Array[] {
  const whole = Buffer.concat(pieces);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < whole.length; at += size) chunks.push(new Uint8Array(whole.subarray(at, at + size)));
  return chunks;
}

export function restored(pieces: Iterable<Uint8Array>): Service {
  const service = new Service(limitsWith(), defaultLimits);
  service.restore(pieces);
  return service;
}

export function code(reply: Reply): string {
  return reply.answer.kind === 'error' ? reply.answer.error.code : reply.answer.kind;
}

export const createCounter = (path: string): Operation => ({ kind: 'create', path, type: 'counter', value: null });
export const increment = (path: string): Operation => ({ kind: 'counterAdd', path, by: 1 });
