/**
 * The API interface as a client uses it: its codec, the consistency of reads, and which answer belongs to which
 * question.
 */

import type { ClientCodec, Outgoing } from '../wire/api-client.ts';
import type { Consistency } from '../wire/api.ts';
import type { Incoming } from '../wire/server-messages.ts';
import { maxFrameMessages } from '../wire/server-messages.ts';
import type { Call } from './calls.ts';
import type { Dialect } from './connection.ts';
import type { ReadConsistency } from './options.ts';

export const linearizable: Consistency = { kind: 'linearizable' };
const local: Consistency = { kind: 'local' };

export function apiDialect(codec: ClientCodec): Dialect<Outgoing, Incoming> {
  return {
    subprotocol: codec.subprotocol,
    codec: (maxFrameBytes) => codec.frames(maxFrameBytes),
    maxFrameMessages,
    estimate: (message) => ('operation' in message ? message.operation.length + 48 : 128),
    goodbye: (message) => (message.kind === 'goodbye' ? message.error : null),
  };
}

/** The consistency that a read asks of the replica that answers it. */
export function consistencyOf(wanted: ReadConsistency | undefined): Consistency {
  if (wanted === undefined || wanted === 'linearizable') return linearizable;
  return wanted === 'local' ? local : { kind: 'atLeast', op: wanted.atLeast };
}

/** The answers to control messages. A message to a replica is answered with a reply. */
const answerOf: Partial<Record<Outgoing['kind'], Incoming['kind']>> = {
  enter: 'entered',
  listNamespaces: 'namespaces',
  ping: 'pong',
};

/** Can a message of kind `by` answer a question of kind `asked`? */
export function answers(asked: Outgoing['kind'], by: Incoming['kind']): boolean {
  return (answerOf[asked] ?? 'reply') === by;
}

/** The kind of a call, for people. */
export function describe(call: Call): string {
  if (call.kind === 'control') return call.request.kind;
  return call.writeSession === null ? 'read' : 'request';
}

/** The message of a call, according to the present state of its session. */
export function messageOf(call: Call): Outgoing {
  if (call.kind === 'control') return call.request;
  const { id, namespaceId, writeSession: session, requestNumber: request, operation } = call;
  if (session === null)
    return { kind: 'read', id, namespaceId, consistency: call.consistency ?? linearizable, operation };
  const { id: sessionId, answered } = session;
  call.sentAnswered = answered;
  session.askedAtMs = call.sentAtMs;
  return { kind: 'request', id, namespaceId, session: sessionId, request, answered, operation };
}
