/**
 * Which nodes of the catalog are not there, and which groups lack voters because of it, in words for the operator, for
 * `/health` and `cluster status`. It is derived from the catalog and from what this node sees, so every node tells it,
 * also after a restart.
 */

import type { Outsiders } from '../peers/outsiders.ts';
import type { Peers } from '../peers/peers.ts';
import type { Groups } from '../replicas/groups.ts';
import { foundingConfiguration, rootName } from '../catalog/catalog.ts';
import { quorum } from '../../vr/configuration.ts';
import type { Configuration } from '../../vr/configuration.ts';

/** What `cluster status` says of a node instead of what the catalog says. */
export type Absence = 'stranger' | 'emptied' | 'replaced' | 'unproven';

/** So many groups are named. The others are counted. */
const maxTold = 8;

const reasons: Readonly<Record<Absence, string>> = {
  stranger: 'another data directory answers under its name',
  emptied: 'it has lost its log',
  replaced: 'another node was joined at its address',
  unproven: 'what answers at its address cannot prove itself',
};

export interface AttendanceParts {
  readonly groups: Groups;
  readonly peers: Peers;
  readonly outsiders: Outsiders;
  readonly self: string;
  now(): number;
  /** A node counts as absent when it was not connected for so long (base/times.ts). */
  readonly absentMs: number;
}

export class Attendance {
  readonly #parts: AttendanceParts;

  constructor(parts: AttendanceParts) {
    this.#parts = parts;
  }

  /** How a node is left out of its cluster, or null. */
  of(node: string): Absence | null {
    const { outsiders, peers, self } = this.#parts;
    if (node === self) return outsiders.of(node) ?? (outsiders.refusal() === null ? null : 'stranger');
    if (peers.connected(node)) return null;
    if (this.#replaced(node)) return 'replaced';
    return outsiders.of(node) ?? (outsiders.isUnproven(node) ? 'unproven' : null);
  }

  /** The same, in words. */
  why(node: string): string | null {
    const absence = this.of(node);
    return absence === null ? null : reasons[absence];
  }

  /** A node that was added later has the same address. */
  #replaced(node: string): boolean {
    const nodes = this.#parts.groups.catalog?.nodes ?? [];
    const known = nodes.find(({ name }) => name === node);
    if (known === undefined) return false;
    return nodes.some(
      ({ ejected, added, clusterAddress }) =>
        !ejected && added > known.added && clusterAddress === known.clusterAddress,
    );
  }

  /** What was said of a node ends when another one has its address. */
  catalogChanged(): void {
    const { groups, outsiders, peers } = this.#parts;
    for (const { name } of groups.catalog?.nodes ?? [])
      if (!peers.connected(name) && this.#replaced(name)) outsiders.replaced(name);
  }

  /** One line for each group that lacks voters. A node that is in no cluster, or outside of it, knows of none. */
  warnings(): readonly string[] {
    const { groups, outsiders } = this.#parts;
    const { record, catalog } = groups;
    if (record === null || outsiders.refusal() !== null) return [];
    const missing = this.#missing();
    if (missing.size === 0) return [];
    const texts: string[] = [];
    let more = 0;
    const judge = (what: string, configuration: Configuration): void => {
      if (!configuration.voters.some(({ node }) => missing.has(node))) return;
      if (texts.length < maxTold) texts.push(lacking(what, configuration, missing));
      else more++;
    };
    judge(`the ${rootName} group`, record.root);
    for (const namespace of catalog?.namespaces ?? [])
      judge(`namespace ${namespace.name}`, foundingConfiguration(namespace));
    if (more > 0) texts.push(`${more} more groups lack voters of the same nodes`);
    return texts;
  }

  /** The nodes that are not there, and why. */
  #missing(): ReadonlyMap<string, string> {
    const { groups, peers, self, absentMs } = this.#parts;
    const missing = new Map<string, string>();
    for (const { name } of groups.catalog?.nodes ?? groups.record?.nodes ?? []) {
      if (name === self || peers.connected(name)) continue;
      const absence = this.of(name);
      const since = peers.awaySince(name);
      if (absence !== null) missing.set(name, reasons[absence]);
      else if (since !== null && this.#parts.now() - since >= absentMs)
        missing.set(name, `it has not been connected with this node for ${Math.floor(absentMs / 1000)} s`);
    }
    return missing;
  }
}

function lacking(what: string, configuration: Configuration, missing: ReadonlyMap<string, string>): string {
  const { voters } = configuration;
  const gone = voters.filter(({ node }) => missing.has(node));
  const there = voters.length - gone.length;
  const spare = there - quorum(configuration);
  const who = gone.map(({ replica, node }) => `${replica} on ${node} is not there (${missing.get(node)!})`).join(', ');
  let so = 'it bears no further failure';
  if (spare > 0) so = `it bears ${spare} further failure${spare > 1 ? 's' : ''}`;
  if (spare < 0) so = 'that is no quorum, so nothing in it can be changed until enough of them are back';
  return `${what} has ${there} of ${voters.length} voters: ${who}; ${so}`;
}
