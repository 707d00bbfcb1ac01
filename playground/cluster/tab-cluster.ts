/**
 * A whole cluster in one thread, with a terminal at it: a simulated world, the client and the shell, and the script of what was done
 * to them. The seed, the script and the number of events are all that decides, so going back in time is running it again.
 *
 * The shell's promises settle between events: while a line runs, the host's queue is drained after each of them. So a line goes on
 * at the same event in every run.
 */

import { NobleHash } from '../../core/base/noble-hash.ts';
import { textOf } from '../../core/base/bytes.ts';
import type { Timing } from '../../core/cluster/host.ts';
import type { ReplicaHost } from '../../core/cluster/replica-host.ts';
import { PromiseClient } from '../../core/client/promises.ts';
import { Service } from '../../core/service/service.ts';
import {
  apiTable,
  ClientConnection,
  CommandTable,
  complete,
  LineHistory,
  Shell,
  simCommands,
} from '../../core/shell/index.ts';
import type { Completion, OutputChunk } from '../../core/shell/index.ts';
import type { SimNode } from '../../core/sim/sim-node.ts';
import type { SimClient } from '../../core/sim/world.ts';
import { World } from '../../core/sim/world.ts';
import type { Operation, OperationResult } from '../../core/tree/operation.ts';
import type { Frame, NodePicture, ReplicaPicture, TreeRow } from './frame.ts';
import type { Script, ScriptEntry } from './script.ts';
import { listTree } from './tree.ts';
import { Watcher } from './watcher.ts';
import { visibleNetwork, WorldControl } from './world-control.ts';
import type { PlayerAction } from './world-control.ts';

export const tabNamespace = 'test-ns';

/** Slower than a server's, as the network is: a person is to see one thing after the other. */
const timing: Timing = {
  tickMs: 20,
  heartbeatMs: 500,
  suspicionMs: 2000,
  resendMs: 400,
  sessionMs: 600_000,
  reconnectMs: 100,
  reconnectMaxMs: 1000,
};
const logBytes = 256 * 1024;

/** A line of the terminal and what it printed. */
export interface Exchange {
  readonly line: string;
  output: string;
  done: boolean;
}

/** Whoever shows the cluster. Called in the middle of a step. */
export interface TabHost {
  /** A line begins that nobody has just typed: it comes from the script. */
  typed(line: string): void;
  output(text: string): void;
  /** The line has ended. */
  done(): void;
  /** @returns what to tell the user. */
  player(action: PlayerAction): string;
  /** Lets everything that waits in this thread happen. */
  drain(): Promise<void>;
}

interface Running {
  readonly exchange: Exchange;
  readonly abort: AbortController;
}

export class TabCluster {
  readonly #script: Script;
  readonly #host: TabHost;
  readonly #world: World;
  readonly #watcher: Watcher;
  readonly #terminal: SimClient;
  readonly #control: WorldControl;
  readonly #shell: Shell;
  readonly #simShell: Shell;
  /** Events of the founding, which nobody sees. */
  readonly #foundedAt: number;
  readonly #entries: ScriptEntry[];
  readonly #lastSeen = new Map<string, ReplicaPicture>();
  readonly #transcript: Exchange[] = [];
  #nextEntry = 0;
  #running: Running | null = null;
  #unsettled = false;
  /** Nothing has happened since everything that waited was let happen. */
  #quiet = false;
  /** What is applied now was just done, and does not come from the script. */
  #live = false;
  #notesSeen = 0;

  constructor(script: Script, host: TabHost) {
    this.#script = script;
    this.#host = host;
    this.#entries = [...script.entries];
    let clientHost = '';
    const watcher = new Watcher(
      () => ({ at: this.events, atMs: this.#world.schedule.nowMs }),
      (name) => name === clientHost,
    );
    const world = new World({
      seed: script.seed,
      nodes: script.nodes,
      settings: { timing, hash: new NobleHash(), segmentBytes: logBytes, checkpointBytes: logBytes },
      observer: watcher.node,
    });
    this.#world = world;
    this.#watcher = watcher;
    world.found([tabNamespace]);
    world.network.faults = { ...visibleNetwork };
    this.#terminal = world.addClient();
    clientHost = this.#terminal.host;
    const { client } = this.#terminal;
    world.until(() => client.state === 'ready', 10_000_000);
    world.run(2_000_000);
    world.network.observer = watcher.network;
    this.#foundedAt = world.events;
    watcher.begin();
    this.#notesSeen = watcher.notes.length;

    this.#control = new WorldControl({
      world,
      seed: script.seed,
      clientHost,
      primaryNode: () => this.#primaryNode(),
      nodeOf: (replica) => this.#nodeOf(replica),
      fault: (text) => watcher.say({ kind: 'fault', text }),
      player: (action) => (this.#live ? host.player(action) : 'ok'),
    });
    const commands = simCommands(this.#control);
    const output = { mode: 'text', terminal: true, colours: true } as const;
    this.#shell = new Shell({
      table: apiTable(commands),
      output,
      connection: new ClientConnection(new PromiseClient(client), `playground ${clientHost}`, 'n1:3'),
      keepGoing: true,
      history: new LineHistory(),
    });
    this.#simShell = new Shell({ table: new CommandTable(commands), output: { ...output, colours: false } });
  }

  /** Events since the cluster was founded. */
  get events(): number {
    return this.#world.events - this.#foundedAt;
  }

  get nowUs(): number {
    return this.#world.schedule.nowUs;
  }

  get script(): Script {
    return { ...this.#script, entries: [...this.#entries] };
  }

  /** The event of the last entry that is still to come; where it stands, when there is none. */
  get end(): number {
    return Math.max(this.events, this.#entries.at(-1)?.at ?? 0);
  }

  get transcript(): readonly Exchange[] {
    return this.#transcript;
  }

  get notes(): readonly Frame['notes'][number][] {
    return this.#watcher.notes;
  }

  get busy(): boolean {
    return this.#running !== null;
  }

  /** Something waits in this thread and comes before the next event. */
  get unsettled(): boolean {
    return this.#unsettled;
  }

  async settle(): Promise<void> {
    await this.#host.drain();
    this.#unsettled = false;
    this.#quiet = true;
  }

  /**
   * Runs the next entry of the script, if its event has come, or the next event.
   * @throws RuleBroken when the cluster broke its protocol.
   */
  step(): void {
    const due = this.#entries[this.#nextEntry];
    if (due !== undefined && due.at <= this.events) {
      // What a watch has to tell comes before what is typed next, here as it did there.
      if (!this.#quiet) {
        this.#unsettled = true;
        return;
      }
      this.#nextEntry++;
      if (due.kind === 'typed') this.#host.typed(due.line);
      this.#apply(due);
      return;
    }
    this.#quiet = false;
    this.#world.step();
    if (this.#running !== null) this.#unsettled = true;
  }

  /** Does something now, when everything is settled. What the script held for later is gone: from here on it is another run. */
  act(kind: ScriptEntry['kind'], line: string): void {
    const entry = { at: this.events, kind, line };
    this.#entries.length = this.#nextEntry;
    this.#entries.push(entry);
    this.#nextEntry++;
    this.#live = true;
    try {
      this.#apply(entry);
    } finally {
      this.#live = false;
    }
  }

  #apply({ kind, line }: ScriptEntry): void {
    // What it does may end a node, which is then shown as it was last.
    for (const node of this.#world.nodes) this.#picture(node);
    this.#unsettled = true;
    switch (kind) {
      case 'interrupt':
        this.#running?.abort.abort();
        return;
      case 'sim':
        this.#simShell.run(line, () => undefined).catch(() => undefined);
        return;
      case 'typed':
        // Only one line runs at a time; a script that says otherwise was not made here.
        if (this.#running === null) void this.#type(line);
        return;
    }
  }

  async #type(line: string): Promise<void> {
    const exchange: Exchange = { line, output: '', done: false };
    const running = { exchange, abort: new AbortController() };
    this.#running = running;
    this.#transcript.push(exchange);
    if (line.trim() !== '' && !line.startsWith('sim ')) this.#watcher.say({ kind: 'typed', text: line.trim() });
    try {
      await this.#shell.run(line, (chunk) => this.#print(exchange, chunk), running.abort.signal);
    } finally {
      exchange.done = true;
      this.#running = null;
      this.#unsettled = true;
      this.#host.done();
    }
  }

  #print(exchange: Exchange, chunk: OutputChunk): void {
    const text = typeof chunk.data === 'string' ? chunk.data : (textOf(chunk.data) ?? '');
    exchange.output += text;
    this.#host.output(text);
  }

  // Looking without touching.

  /** Completions, from the replica of the node that the terminal is connected to: asking the cluster would change the run. */
  async complete(line: string, cursor: number): Promise<Completion> {
    return await complete(this.#shell.table, line, cursor, {
      namespaces: () => Promise.resolve([tabNamespace]),
      children: (path, after, limit) => {
        const result = this.#shell.namespace === null ? null : this.#peek({ kind: 'children', path, limit, after });
        return Promise.resolve(result?.kind === 'children' ? result : { children: [], more: false });
      },
    });
  }

  /** The tree as the primary has it, or else whoever is furthest. */
  async tree(): Promise<readonly TreeRow[]> {
    return await listTree((operation) => Promise.resolve(this.#peek(operation)));
  }

  /** Says whether the tree may have changed since it was last listed. */
  get treeOp(): number {
    return this.#furthest()?.view().applied ?? 0;
  }

  #peek(operation: Operation): OperationResult | null {
    const machine = this.#furthest()?.machine;
    const result = machine instanceof Service ? machine.tree.read(operation) : null;
    return result?.ok === true ? result.value : null;
  }

  #furthest(): ReplicaHost | null {
    const hosts = this.#world.nodes.map((node) => groupHost(node)).filter((host) => host !== null);
    return hosts.reduce<ReplicaHost | null>(
      (best, host) => (best === null || host.view().applied > best.view().applied ? host : best),
      null,
    );
  }

  #primaryNode(): SimNode | null {
    let best: { readonly node: SimNode; readonly view: number } | null = null;
    for (const node of this.#world.nodes) {
      const host = groupHost(node);
      if (host?.isPrimary !== true) continue;
      const { view } = host.view().view;
      if (best === null || view > best.view) best = { node, view };
    }
    return best?.node ?? null;
  }

  #nodeOf(replica: string): SimNode | null {
    return this.#world.nodes.find((node) => this.#picture(node).replica?.name === replica) ?? null;
  }

  #picture(node: SimNode): NodePicture {
    const host = groupHost(node);
    if (host !== null) {
      const view = host.view();
      this.#lastSeen.set(node.name, {
        name: view.identity.replica,
        status: view.status,
        epoch: view.view.epoch,
        view: view.view.view,
        isPrimary: view.isPrimary,
        primary: view.primary?.replica ?? null,
        head: view.head,
        commit: view.commit,
        checkpoint: view.checkpointOp,
      });
    }
    const state = !node.alive ? 'down' : this.#world.network.isPaused(node.name) ? 'paused' : 'up';
    const slowDiskMs = this.#control.slowDiskMs(node.name);
    const seen = this.#lastSeen.get(node.name) ?? null;
    return {
      name: node.name,
      state,
      slowDiskMs,
      replica: state === 'down' && seen !== null ? { ...seen, isPrimary: false } : seen,
    };
  }

  /** The picture as it is now, with what flew and was said since the last one. */
  frame(): Frame {
    const { nodes, network } = this.#world;
    const notes = this.#watcher.notes;
    const fresh = notes.slice(Math.min(this.#notesSeen, notes.length));
    this.#notesSeen = notes.length;
    return {
      nowUs: this.nowUs,
      nodes: nodes.map((node) => this.#picture(node)),
      client: this.#terminal.client.server?.node ?? null,
      cuts: nodes.flatMap((a) =>
        nodes.filter((b) => network.isCut(a.name, b.name)).map((b) => ({ from: a.name, to: b.name })),
      ),
      flights: this.#watcher.takeFlights().map((flight) => ({
        ...flight,
        from: flight.from === this.#terminal.host ? 'you' : flight.from,
        to: flight.to === this.#terminal.host ? 'you' : flight.to,
      })),
      notes: fresh,
    };
  }
}

/** The replica of the namespace on a node; null while the node is down. */
function groupHost(node: SimNode): ReplicaHost | null {
  return node.hosts.find((host) => host.machine instanceof Service) ?? null;
}
