/**
 * A disk in memory, for tests, the simulator and a browser tab. Its host decides when operations complete. A power cut
 * loses any part of what was not synced, sector by sector. The disk can also be damaged in every way in which a real
 * one is.
 */

import { DiskFull } from '../base/disk-full.ts';
import type { Disk, DiskDone, Random } from '../base/ports.ts';
import { sectorBytes } from './format.ts';

/** The kinds of operation, for a host that gives each a latency. */
export type DiskLatency = 'write' | 'durableWrite' | 'sync' | 'create' | 'metadata';

export interface MemoryDiskOptions {
  /** Runs `complete` when the operation is to finish. Without it, operations wait for {@link MemoryDisk.run}. */
  readonly schedule?: (latency: DiskLatency, complete: () => void) => void;
  /** The size from which {@link MemoryDisk.free} counts down. */
  readonly capacityBytes?: number;
}

/** The old content of one sector, from before a write that is not synced. */
interface Unsynced {
  readonly sector: number;
  readonly before: Uint8Array;
  /** The file's size before the write. */
  readonly size: number;
}

class MemoryFile {
  bytes: Uint8Array;
  size: number;
  unsynced: Unsynced[] = [];
  readonly unreadable = new Set<number>();

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.size = size;
  }

  write(offset: number, part: Uint8Array): void {
    const end = offset + part.length;
    for (let sector = Math.floor(offset / sectorBytes); sector * sectorBytes < end; sector++) {
      const at = sector * sectorBytes;
      this.unsynced.push({ sector, before: this.bytes.slice(at, at + sectorBytes), size: this.size });
      this.unreadable.delete(sector);
    }
    this.resize(Math.max(this.size, end));
    this.bytes.set(part, offset);
  }

  resize(size: number): void {
    if (size > this.bytes.length) {
      const grown = new Uint8Array(Math.max(size, this.bytes.length * 2));
      grown.set(this.bytes.subarray(0, this.size));
      this.bytes = grown;
    }
    if (size < this.size) this.bytes.fill(0, size, this.size);
    this.size = size;
  }

  /** Each sector goes back to one of its states since the last sync, or keeps the newest. */
  lose(random: Random): void {
    const states = new Map<number, Unsynced[]>();
    for (const change of this.unsynced) {
      const list = states.get(change.sector);
      if (list === undefined) states.set(change.sector, [change]);
      else list.push(change);
    }
    let grown = this.size;
    for (const [sector, changes] of states) {
      const choice = random.below(changes.length + 1);
      if (choice === changes.length) continue;
      const { before, size } = changes[choice]!;
      const at = sector * sectorBytes;
      const end = Math.min(at + sectorBytes, this.bytes.length);
      this.bytes.fill(0, at, end);
      this.bytes.set(before.subarray(0, end - at), at);
      if (at + sectorBytes >= this.size) grown = Math.min(grown, Math.max(size, at));
    }
    this.resize(grown);
    this.unsynced = [];
  }

  copy(): MemoryFile {
    const copy = new MemoryFile(0);
    copy.bytes = this.bytes.slice(0, this.size);
    copy.size = this.size;
    copy.unsynced = [...this.unsynced];
    for (const sector of this.unreadable) copy.unreadable.add(sector);
    return copy;
  }
}

interface Operation {
  readonly latency: DiskLatency;
  readonly finish: () => void;
  readonly done: DiskDone;
}

function noFile(name: string): Error {
  return new Error(`there is no file ${name}`);
}

export class MemoryDisk implements Disk {
  readonly #schedule: (latency: DiskLatency, complete: () => void) => void;
  #capacityBytes: number;
  #files = new Map<string, MemoryFile>();
  /** Operations on one file finish in the order in which they were asked for. */
  #queues = new Map<string, Operation[]>();
  /** Changes to the directory that are not durable yet, each with a function that undoes it. */
  #directory: { readonly undo: () => void }[] = [];
  #ready: (() => void)[] = [];
  #held: (() => void)[] | null = null;
  #locked = false;
  /** Counts power cuts. What was under way before the last one never completes. */
  #life = 0;
  #failure: Error | null = null;
  /** Why no name may be made, changed or removed. */
  #closed: Error | null = null;
  #failAfter = 0;
  #operations = 0;
  #syncs = 0;

  constructor(options: MemoryDiskOptions = {}) {
    this.#schedule = options.schedule ?? ((_latency, complete) => this.#ready.push(complete));
    this.#capacityBytes = options.capacityBytes ?? Number.MAX_SAFE_INTEGER;
  }

  // The port.

  lock(): void {
    if (this.#locked) throw new Error('the data directory is in use by another store of this process');
    this.#locked = true;
  }

  unlock(): void {
    this.#locked = false;
  }

  list(): readonly { readonly name: string; readonly size: number }[] {
    return [...this.#files]
      .map(([name, file]) => ({ name, size: file.size }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  syncAll(): void {
    this.#directory = [];
    for (const file of this.#files.values()) file.unsynced = [];
  }

  read(name: string, offset: number, length: number): Uint8Array {
    const file = this.#file(name);
    const end = Math.min(offset + length, file.size);
    if (file.unreadable.size > 0) {
      for (let sector = Math.floor(offset / sectorBytes); sector * sectorBytes < end; sector++) {
        if (file.unreadable.has(sector)) throw new Error(`${name}: sector ${sector} cannot be read`);
      }
    }
    return file.bytes.slice(Math.min(offset, end), end);
  }

  create(name: string, size: number, done: DiskDone): void {
    if (this.#files.has(name)) {
      this.#refuse(name, 'create', new Error(`there is a file ${name} already`), done);
      return;
    }
    if (size > this.free() || this.#closed !== null) {
      this.#refuse(name, 'create', this.#closed ?? this.#noRoom(name, size), done);
      return;
    }
    this.#files.set(name, new MemoryFile(size));
    const undo = (): void => void this.#files.delete(name);
    this.#change(name, 'create', undo, (error) => {
      // What could not be made leaves no file.
      if (error !== null) {
        undo();
        this.#directory = this.#directory.filter((change) => change.undo !== undo);
      }
      done(error);
    });
  }

  write(name: string, offset: number, parts: readonly Uint8Array[], durable: boolean, done: DiskDone): void {
    const file = this.#files.get(name);
    if (file === undefined) {
      this.#refuse(name, 'write', noFile(name), done);
      return;
    }
    const growth = parts.reduce((end, part) => end + part.length, offset) - file.size;
    if (growth > 0 && growth > this.free()) {
      this.#refuse(name, 'write', this.#noRoom(name, growth), done);
      return;
    }
    let at = offset;
    for (const part of parts) {
      file.write(at, part);
      at += part.length;
    }
    if (durable) this.#sync(name, file, 'durableWrite', done);
    else this.#operate(name, 'write', () => undefined, done);
  }

  sync(name: string, done: DiskDone): void {
    const file = this.#files.get(name);
    if (file === undefined) this.#refuse(name, 'sync', noFile(name), done);
    else this.#sync(name, file, 'sync', done);
  }

  truncate(name: string, size: number, done: DiskDone): void {
    const file = this.#files.get(name);
    if (file === undefined) {
      this.#refuse(name, 'metadata', noFile(name), done);
      return;
    }
    const before = file.copy();
    file.resize(size);
    this.#change(
      name,
      'metadata',
      () => {
        if (this.#files.get(name) === file) this.#files.set(name, before);
      },
      done,
    );
  }

  rename(from: string, to: string, done: DiskDone): void {
    const file = this.#files.get(from);
    if (file === undefined) {
      this.#refuse(from, 'metadata', noFile(from), done);
      return;
    }
    if (this.#closed !== null) {
      this.#refuse(from, 'metadata', this.#closed, done);
      return;
    }
    const replaced = this.#files.get(to);
    this.#files.delete(from);
    this.#files.set(to, file);
    this.#change(
      from,
      'metadata',
      () => {
        this.#files.set(from, file);
        if (replaced === undefined) this.#files.delete(to);
        else this.#files.set(to, replaced);
      },
      done,
    );
  }

  remove(name: string, done: DiskDone): void {
    const file = this.#files.get(name);
    if (file === undefined) {
      this.#refuse(name, 'metadata', noFile(name), done);
      return;
    }
    if (this.#closed !== null) {
      this.#refuse(name, 'metadata', this.#closed, done);
      return;
    }
    this.#files.delete(name);
    this.#change(name, 'metadata', () => this.#files.set(name, file), done);
  }

  free(): number {
    let used = 0;
    for (const file of this.#files.values()) used += file.size;
    return Math.max(0, this.#capacityBytes - used);
  }

  #noRoom(name: string, bytes: number): Error {
    return new DiskFull(`${name}: no room for ${bytes} bytes, ${this.free()} are left`);
  }

  #sync(name: string, file: MemoryFile, latency: DiskLatency, done: DiskDone): void {
    // The sync does not cover what is written while it is under way.
    const covered = file.unsynced.length;
    this.#syncs++;
    this.#operate(
      name,
      latency,
      () => {
        file.unsynced.splice(0, Math.min(covered, file.unsynced.length));
      },
      done,
    );
  }

  #change(name: string, latency: DiskLatency, undo: () => void, done: DiskDone): void {
    const change = { undo };
    this.#directory.push(change);
    this.#operate(
      name,
      latency,
      () => {
        this.#directory = this.#directory.filter((other) => other !== change);
      },
      done,
    );
  }

  /** The operation fails when its turn comes, after earlier operations on the file. */
  #refuse(name: string, latency: DiskLatency, error: Error, done: DiskDone): void {
    this.#operate(
      name,
      latency,
      () => undefined,
      () => done(error),
    );
  }

  #operate(name: string, latency: DiskLatency, finish: () => void, done: DiskDone): void {
    this.#operations++;
    const queue = this.#queues.get(name);
    const operation: Operation = { latency, finish, done };
    if (queue !== undefined) queue.push(operation);
    else {
      this.#queues.set(name, [operation]);
      this.#begin(name, operation);
    }
  }

  #begin(name: string, operation: Operation): void {
    const life = this.#life;
    this.#schedule(operation.latency, () => this.#complete(life, name, operation));
  }

  #complete(life: number, name: string, operation: Operation): void {
    if (life !== this.#life) return;
    if (this.#held !== null) {
      this.#held.push(() => this.#complete(life, name, operation));
      return;
    }
    const queue = this.#queues.get(name)!;
    queue.shift();
    if (queue.length > 0) this.#begin(name, queue[0]!);
    else this.#queues.delete(name);
    if (this.#failure !== null && this.#failAfter-- <= 0) {
      operation.done(this.#failure);
      return;
    }
    operation.finish();
    operation.done(null);
  }

  // For the test or host that drives the disk.

  /**
   * Completes operations in their order, at most `limit` of them, including those that are asked for meanwhile. Returns
   * how many.
   */
  run(limit = Number.MAX_SAFE_INTEGER): number {
    let count = 0;
    while (count < limit) {
      const complete = this.#ready.shift();
      if (complete === undefined) return count;
      complete();
      count++;
    }
    return count;
  }

  /** How many operations were asked for, and how many of them were syncs. */
  get counts(): { readonly operations: number; readonly syncs: number } {
    return { operations: this.#operations, syncs: this.#syncs };
  }

  /** Another user of the disk takes room or gives it back: from now on this many bytes are left. */
  leave(bytes: number): void {
    this.#capacityBytes = Number.MAX_SAFE_INTEGER;
    this.#capacityBytes -= this.free() - bytes;
  }

  /** From now on, completions wait. */
  freeze(): void {
    this.#held ??= [];
  }

  thaw(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const complete of held) complete();
  }

  /** After `successes` more, all operations fail. */
  fail(error: Error, successes = 0): void {
    this.#failure = error;
    this.#failAfter = successes;
  }

  /** From now on the directory cannot be changed, for this reason, or can again: null. Its files can be written. */
  closeDirectory(why: Error | null): void {
    this.#closed = why;
  }

  /**
   * The power goes. Nothing that was under way completes. Any part of what was not synced is lost, and so are the
   * latest changes to the directory, from some point on. The lock goes with its holder.
   */
  powerCut(random: Random): void {
    this.#stop();
    const kept = random.below(this.#directory.length + 1);
    for (const change of this.#directory.slice(kept).reverse()) change.undo();
    this.#directory = [];
    for (const file of this.#files.values()) file.lose(random);
  }

  /** The process dies, but the machine does not. What was written is still there, and no more durable than before. */
  processCrash(): void {
    this.#stop();
  }

  #stop(): void {
    this.#life++;
    this.#queues.clear();
    this.#ready = [];
    this.#held = null;
    this.#failure = null;
    this.#locked = false;
  }

  /** An independent disk with the same content, including operations that have not completed, for another host. */
  fork(options: MemoryDiskOptions = {}): MemoryDisk {
    const copy = new MemoryDisk({ capacityBytes: this.#capacityBytes, ...options });
    for (const [name, file] of this.#files) copy.#files.set(name, file.copy());
    return copy;
  }

  /** Holds from now on what another disk holds, which is not used any more. The host is off. */
  become(other: MemoryDisk): void {
    this.#stop();
    this.#directory = [];
    this.#files = other.#files;
  }

  /** Flips bits of one byte. */
  corrupt(name: string, offset: number, mask = 0xff): void {
    const file = this.#file(name);
    file.bytes[offset] = file.bytes[offset]! ^ mask;
  }

  /** Reads of this sector fail until it is written again. */
  breakSector(name: string, sector: number): void {
    this.#file(name).unreadable.add(sector);
  }

  /** Fills a sector with zeros, as if it had never been written. */
  erase(name: string, sector: number): void {
    const file = this.#file(name);
    file.bytes.fill(0, sector * sectorBytes, Math.min((sector + 1) * sectorBytes, file.size));
  }

  /** Shortens a file without telling its owner. */
  cut(name: string, size: number): void {
    this.#file(name).resize(size);
  }

  /** Removes a file without telling its owner. */
  lose(name: string): void {
    this.#files.delete(name);
  }

  /** Empties the directory. */
  wipe(): void {
    this.#stop();
    this.#files.clear();
    this.#directory = [];
  }

  #file(name: string): MemoryFile {
    const file = this.#files.get(name);
    if (file === undefined) throw noFile(name);
    return file;
  }
}
