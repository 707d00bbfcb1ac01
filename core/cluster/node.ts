/**
 * A node: its store, its replicas, its peers and its clients, put together. It does no I/O of its own. The host brings
 * the ports (host.ts). Each part has its own room. This file only connects them.
 */

import { invariant } from '../base/assert.ts';
import type { ErrorInfo } from '../base/errors.ts';
import { noCluster, noIncarnation } from '../base/ids.ts';
import type { Interface, Link, LinkHandler, LogLevel } from '../base/ports.ts';
import { Store } from '../store/store.ts';
import type { Member } from '../vr/configuration.ts';
import type { Message } from '../vr/messages.ts';
import type { ReplicaEvent } from '../vr/ports.ts';
import { adminServerCodec } from '../wire/admin-codecs.ts';
import { apiServerCodec } from '../wire/api-codecs.ts';
import type { NodeInfo } from '../wire/node-info.ts';
import { AdminCommands } from './admin/admin-commands.ts';
import type { AdminCounters } from './admin/admin-connection.ts';
import { AdminConnection } from './admin/admin-connection.ts';
import { isSentOn } from './admin/judgement.ts';
import type { ApiCounters } from './clients/api-connection.ts';
import { ApiConnection } from './clients/api-connection.ts';
import type { Catalog } from './catalog/catalog.ts';
import { Desk } from './clients/desk.ts';
import { Attendance } from './admin/attendance.ts';
import { Groups } from './replicas/groups.ts';
import type { GroupsEvents } from './replicas/groups.ts';
import { Resources } from './replicas/resources.ts';
import type {
  HostedNode,
  MetricSample,
  NodeObserver,
  NodeOptions,
  NodePorts,
  NodeView,
  SessionsView,
} from './base/host.ts';
import { Holders } from './clients/holders.ts';
import { Whereabouts } from './routing/whereabouts.ts';
import { Joining } from './admin/joining.ts';
import { collectMetrics } from './metrics.ts';
import type { PeerEvents } from './peers/peers.ts';
import { Peers } from './peers/peers.ts';
import { Outsiders, isNamed } from './peers/outsiders.ts';
import type { Hearer } from './peers/judgement.ts';
import { judgePeer } from './peers/judgement.ts';
import { takePeerMessage } from './peer-messages.ts';
import { Conditions } from './base/conditions.ts';
import { Notices } from './base/notices.ts';
import { Problems } from './base/problems.ts';
import type { Doorkeeper } from './doors.ts';
import { Doors } from './doors.ts';
import { namespaceWaitsFor, waitingFor } from './readiness.ts';
import type { ReplicaHost } from './replicas/replica-host.ts';
import { Router } from './routing/router.ts';
import { ClusterSecret } from './peers/secret.ts';
import { sessionsOf } from './replicas/sessions-view.ts';
import { Subscriptions, subscriptionsParts } from './watching/subscriptions.ts';
import type { NodeTimes } from './base/times.ts';
import { nodeTimes } from './base/times.ts';
import { Turn } from './base/turn.ts';

/** What exists between start and stop. */
interface Running {
  readonly store: Store;
  readonly secret: ClusterSecret;
  readonly groups: Groups;
  readonly peers: Peers;
  readonly router: Router;
  readonly resources: Resources;
  readonly joining: Joining;
  readonly attendance: Attendance;
  readonly admin: AdminCommands;
  readonly watches: Subscriptions;
  readonly holders: Holders;
  readonly desk: Desk;
}

const levels: Readonly<Partial<Record<ReplicaEvent['kind'], LogLevel>>> = {
  alarm: 'error',
  refused: 'warn',
  dropped: 'debug',
};

export class ClusterNode implements HostedNode {
  readonly #ports: NodePorts;
  readonly #options: NodeOptions;
  readonly #times: NodeTimes;
  readonly #turn: Turn;
  readonly #admin: AdminCounters = { commands: 0, refused: 0 };
  /** By what peers are judged. */
  readonly #hearer: Hearer = { mayBeMember: (node) => this.#parts.groups.mayBeMember(node), isSentOn };
  readonly #api: ApiCounters = {
    requests: 0,
    reads: 0,
    asked: 0,
    answered: 0,
    errors: 0,
    refused: 0,
  };
  readonly #doors: Doors;
  readonly #onDiskFailure: (error: Error) => void;
  readonly #observer: NodeObserver | null;
  #running: Running | null = null;
  readonly #conditions = new Conditions();
  readonly #notices: Notices;
  readonly #problems = new Problems();
  readonly #outsiders: Outsiders;
  #stopping = false;
  #peersFirst = false;
  #whenStopped: (() => void)[] = [];

  /** @param onDiskFailure is called once when a write or sync failed. The process must end now (protocol §2). */
  constructor(
    ports: NodePorts,
    options: NodeOptions,
    onDiskFailure: (error: Error) => void,
    observer: NodeObserver | null = null,
  ) {
    this.#ports = ports;
    this.#options = options;
    this.#times = nodeTimes(options.timing);
    this.#turn = new Turn(ports.clock);
    this.#doors = new Doors(options.limits);
    this.#notices = new Notices(ports.log, ports.clock);
    this.#onDiskFailure = onDiskFailure;
    this.#outsiders = new Outsiders({
      problems: this.#problems,
      log: ports.log,
      clock: ports.clock,
      connected: () => this.#running?.peers.anyConnected === true,
      hearsayMs: this.#times.hearsayMs,
    });
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
    this.#outsiders.begin(this.#options.name, store);
    const groups = new Groups(this.#ports, this.#options, store, this.#turn, this.#groupsEvents());
    const peers = new Peers(this.#ports, this.#turn, timing, limits, this.#peerEvents());
    const secret = new ClusterSecret({
      disk,
      random,
      options: this.#options.secret,
      self: this.#options.clusterAddress,
      inCluster: () => groups.record !== null,
      emptied: store.emptied,
    });
    secret.recover();
    const resources = new Resources(this.#ports, this.#options, store, groups);
    const run = random.uint32();
    const now = (): number => clock.now();
    const tired = (): boolean => this.#turn.tired;
    const whereabouts = new Whereabouts();
    const times = this.#times;
    const router = new Router({ groups, peers, resources, limits, times, now, run, tired, whereabouts });
    const joining = new Joining({
      ports: this.#ports,
      options: this.#options,
      groups,
      self: () => this.#self(),
      presented: (node) => peers.presented(node),
      secret,
    });
    const attendance = new Attendance({
      groups,
      peers,
      outsiders: this.#outsiders,
      self: this.#options.name,
      now: () => clock.now(),
      absentMs: this.#times.absentMs,
    });
    const admin = new AdminCommands({
      ports: this.#ports,
      options: this.#options,
      groups,
      peers,
      router,
      joining,
      counters: this.#admin,
      notices: this.#notices,
      metrics: () => this.metrics(),
      refusal: () => this.#outsiders.refusal(),
      attendance,
      until: (check, timeoutMs, done) => this.#conditions.until(check, clock.now() + timeoutMs, done),
    });
    const watches = new Subscriptions(subscriptionsParts(groups, peers, router, run), limits.maxWatches);
    const holders = new Holders(peers, whereabouts);
    const refusal = (): ErrorInfo | null => this.#outsiders.refusal();
    const desk = new Desk({
      options: this.#options,
      groups,
      peers,
      router,
      watches,
      holders,
      refusal,
      random,
      turn: this.#turn,
    });
    this.#running = {
      store,
      secret,
      groups,
      peers,
      router,
      resources,
      joining,
      attendance,
      admin,
      watches,
      holders,
      desk,
    };
    try {
      groups.recover();
    } catch (error) {
      // The lock is given back, so that another node may be started on the directory.
      disk.unlock();
      this.#running = null;
      throw error;
    }
    for (const node of groups.record?.nodes ?? []) peers.know(node);
    if (secret.lost !== null) log.write('error', secret.lost);
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
    this.#turn.rest();
    running.peers.tick(now);
    running.groups.tick(now);
    running.watches.tick(now);
    // Both do what had to wait, as far as a turn goes. They are first in turn.
    this.#peersFirst = !this.#peersFirst;
    if (this.#peersFirst) running.router.tick(now);
    running.desk.tick(now);
    if (!this.#peersFirst) running.router.tick(now);
    running.joining.tick(now);
    running.store.tick(now);
    running.resources.tick(now);
    this.#conditions.tick(now);
    this.#notices.tick(now);
  }

  accept(through: Interface, subprotocol: string, link: Link, from: string): LinkHandler {
    if (this.#running === null) return this.#doors.turnAway(link);
    return this.#doors.admit(through, link, this.#doorkeeper(through, subprotocol, link, from));
  }

  #doorkeeper(through: Interface, subprotocol: string, link: Link, from: string): Doorkeeper {
    const { limits } = this.#options;
    const { desk, admin, peers } = this.#parts;
    const opened = { link, from, turn: this.#turn, limits, log: this.#ports.log, notices: this.#notices };
    switch (through) {
      case 'api': {
        const codec = apiServerCodec(subprotocol, limits.maxFrameBytes);
        return new ApiConnection({ ...opened, codec }, desk, this.#api);
      }
      case 'admin': {
        const codec = adminServerCodec(subprotocol, limits.maxFrameBytes);
        return new AdminConnection(
          { ...opened, codec },
          (command, outstanding, done) => admin.asked(command, outstanding, done),
          this.#admin,
        );
      }
      case 'cluster':
        return { ...peers.accept(link), refuse: (error, code) => peers.refuse(link, error, code) };
    }
  }

  stop(done: () => void): void {
    if (this.#running === null) return done();
    this.#whenStopped.push(done);
    if (this.#stopping) return;
    this.#stopping = true;
    const { store, groups, peers, joining } = this.#running;
    this.#doors.close();
    joining.stop();
    peers.close();
    groups.stop();
    store.close(() => {
      this.#ports.log.write('info', 'node stopped', { node: this.#options.name });
      this.#running = null;
      this.#conditions.clear();
      for (const stopped of this.#whenStopped.splice(0)) stopped();
    });
  }

  health(): { readonly ok: boolean; readonly problems: readonly string[] } {
    const problems = [...this.#problems.texts];
    const stranger = this.#outsiders.refusal();
    if (stranger !== null) problems.unshift(stranger.message);
    const secretLost = this.#running?.secret.lost ?? null;
    if (secretLost !== null) problems.push(secretLost);
    problems.push(...(this.#running?.resources.problems ?? []));
    problems.push(...(this.#running?.attendance.warnings() ?? []));
    return { ok: this.#problems.well, problems };
  }

  ready(namespace?: string): { readonly ok: boolean; readonly waitingFor: readonly string[] } {
    const running = this.#running;
    const waits = [...waitingFor(running?.groups ?? null, this.#stopping, this.#outsiders)];
    if (namespace !== undefined && running !== null)
      waits.push(...namespaceWaitsFor(running.groups, namespace, (id) => running.desk.served(id)));
    return { ok: waits.length === 0, waitingFor: waits };
  }

  metrics(): readonly MetricSample[] {
    if (this.#running === null) return [];
    const { traffic } = this.#running.desk;
    return collectMetrics({ ...this.#running, api: this.#api, admin: this.#admin, doors: this.#doors, traffic });
  }

  view(): NodeView {
    const running = this.#running;
    const cluster = running?.groups.record?.cluster ?? null;
    return {
      name: this.#options.name,
      incarnation: running?.store.incarnation ?? noIncarnation,
      cluster,
      state: running?.groups.catalog?.nodeState(this.#options.name) ?? 'unknown',
      replicas: (running?.groups.all ?? []).map((host) => host.view()),
      connectedPeers: running?.peers.connectedNames() ?? [],
      nodes: (running?.groups.catalog?.nodes ?? [])
        .filter((node) => !node.ejected)
        .map(({ name, apiAddress }) => ({ name, apiAddress })),
      clients: { connections: this.#doors.open('api'), asked: this.#api.asked, answered: this.#api.answered },
    };
  }

  sessions(most: number): readonly SessionsView[] {
    return (this.#running?.groups.all ?? []).flatMap((host) => sessionsOf(host, most) ?? []);
  }

  /** The hosted replicas, for the simulator's checks. A node that stops has none any more. */
  get hosts(): readonly ReplicaHost[] {
    return this.#stopping ? [] : (this.#running?.groups.all ?? []);
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
        this.#parts.watches.moved(host);
        this.#parts.holders.applied(host);
        if (host === this.#parts.groups.root) this.#parts.groups.catalogMoved();
      },
      restored: (host, op) => {
        this.#observer?.restored(host.identity, op);
        this.#parts.holders.restored(host);
        this.#parts.watches.moved(host);
        if (host === this.#parts.groups.root) this.#parts.groups.catalogMoved();
      },
      broke: (host, error) => {
        const why = error instanceof Error ? error.message : String(error);
        const text = `replica ${host.name} is stopped because of a bug (${why}); the other replicas go on. Restart this node, and report it`;
        this.#problems.fault(host.name, text);
        this.#parts.watches.stopped(host);
      },
      catalogChanged: (catalog) => this.#catalogChanged(catalog),
      tooManyReplicas: (limit, namespace) => {
        const text = `this node must run a replica of ${namespace} and already has max_replicas = ${limit}: raise it and restart`;
        if (this.#problems.warn(`too many ${namespace}`, text)) this.#ports.log.write('error', text);
      },
    };
  }

  #sendToReplica(to: Member, message: Message): void {
    this.#observer?.sent(to, message);
    if (to.node === this.#options.name) this.#parts.groups.deliver(message);
    else this.#parts.peers.send(to.node, { kind: 'vr', message });
  }

  #catalogChanged(catalog: Catalog): void {
    for (const node of catalog.nodes) if (!node.ejected) this.#parts.peers.know(node);
    this.#parts.attendance.catalogChanged();
    this.#parts.router.catalogChanged();
  }

  #replicaEvent(host: ReplicaHost, event: ReplicaEvent): void {
    this.#observer?.event(host.identity, event);
    // This event of the hot path is only for an observer. A line for each commit would cost more than the commit.
    if (event.kind === 'committed') return;
    const level = levels[event.kind] ?? 'info';
    this.#ports.log.write(level, `replica ${event.kind}`, { replica: host.name, ...event });
    if (event.kind === 'alarm') {
      const passing = host.view().status === 'recovering';
      const key = event.about === undefined ? host.name : `${host.name} ${event.about}`;
      const text = `replica ${host.name}: ${event.reason}`;
      // A restart would bring nothing back that is lost here or is at other nodes, and it would end the repair.
      this.#problems.warn(key, text, passing && event.about === undefined);
    }
    if (event.kind === 'alarmOver') this.#problems.clear(`${host.name} ${event.about}`);
    if (event.kind !== 'status') return;
    if (event.status === 'normal') this.#problems.normal(host.name);
    // A watch at this replica must continue at another one, because changes of a wrong state are not changes of the
    // namespace.
    if (host.silent) this.#parts.watches.stopped(host);
    // A backup knows its primary as well as the primary does, and may know it sooner.
    const node = host.primaryNode;
    if (event.primary === null || node === null) return;
    const { router, peers } = this.#parts;
    const { epoch, view } = event.viewstamp;
    const hint = { namespaceId: host.namespaceId, epoch, view, replica: event.primary, node };
    if (router.learn(hint) && host.isPrimary) peers.broadcast({ kind: 'hints', hints: [hint] });
  }

  #peerEvents(): PeerEvents {
    return {
      cluster: () => this.#parts.groups.record?.cluster ?? noCluster,
      self: () => this.#self(),
      secrets: () => this.#parts.secret.known,
      takesOffers: () => this.#parts.secret.takesOffers,
      mayLackSecret: (address) => this.#parts.secret.handedTo(address) !== null,
      isMember: (node) => this.#parts.groups.isMember(node),
      judge: (from, message) => judgePeer(this.#hearer, from, message),
      message: (from, message, answer) => takePeerMessage(this.#parts, this.#observer, from, message, answer),
      offered: (offer, answer) => this.#parts.joining.offered(offer, answer),
      connection: (node, connected) => this.#peerConnection(node, connected),
      stranger: (known, found) => this.#outsiders.stranger(known, found),
      unproven: (node, claim) => this.#outsiders.unproven(node, claim),
      calledStranger: (by, proven) => this.#outsiders.calledStranger(this.#options.name, by, proven),
      emptied: () => this.#outsiders.emptied,
      named: (info) => isNamed(this.#parts.groups.catalog, info),
      lostItsLog: (known) => this.#outsiders.lostItsLog(known),
    };
  }

  #peerConnection(node: string, connected: boolean): void {
    const { groups, router, peers, watches } = this.#parts;
    this.#ports.log.write('info', connected ? 'peer connected' : 'peer disconnected', { peer: node });
    if (connected) {
      this.#outsiders.back(node);
      const hints = router.hints.all();
      if (hints.length > 0) peers.send(node, { kind: 'hints', hints });
    } else {
      router.lost(node);
      watches.lost(node);
    }
    groups.peer(node, connected);
  }
}
