/**
 * One other node: dialling it with back-off, the handshake, and its outbox. Both sides dial, so two healthy nodes share two links; a
 * node sends on the one it dialled and falls back on the one it accepted.
 */

import { errorInfo } from '../base/errors.ts';
import { noCluster } from '../base/ids.ts';
import type { Frame, Link } from '../base/ports.ts';
import * as closeCodes from '../wire/close-codes.ts';
import { isPresentable } from '../wire/peer.ts';
import type { NodeInfo, PeerMessage } from '../wire/peer.ts';
import { emptiedNode } from './outsiders.ts';
import type { Peers } from './peers.ts';
import type { Flushable } from './turn.ts';

/** As if it had failed often: what was refused once is refused again soon, and only a person changes that. */
const refusedFailures = 16;

export class Peer implements Flushable {
  info: NodeInfo;
  outbox: PeerMessage[] = [];
  readonly #table: Peers;
  #dialled: Link | null = null;
  #open = false;
  #dialledAt = 0;
  #accepted: Link[] = [];
  /** When a frame last came over each open link. */
  readonly #heardAt = new Map<Link, number>();
  #pingedAt = 0;
  #failures = 0;
  #nextDial: number;
  #announced = false;
  /** What the node said of itself, and what the catalog said of it last: whichever is newer counts. */
  presented: NodeInfo | null = null;
  #recorded: NodeInfo;
  #refusal = '';

  constructor(info: NodeInfo, table: Peers, now: number) {
    this.info = info;
    this.#recorded = info;
    this.#table = table;
    this.#nextDial = now;
  }

  get connected(): boolean {
    return this.#open || this.#accepted.length > 0;
  }

  /** The catalog says this of it. What it says again is not newer than what the node itself has said since. */
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

  /** The node itself says this. */
  present(info: NodeInfo): void {
    this.presented = info;
    this.#turnTo(info);
  }

  #turnTo(info: NodeInfo): void {
    if (info.clusterAddress !== this.info.clusterAddress) this.#nextDial = this.#table.now;
    this.info = info;
  }

  congested(bytes: number): boolean {
    const link = this.#link();
    return link !== null && link.buffered() > bytes;
  }

  #link(): Link | null {
    return this.#open ? this.#dialled : (this.#accepted.at(-1) ?? null);
  }

  flush(): void {
    const link = this.#link();
    const messages = this.outbox;
    this.outbox = [];
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
      if (!this.#open && now - this.#dialledAt > this.#table.handshakeMs) this.#abandon(this.#dialled, 'no welcome');
      return;
    }
    if (now < this.#nextDial) return;
    this.#dialledAt = now;
    const link: Link = this.#table.dial(this, {
      onOpen: () => this.#table.write(link, [this.#table.helloTo(this.info)]),
      onFrame: (frame) => this.#receive(link, frame),
      onClose: () => this.#lostDialled(link),
    });
    this.#dialled = link;
  }

  /** A connection can die without a word; whoever dialled asks for an answer, and both ends notice when none comes. */
  #watch(now: number): void {
    if (this.#open && this.#dialled !== null && now - this.#pingedAt >= this.#table.pingMs) {
      this.#pingedAt = now;
      this.#table.write(this.#dialled, [{ kind: 'ping', answer: true }]);
    }
    for (const [link, at] of this.#heardAt) if (now - at > this.#table.silenceMs) this.#abandon(link, 'silent');
  }

  /** Closes a link and counts it as lost at once: a dead one may never say so itself. */
  #abandon(link: Link, why: string): void {
    link.close(closeCodes.timeout, why);
    this.#lostDialled(link);
    this.lostAccepted(link);
  }

  #receive(link: Link, frame: Frame): void {
    this.heard(link);
    for (const message of this.#table.decode(link, frame)) {
      if (this.#dialled !== link) return;
      if (this.#open) this.#table.events.message(this.info, message, (answer) => this.#table.write(link, [answer]));
      else if (!this.#welcomed(link, message)) return;
    }
  }

  /** The first answer to our hello; false when the link is of no use. */
  #welcomed(link: Link, message: PeerMessage): boolean {
    if (message.kind === 'refused') {
      const { incarnation, emptied } = message.error.details;
      if (emptied === true) this.#table.events.lostItsLog(this.info);
      if (typeof incarnation === 'string') this.#table.events.stranger(this.info, { ...this.info, incarnation });
      this.#table.logRefusal(this.info, message.error, message.error.message !== this.#refusal);
      this.#refusal = message.error.message;
      this.#failures = refusedFailures;
      link.close(closeCodes.normal, 'refused');
      return false;
    }
    if (message.kind !== 'welcome') {
      link.close(closeCodes.badFrame, 'the first answer must be welcome');
      return false;
    }
    const { from, cluster } = message;
    if (from.name !== this.info.name || from.incarnation !== this.info.incarnation || !isPresentable(from)) {
      const stranger = from.name === this.info.name && from.incarnation !== this.info.incarnation;
      if (stranger && isPresentable(from)) this.#table.events.stranger(this.info, from);
      this.#failures = refusedFailures;
      link.close(closeCodes.wrongCluster, 'another node');
      return false;
    }
    if (cluster !== this.#table.events.cluster()) {
      // It has its own disk and is not in this cluster: its joining did not come to its end, and is to be asked for again. But the catalog
      // names a node only when it knows durably of its cluster: one that knows of none has lost its log.
      const lost = cluster === noCluster && this.#table.events.named(from);
      if (lost) this.#table.events.lostItsLog(from);
      const error = lost
        ? emptiedNode(from.name)
        : errorInfo('WrongCluster', `node ${from.name} does not belong to this cluster; join it again`);
      this.#table.logRefusal(this.info, error, error.message !== this.#refusal);
      this.#refusal = error.message;
      this.#failures = refusedFailures;
      link.close(closeCodes.wrongCluster, 'not in this cluster');
      return false;
    }
    this.#open = true;
    this.#failures = 0;
    this.#refusal = '';
    this.present(from);
    this.#announce(true);
    return true;
  }

  gainAccepted(link: Link): void {
    this.#accepted.push(link);
    this.heard(link);
    // It is up: dial it now rather than when the back-off ends.
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
  }

  /**
   * Any closed connection is told at once: it is a reason to suspect, and a wrong suspicion of one replica disturbs nobody
   * (protocol §4.1). When another link is still there, that it is connected is told again right after.
   */
  #announce(connected: boolean): void {
    if (!connected && this.#announced) {
      this.#announced = false;
      this.outbox = this.connected ? this.outbox : [];
      this.#table.events.connection(this.info.name, false);
    }
    if (this.connected && !this.#announced) {
      this.#announced = true;
      this.#table.events.connection(this.info.name, true);
    }
  }

  closeAll(): void {
    this.#nextDial = Number.MAX_SAFE_INTEGER;
    this.#dialled?.close(closeCodes.goingAway, 'the node stops');
    for (const link of this.#accepted) link.close(closeCodes.goingAway, 'the node stops');
  }
}
