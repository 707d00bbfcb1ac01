/**
 * The replicated clock (protocol §7, "Time"). For every entry of every story and every random history, invariants.ts
 * checks that the clock never outruns the time between the making of two entries, and counts neither a pause nor a time
 * without a primary.
 */

import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

function newest(world: World, name: string): number {
  return world.place(name).machine.timestamps.at(-1)!;
}

describe('the timestamp of an entry', () => {
  it('is the time when it is made, not the time of the last tick', () => {
    const world = new World();
    const p = world.awaitPrimary();
    world.put('x');
    const before = newest(world, p);
    const at = world.now;
    // No tick comes in between.
    world.now += 7;
    world.propose(p, 'put y');
    world.settle();
    expect(newest(world, p) - before).toBe(world.now - at);
  });

  it('counts a view from when it begins, not from the tick before', () => {
    const world = new World({ voters: 1 });
    world.put('x');
    const before = newest(world, 'a');
    world.place('a').slowDisk = true;
    world.restart('a');
    // What begins the view is on its way to the disk.
    world.now += 400;
    while (world.place('a').storage.waiting > 0) world.sync('a');
    expect(world.primary).toBe('a');
    world.now += 3;
    world.place('a').slowDisk = false;
    world.propose('a', 'put y');
    world.settle();
    expect(newest(world, 'a') - before).toBe(3);
  });

  it('counts nothing until the suffix of the view is committed', () => {
    const world = new World();
    const p = world.awaitPrimary();
    world.put('x');
    const before = newest(world, p);
    world.route = ({ message }) => (message.kind === 'prepareOk' || message.kind === 'commitOk' ? 'drop' : 'deliver');
    world.propose(p, 'put y');
    world.run(100);
    world.crash(p);
    world.runUntil(() => world.primary !== null && world.primary !== p);
    const next = world.primary!;
    // It leads, but no one acknowledges the entry with which its view began.
    world.run(500);
    expect(world.primary).toBe(next);
    world.heal();
    world.put('z');
    const { timestamps } = world.place(next).machine;
    const [y, z] = timestamps.slice(-2) as [number, number];
    expect(y - before).toBeLessThanOrEqual(20);
    expect(z - y).toBeLessThan(300);
  });

  it('counts nothing while the primary has abdicated', () => {
    const world = new World();
    const p = world.awaitPrimary();
    world.put('x');
    const before = newest(world, p);
    const at = world.now;
    // The answers to its heartbeats are late.
    world.route = ({ message }) =>
      message.kind === 'commitOk' ? 'hold' : message.kind === 'startViewChange' ? 'drop' : 'deliver';
    world.runUntil(() => world.primary === null);
    world.run(500);
    world.route = ({ message }) => (message.kind === 'startViewChange' ? 'drop' : 'deliver');
    world.release();
    world.settle();
    expect(world.primary).toBe(p);
    const passed = world.now - at;
    world.propose(p, 'put y');
    world.settle();
    expect(newest(world, p) - before).toBe(passed - 500);
  });
});
