/** A client that gets nothing done at its node, and what it says about things that it cannot know. */

import { beforeEach, describe, expect, it } from 'vitest';
import { errorInfo } from '../../core/base/errors.ts';
import type { Reply } from '../../core/service/reply.ts';
import { FakeNode, World, entering, startClient, write } from './world.ts';

let world: World;

beforeEach(() => {
  world = new World();
});

const lost = errorInfo('NoPrimary', 'no primary of this namespace can be reached now');
const low = errorInfo('DiskLow', 'the disk of the primary is full');

describe('a refusal of a write that was sent more than once', () => {
  it('settles nothing: the first sending may have been executed, or may be yet', () => {
    const replies = new Map<string, Reply>();
    const nodes = ['a:1', 'b:1'].map((address) => new FakeNode(world, address, replies));
    const { client } = startClient(world, { addresses: ['a:1', 'b:1'] });
    entering(world, client);
    write(client, '/warm');
    world.settle();
    for (const node of nodes) {
      node.request = (connection, message) => {
        if (node.heard('request').length > 0 && connection !== node.last) return;
        // It is executed, and the answer is lost. The next node refuses, because its disk is low.
        node.executeOnly(message);
        for (const other of nodes) other.request = (there, again) => other.refuse(there, again.id, low);
        connection.close(1006);
      };
    }
    const outcome = write(client, '/a');
    world.pass(500);
    expect(outcome.error).toMatchObject({ code: 'DiskLow', outcome: 'unknown' });
  });

  it('settles nothing, even when both sendings used one connection and both are refused', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    entering(world, client);
    const held: (() => void)[] = [];
    node.request = (connection, message) => void held.push(() => node.refuse(connection, message.id, lost));
    const outcome = write(client, '/a', 6000);
    world.pass(3000);
    expect(held.length).toBeGreaterThan(1);
    node.request = (connection, message) => node.refuse(connection, message.id, low);
    for (const refuse of held) refuse();
    world.pass(500);
    expect(outcome.error).toMatchObject({ code: 'DiskLow', outcome: 'unknown' });
  });

  it('is definite where each sending was refused before the next one', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    entering(world, client);
    node.request = (connection, message) => node.refuse(connection, message.id, lost);
    const outcome = write(client, '/a', 1000);
    world.pass(1100);
    expect(node.heard('request').length).toBeGreaterThan(2);
    expect(outcome.error).toMatchObject({ code: 'Timeout', outcome: 'definite' });
  });
});

describe('a client whose own loop stands still for 350 ms of each second', () => {
  it('gives up a dead connection within a few seconds', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    entering(world, client);
    node.silent = true;
    const outcome = write(client, '/a', 60_000);
    for (let second = 0; second < 3; second++) {
      world.pass(650);
      world.nowMs += 350;
    }
    node.silent = false;
    world.pass(1000);
    expect(node.connections.length).toBeGreaterThan(1);
    expect(outcome.value.answer.kind).toBe('result');
  });
});

describe('a node that answers and has lost its group', () => {
  function two(): {
    at: FakeNode;
    other: FakeNode;
    client: ReturnType<typeof startClient>['client'];
    states: string[];
  } {
    const replies = new Map<string, Reply>();
    const nodes = ['a:1', 'b:1'].map((address) => new FakeNode(world, address, replies));
    const { client, states } = startClient(world, { addresses: ['a:1', 'b:1'], followRedirects: false });
    entering(world, client);
    const at = nodes.find(({ connections }) => connections.length > 0)!;
    return { at, other: nodes.find((node) => node !== at)!, client, states };
  }

  it('is left within two seconds when it refuses a request, and the requests move to another node', () => {
    const { at, other, client, states } = two();
    at.request = (connection, message) => at.refuse(connection, message.id, lost);
    at.register = (connection, message) => at.refuse(connection, message.id, lost);
    const outcome = write(client, '/a');
    world.pass(1000);
    expect(client.state).toBe('ready');
    world.pass(1000);
    expect(outcome.value.answer.kind).toBe('result');
    expect(other.connections).toHaveLength(1);
    expect(at.last.closedBy).not.toBeNull();
    expect(states).toEqual(['ready', 'suspended', 'ready']);
  });

  it('is left when it says so, although nothing is asked', () => {
    const { at, other, client } = two();
    at.last.send({ kind: 'standing', namespaceId: 1, served: false });
    world.pass(100);
    expect(other.connections).toHaveLength(1);
    expect(client.state).toBe('ready');
  });

  it('is kept when there is no other node, and the client is not called ready until that node is', () => {
    const node = new FakeNode(world, 'a:1');
    const { client } = startClient(world);
    entering(world, client);
    node.last.send({ kind: 'standing', namespaceId: 1, served: false });
    world.pass(5000);
    expect(client.state).toBe('suspended');
    expect(node.connections).toHaveLength(1);
    node.last.send({ kind: 'standing', namespaceId: 7, served: true });
    world.settle();
    expect(client.state).toBe('suspended');
    node.last.send({ kind: 'standing', namespaceId: 1, served: true });
    world.settle();
    expect(client.state).toBe('ready');
  });
});
