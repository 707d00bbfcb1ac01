/**
 * Where output goes: standard output and standard error. It waits for a slow reader, and ends quietly when the reader
 * has left.
 */

import { once } from 'node:events';
import type { OutputChunk } from '../../core/shell/index.ts';

export class ProcessOutput {
  readonly #streams = { out: process.stdout, err: process.stderr } as const;
  readonly #waiting = new Set<'out' | 'err'>();
  /** The reader of standard output is gone, so there is no use in going on. */
  readonly closed: Promise<void>;

  constructor() {
    this.closed = new Promise((resolve) => {
      process.stdout.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPIPE') throw error;
        resolve();
      });
    });
    process.stderr.on('error', () => undefined);
  }

  readonly write = (chunk: OutputChunk): void => {
    if (!this.#streams[chunk.stream].write(chunk.data)) this.#waiting.add(chunk.stream);
  };

  /** Waits until streams that were full have room again. */
  async drained(): Promise<void> {
    for (const name of this.#waiting) {
      const stream = this.#streams[name];
      if (stream.writableNeedDrain && !stream.destroyed) await Promise.race([once(stream, 'drain'), this.closed]);
    }
    this.#waiting.clear();
  }

  /** Waits until everything has left this process. */
  async flush(): Promise<void> {
    for (const stream of Object.values(this.#streams)) {
      if (stream.destroyed) continue;
      const written = new Promise<void>((resolve) => void stream.write('', () => resolve()));
      await Promise.race([written, this.closed]);
    }
  }
}
