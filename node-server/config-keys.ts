/** Every key of `config.toml`: its values, its bounds and its default. `config.ts` checks a file against this table. */

import { defaultLimits } from '../core/base/limits.ts';
import type { Limits } from '../core/base/limits.ts';
import { isName } from '../core/base/ids.ts';
import { defaultTiming } from '../core/cluster/base/host.ts';
import type { Timing } from '../core/cluster/base/host.ts';
import { logLevels } from './node-log.ts';
import { isSecret } from '../core/cluster/peers/secret.ts';
import { isHostName, isOrigin } from './origins.ts';

/** A rule returns the value, or says what it expected instead. */
export type Rule<T> = (value: unknown) => { readonly value: T } | { readonly expected: string };

/** What a secret must be, in words. */
export const secretExpected = 'from 16 to 1024 printable characters without spaces';

export interface Key<T> {
  readonly rule: Rule<T>;
  /** If absent, the file must have the key. */
  readonly fallback?: T;
}

const text =
  (expected: string, holds: (value: string) => boolean): Rule<string> =>
  (value) =>
    typeof value === 'string' && holds(value) ? { value } : { expected };

const integer =
  (min: number, max: number): Rule<number> =>
  (value) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
      ? { value }
      : { expected: `a whole number from ${min} to ${max}` };

const boolean: Rule<boolean> = (value) => (typeof value === 'boolean' ? { value } : { expected: 'true or false' });

const origins: Rule<readonly string[]> = (value) => {
  const list: unknown[] | null = Array.isArray(value) ? value : null;
  return list?.every((one): one is string => typeof one === 'string' && isOrigin(one)) === true
    ? { value: list }
    : { expected: 'a list of origins like "https://console.example.org"' };
};

const hostNames: Rule<readonly string[]> = (value) => {
  const list: unknown[] | null = Array.isArray(value) ? value : null;
  return list?.every((one): one is string => typeof one === 'string' && isHostName(one)) === true
    ? { value: list }
    : { expected: 'a list of host names like "db.example.org", without ports' };
};

/** `host:port`. An IPv6 host stands in brackets. */
export function parseAddress(address: string): { readonly host: string; readonly port: number } | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(address);
  if (match === null) return null;
  const port = Number(match[3]);
  const host = match[1] ?? match[2];
  return host === undefined || port > 65_535 ? null : { host, port };
}

const address = text('host:port, such as "127.0.0.1:5000"', (value) => parseAddress(value) !== null);
const toldAddress = text('host:port that others can reach, with a port above 0', (value) => {
  const parsed = parseAddress(value);
  return parsed !== null && parsed.port > 0;
});

const isPath = (value: string): boolean => value !== '' && !value.includes('\0');
const path = text('the path of a file', isPath);
const secret = text(secretExpected, isSecret);

const kibi = 1024;
const mebi = 1024 * kibi;
const gibi = 1024 * mebi;

const limitRules: { readonly [K in keyof Limits]: Rule<number> } = {
  maxFrameBytes: integer(4 * kibi, 256 * mebi),
  maxPeerFrameBytes: integer(64 * kibi, 256 * mebi),
  maxValueBytes: integer(1, 64 * mebi),
  maxTransactionItems: integer(1, 65_536),
  maxBodyBytes: integer(kibi, 64 * mebi),
  maxNamespaceBytes: integer(mebi, 1024 * gibi),
  maxNamespaceKeys: integer(1, 1_000_000_000),
  maxChildren: integer(1, 100_000_000),
  maxSessions: integer(1, 1_000_000),
  maxSessionsPerConnection: integer(1, 1_000_000),
  maxWindow: integer(1, 65_536),
  maxWindowReplyBytes: integer(4 * kibi, 256 * mebi),
  maxPendingRequests: integer(1, 1_000_000),
  maxPendingBytes: integer(64 * kibi, 4 * gibi),
  maxPendingReads: integer(1, 10_000_000),
  maxBatchEntries: integer(1, 65_536),
  maxBatchBytes: integer(4 * kibi, 64 * mebi),
  maxPipelineEntries: integer(1, 65_536),
  maxQueuedBytes: integer(mebi, 4 * gibi),
  maxApiConnections: integer(1, 1_000_000),
  maxAdminConnections: integer(1, 100_000),
  maxClusterConnections: integer(1, 100_000),
  maxWatches: integer(1, 1_000_000),
  watchHistoryMs: integer(0, 7 * 24 * 3_600_000),
  watchHistoryBytes: integer(0, 64 * gibi),
  maxReplicas: integer(1, 65_536),
};

const timingRules: { readonly [K in keyof Timing]: Rule<number> } = {
  tickMs: integer(1, 1000),
  heartbeatMs: integer(1, 60_000),
  suspicionMs: integer(10, 600_000),
  resendMs: integer(1, 60_000),
  sessionMs: integer(1000, 7 * 24 * 3_600_000),
  reconnectMs: integer(1, 60_000),
  reconnectMaxMs: integer(1, 600_000),
};

/** `maxFrameBytes` is `max_frame_bytes` in the file. */
export function keyOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function keysOf(rules: Readonly<Record<string, Rule<number>>>, defaults: object): Record<string, Key<unknown>> {
  const found = new Map(Object.entries(defaults));
  return Object.fromEntries(
    Object.entries(rules).map(([name, rule]) => [keyOf(name), { rule, fallback: Number(found.get(name)) }]),
  );
}

const ownKeys = {
  node_name: {
    rule: text('a name of up to 64 letters, digits, ".", "_" and "-", beginning with a letter or digit', isName),
  },
  cluster_host: { rule: address },
  admin_host: { rule: address },
  api_host: { rule: address },
  /** The address that others are given, when it is not the bound one (a container, a proxy). */
  advertised_cluster_host: { rule: toldAddress, fallback: '' },
  advertised_admin_host: { rule: toldAddress, fallback: '' },
  advertised_api_host: { rule: toldAddress, fallback: '' },
  /** Relative to the directory of the configuration file. */
  data_dir: { rule: text('the path of a directory', isPath) },
  /**
   * The secret by which the nodes of a cluster recognise each other. It is set by one of these two keys or by
   * HARET_CLUSTER_SECRET. When all are empty, the cluster makes its own.
   */
  cluster_secret: { rule: secret, fallback: '' },
  cluster_secret_file: { rule: path, fallback: '' },
  /** The previous secret, while the secret is being changed node by node. */
  cluster_secret_previous: { rule: secret, fallback: '' },
  log_level: {
    rule: text(`one of ${logLevels.join(', ')}`, (value) => logLevels.some((level) => level === value)),
    fallback: 'info',
  },
  allowed_origins: { rule: origins, fallback: [] },
  /** More names by which this node is reached, as a proxy in front of it passes them on. */
  allowed_hosts: { rule: hostNames, fallback: [] },
  insecure: { rule: boolean, fallback: false },
  /** Whether the API port shows its own pages the state of the replicas (never what they hold). */
  status_stream: { rule: boolean, fallback: true },
  /** Whether pages that may use the API interface may also use the admin interface. */
  playground_admin: { rule: boolean, fallback: false },
  segment_bytes: { rule: integer(mebi, gibi), fallback: 16 * mebi },
  checkpoint_bytes: { rule: integer(64 * kibi, 64 * gibi), fallback: 64 * mebi },
  disk_reserve_bytes: { rule: integer(0, 1024 * gibi), fallback: 128 * mebi },
  handshake_timeout_ms: { rule: integer(100, 60_000), fallback: 5000 },
  ping_interval_ms: { rule: integer(100, 600_000), fallback: 5000 },
  stop_timeout_ms: { rule: integer(100, 600_000), fallback: 10_000 },
} satisfies Record<string, Key<unknown>>;

/** Keys whose values are never shown. */
export const secretKeys: ReadonlySet<string> = new Set<OwnKey>(['cluster_secret', 'cluster_secret_previous']);
export type OwnKey = keyof typeof ownKeys;
export const configKeys: ReadonlyMap<string, Key<unknown>> = new Map<string, Key<unknown>>([
  ...Object.entries(ownKeys),
  ...Object.entries(keysOf(timingRules, defaultTiming)),
  ...Object.entries(keysOf(limitRules, defaultLimits)),
]);
export const limitNames = Object.keys(limitRules) as readonly (keyof Limits)[];
export const timingNames = Object.keys(timingRules) as readonly (keyof Timing)[];
