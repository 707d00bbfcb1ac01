/** Reads what a {@link Writer} wrote when it arrives in chunks that may end anywhere. Checkpoints are read this way. */

import { emptyBytes, finiteOf, intOf, textOf } from './bytes.ts';
import { MalformedError } from './errors.ts';

/**
 * A read past the end, or a length that is wrong, throws a {@link MalformedError}. A view is valid until the next read.
 */
export class ChunkReader {
  readonly #chunks: Iterator<Uint8Array>;
  #chunk: Uint8Array = emptyBytes;
  #at = 0;

  constructor(chunks: Iterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.iterator]();
  }

  /** Puts the next `count` bytes into one piece. */
  #need(count: number): void {
    let have = this.#chunk.length - this.#at;
    if (count <= have) return;
    const parts: Uint8Array[] = [this.#chunk.subarray(this.#at)];
    while (have < count) {
      const next = this.#chunks.next();
      if (next.done === true) throw new MalformedError(`ends ${count - have} bytes too early`);
      parts.push(next.value);
      have += next.value.length;
    }
    // We copy what is there once, however many chunks it came in, so many tiny chunks cost no more than a few large
    // ones.
    const whole = new Uint8Array(have);
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    this.#chunk = whole;
    this.#at = 0;
  }

  u8(): number {
    if (this.#at === this.#chunk.length) this.#need(1);
    return this.#chunk[this.#at++]!;
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

  f64(): number {
    const bytes = this.raw(8);
    return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true);
  }

  /** Any finite number, as {@link Writer.finite} wrote it. */
  finite(): number {
    return finiteOf(this);
  }

  /** The next `count` bytes, as a view. */
  raw(count: number): Uint8Array {
    this.#need(count);
    const view = this.#chunk.subarray(this.#at, this.#at + count);
    this.#at += count;
    return view;
  }

  /**
   * The length, then the bytes. The length may not be above `maxBytes`, so that a wrong length cannot gather the whole
   * input.
   */
  bytes(maxBytes: number): Uint8Array {
    const length = this.uint();
    if (length > maxBytes) throw new MalformedError(`${length} bytes are over the limit of ${maxBytes}`);
    return this.raw(length);
  }

  text(maxBytes: number): string {
    const text = textOf(this.bytes(maxBytes));
    if (text === null) throw new MalformedError('text is not UTF-8');
    return text;
  }

  /** @throws {@link MalformedError} when bytes are left over. */
  end(): void {
    if (this.#at < this.#chunk.length) throw new MalformedError('has bytes left over');
    for (;;) {
      const next = this.#chunks.next();
      if (next.done === true) return;
      if (next.value.length > 0) throw new MalformedError('has bytes left over');
    }
  }
}
