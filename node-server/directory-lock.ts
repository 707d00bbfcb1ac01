/**
 * One process a data directory. Node has no `flock`, so the lock is a file with the holder's process id and the time that process
 * began: a file that a dead process left, or whose id another process has by now, does not hold.
 */

import * as fs from 'node:fs';
import * as path from 'node:path';

const lockFile = 'lock';

interface Holder {
  readonly pid: number;
  /** The process's start in ticks since boot, and the boot; null where the system does not say. */
  readonly began: string | null;
}

/** Directories that this very process holds, which its id cannot tell. */
const heldHere = new Set<string>();

export class DirectoryLock {
  readonly #directory: string;
  readonly #file: string;
  #key: string | null = null;

  constructor(directory: string) {
    this.#directory = directory;
    this.#file = path.join(directory, lockFile);
  }

  owns(name: string): boolean {
    return name === lockFile || name.startsWith(`${lockFile}.`);
  }

  /** @throws an Error that names the holder. */
  acquire(): void {
    const key = fs.realpathSync(this.#directory);
    if (heldHere.has(key)) throw this.#inUse(process.pid);
    const own = `${this.#file}.${process.pid}`;
    fs.writeFileSync(own, JSON.stringify({ pid: process.pid, began: beginningOf(process.pid) } satisfies Holder));
    try {
      for (let attempt = 0; attempt < 10; attempt++) {
        // A link is made of a whole file or not at all: nobody ever reads a lock that is half written.
        try {
          fs.linkSync(own, this.#file);
          heldHere.add(key);
          this.#key = key;
          return;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        }
        const holder = this.#holder();
        if (holder !== null && alive(holder)) throw this.#inUse(holder.pid);
        this.#clear(holder);
      }
      throw new Error(`the lock of data directory ${this.#directory} changes hands all the time`);
    } finally {
      fs.rmSync(own, { force: true });
    }
  }

  release(): void {
    if (this.#key === null) return;
    heldHere.delete(this.#key);
    this.#key = null;
    fs.rmSync(this.#file, { force: true });
  }

  #inUse(pid: number): Error {
    return new Error(
      `data directory ${this.#directory} is in use by process ${pid}: stop it, or give this node another data_dir`,
    );
  }

  #holder(): Holder | null {
    try {
      const value: unknown = JSON.parse(fs.readFileSync(this.#file, 'utf8'));
      if (typeof value !== 'object' || value === null) return null;
      const { pid, began } = value as { pid?: unknown; began?: unknown };
      if (typeof pid !== 'number') return null;
      return { pid, began: typeof began === 'string' ? began : null };
    } catch {
      return null;
    }
  }

  /**
   * Takes a dead process's lock away. Two that find it at once may both move a lock away, and one of them the other's new one: so
   * what was moved is looked at, and put back when it is not what was found dead.
   */
  #clear(dead: Holder | null): void {
    const moved = `${this.#file}.${process.pid}.stale`;
    try {
      fs.renameSync(this.#file, moved);
    } catch {
      return;
    }
    try {
      const now = fs.readFileSync(moved, 'utf8');
      const same = dead === null ? true : now === JSON.stringify(dead);
      if (!same) fs.linkSync(moved, this.#file);
    } catch {
      // Somebody has the lock by now; the next attempt sees who.
    } finally {
      fs.rmSync(moved, { force: true });
    }
  }
}

/** A boot and a moment of it, so that an id that is used again is told apart; null where /proc does not say. */
function beginningOf(pid: number): string | null {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program is in parentheses and may have spaces; the 22nd field of all is the start.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return ticks === undefined ? null : `${boot} ${ticks}`;
  } catch {
    return null;
  }
}

function alive(holder: Holder): boolean {
  if (holder.pid === process.pid && holder.began === null) {
    // That this process does not hold it was looked up, so a process before it had the same id.
    return false;
  }
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const began = beginningOf(holder.pid);
  return holder.began === null || began === null || began === holder.began;
}
