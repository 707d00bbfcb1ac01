/**
 * Lets only one process use a data directory, also across containers, hosts and crashes. Node has no `flock`, so the
 * lock is a series of links `lock-1`, `lock-2` ... The highest says which process has the directory, or that none has.
 * A process takes it over from `lock-n` by making `lock-n+1`, which only one process can do. Only then does it remove
 * the links below. So when two processes find a dead holder at once, they never both get the directory.
 *
 * Whether a holder is alive is decided by the first of these that can tell. If process ids mean the same to both, it is
 * the process table. If both run under one kernel, in whatever containers, it is the holder's socket. Otherwise, for a
 * holder on another host or from an earlier boot, it is a file that the holder touches every second. If that file
 * stands still for a while, the directory is taken. A holder that was paused for longer notices before it writes again,
 * and ends.
 */

import * as fs from 'node:fs';
import type * as net from 'node:net';
import * as path from 'node:path';
import { randomBytes } from 'node:crypto';
import { beginningOf, decodeHolder, encodeHolder, lives, placeHere, sameKernel, samePids } from './lock-holder.ts';
import type { Holder, Place } from './lock-holder.ts';
import { answers, listen, touchedAt, wait } from './lock-signs.ts';

const lockName = /^lock-(\d+)$/;
const free = 'free';
const maxAttempts = 10;
const lookEveryMs = 100;

export interface LockOptions {
  /** How often the holder gives a sign of life. */
  readonly beatMs?: number;
  /** How long to watch a silent holder of another host or boot before taking the directory. */
  readonly watchMs?: number;
  readonly here?: Place;
}

/** Directories that this very process holds. Its process id cannot tell that. */
const heldHere = new Set<string>();

interface Newest {
  readonly number: number;
  readonly text: string;
}

export class DirectoryLock {
  readonly #directory: string;
  readonly #here: Place;
  readonly #beatMs: number;
  readonly #watchMs: number;
  #key: string | null = null;
  #number = 0;
  #text = '';
  #token = '';
  #server: net.Server | null = null;
  #heart: NodeJS.Timeout | null = null;
  #beating = false;
  /** When we were last certain that this process has the directory. */
  #certainAt = 0;
  #lost: Error | null = null;

  constructor(directory: string, { beatMs = 1000, watchMs = 10_000, here = placeHere() }: LockOptions = {}) {
    this.#directory = directory;
    this.#here = here;
    this.#beatMs = beatMs;
    this.#watchMs = watchMs;
  }

  owns(name: string): boolean {
    return name.startsWith('lock-') || name.startsWith('lock.');
  }

  /**
   * Synchronous. It takes as long as {@link LockOptions.watchMs} when nothing else proves that a holder is dead.
   * @throws an Error that names the holder, or that says why it is unknown whether there is one, and what to do.
   */
  acquire(): void {
    const key = fs.realpathSync(this.#directory);
    if (heldHere.has(key)) throw this.#inUse(String(process.pid));
    this.#token = randomBytes(4).toString('hex');
    this.#server = listen(this.#directory, this.#socket(this.#token));
    const listens = this.#server !== null;
    const { pid } = process;
    this.#text = encodeHolder({ ...this.#here, token: this.#token, pid, began: beginningOf('self'), listens });
    try {
      this.#touch();
      this.#take();
    } catch (error) {
      this.#letGo();
      throw this.#unwritable(error) ?? error;
    }
    heldHere.add(key);
    this.#key = key;
    this.#lost = null;
    this.#certainAt = performance.now();
    this.#heart = setInterval(() => this.#beat(), this.#beatMs);
    this.#heart.unref();
  }

  #take(): void {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const newest = this.#newest();
      if (newest !== null && newest.text !== free && !this.#over(newest)) continue;
      const number = (newest?.number ?? 0) + 1;
      if (!this.#place(number, this.#text)) continue;
      // A slow process may have made a number that had come and gone. The process with the highest number has the
      // directory.
      if (this.#newest()?.number !== number) {
        this.#remove(`lock-${number}`);
        continue;
      }
      this.#number = number;
      this.#tidy();
      return;
    }
    throw new Error(
      `the lock of data directory ${this.#directory} keeps changing hands: several processes are trying to use it`,
    );
  }

  /** Call this before each write: during a pause, another process may have taken the directory. @throws when it has. */
  check(): void {
    if (this.#key === null) return;
    const now = performance.now();
    // Half of the time that another process would have to watch, so that a write that began in time ends before that.
    if (now - this.#certainAt > this.#watchMs / 2) {
      this.#touch();
      if (this.#isOurs()) this.#certainAt = now;
    }
    if (this.#lost !== null) throw this.#lost;
  }

  release(): void {
    if (this.#key === null) return;
    heldHere.delete(this.#key);
    this.#key = null;
    if (this.#heart !== null) clearInterval(this.#heart);
    if (this.#lost === null) {
      try {
        this.#place(this.#number + 1, free);
      } catch {
        // The number is then used again. That is safe unless another process looks at this very moment.
      }
      this.#remove(`lock-${this.#number}`);
    }
    this.#letGo();
  }

  #letGo(): void {
    // Closing the server removes its file.
    this.#server?.close();
    this.#server = null;
    this.#remove(this.#beatFile(this.#token));
  }

  #beat(): void {
    if (this.#beating) return;
    this.#beating = true;
    const at = performance.now();
    const now = new Date();
    // Not on the event loop, because a disk that hangs must not stop it.
    fs.utimes(path.join(this.#directory, this.#beatFile(this.#token)), now, now, (error) => {
      this.#beating = false;
      if (this.#key === null) return;
      if (error !== null) this.#touch();
      if (this.#isOurs()) this.#certainAt = at;
    });
  }

  /**
   * True while the lock is still this process's. If it was removed by hand, it is put back, unless another process has
   * the directory by now.
   */
  #isOurs(): boolean {
    if (this.#lost !== null) return false;
    try {
      if (this.#read(this.#number) === this.#text && this.#read(this.#number + 1) === null) return true;
      const newest = this.#newest();
      if (newest === null && this.#place(this.#number, this.#text) && this.#newest()?.number === this.#number)
        return true;
      const other = newest === null ? null : decodeHolder(newest.text);
      const who = other === null ? 'another process' : this.#describe(other);
      this.#lost = new Error(
        `data directory ${this.#directory} was taken by ${who} while this process was paused, or its lock was tampered with`,
      );
    } catch {
      // The directory cannot be read now. The next write will report that.
    }
    return false;
  }

  /**
   * @returns true when the holder is gone, false when there is another holder by now. @throws when the holder is not
   *   gone.
   */
  #over({ number, text }: Newest): boolean {
    const here = this.#here;
    const file = path.join(this.#directory, `lock-${number}`);
    const holder = decodeHolder(text);
    if (holder === null) throw this.#cannotTell(file, 'it cannot be read');
    if (samePids(holder, here)) {
      const alive = lives(holder);
      if (alive === true) throw this.#inUse(this.#describe(holder));
      if (alive === false) return true;
    }
    if (sameKernel(holder, here) && holder.listens) {
      const alive = answers(this.#directory, this.#socket(holder.token));
      if (alive === true) throw this.#inUse(this.#describe(holder));
      if (alive === false) return true;
    }
    return this.#watch(number, text, holder);
  }

  #watch(number: number, text: string, holder: Holder): boolean {
    const file = path.join(this.#directory, this.#beatFile(holder.token));
    const seen = touchedAt(file);
    const until = performance.now() + this.#watchMs;
    while (performance.now() < until) {
      wait(Math.min(lookEveryMs, this.#watchMs / 4));
      if (touchedAt(file) !== seen) throw this.#inUse(this.#describe(holder));
      const newest = this.#newest();
      if (newest?.number !== number || newest.text !== text) return false;
    }
    return true;
  }

  #describe(holder: Holder): string {
    const process = `process ${holder.pid}`;
    if (samePids(holder, this.#here)) return process;
    return sameKernel(holder, this.#here)
      ? `${process} of another container on this machine (${holder.host})`
      : `${process} on ${holder.host}`;
  }

  #inUse(who: string): Error {
    const holder = /^\d+$/.test(who) ? `process ${who}` : who;
    return new Error(
      `data directory ${this.#directory} is in use by ${holder}: stop it, or give this node another data_dir`,
    );
  }

  /** The lock is the first thing that is written, so it finds out when nothing can be. */
  #unwritable(error: unknown): Error | null {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') return null;
    return new Error(
      `data directory ${this.#directory} is not writable by this process (${code}): no file can be made in it; see to its owner, its mode, its attributes (lsattr) and how its file system is mounted`,
      { cause: error },
    );
  }

  #cannotTell(file: string, why: string): Error {
    return new Error(
      `it cannot be told whether data directory ${this.#directory} is in use: ${file} is its lock, and ${why}; make sure that no other process uses the directory, then remove that file and start again`,
    );
  }

  #socket(token: string): string {
    return `lock.${token}.sock`;
  }

  #beatFile(token: string): string {
    return `lock.${token}.beat`;
  }

  /**
   * Makes the file that shows that this process is alive, or updates its time. The file is empty, so a full disk has
   * room for it.
   */
  #touch(): void {
    const file = path.join(this.#directory, this.#beatFile(this.#token));
    try {
      fs.closeSync(fs.openSync(file, 'a', 0o600));
      const now = new Date();
      fs.utimesSync(file, now, now);
    } catch {
      // Without this file, other processes under this kernel can still check its process or its socket.
    }
  }

  #newest(): Newest | null {
    let highest = 0;
    for (const name of fs.readdirSync(this.#directory))
      highest = Math.max(highest, Number(lockName.exec(name)?.[1] ?? 0));
    if (highest === 0) return null;
    const text = this.#read(highest);
    // The link went while we read it, so there is a later one.
    return text === null ? this.#newest() : { number: highest, text };
  }

  #read(number: number): string | null {
    const file = path.join(this.#directory, `lock-${number}`);
    try {
      return fs.readlinkSync(file);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return null;
      if (code !== 'EINVAL' && code !== 'UNKNOWN') throw error;
      return fs.readFileSync(file, 'utf8');
    }
  }

  /**
   * Makes a link whose target is the text. It is made whole or not at all, by one process only, and needs no block of
   * the disk.
   */
  #place(number: number, text: string): boolean {
    const file = path.join(this.#directory, `lock-${number}`);
    try {
      fs.symlinkSync(text, file);
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') return false;
      if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
    }
    // On a file system without such links: writes a whole file and moves it there, if there is none.
    const own = path.join(this.#directory, `lock.${this.#token}.text`);
    fs.writeFileSync(own, text);
    try {
      fs.linkSync(own, file);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      fs.rmSync(own, { force: true });
    }
  }

  /**
   * Removes what earlier holders left. If a rival has made something meanwhile, it has no effect, because the rival
   * finds this lock.
   */
  #tidy(): void {
    for (const name of fs.readdirSync(this.#directory)) {
      const number = Number(lockName.exec(name)?.[1] ?? 0);
      const stale = name.startsWith('lock.') && !name.startsWith(`lock.${this.#token}.`);
      if (stale || (number > 0 && number < this.#number)) this.#remove(name);
    }
  }

  #remove(name: string): void {
    try {
      fs.unlinkSync(path.join(this.#directory, name));
    } catch {
      // The file is already gone, or the next holder will remove it.
    }
  }
}
