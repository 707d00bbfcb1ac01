/** Open files are kept for the store, and a process that has too many of them open ends nothing. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DiskError } from '../../core/base/ports.ts';
import { Sockets, descriptorLimit, openDescriptors } from '../../node-server/descriptors.ts';
import { NodeDisk } from '../../node-server/node-disk.ts';
import { Listener } from '../../node-server/ws-listener.ts';

/** How many more files may be opened. */
let left = Infinity;
let refused = 0;
function scarce(): Error {
  refused++;
  return Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
}

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const openSync: typeof fs.openSync = (...args) => {
    if (left <= 0) throw scarce();
    left--;
    return fs.openSync(...args);
  };
  const open = (...args: unknown[]): void => {
    if (left > 0) {
      left--;
      Reflect.apply(fs.open, fs, args);
    } else setImmediate(() => (args.at(-1) as (error: Error) => void)(scarce()));
  };
  const closeSync: typeof fs.closeSync = (file) => {
    left++;
    fs.closeSync(file);
  };
  const close = (...args: unknown[]): void => {
    left++;
    Reflect.apply(fs.close, fs, args);
  };
  return { ...fs, openSync, open, closeSync, close };
});

const lines: { readonly text: string; readonly facts: unknown }[] = [];
const log = { write: (_level: string, text: string, facts?: unknown): void => void lines.push({ text, facts }) };
const ends: (() => unknown)[] = [];

beforeEach(() => {
  left = Infinity;
  refused = 0;
  lines.length = 0;
});

afterEach(async () => {
  left = Infinity;
  for (const end of ends.splice(0).reverse()) await end();
});

describe('sockets', () => {
  it('leave descriptors to the store, and those of clients leave some to nodes and administrators', () => {
    const sockets = new Sockets(400, log);
    let api = 0;
    while (sockets.takes('api')) api++;
    expect(api).toBe(225);
    let cluster = 0;
    while (sockets.takes('cluster')) cluster++;
    expect(api + cluster).toBe(300);
    sockets.gives();
    expect([sockets.takes('admin'), sockets.takes('admin'), sockets.open]).toEqual([true, false, 300]);
    // It is told once in a while, however many are refused.
    expect(lines).toHaveLength(1);
    expect(lines[0]!.text).toMatch(/open files/);
  });

  it('of a large limit keep no more than is needed, and where there is no limit they have none', () => {
    const large = new Sockets(1_000_000, log);
    for (let i = 0; i < 1_000_000 - 256 - 128; i++) large.takes('api');
    expect([large.takes('api'), large.takes('cluster')]).toEqual([false, true]);
    expect(new Sockets(Infinity, log).takes('api')).toBe(true);
  });

  it('this system tells how many there are', () => {
    expect(descriptorLimit()).toBeGreaterThan(0);
    expect(openDescriptors()).toBeGreaterThan(0);
  });

  it('beyond that are closed at once, and counted', async () => {
    const sockets = new Sockets(8, log);
    const listener = new Listener({
      through: 'api',
      host: '127.0.0.1',
      port: 0,
      subprotocols: ['test'],
      maxConnections: 100,
      maxFrameBytes: 1024,
      pingIntervalMs: 60_000,
      origins: { key: 'none', allows: () => false },
      hosts: { allows: () => true } as never,
      log,
      sockets,
      accept: () => null,
    });
    await listener.listen();
    ends.push(() => listener.close());
    const connect = async (): Promise<Socket> => {
      const socket = createConnection(listener.port, '127.0.0.1');
      socket.on('error', () => undefined);
      ends.push(() => socket.destroy());
      await new Promise((resolve) => socket.once('connect', resolve));
      return socket;
    };
    const open = [await connect(), await connect(), await connect(), await connect(), await connect()];
    await vi.waitFor(() => expect(sockets.open).toBe(5));
    const beyond = await connect();
    await new Promise((resolve) => beyond.once('close', resolve));
    expect(listener.counts()).toMatchObject({ refused: 1 });
    open[0]!.destroy();
    await vi.waitFor(() => expect(sockets.open).toBe(4));
    await connect();
    await vi.waitFor(() => expect(sockets.open).toBe(5));
    expect(listener.counts()).toMatchObject({ refused: 1 });
  });
});

describe('a disk in a process with too many open files', () => {
  let disk: NodeDisk;
  const done = (work: (end: (error: DiskError | null) => void) => void): Promise<DiskError | null> => new Promise(work);

  beforeEach(() => {
    const directory = mkdtempSync(join(tmpdir(), 'haret-descriptors-'));
    disk = new NodeDisk(directory);
    disk.lock();
    ends.push(
      () => rmSync(directory, { recursive: true }),
      () => disk.unlock(),
    );
  });

  it('opens a file in the place of one that it does not need now', async () => {
    for (const name of ['a', 'b']) await done((end) => disk.create(name, 4096, end));
    await done((end) => disk.write('a', 0, [Uint8Array.of(1)], true, end));
    left = 0;
    expect(await done((end) => disk.write('b', 0, [Uint8Array.of(2)], true, end))).toBeNull();
    expect(disk.read('b', 0, 1)).toEqual(Uint8Array.of(2));
    expect(disk.read('a', 0, 1)).toEqual(Uint8Array.of(1));
  });

  it('waits for one to be closed, and fails nothing', async () => {
    left = 0;
    const made = done((end) => disk.create('a', 4096, end));
    const written = done((end) => disk.write('a', 0, [Uint8Array.of(1)], true, end));
    const renamed = done((end) => disk.rename('a', 'b', end));
    let ended = false;
    void made.then(() => (ended = true));
    await vi.waitFor(() => expect(refused).toBeGreaterThan(3));
    expect(ended).toBe(false);
    left = 3;
    expect(await Promise.all([made, written, renamed])).toEqual([null, null, null]);
    expect(disk.read('b', 0, 1)).toEqual(Uint8Array.of(1));
  });
});
