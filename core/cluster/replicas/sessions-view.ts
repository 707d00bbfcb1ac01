/** The sessions of a namespace as one of its replicas knows them, for pictures of the cluster. */

import { Service } from '../../service/service.ts';
import type { SessionsView } from '../base/host.ts';
import type { ReplicaHost } from './replica-host.ts';

/**
 * Null for the root group, which has no sessions. It takes a step for each session, so it must not be called for each
 * request.
 */
export function sessionsOf(host: ReplicaHost, most: number): SessionsView | null {
  const { machine } = host;
  if (!(machine instanceof Service)) return null;
  const newest = machine
    .newestSessions(most)
    .map((session) => ({ ...session, outstanding: host.outstanding(session.id) }));
  return { namespace: host.namespaceId, count: machine.sessionCount, newest };
}
