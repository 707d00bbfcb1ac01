/**
 * Committed means durable on a quorum (protocol §9.4), and this checks it directly. At the moment of a commit, it
 * copies the disks of the replicas that are said to hold the op, cuts the power of the copies, and looks for the op in
 * what a store recovers from them. It does so for some of the commits only, because recovering is expensive.
 */

import type { Op } from '../base/ids.ts';
import type { Hash } from '../base/ports.ts';
import type { SeededRandom } from '../base/random.ts';
import type { MemoryDisk } from '../store/memory-disk.ts';
import { Store } from '../store/store.ts';
import type { Member } from '../vr/configuration.ts';
import type { ReplicaIdentity } from '../vr/ports.ts';

/** One commit in this many is checked. */
const oneOf = 64;

export interface CommittedOp {
  readonly identity: ReplicaIdentity;
  readonly op: Op;
  readonly voters: readonly Member[];
  /** The replicas whose acknowledgements count for it. */
  readonly by: readonly string[];
}

export class Durability {
  readonly #diskOf: (node: string) => MemoryDisk;
  readonly #segmentBytes: number;
  readonly #hash: Hash;
  readonly #random: SeededRandom;
  /** Nodes whose disks were damaged. What they acknowledged was durable when they acknowledged it. */
  readonly #damaged = new Set<string>();

  constructor(diskOf: (node: string) => MemoryDisk, segmentBytes: number, hash: Hash, random: SeededRandom) {
    this.#diskOf = diskOf;
    this.#segmentBytes = segmentBytes;
    this.#hash = hash;
    this.#random = random;
  }

  /**
   * The disk of a node that is off was damaged.
   * @returns `emptied`: whether its store knows that its log is gone. `proven`: false for a replica whose head the
   *   store cannot prove, or that it does not even know any more. Such a replica may have forgotten what it said.
   */
  spoilt(node: string): { readonly emptied: boolean; readonly proven: (identity: ReplicaIdentity) => boolean } {
    this.#damaged.add(node);
    const store = this.#open(this.#diskOf(node).fork());
    const found = store.replicas();
    const proven = ({ namespace, replica }: ReplicaIdentity): boolean => {
      const one = found.find(({ identity }) => identity.namespace === namespace && identity.replica === replica);
      return one?.headProven ?? store.rosterProven;
    };
    return { emptied: store.emptied, proven };
  }

  lost(node: string): void {
    this.#damaged.add(node);
  }

  /**
   * Null when a quorum holds the op, or when this op is not checked. Otherwise, what each of the replicas has there.
   */
  missing({ identity, op, voters, by }: CommittedOp): Readonly<Record<string, string>> | null {
    if (!this.#random.chance(1, oneOf)) return null;
    const held: Record<string, string> = {};
    const holders = new Map<string, number>();
    let byCheckpoint = 0;
    for (const { replica, node } of voters) {
      if (!by.includes(replica)) continue;
      const what = this.#recovered({ ...identity, replica, node }, op);
      held[replica] = what;
      if (what === 'checkpoint') byCheckpoint++;
      else if (what !== 'nothing') holders.set(what, (holders.get(what) ?? 0) + 1);
    }
    const quorum = Math.floor(voters.length / 2) + 1;
    return Math.max(0, ...holders.values()) + byCheckpoint >= quorum ? null : held;
  }

  /** The checksum of what a replica would have at `op` if its node lost power now. */
  #recovered({ namespace, replica, node }: Pick<ReplicaIdentity, 'namespace' | 'replica' | 'node'>, op: Op): string {
    // It counts like a checkpoint above the op, which stands for whatever the others have there.
    if (this.#damaged.has(node)) return 'checkpoint';
    const disk = this.#diskOf(node).fork();
    disk.powerCut(this.#random);
    const store = this.#open(disk);
    const recovered = store.replicas().find(({ identity }) => {
      return identity.namespace === namespace && identity.replica === replica;
    });
    if (recovered === undefined) return 'nothing';
    if ((recovered.checkpoint?.op ?? 0) >= op) return 'checkpoint';
    return store.storageOf(namespace, replica).entry(op)?.checksum ?? 'nothing';
  }

  #open(disk: MemoryDisk): Store {
    return Store.open(
      { disk, hash: this.#hash, random: this.#random, log: { write: () => undefined } },
      { segmentBytes: this.#segmentBytes, now: () => 0, onFailure: () => undefined },
    );
  }
}
