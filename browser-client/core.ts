/**
 * `haret/core`: the same client as functions. A namespace has no methods for its contents. Each is a function that
 * takes the namespace, so that a bundler leaves out of a page everything that the page does not use.
 *
 * @module haret/core
 */

import { openWith, whenReady } from './connect.ts';
import type { CoreHaret } from './haret.ts';
import { CoreNamespace } from './namespace.ts';
import type { NamespaceParts } from './namespace.ts';
import type { ConnectOptions } from './options.ts';

const make = (parts: NamespaceParts): CoreNamespace => new CoreNamespace(parts);

/**
 * Makes a client and returns at once, while it looks for a node. Calls wait for the connection.
 * @throws HaretError `BadArgument` for an invalid address.
 */
export function open(options: ConnectOptions): CoreHaret {
  return openWith(options, make);
}

/**
 * Makes a client and waits until a node has answered.
 * @throws HaretError `NodeUnreachable` with the reason, when none answers within `timeoutMs` (default 10,000).
 * `Interrupted` when `signal` aborts.
 *
 * @example
 * const haret = await connect({ urls: 'ws://127.0.0.1:2002' });
 * const greeting = blob(haret.namespace('test-ns'), '/greeting', text);
 * await greeting.put('hello');
 */
export async function connect(options: ConnectOptions): Promise<CoreHaret> {
  return whenReady(open(options), options);
}

export { bytes, json, superjson, text } from './codecs.ts';
export type { Codec, Issue, StandardSchema, Validated } from './codecs.ts';
export { HaretError } from '../core/base/errors.ts';
export { blob, counter, directory, queue, set } from './kinds/index.ts';
export type { CoreBlob, CoreCounter, CoreDirectory, CoreQueue, CoreSet } from './kinds/index.ts';
export { live, liveKey } from './live.ts';
export type { HasLive } from './live.ts';
export { txn } from './txn.ts';
export { watch } from './watch.ts';
export type { CoreHaret } from './haret.ts';
export type { CoreNamespace } from './namespace.ts';
export type * from './types.ts';
