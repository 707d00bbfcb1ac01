/** Where one replica of a scripted group lives: its disk, its machine, and what waits for it. */

import type { Member } from '../../core/vr/configuration.ts';
import type { Input, ReplicaEvent, ReplicaView } from '../../core/vr/ports.ts';
import type { Replica } from '../../core/vr/replica.ts';
import type { MemoryStorage } from './memory-storage.ts';
import { ToyMachine } from './toy-machine.ts';

/** One replica's place. Its disk survives its crashes. */
export class Place {
  readonly member: Member;
  storage: MemoryStorage;
  /** Its disk was lost. What it acknowledged is gone, and the node that starts in its place is a stranger. */
  wiped = false;
  replica: Replica | null = null;
  machine = new ToyMachine();
  /** Batches wait for `syncAll` instead of becoming durable at once. */
  slowDisk = false;
  paused = false;
  /**
   * How long this process ran, counting each gap as no more than the suspicion time. Its replicated clock may not count
   * more.
   */
  runningMs = 0;
  lastStepAt = 0;
  /** How far its own clock is ahead of the world's time. */
  clockMs = 0;
  spoilCheckpoints = '';
  /** What was written waits in `heldCheckpoints`. */
  holdsCheckpoints = false;
  heldCheckpoints: Input[] = [];
  /**
   * Hashes of the spoiled checkpoints that it wrote, and of those that it wrote before it was found to differ. None is
   * installed afterwards.
   */
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

  /** A checkpoint was written. One that an earlier life wrote too comes from a state that was rebuilt: nobody found this one wrong. */
  wrote(hash: string): void {
    this.wrong.delete(hash);
    if (this.spoilCheckpoints !== '') this.spoiled.add(hash);
  }
}
