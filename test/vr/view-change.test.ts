import { describe, expect, it } from 'vitest';
import type { Packet } from './world.ts';
import { World } from './world.ts';

/** The three of a group by their part: the primary, the next primary, and the third. */
function cast(world: World): { p: string; next: string; third: string } {
  const p = world.awaitPrimary();
  world.awaitAgreement();
  const at = world.names.indexOf(p);
  return { p, next: world.names[(at + 1) % 3]!, third: world.names[(at + 2) % 3]! };
}

describe('V1: a backup that lacks entries keeps what it has until the replacement is durable', () => {
  it('loses no committed op while its state transfer hangs', () => {
    const world = new World();
    const { p, next, third } = cast(world);
    world.put('x');
    world.partition([p, next], [third]);
    world.put('y');
    // The commit number of y never reaches the backup, and then the primary is gone.
    world.crash(p);
    world.route = ({ message }) => (message.kind === 'newState' || message.kind === 'startView' ? 'hold' : 'deliver');
    world.run(5000);
    expect(world.place(next).storage.durableHead).toBe(2);
    world.restart(next);
    world.restart(third);
    world.run(3000);
    expect(world.place(next).storage.durableHead).toBe(2);
    world.heal();
    world.held = [];
    world.put('z');
    world.awaitAgreement();
    expect(world.place(next).machine.values).toEqual(['x', 'y', 'z']);
    expect(world.place(third).machine.values).toEqual(['x', 'y', 'z']);
  });
});

describe('V2: log_view advances with the log, in one batch', () => {
  it('it does not advance when state is asked for', () => {
    const world = new World();
    const { p, next, third } = cast(world);
    world.partition([p, next], [third]);
    world.put('x');
    world.put('y');
    // The two go on to a newer view. The third hears of it but gets nothing of its log.
    world.crash(p);
    world.restart(p);
    world.route = ({ from, to, message }) =>
      to === third && (message.kind === 'startView' || message.kind === 'newState')
        ? 'drop'
        : [from, to].includes(third) && message.kind === 'prepare'
          ? 'drop'
          : 'deliver';
    world.put('z');
    world.run(500);
    const { view, logView, head } = world.place(third).view;
    expect(view.view).toBeGreaterThan(logView.view);
    expect(head).toBe(0);
    const leading = world.awaitPrimary();
    world.crash(leading);
    world.heal();
    world.put('after');
    world.run(300);
    expect(world.place(third).machine.values).toEqual(['x', 'y', 'z', 'after']);
  });

  it('a crash between the two leaves the old log with the old log_view', () => {
    const world = new World();
    const { p, next, third } = cast(world);
    world.partition([p, next], [third]);
    world.put('x');
    world.crash(p);
    world.restart(p);
    world.put('y');
    world.place(third).slowDisk = true;
    world.heal();
    world.run(300);
    const before = { ...world.place(third).storage.durableLogView };
    world.restart(third);
    expect(world.place(third).view.logView).toEqual(before);
    expect(world.place(third).storage.durableHead).toBe(0);
    world.place(third).slowDisk = false;
    world.awaitAgreement();
  });
});

describe('V3: an old message replaces nothing', () => {
  it('a StartView of an older view is ignored, and so is a second one of the same view', () => {
    const world = new World();
    const { p } = cast(world);
    const seen: Packet[] = [];
    world.route = (packet) => {
      if (packet.message.kind === 'startView' || packet.message.kind === 'newState') seen.push(packet);
      return 'deliver';
    };
    world.put('x');
    world.crash(p);
    world.put('y');
    world.restart(p);
    world.awaitAgreement();
    world.put('z');
    world.awaitAgreement();
    expect(seen.length).toBeGreaterThan(0);
    const heads = world.names.map((name) => world.place(name).view.head);
    for (const packet of seen) world.deliver(packet);
    world.settle();
    expect(world.names.map((name) => world.place(name).view.head)).toEqual(heads);
    world.put('more');
    world.awaitAgreement();
  });

  it('a replica whose vote was not needed may know a later commit than the primary: that is not a lie (found by histories)', () => {
    const world = new World({ voters: 5 });
    const [, p, next, , last] = world.names as [string, string, string, string, string];
    expect(world.awaitPrimary()).toBe(p);
    world.put('x');
    world.awaitAgreement();
    world.route = ({ from, to, message }) =>
      from === p && to !== last && message.kind === 'commit' ? 'drop' : 'deliver';
    world.put('y');
    world.runUntil(() => world.place(last).view.commit === 2);
    expect(world.place(next).view.commit).toBe(1);
    // The new primary begins with the votes of the others, and counts no one yet.
    world.route = ({ from, to, message: { kind } }) => {
      if (from === next && to === last && kind === 'doViewChange') return 'hold';
      if (to !== next) return 'deliver';
      return kind === 'prepareOk' || kind === 'commitOk' || (from === last && kind === 'doViewChange')
        ? 'drop'
        : 'deliver';
    };
    world.crash(p, true);
    world.runUntil(() => world.primary === next && world.place(last).view.status === 'normal');
    expect(world.place(next).view.commit).toBe(1);
    expect(world.held.length).toBeGreaterThan(0);
    let told = 0;
    const { route } = world;
    world.route = (packet) => {
      if (packet.from === last && packet.message.kind === 'startView') told = packet.message.commit;
      return route(packet);
    };
    world.deliver(world.held[0]!);
    world.settle();
    expect(told).toBe(2);
    // It counts by itself which replica holds what.
    expect(world.place(next).view.commit).toBe(1);
    world.heal();
    world.put('z');
  });

  it('the log of a replica that is in this view, and does not have its log yet, adds nothing to it', () => {
    const world = new World();
    const { p, next, third } = cast(world);
    world.put('x');
    world.awaitAgreement();
    // The old primary has an entry of its own, and the new view goes on without it.
    world.partition([p], [next, third]);
    world.propose(p, 'put mine');
    const { view } = world.place(p).view.view;
    world.runUntil(() => world.primary === next && world.place(third).view.logView.view === view + 1);
    // The third hears of an entry of the new view, cannot get it from its primary, and asks the old primary, which does
    // not have the new log.
    let told = 0;
    world.route = ({ from, to, message }) => {
      if (from === p && to === third && message.kind === 'newState') told += message.entries.length;
      if (message.kind === 'startView') return 'drop';
      return from === next && (message.kind === 'prepare' || message.kind === 'newState') ? 'drop' : 'deliver';
    };
    const theirs = world.propose(next, 'put theirs');
    world.run(3000);
    expect(told).toBeGreaterThan(0);
    expect(world.place(third).view.head).toBe(1);
    world.heal();
    world.runUntil(() => theirs.reply !== null);
    world.awaitAgreement();
    expect(world.place(p).machine.values).toEqual(['x', 'theirs']);
  });
});

describe('V4: nothing is executed twice', () => {
  it('every message ever sent arrives again, in any order, and changes nothing', () => {
    const world = new World();
    const seen: Packet[] = [];
    world.route = (packet) => {
      seen.push(packet);
      return 'deliver';
    };
    for (let i = 0; i < 10; i++) world.put(`v${i}`);
    world.crash(world.awaitPrimary());
    world.put('after');
    for (const name of world.names) if (world.place(name).replica === null) world.restart(name);
    world.awaitAgreement();
    world.heal();
    for (let i = 0; i < 3000; i++) world.deliver(world.random.pick(seen));
    world.settle();
    world.put('end');
    world.awaitAgreement();
    expect(world.place('a').machine.values.length).toBe(12);
  });
});

describe('V5: a state transfer can be abandoned', () => {
  it('its source dies, and the two that remain elect a primary', () => {
    const world = new World();
    const { p, third } = cast(world);
    world.route = ({ from, to }) => (from === third || to === third ? 'drop' : 'deliver');
    for (let i = 0; i < 5; i++) world.put(`v${i}`);
    world.route = ({ to, message }) => (to === third && message.kind === 'newState' ? 'drop' : 'deliver');
    world.run(400);
    expect(world.place(third).view.head).toBe(0);
    world.crash(p);
    world.heal();
    expect(world.put('after')).toBe('put after at 6');
  });
});

describe('V6: suspicion alone changes no view', () => {
  it('a replica that hears nothing but is heard leaves a working group alone', () => {
    const world = new World();
    const { p, third } = cast(world);
    const { view } = world.place(p).view.view;
    world.route = ({ to }) => (to === third ? 'drop' : 'deliver');
    for (let i = 0; i < 10; i++) {
      world.run(1000);
      world.put(`v${i}`);
    }
    expect(world.place(p).view.view.view).toBe(view);
    world.heal();
    world.run(1000);
    world.awaitAgreement();
    expect(world.place(p).view.view.view).toBe(view);
  });
});

describe('V7: no promise can be forgotten in a crash', () => {
  it('no PrepareOk and no DoViewChange leaves before its batch is durable', () => {
    const world = new World();
    const { p, next, third } = cast(world);
    const sent: string[] = [];
    world.route = ({ from, to, message }) => {
      if (from === next) sent.push(message.kind);
      return to === third || from === third ? 'drop' : 'deliver';
    };
    world.place(next).slowDisk = true;
    const outcome = world.propose(p, 'put x');
    world.run(50);
    expect(sent).not.toContain('prepareOk');
    expect(outcome.reply).toBeNull();
    world.crash(p);
    world.heal();
    world.route = ({ from, message }) => {
      if (from === next) sent.push(message.kind);
      return 'deliver';
    };
    world.run(2000);
    expect(sent).not.toContain('doViewChange');
    world.restart(next);
    expect(world.place(next).storage.durableHead).toBe(0);
    world.place(next).slowDisk = false;
    world.run(3000);
    expect(sent).toContain('doViewChange');
    world.restart(p);
    world.put('y');
    world.awaitAgreement();
  });

  it('a replica repeats after a crash what it said in a view before it', () => {
    const world = new World();
    const { p, third } = cast(world);
    world.put('x');
    const told = new Map<number, string[]>();
    world.route = ({ from, message }) => {
      if (from === third && message.kind === 'doViewChange') {
        const said = told.get(message.view) ?? [];
        told.set(message.view, [...said, JSON.stringify(message.log)]);
      }
      return message.kind === 'startView' ? 'drop' : 'deliver';
    };
    world.crash(p);
    world.run(2000);
    const { view } = world.place(third).view.view;
    const before = told.get(view)!.length;
    world.restart(third);
    world.run(500);
    expect(told.get(view)!.length).toBeGreaterThan(before);
    for (const said of told.values()) expect(new Set(said).size).toBe(1);
  });
});

describe('V8: a restart in the middle of a view change', () => {
  it('the replica continues the view change', () => {
    const world = new World();
    const { p, next, third } = cast(world);
    world.put('x');
    world.crash(p);
    world.route = ({ message }) => (message.kind === 'startView' ? 'drop' : 'deliver');
    world.run(2500);
    world.restart(next);
    world.restart(third);
    world.run(500);
    world.heal();
    expect(world.put('y')).toBe('put y at 2');
  });

  it('two reach a late view while the third was cut off; one dies, the third returns, and a primary is elected', () => {
    const world = new World();
    const { third } = cast(world);
    const rest = world.names.filter((name) => name !== third);
    world.partition([third], rest);
    for (let i = 0; i < 4; i++) {
      world.put(`v${i}`);
      world.restart(world.awaitPrimary());
    }
    world.put('last');
    expect(world.place(third).view.view.view).toBeLessThan(world.place(rest[0]!).view.view.view);
    world.crash(rest[0]!);
    world.heal();
    world.put('after');
    world.awaitAgreement();
    expect(world.place(third).machine.values).toEqual(['v0', 'v1', 'v2', 'v3', 'last', 'after']);
  });
});

describe('V9: a divergent tail', () => {
  it('is replaced, not extended', () => {
    const world = new World();
    const { p, next, third } = cast(world);
    world.put('x');
    world.partition([p], [next, third]);
    world.propose(p, 'put lost1');
    world.propose(p, 'put lost2');
    world.settle();
    expect(world.place(p).view.head).toBe(3);
    world.runUntil(() => world.primary !== null && world.primary !== p);
    world.put('y');
    world.heal();
    world.put('z');
    world.awaitAgreement();
    for (const name of world.names) expect(world.place(name).machine.values).toEqual(['x', 'y', 'z']);
  });
});

describe('V9: a divergent tail that ends below what the others have committed since', () => {
  it('is not extended with the entries that are fetched', () => {
    const world = new World();
    const { p, next, third } = cast(world);
    world.put('x');
    world.partition([p], [next, third]);
    for (let i = 0; i < 3; i++) world.propose(p, `put lost${i}`);
    world.settle();
    world.runUntil(() => world.primary !== null && world.primary !== p);
    for (let i = 0; i < 8; i++) world.put(`y${i}`);
    world.heal();
    world.awaitAgreement();
    expect(world.place(p).machine.values).toEqual(['x', ...Array.from({ length: 8 }, (_, i) => `y${i}`)]);
  });
});

describe('V12: a replica that lags becomes primary', () => {
  it('while only one other replica has the bodies', () => {
    const world = new World();
    const { p, next, third } = cast(world);
    world.partition([p, third], [next]);
    for (let i = 0; i < 6; i++) world.put(`v${i}`);
    world.crash(p, true);
    world.heal();
    world.runUntil(() => world.primary === next);
    world.put('after');
    world.awaitAgreement();
    expect(world.place(next).machine.values.length).toBe(7);
    expect(world.place(third).machine.values.length).toBe(7);
  });

  it('it drops entries that are certainly on no quorum', () => {
    const world = new World();
    const { p, next, third } = cast(world);
    world.partition([p], [next, third]);
    world.propose(p, 'put lost');
    world.settle();
    world.crash(p);
    world.heal();
    world.put('kept');
    world.restart(p);
    world.awaitAgreement();
    expect(world.place(p).machine.values).toEqual(['kept']);
  });
});

describe('V20: the primary crashes with entries that its disk never got', () => {
  it('it prepares no other entry at the same op of the same view', () => {
    const world = new World();
    const { p, next, third } = cast(world);
    world.place(p).slowDisk = true;
    world.route = ({ to }) => (to === third ? 'hold' : 'deliver');
    const outcome = world.propose(p, 'put x');
    world.settle();
    expect(outcome.reply).toBeNull();
    expect(world.place(next).view.head).toBe(1);
    const { view } = world.place(p).view.view;
    world.place(p).slowDisk = false;
    world.restart(p);
    expect(world.place(p).view.view.view).toBe(view + 1);
    expect(world.place(p).storage.durableHead).toBe(0);
    world.heal();
    world.put('y');
    world.release();
    world.awaitAgreement();
  });

  it('it commits without its own disk when a quorum has them', () => {
    const world = new World();
    const { p } = cast(world);
    world.place(p).slowDisk = true;
    const outcome = world.propose(p, 'put x');
    world.settle();
    expect(outcome.reply).toBe('put x at 1');
    world.crash(p);
    world.place(p).slowDisk = false;
    world.put('y');
    world.restart(p);
    world.awaitAgreement();
    expect(world.place(p).machine.values).toEqual(['x', 'y']);
  });
});

describe('V21: every mask of the six links of three replicas', () => {
  const links = ['ab', 'ba', 'ac', 'ca', 'bc', 'cb'];
  const bothWays = ['ab', 'ac', 'bc'];

  it('when two hear each other, work continues, and the views come to rest', () => {
    for (let mask = 0; mask < 64; mask++) {
      const alive = links.filter((_, bit) => (mask & (1 << bit)) !== 0);
      const pairs = bothWays.filter((pair) => alive.includes(pair) && alive.includes(pair[1]! + pair[0]!));
      if (pairs.length === 0) continue;
      const world = new World({ seed: mask + 1 });
      world.put('before');
      world.links(...alive);
      world.run(25_000);
      const views = (): number => Math.max(...world.names.map((name) => world.place(name).view.view.view));
      const settled = views();
      expect(world.put('during'), `links ${alive.join(' ')}`).toBe('put during at 2');
      world.run(10_000);
      expect(views(), `links ${alive.join(' ')}`).toBe(settled);
      world.heal();
      world.put('after');
      world.awaitAgreement();
    }
  });
});

describe('the time that a failover takes', () => {
  it('is short when the connections of the dead primary break', () => {
    for (let seed = 1; seed < 20; seed++) {
      const world = new World({ seed });
      const { p } = cast(world);
      world.crash(p, true);
      expect(world.runUntil(() => world.primary !== null)).toBeLessThan(100);
    }
  });

  it('is the suspicion time when it is only silent', () => {
    for (let seed = 1; seed < 20; seed++) {
      const world = new World({ seed });
      const { p } = cast(world);
      world.place(p).paused = true;
      expect(world.runUntil(() => world.primary !== null)).toBeLessThan(1700);
      world.resume(p);
      world.put('x');
      world.awaitAgreement();
    }
  });
});
