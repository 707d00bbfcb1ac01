/** What every implementation of a port must do, as suites that each one passes (architecture §1). */

import { describe, expect, it } from 'vitest';
import type { Latin1 } from '../../core/base/latin1.ts';
import type { Clock, Hash, Link, LinkHandler, Random, Transport } from '../../core/base/ports.ts';

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

export function hashSuite(name: string, hash: Hash): void {
  describe(`hash: ${name}`, () => {
    it('is SHA-256 cut to 128 bits', () => {
      expect(hash.digest(text(''))).toBe('e3b0c44298fc1c149afbf4c8996fb924');
      expect(hash.digest(text('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223');
    });

    it('reads a view of a larger buffer at its own bounds', () => {
      const whole = text('xxabcxx');
      expect(hash.digest(whole.subarray(2, 5))).toBe(hash.digest(text('abc')));
    });

    it('gives the same for parts as for the whole', () => {
      const parts = hash.start();
      parts.update(text('a'));
      parts.update(text(''));
      parts.update(text('bc'));
      expect(parts.digest()).toBe(hash.digest(text('abc')));
      expect(hash.start().digest()).toBe(hash.digest(text('')));
    });
  });
}

export function latin1Suite(name: string, latin1: Latin1): void {
  describe(`latin1: ${name}`, () => {
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);

    it('makes each byte the character of its number, and nothing else', () => {
      const made = latin1.text(every, 0, 256);
      expect(Array.from(made, (character) => character.charCodeAt(0))).toEqual([...every]);
      expect(latin1.text(every, 65, 68)).toBe('ABC');
      expect(latin1.text(every, 7, 7)).toBe('');
    });

    it('takes any length, and a view at its own bounds', () => {
      const long = new Uint8Array(20_000).map((_, at) => at % 251);
      const made = latin1.text(long.subarray(10), 0, 19_990);
      expect(made.length).toBe(19_990);
      expect(made.charCodeAt(0)).toBe(10);
      expect(made.charCodeAt(19_989)).toBe(19_999 % 251);
    });

    it('writes hexadecimal in lower case', () => {
      expect(latin1.hex(every, 158, 163)).toBe('9e9fa0a1a2');
      expect(latin1.hex(every.subarray(1), 0, 2)).toBe('0102');
      expect(latin1.hex(every, 3, 3)).toBe('');
    });
  });
}

export function randomSuite(name: string, make: () => Random): void {
  describe(`random: ${name}`, () => {
    it('draws unsigned integers of 32 bits', () => {
      const random = make();
      let high = 0;
      for (let i = 0; i < 1000; i++) {
        const value = random.uint32();
        expect(Number.isInteger(value) && value >= 0 && value <= 0xffffffff).toBe(true);
        if (value > 0x7fffffff) high++;
      }
      expect(high).toBeGreaterThan(350);
      expect(high).toBeLessThan(650);
    });

    it('stays below the limit and reaches every value', () => {
      const random = make();
      const seen = new Set<number>();
      for (let i = 0; i < 1000; i++) seen.add(random.below(7));
      expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
      expect(random.below(1)).toBe(0);
      for (let i = 0; i < 100; i++) expect(random.below(2 ** 40)).toBeLessThan(2 ** 40);
    });

    it('draws as many bytes as it is asked for, plain and different each time', () => {
      const random = make();
      const first = random.bytes(16);
      expect(first.length).toBe(16);
      expect(Object.getPrototypeOf(first)).toBe(Uint8Array.prototype);
      expect(random.bytes(16)).not.toEqual(first);
      expect(random.bytes(0).length).toBe(0);
    });
  });
}

/** @param turn lets the world go on until a turn of its loop has ended. */
export function clockSuite(name: string, make: () => Clock, turn: () => Promise<void>): void {
  describe(`clock: ${name}`, () => {
    it('counts whole milliseconds and never goes back', async () => {
      const clock = make();
      let last = clock.now();
      for (let i = 0; i < 100; i++) {
        const now = clock.now();
        expect(Number.isInteger(now)).toBe(true);
        expect(now).toBeGreaterThanOrEqual(last);
        last = now;
        if (i % 10 === 0) await turn();
      }
    });

    it('runs work once, in a later turn, in the order in which it was handed over', async () => {
      const clock = make();
      const done: number[] = [];
      clock.soon(() => done.push(1));
      clock.soon(() => done.push(2));
      expect(done).toEqual([]);
      await turn();
      expect(done).toEqual([1, 2]);
      await turn();
      expect(done).toEqual([1, 2]);
    });

    it('runs work that other work hands over in a turn of its own', async () => {
      const clock = make();
      const done: string[] = [];
      clock.soon(() => {
        clock.soon(() => done.push('second turn'));
        done.push('first turn');
      });
      await turn();
      await turn();
      expect(done).toEqual(['first turn', 'second turn']);
    });
  });
}

/** The far side of a transport under test: it accepts links at an address and hands them out. */
export interface Acceptor {
  readonly address: string;
  /** Where nothing listens, and what is no address; empty for a transport that does not look at addresses. */
  readonly deadAddresses: readonly string[];
  readonly subprotocol: string;
  /** The next accepted link. `handler` is given to it in the same turn. */
  next(handler: LinkHandler): Promise<Link>;
  close(): Promise<void>;
}

/** What a handler heard, as a list, and a promise of the next word. */
export class Recorder implements LinkHandler {
  readonly heard: string[] = [];
  #waiting: { enough: () => boolean; resolve: () => void }[] = [];

  onOpen(): void {
    this.#note('open');
  }

  onFrame(frame: Uint8Array | string): void {
    this.#note(typeof frame === 'string' ? `text ${frame}` : ['bytes', ...frame].join(' '));
  }

  onClose(code: number, reason: string): void {
    this.#note(`close ${code} ${reason}`.trim());
  }

  async until(enough: (heard: readonly string[]) => boolean): Promise<readonly string[]> {
    if (!enough(this.heard)) {
      await new Promise<void>((resolve) => {
        this.#waiting.push({ enough: () => enough(this.heard), resolve });
      });
    }
    return this.heard;
  }

  #note(word: string): void {
    this.heard.push(word);
    this.#waiting = this.#waiting.filter(({ enough, resolve }) => {
      if (!enough()) return true;
      resolve();
      return false;
    });
  }
}

export const closed = (heard: readonly string[]): boolean => heard.some((word) => word.startsWith('close '));

export function transportSuite(name: string, make: () => Transport, listen: () => Promise<Acceptor>): void {
  describe(`transport: ${name}`, () => {
    it('opens, carries frames both ways in order, and closes with code and reason at both ends', async () => {
      const acceptor = await listen();
      const near = new Recorder();
      const far = new Recorder();
      const accepted = acceptor.next(far);
      const link = make().dial(acceptor.address, acceptor.subprotocol, near);
      expect(near.heard).toEqual([]);
      await near.until((heard) => heard.includes('open'));
      const back = await accepted;
      for (let i = 0; i < 5; i++) link.send(new Uint8Array([i, 255]));
      await far.until((heard) => heard.length === 5);
      back.send(new Uint8Array([9]));
      back.send(new Uint8Array(0));
      await near.until((heard) => heard.length === 3);
      expect(far.heard).toEqual(['bytes 0 255', 'bytes 1 255', 'bytes 2 255', 'bytes 3 255', 'bytes 4 255']);
      expect(near.heard).toEqual(['open', 'bytes 9', 'bytes']);
      back.close(4003, 'too many');
      expect(await near.until(closed)).toContain('close 4003 too many');
      await far.until(closed);
      await acceptor.close();
    });

    it('ignores frames that are sent on a closed link, and delivers nothing after a close', async () => {
      const acceptor = await listen();
      const near = new Recorder();
      const far = new Recorder();
      const accepted = acceptor.next(far);
      const link = make().dial(acceptor.address, acceptor.subprotocol, near);
      await near.until((heard) => heard.includes('open'));
      const back = await accepted;
      back.send(new Uint8Array([1]));
      link.close(1000, 'done');
      link.send(new Uint8Array([2]));
      link.close(4000, 'again');
      await near.until(closed);
      await far.until(closed);
      expect(near.heard.filter((word) => word.startsWith('bytes'))).toEqual([]);
      expect(far.heard).toEqual(['close 1000 done']);
      back.send(new Uint8Array([3]));
      expect(back.buffered()).toBe(0);
      await acceptor.close();
    });

    it('reports an address where no one listens, or an invalid one, with a close in a later turn', async () => {
      const acceptor = await listen();
      for (const address of acceptor.deadAddresses) {
        const near = new Recorder();
        const link = make().dial(address, acceptor.subprotocol, near);
        expect(near.heard).toEqual([]);
        link.send(new Uint8Array([1]));
        const heard = await near.until(closed);
        expect(heard.length).toBe(1);
        expect(heard[0]).toMatch(/^close 1006 ./);
      }
      await acceptor.close();
    });

    it('does not open with a subprotocol that the other end does not speak', async () => {
      const acceptor = await listen();
      const near = new Recorder();
      make().dial(acceptor.address, 'haret.v999.smoke', near);
      const heard = await near.until(closed);
      expect(heard).not.toContain('open');
      await acceptor.close();
    });
  });
}
