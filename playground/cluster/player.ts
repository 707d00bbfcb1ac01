/**
 * Runs the cluster in the tab against real time. It plays, stops, goes back by running again, and tells the page what
 * to show. Requests of the page are done between two events, when nothing waits.
 */

import type { Cluster } from './cluster.ts';
import type { Frame, Playback } from './frame.ts';
import type { FromWorker, ToWorker } from './protocol.ts';
import { emptyScript } from './script.ts';
import type { Script } from './script.ts';
import type { TabHost } from './tab-cluster.ts';
import type { PlayerAction } from './world-control.ts';

/** How long events may run before the page is told about them. */
const sliceMs = 11;
/** Events between two looks at the clock. */
const eventsPerLook = 32;
const defaultSpeedPercent = 100;
const simulatorSpeedPercent = 1;
/** Under load the tree changes with every frame, faster than a person can read. */
const treeEveryMs = 150;
const maxInbox = 10_000;
const onlyLooked =
  'This is a run of the simulator, which only its seed decides. "new seed" begins a cluster of your own.\n';

/** Makes the cluster of a script, before its first event. */
export type MakeCluster = (script: Script, host: TabHost) => Cluster;

export interface PlayerHost {
  post(message: FromWorker): void;
  /** Real time in milliseconds. */
  now(): number;
  /** Lets all waiting work of this thread happen. */
  drain(): Promise<void>;
}

export class Player {
  readonly #host: PlayerHost;
  readonly #make: MakeCluster;
  #inbox: ToWorker[] = [];
  #cluster: Cluster | null = null;
  #playing = false;
  #speedPercent = defaultSpeedPercent;
  #end = 0;
  /** How far virtual time may go now. */
  #targetUs = 0;
  #lastMs: number;
  /** True while a run is being repeated and not shown. */
  #muted = false;
  #next: Script | null = null;
  #stepsLeft = 0;
  #treeOp = -1;
  /** When the tree may be listed again, in real time. */
  #treeDueMs = 0;

  constructor(host: PlayerHost, make: MakeCluster) {
    this.#host = host;
    this.#make = make;
    this.#lastMs = host.now();
  }

  receive(message: ToWorker): void {
    if (this.#inbox.length < maxInbox) this.#inbox.push(message);
  }

  /** Does the work of one frame. */
  async turn(): Promise<void> {
    const inbox = this.#inbox;
    this.#inbox = [];
    for (const message of inbox) {
      await this.#cluster?.settle();
      await this.#obey(message);
    }
    await this.#settle();
    if (this.#next !== null && this.#cluster?.busy === false) {
      const script = this.#next;
      this.#next = null;
      await this.#open(script, 0, true);
    }
    const cluster = this.#cluster;
    const nowMs = this.#host.now();
    const elapsedUs = Math.min(100, nowMs - this.#lastMs) * 10 * this.#speedPercent;
    this.#lastMs = nowMs;
    if (cluster === null) return;
    try {
      if (this.#playing) {
        this.#targetUs = Math.max(this.#targetUs, cluster.nowUs - 1_000_000) + Math.floor(elapsedUs);
        await this.#runTo(cluster, nowMs + sliceMs);
      }
      for (; this.#stepsLeft > 0 && !this.#playing; this.#stepsLeft--) await this.#step(cluster);
    } catch (error) {
      this.#playing = false;
      this.#host.post({ kind: 'broken', message: error instanceof Error ? error.message : String(error) });
    }
    this.#show(cluster);
    await this.#showTree(cluster);
  }

  async #runTo(cluster: Cluster, untilMs: number): Promise<void> {
    for (let events = 1; cluster.nowUs < this.#targetUs && this.#playing; events++) {
      await this.#step(cluster);
      if (events % eventsPerLook === 0 && this.#host.now() > untilMs) {
        // It is slower than was asked for. Time goes on from here, and does not catch up on what it missed.
        this.#targetUs = cluster.nowUs;
        return;
      }
    }
  }

  async #step(cluster: Cluster): Promise<void> {
    if (cluster.unsettled) await cluster.settle();
    cluster.step();
    if (cluster.unsettled) await cluster.settle();
  }

  async #settle(): Promise<void> {
    while (this.#cluster?.unsettled === true) await this.#cluster.settle();
  }

  async #obey(message: ToWorker): Promise<void> {
    const cluster = this.#cluster;
    if (message.kind === 'open') {
      await this.#open(message.script, message.at, message.playing);
      return;
    }
    if (cluster === null) return;
    switch (message.kind) {
      case 'line':
        this.#act(cluster, 'typed', message.line);
        return;
      case 'type':
        if (cluster.busy) return;
        this.#host.post({ kind: 'typed', line: message.line });
        this.#act(cluster, 'typed', message.line);
        return;
      case 'sim':
        this.#act(cluster, 'sim', message.line);
        return;
      case 'interrupt':
        this.#act(cluster, 'interrupt', '');
        return;
      case 'complete': {
        const { ticket, line, cursor } = message;
        this.#host.post({ kind: 'completed', ticket, completion: await cluster.complete(line, cursor) });
        return;
      }
      case 'play':
        this.#play();
        return;
      case 'pause':
        this.#playing = false;
        return;
      case 'speed':
        this.#speedPercent = message.percent;
        return;
      case 'jump': {
        const at = Math.max(0, Math.min(message.at, this.#end));
        const end = this.#end;
        await this.#goTo(cluster, at);
        this.#end = Math.max(end, this.#end);
        return;
      }
      case 'script':
        this.#host.post({ kind: 'script', ticket: message.ticket, script: cluster.script, at: cluster.events });
        return;
    }
  }

  /** Does something new. It needs time to happen, and later entries are dropped. */
  #act(cluster: Cluster, kind: 'typed' | 'sim' | 'interrupt', line: string): void {
    if (cluster.script.simulator !== undefined) {
      if (kind !== 'typed') return;
      this.#tell({ kind: 'output', text: onlyLooked });
      this.#tell({ kind: 'done' });
      return;
    }
    cluster.act(kind, line);
    this.#end = cluster.events;
  }

  #play(): void {
    if (this.#playing) return;
    this.#playing = true;
    this.#targetUs = this.#cluster?.nowUs ?? 0;
    this.#lastMs = this.#host.now();
  }

  /** Goes forward by running on, and back by running again from the beginning. */
  async #goTo(cluster: Cluster, at: number): Promise<void> {
    this.#playing = false;
    if (at < cluster.events) {
      await this.#open(cluster.script, at, false);
      return;
    }
    this.#muted = true;
    await this.#repeat(cluster, at);
    this.#muted = false;
    this.#opened(cluster);
  }

  async #open(script: Script, at: number, playing: boolean): Promise<void> {
    this.#muted = true;
    const cluster = this.#make(script, this.#tabHost());
    const looked = this.#cluster !== null && this.#cluster.script.simulator !== undefined;
    const looks = script.simulator !== undefined;
    // The simulator's network is as fast as a real one.
    if (looked !== looks) this.#speedPercent = looks ? simulatorSpeedPercent : defaultSpeedPercent;
    this.#cluster = cluster;
    this.#end = 0;
    this.#stepsLeft = 0;
    await this.#repeat(cluster, at);
    this.#muted = false;
    this.#playing = playing;
    this.#opened(cluster);
  }

  #tabHost(): TabHost {
    return {
      typed: (line) => this.#tell({ kind: 'typed', line }),
      output: (text) => this.#tell({ kind: 'output', text }),
      done: () => this.#tell({ kind: 'done' }),
      player: (action) => this.#perform(action),
      drain: () => this.#host.drain(),
    };
  }

  async #repeat(cluster: Cluster, at: number): Promise<void> {
    try {
      while (cluster.events < at) await this.#step(cluster);
      await this.#settle();
    } catch (error) {
      this.#host.post({ kind: 'broken', message: error instanceof Error ? error.message : String(error) });
    }
  }

  #opened(cluster: Cluster): void {
    this.#targetUs = cluster.nowUs;
    this.#lastMs = this.#host.now();
    this.#treeOp = -1;
    this.#treeDueMs = 0;
    const { transcript, notes, script } = cluster;
    // The notes are in this message. The next frame must only have newer ones.
    cluster.frame();
    this.#host.post({ kind: 'opened', transcript: transcript.map((one) => ({ ...one })), notes, script });
  }

  #tell(message: FromWorker): void {
    if (!this.#muted) this.#host.post(message);
  }

  #perform(action: PlayerAction): string {
    switch (action.kind) {
      case 'speed':
        this.#speedPercent = action.percent;
        return `time runs at ${action.percent} %`;
      case 'stop':
        this.#playing = false;
        return 'time stands still; sim go lets it go on';
      case 'go':
        this.#play();
        return 'time goes on';
      case 'step':
        this.#playing = false;
        this.#stepsLeft = action.events;
        return action.events === 1 ? 'one event' : `${action.events} events`;
      case 'seed':
        this.#next = emptyScript(action.seed, this.#cluster?.script.nodes ?? 3);
        return `a new cluster, from seed ${action.seed}`;
      case 'nodes':
        this.#next = emptyScript(this.#cluster?.script.seed ?? 1, action.count);
        return `a new cluster, of ${action.count} nodes`;
      case 'connect':
        this.#host.post({ kind: 'connect', address: action.address });
        return '';
    }
  }

  #show(cluster: Cluster): void {
    this.#end = Math.max(this.#end, cluster.end);
    const nowUs = this.#playing ? this.#targetUs : cluster.nowUs;
    const frame: Frame = { ...cluster.frame(), nowUs, pace: this.#playing ? this.#speedPercent / 100 : 0 };
    const playback: Playback = {
      events: cluster.events,
      end: this.#end,
      playing: this.#playing,
      speedPercent: this.#speedPercent,
    };
    this.#host.post({ kind: 'frame', frame, playback });
  }

  async #showTree(cluster: Cluster): Promise<void> {
    const op = cluster.treeOp;
    const nowMs = this.#host.now();
    if (op === this.#treeOp || nowMs < this.#treeDueMs) return;
    this.#treeOp = op;
    this.#treeDueMs = nowMs + treeEveryMs;
    this.#host.post({ kind: 'tree', rows: await cluster.tree() });
  }
}
