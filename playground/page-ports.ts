/** The ports of the page's own client engines. They are those of the SDK. */

import { hostRuntime } from '../browser-client/runtime.ts';
import { SocketTransport } from '../browser-client/websocket.ts';
import type { ClientPorts } from '../core/client/options.ts';

/** A page that came over TLS dials over TLS. */
function isSecure(): boolean {
  return location.protocol === 'https:';
}

/** `host:port` or a `ws:`/`wss:` URL, as a URL. */
export function socketUrl(address: string): string {
  if (/^wss?:\/\//i.test(address)) return address;
  return `${isSecure() ? 'wss' : 'ws'}://${address}`;
}

export function pagePorts(): ClientPorts {
  return hostRuntime(new SocketTransport(isSecure(), undefined)).ports;
}
