/** What can be asked of one kind of node, as it travels and is logged: the parts of the schemas in `operation.ts`. */

import type { Schema } from '../../base/schema.ts';

type Fields = Readonly<Record<string, Schema<unknown>>>;
/** A number that is never given to another, and what goes with it. */
type Variant = readonly [number: number, fields: Fields];
type VariantAtPath = readonly [number: number, fields: Fields & { readonly path: Schema<string> }];

export interface Forms {
  /** What can change the tree, at one path. Numbers are below 32. */
  readonly writes: Readonly<Record<string, VariantAtPath>>;
  /** Those of the writes that can make their node first, where nothing is. */
  readonly upserts: Readonly<Record<string, VariantAtPath>>;
  /** What cannot change anything. Numbers are from 32 on. */
  readonly reads: Readonly<Record<string, Variant>>;
  /** What a transaction can ask of the node at a path, in the state before it. Numbers of their own. */
  readonly guards: Readonly<Record<string, VariantAtPath>>;
}
