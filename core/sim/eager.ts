/**
 * A simulated user that waits for nothing. It makes six calls at once for something that does not exist yet, again and
 * again. It may stall now and then, and may reach only one node. What it asked in order must happen in order. Its
 * watches must not stop without being noticed.
 */

import { utf8 } from '../base/bytes.ts';
import type { Result } from '../base/errors.ts';
import type { NamespaceId, Op } from '../base/ids.ts';
import type { SeededRandom } from '../base/random.ts';
import { encodeOperation } from '../service/body.ts';
import type { Reply } from '../service/reply.ts';
import type { Operation } from '../tree/operation.ts';
import { RuleBroken } from './checker.ts';
import type { Wish } from './shape.ts';
import type { SimNode } from './sim-node.ts';
import { Watcher } from './watcher.ts';
import { neverDenied } from './workload.ts';
import type { SimClient, World } from './world.ts';

const burstLength = 6;
const timeoutMs = 4000;
/**
 * A client that has called itself ready for this long must have been told what was committed before. It is longer than
 * any time-out.
 */
const honestUs = 30_000_000;
const lookUs = 1_000_000;

interface Asked {
  readonly body: Uint8Array;
  told: 'waiting' | 'executed' | 'definite' | 'unknown';
}

export class Eager {
  readonly name: string;
  succeeded = 0;
  /** The only node that it reaches; null: it reaches all. */
  readonly only: SimNode | null;
  readonly #world: World;
  readonly #random: SeededRandom;
  /** It asks for nothing, and only watches. */
  readonly #onlooker: boolean;
  readonly #namespace: string;
  readonly #sim: SimClient;
  #namespaceId: NamespaceId | null = null;
  readonly #asked: Asked[] = [];
  #outstanding = 0;
  #bursts = 0;
  #stopped = false;
  #watcher: Watcher | null = null;
  #readySinceUs: number | null = null;
  /** How far the namespace had got at some times, oldest first. */
  #past: { readonly atUs: number; readonly op: Op }[] = [];

  constructor(name: string, world: World, namespace: string, random: SeededRandom, wish: Wish = {}) {
    this.name = name;
    this.#world = world;
    this.#random = random;
    this.#namespace = namespace;
    const oneNode = random.chance(1, 3);
    this.only = (wish.oneNode ?? oneNode) ? random.pick(world.nodes) : null;
    const { only } = this;
    const reach = only === null ? {} : { addresses: [only.apiAddress], followRedirects: false };
    const options = { followRedirects: random.chance(1, 2), requestTimeoutMs: timeoutMs, ...reach };
    const stalls = random.chance(1, 3);
    this.#sim = world.addClient(options, wish.stalls ?? stalls);
    const onlooker = random.chance(1, 4);
    this.#onlooker = wish.onlooker ?? onlooker;
    this.#enter();
    this.#look();
  }

  get host(): string {
    return this.#sim.host;
  }

  get outstanding(): number {
    return this.#outstanding;
  }

  /** True when it got another answer since it had `succeeded` of them. A user that only watches needs none. */
  goesOn(succeeded: number): boolean {
    return this.#onlooker || this.succeeded > succeeded;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** It was told everything that was committed up to `op`. */
  knows(op: Op): boolean {
    return this.#watcher?.knows(op) ?? false;
  }

  get committedOp(): Op {
    return this.#namespaceId === null ? 0 : this.#world.checker.committedOp(this.#namespaceId);
  }

  /** True when the node runs the primary of its namespace, as far as the node knows. */
  isLedBy(node: SimNode): boolean {
    return node.hosts.some((host) => host.namespaceId === this.#namespaceId && host.isPrimary);
  }

  watchUpToDate(): boolean {
    return this.#watcher?.upToDate() ?? true;
  }

  #enter(): void {
    this.#sim.client.enter(this.#namespace, (entered) => {
      if (!entered.ok) {
        neverDenied(entered.error, this.#namespace);
        return this.#world.schedule.after(100_000, () => this.#enter());
      }
      const { namespaceId } = entered.value;
      this.#namespaceId = namespaceId;
      const counters = { events: 0, snapshots: 0, resets: 0 };
      this.#watcher = new Watcher(this.#sim.client, {
        name: this.name,
        checker: this.#world.checker,
        namespace: namespaceId,
        path: '/',
        options: { subtree: true, from: 'snapshot' },
        counters,
      });
      if (!this.#onlooker) this.#think(namespaceId);
    });
  }

  #think(namespace: NamespaceId): void {
    this.#world.schedule.after(20_000 + this.#random.below(200_000), () => {
      if (this.#stopped) return;
      if (this.#outstanding === 0) this.#burst(namespace);
      this.#think(namespace);
    });
  }

  #burst(namespace: NamespaceId): void {
    const path = `/eager/${this.name}/${++this.#bursts % 8}/${this.#bursts}`;
    const queue = this.#random.chance(1, 3);
    const done: { readonly serial: number; readonly op: Op }[] = [];
    let left = burstLength;
    for (let serial = 1; serial <= burstLength; serial++) {
      const value = utf8(`${path}.${serial}`);
      const operation: Operation = {
        kind: 'upsert',
        operation: queue
          ? { kind: 'queuePush', path, value }
          : { kind: 'blobPut', path, value, ifVersion: null, ifAbsent: false },
      };
      const asked: Asked = { body: encodeOperation(operation), told: 'waiting' };
      this.#asked.push(asked);
      this.#outstanding++;
      this.#sim.client.execute(operation, { timeoutMs }, (result) => {
        this.#outstanding--;
        this.#settled(namespace, asked, result, path);
        if (result.ok) done.push({ serial, op: result.value.op });
        if (--left > 0) return;
        done.sort((a, b) => a.serial - b.serial);
        this.#world.checker.inOrder(done);
      });
    }
  }

  #settled(namespace: NamespaceId, asked: Asked, result: Result<Reply>, path: string): void {
    if (!result.ok) {
      asked.told = result.error.outcome;
      return;
    }
    const { answer } = result.value;
    // No other user writes there, so the write cannot conflict, whether or not the node exists yet.
    if (answer.kind !== 'result') throw new RuleBroken(`rule 7: ${this.name} could not write ${path}: ${answer.kind}`);
    asked.told = 'executed';
    this.succeeded++;
    this.#world.checker.acknowledged(namespace, asked.body, result.value);
  }

  /**
   * A client that is `ready` says that its watches are up to date, or soon will be. We compare that with what was
   * committed meanwhile.
   */
  #look(): void {
    this.#world.schedule.after(lookUs, () => {
      const { nowUs } = this.#world.schedule;
      if (this.#namespaceId !== null) {
        this.#past.push({ atUs: nowUs, op: this.#world.checker.committedOp(this.#namespaceId) });
        this.#readySinceUs = this.#sim.client.state === 'ready' ? (this.#readySinceUs ?? nowUs) : null;
      }
      let before: { readonly atUs: number; readonly op: Op } | undefined;
      while (this.#past.length > 0 && nowUs - this.#past[0]!.atUs >= honestUs) before = this.#past.shift();
      const since = this.#readySinceUs;
      if (
        before !== undefined &&
        since !== null &&
        nowUs - since >= honestUs &&
        this.#watcher?.knows(before.op) === false
      )
        throw new RuleBroken(
          `rule 9: ${this.name} has been ready for ${honestUs / 1e6} s, and was not told of op ${before.op}`,
        );
      this.#look();
    });
  }

  /**
   * Each write that it was told had happened happened once. Each write that it was told had not happened did not
   * (protocol §9.3).
   */
  account(): void {
    const namespace = this.#namespaceId;
    if (namespace === null) return;
    for (const { body, told } of this.#asked) {
      const times = this.#world.checker.executions(namespace, body);
      const allowed = told === 'executed' ? times === 1 : told === 'definite' ? times === 0 : times <= 1;
      if (!allowed) throw new RuleBroken(`${this.name} was told ${told} of a write that was executed ${times} times`);
    }
  }
}
