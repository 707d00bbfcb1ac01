/**
 * `haret/react`: hooks over `useSyncExternalStore`. On a server they render what is not known yet (`loading`, `connecting`); watching
 * begins when a component is on a page.
 *
 * @module haret/react
 */

import { useRef, useSyncExternalStore } from 'react';
import type { Haret } from './haret.ts';
import type { Live, LiveState } from './live.ts';
import type { LiveNode } from './folds.ts';
import type { Namespace } from './namespace.ts';
import type { ConnectionState } from './options.ts';

/** Whatever has a live value: a handle of a blob, counter, set, queue or directory. */
export interface HasLive<T> {
  /** Where it is. */
  readonly path: string;
  /** Its value, kept up to date. */
  live(): Live<T>;
  /** Equal for handles that stand for the same value. */
  readonly liveKey: string;
}

const loading = { status: 'loading', value: undefined, op: 0, error: undefined } as const;
const serverState = (): typeof loading => loading;

/**
 * The value of a handle, kept up to date: `{ status, value, op, error }`. Handles may be made anew at each render; it is the path that
 * counts, and the codec of the first render.
 *
 * @example
 * const { value = [] } = useValue(ns.set('/guests', text));
 */
export function useValue<T>(handle: HasLive<T>): LiveState<T> {
  const held = useRef<{ readonly key: string; readonly live: Live<T>; readonly subscribe: Subscribe } | null>(null);
  if (held.current?.key !== handle.liveKey) {
    const live = handle.live();
    held.current = { key: handle.liveKey, live, subscribe: (listener) => live.subscribe(listener) };
  }
  const { live, subscribe } = held.current;
  return useSyncExternalStore<LiveState<T>>(subscribe, () => live.state, serverState);
}

type Subscribe = (listener: () => void) => () => void;

/** Everything at and beneath a path, kept up to date: a map of nodes by their paths. */
export function useWatch(namespace: Namespace, path = '/'): LiveState<ReadonlyMap<string, LiveNode>> {
  return useValue(namespace.directory(path));
}

/** The state of the connection. */
export function useConnection(haret: Haret): ConnectionState {
  const held = useRef<{ readonly haret: Haret; readonly subscribe: Subscribe } | null>(null);
  if (held.current?.haret !== haret) {
    held.current = { haret, subscribe: (listener) => haret.on('state', listener) };
  }
  return useSyncExternalStore<ConnectionState>(held.current.subscribe, () => haret.state, connecting);
}

const connecting = (): ConnectionState => 'connecting';
