/** The shares of connections: who has used up his own does not use up that of others, and only who takes nothing is closed (V32). */

import { beforeEach, describe, expect, it } from 'vitest';
import type { Link } from '../../core/base/ports.ts';
import { Flow, Traffic } from '../../core/cluster/clients/traffic.ts';

const kibi = 1024;
const mebi = 1024 * kibi;
const patienceMs = 5000;
const tickMs = 10;

/** A link that counts as a socket does: a write is buffered until all of it has left. */
class CountingLink implements Link {
  paused = false;
  bytes = 0;
  left = 0;

  send(): void {
    // Bytes are counted by the test.
  }

  close(): void {
    // As above.
  }

  buffered(): number {
    return this.bytes;
  }

  taken(): number {
    return this.left;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }
}

interface Connection {
  readonly flow: Flow;
  readonly link: CountingLink;
  readonly closed: () => boolean;
  /** Bytes are written, and the turn ends. */
  readonly write: (bytes: number) => void;
}

let nowMs: number;
let tired: boolean;
let exhausted: boolean;
let traffic: Traffic;

beforeEach(() => {
  nowMs = 0;
  tired = false;
  exhausted = false;
  traffic = new Traffic(patienceMs, {
    get ticks() {
      return nowMs / tickMs;
    },
    spend: () => undefined,
    get tired() {
      return tired || exhausted;
    },
    get exhausted() {
      return exhausted;
    },
  });
});

function connect(): Connection {
  const link = new CountingLink();
  let closed = false;
  const flow: Flow = new Flow(traffic, {
    link,
    maxQueuedBytes: 64 * mebi,
    cutOff: () => {
      closed = true;
      flow.close();
    },
    backlog: () => 0,
    proceed: () => undefined,
  });
  const write = (bytes: number): void => {
    flow.sent(bytes);
    link.bytes += bytes;
    flow.turned();
  };
  return { flow, link, closed: () => closed, write };
}

function pass(ms: number, each: () => void = () => undefined): void {
  for (const end = nowMs + ms; nowMs < end;) {
    each();
    traffic.tick((nowMs += tickMs));
  }
}

describe('a client that reads slowly', () => {
  it('stays, although answers come faster than it takes them', () => {
    const { link, closed, write } = connect();
    write(100 * kibi);
    pass(3 * patienceMs, () => {
      write(2 * kibi);
      link.bytes -= kibi;
      link.left += kibi;
    });
    expect(closed()).toBe(false);
  });

  it('stays while one large write leaves bit by bit, and is closed when nothing leaves any more', () => {
    const { link, closed, write } = connect();
    write(4 * mebi);
    pass(3 * patienceMs, () => void (link.left += 100));
    expect(closed()).toBe(false);
    pass(patienceMs - 2 * tickMs);
    expect(closed()).toBe(false);
    pass(3 * tickMs);
    expect(closed()).toBe(true);
  });
});

describe('clients that read nothing', () => {
  it('leave room for clients with few answers on their way, and are closed sooner when they use up the common share', () => {
    const greedy = Array.from({ length: 64 }, () => connect());
    for (const { write } of greedy) write(4 * mebi);
    const modest = connect();
    expect(modest.flow.hasRoom()).toBe(true);
    modest.write(32 * kibi);
    expect(modest.flow.hasRoom()).toBe(true);
    modest.write(64 * kibi);
    expect(modest.flow.hasRoom()).toBe(false);
    modest.link.bytes = 0;
    pass(patienceMs / 4);
    expect(greedy.some(({ closed }) => closed())).toBe(true);
    expect(modest.closed()).toBe(false);
    expect(modest.flow.hasRoom()).toBe(true);
  });

  it('do not hold up answers that wait for a turn', () => {
    for (let i = 0; i < 64; i++) connect().write(4 * mebi);
    const modest = connect();
    const answers: Uint8Array[] = [];
    modest.flow.hold({ deliver: (reply) => void answers.push(reply) }, () => new Uint8Array(100));
    pass(tickMs);
    expect(answers).toHaveLength(1);
  });
});

describe('clients that ask for work that takes long', () => {
  it('wait when the node has done enough for clients, and clients that ask for little do not wait', () => {
    const greedy = connect();
    const modest = connect();
    greedy.flow.spend(1_000_000);
    modest.flow.spend(1_000);
    expect([greedy.flow.ready, modest.flow.ready]).toEqual([true, true]);
    tired = true;
    expect([greedy.flow.ready, modest.flow.ready]).toEqual([false, true]);
    const answers: Uint8Array[] = [];
    greedy.flow.hold({ deliver: (reply) => void answers.push(reply) }, () => new Uint8Array(100));
    pass(100);
    expect(answers).toEqual([]);
    tired = false;
    pass(tickMs);
    expect(answers).toHaveLength(1);
    expect(greedy.flow.ready).toBe(true);
  });

  it('are served after clients for which less was done, when all had to wait', () => {
    const order: string[] = [];
    const waiting = (name: string, steps: number): void => {
      const { flow } = connect();
      flow.spend(steps);
      flow.hold({ deliver: () => void order.push(name) }, () => new Uint8Array(1));
    };
    exhausted = true;
    waiting('most', 19_000);
    waiting('more', 5_000);
    waiting('little', 100);
    pass(tickMs);
    expect(order).toEqual([]);
    exhausted = false;
    pass(tickMs);
    expect(order).toEqual(['little', 'more', 'most']);
  });
});

describe('clients that ask for much and get no answer', () => {
  it('are not read from, and others are', () => {
    const greedy = Array.from({ length: 5 }, () => connect());
    for (const { flow } of greedy) flow.asked(4 * mebi);
    expect(greedy.every(({ link }) => link.paused)).toBe(true);
    const modest = connect();
    for (let i = 0; i < 100; i++) modest.flow.asked(100);
    expect(modest.link.paused).toBe(false);
    // Beyond its own share it has to wait for the others.
    modest.flow.asked(64 * kibi);
    expect(modest.link.paused).toBe(true);
    modest.flow.answered(64 * kibi);
    expect(modest.link.paused).toBe(false);
  });

  it('are forgotten when they leave', () => {
    const greedy = connect();
    greedy.flow.asked(16 * mebi);
    greedy.flow.close();
    expect(traffic.asked).toBe(0);
    const next = connect();
    next.flow.asked(mebi);
    expect(next.link.paused).toBe(false);
  });
});
