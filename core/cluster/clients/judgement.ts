/**
 * What is judged of each message of a client before anything is done for it (architecture §2, protocol §1, "Judged before
 * believed"): one table, which the compiler keeps whole. Whether a session, a number or an operation is what it is said to
 * be is judged again where the namespace's log is. The codec has judged the form.
 */

import { errorInfo } from '../../base/errors.ts';
import type { ErrorInfo } from '../../base/errors.ts';
import type { NamespaceId, SessionId } from '../../base/ids.ts';
import type { Unusable } from '../../wire/api-codecs.ts';
import { apiProtocol } from '../../wire/api.ts';
import type { ClientMessage } from '../../wire/api.ts';
import * as closeCodes from '../../wire/close-codes.ts';

type Heard = ClientMessage | Unusable;

/** The connection that a message came over, as far as it matters here. */
export interface Asker {
  readonly greeted: boolean;
  /** Questions that are not answered yet, and how many there may be. */
  readonly outstanding: number;
  readonly maxOutstanding: number;
  /** Why the node serves nobody now; null when it does. */
  refusal(): ErrorInfo | null;
  /** Why it may not speak as this session; null when it has said whose secret it knows. */
  refusesSpeaking(namespaceId: NamespaceId, session: SessionId): ErrorInfo | null;
  /** Why it may register no further session; null when it may. */
  refusesRegistering(): ErrorInfo | null;
}

/** What is not done, and why: it ends the connection with a close code, or answers the one message that had this id. */
export type Verdict = { readonly error: ErrorInfo } & ({ readonly closes: number } | { readonly id: number });

type Judge<K extends Heard['kind']> = (asker: Asker, message: Extract<Heard, { kind: K }>) => Verdict | null;

/** It costs no more than its answer, which is given at once. */
const atOnce = (): null => null;

/** A connection has a bounded number of questions on their way. */
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

/** Who knows the number of a session is not the one that it belongs to. */
function spoken(asker: Asker, message: InSession): Verdict | null {
  const error = asker.refusesSpeaking(message.namespaceId, message.session);
  return error === null ? bounded(asker, message) : { id: message.id, error };
}

/** One connection has a bounded share of all tables of sessions. */
function registering(asker: Asker, message: { readonly id: number }): Verdict | null {
  const full = bounded(asker, message);
  if (full !== null) return full;
  const error = asker.refusesRegistering();
  return error === null ? null : { id: message.id, error };
}

const judges = {
  hello: ({ greeted }, { protocol }) => {
    if (greeted) return { closes: closeCodes.badFrame, error: errorInfo('BadFrame', 'hello was said already') };
    if (protocol === apiProtocol) return null;
    const text = `this node speaks protocol ${apiProtocol}, not ${protocol}`;
    return { closes: closeCodes.wrongProtocol, error: errorInfo('BadFrame', text) };
  },
  /** Its fields are out of bounds: it is refused alone, for its id can be read. */
  unusable: (_asker, { id, error }) => ({ id, error }),
  enter: bounded,
  register: registering,
  claim: registering,
  /** Believed when something is asked as the session. What is beyond the bound is not remembered. */
  resume: atOnce,
  request: spoken,
  keepAlive: spoken,
  unregister: spoken,
  read: bounded,
  /** The number of watches is bounded where they are held. */
  watch: atOnce,
  unwatch: atOnce,
  listNamespaces: atOnce,
  ping: atOnce,
} satisfies { readonly [K in Heard['kind']]: Judge<K> };

/** Why nothing is done for this message; null when it may be done. */
export function judgeClient(asker: Asker, message: Heard): Verdict | null {
  if (!asker.greeted && message.kind !== 'hello') {
    return { closes: closeCodes.badFrame, error: errorInfo('BadFrame', 'the first message must be hello') };
  }
  // The node may have learned since that it is a stranger: whoever is connected is better off elsewhere, with all that
  // it waits for here.
  const refusal = asker.greeted ? asker.refusal() : null;
  if (refusal !== null) return { closes: closeCodes.notAllowed, error: refusal };
  const judge = judges[message.kind] as Judge<Heard['kind']>;
  const verdict = judge(asker, message);
  if (verdict !== null || asker.greeted) return verdict;
  const closed = asker.refusal();
  return closed === null ? null : { closes: closeCodes.notAllowed, error: closed };
}
