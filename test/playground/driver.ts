/** Drives a cluster in the tab without a page: types, breaks, and lets its time run as fast as possible. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Script } from '../../playground/cluster/script.ts';
import type { PlayerAction } from '../../playground/cluster/world-control.ts';
import { TabCluster } from '../../playground/cluster/tab-cluster.ts';

const maxEvents = 200_000;

/** A cluster in the tab without its tab. */
export class Driver {
  readonly cluster: TabCluster;
  /** The actions that the player was asked for. */
  readonly asked: PlayerAction[] = [];

  constructor(script: Script) {
    this.cluster = new TabCluster(script, {
      typed: () => undefined,
      output: () => undefined,
      done: () => undefined,
      player: (action) => {
        this.asked.push(action);
        return `done: ${action.kind}`;
      },
      drain: async () => {
        await nextTurn();
      },
    });
  }

  async until(check: () => boolean): Promise<void> {
    const last = this.cluster.events + maxEvents;
    for (;;) {
      if (this.cluster.unsettled) await this.cluster.settle();
      if (check()) return;
      if (this.cluster.events > last) throw new Error('it does not happen');
      this.cluster.step();
    }
  }

  async type(line: string): Promise<string> {
    await this.begin(line);
    await this.idle();
    return this.printed().at(-1)!;
  }

  /** Types a line once the one before has ended, and does not wait for its end. */
  async begin(line: string): Promise<void> {
    await this.idle();
    await this.cluster.settle();
    this.cluster.act('typed', line);
  }

  async idle(): Promise<void> {
    await this.until(() => !this.cluster.busy);
  }

  /** The output of each line. */
  printed(): readonly string[] {
    return this.cluster.transcript.map((one) => plain(one.output));
  }

  async sim(line: string): Promise<void> {
    await this.cluster.settle();
    this.cluster.act('sim', line);
    await this.until(() => true);
  }

  async run(events: number): Promise<void> {
    const until = this.cluster.events + events;
    await this.until(() => this.cluster.events >= until);
  }

  said(): readonly string[] {
    return this.cluster.notes.map((note) => `${note.at} ${note.text}`);
  }
}

function plain(text: string): string {
  return text.replace(/\u001b\[\d+m/g, '');
}
