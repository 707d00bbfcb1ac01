/**
 * A run of the simulator, to be watched. The seed's own users work and its own faults happen, and a person cannot
 * change anything. A seed that failed fails here at the same event.
 */

import { NobleHash } from '../../core/base/noble-hash.ts';
import { beginSeed } from '../../core/sim/run.ts';
import type { BegunSeed, RunReport } from '../../core/sim/run.ts';
import type { Completion } from '../../core/shell/index.ts';
import type { Cluster, Exchange } from './cluster.ts';
import type { Frame, Note, TreeRow } from './frame.ts';
import type { Script } from './script.ts';
import { Watcher } from './watcher.ts';
import { WorldPicture } from './world-picture.ts';

/** Log lines of nodes begin with their level. Lines about faults do not. */
const logLine = /^\d+ (debug|info|warn|error) /;

export class SeedCluster implements Cluster {
  readonly script: Script;
  readonly transcript: readonly Exchange[] = [];
  readonly busy = false;
  readonly unsettled = false;
  readonly #run: BegunSeed;
  readonly #watcher: Watcher;
  readonly #picture: WorldPicture;
  /** Events of the founding, which are not shown. */
  readonly #foundedAt: number;
  /** The simulator's report of the run. Null until it has ended. */
  report: RunReport | null = null;

  constructor(script: Script, events: number) {
    this.script = script;
    let run: BegunSeed | null = null;
    const watcher = new Watcher(
      () => (run === null ? { at: 0, atMs: 0 } : { at: this.events, atMs: run.world.schedule.nowMs }),
      (host) => host.startsWith('c'),
    );
    const begun = beginSeed({
      seed: script.seed,
      events,
      hash: new NobleHash(),
      observer: watcher.node,
      trace: (line) => {
        if (run !== null && !logLine.test(line))
          watcher.say({ kind: 'fault', text: line.slice(line.indexOf(' ') + 1) });
      },
    });
    this.#run = begun;
    this.#watcher = watcher;
    const { world } = begun;
    this.#foundedAt = world.events;
    run = begun;
    world.network.observer = watcher.network;
    this.#picture = new WorldPicture(world, begun.users[0]?.namespace ?? 'ns1', watcher, () => 0);
    watcher.begin();
  }

  get events(): number {
    return this.#run.world.events - this.#foundedAt;
  }

  get nowUs(): number {
    return this.#run.world.schedule.nowUs;
  }

  get end(): number {
    return Math.max(this.events, this.#run.healAt - this.#foundedAt);
  }

  get notes(): readonly Note[] {
    return this.#watcher.notes;
  }

  get treeOp(): number {
    return this.#picture.treeOp;
  }

  settle(): Promise<void> {
    return Promise.resolve();
  }

  step(): void {
    const { world, rest } = this.#run;
    // Faults end nodes in the middle of an event. Because we look every few events, a node is shown nearly as it last
    // was.
    if (world.events % 16 === 0) this.#picture.look();
    if (this.report !== null) {
      world.step();
      return;
    }
    const turn = rest.next();
    if (turn.done !== true) return;
    this.report = turn.value;
    const { committed, trace } = turn.value;
    const hash = trace.toString(16).padStart(8, '0');
    this.#watcher.say({ kind: 'view', text: `the seed passed: ${committed} committed, trace ${hash}` });
  }

  act(): void {
    // Only the seed decides a run of the simulator.
  }

  complete(_line: string, cursor: number): Promise<Completion> {
    return Promise.resolve({ from: cursor, to: cursor, candidates: [] });
  }

  async tree(): Promise<readonly TreeRow[]> {
    return await this.#picture.tree();
  }

  frame(): Frame {
    const frame = this.#picture.frame(null);
    const place = (host: string): string => (host.startsWith('c') ? 'you' : host);
    return {
      ...frame,
      flights: frame.flights.map((flight) => ({ ...flight, from: place(flight.from), to: place(flight.to) })),
    };
  }
}
