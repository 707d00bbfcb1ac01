/** Where one replica of a scripted group lives: its disk, its machine, and what waits for it. */

import type { Member } from '../../core/vr/configuration.ts';
import type { Input, ReplicaEvent, ReplicaView } from '../../core/vr/ports.ts';
import type { Replica } from '../../core/vr/replica.ts';
import type { MemoryStorage } from './memory-storage.ts';
import { ToyMachine } from './toy-machine.ts';

/** One replica's place: its disk outlives its crashes. */
export class Place {
  readonly member: Member;
  storage: MemoryStorage;
  /** Its disk was lost: what it acknowledged is gone, and what starts in its place is a stranger. */
  wiped = false;
  replica: Replica | null = null;
  machine = new ToyMachine();
  /** Batches wait for `syncAll` instead of becoming durable at once. */
  slowDisk = false;
  paused = false;
  /** What its own clock is ahead of the world's time. */
  clockMs = 0;
  spoilCheckpoints = '';
  readonly events: ReplicaEvent[] = [];
  queued: Input[] = [];

  constructor(member: Member, storage: MemoryStorage) {
    this.member = member;
    this.storage = storage;
  }

  get view(): ReplicaView {
    if (this.replica === null) throw new Error(`${this.member.replica} is down`);
    return this.replica.view();
  }
}
