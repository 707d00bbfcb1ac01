/**
 * Two ways to another node. Replicas' messages and all that keeps the cluster together go first. Requests, answers and watches of clients
 * are bulk, and so is what a replica that lags fetches. They never fill the way of the others (protocol §1).
 */

import { snapshotPageBytes } from '../../wire/api-codecs.ts';
import type { PeerMessage } from '../../wire/peer.ts';
import type { Message } from '../../vr/messages.ts';

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
  notice: 'protocol',
  vr: 'protocol',
} satisfies Readonly<Record<PeerMessage['kind'], Lane>>;

/** Parts of a state transfer. A heartbeat does not wait behind them. */
const transferred: ReadonlySet<Message['kind']> = new Set<Message['kind']>(['newState', 'chunk']);

export function laneOf(message: PeerMessage): Lane {
  return message.kind === 'vr' && transferred.has(message.message.kind) ? 'bulk' : lanes[message.kind];
}

/** What a message has beside its content. */
const overhead = 64;

/** About how many bytes a message of bulk takes. */
export function roughBytes(message: PeerMessage): number {
  if (message.kind === 'vr') return overhead + transferBytes(message.message);
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

function transferBytes(message: Message): number {
  if (message.kind === 'chunk') return message.bytes?.length ?? 0;
  if (message.kind !== 'newState') return 0;
  return message.entries.reduce((sum, { body }) => sum + body.length, 0);
}
