/**
 * The Web Locks API over the whole cluster, so that code written for `navigator.locks` runs unchanged. Its locks are in
 * `/.locks` (coordination §4).
 */

import { base64FromBytes, bytesFromBase64 } from '../../core/base/base64.ts';
import { textOf, utf8, isWellFormed } from '../../core/base/utf8.ts';
import { haretError } from '../../core/base/errors.ts';
import type { KnownClaim } from '../../core/tree/operation.ts';
import { directory } from '../kinds/directory.ts';
import type { CoreNamespace } from '../namespace.ts';
import type { ReadOptions } from '../options.ts';
import { during, functionOf } from './hold.ts';
import type { Hold, WaitOptions } from './hold.ts';
import { Lock } from './lock.ts';

const directoryPath = '/.locks';
/** The base64 of more bytes would be longer than a name may be. */
const maxNameBytes = 190;

/** Options of {@link LockManager.request}. */
export interface LockRequestOptions extends WaitOptions {
  /** `shared`: together with others. Default `exclusive`. */
  readonly mode?: 'exclusive' | 'shared' | undefined;
  /** Do not wait: the callback gets null when the lock is not free. */
  readonly ifAvailable?: boolean | undefined;
  /** Take it from those who hold it, and come before all who wait. */
  readonly steal?: boolean | undefined;
}

/** A lock as the callback of a request gets it. */
export interface GrantedLock<N extends CoreNamespace = CoreNamespace> {
  /** Its name. */
  readonly name: string;
  /** Whether others may share it. */
  readonly mode: 'exclusive' | 'shared';
  /** What `navigator.locks` does not have: the fencing token, the signal of its loss, the guard for transactions. */
  readonly hold: Hold<N>;
}

/** One lock, or one request, in {@link LockManager.query}. */
export interface LockInfo {
  /** Its name. A name of more than 190 bytes is not known, and is undefined. */
  readonly name: string | undefined;
  /** Whether others may share it. */
  readonly mode: 'exclusive' | 'shared';
  /** The session that holds it or waits for it. */
  readonly clientId: string;
}

/** All locks of a namespace that were requested by name. */
export interface LockManagerSnapshot {
  /** Those that are held. */
  readonly held: readonly LockInfo[];
  /** Those who wait. */
  readonly pending: readonly LockInfo[];
}

/** What runs while a lock is held. */
export type LockWork<N extends CoreNamespace, R> = (lock: GrantedLock<N> | null) => R;

/** Locks by name, as `navigator.locks` has them, for all clients of the namespace. */
export class LockManager<N extends CoreNamespace = CoreNamespace> {
  readonly #namespace: N;

  /** @internal Made by `locks`. */
  constructor(namespace: N) {
    this.#namespace = namespace;
  }

  /**
   * Runs `work` while the lock is held. Resolves with its result. As in browsers, `signal` only ends the wait, and then
   * the promise rejects with the reason of the signal.
   * @throws HaretError `Lost` when the lock was lost while `work` ran.
   */
  request<R>(name: string, work: LockWork<N, R>): Promise<Awaited<R>>;
  request<R>(name: string, options: LockRequestOptions, work: LockWork<N, R>): Promise<Awaited<R>>;
  async request<R>(
    name: string,
    options: LockRequestOptions | LockWork<N, R>,
    work?: LockWork<N, R>,
  ): Promise<Awaited<R>> {
    const how: LockRequestOptions = typeof options === 'function' ? {} : options;
    const run = functionOf('request', typeof options === 'function' ? options : work);
    const { mode = 'exclusive', ifAvailable = false, steal = false, signal, ...wait } = how;
    if (!(['exclusive', 'shared'] as unknown[]).includes(mode))
      throw haretError('BadArgument', `mode: expected exclusive or shared, got ${JSON.stringify(mode)}`, {
        field: 'mode',
      });
    refuseTogether(ifAvailable && steal, 'ifAvailable', 'steal');
    refuseTogether(mode === 'shared' && steal, 'shared', 'steal');
    refuseTogether(signal !== undefined && (ifAvailable || steal), 'signal', ifAvailable ? 'ifAvailable' : 'steal');
    const lock = new Lock(this.#namespace, await pathOf(name));
    const asked = { ...wait, signal, shared: mode === 'shared', steal };
    let hold: Hold<N> | undefined;
    try {
      hold = await (ifAvailable ? lock.tryAcquire(asked) : lock.acquire(asked));
    } catch (error) {
      throw signal?.aborted === true ? signal.reason : error;
    }
    if (hold === undefined) return run(null) as Promise<Awaited<R>>;
    return during(hold, (held) => run({ name, mode, hold: held }));
  }

  /** Who holds which lock, and who waits for which. */
  async query(options: ReadOptions = {}): Promise<LockManagerSnapshot> {
    const held: LockInfo[] = [];
    const pending: LockInfo[] = [];
    for await (const { path, name } of directory(this.#namespace, directoryPath).entries(options)) {
      const info = await new Lock(this.#namespace, path).info(options);
      const shown = ({ exclusive, session }: KnownClaim): LockInfo => ({
        name: nameOf(name),
        mode: exclusive ? 'exclusive' : 'shared',
        clientId: String(session),
      });
      for (const one of info?.holders ?? []) held.push(shown(one));
      for (const one of info?.line ?? []) pending.push(shown(one));
    }
    return { held, pending };
  }
}

function refuseTogether(both: boolean, one: string, other: string): void {
  if (both) throw haretError('BadArgument', `${one} and ${other} exclude each other`, { field: one });
}

function base64Url(bytes: Uint8Array): string {
  return base64FromBytes(bytes).replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_');
}

async function pathOf(name: string): Promise<string> {
  if (typeof name !== 'string' || name.startsWith('-') || !isWellFormed(name))
    throw haretError('BadArgument', `not a name of a lock: ${name}`, { field: 'name' });
  // A node has a name of at least one character, and base64 has no dot.
  if (name === '') return `${directoryPath}/.empty`;
  const bytes = utf8(name);
  if (bytes.length <= maxNameBytes) return `${directoryPath}/${base64Url(bytes)}`;
  const hash = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return `${directoryPath}/${base64Url(new Uint8Array(hash))}`;
}

function nameOf(part: string): string | undefined {
  if (part === '.empty') return '';
  const base64 = part.replaceAll('-', '+').replaceAll('_', '/');
  const bytes = bytesFromBase64(base64.padEnd(Math.ceil(base64.length / 4) * 4, '='));
  return bytes === null ? undefined : (textOf(bytes) ?? undefined);
}

/** Locks by name in `namespace`, as `navigator.locks` has them. */
export function locks<N extends CoreNamespace>(namespace: N): LockManager<N> {
  return new LockManager(namespace);
}
