/**
 * The end of a random history. Either everything heals, or only a quorum does, and the others stay dead or half
 * connected for good. In both cases the group must go on, with every acknowledged entry in its place (protocol §9.9).
 */

import { SeededRandom } from '../../core/base/random.ts';
import type { Users } from './users.ts';
import type { Outcome, World } from './world.ts';

const patienceMs = 120_000;
const retryMs = 2000;
/** Longer than any resend and any suspicion that may be left over. */
const restMs = 5000;

export class Healing {
  readonly #world: World;
  readonly #users: Users;
  readonly #random: SeededRandom;
  readonly #seed: number;
  /** These run and reach each other. */
  #good: readonly string[] = [];
  #dead: readonly string[] = [];

  constructor(world: World, users: Users, random: SeededRandom, seed: number) {
    this.#world = world;
    this.#users = users;
    this.#random = random;
    this.#seed = seed;
  }

  /** @param lost a replica whose disk is gone. */
  run(lost: string | null, mayLeaveMinority: boolean): void {
    const world = this.#world;
    const minority = lost === null ? this.#minority(mayLeaveMinority) : [lost];
    this.#mend(minority);
    // An idle group answers reads as well, without a write before (V19).
    if (minority.length === 0) this.#reads();
    this.#answered((name) => world.propose(name, 'put healed'), 'the first put');
    this.#steady();
    this.#users.retryAll((make, what) => this.#answered(make, what));
    this.#puts(20);
    this.#reads();
    this.#agree();
    this.#shortened();
    this.#users.listen();
    this.#users.account(world.place(this.#good[0]!).machine.values);
  }

  #broken(what: string): never {
    throw new Error(`seed ${this.#seed}: ${what}\n${this.#world.describe()}`);
  }

  /** The replicas that stay broken for good. */
  #minority(may: boolean): readonly string[] {
    const { voters } = this.#world.configuration;
    const most = Math.ceil(voters.length / 2) - 1;
    if (!may || most === 0 || this.#random.chance(1, 2)) return [];
    const names = voters.map(({ replica }) => replica);
    return Array.from({ length: most }, () => names.splice(this.#random.below(names.length), 1)[0]!);
  }

  #mend(minority: readonly string[]): void {
    const world = this.#world;
    const random = this.#random;
    this.#good = world.names.filter((name) => !minority.includes(name));
    this.#dead = minority.filter((name) => world.place(name).wiped || random.chance(1, 2));
    world.held = [];
    let links = new Set<string>();
    for (const one of minority) {
      // Deaf, mute, or connected to some in some direction.
      const kind = random.pick(['deaf', 'mute', 'some'] as const);
      for (const other of world.names) {
        if (kind === 'mute' || (kind === 'some' && random.chance(1, 2))) links.add(other + one);
        if (kind === 'deaf' || (kind === 'some' && random.chance(1, 2))) links.add(one + other);
      }
    }
    const [mouth, ear] = minority;
    if (mouth !== undefined && ear !== undefined && new SeededRandom(this.#seed, 0xea4).chance(1, 2)) {
      // What one of them hears of the others the other one tells them: it is in every view change, and cannot be asked.
      this.#dead = [];
      links = new Set([ear + mouth, ...world.names.flatMap((other) => [other + ear, mouth + other])]);
    }
    const ok = (name: string): boolean => this.#good.includes(name);
    world.route = ({ from, to }) => ((ok(from) && ok(to)) || links.has(from + to) ? 'deliver' : 'drop');
    for (const name of world.names) {
      const place = world.place(name);
      place.slowDisk = false;
      if (place.paused) world.resume(name);
      if (this.#dead.includes(name) && !place.wiped) {
        if (place.replica !== null) world.crash(name, true);
      } else if (place.replica === null) world.start(name);
    }
    // The connections are there again, whichever replica lost them.
    for (const name of this.#good) {
      for (const other of world.names) {
        const connected = !this.#dead.includes(other);
        if (other !== name) world.input(name, { kind: 'peer', node: world.place(other).member.node, connected });
      }
    }
  }

  /** Asks the replica that leads, again and again, until the answer is more than "not me, not now". */
  #answered(make: (name: string) => Outcome, what: string): Outcome {
    const world = this.#world;
    const start = world.now;
    const tries: Outcome[] = [];
    let askAt = 0;
    for (;;) {
      const outcome = tries.find(({ reply, error }) => reply !== null || (error !== null && !passing(error.code)));
      if (outcome !== undefined) return outcome;
      if (world.now - start > patienceMs) this.#broken(`no replica answered ${what}`);
      if (world.now >= askAt) {
        const leaders = world.names.filter((name) => world.place(name).replica?.isPrimary === true);
        for (const name of leaders) tries.push(make(name));
        askAt = world.now + (leaders.length > 0 ? retryMs : 10);
      }
      world.run(10);
    }
  }

  /** Replicas that are broken for good do not disturb a quorum that works (protocol §4.1). */
  #steady(): void {
    const world = this.#world;
    world.run(restMs);
    const leader = this.#good.find((name) => world.place(name).replica?.isPrimary === true);
    if (leader === undefined) {
      // One of the others leads a quorum, but not every replica hears it. What follows needs a primary that all reach.
      for (const name of world.names) if (!this.#good.includes(name) && !this.#dead.includes(name)) world.crash(name);
      return;
    }
    const { view } = world.place(leader).view.view;
    world.run(restMs);
    const now = world.place(leader).view.view.view;
    if (now !== view) this.#broken(`view ${view} worked, and was left for ${now}`);
  }

  #puts(count: number): void {
    const world = this.#world;
    for (let i = 0; i < count; i++) this.#answered((name) => world.propose(name, `put late-${i}`), 'a put');
  }

  #reads(): void {
    const world = this.#world;
    for (const name of this.#good) {
      let read = world.read(name);
      const start = world.now;
      while (read.readAt === null) {
        if (world.now - start > patienceMs || (read.error !== null && !passing(read.error.code)))
          this.#broken(`${name} does not answer reads${read.error === null ? '' : `: ${read.error.message}`}`);
        world.run(10);
        // One that is being rebuilt sends its readers elsewhere; it must be whole before long.
        if (read.error !== null) read = world.read(name);
      }
    }
  }

  #agree(): void {
    const world = this.#world;
    const start = world.now;
    const same = (): boolean => {
      const views = this.#good.map((name) => world.place(name).view);
      const head = Math.max(...views.map((view) => view.head));
      return views.every(({ status, applied }) => status === 'normal' && applied === head);
    };
    while (!same()) {
      if (world.now - start > patienceMs) this.#broken('the replicas never agree');
      world.run(10);
    }
    const digests = new Set(this.#good.map((name) => world.place(name).machine.digest));
    if (digests.size !== 1) this.#broken('replicas that agree have different states');
  }

  /** The log before a quorum's checkpoint goes, whichever replicas are dead (protocol §6, V23). */
  #shortened(): void {
    const world = this.#world;
    world.run(restMs);
    const leader = this.#good.find((name) => world.place(name).replica?.isPrimary === true);
    if (leader === undefined) return;
    const { voters } = world.configuration;
    const good = voters.filter(({ replica }) => this.#good.includes(replica));
    const ops = good.map(({ replica }) => world.place(replica).view.checkpointOp).sort((a, b) => b - a);
    const agreed = ops[Math.floor(voters.length / 2)]!;
    // A replica may have left out a checkpoint that fell due while it wrote another. It keeps what only its log has.
    const { logFirst, checkpointOp } = world.place(leader).view;
    if (logFirst <= Math.min(agreed, checkpointOp))
      this.#broken(`a quorum has checkpoint ${agreed}, and the log begins at ${logFirst}`);
  }
}

/** Errors that only say that this is not the right moment or place. */
function passing(code: string): boolean {
  return code === 'NotPrimary' || code === 'NoPrimary' || code === 'Overloaded' || code === 'Retry';
}
