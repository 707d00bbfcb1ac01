/**
 * A backup that is cut off only from its primary follows through replicas that hear the primary (V35, protocol §9.9).
 */

import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

function cast(world: World): { p: string; near: string; cut: string } {
  const p = world.awaitPrimary();
  world.awaitAgreement();
  const [near, cut] = world.names.filter((name) => name !== p);
  return { p, near: near!, cut: cut! };
}

describe('V35: primary and backup are cut off from each other, and a third reaches both', () => {
  it('the log of the backup grows in the same view, and the backup knows that it is in touch', () => {
    const world = new World();
    const { p, near, cut } = cast(world);
    world.put('before');
    const { view } = world.place(p).view;
    world.links(`${p}${near}`, `${near}${p}`, `${near}${cut}`, `${cut}${near}`);
    world.run(3000);
    const values = ['before'];
    for (let i = 0; i < 5; i++) {
      world.put(`behind${i}`);
      values.push(`behind${i}`);
      world.run(300);
      expect(world.place(cut).machine.values).toEqual(values);
      expect(world.place(cut).replica?.inTouch).toBe(true);
    }
    expect(world.place(p).view.view).toEqual(view);
    expect(world.place(p).view.isPrimary).toBe(true);
  });

  it('the backup follows even from far behind, when a checkpoint replaces the entries that it lacks (found by the simulator)', () => {
    const world = new World({ checkpointBytes: 1500 });
    const { p, near, cut } = cast(world);
    world.links(`${p}${near}`, `${near}${p}`);
    const values = Array.from({ length: 60 }, (_, i) => `behind${i}`);
    for (const value of values) world.put(value);
    world.run(2000);
    expect(world.place(near).view.logFirst).toBeGreaterThan(world.place(cut).view.head + 1);
    world.links(`${p}${near}`, `${near}${p}`, `${near}${cut}`, `${cut}${near}`);
    world.run(4000);
    expect(world.place(cut).machine.values).toEqual(values);
    expect(world.place(cut).replica?.inTouch).toBe(true);
  });

  it('no two backups keep a dead primary alive by telling each other of it', () => {
    const world = new World({ voters: 5 });
    const p = world.awaitPrimary();
    world.awaitAgreement();
    world.put('x');
    // Two of five reach each other and no other replica: no quorum, and no way to one.
    const [one, other] = world.names.filter((name) => name !== p);
    world.partition(
      [one!, other!],
      world.names.filter((name) => name !== one && name !== other),
    );
    world.run(4000);
    expect(world.place(one!).replica?.inTouch).toBe(false);
    expect(world.place(other!).replica?.inTouch).toBe(false);
    expect(world.place(p).replica?.inTouch).toBe(true);
    world.heal();
    world.run(3000);
    expect(world.place(one!).replica?.inTouch).toBe(true);
  });

  it('a primary that is cut off from all is in touch with no replica', () => {
    const world = new World();
    const { p } = cast(world);
    world.partition(
      [p],
      world.names.filter((name) => name !== p),
    );
    world.run(2000);
    expect(world.place(p).replica?.inTouch).toBe(false);
  });

  it('a learner that hears nothing from its primary follows through the backups', () => {
    const world = new World({ learners: 1 });
    const { p, near, cut } = cast(world);
    const learner = world.names.find((name) => ![p, near, cut].includes(name)) ?? 'd';
    world.links(
      ...[p, near, cut].flatMap((a) => [p, near, cut].filter((b) => b !== a).map((b) => `${a}${b}`)),
      `${near}${learner}`,
      `${learner}${near}`,
    );
    world.run(3000);
    world.put('x');
    world.run(1500);
    expect(world.place(learner).machine.values).toEqual(['x']);
    expect(world.place(learner).replica?.inTouch).toBe(true);
  });
});
