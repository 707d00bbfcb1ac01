/**
 * The table of the other nodes: which are known, which may connect, and what is counted. A single node and the links to
 * it are in peer.ts.
 */

import { MalformedError, errorInfo } from '../../base/errors.ts';
import type { ErrorInfo } from '../../base/errors.ts';
import type { ClusterId } from '../../base/ids.ts';
import { isName, noCluster, noIncarnation } from '../../base/ids.ts';
import type { Limits } from '../../base/limits.ts';
import type { Frame, Link, LinkHandler } from '../../base/ports.ts';
import * as closeCodes from '../../wire/close-codes.ts';
import type { NodeInfo } from '../../wire/node-info.ts';
import type { HandshakeKind, HandshakeMessage, PeerMessage } from '../../wire/peer.ts';
import { isPresentable } from '../../wire/node-info.ts';
import {
  decodeHandshake,
  decodePeerFrame,
  encodePeerFrames,
  maxHandshakeBytes,
  peerProtocol,
  peerSubprotocol,
} from '../../wire/peer.ts';
import { AcceptorProof, DiallerProof } from './handshake.ts';
import type { HelloContent } from './handshake.ts';
import { maxNodes } from '../catalog/catalog-messages.ts';
import type { NodePorts, Timing } from '../base/host.ts';
import type { NodeTimes } from '../base/times.ts';
import { nodeTimes } from '../base/times.ts';
import { laneOf } from './lanes.ts';
import { Peer, wrongSecret } from './peer.ts';
import { Notices } from '../base/notices.ts';
import type { Turn } from '../base/turn.ts';

/**
 * A larger outbox leaves in several frames, so that the transfer to a lagging replica does not delay another replica's
 * heartbeat for long.
 */
const softFrameBytes = 1024 * 1024;
/**
 * Past this share of `maxQueuedBytes`, a slow peer gets no more of replicas' messages until it drains, because they may be lost by
 * contract (protocol §1). Of bulk it gets only what cannot wait.
 */
const congestedShare = 1 / 8;
/** How many accepted links may be open at once without having proven the secret. */
const maxGreeting = 64;

/** What the table of peers asks of the node and reports to it. */
export interface PeerEvents {
  cluster(): ClusterId;
  self(): NodeInfo;
  /**
   * The secrets that prove a member, the one in force first. There are none before this node is in a cluster, unless
   * one is configured.
   */
  secrets(): readonly string[];
  /** This node has no secret and may take an offer without proof. */
  takesOffers(): boolean;
  /** True when the node at this address may have lost its secret, because the cluster made the secret itself. */
  mayLackSecret(address: string): boolean;
  /** Why a message of a node that has proven the secret is not believed (judgement.ts). Null when it is believed. */
  judge(from: NodeInfo, message: PeerMessage): string | null;
  /** A message that came over a link whose handshake is done, and was judged. `answer` writes on the same link. */
  message(from: NodeInfo, message: PeerMessage, answer: (message: PeerMessage) => void): void;
  /** An offer of membership, from an end that has proven the secret or need not prove it. */
  offered(offer: Extract<PeerMessage, { kind: 'join' }>, answer: (message: PeerMessage) => void): void;
  connection(node: string, connected: boolean): void;
  /**
   * The node at this peer's address has another incarnation than the known one, because its disk was lost (protocol
   * §2).
   */
  stranger(known: NodeInfo, found: NodeInfo): void;
  /**
   * A peer expected another incarnation of this node, so this node is the stranger. `proven`: the peer knows the
   * secret.
   */
  calledStranger(by: NodeInfo, proven: boolean): void;
  /** True for a node of this cluster, by name and incarnation. */
  isMember(node: NodeInfo): boolean;
  /** Why this node is no longer a member under its incarnation: its log is gone. Null while the log exists. */
  emptied(): ErrorInfo | null;
  /** True when the catalog names this node with this incarnation. The node had durably stored its cluster before. */
  named(info: NodeInfo): boolean;
  /**
   * The program that answered at that node's address claims that its directory is another one or empty, and proves
   * nothing. Null when it no longer answers there.
   */
  unproven(node: string, claim: ErrorInfo | null): void;
  /** That node still has its incarnation, and has lost its log (protocol §2, "Strangers"). */
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
  /** Messages that were not believed, by kind and reason. */
  readonly unbelieved = new Map<string, number>();
  readonly #ports: NodePorts;
  readonly #events: PeerEvents;
  readonly #turn: Turn;
  readonly #timing: Timing;
  readonly #times: NodeTimes;
  readonly #limits: Limits;
  readonly #peers = new Map<string, Peer>();
  readonly #greeting = new Map<Link, number>();
  #closed = false;
  readonly #notices: Notices;

  constructor(ports: NodePorts, turn: Turn, timing: Timing, limits: Limits, events: PeerEvents) {
    this.#ports = ports;
    this.#turn = turn;
    this.#timing = timing;
    this.#times = nodeTimes(timing);
    this.#limits = limits;
    this.#events = events;
    this.#notices = new Notices(ports.log, ports.clock);
  }

  /**
   * Names a node to stay connected with, with the addresses from the catalog or from this node's record. A changed
   * address is dialled from now on.
   */
  know(info: NodeInfo): void {
    if (info.name === this.#events.self().name) return;
    const peer = this.#peers.get(info.name);
    if (peer === undefined) this.#peers.set(info.name, new Peer(info, this, this.#ports.clock.now()));
    else peer.learn(info);
  }

  /** What a node said about itself in its last handshake with this one, or null when there was none. */
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

  /** Since when no link to a node is open. Null while one is open, and for an unknown node. */
  awaySince(node: string): number | null {
    return this.#peers.get(node)?.awaySince ?? null;
  }

  get anyConnected(): boolean {
    for (const peer of this.#peers.values()) if (peer.connected) return true;
    return false;
  }

  connectedNames(): string[] {
    return [...this.#peers.values()].filter((peer) => peer.connected).map((peer) => peer.info.name);
  }

  /** Puts a message into the outbox of a node. Returns false when no link to it is open. */
  send(node: string, message: PeerMessage): boolean {
    const peer = this.#peers.get(node);
    if (peer === undefined || !peer.connected) return false;
    if (message.kind === 'vr' && peer.congested(laneOf(message), this.#congestedBytes)) {
      this.counters.dropped++;
      return false;
    }
    peer.send(message);
    this.#turn.sendLater(peer);
    return true;
  }

  /** So much bulk waits to be read by this node that what can wait had better wait. */
  congested(node: string): boolean {
    return this.#peers.get(node)?.congested('bulk', this.#congestedBytes) ?? false;
  }

  get #congestedBytes(): number {
    return this.#limits.maxQueuedBytes * congestedShare;
  }

  broadcast(message: PeerMessage): void {
    for (const peer of this.#peers.values()) this.send(peer.info.name, message);
  }

  tick(now: number): void {
    if (this.#closed) return;
    this.#notices.tick(now);
    for (const peer of this.#peers.values()) peer.tick(now);
    for (const [link, since] of this.#greeting) {
      if (now - since > this.#times.helloMs) link.close(closeCodes.timeout, 'no hello');
    }
  }

  close(): void {
    this.#closed = true;
    for (const peer of this.#peers.values()) peer.closeAll();
  }

  /**
   * Takes a link that another node dialled. Until the link has proven the secret, it is only in the table of links that
   * greet.
   */
  accept(link: Link): LinkHandler {
    let peer: Peer | null = null;
    let from: NodeInfo | null = null;
    let refused = false;
    /** The messages that the other end may send, until it has proven which node it is (protocol §1). */
    let next: readonly ('greet' | 'hello' | 'join')[] = ['greet'];
    const proof = new AcceptorProof(this.#ports);
    const refuse = (error: ErrorInfo, code: number = closeCodes.notAllowed, kind?: string): void => {
      refused = true;
      this.refuse(link, error, code, kind);
    };
    this.#greet(link);
    const answer = (message: PeerMessage): void => this.write(link, [message]);
    const welcomed = (hello: HandshakeMessage<'hello'>): void => {
      next = ['join'];
      const secret = proof.judge(hello, this.#events.secrets());
      if (secret === null && !this.#events.takesOffers()) return refuse(wrongSecret());
      const problem = this.#judge(hello, secret !== null);
      answer(proof.welcome(hello, secret, this.#events.self(), this.#events.cluster(), problem));
      if (problem !== null) return refuse(problem);
      from = hello.from;
      link.proven?.();
      if (secret !== null) peer = this.#adopt(from, link);
    };
    const greeted = (frame: Frame): void => {
      const maxBytes = from === null ? maxHandshakeBytes : this.#limits.maxPeerFrameBytes;
      const message = this.decodeHandshake(frame, next, maxBytes);
      if (message instanceof MalformedError) return refuse(errorInfo('BadFrame', message.message), closeCodes.badFrame);
      if (message.kind === 'join') return this.#events.offered(message, answer);
      if (message.kind === 'hello') return welcomed(message);
      if (message.protocol !== peerProtocol) {
        const text = `the other end speaks protocol ${message.protocol}, this release speaks ${peerProtocol}`;
        return refuse(errorInfo('WrongCluster', text), closeCodes.notAllowed, 'another protocol');
      }
      next = ['hello'];
      const greet = proof.greet(message);
      if (greet !== null) answer(greet);
    };
    return {
      onFrame: (frame) => {
        if (refused) return;
        if (from === null || peer === null) return greeted(frame);
        peer.heard(link);
        for (const message of this.decode(link, frame)) this.told(from, message, answer);
      },
      onClose: () => {
        this.#greeting.delete(link);
        peer?.lostAccepted(link);
      },
    };
  }

  /** A node with the secret proves it at once. Links without the secret must not take the places of those with it. */
  #greet(link: Link): void {
    if (this.#greeting.size >= maxGreeting) {
      const [oldest] = this.#greeting.keys();
      if (oldest !== undefined) {
        this.#greeting.delete(oldest);
        oldest.close(closeCodes.timeout, 'no hello');
      }
    }
    this.#greeting.set(link, this.#ports.clock.now());
  }

  /** Handles a message from the node of a proven link, if it is believed. */
  told(from: NodeInfo, message: PeerMessage, answer: (message: PeerMessage) => void): void {
    const reason = this.#events.judge(from, message);
    if (reason === null) return this.#events.message(from, message, answer);
    const key = `${message.kind}: ${reason}`;
    const count = this.unbelieved.get(key) ?? 0;
    this.unbelieved.set(key, count + 1);
    // The first of a kind is a warning. The others are counted.
    const facts = { peer: from.name, message: message.kind, reason };
    this.#ports.log.write(count === 0 ? 'warn' : 'debug', 'a message of a peer was not believed', facts);
    const refusal = notDone(message, reason);
    if (refusal !== null) answer(refusal);
  }

  /** Gives a link of a node of this cluster to that peer. Before this node has a cluster, it has no peers. */
  #adopt(info: NodeInfo, link: Link): Peer | null {
    if (this.#events.cluster() === noCluster) return null;
    this.#greeting.delete(link);
    if (!this.#peers.has(info.name)) this.know(info);
    const peer = this.#peers.get(info.name);
    peer?.present(info, false);
    peer?.gainAccepted(link);
    return peer ?? null;
  }

  /**
   * @param proven the other end knows the secret. If it does not, this node has none, and the other end is on this
   * machine.
   */
  #judge(hello: Extract<PeerMessage, { kind: 'hello' }>, proven: boolean): ErrorInfo | null {
    const { from } = hello;
    const self = this.#events.self();
    const cluster = this.#events.cluster();
    // Its name and addresses are shown to people and dialled.
    if (!isPresentable(from) || (hello.target !== '' && !isName(hello.target))) {
      return errorInfo('BadFrame', 'this is not the name or address of a node');
    }
    if (hello.target !== '' && hello.target !== self.name) {
      return errorInfo('NodeNotFound', `this is node ${self.name}, not ${hello.target}`);
    }
    if (cluster !== noCluster && hello.cluster !== cluster) {
      return errorInfo('WrongCluster', `node ${self.name} belongs to cluster ${cluster}, not to ${hello.cluster}`);
    }
    if (hello.targetIncarnation !== noIncarnation && hello.targetIncarnation !== self.incarnation) {
      if (cluster === noCluster || this.#events.isMember(from)) this.#events.calledStranger(from, proven);
      return errorInfo(
        'NodeRefused',
        `node ${self.name} is known to its peers with another data directory: its own was emptied or replaced`,
      );
    }
    const emptied = this.#events.emptied();
    if (emptied !== null) return emptied;
    if (cluster === noCluster && hello.cluster === noCluster) {
      return errorInfo('WrongCluster', 'neither node belongs to a cluster');
    }
    const known = this.infoOf(from.name);
    if (known === null && this.#peers.size >= maxNodes) {
      return errorInfo('LimitExceeded', `more than ${maxNodes} nodes`, { limit: maxNodes, actual: maxNodes + 1 });
    }
    if (known !== null && known.incarnation !== from.incarnation) {
      this.#events.stranger(known, from);
      return errorInfo(
        'NodeRefused',
        `node ${known.name} is known with another data directory: its own was emptied or replaced`,
      );
    }
    return null;
  }

  // The peers of this table use the methods below.

  dial(peer: Peer, handler: LinkHandler): Link {
    return this.#ports.transport.dial(peer.info.clusterAddress, peerSubprotocol, handler);
  }

  proof(): DiallerProof {
    return new DiallerProof(this.#ports, this.#events.secrets());
  }

  helloTo(info: NodeInfo): HelloContent {
    return {
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
      const text = 'closed a peer connection: malformed frame';
      this.#notices.tell('warn', text, text, { problem: error.message });
      link.close(closeCodes.badFrame, 'malformed frame');
      return [];
    }
  }

  /** As {@link decode}, before the other end has proven the secret (protocol §1). */
  decodeHandshake<K extends HandshakeKind>(
    frame: Frame,
    next: readonly K[],
    maxBytes: number = maxHandshakeBytes,
  ): HandshakeMessage<K> | MalformedError {
    this.counters.framesIn++;
    this.counters.bytesIn += frame.length;
    try {
      return decodeHandshake(frame, next, maxBytes);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      return error;
    }
  }

  write(link: Link, messages: readonly PeerMessage[]): void {
    for (const frame of encodePeerFrames(messages, softFrameBytes)) {
      this.counters.framesOut++;
      this.counters.bytesOut += frame.length;
      link.send(frame);
    }
  }

  /** @param kind names what is wrong, for an error whose text has something that the other end chose. */
  refuse(link: Link, error: ErrorInfo, code: number = closeCodes.notAllowed, kind: string = error.message): void {
    this.counters.refused++;
    this.#notices.tell('warn', kind, 'refused a peer connection', { problem: error.message });
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

  get times(): NodeTimes {
    return this.#times;
  }

  get events(): PeerEvents {
    return this.#events;
  }

  /** True when more bytes wait in a link than a peer that reads would leave there. */
  overfull(link: Link): boolean {
    return link.buffered() > this.#limits.maxQueuedBytes;
  }

  /** Logs why this node cannot use the link that it dialled. @param kind as for {@link refuse}. */
  refusedBy({ name, clusterAddress }: NodeInfo, error: ErrorInfo, kind: string): void {
    const facts = { peer: name, address: clusterAddress, problem: error.message };
    this.#notices.tell('warn', dialled(name) + kind, 'a peer refused this node', facts);
  }

  /** The dialled node can be used again, so that its next failure is written at once. */
  usable(name: string): void {
    this.#notices.forget(dialled(name));
  }
}

const dialled = (name: string): string => `dialled ${name}: `;

/** Answers a question that was not believed. It was not done, and the other node waits for an answer. */
function notDone(message: PeerMessage, reason: string): PeerMessage | null {
  const error = errorInfo('Retry', `a peer did not do it: ${reason}`);
  if (message.kind === 'forward') {
    return { kind: 'forwarded', run: message.run, id: message.id, outcome: { kind: 'error', error } };
  }
  if (message.kind !== 'relay' || message.message.kind !== 'watch') return null;
  return { kind: 'relayed', run: message.run, number: 0, message: { kind: 'error', id: message.message.id, error } };
}
