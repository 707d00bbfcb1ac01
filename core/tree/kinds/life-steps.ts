/** What an entry does to nodes whose time has come (coordination §6, §9). */

import type { Op, SessionId } from '../../base/ids.ts';
import type { DirectoryNode } from '../node.ts';
import { isLapsed } from '../nodes/life.ts';
import { isUnkept, withLife } from '../place.ts';
import type { Place } from '../place.ts';
import { drop } from './ends.ts';
import type { WriteContext } from './rules.ts';

export type LifeStep =
  /** The session that owned an ephemeral has ended. */
  | { readonly kind: 'ownerEnded'; readonly path: string; readonly id: Op }
  | { readonly kind: 'ttlOver'; readonly path: string; readonly id: Op }
  /** Another process continues with the ClientID of its session, and it goes on with that process. */
  | {
      readonly kind: 'passedOn';
      readonly path: string;
      readonly id: Op;
      readonly from: SessionId;
      readonly to: SessionId;
      readonly leaseMs: number;
    };

export function applyLifeStep(place: Place, step: LifeStep, context: WriteContext, root: DirectoryNode): DirectoryNode {
  const { node } = place;
  if (node?.life == null || node.created !== step.id) return root;
  const { life } = node;
  switch (step.kind) {
    case 'ownerEnded':
      return life.owner === 0 ? root : drop(place, 'session', context);
    case 'ttlOver':
      return isLapsed(node, context.acting.now) && isUnkept(node) ? drop(place, 'ttl', context) : root;
    case 'passedOn': {
      const { from, to, leaseMs } = step;
      if (life.owner !== from) return root;
      const belonging = { kind: 'ephemeral', path: step.path, id: step.id } as const;
      context.consequences.push(
        { kind: 'gained', session: to, belonging, leaseMs },
        { kind: 'gaveUp', session: from, belonging },
      );
      return withLife(place, { ...life, owner: to }, context);
    }
  }
}
