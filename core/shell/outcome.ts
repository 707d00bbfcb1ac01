/** The outcome of a command, before it is printed as text, as JSON or raw. */

import type { ErrorInfo } from '../base/errors.ts';
import type { ExitStatus } from './status.ts';

/** Plain values of JSON. */
export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue };

/** What a command shows. Bytes stay bytes until they are printed. */
export type Shown =
  | { readonly kind: 'ok' }
  /** Null for an empty queue. It is shown as an empty line. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array | null }
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'truth'; readonly truth: boolean }
  | { readonly kind: 'members'; readonly members: readonly Uint8Array[] }
  /** Lines for people and a value for programs. */
  | { readonly kind: 'lines'; readonly lines: readonly string[]; readonly json: JsonValue }
  /** The results of a transaction's operations, in their order, and which branch ran. */
  | { readonly kind: 'transaction'; readonly held: boolean; readonly results: readonly Success[] };

/** `Epoch = E, View = V, Client Request Num = N`, with the op that docs/language.md adds for programs. */
export interface Stamp {
  readonly epoch: number;
  readonly view: number;
  /** Counts all requests of the connection, from 0. It is not the session's number in the log. */
  readonly request: number;
  /** Null when no reply came. */
  readonly op: number | null;
}

export interface Success {
  readonly ok: true;
  readonly value: Shown;
  readonly version: number | null;
  /** False where the first haret did not print a version although there is one. */
  readonly showVersion: boolean;
  readonly stamp: Stamp | null;
  /** False where the first haret did not print such a line. */
  readonly showStamp: boolean;
  /** The page ended before the list did. This text tells people how to see the next page. */
  readonly more: string | null;
}

export interface Failure {
  readonly ok: false;
  readonly error: ErrorInfo;
  readonly stamp: Stamp | null;
  readonly status: ExitStatus;
  /** True when it is printed without `Error: ` in front. */
  readonly bare: boolean;
  /** Further lines for people, such as the usage of the command. */
  readonly hints: readonly string[];
}

export type Outcome = Success | Failure;

export function success(value: Shown, more: Partial<Omit<Success, 'ok' | 'value'>> = {}): Success {
  return { ok: true, value, version: null, showVersion: true, stamp: null, showStamp: true, more: null, ...more };
}

/** Lines for people, with the value that `--json` prints. */
export function lines(text: readonly string[], json: JsonValue): Success {
  return success({ kind: 'lines', lines: text, json });
}
