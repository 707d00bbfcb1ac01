/** Does one write. It gives a new root, or the same root when nothing changed. Each write is described in `kinds/`. */

import { Failure } from './failure.ts';
import { create } from './kinds/node.ts';
import { upsertRule, writeRule } from './kinds/index.ts';
import type { WriteContext, Written } from './kinds/rules.ts';
import type { DirectoryNode } from './node.ts';
import type { Upsertable, WriteOperation } from './operation.ts';
import { locate } from './place.ts';

function upsert(root: DirectoryNode, operation: Upsertable, context: WriteContext): Written | Failure {
  const place = locate(root, operation.path);
  if (place instanceof Failure) return place;
  const rule = upsertRule(operation.kind);
  const refused = rule.refuse(operation);
  if (refused !== null) return refused;
  if (place.node !== null) return write(root, operation, context);
  const { type } = rule;
  const value = rule.madeWith(operation);
  if (value !== null) return create(place, { type, value }, context);
  // Both steps are done or none. While the second can still fail, the first makes new nodes and changes none in place.
  const apart = { ...context, owner: null };
  const made = create(place, { type, value }, apart);
  return made instanceof Failure ? made : write(made.root, operation, apart);
}

/** Does one write. After a failure nothing has changed, not even in place. */
export function write(root: DirectoryNode, operation: WriteOperation, context: WriteContext): Written | Failure {
  if (operation.kind === 'upsert') return upsert(root, operation.operation, context);
  const place = locate(root, operation.path);
  if (place instanceof Failure) return place;
  return writeRule(operation.kind).apply(place, operation, context, root);
}
