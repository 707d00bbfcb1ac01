/** What a node has for its replicas: disk and memory. It says when they get low, and what must not be taken in then. */

import type { Log } from '../../base/ports.ts';
import type { Store } from '../../store/store.ts';
import type { NodeOptions, NodePorts } from '../base/host.ts';
import { nodeTimes } from '../base/times.ts';
import { DiskReserve } from './disk-reserve.ts';
import { DiskStall } from './disk-stall.ts';
import type { Groups } from './groups.ts';
import type { Waiter } from './job.ts';
import { MemoryReserve } from './memory-reserve.ts';
import type { Taken } from './memory-reserve.ts';

export class Resources {
  readonly disk: DiskReserve;
  readonly memory: MemoryReserve;
  readonly stall: DiskStall;
  readonly #groups: Groups;
  readonly #log: Log;

  constructor({ disk, memory, log }: NodePorts, options: NodeOptions, store: Store, groups: Groups) {
    this.#groups = groups;
    this.#log = log;
    this.disk = new DiskReserve(disk, options.diskReserveBytes, {
      refusal: () => store.refusal,
      bytes: () => store.roomFor(groups.all),
    });
    this.memory = new MemoryReserve(memory ?? null, () => groups.stateBytes);
    this.stall = new DiskStall(() => store.work, nodeTimes(options.timing));
  }

  /** What the operator should know. */
  get problems(): readonly string[] {
    return [this.disk, this.memory, this.stall].filter(({ low }) => low).map(({ problem }) => problem);
  }

  /** Whether a request may be proposed now, and who waits for it if it is. */
  takes(operation: Uint8Array, waiter: Waiter): Taken {
    const refusal = this.disk.refuses(operation);
    return refusal === null ? this.memory.takes(operation, waiter) : { waiter, refusal };
  }

  tick(now: number): void {
    const { disk, memory, stall } = this;
    if (disk.tick(now)) {
      // A primary without room leaves its view to a replica that has some.
      this.#groups.diskLow(disk.low);
      this.#tell(disk, 'the disk of the data directory has room again', { freeBytes: disk.freeBytes });
    }
    if (memory.tick(now)) this.#tell(memory, 'there is memory for more state again', { ...memory.use });
    if (stall.tick(now)) this.#tell(stall, 'the disk of the data directory answers again');
  }

  #tell(
    { low, problem }: { readonly low: boolean; readonly problem: string },
    over: string,
    facts: Readonly<Record<string, unknown>> = {},
  ): void {
    if (low) this.#log.write('warn', problem);
    else this.#log.write('info', over, facts);
  }
}
