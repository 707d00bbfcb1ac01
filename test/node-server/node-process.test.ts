/** What a node's host does around the node: HTTP, origins, limits, subprotocols, frames, and an orderly end. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { adminSubprotocols } from '../../core/wire/admin.ts';
import { apiSubprotocols } from '../../core/wire/api.ts';
import * as closeCodes from '../../core/wire/close-codes.ts';
import { parseConfig } from '../../node-server/config.ts';
import type { NodeConfig } from '../../node-server/config.ts';
import { NodeLog } from '../../node-server/node-log.ts';
import { NodeProcess } from '../../node-server/node-process.ts';
import type { NodeParts } from '../../node-server/node-process.ts';
import { WebSocketTransport } from '../../node-server/ws-transport.ts';
import type { Disk } from '../../core/base/ports.ts';
import { Recorder, closed } from '../ports/conformance.ts';
import { EchoNode } from './fake-node.ts';

const noDisk = (): Disk => ({
  lock: () => undefined,
  unlock: () => undefined,
  syncAll: () => undefined,
  list: () => [],
  read: () => new Uint8Array(0),
  create: () => undefined,
  write: () => undefined,
  sync: () => undefined,
  truncate: () => undefined,
  rename: () => undefined,
  remove: () => undefined,
  free: () => 0,
});

function configOf(more = ''): NodeConfig {
  return parseConfig(
    `node_name = "dev1"
     cluster_host = "127.0.0.1:0"
     admin_host = "127.0.0.1:0"
     api_host = "127.0.0.1:0"
     data_dir = "data"
     allowed_origins = ["https://console.example.org"]
     max_api_connections = 2
     max_frame_bytes = 4096
     max_body_bytes = 4096
     max_value_bytes = 1024
     stop_timeout_ms = 100
     ${more}`,
    'config.toml',
  );
}

const lines: string[] = [];
let node: EchoNode;
let host: NodeProcess;
let api = '';
let admin = '';

async function startHost(config: NodeConfig): Promise<NodeProcess> {
  const log = new NodeLog({ level: 'debug', pretty: false, destination: { write: (line) => lines.push(line) } });
  const parts: NodeParts = {
    version: '0.0.0',
    createNode: (_ports, options) => (node = new EchoNode(options)),
    openDisk: noDisk,
  };
  const started = new NodeProcess(config, log, parts, (error) => {
    throw error;
  });
  ({ api, admin } = await started.start());
  return started;
}

beforeEach(async () => {
  lines.length = 0;
  host = await startHost(configOf());
});

afterEach(async () => {
  await host.stop();
});

async function get(path: string, init?: RequestInit): Promise<{ status: number; type: string; body: string }> {
  const response = await fetch(`http://${api}${path}`, init);
  return { status: response.status, type: response.headers.get('content-type') ?? '', body: await response.text() };
}

/** How a handshake ended: the status that refused it with its body, or `open`. */
async function handshake(
  headers: Record<string, string>,
  protocols: string[] = [apiSubprotocols.superjson],
  address = api,
): Promise<string> {
  const ws = new WebSocket(`ws://${address}/`, protocols, { headers });
  return new Promise((resolve) => {
    ws.on('error', (error) => resolve(error.message));
    ws.on('open', () => {
      resolve(`open ${ws.protocol}`);
      ws.terminate();
    });
    ws.on('unexpected-response', (_request, response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve(`${response.statusCode ?? 0} ${body}`));
    });
  });
}

describe('HTTP on the API port', () => {
  it('tells health and readiness by status and says what is missing', async () => {
    expect(await get('/health')).toEqual({
      status: 200,
      type: 'application/json',
      body: '{"ok":true,"problems":[]}\n',
    });
    node.problems = ['replica r1 of test-ns stopped'];
    expect((await get('/health')).status).toBe(503);
    expect((await get('/ready?verbose')).status).toBe(200);
    expect(await get('/ready?namespace=a%20b')).toMatchObject({
      status: 503,
      body: '{"ok":false,"waitingFor":["a primary of a b"]}\n',
    });
    // A name that a script left out is no question about the whole node.
    expect(await get('/ready?namespace=')).toMatchObject({
      status: 400,
      body: expect.stringContaining('namespace: expected a name') as unknown,
    });
    node.waitingFor = ['test-ns'];
    expect(await get('/ready')).toMatchObject({ status: 503, body: '{"ok":false,"waitingFor":["test-ns"]}\n' });
  });

  it('gives metrics in the text format, a header for each name and labels escaped', async () => {
    const { status, type, body } = await get('/metrics');
    expect(status).toBe(200);
    expect(type).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(body).toContain(
      '# HELP haret_commit_op Highest committed op.\n# TYPE haret_commit_op gauge\n' +
        'haret_commit_op{namespace="test-ns",odd="a \\"quote\\"\\nand \\\\"} 7\nharet_commit_op{namespace="other"} 1.5\n',
    );
    expect(body).toMatch(/^process_resident_memory_bytes \d+$/m);
    expect(body).toMatch(/^haret_event_loop_delay_seconds\{quantile="0.99"\} \S+$/m);
    expect(body).toMatch(/^haret_connections\{interface="api"\} 0$/m);
    for (const line of body.trimEnd().split('\n')) expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{.*\})? \S+)$/);
  });

  it('has a page, and refuses other paths and methods', async () => {
    const page = await get('/');
    expect(page.type).toBe('text/html; charset=utf-8');
    expect(page.body).toContain('<meta name="haret-node" content="dev1"');
    expect((await get('/etc/passwd')).status).toBe(404);
    expect((await get('/health', { method: 'POST', body: 'x' })).status).toBe(405);
    expect(await get('/health', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  });

  it('cuts off a request whose head is too large', async () => {
    expect((await get('/health', { headers: { 'x-padding': 'x'.repeat(10_000) } })).status).toBe(431);
  });
});

describe('the handshake', () => {
  it('takes programs, which send no origin, and pages of the node itself or of allowed_origins', async () => {
    expect(await handshake({})).toBe('open haret.v1.superjson');
    expect(await handshake({ origin: `http://${api}` })).toMatch('open');
    expect(await handshake({ origin: `http://localhost:${api.split(':')[1] ?? ''}` })).toMatch('open');
    expect(await handshake({ origin: 'https://console.example.org' })).toMatch('open');
  });

  it('takes no page at its admin interface unless playground_admin says so', async () => {
    const page = `http://${api}`;
    expect(await handshake({ origin: page }, [adminSubprotocols.superjson], admin)).toMatch(
      /^403 .*may not connect; see playground_admin/,
    );
    expect(await handshake({}, [adminSubprotocols.superjson], admin)).toMatch('open');
  });

  it('answers only under its own name, on any interface: a page whose name was made to point here reads nothing', async () => {
    const named = { origin: 'http://evil.example', host: 'evil.example' };
    for (const [subprotocol, at] of [
      [apiSubprotocols.superjson, api],
      [adminSubprotocols.superjson, admin],
    ] as const) {
      expect(await handshake(named, [subprotocol], at)).toMatch(/^403 .*allowed_hosts/);
      expect(await handshake({ host: 'evil.example:80' }, [subprotocol], at)).toMatch(/^403 .*allowed_hosts/);
    }
    expect(await handshake({ host: 'localhost:1' })).toMatch('open');
    expect(await handshake({ host: '10.1.2.3' })).toMatch('open');
  });

  it('refuses pages of any other origin with 403 and a typed error', async () => {
    for (const origin of ['http://evil.example', 'null', 'http://127.0.0.1:1', `http://${api}.evil.example`]) {
      const refusal = await handshake({ origin });
      expect(refusal).toMatch(/^403 \{"error":\{"code":"NotAllowed","message":"pages of .* may not connect/);
    }
    expect(node.accepted).toEqual([]);
  });

  it('chooses the first subprotocol that the client wishes and the node speaks, and refuses others with 400', async () => {
    expect(await handshake({}, ['x', apiSubprotocols.binary, apiSubprotocols.superjson])).toBe('open haret.v1.binary');
    expect(await handshake({}, ['haret.v2.binary'])).toMatch(
      /^400 .*"the api interface speaks haret.v1.binary and haret.v1.superjson and haret.v1.status"/,
    );
    expect(await handshake({}, [])).toMatch(/^400 /);
  });

  it('tells a client past the limit that there are too many, and takes another when there is room', async () => {
    const transport = new WebSocketTransport({ maxFrameBytes: 4096 });
    const recorders = [new Recorder(), new Recorder(), new Recorder()];
    const first = transport.dial(api, apiSubprotocols.binary, recorders[0]!);
    await recorders[0]!.until((heard) => heard.includes('open'));
    transport.dial(api, apiSubprotocols.binary, recorders[1]!);
    await recorders[1]!.until((heard) => heard.includes('open'));
    transport.dial(api, apiSubprotocols.binary, recorders[2]!);
    expect((await recorders[2]!.until(closed)).at(-1)).toBe(
      `close ${closeCodes.tooManyConnections} too many connections to the api interface: its limit is 2`,
    );
    first.close(1000, '');
    await recorders[0]!.until(closed);
    const again = new Recorder();
    transport.dial(api, apiSubprotocols.binary, again).send(new Uint8Array([1]));
    expect(await again.until((heard) => heard.length > 0)).toEqual(['open']);
  });
});

describe('a client that is gone silently', () => {
  it('is pinged, and dropped when it does not answer; a client that answers is kept', async () => {
    await host.stop();
    host = await startHost(configOf('ping_interval_ms = 100'));
    const dead = new WebSocket(`ws://${api}/`, [apiSubprotocols.binary], { autoPong: false });
    const alive = new WebSocket(`ws://${api}/`, [apiSubprotocols.binary]);
    let pings = 0;
    alive.on('ping', () => pings++);
    await new Promise((resolve) => dead.once('close', resolve));
    expect(pings).toBeGreaterThan(0);
    expect(alive.readyState).toBe(WebSocket.OPEN);
    await vi.waitFor(() => expect(node.closed).toEqual(['1006 the other end does not answer pings']));
    alive.terminate();
  });
});

describe('frames', () => {
  it('closes a connection that sends too large a frame, and only that one', async () => {
    const transport = new WebSocketTransport({ maxFrameBytes: 4096 });
    const good = new Recorder();
    const bad = new Recorder();
    const kept = transport.dial(api, apiSubprotocols.binary, good);
    const broken = transport.dial(api, apiSubprotocols.binary, bad);
    await good.until((heard) => heard.includes('open'));
    await bad.until((heard) => heard.includes('open'));
    broken.send(new Uint8Array(5000));
    expect((await bad.until(closed)).at(-1)).toMatch(`close ${closeCodes.tooBig}`);
    kept.send(new Uint8Array([7]));
    expect(await good.until((heard) => heard.length === 2)).toEqual(['open', 'bytes 7']);
  });

  it('closes a connection that sends bytes which are not a WebSocket frame', async () => {
    const [hostName, port] = api.split(':');
    const socket = connect(Number(port), hostName);
    socket.write(
      `GET / HTTP/1.1\r\nHost: ${api}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ${apiSubprotocols.binary}\r\n\r\n`,
    );
    await new Promise((resolve) => socket.once('data', resolve));
    socket.resume();
    socket.write(Buffer.alloc(64, 0xff));
    await new Promise((resolve) => socket.once('close', resolve));
    expect((await get('/health')).status).toBe(200);
    expect(node.closed.length).toBe(1);
  });
});

describe('a host', () => {
  it('ticks, logs where it listens and that it is ready, and tells the node its real addresses', () => {
    expect(node.options.apiAddress).toBe(api);
    expect(lines.some((line) => line.includes('"message":"listening"') && line.includes(api))).toBe(true);
    expect(lines.some((line) => line.includes('"message":"ready"'))).toBe(true);
  });

  it('says in one line that a port is taken', async () => {
    const taken = configOf().cluster;
    const second = parseConfig(
      `node_name = "dev2"\ncluster_host = "${taken.host}:0"\nadmin_host = "127.0.0.1:0"\napi_host = "${api}"\ndata_dir = "d"`,
      'config.toml',
    );
    await expect(startHost(second)).rejects.toThrow(
      `cannot listen on ${api} (api_host): another process uses this port`,
    );
  });

  it('cuts short a stop that takes too long, and says so', async () => {
    node.stops = false;
    expect(await host.stop()).toBe(false);
  });
});

it.skipIf(process.platform === 'win32')('a start closes the file of the secret to others, and says so', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'haret-process-'));
  const file = join(dataDir, 'cluster-secret');
  writeFileSync(file, 'secret');
  chmodSync(file, 0o644);
  const second = await startHost({ ...configOf(), dataDir });
  await second.stop();
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(lines.join('')).toContain("the file of the cluster's secret could be read by others than its owner");
  rmSync(dataDir, { recursive: true });
});
