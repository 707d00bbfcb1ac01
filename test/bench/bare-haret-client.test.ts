import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { connectBareHaret, valueBytesOfReply, writeRead, writeRequest } from '../../bench/bare-haret-client.ts';
import type { Connection } from '../../bench/target.ts';
import { Reader, Writer } from '../../core/base/bytes.ts';
import { errorInfo } from '../../core/base/errors.ts';
import { decodeBody, encodeOperation } from '../../core/service/body.ts';
import { encodeReply } from '../../core/service/reply.ts';
import type { Reply } from '../../core/service/reply.ts';
import type { ClientMessage, ServerMessage } from '../../core/wire/api.ts';
import { apiProtocol, apiSubprotocols, clientMessageSchema } from '../../core/wire/api.ts';
import { apiServerCodec } from '../../core/wire/api-codecs.ts';

function decoded(write: (writer: Writer) => void): ClientMessage {
  const writer = new Writer();
  write(writer);
  const reader = new Reader(writer.finish());
  const message = clientMessageSchema.decode(reader);
  reader.end();
  return message;
}

describe('a message that the bare client writes by hand', () => {
  const numbers = { id: 300, namespaceId: 7, session: 1e10, request: 5, answered: 3 };

  it('is a request that the schemas can read', () => {
    for (const value of [new Uint8Array(0), new Uint8Array(256).fill(9), new Uint8Array(70_000)]) {
      const operation = { kind: 'put', key: '/bench/k1', value, linearizable: true } as const;
      expect(decoded((writer) => writeRequest(writer, numbers, operation))).toEqual({
        kind: 'request',
        ...numbers,
        operation: encodeOperation({ kind: 'blobPut', path: '/bench/k1', value, ifVersion: null, ifAbsent: false }),
      });
    }
  });

  it('is a read that the schemas can read', () => {
    for (const linearizable of [true, false]) {
      const operation = { kind: 'get', key: '/bench/k1', value: null, linearizable } as const;
      expect(decoded((writer) => writeRead(writer, 3, 7, operation))).toEqual({
        kind: 'read',
        id: 3,
        namespaceId: 7,
        consistency: { kind: linearizable ? 'linearizable' : 'local' },
        operation: encodeOperation({ kind: 'blobGet', path: '/bench/k1' }),
      });
    }
  });

  it('finds the size of a value in a reply, and tells an error', () => {
    const reply = (answer: Reply['answer']): Uint8Array => encodeReply({ epoch: 1, view: 2, op: 1e9, answer });
    const value = new Uint8Array(256);
    expect(valueBytesOfReply(reply({ kind: 'result', result: { kind: 'value', value, version: 3 } }))).toBe(256);
    expect(valueBytesOfReply(reply({ kind: 'result', result: { kind: 'value', value: null, version: 3 } }))).toBe(0);
    expect(valueBytesOfReply(reply({ kind: 'result', result: { kind: 'done', version: 3 } }))).toBe(0);
    expect(valueBytesOfReply(reply({ kind: 'error', error: errorInfo('WrongType', 'Wrong type') }))).toBe(-1);
  });
});

type RequestMessage = ClientMessage & { kind: 'request' };

/** Enough of a node to talk to. `refusals` of the next requests are turned away for now. */
class FakeNode {
  readonly server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    handleProtocols: () => apiSubprotocols.binary,
  });
  readonly stored = new Map<string, Uint8Array>();
  readonly requests: RequestMessage[] = [];
  refusals = 0;

  constructor() {
    const codec = apiServerCodec(apiSubprotocols.binary);
    this.server.on('connection', (socket) =>
      socket.on('message', (frame: Buffer) => {
        socket.send(codec.encode(codec.decode(frame).map((message) => this.#answer(message as ClientMessage))));
      }),
    );
  }

  #answer(message: ClientMessage): ServerMessage {
    const reply = (id: number, answer: Reply['answer']): ServerMessage => ({
      kind: 'reply',
      id,
      reply: encodeReply({ epoch: 1, view: 1, op: 1, answer }),
    });
    switch (message.kind) {
      case 'hello':
        return {
          kind: 'welcome',
          protocol: apiProtocol,
          cluster: '0'.repeat(32),
          node: 'node1',
          maxFrameBytes: 1e6,
          maxValueBytes: 1e6,
          maxWindow: 4096,
        };
      case 'enter':
        return { kind: 'entered', id: message.id, namespaceId: 7, epoch: 1, view: 1, here: true, primary: null };
      case 'register':
        return reply(message.id, { kind: 'registered', session: 42, secret: '5e'.repeat(16) });
      case 'request': {
        this.requests.push(message);
        if (this.refusals > 0) {
          this.refusals--;
          return { kind: 'error', id: message.id, error: errorInfo('NoPrimary', 'no primary now') };
        }
        const body = decodeBody(message.operation);
        if (body.kind !== 'operation') throw new Error(body.kind);
        const { operation } = body;
        if (operation.kind !== 'blobPut' && operation.kind !== 'create') throw new Error(operation.kind);
        if (operation.kind === 'blobPut' && !this.stored.has(operation.path)) {
          return reply(message.id, { kind: 'error', error: errorInfo('PathNotFound', 'Path Does not exist: /none') });
        }
        this.stored.set(operation.path, operation.value!);
        return reply(message.id, { kind: 'result', result: { kind: 'done', version: 1 } });
      }
      case 'read': {
        const body = decodeBody(message.operation);
        if (body.kind !== 'operation' || body.operation.kind !== 'blobGet') throw new Error(body.kind);
        const value = this.stored.get(body.operation.path) ?? null;
        return reply(message.id, { kind: 'result', result: { kind: 'value', value, version: 1 } });
      }
      default:
        throw new Error(`unexpected ${message.kind}`);
    }
  }
}

describe('the bare client for haret', () => {
  let node: FakeNode;
  let connection: Connection;
  const put = (key: string, value: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) =>
      connection.put(key, value, (error) => (error === null ? resolve() : reject(error))),
    );

  beforeEach(async () => {
    node = new FakeNode();
    await new Promise((resolve) => node.server.once('listening', resolve));
    connection = await connectBareHaret(`127.0.0.1:${(node.server.address() as AddressInfo).port}`);
    await new Promise<void>((resolve) => connection.create('/bench/k1', new Uint8Array(4), () => resolve()));
  });

  afterEach(() => {
    connection.close();
    node.server.close();
  });

  it('puts in its session and reads back', async () => {
    await put('/bench/k1', new Uint8Array(256));
    const bytes = await new Promise((resolve) => connection.get('/bench/k1', true, (_, size) => resolve(size)));
    expect(bytes).toBe(256);
    expect(node.requests.map(({ session, request }) => [session, request])).toEqual([
      [42, 1],
      [42, 2],
    ]);
  });

  it('sends a refused request again under the same number, and raises `answered` only past requests that are answered', async () => {
    node.refusals = 1;
    await Promise.all([put('/bench/k1', new Uint8Array(1)), put('/bench/k1', new Uint8Array(2))]);
    await put('/bench/k1', new Uint8Array(3));
    const sent = node.requests.map(({ request, answered }) => [request, answered]);
    expect(sent).toEqual([
      [1, 1],
      [2, 2],
      [3, 2],
      [2, 2],
      [4, 4],
    ]);
  });

  it('reports what the tree refuses', async () => {
    await expect(put('/none', new Uint8Array(1))).rejects.toThrow('Path Does not exist: /none');
  });

  it('fails the outstanding requests when the connection is gone', async () => {
    const waiting = put('/bench/k1', new Uint8Array(1));
    connection.close();
    await expect(waiting).rejects.toThrow('the connection was closed');
  });
});
