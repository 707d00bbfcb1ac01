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
  /** Time in which this process ran, of each gap no more than the suspicion time: its replicated clock may not count more. */
  runningMs = 0;
  lastStepAt = 0;
  /** What its own clock is ahead of the world's time. */
  clockMs = 0;
  spoilCheckpoints = '';
  /** What was written waits in `heldCheckpoints`. */
  holdsCheckpoints = false;
  heldCheckpoints: Input[] = [];
  /** Hashes of the spoiled checkpoints that it wrote, and of those that it wrote before it was found to differ: never installed since. */
  readonly spoiled = new Set<string>();
  readonly wrong = new Set<string>();
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
