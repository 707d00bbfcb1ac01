/**
 * Random histories of one group from one seed: messages lost, doubled, reordered; disks that lag; crashes, pauses, partitions, rot. Then
 * everything heals, and the group must make progress with every acknowledged entry in its place.
 */

import { SeededRandom } from '../../core/base/random.ts';
import type { Outcome } from './world.ts';
import { World } from './world.ts';

export interface Exploration {
  readonly seed: number;
  readonly steps: number;
  readonly voters?: number;
  /** Entries on one disk become unreadable now and then, or its last batches are lost. */
  readonly rot?: boolean;
}

export function explore({ seed, steps, voters, rot = false }: Exploration): World {
  const random = new SeededRandom(seed, 77);
  const world = new World({
    seed,
    voters: voters ?? random.pick([1, 2, 3, 3, 3, 3, 4, 5]),
    learners: random.pick([0, 0, 1]),
    limits: { maxPipelineEntries: random.pick([4, 16, 64]), maxBatchEntries: random.pick([1, 3, 16]) },
    checkpointBytes: random.pick([500, 1500, 100_000_000]),
  });
  const { names } = world;
  const lossy = random.pick([0, 5, 20]);
  for (const place of world.places.values()) place.slowDisk = true;
  if (rot) world.place(names[0]!).storage.keepsHistory = true;
  const acknowledged = new Map<string, Outcome>();
  const waiting: { readonly key: string; readonly outcome: Outcome }[] = [];
  const sessions: { readonly id: number; next: number }[] = [];
  const registrations: Outcome[] = [];
  let puts = 0;

  const note = (): void => {
    for (let i = waiting.length - 1; i >= 0; i--) {
      const { key, outcome } = waiting[i]!;
      if (outcome.reply === null && outcome.error === null) continue;
      if (outcome.reply !== null && /^put/.test(outcome.reply)) {
        const before = acknowledged.get(key)?.reply;
        if (before !== undefined && before !== outcome.reply) throw new Error(`seed ${seed}: ${key} has two replies`);
        acknowledged.set(key, outcome);
      }
      waiting.splice(i, 1);
    }
    for (let i = registrations.length - 1; i >= 0; i--) {
      const { reply, error } = registrations[i]!;
      if (reply !== null) sessions.push({ id: Number(reply.split(' ')[1]), next: 1 });
      if (reply !== null || error !== null) registrations.splice(i, 1);
    }
  };

  for (let step = 0; step < steps; step++) {
    const choice = random.below(1000);
    const name = random.pick(names);
    const place = world.place(name);
    if (choice < 500 && world.packets.length > 0) {
      // Mostly in order, sometimes not at all.
      const at = random.chance(3, 4) ? 0 : random.below(world.packets.length);
      const packet = world.packets[at]!;
      if (!random.chance(1, 30)) world.packets.splice(at, 1);
      if (!random.chance(lossy, 100)) world.deliver(packet);
    } else if (choice < 700) {
      if (!place.paused) {
        world.sync(name);
        world.drain(name);
      }
    } else if (choice < 800) {
      world.now += random.pick([1, 10, 10, 50, 200]);
      for (const one of names) if (!world.place(one).paused) world.input(one, { kind: 'tick', now: world.now });
    } else if (choice < 900) {
      const at = world.primary !== null && random.chance(4, 5) ? world.primary : name;
      if (sessions.length < 3 && random.chance(1, 4)) registrations.push(world.propose(at, 'register'));
      else if (sessions.length > 0 && random.chance(3, 4)) {
        const session = random.pick(sessions);
        const request = random.chance(1, 4) ? Math.max(1, session.next - 1 - random.below(4)) : session.next++;
        const key = `${session.id}-${request}`;
        waiting.push({ key, outcome: world.request(at, session.id, request, `put ${key}`) });
      } else {
        const key = `free-${puts++}`;
        waiting.push({ key, outcome: world.propose(at, `put ${key}`) });
      }
    } else if (choice < 950) {
      world.read(name, random.chance(1, 2) ? 'linearizable' : { atLeast: random.below(20) });
    } else if (choice < 962) {
      if (place.replica !== null) world.crash(name, random.chance(1, 2));
    } else if (choice < 980) {
      if (place.replica === null) world.restart(name, random.chance(1, 2));
    } else if (choice < 984) {
      if (place.replica !== null) world.restart(name);
    } else if (choice < 988) {
      if (place.paused) world.resume(name);
      else if (place.replica !== null) place.paused = true;
    } else if (choice < 992) {
      const alive = names.flatMap((a) => names.filter((b) => a !== b && random.chance(1, 2)).map((b) => a + b));
      world.route = ({ from, to }) => (alive.includes(from + to) ? 'deliver' : 'drop');
    } else if (choice < 998) world.heal();
    else if (rot && world.configuration.voters.length > 1 && place.replica === null && name === names[0]) {
      // Two voters are both of every quorum: what one cannot prove nobody can.
      if (world.configuration.voters.length > 2 && random.chance(1, 3)) {
        place.storage.loseBatches(1 + random.below(4));
        continue;
      }
      const first = (place.storage.recovered().checkpoint?.op ?? 0) + 1;
      const head = place.storage.durableHead;
      if (head >= first) {
        const op = first + random.below(head - first + 1);
        if (!place.storage.isRotten(op)) place.storage.rot(op);
      }
    }
    note();
  }

  world.heal();
  for (const place of world.places.values()) place.slowDisk = false;
  for (const name of names) {
    if (world.place(name).paused) world.resume(name);
    if (world.place(name).replica === null) world.restart(name, true);
    // The connections are there again, whoever lost them.
    for (const other of names) {
      if (other !== name) world.input(other, { kind: 'peer', node: world.place(name).member.node, connected: true });
    }
  }
  world.put('healed');
  world.awaitAgreement();
  note();
  const { values } = world.place(names[0]!).machine;
  for (const key of acknowledged.keys()) {
    const times = values.filter((value) => value === key).length;
    if (times !== 1) throw new Error(`seed ${seed}: ${key} was acknowledged and is there ${times} times`);
  }
  const counted = new Set(values);
  for (const value of counted) {
    if (value.startsWith('free')) continue;
    if (value !== 'healed' && values.filter((other) => other === value).length > 1)
      throw new Error(`seed ${seed}: ${value} was executed twice`);
  }
  return world;
}
