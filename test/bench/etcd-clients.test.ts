import { createServer } from 'node:http2';
import type { Http2Server, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectEtcdFrames } from '../../bench/etcd-frames-client.ts';
import { connectEtcdNode } from '../../bench/etcd-node-client.ts';
import type { Connection } from '../../bench/target.ts';

/** One field of a protocol buffer; lengths here are below 128 or take two bytes. */
function field(number: number, bytes: Uint8Array): Buffer {
  const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7];
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes]);
}

function framed(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** Fields of a message that has only bytes and numbers below 128. */
function fieldsOf(message: Buffer): Map<number, Buffer | number> {
  const fields = new Map<number, Buffer | number>();
  for (let at = 0; at < message.length;) {
    const tag = message[at++]!;
    let value = message[at++]!;
    if (value > 127) value = (value & 127) | (message[at++]! << 7);
    if ((tag & 7) === 0) fields.set(tag >> 3, value);
    else {
      fields.set(tag >> 3, message.subarray(at, at + value));
      at += value;
    }
  }
  return fields;
}

/** Enough of etcd's key-value service to talk to: keys in a map, and gRPC's refusal for the key `/refused`. */
class FakeEtcd {
  readonly server: Http2Server = createServer();
  readonly stored = new Map<string, Buffer>();
  readonly paths: string[] = [];
  serializable = 0;

  constructor() {
    this.server.on('stream', (stream: ServerHttp2Stream, headers) => {
      expect(headers[':method']).toBe('POST');
      expect(headers['content-type']).toBe('application/grpc');
      expect(headers['te']).toBe('trailers');
      this.paths.push(headers[':path']!);
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => this.#answer(stream, headers[':path']!, Buffer.concat(chunks)));
    });
  }

  #answer(stream: ServerHttp2Stream, path: string, body: Buffer): void {
    // The client is gone: there is nobody to answer.
    if (stream.destroyed) return;
    expect(body.readUInt32BE(1)).toBe(body.length - 5);
    const fields = fieldsOf(body.subarray(5));
    const key = String(fields.get(1));
    if (key === '/refused') {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '14' }, { endStream: true });
      return;
    }
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    const header = field(1, Buffer.from([0x08, 1]));
    if (path.endsWith('/Put')) {
      this.stored.set(key, Buffer.from(fields.get(2) as Buffer));
      stream.end(framed(header));
      return;
    }
    if (fields.get(7) === 1) this.serializable++;
    const value = this.stored.get(key);
    const entry = value === undefined ? [] : [field(2, Buffer.concat([field(1, Buffer.from(key)), field(5, value)]))];
    const answer = framed(Buffer.concat([header, ...entry]));
    // In two pieces, because nothing says that a message comes whole.
    stream.write(answer.subarray(0, 7));
    stream.end(answer.subarray(7));
  }
}

const put = (connection: Connection, key: string, value: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => connection.put(key, value, (error) => (error === null ? resolve() : reject(error))));
const get = (connection: Connection, key: string, linearizable: boolean): Promise<number> =>
  new Promise((resolve, reject) =>
    connection.get(key, linearizable, (error, bytes) => (error === null ? resolve(bytes) : reject(error))),
  );

describe.each([
  ['frames by hand', connectEtcdFrames],
  ["Node's own HTTP/2", connectEtcdNode],
])('the client for etcd over %s', (_, connect) => {
  let etcd: FakeEtcd;
  let address: string;
  let connection: Connection;

  beforeEach(async () => {
    etcd = new FakeEtcd();
    await new Promise<void>((resolve) => etcd.server.listen(0, '127.0.0.1', resolve));
    address = `127.0.0.1:${(etcd.server.address() as AddressInfo).port}`;
    connection = await connect(address);
  });

  afterEach(() => {
    connection.close();
    etcd.server.close();
  });

  it('puts a value and reads it back, locally or linearizably', async () => {
    const value = new Uint8Array(256).fill(7);
    await put(connection, '/bench/k1', value);
    expect(etcd.stored.get('/bench/k1')).toEqual(Buffer.from(value));
    const before = etcd.serializable;
    expect(await get(connection, '/bench/k1', true)).toBe(256);
    expect(etcd.serializable).toBe(before);
    expect(await get(connection, '/bench/k1', false)).toBe(256);
    expect(etcd.serializable).toBe(before + 1);
    expect(await get(connection, '/bench/none', true)).toBe(0);
    expect(etcd.paths.slice(-4)).toEqual([
      '/etcdserverpb.KV/Put',
      '/etcdserverpb.KV/Range',
      '/etcdserverpb.KV/Range',
      '/etcdserverpb.KV/Range',
    ]);
  });

  it('tells a refused call from one that was done', async () => {
    await expect(put(connection, '/refused', new Uint8Array(1))).rejects.toThrow();
    await put(connection, '/bench/k2', new Uint8Array(1));
  });

  it('keeps far more requests outstanding than fit the flow-control window', async () => {
    const value = new Uint8Array(4096).fill(1);
    await Promise.all(Array.from({ length: 300 }, (_none, i) => put(connection, `/bench/k${i}`, value)));
    expect(etcd.stored.size).toBeGreaterThanOrEqual(300);
  });

  it('fails outstanding and later requests when the connection is gone', async () => {
    const waiting = put(connection, '/bench/k3', new Uint8Array(1));
    connection.close();
    await expect(waiting).rejects.toThrow();
    await expect(put(connection, '/bench/k3', new Uint8Array(1))).rejects.toThrow('the connection was closed');
    expect(connection.failure()).not.toBeNull();
  });
});
