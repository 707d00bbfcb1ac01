/**
 * The light load, in a process of its own, so that an attacker's work does not slow it down: a client at each node puts
 * and gets at a steady rate, and another one watches what all of them put. Prints a line of JSON for each answer, with
 * the time since it was due: who waits for a turn waits as well.
 */

import { connect, text } from '../../../browser-client/index.ts';
import type { Haret } from '../../../browser-client/index.ts';
import { HaretError } from '../../../core/base/errors.ts';

export interface LoadOptions {
  /** The addresses of each node's clients, its own first. */
  readonly urls: readonly (readonly string[])[];
  readonly namespace: string;
  /** Puts, and as many gets, of each client in a second. */
  readonly perSecond: number;
  readonly callTimeoutMs: number;
}

export type LoadKind = 'put' | 'get' | 'watch';

export type LoadLine =
  | {
      readonly kind: LoadKind;
      /** The index of the node whose client it is. */
      readonly node: number;
      /** When it was due, in milliseconds since 1970. */
      readonly due: number;
      readonly ms: number;
      /** '' when it was done. */
      readonly words: string;
    }
  | {
      readonly kind: 'settled';
      /** Everything that was due before this has been answered, and told to each watch. */
      readonly before: number;
    };

const { urls, namespace, perSecond, callTimeoutMs } = JSON.parse(process.argv[2]!) as LoadOptions;
const settledEveryMs = 200;
/** What a watch has not told in this time counts as not told. */
const watchLimitMs = 10_000;

function say(line: LoadLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const underWay = new Set<{ readonly due: number }>();
/** For each watch and writer, what was put and not told yet, the oldest first. */
const untold = urls.map(() => urls.map((): { readonly number: number; readonly due: number }[] => []));
const pathOf = (writer: number): string => `/light/n${writer}`;

function told(watcher: number, writer: number, number: number): void {
  const waiting = untold[watcher]![writer]!;
  while (waiting.length > 0 && waiting[0]!.number <= number) {
    const { due } = waiting.shift()!;
    say({ kind: 'watch', node: watcher, due, ms: Date.now() - due, words: '' });
  }
}

async function client(node: number): Promise<Haret> {
  // Where nodes forward, a client stays where it is while that node serves.
  return connect({ urls: urls[node]!, followRedirects: false, callTimeoutMs, timeoutMs: 30_000 });
}

async function watch(node: number): Promise<void> {
  const haret = await client(node);
  for await (const event of haret.namespace(namespace).watch('/light', { from: 'snapshot' })) {
    for (const { path, value } of event.changes) {
      const writer = Number(/n(\d+)$/.exec(path)?.[1] ?? -1);
      if (writer >= 0 && value !== null) told(node, writer, Number(text.decode(value)));
    }
  }
}

async function one(kind: 'put' | 'get', node: number, due: number, work: () => Promise<unknown>): Promise<void> {
  const pending = { due };
  underWay.add(pending);
  let words = '';
  try {
    await work();
  } catch (error) {
    if (!(error instanceof HaretError)) throw error;
    words = `${error.code} (${error.outcome}): ${error.message}`;
  }
  underWay.delete(pending);
  say({ kind, node, due, ms: Date.now() - due, words });
}

async function write(node: number): Promise<void> {
  const haret = await client(node);
  const blob = haret.namespace(namespace).blob(pathOf(node), text);
  await blob.put('0');
  const everyMs = 1000 / perSecond;
  let number = 0;
  // The clients take turns, so that the load is steady.
  const began = Date.now() + (everyMs * node) / urls.length;
  setInterval(() => {
    for (; began + number * everyMs <= Date.now(); number++) {
      const due = began + number * everyMs;
      const put = number + 1;
      for (const waiting of untold) waiting[node]!.push({ number: put, due });
      void one('put', node, due, () => blob.put(String(put)));
      void one('get', node, due, () => blob.get());
    }
  }, 5);
}

await Promise.all(urls.map((_, node) => write(node)));
for (const node of urls.keys()) void watch(node);
setInterval(() => {
  const now = Date.now();
  for (const [node, writers] of untold.entries()) {
    for (const waiting of writers) {
      while (waiting.length > 0 && now - waiting[0]!.due > watchLimitMs) {
        const { due } = waiting.shift()!;
        say({ kind: 'watch', node, due, ms: now - due, words: 'a watch did not tell what was put' });
      }
    }
  }
  let before = now;
  for (const { due } of underWay) before = Math.min(before, due);
  for (const writers of untold) for (const waiting of writers) before = Math.min(before, waiting[0]?.due ?? now);
  say({ kind: 'settled', before });
}, settledEveryMs);
