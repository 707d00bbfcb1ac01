/**
 * One process a data directory, also across containers, hosts and crashes. Node has no `flock`, so the lock is a row of links
 * `lock-1`, `lock-2` ...: the highest says who has the directory, or that nobody has. Who takes it over from `lock-n` makes `lock-n+1`,
 * which only one can, and only then are those below removed: so two that find a dead holder at once never both have it.
 *
 * Whether a holder lives is asked, in this order, of what can prove it: of the process table, when process ids mean the same to both;
 * of its socket, when both run under one kernel, in whatever containers; else, of another host or an earlier boot, of a file that it
 * touches every second. Who sees that stand still for a while takes the directory. A holder that was paused for longer finds that out
 * before it writes again, and ends.
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
  /** How often the holder gives its sign of life. */
  readonly beatMs?: number;
  /** How long a silent holder of another host or boot is watched before the directory is taken. */
  readonly watchMs?: number;
  readonly here?: Place;
}

/** Directories that this very process holds, which its id cannot tell. */
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
  /** When it was last certain that the directory is this process's. */
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
   * Synchronous, and for as long as {@link LockOptions.watchMs} when nothing else proves that a holder is dead.
   * @throws an Error that names the holder, or says that it cannot be told whether there is one, and what to do.
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
      throw error;
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
      // One that was slow may have made a number that had come and gone: whoever has the highest has the directory.
      if (this.#newest()?.number !== number) {
        this.#remove(`lock-${number}`);
        continue;
      }
      this.#number = number;
      this.#tidy();
      return;
    }
    throw new Error(`the lock of data directory ${this.#directory} changes hands all the time`);
  }

  /** Before each write: after a pause, another process may have taken the directory. @throws when this one has it no more. */
  check(): void {
    if (this.#key === null) return;
    const now = performance.now();
    // Half of what another one would have to watch: a write that began in time is over before that.
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
        // The number is used again then, which is safe as long as nobody looks at this very moment.
      }
      this.#remove(`lock-${this.#number}`);
    }
    this.#letGo();
  }

  #letGo(): void {
    // Closing it removes its file.
    this.#server?.close();
    this.#server = null;
    this.#remove(this.#beatFile(this.#token));
  }

  #beat(): void {
    if (this.#beating) return;
    this.#beating = true;
    const at = performance.now();
    const now = new Date();
    // Not on the loop: a disk that hangs must not stop it.
    fs.utimes(path.join(this.#directory, this.#beatFile(this.#token)), now, now, (error) => {
      this.#beating = false;
      if (this.#key === null) return;
      if (error !== null) this.#touch();
      if (this.#isOurs()) this.#certainAt = at;
    });
  }

  /** The lock is still this process's. One that was removed by hand is put back, unless another one has the directory by now. */
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
      // The directory cannot be read now; whoever wants to write is told soon enough.
    }
    return false;
  }

  /** @returns true when the holder is gone, false when it is another one by now. @throws when it is not gone. */
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

  /** Makes the file that shows that this process lives, or sets its time. It is empty, so that a full disk has room for it. */
  #touch(): void {
    const file = path.join(this.#directory, this.#beatFile(this.#token));
    try {
      fs.closeSync(fs.openSync(file, 'a', 0o600));
      const now = new Date();
      fs.utimesSync(file, now, now);
    } catch {
      // Without it, others under this kernel still have its process or its socket to ask.
    }
  }

  #newest(): Newest | null {
    let highest = 0;
    for (const name of fs.readdirSync(this.#directory))
      highest = Math.max(highest, Number(lockName.exec(name)?.[1] ?? 0));
    if (highest === 0) return null;
    const text = this.#read(highest);
    // It went while it was read: a later one is there.
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

  /** Makes a link whose target is the text: whole or not at all, by one process only, and without a block of the disk. */
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
    // A file system without such links: a whole file is moved there, if none is.
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

  /** Removes what earlier holders left. What a rival has made it makes in vain: it finds this lock. */
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
      // It is gone, or goes when the next one tidies up.
    }
  }
}
