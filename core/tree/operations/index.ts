/**
 * Every kind of node with the forms of its operations. They are apart from the rules (`kinds/`), because a client needs
 * these forms but nothing of the tree itself.
 */

import type { Finite } from '../../base/schema.ts';
import type { LeafType } from '../names.ts';
import { blobForms } from './blob.ts';
import { barrierForms } from './barrier.ts';
import { claimsForms } from './claims.ts';
import { electionForms } from './election.ts';
import { lockForms } from './lock.ts';
import { semaphoreForms } from './semaphore.ts';
import { counterForms } from './counter.ts';
import type { Forms } from './form.ts';
import { livesForms } from './lives.ts';
import { nodeForms } from './node.ts';
import { queueForms } from './queue.ts';
import { setForms } from './set.ts';

/** `node` has the operations on a node of any type, and `claims` those on any line of claims, `lives` those on how long one lives. */
export const forms = {
  node: nodeForms,
  blob: blobForms,
  queue: queueForms,
  set: setForms,
  counter: counterForms,
  claims: claimsForms,
  lives: livesForms,
  lock: lockForms,
  semaphore: semaphoreForms,
  barrier: barrierForms,
  election: electionForms,
} as const satisfies Readonly<Record<'node' | 'claims' | 'lives' | LeafType, Forms>>;
export type AllForms = typeof forms;

type Part = keyof Forms;

type Fractional<V> = V extends readonly [number, infer F]
  ? Extract<F[keyof F], Finite> extends never
    ? false
    : true
  : false;
type FractionalIn<Forms> = { [K in keyof Forms]: Fractional<Forms[K]> extends true ? K : never }[keyof Forms];
/** The operations and guards that have a number which need not be whole. */
export type FractionalKind = {
  [F in keyof AllForms]: { [P in Part]: FractionalIn<AllForms[F][P]> }[Part];
}[keyof AllForms];

type InOne<U> = (U extends unknown ? (one: U) => void : never) extends (all: infer I) => void ? I : never;
type Whole<P extends Part> = InOne<{ [F in keyof AllForms]: AllForms[F][P] }[keyof AllForms]>;

/** One part of the forms of all kinds, in one object. */
/* @__NO_SIDE_EFFECTS__ */
export function together<P extends Part>(part: P): { [K in keyof Whole<P>]: Whole<P>[K] } {
  return Object.assign({}, ...Object.values(forms).map((one) => one[part])) as Whole<P>;
}
