/**
 * `haret/react`: hooks over `useSyncExternalStore`. On a server they render that nothing is known yet (`loading`,
 * `connecting`). They begin to watch when a component is mounted.
 *
 * @module haret/react
 */

import { useRef, useSyncExternalStore } from 'react';
import { directory, live as liveOf, liveKey } from './core.ts';
import type { CoreHaret } from './haret.ts';
import type { LiveNode } from './kinds/directory.ts';
import type { HasLive, Live, LiveState } from './live.ts';
import type { CoreNamespace } from './namespace.ts';
import type { ConnectionState } from './options.ts';

export type { HasLive };

const loading = { status: 'loading', value: undefined, op: 0, error: undefined } as const;
const serverState = (): typeof loading => loading;

/**
 * The value of a handle, kept up to date: `{ status, value, op, error }`. You may make the handle again at each render.
 * Only its path matters, and the codec of the first render.
 *
 * @example
 * const { value = [] } = useValue(ns.set('/guests', text));
 */
export function useValue<T>(handle: HasLive<T>): LiveState<T> {
  const held = useRef<{ readonly key: string; readonly live: Live<T>; readonly subscribe: Subscribe } | null>(null);
  const key = liveKey(handle);
  if (held.current?.key !== key) {
    const live = liveOf(handle);
    held.current = { key, live, subscribe: (listener) => live.subscribe(listener) };
  }
  const { live, subscribe } = held.current;
  return useSyncExternalStore<LiveState<T>>(subscribe, () => live.state, serverState);
}

type Subscribe = (listener: () => void) => () => void;

/** Everything at and beneath a path, kept up to date: a map of nodes by their paths. */
export function useWatch(namespace: CoreNamespace, path = '/'): LiveState<ReadonlyMap<string, LiveNode>> {
  return useValue(directory(namespace, path));
}

/** The state of the connection. */
export function useConnection(haret: CoreHaret): ConnectionState {
  const held = useRef<{ readonly haret: CoreHaret; readonly subscribe: Subscribe } | null>(null);
  if (held.current?.haret !== haret) {
    held.current = { haret, subscribe: (listener) => haret.on('state', listener) };
  }
  return useSyncExternalStore<ConnectionState>(held.current.subscribe, () => haret.state, connecting);
}

const connecting = (): ConnectionState => 'connecting';
