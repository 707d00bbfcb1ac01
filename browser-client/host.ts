/** What the world that the SDK runs in has of its own. A page's bundle is built with `page-host.ts` in the place of this. */

import IsomorphicWebSocket from 'isomorphic-ws';
import { defaultMaxFrameBytes } from '../core/base/limits.ts';
import { TurnWorks } from '../core/base/turn-works.ts';
import { binaryApi } from '../core/wire/api-client-binary.ts';
import { textApi } from '../core/wire/api-client-text.ts';
import type { ClientCodec } from '../core/wire/api-client.ts';
import { soon as soonInPage } from './page-host.ts';
import type { WebSocketConstructor } from './websocket.ts';

export type Codecs = Readonly<Partial<Record<'binary' | 'superjson', ClientCodec>>>;

const globals = globalThis as {
  readonly process?: { readonly versions?: { readonly node?: string } };
  readonly setImmediate?: (work: () => void) => unknown;
};

export const inNode: boolean = globals.process?.versions?.node !== undefined;

/** What a client here can speak. */
export const codecs: Codecs = { binary: binaryApi, superjson: textApi };

/** The browser's own, or ws. */
export const HostWebSocket: WebSocketConstructor = IsomorphicWebSocket;

/** What ws is told of each socket; the standard's WebSockets take no more than two arguments. */
export const socketOptions: object | undefined = inNode
  ? {
      perMessageDeflate: false,
      // Frames of a node that was configured for larger values than usual have to fit too.
      maxPayload: 16 * defaultMaxFrameBytes,
      // Masks keep scripts in browsers from forging what a proxy sees. A program speaks for itself, and zeros spare both ends a pass over every byte.
      generateMask: (mask: Uint8Array) => mask.fill(0),
    }
  : undefined;

const { setImmediate } = globals;
const turns = setImmediate && new TurnWorks((run) => () => setImmediate(run));

/** Runs `work` in a later task, behind what has already arrived. */
export const soon: (work: () => void) => void = inNode && turns !== undefined ? (work) => turns.add(work) : soonInPage;
