/**
 * The package that programs import, as a client of the bench. It shows what the package costs compared with the barest
 * client that keeps the same promises.
 */

import { HaretError, bytes, connect } from '../browser-client/index.ts';
import type { Haret, Namespace } from '../browser-client/index.ts';
import { benchNamespace } from './bare-haret-client.ts';
import type { Connection, Done } from './target.ts';

class SdkConnection implements Connection {
  readonly #haret: Haret;
  readonly #namespace: Namespace;

  constructor(haret: Haret) {
    this.#haret = haret;
    this.#namespace = haret.namespace(benchNamespace);
  }

  ready(): Promise<void> {
    return this.#namespace.ready();
  }

  create(key: string, value: Uint8Array, done: Done): void {
    this.#namespace
      .blob(key, bytes)
      .create(value)
      .then(
        () => done(null, 0),
        // When the bench measures again, the key that it makes exists already.
        (error: unknown) =>
          done(error instanceof HaretError && error.code === 'PathExists' ? null : (error as Error), 0),
      );
  }

  // Each call makes a handle, as programs with many paths do.

  put(key: string, value: Uint8Array, done: Done): void {
    this.#namespace
      .blob(key, bytes)
      .put(value)
      .then(
        () => done(null, 0),
        (error: unknown) => done(error as Error, 0),
      );
  }

  get(key: string, linearizable: boolean, done: Done): void {
    this.#namespace
      .blob(key, bytes)
      .get({ read: linearizable ? 'linearizable' : 'local' })
      .then(
        (value) => done(null, value?.length ?? 0),
        (error: unknown) => done(error as Error, 0),
      );
  }

  failure(): Error | null {
    return this.#haret.state === 'closed' ? new Error('the client was closed') : null;
  }

  close(): void {
    void this.#haret.close();
  }
}

export async function connectSdk(address: string): Promise<Connection> {
  // A connection of the bench goes to one node and stays there.
  const haret = await connect({ urls: address, followRedirects: false, name: 'haret bench' });
  const connection = new SdkConnection(haret);
  await connection.ready();
  return connection;
}
