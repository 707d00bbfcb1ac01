import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

describe('V19: linearizable reads', () => {
  it('an idle group answers reads, at the primary and at backups', () => {
    const world = new World();
    world.put('x');
    world.awaitAgreement();
    world.run(3000);
    for (const name of world.names) {
      const read = world.read(name);
      world.settle();
      expect(read.readAt).toBe(1);
    }
    expect(world.place('a').view.head).toBe(1);
  });

  it('one round serves all reads that wait', () => {
    const world = new World();
    const p = world.awaitPrimary();
    world.awaitAgreement();
    let commits = 0;
    world.route = ({ message }) => {
      if (message.kind === 'commit') commits++;
      return 'deliver';
    };
    const reads = Array.from({ length: 100 }, () => world.read(p));
    world.settle();
    expect(reads.every((read) => read.readAt !== null)).toBe(true);
    expect(commits).toBeLessThanOrEqual(6);
  });

  it('a deposed primary that was cut off answers none', () => {
    const world = new World();
    const p = world.awaitPrimary();
    world.put('x');
    world.awaitAgreement();
    world.partition(
      [p],
      world.names.filter((name) => name !== p),
    );
    const stale = world.read(p);
    world.runUntil(() => world.primary !== null && world.primary !== p);
    world.put('y');
    const later = world.read(p);
    world.run(5000);
    expect(stale.readAt).toBeNull();
    expect(later.readAt).toBeNull();
    world.heal();
    world.runUntil(() => stale.readAt !== null && later.readAt !== null);
    expect(later.readAt).toBe(2);
  });

  it('a primary that was paused answers none with what it heard before the pause', () => {
    const world = new World();
    const p = world.awaitPrimary();
    world.put('x');
    world.awaitAgreement();
    world.place(p).paused = true;
    world.runUntil(() => world.primary !== null);
    world.put('y');
    world.route = ({ to }) => (to === p ? 'hold' : 'deliver');
    world.resume(p);
    const read = world.read(p);
    world.settle();
    expect(read.readAt).toBeNull();
    world.heal();
    world.release();
    world.runUntil(() => read.readAt !== null);
    expect(read.readAt).toBe(2);
  });

  it('an answer to an earlier round confirms no later read', () => {
    const world = new World();
    const p = world.awaitPrimary();
    world.awaitAgreement();
    world.route = ({ message }) => (message.kind === 'commitOk' ? 'hold' : 'deliver');
    world.read(p);
    world.settle();
    world.route = ({ message }) => (message.kind === 'commit' || message.kind === 'commitOk' ? 'drop' : 'deliver');
    const second = world.read(p);
    world.release();
    world.settle();
    expect(second.readAt).toBeNull();
  });

  it('a new primary answers none before the suffix of its view has committed', () => {
    const world = new World();
    const p = world.awaitPrimary();
    const [next, third] = world.names.filter((name) => name !== p) as [string, string];
    world.put('x');
    world.awaitAgreement();
    world.route = ({ message }) => (message.kind === 'prepareOk' || message.kind === 'commitOk' ? 'drop' : 'deliver');
    world.propose(p, 'put y');
    world.settle();
    world.crash(p, true);
    world.runUntil(() => world.primary !== null);
    const reads = [next, third].map((name) => world.read(name));
    world.run(300);
    expect(reads.map((read) => read.readAt)).toEqual([null, null]);
    world.heal();
    world.runUntil(() => reads.every((read) => read.readAt !== null));
    expect(reads.map((read) => read.readAt)).toEqual([2, 2]);
  });

  it('a lone replica needs no round', () => {
    const world = new World({ voters: 1 });
    world.put('x');
    expect(world.read('a').readAt).toBe(1);
  });
});

describe('reads of at least an op', () => {
  it('wait for it and no longer, and are counted while they wait', () => {
    const world = new World({ limits: { maxPendingReads: 6 } });
    world.put('x');
    world.awaitAgreement();
    expect(world.read('a', { atLeast: 0 }).readAt).toBe(1);
    expect(world.read('a', { atLeast: 1 }).readAt).toBe(1);
    const second = world.read('a', { atLeast: 2 });
    const far = world.read('a', { atLeast: 9 });
    const third = world.read('a', { atLeast: 3 });
    world.put('y');
    world.run(200);
    expect([second.readAt, third.readAt, far.readAt]).toEqual([2, null, null]);
    // There is room for three, and those that wait longest go.
    const more = [4, 5].map((atLeast) => world.read('a', { atLeast }));
    expect(far.error).toMatchObject({ code: 'Overloaded', outcome: 'definite', details: { limit: 3 } });
    for (const value of ['3', '4', '5']) world.put(value);
    world.run(200);
    expect([third.readAt, ...more.map(({ readAt }) => readAt)]).toEqual([3, 4, 5]);
  });

  it('take no room from linearizable reads', () => {
    const world = new World({ limits: { maxPendingReads: 4 } });
    const p = world.awaitPrimary();
    world.put('x');
    for (let i = 0; i < 10; i++) world.read(p, { atLeast: 99 });
    const reads = [1, 2, 3, 4].map(() => world.read(p));
    expect(world.read(p).error?.code).toBe('Overloaded');
    world.settle();
    expect(reads.map(({ readAt }) => readAt)).toEqual([1, 1, 1, 1]);
  });

  it('are found by the op that they wait for, however many others wait, and leave nothing behind', () => {
    const world = new World({ limits: { maxPendingReads: 64 } });
    const p = world.awaitPrimary();
    const reads = Array.from({ length: 20 }, (_, i) => world.read(p, { atLeast: 20 - i }));
    const tokens = [...world.outcomes.keys()].slice(-20);
    for (const i of [3, 7, 19]) world.input(p, { kind: 'abandon', token: tokens[i]! });
    for (let i = 0; i < 20; i++) world.put(String(i));
    world.settle();
    expect(reads.map(({ readAt }) => readAt !== null)).toEqual(reads.map((_, i) => ![3, 7, 19].includes(i)));
    for (const [i, { readAt }] of reads.entries()) if (readAt !== null) expect(readAt).toBe(20 - i);
  });
});

describe('abdication', () => {
  it('a primary that no quorum answers refuses what it is asked, and serves again once it is answered', () => {
    const world = new World({ voters: 2 });
    const p = world.awaitPrimary();
    world.awaitAgreement();
    world.route = () => 'drop';
    world.run(1500);
    expect(world.place(p).replica!.isPrimary).toBe(false);
    expect(world.propose(p, 'put x').error).toMatchObject({ code: 'NoPrimary', outcome: 'definite' });
    world.heal();
    world.put('y');
    world.awaitAgreement();
  });
});

describe('learners', () => {
  it('receive the log, answer local reads, and count in no quorum', () => {
    const world = new World({ learners: 2 });
    const learner = 'd';
    world.put('x');
    world.awaitAgreement();
    expect(world.read(learner, { atLeast: 1 }).readAt).toBe(1);
    const read = world.read(learner);
    world.settle();
    expect(read.readAt).toBe(1);
    const p = world.awaitPrimary();
    for (const name of ['a', 'b', 'c']) if (name !== p) world.crash(name);
    const outcome = world.propose(p, 'put y');
    world.run(5000);
    expect(outcome.reply).toBeNull();
    for (const name of ['a', 'b', 'c']) if (name !== p) world.restart(name);
    world.put('z');
    world.awaitAgreement();
  });

  it('that only the host knows follow a group of one', () => {
    const world = new World({ voters: 1, learners: 1 });
    world.put('x');
    world.awaitAgreement();
    world.crash('a');
    world.restart('a');
    world.put('y');
    world.awaitAgreement();
  });
});
