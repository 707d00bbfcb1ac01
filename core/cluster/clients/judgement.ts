/**
 * Judges each message of a client before anything is done for it (architecture §2, protocol §1, "Judged before
 * believed"). It is one table, and the compiler checks that it is complete. The codec has checked the form. The replica
 * of the namespace judges again whether a session, a number or an operation is what the message says.
 */

import { errorInfo } from '../../base/errors.ts';
import type { ErrorInfo } from '../../base/errors.ts';
import type { NamespaceId, SessionId } from '../../base/ids.ts';
import type { Unusable } from '../../wire/api-codecs.ts';
import { apiProtocol } from '../../wire/api.ts';
import type { ClientMessage } from '../../wire/api.ts';
import * as closeCodes from '../../wire/close-codes.ts';

type Heard = ClientMessage | Unusable;

/** The connection over which a message came, as far as the judgement needs it. */
export interface Asker {
  readonly greeted: boolean;
  /** Requests that are not answered yet, and how many there may be. */
  readonly outstanding: number;
  readonly maxOutstanding: number;
  /** Why the node serves no client now, or null when it does. */
  refusal(): ErrorInfo | null;
  /** Why the connection may not speak as this session. Null when it has sent a secret for the session. */
  refusesSpeaking(namespaceId: NamespaceId, session: SessionId): ErrorInfo | null;
  /** Why the connection may register no further session, or null when it may. */
  refusesRegistering(): ErrorInfo | null;
}

/** What is refused, and why. It ends the connection with a close code, or it answers the one message with this id. */
export type Verdict = { readonly error: ErrorInfo } & ({ readonly closes: number } | { readonly id: number });

type Judge<K extends Heard['kind']> = (asker: Asker, message: Extract<Heard, { kind: K }>) => Verdict | null;

/** For messages that cost no more than their answers, which are given at once. */
const atOnce = (): null => null;

/** A connection may have a bounded number of requests under way. */
function bounded({ outstanding, maxOutstanding }: Asker, { id }: { readonly id: number }): Verdict | null {
  if (outstanding < maxOutstanding) return null;
  const text = `this connection has ${outstanding} requests outstanding`;
  return { id, error: errorInfo('Overloaded', text, { limit: maxOutstanding, actual: outstanding + 1 }) };
}

interface InSession {
  readonly id: number;
  readonly namespaceId: NamespaceId;
  readonly session: SessionId;
}

/** A client that only knows the number of a session does not own the session. */
function spoken(asker: Asker, message: InSession): Verdict | null {
  const error = asker.refusesSpeaking(message.namespaceId, message.session);
  return error === null ? bounded(asker, message) : { id: message.id, error };
}

/** One connection may have a bounded share of all tables of sessions. */
function registering(asker: Asker, message: { readonly id: number }): Verdict | null {
  const full = bounded(asker, message);
  if (full !== null) return full;
  const error = asker.refusesRegistering();
  return error === null ? null : { id: message.id, error };
}

const judges = {
  hello: ({ greeted }, { protocol }) => {
    if (greeted)
      return { closes: closeCodes.badFrame, error: errorInfo('BadFrame', 'the connection has already said hello') };
    if (protocol === apiProtocol) return null;
    const text = `this node speaks protocol ${apiProtocol}, not ${protocol}`;
    return { closes: closeCodes.wrongProtocol, error: errorInfo('BadFrame', text) };
  },
  /** Its fields are out of bounds. It is refused alone, because its id can be read. */
  unusable: (_asker, { id, error }) => ({ id, error }),
  enter: bounded,
  register: registering,
  bind: registering,
  /** It is checked when something is asked as the session. A session beyond the bound is not remembered. */
  resume: atOnce,
  request: spoken,
  keepAlive: spoken,
  unregister: spoken,
  read: bounded,
  /** The number of watches is bounded where watches are held. */
  watch: atOnce,
  unwatch: atOnce,
  listNamespaces: atOnce,
  ping: atOnce,
} satisfies { readonly [K in Heard['kind']]: Judge<K> };

/** Why a message is refused, or null when it may be done. */
export function judgeClient(asker: Asker, message: Heard): Verdict | null {
  if (!asker.greeted && message.kind !== 'hello') {
    return { closes: closeCodes.badFrame, error: errorInfo('BadFrame', 'the first message must be hello') };
  }
  // The node may have learned in the meantime that it is a stranger. A connected client is better off at another node,
  // with everything that it waits for here.
  const refusal = asker.greeted ? asker.refusal() : null;
  if (refusal !== null) return { closes: closeCodes.notAllowed, error: refusal };
  const judge = judges[message.kind] as Judge<Heard['kind']>;
  const verdict = judge(asker, message);
  if (verdict !== null || asker.greeted) return verdict;
  const closed = asker.refusal();
  return closed === null ? null : { closes: closeCodes.notAllowed, error: closed };
}
