/** What a program does to itself with the package: it asks everything at once, reads no watch, and closes when nobody is there. */

import { bytes, connect, text } from '../../../browser-client/index.ts';
import { HaretError } from '../../../core/base/errors.ts';

export interface ClientOptions {
  readonly urls: readonly string[];
  readonly namespace: string;
  readonly calls: number;
  readonly updates: number;
  readonly watches: number;
  readonly values: number;
}

export interface ClientReport {
  readonly done: number;
  /** How often each refusal was heard. */
  readonly refused: Readonly<Record<string, number>>;
  readonly callsMs: number;
  readonly callbacks: number;
  readonly updatesDone: number;
  readonly updatesMs: number;
  readonly peakMiB: number;
}

const { urls, namespace: name, calls, updates, watches, values } = JSON.parse(process.argv[2]!) as ClientOptions;
// It stays where the lines are that can be cut.
const haret = await connect({ urls, followRedirects: false, timeoutMs: 30_000, callTimeoutMs: 30_000 });
const namespace = haret.namespace(name);

let began = performance.now();
const refused: Record<string, number> = {};
const settled = await Promise.allSettled(
  Array.from({ length: calls }, (_, i) => namespace.blob(`/burst/k${i % 1000}`, text).put(`v${i}`)),
);
for (const one of settled) {
  if (one.status === 'fulfilled') continue;
  const code =
    one.reason instanceof HaretError
      ? `${one.reason.code}: ${one.reason.message.replace(/\d+/g, 'N')}`
      : String(one.reason);
  refused[code] = (refused[code] ?? 0) + 1;
}
const done = settled.filter(({ status }) => status === 'fulfilled').length;
const callsMs = performance.now() - began;

began = performance.now();
let callbacks = 0;
const blob = namespace.blob('/burst/updated', text);
await blob.put('0');
const updated = await Promise.allSettled(
  Array.from({ length: updates }, () =>
    blob.update((value) => {
      callbacks++;
      return String(Number(value ?? 0) + 1);
    }),
  ),
);
const updatesMs = performance.now() - began;

const unread = Array.from({ length: watches }, () => namespace.watch('/burst/large')[Symbol.asyncIterator]());
// It begins, and then nobody asks for more.
for (const iterator of unread) void iterator.next();
const large = namespace.blob('/burst/large', bytes);
for (let i = 0; i < values; i++) await large.put(new Uint8Array(1_000_000).fill(i));

const report: ClientReport = {
  done,
  refused,
  callsMs,
  callbacks,
  updatesDone: updated.filter(({ status }) => status === 'fulfilled').length,
  updatesMs,
  peakMiB: process.resourceUsage().maxRSS / 1024,
};
process.stdout.write(`${JSON.stringify(report)}\n`);
// The one who started this cuts the lines, and then says so.
await new Promise<void>((resolve) => process.once('SIGUSR2', () => resolve()));
await haret.close();
process.stdout.write('closed\n');
