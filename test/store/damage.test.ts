/**
 * What protocol §2 says of each way in which a log is damaged: what is torn is cut off, what is corrupt is known by
 * name, and what is lost is admitted.
 */

import { describe, expect, it } from 'vitest';
import { wholeBatches } from '../../core/sim/damage.ts';
import { StoreError } from '../../core/store/store.ts';
import type { Entry } from '../../core/vr/entry.ts';
import { World, chain } from './world.ts';

const batchSector = 4096;

/**
 * A world with one replica in each of namespaces 1 and 2, and `batches` batches with one entry of namespace 1, each in
 * a sector of its own.
 */
function filled(batches: number, bytes = 100): { world: World; entries: Entry[]; firstAt: number; segment: string } {
  const world = new World();
  world.create(1);
  world.create(2);
  world.disk.run();
  const before = world.store.stats().writtenBytes;
  const entries = chain(1, batches, null, bytes);
  for (const entry of entries) {
    world.store.persist(1, 'r1', { entries: [entry] }, () => undefined);
    world.disk.run();
  }
  return { world, entries, firstAt: before, segment: world.segments()[0]! };
}

describe('a damaged log', () => {
  it('knows the name of an entry with a flipped byte, and keeps all others', () => {
    const { world, entries, firstAt, segment } = filled(10);
    world.settle();
    world.disk.corrupt(segment, firstAt + 4 * batchSector + 250);
    world.restart();
    const replica = world.recovered(1);
    const { op, checksum, parent } = entries[4]!;
    expect(replica).toMatchObject({ first: 1, head: 10, headProven: true, corrupt: [{ op, checksum, parent }] });
    const storage = world.store.storageOf(1, 'r1');
    expect(storage.entry(5)).toBeNull();
    expect(storage.entry(4)).toEqual(entries[3]);
    expect(storage.entry(6)).toEqual(entries[5]);
    expect(world.recovered(2)).toMatchObject({ headProven: true, corrupt: [] });
    expect(world.warnings().join()).toContain('a batch of the log is damaged');
  });

  it('repairs a corrupt entry in place, for good', () => {
    const { world, entries, firstAt, segment } = filled(10);
    world.settle();
    world.disk.corrupt(segment, firstAt + 4 * batchSector + 250);
    world.restart();
    world.store.persist(1, 'r1', { entries: [entries[4]!] }, () => undefined);
    world.settle();
    for (let i = 0; i < 2; i++) {
      world.restart();
      expect(world.recovered(1)).toMatchObject({ head: 10, headProven: true, corrupt: [] });
      expect(world.store.storageOf(1, 'r1').entry(5)).toEqual(entries[4]);
    }
  });

  it('loses only the flawed entry of a batch of many', () => {
    const world = new World();
    world.create(1);
    world.settle();
    const before = world.store.stats().writtenBytes;
    const entries = chain(1, 20, null, 300);
    world.store.persist(1, 'r1', { entries }, () => undefined);
    world.settle();
    world.disk.corrupt(world.segments()[0]!, before + 3000);
    world.restart();
    const replica = world.recovered(1);
    expect(replica).toMatchObject({ head: 20, headProven: true });
    expect(replica.corrupt.length).toBe(1);
  });

  it('cuts off a torn last batch, which was never acknowledged', () => {
    const { world, firstAt, segment } = filled(10);
    // No empty batch follows yet, so the tenth is the last.
    world.disk.processCrash();
    world.disk.corrupt(segment, firstAt + 9 * batchSector + 250);
    world.open();
    expect(world.recovered(1)).toMatchObject({ head: 9, headProven: true, corrupt: [] });
    expect(world.warnings()).toEqual([]);
  });

  it('does not cut off the last batch once an empty batch has repeated its headers', () => {
    const { world, entries, firstAt, segment } = filled(10);
    world.settle();
    world.disk.processCrash();
    world.disk.corrupt(segment, firstAt + 9 * batchSector + 250);
    world.open();
    const { op, checksum, parent } = entries[9]!;
    expect(world.recovered(1)).toMatchObject({ head: 10, headProven: true, corrupt: [{ op, checksum, parent }] });
  });

  it('does not cut off the last batch of an earlier run', () => {
    const { world, entries, firstAt, segment } = filled(10);
    world.restart();
    world.settle();
    world.disk.processCrash();
    world.disk.corrupt(segment, firstAt + 9 * batchSector + 250);
    world.open();
    const { op, checksum, parent } = entries[9]!;
    expect(world.recovered(1)).toMatchObject({ head: 10, headProven: true, corrupt: [{ op, checksum, parent }] });
  });

  it('notices a bad last record of one namespace below valid ones of others', () => {
    const { world, entries, firstAt, segment } = filled(3);
    const others = chain(1, 5);
    for (const entry of others) {
      world.store.persist(2, 'r1', { entries: [entry] }, () => undefined);
      world.disk.run();
    }
    world.disk.processCrash();
    world.disk.corrupt(segment, firstAt + 2 * batchSector + 250);
    world.open();
    const { op, checksum, parent } = entries[2]!;
    expect(world.recovered(1)).toMatchObject({ head: 3, headProven: true, corrupt: [{ op, checksum, parent }] });
    expect(world.recovered(2)).toMatchObject({ head: 5, headProven: true, corrupt: [] });
  });

  it('keeps a promise whose batch is corrupt', () => {
    const world = new World();
    world.create(1);
    world.settle();
    const before = world.store.stats().writtenBytes;
    world.store.persist(1, 'r1', { view: { epoch: 1, view: 9 }, entries: [] }, () => undefined);
    world.settle();
    world.disk.corrupt(world.segments()[0]!, before + 120);
    world.restart();
    expect(world.recovered(1)).toMatchObject({ view: { epoch: 1, view: 9 }, headProven: true });
  });

  it('with two bad batches side by side, doubts the replicas that have written nothing since, and no others', () => {
    const { world, firstAt, segment } = filled(3);
    for (const entry of chain(1, 5)) {
      world.store.persist(2, 'r1', { entries: [entry] }, () => undefined);
      world.disk.run();
    }
    world.settle();
    // The third of namespace 1, including its head, and the first of namespace 2.
    for (let at = 0; at < 2 * batchSector; at += 16) world.disk.corrupt(segment, firstAt + 2 * batchSector + at);
    world.restart();
    expect(world.recovered(1)).toMatchObject({ head: 2, headProven: false });
    // The second batch of namespace 2 names the first, which also shows that no other was lost.
    expect(world.recovered(2)).toMatchObject({ head: 5, headProven: true });
    expect(world.recovered(2).corrupt.map(({ op }) => op)).toEqual([1]);
    // A later start must not forget the doubt.
    world.settle();
    world.restart();
    expect(world.recovered(1)).toMatchObject({ headProven: false });
    expect(world.recovered(2)).toMatchObject({ head: 5, headProven: true });
    // Installing a StartView ends it.
    world.store.persist(
      1,
      'r1',
      { view: view(3), logView: view(3), truncateFrom: 1, entries: chain(1, 4) },
      () => undefined,
    );
    world.settle();
    world.restart();
    expect(world.recovered(1)).toMatchObject({ head: 4, headProven: true, corrupt: [] });
  });

  it('doubts a replica that lost what replaced its entries, although a later start still had it (found by random lives)', () => {
    const { world, entries, firstAt, segment } = filled(3);
    const others = chain(2, 3, entries[0], 100, 1);
    const view = { epoch: 1, view: 1 };
    world.store.persist(1, 'r1', { view, logView: view, truncateFrom: 2, entries: others }, () => undefined);
    world.disk.run();
    for (const entry of chain(4, 6, others[1], 100, 1)) {
      world.store.persist(1, 'r1', { entries: [entry] }, () => undefined);
      world.disk.run();
    }
    // This start reads all of it, and says so in its opening batch.
    world.restart();
    world.settle();
    expect(world.warnings()).toEqual([]);
    for (const sector of [3, 4]) world.disk.breakSector(segment, firstAt / batchSector + sector);
    for (let starts = 0; starts < 3; starts++) {
      world.restart();
      expect(world.recovered(1)).toMatchObject({ head: 3, headProven: false, logView: { epoch: 0, view: 0 } });
      expect(world.recovered(2)).toMatchObject({ headProven: true });
      world.settle();
    }
  });

  it('does not take what a start after a loss wrote for what was lost, when its opening batch is lost too (found by the simulator)', () => {
    const { world, firstAt, segment } = filled(10);
    for (const entry of chain(1, 2)) {
      world.store.persist(2, 'r1', { entries: [entry] }, () => undefined);
      world.disk.run();
    }
    world.settle();
    world.disk.processCrash();
    // The last two of namespace 1 and the first of namespace 2, which is all that the next batch repeats.
    for (const sector of [8, 9, 10]) world.disk.breakSector(segment, firstAt / batchSector + sector);
    world.open();
    expect(world.recovered(1)).toMatchObject({ head: 8, headProven: false });
    // The other one writes first. This one hears of views while it may not vote.
    world.store.persist(2, 'r1', { view: view(2), entries: [] }, () => undefined);
    world.disk.run();
    for (const number of [2, 3]) {
      world.store.persist(1, 'r1', { view: view(number), entries: [] }, () => undefined);
      world.disk.run();
    }
    world.disk.processCrash();
    // Its opening batch and the first view are gone. The next batch repeats that view, and nothing seems to be missing before it.
    for (const sector of [0, 1]) world.disk.breakSector(world.segments().at(-1)!, sector);
    for (let starts = 0; starts < 3; starts++) {
      world.open();
      expect(world.recovered(1)).toMatchObject({ headProven: false, logView: { epoch: 0, view: 0 } });
      world.settle();
      world.disk.processCrash();
    }
  });

  it('says so when the tail of the log is cut off', () => {
    const { world, firstAt, segment } = filled(10);
    world.settle();
    world.disk.processCrash();
    world.disk.cut(segment, firstAt + 5 * batchSector);
    world.open();
    expect(world.recovered(1)).toMatchObject({ head: 5, headProven: false });
    expect(world.warnings().join()).toContain('shorter than it was made');
    const { entries } = { entries: chain(1, 6) };
    world.store.persist(1, 'r1', { logView: view(1), view: view(1), truncateFrom: 1, entries }, () => undefined);
    world.settle();
    world.restart();
    expect(world.recovered(1)).toMatchObject({ head: 6, headProven: true });
  });

  it('does not forget, however often it starts, that it may have had replicas of which it knows nothing (found by the simulator)', () => {
    const { world, segment } = filled(3);
    world.settle();
    world.disk.processCrash();
    world.disk.cut(segment, 0);
    world.open();
    expect(world.store.replicas()).toEqual([]);
    for (let starts = 0; starts < 3; starts++) {
      world.settle();
      expect(world.restart().rosterProven).toBe(false);
    }
    // If it were made anew, it would start empty, and vote as if it had never acknowledged anything.
    world.create(1);
    world.settle();
    world.restart();
    expect(world.recovered(1)).toMatchObject({ head: 0, headProven: false });
  });

  it('never takes the rest of a replica that was removed, and of the next one of its name, for one log', () => {
    const steps = 5;
    // If fewer are broken, the batch after them says what the last of them held: that the next one was made.
    for (let broken = 3; broken < 2 * steps; broken++) {
      const world = new World();
      world.create(1);
      world.disk.run();
      const persist = (number: number, entries: Entry[]): void => {
        for (const entry of entries) {
          world.store.persist(1, 'r1', { view: view(number), entries: [entry] }, () => undefined);
          world.disk.run();
        }
      };
      persist(6, chain(1, steps));
      const before = wholeBatches(world.disk).length;
      world.store.removeReplica(1, 'r1', () => undefined);
      world.disk.run();
      world.create(1);
      world.disk.run();
      persist(1, chain(1, 2 * steps));
      world.settle();
      world.disk.processCrash();
      for (const { file, offset } of wholeBatches(world.disk).slice(before, before + broken))
        world.disk.breakSector(file, offset / batchSector);
      world.open();
      const { headProven, head } = world.recovered(1);
      expect({ broken, headProven, head }).toMatchObject({ broken, headProven: false });
    }
  });

  it('says so when a segment in the middle is missing', () => {
    const { world } = filled(100, 20_000);
    world.settle();
    const segments = world.segments();
    expect(segments.length).toBeGreaterThan(4);
    world.disk.processCrash();
    world.disk.lose(segments[2]!);
    world.open();
    const replica = world.recovered(1);
    expect(replica.headProven).toBe(false);
    expect(replica.head).toBeGreaterThan(10);
    expect(replica.head).toBeLessThan(60);
    // Namespace 2 had nothing in it. The manifest after the gap proves that.
    expect(world.recovered(2)).toMatchObject({ headProven: true });
    expect(world.warnings().join()).toContain('missing');
  });

  it('also says so when only opening batches follow the gap', () => {
    const { world, entries } = filled(60, 20_000);
    world.settle();
    // Each run opens where the one before it ended, and writes little: one segment holds nothing but opening batches.
    let last = entries.at(-1)!;
    for (let run = 0; run < 40; run++) {
      world.disk.processCrash();
      world.open();
      const [next] = chain(last.op + 1, last.op + 1, last, 20_000);
      world.store.persist(1, 'r1', { entries: [next!] }, () => undefined);
      world.disk.run();
      last = next!;
    }
    world.settle();
    const segments = world.segments();
    world.disk.processCrash();
    world.disk.lose(segments.at(-3)!);
    world.open();
    expect(world.recovered(1).headProven).toBe(false);
    expect(world.warnings().join()).toContain('a segment of the log is missing');
  });

  it('treats an unreadable sector as a corrupt batch', () => {
    const { world, entries, firstAt, segment } = filled(10);
    world.settle();
    world.disk.processCrash();
    world.disk.breakSector(segment, (firstAt + 6 * batchSector) / batchSector);
    world.open();
    const { op, checksum, parent } = entries[6]!;
    expect(world.recovered(1)).toMatchObject({ head: 10, headProven: true, corrupt: [{ op, checksum, parent }] });
    expect(world.store.storageOf(1, 'r1').entry(8)).toEqual(entries[7]);
  });

  it('is a new incarnation in an emptied directory', () => {
    const { world } = filled(3);
    const { incarnation } = world.store;
    world.disk.wipe();
    world.open();
    expect(world.store.formatted).toBe(true);
    expect(world.store.incarnation).not.toBe(incarnation);
    expect(world.store.replicas()).toEqual([]);
  });

  it('survives one rotten copy of its identity, and refuses to guess when both are', () => {
    const { world } = filled(3);
    const { incarnation } = world.store;
    world.disk.processCrash();
    world.disk.corrupt('store', 20);
    expect(world.open().incarnation).toBe(incarnation);
    world.disk.processCrash();
    world.disk.corrupt('store', 4096 + 20);
    expect(() => world.open()).toThrow(StoreError);
    world.disk.lose('store');
    expect(() => world.open()).toThrow(/"store" is missing/);
  });

  it('never takes the bytes of an older store, or of a value, for its own', () => {
    const { world, segment } = filled(5);
    world.settle();
    const stranger = new World({}, undefined, 99);
    stranger.create(1);
    stranger.settle();
    // The stranger's whole log as a value, on sector boundaries of its own.
    const bytes = stranger.disk.read(stranger.segments()[0]!, 0, 8 * batchSector);
    world.disk.write(segment, 100 * batchSector, [bytes], true, () => undefined);
    world.disk.run();
    world.restart();
    expect(world.recovered(1)).toMatchObject({ head: 5, headProven: true });
    expect(world.warnings()).toEqual([]);
  });
});

describe('a disk that fails', () => {
  it('ends the store with the first failed write; nothing is done after it', () => {
    const { world } = filled(3);
    world.disk.fail(new Error('input/output error'));
    let done = 0;
    world.store.persist(1, 'r1', { entries: chain(4, 4) }, () => done++);
    world.disk.run();
    world.store.persist(1, 'r1', { entries: [] }, () => done++);
    world.settle();
    expect(done).toBe(0);
    expect(world.failures.map((e) => e.message)).toEqual(['input/output error']);
  });
});

function view(number: number): { epoch: number; view: number } {
  return { epoch: 1, view: number };
}
