/**
 * A node in the simulated world: the real `core/cluster` on ports that the world can take away. Its life can end by a
 * crash at any effect. From then on, nothing that it still does reaches disk, network or clock.
 */

import { defaultLimits } from '../base/limits.ts';
import type { Limits } from '../base/limits.ts';
import type { Disk, Hash, Interface, Link, LinkHandler, Log } from '../base/ports.ts';
import type { SeededRandom } from '../base/random.ts';
import type { NodeObserver, NodeOptions, NodePorts, Timing } from '../cluster/base/host.ts';
import { ClusterNode } from '../cluster/node.ts';
import type { ReplicaHost } from '../cluster/replicas/replica-host.ts';
import type { DiskLatency } from '../store/memory-disk.ts';
import { MemoryDisk } from '../store/memory-disk.ts';
import type { Network } from './network.ts';
import type { Schedule } from './schedule.ts';

export interface SimNodeSettings {
  readonly timing: Timing;
  /** A browser's or a server's. Both give the same digests. */
  readonly hash: Hash;
  readonly limits?: Partial<Limits>;
  /**
   * The cluster's secret where it is configured, as for clusters on several machines. If left out, the cluster makes
   * its own.
   */
  readonly secrets?: readonly string[];
  readonly segmentBytes: number;
  readonly checkpointBytes: number;
  /** How much each disk holds, and how much of it is kept free. Unlimited when left out. */
  readonly diskCapacityBytes?: number;
  readonly diskReserveBytes?: number;
}

/** What a node reports to the world. */
export interface SimNodeEvents {
  readonly observer: NodeObserver;
  readonly log: Log;
  /** Something ran on this node. */
  ran(node: SimNode): void;
  /** Its process ended by itself: a write failed, or the start was refused. */
  ended(node: SimNode, error: Error): void;
}

/** One process of a node, from its start to its end. */
interface Life {
  alive: boolean;
  /** The process dies at the effect that brings this to 0. Negative: never. */
  effectsLeft: number;
}

/** What a node's machine is made of, and who hears of it. */
export interface SimNodePorts {
  readonly schedule: Schedule;
  readonly network: Network;
  readonly random: SeededRandom;
  readonly settings: SimNodeSettings;
  readonly events: SimNodeEvents;
}

export class SimNode {
  readonly name: string;
  readonly disk: MemoryDisk;
  readonly #schedule: Schedule;
  readonly #network: Network;
  readonly #random: SeededRandom;
  readonly #settings: SimNodeSettings;
  readonly #events: SimNodeEvents;
  #life: Life = { alive: false, effectsLeft: -1 };
  #node: ClusterNode | null = null;
  #paused: (() => void)[] = [];
  #diskSlowUs = 0;
  #ports: readonly [cluster: number, admin: number, api: number] = [1, 2, 3];

  constructor(name: string, { schedule, network, random, settings, events }: SimNodePorts) {
    this.name = name;
    this.#schedule = schedule;
    this.#network = network;
    this.#random = random;
    this.#settings = settings;
    this.#events = events;
    this.disk = new MemoryDisk({
      schedule: (latency, complete) => schedule.after(this.#diskDelayUs(latency), complete),
      ...(settings.diskCapacityBytes === undefined ? {} : { capacityBytes: settings.diskCapacityBytes }),
    });
  }

  get alive(): boolean {
    return this.#life.alive;
  }

  get node(): ClusterNode | null {
    return this.#life.alive ? this.#node : null;
  }

  get hosts(): readonly ReplicaHost[] {
    return this.node?.hosts ?? [];
  }

  get clusterAddress(): string {
    return `${this.name}:${this.#ports[0]}`;
  }

  get adminAddress(): string {
    return `${this.name}:${this.#ports[1]}`;
  }

  get apiAddress(): string {
    return `${this.name}:${this.#ports[2]}`;
  }

  get addresses(): readonly string[] {
    return [this.clusterAddress, this.adminAddress, this.apiAddress];
  }

  /** Configures other ports, from the next start on. No one listens at the old ones any more. */
  move(cluster: number, admin: number, api: number): void {
    this.#ports = [cluster, admin, api];
  }

  /** From now on, every operation of the disk takes this much longer. */
  slowDisk(extraUs: number): void {
    this.#diskSlowUs = extraUs;
  }

  #diskDelayUs(latency: DiskLatency): number {
    const typicalUs = latency === 'write' ? 10 : latency === 'metadata' ? 300 : 80;
    return typicalUs + this.#random.below(2 * typicalUs) + this.#diskSlowUs;
  }

  start(): void {
    if (this.#life.alive) return;
    const life: Life = { alive: true, effectsLeft: -1 };
    this.#life = life;
    // A monotonic clock begins anywhere, and begins anew with each life.
    const startedMs = this.#random.below(1_000_000_000);
    const ports: NodePorts = {
      disk: this.#diskOf(life),
      transport: {
        dial: (address, subprotocol, handler) => {
          const link = this.#network.transportOf(this.name).dial(address, subprotocol, this.#handlerOf(life, handler));
          return this.#linkOf(life, link);
        },
      },
      clock: {
        now: () => startedMs + this.#schedule.nowMs,
        soon: (work) => this.#schedule.after(0, () => this.#run(life, work)),
      },
      random: this.#random.fork(),
      hash: this.#settings.hash,
      log: {
        write: (level, message, facts) =>
          life.alive && this.#events.log.write(level, message, { node: this.name, ...facts }),
      },
    };
    const { observer } = this.#events;
    const node = new ClusterNode(ports, this.#options(), (error) => this.#failed(life, error), {
      applied: (replica, entry, reply) => life.alive && observer.applied(replica, entry, reply),
      restored: (replica, op) => life.alive && observer.restored(replica, op),
      event: (replica, event) => life.alive && observer.event(replica, event),
      sent: (to, message) => life.alive && observer.sent(to, message),
      received: (message) => life.alive && observer.received(message),
    });
    this.#node = node;
    this.#run(life, () => node.start());
    this.#tick(life);
  }

  #options(): NodeOptions {
    return {
      name: this.name,
      clusterAddress: this.clusterAddress,
      adminAddress: this.adminAddress,
      apiAddress: this.apiAddress,
      limits: { ...defaultLimits, ...this.#settings.limits },
      timing: this.#settings.timing,
      segmentBytes: this.#settings.segmentBytes,
      checkpointBytes: this.#settings.checkpointBytes,
      diskReserveBytes: this.#settings.diskReserveBytes ?? 0,
      secret: { configured: this.#settings.secrets ?? [], staysWithin: () => this.#settings.secrets === undefined },
      describedConfig: [],
      setLogLevel: () => undefined,
    };
  }

  #tick(life: Life): void {
    // The ticks of different nodes do not fall on one instant.
    this.#schedule.after(this.#settings.timing.tickMs * 1000 + this.#random.below(100), () => {
      if (!life.alive) return;
      this.#run(life, () => this.#node?.tick());
      this.#tick(life);
    });
  }

  /** Ends the process, as `kill -9` does. What it handed to the kernel stays, and may not be durable. */
  crash(): void {
    this.#end();
    this.disk.processCrash();
  }

  /** Cuts the machine's power. Some or all of what was not synced may be lost. */
  cutPower(): void {
    this.#end();
    this.disk.powerCut(this.#random);
  }

  /** Makes the process die by itself after this many more effects. */
  crashAfter(effects: number): void {
    this.#life.effectsLeft = effects;
  }

  #end(): void {
    if (!this.#life.alive) return;
    this.#life.alive = false;
    this.#node = null;
    this.#paused = [];
    this.#network.resume(this.name);
    this.#network.kill(this.name);
  }

  #failed(life: Life, error: Error): void {
    if (!life.alive) return;
    this.crash();
    this.#events.ended(this, error);
  }

  pause(): void {
    if (this.#life.alive) this.#network.pause(this.name);
  }

  resume(): void {
    if (!this.#network.isPaused(this.name)) return;
    this.#network.resume(this.name);
    const paused = this.#paused;
    this.#paused = [];
    for (const run of paused) this.#schedule.after(0, run);
  }

  /** Takes a link that another host dialled. */
  accept(through: Interface, subprotocol: string, link: Link, from: string): LinkHandler | null {
    const life = this.#life;
    const node = this.node;
    if (node === null) return null;
    const accepted: LinkHandler[] = [];
    this.#run(life, () => accepted.push(node.accept(through, subprotocol, this.#linkOf(life, link), from)));
    return accepted[0] === undefined ? null : this.#handlerOf(life, accepted[0]);
  }

  /** Runs a piece of this node's process, unless the process has ended. While it is paused, the piece waits. */
  #run(life: Life, work: () => void): void {
    if (!life.alive) return;
    if (this.#network.isPaused(this.name)) {
      this.#paused.push(() => this.#run(life, work));
      return;
    }
    try {
      work();
    } catch (error) {
      // A process that died in the middle of its work does not report what it would have noticed next.
      if (this.#isCurrent(life)) throw error;
    }
    this.#events.ran(this);
  }

  #isCurrent(life: Life): boolean {
    return life.alive;
  }

  /** True while effects may still leave the process. */
  #effect(life: Life): boolean {
    if (!life.alive) return false;
    if (life.effectsLeft > 0 && --life.effectsLeft === 0) {
      this.crash();
      return false;
    }
    return true;
  }

  #handlerOf(life: Life, handler: LinkHandler): LinkHandler {
    return {
      onOpen: () => this.#run(life, () => handler.onOpen?.()),
      onFrame: (frame) => this.#run(life, () => handler.onFrame(frame)),
      onClose: (code, reason) => this.#run(life, () => handler.onClose(code, reason)),
    };
  }

  #linkOf(life: Life, link: Link): Link {
    return {
      send: (frame) => {
        if (this.#effect(life)) link.send(frame);
      },
      close: (code, reason) => {
        if (this.#effect(life)) link.close(code, reason);
      },
      buffered: () => link.buffered(),
    };
  }

  #diskOf(life: Life): Disk {
    const { disk } = this;
    const done =
      (callback: (error: Error | null) => void) =>
      (error: Error | null): void =>
        this.#run(life, () => callback(error));
    const whenAlive = (run: () => void): void => {
      if (this.#effect(life)) run();
    };
    return {
      lock: () => disk.lock(),
      unlock: () => disk.unlock(),
      syncAll: () => disk.syncAll(),
      list: () => disk.list(),
      read: (name, offset, length) => disk.read(name, offset, length),
      create: (name, size, callback) => whenAlive(() => disk.create(name, size, done(callback))),
      write: (name, offset, parts, durable, callback) =>
        whenAlive(() => disk.write(name, offset, parts, durable, done(callback))),
      sync: (name, callback) => whenAlive(() => disk.sync(name, done(callback))),
      truncate: (name, size, callback) => whenAlive(() => disk.truncate(name, size, done(callback))),
      rename: (from, to, callback) => whenAlive(() => disk.rename(from, to, done(callback))),
      remove: (name, callback) => whenAlive(() => disk.remove(name, done(callback))),
      free: () => disk.free(),
    };
  }
}
