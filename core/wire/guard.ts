/**
 * The guard in front of every text frame (architecture §2). It checks size, nesting and annotations before anything is
 * built from the frame. A reader that follows superjson's annotations blindly makes 2 GB of an 80-byte frame.
 */

import { utf8Length } from '../base/bytes.ts';
import { MalformedError } from '../base/errors.ts';
import { tooLarge } from './codec.ts';
import { bytesAnnotation, maxTextItems } from './documents.ts';

/** The deepest message is a page of stats in a transaction's reply. It has ten levels. */
const maxDepth = 16;

/** A place in a frame: the position of a message, then fields and positions. superjson joins them with dots. */
const annotatedPath = /^[0-9]{1,5}(\.[A-Za-z0-9]{1,32}){1,16}$/;

/** What one frame may hold, apart from its size. Whoever has more to say says it in several frames, or in binary ones. */
export interface FrameBounds {
  readonly messages: number;
  /** Of one list in a message, and bytes in all messages. */
  readonly items: number;
  /** Brackets, commas and colons outside of strings. */
  readonly marks: number;
}

/** What clients may ask a node in one frame: those of this project send far less, and no node spends long on one that it refuses. */
export const askedBounds: FrameBounds = { messages: 4096, items: maxTextItems, marks: 262_144 };
/** What a node tells, whom its client believes: as much as fits. */
export const toldBounds: FrameBounds = { messages: 65_536, items: Infinity, marks: Infinity };

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
export function guardText(frame: string, maxFrameBytes: number, bounds: FrameBounds): GuardedDocument {
  if (frame.length > maxFrameBytes) tooLarge(frame.length, maxFrameBytes);
  if (frame.length * 3 > maxFrameBytes) {
    const size = utf8Length(frame);
    if (size > maxFrameBytes) tooLarge(size, maxFrameBytes);
  }
  guardShape(frame, bounds);
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

/** How many fields the largest message and the document have at most, with room for those of later releases. */
const maxFields = 32;
/** The longest that stands between two of our values, spaces of pretty printing included; a number has at most 17 digits. */
const maxBetween = 256;

/**
 * Counts what a frame holds outside of its strings, before JSON.parse makes a value of each. It gives up at the first value too many, so
 * that a frame that is refused costs less to refuse than one that is read.
 */
function guardShape(text: string, { messages, items, marks }: FrameBounds): void {
  /** By depth: whether it is an object, and how many commas it had. */
  const objects: boolean[] = [];
  const commas: number[] = [];
  let depth = 0;
  let between = 0;
  let seen = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === quote) {
      i = endOfString(text, i);
      between = 0;
      continue;
    }
    if (unit === openList || unit === openObject) {
      if (++depth > maxDepth) throw new MalformedError(`frame is nested more than ${maxDepth} levels deep`);
      objects[depth] = unit === openObject;
      commas[depth] = 0;
    } else if (unit === closeList || unit === closeObject) {
      if (--depth < 0) throw new MalformedError('frame is not JSON');
    } else if (unit === comma) {
      const values = ++commas[depth]! + 1;
      if (objects[depth] === true) {
        // The only large object is that of annotations, in meta.
        const annotations = depth === 3 && objects[2] === true;
        if (values > (annotations ? items : maxFields)) {
          throw annotations
            ? new MalformedError(`more than ${items} places in a text frame`, 'meta.values')
            : new MalformedError(`an object of a text frame has more than ${maxFields} fields`);
        }
      } else if (depth === 2 && values > messages) {
        throw new MalformedError(`more than ${messages} messages in a text frame`);
      } else if (values > items) {
        throw new MalformedError(`a list of a text frame has more than ${items} items`);
      }
    } else if (unit !== colon) {
      if (++between > maxBetween) throw new MalformedError(`more than ${maxBetween} characters between two values`);
      continue;
    }
    between = 0;
    if (++seen > marks) throw new MalformedError(`a text frame has more than ${marks} brackets, commas and colons`);
  }
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openList = 0x5b;
const closeList = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;

/** Where the string that begins at `start` ends: at the first quote that no backslash escapes. */
function endOfString(text: string, start: number): number {
  const end = text.indexOf('"', start + 1);
  if (end < 0) throw new MalformedError('frame is not JSON');
  if (text.charCodeAt(end - 1) !== backslash) return end;
  for (let i = start + 1; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === quote) return i;
    if (unit === backslash) i++;
  }
  throw new MalformedError('frame is not JSON');
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
    if (!marksBytes(annotation)) throw new MalformedError('unknown annotation', 'meta.values');
  }
  return values as Record<string, [['custom', 'bytes']]>;
}

/** The one annotation that our messages have, parsed. */
function marksBytes(annotation: unknown): boolean {
  if (!Array.isArray(annotation) || annotation.length !== 1) return false;
  const custom: unknown = annotation[0];
  return Array.isArray(custom) && custom.length === 2 && custom[0] === 'custom' && custom[1] === bytesAnnotation;
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
