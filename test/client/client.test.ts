/** The client engine against scripted nodes: entering, moving, writing exactly once, and ending with a true outcome. */

import { beforeEach, describe, expect, it } from 'vitest';
import { errorInfo } from '../../core/base/errors.ts';
import type { Reply } from '../../core/service/reply.ts';
import type { Entered } from '../../core/client/options.ts';
import type { Client } from '../../core/client/client.ts';
import { FakeNode, Outcome, World, get, pathOf, primaryAt, put, resultOf, startClient } from './world.ts';

let world: World;

beforeEach(() => {
  world = new World();
});

function enter(client: Client, namespace = 'test-ns'): Outcome<Entered> {
  const outcome = new Outcome<Entered>();
  client.enter(namespace, outcome.done);
  world.settle();
  return outcome;
}

function write(client: Client, path: string, timeoutMs = 10_000): Outcome<Reply> {
  const outcome = new Outcome<Reply>();
  client.execute(put(path), { timeoutMs }, outcome.done);
  return outcome;
}

function read(client: Client, path: string, timeoutMs = 10_000): Outcome<Reply> {
  const outcome = new Outcome<Reply>();
  client.execute(get(path), { timeoutMs }, outcome.done);
  return outcome;
}

describe.each(['binary', 'superjson'] as const)('a client of the %s codec', (codec) => {
  it('greets, lists, enters, registers when it first writes, writes and reads', () => {
    const node = new FakeNode(world, 'a:1');
    node.primary = primaryAt('a:1');
    const { client, states } = startClient(world, { codec, name: 'story/1' });
    expect(node.heard('hello')).toEqual([{ kind: 'hello', protocol: 1, client: 'story/1' }]);
    expect(client.state).toBe('ready');
    expect(client.server).toMatchObject({ address: 'a:1', node: 'dev1' });

    const names = new Outcome<readonly string[]>();
    client.listNamespaces(names.done);
    world.settle();
    expect(names.value).toEqual(['test-ns']);

    expect(enter(client).value).toMatchObject({ namespaceId: 1, here: true, redirected: false, apiAddress: 'a:1' });
    expect(node.heard('register')).toHaveLength(0);
    const [written, readBack] = [write(client, '/a'), read(client, '/a')];
    world.settle();
    expect(written.value).toMatchObject({ epoch: 1, view: 1, answer: { kind: 'result' } });
    expect(readBack.value.answer.kind).toBe('result');
    expect(node.heard('request')).toMatchObject([{ session: 41, request: 1, answered: 1, namespaceId: 1 }]);
    expect(client.namespace).toEqual({ name: 'test-ns', id: 1, session: 41 });
    expect(client.lastOp).toBeGreaterThan(100);
    expect(client.outstanding).toBe(0);
    expect(states).toEqual(['ready']);
  });
});

describe('entering', () => {
  it('is needed before a read or a write', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    const refused = write(client, '/a');
    expect(refused.pending).toBe(true);
    world.settle();
    expect(refused.error).toMatchObject({ code: 'NotInNamespace', outcome: 'definite' });
    expect(refused.error?.message).toContain('Please call `enter <namespace_id>`.');
    expect(node.heard('request')).toHaveLength(0);
  });

  it('tells that a namespace is unknown, and stays where it was', () => {
    new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    expect(enter(client, 'nowhere').error).toMatchObject({ code: 'UnknownNamespace' });
    expect(client.namespace?.name).toBe('test-ns');
  });

  it('moves to the node of the primary, and says that it did', () => {
    const a = new FakeNode(world, 'a:1');
    const b = new FakeNode(world, 'b:1');
    a.primary = b.primary = primaryAt('b:1');
    const { client, states } = startClient(world);
    expect(enter(client).value).toMatchObject({ redirected: true, here: true, apiAddress: 'b:1' });
    expect(a.last.closedBy).toMatchObject({ code: 1000 });
    const written = write(client, '/a');
    world.settle();
    expect(written.value.answer.kind).toBe('result');
    expect(b.heard('request')).toHaveLength(1);
    expect(states).toEqual(['ready']);
  });

  it('stays when the primary cannot be reached from here, or is not to be followed', () => {
    const a = new FakeNode(world, 'a:1');
    a.primary = primaryAt('hidden:1');
    const { client } = startClient(world);
    expect(enter(client).value).toMatchObject({ redirected: false, here: false, apiAddress: 'a:1' });
    a.primary = primaryAt('a:2');
    new FakeNode(world, 'a:2');
    const browser = startClient(world, { followRedirects: false }).client;
    expect(enter(browser).value).toMatchObject({ redirected: false, apiAddress: 'a:1' });
    for (const each of [client, browser]) {
      const written = write(each, '/a');
      world.settle();
      expect(written.value.answer.kind).toBe('result');
    }
  });

  it('stays when the primary’s node accepts and then says nothing', () => {
    const a = new FakeNode(world, 'a:1');
    a.primary = primaryAt('b:1');
    new FakeNode(world, 'b:1').hangs = true;
    const { client } = startClient(world);
    const entered = enter(client);
    expect(entered.pending).toBe(true);
    world.pass(1100);
    expect(entered.value).toMatchObject({ redirected: false, apiAddress: 'a:1' });
  });

  it('tries the primary’s node again later', () => {
    const a = new FakeNode(world, 'a:1');
    a.primary = primaryAt('b:1');
    const { client } = startClient(world);
    enter(client);
    world.pass(5000);
    new FakeNode(world, 'b:1').primary = primaryAt('b:1');
    world.pass(6000);
    expect(client.server?.address).toBe('b:1');
    expect(world.dialled.filter((address) => address === 'b:1')).toHaveLength(2);
  });

  it('tells that no primary is known, and goes to it once there is one', () => {
    const a = new FakeNode(world, 'a:1');
    const b = new FakeNode(world, 'b:1');
    const { client } = startClient(world);
    expect(enter(client).value).toMatchObject({ primary: null, redirected: false });
    a.primary = b.primary = primaryAt('b:1');
    world.pass(1000);
    expect(client.server?.address).toBe('b:1');
  });

  it('follows the primary when a reply tells of a later view', () => {
    const replies = new Map<string, Reply>();
    const [a, b] = [new FakeNode(world, 'a:1', replies), new FakeNode(world, 'b:1', replies)];
    a.primary = b.primary = primaryAt('a:1');
    const { client, states } = startClient(world);
    enter(client);
    world.pass(100);
    a.view = b.view = 2;
    a.primary = b.primary = primaryAt('b:1');
    const written = write(client, '/a');
    world.settle();
    expect(written.value.view).toBe(2);
    world.pass(200);
    expect(client.server?.address).toBe('b:1');
    expect(states).toEqual(['ready']);
  });

  it('gives the session back when another namespace is entered, once nothing is outstanding in it', () => {
    const node = new FakeNode(world, 'a:1');
    node.namespaces = ['test-ns', 'other'];
    const { client } = startClient(world);
    enter(client);
    node.request = () => undefined;
    const written = write(client, '/a');
    world.settle();
    enter(client, 'other');
    expect(node.heard('unregister')).toHaveLength(0);
    node.execute(node.last, node.heard('request')[0]!);
    world.settle();
    expect(written.value.answer.kind).toBe('result');
    expect(node.heard('unregister')).toMatchObject([{ namespaceId: 1, session: 41 }]);
  });
});

describe('connecting', () => {
  it('needs an address', () => {
    expect(() => startClient(world, { addresses: [] })).toThrow('a client needs the address of a node');
  });

  it('tries the addresses one after the other, backs off, and says what is wrong', () => {
    const { client } = startClient(world, { addresses: ['a:1', 'b:1', 'c:1'] });
    const outcome = new Outcome<null>();
    client.connected(outcome.done, 500);
    world.pass(600);
    expect(new Set(world.dialled)).toEqual(new Set(['a:1', 'b:1', 'c:1']));
    expect(outcome.error).toMatchObject({ code: 'NodeUnreachable', outcome: 'definite' });
    expect(outcome.error?.message).toMatch(/^cannot reach [abc]:1: connection refused$/);
    const before = world.dialled.length;
    world.pass(20_000);
    // Once backed off, it tries every one to two seconds.
    expect(world.dialled.length - before).toBeLessThan(25);
    new FakeNode(world, 'b:1');
    world.pass(7000);
    expect(client.state).toBe('ready');
  });

  it('goes on from a node that accepts and never answers', () => {
    new FakeNode(world, 'a:1').silent = true;
    new FakeNode(world, 'b:1');
    const { client } = startClient(world, { addresses: ['a:1', 'b:1'] });
    world.pass(1200);
    expect(client.server?.address).toBe('b:1');
  });

  it('does not talk to a node of another version', () => {
    const node = new FakeNode(world, 'a:1');
    const playAlong = node.onMessage.bind(node);
    node.onMessage = (connection, message) => {
      if (message.kind !== 'hello') playAlong(connection, message);
      else {
        connection.send({
          kind: 'welcome',
          protocol: 2,
          cluster: 'c'.repeat(32),
          node: 'dev1',
          maxFrameBytes: 1000,
          maxValueBytes: 1000,
          maxWindow: 10,
        });
      }
    };
    const { client } = startClient(world);
    expect(client.state).toBe('connecting');
    expect(client.problem?.error.message).toContain('speaks version 2 of the API');
    expect(node.last.closedBy?.code).toBe(4002);
  });

  it('keeps the reason of a goodbye', () => {
    const node = new FakeNode(world, 'a:1');
    node.onMessage = (connection) => {
      connection.send({ kind: 'goodbye', error: errorInfo('Overloaded', 'too many connections') });
      connection.close(4003, 'too many connections');
    };
    const { client } = startClient(world);
    expect(client.problem).toMatchObject({
      address: 'a:1',
      error: { code: 'Overloaded', message: 'too many connections' },
    });
    world.pass(500);
    expect(node.connections.length).toBeGreaterThan(2);
  });

  it('leaves a node that falls silent while it owes an answer, and asks another', () => {
    const replies = new Map<string, Reply>();
    const nodes = ['a:1', 'b:1'].map((address) => new FakeNode(world, address, replies));
    const { client, states } = startClient(world, { addresses: ['a:1', 'b:1'] });
    enter(client);
    const first = nodes.find((node) => node.connections.length > 0)!;
    first.silent = true;
    const written = write(client, '/a');
    world.pass(1000);
    expect(written.pending).toBe(true);
    world.pass(400);
    expect(written.value.answer.kind).toBe('result');
    expect(states).toEqual(['ready', 'suspended', 'ready']);
    expect(first.last.closedBy?.code).toBe(4006);
  });

  it('does not take its own sleep for the node’s silence', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    node.request = () => undefined;
    write(client, '/a', 60_000);
    world.pass(100);
    world.nowMs += 5000;
    world.pass(500);
    expect(node.connections).toHaveLength(1);
    expect(client.state).toBe('ready');
  });

  it('asks an idle node for a sign of life now and then', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    world.pass(60_000);
    expect(node.heard('ping').length).toBeGreaterThanOrEqual(3);
    expect(node.heard('ping').length).toBeLessThan(6);
    node.silent = true;
    world.pass(17_000);
    expect(client.state).not.toBe('ready');
  });
});

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

  it('sends one frame for what one turn asked', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    write(client, '/warm');
    world.settle();
    const before = node.last.frames.length;
    for (let i = 0; i < 100; i++) write(client, `/${i}`);
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

  it('retries what is refused for now under the same number, with a back-off, until it is taken', () => {
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

  it('raises `answered` past a definite refusal and sends again what the primary holds back behind it', () => {
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

  it('remembers a refusal behind a write that is still outstanding, until that is answered', () => {
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

  it('sends again what got no answer on a connection that lives', () => {
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

describe('deadlines', () => {
  it('end a write that was never sent with a definite Timeout', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    node.accepts = false;
    node.last.close(1001);
    world.settle();
    const written = write(client, '/a', 300);
    world.pass(400);
    expect(written.error).toMatchObject({ code: 'Timeout', message: 'Timeout', outcome: 'definite' });
  });

  it('end a write without an answer with an unknown outcome, and later writes do not wait for it', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    // A primary that holds back what comes behind a number that it has not seen.
    node.request = (connection, message) => {
      if (pathOf(message) !== '/lost' && message.answered > 1) node.execute(connection, message);
    };
    const [lost, later] = [write(client, '/lost', 300), write(client, '/later')];
    world.pass(250);
    expect([lost.pending, later.pending]).toEqual([true, true]);
    world.pass(100);
    expect(lost.error).toMatchObject({ code: 'Timeout', outcome: 'unknown', retryable: true });
    expect(later.value.answer.kind).toBe('result');
  });

  it('end a write that every node refused with a definite Timeout that tells the last refusal', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    node.request = (connection, message) => node.refuse(connection, message.id, errorInfo('NoPrimary', 'no primary'));
    const written = write(client, '/a', 500);
    world.pass(600);
    expect(written.error).toMatchObject({ code: 'Timeout', outcome: 'definite', details: { lastCode: 'NoPrimary' } });
  });

  it('leave the doubt of a send that was lost, whatever is refused after it', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    node.request = (connection) => connection.close(1006);
    const written = write(client, '/a', 1000);
    world.settle();
    node.request = (connection, message) =>
      node.refuse(connection, message.id, errorInfo('LimitExceeded', 'value too large'));
    world.pass(200);
    expect(written.error).toMatchObject({ code: 'LimitExceeded', outcome: 'unknown' });
  });

  it('end a read with a definite outcome: it changes nothing', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    node.read = () => undefined;
    const outcome = read(client, '/a', 200);
    world.pass(300);
    expect(outcome.error).toMatchObject({ code: 'Timeout', outcome: 'definite' });
  });

  it('are kept for each call, whatever others were given', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    node.read = () => undefined;
    const outcomes = [900, 100, 500, 100, 300].map((timeoutMs) => ({
      timeoutMs,
      outcome: read(client, '/a', timeoutMs),
    }));
    for (let at = 0; at <= 1000; at += 100) {
      for (const { timeoutMs, outcome } of outcomes) expect(outcome.pending).toBe(at < timeoutMs);
      world.pass(100);
    }
  });
});

describe('abandoning and closing', () => {
  it('ends a call with what is known of it', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    node.request = () => undefined;
    const [sent, unsent] = [new Outcome<Reply>(), new Outcome<Reply>()];
    const call = client.execute(put('/a'), {}, sent.done);
    world.settle();
    call.abandon();
    call.abandon();
    expect(sent.error).toMatchObject({ code: 'Interrupted', outcome: 'unknown' });
    node.accepts = false;
    node.last.close(1001);
    world.settle();
    client.execute(put('/b'), {}, unsent.done).abandon();
    expect(unsent.error).toMatchObject({ code: 'Interrupted', outcome: 'definite' });
    expect(client.outstanding).toBe(0);
  });

  it('ends everything, gives sessions back, and refuses from then on', () => {
    const node = new FakeNode(world, 'a:1');
    node.maxWindow = 1;
    const { client, states } = startClient(world);
    enter(client);
    node.request = () => undefined;
    const [sent, queued] = [write(client, '/a'), write(client, '/b')];
    world.settle();
    client.close();
    expect(sent.error).toMatchObject({ code: 'Closed', outcome: 'unknown' });
    expect(queued.error).toMatchObject({ code: 'Closed', outcome: 'definite' });
    world.settle();
    expect(node.heard('request')).toHaveLength(1);
    const late = write(client, '/c');
    world.settle();
    expect(late.error?.code).toBe('Closed');
    expect(node.last.closedBy?.code).toBe(1000);
    expect(states).toEqual(['ready', 'closed']);
  });

  it('has a bound on what may be outstanding, in calls and in bytes', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world, { maxOutstanding: 3, maxOutstandingBytes: 100 });
    enter(client);
    node.request = () => undefined;
    const outcomes = Array.from({ length: 4 }, (_, i) => write(client, `/${i}`));
    world.settle();
    expect(outcomes[3]!.error).toMatchObject({
      code: 'Overloaded',
      outcome: 'definite',
      details: { limit: 3, actual: 3 },
    });
    const large = new Outcome<Reply>();
    for (const message of node.heard('request')) node.execute(node.last, message);
    world.settle();
    client.execute({ kind: 'queuePush', path: '/q', value: new Uint8Array(200) }, {}, large.done);
    world.settle();
    expect(large.error).toMatchObject({ code: 'Overloaded', details: { limit: 100 } });
    expect(client.outstanding).toBe(0);
  });

  it('refuses what fits no frame by both numbers, and what comes behind it goes on', () => {
    const node = new FakeNode(world, 'a:1');
    node.maxFrameBytes = 1000;
    const { client } = startClient(world);
    enter(client);
    const large = new Outcome<Reply>();
    client.execute({ kind: 'queuePush', path: '/q', value: new Uint8Array(2000) }, {}, large.done);
    const later = write(client, '/a');
    world.settle();
    expect(large.error).toMatchObject({ code: 'LimitExceeded', outcome: 'definite', details: { limit: 1000 } });
    expect(later.value.answer.kind).toBe('result');
  });
});

describe('a session that is gone', () => {
  it('ends what was outstanding with an unknown outcome, repeats none of it, and writes on in a new one', () => {
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

  it('is kept alive while it is idle, and replaced when that says that it is gone', () => {
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

  it('cannot be had in a namespace that was deleted: writes say so', () => {
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

  it('is registered again when the connection breaks meanwhile, and writes wait for it', () => {
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

describe('a node that misbehaves', () => {
  it.each([
    ['bytes that are no frame', () => new Uint8Array([9, 9, 9])],
    ['a text frame', () => '{"json":[]}'],
    ['a reply that is none', (id: number) => new Uint8Array([1, 2, id, 1, 255])],
    ['a second welcome', () => new Uint8Array([1, 1, 1, ...new Uint8Array(16), 1, 97, 1, 1, 1])],
  ])('and sends %s is left, and what was asked is asked again', (_, frame) => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    const { read: answer } = node;
    node.read = (connection, { id }) => connection.sendRaw(frame(id));
    const outcome = read(client, '/a');
    world.settle();
    expect(node.last.closedBy?.code).toBe(4000);
    expect(client.state).toBe('suspended');
    node.read = answer;
    world.pass(100);
    expect(outcome.value.answer.kind).toBe('result');
  });

  it('and answers a read by a pong is left', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    node.read = (connection, message) => connection.send({ kind: 'pong', id: message.id });
    read(client, '/a');
    world.settle();
    expect(client.problem?.error.message).toContain('answered a read by pong');
  });

  it('and answers what was never asked, or twice, is only ignored', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    node.read = (connection, message) => {
      const reply = resultOf(message.id, node.reply({ kind: 'done', version: 1 }));
      connection.send(resultOf(999, node.reply({ kind: 'done', version: 1 })), reply, reply);
    };
    const outcome = read(client, '/a');
    world.settle();
    expect(outcome.value.answer.kind).toBe('result');
    expect(client.state).toBe('ready');
  });
});
