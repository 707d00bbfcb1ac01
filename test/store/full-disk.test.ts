/**
 * V33: a full disk ends no store. What is not needed yet is given up, the log goes on in what it has, and new room is
 * used.
 */

import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { NodeRandom } from '../../node-server/node-random.ts';
import { NodeDisk } from '../../node-server/node-disk.ts';
import { DiskFull } from '../../core/base/disk-full.ts';
import { Store } from '../../core/store/store.ts';
import type { CheckpointInfo } from '../../core/vr/checkpoint.ts';
import type { Entry } from '../../core/vr/entry.ts';
import type { CheckpointDraft, Snapshot } from '../../core/vr/ports.ts';
import { MemoryDisk } from '../../core/store/memory-disk.ts';
import { World, chain, configurationOf, genesis, hash } from './world.ts';

const segmentBytes = 64 * 1024;

function draft(entry: Entry | undefined): CheckpointDraft {
  return {
    op: entry?.op ?? 5,
    checksum: entry?.checksum ?? genesis,
    timestamp: 1,
    configuration: configurationOf('r1'),
    logBytes: 1,
    lineage: [],
  };
}

function snapshotOf(bytes: number): Snapshot {
  let left = bytes;
  return {
    next: (most) => {
      if (left === 0) return null;
      const piece = new Uint8Array(Math.min(most, left)).fill(7);
      left -= piece.length;
      return piece;
    },
  };
}

/** Appends entries until the log finds no room for its next segment, and records which are durable. */
function fill(world: World, durable: number[], from: readonly Entry[], count: number): Entry[] {
  const entries = [...from];
  for (let i = 0; i < count; i++) {
    const op = entries.length + 1;
    const [entry] = chain(op, op, entries.at(-1) ?? null, 8000);
    entries.push(entry!);
    world.store.persist(1, 'r1', { entries: [entry!] }, () => durable.push(op));
    world.settle();
    if (world.store.refusal !== null && durable.at(-1) !== op) break;
  }
  return entries;
}

function temporaries(world: World): string[] {
  return world.disk
    .list()
    .map(({ name }) => name)
    .filter((name) => name.startsWith('tmp-') || name.startsWith('checkpoint-'));
}

describe('a store whose disk is full', () => {
  it('gives up the checkpoint that it is writing, at every step, and removes what it wrote of it', () => {
    for (const left of [0, 100_000, 300_000, 900_000]) {
      const world = new World({ segmentBytes });
      world.create(1);
      world.settle();
      world.disk.leave(left);
      const told: (CheckpointInfo | null)[] = [];
      world.store.writeCheckpoint(1, 'r1', draft(undefined), snapshotOf(1_000_000), (info) => told.push(info));
      world.settle();
      expect(told).toEqual([null]);
      expect(temporaries(world)).toEqual([]);
      expect(world.disk.free()).toBe(left);
      expect(world.failures).toEqual([]);
      expect(world.warnings()).toContainEqual(expect.stringContaining('a checkpoint could not be written'));
      // There is room now, so the next one is written.
      world.disk.leave(10_000_000);
      world.store.writeCheckpoint(1, 'r1', draft(undefined), snapshotOf(1_000_000), (info) => told.push(info));
      world.settle();
      expect(told[1]?.size).toBe(1_000_000);
    }
  });

  it('gives up the checkpoint that it is fetching, and removes it', () => {
    const world = new World({ segmentBytes });
    world.create(1);
    world.settle();
    const told: CheckpointInfo[] = [];
    const state = snapshotOf(1_000_000);
    world.store.writeCheckpoint(1, 'r1', draft(undefined), state, (info) => told.push(info!));
    world.settle();
    const [info] = told;
    const chunks = info!.chunks.map((_, index) => {
      const size = Math.min(256 * 1024, info!.size - index * 256 * 1024);
      return new Uint8Array(size).fill(7);
    });
    const other = new World({ segmentBytes });
    other.create(1);
    other.settle();
    other.disk.leave(600_000);
    const kept: boolean[] = [];
    chunks.forEach((bytes, index) => {
      other.store.stageChunk(1, 'r1', info!, index, bytes, (staged) => kept.push(staged));
    });
    other.settle();
    expect(kept).toContain(false);
    expect(other.failures).toEqual([]);
    expect(temporaries(other)).toEqual([]);
    other.disk.leave(10_000_000);
    kept.length = 0;
    chunks.forEach((bytes, index) => {
      other.store.stageChunk(1, 'r1', info!, index, bytes, (staged) => kept.push(staged));
    });
    other.settle();
    expect(kept).toEqual(chunks.map(() => true));
    expect(chunks.every((_, index) => other.store.storageOf(1, 'r1').staged(info!, index))).toBe(true);
  });

  it('waits for room for the next segment, says so, can be restarted, and continues when there is room', () => {
    const world = new World({ segmentBytes });
    world.create(1);
    world.settle();
    world.disk.leave(2 * segmentBytes);
    const durable: number[] = [];
    let entries = fill(world, durable, [], 100);
    expect(world.store.refusal).toBeInstanceOf(DiskFull);
    expect(durable.length).toBeGreaterThan(10);
    expect(durable.length).toBe(entries.length - 1);
    expect(world.failures).toEqual([]);
    // A restart without a single free byte. Everything that was durable is there.
    world.disk.leave(0);
    world.restart();
    world.settle();
    expect(world.failures).toEqual([]);
    expect(world.recovered(1).head).toBe(durable.length);
    expect(world.recovered(1).headProven).toBe(true);
    expect(world.warnings()).toEqual([]);
    entries = fill(world, durable, entries.slice(0, durable.length), 1);
    expect(world.store.refusal).toBeInstanceOf(DiskFull);
    world.disk.leave(10 * segmentBytes);
    for (let i = 0; i < 3; i++) world.settle();
    expect(world.store.refusal).toBeNull();
    expect(durable.at(-1)).toBe(entries.length);
    fill(world, durable, entries, 20);
    expect(durable.at(-1)).toBe(entries.length + 20);
    world.restart();
    expect(world.recovered(1).head).toBe(entries.length + 20);
    expect(world.warnings()).toEqual([]);
  });

  it('begins once there is room for its floor and its identity (found by the simulator)', () => {
    const disk = new MemoryDisk();
    disk.leave(100);
    const world = new World({ segmentBytes }, disk);
    let made = false;
    world.store.createReplica(world.identity(1), configurationOf('r1'), () => (made = true));
    // No room at all, then room for one of the two.
    for (const left of [100, 10_000]) {
      disk.leave(left);
      for (let i = 0; i < 5; i++) world.settle();
      expect(world.failures).toEqual([]);
      expect(world.store.refusal).toBeInstanceOf(DiskFull);
      expect(made).toBe(false);
    }
    disk.leave(10_000_000);
    for (let i = 0; i < 5; i++) world.settle();
    expect(world.failures).toEqual([]);
    expect(world.store.refusal).toBeNull();
    expect(made).toBe(true);
    world.restart();
    expect(world.recovered(1).headProven).toBe(true);
  });

  it('continues in segments that a checkpoint frees', () => {
    const world = new World({ segmentBytes });
    world.create(1);
    world.settle();
    world.disk.leave(4 * segmentBytes);
    const durable: number[] = [];
    const entries = fill(world, durable, [], 100);
    const last = entries[durable.length - 3]!;
    world.disk.leave(50_000);
    const told: (CheckpointInfo | null)[] = [];
    world.store.writeCheckpoint(1, 'r1', draft(last), snapshotOf(10_000), (info) => told.push(info));
    world.settle();
    const checkpoint = told[0]!;
    expect(checkpoint.size).toBe(10_000);
    // The checkpoint's own batch waits too, after what the log already waits with. Only room can help now, and a little
    // does.
    world.store.persist(1, 'r1', { checkpoint, entries: [], shortenTo: last.op }, () => undefined);
    world.disk.leave(segmentBytes);
    for (let i = 0; i < 3; i++) world.settle();
    expect(durable.at(-1)).toBe(entries.length);
    world.disk.leave(0);
    fill(world, durable, entries, 12);
    expect(durable.at(-1)).toBe(entries.length + 12);
    expect(world.failures).toEqual([]);
  });

  it('keeps room for a checkpoint of each state that grew, and for the largest beside its old one', () => {
    const world = new World({ segmentBytes });
    world.create(1);
    world.create(2);
    world.settle();
    const sizes = [
      { namespaceId: 1, replicaName: 'r1', machine: { size: () => 10_000_000 } },
      { namespaceId: 2, replicaName: 'r1', machine: { size: () => 1_000_000 } },
    ];
    expect(world.store.roomFor(sizes)).toBeGreaterThan(2 * 10_000_000 + 1_000_000);
    expect(world.store.roomFor([])).toBe(2 * segmentBytes);
  });
});

const mounted = fs.mkdtempSync(path.join(os.tmpdir(), 'haret-full-'));
function mounts(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mounted], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('a data directory on a file system that is full (needs root, for a tmpfs)', () => {
  const may = mounts();
  if (may) execFileSync('umount', [mounted]);

  it.skipIf(!may)(
    'is locked, written while there is room, opened again, and continues when there is room again',
    async () => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mounted]);
      try {
        const directory = path.join(mounted, 'data');
        const ballast = path.join(mounted, 'ballast');
        // This belongs to another user of the disk, who gives it back in the end.
        fs.writeFileSync(ballast, new Uint8Array(400_000));
        let failures: Error[] = [];
        const log = { write: () => undefined };
        let disk = new NodeDisk(directory);
        const open = (): Store => {
          // Errors of an earlier life do not matter here.
          const mine: Error[] = [];
          failures = mine;
          return Store.open(
            { disk, hash, random: new NodeRandom(), log },
            { segmentBytes, now: () => Math.floor(performance.now()), onFailure: (error) => mine.push(error) },
          );
        };
        let store = open();
        const until = async (check: () => boolean): Promise<void> => {
          while (!check()) {
            expect(failures).toEqual([]);
            store.tick(Math.floor(performance.now()));
            await new Promise((resolve) => setImmediate(resolve));
          }
        };
        const identity = { cluster: 'c'.repeat(32), namespace: 1, replica: 'r1', node: 'n1' };
        let made = false;
        store.createReplica(
          { ...identity, incarnation: store.incarnation },
          configurationOf('r1'),
          () => (made = true),
        );
        await until(() => made);
        const entries: Entry[] = [];
        let durable = 0;
        const append = (): void => {
          const op = entries.length + 1;
          const [entry] = chain(op, op, entries.at(-1) ?? null, 8000);
          entries.push(entry!);
          store.persist(1, 'r1', { entries: [entry!] }, () => (durable = op));
        };
        while (store.refusal === null) {
          append();
          await until(() => durable === entries.length || store.refusal !== null);
        }
        // The rest of the room goes too, to the last byte.
        const file = fs.openSync(ballast, 'a');
        try {
          for (;;) fs.writeSync(file, new Uint8Array(4096));
        } catch (error) {
          expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
        }
        fs.closeSync(file);
        let told: CheckpointInfo | null | undefined;
        store.writeCheckpoint(1, 'r1', draft(entries[2]), snapshotOf(200_000), (info) => (told = info));
        await until(() => told !== undefined);
        expect(told).toBeNull();
        // The half is removed.
        await until(() => !fs.readdirSync(directory).some((name) => /^tmp-|\.new$/.test(name)));
        // The log takes what its segments can hold.
        do {
          append();
          const at = performance.now();
          await until(() => durable === entries.length || performance.now() - at > 1000);
        } while (durable === entries.length);
        expect(store.refusal).toBeInstanceOf(DiskFull);
        // A store that waits for room does not close. Its process ends, and another one begins.
        const before = durable;
        // What a process does to files ends with it. Here it is waited for: a file that is being made is given up.
        while (!disk.idle) await new Promise((resolve) => setImmediate(resolve));
        disk.unlock();
        disk = new NodeDisk(directory);
        store = open();
        expect(store.replicas()[0]).toMatchObject({ headProven: true, corrupt: [] });
        expect(store.replicas()[0]!.head).toBeGreaterThanOrEqual(before);
        entries.length = store.replicas()[0]!.head;
        durable = entries.length;
        append();
        fs.rmSync(ballast);
        await until(() => durable === entries.length);
        let closed = false;
        store.close(() => (closed = true));
        await until(() => closed);
      } finally {
        execFileSync('umount', ['-l', mounted]);
      }
    },
  );
});
