/** Who is in a group: the configuration of an epoch, quorums, and (epoch, view) pairs (protocol §8 and its terms). */

import { invariant } from '../base/assert.ts';
import type { Epoch, View } from '../base/ids.ts';
import { addressSchema, incarnationSchema, nameSchema } from '../base/ids.ts';
import type { TypeOf } from '../base/schema.ts';
import { list, struct, uint } from '../base/schema.ts';

export const maxMembers = 64;

/** One replica of a group. Two replicas of a group may run on one node. A name is unique within its group. */
export const memberSchema = struct({
  replica: nameSchema,
  node: nameSchema,
  /**
   * The incarnation of the node's store. A node with another one is a stranger, even under the same names (protocol
   * §2).
   */
  incarnation: incarnationSchema,
  /** The node's cluster address when the member was named. It is only a hint, for people and for the first dial. */
  address: addressSchema,
});
export type Member = TypeOf<typeof memberSchema>;

export const configurationSchema = struct({
  epoch: uint<Epoch>(),
  /** In the order that decides who is primary of a view. */
  voters: list(memberSchema, maxMembers),
  learners: list(memberSchema, maxMembers),
});
export type Configuration = TypeOf<typeof configurationSchema>;

/** An (epoch, view) pair. The epoch is compared first. */
export const viewstampSchema = struct({ epoch: uint<Epoch>(), view: uint<View>() });
export type Viewstamp = TypeOf<typeof viewstampSchema>;

export function compareViewstamps(a: Viewstamp, b: Viewstamp): number {
  return a.epoch !== b.epoch ? a.epoch - b.epoch : a.view - b.view;
}

/**
 * The log_view of a replica that cannot prove its head. It is below every view, because epochs begin with 1 (protocol
 * §2, "Proof of the head").
 */
export const noView: Viewstamp = { epoch: 0, view: 0 };

/** q = floor(n/2) + 1 of the n voters, including dead ones. */
export function quorum(configuration: Configuration): number {
  return Math.floor(configuration.voters.length / 2) + 1;
}

/** n - q + 1. If this many voters lack an op, no quorum holds it. */
export function nackQuorum(configuration: Configuration): number {
  return configuration.voters.length - quorum(configuration) + 1;
}

/** The primary of a view is `voters[view mod n]`. */
export function primaryOf(configuration: Configuration, view: View): Member {
  const { voters } = configuration;
  invariant(voters.length > 0, 'a configuration has a voter', { epoch: configuration.epoch });
  return voters[view % voters.length]!;
}
