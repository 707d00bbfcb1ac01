/** A voter that is heard and does not hear (V21): its votes come, and what only it has cannot be fetched. */

import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

describe('V21: a voter that speaks and does not hear', () => {
  it.each([5, 7])('of %i does not keep a quorum from electing (found by random histories)', (voters) => {
    const world = new World({ voters });
    const mouth = world.awaitPrimary();
    world.put('before');
    world.awaitAgreement();
    const names = world.names.filter((name) => name !== mouth);
    const [ear] = names.slice(-1) as [string];
    const quorum = names.slice(0, Math.floor(voters / 2) + 1);
    // Only these two ever have it, so it is not committed.
    world.partition([mouth, ear], quorum);
    const nowhere = world.propose(mouth, 'put nowhere');
    world.run(100);
    expect([mouth, ear].map((name) => world.place(name).storage.durableHead)).toEqual([2, 2]);
    expect(nowhere.reply).toBeNull();
    for (const name of names) if (name !== ear && !quorum.includes(name)) world.crash(name);
    // One hears the quorum and tells only the other one, which tells the quorum and does not hear it. Whatever the
    // quorum says of its logs, it has the votes of that one first.
    world.route = ({ from, to, message }) => {
      if (quorum.includes(from) && quorum.includes(to)) return message.kind === 'doViewChange' ? 'hold' : 'deliver';
      return to === ear || from === mouth || (from === ear && to === mouth) ? 'deliver' : 'drop';
    };
    world.packets.length = 0;
    world.runUntil(() => {
      if (world.now % 100 === 0) world.release();
      return quorum.some((name) => world.place(name).replica?.isPrimary === true);
    }, 10_000);
    world.heal();
    world.put('after');
    for (const name of names) if (world.place(name).replica === null) world.restart(name);
    world.awaitAgreement();
    expect(world.place(mouth).machine.values).toEqual(['before', 'after']);
  });
});
