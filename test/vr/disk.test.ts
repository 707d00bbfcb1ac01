/** V33: a disk hangs, is slow, or is full, as the replicas of one group see it. */

import { describe, expect, it } from 'vitest';
import { DiskPace } from '../../core/vr/disk-pace.ts';
import type { ReplicaEvent } from '../../core/vr/ports.ts';
import { World } from './world.ts';

const suspicionMs = 1000;

function suspects(world: World, name: string): string[] {
  const events: readonly ReplicaEvent[] = world.place(name).events;
  return events.flatMap((event) => (event.kind === 'suspects' ? [event.reason] : []));
}

describe('V33: the disk of the primary hangs', () => {
  it('another leads soon, although the primary is heard, and what was acknowledged is there', () => {
    const world = new World();
    const old = world.awaitPrimary();
    world.put('x');
    world.awaitAgreement();
    world.place(old).slowDisk = true;
    const lost = world.propose(old, 'put y');
    const took = world.runUntil(() => world.primary !== null && world.primary !== old, 5 * suspicionMs);
    // It did not wait until the others suspected it, and they all moved at once.
    expect(took).toBeLessThan(2 * suspicionMs);
    expect(suspects(world, old)).toContain('its disk does not answer');
    world.put('z');
    expect(world.propose(old, 'put w').error?.code).toMatch(/^(NotPrimary|NoPrimary)$/);
    world.place(old).slowDisk = false;
    world.run(suspicionMs);
    world.awaitAgreement();
    expect(world.place(old).machine.values.filter((value) => value !== 'y')).toEqual(['x', 'z']);
    expect(lost.error === null || lost.error.outcome === 'unknown').toBe(true);
  });

  it('it commits with the others meanwhile, so that clients wait only for the change', () => {
    const world = new World();
    const old = world.awaitPrimary();
    world.put('x');
    world.place(old).slowDisk = true;
    const put = world.propose(old, 'put y');
    world.run(100);
    expect(put.reply).not.toBeNull();
  });

  it('nobody else could lead a group of one, so it goes on as soon as the disk does', () => {
    const world = new World({ voters: 1 });
    world.put('x');
    const [name] = world.names as [string];
    world.place(name).slowDisk = true;
    const put = world.propose(name, 'put y');
    world.run(5 * suspicionMs);
    expect(put.error).toBeNull();
    world.place(name).slowDisk = false;
    world.run(100);
    expect(put.reply).not.toBeNull();
    expect(suspects(world, name)).toEqual([]);
  });

  it('all disks hang, and nobody is replaced again and again', () => {
    const world = new World();
    world.awaitPrimary();
    world.put('x');
    for (const name of world.names) world.place(name).slowDisk = true;
    world.propose(world.primary!, 'put y');
    world.run(20 * suspicionMs);
    for (const name of world.names) world.place(name).slowDisk = false;
    world.put('z');
    const views = world.names.map((name) => world.place(name).view.view.view);
    expect(Math.max(...views)).toBeLessThan(10);
  });

  it('a pause of the process is no fault of its disk', () => {
    const world = new World();
    const p = world.awaitPrimary();
    world.put('x');
    world.route = () => 'drop';
    world.place(p).slowDisk = true;
    world.propose(p, 'put y');
    world.now += 5 * suspicionMs;
    world.input(p, { kind: 'tick' });
    expect(suspects(world, p)).not.toContain('its disk does not answer');
  });
});

describe('V33: the disk of a backup hangs', () => {
  it('it takes nothing more in once what waits is old, and catches up when the disk answers', () => {
    const world = new World();
    world.awaitPrimary();
    world.put('x');
    world.awaitAgreement();
    const backup = world.names.find((name) => name !== world.primary)!;
    world.place(backup).slowDisk = true;
    world.put('0');
    world.run(2.5 * suspicionMs);
    const before = world.place(backup).view.head;
    for (let i = 1; i <= 50; i++) world.put(String(i));
    world.run(suspicionMs);
    expect(world.place(backup).view.head).toBe(before);
    expect(world.place(world.primary!).view.view.view).toBe(world.place(backup).view.view.view);
    world.place(backup).slowDisk = false;
    world.run(2 * suspicionMs);
    world.awaitAgreement();
    expect(world.place(backup).machine.values).toHaveLength(52);
  });
});

describe('V33: the disk of the primary is full', () => {
  const low = (world: World, name: string, is = true): void => world.input(name, { kind: 'diskLow', low: is });

  it('it leaves the view to one that has room, and not before others have said so', () => {
    const world = new World();
    const old = world.awaitPrimary();
    world.put('x');
    world.awaitAgreement();
    const next = world.names[(world.names.indexOf(old) + 1) % 3]!;
    low(world, old);
    low(world, next);
    world.runUntil(() => world.primary !== null && ![old, next].includes(world.primary), 10 * suspicionMs);
    const { primary } = world;
    expect(suspects(world, old)).toContain('its disk has no room, and that of another has');
    world.put('y');
    world.run(5 * suspicionMs);
    expect(world.primary).toBe(primary);
  });

  it('it stays when no other has room, or when it has room again soon', () => {
    const world = new World();
    const p = world.awaitPrimary();
    world.awaitAgreement();
    for (const name of world.names) low(world, name);
    world.run(10 * suspicionMs);
    expect(world.primary).toBe(p);
    low(world, p, false);
    for (let i = 0; i < 20; i++) {
      for (const name of world.names) if (name !== p) low(world, name, false);
      low(world, p, i % 2 === 0);
      world.run(suspicionMs / 2);
    }
    expect(world.primary).toBe(p);
    expect(suspects(world, p)).toEqual([]);
  });
});

describe('how a disk keeps up', () => {
  const timing = { suspicionMs, heartbeatMs: 100, resendMs: 50 };

  it('is judged by what is usual: a disk that was always slow has not stopped', () => {
    const pace = new DiskPace(0, timing);
    let now = 0;
    const write = (ms: number): boolean => {
      let stalled = false;
      for (const end = now + ms; now < end;) {
        pace.tick((now += 10), true);
        stalled ||= pace.stalled;
      }
      pace.progressed();
      return stalled;
    };
    expect(write(1400)).toBe(false);
    expect(write(1600)).toBe(true);
    for (let i = 0; i < 20; i++) write(1400);
    expect(write(3000)).toBe(false);
    expect(write(9000)).toBe(true);
    for (let i = 0; i < 50; i++) write(10);
    expect(write(1600)).toBe(true);
  });
});
