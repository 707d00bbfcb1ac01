/**
 * The sessions as which one connection speaks: those that were registered over it, and those whose secrets it has sent.
 * The node that holds the socket counts them, wherever their namespaces' primaries are. So one connection has a bounded
 * share of every table of sessions.
 */

import { errorInfo } from '../../base/errors.ts';
import type { ErrorInfo } from '../../base/errors.ts';
import type { NamespaceId, SessionId } from '../../base/ids.ts';
import type { SessionSecret } from '../../base/session-secret.ts';

interface Spoken {
  readonly secret: SessionSecret;
  /**
   * True when it was registered over this connection, so that it counts. Its secret is then known, and no `resume`
   * changes it.
   */
  readonly own: boolean;
  /** A node has found that the secret is right. */
  shown: boolean;
}

/** So many sessions that have ended are remembered. */
const maxEnded = 64;

export class SpokenSessions {
  readonly #limit: number;
  readonly #namespaces = new Map<NamespaceId, Map<SessionId, Spoken>>();
  /**
   * The secrets of those that ended last, the oldest first. A client may have missed the answer that said so. Whatever it
   * still sends as that session is answered in the same way.
   */
  readonly #ended = new Map<string, SessionSecret>();
  /**
   * Sessions that were registered here and have not ended, as far as this connection knows, and registrations under
   * way.
   */
  #own = 0;
  #told = 0;
  /** The session that spoke last. It is nearly always the one that speaks next. */
  #lastNamespace: NamespaceId = -1;
  #lastSession: SessionId = -1;
  #lastSecret: SessionSecret | null = null;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Why this connection may register no further session, or null when it may. */
  refusesMore(): ErrorInfo | null {
    return this.#own < this.#limit ? null : this.#exceeded('has registered');
  }

  /** A registration is under way, and counts from now on. */
  begin(): void {
    this.#own++;
  }

  /** A registration that {@link begin} counted has failed. */
  failed(): void {
    this.#own--;
  }

  /** A registration that {@link begin} counted made this session. */
  registered(namespaceId: NamespaceId, session: SessionId, secret: SessionSecret): void {
    const known = this.#namespaces.get(namespaceId)?.get(session);
    // A bind that was sent again is answered again. It is one session, so it counts once.
    if (known?.own === true) this.#own--;
    else if (known !== undefined) this.#told--;
    this.#put(namespaceId, session, { secret, own: true, shown: known?.shown ?? false });
  }

  /**
   * The connection sends the secret of a session that was registered elsewhere. A session beyond the limit is not
   * remembered.
   */
  resume(namespaceId: NamespaceId, session: SessionId, secret: SessionSecret): void {
    const known = this.#namespaces.get(namespaceId)?.get(session);
    if (known?.own === true) return;
    if (known === undefined) {
      if (this.#told >= this.#limit) return;
      this.#told++;
    }
    this.#put(namespaceId, session, { secret, own: false, shown: false });
  }

  #put(namespaceId: NamespaceId, session: SessionId, spoken: Spoken): void {
    let sessions = this.#namespaces.get(namespaceId);
    if (sessions === undefined) this.#namespaces.set(namespaceId, (sessions = new Map<SessionId, Spoken>()));
    sessions.set(session, spoken);
    this.#lastSession = -1;
  }

  /** The secret with which this connection speaks as a session. Null when it has not sent it. */
  secretOf(namespaceId: NamespaceId, session: SessionId): SessionSecret | null {
    if (session === this.#lastSession && namespaceId === this.#lastNamespace) return this.#lastSecret;
    const known = this.#namespaces.get(namespaceId)?.get(session)?.secret;
    const secret = known ?? this.#ended.get(`${namespaceId}/${session}`) ?? null;
    this.#lastNamespace = namespaceId;
    this.#lastSession = session;
    this.#lastSecret = secret;
    return secret;
  }

  /** A node has found that the session's secret is right. True when that is news. */
  shown(namespaceId: NamespaceId, session: SessionId): boolean {
    const spoken = this.#namespaces.get(namespaceId)?.get(session);
    if (spoken === undefined || spoken.shown) return false;
    spoken.shown = true;
    return true;
  }

  /** The sessions for which the right secret was shown. */
  *allShown(): Generator<readonly [NamespaceId, SessionId], void> {
    for (const [namespaceId, sessions] of this.#namespaces)
      for (const [session, { shown }] of sessions) if (shown) yield [namespaceId, session];
  }

  /** Why requests as a session are refused when {@link secretOf} has no secret for it. */
  refusal(session: SessionId): ErrorInfo {
    if (this.#told >= this.#limit) return this.#exceeded('speaks as');
    const text = `this connection has not said that it speaks as session ${session}: send resume with its secret first`;
    return errorInfo('BadArgument', text, { session });
  }

  /** The session is gone, as far as this connection knows. */
  ended(namespaceId: NamespaceId, session: SessionId): void {
    const sessions = this.#namespaces.get(namespaceId);
    const known = sessions?.get(session);
    if (sessions === undefined || known === undefined) return;
    sessions.delete(session);
    if (sessions.size === 0) this.#namespaces.delete(namespaceId);
    this.#ended.set(`${namespaceId}/${session}`, known.secret);
    if (this.#ended.size > maxEnded) {
      const [oldest] = this.#ended.keys();
      this.#ended.delete(oldest!);
    }
    if (known.own) this.#own--;
    else this.#told--;
    this.#lastSession = -1;
  }

  #exceeded(what: string): ErrorInfo {
    const limit = this.#limit;
    const text = `Limit exceeded: this connection ${what} ${limit} sessions, and maxSessionsPerConnection is ${limit}: unregister those that are no longer used`;
    const details = { name: 'maxSessionsPerConnection', limit, actual: limit + 1 };
    return { ...errorInfo('LimitExceeded', text, details), retryable: true };
  }
}
