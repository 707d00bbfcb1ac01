/**
 * In which views the entries of a log were made. A checkpoint keeps that of its log's end, so that a replica that is
 * behind it can still tell whether what it has committed is in the history that the checkpoint stands for (protocol §5).
 * An (epoch, view, op) has one entry (protocol §9.1), so an op that was made in the same view is the same entry.
 */

import type { TypeOf } from '../base/schema.ts';
import { list, struct, uint } from '../base/schema.ts';
import type { Viewstamp } from './configuration.ts';
import type { Entry } from './entry.ts';

/** Older views are forgotten. All replicas forget the same, because they count the same entries. */
const maxViews = 64;

const madeInSchema = struct({
  epoch: uint(),
  view: uint(),
  /** The first op that was made in it. */
  from: uint(),
});
export const lineageSchema = list(madeInSchema, maxViews);
/** Views that made entries, the oldest first. */
export type Lineage = TypeOf<typeof lineageSchema>;

/** The lineage with one more entry at its end. It stays the same object while the view does. */
export function extended(lineage: Lineage, { epoch, view, op }: Entry): Lineage {
  const last = lineage.at(-1);
  if (last?.epoch === epoch && last.view === view) return lineage;
  return [...lineage, { epoch, view, from: op }].slice(-maxViews);
}

/** The view in which an op was made, or null when it was made before the oldest view that is known. */
export function madeIn(lineage: Lineage, op: number): Viewstamp | null {
  return lineage.findLast(({ from }) => from <= op) ?? null;
}
