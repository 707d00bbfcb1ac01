/**
 * The table of the other nodes: which are known, who may connect, and what is counted. What becomes of one of them and of the links
 * to it is peer.ts.
 */

import { MalformedError, errorInfo } from '../base/errors.ts';
import type { ErrorInfo } from '../base/errors.ts';
import type { ClusterId } from '../base/ids.ts';
import { noCluster } from '../base/ids.ts';
import type { Limits } from '../base/limits.ts';
import type { Frame, Link, LinkHandler } from '../base/ports.ts';
import * as closeCodes from '../wire/close-codes.ts';
import type { NodeInfo, PeerMessage } from '../wire/peer.ts';
import { decodePeerFrame, encodePeerFrames, isPresentable, peerProtocol, peerSubprotocol } from '../wire/peer.ts';
import { maxNodes } from './catalog-messages.ts';
import type { NodePorts, Timing } from './host.ts';
import { Peer } from './peer.ts';
import type { Turn } from './turn.ts';

/** Larger outboxes leave in several frames, so that one lagging replica's transfer does not hold up another's heartbeat for long. */
const softFrameBytes = 1024 * 1024;
/** Replicas' messages may be lost by contract (protocol §1), so past this share of `maxQueuedBytes` a slow peer gets none until it drains. */
const droppingShare = 1 / 8;
const anyIncarnation = noCluster;
const maxRefusalsKept = 256;

/** What the table of peers tells the node. */
export interface PeerEvents {
  cluster(): ClusterId;
  self(): NodeInfo;
  /** A message that came over a link whose handshake is done. `answer` writes on that very link. */
  message(from: NodeInfo, message: PeerMessage, answer: (message: PeerMessage) => void): void;
  connection(node: string, connected: boolean): void;
  /** The node at this peer's address has another incarnation than the one that is known: its disk was lost (protocol §2). */
  stranger(known: NodeInfo, found: NodeInfo): void;
  /** A peer expected another incarnation of this node: this node is the stranger. */
  calledStranger(by: NodeInfo): void;
  /** Why this node is no member any more under its incarnation: its log is gone. Null while it is there. */
  emptied(): ErrorInfo | null;
  /** The catalog names this node with this incarnation: it was told of the cluster, durably, before. */
  named(info: NodeInfo): boolean;
  /** That node has its incarnation still, and has lost its log (protocol §2, "Strangers"). */
  lostItsLog(known: NodeInfo): void;
}

/** Counters for `/metrics`. */
export interface PeerCounters {
  framesIn: number;
  framesOut: number;
  bytesIn: number;
  bytesOut: number;
  dropped: number;
  refused: number;
}

export class Peers {
  readonly counters: PeerCounters = { framesIn: 0, framesOut: 0, bytesIn: 0, bytesOut: 0, dropped: 0, refused: 0 };
  readonly #ports: NodePorts;
  readonly #events: PeerEvents;
  readonly #turn: Turn;
  readonly #timing: Timing;
  readonly #limits: Limits;
  readonly #peers = new Map<string, Peer>();
  readonly #greeting = new Map<Link, number>();
  #closed = false;
  /** What was logged of refusals. */
  readonly #refusals = new Set<string>();

  constructor(ports: NodePorts, turn: Turn, timing: Timing, limits: Limits, events: PeerEvents) {
    this.#ports = ports;
    this.#turn = turn;
    this.#timing = timing;
    this.#limits = limits;
    this.#events = events;
  }

  /** Names a node to stay connected with, by what the catalog or the node's record says of it; a changed address is dialled from now on. */
  know(info: NodeInfo): void {
    if (info.name === this.#events.self().name) return;
    const peer = this.#peers.get(info.name);
    if (peer === undefined) this.#peers.set(info.name, new Peer(info, this, this.#ports.clock.now()));
    else peer.learn(info);
  }

  /** What a node said of itself in its last handshake with this one; null when there was none. */
  presented(node: string): NodeInfo | null {
    return this.#peers.get(node)?.presented ?? null;
  }

  get known(): readonly NodeInfo[] {
    return [...this.#peers.values()].map((peer) => peer.info);
  }

  infoOf(node: string): NodeInfo | null {
    return this.#peers.get(node)?.info ?? null;
  }

  connected(node: string): boolean {
    return this.#peers.get(node)?.connected ?? false;
  }

  connectedNames(): string[] {
    return [...this.#peers.values()].filter((peer) => peer.connected).map((peer) => peer.info.name);
  }

  /** Puts a message into the outbox of a node; false when there is no link to it. */
  send(node: string, message: PeerMessage): boolean {
    const peer = this.#peers.get(node);
    if (peer === undefined || !peer.connected) return false;
    if (message.kind === 'vr' && peer.congested(this.#limits.maxQueuedBytes * droppingShare)) {
      this.counters.dropped++;
      return false;
    }
    peer.outbox.push(message);
    this.#turn.sendLater(peer);
    return true;
  }

  /** So much waits to be read by this node that what can wait had better wait. */
  congested(node: string): boolean {
    return this.#peers.get(node)?.congested(this.#limits.maxQueuedBytes * droppingShare) ?? false;
  }

  broadcast(message: PeerMessage): void {
    for (const peer of this.#peers.values()) this.send(peer.info.name, message);
  }

  tick(now: number): void {
    if (this.#closed) return;
    for (const peer of this.#peers.values()) peer.tick(now);
    for (const [link, since] of this.#greeting) {
      if (now - since > this.#timing.suspicionMs * 5) link.close(closeCodes.timeout, 'no hello');
    }
  }

  close(): void {
    this.#closed = true;
    for (const peer of this.#peers.values()) peer.closeAll();
  }

  /** Takes a link that another node dialled. */
  accept(link: Link): LinkHandler {
    let peer: Peer | null = null;
    let greeted: NodeInfo | null = null;
    let refused = false;
    const refuse = (error: ErrorInfo): void => {
      refused = true;
      this.refuse(link, error);
    };
    this.#greeting.set(link, this.#ports.clock.now());
    const answer = (message: PeerMessage): void => this.write(link, [message]);
    return {
      onFrame: (frame) => {
        if (refused) return;
        peer?.heard(link);
        for (const message of this.decode(link, frame)) {
          if (greeted !== null) {
            if (peer === null && message.kind !== 'join') return refuse(notMember(this.#events.self()));
            this.#events.message(greeted, message, answer);
            if (peer === null) peer = this.#adopt(greeted, link);
            continue;
          }
          if (message.kind !== 'hello') return refuse(errorInfo('BadFrame', 'the first message must be hello'));
          const problem = this.#judge(message);
          if (problem !== null) return refuse(problem);
          greeted = message.from;
          answer({
            kind: 'welcome',
            protocol: peerProtocol,
            cluster: this.#events.cluster(),
            from: this.#events.self(),
          });
          peer = this.#adopt(greeted, link);
        }
      },
      onClose: () => {
        this.#greeting.delete(link);
        peer?.lostAccepted(link);
      },
    };
  }

  /** A link of a node that this node's cluster knows becomes that peer's; before this node has a cluster there is nobody to know. */
  #adopt(info: NodeInfo, link: Link): Peer | null {
    if (this.#events.cluster() === noCluster) return null;
    this.#greeting.delete(link);
    if (!this.#peers.has(info.name)) this.know(info);
    const peer = this.#peers.get(info.name);
    peer?.present(info);
    peer?.gainAccepted(link);
    return peer ?? null;
  }

  #judge(hello: Extract<PeerMessage, { kind: 'hello' }>): ErrorInfo | null {
    const self = this.#events.self();
    const cluster = this.#events.cluster();
    if (hello.protocol !== peerProtocol) {
      return errorInfo(
        'WrongCluster',
        `node ${hello.from.name} speaks protocol ${hello.protocol}, this release speaks ${peerProtocol}`,
      );
    }
    if (hello.target !== '' && hello.target !== self.name) {
      return errorInfo('NodeNotFound', `this is node ${self.name}, not ${hello.target}`);
    }
    if (cluster !== noCluster && hello.cluster !== cluster) {
      return errorInfo('WrongCluster', `node ${self.name} belongs to cluster ${cluster}, not to ${hello.cluster}`);
    }
    if (hello.targetIncarnation !== anyIncarnation && hello.targetIncarnation !== self.incarnation) {
      this.#events.calledStranger(hello.from);
      return errorInfo(
        'NodeRefused',
        `node ${self.name} is known to its peers with another data directory: its own was emptied or replaced`,
        { incarnation: self.incarnation },
      );
    }
    const emptied = this.#events.emptied();
    if (emptied !== null) return emptied;
    if (cluster === noCluster && hello.cluster === noCluster) {
      return errorInfo('WrongCluster', 'neither node belongs to a cluster');
    }
    // Its name and addresses are shown to people and dialled.
    if (!isPresentable(hello.from)) return errorInfo('BadFrame', 'that is no name or no address of a node');
    const known = this.infoOf(hello.from.name);
    if (known === null && this.#peers.size >= maxNodes) {
      return errorInfo('LimitExceeded', `more than ${maxNodes} nodes`, { limit: maxNodes, actual: maxNodes + 1 });
    }
    if (known !== null && known.incarnation !== hello.from.incarnation) {
      this.#events.stranger(known, hello.from);
      return errorInfo(
        'NodeRefused',
        `node ${known.name} is known with another data directory: its own was emptied or replaced`,
      );
    }
    return null;
  }

  // What follows is shared with the peers of this table.

  dial(peer: Peer, handler: LinkHandler): Link {
    return this.#ports.transport.dial(peer.info.clusterAddress, peerSubprotocol, handler);
  }

  helloTo(info: NodeInfo): PeerMessage {
    return {
      kind: 'hello',
      protocol: peerProtocol,
      cluster: this.#events.cluster(),
      from: this.#events.self(),
      target: info.name,
      targetIncarnation: info.incarnation,
    };
  }

  decode(link: Link, frame: Frame): readonly PeerMessage[] {
    this.counters.framesIn++;
    this.counters.bytesIn += frame.length;
    if (frame.length > this.#limits.maxPeerFrameBytes) {
      this.counters.refused++;
      link.close(closeCodes.tooBig, `frame of ${frame.length} bytes, limit ${this.#limits.maxPeerFrameBytes}`);
      return [];
    }
    try {
      return decodePeerFrame(frame, this.#ports.hash);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.counters.refused++;
      this.#ports.log.write('warn', 'closed a peer connection: malformed frame', { problem: error.message });
      link.close(closeCodes.badFrame, 'malformed frame');
      return [];
    }
  }

  write(link: Link, messages: readonly PeerMessage[]): void {
    for (const frame of encodePeerFrames(messages, softFrameBytes)) {
      this.counters.framesOut++;
      this.counters.bytesOut += frame.length;
      link.send(frame);
    }
  }

  refuse(link: Link, error: ErrorInfo, code = closeCodes.notAllowed as number): void {
    this.counters.refused++;
    // Whoever is refused comes again every second: once it was said, it is for those who look closely.
    const again = this.#refusals.has(error.message);
    if (this.#refusals.size >= maxRefusalsKept) this.#refusals.clear();
    this.#refusals.add(error.message);
    this.#ports.log.write(again ? 'debug' : 'warn', 'refused a peer connection', { problem: error.message });
    this.write(link, [{ kind: 'refused', error }]);
    link.close(error.code === 'WrongCluster' ? closeCodes.wrongCluster : code, error.code);
  }

  retryDelay(failures: number): number {
    const { reconnectMs, reconnectMaxMs } = this.#timing;
    const base = Math.min(reconnectMaxMs, reconnectMs * 2 ** Math.min(failures, 16));
    return Math.ceil(base / 2) + this.#ports.random.below(Math.ceil(base / 2) + 1);
  }

  get now(): number {
    return this.#ports.clock.now();
  }

  get handshakeMs(): number {
    return this.#timing.suspicionMs * 2;
  }

  /** A link over which nothing came for so long is dead, whatever its socket says; pings see to it that something comes. */
  get silenceMs(): number {
    return this.#timing.suspicionMs * 3;
  }

  get pingMs(): number {
    return this.#timing.suspicionMs;
  }

  get events(): PeerEvents {
    return this.#events;
  }

  /** More waits in a link than a peer that reads would leave there. */
  overfull(link: Link): boolean {
    return link.buffered() > this.#limits.maxQueuedBytes;
  }

  logRefusal(info: NodeInfo, error: ErrorInfo, news: boolean): void {
    this.#ports.log.write(news ? 'warn' : 'debug', 'a peer refused this node', {
      peer: info.name,
      address: info.clusterAddress,
      problem: error.message,
    });
  }
}

function notMember(self: NodeInfo): ErrorInfo {
  return errorInfo('WrongCluster', `node ${self.name} belongs to no cluster yet; use \`cluster join\``);
}
