/**
 * The `Disk` port over a directory of the file system. A durable write is one call on the thread pool: the file is open
 * with O_DSYNC, and its blocks were allocated and filled before, so no metadata has to follow the data.
 */

import * as fs from 'node:fs';
import * as path from 'node:path';
import { DiskFull } from '../core/base/disk-full.ts';
import type { Disk, DiskDone } from '../core/base/ports.ts';
import { DirectoryLock } from './directory-lock.ts';
import type { LockOptions } from './directory-lock.ts';

/** The node's files include its cluster's secret, so only their owner may read them. */
const ownerOnly = 0o600;
/** Files that are being made end with this. They do not count until they are renamed. */
const unfinishedSuffix = '.new';
/** Fills this much at a time and syncs each piece, so that a batch of the log waits for at most one piece. */
const fillBytes = 512 * 1024;
/** Where O_DSYNC is missing, O_SYNC makes more durable than we need. */
const syncedFlags =
  fs.constants.O_WRONLY |
  ('O_DSYNC' in fs.constants ? fs.constants.O_DSYNC : (fs.constants as { O_SYNC: number }).O_SYNC);
const zeros = new Uint8Array(fillBytes);

/** When the process has too many files open, it is tried again after so long. */
const scarceMs = 20;

/** Calls `end` once, and never before it returns. If it throws, that is its error. */
type Operation = (end: (error: NodeJS.ErrnoException | null) => void) => void;

interface OpenFile {
  /** For writes that a later sync covers, and for reads. */
  readonly plain: number;
  /** Opened with O_DSYNC, for durable writes. It is opened when the first one is asked for. */
  synced: number | null;
}

export class NodeDisk implements Disk {
  readonly #directory: string;
  readonly #lock: DirectoryLock;
  #locked = false;
  readonly #files = new Map<string, OpenFile>();
  /** Calls on one file finish in the order in which they were made: each waits for the one before it. */
  readonly #queues = new Map<string, { operation: Operation; done: DiskDone }[]>();

  /** @param directory is created, with its parents, when it does not exist. */
  constructor(directory: string, lock: LockOptions = {}) {
    this.#directory = path.resolve(directory);
    this.#lock = new DirectoryLock(this.#directory, lock);
  }

  lock(): void {
    this.#makeDirectory();
    this.#lock.acquire();
    this.#locked = true;
    for (const name of fs.readdirSync(this.#directory)) {
      if (name.endsWith(unfinishedSuffix)) this.#dropUnfinished(name);
    }
  }

  /** It counts for nothing. One that cannot be removed is in the way only when its name is needed. */
  #dropUnfinished(name: string): void {
    try {
      fs.unlinkSync(this.#path(name));
    } catch {
      // The next start, or whoever makes a file of this name, tries again.
    }
  }

  /** Nothing is under way and nothing waits. What a process has under way ends with it; within one it has to be waited for. */
  get idle(): boolean {
    return this.#queues.size === 0;
  }

  unlock(): void {
    // A descriptor that a call still uses is closed when that call ends. Its number must not go to another file before.
    for (const name of [...this.#files.keys()]) if (!this.#queues.has(name)) this.#close(name);
    this.#locked = false;
    this.#lock.release();
  }

  /** Makes the directory durably: each new name is synced into the directory above it. */
  #makeDirectory(): void {
    const made = fs.mkdirSync(this.#directory, { recursive: true });
    if (made === undefined) return;
    for (let at = this.#directory; ; at = path.dirname(at)) {
      syncDirectory(path.dirname(at));
      if (at === made || at === path.dirname(at)) return;
    }
  }

  list(): readonly { readonly name: string; readonly size: number }[] {
    const files: { name: string; size: number }[] = [];
    for (const entry of fs.readdirSync(this.#directory, { withFileTypes: true })) {
      if (!entry.isFile() || entry.name.endsWith(unfinishedSuffix) || this.#lock.owns(entry.name)) continue;
      files.push({ name: entry.name, size: fs.statSync(this.#path(entry.name)).size });
    }
    return files.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  syncAll(): void {
    for (const { name } of this.list()) {
      let file: number;
      try {
        file = fs.openSync(this.#path(name), 'r+');
      } catch {
        // What cannot be opened is not read either.
        continue;
      }
      try {
        fs.fsyncSync(file);
      } catch (error) {
        throw new Error(
          `the file "${name}" of the data directory cannot be made durable (${error instanceof Error ? error.message : String(error)}): an earlier process wrote to it; look at the disk before you start again`,
        );
      } finally {
        fs.closeSync(file);
      }
    }
    syncDirectory(this.#directory);
  }

  noFile(name: string): string | null {
    const found = fs.lstatSync(this.#path(name), { throwIfNoEntry: false });
    if (found === undefined || found.isFile()) return null;
    if (found.isSymbolicLink()) return 'a symbolic link';
    return found.isDirectory() ? 'a directory' : 'neither file nor directory';
  }

  read(name: string, offset: number, length: number): Uint8Array {
    const file = this.#open(name).plain;
    const bytes = new Uint8Array(Math.max(0, length));
    let filled = 0;
    while (filled < length) {
      const count = fs.readSync(file, bytes, filled, length - filled, offset + filled);
      if (count === 0) return bytes.slice(0, filled);
      filled += count;
    }
    return bytes;
  }

  create(name: string, size: number, done: DiskDone): void {
    this.#enqueue(name, done, (end) => {
      if (fs.existsSync(this.#path(name))) throw exists(name);
      this.#makeFile(name, size, end);
    });
  }

  /**
   * Fills a new file with zeros under another name, syncs it and renames it, so that it is never seen with less than
   * its size.
   */
  #makeFile(name: string, size: number, end: (error: NodeJS.ErrnoException | null) => void): void {
    const unfinished = this.#path(name + unfinishedSuffix);
    const flags = syncedFlags | fs.constants.O_CREAT | fs.constants.O_TRUNC;
    this.#openSoon(unfinished, flags, (openError, file) => {
      if (openError !== null) return end(openError);
      // The half-made file takes up room that is needed. No file is left under either name.
      const fail = (error: NodeJS.ErrnoException, made = unfinished): void => fs.unlink(made, () => end(error));
      const failOpen = (error: NodeJS.ErrnoException): void => fs.close(file, () => fail(error));
      const fill = (at: number): void => {
        if (at >= size) {
          fs.fsync(file, (syncError) => {
            if (syncError !== null) return failOpen(syncError);
            fs.close(file, (closeError) => {
              if (closeError) return fail(closeError);
              fs.rename(unfinished, this.#path(name), (renameError) => {
                if (renameError !== null) return fail(renameError);
                this.#syncDirectory((error) => {
                  if (error === null) end(null);
                  else fail(error, this.#path(name));
                });
              });
            });
          });
          return;
        }
        fs.write(file, zeros, 0, Math.min(fillBytes, size - at), at, (error, written) => {
          if (error !== null) failOpen(error);
          else fill(at + written);
        });
      };
      fill(0);
    });
  }

  write(name: string, offset: number, parts: readonly Uint8Array[], durable: boolean, done: DiskDone): void {
    this.#enqueue(name, done, (end) => {
      const open = this.#open(name);
      const file = durable ? this.#openSynced(name, open) : open.plain;
      const begin = (): void => {
        if (parts.length === 1) writeAll(file, parts[0]!, 0, offset, end);
        else writeParts(file, [...parts], offset, end);
      };
      if (!durable) return begin();
      // Waking a thread for it takes as long as sending a frame. So what this turn sends, such as the same batch to the
      // backups, leaves first.
      queueMicrotask(() => {
        try {
          begin();
        } catch (error) {
          end(error as NodeJS.ErrnoException);
        }
      });
    });
  }

  sync(name: string, done: DiskDone): void {
    // fsync, not fdatasync: a checkpoint's file grows, and its new size must be durable too.
    this.#enqueue(name, done, (end) => fs.fsync(this.#open(name).plain, end));
  }

  truncate(name: string, size: number, done: DiskDone): void {
    this.#enqueue(name, done, (end) => {
      const file = this.#open(name).plain;
      fs.ftruncate(file, size, (error) => {
        if (error !== null) end(error);
        else fs.fsync(file, end);
      });
    });
  }

  rename(from: string, to: string, done: DiskDone): void {
    this.#enqueue(from, done, (end) => {
      this.#close(from);
      this.#close(to);
      fs.rename(this.#path(from), this.#path(to), (error) => {
        if (error !== null) end(error);
        else this.#syncDirectory(end);
      });
    });
  }

  remove(name: string, done: DiskDone): void {
    this.#enqueue(name, done, (end) => {
      this.#close(name);
      fs.unlink(this.#path(name), (error) => {
        if (error !== null) end(error);
        else this.#syncDirectory(end);
      });
    });
  }

  free(): number {
    const { bavail, bsize } = fs.statfsSync(this.#directory);
    return bavail * bsize;
  }

  #path(name: string): string {
    return path.join(this.#directory, name);
  }

  #open(name: string): OpenFile {
    let file = this.#files.get(name);
    if (file === undefined) {
      file = { plain: this.#openNow(name, fs.constants.O_RDWR), synced: null };
      this.#files.set(name, file);
    }
    return file;
  }

  #openSynced(name: string, file: OpenFile): number {
    file.synced ??= this.#openNow(name, syncedFlags);
    return file.synced;
  }

  /** Other files, of which nothing is asked now, are opened again when they are needed. They make room for this one. */
  #openNow(name: string, flags: number): number {
    try {
      return fs.openSync(this.#path(name), flags);
    } catch (error) {
      if (!isScarce(error)) throw error;
      this.#closeIdle(name);
      return fs.openSync(this.#path(name), flags);
    }
  }

  /** Too many open files are no failure of the disk. It waits until there are fewer. */
  #openSoon(file: string, flags: number, done: (error: NodeJS.ErrnoException | null, file: number) => void): void {
    fs.open(file, flags, ownerOnly, (error, opened) => {
      if (!isScarce(error)) return done(error, opened);
      this.#closeIdle();
      setTimeout(() => this.#openSoon(file, flags, done), scarceMs);
    });
  }

  #closeIdle(except = ''): void {
    for (const name of [...this.#files.keys()]) if (name !== except && !this.#queues.has(name)) this.#close(name);
  }

  #close(name: string): void {
    const file = this.#files.get(name);
    if (file === undefined) return;
    this.#files.delete(name);
    fs.closeSync(file.plain);
    if (file.synced !== null) fs.closeSync(file.synced);
  }

  #syncDirectory(end: (error: NodeJS.ErrnoException | null) => void): void {
    this.#openSoon(this.#directory, fs.constants.O_RDONLY, (openError, directory) => {
      if (openError !== null) return end(openError);
      fs.fsync(directory, (syncError) => {
        fs.close(directory, (closeError) => end(syncError ?? closeError ?? null));
      });
    });
  }

  #enqueue(name: string, done: DiskDone, operation: Operation): void {
    const queue = this.#queues.get(name);
    if (queue !== undefined) {
      queue.push({ operation, done });
      return;
    }
    this.#queues.set(name, []);
    this.#run(name, operation, done);
  }

  #run(name: string, operation: Operation, done: DiskDone): void {
    const end = (error: NodeJS.ErrnoException | null): void => {
      const queue = this.#queues.get(name)!;
      const next = queue.shift();
      if (next === undefined) {
        this.#queues.delete(name);
        if (!this.#locked) this.#close(name);
      } else this.#run(name, next.operation, next.done);
      if (error === null) return done(null);
      const Kind = isFull(error) ? DiskFull : Error;
      done(new Kind(`${name} in ${this.#directory}: ${error.message}`, { cause: error }));
    };
    try {
      this.#lock.check();
      operation(end);
    } catch (error) {
      if (isScarce(error)) {
        setTimeout(() => this.#run(name, operation, done), scarceMs);
        return;
      }
      // What fails at once is reported like what fails later: after the call has returned.
      setImmediate(() => end(error as NodeJS.ErrnoException));
    }
  }
}

function writeAll(
  file: number,
  bytes: Uint8Array,
  from: number,
  offset: number,
  end: (error: NodeJS.ErrnoException | null) => void,
): void {
  fs.write(file, bytes, from, bytes.length - from, offset, (error, written) => {
    if (error !== null) end(error);
    else if (from + written < bytes.length) writeAll(file, bytes, from + written, offset + written, end);
    else end(null);
  });
}

function writeParts(
  file: number,
  parts: Uint8Array[],
  offset: number,
  end: (error: NodeJS.ErrnoException | null) => void,
): void {
  if (parts.length === 0) {
    setImmediate(() => end(null));
    return;
  }
  fs.writev(file, parts, offset, (error, written) => {
    if (error !== null) return end(error);
    let rest = written;
    while (parts.length > 0 && rest >= parts[0]!.length) rest -= parts.shift()!.length;
    if (parts.length === 0) return end(null);
    parts[0] = parts[0]!.subarray(rest);
    writeParts(file, parts, offset + written, end);
  });
}

/** This process, or the machine, has too many files open. */
function isScarce(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return code === 'EMFILE' || code === 'ENFILE';
}

function isFull({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ENOSPC' || code === 'EDQUOT';
}

function exists(name: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`there is a file ${name} already`), { code: 'EEXIST' });
}

function syncDirectory(directory: string): void {
  const file = fs.openSync(directory, 'r');
  try {
    fs.fsyncSync(file);
  } finally {
    fs.closeSync(file);
  }
}
