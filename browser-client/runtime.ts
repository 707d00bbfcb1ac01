/** The host of the SDK as one object: a browser or Node here, the simulated cluster in `testing.ts`. */

import type { Clock, Random } from '../core/base/ports.ts';
import type { Client } from '../core/client/client.ts';
import type { ClientPorts } from '../core/client/options.ts';
import type { Transport } from '../core/base/ports.ts';
import { codecs, inNode, soon } from './host.ts';
import type { Codecs } from './host.ts';

/** Ticks one engine. */
export interface Ticker {
  /** The engine has work, so the next tick must come soon. */
  hurry(): void;
  stop(): void;
}

export interface Runtime {
  readonly ports: ClientPorts;
  readonly codecs: Codecs;
  /** `superjson` in a browser, `binary` in Node. */
  readonly codec: 'binary' | 'superjson';
  /** True in Node. A browser may know only one address for all nodes. */
  readonly followRedirects: boolean;
  drive(engine: Client): Ticker;
  /** Calls `listener` when the host may have slept or changed networks, until the returned function is called. */
  onWake(listener: () => void): () => void;
  /** One promise more (1) or less (-1) waits for the cluster. A host with virtual time runs only while some wait. */
  waiting(change: 1 | -1): void;
  /** As {@link waiting}, for promises that wait for something that may never happen. */
  listening(change: 1 | -1): void;
  /** Resolves when everything that was handed to sockets has left. */
  drained(): Promise<void>;
}

const busyTickMs = 15;
/** It is short enough for the engine to see that its host was not asleep. */
const idleTickMs = 200;

class TimerTicker implements Ticker {
  readonly #engine: Client;
  #timer: ReturnType<typeof setTimeout>;
  #idle = false;
  #stopped = false;

  constructor(engine: Client) {
    this.#engine = engine;
    this.#timer = setTimeout(this.#tick, busyTickMs);
  }

  hurry(): void {
    if (!this.#idle || this.#stopped) return;
    this.#idle = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#tick, busyTickMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  readonly #tick = (): void => {
    // The next tick is planned first, so that an error in this one does not end the ticks.
    this.#idle = this.#engine.state === 'ready' && this.#engine.outstanding === 0;
    const leftMs = this.#engine.look();
    this.#timer = setTimeout(this.#tick, this.#idle ? Math.min(idleTickMs, leftMs) : busyTickMs);
    this.#engine.tick();
    if (this.#stopped) clearTimeout(this.#timer);
  };
}

class HostClock implements Clock {
  now(): number {
    return Math.floor(performance.now());
  }

  wall(): number {
    return Date.now();
  }

  readonly soon = soon;
}

class HostRandom implements Random {
  uint32(): number {
    return crypto.getRandomValues(new Uint32Array(1))[0]!;
  }

  below(limit: number): number {
    // It is used for waits and for the order of addresses, which need not be secret.
    return Math.floor(Math.random() * limit);
  }

  bytes(count: number): Uint8Array {
    return crypto.getRandomValues(new Uint8Array(count));
  }
}

/** The sockets of the user, or of the host. */
export interface HostTransport extends Transport {
  drained?(): Promise<void>;
}

export function hostRuntime(transport: HostTransport): Runtime {
  return {
    ports: { transport, clock: new HostClock(), random: new HostRandom(), alarms: new Set() },
    codecs,
    codec: inNode ? 'binary' : 'superjson',
    followRedirects: inNode,
    drive: (engine) => new TimerTicker(engine),
    onWake: onPageWake,
    waiting: () => undefined,
    listening: () => undefined,
    drained: () => transport.drained?.() ?? Promise.resolve(),
  };
}

/** A page that is shown again, thawed, or told of a network may hold a connection that died while its timers slept. */
function onPageWake(listener: () => void): () => void {
  const targets: readonly (readonly [EventTarget | undefined, readonly string[]])[] = [
    [(globalThis as { document?: Document }).document, ['visibilitychange', 'resume']],
    [(globalThis as { window?: Window }).window, ['online', 'offline', 'pageshow']],
  ];
  for (const [target, events] of targets) for (const event of events) target?.addEventListener(event, listener);
  return () => {
    for (const [target, events] of targets) for (const event of events) target?.removeEventListener(event, listener);
  };
}
