/**
 * ZooKeeper's recipe for a lock, as Curator has it: an ephemeral sequential node beneath the lock's own, a look at all
 * of them, and a watch of the one before, if there is one.
 */

import type { Socket } from 'node:net';
import type { Locker } from './locks.ts';
import { openSocket } from './sockets.ts';

const operation = { create: 1, delete: 2, exists: 3, getChildren: 8, ping: 11 } as const;
const pingXid = -2;
const notificationXid = -1;
const sessionTimeoutMs = 30_000;
const pingIntervalMs = 5000;
const passwordBytes = 16;
const openPermissions = 31;
const anyVersion = -1;
const ephemeralSequential = 3;
const noNode = -101;
const nodeExists = -110;
const headerBytes = 16;

interface Answer {
  readonly code: number;
  readonly body: Buffer;
}

function text(value: string): Buffer {
  const bytes = Buffer.alloc(4 + value.length);
  bytes.writeInt32BE(value.length);
  bytes.write(value, 4, 'latin1');
  return bytes;
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function textAt(body: Buffer, at: number): string {
  return body.toString('latin1', at + 4, at + 4 + body.readInt32BE(at));
}

class ZooKeeperLocker implements Locker {
  readonly #socket: Socket;
  readonly #asked: { readonly xid: number; readonly answer: (answer: Answer) => void }[] = [];
  /** Called once the watched node has changed. */
  readonly #watched = new Map<string, (() => void)[]>();
  readonly #parents = new Map<string, Promise<void>>();
  readonly #pings: ReturnType<typeof setInterval>;
  #rest: Buffer = Buffer.alloc(0);
  #opened: (() => void) | null;
  #xid = 0;
  #failed: (error: Error) => void = () => undefined;

  constructor(socket: Socket, opened: () => void, failed: (error: Error) => void) {
    this.#socket = socket;
    this.#opened = opened;
    this.#failed = failed;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (error) => this.#failed(error));
    const greeting = Buffer.alloc(4 + 8 + 4 + 8 + 4 + passwordBytes + 1);
    greeting.writeInt32BE(sessionTimeoutMs, 12);
    greeting.writeInt32BE(passwordBytes, 24);
    this.#write([greeting]);
    this.#pings = setInterval(() => this.#write([int(pingXid), int(operation.ping)]), pingIntervalMs);
    this.#pings.unref();
  }

  #write(parts: readonly Buffer[]): void {
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    this.#socket.write(Buffer.concat([int(bytes), ...parts]));
  }

  #ask(code: number, ...parts: Buffer[]): Promise<Answer> {
    const xid = ++this.#xid;
    this.#write([int(xid), int(code), ...parts]);
    return new Promise((answer) => this.#asked.push({ xid, answer }));
  }

  #read(chunk: Buffer): void {
    const bytes = Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= 4) {
      const end = at + 4 + bytes.readInt32BE(at);
      if (end > bytes.length) break;
      this.#take(bytes.subarray(at + 4, end));
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }

  #take(bytes: Buffer): void {
    if (this.#opened !== null) {
      this.#opened();
      this.#opened = null;
      return;
    }
    const xid = bytes.readInt32BE(0);
    if (xid === pingXid) return;
    if (xid === notificationXid) {
      const path = textAt(bytes, headerBytes + 8);
      const told = this.#watched.get(path) ?? [];
      this.#watched.delete(path);
      for (const one of told) one();
      return;
    }
    const asked = this.#asked.shift();
    if (asked?.xid !== xid) throw new Error(`ZooKeeper answered ${xid} instead of ${asked?.xid ?? 'nothing'}`);
    asked.answer({ code: bytes.readInt32BE(12), body: bytes.subarray(headerBytes) });
  }

  async #create(path: string, flags: number): Promise<string> {
    const permissions = [int(1), int(openPermissions), text('world'), text('anyone')];
    const { code, body } = await this.#ask(operation.create, text(path), text(''), ...permissions, int(flags));
    if (code === nodeExists) return path;
    if (code !== 0) throw new Error(`ZooKeeper answered error ${code}`);
    return textAt(body, 0);
  }

  async #parent(path: string): Promise<void> {
    await this.#create('/locks', 0);
    await this.#create(path, 0);
  }

  async acquire(name: string): Promise<() => Promise<void>> {
    const parent = `/locks/${name}`;
    let made = this.#parents.get(name);
    if (made === undefined) this.#parents.set(name, (made = this.#parent(parent)));
    await made;
    const own = await this.#create(`${parent}/lock-`, ephemeralSequential);
    const mine = own.slice(parent.length + 1);
    for (;;) {
      const { body } = await this.#ask(operation.getChildren, text(parent), Buffer.from([0]));
      const children: string[] = [];
      let at = 4;
      for (let left = body.readInt32BE(0); left > 0; left--) {
        children.push(textAt(body, at));
        at += 4 + body.readInt32BE(at);
      }
      children.sort();
      const before = children[children.indexOf(mine) - 1];
      if (before === undefined) break;
      const path = `${parent}/${before}`;
      let changed: () => void = () => undefined;
      const change = new Promise<void>((resolve) => (changed = resolve));
      this.#watched.set(path, [...(this.#watched.get(path) ?? []), changed]);
      const { code } = await this.#ask(operation.exists, text(path), Buffer.from([1]));
      if (code !== noNode) await change;
    }
    return async () => {
      await this.#ask(operation.delete, text(own), int(anyVersion));
    };
  }

  twin(): Promise<Locker> {
    return Promise.resolve(this);
  }

  close(): void {
    clearInterval(this.#pings);
    this.#socket.destroy();
  }
}

export async function connectZooKeeperLocker(address: string): Promise<Locker> {
  const socket = await openSocket(address);
  return new Promise((resolve, reject) => {
    const locker = new ZooKeeperLocker(socket, () => resolve(locker), reject);
  });
}
