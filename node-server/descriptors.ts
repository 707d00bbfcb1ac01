/**
 * The open files of this process, of which the system allows a number. Sockets must not take those that the store needs: a log that cannot
 * open its next segment stands still. API clients must not take those of nodes and administrators.
 */

import { readFileSync, readdirSync } from 'node:fs';
import type { Interface, Log } from '../core/base/ports.ts';

/** What is kept for the store and for what the process itself opens, and how much of the limit that is at most. */
const keptForFiles = 256;
const filesPart = 1 / 4;
/** What API clients leave to nodes and administrators, and how much of the rest that is at most. */
const keptForOthers = 128;
const othersPart = 1 / 4;
/** So often at most, the log says that connections were refused. */
const tellEveryMs = 10_000;

/** How many files this process may have open; Infinity where the system does not tell. */
export function descriptorLimit(): number {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return line === null ? Infinity : Number(line[1]);
  } catch {
    return Infinity;
  }
}

/** How many it has open; null where the system does not tell. */
export function openDescriptors(): number | null {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return null;
  }
}

/** Counts the sockets that all interfaces together have accepted. */
export class Sockets {
  readonly limit: number;
  readonly #forAll: number;
  readonly #forApi: number;
  readonly #log: Log;
  #open = 0;
  #untold = 0;
  #toldMs = Number.NEGATIVE_INFINITY;

  /** @param limit how many files this process may have open. */
  constructor(limit: number, log: Log) {
    this.limit = limit;
    this.#log = log;
    this.#forAll = limit === Infinity ? limit : limit - Math.min(keptForFiles, Math.floor(limit * filesPart));
    this.#forApi =
      limit === Infinity ? limit : this.#forAll - Math.min(keptForOthers, Math.floor(this.#forAll * othersPart));
  }

  get open(): number {
    return this.#open;
  }

  /** @returns false when there is no room for one more on this interface. */
  takes(through: Interface): boolean {
    const most = through === 'api' ? this.#forApi : this.#forAll;
    if (this.#open >= most) {
      this.#tell(through, most);
      return false;
    }
    this.#open++;
    return true;
  }

  gives(): void {
    this.#open--;
  }

  #tell(through: Interface, most: number): void {
    this.#untold++;
    const now = performance.now();
    if (now - this.#toldMs < tellEveryMs) return;
    const text =
      'refused connections: the other descriptors that this process may have open are kept for the store and for other interfaces; raise the limit of open files (ulimit -n)';
    const facts = { through, refused: this.#untold, connections: this.#open, most, openFilesLimit: this.limit };
    this.#log.write('warn', text, facts);
    this.#toldMs = now;
    this.#untold = 0;
  }
}
