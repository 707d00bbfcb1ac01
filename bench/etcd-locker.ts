/**
 * etcd's own locks: the service `v3lock`, with a lease for each client that is kept alive as etcd's client does it. It
 * uses Node's HTTP/2, because the calls are few and their answers come late.
 */

import { connect, constants } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import type { Locker } from './locks.ts';

const leaseSeconds = 10;
const paths = {
  grant: '/etcdserverpb.Lease/LeaseGrant',
  keepAlive: '/etcdserverpb.Lease/LeaseKeepAlive',
  lock: '/v3lockpb.Lock/Lock',
  unlock: '/v3lockpb.Lock/Unlock',
} as const;

/** A protocol buffer of a few fields: numbers as varints, texts as bytes. */
function message(fields: readonly (readonly [field: number, value: bigint | Uint8Array])[]): Buffer {
  const bytes: number[] = [];
  const varint = (value: bigint): void => {
    let rest = value;
    while (rest > 127n) {
      bytes.push(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    bytes.push(Number(rest));
  };
  for (const [field, value] of fields) {
    if (typeof value === 'bigint') {
      varint(BigInt(field << 3));
      varint(value);
    } else {
      varint(BigInt((field << 3) | 2));
      varint(BigInt(value.length));
      bytes.push(...value);
    }
  }
  const framed = Buffer.alloc(5 + bytes.length);
  framed.writeUInt32BE(bytes.length, 1);
  framed.set(bytes, 5);
  return framed;
}

/** The field of an answer, which follows five bytes of framing. */
function fieldOf(answer: Buffer, wanted: number): bigint | Buffer {
  let at = 5;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = answer[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < answer.length) {
    const tag = Number(varint());
    if ((tag & 7) === 0) {
      const value = varint();
      if (tag >> 3 === wanted) return value;
    } else {
      const length = Number(varint());
      if (tag >> 3 === wanted) return answer.subarray(at, at + length);
      at += length;
    }
  }
  throw new Error(`etcd's answer has no field ${wanted}`);
}

function headersOf(path: string): Record<string, string> {
  return {
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: path,
    [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
    [constants.HTTP2_HEADER_TE]: 'trailers',
  };
}

function call(session: ClientHttp2Session, path: string, body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headersOf(path));
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => (chunks.length > 0 ? resolve(Buffer.concat(chunks)) : reject(new Error(`${path} failed`))));
    stream.on('error', reject);
    stream.end(body);
  });
}

export function connectEtcdLocker(address: string): Promise<Locker> {
  return new Promise((resolve, reject) => {
    const session = connect(`http://${address}`, { settings: { enablePush: false } });
    session.once('error', reject);
    // Before the server's settings arrive, Node allows only 100 open streams.
    session.once('remoteSettings', () => {
      session.off('error', reject);
      session.on('error', () => undefined);
      session.setLocalWindowSize(2 ** 30);
      open(session).then(resolve, reject);
    });
  });
}

async function open(session: ClientHttp2Session): Promise<Locker> {
  const granted = await call(session, paths.grant, message([[1, BigInt(leaseSeconds)]]));
  const lease = fieldOf(granted, 2) as bigint;
  const alive = session.request(headersOf(paths.keepAlive));
  alive.on('data', () => undefined);
  alive.on('error', () => undefined);
  const keep = setInterval(() => alive.write(message([[1, lease]])), (leaseSeconds * 1000) / 3);
  keep.unref();
  return {
    acquire: async (name) => {
      const body = message([
        [1, Buffer.from(`/locks/${name}`)],
        [2, lease],
      ]);
      const key = fieldOf(await call(session, paths.lock, body), 2) as Buffer;
      return async () => {
        await call(session, paths.unlock, message([[1, key]]));
      };
    },
    twin: () => open(session),
    close: () => {
      clearInterval(keep);
      session.destroy();
    },
  };
}
