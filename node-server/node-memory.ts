/** The `Memory` port of a process: the part of the engine's heap in which what lives for long is kept. */

import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Memory, MemoryUse } from '../core/base/ports.ts';

/** What the engine adds to `--max-old-space-size` for young objects, in the limit that it tells. */
const youngBytes = 48 * 1024 * 1024;
/** Spaces of young objects, and of what is the same in all processes. */
const besides: ReadonlySet<string> = new Set(['new_space', 'new_large_object_space', 'read_only_space']);

/** The engine's own function, which it gives to contexts that are made while its flag is set. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return gc;
}

export class NodeMemory implements Memory {
  readonly #limitBytes: number;
  #gc: (() => void) | null = null;

  constructor() {
    const { heap_size_limit: limit } = getHeapStatistics();
    this.#limitBytes = Math.max(limit - youngBytes, limit / 3);
  }

  use(): MemoryUse {
    let usedBytes = 0;
    for (const { space_name: name, space_used_size: used } of getHeapSpaceStatistics())
      if (!besides.has(name)) usedBytes += used;
    return { usedBytes, limitBytes: this.#limitBytes };
  }

  collect(): number {
    this.#gc ??= collector();
    const beganMs = performance.now();
    this.#gc();
    return performance.now() - beganMs;
  }
}
