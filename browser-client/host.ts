/** The parts of the SDK that depend on its host. A page's bundle is built with `page-host.ts` instead of this file. */

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

/** The codecs that a client can use here. */
export const codecs: Codecs = { binary: binaryApi, superjson: textApi };

/** The browser's own class, or that of ws. */
export const HostWebSocket: WebSocketConstructor = IsomorphicWebSocket;

/** The options of each socket, for ws. The standard's WebSockets take only two arguments. */
export const socketOptions: object | undefined = inNode
  ? {
      perMessageDeflate: false,
      // Frames of a node that is configured for larger values than usual must fit too.
      maxPayload: 16 * defaultMaxFrameBytes,
      // Masks prevent scripts in browsers from choosing the bytes that a proxy sees. A program needs no such
      // protection, and zeros save both ends a pass over every byte.
      generateMask: (mask: Uint8Array) => mask.fill(0),
    }
  : undefined;

const { setImmediate } = globals;
const turns = setImmediate && new TurnWorks((run) => () => setImmediate(run));

/** Runs `work` in a later task, after everything that has already arrived. */
export const soon: (work: () => void) => void = inNode && turns !== undefined ? (work) => turns.add(work) : soonInPage;
