/**
 * The page with the cluster in the tab. It passes typed lines and clicks to the worker, and shows what the worker
 * tells.
 */

import type { Completion } from '../core/shell/index.ts';
import type { Frame } from './cluster/frame.ts';
import type { FromWorker, ToWorker } from './cluster/protocol.ts';
import { defaultNodes, emptyScript, fragmentOf } from './cluster/script.ts';
import type { Script, Shared } from './cluster/script.ts';
import { headlineOf } from './headline.ts';
import type { Mode, Parts } from './parts.ts';
import { PlaybackBar } from './playback-bar.ts';
import { stories, StoryTeller } from './stories.ts';
import type { LineRunner } from './terminal-pane.ts';

/** After this long without an action, the page's address is updated. */
const addressDelayMs = 400;
const firstSeed = 7;

export interface TabModeOptions {
  readonly build: string;
  /** A run from a link. Null begins with a new one. */
  readonly shared: Shared | null;
  /** @param looks is true for the worker that runs seeds of the simulator. */
  startWorker(looks: boolean): Worker;
  /** Shows another cluster. */
  connect(address: string): void;
}

export class TabMode implements Mode, LineRunner {
  readonly #parts: Parts;
  readonly #options: TabModeOptions;
  #worker: Worker;
  /** True when the worker is the one that runs the simulator's seeds. */
  #looks: boolean;
  readonly #bar: PlaybackBar;
  readonly #teller: StoryTeller;
  readonly #completions = new Map<number, (completion: Completion) => void>();
  readonly #scripts = new Map<number, (shared: Shared) => void>();
  #ticket = 0;
  #script: Script;
  #busy = false;
  /** Lines that a story will still type. */
  #waiting: string[] = [];
  /** The `sim` commands of a story, for after its lines are typed. */
  #breaking: readonly string[] = [];
  #addressTimer: ReturnType<typeof setTimeout> | undefined;
  #events = 0;
  /** The name of the other build that made the link which is shown. */
  #foreign: string | null;
  /** True for a run of the simulator. Null before anything is shown. */
  #looked: boolean | null = null;
  #opened = false;

  constructor(parts: Parts, options: TabModeOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#script = options.shared?.script ?? emptyScript(firstSeed, defaultNodes);
    // Seeds of the simulator come without a build.
    const build = options.shared?.build ?? '';
    this.#foreign = build === '' || build === options.build ? null : build;
    this.#looks = this.#script.simulator !== undefined;
    this.#worker = this.#startWorker(this.#looks);
    this.#teller = new StoryTeller(parts.story, {
      begin: (seed, nodes) => {
        this.#foreign = null;
        this.#open(emptyScript(seed, nodes), 0, true);
      },
      type: (lines) => {
        this.#waiting.push(...lines);
        this.#typeNext();
      },
      breaks: (lines) => {
        this.#breaking = lines;
        this.#typeNext();
      },
      speed: (percent) => this.#post({ kind: 'speed', percent }),
    });
    this.#bar = new PlaybackBar(parts.playback, {
      play: () => this.#post({ kind: 'play' }),
      pause: () => {
        this.#post({ kind: 'pause' });
        this.#addressLater();
      },
      moment: (direction) => {
        const at = parts.timeline.moment(this.#events, direction);
        if (at !== null) this.#jump(at);
      },
      step: () => this.#jump(this.#events + 1),
      jump: (at) => this.#jump(at),
      speed: (percent) => this.#post({ kind: 'speed', percent }),
      anew: (seed, nodes) => {
        this.#teller.leave();
        this.#foreign = null;
        this.#open(emptyScript(seed ?? this.#script.seed, nodes ?? this.#script.nodes), 0, true);
      },
      story: (story) => this.#teller.tell(story),
    });
    parts.playback.hidden = false;
    parts.tree.clear();
    parts.legend.show(null);
    parts.treeOf.textContent = '';
    const [first] = stories;
    parts.hints(
      ['enter test-ns', 'create set /some/set', 'set insert /some/set hi', 'sim crash primary', 'help'],
      (line) => this.#post({ kind: 'type', line }),
      { text: 'take the tour', act: () => first !== undefined && this.#teller.tell(first) },
    );
    this.#open(this.#script, options.shared?.at ?? 0, options.shared === null);
  }

  // Typed lines.

  run(line: string): void {
    this.#parts.history.add(line);
    this.#busy = true;
    this.#post({ kind: 'line', line });
    this.#addressLater();
  }

  interrupt(): void {
    this.#post({ kind: 'interrupt' });
  }

  complete(line: string, cursor: number): Promise<Completion> {
    const ticket = ++this.#ticket;
    this.#post({ kind: 'complete', ticket, line, cursor });
    return new Promise((resolve) => this.#completions.set(ticket, resolve));
  }

  /** The address of what is shown now, to be given to another person. */
  async link(): Promise<string> {
    const ticket = ++this.#ticket;
    const shared = await new Promise<Shared>((resolve) => {
      this.#scripts.set(ticket, resolve);
      this.#post({ kind: 'script', ticket });
    });
    const fragment = fragmentOf(shared);
    history.replaceState(null, '', `#${fragment}`);
    return location.href;
  }

  stop(): void {
    clearTimeout(this.#addressTimer);
    this.#worker.terminate();
    this.#teller.leave();
    this.#parts.playback.hidden = true;
    history.replaceState(null, '', location.pathname + location.search);
  }

  #startWorker(looks: boolean): Worker {
    const worker = this.#options.startWorker(looks);
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#hear(data);
    return worker;
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #open(script: Script, at: number, playing: boolean): void {
    this.#waiting = [];
    this.#breaking = [];
    this.#busy = true;
    this.#opened = false;
    const looks = script.simulator !== undefined;
    if (looks !== this.#looks) {
      this.#worker.terminate();
      this.#worker = this.#startWorker(looks);
      this.#looks = looks;
    }
    this.#post({ kind: 'open', script, at, playing });
    this.#addressLater();
  }

  #jump(at: number): void {
    this.#waiting = [];
    this.#breaking = [];
    this.#post({ kind: 'jump', at });
    this.#addressLater();
  }

  #do(line: string): void {
    this.#post({ kind: 'sim', line });
    // A user who breaks something wants to see the consequences.
    this.#post({ kind: 'play' });
    this.#addressLater();
  }

  #addressLater(): void {
    clearTimeout(this.#addressTimer);
    this.#addressTimer = setTimeout(() => void this.link(), addressDelayMs);
  }

  /** Types the next line of a story when the one before has ended. The faults come while the last line still runs. */
  #typeNext(): void {
    if (!this.#opened) return;
    if (!this.#busy) {
      const line = this.#waiting.shift();
      if (line !== undefined) {
        this.#busy = true;
        this.#post({ kind: 'type', line });
        return;
      }
    }
    if (this.#waiting.length > 0) return;
    const breaking = this.#breaking;
    this.#breaking = [];
    for (const line of breaking) this.#do(line);
  }

  #hear(message: FromWorker): void {
    const { terminal, picture, logs, timeline, tree } = this.#parts;
    switch (message.kind) {
      case 'opened':
        this.#script = message.script;
        this.#offerBreaking(message.script.simulator !== undefined);
        this.#opened = true;
        this.#busy = message.transcript.at(-1)?.done === false;
        terminal.begin(this, message.transcript);
        timeline.begin(message.notes, (at) => this.#jump(at));
        this.#tellStatus();
        this.#typeNext();
        return;
      case 'frame':
        this.#events = message.playback.events;
        picture.update(message.frame);
        logs.update(message.frame.nodes);
        this.#showSessions(message.frame);
        this.#parts.headline(headlineOf(message.frame.nodes, message.frame.cuts));
        timeline.add(message.frame.notes);
        this.#bar.show(message.playback, message.frame.nowUs, message.frame.nodes.length);
        return;
      case 'tree':
        tree.show(message.rows, 'Nothing yet. Try: create set /some/set');
        return;
      case 'typed':
        this.#busy = true;
        terminal.show(message.line);
        this.#addressLater();
        return;
      case 'output':
        terminal.output(message.text);
        return;
      case 'connect':
        this.#options.connect(message.address);
        return;
      case 'done':
        this.#busy = false;
        terminal.lineDone();
        this.#typeNext();
        return;
      case 'completed':
        this.#completions.get(message.ticket)?.(message.completion);
        this.#completions.delete(message.ticket);
        return;
      case 'script':
        this.#scripts.get(message.ticket)?.({ script: message.script, at: message.at, build: this.#options.build });
        this.#scripts.delete(message.ticket);
        return;
      case 'broken':
        this.#parts.status(`the cluster broke a rule of its protocol, which is a bug: ${message.message}`, true);
        return;
    }
  }

  #showSessions({ sessions, nodes, nowUs }: Frame): void {
    const head = Math.max(0, ...nodes.map(({ replica }) => replica?.head ?? 0));
    this.#parts.sessions.show(sessions, head, nowUs / 1000);
  }

  /** A run of the simulator can only be watched. */
  #offerBreaking(looked: boolean): void {
    if (looked === this.#looked) return;
    this.#looked = looked;
    this.#parts.how.hidden = looked;
    this.#parts.picture.clear(looked ? null : (line) => this.#do(line));
  }

  #tellStatus(): void {
    const { seed, simulator } = this.#script;
    if (this.#foreign !== null) {
      const text = `this link was made by build ${this.#foreign}; this is ${this.#options.build}: it may differ`;
      this.#parts.status(text, true);
      return;
    }
    this.#parts.status(
      simulator === undefined
        ? `a whole cluster in this tab, from seed ${seed}`
        : `the simulator's run of seed ${seed}, to be watched; a new seed begins a cluster of your own`,
      false,
    );
  }
}
