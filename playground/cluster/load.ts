/** Clients that write to the simulated cluster at a steady rate, so that a user sees it under load. */

import type { Operation } from '../../core/tree/operation.ts';
import type { SimClient, World } from '../../core/sim/world.ts';

const clients = 4;
const enterAgainUs = 500_000;
const patienceMs = 10_000;

export class Load {
  readonly #world: World;
  readonly #namespace: string;
  #members: readonly SimClient[] = [];
  #writesPerSecond = 0;
  /** The number of the present load. Plans of earlier loads are ignored. */
  #generation = 0;

  constructor(world: World, namespace: string) {
    this.#world = world;
    this.#namespace = namespace;
  }

  get clients(): number {
    return this.#members.length;
  }

  get writesPerSecond(): number {
    return this.#writesPerSecond;
  }

  /** Sets the rate. 0 ends the load. */
  set(writesPerSecond: number): void {
    const generation = ++this.#generation;
    for (const member of this.#members) member.kill();
    this.#members = [];
    this.#writesPerSecond = writesPerSecond;
    if (writesPerSecond === 0) return;
    this.#members = Array.from({ length: clients }, (_, i) => this.#world.addClient({ name: `load-${i + 1}` }));
    this.#members.forEach((member, i) => this.#enter(member, i, generation));
  }

  #enter(member: SimClient, index: number, generation: number): void {
    member.client.enter(this.#namespace, (entered) => {
      if (generation !== this.#generation) return;
      if (!entered.ok) {
        this.#world.schedule.after(enterAgainUs, () => {
          if (generation === this.#generation) this.#enter(member, index, generation);
        });
        return;
      }
      const path = `/load/${index + 1}`;
      this.#ask(member, { kind: 'create', path, type: 'counter', value: null });
      const everyUs = Math.floor((1_000_000 * clients) / this.#writesPerSecond);
      // They take turns at equal distances.
      this.#world.schedule.after(Math.floor((everyUs * index) / clients), () =>
        this.#write(member, path, everyUs, generation),
      );
    });
  }

  #write(member: SimClient, path: string, everyUs: number, generation: number): void {
    if (generation !== this.#generation) return;
    this.#ask(member, { kind: 'counterAdd', path, by: 1 });
    this.#world.schedule.after(Math.max(1, everyUs), () => this.#write(member, path, everyUs, generation));
  }

  #ask(member: SimClient, operation: Operation): void {
    // The outcome does not matter. A load goes on whatever fails.
    member.client.execute(operation, { timeoutMs: patienceMs }, () => undefined);
  }
}
