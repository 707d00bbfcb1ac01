/**
 * Which nodes of the catalog are missing, and which groups lack voters because of it. The texts are for operators, in
 * `/health` and `cluster status`. They are derived from the catalog and from what this node sees, so every node reports
 * them, also after a restart.
 */

import type { Outsiders } from '../peers/outsiders.ts';
import type { Peers } from '../peers/peers.ts';
import type { Groups } from '../replicas/groups.ts';
import { foundingConfiguration, rootName } from '../catalog/catalog.ts';
import { quorum } from '../../vr/configuration.ts';
import type { Configuration } from '../../vr/configuration.ts';

/** The state that `cluster status` shows for a node instead of its state in the catalog. */
export type Absence = 'stranger' | 'emptied' | 'replaced' | 'unproven';

/** At most this many groups are named. The others are counted. */
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
  /** A node counts as absent when it was not connected for this long (base/times.ts). */
  readonly absentMs: number;
}

export class Attendance {
  readonly #parts: AttendanceParts;

  constructor(parts: AttendanceParts) {
    this.#parts = parts;
  }

  /** In which way a node is left out of its cluster, or null. */
  of(node: string): Absence | null {
    const { outsiders, peers, self } = this.#parts;
    if (node === self) return outsiders.of(node) ?? (outsiders.refusal() === null ? null : 'stranger');
    if (peers.connected(node)) return null;
    if (this.#replaced(node)) return 'replaced';
    return outsiders.of(node) ?? (outsiders.isUnproven(node) ? 'unproven' : null);
  }

  /** The same as {@link of}, in words. */
  why(node: string): string | null {
    const absence = this.of(node);
    return absence === null ? null : reasons[absence];
  }

  /** True when a node that was added later has the same address. */
  #replaced(node: string): boolean {
    const nodes = this.#parts.groups.catalog?.nodes ?? [];
    const known = nodes.find(({ name }) => name === node);
    if (known === undefined) return false;
    return nodes.some(
      ({ ejected, added, clusterAddress }) =>
        !ejected && added > known.added && clusterAddress === known.clusterAddress,
    );
  }

  /** Ends the reports about a node once another node has its address. */
  catalogChanged(): void {
    const { groups, outsiders, peers } = this.#parts;
    for (const { name } of groups.catalog?.nodes ?? [])
      if (!peers.connected(name) && this.#replaced(name)) outsiders.replaced(name);
  }

  /** One line for each group that lacks voters. A node that is in no cluster, or outside its cluster, reports none. */
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

  /** The nodes that are missing, and why. */
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
  const who = gone.map(({ replica, node }) => `${replica} on ${node} is missing (${missing.get(node)!})`).join(', ');
  let so = 'it survives no further failure';
  if (spare > 0) so = `it survives ${spare} further failure${spare > 1 ? 's' : ''}`;
  if (spare < 0) so = 'they are not a quorum, so nothing in it can be changed until enough voters are back';
  return `${what} has ${there} of ${voters.length} voters: ${who}; ${so}`;
}
