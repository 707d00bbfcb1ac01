/** How long a write takes to reach everyone who watches its key: many connections to one node, a watch on each. */

import { utf8 } from '../core/base/bytes.ts';
import type { Frame, Link } from '../core/base/ports.ts';
import { apiClientCodec } from '../core/wire/api-codecs.ts';
import type { ClientMessage } from '../core/wire/api.ts';
import { apiProtocol, apiSubprotocols } from '../core/wire/api.ts';
import * as closeCodes from '../core/wire/close-codes.ts';
import { WebSocketTransport } from '../node-server/ws-transport.ts';
import { benchNamespace } from './bare-haret-client.ts';
import { connectEngine } from './engine-haret-client.ts';
import { keyName } from './target.ts';

export const watchCodecs = ['binary', 'superjson'] as const;
export type WatchCodec = (typeof watchCodecs)[number];

export interface WatchPlan {
  readonly address: string;
  readonly codec: WatchCodec;
  readonly watchers: number;
  readonly writes: number;
  readonly warmupWrites: number;
}

export interface WatchTimes {
  /** From asking for each write until the last watcher had it. */
  readonly allToldMs: readonly number[];
  /** The same, until half of them had it. */
  readonly halfToldMs: readonly number[];
}

const maxFrameBytes = 4 * 1024 * 1024;
const watchedKey = 8_000_000;
const patienceMs = 10_000;
const pauseMs = 20;
const dialAtOnce = 100;

/**
 * One connection with one watch. It looks at what it reads no more than needed, so that we do not measure the reader.
 */
class Watcher {
  readonly begun: Promise<void>;
  readonly #link: Link;

  constructor(transport: WebSocketTransport, plan: WatchPlan, told: () => void) {
    const subprotocol = apiSubprotocols[plan.codec];
    const codec = apiClientCodec(subprotocol);
    let link: Link | null = null;
    let watching = false;
    this.begun = new Promise((resolve, reject) => {
      const send = (message: ClientMessage): void => link!.send(codec.encode([message]));
      const onFrame = (frame: Frame): void => {
        if (watching) {
          if (isEvent(frame)) told();
          return;
        }
        for (const message of codec.decode(frame)) {
          if (message.kind === 'welcome') send({ kind: 'enter', id: 1, namespace: benchNamespace });
          else if (message.kind === 'entered') send(watchOf(message.namespaceId));
          else if (message.kind === 'watching') {
            watching = true;
            resolve();
          } else reject(new Error(`a watcher was told ${message.kind}`));
        }
      };
      link = transport.dial(plan.address, subprotocol, {
        onOpen: () => send({ kind: 'hello', protocol: apiProtocol, client: 'haret bench' }),
        onFrame,
        onClose: (code, reason) => reject(new Error(`a watcher's connection was closed: ${code} ${reason}`)),
      });
    });
    this.#link = link!;
  }

  close(): void {
    this.#link.close(closeCodes.normal, 'done');
  }
}

function watchOf(namespaceId: number): ClientMessage {
  return {
    kind: 'watch',
    id: 2,
    namespaceId,
    path: keyName(watchedKey),
    subtree: false,
    from: { kind: 'now' },
    values: true,
    oneshot: false,
    slow: 'reset',
    consistency: { kind: 'linearizable' },
  };
}

/** A list of one message, an event. A test compares its number with the schema. */
export const eventTag = 9;

export function isEvent(frame: Frame): boolean {
  return typeof frame === 'string' ? frame.startsWith('{"json":[{"kind":"event"') : frame[1] === eventTag;
}

export async function measureFanOut(plan: WatchPlan): Promise<WatchTimes> {
  const transport = new WebSocketTransport({ maxFrameBytes });
  const writer = await connectEngine(plan.address);
  const value = utf8('v'.repeat(256));
  const write = (kind: 'create' | 'put'): Promise<void> =>
    new Promise((resolve, reject) =>
      writer[kind](keyName(watchedKey), value, (error) => (error === null ? resolve() : reject(error))),
    );
  await write('create');
  let told = 0;
  let onTold: () => void = () => undefined;
  const watchers: Watcher[] = [];
  try {
    while (watchers.length < plan.watchers) {
      const some = Array.from({ length: Math.min(dialAtOnce, plan.watchers - watchers.length) }, () => {
        return new Watcher(transport, plan, () => {
          told++;
          onTold();
        });
      });
      watchers.push(...some);
      await Promise.all(some.map((one) => one.begun));
    }
    const allToldMs: number[] = [];
    const halfToldMs: number[] = [];
    for (let i = -plan.warmupWrites; i < plan.writes; i++) {
      told = 0;
      const startedAt = performance.now();
      let half = 0;
      const all = new Promise<number>((resolve, reject) => {
        const limit = setTimeout(() => reject(new Error(`${told} of ${plan.watchers} were told`)), patienceMs);
        onTold = () => {
          if (told === plan.watchers >> 1) half = performance.now() - startedAt;
          if (told < plan.watchers) return;
          clearTimeout(limit);
          resolve(performance.now() - startedAt);
        };
      });
      const [tookMs] = await Promise.all([all, write('put')]);
      if (i >= 0) {
        allToldMs.push(tookMs);
        halfToldMs.push(half);
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    return { allToldMs, halfToldMs };
  } finally {
    for (const watcher of watchers) watcher.close();
    writer.close();
  }
}
