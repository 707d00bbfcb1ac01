/** The forms of operations on a set, or on several. */

import { list, nullable, union } from '../../base/schema.ts';
import type { TypeOf } from '../../base/schema.ts';
import { maxItems, pageSchema, pathSchema, valueSchema } from '../result.ts';
import type { Forms } from './form.ts';

/** Another set: one in the tree, or members given with the call. */
export const setOperandSchema = union({
  path: [1, { path: pathSchema }],
  members: [2, { members: list(valueSchema, maxItems) }],
});
export type SetOperand = TypeOf<typeof setOperandSchema>;

const setInsert = [6, { path: pathSchema, member: valueSchema }] as const;

export const setForms = {
  writes: {
    setInsert,
    setRemove: [7, { path: pathSchema, member: valueSchema }],
  },
  upserts: { setInsert },
  reads: {
    setContains: [42, { path: pathSchema, member: valueSchema }],
    setMembers: [43, { path: pathSchema, limit: pageSchema, after: nullable(valueSchema) }],
    setSize: [44, { path: pathSchema }],
    setUnion: [45, { paths: list(pathSchema, 1024) }],
    setIntersection: [46, { paths: list(pathSchema, 1024) }],
    /** The members of `path` that are not in `other`. */
    setDifference: [47, { path: pathSchema, other: pathSchema }],
    setSymmetricDifference: [48, { path: pathSchema, other: pathSchema }],
    /** Is every member of `path` in `other`? */
    setSubset: [49, { path: pathSchema, other: setOperandSchema }],
    /** Is every member of `other` in `path`? */
    setSuperset: [50, { path: pathSchema, other: setOperandSchema }],
  },
  guards: {
    setMember: [9, { path: pathSchema, member: valueSchema }],
  },
} as const satisfies Forms;
