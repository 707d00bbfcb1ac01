/** One node process as its operator sees it: bad configuration, taken ports and directories, HTTP, origins, signals. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClusterUnderTest } from './cluster-process.ts';
import { run } from './programs.ts';
import { open, ports } from './raw-socket.ts';

describe('the program haret', () => {
  it('tells its version and its usage', async () => {
    expect(await run('haret', ['--version'])).toMatchObject({ status: 0, stdout: 'haret 0.1.0\n' });
    const help = await run('haret', ['--help']);
    expect(help.status).toBe(0);
    expect(help.stdout).toContain('haret dev stop|start NAME');
  });

  it.each([
    [['strat'], 'haret: unknown command strat; see haret --help\n'],
    [['--frobnicate'], 'haret: unknown flag --frobnicate; see haret --help\n'],
    [['start', '--config'], 'haret: --config needs a value; see haret --help\n'],
    [['dev', 'stop'], 'haret: haret dev stop needs the name of a node; see haret --help\n'],
  ])('refuses %j in one line with status 2', async (args, stderr) => {
    expect(await run('haret', args)).toEqual({ status: 2, signal: null, stdout: '', stderr });
  });

  it('refuses a configuration with a line for each fault, before it touches anything', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'haret-config-'));
    try {
      const missing = await run('haret', [], { cwd: directory });
      expect(missing.status).toBe(2);
      expect(missing.stderr).toBe(
        'haret: ./config.toml: there is no such file; name another file with --config FILE\n',
      );
      writeFileSync(join(directory, 'config.toml'), 'node_name = "dev 1"\nclutser_host = "127.0.0.1:1"\n');
      const bad = await run('haret', ['start', '--config', 'config.toml'], { cwd: directory });
      expect(bad.status).toBe(2);
      expect(bad.stderr.split('\n')).toEqual([
        'haret: config.toml: clutser_host: unknown key; did you mean cluster_host?',
        expect.stringMatching(/^haret: config\.toml: node_name: expected a name .*, got "dev 1"$/),
        expect.stringMatching(/^haret: config\.toml: cluster_host: is missing; /),
        expect.stringMatching(/^haret: config\.toml: admin_host: is missing; /),
        expect.stringMatching(/^haret: config\.toml: api_host: is missing; /),
        expect.stringMatching(/^haret: config\.toml: data_dir: is missing; /),
        '',
      ]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('a node process', () => {
  let cluster: ClusterUnderTest;

  beforeAll(async () => {
    cluster = await ClusterUnderTest.layOut(2);
    await cluster.node(0).start();
  });

  afterAll(async () => {
    await cluster.close();
  });

  it('logs JSON lines that say where it listens', async () => {
    const [dev1] = cluster.nodes;
    const line: unknown = JSON.parse(await dev1!.untilLogged('"listening"'));
    expect(line).toMatchObject({
      level: 'info',
      self: 'dev1',
      api: dev1!.api,
      admin: dev1!.admin,
      cluster: dev1!.cluster,
    });
  });

  it('answers health and metrics', async () => {
    const [dev1] = cluster.nodes;
    expect((await dev1!.http('/health')).body).toBe('{"ok":true,"problems":[]}\n');
    expect(await dev1!.metric('process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
    expect(await dev1!.metric('haret_connections{interface="api"}')).toBe(0);
  });

  it.each(ports)('refuses a page of another origin at the handshake of the $name interface', async (port) => {
    const address = port.address(cluster.node(0));
    await expect(open(address, port.binary, { origin: 'http://evil.example' })).rejects.toThrow('refused with 403');
    const own = open(address, port.binary, { origin: `http://${cluster.node(0).api}` });
    // No page may give commands to a node, not even the node's own, unless the configuration allows it
    // (`playground_admin`). And no page may speak as a node.
    if (port.name !== 'api') await expect(own).rejects.toThrow('refused with 403');
    else (await own).terminate();
    await expect(open(address, 'haret.v0.smoke')).rejects.toThrow('refused with 400');
  });

  it('says in one line that its port is taken, with a failing status', async () => {
    const [dev1, dev2] = cluster.nodes;
    dev2!.configure('');
    writeFileSync(
      dev2!.configFile,
      `node_name = "dev2"\ncluster_host = "${dev2!.cluster}"\nadmin_host = "${dev2!.admin}"\napi_host = "${dev1!.api}"\ndata_dir = "data"\n`,
    );
    dev2!.launch();
    expect(await dev2!.ended()).toEqual({ status: 1, signal: null });
    expect(dev2!.stderr).toBe(`haret: cannot listen on ${dev1!.api} (api_host): another process uses this port\n`);
    dev2!.configure('');
  });

  it('leaves a data directory to the process that has it, and names that process', async () => {
    const [dev1, dev2] = cluster.nodes;
    writeFileSync(
      dev2!.configFile,
      `node_name = "dev1"\ncluster_host = "${dev2!.cluster}"\nadmin_host = "${dev2!.admin}"\napi_host = "${dev2!.api}"\ndata_dir = "${dev1!.dataDirectory}"\n`,
    );
    dev2!.launch();
    expect((await dev2!.ended()).status).toBe(1);
    expect(dev2!.stderr.trimEnd().split('\n').length).toBe(1);
    expect(dev2!.stderr).toContain(dev1!.dataDirectory);
    expect(dev2!.stderr).toContain(String(dev1!.pid));
    expect((await dev1!.http('/health')).status).toBe(200);
    dev2!.configure('');
  });

  it('stops cleanly on SIGTERM and on SIGINT, and starts again on the same directory after that and after a kill', async () => {
    const [, dev2] = cluster.nodes;
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL'] as const) {
      await dev2!.start();
      dev2!.signal(signal);
      const expected = signal === 'SIGKILL' ? { status: null, signal } : { status: 0, signal: null };
      expect(await dev2!.ended()).toEqual(expected);
      expect(dev2!.stderr).toBe('');
    }
    await dev2!.start();
    expect(await dev2!.stop()).toEqual({ status: 0, signal: null });
    expect(dev2!.log.at(-1)).toContain('"stopped"');
  });

  it('warns at each start when it is open to others', async () => {
    const [, dev2] = cluster.nodes;
    dev2!.configure('insecure = true\n');
    writeFileSync(
      dev2!.configFile,
      `node_name = "dev2"\ncluster_host = "${dev2!.cluster}"\nadmin_host = "${dev2!.admin}"\ninsecure = true\n` +
        `api_host = "${dev2!.api.replace('127.0.0.1', '0.0.0.0')}"\nadvertised_api_host = "${dev2!.api}"\ndata_dir = "data"\n`,
    );
    const from = dev2!.log.length;
    await dev2!.start();
    expect(await dev2!.untilLogged('insecure', from)).toContain('"level":"warn"');
    await dev2!.stop();
  });
});
