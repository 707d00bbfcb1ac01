/**
 * A client for etcd over Node's own HTTP/2, for comparison. A plain program would use this. It costs several times as
 * much as frames by hand.
 */

import { connect, constants } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import { etcdPaths, putBytes, rangeBytes, rangeValueBytes, writePut, writeRange } from './etcd-messages.ts';
import type { Connection, Done } from './target.ts';

class EtcdNodeConnection implements Connection {
  readonly #session: ClientHttp2Session;
  #failure: Error | null = null;

  constructor(session: ClientHttp2Session) {
    this.#session = session;
    session.on('error', (error: Error) => (this.#failure = error));
    session.on('close', () => (this.#failure ??= new Error('etcd closed the connection')));
  }

  create(key: string, value: Uint8Array, done: Done): void {
    this.put(key, value, done);
  }

  put(key: string, value: Uint8Array, done: Done): void {
    const body = Buffer.allocUnsafe(putBytes(key, value));
    writePut(body, 0, key, value);
    this.#call(etcdPaths.put, body, false, done);
  }

  get(key: string, linearizable: boolean, done: Done): void {
    const body = Buffer.allocUnsafe(rangeBytes(key, !linearizable));
    writeRange(body, 0, key, !linearizable);
    this.#call(etcdPaths.range, body, true, done);
  }

  failure(): Error | null {
    return this.#failure;
  }

  close(): void {
    this.#failure ??= new Error('the connection was closed');
    this.#session.destroy();
  }

  #call(path: string, body: Buffer, isGet: boolean, done: Done): void {
    if (this.#failure !== null) {
      const failure = this.#failure;
      setImmediate(() => done(failure, 0));
      return;
    }
    const stream = this.#session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: path,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
      [constants.HTTP2_HEADER_TE]: 'trailers',
    });
    let message: Buffer | null = null;
    let finished = false;
    const finish = (error: Error | null): void => {
      if (finished) return;
      finished = true;
      if (error !== null) done(error, 0);
      else if (message === null) done(new Error('etcd refused the call'), 0);
      else done(null, isGet ? Math.max(0, rangeValueBytes(message)) : 0);
    };
    stream.on('data', (chunk: Buffer) => (message = message === null ? chunk : Buffer.concat([message, chunk])));
    stream.on('end', () => finish(null));
    stream.on('error', (error: Error) => finish(error));
    stream.on('close', () => finish(this.#failure ?? new Error('etcd closed the stream')));
    stream.end(body);
  }
}

export function connectEtcdNode(address: string): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const session = connect(`http://${address}`, { settings: { enablePush: false } });
    session.once('error', reject);
    // Before the server's settings arrive, Node allows only 100 open streams.
    session.once('remoteSettings', () => {
      session.off('error', reject);
      session.setLocalWindowSize(2 ** 30);
      resolve(new EtcdNodeConnection(session));
    });
  });
}
