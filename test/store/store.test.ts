import { describe, expect, it } from 'vitest';
import { World, chain } from './world.ts';

describe('a store', () => {
  it('formats an empty directory and is the same store after a restart', () => {
    const world = new World();
    expect(world.store.formatted).toBe(true);
    const { incarnation } = world.store;
    world.settle();
    world.restart();
    expect(world.store.formatted).toBe(false);
    expect(world.store.incarnation).toBe(incarnation);
    expect(world.warnings()).toEqual([]);
  });

  it('gives back everything durable: record, replicas, promises and entries', () => {
    const world = new World();
    world.store.setNodeRecord(new Uint8Array([1, 2, 3]), () => undefined);
    world.create(7);
    const entries = chain(1, 20);
    let durable = 0;
    for (const entry of entries) world.store.persist(7, 'r1', { entries: [entry] }, () => durable++);
    world.store.persist(7, 'r1', { view: { epoch: 1, view: 4 }, entries: [] }, () => durable++);
    expect(world.store.storageOf(7, 'r1').entry(20)).toBe(entries[19]);
    expect(durable).toBe(0);
    world.settle();
    expect(durable).toBe(21);
    world.restart();
    expect(world.store.nodeRecord()).toEqual(new Uint8Array([1, 2, 3]));
    const replica = world.recovered(7);
    expect(replica).toMatchObject({ head: 20, first: 1, headProven: true, corrupt: [], view: { epoch: 1, view: 4 } });
    const storage = world.store.storageOf(7, 'r1');
    for (const entry of entries) expect(storage.entry(entry.op)).toEqual(entry);
    expect(storage.entry(21)).toBeNull();
    expect(world.warnings()).toEqual([]);
  });

  it('puts waiting writes into one batch, and calls back in order', () => {
    const world = new World();
    world.settle();
    world.create(1);
    world.create(2);
    world.settle();
    const before = world.store.stats().batches;
    const order: string[] = [];
    const first = chain(1, 10);
    const second = chain(1, 10);
    for (let i = 0; i < 10; i++) {
      world.store.persist(1, 'r1', { entries: [first[i]!] }, () => order.push(`a${i}`));
      world.store.persist(2, 'r1', { entries: [second[i]!] }, () => order.push(`b${i}`));
    }
    world.disk.run();
    expect(world.store.stats().batches - before).toBe(2);
    expect(order).toEqual(Array.from({ length: 10 }, (_, i) => [`a${i}`, `b${i}`]).flat());
  });

  it('uses many segments and removes those that nothing needs', () => {
    const world = new World();
    world.create(1);
    const entries = chain(1, 1000, null, 2000);
    for (let at = 0; at < entries.length; at += 20) {
      world.store.persist(1, 'r1', { entries: entries.slice(at, at + 20) }, () => undefined);
      world.disk.run();
    }
    world.settle();
    expect(world.segments().length).toBeGreaterThan(8);
    world.restart();
    expect(world.recovered(1)).toMatchObject({ head: 1000, first: 1, headProven: true, corrupt: [] });
    expect(world.store.storageOf(1, 'r1').entry(500)).toEqual(entries[499]);
    expect(world.warnings()).toEqual([]);
  });

  it('writes one batch in each turn if its host has turns, and writes at once when the turn ends', () => {
    const turns: (() => void)[] = [];
    const world = new World({ soon: (work) => turns.push(work) });
    world.create(1);
    world.create(2);
    world.disk.run();
    for (const end of turns.splice(0)) end();
    world.disk.run();
    const before = world.store.stats().batches;
    let durable = 0;
    world.store.persist(1, 'r1', { entries: chain(1, 1) }, () => durable++);
    world.store.persist(2, 'r1', { entries: chain(1, 1) }, () => durable++);
    world.disk.run();
    expect(durable).toBe(0);
    world.store.flush();
    world.disk.run();
    expect([durable, world.store.stats().batches - before]).toEqual([2, 1]);
    for (const end of turns) end();
    expect(world.store.stats().batches - before).toBe(1);
  });
});
