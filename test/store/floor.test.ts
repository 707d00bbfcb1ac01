/**
 * What the floor shows when a log ends too early (protocol §2, "Proof of the head"; V29), and what must not be
 * concluded from it.
 */

import { describe, expect, it } from 'vitest';
import { wholeBatches } from '../../core/sim/damage.ts';
import { sectorBytes } from '../../core/store/format.ts';
import type { Entry } from '../../core/vr/entry.ts';
import { World, chain } from './world.ts';

/** A world with one replica of namespace 1 and a record, at rest and off. The log fills several segments. */
function filled(entries = 60): { readonly world: World; readonly entries: readonly Entry[] } {
  const world = new World();
  world.store.setNodeRecord(new Uint8Array([7]), () => undefined);
  world.create(1);
  world.disk.run();
  const all = chain(1, entries, null, 20_000);
  for (const entry of all) {
    world.store.persist(1, 'r1', { entries: [entry] }, () => undefined);
    world.disk.run();
  }
  world.settle();
  world.disk.processCrash();
  return { world, entries: all };
}

/** The segments that hold something, oldest first. The others were made ahead. */
function used(world: World): string[] {
  return world.segments().filter((name) => world.disk.read(name, 0, 4).some((byte) => byte !== 0));
}

/**
 * Writes entries until so many segments hold something. It ends when the first batch of the last of them is written, and
 * before the floor says so. @returns the last entry.
 */
function fillUntil(world: World, after: Entry, segments: number): Entry {
  let last = after;
  while (used(world).length < segments) {
    const [next] = chain(last.op + 1, last.op + 1, last, 20_000);
    const batch = { durable: false };
    world.store.persist(1, 'r1', { entries: [next!] }, () => (batch.durable = true));
    while (!batch.durable && used(world).length < segments) world.disk.run(1);
    last = next!;
  }
  return last;
}

function zeroFill(world: World, name: string): void {
  const { size } = world.disk.list().find((file) => file.name === name)!;
  for (let sector = 0; sector < size / sectorBytes; sector++) world.disk.erase(name, sector);
}

describe('V29: newest segments that are gone', () => {
  const ways: readonly (readonly [string, (world: World) => void])[] = [
    ['the newest, but not the spare after it', (world) => world.disk.lose(used(world).at(-1)!)],
    [
      'the newest and the spare',
      (world) => {
        for (const name of [used(world).at(-1)!, ...world.segments().filter((one) => !used(world).includes(one))]) {
          world.disk.lose(name);
        }
      },
    ],
    [
      'the newest three and all after them',
      (world) => {
        for (const name of world.segments().slice(world.segments().indexOf(used(world).at(-3)!))) world.disk.lose(name);
      },
    ],
    ['the newest, which is all zeros', (world) => zeroFill(world, used(world).at(-1)!)],
    [
      'the newest, replaced by an older copy from before its first batch',
      (world) => {
        const name = used(world).at(-1)!;
        const { size } = world.disk.list().find((file) => file.name === name)!;
        // What it held in an earlier life: batches that name another segment.
        const other = world.disk.read(used(world)[0]!, 0, size);
        world.disk.write(name, 0, [other], true, () => undefined);
        world.disk.run();
      },
    ],
  ];
  it.each(ways)('are noticed: %s', (_how, damage) => {
    const { world } = filled();
    expect(used(world).length).toBeGreaterThan(3);
    damage(world);
    world.open();
    const replica = world.recovered(1);
    expect(replica.headProven).toBe(false);
    expect(replica.logView).toEqual({ epoch: 0, view: 0 });
    expect(replica.head).toBeLessThan(60);
    expect(replica.head).toBeGreaterThan(0);
    expect(world.store.emptied).toBe(false);
    expect(world.warnings().join()).toContain('are missing or empty');
    // No later start forgets it, and none takes its own writes for lost again.
    for (let starts = 0; starts < 3; starts++) {
      const before = world.lines.length;
      world.settle();
      world.restart();
      expect(world.recovered(1)).toMatchObject({ headProven: false, head: replica.head });
      expect(
        world.lines
          .slice(before)
          .map(({ message }) => message)
          .join(),
      ).not.toContain('are missing or empty');
      // It says again what the replica's doubt comes from.
      const told = world.lines.slice(before).find(({ message }) => message.startsWith('a replica cannot say'));
      expect(told?.facts?.['reason']).toMatch(/^the (newest segments|last segment) of the log (is|are) missing/);
    }
  });

  it('are noticed when the run that wrote the last one, and the run after it, were killed before the floor said so', () => {
    const { world, entries } = filled();
    const before = used(world).length;
    world.open();
    world.settle();
    const last = fillUntil(world, entries.at(-1)!, before + 2);
    const newest = used(world).at(-1)!;
    world.disk.processCrash();
    // After damage, a run begins a new segment. This one ends before it has written there.
    const { file, offset } = wholeBatches(world.disk).at(-2)!;
    world.disk.corrupt(file, offset + 1000);
    expect(world.open().replicas()[0]).toMatchObject({ head: last.op, headProven: true });
    const begun = (): number => new DataView(world.disk.read('floor', 0, 60).buffer).getUint32(52, true);
    for (let left = 40, before = begun(); left > 0 && begun() === before; left--) world.disk.run(1);
    world.disk.processCrash();
    world.disk.lose(newest);
    world.open();
    expect(world.recovered(1)).toMatchObject({ headProven: false });
    expect(world.warnings().join()).toContain('are missing or empty');
  });

  it('are noticed at every start until a run has judged them, however early the power goes (found by random lives)', () => {
    for (let steps = 0; steps < 12; steps++) {
      const { world, entries } = filled();
      world.open();
      world.settle();
      fillUntil(world, entries.at(-1)!, used(world).length + 1);
      world.disk.processCrash();
      world.disk.lose(used(world).at(-1)!);
      world.open();
      expect(world.recovered(1)).toMatchObject({ headProven: false });
      world.disk.run(steps);
      world.disk.powerCut(world.random);
      world.open();
      expect({ steps, proven: world.recovered(1).headProven }).toEqual({ steps, proven: false });
    }
  });

  it('that come back after more was written do not hide the loss', () => {
    const { world, entries } = filled();
    const newest = used(world).slice(-2);
    const bytes = newest.map((name) => world.disk.read(name, 0, 1 << 30));
    for (const name of newest) world.disk.lose(name);
    world.open();
    const { head } = world.recovered(1);
    const view = { epoch: 1, view: 4 };
    const other = chain(head + 1, head + 3, entries[head - 1], 50, 4);
    world.store.persist(1, 'r1', { view, logView: view, entries: other }, () => undefined);
    world.settle();
    world.disk.processCrash();
    newest.forEach((name, i) => {
      world.disk.create(name, bytes[i]!.length, () => undefined);
      world.disk.write(name, 0, [bytes[i]!], true, () => undefined);
    });
    world.disk.run();
    world.open();
    expect(world.recovered(1)).toMatchObject({ view, head: head + 3 });
    expect(world.store.storageOf(1, 'r1').entry(head + 3)).toEqual(other[2]);
  });

  it('are told from a missing spare, which held nothing', () => {
    const { world } = filled();
    const spares = world.segments().filter((name) => !used(world).includes(name));
    expect(spares.length).toBeGreaterThan(0);
    for (const name of spares) world.disk.lose(name);
    world.open();
    expect(world.recovered(1)).toMatchObject({ head: 60, headProven: true, corrupt: [] });
    expect(world.warnings()).toEqual([]);
  });

  it('notices the loss of the very last batch of a node that was stopped, with all its sectors', () => {
    const { world } = filled(10);
    world.open();
    world.settle();
    let closed = false;
    world.store.close(() => (closed = true));
    world.settle();
    expect(closed).toBe(true);
    const last = used(world).at(-1)!;
    const { size } = world.disk.list().find((file) => file.name === last)!;
    const bytes = world.disk.read(last, 0, size);
    let sector = size / sectorBytes - 1;
    while (bytes.subarray(sector * sectorBytes, (sector + 1) * sectorBytes).every((byte) => byte === 0)) sector--;
    world.disk.erase(last, sector);
    world.open();
    expect(world.recovered(1)).toMatchObject({ headProven: false });
    expect(world.warnings().join()).toContain('the end of the log is missing');
  });
});

describe('V29: a log that is gone while the identity is there', () => {
  const ways: readonly (readonly [string, (world: World) => void])[] = [
    ['removed', (world) => world.segments().forEach((name) => world.disk.lose(name))],
    ['zero-filled', (world) => world.segments().forEach((name) => zeroFill(world, name))],
    ['removed, except the spare', (world) => used(world).forEach((name) => world.disk.lose(name))],
    [
      'removed, together with the floor',
      (world) => {
        world.segments().forEach((name) => world.disk.lose(name));
        world.disk.lose('floor');
      },
    ],
  ];
  it.each(ways)('is noticed at every start: %s', (_how, damage) => {
    const { world } = filled();
    const { incarnation } = world.store;
    damage(world);
    for (let starts = 0; starts < 3; starts++) {
      world.open();
      expect(world.store).toMatchObject({ incarnation, formatted: false, emptied: true, rosterProven: false });
      expect(world.store.replicas()).toEqual([]);
      world.settle();
      world.disk.processCrash();
    }
    expect(world.warnings().join()).toMatch(/the log is gone|the file "floor" is missing/);
  });

  it('is complete again when it is put back, because nothing was written or removed in between', () => {
    const { world } = filled();
    const files = world.disk.list().map(({ name, size }) => ({ name, size, bytes: world.disk.read(name, 0, size) }));
    for (const name of world.segments()) world.disk.lose(name);
    world.open();
    world.settle();
    let closed = false;
    world.store.close(() => (closed = true));
    expect(closed).toBe(true);
    expect(world.segments()).toEqual([]);
    for (const { name, size, bytes } of files) {
      if (!name.startsWith('log-')) continue;
      world.disk.create(name, size, () => undefined);
      world.disk.write(name, 0, [bytes], true, () => undefined);
    }
    world.disk.run();
    world.open();
    expect(world.store.emptied).toBe(false);
    expect(world.recovered(1)).toMatchObject({ head: 60, headProven: true, corrupt: [] });
  });

  it('means nothing on a node without a record: it is blank, not emptied', () => {
    const world = new World();
    world.settle();
    world.disk.processCrash();
    world.segments().forEach((name) => world.disk.lose(name));
    world.open();
    expect(world.store).toMatchObject({ emptied: false, rosterProven: true });
    world.create(1);
    world.settle();
    world.restart();
    expect(world.recovered(1)).toMatchObject({ headProven: true });
  });
});

describe('the floor itself', () => {
  it('works with one rotten copy, whichever it is, and is written anew', () => {
    for (const copy of [0, 1]) {
      const { world } = filled();
      world.disk.corrupt('floor', copy * sectorBytes + 60);
      world.open();
      expect(world.recovered(1)).toMatchObject({ head: 60, headProven: true });
      world.settle();
      world.disk.processCrash();
      world.disk.corrupt('floor', (1 - copy) * sectorBytes + 60);
      world.disk.lose(used(world).at(-1)!);
      world.open();
      expect(world.recovered(1)).toMatchObject({ headProven: false });
    }
  });

  it.each([
    ['rotten in both copies', (world: World) => [0, 1].forEach((i) => world.disk.corrupt('floor', i * sectorBytes))],
    ['that cannot be read', (world: World) => [0, 1].forEach((i) => world.disk.breakSector('floor', i))],
    ['missing', (world: World) => world.disk.lose('floor')],
  ])('%s leaves every replica in doubt, and is reported', (_how, damage) => {
    const { world } = filled();
    damage(world);
    world.open();
    expect(world.recovered(1)).toMatchObject({ head: 60, headProven: false });
    expect(world.store.emptied).toBe(false);
    expect(world.warnings().join()).toContain('the file "floor" is missing or damaged in both of its copies');
    // The floor is whole again. The doubt stays until a view's log is installed.
    world.settle();
    world.restart();
    expect(world.recovered(1)).toMatchObject({ head: 60, headProven: false });
    const view = { epoch: 1, view: 1 };
    world.store.persist(1, 'r1', { view, logView: view, entries: [] }, () => undefined);
    world.settle();
    world.restart();
    expect(world.recovered(1)).toMatchObject({ head: 60, headProven: true, logView: view });
  });

  it('that belongs to another store is not believed', () => {
    const { world } = filled();
    const other = filled(20).world;
    const stranger = new World({}, other.disk, 55);
    stranger.disk.wipe();
    stranger.open();
    stranger.settle();
    const bytes = stranger.disk.read('floor', 0, 2 * sectorBytes);
    world.disk.write('floor', 0, [bytes], true, () => undefined);
    world.disk.run();
    world.open();
    expect(world.recovered(1)).toMatchObject({ headProven: false });
  });

  it('is written before a segment takes its first batch', () => {
    const { world } = filled(20);
    world.open();
    world.settle();
    const [full] = used(world).slice(-1);
    // The disk stops in the middle of everything, again and again. A batch in a new segment is never found above the
    // floor.
    let entry = chain(1, 20, null, 20_000)[19]!;
    for (let i = 0; i < 400 && used(world).at(-1) === full; i++) {
      const [next] = chain(entry.op + 1, entry.op + 1, entry, 20_000);
      entry = next!;
      world.store.persist(1, 'r1', { entries: [entry] }, () => undefined);
      world.disk.run(1);
    }
    const begun = Number(used(world).at(-1)!.slice(4, 12));
    const copies = [0, 1].map((i) =>
      new DataView(world.disk.read('floor', i * sectorBytes, 60).buffer).getUint32(52, true),
    );
    expect(copies).toEqual([begun, begun]);
  });
});

describe('two bad batches, one of which installed a view’s log (V27)', () => {
  it('leave a replica that is in no view, whatever the later parts say', () => {
    const world = new World();
    world.create(1);
    const old = chain(1, 6);
    for (const entry of old) world.store.persist(1, 'r1', { entries: [entry] }, () => undefined);
    world.settle();
    const firstAt = world.store.stats().writtenBytes;
    const view = { epoch: 1, view: 3 };
    const installed = chain(4, 8, old[2], 100, 3);
    world.store.persist(1, 'r1', { view, logView: view, truncateFrom: 4, entries: installed }, () => undefined);
    world.disk.run();
    let before = installed.at(-1)!;
    for (let op = 9; op <= 12; op++) {
      const [next] = chain(op, op, before, 100, 3);
      world.store.persist(1, 'r1', { entries: [next!] }, () => undefined);
      world.disk.run();
      before = next!;
    }
    world.settle();
    world.disk.processCrash();
    const [segment] = world.segments();
    for (const batch of [0, 1]) world.disk.breakSector(segment!, firstAt / sectorBytes + batch);
    world.open();
    const found = world.recovered(1);
    expect(found).toMatchObject({ view, logView: { epoch: 0, view: 0 }, headProven: false });
    // Nothing of the older log is kept unless a chain of checksums confirms it.
    expect(found.head).toBeLessThanOrEqual(6);
    world.settle();
    world.restart();
    expect(world.recovered(1)).toMatchObject({ logView: { epoch: 0, view: 0 }, headProven: false });
  });
});

describe('segments that another store wrote', () => {
  it('are reported as such, without advice to remove them: the file "store" may be wrong', () => {
    const { world } = filled();
    const other = new World({}, undefined, 2);
    other.settle();
    const { bytes, size } = { bytes: other.disk.read('store', 0, 1 << 20), size: other.disk.list().length };
    expect(size).toBeGreaterThan(1);
    world.disk.lose('store');
    world.disk.create('store', bytes.length, () => undefined);
    world.disk.write('store', 0, [bytes], true, () => undefined);
    world.disk.run();
    const before = world.segments();
    world.open();
    expect(world.store).toMatchObject({ emptied: true, foreign: true });
    const told = world.warnings().join('\n');
    expect(told).toContain('segments of the log were written by another store: the file "store"');
    expect(told).not.toContain('remove it when you know what it is');
    world.settle();
    expect(world.segments()).toEqual(before);
  });
});

describe('the oldest segments', () => {
  it('are not reported as removed when the missing end of the log may have freed them', () => {
    const { world } = filled();
    const [first, second] = used(world);
    for (const name of world.segments()) if (name !== second) world.disk.lose(name);
    expect(first).toBeDefined();
    world.open();
    const told = world.warnings().join('\n');
    expect(told).toContain('this node may have dropped them itself');
    expect(told).toContain('the newest segments of the log are missing');
    expect(told).not.toContain('somebody or something removed it');
    expect(world.recovered(1).headProven).toBe(false);
  });
});
