/**
 * What the `sim` commands do to a simulated world. The player decides how time runs, so these commands are only passed
 * on.
 */

import { UsageError } from '../../core/shell/index.ts';
import type { SimAction, SimControl } from '../../core/shell/index.ts';
import type { NetworkFaults } from '../../core/sim/network.ts';
import type { SimNode } from '../../core/sim/sim-node.ts';
import type { World } from '../../core/sim/world.ts';
import type { Load } from './load.ts';
import { listed } from './words.ts';

/** Messages that are slow enough for a person to follow. */
export const visibleNetwork: NetworkFaults = {
  lossPermille: 0,
  doublePermille: 0,
  holdPermille: 0,
  minDelayUs: 80_000,
  maxDelayUs: 160_000,
  maxHoldUs: 0,
};

export type PlayerAction =
  | Extract<SimAction, { kind: 'speed' | 'stop' | 'go' | 'step' | 'seed' | 'nodes' }>
  /** Shows another cluster. */
  | { readonly kind: 'connect'; readonly address: string };

const playerKinds: ReadonlySet<string> = new Set(['speed', 'stop', 'go', 'step', 'seed', 'nodes']);

/**
 * True for commands about how time runs, or which cluster is shown. Only a user may give them now, not a script that is
 * played again.
 */
export function isPlayers(action: SimAction): boolean {
  return playerKinds.has(action.kind);
}

export interface WorldControlHost {
  readonly world: World;
  readonly seed: number;
  /** The host of the terminal's connection. */
  readonly clientHost: string;
  /** The node on which the primary runs, if there is one. */
  primaryNode(): SimNode | null;
  /** The node on which this replica runs. */
  nodeOf(replica: string): SimNode | null;
  readonly load: Load;
  /** Writes into the time line what was done. */
  fault(text: string): void;
  /** @returns the text for the user. */
  player(action: PlayerAction): string;
}

export class WorldControl implements SimControl {
  readonly #host: WorldControlHost;
  readonly #slowMs = new Map<string, number>();

  constructor(host: WorldControlHost) {
    this.#host = host;
  }

  slowDiskMs(node: string): number {
    return this.#slowMs.get(node) ?? 0;
  }

  act(action: SimAction): readonly string[] {
    const { world } = this.#host;
    const { network } = world;
    switch (action.kind) {
      case 'crash':
        return this.#each(action.nodes, 'crashes', (node) => node.alive && (world.crash(node), true));
      case 'powerCut':
        return this.#each(action.nodes, 'loses its power', (node) => node.alive && (world.cutPower(node), true));
      case 'restart':
        return this.#each(action.nodes, 'starts', (node) => !node.alive && (world.start(node), true));
      case 'pause':
        return this.#each(action.nodes, 'is paused', (node) => {
          if (!node.alive || network.isPaused(node.name)) return false;
          node.pause();
          return true;
        });
      case 'resume':
        return this.#each(action.nodes, 'goes on', (node) => network.isPaused(node.name) && (node.resume(), true));
      case 'partition':
        return this.#partition(this.#nodes(action.nodes));
      case 'cut':
      case 'mend':
        return this.#link(action);
      case 'heal':
        return this.#heal();
      case 'disconnect':
        for (const node of world.nodes) network.reset(this.#host.clientHost, node.name);
        return this.#told('the connection of the terminal breaks');
      case 'delay': {
        const { minMs, maxMs } = action;
        if (minMs > maxMs) throw new UsageError(`MIN is at most MAX, not ${minMs} and ${maxMs}`);
        network.faults.minDelayUs = minMs * 1000;
        network.faults.maxDelayUs = maxMs * 1000;
        return this.#told(`messages take ${minMs} to ${maxMs} ms`);
      }
      case 'drop':
        network.faults.lossPermille = action.percent * 10;
        return this.#told(`${action.percent} % of the messages between nodes are lost`);
      case 'disk': {
        const node = this.#node(action.node);
        node.slowDisk(action.extraMs * 1000);
        this.#slowMs.set(node.name, action.extraMs);
        return this.#told(
          action.extraMs === 0
            ? `the disk of ${node.name} is fast again`
            : `the disk of ${node.name} is slow: +${action.extraMs} ms`,
        );
      }
      case 'load': {
        const { writes } = action;
        this.#host.load.set(writes);
        return this.#told(writes === 0 ? 'the load ends' : `clients write ${writes} times a second`);
      }
      case 'status':
        return this.#status();
      case 'speed':
      case 'stop':
      case 'go':
      case 'step':
      case 'seed':
      case 'nodes':
        return [this.#host.player(action)];
    }
  }

  #told(text: string): readonly string[] {
    this.#host.fault(text);
    return [text];
  }

  #node(name: string): SimNode {
    const { world } = this.#host;
    if (name === 'primary') {
      const node = this.#host.primaryNode();
      if (node === null) throw new UsageError('there is no primary now');
      return node;
    }
    const node = world.nodes.find((one) => one.name === name) ?? this.#host.nodeOf(name);
    if (node === null) {
      throw new UsageError(`no node ${name}; the nodes are ${listed(world.nodes.map((one) => one.name))}`);
    }
    return node;
  }

  #nodes(names: readonly string[]): readonly SimNode[] {
    if (names.includes('all')) return this.#host.world.nodes;
    return [...new Set(names.map((name) => this.#node(name)))];
  }

  #each(names: readonly string[], verb: string, act: (node: SimNode) => boolean): readonly string[] {
    const told: string[] = [];
    for (const node of this.#nodes(names)) {
      if (act(node)) told.push(...this.#told(`${node.name} ${verb}`));
      else told.push(`${node.name} is ${this.#stateOf(node)} already`);
    }
    return told;
  }

  #stateOf(node: SimNode): string {
    if (!node.alive) return 'down';
    return this.#host.world.network.isPaused(node.name) ? 'paused' : 'up';
  }

  #partition(side: readonly SimNode[]): readonly string[] {
    const { nodes, network } = this.#host.world;
    const others = nodes.filter((node) => !side.includes(node));
    if (others.length === 0) throw new UsageError('a partition must leave some nodes on the other side');
    for (const one of side) {
      for (const other of others) {
        network.cut(one.name, other.name);
        network.cut(other.name, one.name);
      }
    }
    return this.#told(`a partition: ${names(side)} here, ${names(others)} there`);
  }

  #link({ kind, from, to, both }: Extract<SimAction, { kind: 'cut' | 'mend' }>): readonly string[] {
    const { network } = this.#host.world;
    const [a, b] = [this.#node(from), this.#node(to)];
    if (a === b) throw new UsageError('a link is between two nodes');
    const act = (one: SimNode, other: SimNode): void => network[kind](one.name, other.name);
    act(a, b);
    if (both) act(b, a);
    const what = both ? `between ${a.name} and ${b.name}` : `from ${a.name} to ${b.name}`;
    return this.#told(`the link ${what} is ${kind === 'cut' ? 'cut' : 'mended'}`);
  }

  #heal(): readonly string[] {
    const { world } = this.#host;
    world.network.faults = { ...visibleNetwork };
    world.network.mendAll();
    for (const node of world.nodes) {
      node.slowDisk(0);
      this.#slowMs.delete(node.name);
      node.resume();
      if (!node.alive) world.start(node);
    }
    return this.#told('everything is mended');
  }

  #status(): readonly string[] {
    const { world, seed, load } = this.#host;
    const { network } = world;
    const cuts = world.nodes.flatMap((a) =>
      world.nodes.filter((b) => network.isCut(a.name, b.name)).map((b) => `${a.name} to ${b.name}`),
    );
    const { minDelayUs, maxDelayUs, lossPermille } = network.faults;
    return [
      `seed ${seed}, ${world.schedule.nowMs} ms`,
      ...world.nodes.map((node) => {
        const slow = this.slowDiskMs(node.name);
        return `${node.name}: ${this.#stateOf(node)}${slow > 0 ? `, its disk ${slow} ms slower` : ''}`;
      }),
      `network: ${minDelayUs / 1000} to ${maxDelayUs / 1000} ms, ${lossPermille / 10} % lost`,
      `load: ${load.writesPerSecond} writes a second`,
      `cut: ${cuts.length === 0 ? 'nothing' : listed(cuts)}`,
    ];
  }
}

function names(nodes: readonly SimNode[]): string {
  return listed(nodes.map((node) => node.name));
}
