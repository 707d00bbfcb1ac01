/**
 * One of a node's three interfaces: an HTTP server that turns upgrades into links and hands them to the node. It
 * refuses by a typed error, before the connection costs memory: origins, subprotocols, and connections over the limit.
 *
 * At the limit, a client must be able to tell a refusal from a network fault. A browser sees nothing of a refused
 * handshake. So the handshake is accepted, and the connection closed with `tooManyConnections`. While too many such
 * closings are under way, the upgrade is answered with 503 and the same error as JSON instead.
 */

import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { errorInfo } from '../core/base/errors.ts';
import type { ErrorInfo } from '../core/base/errors.ts';
import * as closeCodes from '../core/wire/close-codes.ts';
import type { Interface, Link, LinkHandler, Log } from '../core/base/ports.ts';
import type { Sockets } from './descriptors.ts';
import type { HostCheck, OriginRule } from './origins.ts';
import { refuseUpgrade } from './refusal.ts';
import type { HttpStatus } from './refusal.ts';
import { KeepAlive, WsLink, socketOptions } from './ws-link.ts';

/** How many connections may be in such a closing at once. */
const maxRefusals = 64;
/** Sockets in addition to the limit of links: HTTP requests, handshakes and refusals in progress. */
const extraSockets = 512;
const maxHeaderBytes = 8192;
const headersTimeoutMs = 5000;
const requestTimeoutMs = 10_000;

export interface ListenerOptions {
  readonly through: Interface;
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** The subprotocols that the node speaks here. A client that offers none of them is refused with 400. */
  readonly subprotocols: readonly string[];
  readonly maxConnections: number;
  readonly maxFrameBytes: number;
  readonly pingIntervalMs: number;
  /** Bytes that the other end may send before core says that it has proven itself. Default: it need not. */
  readonly unprovenBytes?: number;
  readonly origins: OriginRule;
  readonly hosts: HostCheck;
  readonly log: Log;
  /** The sockets of all interfaces. */
  readonly sockets: Sockets;
  /** Takes a link whose handshake is done. Null while the node cannot take it. */
  readonly accept: (subprotocol: string, link: Link, from: string) => LinkHandler | null;
  /** Answers what is not an upgrade. Default: 426 for everything. */
  readonly http?: RequestListener;
}

export interface ListenerCounts {
  readonly open: number;
  readonly accepted: number;
  readonly refused: number;
}

/** Stands in for a handler until the node gives its own. A refused link keeps it. */
const deaf: LinkHandler = { onFrame: () => undefined, onClose: () => undefined };

export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly #links: KeepAlive;
  #open = 0;
  #refusing = 0;
  #accepted = 0;
  #refused = 0;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#links = new KeepAlive(options.pingIntervalMs);
    this.#sockets = new WebSocketServer({
      ...socketOptions(options.maxFrameBytes),
      noServer: true,
      clientTracking: false,
      handleProtocols: (offered) => this.#choose(offered) ?? false,
    });
    this.#server = createServer(
      {
        maxHeaderSize: maxHeaderBytes,
        headersTimeout: headersTimeoutMs,
        requestTimeout: requestTimeoutMs,
        keepAliveTimeout: requestTimeoutMs,
        connectionsCheckingInterval: 1000,
        noDelay: true,
      },
      underItsNames(options.hosts, options.http ?? upgradeRequired),
    );
    this.#server.maxConnections = options.maxConnections + extraSockets;
    this.#server.on('connection', (socket: Socket) => this.#admit(socket));
    this.#server.on('drop', () => this.#refused++);
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#onUpgrade(request, socket, head);
    });
  }

  /**
   * Binds and listens.
   * @throws Error in one line that names interface and address, when the port is taken or the address is not this
   *   machine's.
   */
  async listen(): Promise<void> {
    const { host, port, through, log } = this.#options;
    await new Promise<void>((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException): void => {
        reject(new Error(`cannot listen on ${host}:${port} (${through}_host): ${listenProblem(error)}`));
      };
      this.#server.once('error', failed);
      // The backlog holds a burst of connections while the node is busy with its recovery.
      this.#server.listen({ host, port, backlog: 4096 }, () => {
        this.#server.off('error', failed);
        this.#server.on('error', (error) => {
          log.write('error', 'the listener failed', { through, error: error.message });
        });
        resolve();
      });
    });
  }

  /** The port on which it listens. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  counts(): ListenerCounts {
    return { open: this.#open, accepted: this.#accepted, refused: this.#refused };
  }

  /** Accepts no more connections, and cuts the open ones. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
      this.#links.terminateAll('the node stops');
    });
  }

  /** A socket beyond what may be open goes at once: no word of HTTP was said, and none would be worth a descriptor. */
  #admit(socket: Socket): void {
    const { sockets, through } = this.#options;
    if (!sockets.takes(through)) {
      this.#refused++;
      socket.destroy();
      return;
    }
    socket.once('close', () => sockets.gives());
  }

  /** The first that the client offers and the node speaks. The client lists them in its order of preference. */
  #choose(offered: Iterable<string>): string | null {
    for (const one of offered) if (this.#options.subprotocols.includes(one)) return one;
    return null;
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { through, subprotocols, maxConnections, origins, hosts, unprovenBytes } = this.#options;
    const { origin, host } = request.headers;
    if (!hosts.allows(host))
      return this.#refuse(socket, forbidden, errorInfo('NotAllowed', wrongHost, { host: shown(host) }));
    if (origin !== undefined && !origins.allows(origin, request.socket)) {
      const message = `pages of ${origin} may not connect; see ${origins.key}`;
      this.#refuse(socket, forbidden, errorInfo('NotAllowed', message, { origin }));
      return;
    }
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim());
    const subprotocol = this.#choose(offered);
    if (subprotocol === null) {
      const message = `the ${through} interface speaks ${subprotocols.join(' and ')}`;
      const facts = { offered: offered.join(', ').slice(0, 256) };
      this.#refuse(socket, { code: 400, text: 'Bad Request' }, errorInfo('BadArgument', message, facts));
      return;
    }
    if (this.#open < maxConnections) {
      this.#sockets.handleUpgrade(request, socket, head, (ws) => {
        const from = `${request.socket.remoteAddress ?? '?'}:${request.socket.remotePort ?? 0}`;
        const link = new WsLink(ws, this.#links, deaf, socket);
        if (unprovenBytes !== undefined) link.distrust(unprovenBytes);
        const handler = this.#options.accept(subprotocol, link, from);
        this.#open++;
        this.#accepted++;
        link.handle({
          onFrame: (frame) => handler?.onFrame(frame),
          onClose: (code, reason) => {
            this.#open--;
            handler?.onClose(code, reason);
          },
        });
        if (handler === null) link.close(closeCodes.goingAway, 'the node is starting or stopping');
      });
      return;
    }
    const message = `too many connections to the ${through} interface: its limit is ${maxConnections}`;
    if (this.#refusing >= maxRefusals) {
      const facts = { limit: maxConnections, actual: this.#open };
      this.#refuse(socket, { code: 503, text: 'Service Unavailable' }, errorInfo('LimitExceeded', message, facts));
      return;
    }
    this.#refused++;
    this.#refusing++;
    this.#sockets.handleUpgrade(request, socket, head, (ws) => {
      const link = new WsLink(ws, this.#links, deaf, socket);
      if (unprovenBytes !== undefined) link.distrust(unprovenBytes);
      ws.on('close', () => {
        this.#refusing--;
      });
      link.close(closeCodes.tooManyConnections, message);
    });
  }

  #refuse(socket: Duplex, status: HttpStatus, error: ErrorInfo): void {
    this.#refused++;
    refuseUpgrade(socket, status, error);
  }
}

const forbidden: HttpStatus = { code: 403, text: 'Forbidden' };
const wrongHost = 'this node is not known by that name; see allowed_hosts';

/** An unexpected header, as it is shown in the answer. */
function shown(header: string | undefined): string {
  return (header ?? '').slice(0, 256);
}

/** Answers only under this node's names. */
function underItsNames(hosts: HostCheck, answer: RequestListener): RequestListener {
  return (request, response) => {
    const { host } = request.headers;
    if (hosts.allows(host)) return answer(request, response);
    request.resume();
    const error = errorInfo('NotAllowed', wrongHost, { host: shown(host) });
    response.writeHead(403, { 'Content-Type': 'application/json', Connection: 'close' });
    response.end(`${JSON.stringify({ error })}\n`);
  };
}

const upgradeRequired: RequestListener = (_request, response) => {
  response.writeHead(426, { 'Content-Type': 'text/plain', Upgrade: 'websocket', Connection: 'close' });
  response.end('This interface speaks WebSocket.\n');
};

function listenProblem(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return 'another process uses this port';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address';
    case 'EACCES':
      return 'this port needs more rights';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'this host name cannot be resolved';
    default:
      return error.message;
  }
}
