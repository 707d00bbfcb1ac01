/**
 * What the API port answers to plain HTTP: `/health`, `/ready`, `/metrics`, and the playground at `/` (architecture
 * §2). All of it is read-only.
 */

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { HostedNode, MetricSample } from '../core/cluster/base/host.ts';
import type { Playground } from './playground-files.ts';
import { prometheusText, prometheusType } from './prometheus.ts';

export interface EndpointOptions {
  readonly playground: Playground;
  /** Null before the node has started and while it stops. */
  readonly node: () => HostedNode | null;
  /** What the host measures in addition to the node. */
  readonly processSamples: () => readonly MetricSample[];
}

export function httpEndpoints(options: EndpointOptions): RequestListener {
  return (request, response) => {
    // We never need a body, but we read past it so that the connection can be used again.
    request.resume();
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      json(request, response, 405, { error: { code: 'BadArgument', message: 'only GET and HEAD are answered' } });
      return;
    }
    answer(options, request, response);
  };
}

function answer(options: EndpointOptions, request: IncomingMessage, response: ServerResponse): void {
  const node = options.node();
  const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
  switch (path) {
    case '/health': {
      const health = node?.health() ?? { ok: false, problems: ['the node is starting or stopping'] };
      json(request, response, health.ok ? 200 : 503, health);
      return;
    }
    case '/ready': {
      const namespace = new URLSearchParams(query).get('namespace') ?? undefined;
      if (namespace === '') {
        const message = 'namespace: expected a name, as in /ready?namespace=test-ns';
        return json(request, response, 400, { error: { code: 'BadArgument', message } });
      }
      const ready = node?.ready(namespace) ?? { ok: false, waitingFor: ['the node itself'] };
      json(request, response, ready.ok ? 200 : 503, ready);
      return;
    }
    case '/metrics':
      send(
        request,
        response,
        200,
        prometheusType,
        prometheusText([...options.processSamples(), ...(node?.metrics() ?? [])]),
      );
      return;
    default:
      if (options.playground.answer(request, response, path)) return;
      json(request, response, 404, {
        error: { code: 'PathNotFound', message: 'there is only /, /health, /ready and /metrics' },
      });
  }
}

function json(request: IncomingMessage, response: ServerResponse, status: number, value: object): void {
  send(request, response, status, 'application/json', `${JSON.stringify(value)}\n`);
}

function send(request: IncomingMessage, response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
