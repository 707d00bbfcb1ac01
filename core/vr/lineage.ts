/**
 * In which views the entries of a log were made. A checkpoint keeps this for the end of its log. So a replica that is
 * further behind can still tell whether its committed entries are in the history that the checkpoint replaces (protocol
 * §5). An (epoch, view, op) has one entry (protocol §9.1), so an op that was made in the same view is the same entry.
 */

import type { Epoch, Op, View } from '../base/ids.ts';
import type { TypeOf } from '../base/schema.ts';
import { list, struct, uint } from '../base/schema.ts';
import type { Viewstamp } from './configuration.ts';
import type { Entry } from './entry.ts';

/** Older views are forgotten. All replicas forget the same views, because they count the same entries. */
const maxViews = 64;

const madeInSchema = struct({
  epoch: uint<Epoch>(),
  view: uint<View>(),
  /** The first op that was made in this view. */
  from: uint<Op>(),
});
export const lineageSchema = list(madeInSchema, maxViews);
/** Views in which entries were made, oldest first. */
export type Lineage = TypeOf<typeof lineageSchema>;

/** The lineage with one more entry at its end. It stays the same object while the view stays the same. */
export function extended(lineage: Lineage, { epoch, view, op }: Entry): Lineage {
  const last = lineage.at(-1);
  if (last?.epoch === epoch && last.view === view) return lineage;
  return [...lineage, { epoch, view, from: op }].slice(-maxViews);
}

/** The view in which an op was made, or null when it was made before the oldest view that is known. */
export function madeIn(lineage: Lineage, op: Op): Viewstamp | null {
  return lineage.findLast(({ from }) => from <= op) ?? null;
}

/** What an operator is told where two replicas have committed different things. Neither can know which of them is right. */
export function twoHistories(what: string): string {
  return `two histories: ${what}. A node was given an old copy of its data directory, or has lost more than it knows. Stop writing to this namespace, and keep the data directories of all its nodes as they are; see "Two histories" in docs/operations.md`;
}
