/** What recovery found in the log of a node: what its replicas are, and where the log goes on. */

import type { NamespaceId } from '../base/ids.ts';
import type { ReplicaLog } from './replica-log.ts';

export function replicaKey(namespace: NamespaceId, replica: string): string {
  return `${namespace}/${replica}`;
}

export interface LogPosition {
  readonly segment: number;
  readonly offset: number;
}

export interface Recovered {
  readonly replicas: Map<string, ReplicaLog>;
  readonly record: Uint8Array | null;
  readonly roster: number;
  /** False when a lost batch may have made replicas that are not known here. */
  readonly rosterProven: boolean;
  /** The number of the next batch, and where it goes: null when it begins a new segment. */
  readonly sequence: number;
  /** What the last valid batch held, for the first to repeat, and how far back it is. */
  readonly echo: Uint8Array | null;
  readonly echoDistance: number;
  readonly resumeAt: LogPosition | null;
  /** The highest segment in which a batch was found, 0 when there is none. */
  readonly endSegment: number;
  /** The segment and the number of the last valid batch; zeros when there is none. */
  readonly durable: { readonly segment: number; readonly sequence: number };
  /** Something may be lost that no run has judged yet. */
  readonly lost: boolean;
  /** No batch of this store is here, and batches of another are. */
  readonly foreign: boolean;
}
