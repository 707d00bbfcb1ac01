/**
 * What is judged of each message between nodes before anything of it is believed (protocol §1, "Judged before believed"): one table, which
 * the compiler keeps whole. The link has proven the secret and whose it is; what replicas say is judged again by the replica that it is
 * for (core/vr/judgement.ts), and answers by whoever asked.
 */

import { rootNamespaceId } from '../../base/ids.ts';
import { highestNumber } from '../../vr/reach.ts';
import type { AdminCommand } from '../../wire/admin.ts';
import type { NodeInfo } from '../../wire/node-info.ts';
import type { PeerMessage } from '../../wire/peer.ts';

/** What this node knows of whoever speaks. */
export interface Hearer {
  /** A node of this cluster by name and incarnation, as far as the catalog here can say. */
  mayBeMember(node: NodeInfo): boolean;
  /** An admin command that nodes send on to the one that can do it. */
  isSentOn(command: AdminCommand): boolean;
}

type Judge<K extends PeerMessage['kind']> = (
  hearer: Hearer,
  from: NodeInfo,
  message: Extract<PeerMessage, { kind: K }>,
) => string | null;

const notInCatalog = 'its sender is not in the catalog here';
const rootAlone = 'the root group is not for clients';

const member = (hearer: Hearer, from: NodeInfo): string | null => (hearer.mayBeMember(from) ? null : notInCatalog);
/** Part of a handshake, which is over: nothing comes of it. */
const over = (): null => null;

const judges = {
  greet: over,
  hello: over,
  welcome: over,
  joined: over,
  refused: over,
  join: () => 'this node is in a cluster',
  ping: () => null,
  /** Whether it is of the group its replica knows, which may be told of new members before the catalog here is. */
  vr: (_hearer, from, { message }) =>
    message.node === from.name && message.incarnation === from.incarnation ? null : 'in the name of another node',
  forward: (hearer, from, message) => {
    const { namespaceId, item } = message;
    if (namespaceId === rootNamespaceId && item.kind !== 'admin' && item.kind !== 'lookup') return rootAlone;
    if (item.kind === 'admin' && !hearer.isSentOn(item.command)) return 'an admin command that no node sends on';
    return member(hearer, from);
  },
  forwarded: member,
  /** The catalog here may lag behind its sender's: the router judges whom each of them names, and keeps what it cannot judge yet. */
  hints: () => null,
  relay: (hearer, from, message) => {
    const { kind } = message.message;
    if (kind !== 'watch' && kind !== 'unwatch') return 'only watches are relayed';
    if (kind === 'watch' && message.message.namespaceId === rootNamespaceId) return rootAlone;
    return member(hearer, from);
  },
  relayed: (hearer, from, message) =>
    message.number > highestNumber ? 'a number beyond what can have been reached' : member(hearer, from),
  who: member,
} satisfies { readonly [K in PeerMessage['kind']]: Judge<K> };

/** Why `message` of the node `from`, over a link that it has proven, is not believed; null for what is. */
export function judgePeer(hearer: Hearer, from: NodeInfo, message: PeerMessage): string | null {
  const one: Judge<PeerMessage['kind']> = judges[message.kind] as Judge<PeerMessage['kind']>;
  return one(hearer, from, message);
}
