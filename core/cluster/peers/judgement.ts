/**
 * Judges each message between nodes before any of it is believed (protocol §1, "Judged before believed"). It is one
 * table, and the compiler checks that it is complete. The link has proven the secret and its owner. The replica that
 * receives a replica's message judges it again (core/vr/judgement.ts), and the part that asked judges an answer again.
 */

import { rootNamespaceId } from '../../base/ids.ts';
import { highestNumber } from '../../vr/reach.ts';
import type { AdminCommand } from '../../wire/admin.ts';
import type { NodeInfo } from '../../wire/node-info.ts';
import type { PeerMessage } from '../../wire/peer.ts';

/** What this node knows about the node that speaks. */
export interface Hearer {
  /** True for a node of this cluster, by name and incarnation, as far as the catalog here shows. */
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
/** Part of the handshake, which is over. It has no effect. */
const over = (): null => null;

const judges = {
  greet: over,
  hello: over,
  welcome: over,
  joined: over,
  refused: over,
  join: () => 'this node is in a cluster',
  ping: () => null,
  /**
   * Its replica knows whether the sender belongs to the group. The replica may learn of new members before the catalog
   * here does.
   */
  vr: (_hearer, from, { message }) =>
    message.node === from.name && message.incarnation === from.incarnation ? null : 'in the name of another node',
  forward: (hearer, from, message) => {
    const { namespaceId, item } = message;
    if (namespaceId === rootNamespaceId && item.kind !== 'admin' && item.kind !== 'lookup') return rootAlone;
    if (item.kind === 'admin' && !hearer.isSentOn(item.command)) return 'an admin command that no node sends on';
    return member(hearer, from);
  },
  forwarded: member,
  /**
   * The catalog here may lag behind the sender's. The router judges the replica that each hint names, and keeps a hint
   * that it cannot judge yet.
   */
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
  notice: (hearer, from, message) => (message.namespaceId === rootNamespaceId ? rootAlone : member(hearer, from)),
} satisfies { readonly [K in PeerMessage['kind']]: Judge<K> };

/**
 * Why a message of the node `from`, over a link that `from` has proven, is not believed. Null when it is believed.
 */
export function judgePeer(hearer: Hearer, from: NodeInfo, message: PeerMessage): string | null {
  const one: Judge<PeerMessage['kind']> = judges[message.kind] as Judge<PeerMessage['kind']>;
  return one(hearer, from, message);
}
