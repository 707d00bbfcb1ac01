/**
 * The playground, as the build put it beside the programs: a handful of files, read once and kept, each with its
 * compressed form. Only these names are answered, so no path leads anywhere else.
 */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.woff2': 'font/woff2',
};

/**
 * Nothing from other places, and nothing inline except the styles that xterm.js makes. Sockets may go to the address of
 * another node that the user gives. That node decides which pages it lets in.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self'",
  'img-src data:',
  "connect-src 'self' ws: wss:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

interface StaticFile {
  readonly type: string;
  readonly tag: string;
  readonly plain: Buffer;
  readonly packed: Buffer;
}

export class Playground {
  readonly #nodeName: string;
  readonly #version: string;
  #files: ReadonlyMap<string, StaticFile> | null = null;

  constructor(nodeName: string, version: string) {
    this.#nodeName = nodeName;
    this.#version = version;
  }

  /** Answers when `path` is one of its own; false when it is not. */
  answer(request: IncomingMessage, response: ServerResponse, path: string): boolean {
    // Read when someone first looks, because most nodes serve no page.
    this.#files ??= this.#read();
    const file = this.#files.get(path === '/' ? '/index.html' : path);
    if (file === undefined) return false;
    response.setHeader('Content-Security-Policy', contentSecurityPolicy);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Referrer-Policy', 'no-referrer');
    response.setHeader('Cache-Control', 'no-cache');
    response.setHeader('ETag', file.tag);
    response.setHeader('Vary', 'Accept-Encoding');
    if (request.headers['if-none-match'] === file.tag) {
      response.writeHead(304).end();
      return true;
    }
    const packs = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
    const body = packs ? file.packed : file.plain;
    if (packs) response.setHeader('Content-Encoding', 'gzip');
    response.writeHead(200, { 'Content-Type': file.type, 'Content-Length': body.length });
    response.end(request.method === 'HEAD' ? undefined : body);
    return true;
  }

  #read(): ReadonlyMap<string, StaticFile> {
    const directory = builtPlayground();
    const files = new Map<string, StaticFile>();
    if (directory === null) {
      files.set('/index.html', staticFile('.html', Buffer.from(this.#barePage())));
      return files;
    }
    for (const name of readdirSync(directory)) {
      const kind = extname(name);
      if (types[kind] === undefined) continue;
      let content = readFileSync(join(directory, name));
      // The names of nodes hold no character that means something in HTML (core/base/ids.ts).
      if (name === 'index.html') {
        const named = content.toString('utf8').replace('name="haret-node" content=""', () => this.#named());
        content = Buffer.from(named);
      }
      files.set(`/${name}`, staticFile(kind, content));
    }
    return files;
  }

  #named(): string {
    return `name="haret-node" content="${this.#nodeName}"`;
  }

  /** For a program without its playground. */
  #barePage(): string {
    return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta ${this.#named()}>
<title>haret: ${this.#nodeName}</title>
<h1>${this.#nodeName}</h1>
<p>A node of haret ${this.#version}. This port is its API interface: <code>npx haret-cli-client</code> and the address of this page.</p>
<p><a href="/health">health</a> · <a href="/ready">ready</a> · <a href="/metrics">metrics</a></p>
</html>
`;
  }
}

function staticFile(kind: string, plain: Buffer): StaticFile {
  const tag = `"${createHash('sha256').update(plain).digest('hex').slice(0, 24)}"`;
  return { type: types[kind] ?? 'application/octet-stream', tag, plain, packed: gzipSync(plain, { level: 9 }) };
}

/** Where the build put it, whether this runs from the sources or from the bundle. Null when it was not built. */
function builtPlayground(): string | null {
  const here = dirname(fileURLToPath(import.meta.url));
  for (const candidate of [join(here, '..', 'playground'), join(here, '..', 'dist', 'playground')]) {
    if (existsSync(join(candidate, 'index.html')) && existsSync(join(candidate, 'playground.js'))) return candidate;
  }
  return null;
}
