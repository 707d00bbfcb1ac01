/** Answers one read. What each read does is in `kinds/`. */

import type { Failure } from './failure.ts';
import { readRule } from './kinds/index.ts';
import type { ResultBudget } from './limits.ts';
import type { DirectoryNode } from './node.ts';
import type { ReadOperation, SimpleResult } from './operation.ts';

/** Answers one read of the tree under `root`. Bytes in the answer may belong to the tree, and must only be read. */
export function read(root: DirectoryNode, operation: ReadOperation, budget: ResultBudget): SimpleResult | Failure {
  return readRule(operation.kind).read(root, operation, budget);
}
