/** V34: a replica that lacks more than it stages at once, and views that change while it fetches. */

import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

/** `third` misses a view and `count` entries. It comes back outside its view, far behind. */
function behind(count: number, options: ConstructorParameters<typeof World>[0] = {}): { world: World; third: string } {
  const world = new World({ stageBytes: 1, ...options });
  const p = world.awaitPrimary();
  world.put('first');
  world.awaitAgreement();
  const third = world.names.find((name) => name !== p)!;
  world.partition(
    world.names.filter((name) => name !== third),
    [third],
  );
  for (let i = 0; i < count / 2; i++) world.put(`before${i}`);
  world.restart(p);
  for (let i = 0; i < count / 2; i++) world.put(`after${i}`);
  world.run(500);
  return { world, third };
}

describe('V34: a replica that is further behind than it stages', () => {
  it('adds committed entries to its log on the way, and keeps them through a crash', () => {
    const { world, third } = behind(40);
    const place = world.place(third);
    const had = place.view.head;
    let answers = 0;
    world.route = ({ to, message }) =>
      to === third && message.kind === 'newState' && ++answers > 15 ? 'drop' : 'deliver';
    world.runUntil(() => answers > 15);
    expect(place.storage.durableHead).toBeGreaterThan(had + 10);
    // This does not bring it into a newer view.
    expect(place.view.logView.view).toBeLessThan(place.view.view.view);
    expect(place.view.commit).toBeGreaterThan(had + 10);
    const kept = place.storage.durableHead;
    let lowest = Infinity;
    world.route = ({ from, message }) => {
      if (from === third && message.kind === 'getState') lowest = Math.min(lowest, message.from);
      return 'deliver';
    };
    world.restart(third);
    world.put('late');
    world.awaitAgreement();
    expect(lowest).toBeGreaterThanOrEqual(kept);
    expect(place.machine.values).toHaveLength(42);
  });

  it('votes with only the durable part of the entries that it took', () => {
    const { world, third } = behind(40);
    const place = world.place(third);
    place.slowDisk = true;
    const votes: number[] = [];
    let answers = 0;
    world.route = ({ from, to, message }) => {
      if (from === third && message.kind === 'doViewChange') votes.push(message.log.head - place.storage.durableHead);
      return to === third && message.kind === 'newState' && ++answers > 15 ? 'drop' : 'deliver';
    };
    // The view that it enters is not durable yet when the first of what it lacks is handed to the disk after it.
    world.runUntil(() => answers > 15);
    expect(place.storage.waiting).toBeGreaterThan(10);
    while (place.storage.waiting > 0) {
      world.sync(third);
      world.run(100);
    }
    expect(votes.length).toBeGreaterThan(0);
    expect(new Set(votes)).toEqual(new Set([0]));
    place.slowDisk = false;
    world.heal();
    world.awaitAgreement();
  });

  it('serves the entries that it took, even when it has forgotten that they are committed', () => {
    const { world, third } = behind(40);
    const leader = world.primary!;
    const second = world.names.find((name) => name !== leader && name !== third)!;
    const had = world.place(third).view.head;
    let answers = 0;
    world.route = ({ to, message }) =>
      to === third && message.kind === 'newState' && ++answers > 30 ? 'drop' : 'deliver';
    world.runUntil(() => answers > 30);
    world.restart(third);
    expect(world.place(third).view.logView.view).toBeLessThan(world.place(leader).view.view.view);
    world.crash(second);
    const { storage } = world.place(second);
    const lost = world.place(third).storage.durableHead;
    expect(lost).toBeGreaterThan(had + 20);
    storage.rot(lost);
    // Only the replica that is far behind can be asked.
    world.route = ({ from, to, message }) =>
      message.kind === 'newState' && (to === third || from === leader) ? 'drop' : 'deliver';
    world.start(second);
    world.runUntil(() => !storage.isRotten(lost));
    expect(world.events(second, 'repaired')).toEqual([{ kind: 'repaired', op: lost }]);
    world.heal();
    world.awaitAgreement();
  });

  it('continues when the view changes at any step, even when the group needs it', () => {
    for (let step = 0; step < 14; step++) {
      const { world, third } = behind(10, { seed: step + 1 });
      const leader = world.primary!;
      let answers = 0;
      let changed = false;
      world.route = ({ to, message }) => {
        if (to === third && message.kind === 'newState' && answers++ === step) changed = true;
        return 'deliver';
      };
      world.runUntil(() => changed || world.place(third).view.head === world.place(leader).view.head);
      // Two of three go on, and one of them is behind.
      if (step % 2 === 0) world.crash(leader, true);
      else world.restart(leader);
      world.put('late');
      if (step % 2 === 0) world.start(leader);
      world.awaitAgreement();
      expect(world.place(third).machine.values).toHaveLength(12);
    }
  });

  it('takes a checkpoint and more than a stage of entries after it, while views change', () => {
    for (let step = 0; step < 6; step++) {
      const { world, third } = behind(60, { checkpointBytes: 1500, seed: step + 1 });
      const leader = world.primary!;
      expect(world.place(leader).view.logFirst).toBeGreaterThan(world.place(third).view.head + 1);
      let answers = 0;
      let changed = false;
      world.route = ({ to, message }) => {
        if (to === third && (message.kind === 'newState' || message.kind === 'chunk') && answers++ === step)
          changed = true;
        return 'deliver';
      };
      world.runUntil(() => changed);
      world.restart(leader);
      world.put('late');
      world.awaitAgreement();
      expect(world.place(third).machine.values).toHaveLength(62);
    }
  });

  it('reports that no replica sends the entries that it lacks, and the end of this', () => {
    const { world, third } = behind(10);
    world.route = ({ to, message }) => (to === third && message.kind === 'newState' ? 'drop' : 'deliver');
    world.run(20_000);
    expect(world.events(third, 'alarm')).toEqual([]);
    world.run(20_000);
    expect(world.events(third, 'alarm').map(({ about }) => about)).toEqual(['transfer']);
    expect(world.events(third, 'alarm')[0]!.reason).toMatch(/^it lacks entry \d+ and what comes after it/);
    world.heal();
    world.put('late');
    world.awaitAgreement();
    expect(world.events(third, 'alarmOver')).toEqual([{ kind: 'alarmOver', about: 'transfer' }]);
  });
});
