/** The group of a flow. It carries out the flow's commands one by one, and tells what the replicas do. */

import type { Effect } from '../../core/vr/ports.ts';
import type { Packet } from './world.ts';
import { World } from './world.ts';
import { body } from './toy-machine.ts';
import { FlowWords } from './flow-words.ts';

const tickMs = 10;
const patienceMs = 30_000;

/** Conditions for `run MS until ...`. */
const conditions: Readonly<Record<string, (world: World) => boolean>> = {
  primary: (world) => world.primary !== null,
  agreement: (world) => {
    const views = [...world.places.values()].filter(({ replica }) => replica !== null).map((place) => place.view);
    const [first] = views;
    return views.every(
      ({ status, head, applied, view }) =>
        status === 'normal' && head === first!.head && applied === head && view.view === first!.view.view,
    );
  },
};

export class FlowGroup {
  #world: World | null = null;
  readonly #words = new FlowWords();
  readonly #lines: string[] = [];
  /** Links over which nothing passes, written `ab` for a to b. */
  readonly #cut = new Set<string>();
  /** The cause of the current step. It is told once the step has an effect. */
  #cause = '';
  #showsHeartbeats = false;
  #quiet = false;

  readonly #commands: Readonly<Record<string, (words: readonly string[]) => void>> = {
    group: (words) => this.#found(words),
    /** `put x y`: both are asked of the primary in one turn. */
    put: (values) => this.#put(values),
    /** `fill 20`: this many puts, one after the other. */
    fill: ([count]) => {
      for (let i = 1; i <= Number(count); i++) this.#group.put(`v${i}`);
    },
    read: ([, at]) => {
      const name = this.#name(at);
      this.#because(`${name} is asked by a client: read`, () => void this.#group.read(name));
    },
    deliver: (words) => {
      for (const packet of this.#take(words)) this.#deliver(packet);
    },
    lose: (words) => {
      for (const packet of this.#take(words)) {
        this.#lines.push(`${packet.from} -> ${packet.to}: ${this.#words.message(packet.message)} is lost`);
      }
    },
    sync: ([name]) => {
      for (const one of name === undefined ? this.#group.names : [this.#name(name)]) this.#sync(one);
    },
    settle: () => this.#settle(),
    run: ([ms, ...until]) => this.#run(Number(ms), until),
    cut: (words) => this.#sever(words, true),
    mend: (words) => this.#sever(words, false),
    crash: ([name]) => this.#group.crash(this.#name(name)),
    start: ([name]) => {
      const one = this.#name(name);
      this.#because(`${one} starts`, () => this.#group.restart(one));
    },
    /** `forget b 3`: the end of its log, from op 3 on, is lost while it is down. */
    forget: ([name, op]) => this.#group.place(this.#name(name)).storage.loseTail(Number(op)),
    /** `slow b`: its disk finishes only when `sync b` says so. */
    slow: ([name]) => void (this.#group.place(this.#name(name)).slowDisk = true),
    fast: ([name]) => void (this.#group.place(this.#name(name)).slowDisk = false),
    heartbeats: ([how]) => void (this.#showsHeartbeats = how === 'shown'),
    /** `quietly run 500`: the same, but not told. */
    quietly: (words) => {
      this.#quiet = true;
      try {
        this.#carryOut(words);
      } finally {
        this.#quiet = false;
      }
    },
    states: () => this.#states(),
    underway: () => {
      for (const { from, to, message } of this.#group.packets) {
        this.#lines.push(`${from} -> ${to}: ${this.#words.message(message)}`);
      }
    },
  };

  /** Carries out one command, and tells what came of it. */
  run(command: string): readonly string[] {
    this.#carryOut(command.split(/\s+/));
    return this.#lines.splice(0);
  }

  #carryOut([verb = '', ...words]: readonly string[]): void {
    const command = this.#commands[verb];
    if (command === undefined) throw new Error(`there is no command ${verb}`);
    command(words);
  }

  get #group(): World {
    if (this.#world === null) throw new Error('a flow begins with `group N`');
    return this.#world;
  }

  #name(name: string | undefined): string {
    if (name === undefined || !this.#group.names.includes(name)) throw new Error(`there is no replica ${name ?? ''}`);
    return name;
  }

  #primary(): string {
    const { primary } = this.#group;
    if (primary === null) throw new Error('no replica is primary');
    return primary;
  }

  /**
   * `group 3`, `group 3 checkpoint 1500`: the number of voters, and the bytes of log after which a checkpoint is due.
   */
  #found([voters, ...words]: readonly string[]): void {
    const checkpointBytes = words[0] === 'checkpoint' ? { checkpointBytes: Number(words[1]) } : {};
    this.#world = new World({
      voters: Number(voters),
      ...checkpointBytes,
      onStep: (name, effects) => this.#stepped(name, effects),
    });
    this.#world.route = ({ from, to }) => (this.#cut.has(from + to) ? 'drop' : 'deliver');
  }

  #put(values: readonly string[]): void {
    const group = this.#group;
    const name = this.#primary();
    this.#because(`${name} is asked by a client: ${values.map((value) => `put ${value}`).join(', ')}`, () => {
      for (const value of values) {
        group.step(name, { kind: 'propose', token: group.token(), body: body(`put ${value}`) });
      }
      group.step(name, { kind: 'flush' });
    });
  }

  // Steps.

  #because(cause: string, work: () => void): void {
    this.#cause = cause;
    work();
    this.#cause = '';
  }

  #stepped(name: string, effects: readonly Effect[]): void {
    for (const effect of effects) this.#words.learn(effect);
    if (this.#quiet) return;
    const told = this.#tell(effects);
    if (told.length === 0) return;
    const cause = this.#cause === '' ? `${name} starts` : this.#cause;
    if (this.#lines.findLast((line) => !line.startsWith(' ')) !== cause) this.#lines.push(cause);
    this.#lines.push(...told);
  }

  /** A message that several replicas get alike is one line. Heartbeats and their answers are told only on request. */
  #tell(effects: readonly Effect[]): readonly string[] {
    const lines: string[] = [];
    const sent = new Map<string, { readonly at: number; readonly to: string[] }>();
    for (const effect of effects) {
      if (effect.kind === 'send') {
        const { message, to } = effect;
        if (!this.#showsHeartbeats && (message.kind === 'commit' || message.kind === 'commitOk')) continue;
        const lost = this.#cut.has(message.replica + to.replica) ? ' (the link is cut)' : '';
        const words = `${this.#words.message(message)}${lost}`;
        const known = sent.get(words);
        if (known === undefined) {
          sent.set(words, { at: lines.length, to: [to.replica] });
          lines.push(words);
        } else known.to.push(to.replica);
      } else {
        const words = this.#words.effect(effect);
        if (words !== null) lines.push(words);
      }
    }
    for (const [words, { at, to }] of sent) lines[at] = `-> ${to.join(', ')}: ${words}`;
    return lines.map((line) => `    ${line}`);
  }

  // The network and the disks.

  /** Takes the messages under way that match `a -> b KIND`. Each part may be left out; `*` stands for any replica. */
  #take(words: readonly string[]): readonly Packet[] {
    const [from, to] = words[1] === '->' ? [words[0], words[2]] : ['*', '*'];
    const kinds = words[1] === '->' ? words.slice(3) : words;
    const fits = (packet: Packet): boolean =>
      (from === '*' || packet.from === from) &&
      (to === '*' || packet.to === to) &&
      (kinds.length === 0 || kinds.includes(packet.message.kind));
    const { packets } = this.#group;
    const taken = packets.filter(fits);
    if (taken.length === 0) throw new Error('nothing like that is under way');
    packets.splice(0, packets.length, ...packets.filter((packet) => !fits(packet)));
    return taken;
  }

  #deliver(packet: Packet): void {
    const { from, to, message } = packet;
    this.#because(this.#quiet ? '' : `${to} hears from ${from}: ${this.#words.message(message)}`, () =>
      this.#group.deliver(packet),
    );
  }

  #sync(name: string): void {
    const { storage } = this.#group.place(name);
    while (storage.waiting > 0) this.#because(`${name}'s disk is done`, () => this.#group.sync(name));
  }

  /** Delivers and syncs until nothing moves, as Group does, and tells it. */
  #settle(): void {
    const group = this.#group;
    for (let moved = true; moved;) {
      const packets = group.packets.splice(0);
      for (const packet of packets) this.#deliver(packet);
      moved = packets.length > 0;
      for (const [name, place] of group.places) {
        const done = place.queued.length > 0;
        if (done) this.#because(`${name}'s disk is done with a checkpoint`, () => group.drain(name));
        const waits = !place.slowDisk && place.storage.waiting > 0;
        if (waits) this.#sync(name);
        moved ||= done || waits;
      }
    }
  }

  /** `run 500`: this many milliseconds pass. `run until agreement`, `run until b executed 5`: as many as that takes. */
  #run(ms: number, until: readonly string[]): void {
    const [what = '', ...rest] = Number.isNaN(ms) ? until : [];
    const done = Number.isNaN(ms) ? this.#condition(what, rest) : () => false;
    const limitMs = Number.isNaN(ms) ? patienceMs : ms;
    this.#settle();
    let passed = 0;
    while (!done() && passed < limitMs) {
      passed += tickMs;
      this.#group.now += tickMs;
      for (const [name, { replica }] of this.#group.places) {
        if (replica !== null) this.#because(`${passed} ms have passed for ${name}`, () => this.#group.tick(name));
      }
      this.#settle();
    }
    if (Number.isNaN(ms) && !done()) throw new Error(`waited in vain\n${this.#group.describe()}`);
  }

  #condition(what: string, [verb, number]: readonly string[]): () => boolean {
    const known = conditions[what];
    if (known !== undefined) return () => known(this.#group);
    const place = this.#group.place(this.#name(what));
    if (verb === 'executed') return () => place.replica !== null && place.view.applied >= Number(number);
    if (verb === 'view') return () => place.replica !== null && place.view.view.view >= Number(number);
    throw new Error(`nothing to wait for is called ${what} ${verb ?? ''}`);
  }

  /** `cut c`: all links of c. `cut a -> b`: that one. */
  #sever([from, arrow, to]: readonly string[], cut: boolean): void {
    const one = this.#name(from);
    const links =
      arrow === '->'
        ? [one + this.#name(to)]
        : this.#group.names.filter((name) => name !== one).flatMap((other) => [one + other, other + one]);
    for (const link of links) {
      if (cut) this.#cut.add(link);
      else this.#cut.delete(link);
    }
    const { packets } = this.#group;
    const kept = packets.filter((packet) => !this.#cut.has(packet.from + packet.to));
    if (kept.length < packets.length) this.#lines.push('what was under way there is lost');
    packets.splice(0, packets.length, ...kept);
  }

  // Looking.

  #states(): void {
    const head = ['', 'status', 'view', 'log_view', 'head', 'commit', 'executed', 'log from', 'values'];
    const rows = [...this.#group.places].map(([name, place]) => {
      if (place.replica === null) return [name, 'down'];
      const { status, view, logView, head, commit, applied, logFirst, isPrimary } = place.view;
      const values = place.machine.values;
      const shown =
        values.length <= 6 ? values.join(' ') : `${values[0]!} to ${values.at(-1)!}, ${values.length} in all`;
      const numbers = [view.view, logView.view, head, commit, applied, logFirst].map(String);
      return [name, isPrimary ? 'normal, primary' : status, ...numbers, shown];
    });
    const table = [head, ...rows];
    const widths = head.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
    for (const row of table) {
      this.#lines.push(
        row
          .map((cell, column) => cell.padEnd(widths[column]!))
          .join('  ')
          .trimEnd(),
      );
    }
  }
}
