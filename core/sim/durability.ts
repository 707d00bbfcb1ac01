/**
 * Committed means durable on a quorum (protocol §9.4), looked at directly: at the moment of a commit, the disks of those who are said
 * to hold the op are copied, the copies lose their power, and what a store recovers from them must have it. For some of the commits:
 * recovering is what costs.
 */

import type { Hash } from '../base/ports.ts';
import type { SeededRandom } from '../base/random.ts';
import type { MemoryDisk } from '../store/memory-disk.ts';
import { Store } from '../store/store.ts';
import type { Member } from '../vr/configuration.ts';
import type { ReplicaIdentity } from '../vr/ports.ts';

/** One commit of so many is looked at. */
const oneOf = 64;

export interface CommittedOp {
  readonly identity: ReplicaIdentity;
  readonly op: number;
  readonly voters: readonly Member[];
  /** The replicas that count for it. */
  readonly by: readonly string[];
}

export class Durability {
  readonly #diskOf: (node: string) => MemoryDisk;
  readonly #segmentBytes: number;
  readonly #hash: Hash;
  readonly #random: SeededRandom;
  /** Nodes whose disks were damaged: what they acknowledged was durable there when they did. */
  readonly #damaged = new Set<string>();

  constructor(diskOf: (node: string) => MemoryDisk, segmentBytes: number, hash: Hash, random: SeededRandom) {
    this.#diskOf = diskOf;
    this.#segmentBytes = segmentBytes;
    this.#hash = hash;
    this.#random = random;
  }

  /**
   * The disk of a node that is off was damaged.
   * @returns whether its store knows that its log is gone, and false of a replica that it cannot prove the head of, or not even that it was
   * there: it may have forgotten what it said.
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

  /** Null when a quorum holds the op or it is not looked at; else what each of those who count has there. */
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

  /** The checksum of what a replica would have at `op` if its node's power went now. */
  #recovered(
    { namespace, replica, node }: Pick<ReplicaIdentity, 'namespace' | 'replica' | 'node'>,
    op: number,
  ): string {
    // As good as a checkpoint above it: it stands for whatever the others have there.
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
