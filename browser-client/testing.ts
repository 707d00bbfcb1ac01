/**
 * `haret/testing`: a whole cluster in memory, for the tests of programs that use haret. Nodes, network, disks and clock
 * are simulated from one seed. Time is virtual, so a failover takes a test only milliseconds. The same seed always does
 * the same.
 *
 * @module haret/testing
 */

import { NobleHash } from '../core/base/noble-hash.ts';
import type { Clock } from '../core/base/ports.ts';
import { defaultTiming } from '../core/cluster/base/host.ts';
import { Service } from '../core/service/service.ts';
import type { Schedule } from '../core/sim/schedule.ts';
import type { KnownClaim } from '../core/tree/operation.ts';
import type { SimNode } from '../core/sim/sim-node.ts';
import { World } from '../core/sim/world.ts';
import { codecs } from './host.ts';
import { openIn, whenReady } from './connect.ts';
import { make } from './full.ts';
import type { Haret } from './full.ts';
import type { ConnectOptions } from './options.ts';
import type { Runtime, Ticker } from './runtime.ts';

/** Options of {@link simulate}. */
export interface SimulateOptions {
  /** Default 3. */
  readonly nodes?: number | undefined;
  /** Namespaces to make, with a replica on every node. Default `['test']`. */
  readonly namespaces?: readonly string[] | undefined;
  /**
   * After this many virtual milliseconds a session ends whose client gave no sign of life. Clients give one every
   * 30,000. Default 600,000.
   */
  readonly sessionMs?: number | undefined;
  /** The seed of all random choices. Default 1. */
  readonly seed?: number | undefined;
  /** Is called with a line for everything that nodes log and that happens to them. */
  readonly trace?: ((line: string) => void) | undefined;
}

/** Options of {@link SimulatedCluster.connect}: those of `connect`, without addresses. */
export type SimulatedClientOptions = Omit<ConnectOptions, 'urls' | 'transport' | 'WebSocket'> & {
  /**
   * The machine on which the client runs, for {@link SimulatedCluster.partition}. Default `client1`, `client2` and so
   * on.
   */
  readonly host?: string | undefined;
  /** Nodes to try. Default: all. */
  readonly nodes?: readonly string[] | undefined;
};

const clientTickUs = 10_000;
/** After this many events, the rest of the process gets a turn. */
const eventsATurn = 256;
/**
 * While only waits for something that may never happen are open, time goes on for this long. It is longer than a
 * failover takes, and than a lease of the default length.
 */
const listeningUs = 20_000_000;
const mebi = 1024 * 1024;

/** The loop and the clock of a client's machine. */
class HostLoop {
  readonly #schedule: Schedule;
  #rate = 1;
  /** From here on the clock has its present rate: the time of the world, and that of the machine. */
  #atUs = 0;
  #localUs = 0;
  stalledUntilUs = 0;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  get #nowUs(): number {
    return this.#localUs + (this.#schedule.nowUs - this.#atUs) * this.#rate;
  }

  readonly clock: Clock = {
    now: () => Math.floor(this.#nowUs / 1000),
    soon: (work) => this.after(0, work),
  };

  drift(rate: number): void {
    this.#localUs = this.#nowUs;
    this.#atUs = this.#schedule.nowUs;
    this.#rate = rate;
  }

  /** Runs `work` after `delayUs`, but not while the loop stands still. */
  after(delayUs: number, work: () => void): void {
    this.#schedule.after(delayUs, () => {
      const leftUs = this.stalledUntilUs - this.#schedule.nowUs;
      if (leftUs > 0) this.after(leftUs, work);
      else work();
    });
  }
}

/** Runs a task after all promises that are due. Browsers have no `setImmediate`. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { setImmediate } = globalThis as { setImmediate?: (work: () => void) => unknown };
    if (setImmediate !== undefined) {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** Makes a cluster that is started and joined, with its namespaces. */
export function simulate(options: SimulateOptions = {}): SimulatedCluster {
  return new SimulatedCluster(options);
}

/**
 * A cluster in memory. Its nodes are `n1`, `n2`, `n3`. Virtual time passes while a call of one of its clients waits,
 * and in `run` and `until`. Otherwise it stands still.
 */
export class SimulatedCluster {
  readonly #world: World;
  readonly #clients = new Set<Haret>();
  readonly #tickers = new Set<Ticker>();
  readonly #loops = new Map<string, HostLoop>();
  #waiting = 0;
  #listening = 0;
  /** When a call last began or was answered. */
  #activeUs = 0;
  /** A call ended in the present event. Its caller must go on before the next event. */
  #answered = false;
  #serving = false;
  readonly #namespaces: ReadonlyMap<string, number>;

  constructor(options: SimulateOptions) {
    const timing = { ...defaultTiming, sessionMs: options.sessionMs ?? defaultTiming.sessionMs };
    this.#world = new World({
      seed: options.seed ?? 1,
      nodes: options.nodes ?? 3,
      ...(options.trace === undefined ? {} : { trace: options.trace }),
      settings: { timing, hash: new NobleHash(), segmentBytes: mebi, checkpointBytes: mebi },
    });
    const namespaces = options.namespaces ?? ['test'];
    this.#world.found(namespaces);
    // Ids are given in the order of creation, and the root group has the lowest.
    const ids = new Set(this.#world.nodes.flatMap(({ hosts }) => hosts.map(({ namespaceId }) => namespaceId)));
    const [, ...created] = [...ids].sort((a, b) => a - b);
    this.#namespaces = new Map(namespaces.map((name, i) => [name, created[i] ?? -1]));
  }

  /** Names of the nodes. */
  get nodes(): readonly string[] {
    return this.#world.nodes.map(({ name }) => name);
  }

  /** Virtual milliseconds since the cluster began. */
  get nowMs(): number {
    return this.#world.schedule.nowMs;
  }

  /** A connected client on a machine of its own. */
  async connect(options: SimulatedClientOptions = {}): Promise<Haret> {
    const haret = this.open(options);
    return whenReady(haret, { ...options, urls: this.#urls(options.nodes) });
  }

  /** A client that may not be connected yet. */
  open({ host, nodes, ...options }: SimulatedClientOptions = {}): Haret {
    const name = host ?? `client${this.#loops.size + 1}`;
    if (!this.#loops.has(name)) this.#loops.set(name, new HostLoop(this.#world.schedule));
    const haret = openIn(this.#runtime(name), this.#urls(nodes), options, make);
    this.#clients.add(haret);
    return haret;
  }

  /** Lets `ms` virtual milliseconds pass. */
  async run(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new RangeError(`run: expected milliseconds, got ${ms}`);
    const until = this.#world.schedule.nowUs + Math.round(ms * 1000);
    this.#mark(until);
    await this.#play(() => this.#world.schedule.nowUs >= until);
  }

  /** Lets time pass until `check` is true. @throws Error when that takes longer than `limitMs` virtual milliseconds. */
  async until(check: () => boolean, limitMs = 60_000): Promise<void> {
    const limit = this.#world.schedule.nowUs + limitMs * 1000;
    this.#mark(limit);
    await this.#play(() => check() || this.#world.schedule.nowUs >= limit);
    if (!check()) throw new Error(`it did not happen within ${limitMs} virtual milliseconds`);
  }

  /** Makes time pass up to here even if nothing else happens. */
  #mark(us: number): void {
    const { schedule } = this.#world;
    if (us > schedule.nowUs) schedule.after(Math.ceil(us - schedule.nowUs), () => undefined);
  }

  /** The node of the namespace's primary, as its replicas see it. Null while there is none. */
  primaryOf(namespace: string): string | null {
    const id = this.#namespaces.get(namespace);
    let found: { readonly name: string; readonly epoch: number; readonly view: number } | null = null;
    for (const { name, node } of this.#world.nodes) {
      for (const { identity, isPrimary, view } of node?.view().replicas ?? []) {
        if (identity.namespace !== id || !isPrimary) continue;
        // A primary that was cut off may still believe that it is the primary. The later view is right.
        const later =
          found === null || view.epoch > found.epoch || (view.epoch === found.epoch && view.view > found.view);
        if (later) found = { name, ...view };
      }
    }
    return found?.name ?? null;
  }

  /** Ends a node's process at once. Its disk keeps everything that was synced or handed to the kernel. */
  crash(node: string): void {
    this.#world.crash(this.#node(node));
  }

  /** Cuts the power of a node's machine. Data that was not synced may be lost. */
  cutPower(node: string): void {
    this.#world.cutPower(this.#node(node));
  }

  /** Starts a node that crashed. */
  restart(node: string): void {
    this.#world.start(this.#node(node));
  }

  /** Stops a node's process as a debugger does. It keeps its connections and sends nothing. */
  pause(node: string): void {
    this.#node(node).pause();
  }

  /** Ends a pause. The node goes on as if no time had passed. */
  resume(node: string): void {
    this.#node(node).resume();
  }

  /**
   * Splits the network. Machines of different groups cannot reach each other, in either direction. A machine that is in
   * no group reaches all machines. Name clients by their `host`.
   */
  partition(...groups: readonly (readonly string[])[]): void {
    const known = new Set([...this.nodes, ...this.#loops.keys()]);
    for (const name of groups.flat()) if (!known.has(name)) throw new Error(`there is no machine ${name}`);
    const { network } = this.#world;
    network.mendAll();
    for (const [i, group] of groups.entries()) {
      for (const other of groups.slice(i + 1)) {
        for (const a of group) {
          for (const b of other) {
            network.cut(a, b);
            network.cut(b, a);
          }
        }
      }
    }
  }

  /**
   * Has the loop of a client's machine stand still, as when a program computes for long or its process is stopped. Its
   * clock goes on. What arrives meanwhile is handed on afterwards.
   */
  stall(host: string, ms: number): void {
    const { network, schedule } = this.#world;
    const loop = this.#loop(host);
    loop.stalledUntilUs = Math.max(loop.stalledUntilUs, schedule.nowUs + Math.round(ms * 1000));
    network.pause(host);
    // When a loop goes on, timers that are due come before what has arrived.
    loop.after(0, () => loop.after(1, () => network.resume(host)));
  }

  /** From now on the clock of a client's machine runs this many times as fast as that of the world. */
  drift(host: string, rate: number): void {
    this.#loop(host).drift(rate);
  }

  /** The replicated clock of a namespace, in milliseconds, as its most advanced replica has it. */
  clockOf(namespace: string): number {
    return Math.max(0, ...this.#services(namespace).map(({ timestamp }) => timestamp));
  }

  /** The claims at a path, as the most advanced replica has them: those that hold, then the line. */
  claims(namespace: string, path: string): readonly KnownClaim[] {
    const [newest] = [...this.#services(namespace)].sort((a, b) => b.op - a.op);
    const result = newest?.tree.read({ kind: 'claims', path, limit: 10_000, from: 0 });
    return result?.ok === true && result.value.kind === 'claims' ? result.value.claims : [];
  }

  #services(namespace: string): readonly Service[] {
    const id = this.#namespaces.get(namespace);
    return this.#world.nodes.flatMap(({ hosts }) =>
      hosts.flatMap(({ namespaceId, machine }) => (namespaceId === id && machine instanceof Service ? [machine] : [])),
    );
  }

  #loop(host: string): HostLoop {
    const loop = this.#loops.get(host);
    if (loop === undefined) throw new Error(`there is no client on a machine ${host}`);
    return loop;
  }

  /** Ends partitions and pauses. Nodes that crashed stay down. */
  heal(): void {
    this.#world.network.mendAll();
    for (const node of this.#world.nodes) node.resume();
  }

  /** Closes the clients and stops time. */
  async close(): Promise<void> {
    await Promise.all([...this.#clients].map((haret) => haret.close()));
    for (const ticker of this.#tickers) ticker.stop();
    this.#waiting = 0;
    this.#listening = 0;
  }

  /** For `await using`: {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #node(name: string): SimNode {
    return this.#world.node(name);
  }

  #urls(nodes: readonly string[] | undefined): readonly string[] {
    return (nodes ?? this.nodes).map((name) => this.#node(name).apiAddress);
  }

  #runtime(host: string): Runtime {
    const { network } = this.#world;
    const loop = this.#loop(host);
    return {
      ports: {
        transport: network.transportOf(host),
        clock: loop.clock,
        random: this.#world.chance(),
        alarms: new Set(),
      },
      codecs,
      codec: 'binary',
      followRedirects: true,
      drive: (engine) => {
        let running = true;
        const tick = (): void => {
          if (!running) return;
          engine.tick();
          loop.after(clientTickUs, tick);
        };
        loop.after(clientTickUs, tick);
        const ticker = {
          hurry: () => undefined,
          stop: () => {
            running = false;
            this.#tickers.delete(ticker);
          },
        };
        this.#tickers.add(ticker);
        return ticker;
      },
      onWake: () => () => undefined,
      waiting: (change) => {
        this.#waiting += change;
        this.#active(change);
      },
      listening: (change) => {
        this.#listening += change;
        this.#active(change);
      },
      drained: () => Promise.resolve(),
    };
  }

  #active(change: 1 | -1): void {
    this.#activeUs = this.#world.schedule.nowUs;
    if (change < 0) this.#answered = true;
    else if (!this.#serving) void this.#serve();
  }

  /** True when no call waits, and listeners have had time to be told. */
  #idle(): boolean {
    if (this.#waiting > 0) return false;
    return this.#listening === 0 || this.#world.schedule.nowUs - this.#activeUs > listeningUs;
  }

  /** Runs the world for as long as a call waits. */
  async #serve(): Promise<void> {
    this.#serving = true;
    try {
      await this.#play(() => this.#idle());
    } catch (error) {
      // The cluster broke one of its own rules, so nothing that it says can be trusted any more.
      for (const haret of this.#clients) void haret.close();
      throw error;
    } finally {
      this.#serving = false;
    }
  }

  /** Steps the world until `done`. Several may be under way. Each step counts for all of them. */
  async #play(done: () => boolean): Promise<void> {
    for (;;) {
      // Promises come first, because they may ask for more.
      await nextTask();
      this.#answered = false;
      for (let i = 0; i < eventsATurn; i++) {
        if (done()) return;
        if (this.#step()) break;
      }
    }
  }

  /** Returns true when a caller must go on before the next event. */
  #step(): boolean {
    this.#world.step();
    return this.#answered;
  }
}
