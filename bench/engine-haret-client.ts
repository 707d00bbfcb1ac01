/**
 * haret's full client engine as a client of the bench. Programs use this engine; we compare it with the bare client.
 */

import type { Result } from '../core/base/errors.ts';
import { Client } from '../core/client/client.ts';
import type { Reply } from '../core/service/reply.ts';
import type { Operation } from '../core/tree/operation.ts';
import { binaryApi } from '../core/wire/api-client-binary.ts';
import { NodeClock } from '../node-server/node-clock.ts';
import { NodeRandom } from '../node-server/node-random.ts';
import { WebSocketTransport } from '../node-server/ws-transport.ts';
import { benchNamespace } from './bare-haret-client.ts';
import type { Connection, Done } from './target.ts';

const maxFrameBytes = 4 * 1024 * 1024;
const tickMs = 10;

class EngineConnection implements Connection {
  readonly #client: Client;
  readonly #ticks: ReturnType<typeof setInterval>;

  constructor(address: string) {
    const ports = {
      transport: new WebSocketTransport({ maxFrameBytes }),
      clock: new NodeClock(),
      random: new NodeRandom(),
    };
    // A connection of the bench goes to one node and stays there.
    this.#client = new Client(ports, {
      addresses: [address],
      codec: binaryApi,
      followRedirects: false,
      name: 'haret bench',
    });
    this.#client.start();
    this.#ticks = setInterval(() => this.#client.tick(), tickMs);
    this.#ticks.unref();
  }

  enter(): Promise<void> {
    return new Promise((resolve, reject) =>
      this.#client.enter(benchNamespace, (result) =>
        result.ok ? resolve() : reject(new Error(`cannot enter the namespace: ${result.error.message}`)),
      ),
    );
  }

  create(key: string, value: Uint8Array, done: Done): void {
    this.#execute({ kind: 'create', path: key, type: 'blob', value }, (error) => {
      // When the bench measures again, the key that it makes exists already.
      done(error?.message.startsWith('Path Already exists') === true ? null : error, 0);
    });
  }

  put(key: string, value: Uint8Array, done: Done): void {
    this.#execute({ kind: 'blobPut', path: key, value, ifVersion: null, ifAbsent: false }, done);
  }

  get(key: string, linearizable: boolean, done: Done): void {
    const consistency = linearizable ? 'linearizable' : 'local';
    this.#client.execute({ kind: 'blobGet', path: key }, { consistency }, (result) => answer(result, done));
  }

  failure(): Error | null {
    return this.#client.state === 'closed' ? new Error('the client was closed') : null;
  }

  close(): void {
    clearInterval(this.#ticks);
    this.#client.close();
  }

  #execute(operation: Operation, done: Done): void {
    this.#client.execute(operation, {}, (result) => answer(result, done));
  }
}

function answer(result: Result<Reply>, done: Done): void {
  if (!result.ok) {
    done(new Error(result.error.message), 0);
    return;
  }
  const { answer } = result.value;
  if (answer.kind === 'error') done(new Error(answer.error.message), 0);
  else if (answer.kind !== 'result') done(new Error(`haret answered with an unexpected ${answer.kind}`), 0);
  else done(null, answer.result.kind === 'value' ? (answer.result.value?.length ?? 0) : 0);
}

export async function connectEngine(address: string): Promise<Connection> {
  const connection = new EngineConnection(address);
  await connection.enter();
  return connection;
}
