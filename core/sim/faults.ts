/** What goes wrong in a simulated world, and when: one fault after the other, drawn from the seed. */

import type { SeededRandom } from '../base/random.ts';
import { calmNetwork } from './network.ts';
import type { SimNode } from './sim-node.ts';
import type { User } from './workload.ts';
import type { World } from './world.ts';

const shortUs = 300_000;
const longUs = 3_000_000;
/** As good as unlimited. */
const roomBytes = 2 ** 40;

/** The faults. One that is listed more often strikes more often. */
const kinds = [
  'crash',
  'crashSoon',
  'crashSoon',
  'powerCut',
  'blackout',
  'pause',
  'cut',
  'isolate',
  'part',
  'network',
  'calm',
  'reset',
  'slowDisk',
  'restartUser',
  'flicker',
  'fullDisk',
  'fullDisk',
  'clientLine',
  // Quiet is a condition too: much goes wrong only after things have gone well.
  'quiet',
  'quiet',
] as const;

/** How many times slower than a slow disk one is that hangs. */
const hanging = 100;

export type FaultKind = (typeof kinds)[number];

export class Faults {
  readonly #world: World;
  readonly #users: readonly User[];
  readonly #hosts: readonly string[];
  readonly #favour: FaultKind | null;
  readonly #random: SeededRandom;
  #active = false;

  /**
   * @param hosts clients whose connections fail, in addition to those of the users.
   * @param favour strikes as often as all other faults together.
   */
  constructor(world: World, users: readonly User[], hosts: readonly string[] = [], favour: FaultKind | null = null) {
    this.#favour = favour;
    this.#world = world;
    this.#users = users;
    this.#hosts = hosts;
    this.#random = world.chance();
  }

  begin(): void {
    this.#active = true;
    this.#next();
  }

  /** Ends all faults. Every node runs and every node reaches every other, except the ones that shall stay dead. */
  heal(dead: readonly SimNode[] = []): void {
    this.#active = false;
    const { network, nodes } = this.#world;
    this.#world.note(dead.length === 0 ? 'heal' : `heal, without ${dead.map(({ name }) => name).join(' and ')}`);
    network.faults = { ...calmNetwork };
    network.mendAll();
    for (const node of nodes) {
      node.crashAfter(-1);
      node.slowDisk(0);
      node.disk.leave(roomBytes);
      node.resume();
      if (dead.includes(node)) {
        if (node.alive) this.#world.crash(node);
      } else if (!node.alive) this.#world.start(node);
    }
  }

  #next(): void {
    this.#world.schedule.after(10_000 + this.#random.below(400_000), () => {
      if (!this.#active) return;
      this.#strike();
      this.#next();
    });
  }

  #later(run: () => void): void {
    const bound = this.#random.chance(1, 4) ? longUs : shortUs;
    this.#world.schedule.after(1000 + this.#random.below(bound), () => this.#active && run());
  }

  #strike(): void {
    const random = this.#random;
    const world = this.#world;
    const { network, nodes } = world;
    const node = random.pick(nodes);
    const other = random.pick(nodes.filter((one) => one !== node));
    const drawn = kinds[random.below(kinds.length)]!;
    const kind = this.#favour !== null && random.chance(1, 2) ? this.#favour : drawn;
    switch (kind) {
      case 'crash':
        world.crash(node);
        return this.#restartLater(node);
      case 'crashSoon': {
        const effects = 1 + random.below(40);
        world.note(`${node.name} will crash after ${effects} effects`);
        node.crashAfter(effects);
        return this.#restartLater(node);
      }
      case 'powerCut':
        world.cutPower(node);
        return this.#restartLater(node);
      case 'blackout':
        for (const one of nodes) {
          world.cutPower(one);
          this.#restartLater(one);
        }
        return;
      case 'pause':
        world.note(`pause ${node.name}`);
        node.pause();
        return this.#later(() => node.resume());
      case 'cut':
        world.note(`cut ${node.name} > ${other.name}`);
        network.cut(node.name, other.name);
        return this.#later(() => network.mend(node.name, other.name));
      case 'isolate':
        world.note(`isolate ${node.name}`);
        for (const one of nodes) this.#separate(node, one);
        return this.#later(() => network.mendAll());
      case 'part':
        world.note(`part ${node.name} and ${other.name}`);
        this.#separate(node, other);
        return this.#later(() => network.mendAll());
      case 'network':
        network.faults = {
          lossPermille: random.pick([0, 0, 10, 100]),
          doublePermille: random.pick([0, 10, 100]),
          holdPermille: random.pick([0, 10, 100]),
          minDelayUs: 50,
          maxDelayUs: random.pick([300, 3000, 30_000]),
          maxHoldUs: random.pick([10_000, 500_000, 3_000_000]),
        };
        world.note(`network ${JSON.stringify(network.faults)}`);
        return;
      case 'calm':
        network.faults = { ...calmNetwork };
        return network.mendAll();
      case 'reset':
        world.note(`reset ${node.name} and ${other.name}`);
        return network.reset(node.name, other.name);
      case 'slowDisk':
        // Now and then it is as good as dead, so that a primary has to leave its view (V33).
        node.slowDisk(random.below(50_000) * (random.chance(1, 6) ? hanging : 1));
        return this.#later(() => node.slowDisk(0));
      case 'restartUser':
        world.note(`restart a user`);
        return random.pick(this.#users).restart();
      case 'flicker': {
        // The power flickers: it fails again in the middle of the next start, and of the one after that (V28).
        const flickering = random.chance(1, 3) ? nodes : [node];
        const times = 1 + random.below(4);
        for (const one of flickering) this.#flicker(one, times);
        return;
      }
      case 'fullDisk': {
        const left = random.pick([0, 0, 10_000, 100_000]);
        world.note(`the disk of ${node.name} has ${left} bytes left`);
        node.disk.leave(left);
        return this.#later(() => node.disk.leave(roomBytes));
      }
      case 'clientLine': {
        if (this.#hosts.length === 0) return;
        const host = random.pick(this.#hosts);
        if (random.chance(1, 2)) {
          world.note(`the connections of ${host} die unseen`);
          return network.silence(host);
        }
        // The client reaches only one side of whatever is cut between nodes.
        world.note(`part ${host} and ${node.name}`);
        network.cut(host, node.name);
        network.cut(node.name, host);
        return this.#later(() => network.mendAll());
      }
      case 'quiet':
        return;
    }
  }

  #flicker(node: SimNode, times: number): void {
    const world = this.#world;
    world.cutPower(node);
    if (times === 0) return this.#restartLater(node);
    world.schedule.after(1000 + this.#random.below(5000), () => {
      if (!this.#active) return;
      if (!node.alive) world.start(node);
      // Its opening batch is on its way to the disk.
      world.schedule.after(this.#random.below(1500), () => this.#active && this.#flicker(node, times - 1));
    });
  }

  #separate(a: SimNode, b: SimNode): void {
    if (a === b) return;
    this.#world.network.cut(a.name, b.name);
    this.#world.network.cut(b.name, a.name);
  }

  #restartLater(node: SimNode): void {
    this.#later(() => {
      if (!node.alive) this.#world.start(node);
    });
  }
}
