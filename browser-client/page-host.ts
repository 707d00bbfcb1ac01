/**
 * The parts of the SDK that depend on its host, for a page. It uses the text codec, which the browser's debugger shows
 * too.
 */

import { textApi } from '../core/wire/api-client-text.ts';
import type { Codecs } from './host.ts';
import type { WebSocketConstructor } from './websocket.ts';

export const inNode = false;

export const codecs: Codecs = { superjson: textApi };

// A program without one can still make handles, and a client over its own transport.
export const HostWebSocket = globalThis.WebSocket as WebSocketConstructor;

export const socketOptions = undefined;

const works: (() => void)[] = [];
let channel: MessageChannel | null = null;

/**
 * Runs `work` in its own task, through a message to itself. Messages come without the delay that timers have in hidden
 * pages.
 */
export function soon(work: () => void): void {
  if (channel === null) {
    channel = new MessageChannel();
    channel.port1.onmessage = () => works.shift()!();
  }
  works.push(work);
  channel.port2.postMessage(null);
}
