import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Connection } from '../../bench/target.ts';
import { connectZooKeeper } from '../../bench/zookeeper-client.ts';

const noNode = -101;
const nodeExists = -110;

/** Enough of a ZooKeeper server to talk to: a session, and nodes in a map. */
class FakeZooKeeper {
  readonly stored = new Map<string, Buffer>();
  readonly asked: number[] = [];
  readonly server: Server = createServer((socket) => this.#serve(socket));
  refuseSync = false;

  #serve(socket: Socket): void {
    let rest = Buffer.alloc(0);
    let greeted = false;
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
        const end = 4 + rest.readInt32BE(0);
        const request = rest.subarray(4, end);
        rest = rest.subarray(end);
        if (greeted) this.#answer(socket, request);
        else {
          greeted = true;
          expect(request.length).toBe(45);
          const welcome = Buffer.alloc(4 + 4 + 8 + 4 + 16);
          welcome.writeInt32BE(request.readInt32BE(12), 4);
          this.#send(socket, welcome);
        }
      }
    });
  }

  #send(socket: Socket, message: Buffer): void {
    const length = Buffer.alloc(4);
    length.writeInt32BE(message.length);
    // Byte by byte at first, because a stream may cut anywhere.
    socket.write(length.subarray(0, 1));
    socket.write(Buffer.concat([length.subarray(1), message]));
  }

  #answer(socket: Socket, request: Buffer): void {
    const code = request.readInt32BE(4);
    this.asked.push(code);
    const pathBytes = request.readInt32BE(8);
    const path = request.toString('latin1', 12, 12 + pathBytes);
    const at = 12 + pathBytes;
    const value = (): Buffer => Buffer.from(request.subarray(at + 4, at + 4 + request.readInt32BE(at)));
    let error = 0;
    let body = Buffer.alloc(0);
    if (code === 1) {
      if (this.stored.has(path)) error = nodeExists;
      else this.stored.set(path, value());
    } else if (code === 5) {
      if (this.stored.has(path)) this.stored.set(path, value());
      else error = noNode;
    } else if (code === 4) {
      const found = this.stored.get(path);
      if (found === undefined) error = noNode;
      else {
        const length = Buffer.alloc(4);
        length.writeInt32BE(found.length);
        body = Buffer.concat([length, found, Buffer.alloc(68)]);
      }
    } else if (code === 9 && this.refuseSync) error = -4;
    const header = Buffer.alloc(16);
    header.writeInt32BE(request.readInt32BE(0));
    header.writeInt32BE(error, 12);
    this.#send(socket, Buffer.concat([header, body]));
  }
}

type Call = (connection: Connection, done: (error: Error | null, bytes: number) => void) => void;
const call = (connection: Connection, what: Call): Promise<number> =>
  new Promise((resolve, reject) =>
    what(connection, (error, bytes) => (error === null ? resolve(bytes) : reject(error))),
  );

describe('the client for ZooKeeper', () => {
  let zooKeeper: FakeZooKeeper;
  let connection: Connection;

  beforeEach(async () => {
    zooKeeper = new FakeZooKeeper();
    await new Promise<void>((resolve) => zooKeeper.server.listen(0, '127.0.0.1', resolve));
    connection = await connectZooKeeper(`127.0.0.1:${(zooKeeper.server.address() as AddressInfo).port}`);
  });

  afterEach(() => {
    connection.close();
    zooKeeper.server.close();
  });

  it('creates, sets and gets; a fresh read is a sync and a get', async () => {
    const first = new Uint8Array(10).fill(1);
    const second = new Uint8Array(256).fill(2);
    await call(connection, (to, done) => to.create('/bench', first, done));
    expect(zooKeeper.stored.get('/bench')).toEqual(Buffer.from(first));
    await call(connection, (to, done) => to.put('/bench', second, done));
    expect(await call(connection, (to, done) => to.get('/bench', false, done))).toBe(256);
    expect(await call(connection, (to, done) => to.get('/bench', true, done))).toBe(256);
    expect(zooKeeper.asked).toEqual([1, 5, 4, 9, 4]);
  });

  it('takes a create of a node that exists already as done', async () => {
    await call(connection, (to, done) => to.create('/bench', new Uint8Array(1), done));
    await call(connection, (to, done) => to.create('/bench', new Uint8Array(1), done));
  });

  it('gives errors to the request that has them, among many outstanding', async () => {
    await call(connection, (to, done) => to.create('/here', new Uint8Array(3), done));
    const answers = await Promise.allSettled(
      Array.from({ length: 5000 }, (_, i) =>
        call(connection, (to, done) => to.get(i % 2 === 0 ? '/here' : '/gone', false, done)),
      ),
    );
    expect(answers.every((answer, i) => answer.status === (i % 2 === 0 ? 'fulfilled' : 'rejected'))).toBe(true);
  });

  it('fails a fresh read whose sync failed, and only that one', async () => {
    await call(connection, (to, done) => to.create('/here', new Uint8Array(3), done));
    zooKeeper.refuseSync = true;
    await expect(call(connection, (to, done) => to.get('/here', true, done))).rejects.toThrow('error -4');
    expect(await call(connection, (to, done) => to.get('/here', false, done))).toBe(3);
  });

  it('fails the outstanding requests when the connection is gone', async () => {
    const waiting = call(connection, (to, done) => to.get('/here', true, done));
    connection.close();
    await expect(waiting).rejects.toThrow('the connection was closed');
  });
});
