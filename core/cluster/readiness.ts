/** What a node waits for before it serves everything that it must serve, in words for its operator, for `/ready`. */

import { rootNamespaceId } from '../base/ids.ts';
import type { Outsiders } from './peers/outsiders.ts';
import type { Groups } from './replicas/groups.ts';

/** @param groups null while the node is not running. */
export function waitingFor(groups: Groups | null, stopping: boolean, outsiders: Outsiders): readonly string[] {
  const waits: string[] = [];
  if (groups === null || stopping) waits.push('the node is not running');
  if (outsiders.emptied !== null) waits.push('this node has lost its log; see /health');
  else if (outsiders.refusal() !== null) waits.push('this node is a stranger to its cluster; see /health');
  if (groups === null) return waits;
  if (groups.record !== null && groups.root === null) waits.push('the replica of the root group is being made');
  for (const host of groups.all) {
    if (host.stopped) waits.push(`${host.name} is stopped; see /health`);
    // Without the root group's primary nothing can be administered, but every namespace that exists is served.
    else if (!host.inTouch && host.namespaceId !== rootNamespaceId) waits.push(`${host.name} knows no primary`);
    else if (host.blockedAt !== null) waits.push(`${host.name} cannot read entry ${host.blockedAt} of its log`);
  }
  for (const name of groups.missing()) waits.push(`${name} is being made`);
  return waits;
}
