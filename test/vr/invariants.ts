/** What is true of a group at all times, according to protocol §9, whatever its network and disks do. */

import type { Configuration } from '../../core/vr/configuration.ts';
import type { Entry } from '../../core/vr/entry.ts';
import type { ReplicaView } from '../../core/vr/ports.ts';
import type { Place } from './place.ts';
import type { Must } from './promises.ts';

/** What was seen of one life of a replica. */
interface Life {
  applied: number;
  commit: number;
  /** It found in this life that its state is wrong. */
  rebuilt: boolean;
  /** The newest view that it led, and how long it had run when that view began. */
  leads: { readonly view: number; readonly runningMs: number };
}

/** When an entry was made, by every clock with which its timestamp is compared. */
interface Made {
  readonly timestamp: number;
  readonly at: number;
  readonly view: number;
  readonly runningMs: number;
}

export class Invariants {
  /** By op: the checksum of the entry that was committed there. */
  readonly committed = new Map<number, string>();
  readonly #must: Must;
  readonly #configuration: Configuration;
  readonly #lives = new Map<string, Life>();
  readonly #headers = new Map<string, string>();
  readonly #made = new Map<string, Made>();
  readonly #primaries = new Map<string, string>();
  readonly #digests = new Map<number, string>();

  constructor(must: Must, configuration: Configuration) {
    this.#must = must;
    this.#configuration = configuration;
  }

  /** `name` was started, and will apply again what it has applied. */
  begins(name: string): void {
    this.#lives.set(name, { applied: 0, commit: 0, rebuilt: false, leads: { view: -1, runningMs: 0 } });
  }

  /** An entry was sent or given to a disk. There is only one for its epoch, view and op. */
  header({ epoch, view, op, checksum }: Entry): void {
    const key = `${epoch} ${view} ${op}`;
    const known = this.#headers.get(key);
    this.#must(known === undefined || known === checksum, `two headers for epoch, view, op ${key}`);
    this.#headers.set(key, checksum);
  }

  /**
   * The replicated clock (protocol §7, "Time"). From one entry to the next it never goes back, and it grows by no more
   * than the time between their making. Of that time, only what the primary's process ran while it led the view counts.
   */
  made({ timestamp, checksum, parent, view }: Entry, place: Place, at: number): void {
    if (this.#made.has(checksum)) return;
    const name = place.member.replica;
    const { runningMs } = place;
    const before = this.#made.get(parent);
    const { leads } = this.#life(name);
    this.#must(leads.view === view, `${name} prepares in view ${view}, which it does not lead`);
    const since = before?.view === view ? before.runningMs : leads.runningMs;
    const grown = timestamp - (before?.timestamp ?? 0);
    this.#must(grown >= 0, `the replicated clock goes back by ${-grown}`);
    this.#must(
      grown <= runningMs - since,
      `the replicated clock grows by ${grown} in ${runningMs - since} ms of service`,
    );
    if (before !== undefined)
      this.#must(grown <= at - before.at, `the replicated clock grows by ${grown} in ${at - before.at} ms`);
    this.#made.set(checksum, { timestamp, at, view, runningMs });
  }

  /** `name` applied `entry`: every op in order, and the same entry on all replicas. */
  applied(name: string, entry: Entry): void {
    const life = this.#life(name);
    this.#must(entry.op === life.applied + 1, `${name} applied ${entry.op} after ${life.applied}`);
    life.applied = entry.op;
    const known = this.committed.get(entry.op);
    this.#must(known === undefined || known === entry.checksum, `two checksums at committed op ${entry.op}`);
    this.committed.set(entry.op, entry.checksum);
  }

  /** `name` found that its state is wrong and counts as down. */
  rebuilding(name: string): void {
    this.#life(name).rebuilt = true;
  }

  /** `name` took the state of a checkpoint at `op`. */
  restored(name: string, op: number): void {
    const life = this.#life(name);
    // Only a replica that counts as down goes back. Any other goes on from where it is (V24).
    this.#must(op >= life.applied || life.rebuilt, `${name} was taken back to ${op}`);
    life.applied = op;
  }

  /** A primary says that `op` is committed, so a quorum has it durably. */
  committedOn(places: ReadonlyMap<string, Place>, op: number): void {
    const { voters } = this.#configuration;
    const counts = new Map<string, number>();
    let byCheckpoint = 0;
    for (const { replica } of voters) {
      const { storage, wiped } = places.get(replica)!;
      const held = storage.held(op);
      // What a disk acknowledged and has lost since was durable when it was acknowledged.
      if (held === 'checkpoint' || wiped || storage.lostBatches) byCheckpoint++;
      else if (held !== null) counts.set(held, (counts.get(held) ?? 0) + 1);
    }
    const quorum = Math.floor(voters.length / 2) + 1;
    this.#must(Math.max(0, ...counts.values()) + byCheckpoint >= quorum, `op ${op} committed without a durable quorum`);
  }

  /** A replica took a step: its numbers are in order, its view has one primary, and its op has one state. */
  hold(place: Place, view: ReplicaView): void {
    const name = place.member.replica;
    const life = this.#life(name);
    this.#must(view.commit >= life.commit, `the commit number of ${name} went down`);
    life.commit = view.commit;
    this.#must(view.applied <= view.commit && view.commit <= view.head, `${name} is out of order`);
    if (view.isPrimary) {
      const key = `${view.view.epoch} ${view.view.view}`;
      const known = this.#primaries.get(key);
      this.#must(known === undefined || known === name, `two primaries in ${key}`);
      this.#primaries.set(key, name);
      if (life.leads.view !== view.view.view) life.leads = { view: view.view.view, runningMs: place.runningMs };
    }
    const { op, digest } = place.machine;
    if (op === 0) return;
    const known = this.#digests.get(op);
    this.#must(known === undefined || known === digest, `two states at op ${op}`);
    this.#digests.set(op, digest);
  }

  #life(name: string): Life {
    const life = this.#lives.get(name);
    if (life === undefined) throw new Error(`${name} was never started`);
    return life;
  }
}
