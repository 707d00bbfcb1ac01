/**
 * The reserve of free disk. Below it, requests that grow the state are refused, while reads, deletes and checkpoints go
 * on (architecture §2).
 */

import { errorInfo } from '../../base/errors.ts';
import type { ErrorInfo } from '../../base/errors.ts';
import { DiskFull } from '../../base/disk-full.ts';
import type { Disk, DiskError } from '../../base/ports.ts';
import { growingOperations } from './growth.ts';

/** Asking the file system is a system call, so it is asked at most this often. */
const askEveryMs = 250;

/** What needs the reserve, as the store and its replicas know it. */
export interface DiskNeeds {
  /** Why the disk refuses what the log needs next, or null while it does not. */
  refusal(): DiskError | null;
  /** Bytes that the next checkpoints need, together with the log during them. */
  bytes(): number;
}

export class DiskReserve {
  readonly #disk: Disk;
  readonly #configuredBytes: number;
  readonly #needs: DiskNeeds;
  /** How much is kept free now: as much as is configured, and never less than the next checkpoint needs. */
  #reserveBytes: number;
  #refusal: DiskError | null = null;
  #freeBytes = Number.MAX_SAFE_INTEGER;
  #askedMs = Number.NEGATIVE_INFINITY;

  constructor(disk: Disk, reserveBytes: number, needs: DiskNeeds) {
    this.#disk = disk;
    this.#configuredBytes = reserveBytes;
    this.#reserveBytes = reserveBytes;
    this.#needs = needs;
  }

  get low(): boolean {
    return this.#refusal !== null || this.#freeBytes < this.#reserveBytes;
  }

  /** The last answer of the file system. Null when it is not asked, because nothing is reserved. */
  get freeBytes(): number | null {
    return this.#askedMs === Number.NEGATIVE_INFINITY ? null : this.#freeBytes;
  }

  /** The text for the operator while {@link low}. */
  get problem(): string {
    if (this.#refusal !== null && !this.#full)
      return `the data directory does not take the next segment of the log (${this.#refusal.message}): requests that grow the state are refused with DiskLow, the node tries again, and its process ends when the segment in use is full; make the directory writable`;
    if (this.#full)
      return 'the disk of the data directory is full, and the log waits for room for its next segment: requests that grow the state are refused with DiskLow until space is freed';
    return `the disk of the data directory has ${this.#freeBytes} bytes left of the ${this.#reserveBytes} that are kept free (disk_reserve_bytes, and never less than the next checkpoint needs): requests that grow the state are refused with DiskLow until space is freed`;
  }

  get #full(): boolean {
    return this.#refusal instanceof DiskFull;
  }

  /** @returns true when {@link low} changed. */
  tick(now: number): boolean {
    const before = this.low;
    this.#refusal = this.#needs.refusal();
    if (this.#configuredBytes > 0 && now - this.#askedMs >= askEveryMs) {
      this.#askedMs = now;
      this.#reserveBytes = Math.max(this.#configuredBytes, this.#needs.bytes());
      this.#freeBytes = this.#disk.free();
    }
    return this.low !== before;
  }

  /** Why a request must not be proposed now, or null when it may. */
  refuses(body: Uint8Array): ErrorInfo | null {
    if (!this.low || growingOperations(body) === 0) return null;
    return errorInfo(
      'DiskLow',
      this.#refusal !== null
        ? `the disk of the primary ${this.#full ? 'is full' : 'refuses the next segment of its log'}; only requests that free space are accepted`
        : `the disk of the primary has ${this.#freeBytes} bytes left; only requests that free space are accepted`,
      {
        limit: this.#reserveBytes,
        actual: this.#refusal !== null ? 0 : this.#freeBytes,
      },
    );
  }
}
