/**
 * What a seed makes of its world before anything happens in it: how many nodes and replicas, which bounds, how its users go about it, and who
 * is left behind when the others heal. Whoever hunts for one thing wishes for a shape in which that can be seen; all else stays drawn.
 */

import { SeededRandom } from '../base/random.ts';
import { defaultTiming } from '../cluster/base/host.ts';
import type { RotKind } from './damage.ts';
import type { FaultKind } from './faults.ts';

/** Who stays as it is while the others heal: nobody, a dead minority, one that is cut off from all other nodes, two from each other, or who founded. */
export type Left = 'none' | 'dead' | 'alone' | 'apart' | 'founder';

export interface Shape {
  readonly nodes: number;
  /** Of each namespace, on the first nodes: the others forward and relay. */
  readonly replicas: number;
  /** Small segments and checkpoints. */
  readonly small: boolean;
  readonly sessionMs: number;
  readonly maxPipelineEntries: number;
  readonly maxSessions: number;
  readonly maxWindowReplyBytes: number;
  readonly watchHistoryBytes: number;
  /** Of each connection: what it has on its way to be answered, and at a primary: what waits to be prepared. */
  readonly maxPendingRequests: number;
}

/** What a hunt asks of the worlds that it looks at. */
export interface Wish extends Partial<Shape> {
  /** A fault that strikes as often as all others together. */
  readonly favour?: FaultKind;
  /** The same of what happens to a disk that rots. */
  readonly rot?: RotKind;
  readonly left?: Left;
  /** The user that waits for nothing reaches one node alone; or its loop stands still now and then. */
  readonly oneNode?: boolean;
  /** It asks for nothing, and only watches. */
  readonly onlooker?: boolean;
  readonly stalls?: boolean;
  /** Bytes that values are filled up with now and then. */
  readonly padding?: number;
  readonly requestTimeoutMs?: number;
}

/** Draws a shape from `random`, whatever of it is wished for: what is drawn after it does not shift. */
export function drawShape(seed: number, random: SeededRandom, wish: Wish = {}): Shape {
  const drawnNodes = random.pick([3, 3, 3, 5]);
  const nodes = wish.nodes ?? drawnNodes;
  const small = random.chance(1, 2);
  // Short enough to end in a run, or as long as in production.
  const drawnSessionMs = random.pick([1500, 4000, defaultTiming.sessionMs]);
  const maxPipelineEntries = random.pick([8, 64, 4096]);
  const maxSessions = random.pick([8, 64]);
  const maxWindowReplyBytes = random.pick([64, 1_000_000]);
  const watchHistoryBytes = random.pick([1024, 16 * 1024 * 1024]);
  const maxPendingRequests = random.pick([5, 16_384]);
  // Draws of its own: worlds in which every node has a replica are as they were before there were others.
  const few = nodes === 5 && new SeededRandom(seed, 0x3e91).chance(1, 2);
  return {
    nodes,
    replicas: few ? 3 : nodes,
    small,
    // Where there are more clients than sessions, the next one waits for a tenth of a session's time: that has to end in a run as well.
    sessionMs: maxSessions === 8 ? Math.min(drawnSessionMs, 4000) : drawnSessionMs,
    maxPipelineEntries,
    maxSessions,
    maxWindowReplyBytes,
    watchHistoryBytes,
    maxPendingRequests,
    ...shapeOf(wish),
  };
}

function shapeOf(wish: Wish): Partial<Shape> {
  const { favour: _f, rot: _d, left: _l, oneNode: _o, onlooker: _w, stalls: _s, padding: _p, ...rest } = wish;
  const { requestTimeoutMs: _r, ...shape } = rest;
  return shape;
}
