/**
 * Signs of life of the process that has a data directory, for processes that cannot see it. One is a socket in the
 * directory, which the kernel refuses as soon as its process is gone, in whatever container it was. The other is a file
 * whose time is updated again and again.
 */

import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { Worker } from 'node:worker_threads';

/** A socket's path has room for this many bytes. A longer path is given through the open directory. */
const maxSocketPath = 100;
const probeMs = 5000;

/** Runs beside the process that waits for it. That process is starting, and must do nothing else meanwhile. */
const probe = `
const { workerData } = require('node:worker_threads');
const out = new Int32Array(workerData.answer);
const say = (value) => { if (Atomics.compareExchange(out, 0, 0, value) === 0) Atomics.notify(out, 0); socket.destroy(); };
const socket = require('node:net').connect(workerData.path);
socket.on('connect', () => say(1));
socket.on('error', ({ code }) => say(code === 'EAGAIN' ? 1 : code === 'ECONNREFUSED' ? 2 : 3));
`;

/** Calls `use` with a path for a file of the directory that is short enough for a socket; null when there is none. */
function withShortPath<T>(directory: string, name: string, use: (path: string) => T): T | null {
  const plain = path.join(directory, name);
  if (Buffer.byteLength(plain) <= maxSocketPath) return use(plain);
  const open = fs.openSync(directory, 'r');
  try {
    const through = `/proc/self/fd/${open}`;
    return fs.existsSync(through) ? use(`${through}/${name}`) : null;
  } finally {
    fs.closeSync(open);
  }
}

/**
 * Listens on a socket in the directory until the process ends. Null where the file system or the platform has no such
 * sockets.
 */
export function listen(directory: string, name: string): net.Server | null {
  const server = net.createServer((socket) => socket.destroy());
  // A failure shows at once below. A later error changes nothing.
  server.on('error', () => undefined);
  try {
    withShortPath(directory, name, (short) => server.listen(short));
  } catch {
    return null;
  }
  if (!server.listening) return null;
  server.unref();
  return server;
}

/**
 * True: its process is alive. False: it is not. Null: we cannot tell. Only a socket of this very kernel can be asked.
 */
export function answers(directory: string, name: string): boolean | null {
  return withShortPath(directory, name, (short) => {
    const answer = new SharedArrayBuffer(4);
    const worker = new Worker(probe, { eval: true, workerData: { path: short, answer } });
    worker.on('error', () => undefined);
    worker.unref();
    Atomics.wait(new Int32Array(answer), 0, 0, probeMs);
    const said = new Int32Array(answer)[0];
    void worker.terminate();
    return said === 1 ? true : said === 2 ? false : null;
  });
}

/** When the file was last touched. Opening the file makes the file server answer, not a cache. */
export function touchedAt(file: string): string | null {
  try {
    const open = fs.openSync(file, 'r');
    try {
      return String(fs.fstatSync(open, { bigint: true }).mtimeNs);
    } finally {
      fs.closeSync(open);
    }
  } catch {
    return null;
  }
}

/** Blocks for this long. */
export function wait(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
