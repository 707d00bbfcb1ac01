/** The bench's flags, and the plan that they make. */

import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { workloads } from './load.ts';
import type { Workload } from './load.ts';
import { maxRequestBytes } from './etcd-frames-client.ts';
import { defaultZooKeeperJar } from './zookeeper-target.ts';

export const targetNames = ['haret', 'etcd', 'zookeeper'] as const;
export type TargetName = (typeof targetNames)[number];

export const measures = ['load', 'memory', 'restart', 'failover', 'watch', 'client', 'locks'] as const;
export type Measure = (typeof measures)[number];

/** One point of the load: this many requests outstanding over this many connections. */
export interface LoadCase {
  readonly workload: Workload;
  readonly outstanding: number;
  readonly connections: number;
}

export const placements = ['primary', 'spread'] as const;

export interface Plan {
  readonly targets: readonly TargetName[];
  readonly measures: readonly Measure[];
  readonly cases: readonly LoadCase[];
  readonly rounds: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  /** How long each kind of load runs before anything is measured. */
  readonly heatSeconds: number;
  readonly valueBytes: number;
  /** Keys that the load reads and writes. */
  readonly keys: number;
  /** The keys with which memory and restart are measured. */
  readonly manyKeys: number;
  readonly failovers: number;
  readonly restarts: number;
  /** Connections with a watch on one key each. Writes to that key are timed. */
  readonly watchers: number;
  readonly watchedWrites: number;
  /** Clients that take locks of their own, and how many wait for one lock. */
  readonly lockClients: number;
  readonly lockWaiters: number;
  /** Where clients connect: all to the node of the primary, or in turn to every node. */
  readonly placement: (typeof placements)[number];
  readonly directory: string;
  readonly json: string | null;
  readonly profile: string | null;
  readonly haretProgram: string | null;
  readonly haretClient: 'haret-bare' | 'haret-engine' | 'haret-sdk';
  readonly etcdClient: 'etcd-frames' | 'etcd-node';
  readonly zooKeeperJar: string;
  /** When a floor is missed, the exit status is a failure. */
  readonly check: boolean;
}

/** The user asked for something impossible. The text is for the user. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const usage = `Usage: npm run bench -- [FLAGS]

Starts three nodes of each system on this machine and compares them, in one run.

  --quick                 a short run of a minute or two: fewer points, no 100,000 keys
  --only LIST             of ${targetNames.join(', ')}
  --measures LIST         of ${measures.join(', ')}
  --workloads LIST        of ${workloads.join(', ')}
  --outstanding LIST      requests outstanding (default 1,16,64,256,1000)
  --connections LIST      connections (default 1,8,64)
  --every-pair            every number outstanding with every number of connections
  --seconds N             of each measured round (default 1)
  --warmup N              seconds of load before each (default 0.3)
  --heat N                seconds of each workload before everything (default 2)
  --rounds N              rounds of each point; sides take turns (default 3)
  --value-bytes N         (default 256)
  --keys N                that the load works on (default 10000)
  --many-keys N           that memory and restart are measured with (default 100000)
  --failovers N           of each kind (default 3)
  --restarts N            (default 3)
  --watchers N            connections with a watch on one key each (default 1000); only for haret
  --watched-writes N      (default 30)
  --lock-clients N        clients that take and release a lock of their own each (default 64)
  --lock-waiters N        how many wait for one lock (default 1000)
  --placement WHERE       of connections: primary, or spread over the nodes (default primary)
  --dir DIR               for the nodes' data, on the disk to measure (default the system's temporary directory)
  --json FILE             write everything that was measured
  --profile DIR           write a processor profile of each of haret's nodes
  --haret FILE            haret's program (default the one that was built with this)
  --haret-client KIND     bare (by hand, the leanest), engine (haret's full client) or sdk (the package)
  --etcd-client KIND      frames (by hand, the leanest) or node (Node's own HTTP/2)
  --zookeeper-jar FILE    (default ${defaultZooKeeperJar})
  --check                 fail when a floor is missed
  --help
`;

const options = {
  quick: { type: 'boolean' },
  'every-pair': { type: 'boolean' },
  check: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  only: { type: 'string' },
  measures: { type: 'string' },
  workloads: { type: 'string' },
  outstanding: { type: 'string' },
  connections: { type: 'string' },
  seconds: { type: 'string' },
  warmup: { type: 'string' },
  heat: { type: 'string' },
  rounds: { type: 'string' },
  'value-bytes': { type: 'string' },
  keys: { type: 'string' },
  'many-keys': { type: 'string' },
  failovers: { type: 'string' },
  restarts: { type: 'string' },
  watchers: { type: 'string' },
  'watched-writes': { type: 'string' },
  'lock-clients': { type: 'string' },
  'lock-waiters': { type: 'string' },
  placement: { type: 'string' },
  dir: { type: 'string' },
  json: { type: 'string' },
  profile: { type: 'string' },
  haret: { type: 'string' },
  'haret-client': { type: 'string' },
  'etcd-client': { type: 'string' },
  'zookeeper-jar': { type: 'string' },
} as const;

/**
 * Connections are compared at this number of outstanding requests, and outstanding requests at this number of
 * connections.
 */
const pivotOutstanding = 256;
const pivotConnections = 8;
const maxValueBytes = maxRequestBytes - 256;

/**
 * The plan of a command line, or null when it only asks for help.
 * @throws {@link UsageError}
 */
export function planOf(args: readonly string[]): Plan | null {
  const values = parse(args);
  if (values.help === true) return null;
  const quick = values.quick === true;
  const outstanding = numbers('outstanding', values.outstanding, quick ? [1, 256] : [1, 16, 64, 256, 1000], 1, 100_000);
  const connections = numbers('connections', values.connections, quick ? [8] : [1, 8, 64], 1, 10_000);
  const chosen = words('workloads', values.workloads, workloads, workloads);
  return {
    targets: words('only', values.only, targetNames, targetNames),
    measures: words('measures', values.measures, measures, quick ? ['load', 'failover'] : measures),
    cases: chosen.flatMap((workload) => casesOf(workload, outstanding, connections, values['every-pair'] === true)),
    rounds: integer('rounds', values.rounds, quick ? 2 : 3, 1, 1000),
    seconds: number('seconds', values.seconds, quick ? 0.6 : 1, 0.05, 3600),
    warmupSeconds: number('warmup', values.warmup, 0.3, 0, 3600),
    heatSeconds: number('heat', values.heat, quick ? 1 : 2, 0, 3600),
    valueBytes: integer('value-bytes', values['value-bytes'], 256, 1, maxValueBytes),
    keys: integer('keys', values.keys, quick ? 1000 : 10_000, 1, 10_000_000),
    manyKeys: integer('many-keys', values['many-keys'], 100_000, 1, 10_000_000),
    failovers: integer('failovers', values.failovers, quick ? 1 : 3, 1, 1000),
    restarts: integer('restarts', values.restarts, 3, 1, 1000),
    watchers: integer('watchers', values.watchers, 1000, 1, 10_000),
    watchedWrites: integer('watched-writes', values['watched-writes'], 30, 1, 100_000),
    lockClients: integer('lock-clients', values['lock-clients'], 64, 8, 1000),
    lockWaiters: integer('lock-waiters', values['lock-waiters'], 1000, 1, 8000),
    placement: words('placement', values.placement, placements, ['primary'])[0]!,
    directory: values.dir ?? tmpdir(),
    json: values.json ?? null,
    profile: values.profile ?? null,
    haretProgram: values.haret ?? null,
    haretClient: `haret-${words('haret-client', values['haret-client'], ['bare', 'engine', 'sdk'], ['bare'])[0]!}`,
    etcdClient:
      words('etcd-client', values['etcd-client'], ['frames', 'node'], ['frames'])[0] === 'node'
        ? 'etcd-node'
        : 'etcd-frames',
    zooKeeperJar: values['zookeeper-jar'] ?? defaultZooKeeperJar,
    check: values.check === true,
  };
}

/**
 * Every number of outstanding requests at one number of connections, and every number of connections at one number
 * outstanding. More connections than requests would idle, so their number is cut to that of the requests. Cases that
 * are then equal are measured once.
 */
export function casesOf(
  workload: Workload,
  outstanding: readonly number[],
  connections: readonly number[],
  everyPair: boolean,
): LoadCase[] {
  const fixedConnections = nearest(connections, pivotConnections);
  const fixedOutstanding = nearest(outstanding, pivotOutstanding);
  const cases = new Map<string, LoadCase>();
  for (const requests of outstanding) {
    for (const wanted of connections) {
      if (!everyPair && wanted !== fixedConnections && requests !== fixedOutstanding) continue;
      const used = Math.min(wanted, requests);
      cases.set(`${requests}/${used}`, { workload, outstanding: requests, connections: used });
    }
  }
  return [...cases.values()];
}

function nearest(list: readonly number[], wanted: number): number {
  return list.reduce((best, one) => (Math.abs(one - wanted) < Math.abs(best - wanted) ? one : best));
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function words<const W extends string>(
  flag: string,
  given: string | undefined,
  known: readonly W[],
  fallback: readonly W[],
): readonly W[] {
  if (given === undefined) return fallback;
  return given.split(',').map((word) => {
    const found = known.find((one) => one === word.trim());
    if (found === undefined) throw new UsageError(`--${flag}: '${word}' is none of ${known.join(', ')}`);
    return found;
  });
}

function number(flag: string, given: string | undefined, fallback: number, min: number, max: number): number {
  if (given === undefined) return fallback;
  const value = given.trim() === '' ? NaN : Number(given);
  if (!(value >= min && value <= max)) {
    throw new UsageError(`--${flag}: '${given}' is not a number from ${min} to ${max}`);
  }
  return value;
}

function integer(flag: string, given: string | undefined, fallback: number, min: number, max: number): number {
  const value = number(flag, given, fallback, min, max);
  if (!Number.isInteger(value)) throw new UsageError(`--${flag}: '${given ?? ''}' is not a whole number`);
  return value;
}

function numbers(
  flag: string,
  given: string | undefined,
  fallback: readonly number[],
  min: number,
  max: number,
): readonly number[] {
  return given === undefined ? fallback : given.split(',').map((one) => integer(flag, one, 0, min, max));
}
