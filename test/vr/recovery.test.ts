import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

describe('V11: all replicas crash at once with entries in flight', () => {
  it.each([1, 2, 3, 5])('of %i replicas, each acknowledged entry is kept, and the group works on', (voters) => {
    for (let seed = 1; seed <= 10; seed++) {
      const world = new World({ voters, seed, limits: { maxBatchEntries: 2 } });
      const p = world.awaitPrimary();
      const outcomes = Array.from({ length: 12 }, (_, i) => world.propose(p, `put v${i}`));
      for (const place of world.places.values()) place.slowDisk = true;
      // Some of it arrives somewhere.
      for (let i = 0; i < 40; i++) {
        const packet = world.packets.shift();
        if (packet !== undefined) world.deliver(packet);
        if (world.random.chance(1, 3)) world.sync(world.random.pick(world.names));
      }
      const acknowledged = outcomes.filter((outcome) => outcome.reply !== null).length;
      for (const name of world.names) world.crash(name);
      world.packets.length = 0;
      for (const place of world.places.values()) place.slowDisk = false;
      for (const name of world.names) world.restart(name);
      world.put('after');
      world.awaitAgreement();
      const { values } = world.place('a').machine;
      expect(values.length).toBeGreaterThan(acknowledged);
      for (let i = 0; i < acknowledged; i++) expect(values).toContain(`v${i}`);
    }
  });

  it('no acknowledged entry is lost in twenty such crashes', () => {
    const world = new World();
    for (let i = 0; i < 20; i++) {
      world.put(`v${i}`);
      for (const name of world.names) world.crash(name);
      world.packets.length = 0;
      for (const name of world.names) world.restart(name);
    }
    world.put('end');
    expect(world.place(world.awaitPrimary()).machine.values.length).toBe(21);
  });
});

describe('V13: a disk rots', () => {
  it('an acknowledged entry on one disk is not lost by the view change that follows', () => {
    const world = new World();
    const p = world.awaitPrimary();
    const [next, third] = world.names.filter((name) => name !== p) as [string, string];
    world.awaitAgreement();
    world.partition([p, next], [third]);
    world.put('x');
    // The only other replica that has it cannot read it, and its holder is away.
    world.crash(next);
    world.place(next).storage.rot(1);
    world.crash(p);
    world.restart(next);
    world.heal();
    world.run(8000);
    expect(world.primary).toBeNull();
    world.restart(p);
    world.put('y');
    world.awaitAgreement();
    expect(world.place(third).machine.values).toEqual(['x', 'y']);
    expect(world.events(next, 'repaired').map((event) => event.op)).toEqual([1]);
  });

  it('a replica does not acknowledge over an entry that it cannot read', () => {
    const world = new World();
    const p = world.awaitPrimary();
    const [next, third] = world.names.filter((name) => name !== p) as [string, string];
    for (let i = 0; i < 5; i++) world.put(`v${i}`);
    world.awaitAgreement();
    world.crash(next);
    world.place(next).storage.rot(3);
    world.crash(third);
    world.route = ({ message }) => (message.kind === 'newState' ? 'drop' : 'deliver');
    world.restart(next);
    const outcome = world.propose(p, 'put held');
    world.run(800);
    expect(outcome.reply).toBeNull();
    world.heal();
    world.runUntil(() => outcome.reply !== null || outcome.error !== null);
    expect(world.events(next, 'repaired').length).toBe(1);
  });

  it('an entry that no replica dropped is repaired while the group works', () => {
    const world = new World();
    for (let i = 0; i < 20; i++) world.put(`v${i}`);
    world.awaitAgreement();
    const p = world.awaitPrimary();
    const other = world.names.find((name) => name !== p)!;
    world.crash(other);
    for (const op of [2, 3, 7, 20]) world.place(other).storage.rot(op);
    world.restart(other);
    world.put('more');
    world.awaitAgreement();
    expect(world.place(other).machine.values.length).toBe(21);
  });

  it('a lone replica says that it cannot continue, and drops nothing', () => {
    const world = new World({ voters: 1 });
    world.put('x');
    world.put('y');
    world.crash('a');
    world.place('a').storage.rot(2);
    world.restart('a');
    world.run(3000);
    expect(world.place('a').storage.durableHead).toBe(2);
    expect(world.place('a').view.commit).toBeLessThan(2);
  });

  it('a replica with a wiped disk is a stranger, and is not listened to', () => {
    const world = new World();
    const p = world.awaitPrimary();
    const other = world.names.find((name) => name !== p)!;
    world.put('x');
    world.route = (packet) => {
      if (packet.from !== other) return 'deliver';
      const message = { ...packet.message, incarnation: 'f'.repeat(32) };
      world.packets.push({ ...packet, message });
      return 'drop';
    };
    world.run(300);
    expect(
      world.place(p).replica!.dropped.get('message from a replica that the configuration does not name'),
    ).toBeGreaterThan(0);
  });
});

describe('a replica that cannot prove its head', () => {
  it('acknowledges nothing and votes for nothing until enough others told it where they stand', () => {
    const world = new World();
    const p = world.awaitPrimary();
    const other = world.names.find((name) => name !== p)!;
    for (let i = 0; i < 4; i++) world.put(`v${i}`);
    world.awaitAgreement();
    world.crash(other);
    world.place(other).storage.loseTail(3);
    const sent: string[] = [];
    world.route = ({ from, message }) => {
      if (from === other) sent.push(message.kind);
      return message.kind === 'recoveryOk' ? 'drop' : 'deliver';
    };
    world.restart(other);
    world.put('more');
    world.run(3000);
    expect(world.place(other).view.status).toBe('recovering');
    expect(sent.filter((kind) => ['prepareOk', 'doViewChange', 'commitOk'].includes(kind))).toEqual([]);
    world.heal();
    world.awaitAgreement();
    expect(world.place(other).machine.values.length).toBe(5);
  });
});

describe('a replica that has lost what it alone acknowledged', () => {
  it('counts again without it, when another entry is committed in its place (found by random histories)', () => {
    const world = new World();
    const p = world.awaitPrimary();
    const [other, third] = world.names.filter((name) => name !== p) as [string, string];
    world.put('v0');
    world.awaitAgreement();
    const { storage } = world.place(other);
    storage.keepsHistory = true;
    // Its word for op 2 is the only one: the disk of the primary never gets that entry.
    world.partition([p, other], [third]);
    world.place(p).slowDisk = true;
    const dropped = world.propose(p, 'put dropped');
    world.run(50);
    expect(storage.durableHead).toBe(2);
    world.crash(p, true);
    world.crash(other, true);
    storage.loseBatches(1);
    world.place(p).slowDisk = false;
    world.heal();
    world.restart(p, true);
    world.awaitPrimary();
    // The log that it installs is from before the other entry, and durable after it.
    world.restart(other, true);
    world.place(other).slowDisk = true;
    world.runUntil(() => world.place(other).view.logView.view > 1);
    world.put('kept');
    expect(world.place(other).view.status).toBe('recovering');
    expect(storage.durableHead).toBe(1);
    while (world.place(other).view.status === 'recovering') world.sync(other);
    expect(storage.durableHead).toBe(1);
    world.place(other).slowDisk = false;
    world.awaitAgreement();
    expect(world.place(other).machine.values).toEqual(['v0', 'kept']);
    expect(dropped.reply).toBeNull();
  });

  it('does not count again without what another one acknowledged with it', () => {
    const world = new World();
    const p = world.awaitPrimary();
    const [other, third] = world.names.filter((name) => name !== p) as [string, string];
    world.put('v0');
    world.awaitAgreement();
    const { storage } = world.place(other);
    storage.keepsHistory = true;
    world.partition([p, other], [third]);
    world.put('x');
    world.crash(p, true);
    world.crash(other, true);
    storage.loseBatches(1);
    expect(storage.durableHead).toBe(1);
    world.heal();
    world.restart(other, true);
    world.run(8000);
    expect(world.place(other).view.status).toBe('recovering');
    world.restart(p, true);
    world.awaitAgreement();
    expect(world.place(other).machine.values).toEqual(['v0', 'x']);
  });
});

describe('a learner', () => {
  it('that cannot prove its head asks where the others stand, and follows again', () => {
    const world = new World({ learners: 1 });
    for (let i = 0; i < 4; i++) world.put(`v${i}`);
    world.awaitAgreement();
    const [learner] = world.names.slice(-1) as [string];
    world.crash(learner);
    world.place(learner).storage.loseTail(3);
    world.restart(learner);
    expect(world.place(learner).view.status).toBe('recovering');
    world.put('after');
    world.awaitAgreement();
    expect(world.place(learner).view.status).toBe('normal');
    expect(world.place(learner).machine.values).toHaveLength(5);
  });
});

describe('V27: the batch that installed a view’s log is lost, and a later one repeats log_view over the older tail', () => {
  it.each([true, false])(
    'the replica is in no view until it installs one; the primary crashes afterwards: %s',
    (crashes) => {
      const world = new World();
      const p = world.awaitPrimary();
      const at = world.names.indexOf(p);
      const [next, other] = [1, 2].map((i) => world.names[(at + i) % 3]!) as [string, string];
      world.put('v0');
      world.awaitAgreement();
      const { storage } = world.place(other);
      storage.keepsHistory = true;
      world.crash(p, true);
      expect(world.awaitPrimary()).toBe(next);
      world.put('x0');
      world.put('x1');
      world.run(500);
      world.crash(other);
      storage.loseBatches(3, true);
      expect(storage.recovered()).toMatchObject({ head: 1, logView: storage.durableView, headProven: false });
      const said: string[] = [];
      world.route = ({ from, message }) => {
        if (from === other) said.push(message.kind);
        return 'deliver';
      };
      if (crashes) world.crash(next, true);
      world.restart(other);
      expect(world.place(other).view).toMatchObject({
        status: 'recovering',
        logView: { epoch: 0, view: 0 },
        applied: 0,
      });
      world.restart(p);
      if (crashes) {
        // Neither of the two has what the third acknowledged together with the replica that has lost it.
        world.run(8000);
        expect(world.primary).toBeNull();
        const counted = ['prepareOk', 'commitOk', 'doViewChange', 'startView', 'startViewChange', 'recoveryOk'];
        expect(said.filter((kind) => counted.includes(kind))).toEqual([]);
        world.restart(next);
      }
      world.put('y');
      world.awaitAgreement();
      expect(world.place(other).machine.values).toEqual(['v0', 'x0', 'x1', 'y']);
      expect(world.place(other).view).toMatchObject({ status: 'normal' });
    },
  );

  it('a learner that cannot prove its head sends no StartView', () => {
    const world = new World({ learners: 1 });
    const learner = world.names.at(-1)!;
    world.put('v0');
    world.put('v1');
    world.awaitAgreement();
    world.crash(learner);
    world.place(learner).storage.loseTail(2);
    world.route = ({ from, to, message }) =>
      to === learner && message.kind === 'startView'
        ? 'drop'
        : from === learner && message.kind === 'startView'
          ? 'hold'
          : 'deliver';
    world.restart(learner);
    world.run(1000);
    expect(world.place(learner).view).toMatchObject({ status: 'recovering', logView: { epoch: 0, view: 0 } });
    world.heal();
    world.awaitAgreement();
    expect(world.held).toEqual([]);
    expect(world.place(learner).machine.values).toEqual(['v0', 'v1']);
  });
});
