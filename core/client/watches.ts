/**
 * The client's half of subscriptions (architecture §5). A watch is open until it is cancelled, over reconnects, moves
 * and restarts of every node. It begins again after the last op up to which it has everything, so that nothing is told
 * twice and nothing is left out.
 */

import type { ErrorInfo } from '../base/errors.ts';
import { MalformedError, errorInfo } from '../base/errors.ts';
import type { NamespaceId, Op } from '../base/ids.ts';
import type { Clock } from '../base/ports.ts';
import type { Change, WatchEvent } from '../service/events.ts';
import type { Outgoing } from '../wire/api-client.ts';
import type { WatchFrom } from '../wire/api.ts';
import type { Incoming } from '../wire/server-messages.ts';
import { consistencyOf } from './api-dialect.ts';
import { notEntered } from './client.ts';
import type { Client } from './client.ts';
import type { ClientOptions, ClientPorts, ReadConsistency } from './options.ts';
import type { ClientPart, PartHost, PartMessage } from './part.ts';

export interface WatchOptions {
  /** Watch everything beneath the path too. */
  readonly subtree?: boolean;
  /**
   * Where it begins. `now`, the default: with what is committed from here on. `snapshot`: with the present state,
   * followed by its changes. `after` an op: with everything after it, to continue where another watch ended. The op may
   * still be in the future.
   */
  readonly from?: 'now' | 'snapshot' | { readonly after: number };
  /** Changes come with the values that were put, pushed, inserted and so on. Otherwise they only have versions. */
  readonly values?: boolean;
  /** The watch ends by itself after the first event. */
  readonly oneshot?: boolean;
  /**
   * How a slow reader gets what it missed. It is told in full as long as it is remembered. After that it is replaced by
   * a snapshot (`reset`), or it is folded into the present state of each path (`fold`).
   */
  readonly slow?: 'reset' | 'fold';
  /**
   * The consistency of the beginning, now or with a snapshot. The default is `linearizable`. A local one needs no
   * primary.
   */
  readonly consistency?: ReadConsistency;
}

/** The messages of a watch to its handler. */
export type WatchTold =
  /** It has begun. Everything that is committed after this op will be told. This comes once. */
  | { readonly kind: 'begun'; readonly op: Op }
  /**
   * A page of the state after `op`, as changes that create it. With `first`, everything known before is void. It is the
   * snapshot that was asked for, or that snapshot again because its connection broke, or (`reset`) it replaces events
   * that are no longer remembered.
   */
  | ({ readonly kind: 'snapshot' } & Omit<Extract<Incoming, { kind: 'snapshot' }>, 'kind' | 'id'>)
  | ({ readonly kind: 'event' } & WatchEvent)
  /** Nothing else happened up to `op`. */
  | { readonly kind: 'progress'; readonly op: Op }
  /** It is over. The error is null after the one event of a oneshot watch. This comes last. */
  | { readonly kind: 'ended'; readonly error: ErrorInfo | null };
export type { Change, WatchEvent };

export interface WatchHandle {
  /** Ends the watch. Nothing more is told. */
  cancel(): void;
  /**
   * Asks the node to pause until {@link resume}. Messages that were under way are still told, and a snapshot is told to
   * its end.
   */
  pause(): void;
  resume(): void;
}

/**
 * Watches `path` in the namespace that `client` entered, until the watch is cancelled or `ended` was told. It survives
 * failures of nodes and connections. Each committed change is told once and in order (protocol §9.7).
 */
export function watch(
  client: Client,
  path: string,
  options: WatchOptions,
  handler: (told: WatchTold) => void,
): WatchHandle {
  const watches = client.part(Watches);
  let error = errorInfo('NotInNamespace', notEntered);
  try {
    const { namespace } = client;
    if (client.state === 'closed') error = errorInfo('Closed', 'the client was closed');
    else if (namespace !== null) return watches.open(namespace.id, path, options, handler);
  } catch (problem) {
    if (!(problem instanceof MalformedError)) throw problem;
    error = errorInfo('BadArgument', problem.message);
  }
  return endedWatch(watches.clock, error, handler);
}

/** A watch that never began. Its end is told at the end of this turn. */
export function endedWatch(clock: Clock, error: ErrorInfo, handler: (told: WatchTold) => void): WatchHandle {
  let cancelled = false;
  clock.soon(() => {
    if (!cancelled) handler({ kind: 'ended', error });
  });
  return { cancel: () => void (cancelled = true), pause: () => undefined, resume: () => undefined };
}

class ClientWatch {
  readonly namespaceId: NamespaceId;
  readonly path: string;
  readonly options: WatchOptions;
  readonly handler: (told: WatchTold) => void;
  /** Its id at the node that serves it, or 0 while no node does. */
  id = 0;
  /** Everything up to this op was told. Null until that is known. */
  position: number | null = null;
  begun = false;
  answered = false;
  askedAtMs = 0;
  /** When it is asked again. Null: not by itself. */
  retryAtMs: number | null = null;
  failures = 0;
  /** True in the middle of a snapshot. */
  paging = false;
  /** A snapshot was begun and not told to its end. Only another snapshot can follow. */
  torn = false;
  /** The snapshot replaces events, and so does the one that follows it. */
  resetting = false;
  paused = false;

  constructor(namespaceId: NamespaceId, path: string, options: WatchOptions, handler: (told: WatchTold) => void) {
    this.namespaceId = namespaceId;
    this.path = path;
    this.options = options;
    this.handler = handler;
  }

  get from(): WatchFrom {
    if (this.torn) return { kind: 'snapshot' };
    if (this.position !== null) return { kind: 'after', op: this.position };
    const { from = 'now' } = this.options;
    return typeof from === 'string' ? { kind: from } : { kind: 'after', op: from.after };
  }

  /** The message that begins it, from its present state. */
  message(id: number): Outgoing {
    const { namespaceId, path, options, from } = this;
    const { subtree = false, values = false, oneshot = false, slow = 'reset' } = options;
    const consistency = consistencyOf(options.consistency);
    return { kind: 'watch', id, namespaceId, path, subtree, from, values, oneshot, slow, consistency };
  }
}

export class Watches implements ClientPart {
  readonly #ports: ClientPorts;
  readonly #options: ClientOptions;
  readonly #host: PartHost;
  readonly #all = new Set<ClientWatch>();
  readonly #byId = new Map<number, ClientWatch>();

  constructor(host: PartHost) {
    this.#ports = host.ports;
    this.#options = host.options;
    this.#host = host;
  }

  get size(): number {
    return this.#all.size;
  }

  get clock(): Clock {
    return this.#ports.clock;
  }

  /** @throws MalformedError for values that no message can hold. */
  open(namespaceId: NamespaceId, path: string, options: WatchOptions, handler: (told: WatchTold) => void): WatchHandle {
    const watch = new ClientWatch(namespaceId, path, options, handler);
    this.#options.codec.check(watch.message(0));
    this.#all.add(watch);
    if (this.#host.connected()) this.#ask(watch);
    return {
      cancel: () => {
        if (!this.#all.delete(watch)) return;
        this.#silence(watch);
      },
      pause: () => {
        watch.paused = true;
        this.#rest(watch);
      },
      resume: () => {
        if (!watch.paused) return;
        watch.paused = false;
        if (watch.id === 0 && this.#all.has(watch) && this.#host.connected()) this.#ask(watch);
      },
    };
  }

  #ask(watch: ClientWatch): void {
    const id = this.#host.newId();
    watch.id = id;
    watch.answered = false;
    watch.paging = false;
    watch.retryAtMs = null;
    watch.askedAtMs = this.#ports.clock.now();
    this.#byId.set(id, watch);
    this.#host.send(watch.message(id));
  }

  /** Tells the node to end it, for now or for good. */
  #silence(watch: ClientWatch): void {
    watch.retryAtMs = null;
    if (watch.id === 0) return;
    this.#byId.delete(watch.id);
    if (this.#host.connected()) this.#host.send({ kind: 'unwatch', id: watch.id });
    watch.id = 0;
  }

  /** A pause begins only where the watch can be resumed without repeating anything. */
  #rest(watch: ClientWatch): void {
    if (watch.paused && !watch.paging && watch.position !== null) this.#silence(watch);
  }

  /** There is a connection, the first or another one. All watches begin there, each after what it was told. */
  connected(): void {
    this.#byId.clear();
    for (const watch of this.#all) {
      watch.id = 0;
      if (!watch.paused || watch.position === null) this.#ask(watch);
    }
  }

  disconnected(): void {
    this.#byId.clear();
    for (const watch of this.#all) {
      watch.id = 0;
      watch.retryAtMs = null;
    }
  }

  tick(nowMs: number): void {
    const { resendMs } = this.#options;
    for (const watch of this.#all) {
      if (watch.id === 0) {
        if (watch.retryAtMs !== null && nowMs >= watch.retryAtMs) this.#ask(watch);
      } else if (!watch.answered && nowMs - watch.askedAtMs >= resendMs * 4) {
        // This is longer than a node waits for its primary. The question or its answer was lost between nodes.
        this.#silence(watch);
        this.#ask(watch);
      }
    }
  }

  receive(message: PartMessage): void {
    if (message.kind === 'notice') return;
    const watch = this.#byId.get(message.id);
    // The watch was cancelled, or began again elsewhere. The message is late, and is told again there if it matters.
    if (watch === undefined) return;
    switch (message.kind) {
      case 'watching':
        return this.#began(watch, message.op);
      case 'event':
        return this.#happened(watch, message.event);
      case 'snapshot':
        return this.#paged(watch, message);
      case 'progress':
        if (message.op <= (watch.position ?? 0)) return;
        watch.position = message.op;
        return watch.handler({ kind: 'progress', op: message.op });
    }
  }

  #began(watch: ClientWatch, op: Op): void {
    watch.answered = true;
    watch.failures = 0;
    // A snapshot that breaks off before its last page is begun again.
    if (watch.from.kind === 'snapshot') watch.paging = true;
    else watch.position ??= op;
    if (!watch.begun) {
      watch.begun = true;
      watch.handler({ kind: 'begun', op });
    }
    this.#rest(watch);
  }

  #paged(watch: ClientWatch, message: Extract<Incoming, { kind: 'snapshot' }>): void {
    const { op, first, last, changes } = message;
    const reset = message.reset || watch.resetting;
    watch.paging = watch.torn = !last;
    watch.resetting = reset && !last;
    if (last) watch.position = op;
    const over = last && reset && watch.options.oneshot === true;
    if (over) this.#forget(watch);
    watch.handler({ kind: 'snapshot', op, reset, first, last, changes });
    if (over) watch.handler({ kind: 'ended', error: null });
    else this.#rest(watch);
  }

  #happened(watch: ClientWatch, event: WatchEvent): void {
    if (event.op <= (watch.position ?? 0)) {
      this.#host.violation(`told op ${event.op} to a watch that was at ${watch.position ?? 0}`);
      return;
    }
    watch.position = event.op;
    const over = watch.options.oneshot === true;
    if (over) this.#forget(watch);
    watch.handler({ kind: 'event', ...event });
    if (over) watch.handler({ kind: 'ended', error: null });
  }

  /** Returns true when `id` was a watch. The error is then for that watch. */
  refused(id: number, error: ErrorInfo): boolean {
    const watch = this.#byId.get(id);
    if (watch === undefined) return false;
    this.#byId.delete(id);
    watch.id = 0;
    if (error.retryable) {
      const { retryMs, retryMaxMs } = this.#options;
      const wait = Math.min(retryMaxMs, retryMs * 2 ** Math.min(watch.failures++, 16));
      watch.retryAtMs = this.#ports.clock.now() + wait + this.#ports.random.below(wait + 1);
    } else {
      this.#end(watch, error);
    }
    return true;
  }

  close(): void {
    for (const watch of [...this.#all]) this.#end(watch, errorInfo('Closed', 'the client was closed'));
  }

  #forget(watch: ClientWatch): void {
    this.#all.delete(watch);
    this.#byId.delete(watch.id);
    watch.id = 0;
  }

  #end(watch: ClientWatch, error: ErrorInfo): void {
    this.#forget(watch);
    watch.handler({ kind: 'ended', error });
  }
}
