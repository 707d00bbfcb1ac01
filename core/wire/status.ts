/**
 * The status stream of the API port: what a node tells of itself, for pictures of its cluster. It only tells, in JSON and never of what
 * namespaces hold, and takes no messages (docs/wire.md).
 */

import type { MessageKind } from '../vr/messages.ts';
import type { ReplicaEvent, ReplicaStatus, ReplicaView } from '../vr/ports.ts';

export const statusSubprotocol = 'haret.v1.status';

/** Everything since the message before. Whatever says nothing new is not sent. */
export interface StatusMessage {
  readonly node: string;
  /** The nodes that this one is connected to. */
  readonly peers: readonly string[];
  readonly nodes: readonly { readonly name: string; readonly apiAddress: string }[];
  /** Where a page may use this node's admin interface; null when none may. */
  readonly adminAddress: string | null;
  /** One for each replica of this node, up to a bound. */
  readonly groups: readonly StatusGroup[];
  readonly events: readonly StatusEvent[];
  /** The time that `messages` and `clients` were counted over. */
  readonly intervalMs: number;
  readonly messages: readonly StatusTraffic[];
  readonly clients: StatusClients;
}

export interface StatusGroup {
  /** The namespace's id; 0 is the root group. */
  readonly id: number;
  readonly members: readonly { readonly node: string; readonly replica: string }[];
  readonly replica: StatusReplica;
  /** Null for the root group, which has none. */
  readonly sessions: {
    readonly count: number;
    /** Those that were registered last, the newest first, up to a bound. */
    readonly newest: readonly StatusSession[];
  } | null;
}

export interface StatusReplica {
  readonly name: string;
  readonly status: ReplicaStatus;
  readonly epoch: number;
  readonly view: number;
  readonly isPrimary: boolean;
  /** The replica that it takes for the primary. */
  readonly primary: string | null;
  readonly head: number;
  readonly commit: number;
  readonly checkpoint: number;
}

/** What is told of a replica. */
export function describeReplica(view: ReplicaView): StatusReplica {
  return {
    name: view.identity.replica,
    status: view.status,
    epoch: view.view.epoch,
    view: view.view.view,
    isPrimary: view.isPrimary,
    primary: view.primary?.replica ?? null,
    head: view.head,
    commit: view.commit,
    checkpoint: view.checkpointOp,
  };
}

export interface StatusSession {
  /** The op of its registration. */
  readonly id: number;
  readonly client: string;
  /** Requests under way, as far as this replica knows: the primary does. */
  readonly outstanding: number;
  /** Between its last sign of life and the last entry of the log. */
  readonly idleMs: number;
}

export interface StatusEvent {
  readonly group: number;
  readonly replica: string;
  /** By this node's own clock. */
  readonly atMs: number;
  readonly event: ReplicaEvent;
}

/** Messages of one group between this node and another, of one kind and in one direction. */
export interface StatusTraffic {
  readonly group: number;
  readonly from: string;
  readonly to: string;
  readonly kind: MessageKind;
  readonly count: number;
  /** When some of them were seen, in milliseconds since the interval began: spread over it, and few. */
  readonly at: readonly number[];
}

/** What clients did at this node. */
export interface StatusClients {
  /** Open now. */
  readonly connections: number;
  /** In this interval. */
  readonly asked: number;
  readonly answered: number;
}
