/** The messages between the page and the worker with the cluster. */

import type { Completion } from '../../core/shell/index.ts';
import type { Frame, Note, Playback, TreeRow } from './frame.ts';
import type { Script } from './script.ts';
import type { Exchange } from './cluster.ts';

export type ToWorker =
  /** Runs `script` from its beginning up to event `at`. */
  | { readonly kind: 'open'; readonly script: Script; readonly at: number; readonly playing: boolean }
  | { readonly kind: 'line'; readonly line: string }
  | { readonly kind: 'interrupt' }
  /** A `sim` command that was clicked and not typed into the terminal. */
  | { readonly kind: 'sim'; readonly line: string }
  /** A line that the page types into the terminal, for a story or for a hint that was clicked. */
  | { readonly kind: 'type'; readonly line: string }
  | { readonly kind: 'complete'; readonly ticket: number; readonly line: string; readonly cursor: number }
  | { readonly kind: 'play' | 'pause' }
  | { readonly kind: 'speed'; readonly percent: number }
  | { readonly kind: 'jump'; readonly at: number }
  | { readonly kind: 'script'; readonly ticket: number };

export type FromWorker =
  /** The cluster begins again at some event. Everything shown before is void. */
  | {
      readonly kind: 'opened';
      readonly transcript: readonly Exchange[];
      readonly notes: readonly Note[];
      readonly script: Script;
    }
  | { readonly kind: 'frame'; readonly frame: Frame; readonly playback: Playback }
  | { readonly kind: 'tree'; readonly rows: readonly TreeRow[] }
  | { readonly kind: 'typed'; readonly line: string }
  | { readonly kind: 'output'; readonly text: string }
  | { readonly kind: 'done' }
  /** A user typed that another cluster must be shown. */
  | { readonly kind: 'connect'; readonly address: string }
  | { readonly kind: 'completed'; readonly ticket: number; readonly completion: Completion }
  | { readonly kind: 'script'; readonly ticket: number; readonly script: Script; readonly at: number }
  /** The cluster broke a rule of its protocol, which is a bug of haret. */
  | { readonly kind: 'broken'; readonly message: string };
