import { describe, expect, it } from 'vitest';
import type { CheckpointInfo } from '../../core/vr/checkpoint.ts';
import { checkpointChunkBytes } from '../../core/vr/checkpoint.ts';
import type { Entry } from '../../core/vr/entry.ts';
import type { CheckpointDraft, Snapshot } from '../../core/vr/ports.ts';
import { parseSegmentName } from '../../core/store/format.ts';
import { World, chain, configurationOf, hash } from './world.ts';

/** A snapshot of `bytes`, in pieces of odd sizes. */
function snapshotOf(bytes: Uint8Array, piece = 50_001): Snapshot {
  let at = 0;
  return {
    next: () => {
      if (at === bytes.length) return null;
      const next = bytes.subarray(at, at + piece);
      at += next.length;
      return next;
    },
  };
}

function draftAt(op: number, checksum: string): CheckpointDraft {
  return { op, checksum, timestamp: 5, configuration: configurationOf('r1'), logBytes: 10, lineage: [] };
}

function stateOf(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (i * 7 + (i >> 8)) & 255);
}

function written(world: World, op: number, checksum: string, bytes: Uint8Array): CheckpointInfo {
  let info: CheckpointInfo | null = null;
  world.store.writeCheckpoint(1, 'r1', draftAt(op, checksum), snapshotOf(bytes), (done) => (info = done));
  world.settle();
  return info!;
}

function checkpointFiles(world: World): string[] {
  return world.disk
    .list()
    .map(({ name }) => name)
    .filter((name) => name.startsWith('checkpoint-') || name.startsWith('tmp-'));
}

describe('checkpoints', () => {
  const state = stateOf(2 * checkpointChunkBytes + 1234);

  it('is written in chunks of a fixed size, named by hash, and installed by a batch', () => {
    const world = new World();
    world.create(1);
    const entries = chain(1, 10);
    world.store.persist(1, 'r1', { entries }, () => undefined);
    const info = written(world, 8, entries[7]!.checksum, state);
    expect(info.chunks).toEqual(
      [0, 1, 2].map((i) => hash.digest(state.subarray(i * checkpointChunkBytes, (i + 1) * checkpointChunkBytes))),
    );
    expect(info.size).toBe(state.length);
    expect(world.store.storageOf(1, 'r1').chunk(8, 0)).toBeNull();
    world.store.persist(1, 'r1', { checkpoint: info, entries: [], shortenTo: 6 }, () => undefined);
    world.settle();
    world.restart();
    expect(world.recovered(1)).toMatchObject({ checkpoint: info, first: 7, head: 10 });
    const storage = world.store.storageOf(1, 'r1');
    expect(storage.entry(6)).toBeNull();
    expect(storage.entry(8)).toEqual(entries[7]);
    expect(storage.chunk(8, 2)).toEqual(state.subarray(2 * checkpointChunkBytes));
  });

  it('has the same hash for the same state, whatever the pieces of its snapshot', () => {
    const world = new World();
    world.create(1);
    const hashes = new Set<string>();
    for (const piece of [1000, 65_536, 700_000]) {
      const done = (info: CheckpointInfo | null): void => void hashes.add(info!.hash);
      world.store.writeCheckpoint(1, 'r1', draftAt(5, 'd'.repeat(32)), snapshotOf(state, piece), done);
    }
    world.settle();
    expect(hashes.size).toBe(1);
  });

  it('keeps the old one until the new one is installed, and then only the new one', () => {
    const world = new World();
    world.create(1);
    const entries = chain(1, 10);
    world.store.persist(1, 'r1', { entries }, () => undefined);
    const old = written(world, 4, entries[3]!.checksum, stateOf(1000));
    world.store.persist(1, 'r1', { checkpoint: old, entries: [] }, () => undefined);
    world.settle();
    const next = written(world, 9, entries[8]!.checksum, stateOf(2000));
    expect(checkpointFiles(world)).toHaveLength(2);
    world.restart();
    expect(world.recovered(1).checkpoint).toEqual(old);
    expect(world.store.storageOf(1, 'r1').chunk(4, 0)).toEqual(stateOf(1000));
    world.store.persist(1, 'r1', { checkpoint: next, entries: [] }, () => undefined);
    world.settle();
    expect(checkpointFiles(world)).toHaveLength(1);
    world.restart();
    expect(world.recovered(1).checkpoint).toEqual(next);
  });

  it('treats a rotten chunk as missing', () => {
    const world = new World();
    world.create(1);
    const entries = chain(1, 3);
    world.store.persist(1, 'r1', { entries }, () => undefined);
    const info = written(world, 3, entries[2]!.checksum, state);
    world.store.persist(1, 'r1', { checkpoint: info, entries: [] }, () => undefined);
    world.settle();
    world.disk.corrupt(checkpointFiles(world)[0]!, checkpointChunkBytes + 77);
    const storage = world.store.storageOf(1, 'r1');
    expect(storage.chunk(3, 0)).not.toBeNull();
    expect(storage.chunk(3, 1)).toBeNull();
    expect(storage.chunk(3, 2)).not.toBeNull();
  });

  it('continues a transfer after a power cut, and replaces a log that ends below the checkpoint', () => {
    const source = new World();
    source.create(1);
    const entries = chain(1, 20);
    source.store.persist(1, 'r1', { entries }, () => undefined);
    const info = written(source, 20, entries[19]!.checksum, state);

    const world = new World({}, undefined, 5);
    world.create(1);
    world.store.persist(1, 'r1', { entries: chain(1, 3, null, 30) }, () => undefined);
    world.settle();
    const chunk = (i: number): Uint8Array => state.subarray(i * checkpointChunkBytes, (i + 1) * checkpointChunkBytes);
    let done = 0;
    world.store.stageChunk(1, 'r1', info, 0, chunk(0), () => done++);
    world.store.stageChunk(1, 'r1', info, 2, chunk(2), () => done++);
    world.disk.run();
    expect(done).toBe(2);
    world.disk.powerCut(world.random);
    world.open();
    const storage = world.store.storageOf(1, 'r1');
    expect([0, 1, 2].map((i) => storage.staged(info, i))).toEqual([true, false, true]);
    world.store.stageChunk(1, 'r1', info, 1, chunk(1), () => done++);
    world.disk.run();
    const rest = chain(21, 22, entries[19]);
    world.store.persist(1, 'r1', { checkpoint: info, entries: rest }, () => undefined);
    world.settle();
    world.restart();
    expect(world.recovered(1)).toMatchObject({ checkpoint: info, first: 21, head: 22 });
    expect(world.store.storageOf(1, 'r1').entry(3)).toBeNull();
    const read = world.store.storageOf(1, 'r1');
    expect([0, 1, 2].map((i) => hash.digest(read.chunk(20, i)!))).toEqual(info.chunks);
  });

  it('gives up a transfer for another one, and leaves none of its files', () => {
    const world = new World();
    world.create(1);
    const info = (op: number): CheckpointInfo => ({
      ...draftAt(op, 'd'.repeat(32)),
      size: 10,
      chunks: [hash.digest(stateOf(10))],
      hash: String(op).padStart(32, '0'),
    });
    world.store.stageChunk(1, 'r1', info(5), 0, stateOf(10), () => undefined);
    world.settle();
    world.store.stageChunk(1, 'r1', info(9), 0, stateOf(10), () => undefined);
    world.settle();
    expect(checkpointFiles(world)).toHaveLength(1);
    expect(world.store.storageOf(1, 'r1').staged(info(5), 0)).toBe(false);
    expect(world.store.storageOf(1, 'r1').staged(info(9), 0)).toBe(true);
  });

  it('is removed with its replica', () => {
    const world = new World();
    world.create(1);
    const info = written(world, 5, 'd'.repeat(32), state);
    world.store.persist(1, 'r1', { checkpoint: info, entries: [] }, () => undefined);
    world.store.writeCheckpoint(1, 'r1', draftAt(6, 'e'.repeat(32)), snapshotOf(state), () => undefined);
    world.store.removeReplica(1, 'r1', () => undefined);
    world.settle();
    expect(checkpointFiles(world)).toEqual([]);
    world.restart();
    expect(world.store.replicas()).toEqual([]);
  });

  it('is not removed before its replica is, when the same checkpoint is written once more meanwhile', () => {
    for (let before = 0; before < 12; before++) {
      const world = new World();
      world.create(1);
      const info = written(world, 5, 'd'.repeat(32), state);
      world.store.persist(1, 'r1', { checkpoint: info, entries: [] }, () => undefined);
      world.settle();
      world.store.writeCheckpoint(1, 'r1', draftAt(5, 'd'.repeat(32)), snapshotOf(state), () => undefined);
      world.disk.run(before);
      // The removal waits for the batch before it.
      world.store.setNodeRecord(new Uint8Array([1]), () => undefined);
      world.store.removeReplica(1, 'r1', () => undefined);
      do {
        // The process dies here. If the replica is still there, so is its checkpoint.
        const disk = world.disk.fork();
        disk.processCrash();
        const { store } = new World({}, disk, 9);
        if (store.replicas().length > 0) expect(store.storageOf(1, 'r1').chunk(5, 0)).not.toBeNull();
      } while (world.disk.run(1) > 0);
      world.restart();
      expect([world.store.replicas(), checkpointFiles(world)]).toEqual([[], []]);
    }
  });
});

/** Sixty rounds of large entries. Each has a checkpoint that replaces all but the last `kept` of them. */
function fillSegments(world: World, kept: number, after: (last: Entry, round: number) => void = () => undefined): void {
  let last: Entry | null = null;
  for (let round = 0; round < 60; round++) {
    const entries: readonly Entry[] = chain(round * 10 + 1, round * 10 + 10, last, 1500);
    last = entries.at(-1)!;
    world.store.persist(1, 'r1', { entries }, () => undefined);
    world.disk.run();
    const info = written(world, last.op, last.checksum, stateOf(100));
    world.store.persist(1, 'r1', { checkpoint: info, entries: [], shortenTo: last.op - kept }, () => undefined);
    world.settle();
    after(last, round);
  }
}

describe('the end of the log', () => {
  it('is free of segments that nothing needs, even if an idle namespace has its few entries at the beginning', () => {
    const world = new World({ segmentBytes: 64 * 1024 });
    world.create(1);
    world.create(2);
    const idle = chain(1, 5);
    world.store.persist(2, 'r1', { entries: idle }, () => undefined);
    fillSegments(world, 5);
    expect(world.segments().length).toBeLessThan(6);
    expect(world.store.stats().copiedEntries).toBeGreaterThan(0);
    world.restart();
    expect(world.recovered(2)).toMatchObject({ first: 1, head: 5, headProven: true, corrupt: [] });
    for (const entry of idle) expect(world.store.storageOf(2, 'r1').entry(entry.op)).toEqual(entry);
    expect(world.recovered(1)).toMatchObject({ first: 596, head: 600, headProven: true });
    expect(world.warnings()).toEqual([]);
  });

  it('is written into segments that nothing needs any more, and never takes their old content for its own', () => {
    const world = new World({ segmentBytes: 64 * 1024 });
    world.create(1);
    const made = new Set<string>();
    const { disk } = world;
    const create = disk.create.bind(disk);
    disk.create = (name, size, done) => {
      if (name.startsWith('log-')) made.add(name);
      create(name, size, done);
    };
    fillSegments(world, 0, ({ op }, round) => {
      // Wherever the power goes, the old content of a segment belongs to nothing.
      if (round % 7 !== 6) return;
      world.restart();
      expect(world.recovered(1)).toMatchObject({ first: op + 1, head: op, headProven: true, corrupt: [] });
    });
    const kept = world.store.stats().segmentBytes / (64 * 1024);
    expect(kept).toBeLessThan(8);
    const numbers = world.segments().map((name) => parseSegmentName(name)!.number);
    // Two dozen segments were filled, and most of them did not have to be made.
    expect(Math.max(...numbers)).toBeGreaterThan(20);
    expect(made.size).toBeLessThan(Math.max(...numbers) * 0.6);
    expect(world.warnings()).toEqual([]);
  });

  it('gives a batch that is larger than a segment a segment of its own', () => {
    const world = new World({ segmentBytes: 64 * 1024 });
    world.create(1);
    const entries = chain(1, 40, null, 10_000);
    world.store.persist(1, 'r1', { entries }, () => undefined);
    world.store.persist(1, 'r1', { entries: chain(41, 41, entries[39]) }, () => undefined);
    world.settle();
    world.restart();
    expect(world.recovered(1)).toMatchObject({ first: 1, head: 41, headProven: true, corrupt: [] });
    expect(world.store.storageOf(1, 'r1').entry(40)).toEqual(entries[39]);
  });

  it('closes once everything is durable, and gives the directory to the next', () => {
    const world = new World();
    world.create(1);
    let order = '';
    world.store.persist(1, 'r1', { entries: chain(1, 3) }, () => (order += 'durable '));
    world.store.close(() => (order += 'closed'));
    world.disk.run();
    expect(order).toBe('durable closed');
    expect(world.open().replicas()[0]).toMatchObject({ head: 3 });
    expect(() => world.open()).toThrow(/in use/);
  });
});
