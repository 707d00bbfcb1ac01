/**
 * A data directory in which no file can be made, renamed or removed, while those that are there can be written. What
 * is not needed yet is tried again, whatever the error is (protocol §2).
 */

import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../core/vr/entry.ts';
import type { CheckpointInfo } from '../../core/vr/checkpoint.ts';
import { Store } from '../../core/store/store.ts';
import { NodeDisk } from '../../node-server/node-disk.ts';
import { NodeRandom } from '../../node-server/node-random.ts';
import { World, chain, configurationOf, genesis, hash } from './world.ts';

const segmentBytes = 64 * 1024;
const immutable = new Error("EPERM: operation not permitted, open 'log-00000002-65536.new'");

function append(world: World, entries: Entry[], count: number): number {
  let durable = 0;
  for (let i = 0; i < count; i++) {
    const op = entries.length + 1;
    const [entry] = chain(op, op, entries.at(-1) ?? null, 8000);
    entries.push(entry!);
    world.store.persist(1, 'r1', { entries: [entry!] }, () => durable++);
    world.settle();
  }
  return durable;
}

function begun(): World {
  const world = new World({ segmentBytes });
  world.create(1);
  world.settle();
  return world;
}

describe('a store whose directory cannot be changed', () => {
  it('continues in the segment that it has, says so once, and makes the next one when it can', () => {
    const world = begun();
    const entries: Entry[] = [];
    world.disk.closeDirectory(immutable);
    // More than half of the first segment: the next one is made ahead.
    expect(append(world, entries, 4)).toBe(4);
    expect(world.failures).toEqual([]);
    expect(world.store.refusal?.message).toContain('EPERM');
    expect(world.warnings()).toEqual([
      'the disk refuses the next segment of the log, and is asked again; the log goes on',
    ]);
    world.disk.closeDirectory(null);
    for (let i = 0; i < 3; i++) world.settle();
    expect(world.store.refusal).toBeNull();
    expect(append(world, entries, 20)).toBe(20);
    world.restart();
    expect(world.recovered(1)).toMatchObject({ head: 24, headProven: true });
  });

  it('ends when the segment is needed and cannot be made, and keeps everything that was durable', () => {
    const world = begun();
    const entries: Entry[] = [];
    world.disk.closeDirectory(immutable);
    const durable = append(world, entries, 12);
    expect(durable).toBeGreaterThanOrEqual(4);
    expect(durable).toBeLessThan(12);
    expect(world.failures).toEqual([immutable]);
    world.disk.closeDirectory(null);
    world.restart();
    expect(world.recovered(1)).toMatchObject({ head: durable, headProven: true });
  });

  it.each([
    ['would be renamed, and the log waits for it', 8],
    ['would be removed', 30],
  ])('keeps segments that nothing needs, when one %s, and removes them later', (_, before) => {
    const world = begun();
    const entries: Entry[] = [];
    append(world, entries, before);
    const last = entries.at(-1)!;
    const told: (CheckpointInfo | null)[] = [];
    const draft = {
      op: last.op,
      checksum: last.checksum,
      timestamp: 1,
      configuration: configurationOf('r1'),
      logBytes: 1,
      lineage: [],
    };
    const snapshot = { next: () => null };
    world.store.writeCheckpoint(1, 'r1', draft, snapshot, (info) => told.push(info));
    world.settle();
    expect(told[0]?.checksum).not.toBe(genesis);
    const segments = world.segments().length;
    world.disk.closeDirectory(immutable);
    world.store.persist(1, 'r1', { checkpoint: told[0]!, entries: [], shortenTo: last.op }, () => undefined);
    for (let i = 0; i < 5; i++) world.settle();
    expect(world.failures).toEqual([]);
    expect(world.segments().length).toBe(segments);
    const removals = world.warnings().filter((text) => text.includes('the removal of log-00000001'));
    expect(removals).toHaveLength(segments > 2 ? 1 : 0);
    world.disk.closeDirectory(null);
    for (let i = 0; i < 5; i++) world.settle();
    expect(append(world, entries, 20)).toBe(20);
    expect(world.segments()).not.toContain('log-00000001-65536');
    world.restart();
    expect(world.recovered(1)).toMatchObject({ head: before + 20, headProven: true });
    expect(world.failures).toEqual([]);
  });
});

describe('a data directory of the file system', () => {
  it('in which one name cannot be made leaves nothing half-made, and is used when it can', async () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'haret-closed-'));
    try {
      const failures: Error[] = [];
      const store = Store.open(
        { disk: new NodeDisk(directory), hash, random: new NodeRandom(), log: { write: () => undefined } },
        { segmentBytes, now: () => Math.floor(performance.now()), onFailure: (error) => failures.push(error) },
      );
      const until = async (check: () => boolean): Promise<void> => {
        while (!check()) {
          expect(failures).toEqual([]);
          store.tick(Math.floor(performance.now()));
          await new Promise((resolve) => setImmediate(resolve));
        }
      };
      const identity = { cluster: 'c'.repeat(32), namespace: 1, replica: 'r1', node: 'n1' };
      let durable = -1;
      store.createReplica({ ...identity, incarnation: store.incarnation }, configurationOf('r1'), () => (durable = 0));
      await until(() => durable === 0);
      const inTheWay = path.join(directory, 'log-00000002-65536.new');
      fs.mkdirSync(inTheWay);
      const entries = chain(1, 24, null, 8000);
      for (const entry of entries.slice(0, 6)) {
        store.persist(1, 'r1', { entries: [entry] }, () => (durable = entry.op));
        await until(() => durable === entry.op);
      }
      await until(() => store.refusal !== null);
      expect(store.refusal?.message).toContain('EISDIR');
      fs.rmdirSync(inTheWay);
      await until(() => store.refusal === null);
      for (const entry of entries.slice(6)) store.persist(1, 'r1', { entries: [entry] }, () => (durable = entry.op));
      await until(() => durable === entries.length);
      let closed = false;
      store.close(() => (closed = true));
      await until(() => closed);
      expect(fs.readdirSync(directory).filter((name) => name.endsWith('.new'))).toEqual([]);
    } finally {
      fs.rmSync(directory, { recursive: true });
    }
  });
});
