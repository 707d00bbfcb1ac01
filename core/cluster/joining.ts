/**
 * Founding a cluster and taking nodes into it (design §6): the first command that needs a cluster founds one on the node that got it;
 * `cluster join` offers membership to a fresh node over its own cluster interface and, once that is durable there, logs it.
 */

import { MalformedError, errorInfo, fail, ok } from '../base/errors.ts';
import type { ErrorInfo, Result } from '../base/errors.ts';
import { hexFromBytes } from '../base/bytes.ts';
import type { ClusterId } from '../base/ids.ts';
import { noCluster } from '../base/ids.ts';
import type { Link } from '../base/ports.ts';
import { closeCodes } from '../wire/close-codes.ts';
import type { NodeInfo, PeerMessage } from '../wire/peer.ts';
import { decodePeerFrame, encodePeerFrames, peerProtocol, peerSubprotocol } from '../wire/peer.ts';
import type { CatalogEntry } from './catalog-messages.ts';
import { decodeCatalogReply, encodeCatalogEntry } from './catalog-messages.ts';
import type { Groups } from './groups.ts';
import type { NodeOptions, NodePorts } from './host.ts';
import type { NodeRecord } from './node-record.ts';

const joinFrameBytes = 1024 * 1024;

/** What the catalog answered: the id of what was made. */
export type Proposed = (result: Result<number>) => void;

export class Joining {
  readonly #ports: NodePorts;
  readonly #options: NodeOptions;
  readonly #groups: Groups;
  readonly #self: () => NodeInfo;
  /** Things to do once the root group has a primary here. */
  #whenPrimary: { readonly run: () => void; readonly expire: () => void; readonly deadlineMs: number }[] = [];
  #dialling = new Set<{ readonly deadlineMs: number; readonly link: Link }>();
  #founding = false;

  constructor(ports: NodePorts, options: NodeOptions, groups: Groups, self: () => NodeInfo) {
    this.#ports = ports;
    this.#options = options;
    this.#groups = groups;
    this.#self = self;
  }

  get #patienceMs(): number {
    return this.#options.timing.suspicionMs * 10;
  }

  /** Runs `then` once this node's root group has its primary here, founding the cluster when there is none. */
  inCluster(then: (ready: Result<null>) => void): void {
    const wait = (): void => this.#afterElection(then);
    if (this.#groups.record !== null) return wait();
    if (this.#founding) return wait();
    this.#founding = true;
    const cluster: ClusterId = hexFromBytes(this.#ports.random.bytes(16));
    this.#ports.log.write('info', 'founding a cluster', { cluster });
    this.#groups.found(cluster, () => {
      this.#founding = false;
      this.#afterElection((ready) => {
        if (!ready.ok) return then(ready);
        this.propose({ kind: 'found', cluster, node: this.#self() }, (added) => then(added.ok ? ok(null) : added));
      });
    });
  }

  #afterElection(then: (ready: Result<null>) => void): void {
    if (this.#groups.root?.isPrimary === true) return then(ok(null));
    this.#whenPrimary.push({
      run: () => then(ok(null)),
      expire: () => then(fail('NoPrimary', 'the root group has no primary on this node')),
      deadlineMs: this.#ports.clock.now() + this.#patienceMs,
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
    for (const dial of this.#dialling) if (dial.deadlineMs <= now) dial.link.close(closeCodes.timeout, 'no answer');
  }

  /** Puts a change into the catalog, through the root group's log. */
  propose(entry: CatalogEntry, done: Proposed): void {
    const root = this.#groups.root;
    if (root === null) return done(fail('NoPrimary', 'this node has no root group'));
    const answered = (bytes: Uint8Array): void => {
      const reply = decodeCatalogReply(bytes);
      done(reply.kind === 'done' ? ok(reply.id) : { ok: false, error: reply.error });
    };
    root.propose({ reply: answered, fail: (error) => done({ ok: false, error }) }, encodeCatalogEntry(entry));
  }

  /** Takes the node at `address` in; it must call itself `name`. For the root group's primary. */
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
    const receive = (message: PeerMessage): void => {
      if (message.kind === 'refused') return settle({ ok: false, error: message.error });
      if (message.kind === 'joined' && invited !== null) return settle(ok(invited));
      if (message.kind !== 'welcome') return;
      const problem = judge(name, address, record.cluster, incarnation, message);
      if (problem !== null) return settle({ ok: false, error: problem });
      invited = message.from;
      if (message.cluster === record.cluster) return settle(ok(invited));
      send({ kind: 'join', cluster: record.cluster, root: record.root, nodes: record.nodes });
    };
    const link: Link = this.#ports.transport.dial(address, peerSubprotocol, {
      onOpen: () =>
        send({
          kind: 'hello',
          protocol: peerProtocol,
          cluster: record.cluster,
          from: this.#self(),
          target: name,
          targetIncarnation: noCluster,
        }),
      onFrame: (frame) => {
        try {
          for (const message of decodePeerFrame(frame, this.#ports.hash)) receive(message);
        } catch (error) {
          if (!(error instanceof MalformedError)) throw error;
          settle(fail('NodeRefused', `what answers at ${address} is not a haret node`));
        }
      },
      onClose: () =>
        settle(fail('NodeUnreachable', `node ${name} cannot be reached at ${address}`, { node: name, address })),
    });
    const dial = { deadlineMs: this.#ports.clock.now() + this.#patienceMs, link };
    this.#dialling.add(dial);
  }

  /** Answers an offer of membership. */
  offered(offer: Extract<PeerMessage, { kind: 'join' }>, answer: (message: PeerMessage) => void): void {
    const record = this.#groups.record;
    if (record !== null || this.#founding) {
      if (record?.cluster === offer.cluster) return answer({ kind: 'joined' });
      const error = errorInfo(
        'NodeRefused',
        `node ${this.#options.name} belongs to another cluster; empty its data directory to move it`,
      );
      return answer({ kind: 'refused', error });
    }
    this.#ports.log.write('info', 'joining a cluster', { cluster: offer.cluster });
    this.#groups.follow(offer.cluster, offer.root, offer.nodes, () => answer({ kind: 'joined' }));
  }
}

function judge(
  name: string,
  address: string,
  cluster: ClusterId,
  incarnation: string | null,
  welcome: Extract<PeerMessage, { kind: 'welcome' }>,
): ErrorInfo | null {
  const found = welcome.from;
  if (found.name !== name) return errorInfo('NodeNotFound', `the node at ${address} is ${found.name}, not ${name}`);
  if (welcome.cluster !== noCluster && welcome.cluster !== cluster) {
    return errorInfo('NodeRefused', `node ${name} belongs to another cluster; empty its data directory to move it`);
  }
  if (incarnation !== null && incarnation !== found.incarnation) {
    return errorInfo(
      'NodeRefused',
      `the cluster knows ${name} with another incarnation: its disk was replaced or emptied; give the new node another name`,
    );
  }
  return null;
}
