/**
 * A whole cluster in one thread, with a terminal: a simulated world, the client and the shell, and the script of what
 * was done to them. Only the seed, the script and the number of events decide the run, so it goes back in time by
 * running again.
 *
 * The shell's promises settle between events. While a line runs, the host's queue is drained after each event. So a
 * line continues at the same event in every run.
 */

import { NobleHash } from '../../core/base/noble-hash.ts';
import { textOf } from '../../core/base/bytes.ts';
import type { Timing } from '../../core/cluster/base/host.ts';
import { PromiseClient } from '../../core/client/promises.ts';
import {
  ClientConnection,
  CommandTable,
  complete,
  LineHistory,
  Shell,
  simCommands,
  wholeTable,
} from '../../core/shell/index.ts';
import type { Completion, OutputChunk, SimControl } from '../../core/shell/index.ts';
import type { SimClient } from '../../core/sim/world.ts';
import { World } from '../../core/sim/world.ts';
import { connectCommand } from '../connect-command.ts';
import type { Cluster, Exchange } from './cluster.ts';
import type { Frame, Note, TreeRow } from './frame.ts';
import type { Script, ScriptEntry } from './script.ts';
import { Load } from './load.ts';
import { SimAdmin } from './sim-admin.ts';
import { Watcher } from './watcher.ts';
import { isPlayers, visibleNetwork, WorldControl } from './world-control.ts';
import type { PlayerAction } from './world-control.ts';
import { WorldPicture } from './world-picture.ts';

export const tabNamespace = 'test-ns';
const adminHost = 'admin';

/** True for hosts of clients and administrators. All others are nodes. */
function isOutside(host: string): boolean {
  return host === adminHost || /^c\d/.test(host);
}

/**
 * The times are longer than a server's, and so is the network's delay, so that a person can see one thing after the
 * other.
 */
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

/** The part that shows the cluster. It is called in the middle of a step. */
export interface TabHost {
  /** A line begins that was not just typed, because it comes from the script. */
  typed(line: string): void;
  output(text: string): void;
  /** The line has ended. */
  done(): void;
  /** @returns the text for the user. */
  player(action: PlayerAction): string;
  /** Lets all waiting work of this thread happen. */
  drain(): Promise<void>;
}

interface Running {
  /** True when it was just typed, and does not come from the script. */
  readonly live: boolean;
  readonly exchange: Exchange;
  readonly abort: AbortController;
}

export class TabCluster implements Cluster {
  readonly #script: Script;
  readonly #host: TabHost;
  readonly #world: World;
  readonly #watcher: Watcher;
  readonly #terminal: SimClient;
  readonly #control: WorldControl;
  readonly #load: Load;
  readonly #shell: Shell;
  readonly #simShell: Shell;
  /** Events of the founding, which are not shown. */
  readonly #foundedAt: number;
  readonly #entries: ScriptEntry[];
  readonly #picture: WorldPicture;
  readonly #transcript: Exchange[] = [];
  #nextEntry = 0;
  #running: Running | null = null;
  #unsettled = false;
  /** True when nothing has happened since all waiting work was done. */
  #quiet = false;
  /** True when the last `sim` command was just clicked, and did not come from the script. */
  #simLive = false;

  constructor(script: Script, host: TabHost) {
    this.#script = script;
    this.#host = host;
    this.#entries = [...script.entries];
    let clientHost = '';
    const watcher = new Watcher(() => ({ at: this.events, atMs: this.#world.schedule.nowMs }), isOutside);
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
    this.#terminal = world.addClient({ name: 'you' });
    clientHost = this.#terminal.host;
    const { client } = this.#terminal;
    world.until(() => client.state === 'ready', 10_000_000);
    world.run(2_000_000);
    world.network.observer = watcher.network;
    this.#foundedAt = world.events;
    watcher.begin();

    this.#load = new Load(world, tabNamespace);
    this.#control = new WorldControl({
      world,
      load: this.#load,
      seed: script.seed,
      clientHost,
      primaryNode: () => this.#picture.primaryNode(),
      nodeOf: (replica) => this.#picture.nodeOf(replica),
      fault: (text) => watcher.say({ kind: 'fault', text }),
      player: (action) => host.player(action),
    });
    this.#picture = new WorldPicture(world, tabNamespace, watcher, (node) => this.#control.slowDiskMs(node));
    const typedSim = simCommands(this.#simControl(() => this.#running?.live === true));
    const clickedSim = simCommands(this.#simControl(() => this.#simLive));
    const connect = connectCommand((address) => {
      if (this.#running?.live === true) host.player({ kind: 'connect', address });
    });
    const output = { mode: 'text', terminal: true, colours: true } as const;
    this.#shell = new Shell({
      table: wholeTable([...typedSim, connect]),
      output,
      admin: new SimAdmin(world, adminHost, () => client.server?.node ?? null),
      connection: new ClientConnection(new PromiseClient(client), `playground ${clientHost}`, 'n1:3'),
      keepGoing: true,
      history: new LineHistory(),
    });
    this.#simShell = new Shell({ table: new CommandTable(clickedSim), output: { ...output, colours: false } });
  }

  get events(): number {
    return this.#world.events - this.#foundedAt;
  }

  get nowUs(): number {
    return this.#world.schedule.nowUs;
  }

  get script(): Script {
    return { ...this.#script, entries: [...this.#entries] };
  }

  get end(): number {
    return Math.max(this.events, this.#entries.at(-1)?.at ?? 0);
  }

  get transcript(): readonly Exchange[] {
    return this.#transcript;
  }

  get notes(): readonly Note[] {
    return this.#watcher.notes;
  }

  get busy(): boolean {
    return this.#running !== null;
  }

  get unsettled(): boolean {
    return this.#unsettled;
  }

  async settle(): Promise<void> {
    await this.#host.drain();
    this.#unsettled = false;
    this.#quiet = true;
  }

  step(): void {
    const due = this.#entries[this.#nextEntry];
    if (due !== undefined && due.at <= this.events) {
      // Events of a watch come before the next typed line, here as in the original run.
      if (!this.#quiet) {
        this.#unsettled = true;
        return;
      }
      this.#nextEntry++;
      if (due.kind === 'typed') this.#host.typed(due.line);
      this.#apply(due, false);
      return;
    }
    this.#quiet = false;
    this.#world.step();
    if (this.#running !== null) this.#unsettled = true;
  }

  act(kind: ScriptEntry['kind'], line: string): void {
    const entry = { at: this.events, kind, line };
    this.#entries.length = this.#nextEntry;
    this.#entries.push(entry);
    this.#nextEntry++;
    this.#apply(entry, true);
  }

  #simControl(isLive: () => boolean): SimControl {
    return { act: (action) => (isPlayers(action) && !isLive() ? ['ok'] : this.#control.act(action)) };
  }

  #apply({ kind, line }: ScriptEntry, live: boolean): void {
    // The entry may end a node, which is then shown as it last was.
    this.#picture.look();
    this.#unsettled = true;
    switch (kind) {
      case 'interrupt':
        this.#running?.abort.abort();
        return;
      case 'sim':
        this.#simLive = live;
        this.#simShell.run(line, () => undefined).catch(() => undefined);
        return;
      case 'typed':
        // Only one line runs at a time. A script with two at once was not made here.
        if (this.#running === null) void this.#type(line, live);
        return;
    }
  }

  async #type(line: string, live: boolean): Promise<void> {
    const exchange: Exchange = { line, output: '', done: false };
    const running = { live, exchange, abort: new AbortController() };
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

  // Reading without changing the run.

  /** Completes from the replica of the terminal's node, because a question to the cluster would change the run. */
  async complete(line: string, cursor: number): Promise<Completion> {
    return await complete(this.#shell.table, line, cursor, {
      namespaces: () => Promise.resolve([tabNamespace]),
      children: (path, after, limit) => {
        const result =
          this.#shell.namespace === null ? null : this.#picture.peek({ kind: 'children', path, limit, after });
        return Promise.resolve(result?.kind === 'children' ? result : { children: [], more: false });
      },
    });
  }

  async tree(): Promise<readonly TreeRow[]> {
    return await this.#picture.tree();
  }

  get treeOp(): number {
    return this.#picture.treeOp;
  }

  frame(): Frame {
    const frame = this.#picture.frame(this.#terminal.client.server?.node ?? null);
    const place = (host: string): string => (isOutside(host) ? 'you' : host);
    return {
      ...frame,
      otherClients: this.#load.clients,
      flights: frame.flights.map((flight) => ({ ...flight, from: place(flight.from), to: place(flight.to) })),
    };
  }
}
