/** What the player runs: the cluster with a terminal, or a run of the simulator that one only looks at. */

import type { Completion } from '../../core/shell/index.ts';
import type { Frame, Note, TreeRow } from './frame.ts';
import type { Script, ScriptEntry } from './script.ts';

/** A line of the terminal and what it printed. */
export interface Exchange {
  readonly line: string;
  output: string;
  done: boolean;
}

export interface Cluster {
  /** Events since the cluster was founded. */
  readonly events: number;
  readonly nowUs: number;
  readonly script: Script;
  /** The event of the last entry that is still to come; where it stands, when there is none. */
  readonly end: number;
  readonly transcript: readonly Exchange[];
  readonly notes: readonly Note[];
  /** A line of the terminal runs. */
  readonly busy: boolean;
  /** Something waits in this thread and comes before the next event. */
  readonly unsettled: boolean;
  settle(): Promise<void>;
  /**
   * Runs the next entry of the script, if its event has come, or the next event.
   * @throws RuleBroken when the cluster broke its protocol.
   */
  step(): void;
  /** Does something now, when everything is settled. What the script held for later is gone: from here on it is another run. */
  act(kind: ScriptEntry['kind'], line: string): void;
  complete(line: string, cursor: number): Promise<Completion>;
  /** The tree as whoever is furthest has it. */
  tree(): Promise<readonly TreeRow[]>;
  /** Says whether the tree may have changed since it was last listed. */
  readonly treeOp: number;
  /** The picture as it is now, with what flew and was said since the last one. */
  frame(): Frame;
}
