/**
 * A stranger at the cluster port. It speaks as nodes do, and knows everything that can be read anywhere: the cluster's
 * id, names, incarnations, views and op numbers. It lacks only the cluster's secret. `core/wire` encodes what it says,
 * and what it says is true only where that helps it.
 */

import type { WebSocket } from 'ws';
import { NobleHash } from '../../../core/base/noble-hash.ts';
import type { Message } from '../../../core/vr/messages.ts';
import { decodePeerFrame, encodePeerFrames, peerProtocol, peerSubprotocol } from '../../../core/wire/peer.ts';
import type { NodeInfo } from '../../../core/wire/node-info.ts';
import type { PeerMessage } from '../../../core/wire/peer.ts';
import type { ClusterUnderTest, NodeUnderTest } from '../../integration/cluster-process.ts';
import { open } from '../../integration/raw-socket.ts';
import type { Stage } from '../stage.ts';
import { identityOf } from './log-files.ts';
import { ThinConnection } from './thin.ts';
import { comes } from './waiting.ts';

/** The largest number that a message can hold. */
export const largest = Number.MAX_SAFE_INTEGER;

const hash = new NobleHash();
const frameBytes = 1024 * 1024;

/** A node as it would present itself. */
export function infoOf(node: NodeUnderTest): NodeInfo {
  return {
    name: node.name,
    incarnation: identityOf(node.dataDirectory).incarnation,
    clusterAddress: node.cluster,
    adminAddress: node.admin,
    apiAddress: node.api,
  };
}

export function strangerInfo(address: string, name = 'stranger'): NodeInfo {
  return { name, incarnation: 'ab'.repeat(16), clusterAddress: address, adminAddress: address, apiAddress: address };
}

export class Forger {
  readonly heard: PeerMessage[] = [];
  readonly #ws: WebSocket;
  closed = false;
  /** Called for each message of the node. */
  onMessage: (message: PeerMessage) => void = () => undefined;

  private constructor(ws: WebSocket) {
    this.#ws = ws;
    ws.on('message', (data: Buffer) => {
      try {
        for (const message of decodePeerFrame(new Uint8Array(data), hash)) {
          this.heard.push(message);
          this.onMessage(message);
        }
      } catch {
        // Whatever it is, the stranger does not know it.
      }
    });
    ws.on('close', () => (this.closed = true));
  }

  /** Dials a node and says hello in the name of `from`. Goes on without waiting for an answer. */
  static async dial(
    stage: Stage,
    to: NodeUnderTest,
    cluster: string,
    from: NodeInfo,
    target: { readonly name: string; readonly incarnation: string } = infoOf(to),
  ): Promise<Forger> {
    const ws = await open(to.cluster, peerSubprotocol).catch((error: unknown) => {
      const why = to.pid === null ? `its process ended: ${to.stderr.trim()}` : String(error);
      throw new Error(`a stranger cannot connect to ${to.name}: ${why}`);
    });
    stage.atEnd(() => ws.terminate());
    const forger = new Forger(ws);
    // It cannot prove what it does not know.
    const proofs = ['00'.repeat(32), 'ef'.repeat(32)];
    // Each in a frame of its own, as the handshake has it.
    forger.say({ kind: 'greet', protocol: peerProtocol, nonce: 'cd'.repeat(16) });
    forger.say({ kind: 'hello', cluster, from, target: target.name, targetIncarnation: target.incarnation, proofs });
    return forger;
  }

  say(...messages: readonly PeerMessage[]): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    for (const frame of encodePeerFrames(messages, frameBytes)) this.#ws.send(frame);
  }

  /** Says bytes that may not be a frame at all. */
  sayBytes(bytes: Uint8Array): void {
    if (this.#ws.readyState === this.#ws.OPEN) this.#ws.send(bytes);
  }

  /** Whether the node accepted the hello. If it said something else, that is noted. */
  async welcomed(stage: Stage): Promise<boolean> {
    await comes(3000, () => Promise.resolve(this.heard.length > 0 || this.closed));
    for (const message of this.heard) if (message.kind === 'refused') stage.noteRefusal(message.error.message);
    return this.heard.some(({ kind }) => kind === 'welcome');
  }

  /** Waits until the node has read what was said: it closes the link, or answers a ping that came after it. */
  async read(): Promise<void> {
    const before = this.heard.length;
    this.say({ kind: 'ping', answer: true });
    await comes(2000, () =>
      Promise.resolve(this.closed || this.heard.slice(before).some(({ kind }) => kind === 'ping')),
    );
  }

  close(): void {
    this.#ws.terminate();
  }
}

/** What any client is told: the ids of the cluster and of the namespace. */
export interface Ids {
  readonly cluster: string;
  readonly namespace: number;
}

export async function idsOf(stage: Stage, node: NodeUnderTest): Promise<Ids> {
  const connection = await ThinConnection.open(stage, node.api);
  const namespace = await connection.enter();
  connection.close();
  return { cluster: connection.cluster, namespace };
}

type Envelope = Pick<Message, 'cluster' | 'namespace' | 'replica' | 'node' | 'incarnation' | 'to' | 'epoch' | 'view'>;

/** The envelope of a replica's message, in the name of the replica of `as`. */
export function envelope(
  nodes: ClusterUnderTest,
  { cluster, namespace }: Ids,
  as: NodeUnderTest,
  to: NodeUnderTest,
  view: number,
): Envelope {
  const replica = (node: NodeUnderTest): string => `r${nodes.nodes.indexOf(node) + 1}`;
  const { incarnation } = identityOf(as.dataDirectory);
  return { cluster, namespace, replica: replica(as), node: as.name, incarnation, to: replica(to), epoch: 1, view };
}

/** The same in the root group, whose replicas have the names of their nodes. */
export function rootEnvelope({ cluster }: Ids, as: NodeUnderTest, to: NodeUnderTest, view: number): Envelope {
  const { incarnation } = identityOf(as.dataDirectory);
  return { cluster, namespace: 0, replica: as.name, node: as.name, incarnation, to: to.name, epoch: 1, view };
}

export function forged(message: Message): PeerMessage {
  return { kind: 'vr', message };
}
