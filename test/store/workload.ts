/**
 * A random workload of several replicas over one store. It records the state after each hand-over, and compares what is
 * recovered with that.
 */

import { expect } from 'vitest';
import { SeededRandom } from '../../core/base/random.ts';
import type { CheckpointInfo } from '../../core/vr/checkpoint.ts';
import type { Entry } from '../../core/vr/entry.ts';
import type { StorageBatch } from '../../core/vr/ports.ts';
import { identityFile, segmentName } from '../../core/store/format.ts';
import { MemoryDisk } from '../../core/store/memory-disk.ts';
import { listSegments } from '../../core/store/segment-files.ts';
import { World, chain, configurationOf } from './world.ts';

interface Replica<E extends { readonly checksum: string } = { readonly checksum: string }> {
  readonly view: number;
  readonly logView: number;
  readonly first: number;
  readonly log: readonly E[];
  readonly checkpoint: CheckpointInfo | null;
}

interface State<E extends { readonly checksum: string } = { readonly checksum: string }> {
  readonly record: number;
  readonly replicas: ReadonlyMap<string, Replica<E>>;
}

const empty: Replica<Entry> = { view: 0, logView: 0, first: 1, log: [], checkpoint: null };
/** A number that no log here reaches. */
const farOff = 99_999_999;
const names = ['1/a', '1/b', '2/a', '3/a'];

/** What the store must say, as one text that is easy to compare and to read. */
function textOf(state: State): string {
  const lines = [`record ${state.record}`];
  for (const [name, replica] of [...state.replicas].sort(([a], [b]) => (a < b ? -1 : 1)))
    lines.push(`${name} ${replicaText(replica)}`);
  return lines.join('\n');
}

function replicaText({ view, logView, first, log, checkpoint }: Replica): string {
  const checksums = log.map((entry) => entry.checksum.slice(0, 6)).join(' ');
  return `view ${view} logView ${logView} from ${first}: ${checksums} checkpoint ${checkpoint?.op ?? 0}`;
}

/** A log may begin later than it did, for what a checkpoint covers is not needed. */
function isWhole(found: Replica | undefined, was: Replica | undefined): boolean {
  if (found === undefined || was === undefined) return found === was;
  const gone = found.first - was.first;
  if (gone < 0 || (gone > 0 && found.first > (was.checkpoint?.op ?? 0) + 1)) return false;
  return replicaText(found) === replicaText({ ...was, first: found.first, log: was.log.slice(gone) });
}

export class Workload {
  readonly world: World;
  readonly random: SeededRandom;
  state: State<Entry> = { record: 0, replicas: new Map() };
  /** The state after each hand-over, and how many hand-overs are known to be durable. */
  history: string[] = [];
  /** The same, replica by replica. */
  #states: State<Entry>[] = [this.state];
  acknowledged = 0;
  /** Checkpoints that are written but not installed yet. */
  written = new Map<string, CheckpointInfo>();
  life = 0;
  /** Replicas that were told to be in doubt, and were given no view's log since. */
  readonly #doubted = new Set<string>();
  /** Files of somebody else that no log can take for its own. */
  readonly #leftAlone = new Set<string>();

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.world = new World({ segmentBytes: 64 * 1024 }, new MemoryDisk(), seed + 1000);
    this.history.push(textOf(this.state));
  }

  #handed(state: State<Entry>): () => void {
    this.state = state;
    this.history.push(textOf(state));
    this.#states.push(state);
    const number = this.history.length - 1;
    const { life } = this;
    return () => {
      if (life !== this.life) throw new Error('an operation of an earlier life was completed');
      expect(number).toBeGreaterThan(this.acknowledged);
      this.acknowledged = number;
    };
  }

  #with(name: string, replica: Replica<Entry> | null): State<Entry> {
    const replicas = new Map(this.state.replicas);
    if (replica === null) replicas.delete(name);
    else replicas.set(name, replica);
    return { ...this.state, replicas };
  }

  step(): void {
    const { random, world } = this;
    const name = random.pick(names);
    const [namespace, replica] = [Number(name[0]), name.slice(2)];
    const known = this.state.replicas.get(name);
    if (known === undefined) {
      const configuration = configurationOf(replica);
      const handed = this.#handed(this.#with(name, empty));
      world.store.createReplica(world.identity(namespace, replica), configuration, handed);
      return;
    }
    if (random.chance(1, 60)) {
      this.written.delete(name);
      world.store.removeReplica(namespace, replica, this.#handed(this.#with(name, null)));
      return;
    }
    if (random.chance(1, 30)) {
      const record = this.state.record + 1;
      // A large record makes opening batches of several sectors, which a power cut can tear.
      const bytes = new Uint8Array(random.pick([1, 9000, 20_000])).fill(record & 255);
      world.store.setNodeRecord(bytes, this.#handed({ ...this.state, record: record & 255 }));
      return;
    }
    const head = known.first + known.log.length - 1;
    if (random.chance(1, 8) && head > (known.checkpoint?.op ?? 0) && !this.written.has(name)) {
      this.#checkpoint(name, namespace, replica, known, head);
      return;
    }
    this.#persist(name, namespace, replica, known, head);
  }

  #checkpoint(name: string, namespace: number, replica: string, known: Replica<Entry>, head: number): void {
    let rest = this.random.below(3);
    const { life } = this;
    const draft = {
      op: head,
      checksum: known.log.at(-1)?.checksum ?? known.checkpoint!.checksum,
      timestamp: 1,
      configuration: configurationOf(replica),
      logBytes: 0,
      lineage: [],
    };
    this.world.store.writeCheckpoint(
      namespace,
      replica,
      draft,
      { next: () => (rest-- > 0 ? new Uint8Array(1000).fill(head) : null) },
      (info) => {
        if (info !== null && life === this.life && this.state.replicas.has(name)) this.written.set(name, info);
      },
    );
  }

  #persist(name: string, namespace: number, replica: string, known: Replica<Entry>, head: number): void {
    const { random } = this;
    let { view, logView, first, checkpoint } = known;
    let log = [...known.log];
    const batch: { -readonly [K in keyof StorageBatch]: StorageBatch[K] } = { entries: [] };
    const written = this.written.get(name);
    if (written !== undefined && random.chance(1, 3)) {
      this.written.delete(name);
      if (written.op > (checkpoint?.op ?? 0)) {
        batch.checkpoint = written;
        checkpoint = written;
        if (!log.some((entry) => entry.checksum === written.checksum)) {
          log = log.filter((entry) => entry.op > written.op);
          first = written.op + 1;
        }
      }
    }
    if (random.chance(1, 10)) {
      view += 1 + random.below(2);
      batch.view = { epoch: 1, view };
      if (random.chance(2, 3)) {
        logView = view;
        batch.logView = { epoch: 1, view };
        const from = Math.max(first, head - random.below(4) + 1, (checkpoint?.op ?? 0) + 1);
        batch.truncateFrom = from;
        log = log.filter((entry) => entry.op < from);
      }
    }
    const next = first + log.length;
    const before = log.at(-1) ?? null;
    const size = random.pick([10, 100, 2000]);
    batch.entries =
      before === null && next > 1
        ? chain(next, next + random.below(4), { checksum: checkpoint!.checksum } as Entry, size, view)
        : chain(next, next + random.below(4), before, size, view);
    log.push(...batch.entries);
    if (checkpoint !== null && random.chance(1, 4)) {
      const to = Math.min(checkpoint.op, first + random.below(30));
      if (to >= first) {
        batch.shortenTo = to;
        const gone = Math.min(to, first + log.length - 1);
        log = log.filter((entry) => entry.op > gone);
        first = gone + 1;
      }
    }
    const handed = this.#handed(this.#with(name, { view, logView, first, log, checkpoint }));
    this.world.store.persist(namespace, replica, batch, handed);
  }

  /** What the store itself says that it holds. Entries that it knows only by name count as held. */
  recovered(): {
    readonly text: string;
    readonly replicas: ReadonlyMap<string, Replica>;
    readonly corrupt: number;
    readonly unproven: readonly string[];
  } {
    const { store } = this.world;
    const replicas = new Map<string, Replica>();
    const unproven: string[] = [];
    let corrupt = 0;
    for (const r of store.replicas()) {
      const name = `${r.identity.namespace}/${r.identity.replica}`;
      if (!r.headProven) unproven.push(name);
      const storage = store.storageOf(r.identity.namespace, r.identity.replica);
      const named = new Map(r.corrupt.map((one) => [one.op, one.checksum]));
      corrupt += named.size;
      const log: string[] = [];
      for (let op = r.first; op <= r.head; op++) {
        const entry = storage.entry(op);
        if (entry === null) expect(named.has(op)).toBe(true);
        else expect(named.has(op)).toBe(false);
        log.push(entry?.checksum ?? named.get(op)!);
      }
      const { checkpoint } = r;
      // The file of a replaced checkpoint is gone, in case the log has lost the batch that replaced it.
      for (let i = 0; r.headProven && i < (checkpoint?.chunks.length ?? 0); i++)
        expect(storage.chunk(checkpoint!.op, i)).not.toBeNull();
      replicas.set(name, {
        view: r.view.view,
        logView: r.logView.view,
        first: r.first,
        log: log.map((checksum) => ({ checksum })),
        checkpoint,
      });
    }
    return { text: textOf({ record: store.nodeRecord()?.[0] ?? 0, replicas }), replicas, corrupt, unproven };
  }

  /**
   * Opens a disk that was damaged. Whatever is gone, a replica that says that it can prove its head holds all that was
   * acknowledged, and a replica that is missing is missed (protocol §2, "Proof of the head").
   */
  judge(): void {
    this.life++;
    this.world.open();
    const { store } = this.world;
    if (store.emptied) return;
    const { replicas, unproven } = this.recovered();
    const states = this.#states.slice(this.acknowledged);
    for (const name of names) {
      const found = replicas.get(name);
      if (unproven.includes(name) || (found === undefined && !store.rosterProven)) continue;
      if (found !== undefined && this.#doubted.has(name)) throw new Error(`${name} forgot that it was in doubt`);
      if (states.some(({ replicas: were }) => isWhole(found, were.get(name)))) continue;
      const [says, was] = [found, states[0]!.replicas.get(name)].map((one) => (one ? replicaText(one) : 'not there'));
      throw new Error(`${name} claims to be whole: ${says}, but was ${was}`);
    }
  }

  /**
   * Goes on after a judgement. A replica in doubt first learns of a view, and perhaps installs the log of that view, as
   * it does in a group. It stays in doubt until it does.
   */
  goOn(random: SeededRandom): void {
    const { store } = this.world;
    const { corrupt, unproven } = this.recovered();
    if (store.emptied || !store.rosterProven || corrupt > 0) return;
    this.#begin();
    for (const name of unproven) {
      const known = this.state.replicas.get(name)!;
      const view = { epoch: 1, view: known.view + 1 };
      const [namespace, replica] = [Number(name[0]), name.slice(2)];
      const persist = (batch: StorageBatch, change: Partial<Replica<Entry>>): void => {
        const now = { ...this.state.replicas.get(name)!, ...change };
        store.persist(namespace, replica, batch, this.#handed(this.#with(name, now)));
      };
      this.#doubted.add(name);
      persist({ view, entries: [] }, { view: view.view });
      this.world.disk.run(random.below(12));
      if (random.chance(1, 2)) continue;
      const from = Math.max(known.first, (known.checkpoint?.op ?? 0) + 1);
      const before = known.log.find(({ op }) => op === from - 1)?.checksum ?? known.checkpoint?.checksum ?? null;
      const parent = before === null ? null : ({ checksum: before } as Entry);
      const entries = chain(from, from + random.below(5), parent, 100, view.view);
      const log = [...known.log.filter(({ op }) => op < from), ...entries];
      this.#doubted.delete(name);
      persist({ view, logView: view, truncateFrom: from, entries }, { logView: view.view, log });
    }
  }

  /** Starts in which the power is cut before they have come far, one after the other. */
  interrupted(times: number): void {
    const { world, random } = this;
    for (let i = 0; i < times; i++) {
      this.life++;
      world.open();
      world.disk.run(random.below(12));
      world.disk.powerCut(random);
    }
  }

  /**
   * A file that is named like a segment but is not one. It has any number, perhaps one that is taken, and any size. It
   * holds no batch of any store.
   */
  stray(random: SeededRandom): void {
    const { disk } = this.world;
    // Until the store has written its identity, it does not open a directory with a log in it.
    if (!disk.list().some(({ name }) => name === identityFile)) return;
    const numbers = listSegments(disk).map(({ number }) => number);
    const own = numbers.filter((number) => number < farOff);
    const [above, below] = [(own.at(-1) ?? 0) + 1 + random.below(4), (own[0] ?? 1) - 1 - random.below(4)];
    const number = random.pick([farOff, above, Math.max(1, below), ...own]);
    const size = random.pick([4096, 8192, 64 * 1024, 1024 * 1024]);
    const name = segmentName(number, size);
    if (disk.list().some((file) => file.name === name)) return;
    const bytes = random.pick([0, 5, 4096, size]);
    // A whole file right below the log, or right above it, may have been made by the log.
    if (number === farOff || number < (own[0] ?? 0) - 1) this.#leftAlone.add(name);
    disk.create(name, bytes, () => undefined);
    if (random.chance(1, 2)) disk.write(name, 0, [random.bytes(Math.min(bytes, 4096))], true, () => undefined);
    disk.run();
  }

  /** Opens what the crash left, checks it, and goes on. */
  reopen(): void {
    this.life++;
    this.world.open();
    const { text: found, corrupt, unproven } = this.recovered();
    expect(corrupt).toBe(0);
    expect(unproven).toEqual([]);
    const there = this.world.disk.list().map(({ name }) => name);
    expect([...this.#leftAlone].filter((name) => !there.includes(name))).toEqual([]);
    let at = this.history.length - 1;
    while (at >= this.acknowledged && this.history[at] !== found) at--;
    if (at < this.acknowledged) expect(found).toBe(this.history[this.acknowledged]);
    this.#begin();
  }

  /** The workload goes on from what was found. */
  #begin(): void {
    this.state = this.#stateNow();
    this.history = [textOf(this.state)];
    this.#states = [this.state];
    this.acknowledged = 0;
    this.written.clear();
  }

  #stateNow(): State<Entry> {
    const replicas = new Map<string, Replica<Entry>>();
    const { store } = this.world;
    for (const r of store.replicas()) {
      const storage = store.storageOf(r.identity.namespace, r.identity.replica);
      const log: Entry[] = [];
      for (let op = r.first; op <= r.head; op++) log.push(storage.entry(op)!);
      const name = `${r.identity.namespace}/${r.identity.replica}`;
      replicas.set(name, { view: r.view.view, logView: r.logView.view, first: r.first, log, checkpoint: r.checkpoint });
    }
    return { record: store.nodeRecord()?.[0] ?? 0, replicas };
  }

  /** Hands over `steps` pieces of work, while the disk and the clock go on now and then. */
  go(steps: number): void {
    for (let i = 0; i < steps; i++) {
      this.step();
      if (this.random.chance(1, 2)) this.world.disk.run(1 + this.random.below(4));
      if (this.random.chance(1, 5)) this.world.store.tick((this.world.now += 10));
    }
  }
}
