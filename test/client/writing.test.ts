/** Writing through the client engine: exactly once, over broken connections, refusals, moves and lost sessions. */

import { beforeEach, describe, expect, it } from 'vitest';
import { encodeReply } from '../../core/service/reply.ts';
import { errorInfo } from '../../core/base/errors.ts';
import type { Reply } from '../../core/service/reply.ts';
import type { Entered } from '../../core/client/options.ts';
import type { Client } from '../../core/client/client.ts';
import { FakeNode, Outcome, World, entering, pathOf, primaryAt, read, startClient, write } from './world.ts';

let world: World;

beforeEach(() => {
  world = new World();
});

function enter(client: Client, namespace?: string): Outcome<Entered> {
  return entering(world, client, namespace);
}

describe('writing exactly once', () => {
  it('sends a write again under the same numbers when its connection breaks before the answer', () => {
    const node = new FakeNode(world, 'a:1');
    const { client, states } = startClient(world);
    enter(client);
    const first = write(client, '/warm');
    world.settle();
    expect(first.pending).toBe(false);
    node.request = (connection, message) => {
      node.executeOnly(message);
      connection.close(1006);
    };
    const written = write(client, '/a');
    world.settle();
    expect(written.pending).toBe(true);
    expect(client.state).toBe('suspended');
    node.request = (connection, message) => node.execute(connection, message);
    world.pass(100);
    expect(written.value.answer).toMatchObject({ kind: 'result', result: { version: 2 } });
    expect(node.executed).toEqual(['41/1', '41/2']);
    expect(states).toEqual(['ready', 'suspended', 'ready']);
    expect(node.heard('register')).toHaveLength(1);
  });

  it('resends a window in order over a new connection, and keeps `answered` at the lowest that has no answer', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    node.request = () => undefined;
    const outcomes = ['/1', '/2', '/3', '/4'].map((path) => write(client, path));
    world.settle();
    const [, , third] = node.heard('request');
    node.execute(node.last, third!);
    world.settle();
    expect(outcomes.map(({ pending }) => pending)).toEqual([true, true, false, true]);
    node.last.close(1001, 'going away');
    node.request = (connection, message) => node.execute(connection, message);
    world.pass(100);
    expect(outcomes.every(({ pending }) => !pending)).toBe(true);
    const resent = node.last.heard.filter((message) => message.kind === 'request');
    expect(resent.map(({ request, answered }) => [request, answered])).toEqual([
      [1, 1],
      [2, 1],
      [4, 1],
    ]);
    write(client, '/5');
    world.settle();
    expect(node.heard('request').at(-1)).toMatchObject({ request: 5, answered: 5 });
  });

  it('takes replies in any order', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    node.request = () => undefined;
    const outcomes = Array.from({ length: 10 }, (_, i) => write(client, `/${i}`));
    world.settle();
    for (const message of node.heard('request').reverse()) node.execute(node.last, message);
    world.settle();
    expect(outcomes.map(({ value }) => value.answer)).toMatchObject(
      Array.from({ length: 10 }, (_, i) => ({ result: { version: i + 1 } })),
    );
  });

  it('lets many writes of one turn go 32 at a time, in their order, each once', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    write(client, '/warm');
    world.settle();
    const before = node.last.frames.length;
    for (let i = 0; i < 100; i++) write(client, `/${i}`);
    world.settle();
    expect(node.last.frames.length - before).toBe(4);
    expect(node.heard('request').map(pathOf)).toEqual(['/warm', ...Array.from({ length: 100 }, (_, i) => `/${i}`)]);
    expect(client.outstanding).toBe(0);
  });

  it('sends one frame for the writes of one turn', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    write(client, '/warm');
    world.settle();
    const before = node.last.frames.length;
    for (let i = 0; i < 30; i++) write(client, `/${i}`);
    world.settle();
    expect(node.last.frames.length - before).toBe(1);
    expect(client.outstanding).toBe(0);
  });

  it('keeps within the node’s window, and lets the rest wait', () => {
    const node = new FakeNode(world, 'a:1');
    node.maxWindow = 3;
    const { client } = startClient(world);
    enter(client);
    node.request = () => undefined;
    const outcomes = Array.from({ length: 8 }, (_, i) => write(client, `/${i}`));
    world.settle();
    expect(node.heard('request').map(({ request }) => request)).toEqual([1, 2, 3]);
    // The second answer frees nothing: the first is still the lowest.
    node.execute(node.last, node.heard('request')[1]!);
    world.settle();
    expect(node.heard('request')).toHaveLength(3);
    node.request = (connection, message) => node.execute(connection, message);
    node.execute(node.last, node.heard('request')[0]!);
    world.settle();
    node.execute(node.last, node.heard('request')[2]!);
    world.settle();
    expect(outcomes.every(({ pending }) => !pending)).toBe(true);
    expect(node.executed).toHaveLength(8);
  });

  it('retries a write that is refused for now under the same number, with a back-off, until it is taken', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    let refusals = 0;
    node.request = (connection, message) => {
      const code = (['NotPrimary', 'NoPrimary', 'Overloaded', 'Retry'] as const)[refusals];
      if (code === undefined) node.execute(connection, message);
      else {
        refusals++;
        node.refuse(connection, message.id, errorInfo(code, code));
      }
    };
    const written = write(client, '/a');
    world.settle();
    expect(written.pending).toBe(true);
    world.pass(1000);
    expect(written.value.answer.kind).toBe('result');
    expect(node.heard('request').map(({ request }) => request)).toEqual([1, 1, 1, 1, 1]);
  });

  it('takes a refusal by the log for no answer: it retries under the same number (found by the simulator)', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    let refusals = 0;
    node.request = (connection, message) => {
      const code = (['Retry', 'WindowExceeded'] as const)[refusals];
      if (code === undefined) return node.execute(connection, message);
      refusals++;
      const answer = { kind: 'error', error: errorInfo(code, 'not executed') } as const;
      connection.send({ kind: 'reply', id: message.id, reply: encodeReply({ epoch: 1, view: 1, op: 90, answer }) });
    };
    const written = write(client, '/a');
    world.settle();
    expect(written.pending).toBe(true);
    world.pass(1000);
    expect(written.value.answer.kind).toBe('result');
    expect(node.heard('request').map(({ request }) => request)).toEqual([1, 1, 1]);
    expect(node.executed).toEqual(['41/1']);
  });

  it('raises `answered` past a definite refusal, and sends the later writes again that the primary holds back', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    node.request = (connection, message) => {
      if (pathOf(message) === '/too-large') {
        node.refuse(connection, message.id, errorInfo('LimitExceeded', 'value too large', { limit: 1, actual: 2 }));
      } else if (message.answered > 2 || message.request < 2) node.execute(connection, message);
    };
    const outcomes = ['/1', '/too-large', '/3', '/4'].map((path) => write(client, path));
    world.settle();
    expect(outcomes[1]!.error).toMatchObject({ code: 'LimitExceeded', outcome: 'definite', details: { limit: 1 } });
    expect([0, 2, 3].map((i) => outcomes[i]!.value.answer.kind)).toEqual(['result', 'result', 'result']);
    expect(node.executed).toEqual(['41/1', '41/3', '41/4']);
    expect(node.heard('request').filter(({ request, answered }) => request === 3 && answered === 3)).toHaveLength(1);
  });

  it('remembers a refusal after a write that is still outstanding, until that write is answered', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    node.request = (connection, message) => {
      if (message.request === 2) node.refuse(connection, message.id, errorInfo('LimitExceeded', 'value too large'));
      else if (message.answered > 2) node.execute(connection, message);
    };
    const [slow, refused, held] = [write(client, '/slow'), write(client, '/refused'), write(client, '/held')];
    world.settle();
    expect([slow.pending, refused.pending, held.pending]).toEqual([true, false, true]);
    node.execute(node.last, node.heard('request')[0]!);
    world.settle();
    expect([slow.pending, held.pending]).toEqual([false, false]);
    expect(node.heard('request').map(({ request, answered }) => [request, answered])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
      [3, 3],
    ]);
  });

  it('sends a window that is refused as a whole once, not once for each refusal', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    node.request = (connection, message) => node.refuse(connection, message.id, errorInfo('DiskLow', 'disk is low'));
    const outcomes = Array.from({ length: 200 }, (_, i) => write(client, `/${i}`));
    world.settle();
    expect(outcomes.every(({ error }) => error?.code === 'DiskLow' && error.outcome === 'definite')).toBe(true);
    expect(node.heard('request').length).toBeLessThan(500);
  });

  it('sends a write again that got no answer on a live connection', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    node.request = () => undefined;
    const written = write(client, '/a');
    world.pass(1900);
    expect(node.heard('request')).toHaveLength(1);
    node.request = (connection, message) => node.execute(connection, message);
    world.pass(700);
    expect(written.value.answer.kind).toBe('result');
    expect(node.executed).toEqual(['41/1']);
  });

  it('carries outstanding writes along when it moves', () => {
    const replies = new Map<string, Reply>();
    const [a, b] = [new FakeNode(world, 'a:1', replies), new FakeNode(world, 'b:1', replies)];
    a.primary = b.primary = primaryAt('a:1');
    const { client } = startClient(world);
    enter(client);
    a.request = (_, message) => void a.executeOnly(message);
    const written = write(client, '/a');
    world.settle();
    a.view = b.view = 2;
    a.primary = b.primary = primaryAt('b:1');
    read(client, '/b');
    world.pass(300);
    expect(client.server?.address).toBe('b:1');
    expect(written.value.answer.kind).toBe('result');
    expect([...a.executed, ...b.executed]).toEqual(['41/1']);
  });
});

describe('a session that is gone', () => {
  it('ends the outstanding writes with an unknown outcome, repeats none, and writes in a new session', () => {
    const node = new FakeNode(world, 'a:1');
    const { client, states } = startClient(world);
    enter(client);
    node.request = (connection, message) => {
      if (message.session === 41) node.refuse(connection, message.id, errorInfo('SessionGone', 'session 41 is gone'));
      else node.execute(connection, message);
    };
    const outcomes = ['/1', '/2', '/3'].map((path) => write(client, path));
    world.settle();
    for (const { error } of outcomes) expect(error).toMatchObject({ code: 'SessionGone', outcome: 'unknown' });
    const later = write(client, '/4');
    world.settle();
    expect(later.value.answer.kind).toBe('result');
    expect(node.executed).toEqual(['42/1']);
    expect(states).toEqual(['ready', 'lost', 'ready']);
  });

  it('is kept alive while it is idle, and replaced when the keep-alive says that it is gone', () => {
    const node = new FakeNode(world, 'a:1');
    const { client, states } = startClient(world);
    enter(client);
    write(client, '/a');
    world.pass(65_000);
    expect(node.heard('keepAlive').length).toBe(2);
    const playAlong = node.onMessage.bind(node);
    node.onMessage = (connection, message) => {
      if (message.kind === 'keepAlive' && message.session === 41) {
        node.refuse(connection, message.id, errorInfo('SessionGone', 'session 41 is gone'));
      } else playAlong(connection, message);
    };
    world.pass(35_000);
    expect(states).toEqual(['ready', 'lost', 'ready']);
    expect(client.namespace?.session).toBe(42);
  });

  it('cannot be registered in a deleted namespace: writes say so', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    node.register = (connection, message) =>
      node.refuse(connection, message.id, errorInfo('UnknownNamespace', 'Unknown namespace'));
    const outcomes = ['/1', '/2'].map((path) => write(client, path));
    world.settle();
    for (const { error } of outcomes) expect(error).toMatchObject({ code: 'UnknownNamespace', outcome: 'definite' });
    expect(node.heard('register')).toHaveLength(1);
  });

  it('is registered again when the connection breaks before the answer, and writes wait for it', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    const { register } = node;
    node.register = (connection) => connection.close(1006);
    const written = write(client, '/a');
    world.settle();
    node.register = register;
    world.pass(200);
    expect(written.value.answer.kind).toBe('result');
  });
});
