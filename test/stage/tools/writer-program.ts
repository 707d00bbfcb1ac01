/**
 * A client in a process of its own, for trials. It adds one to a counter again and again, and prints each answer as a
 * line of JSON. It may have an identity, and an event loop that stalls.
 */

import { connect } from '../../../browser-client/index.ts';
import { HaretError } from '../../../core/base/errors.ts';

export interface WriterOptions {
  readonly urls: readonly string[];
  readonly namespace: string;
  readonly path: string;
  readonly clientId?: { readonly id: string; readonly incarnation: string };
  /** For how many milliseconds of each second nothing else runs. */
  readonly stallMs: number;
  readonly callTimeoutMs: number;
}

export interface WriterLine {
  /** Milliseconds since an arbitrary beginning that all processes of the machine share. */
  readonly at: number;
  readonly ok: boolean;
  readonly code: string;
  readonly message: string;
  readonly outcome: string;
  readonly retryable: boolean;
}

const options = JSON.parse(process.argv[2]!) as WriterOptions;
const { urls, namespace, path, clientId, stallMs, callTimeoutMs } = options;
const haret = await connect({
  urls,
  callTimeoutMs,
  timeoutMs: 60_000,
  ...(clientId === undefined ? {} : { clientId }),
});
const counter = haret.namespace(namespace).counter(path);

if (stallMs > 0) {
  setInterval(() => {
    const until = performance.now() + stallMs;
    while (performance.now() < until);
  }, 1000);
}

function say(line: Omit<WriterLine, 'at'>): void {
  process.stdout.write(`${JSON.stringify({ at: Date.now(), ...line })}\n`);
}

for (;;) {
  try {
    await counter.add(1);
    say({ ok: true, code: '', message: '', outcome: '', retryable: false });
  } catch (error) {
    if (!(error instanceof HaretError)) throw error;
    const { code, message, outcome, retryable } = error;
    say({ ok: false, code, message, outcome, retryable });
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
}
