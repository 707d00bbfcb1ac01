/** The forms of operations on any node, whatever its type. */

import { bool, nullable, text, uint } from '../../base/schema.ts';
import { nodeTypeSchema, pageSchema, pathSchema, valueSchema } from '../result.ts';
import type { Forms } from './form.ts';

export const nodeForms = {
  writes: {
    /**
     * Also makes the missing directories above. `value` is the first value of a blob (bytes) or of a counter (decimal
     * text).
     */
    create: [1, { path: pathSchema, type: nodeTypeSchema, value: nullable(valueSchema) }],
    delete: [2, { path: pathSchema, recursive: bool, ifVersion: nullable(uint()) }],
  },
  upserts: {},
  reads: {
    /**
     * The path itself and everything below it, depth first, sorted, each directory before its children. This is `ls` in
     * the first haret.
     */
    keys: [32, { path: pathSchema, limit: pageSchema, after: nullable(pathSchema) }],
    /** The children of a directory, in pages. `after` is the last name of the page before. */
    children: [33, { path: pathSchema, limit: pageSchema, after: nullable(text(255)) }],
    stat: [34, { path: pathSchema }],
    exists: [35, { path: pathSchema }],
    /** The `limit` largest leaves at and below `path`, by bytes. */
    largest: [52, { path: pathSchema, limit: uint(100, 1) }],
  },
  guards: {
    version: [1, { path: pathSchema, version: uint() }],
    created: [2, { path: pathSchema, op: uint() }],
    modified: [3, { path: pathSchema, op: uint() }],
    exists: [4, { path: pathSchema }],
    absent: [5, { path: pathSchema }],
    type: [6, { path: pathSchema, type: nodeTypeSchema }],
    /** True when the node at `path` is held exclusively with this fencing token. */
    held: [10, { path: pathSchema, token: uint() }],
  },
} as const satisfies Forms;
