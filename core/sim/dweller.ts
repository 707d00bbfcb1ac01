/**
 * A simulated user of ephemerals, of sequential nodes and of times to live (coordination §9). What it makes is judged
 * whenever an entry is committed (life-judge.ts).
 */

import { utf8 } from '../base/bytes.ts';
import type { SeededRandom } from '../base/random.ts';
import type { Client } from '../client/client.ts';
import { makeEphemeral } from '../client/ephemerals.ts';
import type { ClaimHandle } from '../client/claims.ts';
import type { Asked, Operation } from '../tree/operation.ts';
import type { World } from './world.ts';

const timeoutMs = 4000;
/** How many ephemerals it keeps at once. */
const most = 4;
const rooms = ['/rooms/a', '/rooms/b'];

export class Dweller {
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #client: Client;
  readonly #leaseMs: number;
  readonly #handles = new Set<ClaimHandle>();
  #stopped = false;

  /** @param client has a session with this lease, and enters the namespace by itself. */
  constructor(world: World, client: Client, leaseMs: number, random: SeededRandom) {
    this.#world = world;
    this.#client = client;
    this.#leaseMs = leaseMs;
    this.#random = random;
    this.#think();
  }

  /** It makes nothing more. Its client gives the session back, and what it has goes with that. */
  stop(): void {
    this.#stopped = true;
    this.#client.leave();
  }

  #think(): void {
    this.#world.schedule.after(50_000 + this.#random.below(400_000), () => {
      if (this.#stopped) return;
      if (this.#client.namespace !== null) this.#act();
      this.#think();
    });
  }

  #act(): void {
    const random = this.#random;
    const room = random.pick(rooms);
    const path = `${room}/${random.below(4)}`;
    switch (random.below(6)) {
      case 0:
      case 1:
        return this.#dwell(path);
      case 2:
        return this.#ask({ ...this.#wish(`${room}/n-`), sequential: true, ttlMs: 1000 + random.below(3000) });
      case 3:
        return this.#ask({ ...this.#wish(room), type: 'directory', value: null, ttlMs: 1000 + random.below(4000) });
      case 4:
        return this.#ask({ kind: 'touch', path: random.chance(1, 3) ? room : path });
      default:
        if (random.chance(1, 2)) return this.#ask({ kind: 'delete', path, recursive: false, ifVersion: null });
        return this.#leave();
    }
  }

  #wish(path: string): Asked<'createWith'> {
    const flags = { ephemeral: false, sequential: false, adopt: false, auto: this.#random.chance(1, 2) };
    const value = utf8(String(this.#random.below(100)));
    return { kind: 'createWith', path, type: 'blob', value, capacity: null, ...flags, ttlMs: null, leaseMs: null };
  }

  #dwell(path: string): void {
    if (this.#handles.size >= most) return this.#leave();
    const random = this.#random;
    const ttlMs = random.chance(1, 4) ? 1500 + random.below(3000) : null;
    const wish = { ...this.#wish(path), ephemeral: true, adopt: random.chance(1, 2), ttlMs, leaseMs: this.#leaseMs };
    const handle: ClaimHandle = makeEphemeral(this.#client, wish, { timeoutMs }, true, (told) => {
      if (told.kind === 'ended') this.#handles.delete(handle);
    });
    this.#handles.add(handle);
  }

  #leave(): void {
    const [handle] = this.#handles;
    if (handle === undefined) return;
    this.#handles.delete(handle);
    if (this.#random.chance(1, 2)) handle.cancel();
    else handle.release(0, timeoutMs, () => undefined);
  }

  #ask(operation: Operation): void {
    this.#client.execute(operation, { timeoutMs }, () => undefined);
  }
}
