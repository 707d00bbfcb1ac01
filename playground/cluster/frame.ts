/** One picture of a cluster, in a form that both the cluster in the tab and the status stream of real nodes give. */

import type { NodeType } from '../../core/tree/names.ts';
import type { StatusReplica } from '../../core/wire/status.ts';

export type MessageKind = 'heartbeat' | 'read' | 'prepareOk' | 'prepare' | 'transfer' | 'viewChange' | 'client';

export interface Flight {
  readonly from: string;
  readonly to: string;
  readonly kind: MessageKind;
  readonly sentUs: number;
  /** When it arrives. For a lost message, when it disappears. */
  readonly arrivesUs: number;
  readonly lost: boolean;
}

export interface NodePicture {
  readonly name: string;
  /** `unseen`: this page knows nothing about it. */
  readonly state: 'up' | 'down' | 'paused' | 'unseen';
  readonly slowDiskMs: number;
  /** Its last known state when the node is down. */
  readonly replica: StatusReplica | null;
}

export type NoteKind = 'view' | 'suspicion' | 'commit' | 'fault' | 'repair' | 'typed' | 'alarm';

/** An event, in words. */
export interface Note {
  /** How many events of the world came before it. A real cluster has its own count. */
  readonly at: number;
  readonly atMs: number;
  readonly kind: NoteKind;
  readonly text: string;
}

export interface SessionPicture {
  /** The op of its registration. */
  readonly id: number;
  readonly client: string;
  /** Requests that are not executed yet. */
  readonly outstanding: number;
  /** The time between its last sign of life and the last entry. */
  readonly idleMs: number;
}

/** The sessions of the namespace that is shown, as its primary knows them. */
export interface SessionsPicture {
  readonly count: number;
  /** Newest first. When there are many, only some. */
  readonly newest: readonly SessionPicture[];
}

export interface Frame {
  readonly nowUs: number;
  /** How fast its time goes on from there, compared with real time. 0 when it stands still. */
  readonly pace: number;
  readonly nodes: readonly NodePicture[];
  /** The nodes to which clients are connected. In the tab it is the terminal's node. */
  readonly clients: readonly string[];
  /** How many clients there are besides the terminal. */
  readonly otherClients: number;
  readonly sessions: SessionsPicture | null;
  /** Directions in which nothing passes. */
  readonly cuts: readonly { readonly from: string; readonly to: string }[];
  /** Messages that were sent since the frame before. */
  readonly flights: readonly Flight[];
  /** Notes since the frame before. */
  readonly notes: readonly Note[];
}

/** The position of the time of the tab's cluster. */
export interface Playback {
  readonly events: number;
  /** The last event that the script or the past of this run reaches. */
  readonly end: number;
  readonly playing: boolean;
  readonly speedPercent: number;
}

export interface TreeRow {
  readonly path: string;
  readonly type: NodeType;
  readonly version: number;
  /** Members, items or children. */
  readonly count: number;
  readonly bytes: number;
}
