/** The entry points have every type of node. What is not exported does not compile here. */

import * as core from '../../browser-client/core.ts';
import type * as haret from '../../browser-client/index.ts';
import type { handles, makers } from '../../browser-client/kinds/index.ts';

/** `haret/core` has the function that makes each handle. */
export const coreMakers: typeof makers = core;

type Exported = (typeof haret)[keyof typeof haret];
type Handles = typeof handles;

/** Types of nodes whose handles `haret` does not export: none. */
export const withoutHandle: { readonly [T in keyof Handles as Handles[T] extends Exported ? never : T]: never } = {};
