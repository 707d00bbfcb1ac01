/**
 * How outcomes are printed: as text like that of the first haret, as one JSON object for each command, or raw
 * (docs/language.md).
 */

import { concatBytes, utf8 } from '../base/bytes.ts';
import { describeJson } from './json.ts';
import { displayBytes, escapeControls, harmlessJson, jsonOfBytes } from './display.ts';
import type { Failure, JsonValue, Outcome, Shown, Stamp, Success } from './outcome.ts';

export interface OutputStyle {
  readonly mode: 'text' | 'json' | 'raw';
  /** True when the output goes to a terminal, which control characters could control. */
  readonly terminal: boolean;
  /** As {@link terminal}, for errors when they go elsewhere. */
  readonly errorTerminal?: boolean;
  readonly colours: boolean;
}

/** A piece of output. Scripts read errors from `err`. */
export interface OutputChunk {
  readonly stream: 'out' | 'err';
  readonly data: string | Uint8Array;
}

/** The output of one command. */
export function format(outcome: Outcome, style: OutputStyle): readonly OutputChunk[] {
  if (style.mode === 'json') return [{ stream: 'out', data: `${harmlessJson(jsonOf(outcome))}\n` }];
  if (!outcome.ok) return [{ stream: 'err', data: failureText(outcome, style) }];
  if (style.mode === 'raw') return rawChunks(outcome.value, style);
  const text = successText(outcome, style);
  return text === '' ? [] : [{ stream: 'out', data: text }];
}

type Paint = (text: string) => string;
const plain: Paint = (text) => text;
const red: Paint = (text) => `\u001b[31m${text}\u001b[39m`;
const faint: Paint = (text) => `\u001b[2m${text}\u001b[22m`;

function successText(outcome: Success, style: OutputStyle): string {
  const paint = style.colours ? faint : plain;
  let text = '';
  for (const line of shownLines(outcome.value)) text += `${safe(line, style)}\n`;
  if (outcome.more !== null) text += `${paint(safe(`There is more: ${outcome.more}`, style))}\n`;
  if (outcome.stamp !== null && outcome.showStamp) {
    const version = outcome.showVersion && outcome.version !== null ? `Version = ${outcome.version} ` : '';
    text += `${paint(`${version}${stampText(outcome.stamp)}`)}\n`;
  }
  return text;
}

function failureText(failure: Failure, output: OutputStyle): string {
  const style = { ...output, terminal: output.errorTerminal ?? output.terminal };
  const message = safe(failure.bare ? failure.error.message : `Error: ${failure.error.message}`, style);
  let text = `${(style.colours ? red : plain)(message)}\n`;
  const quiet = style.colours ? faint : plain;
  for (const hint of failure.hints) text += `${quiet(safe(hint, style))}\n`;
  if (failure.stamp !== null) text += `${quiet(stampText(failure.stamp))}\n`;
  return text;
}

function safe(text: string, style: OutputStyle): string {
  return style.terminal ? escapeControls(text) : text;
}

function stampText(stamp: Stamp): string {
  return `Epoch = ${stamp.epoch}, View = ${stamp.view}, Client Request Num = ${stamp.request}`;
}

/** The lines that are shown. A line may contain a line feed of stored data. */
function shownLines(shown: Shown): readonly string[] {
  switch (shown.kind) {
    case 'ok':
      return ['Ok'];
    case 'bytes':
      return [shown.bytes === null ? '' : displayBytes(shown.bytes)];
    case 'number':
      return [String(shown.number)];
    case 'truth':
      return [String(shown.truth)];
    case 'members':
      return shown.members.map(displayBytes);
    case 'lines':
      return shown.lines;
    case 'transaction':
      return shown.results.flatMap((result) => shownLines(result.value));
  }
}

/** A single value is printed byte for byte, without a line feed. Several values get a line each. */
function rawChunks(shown: Shown, style: OutputStyle): readonly OutputChunk[] {
  if (shown.kind === 'ok') return [];
  if (shown.kind === 'bytes' && !style.terminal) {
    return shown.bytes === null ? [] : [{ stream: 'out', data: shown.bytes }];
  }
  if (shown.kind === 'members' && !style.terminal) {
    const feed = utf8('\n');
    return [{ stream: 'out', data: concatBytes(shown.members.flatMap((member) => [member, feed])) }];
  }
  if (shown.kind === 'transaction') return shown.results.flatMap((result) => rawChunks(result.value, style));
  return shownLines(shown).map((line) => ({ stream: 'out', data: `${safe(line, style)}\n` }));
}

function jsonOf(outcome: Outcome): JsonValue {
  const meta = outcome.stamp === null ? {} : { meta: { ...outcome.stamp } };
  if (!outcome.ok) {
    const { code, message, retryable, outcome: known, details } = outcome.error;
    return { ok: false, error: { ...details, code, message, retryable, outcome: known }, ...meta };
  }
  return {
    ok: true,
    value: jsonValue(outcome.value),
    ...(outcome.version === null ? {} : { version: outcome.version }),
    ...(outcome.more === null ? {} : { more: true }),
    ...meta,
  };
}

function jsonValue(shown: Shown): JsonValue {
  switch (shown.kind) {
    case 'ok':
      return null;
    case 'bytes':
      return shown.bytes === null ? null : jsonOfBytes(shown.bytes);
    case 'number':
      return shown.number;
    case 'truth':
      return shown.truth;
    case 'members':
      return shown.members.map(jsonOfBytes);
    case 'lines':
      return describeJson(shown.json);
    case 'transaction':
      return {
        held: shown.held,
        results: shown.results.map((result) => ({ value: jsonValue(result.value), version: result.version })),
      };
  }
}
