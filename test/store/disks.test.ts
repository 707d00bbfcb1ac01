import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../core/base/random.ts';
import { MemoryDisk } from '../../core/store/memory-disk.ts';
import { NodeDisk } from '../../node-server/node-disk.ts';
import type { DiskUnderTest } from './disk-conformance.ts';
import { diskConformance } from './disk-conformance.ts';

diskConformance('a memory disk', () => {
  const disk = new MemoryDisk();
  return {
    disk,
    again: () => disk,
    settle: () => {
      disk.run();
      return Promise.resolve();
    },
    end: () => undefined,
  };
});

function inTemporary(): DiskUnderTest & { readonly directory: string } {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'haret-disk-'));
  const disk = new NodeDisk(path.join(directory, 'deep', 'data'));
  let open = 0;
  const counted = new Proxy(disk, {
    // Counts calls that have not ended, so that settling needs no sleep.
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      return (...given: unknown[]): unknown => {
        const last = given.at(-1);
        if (typeof last === 'function') {
          open++;
          given[given.length - 1] = (error: Error | null) => {
            open--;
            (last as (error: Error | null) => void)(error);
          };
        }
        return Reflect.apply(value, target, given) as unknown;
      };
    },
  });
  return {
    directory,
    disk: counted,
    again: () => new NodeDisk(path.join(directory, 'deep', 'data')),
    settle: async () => {
      while (open > 0) await new Promise((resolve) => setImmediate(resolve));
    },
    end: () => fs.rmSync(directory, { recursive: true }),
  };
}

diskConformance('a disk over the file system', inTemporary);

describe('a data directory', () => {
  it('is cleared of files that were not finished', () => {
    const { directory, again, end } = inTemporary();
    const data = path.join(directory, 'deep', 'data');
    fs.mkdirSync(data, { recursive: true });
    fs.writeFileSync(path.join(data, 'log-00000001-4096.new'), 'half');
    const disk = again();
    disk.lock();
    expect(disk.list()).toEqual([]);
    expect(fs.readdirSync(data).every((name) => name.startsWith('lock'))).toBe(true);
    disk.unlock();
    end();
  });
});

describe('a memory disk whose power is cut', () => {
  const sector = (value: number): Uint8Array => new Uint8Array(4096).fill(value);

  it('keeps what was synced, and any sectors of the rest', () => {
    const outcomes = new Set<string>();
    for (let seed = 1; seed <= 60; seed++) {
      const disk = new MemoryDisk();
      disk.create('f', 3 * 4096, () => undefined);
      disk.write('f', 0, [sector(1), sector(1)], true, () => undefined);
      disk.run();
      disk.write('f', 4096, [sector(2), sector(2)], true, () => undefined);
      disk.powerCut(new SeededRandom(seed));
      const found = [0, 1, 2].map((i) => disk.read('f', i * 4096, 1)[0]);
      outcomes.add(found.join());
    }
    expect([...outcomes].sort()).toEqual(['1,1,0', '1,1,2', '1,2,0', '1,2,2']);
  });

  it('completes no call of an earlier life', () => {
    const disk = new MemoryDisk();
    let done = 0;
    disk.create('f', 10, () => done++);
    disk.powerCut(new SeededRandom(1));
    disk.run();
    expect(done).toBe(0);
  });

  it('leaves the time of each completion to its host, in order for each file', () => {
    const waiting: (() => void)[] = [];
    const disk = new MemoryDisk({ schedule: (_latency, complete) => waiting.push(complete) });
    const order: string[] = [];
    disk.create('f', 10, () => order.push('f created'));
    disk.write('f', 0, [sector(1)], true, () => order.push('f written'));
    disk.create('g', 10, () => order.push('g created'));
    expect(waiting).toHaveLength(2);
    waiting.pop()!();
    waiting.shift()!();
    waiting.shift()!();
    expect(order).toEqual(['g created', 'f created', 'f written']);
  });

  it('holds completions back while frozen, and its fork goes on separately', () => {
    const disk = new MemoryDisk();
    let done = 0;
    disk.freeze();
    disk.create('f', 10, () => done++);
    disk.run();
    expect(done).toBe(0);
    disk.thaw();
    expect(done).toBe(1);
    const fork = disk.fork();
    disk.write('f', 0, [sector(1)], true, () => done++);
    disk.run();
    expect(fork.read('f', 0, 1)[0]).toBe(0);
    expect(disk.read('f', 0, 1)[0]).toBe(1);
  });
});
