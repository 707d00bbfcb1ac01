/** The entry points have every type of node. What is not exported does not compile here. */

import * as core from '../../browser-client/core.ts';
import type * as haret from '../../browser-client/index.ts';
import type { HandleType, makers } from '../../browser-client/kinds/index.ts';

/** `haret/core` has the function that makes each handle. */
export const coreMakers: typeof makers = core;

/** The name of a handle's class. `Set` is JavaScript's own. Classes of the same shape are still two names. */
type ClassName<T extends HandleType> = T extends 'set' ? 'SetHandle' : Capitalize<T>;

/** Types of nodes whose handles `haret` does not export: none. */
export const withoutHandle: {
  readonly [T in HandleType as ClassName<T> extends keyof typeof haret ? never : T]: never;
} = {};
