/** Makes clients, with any class of namespaces. */

import { hexFromBytes } from '../core/base/hex.ts';
import { utf8Length } from '../core/base/utf8-length.ts';
import { isWellFormed } from '../core/base/utf8.ts';
import { haretError } from '../core/base/errors.ts';
import type { ClientOptions } from '../core/client/options.ts';
import { CoreHaret, unreachable } from './haret.ts';
import type { MakeNamespace } from './haret.ts';
import type { CoreNamespace } from './namespace.ts';
import type { ConnectOptions, Identity } from './options.ts';
import type { Runtime } from './runtime.ts';
import { hostRuntime } from './runtime.ts';
import { SocketTransport, addressOf } from './websocket.ts';

const defaultCallTimeoutMs = 10_000;

/** Makes a client whose namespaces are made by `make`, and returns at once. @throws HaretError `BadArgument` */
export function openWith<N extends CoreNamespace>(options: ConnectOptions, make: MakeNamespace<N>): CoreHaret<N> {
  const addresses = addressesOf(options);
  const secure = addresses.length > 0 && addresses.every((address) => address.startsWith('wss:'));
  const transport = options.transport ?? new SocketTransport(secure, options.WebSocket);
  return openIn(hostRuntime(transport), addresses, options, make);
}

/** As {@link openWith}, in any runtime. */
export function openIn<N extends CoreNamespace>(
  runtime: Runtime,
  addresses: readonly string[],
  options: Omit<ConnectOptions, 'urls'>,
  make: MakeNamespace<N>,
): CoreHaret<N> {
  const codec = runtime.codecs[options.codec ?? runtime.codec];
  if (codec === undefined) throw haretError('BadArgument', `codec: ${options.codec} is not spoken here`);
  const engine: { -readonly [K in keyof ClientOptions]?: ClientOptions[K] } = {
    followRedirects: options.followRedirects ?? runtime.followRedirects,
    requestTimeoutMs: options.callTimeoutMs ?? defaultCallTimeoutMs,
  };
  if (options.clientId !== undefined) engine.identity = identityOf(options.clientId, runtime);
  const { name } = options;
  if (name !== undefined) {
    if (typeof name !== 'string' || utf8Length(name) > maxNameBytes) {
      throw haretError('BadArgument', `name: expected up to ${maxNameBytes} bytes of text`);
    }
    engine.name = name;
  }
  if (options.maxOutstanding !== undefined) engine.maxOutstanding = options.maxOutstanding;
  return new CoreHaret(
    runtime,
    { engine: { ...engine, addresses, codec }, read: options.read ?? 'linearizable' },
    make,
  );
}

const maxClientIdBytes = 64;
const maxNameBytes = 128;

function identityOf(clientId: string | Identity, { ports }: Runtime): Identity {
  const identity =
    typeof clientId === 'string' ? { id: clientId, incarnation: hexFromBytes(ports.random.bytes(16)) } : clientId;
  const { id, incarnation } = identity;
  if (id === '' || !isWellFormed(id) || utf8Length(id) > maxClientIdBytes) {
    throw haretError('BadArgument', `clientId: expected 1 to ${maxClientIdBytes} bytes of text`);
  }
  if (!/^[0-9a-f]{32}$/.test(incarnation)) {
    throw haretError('BadArgument', 'clientId: expected an incarnation of 32 hexadecimal digits');
  }
  return identity;
}

/** Waits until a node has answered. If none does, it closes `haret`. */
export async function whenReady<H extends CoreHaret>(haret: H, options: ConnectOptions): Promise<H> {
  try {
    await haret.ready({ signal: options.signal, timeoutMs: options.timeoutMs ?? defaultCallTimeoutMs });
    return haret;
  } catch (error) {
    const told = unreachable(haret, urlsOf(options), error);
    await haret.close();
    throw told;
  }
}

function urlsOf({ urls }: ConnectOptions): readonly string[] {
  return typeof urls === 'string' ? [urls] : urls;
}

function addressesOf(options: ConnectOptions): readonly string[] {
  const urls = urlsOf(options);
  if (urls.length === 0) throw haretError('BadArgument', 'urls: expected the address of a node at least');
  // A transport that the user brings has its own form of addresses.
  if (options.transport !== undefined) return urls;
  return urls.map((url) => {
    const address = addressOf(url);
    if (address === null) throw haretError('BadArgument', `urls: not host:port or a URL of a node: ${url}`, { url });
    return address;
  });
}
