/**
 * The `sim` commands: the faults of a simulated cluster, and how its time runs. The shell only reads them. The host
 * that simulates implements {@link SimControl}.
 */

import type { Bound } from '../bind.ts';
import { lines } from '../outcome.ts';
import type { ArgumentSpec, CommandSpec } from '../table.ts';

/**
 * What a user can do to a simulated world. Nodes are named as they were typed: a node, a replica on it, `primary` or
 * `all`.
 */
export type SimAction =
  | { readonly kind: 'crash' | 'powerCut' | 'restart' | 'pause' | 'resume'; readonly nodes: readonly string[] }
  /** Separates these nodes from all others. */
  | { readonly kind: 'partition'; readonly nodes: readonly string[] }
  /** Nothing passes from one to the other, or also not back with `both`. */
  | { readonly kind: 'cut' | 'mend'; readonly from: string; readonly to: string; readonly both: boolean }
  | { readonly kind: 'heal' }
  /** Breaks the connection of the terminal, which then connects again. */
  | { readonly kind: 'disconnect' }
  | { readonly kind: 'delay'; readonly minMs: number; readonly maxMs: number }
  | { readonly kind: 'drop'; readonly percent: number }
  | { readonly kind: 'disk'; readonly node: string; readonly extraMs: number }
  /** Clients that write this many times a second in all. 0 stops them. */
  | { readonly kind: 'load'; readonly writes: number }
  | { readonly kind: 'speed'; readonly percent: number }
  | { readonly kind: 'stop' | 'go' }
  | { readonly kind: 'status' }
  | { readonly kind: 'step'; readonly events: number }
  | { readonly kind: 'seed'; readonly seed: number }
  | { readonly kind: 'nodes'; readonly count: number };

export interface SimControl {
  /** Does it. @returns the lines for the user. @throws UsageError when a name is not known. */
  act(action: SimAction): readonly string[];
}

const maxDelayMs = 60_000;
const maxLoad = 2000;

const nodes: ArgumentSpec = { name: 'NODE', kind: 'text', repeated: true };
const node: ArgumentSpec = { name: 'NODE', kind: 'text' };
const from: ArgumentSpec = { name: 'FROM', kind: 'text' };
const to: ArgumentSpec = { name: 'TO', kind: 'text' };

interface SimSpec {
  readonly name: string;
  readonly arguments?: readonly ArgumentSpec[];
  readonly oneWay?: boolean;
  readonly summary: string;
  readonly details?: readonly string[];
  readonly examples?: readonly string[];
  readonly action: (bound: Bound) => SimAction;
}

const specs: readonly SimSpec[] = [
  {
    name: 'crash',
    arguments: [nodes],
    summary: 'Kill the process of NODE. Data that it had not written is lost.',
    details: ['NODE is the name of a node, of a replica on it, "primary", or "all".'],
    examples: ['sim crash primary'],
    action: (bound) => ({ kind: 'crash', nodes: bound.texts('NODE') }),
  },
  {
    name: 'power',
    arguments: [nodes],
    summary: 'Cut the power of NODE. Data that it had not synced may be lost, in part or whole.',
    examples: ['sim power all'],
    action: (bound) => ({ kind: 'powerCut', nodes: bound.texts('NODE') }),
  },
  {
    name: 'restart',
    arguments: [nodes],
    summary: 'Start the process of NODE again.',
    action: (bound) => ({ kind: 'restart', nodes: bound.texts('NODE') }),
  },
  {
    name: 'pause',
    arguments: [nodes],
    summary: 'Stop NODE until `sim resume`, as a long garbage collection would.',
    action: (bound) => ({ kind: 'pause', nodes: bound.texts('NODE') }),
  },
  {
    name: 'resume',
    arguments: [nodes],
    summary: 'Let a paused NODE go on, unaware of the time that passed.',
    action: (bound) => ({ kind: 'resume', nodes: bound.texts('NODE') }),
  },
  {
    name: 'partition',
    arguments: [nodes],
    summary: 'Separate these nodes from all others.',
    examples: ['sim partition primary', 'sim partition n1 n2'],
    action: (bound) => ({ kind: 'partition', nodes: bound.texts('NODE') }),
  },
  {
    name: 'cut',
    arguments: [from, to],
    oneWay: true,
    summary: 'Cut the link between two nodes, or only what goes from FROM to TO.',
    action: (bound) => ({
      kind: 'cut',
      from: bound.text('FROM'),
      to: bound.text('TO'),
      both: !bound.has('one-way'),
    }),
  },
  {
    name: 'mend',
    arguments: [from, to],
    oneWay: true,
    summary: 'Mend a link that `sim cut` cut.',
    action: (bound) => ({
      kind: 'mend',
      from: bound.text('FROM'),
      to: bound.text('TO'),
      both: !bound.has('one-way'),
    }),
  },
  {
    name: 'heal',
    summary: 'Mend every link, start every node, and let the network be calm.',
    action: () => ({ kind: 'heal' }),
  },
  {
    name: 'disconnect',
    summary: 'Break the connection of this terminal to its node.',
    action: () => ({ kind: 'disconnect' }),
  },
  {
    name: 'delay',
    arguments: [
      { name: 'MIN', kind: 'integer', max: maxDelayMs },
      { name: 'MAX', kind: 'integer', max: maxDelayMs },
    ],
    summary: 'Let every message take from MIN to MAX milliseconds.',
    action: (bound) => ({ kind: 'delay', minMs: bound.number('MIN'), maxMs: bound.number('MAX') }),
  },
  {
    name: 'drop',
    arguments: [{ name: 'PERCENT', kind: 'integer', max: 100 }],
    summary: 'Lose this percentage of the messages between nodes.',
    action: (bound) => ({ kind: 'drop', percent: bound.number('PERCENT') }),
  },
  {
    name: 'disk',
    arguments: [node, { name: 'MS', kind: 'integer', max: maxDelayMs }],
    summary: 'Let every operation of the disk of NODE take this many milliseconds longer; 0 makes it fast again.',
    action: (bound) => ({ kind: 'disk', node: bound.text('NODE'), extraMs: bound.number('MS') }),
  },
  {
    name: 'load',
    arguments: [{ name: 'WRITES', kind: 'integer', max: maxLoad }],
    summary: 'Let four clients write this many times a second in all; 0 ends it.',
    examples: ['sim load 100'],
    action: (bound) => ({ kind: 'load', writes: bound.number('WRITES') }),
  },
  {
    name: 'stop',
    summary: 'Stop the time of the simulation.',
    action: () => ({ kind: 'stop' }),
  },
  {
    name: 'go',
    summary: 'Let the time of the simulation go on.',
    action: () => ({ kind: 'go' }),
  },
  {
    name: 'step',
    arguments: [{ name: 'EVENTS', kind: 'integer', optional: true, min: 1, max: 1_000_000 }],
    summary: 'Run one event of the simulation, or EVENTS of them.',
    action: (bound) => ({ kind: 'step', events: bound.numberOr('EVENTS', 1) }),
  },
  {
    name: 'speed',
    arguments: [{ name: 'PERCENT', kind: 'integer', min: 1, max: 100_000 }],
    summary: 'Let the time of the simulation run at this percentage of real time.',
    examples: ['sim speed 25'],
    action: (bound) => ({ kind: 'speed', percent: bound.number('PERCENT') }),
  },
  {
    name: 'seed',
    arguments: [{ name: 'SEED', kind: 'integer' }],
    summary: 'Begin again with another seed, which decides everything random.',
    action: (bound) => ({ kind: 'seed', seed: bound.number('SEED') }),
  },
  {
    name: 'nodes',
    arguments: [{ name: 'COUNT', kind: 'choice', choices: ['3', '5'] }],
    summary: 'Begin again with a cluster of three or five nodes.',
    action: (bound) => ({ kind: 'nodes', count: Number(bound.text('COUNT')) }),
  },
  {
    name: 'status',
    summary: 'Tell what is broken now, the time and the seed.',
    action: () => ({ kind: 'status' }),
  },
];

/** The `sim` commands for a host that simulates. */
export function simCommands(control: SimControl): readonly CommandSpec[] {
  return specs.map(({ name, action, oneWay, ...spec }) => ({
    words: ['sim', name],
    family: 'sim',
    needs: 'nothing',
    arguments: spec.arguments ?? [],
    flags: oneWay === true ? [{ long: 'one-way', about: 'Only from FROM to TO.' }] : [],
    summary: spec.summary,
    ...(spec.details === undefined ? {} : { details: spec.details }),
    ...(spec.examples === undefined ? {} : { examples: spec.examples }),
    run: (bound) => {
      const told = control.act(action(bound));
      return Promise.resolve(lines(told, told));
    },
  }));
}
