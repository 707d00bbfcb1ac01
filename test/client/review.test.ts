/**
 * Faults that a review of the engine found: late answers, slow networks, torn snapshots, and sessions that are lost or
 * left behind.
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { Counter } from '../../browser-client/kinds/index.ts';
import type { Executor } from '../../browser-client/handle.ts';
import { Live } from '../../browser-client/live.ts';
import { errorInfo } from '../../core/base/errors.ts';
import type { Frame, LinkHandler } from '../../core/base/ports.ts';
import type { Client } from '../../core/client/client.ts';
import type { Entered, Pending } from '../../core/client/options.ts';
import { defaultClientOptions } from '../../core/client/options.ts';
import type { WatchTold } from '../../core/client/watches.ts';
import { Watches } from '../../core/client/watches.ts';
import type { Reply } from '../../core/service/reply.ts';
import type { Operation } from '../../core/tree/operation.ts';
import { binaryApi } from '../../core/wire/api-client-binary.ts';
import type { Outgoing } from '../../core/wire/api-client.ts';
import { claimless } from './claimless.ts';
import {
  FakeNode,
  Outcome,
  World,
  entering,
  get,
  pathOf,
  primaryAt,
  put,
  resultOf,
  startClient,
  write,
} from './world.ts';

let world: World;
let node: FakeNode;

beforeEach(() => {
  world = new World();
  node = new FakeNode(world, 'a:1');
});

/** A client in the namespace, with a session. */
function startWriting(): { readonly client: Client; readonly states: string[] } {
  const started = startClient(world);
  entering(world, started.client);
  write(started.client, '/warm');
  world.settle();
  return started;
}

function putOf(path: string, bytes: number): Operation {
  return { kind: 'blobPut', path, value: new Uint8Array(bytes), ifVersion: null, ifAbsent: false };
}

describe('entering', () => {
  it('ends when another namespace is asked for: a late answer changes nothing', () => {
    node.namespaces = ['a', 'b'];
    const { client } = startClient(world);
    const answers: (() => void)[] = [];
    const playAlong = node.onMessage.bind(node);
    node.onMessage = (connection, message) => {
      const answer = (): void => playAlong(connection, message);
      if (message.kind === 'enter' && message.namespace === 'a') answers.push(answer);
      else answer();
    };
    const left = entering(world, client, 'a');
    client.leave();
    entering(world, client, 'b');
    expect(client.namespace?.name).toBe('b');
    for (const answer of answers) answer();
    world.settle();
    expect(client.namespace?.name).toBe('b');
    expect(left.error).toMatchObject({ code: 'Closed', outcome: 'definite' });
    write(client, '/x');
    world.settle();
    expect(node.heard('request').map(({ namespaceId }) => namespaceId)).toEqual([2]);
  });

  it('changes nothing when its answer comes after the namespace was left', () => {
    const { client } = startClient(world);
    const late = new Outcome<Entered>();
    client.enter('test-ns', late.done);
    client.leave();
    world.settle();
    expect(client.namespace).toBeNull();
    expect(late.error).toMatchObject({ code: 'Closed' });
  });

  it('keeps its time limit during a move, and then tells where the client is', () => {
    node.primary = primaryAt('b:1');
    new FakeNode(world, 'b:1').hangs = true;
    const { client } = startClient(world);
    const entered = new Outcome<Entered>();
    client.enter('test-ns', entered.done, 100);
    world.settle();
    world.pass(90);
    expect(world.dialled).toEqual(['a:1', 'b:1']);
    expect(entered.pending).toBe(true);
    world.pass(10);
    expect(entered.value).toMatchObject({ apiAddress: 'a:1', here: false, redirected: false });
    world.pass(5000);
    expect(client.namespace?.name).toBe('test-ns');
  });

  it('can be abandoned during a move', () => {
    node.primary = primaryAt('b:1');
    new FakeNode(world, 'b:1').hangs = true;
    const { client } = startClient(world);
    const entered = new Outcome<Entered>();
    const pending = client.enter('test-ns', entered.done);
    world.settle();
    expect(entered.pending).toBe(true);
    pending.abandon();
    world.settle();
    expect(entered.error).toMatchObject({ code: 'Interrupted', outcome: 'definite' });
    world.pass(5000);
  });
});

/** One direction of a link, with a delay. */
class Lane {
  readonly #world: World;
  readonly #bytesPerMs: number;
  #freeAtMs = 0;
  queued = 0;

  constructor(of: World, bytesPerMs: number) {
    this.#world = of;
    this.#bytesPerMs = bytesPerMs;
  }

  carry(frame: Frame, deliver: () => void): void {
    const { nowMs } = this.#world;
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs) + frame.length / this.#bytesPerMs;
    this.queued += frame.length;
    this.#world.after(this.#freeAtMs - nowMs, () => {
      this.queued -= frame.length;
      deliver();
    });
  }
}

/**
 * This many bytes a millisecond in each direction, as a page on a phone has. Whole frames arrive, as with any
 * WebSocket.
 */
function narrow(of: World, bytesPerMs: number): void {
  const { dial } = of.transport;
  of.transport.dial = (address, subprotocol, handler) => {
    const [up, down] = [new Lane(of, bytesPerMs), new Lane(of, bytesPerMs)];
    let open = true;
    const ifOpen = (work: () => void) => (): void => (open ? work() : undefined);
    const link = dial(address, subprotocol, {
      onOpen: () => handler.onOpen?.(),
      onFrame: (frame) =>
        down.carry(
          frame,
          ifOpen(() => handler.onFrame(frame)),
        ),
      onClose: (code, reason) => {
        open = false;
        handler.onClose(code, reason);
      },
    });
    return {
      buffered: () => up.queued,
      send: (frame) =>
        up.carry(
          frame,
          ifOpen(() => link.send(frame)),
        ),
      close: (code, reason) => {
        open = false;
        link.close(code, reason);
      },
    };
  };
}

/** A node at a distance of `ms`. A link opens after three round trips: for TCP, TLS, and the upgrade. */
function far(of: World, ms: number): void {
  const { dial } = of.transport;
  of.transport.dial = (address, subprotocol, handler) => {
    let open = true;
    const later = (trips: number, work: () => void): void => of.after(trips * ms, () => (open ? work() : undefined));
    const near: LinkHandler = {
      onOpen: () => later(6, () => handler.onOpen?.()),
      onFrame: (frame) => later(1, () => handler.onFrame(frame)),
      onClose: (code, reason) => {
        if (open) handler.onClose(code, reason);
        open = false;
      },
    };
    const link = dial(address, subprotocol, near);
    return {
      buffered: () => 0,
      send: (frame) => later(1, () => link.send(frame)),
      close: (code, reason) => {
        open = false;
        link.close(code, reason);
      },
    };
  };
}

describe('a slow network', () => {
  const megabyte = 1_000_000;

  function startSlowly(bytesPerMs: number): Client {
    narrow(world, bytesPerMs);
    const { client } = startClient(world);
    world.pass(100);
    entering(world, client);
    world.pass(500);
    write(client, '/warm');
    world.pass(500);
    return client;
  }

  it.each([500, 125])('of %i bytes a millisecond carries a megabyte to the node, once', (bytesPerMs) => {
    const client = startSlowly(bytesPerMs);
    const written = new Outcome<Reply>();
    client.execute(putOf('/large', megabyte), { timeoutMs: 60_000 }, written.done);
    world.pass(60_000);
    expect(written.value.answer.kind).toBe('result');
    expect(node.executed).toEqual(['41/1', '41/2']);
  });

  it.each([500, 125])('of %i bytes a millisecond carries a megabyte to the client', (bytesPerMs) => {
    const client = startSlowly(bytesPerMs);
    node.read = (connection, { id }) => {
      const value = new Uint8Array(megabyte);
      connection.send(resultOf(id, node.reply({ kind: 'value', value, version: 1 })));
    };
    const had = new Outcome<Reply>();
    client.execute(get('/large'), { timeoutMs: 60_000 }, had.done);
    world.pass(60_000);
    expect(had.value.answer).toMatchObject({ kind: 'result', result: { kind: 'value' } });
  });

  it('connects although a handshake takes longer than the wait for a nearby node', () => {
    far(world, 150);
    const { client } = startClient(world);
    world.pass(5000);
    expect(client.state).toBe('ready');
    const entered = entering(world, client);
    world.pass(1000);
    expect(entered.value.namespace).toBe('test-ns');
    world.pass(60_000);
    expect(client.state).toBe('ready');
  });
});

describe('a reset', () => {
  it('that a disconnect interrupts is begun again as a reset, and a live value recovers with it', () => {
    const asked: Outgoing[] = [];
    const told: WatchTold[] = [];
    let id = 0;
    const options = { ...defaultClientOptions, codec: binaryApi, addresses: ['a:1'] };
    const watches = new Watches({
      ports: world.ports,
      options,
      newId: () => ++id,
      connected: () => true,
      send: (message) => void asked.push(message),
      violation: (what) => {
        throw new Error(what);
      },
      ...claimless,
    });
    const live = new Live<number>({
      host: { state: 'ready', onState: () => () => undefined, listening: () => undefined },
      watch: (path, how, handler) =>
        watches.open(7, path, how, (one) => {
          told.push(one);
          handler(one);
        }),
      path: '/n',
      recursive: false,
      fold: new Counter({} as Executor, '/n').source.fold(),
    });
    const stop = live.subscribe(() => undefined);
    const page = (op: number, part: { first: boolean; last: boolean; reset: boolean }, number: number): void => {
      const change = {
        kind: 'created',
        path: '/n',
        type: 'counter',
        version: 1,
        value: null,
        number,
        claim: null,
        cause: null,
      } as const;
      watches.receive({ kind: 'snapshot', id, op, ...part, changes: [change] });
    };
    watches.receive({ kind: 'watching', id, op: 10 });
    page(10, { first: true, last: true, reset: false }, 1);
    expect(live.state).toMatchObject({ status: 'live', value: 1 });
    // The node has forgotten the next events. The first page of the present state arrives, and then the connection
    // breaks.
    page(500, { first: true, last: false, reset: true }, 2);
    expect(live.state).toMatchObject({ status: 'stale', value: 1 });
    watches.disconnected();
    watches.connected();
    expect(asked.map((message) => (message.kind === 'watch' ? message.from : null))).toEqual([
      { kind: 'snapshot' },
      { kind: 'snapshot' },
    ]);
    watches.receive({ kind: 'watching', id, op: 600 });
    page(600, { first: true, last: false, reset: false }, 2);
    page(600, { first: false, last: true, reset: false }, 3);
    expect(live.state).toMatchObject({ status: 'live', value: 3, op: 600 });
    const pages = told.flatMap((one) => (one.kind === 'snapshot' ? [[one.op, one.reset, one.first, one.last]] : []));
    expect(pages).toEqual([
      [10, false, true, true],
      [500, true, true, false],
      [600, true, true, false],
      [600, true, false, true],
    ]);
    // At the next break the watch has all of it.
    watches.disconnected();
    watches.connected();
    expect(asked.at(-1)).toMatchObject({ from: { kind: 'after', op: 600 } });
    stop();
  });
});

describe('a call', () => {
  it("that ended because of another call's answer is not sent after that", () => {
    const { client } = startWriting();
    // Each waits to be sent again.
    node.request = (connection, { id }) => node.refuse(connection, id, errorInfo('NotPrimary', 'not here'));
    let last: Pending | null = null;
    const told: unknown[] = [];
    client.execute(putOf('/large', 600_000), {}, (result) => {
      told.push(result);
      last?.abandon();
    });
    // These are more than are collected before the first of them leave.
    for (let i = 0; i < 40; i++) write(client, `/${i}`);
    const abandoned = new Outcome<Reply>();
    last = client.execute(put('/last'), {}, abandoned.done);
    world.settle();
    expect(node.heard('request').map(pathOf)).toContain('/last');
    // The node comes back with a smaller frame limit.
    node.maxFrameBytes = 100_000;
    node.request = (connection, message) => node.execute(connection, message);
    node.last.close(1001);
    world.pass(500);
    expect(told).toMatchObject([{ ok: false, error: { code: 'LimitExceeded', outcome: 'definite' } }]);
    expect(abandoned.error).toMatchObject({ code: 'Interrupted', outcome: 'definite' });
    const sent = node.last.heard.flatMap((message) => (message.kind === 'request' ? [pathOf(message)] : []));
    expect(sent).toContain('/39');
    expect(sent).not.toContain('/last');
    last.abandon();
    world.settle();
    expect(client.outstanding).toBe(0);
  });

  it('whose time limit is not a number ends at once', () => {
    const { client } = startWriting();
    node.request = () => undefined;
    const written = write(client, '/a', NaN);
    world.pass(10);
    expect(written.error).toMatchObject({ code: 'Timeout', outcome: 'unknown' });
  });
});

describe('a session', () => {
  /** The servers forget session 41, and have no primary that could register another one. */
  function loseSession(client: Client): () => void {
    const { register } = node;
    node.request = (connection, { id }) => node.refuse(connection, id, errorInfo('SessionGone', 'session 41 is gone'));
    node.register = (connection, { id }) => node.refuse(connection, id, errorInfo('NoPrimary', 'no primary'));
    const written = write(client, '/a');
    world.settle();
    expect(written.error).toMatchObject({ code: 'SessionGone', outcome: 'unknown' });
    expect(client.state).toBe('lost');
    return () => void (node.register = register);
  }

  it('that is lost stays lost until another one exists, which needs no write and may take long', () => {
    const { client, states } = startWriting();
    const found = loseSession(client);
    world.pass(70_000);
    expect(client.state).toBe('lost');
    found();
    world.pass(1000);
    expect(client.namespace?.session).toBe(42);
    expect(states).toEqual(['ready', 'lost', 'ready']);
  });

  it('that is lost is still lost after a reconnect', () => {
    const { client, states } = startWriting();
    const found = loseSession(client);
    node.last.close(1001);
    world.pass(500);
    expect(states).toEqual(['ready', 'lost', 'suspended', 'lost']);
    found();
    world.pass(1000);
    expect(states).toEqual(['ready', 'lost', 'suspended', 'lost', 'ready']);
    expect(client.namespace?.session).toBe(42);
  });

  it('that is lost is reported no more once its namespace is left', () => {
    const { client, states } = startWriting();
    loseSession(client);
    client.leave();
    expect(states).toEqual(['ready', 'lost', 'ready']);
    entering(world, client);
    expect(client.state).toBe('ready');
  });

  it('is given back, even when its registration was on its way while the namespace was left and entered again', () => {
    const { client } = startClient(world);
    entering(world, client);
    const { register } = node;
    let answer = (): void => undefined;
    node.register = (connection, message) => {
      answer = () => register(connection, message);
      node.register = register;
    };
    const first = new Outcome<Reply>();
    const pending = client.execute(put('/a'), {}, first.done);
    world.settle();
    pending.abandon();
    client.leave();
    entering(world, client);
    answer();
    world.settle();
    expect(first.error).toMatchObject({ code: 'Interrupted', outcome: 'definite' });
    const second = write(client, '/b');
    world.settle();
    expect(second.value.answer.kind).toBe('result');
    client.close();
    world.settle();
    expect(node.sessions).toBe(42);
    expect(node.heard('unregister').map(({ session }) => session)).toEqual([41, 42]);
  });
});
