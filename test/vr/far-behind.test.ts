/** V34: a replica that lacks more than it stages at once, and views that change while it fetches. */

import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

/** `third` misses a view and `count` entries; it comes back out of its view, far behind. */
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
  it('takes what is committed into its log on the way, and keeps it over a crash', () => {
    const { world, third } = behind(40);
    const place = world.place(third);
    const had = place.view.head;
    let answers = 0;
    world.route = ({ to, message }) =>
      to === third && message.kind === 'newState' && ++answers > 15 ? 'drop' : 'deliver';
    world.runUntil(() => answers > 15);
    expect(place.storage.durableHead).toBeGreaterThan(had + 10);
    // It is in no newer view for that.
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

  it('goes on when the view changes at any step, also when the group needs it', () => {
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

  it('takes a checkpoint and what comes after it, more than a stage, with views that change meanwhile', () => {
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

  it('says so when nobody sends what it lacks, and that it is over when somebody does', () => {
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
