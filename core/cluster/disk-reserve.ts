/** The reserve of free disk: below it growth is refused, while reads, deletes and checkpoints go on (architecture §2). */

import { errorInfo } from '../base/errors.ts';
import type { ErrorInfo } from '../base/errors.ts';
import type { Disk } from '../base/ports.ts';
import { decodeBody } from '../service/body.ts';
import type { SimpleOperation } from '../tree/operation.ts';
import { isRead } from '../tree/reading.ts';

/** Asking the file system is a system call, so it is asked at most so often. */
const askEveryMs = 1000;

const shrinking: ReadonlySet<SimpleOperation['kind']> = new Set(['delete', 'queuePop', 'setRemove', 'counterAdd']);

export class DiskReserve {
  readonly #disk: Disk;
  readonly #reserveBytes: number;
  #freeBytes = Number.MAX_SAFE_INTEGER;
  #askedMs = Number.NEGATIVE_INFINITY;

  constructor(disk: Disk, reserveBytes: number) {
    this.#disk = disk;
    this.#reserveBytes = reserveBytes;
  }

  get low(): boolean {
    return this.#freeBytes < this.#reserveBytes;
  }

  /** As last asked; null when it is not asked, because nothing is reserved. */
  get freeBytes(): number | null {
    return this.#askedMs === Number.NEGATIVE_INFINITY ? null : this.#freeBytes;
  }

  /** What its operator is to know, while {@link low}. */
  get problem(): string {
    return `the disk of the data directory has ${this.#freeBytes} bytes left of the ${this.#reserveBytes} that disk_reserve_bytes keeps free: what grows is refused with DiskLow until space is freed`;
  }

  tick(now: number): void {
    if (this.#reserveBytes === 0 || now - this.#askedMs < askEveryMs) return;
    this.#askedMs = now;
    this.#freeBytes = this.#disk.free();
  }

  /** Why a request must not be proposed now; null when it may. A body that cannot be decoded is refused elsewhere. */
  refuses(body: Uint8Array): ErrorInfo | null {
    if (!this.low || !grows(body)) return null;
    return errorInfo(
      'DiskLow',
      `the disk of the primary has ${this.#freeBytes} bytes left; only what frees space is taken`,
      {
        limit: this.#reserveBytes,
        actual: this.#freeBytes,
      },
    );
  }
}

function grows(body: Uint8Array): boolean {
  let decoded;
  try {
    decoded = decodeBody(body);
  } catch {
    return false;
  }
  if (decoded.kind !== 'operation') return false;
  const { operation } = decoded;
  const parts = operation.kind === 'transaction' ? [...operation.then, ...operation.otherwise] : [operation];
  return parts.some((part) => !shrinking.has(part.kind) && !isRead(part));
}
