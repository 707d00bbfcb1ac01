/** The parts of the page, which show both kinds of cluster. */

import type { Headline } from './headline.ts';
import type { Legend } from './legend.ts';
import type { LogStrips } from './log-strips.ts';
import type { Picture } from './picture.ts';
import type { SessionList } from './session-list.ts';
import type { TerminalPane } from './terminal-pane.ts';
import type { Timeline } from './timeline.ts';
import type { TreeView } from './tree-view.ts';
import type { LineHistory } from '../core/shell/index.ts';

/** The first action that the page offers. */
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
  /** Explains what a user can do with the picture. */
  readonly how: HTMLElement;
  /** Shows the state of the cluster. Null shows nothing. */
  headline(headline: Headline | null): void;
  /** Shows one line about the connection. `bad` when there is none. */
  status(text: string, bad: boolean): void;
  /** Shows lines that are typed when they are clicked, with another action before them. */
  hints(lines: readonly string[], type: (line: string) => void, first: FirstHint): void;
}

/** Shows a cluster: the one in the tab, or that of the node that serves the page. */
export interface Mode {
  stop(): void;
}

/** The element with this id. @throws when the page does not belong to this program. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no ${id}`);
  return found;
}
