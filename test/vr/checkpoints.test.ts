import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

const small = { checkpointBytes: 1500 } as const;

function fill(world: World, count: number, prefix = 'v'): void {
  for (let i = 0; i < count; i++) world.put(`${prefix}${i}`);
}

describe('checkpoints', () => {
  it('are taken at the same ops with the same hash everywhere', () => {
    const world = new World(small);
    fill(world, 60);
    world.awaitAgreement();
    world.run(500);
    const views = world.names.map((name) => world.place(name).view);
    expect(views[0]!.checkpointOp).toBeGreaterThan(10);
    for (const view of views) {
      expect(view.checkpointOp).toBe(views[0]!.checkpointOp);
      expect(view.checkpointHash).toBe(views[0]!.checkpointHash);
      // A quorum has it, so the log before it is gone.
      expect(view.logFirst).toBe(view.checkpointOp + 1);
    }
  });

  it('are reported only once they are durable: a power cut takes back none that was reported (found by the simulator)', () => {
    const world = new World(small);
    const reported = new Set<string>();
    world.route = ({ message }) => {
      if (message.kind === 'commitOk' && message.checkpoint !== null) {
        const durable = world.place(message.replica).storage.recovered().checkpoint?.op ?? 0;
        expect(message.checkpoint.op).toBeLessThanOrEqual(durable);
        reported.add(message.replica);
      }
      return 'deliver';
    };
    const p = world.awaitPrimary();
    const slow = world.names.find((name) => name !== p)!;
    // Its disk takes everything that it is given, but makes it durable only now and then.
    world.place(slow).slowDisk = true;
    for (let i = 0; i < 60; i++) {
      world.put(`v${i}`);
      world.run(20);
      if (i % 6 === 5) while (world.place(slow).storage.waiting > 1) world.sync(slow);
      world.settle();
      const { storage } = world.place(slow);
      expect(world.place(slow).view.checkpointOp).toBeLessThanOrEqual(storage.recovered().checkpoint?.op ?? 0);
    }
    expect(reported.has(slow)).toBe(true);
  });

  it('let a replica start again from them', () => {
    const world = new World(small);
    fill(world, 60);
    world.awaitAgreement();
    world.run(300);
    for (const name of world.names) world.restart(name);
    world.put('after');
    world.awaitAgreement();
    expect(world.place('a').machine.values.length).toBe(61);
  });
});

describe('V10 and V24: a checkpoint is installed', () => {
  it('instead of an old, divergent log, of which nothing is applied to it', () => {
    const world = new World(small);
    fill(world, 5);
    world.awaitAgreement();
    const p = world.awaitPrimary();
    const rest = world.names.filter((name) => name !== p);
    world.partition([p], rest);
    for (let i = 0; i < 8; i++) world.propose(p, `put lost${i}`);
    world.settle();
    world.runUntil(() => world.primary !== null && world.primary !== p);
    fill(world, 60, 'w');
    world.run(300);
    expect(world.place(rest[0]!).view.logFirst).toBeGreaterThan(world.place(p).view.head);
    world.heal();
    world.awaitAgreement();
    expect(world.events(p, 'transfer').some((event) => event.by === 'checkpoint')).toBe(true);
    expect(world.place(p).machine.values.some((value) => value.startsWith('lost'))).toBe(false);
    world.restart(p);
    world.put('after');
    world.awaitAgreement();
    expect(world.place(p).machine.values.length).toBe(66);
  });

  it('across a crash in the middle of its transfer, and from another peer', () => {
    const world = new World(small);
    world.awaitAgreement();
    const p = world.awaitPrimary();
    const [next, third] = world.names.filter((name) => name !== p) as [string, string];
    world.partition([p, next], [third]);
    fill(world, 60);
    world.run(300);
    world.route = ({ message }) => (message.kind === 'chunk' ? 'drop' : 'deliver');
    world.run(2000);
    expect(world.place(third).view.head).toBe(0);
    world.restart(third);
    world.crash(p);
    world.heal();
    world.put('after');
    world.awaitAgreement();
    expect(world.place(third).machine.values.length).toBe(61);
  });

  it('on a candidate whose log ends before the logs of the others begin', () => {
    const world = new World(small);
    world.awaitAgreement();
    const p = world.awaitPrimary();
    const next = world.names[(world.names.indexOf(p) + 1) % 3]!;
    const third = world.names[(world.names.indexOf(p) + 2) % 3]!;
    world.partition([p, third], [next]);
    fill(world, 60);
    world.run(300);
    world.crash(p, true);
    world.heal();
    world.runUntil(() => world.primary === next);
    world.put('after');
    world.awaitAgreement();
    expect(world.place(next).machine.values.length).toBe(61);
  });
});

describe('V23: a replica dies for good', () => {
  it('the log still gets shorter, and a view change sends little', () => {
    const world = new World({ ...small, limits: { maxPipelineEntries: 16 } });
    world.awaitAgreement();
    const p = world.awaitPrimary();
    const dead = world.names.find((name) => name !== p)!;
    world.crash(dead);
    fill(world, 200);
    world.run(300);
    for (const name of world.names) {
      if (name === dead) continue;
      const { head, logFirst } = world.place(name).view;
      expect(head - logFirst).toBeLessThan(160);
    }
    let headers = 0;
    world.route = ({ message }) => {
      if (message.kind === 'doViewChange' || message.kind === 'startView')
        headers = Math.max(headers, message.log.checksums.length);
      return 'deliver';
    };
    world.restart(p);
    world.put('after');
    expect(headers).toBeLessThanOrEqual(16);
  });
});

describe('a state that differs', () => {
  it('takes its replica down until it is rebuilt from the state that a quorum shares', () => {
    const world = new World(small);
    const p = world.awaitPrimary();
    const other = world.names.find((name) => name !== p)!;
    world.place(other).spoilCheckpoints = ' ';
    fill(world, 50);
    world.run(200);
    world.place(other).spoilCheckpoints = '';
    expect(world.events(other, 'alarm').length).toBeGreaterThan(0);
    world.awaitAgreement();
    expect(world.place(other).view.checkpointHash).toBe(world.place(p).view.checkpointHash);
    expect(world.events(other, 'transfer').some((event) => event.by === 'checkpoint')).toBe(true);
  });

  it('steps down when it is the primary that differs', () => {
    const world = new World(small);
    const p = world.awaitPrimary();
    world.place(p).spoilCheckpoints = ' ';
    fill(world, 50);
    world.run(300);
    world.place(p).spoilCheckpoints = '';
    expect(world.events(p, 'alarm').length).toBeGreaterThan(0);
    fill(world, 3, 'after');
    world.awaitAgreement();
  });

  it('leads to another fetch when the checkpoint cannot be read back', () => {
    const world = new World(small);
    const p = world.awaitPrimary();
    const other = world.names.find((name) => name !== p)!;
    fill(world, 50);
    world.awaitAgreement();
    world.crash(other);
    world.place(other).storage.unreadableChunks.add(0);
    world.restart(other);
    expect(world.place(other).view.status).toBe('recovering');
    world.put('after');
    world.awaitAgreement();
    expect(world.place(other).machine.values.length).toBe(51);
  });

  it('does not leave its replica down when a view began meanwhile with a log that continues above its own (found by the simulator)', () => {
    const world = new World(small);
    const p = world.awaitPrimary();
    const other = world.names.find((name) => name !== p)!;
    fill(world, 50);
    world.awaitAgreement();
    world.crash(other);
    world.place(other).storage.unreadableChunks.add(0);
    const { head, view } = world.place(p).view;
    world.restart(p);
    fill(world, 60, 'meanwhile');
    world.run(1000);
    const leader = world.place(world.awaitPrimary()).view;
    expect(leader.view.view).toBeGreaterThan(view.view);
    expect(leader.logFirst).toBeGreaterThan(head);
    world.restart(other);
    expect(world.place(other).view.status).toBe('recovering');
    world.awaitAgreement();
    expect(world.place(other).machine.values.length).toBe(110);
  });
});

describe('V36: a state that is found wrong', () => {
  it('is not installed by the checkpoint that is being written of it', () => {
    const world = new World(small);
    const p = world.awaitPrimary();
    const other = world.names.find((name) => name !== p)!;
    const place = world.place(other);
    place.spoilCheckpoints = ' ';
    // It does not hear yet which state the others share.
    world.route = ({ to, message }) => (to === other && message.kind === 'commit' ? 'drop' : 'deliver');
    world.runUntil(() => {
      world.put('x');
      return place.view.checkpointOp > 0;
    });
    const bad = place.view.checkpointHash;
    // All replicas are still writing the next one.
    for (const one of world.places.values()) one.holdsCheckpoints = true;
    world.runUntil(() => {
      world.put('y');
      return place.heldCheckpoints.length > 0;
    });
    const drops: string[] = [];
    const { storage } = place;
    const drop = storage.drop.bind(storage);
    storage.drop = (info) => {
      drops.push(info.hash);
      drop(info);
    };
    world.heal();
    world.runUntil(() => world.events(other, 'alarm').length > 0);
    place.spoilCheckpoints = '';
    world.awaitAgreement();
    expect(place.view.checkpointHash).not.toBe(bad);
    expect(place.view.checkpointHash).toBe(world.place(p).view.checkpointHash);
    place.queued.push(...place.heldCheckpoints);
    world.run(500);
    expect(place.view.checkpointHash).toBe(world.place(p).view.checkpointHash);
    // What it wrote is not kept either.
    expect(drops).toEqual([...place.wrong].slice(1));
    expect(drops).toHaveLength(1);
  });

  it('is not an alarm when two of three have reported and the third decides', () => {
    const world = new World(small);
    const p = world.awaitPrimary();
    const [other, third] = world.names.filter((name) => name !== p) as [string, string];
    world.place(other).spoilCheckpoints = ' ';
    world.place(third).holdsCheckpoints = true;
    world.runUntil(() => {
      world.put('x');
      return world.place(third).heldCheckpoints.length > 0;
    });
    world.run(500);
    expect(world.place(other).view.checkpointHash).not.toBe(world.place(p).view.checkpointHash);
    expect(world.names.flatMap((name) => world.events(name, 'alarm'))).toEqual([]);
    world.place(other).spoilCheckpoints = '';
    world.place(third).holdsCheckpoints = false;
    world.place(third).queued.push(...world.place(third).heldCheckpoints);
    world.runUntil(() => world.events(other, 'alarm').length > 0);
    world.awaitAgreement();
    expect(world.names.flatMap((name) => world.events(name, 'alarm')).some(({ about }) => about === 'states')).toBe(
      false,
    );
  });

  it('is an alarm when the third never reports its state, and when all differ; it ends when a quorum agrees again', () => {
    for (const dead of [true, false]) {
      const world = new World(small);
      const p = world.awaitPrimary();
      const [other, third] = world.names.filter((name) => name !== p) as [string, string];
      world.place(other).spoilCheckpoints = ' ';
      if (dead) world.crash(third);
      else world.place(third).spoilCheckpoints = '  ';
      fill(world, 50);
      if (!dead) world.run(1000);
      else world.runUntil(() => world.events(p, 'alarm').length > 0, 20_000);
      expect(world.events(p, 'alarm').map(({ about }) => about)).toEqual(['states']);
      expect(world.events(p, 'alarmOver')).toEqual([]);
      world.place(other).spoilCheckpoints = '';
      world.place(third).spoilCheckpoints = '';
      if (dead) world.start(third);
      fill(world, 120, 'more');
      world.awaitAgreement();
      world.run(500);
      expect(world.events(p, 'alarmOver')).toHaveLength(1);
      expect(world.events(p, 'alarm')).toHaveLength(1);
    }
  });
});
