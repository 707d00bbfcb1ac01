/** A configuration is taken whole, or refused with one clear line for each fault. */

import { describe, expect, it } from 'vitest';
import { resolve } from 'node:path';
import { defaultLimits } from '../../core/base/limits.ts';
import { defaultTiming } from '../../core/cluster/base/host.ts';
import { keyOf } from '../../node-server/config-keys.ts';
import { ConfigError, loadConfig, parseConfig } from '../../node-server/config.ts';

const base = {
  node_name: '"dev1"',
  cluster_host: '"127.0.0.1:5000"',
  admin_host: '"127.0.0.1:5001"',
  api_host: '"127.0.0.1:5002"',
  data_dir: '"data"',
};

function source(changes: Readonly<Record<string, string>> = {}): string {
  return Object.entries({ ...base, ...changes })
    .map(([name, value]) => `${name} = ${value}`)
    .join('\n');
}

function problems(toml: string): readonly string[] {
  try {
    parseConfig(toml, 'etc/config.toml');
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('the configuration of a node', () => {
  it('needs a name, three addresses and a directory; everything else has a default', () => {
    const config = parseConfig(source(), 'etc/config.toml');
    expect(config.nodeName).toBe('dev1');
    expect(config.cluster).toEqual({ host: '127.0.0.1', port: 5000, advertised: '' });
    expect(config.dataDir).toBe(resolve('etc/data'));
    expect(config.limits).toEqual(defaultLimits);
    expect(config.timing).toEqual(defaultTiming);
    expect(config.warnings).toEqual([]);
  });

  it('has a key for each limit and each time', () => {
    for (const name of [...Object.keys(defaultLimits), ...Object.keys(defaultTiming)]) {
      const [problem] = problems(source({ [keyOf(name)]: '"text"' }));
      expect(problem).toMatch(`etc/config.toml: ${keyOf(name)}: expected a whole number from `);
    }
  });

  it('names every key that is missing, at once', () => {
    expect(problems('')).toEqual([
      'etc/config.toml: node_name: is missing; expected a name of up to 64 letters, digits, ".", "_" and "-", beginning with a letter or digit',
      'etc/config.toml: cluster_host: is missing; expected host:port, such as "127.0.0.1:5000"',
      'etc/config.toml: admin_host: is missing; expected host:port, such as "127.0.0.1:5000"',
      'etc/config.toml: api_host: is missing; expected host:port, such as "127.0.0.1:5000"',
      'etc/config.toml: data_dir: is missing; expected the path of a directory',
    ]);
  });

  it.each([
    [{ node_nam: '"x"' }, 'node_nam: unknown key; did you mean node_name?'],
    [{ nonsense: '1' }, 'nonsense: unknown key'],
    [{ api_host: '"5002"' }, 'api_host: expected host:port, such as "127.0.0.1:5000", got "5002"'],
    [
      { api_host: '"127.0.0.1:70000"' },
      'api_host: expected host:port, such as "127.0.0.1:5000", got "127.0.0.1:70000"',
    ],
    [{ api_host: '5002' }, 'api_host: expected host:port, such as "127.0.0.1:5000", got 5002'],
    [{ api_host: '"127.0.0.1:5000"' }, 'api_host: is the same address as cluster_host'],
    [{ log_level: '"loud"' }, 'log_level: expected one of debug, info, warn, error, got "loud"'],
    [{ insecure: '1' }, 'insecure: expected true or false, got 1'],
    [
      { allowed_origins: '["console.example.org"]' },
      'allowed_origins: expected a list of origins like "https://console.example.org", got ["console.example.org"]',
    ],
    [{ max_sessions: '0' }, 'max_sessions: expected a whole number from 1 to 1000000, got 0'],
    [{ max_sessions: '1.5' }, 'max_sessions: expected a whole number from 1 to 1000000, got 1.5'],
    [{ tick_ms: '1979-05-27' }, 'tick_ms: expected a whole number from 1 to 1000, got a date'],
    [{ max_value_bytes: '4194304' }, 'max_value_bytes: expected at most max_body_bytes (2097152), got 4194304'],
    [{ heartbeat_ms: '900' }, 'heartbeat_ms: expected at most half of suspicion_ms (500), got 900'],
  ])('refuses %j', (changes: Readonly<Record<string, string>>, expected) => {
    expect(problems(source(changes))).toEqual([`etc/config.toml: ${expected}`]);
  });

  it('says where a file is not TOML', () => {
    expect(problems('node_name = "dev1"\nx = = 1\n')[0]).toMatch(/^etc\/config\.toml:2:\d+: is not TOML: ./);
    expect(problems('a = 1\na = 2\n')[0]).toMatch(/^etc\/config\.toml:2:\d+: is not TOML: ./);
  });

  it('names a file that does not exist, and says how to name another', () => {
    expect(() => loadConfig('/nowhere/config.toml')).toThrow(
      '/nowhere/config.toml: there is no such file; name another file with --config FILE',
    );
  });

  it('is closed by default: an address beyond this machine needs insecure = true, and warns', () => {
    const open = { api_host: '"0.0.0.0:5002"', advertised_api_host: '"db.example.org:5002"' };
    expect(problems(source(open))).toEqual([
      'etc/config.toml: api_host: everyone who reaches 0.0.0.0 can use it, without TLS and credentials; bind to 127.0.0.1, or accept that with insecure = true',
    ]);
    const config = parseConfig(source({ ...open, insecure: 'true' }), 'config.toml');
    expect(config.warnings.length).toBe(1);
    expect(config.api.advertised).toBe('db.example.org:5002');
  });

  it('asks for the address to tell others when it binds to every address', () => {
    const secret = '"the-secret-of-this-cluster"';
    expect(problems(source({ cluster_host: '"[::]:5000"', insecure: 'true', cluster_secret: secret }))).toEqual([
      'etc/config.toml: advertised_cluster_host: is missing; others cannot connect to ::, so give the address that they can use',
    ]);
  });

  it('wants a secret when other machines reach the cluster port, even with `insecure`', () => {
    const open = { cluster_host: '"10.0.0.1:5000"', insecure: 'true' };
    expect(problems(source(open))).toEqual([
      expect.stringMatching(/^etc\/config\.toml: cluster_secret: is missing; other machines can reach 10\.0\.0\.1/),
    ]);
    const config = parseConfig(source({ ...open, cluster_secret: '"the-secret-of-this-cluster"' }), 'config.toml', {});
    expect(config.secret.configured).toEqual(['the-secret-of-this-cluster']);
    const set = parseConfig(source(open), 'config.toml', { HARET_CLUSTER_SECRET: 'the-secret-of-this-cluster' });
    expect(set.secret.configured).toEqual(['the-secret-of-this-cluster']);
  });

  it('takes a secret of some length from one place, and never shows it', () => {
    const long = '"the-secret-of-this-cluster"';
    expect(problems(source({ cluster_secret: '"short"' }))).toEqual([
      'etc/config.toml: cluster_secret: expected from 16 to 1024 printable characters without spaces',
    ]);
    expect(problems(source({ cluster_secret_file: '"nowhere"' }))).toEqual([
      'etc/config.toml: cluster_secret_file: cannot be read (ENOENT)',
    ]);
    expect(problems(source({ cluster_secret_previous: long }))).toEqual([
      'etc/config.toml: cluster_secret_previous: is only useful together with cluster_secret',
    ]);
    expect(() =>
      parseConfig(source({ cluster_secret: long }), 'c.toml', { HARET_CLUSTER_SECRET: 'x'.repeat(20) }),
    ).toThrow('is given more than once');
    const config = parseConfig(source({ cluster_secret: long, cluster_secret_previous: long }), 'c.toml', {});
    expect(JSON.stringify(config.described)).not.toContain('the-secret');
    expect(config.described).toContainEqual({ name: 'cluster_secret', value: '(hidden)' });
  });

  it('takes IPv6 addresses in brackets, and loopback by any name', () => {
    const config = parseConfig(source({ api_host: '"[::1]:1"', admin_host: '"localhost:2"' }), 'config.toml');
    expect(config.api.host).toBe('::1');
    expect(config.warnings).toEqual([]);
  });
});
