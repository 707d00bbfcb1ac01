/** One sentence about the state of the cluster: whether there is a primary, and whether anything can be committed. */

import type { NodePicture } from './cluster/frame.ts';

export interface Headline {
  readonly text: string;
  /** True when nothing can be committed now. */
  readonly bad: boolean;
}

type Cut = { readonly from: string; readonly to: string };

/** @param nodes those with a replica of the namespace. Without nodes there is no headline. */
export function headlineOf(nodes: readonly NodePicture[], cuts: readonly Cut[]): Headline | null {
  if (nodes.length === 0) return null;
  const majority = Math.floor(nodes.length / 2) + 1;
  const alive = nodes.filter(({ state }) => state === 'up' || state === 'unseen');
  const primary = alive
    .filter(({ replica }) => replica?.isPrimary === true)
    .reduce<NodePicture | null>(
      (best, node) => (best === null || node.replica!.view > best.replica!.view ? node : best),
      null,
    );
  if (primary === null) {
    if (alive.length < majority)
      return { text: `${count(alive.length, nodes.length)} up, no majority: nothing is committed`, bad: true };
    return { text: 'no primary: the replicas agree on a new one', bad: true };
  }
  const { name } = primary.replica!;
  const reached = alive.filter((node) => node === primary || linked(primary.name, node.name, cuts));
  if (reached.length < majority)
    return { text: `${name} is primary without a majority: nothing is committed`, bad: true };
  return { text: `${name} is primary and has a majority`, bad: false };
}

function linked(a: string, b: string, cuts: readonly Cut[]): boolean {
  return !cuts.some(({ from, to }) => (from === a && to === b) || (from === b && to === a));
}

function count(some: number, all: number): string {
  return `${some} of ${all}`;
}
