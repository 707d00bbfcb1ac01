/**
 * `haret/react`: hooks over `useSyncExternalStore`. On a server they render that nothing is known yet (`loading`,
 * `connecting`). They begin to watch when a component is mounted.
 *
 * @module haret/react
 */

import { useRef, useSyncExternalStore } from 'react';
import type { Election, Term } from './claims/election.ts';
import type { Hold } from './claims/hold.ts';
import { Keeper, stateOff } from './claims/keeper.ts';
import type { HoldState } from './claims/keeper.ts';
import type { Lock } from './claims/lock.ts';
import { directory, live as liveOf, liveKey } from './core.ts';
import type { CoreHaret } from './haret.ts';
import type { LiveNode } from './kinds/directory.ts';
import type { HasLive, Live, LiveState } from './live.ts';
import type { CoreNamespace } from './namespace.ts';
import type { ConnectionState } from './options.ts';

import { LeaderStore, leaderUnknown } from './claims/leader-store.ts';
import type { LeaderState } from './claims/leader-store.ts';

export type { HasLive, HoldState, LeaderState };

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

/** Options of {@link useLock} and {@link useCampaign}. */
export interface KeepOptions {
  /** Whether to ask for it now. Default true. When it becomes false, what is held is given up. */
  readonly enabled?: boolean | undefined;
}

/** Options of {@link useLock}. */
export interface UseLockOptions extends KeepOptions {
  /** Hold it together with others who share it. Default: alone. */
  readonly shared?: boolean | undefined;
  /** The lease, in milliseconds. Default 10,000. */
  readonly leaseMs?: number | undefined;
}

interface Kept {
  readonly namespace: CoreNamespace;
  readonly key: string;
  readonly subscribe: Subscribe;
  readonly state: () => HoldState<Hold>;
}

function useKept<H extends Hold>(
  { namespace, path }: { readonly namespace: CoreNamespace; readonly path: string },
  how: string,
  enabled: boolean,
  acquire: (signal: AbortSignal) => Promise<H>,
): HoldState<H> {
  const held = useRef<Kept | null>(null);
  const key = `${enabled ? 'on' : 'off'} ${how} ${path}`;
  if (held.current?.namespace !== namespace || held.current.key !== key) {
    const keeper = new Keeper(acquire);
    held.current = enabled
      ? { namespace, key, subscribe: (listener) => keeper.subscribe(listener), state: () => keeper.state }
      : { namespace, key, subscribe: nothing, state: stateOff };
  }
  return useSyncExternalStore(held.current.subscribe, held.current.state, stateOff) as HoldState<H>;
}

const nothing: Subscribe = () => () => undefined;

/**
 * Holds a lock while the component is mounted: `{ status, hold, error }`. When it is lost, the component is told, and
 * stands in line again. You may make the handle again at each render.
 *
 * @example
 * const { status, hold } = useLock(ns.lock('/docs/7'), { enabled: editing });
 */
export function useLock(lock: Lock, options: UseLockOptions = {}): HoldState<Hold> {
  const { enabled = true, shared = false, leaseMs } = options;
  const how = `${shared ? 'shared' : 'alone'} ${leaseMs ?? ''}`;
  return useKept(lock, how, enabled, (signal) => lock.acquire({ shared, leaseMs, signal }));
}

/**
 * Stands for an election while the component is mounted: `{ status, hold, error }`, where `hold` is the term in office.
 * Others see the value of the first render, until `hold.proclaim` replaces it.
 */
export function useCampaign<Out, In = Out>(
  election: Election<Out, In>,
  value: In,
  { enabled = true }: KeepOptions = {},
): HoldState<Term<Out, In>> {
  return useKept(election, 'campaign', enabled, (signal) => election.campaign({ value, signal }));
}

/** Who leads, kept up to date: `{ status, leader, error }`. You may make the handle again at each render. */
export function useLeader<Out>(election: Election<Out, never>): LeaderState<Out> {
  const held = useRef<{
    readonly namespace: CoreNamespace;
    readonly path: string;
    readonly store: LeaderStore<Out>;
    readonly subscribe: Subscribe;
  } | null>(null);
  const { namespace, path } = election;
  if (held.current?.namespace !== namespace || held.current.path !== path) {
    const store = new LeaderStore(election);
    held.current = { namespace, path, store, subscribe: (listener) => store.subscribe(listener) };
  }
  const { store, subscribe } = held.current;
  return useSyncExternalStore<LeaderState<Out>>(subscribe, () => store.state, leaderUnknown);
}
