/**
 * A simulated world: nodes with their network and disks, and clients, in one thread and from one seed. Its caller steps
 * it event by event. After each event, it checks what must always be true.
 */

import { SeededRandom } from '../base/random.ts';
import { DiskFull } from '../base/disk-full.ts';
import type { Hash, Interface, Link, LinkHandler, LogLevel } from '../base/ports.ts';
import { Client } from '../client/client.ts';
import { AdminClient } from '../client/admin-client.ts';
import { defaultClientOptions } from '../client/options.ts';
import { binaryApi } from '../wire/api-client-binary.ts';
import type { ClientOptions } from '../client/options.ts';
import type { AdminCommand, AdminResult } from '../wire/admin.ts';
import type { Result } from '../base/errors.ts';
import type { NodeObserver } from '../cluster/base/host.ts';
import { Checker, RuleBroken } from './checker.ts';
import { Durability } from './durability.ts';
import { Network } from './network.ts';
import { Schedule } from './schedule.ts';
import type { SimNodeSettings } from './sim-node.ts';
import { SimNode } from './sim-node.ts';

export interface WorldOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly settings: SimNodeSettings;
  /** Everything that nodes log and that happens to them, for people and for comparing two runs. */
  readonly trace?: (line: string) => void;
  /** Watches all nodes, like the checker, for a page that draws the world. */
  readonly observer?: NodeObserver;
  /** Gets each client before it is used, to write down what it asks and what it is told. */
  readonly witness?: (client: SimClient, world: World) => void;
  /**
   * True when a caller that damages disks tells this world. Then an alarm from a node whose disk is whole breaks a
   * rule.
   */
  readonly damageIsTold?: boolean;
}

const tickUs = 10_000;
const stallUs = 350_000;

/** A client in the world, on a host of its own. */
export interface SimClient {
  readonly host: string;
  readonly client: Client;
  /** Ends its process. Nothing answers for it any more. */
  kill(): void;
}

export class World {
  readonly schedule = new Schedule();
  readonly network: Network;
  readonly checker: Checker;
  readonly nodes: readonly SimNode[];
  readonly #durability: Durability;
  readonly #random: SeededRandom;
  readonly #trace: ((line: string) => void) | null;
  /** Nodes whose disks were damaged or lost. */
  readonly #damaged = new Set<string>();
  readonly #sessionMs: number;
  /** What the stores of its nodes are opened with. */
  readonly store: { readonly hash: Hash; readonly segmentBytes: number };
  readonly #witness: WorldOptions['witness'];
  #clients = 0;
  #events = 0;
  #failure: Error | null = null;

  constructor(options: WorldOptions) {
    this.#random = new SeededRandom(options.seed);
    this.#trace = options.trace ?? null;
    this.#witness = options.witness;
    this.network = new Network(this.schedule, this.#random.fork(), (address, subprotocol, link, from) =>
      this.#listen(address, subprotocol, link, from),
    );
    const { hash, segmentBytes, timing } = options.settings;
    this.#sessionMs = timing.sessionMs;
    this.store = { hash, segmentBytes };
    // It draws from a generator of its own, so that looking at the world does not change it.
    this.#durability = new Durability(
      (name) => this.node(name).disk,
      segmentBytes,
      hash,
      new SeededRandom(options.seed, 0xd15c),
    );
    this.checker = new Checker(
      (name) => this.node(name).hosts,
      hash,
      this.#durability,
      () => this.schedule.nowMs,
    );
    const log = {
      write: (level: LogLevel, message: string, facts?: Readonly<Record<string, unknown>>) => {
        this.note(`${level} ${message} ${JSON.stringify(facts ?? {})}`);
        if (level === 'error' && options.damageIsTold === true) this.#alarmed(message, facts ?? {});
      },
    };
    const names = Array.from({ length: options.nodes }, (_, i) => `n${i + 1}`);
    this.nodes = names.map(
      (name) =>
        new SimNode(name, {
          schedule: this.schedule,
          network: this.network,
          random: this.#random.fork(),
          settings: options.settings,
          events: {
            observer: both(this.checker.observer(), options.observer),
            log,
            ran: (node) => this.#ran(node),
            ended: (node, error) => {
              this.note(`process of ${node.name} ended: ${error.message}`);
              // What cannot be written for lack of room waits or is given up. A full disk ends no node (V33).
              if (error instanceof DiskFull) this.#failure ??= error;
            },
          },
        }),
    );
  }

  get sessionMs(): number {
    return this.#sessionMs;
  }

  get events(): number {
    return this.#events;
  }

  /**
   * A node says that something is wrong with it. If nothing happened to its disk, it has no reason to, whatever crashes
   * and power cuts it had: the store itself must have lost what the next start cannot account for.
   */
  #alarmed(message: string, facts: Readonly<Record<string, unknown>>): void {
    const node = String(facts['node']);
    if (this.#damaged.has(node) || (this.#damaged.size > 0 && message.startsWith('node '))) return;
    // A replica that is cut off for half a minute, or whose peers are off, gets nothing, and says so.
    if (facts['about'] === 'transfer' && (this.network.anyCut || this.nodes.some(({ alive }) => !alive))) return;
    this.#failure ??= new RuleBroken(
      `rule 3: ${node}, whose disk is whole, says: ${message} ${JSON.stringify({ ...facts, node })}`,
    );
  }

  /** Answers in place of a node that is off when somebody dials its cluster address. */
  impostor: ((node: SimNode, link: Link, from: string) => LinkHandler | null) | null = null;

  /** A new generator for the caller that drives the world. */
  chance(): SeededRandom {
    return this.#random.fork();
  }

  note(line: string): void {
    this.#trace?.(`${this.schedule.nowUs} ${line}`);
  }

  node(name: string): SimNode {
    const node = this.nodes.find((one) => one.name === name);
    if (node === undefined) throw new Error(`there is no node ${name}`);
    return node;
  }

  #ran(node: SimNode): void {
    try {
      if (node.alive) this.checker.afterEvent(node.name);
    } catch (error) {
      this.#failure ??= error as Error;
    }
  }

  #listen(address: string, subprotocol: string, link: Link, from: string): LinkHandler | null {
    const node = this.nodes.find((one) => one.addresses.includes(address));
    if (node === undefined) return null;
    const through: Interface =
      address === node.clusterAddress ? 'cluster' : address === node.adminAddress ? 'admin' : 'api';
    if (through === 'cluster' && !node.alive && this.impostor !== null) return this.impostor(node, link, from);
    return node.accept(through, subprotocol, link, from);
  }

  /**
   * Runs the next event.
   * @returns false when nothing is left to happen.
   * @throws {@link RuleBroken}, or whatever a node threw.
   */
  step(): boolean {
    this.#events++;
    const more = this.schedule.step();
    if (this.#failure !== null) throw this.#failure;
    return more;
  }

  /** Runs until `check` holds. False when `patienceUs` of virtual time pass before it does. */
  until(check: () => boolean, patienceUs: number): boolean {
    const deadline = this.schedule.nowUs + patienceUs;
    while (!check()) {
      if (this.schedule.nowUs > deadline || !this.step()) return false;
    }
    return true;
  }

  run(forUs: number): void {
    const deadline = this.schedule.nowUs + forUs;
    while (this.schedule.nowUs < deadline && this.step());
  }

  crash(node: SimNode): void {
    this.note(`crash ${node.name}`);
    node.crash();
    this.checker.died(node.name);
  }

  cutPower(node: SimNode): void {
    this.note(`power cut ${node.name}`);
    node.cutPower();
    this.checker.died(node.name);
  }

  /**
   * The disk of a node that is off was damaged. The node may contradict what it can no longer prove.
   * @returns true when it lost its log and knows it.
   */
  spoilt(node: SimNode): boolean {
    this.#damaged.add(node.name);
    const { emptied, proven } = this.#durability.spoilt(node.name);
    this.checker.spoilt(node.name, proven);
    return emptied;
  }

  /** The disk of a node that is off was lost, with everything that it promised. */
  lost(node: SimNode): void {
    this.#damaged.add(node.name);
    this.#durability.lost(node.name);
  }

  start(node: SimNode): void {
    this.note(`start ${node.name}`);
    this.checker.died(node.name);
    node.start();
  }

  /** @param stalls its event loop stands still for 350 ms of each second, so that nothing is read and nothing ticks. */
  addClient(options: Partial<ClientOptions> = {}, stalls = false): SimClient {
    const host = `c${++this.#clients}`;
    let alive = true;
    const random = this.#random.fork();
    const guard =
      (work: () => void): (() => void) =>
      () => {
        if (alive) work();
      };
    const transport = this.network.transportOf(host);
    const client = new Client(
      {
        transport: {
          dial: (address, subprotocol, handler) =>
            transport.dial(address, subprotocol, {
              onOpen: guard(() => handler.onOpen?.()),
              onFrame: (frame) => alive && handler.onFrame(frame),
              onClose: (code, reason) => alive && handler.onClose(code, reason),
            }),
        },
        clock: { now: () => this.schedule.nowMs, soon: (work) => this.schedule.after(0, guard(work)) },
        random,
      },
      {
        ...defaultClientOptions,
        codec: binaryApi,
        name: host,
        addresses: this.nodes.map((node) => node.apiAddress),
        ...options,
      },
    );
    const tick = (): void => {
      if (!alive) return;
      if (!this.network.isPaused(host)) client.tick();
      this.schedule.after(tickUs + random.below(100), tick);
    };
    const stall = (): void => {
      if (!alive) return;
      this.network.pause(host);
      this.schedule.after(stallUs, () => this.network.resume(host));
      this.schedule.after(1_000_000, stall);
    };
    client.start();
    tick();
    if (stalls) stall();
    const made: SimClient = {
      host,
      client,
      kill: () => {
        alive = false;
        this.network.kill(host);
      },
    };
    this.#witness?.(made, this);
    return made;
  }

  /** Sends one admin command to a node. Calls `done` with its result. */
  order(node: SimNode, command: AdminCommand, done: (result: Result<AdminResult>) => void): void {
    const host = `a${++this.#clients}`;
    const client = new AdminClient(
      {
        transport: this.network.transportOf(host),
        clock: this.schedule.clock,
        random: this.#random.fork(),
      },
      { addresses: [node.adminAddress] },
    );
    let open = true;
    const tick = (): void => {
      if (!open) return;
      client.tick();
      this.schedule.after(tickUs, tick);
    };
    client.start();
    tick();
    client.execute(command, (ended) => {
      open = false;
      this.schedule.after(0, () => client.close());
      done(ended);
    });
  }

  /** Runs one admin command against a node to its end. */
  admin(node: SimNode, command: AdminCommand, patienceUs = 60_000_000): Result<AdminResult> {
    const results: Result<AdminResult>[] = [];
    this.order(node, command, (ended) => results.push(ended));
    this.until(() => results.length > 0, patienceUs * 2);
    const [result] = results;
    if (result === undefined) throw new Error(`admin command ${command.kind} did not end`);
    return result;
  }

  /**
   * Starts all nodes, joins them, and makes namespaces with a replica on each of the first `replicas` nodes, as `haret
   * dev` does.
   */
  found(namespaces: readonly string[], replicas = this.nodes.length): void {
    for (const node of this.nodes) this.start(node);
    const [first, ...others] = this.nodes;
    if (first === undefined) throw new Error('a world has at least one node');
    for (const node of others)
      must(this.admin(first, { kind: 'clusterJoin', node: node.name, address: node.clusterAddress }));
    for (const namespace of namespaces) {
      const placed = this.nodes.slice(0, replicas).map((node, i) => ({
        replica: `r${i + 1}`,
        node: node.name,
        address: node.clusterAddress,
      }));
      must(this.admin(first, { kind: 'createNamespace', namespace, replicas: placed, allowSmall: true }));
    }
  }
}

function both(one: NodeObserver, other: NodeObserver | undefined): NodeObserver {
  if (other === undefined) return one;
  return {
    applied: (replica, entry, reply) => {
      one.applied(replica, entry, reply);
      other.applied(replica, entry, reply);
    },
    restored: (replica, op) => {
      one.restored(replica, op);
      other.restored(replica, op);
    },
    event: (replica, event) => {
      one.event(replica, event);
      other.event(replica, event);
    },
    sent: (to, message) => {
      one.sent(to, message);
      other.sent(to, message);
    },
    received: (message) => {
      one.received(message);
      other.received(message);
    },
  };
}

function must(result: Result<AdminResult>): void {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
}
