/** The parts of the page that both kinds of cluster are shown in. */

import type { Headline } from './headline.ts';
import type { Legend } from './legend.ts';
import type { LogStrips } from './log-strips.ts';
import type { Picture } from './picture.ts';
import type { SessionList } from './session-list.ts';
import type { TerminalPane } from './terminal-pane.ts';
import type { Timeline } from './timeline.ts';
import type { TreeView } from './tree-view.ts';
import type { LineHistory } from '../core/shell/index.ts';

/** What the page offers before anything else. */
export interface FirstHint {
  readonly text: string;
  act(): void;
}

export interface Parts {
  readonly terminal: TerminalPane;
  readonly history: LineHistory;
  readonly picture: Picture;
  readonly logs: LogStrips;
  readonly legend: Legend;
  readonly sessions: SessionList;
  readonly timeline: Timeline;
  readonly tree: TreeView;
  readonly stage: HTMLElement;
  readonly story: HTMLElement;
  readonly playback: HTMLElement;
  readonly treeOf: HTMLElement;
  /** What can be done to the picture. */
  readonly how: HTMLElement;
  /** Says how the cluster is; null says nothing. */
  headline(headline: Headline | null): void;
  /** One line about the connection; `bad` when it is not there. */
  status(text: string, bad: boolean): void;
  /** Lines that one can click to type them, and before them what else there is to do. */
  hints(lines: readonly string[], type: (line: string) => void, first: FirstHint): void;
}

/** A cluster that the page shows: the one in the tab, or the one of the node that serves it. */
export interface Mode {
  stop(): void;
}

/** The element of this id. @throws when the page is not the one that belongs to this program. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no ${id}`);
  return found;
}
