/** The operations on an election (coordination §7). */

import { claimChange } from '../change.ts';
import { Failure } from '../failure.ts';
import { DirectoryNode } from '../node.ts';
import { bytesOfClaim } from '../nodes/claims.ts';
import type { Hold } from '../nodes/claims.ts';
import { growthOfBytes } from '../nodes/head.ts';
import type { Asked, SimpleResult } from '../operation.ts';
import { find, refuseGrowth, replace } from '../place.ts';
import type { Place } from '../place.ts';
import { store } from '../stored.ts';
import { lineAt, lineOf, notHeld, knownClaim } from './line.ts';
import { leafOf } from './lock.ts';
import type { LeafRules, WriteContext, Written } from './rules.ts';
import { onlyPath } from './steps.ts';

function proclaim(place: Place, { claim, token, value }: Asked<'proclaim'>, context: WriteContext): Written | Failure {
  const { path } = place;
  if (place.node === null) return notHeld(path, claim, token);
  const node = lineAt(place, 'election');
  if (node instanceof Failure) return node;
  const hold = node.hold(claim);
  if (hold === undefined || hold.token !== token || hold.until !== null || hold.session !== context.acting.session)
    return notHeld(path, claim, token);
  const after: Hold = { ...hold, value: store(value) };
  const growth = growthOfBytes(bytesOfClaim(after) - bytesOfClaim(hold));
  const full = refuseGrowth(place, growth, context.limits);
  if (full !== null) return full;
  const changed = node.replacing(hold, after, context.op, context.owner);
  context.changes.push(claimChange(path, 'proclaimed', changed, after));
  return { root: replace(place, changed, growth, context), result: { kind: 'done', version: changed.version } };
}

function leader(root: DirectoryNode, { path }: Asked<'leader'>): SimpleResult | Failure {
  const found = find(root, path);
  if (found instanceof Failure) return found;
  const node = lineOf(found, path, 'election');
  if (node instanceof Failure) return node;
  for (const hold of node.holds())
    if (hold.until === null) return { kind: 'leader', leader: knownClaim(hold), version: node.version };
  return { kind: 'leader', leader: null, version: node.version };
}

export const electionRules: LeafRules<'election'> = {
  ...leafOf('election'),
  writes: { proclaim: { grows: true, refuse: onlyPath, apply: proclaim } },
  upserts: {},
  reads: { leader: { refuse: onlyPath, read: leader } },
  guards: {},
};
