/**
 * A simulated user of locks and permits. It uses the client's own half of claims, and believes what that says. Whenever
 * an entry is committed, what it counts on must be there (coordination §16).
 */

import type { NamespaceId } from '../base/ids.ts';
import { SeededRandom } from '../base/random.ts';
import { claim } from '../client/claims.ts';
import type { ClaimHandle, ClaimTold } from '../client/claims.ts';
import type { Asked } from '../tree/operation.ts';
import { RuleBroken } from './checker.ts';
import { Dweller } from './dweller.ts';
import { neverDenied } from './workload.ts';
import type { SimClient, World } from './world.ts';

const timeoutMs = 4000;
/** How many claims it has at once. */
const most = 3;

const places = [
  { path: '/locks/a', auto: 'lock', of: null },
  { path: '/locks/b', auto: 'lock', of: null },
  { path: '/permits', auto: 'semaphore', of: 3 },
] as const;

interface Held {
  readonly path: string;
  readonly claim: number;
  readonly token: number;
  readonly handle: ClaimHandle;
}

export class Locker {
  readonly name: string;
  /** How often it was granted something. */
  grants = 0;
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #namespace: string;
  readonly #sim: SimClient;
  readonly #leaseMs: number;
  readonly #dweller: Dweller;
  readonly #handles = new Set<ClaimHandle>();
  readonly #held = new Set<Held>();
  #namespaceId: NamespaceId | null = null;
  #stopped = false;

  constructor(name: string, world: World, namespace: string, random: SeededRandom) {
    this.name = name;
    this.#world = world;
    this.#random = random;
    this.#namespace = namespace;
    this.#leaseMs = random.pick([1000, 2000, 5000]);
    this.#sim = world.addClient(
      { followRedirects: random.chance(1, 2), requestTimeoutMs: timeoutMs },
      random.chance(1, 3),
    );
    this.#dweller = new Dweller(world, this.#sim.client, this.#leaseMs, new SeededRandom(random.uint32(), 0xd3e1));
    this.#enter();
  }

  get host(): string {
    return this.#sim.host;
  }

  /** It claims nothing more, and gives up what it has. */
  stop(): void {
    this.#stopped = true;
    for (const handle of this.#handles) handle.cancel();
    this.#handles.clear();
    this.#held.clear();
    this.#dweller.stop();
  }

  /** An entry was committed. What it counts on now is in the state after it, as a hold or as its shadow. */
  committed(namespace: NamespaceId): void {
    if (namespace !== this.#namespaceId || this.#held.size === 0) return;
    const { checker } = this.#world;
    const tree = checker.treeAt(namespace, checker.committedOp(namespace));
    if (tree === null) return;
    const there = [...tree.claims()];
    for (const { path, claim: id, token, handle } of [...this.#held]) {
      if (!handle.held) continue;
      const holds = there.some(
        (one) => one.path === path && one.claim.claim === id && 'token' in one.claim && one.claim.token === token,
      );
      if (!holds) throw new RuleBroken(`rule 7: ${this.name} counts on claim ${id} of ${path}, which it does not hold`);
    }
  }

  #enter(): void {
    this.#sim.client.enter(this.#namespace, (entered) => {
      if (!entered.ok) {
        neverDenied(entered.error, this.#namespace);
        return this.#world.schedule.after(100_000, () => this.#enter());
      }
      this.#namespaceId = entered.value.namespaceId;
      this.#think();
    });
  }

  #think(): void {
    this.#world.schedule.after(20_000 + this.#random.below(200_000), () => {
      if (this.#stopped) return;
      if (this.#handles.size < most) this.#claim();
      else if (this.#random.chance(1, 10)) this.#cancel();
      this.#think();
    });
  }

  #claim(): void {
    const random = this.#random;
    const { path, auto, of } = random.pick(places);
    if (random.chance(1, 12)) return this.#steal(path);
    const wish: Asked<'claim'> = {
      kind: 'claim',
      path,
      permits: auto === 'semaphore' ? 1 + random.below(2) : 1,
      exclusive: auto === 'lock' && random.chance(2, 3),
      value: null,
      waitMs: random.pick([0, 300, 2000, null]),
      leaseMs: this.#leaseMs,
      auto,
      of,
    };
    const handle: ClaimHandle = claim(this.#sim.client, wish, { timeoutMs }, (told) => this.#told(path, handle, told));
    this.#handles.add(handle);
  }

  #told(path: string, handle: ClaimHandle, told: ClaimTold): void {
    if (told.kind === 'ended') {
      this.#handles.delete(handle);
      for (const one of this.#held) if (one.handle === handle) this.#held.delete(one);
      return;
    }
    if (told.kind !== 'granted') return;
    this.grants++;
    this.#held.add({ path, claim: told.claim, token: told.token, handle });
    const heldUs = this.#random.chance(1, 8) ? 4_000_000 : 30_000 + this.#random.below(600_000);
    this.#world.schedule.after(heldUs, () => this.#release(handle));
  }

  #release(handle: ClaimHandle): void {
    if (!this.#handles.delete(handle)) return;
    for (const one of this.#held) if (one.handle === handle) this.#held.delete(one);
    handle.release(0, timeoutMs, () => undefined);
  }

  #cancel(): void {
    const handle = this.#random.pick([...this.#handles]);
    this.#handles.delete(handle);
    for (const one of this.#held) if (one.handle === handle) this.#held.delete(one);
    handle.cancel();
  }

  /** Takes what others hold. They may go on counting on it until their lease ends. */
  #steal(path: string): void {
    this.#sim.client.execute({ kind: 'steal', path, claim: 0, put: null }, { timeoutMs }, () => undefined);
  }
}
