/** What a node waits for before it serves everything that it must serve, in words for its operator, for `/ready`. */

import { rootNamespaceId } from '../base/ids.ts';
import type { NamespaceId } from '../base/ids.ts';
import type { Outsiders } from './peers/outsiders.ts';
import type { Groups } from './replicas/groups.ts';

/**
 * A node is ready when it can serve clients. One namespace without a primary is no reason to send them elsewhere, because they may have
 * come for another. When none of the namespaces here has one, nothing gets done.
 * @param groups null while the node is not running.
 */
export function waitingFor(groups: Groups | null, stopping: boolean, outsiders: Outsiders): readonly string[] {
  const waits: string[] = [];
  if (groups === null || stopping) waits.push('the node is not running');
  if (outsiders.emptied !== null) waits.push('this node has lost its log; see /health');
  else if (outsiders.refusal() !== null) waits.push('this node is a stranger to its cluster; see /health');
  if (groups === null) return waits;
  if (groups.record !== null && groups.root === null) waits.push('the replica of the root group is being made');
  // Without the root group's primary nothing is administered, but everything that exists is served.
  const serving = groups.all.filter((host) => host.namespaceId !== rootNamespaceId);
  const idle = serving.filter((host) => !host.stopped && !host.inTouch);
  if (idle.length > 0 && idle.length === serving.length) {
    const more = idle.length > 1 ? ` and ${idle.length - 1} more know` : ' knows';
    waits.push(`${idle[0]!.name}${more} no primary`);
  }
  for (const host of groups.all) {
    if (host.stopped) waits.push(`${host.name} is stopped; see /health`);
    else if (host.blockedAt !== null) waits.push(`${host.name} cannot read entry ${host.blockedAt} of its log`);
  }
  for (const name of groups.missing()) waits.push(`${name} is being made`);
  return waits;
}

/** What else this node waits for before it serves one namespace. @param served this node has a way to a quorum of it. */
export function namespaceWaitsFor(
  groups: Groups,
  name: string,
  served: (id: NamespaceId) => boolean,
): readonly string[] {
  const namespace = groups.catalog?.namespaceByName(name);
  if (namespace === undefined) return [`no namespace ${name} is known here`];
  if (!served(namespace.id)) return [`this node reaches no primary of ${name}`];
  const late = groups.hostsOf(namespace.id).filter((host) => !host.upToDate);
  return late.map((host) => `${host.name} is ${host.behind} entries behind`);
}
