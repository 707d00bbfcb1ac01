/**
 * One other node: dialling it with back-off, the handshake, and its outbox. Both sides dial, so two healthy nodes share two links. Each
 * lane has a link of its own while both are open, and they share one when only one is.
 */

import { MalformedError, errorInfo } from '../../base/errors.ts';
import { noCluster } from '../../base/ids.ts';
import type { ErrorInfo } from '../../base/errors.ts';
import type { Frame, Link } from '../../base/ports.ts';
import * as closeCodes from '../../wire/close-codes.ts';
import { isPresentable } from '../../wire/node-info.ts';
import { peerProtocol } from '../../wire/peer.ts';
import type { NodeInfo } from '../../wire/node-info.ts';
import type { PeerMessage } from '../../wire/peer.ts';
import { emptiedNode, unprovenNode } from './outsiders.ts';
import { DiallerProof } from './handshake.ts';
import { laneOf, roughBytes } from './lanes.ts';
import type { Lane } from './lanes.ts';
import type { Peers } from './peers.ts';
import type { Flushable } from '../base/turn.ts';

/** Counts as many failures. A node that refused once will refuse again, and only a person can change that. */
const refusedFailures = 16;

type Outbox = Readonly<Record<Lane, PeerMessage[]>>;

export class Peer implements Flushable {
  info: NodeInfo;
  #outbox: Outbox = { protocol: [], bulk: [] };
  /** About how many bytes of bulk this turn has made, which the link has not seen yet. */
  #unsentBytes = 0;
  readonly #table: Peers;
  #dialled: Link | null = null;
  #proof: DiallerProof | null = null;
  #open = false;
  #dialledAt = 0;
  #accepted: Link[] = [];
  /** When a frame last came over each open link. */
  readonly #heardAt = new Map<Link, number>();
  #pingedAt = 0;
  #failures = 0;
  #nextDial: number;
  #announced = false;
  /** Since when no link to it is open; null while one is. */
  awaySince: number | null;
  /** What the node said about itself at the address that was dialled, and what the catalog last said about it. */
  presented: NodeInfo | null = null;
  #recorded: NodeInfo;
  /** The program that answered the last dial claimed to be this node and could not prove it. */
  #claimed = false;
  /** The dialled link is closing. Anything that still comes over it is ignored. */
  #gaveUp = false;

  constructor(info: NodeInfo, table: Peers, now: number) {
    this.info = info;
    this.#recorded = info;
    this.#table = table;
    this.#nextDial = now;
    this.awaySince = now;
  }

  get connected(): boolean {
    return this.#open || this.#accepted.length > 0;
  }

  /**
   * Takes the catalog's record of the node. A record that has not changed is older than what the node itself has said
   * since.
   */
  learn(info: NodeInfo): void {
    const before = this.#recorded;
    this.#recorded = info;
    const same =
      before.incarnation === info.incarnation &&
      before.clusterAddress === info.clusterAddress &&
      before.adminAddress === info.adminAddress &&
      before.apiAddress === info.apiAddress;
    if (!same) this.#turnTo(info);
  }

  /**
   * Takes what the node says about itself. Others are told of it only once the node has answered at that address, so
   * that no client is sent astray.
   */
  present(info: NodeInfo, answeredThere: boolean): void {
    if (answeredThere) this.presented = info;
    this.#turnTo(info);
  }

  #turnTo(info: NodeInfo): void {
    if (info.clusterAddress !== this.info.clusterAddress) this.#nextDial = this.#table.now;
    this.info = info;
  }

  /** More than so many bytes of what goes by `lane` wait to be read. */
  congested(lane: Lane, bytes: number): boolean {
    const link = this.#link(lane);
    return link !== null && link.buffered() + (lane === 'bulk' ? this.#unsentBytes : 0) > bytes;
  }

  /** Two healthy nodes share two links. Each uses the one that it dialled for the protocol, and the one that it accepted for bulk. */
  #link(lane: Lane): Link | null {
    const dialled = this.#open ? this.#dialled : null;
    const accepted = this.#accepted.at(-1) ?? null;
    return lane === 'bulk' ? (accepted ?? dialled) : (dialled ?? accepted);
  }

  /** Puts a message into the outbox. It leaves at the end of the turn. */
  send(message: PeerMessage): void {
    const lane = laneOf(message);
    this.#outbox[lane].push(message);
    if (lane === 'bulk') this.#unsentBytes += roughBytes(message);
  }

  flush(): void {
    const { protocol, bulk } = this.#takeOutbox();
    this.#write('protocol', protocol);
    this.#write('bulk', bulk);
  }

  #takeOutbox(): Outbox {
    const taken = this.#outbox;
    this.#outbox = { protocol: [], bulk: [] };
    this.#unsentBytes = 0;
    return taken;
  }

  #write(lane: Lane, messages: readonly PeerMessage[]): void {
    const link = this.#link(lane);
    if (link === null || messages.length === 0) return;
    this.#table.write(link, messages);
    if (this.#table.overfull(link)) this.#abandon(link, 'too much is waiting to be read');
  }

  heard(link: Link): void {
    this.#heardAt.set(link, this.#table.now);
  }

  tick(now: number): void {
    this.#watch(now);
    if (this.#dialled !== null) {
      if (!this.#open && now - this.#dialledAt > this.#table.times.welcomeMs)
        this.#abandon(this.#dialled, 'no welcome');
      return;
    }
    if (now < this.#nextDial) return;
    this.#dialledAt = now;
    this.#claimed = false;
    this.#gaveUp = false;
    const proof = this.#table.proof();
    this.#proof = proof;
    const link: Link = this.#table.dial(this, {
      onOpen: () => this.#table.write(link, [proof.greet()]),
      onFrame: (frame) => this.#receive(link, frame),
      onClose: () => this.#lostDialled(link),
    });
    this.#dialled = link;
  }

  /** A connection can die silently. The end that dialled asks for an answer, and both ends notice when none comes. */
  #watch(now: number): void {
    if (this.#open && this.#dialled !== null && now - this.#pingedAt >= this.#table.times.pingMs) {
      this.#pingedAt = now;
      this.#table.write(this.#dialled, [{ kind: 'ping', answer: true }]);
    }
    for (const [link, at] of this.#heardAt) if (now - at > this.#table.times.silenceMs) this.#abandon(link, 'silent');
  }

  /** Closes a link and counts it as lost at once, because a dead link may never report its end. */
  #abandon(link: Link, why: string): void {
    link.close(closeCodes.timeout, why);
    this.#lostDialled(link);
    this.lostAccepted(link);
  }

  #receive(link: Link, frame: Frame): void {
    if (!this.#hears(link)) return;
    this.heard(link);
    if (!this.#open) return this.#greeted(link, frame);
    for (const message of this.#table.decode(link, frame)) {
      if (!this.#hears(link)) return;
      this.#table.told(this.info, message, (answer) => this.#table.write(link, [answer]));
    }
  }

  #hears(link: Link): boolean {
    return this.#dialled === link && !this.#gaveUp;
  }

  /**
   * Takes a message that came before the link was open. Only the message that is due is accepted (protocol §1). The
   * other end has proven nothing yet.
   */
  #greeted(link: Link, frame: Frame): void {
    const proof = this.#proof!;
    const message = this.#table.decodeHandshake(frame, proof.next);
    if (message instanceof MalformedError) {
      const text = `what answers at ${this.info.clusterAddress} does not speak as a node: ${message.message}`;
      return this.#giveUp(link, errorInfo('BadFrame', text));
    }
    // The text of the refusal is only for the log.
    if (message.kind === 'refused') return this.#giveUp(link, message.error, `refused: ${message.error.code}`);
    if (message.kind === 'welcome') return this.#welcomed(link, message);
    if (message.protocol !== peerProtocol) {
      const text = `node ${this.info.name} speaks protocol ${message.protocol}, this release speaks ${peerProtocol}`;
      return this.#giveUp(link, errorInfo('WrongCluster', text), 'another protocol');
    }
    const hello = proof.hello(message, this.#table.helloTo(this.info));
    if (hello !== null) this.#table.write(link, [hello]);
  }

  /**
   * Logs the reason, and dials again seldom.
   * @param kind names what is wrong, for an error whose text has something that the other end chose.
   */
  #giveUp(link: Link, error: ErrorInfo, kind: string = error.message): void {
    this.#table.refusedBy(this.info, error, kind);
    this.#failures = refusedFailures;
    this.#gaveUp = true;
    link.close(error.code === 'BadFrame' ? closeCodes.badFrame : closeCodes.wrongCluster, 'not usable');
  }

  /** The answer to our hello. */
  #welcomed(link: Link, message: Extract<PeerMessage, { kind: 'welcome' }>): void {
    const { from, cluster, problem } = message;
    const { name, clusterAddress } = this.info;
    if (!isPresentable(from))
      return this.#giveUp(link, errorInfo('NodeRefused', 'what answers there is not a haret node'));
    const proven = this.#proof?.proven(message) === true;
    if (!proven) return this.#unproven(link, message);
    if (from.name !== name) {
      return this.#giveUp(link, errorInfo('NodeRefused', `the node at ${clusterAddress} is ${from.name}, not ${name}`));
    }
    if (from.incarnation !== this.info.incarnation) {
      this.#table.events.stranger(this.info, from);
      return this.#giveUp(link, problem ?? errorInfo('NodeRefused', `node ${name} has another data directory`));
    }
    // The catalog names a node only when that node has durably stored its cluster. So a node that knows no cluster has
    // lost its log.
    const lost = cluster === noCluster ? this.#table.events.named(from) : problem?.details['emptied'] === true;
    if (lost) {
      this.#table.events.lostItsLog(from);
      return this.#giveUp(link, emptiedNode(name));
    }
    if (cluster !== this.#table.events.cluster()) {
      // It has its own disk and is not in this cluster. Its joining did not finish, and must be asked for again.
      const text = `node ${from.name} does not belong to this cluster; join it again`;
      return this.#giveUp(link, errorInfo('WrongCluster', text));
    }
    if (problem !== null) return this.#giveUp(link, problem);
    this.#open = true;
    this.#failures = 0;
    this.#table.usable(this.info.name);
    this.present(from, true);
    link.proven?.();
    this.#announce(true);
  }

  /**
   * A node that lost its disk has also lost a secret that the cluster made itself. So it can only say what any program
   * at its address can say. The operator is told to look there, and none of it is believed. Such a node reports its
   * real state itself, to its own operator.
   */
  #unproven(link: Link, { from, cluster, problem }: Extract<PeerMessage, { kind: 'welcome' }>): void {
    const { name, incarnation, clusterAddress } = this.info;
    const { events } = this.#table;
    const claims = from.incarnation !== incarnation || cluster === noCluster || problem?.details['emptied'] === true;
    if (from.name !== name || !claims || !events.mayLackSecret(clusterAddress))
      return this.#giveUp(link, wrongSecret());
    this.#claimed = true;
    const claim = unprovenNode(name, clusterAddress);
    // While the node itself is connected, the claim is false.
    if (!this.connected) events.unproven(name, claim);
    return this.#giveUp(link, claim);
  }

  gainAccepted(link: Link): void {
    this.#accepted.push(link);
    this.heard(link);
    // The node is up, so we dial it now instead of when the back-off ends.
    this.#nextDial = this.#table.now;
    this.#announce(true);
  }

  lostAccepted(link: Link): void {
    const before = this.#accepted.length;
    this.#heardAt.delete(link);
    this.#accepted = this.#accepted.filter((one) => one !== link);
    if (this.#accepted.length !== before) this.#announce(false);
  }

  #lostDialled(link: Link): void {
    if (this.#dialled !== link) return;
    const wasOpen = this.#open;
    this.#heardAt.delete(link);
    this.#dialled = null;
    this.#open = false;
    this.#nextDial = this.#table.now + this.#table.retryDelay(this.#failures++);
    if (wasOpen) this.#announce(false);
    if (!this.#claimed) this.#table.events.unproven(this.info.name, null);
  }

  /**
   * Every closed connection is reported at once. It is a reason to suspect the primary, and a wrong suspicion of one
   * replica does no harm (protocol §4.1). If another link is still open, the node is reported as connected again right
   * after.
   */
  #announce(connected: boolean): void {
    if (!connected && this.#announced) {
      this.#announced = false;
      this.awaySince = this.#table.now;
      if (!this.connected) this.#takeOutbox();
      this.#table.events.connection(this.info.name, false);
    }
    if (this.connected && !this.#announced) {
      this.#announced = true;
      this.awaySince = null;
      this.#table.events.connection(this.info.name, true);
    }
  }

  closeAll(): void {
    this.#nextDial = Number.MAX_SAFE_INTEGER;
    this.#dialled?.close(closeCodes.goingAway, 'the node stops');
    for (const link of this.#accepted) link.close(closeCodes.goingAway, 'the node stops');
  }
}

/** The error for another end of a link that does not know the secret, or has none. */
export function wrongSecret(): ErrorInfo {
  return errorInfo(
    'NodeRefused',
    "the other end does not know this cluster's secret: it is of another cluster, or its cluster_secret differs",
  );
}
