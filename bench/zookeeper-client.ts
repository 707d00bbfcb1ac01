/**
 * The leanest client for ZooKeeper: its jute messages (`zookeeper.jute`) written by hand into a socket, many
 * outstanding at a time. A session's answers come in the order in which it asked.
 */

import type { Socket } from 'node:net';
import { SocketWriter } from './socket-writer.ts';
import { openSocket } from './sockets.ts';
import type { Connection, Done } from './target.ts';

const operation = { create: 1, getData: 4, setData: 5, sync: 9, ping: 11 } as const;
const pingXid = -2;
const notificationXid = -1;
const sessionTimeoutMs = 30_000;
const pingIntervalMs = 5_000;
const nodeExists = -110;
const openPermissions = 31;
const anyVersion = -1;
const maxXid = 0x3fffffff;

/** What to do with an answer. `done` is null for a sync, because its get follows. */
interface Asked {
  readonly xid: number;
  readonly code: number;
  readonly done: Done | null;
}

const worldAnyone: readonly [scheme: string, id: string] = ['world', 'anyone'];

class ZooKeeperConnection implements Connection {
  readonly #socket: Socket;
  readonly #writer: SocketWriter;
  readonly #pings: ReturnType<typeof setInterval>;
  #asked: Asked[] = [];
  #firstAsked = 0;
  #nextXid = 1;
  #syncFailure: Error | null = null;
  #rest: Buffer | null = null;
  #failure: Error | null = null;
  #connected: ((error: Error | null) => void) | null;

  constructor(socket: Socket, connected: (error: Error | null) => void) {
    this.#socket = socket;
    this.#writer = new SocketWriter(socket);
    this.#connected = connected;
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('ZooKeeper closed the connection')));
    this.#greet();
    this.#pings = setInterval(() => this.#ping(), pingIntervalMs);
    this.#pings.unref();
  }

  create(path: string, value: Uint8Array, done: Done): void {
    const [scheme, id] = worldAnyone;
    const bytes = 4 + path.length + 4 + value.length + 4 + 4 + 4 + scheme.length + 4 + id.length + 4;
    let at = this.#begin(operation.create, bytes, done);
    if (at < 0) return;
    const buffer = this.#writer.buffer;
    at = writeText(buffer, at, path);
    at = writeBytes(buffer, at, value);
    at = buffer.writeInt32BE(1, at);
    at = buffer.writeInt32BE(openPermissions, at);
    at = writeText(buffer, at, scheme);
    at = writeText(buffer, at, id);
    buffer.writeInt32BE(0, at);
  }

  put(path: string, value: Uint8Array, done: Done): void {
    let at = this.#begin(operation.setData, 4 + path.length + 4 + value.length + 4, done);
    if (at < 0) return;
    const buffer = this.#writer.buffer;
    at = writeText(buffer, at, path);
    at = writeBytes(buffer, at, value);
    buffer.writeInt32BE(anyVersion, at);
  }

  /** ZooKeeper's way to a fresh read is a sync in front of it. The two leave together. */
  get(path: string, linearizable: boolean, done: Done): void {
    if (linearizable) {
      const at = this.#begin(operation.sync, 4 + path.length, null);
      if (at >= 0) writeText(this.#writer.buffer, at, path);
    }
    let at = this.#begin(operation.getData, 4 + path.length + 1, done);
    if (at < 0) return;
    at = writeText(this.#writer.buffer, at, path);
    this.#writer.buffer[at] = 0;
  }

  failure(): Error | null {
    return this.#failure;
  }

  close(): void {
    this.#fail(new Error('the connection was closed'));
  }

  /**
   * Writes the length and the request header. Returns where the request itself goes, or -1 when nothing can be sent.
   */
  #begin(code: number, bytes: number, done: Done | null): number {
    if (this.#failure !== null) {
      const failure = this.#failure;
      if (done !== null) setImmediate(() => done(failure, 0));
      return -1;
    }
    const xid = this.#nextXid;
    this.#nextXid = xid === maxXid ? 1 : xid + 1;
    this.#asked.push({ xid, code, done });
    let at = this.#writer.reserve(12 + bytes);
    const buffer = this.#writer.buffer;
    at = buffer.writeInt32BE(8 + bytes, at);
    at = buffer.writeInt32BE(xid, at);
    return buffer.writeInt32BE(code, at);
  }

  #greet(): void {
    const passwordBytes = 16;
    const bytes = 4 + 8 + 4 + 8 + 4 + passwordBytes + 1;
    let at = this.#writer.reserve(4 + bytes);
    const buffer = this.#writer.buffer;
    at = buffer.writeInt32BE(bytes, at);
    buffer.fill(0, at, at + bytes);
    buffer.writeInt32BE(sessionTimeoutMs, at + 12);
    buffer.writeInt32BE(passwordBytes, at + 24);
  }

  #ping(): void {
    let at = this.#writer.reserve(12);
    const buffer = this.#writer.buffer;
    at = buffer.writeInt32BE(8, at);
    at = buffer.writeInt32BE(pingXid, at);
    buffer.writeInt32BE(operation.ping, at);
  }

  #onData(chunk: Buffer): void {
    const bytes = this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= 4) {
      const length = bytes.readInt32BE(at);
      const end = at + 4 + length;
      if (end > bytes.length) break;
      this.#onReply(bytes, at + 4);
      at = end;
    }
    this.#rest = at === bytes.length ? null : bytes.subarray(at);
  }

  #onReply(bytes: Buffer, at: number): void {
    if (this.#connected !== null) {
      const timeoutMs = bytes.readInt32BE(at + 4);
      const connected = this.#connected;
      if (timeoutMs <= 0) this.#fail(new Error('ZooKeeper refused the session'));
      else {
        this.#connected = null;
        connected(null);
      }
      return;
    }
    const xid = bytes.readInt32BE(at);
    if (xid === pingXid || xid === notificationXid) return;
    const asked = this.#asked[this.#firstAsked];
    if (asked?.xid !== xid) {
      this.#fail(new Error(`ZooKeeper answered ${xid} instead of ${asked?.xid ?? 'nothing'}`));
      return;
    }
    this.#firstAsked++;
    if (this.#firstAsked === 4096) {
      this.#asked = this.#asked.slice(this.#firstAsked);
      this.#firstAsked = 0;
    }
    const code = bytes.readInt32BE(at + 12);
    // Answers a create whose first attempt was lost: the key exists, as was asked for.
    const failed = code !== 0 && !(asked.code === operation.create && code === nodeExists);
    const error = failed ? new Error(`ZooKeeper answered error ${code}`) : null;
    if (asked.done === null) {
      this.#syncFailure = error;
      return;
    }
    const failure = error ?? this.#syncFailure;
    this.#syncFailure = null;
    const valueBytes = failure === null && asked.code === operation.getData ? bytes.readInt32BE(at + 16) : 0;
    asked.done(failure, Math.max(0, valueBytes));
  }

  #fail(error: Error): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    clearInterval(this.#pings);
    this.#socket.destroy();
    this.#connected?.(error);
    this.#connected = null;
    const asked = this.#asked.slice(this.#firstAsked);
    this.#asked = [];
    this.#firstAsked = 0;
    for (const one of asked) one.done?.(error, 0);
  }
}

function writeText(buffer: Buffer, at: number, text: string): number {
  at = buffer.writeInt32BE(text.length, at);
  return at + buffer.write(text, at, 'latin1');
}

function writeBytes(buffer: Buffer, at: number, bytes: Uint8Array): number {
  at = buffer.writeInt32BE(bytes.length, at);
  buffer.set(bytes, at);
  return at + bytes.length;
}

export async function connectZooKeeper(address: string): Promise<Connection> {
  const socket = await openSocket(address);
  return new Promise((resolve, reject) => {
    const connection = new ZooKeeperConnection(socket, (error) =>
      error === null ? resolve(connection) : reject(error),
    );
  });
}
