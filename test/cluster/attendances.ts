/**
 * Random comings and goings of a cluster's nodes from one seed: they crash, are cut off from each other, come back, and
 * come back with another data directory, which may be replaced by the old one. Every now and then each node's report is
 * compared with who was there: it names each voter that is missing, tells why, and counts who is left (core/cluster/admin).
 */

import { SeededRandom } from '../../core/base/random.ts';
import { defaultTiming } from '../../core/cluster/base/host.ts';
import type { SimNode } from '../../core/sim/sim-node.ts';
import { World } from '../../core/sim/world.ts';
import type { MemoryDisk } from '../../core/store/memory-disk.ts';
import { NodeHash } from '../../node-server/node-hash.ts';
import { telling } from '../again.ts';

const hash = new NodeHash();
/** A node that was away for so long is missing. Before that, it may be restarting. */
const absentMs = 30 * defaultTiming.suspicionMs;
/** Until a link that is cut counts as dead, or one that could be there again is. */
const noticedMs = 6 * defaultTiming.suspicionMs;
/** So many groups are named. */
const maxNamed = 8;

const away = /^it has not been connected with this node for \d+ s$/;
const another = /^another data directory answers under its name$/;
const unproven = /^what answers at its address cannot prove itself$/;

/** What one node sees where another should be. */
type What = 'there' | 'away' | 'another';

interface Between {
  readonly what: What;
  /** In which life of the node that sees it. */
  readonly life: number;
  readonly sinceMs: number;
  /** The other may have been away since then. */
  readonly awayMs: number;
  /** In this life, something else answered in the other's place. */
  readonly strange: boolean;
}

interface Group {
  readonly name: string;
  readonly voters: readonly { readonly replica: string; readonly node: string }[];
}

/** @throws with what runs the seed again, when a node's report is not what happened. */
export function attend(seed: number): void {
  telling('nodes that come and go', seed, 'test/cluster/attendances.test.ts', () => {
    const coming = new Attendances(seed);
    for (let step = 0; step < 12; step++) coming.step();
  });
}

class Attendances {
  readonly #random: SeededRandom;
  readonly #world: World;
  readonly #groups: readonly Group[];
  /** Whether nodes whose disk was lost still know the secret, from their configuration. */
  readonly #configured: boolean;
  readonly #cut = new Set<string>();
  /** The old directories of nodes that have another one. */
  readonly #lost = new Map<string, MemoryDisk>();
  /** How often each node was started. */
  readonly #lives = new Map<string, number>();
  readonly #between = new Map<string, Between>();

  constructor(seed: number) {
    this.#random = new SeededRandom(seed, 0xa77e);
    const random = this.#random;
    this.#configured = random.chance(1, 2);
    const nodes = random.pick([3, 4, 5]);
    const replicas = random.pick([2, 3, 3, nodes]);
    const namespaces = Array.from({ length: random.pick([1, 2, maxNamed + 3]) }, (_, i) => `ns${i + 1}`);
    this.#world = new World({
      seed,
      nodes,
      settings: {
        timing: defaultTiming,
        hash,
        segmentBytes: 1024 * 1024,
        checkpointBytes: 1024 * 1024,
        ...(this.#configured ? { secrets: ['the secret of this cluster'] } : {}),
      },
    });
    this.#world.found(namespaces, replicas);
    const voters = this.#world.nodes.slice(0, replicas).map(({ name }, i) => ({ replica: `r${i + 1}`, node: name }));
    this.#groups = [
      { name: 'the root group', voters: [{ replica: 'n1', node: 'n1' }] },
      ...namespaces.map((name) => ({ name: `namespace ${name}`, voters })),
    ];
    this.#pass(noticedMs);
  }

  step(): void {
    this.#happens();
    this.#note();
    this.#pass(this.#random.pick([200, 2000, noticedMs, 2 * noticedMs, absentMs + noticedMs]));
    for (const node of this.#world.nodes) if (node.alive) this.#judge(node);
  }

  #pass(ms: number): void {
    this.#world.run(ms * 1000);
    this.#note();
  }

  #start(node: SimNode): void {
    if (node.alive) return;
    this.#lives.set(node.name, (this.#lives.get(node.name) ?? 0) + 1);
    this.#world.start(node);
  }

  #happens(): void {
    const random = this.#random;
    const world = this.#world;
    const node = random.pick(world.nodes);
    const other = random.pick(world.nodes.filter((one) => one !== node));
    switch (random.pick(['crash', 'start', 'start', 'cut', 'mend', 'wipe', 'restore', 'nothing'] as const)) {
      case 'crash':
        return world.crash(node);
      case 'start':
        return this.#start(node);
      case 'cut':
        this.#cut.add(pairOf(node, other));
        world.network.cut(node.name, other.name);
        return world.network.cut(other.name, node.name);
      case 'mend':
        this.#cut.clear();
        return world.network.mendAll();
      case 'wipe': {
        // The founder alone has the root group, and its name cannot be taken by another.
        if (node.name === 'n1' || this.#lost.has(node.name)) return;
        world.crash(node);
        this.#lost.set(node.name, node.disk.fork());
        node.disk.wipe();
        return this.#start(node);
      }
      case 'restore': {
        const [lost] = this.#lost;
        if (lost === undefined) return;
        const [name, disk] = lost;
        const back = world.node(name);
        world.crash(back);
        back.disk.become(disk);
        this.#lost.delete(name);
        return this.#start(back);
      }
      case 'nothing':
    }
  }

  #note(): void {
    const now = this.#world.schedule.nowMs;
    for (const from of this.#world.nodes) {
      for (const to of this.#world.nodes) {
        const key = `${from.name} ${to.name}`;
        const before = this.#between.get(key);
        const life = this.#lives.get(from.name) ?? 0;
        const what = this.#sees(from, to);
        if (before?.what === what && before.life === life) continue;
        const known = before?.life === life;
        // Who was there for a moment may not have been noticed, so it may count as away since before that.
        const noticed = known && before.what === 'there' && now - before.sinceMs >= noticedMs;
        const awayMs = known && !noticed ? before.awayMs : now;
        const strange = (known && before.strange) || what === 'another';
        this.#between.set(key, { what, life, sinceMs: now, awayMs, strange });
      }
    }
  }

  #sees(from: SimNode, to: SimNode): What {
    if (!to.alive || this.#cut.has(pairOf(from, to))) return 'away';
    return this.#lost.has(to.name) ? 'another' : 'there';
  }

  /** Why `node` must report that `name` is missing. Null: it must not. Undefined: it may not have noticed yet. */
  #missing(node: SimNode, name: string): RegExp | null | undefined {
    if (node.name === name) return null;
    const now = this.#world.schedule.nowMs;
    const { what, sinceMs, awayMs, strange } = this.#between.get(`${node.name} ${name}`)!;
    const lastedMs = now - sinceMs;
    if (what === 'away') {
      if (lastedMs >= absentMs + noticedMs) return strange ? /./ : away;
      return !strange && now - awayMs < absentMs - 1000 ? null : undefined;
    }
    if (lastedMs < noticedMs) return undefined;
    return what === 'there' ? null : this.#configured ? another : unproven;
  }

  #judge(node: SimNode): void {
    const told = node.node!.health().problems.filter((text) => / (has \d+ of \d+ voters:|more groups) /.test(text));
    const broken = (what: string): never => {
      throw new Error(`${node.name} reports ${what}: ${told.join(' | ')}`);
    };
    if (this.#lost.has(node.name)) {
      if (told.length > 0) broken('of groups that are not its own');
      return;
    }
    let lacking = 0;
    for (const { name, voters } of this.#groups) {
      const missing = voters.map((voter) => ({ ...voter, why: this.#missing(node, voter.node) }));
      if (missing.some(({ why }) => why === undefined)) return;
      const gone = missing.filter(({ why }) => why !== null);
      if (gone.length > 0) lacking++;
      const text = told.find((one) => one.startsWith(`${name} has `));
      if (gone.length === 0 && text !== undefined) broken(`wrongly of ${name}`);
      if (gone.length === 0 || lacking > maxNamed) continue;
      if (text === undefined) return broken(`nothing of ${name}`);
      const there = voters.length - gone.length;
      if (!text.startsWith(`${name} has ${there} of ${voters.length} voters: `)) broken(`another count of ${name}`);
      const who = text.split(/voters: |; /)[1]!.split(', r');
      if (who.length !== gone.length) broken(`of others in ${name}`);
      for (const { replica, node: at, why } of gone) {
        const said = text.split(`${replica} on ${at} is missing (`)[1]?.split(')')[0];
        if (said === undefined || !why!.test(said)) broken(`another reason for ${at} in ${name}`);
      }
      const spare = there - (Math.floor(voters.length / 2) + 1);
      const so = spare < 0 ? 'not a quorum' : spare === 0 ? 'survives no further failure' : `survives ${spare} further`;
      if (!text.includes(so)) broken(`no word that ${name} ${so}`);
    }
    const more = lacking > maxNamed ? 1 : 0;
    if (told.length !== Math.min(lacking, maxNamed) + more) broken(`not of ${lacking} groups`);
    if (more > 0 && !told.at(-1)!.startsWith(`${lacking - maxNamed} more groups`)) broken('how many more there are');
  }
}

function pairOf(one: SimNode, other: SimNode): string {
  return [one.name, other.name].sort().join(' ');
}
