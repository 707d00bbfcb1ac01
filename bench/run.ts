/** A whole run: starts the systems, takes turns among them, and collects the measurements. */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Plan, TargetName } from './arguments.ts';
import { Driver } from './driver-handle.ts';
import { EtcdTarget } from './etcd-target.ts';
import { measureFailover, measureMemory, measureRestart } from './hardship.ts';
import { HaretTarget } from './haret-target.ts';
import { workloads } from './load.ts';
import type { LoadResult } from './load.ts';
import { machineFacts } from './machine.ts';
import { failureKinds, median, mediansOf } from './results.ts';
import type { Results } from './results.ts';
import type { Target } from './target.ts';
import { watchCodecs } from './watch-fan-out.ts';
import { ZooKeeperTarget } from './zookeeper-target.ts';

/** A system that is not installed is left out of the comparison, with a reason. The others go on. */
class NotInstalled extends Error {
  override readonly name = 'NotInstalled';
}

function makeTarget(name: TargetName, plan: Plan): Target {
  try {
    if (name === 'etcd') return new EtcdTarget(plan.directory, plan.etcdClient);
    if (name === 'zookeeper') return new ZooKeeperTarget(plan.directory, plan.zooKeeperJar);
    const built = fileURLToPath(new URL('./haret.js', import.meta.url));
    return new HaretTarget(plan.directory, plan.haretProgram ?? built, plan.haretClient, plan.profile);
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'it is not installed' : (error as Error).message;
    throw new NotInstalled(reason);
  }
}

const heatOutstanding = 256;
const heatConnections = 8;
const clientConnections = 1;
/** Two clients that are nearly equally fast need more rounds to compare than two systems do. */
const clientRounds = 3;
const clientCases = [
  ['put', 64],
  ['put', 256],
  ['get', 64],
  ['get', 256],
] as const;

interface Side {
  readonly name: TargetName;
  readonly target: Target;
  readonly driver: Driver;
}

export class Run {
  readonly #plan: Plan;
  readonly #program: string;
  readonly #progress: (line: string) => void;
  readonly #results: Results;

  /** `program` is the bench's own file. The drivers are started from it. */
  constructor(plan: Plan, program: string, progress: (line: string) => void) {
    if (!existsSync(plan.directory)) throw new Error(`there is no directory ${plan.directory}`);
    this.#plan = plan;
    this.#program = program;
    this.#progress = progress;
    const machine = machineFacts(plan.directory);
    this.#results = {
      machine,
      plan,
      targets: [],
      leftOut: [],
      load: [],
      memory: [],
      restart: [],
      failover: [],
      watch: [],
      client: [],
      locks: [],
    };
  }

  /** What has been measured so far. A run that fails keeps what came before. */
  get results(): Results {
    return this.#results;
  }

  async all(): Promise<void> {
    const names = this.#installed();
    if (this.#plan.measures.includes('load') && names.length > 0) await this.#load(names);
    if (this.#plan.measures.some((measure) => measure !== 'load')) {
      for (const name of names) await this.#hardship(name);
    }
  }

  #installed(): TargetName[] {
    return this.#plan.targets.filter((name) => {
      try {
        makeTarget(name, this.#plan);
        return true;
      } catch (error) {
        if (!(error instanceof NotInstalled)) throw error;
        this.#progress(`${name} is left out: ${error.message}`);
        this.#results.leftOut.push({ name, reason: error.message });
        return false;
      }
    });
  }

  async #start(name: TargetName): Promise<Side> {
    this.#progress(`starting ${name}`);
    const target = makeTarget(name, this.#plan);
    await target.start();
    if (!this.#results.targets.some((known) => known.name === name)) {
      this.#results.targets.push({ name, description: target.describe() });
    }
    return { name, target, driver: new Driver(this.#program) };
  }

  /** Tells the driver where to connect. This changes when another node becomes primary. */
  async #aim(side: Side): Promise<void> {
    const addresses = side.target.addresses();
    const primary = await side.target.primary();
    await side.driver.useTarget({
      client: side.target.clientKind(),
      addresses: this.#plan.placement === 'spread' ? addresses : [addresses[primary]!],
    });
  }

  async #stop(side: Side): Promise<void> {
    side.driver.stop();
    await side.target.stop();
  }

  async #load(names: readonly TargetName[]): Promise<void> {
    const sides: Side[] = [];
    try {
      for (const name of names) {
        const side = await this.#start(name);
        sides.push(side);
        await this.#aim(side);
        await side.driver.fill(0, this.#plan.keys, this.#plan.valueBytes);
      }
      for (const side of sides) await this.#heat(side);
      for (const [index, one] of this.#plan.cases.entries()) {
        const what = `${one.workload}, ${one.outstanding} outstanding over ${one.connections}`;
        this.#progress(`${index + 1} of ${this.#plan.cases.length}: ${what}`);
        await this.#loadCase(sides, one);
      }
    } finally {
      for (const side of sides) await this.#stop(side);
    }
  }

  /**
   * Some seconds of load that do not count: the just-in-time compilers of servers and drivers need thousands of
   * requests.
   */
  async #heat(side: Side): Promise<void> {
    const { heatSeconds: seconds, valueBytes, keys } = this.#plan;
    if (seconds === 0) return;
    this.#progress(`warming up ${side.name}`);
    for (const workload of workloads) {
      const load = { workload, outstanding: heatOutstanding, seconds, warmupSeconds: 0, valueBytes, keys };
      await side.driver.run(load, heatConnections, []);
    }
    // Code that runs once a request, not once a batch, warms up only through requests that come alone, and those are
    // few a second.
    const alone = {
      workload: 'put',
      outstanding: 1,
      seconds: 2 * seconds,
      warmupSeconds: 0,
      valueBytes,
      keys,
    } as const;
    await side.driver.run(alone, 1, []);
  }

  /**
   * Rounds alternate among the sides and begin with another side each time, so that noise of the machine affects all
   * alike.
   */
  async #loadCase(sides: readonly Side[], one: Plan['cases'][number]): Promise<void> {
    const rounds = new Map<TargetName, LoadResult[]>(sides.map((side) => [side.name, []]));
    const { seconds, warmupSeconds, valueBytes, keys } = this.#plan;
    for (let round = 0; round < this.#plan.rounds; round++) {
      for (let turn = 0; turn < sides.length; turn++) {
        const side = sides[(round + turn) % sides.length]!;
        const { workload, outstanding, connections } = one;
        const load = { workload, outstanding, seconds, warmupSeconds, valueBytes, keys };
        const pids = side.target.pids().filter((pid) => pid !== null);
        const result = await side.driver.run(load, connections, pids);
        if (result.firstError !== null) this.#progress(`  ${side.name}: ${result.errors} errors: ${result.firstError}`);
        rounds.get(side.name)!.push(result);
      }
    }
    for (const side of sides) {
      const measured = rounds.get(side.name)!;
      const medians = mediansOf(measured);
      this.#results.load.push({ ...one, target: side.name, rounds: measured, medians });
      const { throughput, p50Ms, p99Ms } = medians;
      this.#progress(
        `  ${side.name}: ${throughput.toFixed(0)} a second, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`,
      );
    }
  }

  async #hardship(name: TargetName): Promise<void> {
    const { measures, manyKeys, valueBytes, restarts, failovers } = this.#plan;
    const side = await this.#start(name);
    const { target, driver } = side;
    try {
      await this.#aim(side);
      if (measures.includes('memory') || measures.includes('restart')) {
        this.#progress(`  ${name}: ${manyKeys} keys`);
        const memory = await measureMemory(target, driver, manyKeys, valueBytes);
        if (measures.includes('memory')) this.#results.memory.push({ target: name, keys: manyKeys, ...memory });
      }
      if (measures.includes('restart')) {
        const timesMs = await this.#times(`${name}: restart`, restarts, () => measureRestart(target, manyKeys));
        this.#results.restart.push({ target: name, keys: manyKeys, timesMs });
      }
      if (measures.includes('watch') && name === 'haret') await this.#watch(side);
      if (measures.includes('client') && name === 'haret') await this.#client(side);
      if (measures.includes('locks')) await this.#locks(side);
      if (measures.includes('failover')) {
        for (const kind of failureKinds) {
          const measure = (): Promise<number> => measureFailover(target, kind, valueBytes);
          const timesMs = await this.#times(`${name}: failover after a ${kind}`, failovers, measure);
          this.#results.failover.push({ target: name, kind, timesMs });
        }
      }
    } finally {
      await this.#stop(side);
    }
  }

  async #watch({ name, target, driver }: Side): Promise<void> {
    const { watchers, watchedWrites: writes } = this.#plan;
    const address = target.addresses()[await target.primary()]!;
    for (const codec of watchCodecs) {
      const times = await driver.watch({ address, codec, watchers, writes, warmupWrites: 10 });
      this.#results.watch.push({ target: name, watchers, codec, ...times });
      this.#progress(`  ${name}: ${watchers} watchers (${codec}) told in ${median(times.allToldMs).toFixed(1)} ms`);
    }
  }

  async #locks({ name, target, driver }: Side): Promise<void> {
    const { lockClients: clients, lockWaiters: waiters, seconds, warmupSeconds } = this.#plan;
    const serverPids = target.pids().filter((pid) => pid !== null);
    const times = await driver.locks({ clients, waiters, seconds, warmupSeconds, serverPids });
    this.#results.locks.push({ target: name, clients, waiters, ...times });
    const { cycles, handOverMs } = times;
    this.#progress(
      `  ${name}: ${cycles.toFixed(0)} locks a second by ${clients} clients; ${waiters} waiters: ${handOverMs.p50.toFixed(2)} ms from one to the next`,
    );
  }

  /** What the package costs. It and the bare client take turns at one cluster, each in a process of its own. */
  async #client({ target, driver: bare }: Side): Promise<void> {
    const { keys, valueBytes, seconds, warmupSeconds, rounds, heatSeconds } = this.#plan;
    const address = target.addresses()[await target.primary()]!;
    const sdk = new Driver(this.#program);
    const drivers = { bare, sdk };
    try {
      await bare.useTarget({ client: 'haret-bare', addresses: [address] });
      await sdk.useTarget({ client: 'haret-sdk', addresses: [address] });
      await bare.fill(0, keys, valueBytes);
      const load = { keys, valueBytes };
      for (const [workload, outstanding] of clientCases) {
        for (const driver of [bare, sdk]) {
          if (heatSeconds === 0) continue;
          const heat = { ...load, workload, outstanding, seconds: heatSeconds, warmupSeconds: 0 };
          await driver.run(heat, clientConnections, []);
        }
        const measured = { bare: [] as LoadResult[], sdk: [] as LoadResult[] };
        for (let round = 0; round < clientRounds * rounds; round++) {
          for (const name of round % 2 === 0 ? (['bare', 'sdk'] as const) : (['sdk', 'bare'] as const)) {
            const plan = { ...load, workload, outstanding, seconds, warmupSeconds };
            const result = await drivers[name].run(plan, clientConnections, []);
            if (result.firstError !== null) throw new Error(`${name}: ${result.firstError}`);
            measured[name].push(result);
          }
        }
        const one = { bare: mediansOf(measured.bare), sdk: mediansOf(measured.sdk) };
        this.#results.client.push({ workload, outstanding, connections: clientConnections, ...one });
        const { throughput } = one.sdk;
        const share = ((100 * throughput) / one.bare.throughput).toFixed(0);
        this.#progress(
          `  ${workload}, ${outstanding} outstanding: ${throughput.toFixed(0)} a second, ${share} % of bare`,
        );
      }
    } finally {
      sdk.stop();
    }
  }

  async #times(what: string, count: number, measure: () => Promise<number>): Promise<number[]> {
    const timesMs: number[] = [];
    for (let i = 0; i < count; i++) {
      const tookMs = await measure();
      timesMs.push(tookMs);
      this.#progress(`  ${what}: ${tookMs.toFixed(0)} ms`);
    }
    return timesMs;
  }
}
