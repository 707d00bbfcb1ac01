/**
 * The program under test of the wire's conformance suite: it takes commands as lines of JSON (docs/wire.md, "A client of your own").
 * `HARET_WIRE_CLIENT` names another program than the example's.
 */

import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from './programs.ts';

const program = process.env['HARET_WIRE_CLIENT'] ?? `node ${join(packageRoot, 'examples/thin-client/client.js')}`;

/** Longer than any test. */
const maxLifeMs = 300_000;

export interface WireReply {
  readonly op: number;
  readonly answer: {
    readonly kind: string;
    readonly result?: object;
    readonly error?: { readonly code: string; readonly outcome: string };
  };
}

export interface WireEvents {
  readonly op: number | null;
  readonly events: readonly { readonly op: number; readonly changes: readonly { readonly number: number }[] }[];
}

/** The program under test, a command at a time. */
export class WireClient {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #answers: AsyncIterator<string>;

  constructor() {
    const [command, ...args] = program.split(' ');
    // One that is forgotten would dial the ports of others that come after it.
    this.#process = spawn(command!, args, { timeout: maxLifeMs, killSignal: 'SIGKILL' });
    this.#process.stderr.pipe(process.stderr);
    this.#answers = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  async do<T = WireReply>(command: object): Promise<T> {
    this.#process.stdin.write(`${JSON.stringify(command)}\n`);
    const answer: IteratorResult<string, unknown> = await this.#answers.next();
    if (answer.done === true) throw new Error('the client under test ended before it answered');
    return JSON.parse(answer.value) as T;
  }

  async enter(urls: readonly string[]): Promise<WireReply> {
    return this.do({ do: 'enter', urls, namespace: 'test-ns' });
  }

  async write(operation: object): Promise<WireReply> {
    return this.do({ do: 'write', operation });
  }

  async writes(operations: readonly object[]): Promise<readonly WireReply[]> {
    return this.do({ do: 'writes', operations });
  }

  async events(watch: number): Promise<WireEvents> {
    return this.do({ do: 'events', watch });
  }

  close(): void {
    this.#process.stdin.end();
  }

  /** Ends it, whatever it still waits for. */
  kill(): void {
    this.#process.kill('SIGKILL');
  }
}
