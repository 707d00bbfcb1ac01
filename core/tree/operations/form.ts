/**
 * The forms of the operations on one kind of node, as they are sent and logged. They are the parts of the schemas in
 * `operation.ts`.
 */

import type { Schema } from '../../base/schema.ts';

type Fields = Readonly<Record<string, Schema<unknown>>>;
/** A number that is never given to another form, and the fields. */
type Variant = readonly [number: number, fields: Fields];
type VariantAtPath = readonly [number: number, fields: Fields & { readonly path: Schema<string> }];

export interface Forms {
  /** Operations that can change the tree, at one path. Their numbers are below 32, of which 16 is `transaction`, or from 96 on. */
  readonly writes: Readonly<Record<string, VariantAtPath>>;
  /** The writes that can first make their node where none exists. */
  readonly upserts: Readonly<Record<string, VariantAtPath>>;
  /** Operations that cannot change anything. Their numbers are from 32 to 95. */
  readonly reads: Readonly<Record<string, Variant>>;
  /** Conditions of a transaction on the node at a path, in the state before it. They have numbers of their own. */
  readonly guards: Readonly<Record<string, VariantAtPath>>;
}
