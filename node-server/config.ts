/**
 * The configuration of a node. It reads TOML, checks every key, and reports each fault in one line that names the file,
 * the key and what was expected. It is closed by default (architecture §2): an address that other machines can reach
 * needs `insecure = true`, until there are credentials.
 */

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { TomlError, parse } from 'smol-toml';
import type { Limits } from '../core/base/limits.ts';
import type { LogLevel } from '../core/base/ports.ts';
import type { SecretOptions, Timing } from '../core/cluster/base/host.ts';
import { isSecret } from '../core/cluster/peers/secret.ts';
import { configKeys, keyOf, limitNames, parseAddress, secretExpected, secretKeys, timingNames } from './config-keys.ts';
import type { OwnKey } from './config-keys.ts';

export interface Bind {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** The address that others are given; '' stands for the bound one. */
  readonly advertised: string;
}

export interface NodeConfig {
  readonly file: string;
  readonly nodeName: string;
  readonly cluster: Bind;
  readonly admin: Bind;
  readonly api: Bind;
  /** Absolute. */
  readonly dataDir: string;
  readonly logLevel: LogLevel;
  readonly allowedOrigins: readonly string[];
  /** Names of hosts under which this node answers, in addition to its own and loopback's. */
  readonly allowedHosts: readonly string[];
  readonly secret: SecretOptions;
  readonly insecure: boolean;
  readonly statusStream: boolean;
  readonly playgroundAdmin: boolean;
  readonly segmentBytes: number;
  readonly checkpointBytes: number;
  readonly diskReserveBytes: number;
  readonly handshakeTimeoutMs: number;
  readonly pingIntervalMs: number;
  readonly stopTimeoutMs: number;
  readonly limits: Limits;
  readonly timing: Timing;
  /** Every key with the value in force, as `haret-admin config` prints it. */
  readonly described: readonly { readonly name: string; readonly value: string }[];
  /** Warnings for the operator at each start. */
  readonly warnings: readonly string[];
}

/** Shown in place of a secret. */
const hidden = '(hidden)';
const secretVariable = 'HARET_CLUSTER_SECRET';
export type Environment = Readonly<Record<string, string | undefined>>;

/** A configuration that cannot be used. `message` has one line for each problem. */
export class ConfigError extends Error {
  /** Always this name. */
  override readonly name = 'ConfigError';
  /** One line for each problem. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** @throws {@link ConfigError} */
export function loadConfig(file: string): NodeConfig {
  let source: string;
  try {
    source = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const problem = code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code ?? String(error)})`;
    throw new ConfigError([`${file}: ${problem}; name another file with --config FILE`]);
  }
  return parseConfig(source, file);
}

/**
 * @param file named in messages; `data_dir` is relative to its directory.
 * @param environment may have the cluster's secret, as HARET_CLUSTER_SECRET.
 * @throws {@link ConfigError}
 */
export function parseConfig(source: string, file: string, environment: Environment = process.env): NodeConfig {
  const table = parseToml(source, file);
  const problems: string[] = [];
  const values = new Map<string, unknown>();
  for (const name of Object.keys(table)) {
    if (!configKeys.has(name)) problems.push(`${file}: ${name}: unknown key${suggestion(name)}`);
  }
  for (const [name, key] of configKeys) {
    if (!Object.hasOwn(table, name)) {
      if (key.fallback !== undefined) values.set(name, key.fallback);
      else {
        const checked = key.rule(undefined);
        problems.push(`${file}: ${name}: is missing; expected ${'expected' in checked ? checked.expected : 'a value'}`);
      }
      continue;
    }
    const checked = key.rule(table[name]);
    if ('value' in checked) values.set(name, checked.value);
    else {
      const got = secretKeys.has(name) ? '' : `, got ${shown(table[name])}`;
      problems.push(`${file}: ${name}: expected ${checked.expected}${got}`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return assemble(values, file, environment);
}

function parseToml(source: string, file: string): Readonly<Record<string, unknown>> {
  try {
    return parse(source);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const problem = error.message.split('\n')[0]?.replace('Invalid TOML document: ', '') ?? 'is not TOML';
    throw new ConfigError([`${file}:${error.line}:${error.column}: is not TOML: ${problem}`]);
  }
}

function assemble(values: ReadonlyMap<string, unknown>, file: string, environment: Environment): NodeConfig {
  const problems: string[] = [];
  const text = (name: OwnKey): string => String(values.get(name));
  const number = (name: OwnKey): number => Number(values.get(name));
  const bind = (name: 'cluster' | 'admin' | 'api'): Bind => {
    const address = parseAddress(text(`${name}_host`)) ?? { host: '127.0.0.1', port: 0 };
    return { ...address, advertised: text(`advertised_${name}_host`) };
  };
  const numbers = <K extends string>(names: readonly K[]): Record<K, number> =>
    Object.fromEntries(names.map((name) => [name, Number(values.get(keyOf(name)))])) as Record<K, number>;
  const origins = values.get('allowed_origins');
  const hosts = values.get('allowed_hosts');
  const secrets = secretsOf(values, file, environment, problems);
  const config: NodeConfig = {
    file,
    nodeName: text('node_name'),
    cluster: bind('cluster'),
    admin: bind('admin'),
    api: bind('api'),
    dataDir: resolve(dirname(resolve(file)), text('data_dir')),
    logLevel: text('log_level') as LogLevel,
    allowedOrigins: Array.isArray(origins) ? origins.map(String) : [],
    allowedHosts: Array.isArray(hosts) ? hosts.map(String) : [],
    secret: { configured: secrets, staysWithin },
    insecure: values.get('insecure') === true,
    statusStream: values.get('status_stream') === true,
    playgroundAdmin: values.get('playground_admin') === true,
    segmentBytes: number('segment_bytes'),
    checkpointBytes: number('checkpoint_bytes'),
    diskReserveBytes: number('disk_reserve_bytes'),
    handshakeTimeoutMs: number('handshake_timeout_ms'),
    pingIntervalMs: number('ping_interval_ms'),
    stopTimeoutMs: number('stop_timeout_ms'),
    limits: numbers(limitNames),
    timing: numbers(timingNames),
    described: [...values].map(([name, value]) => ({
      name,
      value: secretKeys.has(name) && value !== '' ? hidden : typeof value === 'string' ? value : JSON.stringify(value),
    })),
    warnings: [],
  };
  problems.push(...conflicts(config));
  const warnings = exposed(config);
  if (!config.insecure) {
    problems.push(
      ...warnings.map((warning) => `${file}: ${warning}; bind to 127.0.0.1, or accept that with insecure = true`),
    );
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { ...config, warnings };
}

/** Values that are each allowed may still not fit together. */
function conflicts({ file, secret, limits, timing, segmentBytes, cluster, admin, api }: NodeConfig): string[] {
  const problems: string[] = [];
  const atMost = (name: string, value: number, part: 1 | 2, other: string, bound: number): void => {
    if (value * part <= bound) return;
    const most = part === 1 ? other : `half of ${other}`;
    problems.push(`${file}: ${name}: expected at most ${most} (${bound / part}), got ${value}`);
  };
  atMost('max_value_bytes', limits.maxValueBytes, 1, 'max_body_bytes', limits.maxBodyBytes);
  atMost('max_body_bytes', limits.maxBodyBytes, 1, 'max_frame_bytes', limits.maxFrameBytes);
  // A Prepare carries a whole batch. A body that is larger than a batch travels alone.
  atMost('max_body_bytes', limits.maxBodyBytes, 2, 'max_peer_frame_bytes', limits.maxPeerFrameBytes);
  atMost('max_batch_bytes', limits.maxBatchBytes, 2, 'max_peer_frame_bytes', limits.maxPeerFrameBytes);
  atMost('max_body_bytes', limits.maxBodyBytes, 2, 'segment_bytes', segmentBytes);
  atMost('max_batch_bytes', limits.maxBatchBytes, 2, 'segment_bytes', segmentBytes);
  atMost('tick_ms', timing.tickMs, 1, 'heartbeat_ms', timing.heartbeatMs);
  atMost('heartbeat_ms', timing.heartbeatMs, 2, 'suspicion_ms', timing.suspicionMs);
  atMost('resend_ms', timing.resendMs, 1, 'suspicion_ms', timing.suspicionMs);
  atMost('reconnect_ms', timing.reconnectMs, 1, 'reconnect_max_ms', timing.reconnectMaxMs);
  const bound = [
    ['cluster_host', cluster],
    ['admin_host', admin],
    ['api_host', api],
  ] as const;
  for (const [i, [name, bind]] of bound.entries()) {
    const twin = bound.slice(0, i).find(([, other]) => other.port === bind.port && other.host === bind.host);
    if (bind.port !== 0 && twin !== undefined) problems.push(`${file}: ${name}: is the same address as ${twin[0]}`);
    if (name === 'cluster_host' && secret.configured.length === 0 && !isLoopback(bind.host)) {
      const how = `set cluster_secret, cluster_secret_file or ${secretVariable} to the same value on all nodes`;
      problems.push(
        `${file}: cluster_secret: is missing; other machines can reach ${bind.host}, so nodes must prove that they belong to the cluster: ${how}`,
      );
    }
    if (isWildcard(bind.host) && bind.advertised === '') {
      problems.push(
        `${file}: advertised_${name}: is missing; others cannot connect to ${bind.host}, so give the address that they can use`,
      );
    }
  }
  return problems;
}

/**
 * The secrets in force, the newest first. Only one place may give the newest: if two places gave different ones, it
 * would be unclear which counts.
 */
function secretsOf(
  values: ReadonlyMap<string, unknown>,
  file: string,
  environment: Environment,
  problems: string[],
): readonly string[] {
  const text = (name: OwnKey): string => String(values.get(name));
  const found: string[] = [];
  if (text('cluster_secret') !== '') found.push(text('cluster_secret'));
  const path = text('cluster_secret_file');
  if (path !== '') {
    try {
      found.push(readFileSync(resolve(dirname(resolve(file)), path), 'utf8').trim());
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      problems.push(`${file}: cluster_secret_file: cannot be read (${code ?? String(error)})`);
    }
  }
  const set = environment[secretVariable];
  if (set !== undefined && set !== '') found.push(set.trim());
  if (found.length > 1) {
    problems.push(
      `${file}: cluster_secret: is given more than once; keep one of cluster_secret, cluster_secret_file and ${secretVariable}`,
    );
  }
  if (found.some((secret) => !isSecret(secret))) {
    problems.push(`${file}: cluster_secret: expected ${secretExpected}, in the file or in ${secretVariable} too`);
  }
  const previous = text('cluster_secret_previous');
  if (previous === '') return found;
  if (found.length === 0)
    problems.push(`${file}: cluster_secret_previous: is only useful together with cluster_secret`);
  return [...found, previous];
}

/** An address on this machine. No one on another machine can read what is sent there. */
function staysWithin(address: string): boolean {
  const parsed = parseAddress(address);
  return parsed !== null && isLoopback(parsed.host);
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || /^[0:]+$/.test(host);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function exposed({ cluster, admin, api }: NodeConfig): readonly string[] {
  return Object.entries({ cluster_host: cluster, admin_host: admin, api_host: api })
    .filter(([, bind]) => !isLoopback(bind.host))
    .map(([name, bind]) => `${name}: everyone who reaches ${bind.host} can use it, without TLS and credentials`);
}

function shown(value: unknown): string {
  if (value instanceof Date) return 'a date';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}

function suggestion(name: string): string {
  let best = '';
  let least = 3;
  for (const known of configKeys.keys()) {
    const edits = distance(name, known);
    if (edits < least) {
      least = edits;
      best = known;
    }
  }
  return best === '' ? '' : `; did you mean ${best}?`;
}

/** How many letters to add, drop or change to turn one into the other. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const change = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, change));
    }
    row = next;
  }
  return row[to.length]!;
}
