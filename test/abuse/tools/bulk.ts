/** Clients that put large values as fast as they are taken. */

import { bytes } from '../../../browser-client/index.ts';
import type { Haret } from '../../../browser-client/index.ts';
import type { NodeUnderTest } from '../../integration/cluster-process.ts';
import { namespaceName } from '../../stage/stage.ts';
import type { Stage } from '../../stage/stage.ts';
import { wait } from '../../stage/tools/waiting.ts';

/** After a refusal. Who asks again at once only adds refusals. */
const pauseMs = 100;

export interface BulkOptions {
  /** For each client, the nodes that it may use. */
  readonly clients: readonly (readonly NodeUnderTest[])[];
  readonly stays: boolean;
  readonly outstanding: number;
  readonly valueBytes: number;
}

export class Bulk {
  done = 0;
  failed = 0;
  #over = false;
  readonly #stage: Stage;
  readonly #clients: Haret[] = [];
  #running: Promise<unknown> = Promise.resolve();

  private constructor(stage: Stage) {
    this.#stage = stage;
  }

  static async start(stage: Stage, options: BulkOptions): Promise<Bulk> {
    const bulk = new Bulk(stage);
    const { clients, stays, outstanding, valueBytes } = options;
    const value = new Uint8Array(valueBytes).fill(7);
    const writers = await Promise.all(
      clients.map(async (nodes, c) => {
        const haret = await stage.client(nodes, { followRedirects: !stays, callTimeoutMs: 10_000 });
        bulk.#clients.push(haret);
        const namespace = haret.namespace(namespaceName);
        return Array.from({ length: outstanding }, (_, i) => namespace.blob(`/bulk/c${c}-${i}`, bytes));
      }),
    );
    bulk.#running = Promise.all(writers.flat().map((blob) => bulk.#write(() => blob.put(value))));
    stage.atEnd(() => {
      bulk.#over = true;
    });
    return bulk;
  }

  async #write(put: () => Promise<unknown>): Promise<void> {
    while (!this.#isOver()) {
      try {
        await put();
        this.done++;
      } catch (error) {
        if (this.#isOver()) return;
        this.failed++;
        this.#stage.refused(error);
        await wait(pauseMs);
      }
    }
  }

  #isOver(): boolean {
    return this.#over;
  }

  /** Gives up what is under way. */
  async stop(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#clients.map((haret) => haret.close()));
    await this.#running;
  }
}
