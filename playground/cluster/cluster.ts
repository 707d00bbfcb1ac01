/**
 * The clusters that the player runs: the cluster with a terminal, or a run of the simulator that can only be watched.
 */

import type { Completion } from '../../core/shell/index.ts';
import type { Frame, Note, TreeRow } from './frame.ts';
import type { Script, ScriptEntry } from './script.ts';

/** A line of the terminal and its output. */
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
  /** The event of the last entry that is still to come. Without one, the present event. */
  readonly end: number;
  readonly transcript: readonly Exchange[];
  readonly notes: readonly Note[];
  /** True while a line of the terminal runs. */
  readonly busy: boolean;
  /** True when work waits in this thread that must come before the next event. */
  readonly unsettled: boolean;
  settle(): Promise<void>;
  /**
   * Runs the next entry of the script, if its event has come, or the next event.
   * @throws RuleBroken when the cluster broke its protocol.
   */
  step(): void;
  /**
   * Does something now, when everything is settled. Entries that the script had for later are dropped, because this is
   * another run from here on.
   */
  act(kind: ScriptEntry['kind'], line: string): void;
  complete(line: string, cursor: number): Promise<Completion>;
  /** The tree in the state of the replica that has applied most. */
  tree(): Promise<readonly TreeRow[]>;
  /** Changes when the tree may have changed since it was last listed. */
  readonly treeOp: number;
  /** The present picture, with the messages and notes since the last one. */
  frame(): Frame;
}
