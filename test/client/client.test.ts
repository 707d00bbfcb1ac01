/** The client engine with scripted nodes: it connects, enters, moves, and leaves nodes that misbehave. */

import { beforeEach, describe, expect, it } from 'vitest';
import { errorInfo } from '../../core/base/errors.ts';
import type { Reply } from '../../core/service/reply.ts';
import { binaryApi } from '../../core/wire/api-client-binary.ts';
import { textApi } from '../../core/wire/api-client-text.ts';
import type { Entered } from '../../core/client/options.ts';
import type { Client } from '../../core/client/client.ts';
import { FakeNode, Outcome, World, entering, primaryAt, read, resultOf, startClient, write } from './world.ts';

let world: World;

beforeEach(() => {
  world = new World();
});

function enter(client: Client, namespace?: string): Outcome<Entered> {
  return entering(world, client, namespace);
}

describe.each([binaryApi, textApi])('a client that speaks $subprotocol', (codec) => {
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
    expect(client.namespace).toEqual({ name: 'test-ns', id: 1, session: 41, continued: false });
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
    expect(refused.error?.message).toContain('no namespace was entered');
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

  it('stays when it cannot reach the primary, or must not follow it', () => {
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
    // After the back-off, it tries once every one to two seconds.
    expect(world.dialled.length - before).toBeLessThan(25);
    new FakeNode(world, 'b:1');
    world.pass(7000);
    expect(client.state).toBe('ready');
  });

  it('leaves a node that accepts and never answers', () => {
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

  it('asks an idle node for a sign of life from time to time', () => {
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

describe('a node that misbehaves', () => {
  it.each([
    ['bytes that are no frame', () => new Uint8Array([9, 9, 9])],
    ['a text frame', () => '{"json":[]}'],
    ['a reply that is none', (id: number) => new Uint8Array([1, 2, id, 1, 255])],
    ['a second welcome', () => new Uint8Array([1, 1, 1, ...new Uint8Array(16), 1, 97, 1, 1, 1])],
  ])('that sends %s is left, and its requests are asked again', (_, frame) => {
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

  it('that answers a read with a pong is left', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    enter(client);
    node.read = (connection, message) => connection.send({ kind: 'pong', id: message.id });
    read(client, '/a');
    world.settle();
    expect(client.problem?.error.message).toContain('answered a read by pong');
  });

  it('that answers a question never asked, or answers twice, is only ignored', () => {
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
