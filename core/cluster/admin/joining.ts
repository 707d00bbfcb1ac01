/**
 * Founds a cluster and takes nodes into it (architecture §6). The first command that needs a cluster founds one on the
 * node that received the command. `cluster join` offers membership to a fresh node over that node's cluster interface.
 * Once the membership is durable there, the new node is added to the catalog.
 */

import { MalformedError, errorInfo, fail, ok } from '../../base/errors.ts';
import type { ErrorInfo, Result } from '../../base/errors.ts';
import { hexFromBytes } from '../../base/bytes.ts';
import type { ClusterId } from '../../base/ids.ts';
import { isAddress, isName, noCluster, noIncarnation } from '../../base/ids.ts';
import type { Link } from '../../base/ports.ts';
import * as closeCodes from '../../wire/close-codes.ts';
import type { NodeInfo } from '../../wire/node-info.ts';
import type { HandshakeMessage, PeerMessage } from '../../wire/peer.ts';
import { isPresentable } from '../../wire/node-info.ts';
import { decodeHandshake, encodePeerFrames, peerProtocol, peerSubprotocol } from '../../wire/peer.ts';
import { DiallerProof } from '../peers/handshake.ts';
import { wrongSecret } from '../peers/peer.ts';
import type { ClusterSecret } from '../peers/secret.ts';
import { highestNumber } from '../../vr/reach.ts';
import type { CatalogEntry } from '../catalog/catalog-messages.ts';
import { decodeCatalogReply, encodeCatalogEntry, maxNodes } from '../catalog/catalog-messages.ts';
import type { Groups } from '../replicas/groups.ts';
import type { NodeOptions, NodePorts } from '../base/host.ts';
import type { NodeTimes } from '../base/times.ts';
import { nodeTimes } from '../base/times.ts';
import type { NodeRecord } from '../replicas/node-record.ts';
import { emptiedNode, unprovenNode } from '../peers/outsiders.ts';

const joinFrameBytes = 1024 * 1024;
/** The messages with which the other end may answer an offer. */
const afterOffer = ['joined', 'refused'] as const;

/** Receives the catalog's answer: the id of what was made. */
export type Proposed = (result: Result<number>) => void;

export interface JoiningParts {
  readonly ports: NodePorts;
  readonly options: NodeOptions;
  readonly groups: Groups;
  /** This node. */
  readonly self: () => NodeInfo;
  /** What a node said about itself in its last handshake. */
  readonly presented: (node: string) => NodeInfo | null;
  readonly secret: ClusterSecret;
}

export class Joining {
  readonly #ports: NodePorts;
  readonly #options: NodeOptions;
  readonly #times: NodeTimes;
  readonly #groups: Groups;
  readonly #self: () => NodeInfo;
  /** Work that waits until the root group has a primary here. */
  #whenPrimary: { readonly run: () => void; readonly expire: () => void; readonly deadlineMs: number }[] = [];
  readonly #dialling = new Set<{ readonly deadlineMs: number; readonly giveUp: () => void }>();
  #founding = false;
  /** The callbacks that wait until the membership that this node accepted is durable. Null when none is under way. */
  #entering: (() => void)[] | null = null;
  #updating = false;
  #comparedMs = 0;
  readonly #presented: (node: string) => NodeInfo | null;
  readonly #secret: ClusterSecret;

  constructor(parts: JoiningParts) {
    this.#ports = parts.ports;
    this.#options = parts.options;
    this.#times = nodeTimes(parts.options.timing);
    this.#groups = parts.groups;
    this.#self = parts.self;
    this.#presented = parts.presented;
    this.#secret = parts.secret;
  }

  get self(): NodeInfo {
    return this.#self();
  }

  /**
   * Runs `then` once this node's root group has its primary here and its cluster is founded. Founds a cluster when this
   * node is in none.
   */
  inCluster(then: (ready: Result<null>) => void): void {
    if (this.#groups.record === null && !this.#founding) {
      this.#founding = true;
      const cluster: ClusterId = hexFromBytes(this.#ports.random.bytes(16));
      this.#ports.log.write('info', 'founding a cluster', { cluster });
      this.#secret.draw((drawn) => {
        if (drawn.ok) return this.#groups.found(cluster, () => (this.#founding = false));
        this.#founding = false;
        this.#ports.log.write('error', 'no cluster was founded', { problem: drawn.error.message });
      });
    }
    this.#afterElection((ready) => {
      if (ready.ok) this.#founded(then);
      else then(ready);
    });
  }

  /**
   * Proposes the founding record, which is the catalog's first entry. It may be proposed twice. If the founder dies
   * first, its next life proposes it again.
   */
  #founded(then: (ready: Result<null>) => void): void {
    const { record, catalog } = this.#groups;
    if (record === null || catalog === null) return then(fail('NoPrimary', 'this node is in no cluster'));
    if (catalog.founding !== null) return then(ok(null));
    this.propose({ kind: 'found', cluster: record.cluster, node: this.#self() }, (added) =>
      then(added.ok ? ok(null) : added),
    );
  }

  #afterElection(then: (ready: Result<null>) => void): void {
    if (this.#groups.root?.isPrimary === true) return then(ok(null));
    this.#whenPrimary.push({
      run: () => then(ok(null)),
      expire: () => then(fail('NoPrimary', 'the root group has no primary on this node')),
      deadlineMs: this.#ports.clock.now() + this.#times.stepMs,
    });
  }

  tick(now: number): void {
    if (this.#whenPrimary.length > 0) {
      const primary = this.#groups.root?.isPrimary === true;
      const waiting = this.#whenPrimary;
      this.#whenPrimary = waiting.filter((one) => !primary && one.deadlineMs > now);
      for (const one of waiting) {
        if (primary) one.run();
        else if (one.deadlineMs <= now) one.expire();
      }
    }
    for (const dial of [...this.#dialling]) if (dial.deadlineMs <= now) dial.giveUp();
    if (now - this.#comparedMs < this.#times.compareMs) return;
    this.#comparedMs = now;
    this.#compareAddresses();
  }

  /**
   * A node's addresses change with its configuration, and it sends them in each handshake. The root group's primary
   * brings the catalog up to date, so that clients are not sent to an address where no node is.
   */
  #compareAddresses(): void {
    const { root, catalog } = this.#groups;
    if (root?.isPrimary !== true || catalog === null || this.#updating) return;
    // A founder may have died before the last step. Its next life takes that step.
    if (catalog.founding === null) return this.#founded(() => undefined);
    for (const known of catalog.nodes) {
      if (known.ejected) continue;
      const told = known.name === this.#options.name ? this.#self() : this.#presented(known.name);
      if (told === null || told.incarnation !== known.incarnation || sameAddresses(told, known)) continue;
      this.#ports.log.write('info', 'a node has new addresses', { changed: told.name, cluster: told.clusterAddress });
      this.#updating = true;
      return this.propose({ kind: 'updateNode', node: told }, () => (this.#updating = false));
    }
  }

  /** Ends all work that is under way. The clients that wait for it have no connection any more. */
  stop(): void {
    this.#whenPrimary = [];
    for (const dial of [...this.#dialling]) dial.giveUp();
  }

  /** Puts a change into the catalog, through the root group's log. */
  propose(entry: CatalogEntry, done: Proposed): void {
    const root = this.#groups.root;
    if (root === null) return done(fail('NoPrimary', 'this node has no root group'));
    const answered = (bytes: Uint8Array): void => {
      const reply = decodeCatalogReply(bytes);
      if (reply.kind === 'done') root.propose(nobody, settled);
      done(reply.kind === 'done' ? ok(reply.id) : { ok: false, error: reply.error });
    };
    root.propose({ reply: answered, fail: (error) => done({ ok: false, error }) }, encodeCatalogEntry(entry));
  }

  /**
   * Takes the node at `address` into the cluster. The node must have this name. Only the root group's primary calls
   * this.
   */
  join(name: string, address: string, done: (result: Result<null>) => void): void {
    this.inCluster((ready) => {
      const record = this.#groups.record;
      if (!ready.ok) return done(ready);
      if (record === null) return done(fail('NoPrimary', 'this node is in no cluster'));
      if (name === this.#options.name)
        return done(fail('NodeRefused', `${name} is this node itself, which is in the cluster`));
      const known = this.#groups.catalog?.node(name);
      const incarnation = known === undefined || known.ejected ? null : known.incarnation;
      this.#invite(name, address, record, incarnation, (invited) => {
        if (!invited.ok) return done(invited);
        this.propose({ kind: 'addNode', node: invited.value }, (added) => done(added.ok ? ok(null) : added));
      });
    });
  }

  #invite(
    name: string,
    address: string,
    record: NodeRecord,
    incarnation: string | null,
    done: (result: Result<NodeInfo>) => void,
  ): void {
    let settled = false;
    let invited: NodeInfo | null = null;
    const settle = (result: Result<NodeInfo>): void => {
      if (settled) return;
      settled = true;
      this.#dialling.delete(dial);
      link.close(closeCodes.normal, 'done');
      done(result);
    };
    const send = (message: PeerMessage): void => {
      for (const frame of encodePeerFrames([message], joinFrameBytes)) link.send(frame);
    };
    const proof = new DiallerProof(this.#ports, this.#secret.known);
    const refused = (error: ErrorInfo): void =>
      settle({ ok: false, error: error.code === 'WrongCluster' ? belongsElsewhere(name) : error });
    const welcomed = (welcome: Extract<PeerMessage, { kind: 'welcome' }>): void => {
      const proven = proof.proven(welcome);
      // Without a configured secret, a fresh node has none yet and is handed this cluster's secret. A node with another
      // secret is not of this cluster.
      const handed = proven || welcome.cluster !== noCluster ? null : this.#secret.handedTo(address);
      if (!proven && handed === null) return refused(welcome.proof === null ? lacksSecret(name) : wrongSecret());
      // A node that has proven nothing is not believed to be a member that lost its disk, and is handed nothing.
      if (!proven && incarnation !== null) return refused(unprovenNode(name, address));
      if (welcome.problem !== null) return refused(welcome.problem);
      const problem = judge(name, address, record.cluster, incarnation, welcome);
      if (problem !== null) return settle({ ok: false, error: problem });
      invited = welcome.from;
      if (welcome.cluster === record.cluster) return settle(ok(invited));
      link.proven?.();
      send({ kind: 'join', cluster: record.cluster, root: record.root, nodes: record.nodes, secret: handed });
    };
    const receive = (message: HandshakeMessage<'greet' | 'welcome' | 'joined' | 'refused'>): void => {
      if (message.kind === 'refused') return refused(message.error);
      if (message.kind === 'joined') return invited === null ? undefined : settle(ok(invited));
      if (message.kind === 'welcome') return welcomed(message);
      if (message.protocol !== peerProtocol) {
        const text = `node ${name} speaks protocol ${message.protocol}, this release speaks ${peerProtocol}`;
        return settle(fail('NodeRefused', text, { node: name }));
      }
      const content = { cluster: record.cluster, from: this.#self(), target: name, targetIncarnation: noIncarnation };
      const hello = proof.hello(message, content);
      if (hello !== null) send(hello);
    };
    const link: Link = this.#ports.transport.dial(address, peerSubprotocol, {
      onOpen: () => send(proof.greet()),
      onFrame: (frame) => {
        try {
          if (!settled) receive(decodeHandshake(frame, invited === null ? proof.next : afterOffer));
        } catch (error) {
          if (!(error instanceof MalformedError)) throw error;
          settle(fail('NodeRefused', `what answers at ${address} is not a haret node`));
        }
      },
      onClose: () =>
        settle(fail('NodeUnreachable', `node ${name} cannot be reached at ${address}`, { node: name, address })),
    });
    const silent = (): void => {
      const details = { node: name, address };
      settle(fail('NodeUnreachable', `node ${name} does not answer at ${address}`, details));
    };
    const dial = { deadlineMs: this.#ports.clock.now() + this.#times.stepMs, giveUp: silent };
    this.#dialling.add(dial);
  }

  /** Answers an offer of membership. */
  offered(offer: Extract<PeerMessage, { kind: 'join' }>, answer: (message: PeerMessage) => void): void {
    const record = this.#groups.record;
    const joined = (): void => answer({ kind: 'joined' });
    if (record?.cluster === offer.cluster) {
      // The same offer came again before the first was answered. Both are answered once the membership is durable.
      if (this.#entering === null) joined();
      else this.#entering.push(joined);
      return;
    }
    if (record !== null || this.#founding) {
      return answer({ kind: 'refused', error: belongsElsewhere(this.#options.name) });
    }
    if (this.#entering !== null) return;
    const problem = judgeOffer(offer);
    if (problem !== null) return answer({ kind: 'refused', error: problem });
    this.#ports.log.write('info', 'joining a cluster', { cluster: offer.cluster });
    this.#entering = [joined];
    // The secret comes first, because a node that is in a cluster must be able to prove it.
    this.#secret.take(offer.secret, (taken) => {
      if (!taken.ok) {
        this.#entering = null;
        return answer({ kind: 'refused', error: taken.error });
      }
      this.#groups.follow(offer.cluster, offer.root, offer.nodes, () => {
        const waiting = this.#entering ?? [];
        this.#entering = null;
        for (const done of waiting) done();
      });
    });
  }
}

/** Why this cannot be an offer of a cluster. The fields of an offer are stored, dialled and shown to people. */
function judgeOffer({ cluster, root, nodes }: Extract<PeerMessage, { kind: 'join' }>): ErrorInfo | null {
  const { epoch, voters, learners } = root;
  const members = [...voters, ...learners];
  const possible =
    cluster !== noCluster &&
    voters.length > 0 &&
    epoch > 0 &&
    epoch < highestNumber &&
    nodes.length <= maxNodes &&
    nodes.every(isPresentable) &&
    members.every(({ replica, node, address }) => isName(replica) && isName(node) && isAddress(address));
  return possible ? null : errorInfo('BadFrame', 'this is not an offer of a cluster');
}

function lacksSecret(name: string): ErrorInfo {
  const text = `node ${name} does not know this cluster's secret: set cluster_secret there to the same as here, and start it again`;
  return errorInfo('NodeRefused', text, { node: name });
}

/** No client waits for this entry. It only records that the one before it is committed (catalog-messages.ts). */
const settled = encodeCatalogEntry({ kind: 'settled' });
const nobody = { reply: () => undefined, fail: () => undefined };

function belongsElsewhere(name: string): ErrorInfo {
  return errorInfo(
    'NodeRefused',
    `node ${name} belongs to another cluster; to move it, stop it, empty its data directory, start it, and join it again`,
    { node: name },
  );
}

function sameAddresses(a: NodeInfo, b: NodeInfo): boolean {
  return a.clusterAddress === b.clusterAddress && a.apiAddress === b.apiAddress && a.adminAddress === b.adminAddress;
}

function judge(
  name: string,
  address: string,
  cluster: ClusterId,
  incarnation: string | null,
  welcome: Extract<PeerMessage, { kind: 'welcome' }>,
): ErrorInfo | null {
  const found = welcome.from;
  if (!isPresentable(found)) return errorInfo('NodeRefused', `what answers at ${address} is not a haret node`);
  if (found.name !== name) return errorInfo('NodeNotFound', `the node at ${address} is ${found.name}, not ${name}`);
  if (welcome.cluster !== noCluster && welcome.cluster !== cluster) {
    return belongsElsewhere(name);
  }
  if (incarnation !== null && incarnation !== found.incarnation) {
    return errorInfo(
      'NodeRefused',
      `the cluster knows ${name} with another data directory than the one it has now; put the old one back, or join it under another node_name`,
      { node: name },
    );
  }
  if (incarnation !== null && welcome.cluster === noCluster) return emptiedNode(name);
  return null;
}
