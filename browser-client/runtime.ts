/** The world that the SDK runs in, as one object: a browser or Node here, the simulated cluster in `testing.ts`. */

import type { Clock, Random } from '../core/base/ports.ts';
import type { Client } from '../core/client/client.ts';
import type { ClientPorts } from '../core/client/options.ts';
import type { Transport } from '../core/base/ports.ts';
import { codecs, inNode, soon } from './host.ts';
import type { Codecs } from './host.ts';

/** What keeps one engine going. */
export interface Ticker {
  /** The engine has something to do: do not sleep long. */
  hurry(): void;
  stop(): void;
}

export interface Runtime {
  readonly ports: ClientPorts;
  readonly codecs: Codecs;
  /** Text where the peer is a browser's, binary in Node. */
  readonly codec: 'binary' | 'superjson';
  /** Node goes to the primary's node; a browser may know one address for all. */
  readonly followRedirects: boolean;
  drive(engine: Client): Ticker;
  /** Calls `listener` when the host may have slept or changed networks, until the function that is returned is called. */
  onWake(listener: () => void): () => void;
  /** One promise more (1) or less (-1) waits for the cluster: a world whose time is virtual runs only then. */
  waiting(change: 1 | -1): void;
  /** The same of who waits to be told something that may never happen. */
  listening(change: 1 | -1): void;
  /** Resolves when what was handed over to sockets has left. */
  drained(): Promise<void>;
}

const busyTickMs = 15;
/** Short enough for the engine to see that its host was not asleep. */
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
    // The next one is planned first, so that an error in this one does not end them all.
    this.#idle = this.#engine.state === 'ready' && this.#engine.outstanding === 0;
    this.#timer = setTimeout(this.#tick, this.#idle ? idleTickMs : busyTickMs);
    this.#engine.tick();
    if (this.#stopped) clearTimeout(this.#timer);
  };
}

class HostClock implements Clock {
  now(): number {
    return Math.floor(performance.now());
  }

  readonly soon = soon;
}

class HostRandom implements Random {
  uint32(): number {
    return crypto.getRandomValues(new Uint32Array(1))[0]!;
  }

  below(limit: number): number {
    // For waits and for the order of addresses, of which nobody has anything to guess.
    return Math.floor(Math.random() * limit);
  }

  bytes(count: number): Uint8Array {
    return crypto.getRandomValues(new Uint8Array(count));
  }
}

/** Sockets as the user's, or as the host has them. */
export interface HostTransport extends Transport {
  drained?(): Promise<void>;
}

export function hostRuntime(transport: HostTransport): Runtime {
  return {
    ports: { transport, clock: new HostClock(), random: new HostRandom() },
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
