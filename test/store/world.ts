/** A store on a memory disk, driven by hand, with the small helpers that its tests need again and again. */

import { createHash, createHmac } from 'node:crypto';
import type { Hash, Log } from '../../core/base/ports.ts';
import { SeededRandom } from '../../core/base/random.ts';
import type { Configuration } from '../../core/vr/configuration.ts';
import type { Entry } from '../../core/vr/entry.ts';
import { makeEntry } from '../../core/vr/entry.ts';
import type { RecoveredReplica, ReplicaIdentity } from '../../core/vr/ports.ts';
import { MemoryDisk } from '../../core/store/memory-disk.ts';
import { Store } from '../../core/store/store.ts';
import type { StoreOptions } from '../../core/store/store.ts';

const cut = (hex: string): string => hex.slice(0, 32);

/** The servers' kind of hash, because these tests hash much. */
export const hash: Hash = {
  digest: (bytes) => cut(createHash('sha256').update(bytes).digest('hex')),
  mac: (key, bytes) => createHmac('sha256', key).update(bytes).digest('hex'),
  start: () => {
    const hasher = createHash('sha256');
    return { update: (bytes) => void hasher.update(bytes), digest: () => cut(hasher.digest('hex')) };
  },
};
export const genesis = '0'.repeat(32);
const cluster = 'c'.repeat(32);

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly facts?: Readonly<Record<string, unknown>> | undefined;
}

export class World {
  disk: MemoryDisk;
  store!: Store;
  now = 0;
  readonly lines: LogLine[] = [];
  readonly failures: Error[] = [];
  readonly options: Partial<StoreOptions>;
  readonly log: Log = { write: (level, message, facts) => this.lines.push({ level, message, facts }) };
  random: SeededRandom;

  constructor(options: Partial<StoreOptions> = {}, disk = new MemoryDisk(), seed = 1) {
    this.options = options;
    this.disk = disk;
    this.random = new SeededRandom(seed);
    this.open();
  }

  open(): Store {
    this.store = Store.open(
      { disk: this.disk, hash, random: this.random, log: this.log },
      {
        segmentBytes: 256 * 1024,
        now: () => this.now,
        onFailure: (error) => this.failures.push(error),
        ...this.options,
      },
    );
    return this.store;
  }

  /** Lets the disk do everything that it was asked to do, and time pass until the log is idle. */
  settle(): void {
    for (let i = 0; i < 40; i++) {
      this.disk.run();
      this.now += 10;
      this.store.tick(this.now);
    }
    this.disk.run();
  }

  /** Everything that was written stays; a new process opens the directory. */
  restart(): Store {
    this.disk.processCrash();
    return this.open();
  }

  create(namespace: number, replica = 'r1'): void {
    this.store.createReplica(this.identity(namespace, replica), configurationOf(replica), () => undefined);
  }

  identity(namespace: number, replica = 'r1'): ReplicaIdentity {
    return { cluster, namespace, replica, node: 'n1', incarnation: this.store.incarnation };
  }

  recovered(namespace: number, replica = 'r1'): RecoveredReplica {
    const found = this.store
      .replicas()
      .find((r) => r.identity.namespace === namespace && r.identity.replica === replica);
    if (found === undefined) throw new Error(`replica ${replica} of ${namespace} was not recovered`);
    return found;
  }

  warnings(): string[] {
    return this.lines.filter((l) => l.level === 'error' || l.level === 'warn').map((l) => l.message);
  }

  segments(): string[] {
    return this.disk
      .list()
      .map(({ name }) => name)
      .filter((name) => name.startsWith('log-'));
  }
}

export function configurationOf(replica: string): Configuration {
  return {
    epoch: 1,
    voters: [{ replica, node: 'n1', incarnation: 'a'.repeat(32), address: '127.0.0.1:2000' }],
    learners: [],
  };
}

/** Entries `from` to `to` after `before`, each with a body of `bytes`. */
export function chain(from: number, to: number, before: Entry | null = null, bytes = 100, view = 0): Entry[] {
  const entries: Entry[] = [];
  let parent = before?.checksum ?? genesis;
  for (let op = from; op <= to; op++) {
    const body = new Uint8Array(bytes).fill(op % 251);
    const entry = makeEntry(
      { epoch: 1, view, op, commit: op - 1, parent, timestamp: op, session: 0, request: 0, answered: 0, body },
      hash,
    );
    entries.push(entry);
    parent = entry.checksum;
  }
  return entries;
}
