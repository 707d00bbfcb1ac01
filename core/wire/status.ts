/**
 * The status stream of the API port: what a node tells about itself, so that a page can draw its cluster. It takes no
 * messages. It speaks JSON, and never tells what namespaces hold (docs/wire.md).
 */

import type { Epoch, Op, View } from '../base/ids.ts';
import type { MessageKind } from '../vr/messages.ts';
import type { ReplicaEvent, ReplicaStatus, ReplicaView } from '../vr/ports.ts';

export const statusSubprotocol = 'haret.v1.status';

/** Everything since the message before. A message that would say nothing new is not sent. */
export interface StatusMessage {
  readonly node: string;
  /** The nodes to which this one is connected. */
  readonly peers: readonly string[];
  readonly nodes: readonly { readonly name: string; readonly apiAddress: string }[];
  /** Where a page may use this node's admin interface; null when it may not. */
  readonly adminAddress: string | null;
  /** One for each replica of this node, up to a bound. */
  readonly groups: readonly StatusGroup[];
  readonly events: readonly StatusEvent[];
  /** `messages` and `clients` were counted over this time. */
  readonly intervalMs: number;
  readonly messages: readonly StatusTraffic[];
  readonly clients: StatusClients;
}

export interface StatusGroup {
  /** The namespace's id; 0 is the root group. */
  readonly id: number;
  readonly members: readonly { readonly node: string; readonly replica: string }[];
  readonly replica: StatusReplica;
  /** Null for the root group, which has no sessions. */
  readonly sessions: {
    readonly count: number;
    /** The sessions that were registered last, newest first, up to a bound. */
    readonly newest: readonly StatusSession[];
  } | null;
}

export interface StatusReplica {
  readonly name: string;
  readonly status: ReplicaStatus;
  readonly epoch: Epoch;
  readonly view: View;
  readonly isPrimary: boolean;
  /** The replica that this one takes for the primary. */
  readonly primary: string | null;
  readonly head: Op;
  readonly commit: Op;
  readonly checkpoint: number;
}

/** What the stream tells about a replica. */
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
  /** Requests under way, as far as this replica knows. The primary knows all of them. */
  readonly outstanding: number;
  /** Time from its last sign of life to the last entry of the log. */
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
  /** When a few of them were seen, in milliseconds since the interval began, spread over the interval. */
  readonly at: readonly number[];
}

/** What clients did at this node. */
export interface StatusClients {
  /** Connections that are open now. */
  readonly connections: number;
  /** Questions in this interval. */
  readonly asked: number;
  readonly answered: number;
}
