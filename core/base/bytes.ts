/** Bytes: their order, a writer that grows, and its reader. */

import { MalformedError } from './errors.ts';
import { hexText, latin1Text } from './latin1.ts';
import { utf8Length } from './utf8-length.ts';
import { textOf } from './utf8.ts';

export { base64FromBytes, bytesFromBase64 } from './base64.ts';
export { hexFromBytes } from './hex.ts';
export { isWellFormed, textOf, utf8 } from './utf8.ts';
export { utf8Length } from './utf8-length.ts';

export const emptyBytes: Uint8Array = /* @__PURE__ */ new Uint8Array(0);

/**
 * The value of a hexadecimal digit by its character code, -1 for any other character. Pure, so that a bundle without
 * writers leaves it out.
 */
const nibbleOf: Int8Array = /* @__PURE__ */ nibbles();

function nibbles(): Int8Array {
  const values = new Int8Array(128).fill(-1);
  for (let i = 0; i < 10; i++) values[48 + i] = i;
  for (let i = 0; i < 6; i++) {
    values[97 + i] = 10 + i;
    values[65 + i] = 10 + i;
  }
  return values;
}

/** The bytes of a hexadecimal string, or null when the string is not hexadecimal. */
export function bytesFromHex(hex: string): Uint8Array | null {
  if (hex.length % 2 !== 0) return null;
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    const high = nibbleOf[hex.charCodeAt(2 * i)] ?? -1;
    const low = nibbleOf[hex.charCodeAt(2 * i + 1)] ?? -1;
    if (high < 0 || low < 0) return null;
    bytes[i] = high * 16 + low;
  }
  return bytes;
}

/** Negative, zero or positive as `a` sorts before, with or after `b`, byte by byte. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0;
}

/**
 * Orders well-formed text as its UTF-8 bytes are ordered (architecture §3). JavaScript compares UTF-16 units, and so
 * puts U+10000 and above before U+E000 to U+FFFF. Moving these two ranges past each other repairs that.
 */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return utf8Rank(x) - utf8Rank(y);
  }
  return a.length - b.length;
}

function utf8Rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const encoder = /* @__PURE__ */ new TextEncoder();

/**
 * Writes numbers, text and bytes into one growing buffer. Numbers are LEB128, up to 2^53 - 1. Signed numbers are
 * zigzag-encoded.
 */
export class Writer {
  #buffer: Uint8Array;
  #length = 0;

  constructor(capacity = 256) {
    this.#buffer = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }

  /** What was written, without a copy. The view is valid until the next write or reset. */
  view(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /**
   * What was written from `at` on, without a copy. The view stays valid while more is written, until the next reset.
   */
  viewFrom(at: number): Uint8Array {
    return this.#buffer.subarray(at, this.#length);
  }

  reset(): void {
    this.#length = 0;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  /** Unsigned 32 bits, little endian. */
  u32(value: number): void {
    this.#reserve(4);
    const b = this.#buffer;
    b[this.#length++] = value & 255;
    b[this.#length++] = (value >>> 8) & 255;
    b[this.#length++] = (value >>> 16) & 255;
    b[this.#length++] = (value >>> 24) & 255;
  }

  /** An unsigned safe integer as LEB128. */
  uint(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new MalformedError(`${value} is not an integer from 0 to 2^53 - 1`);
    this.#reserve(8);
    const b = this.#buffer;
    let rest = value;
    while (rest > 0x7fffffff) {
      b[this.#length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    while (rest > 127) {
      b[this.#length++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    b[this.#length++] = rest;
  }

  /** A safe integer: its sign, then its magnitude. */
  int(value: number): void {
    this.u8(value < 0 ? 1 : 0);
    this.uint(Math.abs(value));
  }

  /** Any finite number. A safe integer is written as `int()` writes it; a 2 and 64 bits are another one. */
  finite(value: number): void {
    if (Number.isSafeInteger(value)) return this.int(value);
    if (!Number.isFinite(value)) throw new MalformedError(`${value} is not a finite number`);
    this.u8(2);
    this.f64(value);
  }

  f64(value: number): void {
    this.#reserve(8);
    new DataView(this.#buffer.buffer).setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  /** `bytes` alone, without their length. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** The length, then the bytes. */
  bytes(bytes: Uint8Array): void {
    this.uint(bytes.length);
    this.raw(bytes);
  }

  /** UTF-8 with its length. */
  text(text: string): void {
    const length = utf8Length(text);
    this.uint(length);
    this.#reserve(length);
    if (length === text.length) {
      for (let i = 0; i < length; i++) this.#buffer[this.#length + i] = text.charCodeAt(i);
    } else {
      encoder.encodeInto(text, this.#buffer.subarray(this.#length, this.#length + length));
    }
    this.#length += length;
  }

  /** The bytes of a hexadecimal string whose length both sides know. */
  hex(hex: string): void {
    const size = hex.length >> 1;
    this.#reserve(size);
    this.#length += size;
    this.hexAt(this.#length - size, hex);
  }

  /** Like `hex()`, but overwrites what was written at `at`. For a checksum of the bytes that follow it. */
  hexAt(at: number, hex: string): void {
    const b = this.#buffer;
    for (let i = 0; i < hex.length; i += 2) {
      b[at + (i >> 1)] = (nibbleOf[hex.charCodeAt(i)]! << 4) | nibbleOf[hex.charCodeAt(i + 1)]!;
    }
  }
}

/**
 * Up to this many bytes, text is a path or a name, and nearly always ASCII. Checking for ASCII is then quicker than
 * decoding.
 */
const longestLooked = 256;

/** Reads what {@link Writer} wrote. A read past the end, or a length that is wrong, throws a {@link MalformedError}. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get position(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  #need(count: number): void {
    if (count > this.#bytes.length - this.#at) {
      throw new MalformedError(`ends ${count - (this.#bytes.length - this.#at)} bytes too early`);
    }
  }

  u8(): number {
    this.#need(1);
    return this.#bytes[this.#at++]!;
  }

  u32(): number {
    this.#need(4);
    const b = this.#bytes;
    const at = this.#at;
    this.#at += 4;
    return (b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16) | (b[at + 3]! << 24)) >>> 0;
  }

  uint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.u8();
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (value > Number.MAX_SAFE_INTEGER || (byte === 0 && i > 0)) break;
        return value;
      }
      scale *= 128;
    }
    throw new MalformedError('number is not a canonical integer up to 2^53 - 1');
  }

  int(): number {
    return intOf(this);
  }

  /** Any finite number, as {@link Writer.finite} wrote it. */
  finite(): number {
    return finiteOf(this);
  }

  f64(): number {
    this.#need(8);
    const value = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#at, 8).getFloat64(0, true);
    this.#at += 8;
    return value;
  }

  /** The next `count` bytes, as a view into the whole. */
  raw(count: number): Uint8Array {
    this.#need(count);
    const view = this.#bytes.subarray(this.#at, this.#at + count);
    this.#at += count;
    return view;
  }

  bytes(): Uint8Array {
    return this.raw(this.uint());
  }

  text(): string {
    const length = this.uint();
    this.#need(length);
    if (length > longestLooked) return this.#decode(length);
    const bytes = this.#bytes;
    const at = this.#at;
    for (let i = at; i < at + length; i++) if (bytes[i]! > 127) return this.#decode(length);
    this.#at += length;
    return latin1Text(bytes, at, at + length);
  }

  #decode(length: number): string {
    const text = textOf(this.raw(length));
    if (text === null) throw new MalformedError('text is not UTF-8');
    return text;
  }

  /** `size` bytes as hexadecimal. */
  hex(size: number): string {
    this.#need(size);
    this.#at += size;
    return hexText(this.#bytes, this.#at - size, this.#at);
  }

  /**
   * Like `hex()`, for a value that is probably `expected`. If it is, returns that same string and makes no new one.
   */
  hexLike(expected: string): string {
    const size = expected.length >> 1;
    this.#need(size);
    const bytes = this.#bytes;
    const at = this.#at;
    for (let i = 0; i < size; i++) {
      const byte = (nibbleOf[expected.charCodeAt(2 * i)]! << 4) | nibbleOf[expected.charCodeAt(2 * i + 1)]!;
      if (bytes[at + i] !== byte) return this.hex(size);
    }
    this.#at += size;
    return expected;
  }

  /** @throws {@link MalformedError} when bytes are left over. */
  end(): void {
    if (this.remaining !== 0) throw new MalformedError(`has ${this.remaining} bytes too many`);
  }
}

/** The reads of which those of numbers are made. */
interface NumberReader {
  u8(): number;
  uint(): number;
  f64(): number;
}

export function intOf(reader: NumberReader, sign = reader.u8()): number {
  const magnitude = reader.uint();
  if (sign > 1 || (sign === 1 && magnitude === 0)) throw new MalformedError('sign of a number is not canonical');
  return sign === 1 ? -magnitude : magnitude;
}

/** A number has one form only. So the same state is always the same bytes. */
export function finiteOf(reader: NumberReader): number {
  const form = reader.u8();
  if (form !== 2) return intOf(reader, form);
  const value = reader.f64();
  if (!Number.isFinite(value) || Number.isSafeInteger(value))
    throw new MalformedError(`the number ${value} is not in its only form`);
  return value;
}

const slabBytes = 65_536;

/**
 * Packs copies of many small byte strings that live about equally long into few buffers. An engine pays for each
 * buffer, not for each view of one. A buffer is freed when its last copy is.
 */
export class Slab {
  #buffer: Uint8Array = emptyBytes;
  #used = 0;

  copy(bytes: Uint8Array): Uint8Array {
    const { length } = bytes;
    if (length > slabBytes / 4) return bytes.slice();
    if (length > this.#buffer.length - this.#used) {
      this.#buffer = new Uint8Array(slabBytes);
      this.#used = 0;
    }
    const copy = this.#buffer.subarray(this.#used, this.#used + length);
    copy.set(bytes);
    this.#used += length;
    return copy;
  }
}
