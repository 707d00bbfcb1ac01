/**
 * Two ways to another node. Replicas' messages and all that keeps the cluster together go first; requests, answers and watches of clients
 * are bulk, and never fill the way of the others (protocol §1).
 */

import { snapshotPageBytes } from '../../wire/api-codecs.ts';
import type { PeerMessage } from '../../wire/peer.ts';

export type Lane = 'protocol' | 'bulk';

const lanes = {
  hello: 'protocol',
  welcome: 'protocol',
  join: 'protocol',
  joined: 'protocol',
  refused: 'protocol',
  greet: 'protocol',
  forward: 'bulk',
  forwarded: 'bulk',
  hints: 'protocol',
  ping: 'protocol',
  relay: 'bulk',
  relayed: 'bulk',
  who: 'protocol',
  vr: 'protocol',
} satisfies Readonly<Record<PeerMessage['kind'], Lane>>;

export function laneOf({ kind }: PeerMessage): Lane {
  return lanes[kind];
}

/** What a message has beside its content. */
const overhead = 64;

/** About how many bytes a message takes, as far as clients decide that. */
export function roughBytes(message: PeerMessage): number {
  if (message.kind === 'forward') {
    return overhead + ('operation' in message.item ? message.item.operation.length : 0);
  }
  if (message.kind === 'forwarded') {
    return overhead + (message.outcome.kind === 'reply' ? message.outcome.reply.length : 0);
  }
  if (message.kind !== 'relayed') return overhead;
  const told = message.message;
  if (told.kind === 'event') return overhead + told.event.length;
  return told.kind === 'snapshot' ? overhead + snapshotPageBytes : overhead;
}
