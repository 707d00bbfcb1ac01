/** What is drawn: one picture of a cluster, in a form that both the cluster in the tab and the status stream of real nodes give. */

import type { NodeType } from '../../core/tree/names.ts';
import type { StatusReplica } from '../../core/wire/status.ts';

export type MessageKind = 'heartbeat' | 'read' | 'prepareOk' | 'prepare' | 'transfer' | 'viewChange' | 'client';

export interface Flight {
  readonly from: string;
  readonly to: string;
  readonly kind: MessageKind;
  readonly sentUs: number;
  /** When it arrives, or for a lost one where it is last seen. */
  readonly arrivesUs: number;
  readonly lost: boolean;
}

export interface NodePicture {
  readonly name: string;
  /** `unseen`: nothing is known of it from here. */
  readonly state: 'up' | 'down' | 'paused' | 'unseen';
  readonly slowDiskMs: number;
  /** As it was last seen, when the node is down. */
  readonly replica: StatusReplica | null;
}

export type NoteKind = 'view' | 'suspicion' | 'commit' | 'fault' | 'repair' | 'typed' | 'alarm';

/** Something that happened, in words. */
export interface Note {
  /** Events of the world before it; on a real cluster a count of its own. */
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
  /** Between its last sign of life and the last entry. */
  readonly idleMs: number;
}

/** The sessions of the namespace that is shown, as its primary knows them. */
export interface SessionsPicture {
  readonly count: number;
  /** The newest first, and not all of many. */
  readonly newest: readonly SessionPicture[];
}

export interface Frame {
  readonly nowUs: number;
  /** How fast its time goes on from there, by the wall's; 0 when it stands still. */
  readonly pace: number;
  readonly nodes: readonly NodePicture[];
  /** The nodes that clients are connected to: in the tab the one of the terminal. */
  readonly clients: readonly string[];
  /** Clients beside the terminal. */
  readonly otherClients: number;
  readonly sessions: SessionsPicture | null;
  /** Directions over which nothing passes. */
  readonly cuts: readonly { readonly from: string; readonly to: string }[];
  /** Messages that left since the frame before. */
  readonly flights: readonly Flight[];
  /** Notes since the frame before. */
  readonly notes: readonly Note[];
}

/** Where the time of the tab's cluster stands. */
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
