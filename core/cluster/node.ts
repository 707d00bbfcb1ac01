/**
 * A node: its store, its replicas, its peers and its clients, put together. No I/O of its own; whoever hosts it brings the ports
 * (host.ts). Each part has its room; here is only how they meet.
 */

import { invariant } from '../base/assert.ts';
import { errorInfo, fail } from '../base/errors.ts';
import { noCluster } from '../base/ids.ts';
import type { Interface, Link, LinkHandler } from '../base/ports.ts';
import { Store } from '../store/store.ts';
import type { Member } from '../vr/configuration.ts';
import type { Message } from '../vr/messages.ts';
import type { ReplicaEvent } from '../vr/ports.ts';
import { adminServerCodec } from '../wire/admin-codecs.ts';
import { apiServerCodec } from '../wire/api-codecs.ts';
import { closeCodes } from '../wire/close-codes.ts';
import type { NodeInfo, PeerMessage } from '../wire/peer.ts';
import { AdminCommands } from './admin-commands.ts';
import { AdminConnection } from './admin-connection.ts';
import type { ApiCounters, ApiDesk, EnterAnswer } from './api-connection.ts';
import { ApiConnection } from './api-connection.ts';
import type { Catalog } from './catalog.ts';
import { Groups } from './groups.ts';
import type { GroupsEvents } from './groups.ts';
import { DiskReserve } from './disk-reserve.ts';
import type { HostedNode, MetricSample, NodeObserver, NodeOptions, NodePorts, NodeView } from './host.ts';
import { Joining } from './joining.ts';
import { collectMetrics } from './metrics.ts';
import type { PeerEvents } from './peers.ts';
import { Peers } from './peers.ts';
import type { ReplicaHost } from './replica-host.ts';
import { Router } from './router.ts';
import { Turn } from './turn.ts';

/** What exists between start and stop. */
interface Running {
  readonly store: Store;
  readonly groups: Groups;
  readonly peers: Peers;
  readonly router: Router;
  readonly reserve: DiskReserve;
  readonly joining: Joining;
  readonly admin: AdminCommands;
}

interface Waiting {
  readonly check: () => boolean;
  readonly deadlineMs: number;
  readonly done: () => void;
}

export class ClusterNode implements HostedNode {
  readonly #ports: NodePorts;
  readonly #options: NodeOptions;
  readonly #turn: Turn;
  readonly #api: ApiCounters = { connections: 0, requests: 0, reads: 0, errors: 0, refused: 0 };
  readonly #connections = new Set<Link>();
  readonly #counts: Record<Interface, number> = { cluster: 0, admin: 0, api: 0 };
  readonly #onDiskFailure: (error: Error) => void;
  readonly #observer: NodeObserver | null;
  #running: Running | null = null;
  #waiting: Waiting[] = [];
  #problems = new Map<string, string>();
  #stopping = false;

  /** @param onDiskFailure called once when a write or sync failed: the process must end now (protocol §2). */
  constructor(
    ports: NodePorts,
    options: NodeOptions,
    onDiskFailure: (error: Error) => void,
    observer: NodeObserver | null = null,
  ) {
    this.#ports = ports;
    this.#options = options;
    this.#turn = new Turn(ports.clock);
    this.#onDiskFailure = onDiskFailure;
    this.#observer = observer;
  }

  start(): void {
    invariant(this.#running === null, 'a node is started once');
    const { clock, hash, log, random, disk } = this.#ports;
    const { limits, timing, segmentBytes } = this.#options;
    const store = Store.open(
      { disk, hash, random, log },
      {
        segmentBytes,
        now: () => clock.now(),
        soon: (work) => clock.soon(work),
        onFailure: this.#onDiskFailure,
      },
    );
    this.#turn.persistBy(() => store.flush());
    const groups = new Groups(this.#ports, this.#options, store, this.#turn, this.#groupsEvents());
    const peers = new Peers(this.#ports, this.#turn, timing, limits, this.#peerEvents());
    const reserve = new DiskReserve(disk, this.#options.diskReserveBytes);
    const router = new Router(groups, peers, reserve, limits, () => clock.now(), timing.suspicionMs * 5);
    const joining = new Joining(this.#ports, this.#options, groups, () => this.#self());
    const admin = new AdminCommands({
      ports: this.#ports,
      options: this.#options,
      groups,
      peers,
      router,
      joining,
      metrics: () => this.metrics(),
      until: (check, timeoutMs, done) => void this.#waiting.push({ check, deadlineMs: clock.now() + timeoutMs, done }),
    });
    this.#running = { store, groups, peers, router, reserve, joining, admin };
    groups.recover();
    for (const node of groups.record?.nodes ?? []) peers.know(node);
    log.write('info', 'node started', {
      node: this.#options.name,
      incarnation: store.incarnation,
      cluster: groups.record?.cluster ?? 'none yet',
      replicas: groups.all.length,
    });
  }

  get #parts(): Running {
    invariant(this.#running !== null, 'the node was started');
    return this.#running;
  }

  tick(): void {
    const running = this.#running;
    if (running === null) return;
    const now = this.#ports.clock.now();
    running.peers.tick(now);
    running.groups.tick(now);
    running.router.tick(now);
    running.joining.tick(now);
    running.store.tick(now);
    running.reserve.tick(now);
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) {
      if (one.deadlineMs <= now || one.check()) one.done();
      else this.#waiting.push(one);
    }
  }

  accept(through: Interface, subprotocol: string, link: Link, from: string): LinkHandler {
    const limit = {
      api: this.#options.limits.maxApiConnections,
      admin: this.#options.limits.maxAdminConnections,
      cluster: this.#options.limits.maxClusterConnections,
    }[through];
    const handler = this.#handler(through, subprotocol, link, from);
    const count = ++this.#counts[through];
    this.#connections.add(link);
    if (through === 'api') this.#api.connections++;
    const gone = (): void => {
      this.#counts[through]--;
      this.#connections.delete(link);
      if (through === 'api') this.#api.connections--;
    };
    if (count > limit || this.#stopping) {
      const error = this.#stopping
        ? errorInfo('Closed', 'the node stops')
        : errorInfo('LimitExceeded', `more than ${limit} connections on the ${through} interface`, {
            limit,
            actual: count,
          });
      handler.refuse(error, this.#stopping ? closeCodes.goingAway : closeCodes.tooManyConnections);
    }
    return {
      onFrame: (frame) => handler.onFrame(frame),
      onClose: (code, reason) => {
        gone();
        handler.onClose(code, reason);
      },
    };
  }

  #handler(
    through: Interface,
    subprotocol: string,
    link: Link,
    from: string,
  ): LinkHandler & { refuse(error: ReturnType<typeof errorInfo>, code: number): void } {
    const { limits } = this.#options;
    const nothing = (): void => undefined;
    if (through === 'api') {
      const codec = apiServerCodec(subprotocol, limits.maxFrameBytes);
      return new ApiConnection(link, codec, this.#desk, this.#turn, limits, this.#api, this.#ports.log, from, nothing);
    }
    if (through === 'admin') {
      const codec = adminServerCodec(subprotocol, limits.maxFrameBytes);
      const { admin } = this.#parts;
      return new AdminConnection(
        link,
        codec,
        (command, done) => admin.run(command, false, done),
        this.#turn,
        this.#ports.log,
        from,
        nothing,
      );
    }
    const { peers } = this.#parts;
    const handler = peers.accept(link);
    return { ...handler, refuse: (error) => peers.refuse(link, error) };
  }

  stop(done: () => void): void {
    if (this.#running === null || this.#stopping) return done();
    this.#stopping = true;
    const { store, groups, peers } = this.#running;
    for (const link of this.#connections) link.close(closeCodes.goingAway, 'the node stops');
    peers.close();
    groups.stop();
    store.close(() => {
      this.#ports.log.write('info', 'node stopped', { node: this.#options.name });
      this.#running = null;
      done();
    });
  }

  health(): { readonly ok: boolean; readonly problems: readonly string[] } {
    const problems = [...this.#problems.values()];
    if (this.#running?.reserve.low === true)
      problems.push('the disk is nearly full: growth is refused until space is freed');
    return { ok: problems.length === 0, problems };
  }

  ready(): { readonly ok: boolean; readonly waitingFor: readonly string[] } {
    const waitingFor: string[] = [];
    if (this.#running === null || this.#stopping) waitingFor.push('the node is not running');
    for (const host of this.#running?.groups.all ?? []) {
      if (host.primaryNode === null) waitingFor.push(`${host.name} knows no primary`);
    }
    return { ok: waitingFor.length === 0, waitingFor };
  }

  metrics(): readonly MetricSample[] {
    if (this.#running === null) return [];
    return collectMetrics({ ...this.#running, api: this.#api, adminConnections: this.#counts.admin });
  }

  view(): NodeView {
    const running = this.#running;
    const cluster = running?.groups.record?.cluster ?? null;
    return {
      name: this.#options.name,
      incarnation: running?.store.incarnation ?? noCluster,
      cluster,
      state: running?.groups.catalog?.nodeState(this.#options.name) ?? 'unknown',
      replicas: (running?.groups.all ?? []).map((host) => host.view()),
      connectedPeers: running?.peers.connectedNames() ?? [],
    };
  }

  /** The hosted replicas, for the simulator's checks. */
  get hosts(): readonly ReplicaHost[] {
    return this.#running?.groups.all ?? [];
  }

  #self(): NodeInfo {
    const { name, clusterAddress, adminAddress, apiAddress } = this.#options;
    return { name, incarnation: this.#parts.store.incarnation, clusterAddress, adminAddress, apiAddress };
  }

  // What the parts tell each other.

  #groupsEvents(): GroupsEvents {
    return {
      self: () => this.#self(),
      send: (to, message) => this.#sendToReplica(to, message),
      event: (host, event) => this.#replicaEvent(host, event),
      applied: (host, entry, reply) => {
        this.#observer?.applied(host.identity, entry, reply);
        if (host === this.#parts.groups.root) this.#parts.groups.catalogMoved();
      },
      restored: (host, op) => {
        this.#observer?.restored(host.identity, op);
        if (host === this.#parts.groups.root) this.#parts.groups.catalogMoved();
      },
      broke: (host) => void this.#problems.set(host.name, `replica ${host.name} is stopped: it broke an invariant`),
      catalogChanged: (catalog) => this.#catalogChanged(catalog),
    };
  }

  #sendToReplica(to: Member, message: Message): void {
    this.#observer?.sent(to, message);
    if (to.node === this.#options.name) this.#parts.groups.deliver(message);
    else this.#parts.peers.send(to.node, { kind: 'vr', message });
  }

  #catalogChanged(catalog: Catalog): void {
    for (const node of catalog.nodes) if (!node.ejected) this.#parts.peers.know(node);
  }

  #replicaEvent(host: ReplicaHost, event: ReplicaEvent): void {
    this.#observer?.event(host.identity, event);
    // The hot path's own event is for who watches closely; a line for each commit would cost more than the commit.
    if (event.kind === 'committed') return;
    this.#ports.log.write(event.kind === 'alarm' ? 'error' : 'info', `replica ${event.kind}`, {
      replica: host.name,
      ...event,
    });
    if (event.kind === 'alarm') this.#problems.set(host.name, `replica ${host.name}: ${event.reason}`);
    if (event.kind !== 'status' || !host.isPrimary) return;
    const { router, peers } = this.#parts;
    const { epoch, view } = event.viewstamp;
    const hint = { namespaceId: host.namespaceId, epoch, view, replica: host.replicaName, node: this.#options.name };
    if (router.learn(hint)) peers.broadcast({ kind: 'hints', hints: [hint] });
  }

  #peerEvents(): PeerEvents {
    return {
      cluster: () => this.#parts.groups.record?.cluster ?? noCluster,
      self: () => this.#self(),
      message: (from, message, answer) => this.#peerMessage(from, message, answer),
      connection: (node, connected) => this.#peerConnection(node, connected),
      stranger: (known, found) => {
        const text = `node ${known.name} at ${found.clusterAddress} has lost its disk: it is another incarnation than the cluster knows, and is left out`;
        if (!this.#problems.has(`stranger ${known.name}`))
          this.#ports.log.write('error', text, { known: known.incarnation, found: found.incarnation });
        this.#problems.set(`stranger ${known.name}`, text);
      },
      calledStranger: (by) => {
        const text = `node ${by.name} knows another incarnation of this node: its data directory was emptied or replaced. It serves and votes nowhere; put the old directory back, or join under another name`;
        if (!this.#problems.has('stranger')) this.#ports.log.write('error', text);
        this.#problems.set('stranger', text);
      },
    };
  }

  #peerConnection(node: string, connected: boolean): void {
    const { groups, router, peers } = this.#parts;
    this.#ports.log.write('info', connected ? 'peer connected' : 'peer disconnected', { peer: node });
    if (connected) {
      this.#problems.delete(`stranger ${node}`);
      const hints = router.hints();
      if (hints.length > 0) peers.send(node, { kind: 'hints', hints });
    } else router.lost(node);
    groups.peer(node, connected);
  }

  #peerMessage(from: NodeInfo, message: PeerMessage, answer: (message: PeerMessage) => void): void {
    const { groups, joining, router, admin } = this.#parts;
    switch (message.kind) {
      case 'vr':
        return groups.deliver(message.message);
      case 'forwarded':
        return router.settled(message);
      case 'hints':
        for (const hint of message.hints) router.learn(hint);
        return;
      case 'join':
        return joining.offered(message, answer);
      case 'ping':
        if (message.answer) answer({ kind: 'ping', answer: false });
        return;
      case 'forward': {
        const { id, item } = message;
        if (item.kind === 'admin') {
          return admin.run(item.command, true, (result) =>
            answer({
              kind: 'forwarded',
              id,
              outcome: result.ok ? { kind: 'admin', result: result.value } : { kind: 'error', error: result.error },
            }),
          );
        }
        if (item.kind === 'lookup') {
          return answer({ kind: 'forwarded', id, outcome: this.#lookup(item.namespace) });
        }
        return router.receive(from.name, message, answer);
      }
      case 'hello':
      case 'welcome':
      case 'joined':
      case 'refused':
        // Parts of a handshake that is over; a peer that repeats them gains nothing.
        return;
    }
  }

  #lookup(
    name: string,
  ): { kind: 'found'; namespaceId: number } | { kind: 'error'; error: ReturnType<typeof errorInfo> } {
    const namespace = this.#parts.groups.catalog?.namespaceByName(name);
    if (namespace === undefined) return { kind: 'error', error: unknownNamespace(name) };
    return { kind: 'found', namespaceId: namespace.id };
  }

  // What clients are served by.

  readonly #desk: ApiDesk = {
    cluster: () => this.#parts.groups.record?.cluster ?? noCluster,
    nodeName: () => this.#options.name,
    namespaces: () => (this.#parts.groups.catalog?.namespaces ?? []).map((one) => one.name).sort(),
    serve: (namespaceId, item, waiter) => this.#parts.router.serve(namespaceId, item, waiter),
    enter: (name, done) => this.#enter(name, done),
  };

  #enter(name: string, done: (answer: EnterAnswer) => void): void {
    const { groups, router } = this.#parts;
    const known = groups.catalog?.namespaceByName(name);
    if (known !== undefined) return done(this.#entered(known.id));
    // This node's copy of the catalog may lag; the root group's voters know.
    const voter = groups.nodesOf(0)[0];
    if (voter === undefined || voter === this.#options.name) return done({ ok: false, error: unknownNamespace(name) });
    router.ask(voter, 0, { kind: 'lookup', namespace: name }, 1, (outcome) => {
      if (outcome.kind === 'found') return done(this.#entered(outcome.namespaceId));
      if (outcome.kind === 'error' && outcome.error.code === 'UnknownNamespace')
        return done({ ok: false, error: outcome.error });
      done(fail('NoPrimary', `namespace ${name} is not known here, and the root group cannot be asked`));
    });
  }

  #entered(namespaceId: number): EnterAnswer {
    const { groups, router } = this.#parts;
    const namespace = groups.namespace(namespaceId);
    const hint = router.hint(namespaceId);
    const member = namespace?.replicas.find((one) => one.replica === hint?.replica);
    const here = groups.primaryHost(namespaceId) !== null;
    const reachable =
      hint !== null && (here || (hint.node !== this.#options.name && this.#parts.peers.connected(hint.node)));
    const node = hint === null ? undefined : groups.catalog?.node(hint.node);
    const known = member !== undefined && namespace !== null && node !== undefined && reachable;
    return {
      ok: true,
      entered: {
        namespaceId,
        epoch: hint?.epoch ?? 0,
        view: hint?.view ?? 0,
        here,
        primary: known
          ? {
              name: member.replica,
              group: namespace.name,
              nodeName: node.name,
              nodeAddress: node.clusterAddress,
              apiAddress: node.apiAddress,
            }
          : null,
      },
    };
  }
}

function unknownNamespace(name: string): ReturnType<typeof errorInfo> {
  return errorInfo('UnknownNamespace', 'Unknown namespace', { namespace: name });
}
