/** What the page and the worker with the cluster say to each other. */

import type { Completion } from '../../core/shell/index.ts';
import type { Frame, Note, Playback, TreeRow } from './frame.ts';
import type { Script } from './script.ts';
import type { Exchange } from './cluster.ts';

export type ToWorker =
  /** Runs `script` from its beginning up to event `at`. */
  | { readonly kind: 'open'; readonly script: Script; readonly at: number; readonly playing: boolean }
  | { readonly kind: 'line'; readonly line: string }
  | { readonly kind: 'interrupt' }
  /** A `sim` command beside the terminal: a click. */
  | { readonly kind: 'sim'; readonly line: string }
  /** A line that the page types into the terminal: a story, a hint that was clicked. */
  | { readonly kind: 'type'; readonly line: string }
  | { readonly kind: 'complete'; readonly ticket: number; readonly line: string; readonly cursor: number }
  | { readonly kind: 'play' | 'pause' }
  | { readonly kind: 'speed'; readonly percent: number }
  | { readonly kind: 'jump'; readonly at: number }
  | { readonly kind: 'script'; readonly ticket: number };

export type FromWorker =
  /** The cluster stands anew at some event: everything shown before is void. */
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
  /** Somebody typed that another cluster is to be shown. */
  | { readonly kind: 'connect'; readonly address: string }
  | { readonly kind: 'completed'; readonly ticket: number; readonly completion: Completion }
  | { readonly kind: 'script'; readonly ticket: number; readonly script: Script; readonly at: number }
  /** The cluster broke a rule of its protocol: a bug of haret, found. */
  | { readonly kind: 'broken'; readonly message: string };
