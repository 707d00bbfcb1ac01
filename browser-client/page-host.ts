/** What a page has of its own. It speaks text, which its debugger shows too. */

import { textApi } from '../core/wire/api-client-text.ts';
import type { Codecs } from './host.ts';
import type { WebSocketConstructor } from './websocket.ts';

export const inNode = false;

export const codecs: Codecs = { superjson: textApi };

// A program without one can still make handles, and a client over a transport of its own.
export const HostWebSocket = globalThis.WebSocket as WebSocketConstructor;

export const socketOptions = undefined;

const works: (() => void)[] = [];
let channel: MessageChannel | null = null;

/** Runs `work` in a task of its own, by a message to itself: those come without the delay that timers have in hidden pages. */
export function soon(work: () => void): void {
  if (channel === null) {
    channel = new MessageChannel();
    channel.port1.onmessage = () => works.shift()!();
  }
  works.push(work);
  channel.port2.postMessage(null);
}
