/**
 * The guard in front of every text frame (architecture §2). It checks size, nesting and annotations before anything is
 * built from the frame. A reader that follows superjson's annotations blindly makes 2 GB of an 80-byte frame.
 */

import { utf8Length } from '../base/bytes.ts';
import { MalformedError } from '../base/errors.ts';
import { tooLarge } from './codec.ts';
import { bytesMark } from './documents.ts';

/** The deepest message is a page of stats in a transaction's reply. It has ten levels. */
const maxDepth = 16;

/** A place in a frame: the position of a message, then fields and positions. superjson joins them with dots. */
const annotatedPath = /^[0-9]{1,5}(\.[A-Za-z0-9]{1,32}){1,16}$/;

/** A superjson document that passed the guard. */
export interface GuardedDocument {
  readonly json: readonly unknown[];
  /** Places of bytes, as superjson names them; null when there are none. */
  readonly values: Readonly<Record<string, [['custom', 'bytes']]>> | null;
}

/**
 * Parses a text frame as JSON and checks it.
 * @throws {@link MalformedError}
 */
export function guardText(frame: string, maxFrameBytes: number): GuardedDocument {
  if (frame.length > maxFrameBytes) tooLarge(frame.length, maxFrameBytes);
  if (frame.length * 3 > maxFrameBytes) {
    const size = utf8Length(frame);
    if (size > maxFrameBytes) tooLarge(size, maxFrameBytes);
  }
  guardDepth(frame);
  let document: unknown;
  try {
    document = JSON.parse(frame);
  } catch {
    throw new MalformedError('frame is not JSON');
  }
  if (!isRecord(document)) throw new MalformedError('frame is not a superjson document');
  let json: unknown;
  let meta: unknown;
  for (const [name, value] of Object.entries(document)) {
    if (name === 'json') json = value;
    else if (name === 'meta') meta = value;
    else throw new MalformedError('a superjson document has only json and meta');
  }
  if (!Array.isArray(json)) throw new MalformedError('a frame is a list of messages', 'json');
  const values = meta === undefined ? null : guardMeta(meta);
  guardKeys(json);
  return { json, values };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Counts brackets outside of strings, before JSON.parse makes an object of each. */
function guardDepth(text: string): void {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 0x22) {
      i = endOfString(text, i);
    } else if (unit === 0x5b || unit === 0x7b) {
      if (++depth > maxDepth) throw new MalformedError(`frame is nested more than ${maxDepth} levels deep`);
    } else if (unit === 0x5d || unit === 0x7d) {
      depth--;
    }
  }
}

/** Where the string that begins at `start` ends: at the first quote with an even number of backslashes before it. */
function endOfString(text: string, start: number): number {
  let end = start;
  for (;;) {
    end = text.indexOf('"', end + 1);
    if (end < 0) throw new MalformedError('frame is not JSON');
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === 0x5c) escapes++;
    if (escapes % 2 === 0) return end;
  }
}

function guardMeta(meta: unknown): GuardedDocument['values'] {
  if (!isRecord(meta)) throw new MalformedError('expected an object', 'meta');
  let values: Record<string, [['custom', 'bytes']]> | null = null;
  let version: unknown;
  for (const [name, value] of Object.entries(meta)) {
    if (name === 'values') values = guardAnnotations(value);
    else if (name === 'v') version = value;
    // superjson writes these for values that are shared or equal. haret's messages have nothing to restore from them,
    // so we never read them.
    else if (name !== 'referentialEqualities') throw new MalformedError('unknown kind of annotation', 'meta');
  }
  if (version !== 1) throw new MalformedError('expected annotations of version 1', 'meta.v');
  return values;
}

function guardAnnotations(values: unknown): Record<string, [['custom', 'bytes']]> {
  if (!isRecord(values)) throw new MalformedError('expected places by name', 'meta.values');
  for (const [path, annotation] of Object.entries(values)) {
    if (!annotatedPath.test(path)) throw new MalformedError('annotation of a place that no message has', 'meta.values');
    if (JSON.stringify(annotation) !== bytesMark) throw new MalformedError('unknown annotation', 'meta.values');
  }
  return values as Record<string, [['custom', 'bytes']]>;
}

/** Refuses keys that would reach prototypes. The depth is already bounded. */
function guardKeys(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const one of value) guardKeys(one);
    return;
  }
  for (const [key, one] of Object.entries(value)) {
    if (key === '__proto__' || key === 'constructor' || key === 'prototype') {
      throw new MalformedError(`a message has no field ${key}`);
    }
    guardKeys(one);
  }
}
