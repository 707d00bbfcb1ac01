/**
 * What a seed decides about its world before anything happens in it: how many nodes and replicas it has, its bounds,
 * how its users behave, and which nodes stay broken when the others heal. A hunt for one thing wishes for a shape in
 * which that thing can show. Everything else is still drawn.
 */

import { SeededRandom } from '../base/random.ts';
import { defaultTiming } from '../cluster/base/host.ts';
import type { RotKind } from './damage.ts';
import type { FaultKind } from './faults.ts';

/**
 * What stays broken while the rest heals: nothing, a dead minority, a minority that is cut off from all other nodes,
 * the link between two nodes, or the founder.
 */
export type Left = 'none' | 'dead' | 'alone' | 'apart' | 'founder';

export interface Shape {
  readonly nodes: number;
  /** The replicas of each namespace, on the first nodes. The other nodes forward and relay. */
  readonly replicas: number;
  /** Small segments and checkpoints. */
  readonly small: boolean;
  readonly sessionMs: number;
  readonly maxPipelineEntries: number;
  readonly maxSessions: number;
  readonly maxWindowReplyBytes: number;
  readonly watchHistoryBytes: number;
  /** For each connection: its questions that are not answered yet. At a primary: what waits to be prepared. */
  readonly maxPendingRequests: number;
}

/** What a hunt wants of the worlds at which it looks. */
export interface Wish extends Partial<Shape> {
  /** A fault that strikes as often as all others together. */
  readonly favour?: FaultKind;
  /** How many users of locks there are. */
  readonly lockers?: number;
  /** How many workers of a work queue there are. */
  readonly workers?: number;
  /** The same for what happens to a disk that rots. */
  readonly rot?: RotKind;
  /** The first time that the disk rots comes within this, and each other one within twice this. */
  readonly rotWithinMs?: number;
  readonly left?: Left;
  /** The user that waits for nothing reaches only one node, or its event loop stalls now and then. */
  readonly oneNode?: boolean;
  /** It asks for nothing, and only watches. */
  readonly onlooker?: boolean;
  readonly stalls?: boolean;
  /** Now and then a value is filled up with this many bytes. */
  readonly padding?: number;
  readonly requestTimeoutMs?: number;
}

/** Draws a shape from `random`. A wish does not shift what is drawn after it. */
export function drawShape(seed: number, random: SeededRandom, wish: Wish = {}): Shape {
  const drawnNodes = random.pick([3, 3, 3, 5]);
  const nodes = wish.nodes ?? drawnNodes;
  const small = random.chance(1, 2);
  // Either short enough to end within a run, or as long as in production.
  const drawnSessionMs = random.pick([1500, 4000, defaultTiming.sessionMs]);
  const maxPipelineEntries = random.pick([8, 64, 4096]);
  const maxSessions = random.pick([8, 64]);
  const maxWindowReplyBytes = random.pick([64, 1_000_000]);
  const watchHistoryBytes = random.pick([1024, 16 * 1024 * 1024]);
  const maxPendingRequests = random.pick([5, 16_384]);
  // From a generator of its own, so that worlds in which every node has a replica stay as they were before others
  // existed.
  const few = nodes === 5 && new SeededRandom(seed, 0x3e91).chance(1, 2);
  return {
    nodes,
    replicas: few ? 3 : nodes,
    small,
    // Where there are more clients than sessions, the next client waits for a tenth of a session's time. That must end
    // within a run too.
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
  const { requestTimeoutMs: _r, rotWithinMs: _m, ...shape } = rest;
  return shape;
}
