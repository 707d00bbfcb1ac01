/** How calls of the client engine end when they do not succeed: in time, within bounds, and with a true outcome. */

import { beforeEach, describe, expect, it } from 'vitest';
import { errorInfo } from '../../core/base/errors.ts';
import type { Reply } from '../../core/service/reply.ts';
import type { Entered } from '../../core/client/options.ts';
import type { Client } from '../../core/client/client.ts';
import { FakeNode, Outcome, World, entering, pathOf, put, read, startClient, write } from './world.ts';

let world: World;

beforeEach(() => {
  world = new World();
});

function enter(client: Client, namespace?: string): Outcome<Entered> {
  return entering(world, client, namespace);
}

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
    // A primary that holds back requests after a number that it has not seen.
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

  it('leave the outcome of a lost send unknown, whatever is refused after it', () => {
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

  it('are kept for each call, whatever limits other calls have', () => {
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
  it('ends a call with what is known of its outcome', () => {
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

  it('ends every call, gives sessions back, and refuses later calls', () => {
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

  it('has a bound on outstanding calls and their bytes', () => {
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
    expect(large.error).toMatchObject({
      code: 'LimitExceeded',
      retryable: false,
      details: { limit: 100, actual: 207 },
    });
    const halves = [new Outcome<Reply>(), new Outcome<Reply>()];
    for (const { done } of halves) {
      client.execute({ kind: 'queuePush', path: '/q', value: new Uint8Array(60) }, {}, done);
    }
    world.settle();
    expect(halves[1]!.error).toMatchObject({ code: 'Overloaded', retryable: true, details: { limit: 100 } });
    expect(client.outstanding).toBe(1);
  });

  it('refuses a call that fits no frame with both numbers, and later calls continue', () => {
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
