/**
 * `haret/testing`: a whole cluster in memory for the tests of those who use haret. Nodes, network, disks and clock are simulated from one
 * seed; time is virtual, so that a failover takes a test milliseconds, and what a seed did once it does again.
 *
 * @module haret/testing
 */

import { NobleHash } from '../core/base/noble-hash.ts';
import { defaultTiming } from '../core/cluster/base/host.ts';
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
  /** Virtual milliseconds after which a session ends whose client gave no sign of life; clients give one every 30,000. Default 600,000. */
  readonly sessionMs?: number | undefined;
  /** What chance does. Default 1. */
  readonly seed?: number | undefined;
  /** Told of everything that nodes log and that happens to them, a line each. */
  readonly trace?: ((line: string) => void) | undefined;
}

/** Options of {@link SimulatedCluster.connect}: those of `connect`, without addresses. */
export type SimulatedClientOptions = Omit<ConnectOptions, 'urls' | 'transport' | 'WebSocket'> & {
  /** The machine that the client runs on, for {@link SimulatedCluster.partition}. Default `client1` and on. */
  readonly host?: string | undefined;
  /** Nodes to try. Default: all. */
  readonly nodes?: readonly string[] | undefined;
};

const clientTickUs = 10_000;
/** So many events run before the rest of the process gets a turn. */
const eventsATurn = 256;
/** For who waits for what may never happen, time goes on for so long: longer than a failover takes. */
const listeningUs = 10_000_000;
const mebi = 1024 * 1024;

/** Runs a task behind everything that promises have to say; browsers have no `setImmediate`. */
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

/** Makes a cluster, started and joined, with its namespaces. */
export function simulate(options: SimulateOptions = {}): SimulatedCluster {
  return new SimulatedCluster(options);
}

/**
 * A cluster in memory. Its nodes are `n1`, `n2`, `n3`. Virtual time passes while a call of one of its clients waits, and in `run` and
 * `until`; otherwise it stands still.
 */
export class SimulatedCluster {
  readonly #world: World;
  readonly #clients = new Set<Haret>();
  readonly #tickers = new Set<Ticker>();
  #hosts: string[] = [];
  #waiting = 0;
  #listening = 0;
  /** When somebody last asked or was answered. */
  #activeUs = 0;
  /** Something ended in the present event, and whoever waits for it is to go on before the next one. */
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

  /** A client on a machine of its own, connected. */
  async connect(options: SimulatedClientOptions = {}): Promise<Haret> {
    const haret = this.open(options);
    return whenReady(haret, { ...options, urls: this.#urls(options.nodes) });
  }

  /** A client that is not waited for. */
  open({ host, nodes, ...options }: SimulatedClientOptions = {}): Haret {
    const name = host ?? `client${this.#hosts.length + 1}`;
    if (!this.#hosts.includes(name)) this.#hosts.push(name);
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

  /** Lets time pass until `check` holds. @throws Error when it does not within `limitMs` virtual milliseconds. */
  async until(check: () => boolean, limitMs = 60_000): Promise<void> {
    const limit = this.#world.schedule.nowUs + limitMs * 1000;
    this.#mark(limit);
    await this.#play(() => check() || this.#world.schedule.nowUs >= limit);
    if (!check()) throw new Error(`it did not happen within ${limitMs} virtual milliseconds`);
  }

  /** Time passes up to here also when nothing else is to happen. */
  #mark(us: number): void {
    const { schedule } = this.#world;
    if (us > schedule.nowUs) schedule.after(Math.ceil(us - schedule.nowUs), () => undefined);
  }

  /** The node of the namespace's primary, as its replicas see it; null while there is none. */
  primaryOf(namespace: string): string | null {
    const id = this.#namespaces.get(namespace);
    let found: { readonly name: string; readonly epoch: number; readonly view: number } | null = null;
    for (const { name, node } of this.#world.nodes) {
      for (const { identity, isPrimary, view } of node?.view().replicas ?? []) {
        if (identity.namespace !== id || !isPrimary) continue;
        // One that was cut off may still believe in itself; the later view is right.
        const later =
          found === null || view.epoch > found.epoch || (view.epoch === found.epoch && view.view > found.view);
        if (later) found = { name, ...view };
      }
    }
    return found?.name ?? null;
  }

  /** Ends a node's process at once. Its disk keeps what was synced, and what the process had handed to the kernel. */
  crash(node: string): void {
    this.#world.crash(this.#node(node));
  }

  /** The same with the machine's power: what was not synced may be gone. */
  cutPower(node: string): void {
    this.#world.cutPower(this.#node(node));
  }

  /** Starts a node that crashed. */
  restart(node: string): void {
    this.#world.start(this.#node(node));
  }

  /** Stops a node's process as a debugger does. It keeps its connections and says nothing. */
  pause(node: string): void {
    this.#node(node).pause();
  }

  /** Ends a pause: the node goes on as if no time had passed. */
  resume(node: string): void {
    this.#node(node).resume();
  }

  /**
   * Splits the network: machines of different groups cannot reach each other, in either direction. A machine that is in no group reaches
   * all. Name clients by their `host`.
   */
  partition(...groups: readonly (readonly string[])[]): void {
    const known = new Set([...this.nodes, ...this.#hosts]);
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

  /** Ends partitions and pauses. Nodes that crashed stay down. */
  heal(): void {
    this.#world.network.mendAll();
    for (const node of this.#world.nodes) node.resume();
  }

  /** Closes the clients and ends time. */
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
    const { schedule, network } = this.#world;
    return {
      ports: {
        transport: network.transportOf(host),
        clock: schedule.clock,
        random: this.#world.chance(),
      },
      codecs,
      codec: 'binary',
      followRedirects: true,
      drive: (engine) => {
        let running = true;
        const tick = (): void => {
          if (!running) return;
          engine.tick();
          schedule.after(clientTickUs, tick);
        };
        schedule.after(clientTickUs, tick);
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

  /** Nobody waits, and those who listen have heard what there was to hear. */
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
      // The cluster broke one of its own rules: nothing that it says counts any more.
      for (const haret of this.#clients) void haret.close();
      throw error;
    } finally {
      this.#serving = false;
    }
  }

  /** Steps the world until `done`. Several may be under way; each step is for all of them. */
  async #play(done: () => boolean): Promise<void> {
    for (;;) {
      // First what promises have to say: they may ask for more.
      await nextTask();
      this.#answered = false;
      for (let i = 0; i < eventsATurn; i++) {
        if (done()) return;
        if (this.#step()) break;
      }
    }
  }

  /** True when somebody has to be heard before the next event. */
  #step(): boolean {
    this.#world.step();
    return this.#answered;
  }
}
