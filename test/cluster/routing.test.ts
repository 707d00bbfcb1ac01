/** How requests find their primary from any node, past links that are cut, and how every wait at a node ends. */

import { describe, expect, it } from 'vitest';
import type { Result } from '../../core/base/errors.ts';
import { encodeOperation } from '../../core/service/body.ts';
import type { Reply } from '../../core/service/reply.ts';
import { decodeReply } from '../../core/service/reply.ts';
import { apiClientCodec } from '../../core/wire/api-codecs.ts';
import { apiProtocol, apiSubprotocols } from '../../core/wire/api.ts';
import type { ClientMessage, ServerMessage } from '../../core/wire/api.ts';
import { Story, codeOf, createBlob, errorOf, get, put, valueOf } from './story.ts';
import type { RawConnection } from './story.ts';

const codec = apiClientCodec(apiSubprotocols.binary);

function say(connection: RawConnection, ...messages: ClientMessage[]): void {
  connection.link.send(codec.encode(messages));
}

function readOf(id: number, namespaceId: number): ClientMessage {
  const operation = encodeOperation(get('/b'));
  return { kind: 'read', id, namespaceId, consistency: { kind: 'linearizable' }, operation };
}

function heard(connection: RawConnection): ServerMessage[] {
  return connection.frames.flatMap((frame) => codec.decode(frame));
}

function connect(story: Story, node: string): RawConnection {
  const connection = story.dial(story.node(node).apiAddress, apiSubprotocols.binary);
  say(connection, { kind: 'hello', protocol: apiProtocol, client: 'test' });
  return connection;
}

/** A session that belongs to this connection. */
function registered(story: Story, raw: RawConnection, namespaceId: number): number {
  say(raw, { kind: 'register', id: 1000, namespaceId, client: 'raw', secret: null });
  story.pass(100);
  const [reply] = heard(raw).flatMap((message) => (message.kind === 'reply' ? [decodeReply(message.reply)] : []));
  if (reply?.answer.kind !== 'registered') throw new Error('no session');
  return reply.answer.session;
}

describe('a node without a replica', () => {
  it('forwards writes and reads to the primary, and tells where that is', () => {
    const story = Story.founded(4, 'ns', ['n1', 'n2', 'n3']);
    const user = story.client(['n4'], { followRedirects: false });
    const entered = story.enter(user, 'ns');
    expect(entered).toMatchObject({ ok: true, value: { here: false, primary: { group: 'ns' } } });
    expect(codeOf(story.ask(user, createBlob('/b')))).toBe('ok');
    for (const consistency of ['linearizable', 'local', { atLeast: 2 }] as const) {
      expect(valueOf(story.ask(user, get('/b'), { consistency }))).toBe('first');
    }
    expect(user.client.server?.node).toBe('n4');
  });

  it('sends a client that can go there to the node of the primary', () => {
    const story = Story.founded(4, 'ns', ['n1', 'n2', 'n3']);
    const user = story.client(['n4']);
    const entered = story.enter(user, 'ns');
    expect(entered).toMatchObject({ ok: true, value: { redirected: true, here: true } });
    if (!entered.ok) return;
    expect(user.client.server?.node).toBe(story.primaryOf(entered.value.namespaceId).name);
  });

  it('asks the root group before it denies a namespace, and knows one that was made while it was down', () => {
    const story = Story.founded(4, 'ns', ['n1', 'n2', 'n3']);
    const away = story.node('n4');
    story.world.crash(away);
    story.done(story.create('new', ['n1', 'n2', 'n3']));
    story.world.start(away);
    story.until('it is connected', () => (away.node?.view().connectedPeers.length ?? 0) === 3);
    const user = story.client(['n4'], { followRedirects: false });
    expect(codeOf(story.enter(user, 'new'))).toBe('ok');
    expect(codeOf(story.ask(user, createBlob('/b')))).toBe('ok');
    expect(codeOf(story.enter(user, 'none'))).toBe('UnknownNamespace');
    story.world.crash(story.node('n1'));
    const lost = story.client(['n4'], { followRedirects: false });
    const denied = story.enter(lost, 'none');
    // While the root group is away, no node knows that. The error says so, and never that the namespace does not exist.
    expect(errorOf(denied)).toMatchObject({ retryable: true, outcome: 'definite' });
  });

  it('does not deny a namespace that it does not know yet because it has just started', () => {
    const story = Story.founded(2, 'ns', ['n1', 'n2']);
    const connection = connect(story, 'n2');
    const { namespaceId } = story.entered(story.client(['n2']), 'ns');
    story.world.crash(story.node('n1'));
    say(connection, {
      kind: 'read',
      id: 7,
      namespaceId: namespaceId + 1000,
      consistency: { kind: 'linearizable' },
      operation: encodeOperation(get('/b')),
    });
    story.pass(100);
    expect(heard(connection).at(-1)).toMatchObject({ kind: 'error', id: 7, error: { retryable: true } });
  });

  it('follows a primary that moves, and the requests that the old one still owed are executed once', () => {
    const story = Story.founded(4, 'ns', ['n1', 'n2', 'n3']);
    const user = story.client(['n4'], { followRedirects: false });
    const entered = story.entered(user, 'ns');
    story.done(story.admin('n1', { kind: 'ping' }));
    story.ask(user, { kind: 'create', path: '/q', type: 'queue', value: null });
    for (let round = 0; round < 3; round++) {
      const primary = story.primaryOf(entered.namespaceId);
      const pushed: Result<Reply>[] = [];
      for (let i = 0; i < 20; i++) {
        const value = new Uint8Array([round, i]);
        user.client.execute({ kind: 'queuePush', path: '/q', value }, {}, (result) => void pushed.push(result));
      }
      story.world.schedule.after(300, () => story.world.crash(primary));
      story.until('all are answered', () => pushed.length === 20);
      expect(pushed.every((result) => result.ok)).toBe(true);
      story.world.start(primary);
      story.settle();
    }
    const length = story.ask(user, { kind: 'queueLength', path: '/q' });
    expect(length).toMatchObject({ ok: true, value: { answer: { result: { kind: 'number', number: 60 } } } });
  });
});

describe('a node that cannot reach the primary', () => {
  function triangle(): { story: Story; primary: string; cut: string; between: string; namespaceId: number } {
    const story = Story.founded(3, 'ns', ['n1', 'n2', 'n3']);
    const entered = story.entered(story.client(['n1']), 'ns');
    const primary = story.primaryOf(entered.namespaceId).name;
    const [cut, between] = ['n1', 'n2', 'n3'].filter((name) => name !== primary);
    return { story, primary, cut: cut!, between: between!, namespaceId: entered.namespaceId };
  }

  it('forwards through a peer that can (protocol §9.9), in both directions of the cut', () => {
    const { story, primary, cut } = triangle();
    const user = story.client([cut], { followRedirects: false });
    story.enter(user, 'ns');
    story.part(cut, primary);
    for (let i = 0; i < 5; i++) {
      expect(codeOf(story.ask(user, createBlob(`/b${i}`)))).toBe('ok');
      expect(valueOf(story.ask(user, get(`/b${i}`)))).toBe('first');
      story.pass(2000);
    }
  });

  it('also gets its requests through one-way cuts', () => {
    const { story, primary, cut } = triangle();
    const user = story.client([cut], { followRedirects: false });
    story.enter(user, 'ns');
    story.world.network.cut(primary, cut);
    expect(codeOf(story.ask(user, createBlob('/a'), { timeoutMs: 20_000 }))).toBe('ok');
    story.world.network.mendAll();
    story.world.network.cut(cut, primary);
    expect(codeOf(story.ask(user, createBlob('/b'), { timeoutMs: 20_000 }))).toBe('ok');
  });

  it('passes its requests on once each when a primary is elected that it cannot reach', () => {
    const { story, primary, cut, between, namespaceId } = triangle();
    const user = story.client([cut], { followRedirects: false });
    story.enter(user, 'ns');
    story.ask(user, { kind: 'create', path: '/n', type: 'counter', value: null });
    story.part(cut, between);
    const ended: Result<Reply>[] = [];
    for (let i = 0; i < 10; i++)
      user.client.execute(
        { kind: 'counterAdd', path: '/n', by: 1 },
        { timeoutMs: 60_000 },
        (one) => void ended.push(one),
      );
    story.world.schedule.after(200, () => story.world.crash(story.node(primary)));
    story.pass(1500);
    story.world.start(story.node(primary));
    story.until('all are answered', () => ended.length === 10, 60_000);
    expect(ended.every((one) => one.ok)).toBe(true);
    story.reunite(cut, between);
    story.settle();
    expect(story.primaryOf(namespaceId)).toBeDefined();
    const counted = story.ask(user, { kind: 'counterGet', path: '/n' });
    expect(counted).toMatchObject({ ok: true, value: { answer: { result: { kind: 'number', number: 10 } } } });
  });

  it('answers local reads at once when it is alone, and refuses other requests with an error that says why', () => {
    const { story, primary, cut, between } = triangle();
    const user = story.client([cut], { followRedirects: false, requestTimeoutMs: 3000 });
    story.enter(user, 'ns');
    story.ask(user, createBlob('/b'));
    story.pass(500);
    story.part(cut, primary);
    story.part(cut, between);
    story.pass(5000);
    const before = story.world.schedule.nowMs;
    const local = story.ask(user, get('/b'), { consistency: 'local' });
    expect(valueOf(local)).toBe('first');
    expect(story.world.schedule.nowMs - before).toBeLessThan(50);
    if (!local.ok) return;
    expect(valueOf(story.ask(user, get('/b'), { consistency: { atLeast: local.value.op } }))).toBe('first');
    expect(errorOf(story.ask(user, get('/b')))).toMatchObject({ code: 'Timeout', outcome: 'definite' });
    const raw = connect(story, cut);
    const entered = user.client.namespace!;
    say(raw, {
      kind: 'read',
      id: 1,
      namespaceId: entered.id,
      consistency: { kind: 'linearizable' },
      operation: encodeOperation(get('/b')),
    });
    story.pass(6000);
    expect(heard(raw).at(-1)).toMatchObject({ kind: 'error', id: 1, error: { retryable: true, outcome: 'definite' } });
  });

  it('names no primary that it has lost contact with', () => {
    const { story, primary, cut, between } = triangle();
    story.part(cut, primary);
    story.part(cut, between);
    story.pass(6000);
    expect(story.done(story.admin(cut, { kind: 'primary', namespace: 'ns' }))).toEqual({
      kind: 'primary',
      primary: null,
    });
    expect(story.node(cut).node!.ready().ok).toBe(false);
    const entered = story.enter(story.client([cut], { followRedirects: false }), 'ns');
    expect(entered).toMatchObject({ ok: true, value: { primary: null } });
  });
});

describe('every wait has an end', () => {
  it('of a read of at least an op that never comes, which leaves no trace', () => {
    const story = Story.founded(1, 'ns', ['n1'], { limits: { maxPendingReads: 100 } });
    const entered = story.entered(story.client(['n1']), 'ns');
    const raw = connect(story, 'n1');
    const operation = encodeOperation(get('/b'));
    const { namespaceId } = entered;
    for (let id = 1; id <= 60; id++)
      say(raw, { kind: 'read', id, namespaceId, consistency: { kind: 'atLeast', op: 2 ** 40 }, operation });
    story.pass(100);
    const refused = heard(raw).filter((message) => message.kind === 'error');
    expect(refused).toHaveLength(10);
    expect(refused[0]).toMatchObject({ error: { code: 'Overloaded', details: { limit: 50 } } });
    story.pass(6000);
    const ended = heard(raw).filter((message) => message.kind === 'error' && message.error.code === 'Timeout');
    expect(ended).toHaveLength(50);
    say(raw, { kind: 'read', id: 99, namespaceId, consistency: { kind: 'linearizable' }, operation });
    story.pass(100);
    expect(heard(raw).at(-1)).toMatchObject({ kind: 'reply', id: 99 });
  });

  it('of a request whose predecessor never comes, and others do not wait for it', () => {
    // A session may hold a quarter of them.
    const story = Story.founded(1, 'ns', ['n1'], { limits: { maxPendingRequests: 80 } });
    const user = story.client(['n1']);
    story.enter(user, 'ns');
    story.ask(user, createBlob('/b'));
    const { id: namespaceId } = user.client.namespace!;
    const raw = connect(story, 'n1');
    const session = registered(story, raw, namespaceId);
    const operation = encodeOperation(put('/b', 'late'));
    for (let i = 0; i < 20; i++)
      say(raw, { kind: 'request', id: i, namespaceId, session, request: 100 + i, answered: 1, operation });
    story.pass(100);
    expect(heard(raw).filter((message) => message.kind === 'error')).toEqual([]);
    expect(codeOf(story.ask(user, put('/b', 'in time'), { timeoutMs: 200 }))).toBe('ok');
    story.pass(6000);
    const ends = heard(raw).filter((message) => message.kind === 'error');
    expect(ends).toHaveLength(20);
    expect(ends[0]).toMatchObject({ error: { code: 'Timeout', outcome: 'unknown' } });
    expect(valueOf(story.ask(user, get('/b')))).toBe('in time');
  });

  it('of a write that no quorum takes, and of a keep-alive', () => {
    const story = Story.founded(3, 'ns', ['n1', 'n2', 'n3']);
    const user = story.client(['n1', 'n2', 'n3']);
    const entered = story.entered(user, 'ns');
    story.ask(user, createBlob('/b'));
    const { namespaceId } = entered;
    const primary = story.primaryOf(namespaceId).name;
    const raw = connect(story, primary);
    const session = registered(story, raw, namespaceId);
    for (const name of ['n1', 'n2', 'n3']) if (name !== primary) story.world.crash(story.node(name));
    const operation = encodeOperation(put('/b', 'x'));
    say(raw, { kind: 'request', id: 1, namespaceId, session, request: 2, answered: 2, operation });
    say(raw, { kind: 'keepAlive', id: 2, namespaceId, session, heard: 0 });
    say(raw, { kind: 'register', id: 3, namespaceId, client: 'test', secret: null });
    story.pass(12_000);
    const ends = heard(raw).flatMap((message) => (message.kind === 'error' ? [message] : []));
    expect(ends.map(({ id }) => id).sort()).toEqual([1, 2, 3]);
    for (const end of ends) expect(end).toMatchObject({ error: { retryable: true } });
  });

  it('of a request that was forwarded to a paused node', () => {
    const story = Story.founded(4, 'ns', ['n1', 'n2', 'n3']);
    const { namespaceId } = story.entered(story.client(['n4'], { followRedirects: false }), 'ns');
    const raw = connect(story, 'n4');
    for (const name of ['n1', 'n2', 'n3']) story.node(name).pause();
    say(raw, readOf(1, namespaceId));
    story.pass(6000);
    expect(heard(raw).at(-1)).toMatchObject({ kind: 'error', id: 1, error: { retryable: true, outcome: 'definite' } });
    for (const name of ['n1', 'n2', 'n3']) story.node(name).resume();
    story.until('it is connected', () => story.node('n4').node?.view().connectedPeers.length === 3);
    story.settle();
    say(raw, readOf(2, namespaceId));
    story.pass(100);
    expect(heard(raw).at(-1)).toMatchObject({ kind: 'reply', id: 2 });
  });
});

describe('readiness', () => {
  it('is not lost with one of several namespaces, and can be asked of each', () => {
    const story = Story.founded(5, 'ns', ['n1', 'n2', 'n3']);
    story.done(story.create('lonely', ['n3', 'n4', 'n5']));
    for (const name of ['n4', 'n5']) story.world.crash(story.node(name));
    story.pass(6000);
    const node = story.node('n3').node!;
    expect(node.ready()).toEqual({ ok: true, waitingFor: [] });
    expect(node.ready('ns')).toEqual({ ok: true, waitingFor: [] });
    expect(node.ready('lonely')).toEqual({ ok: false, waitingFor: ['this node reaches no primary of lonely'] });
    expect(node.ready('none')).toEqual({ ok: false, waitingFor: ['no namespace none is known here'] });
    // Without a replica of it, a node serves a namespace all the same.
    story.world.start(story.node('n4'));
    story.until('it has a primary again', () => node.ready('lonely').ok, 20_000);
    expect(story.node('n1').node!.ready('lonely').ok).toBe(true);
    for (const name of ['n1', 'n2', 'n4']) story.world.crash(story.node(name));
    story.pass(6000);
    expect(node.ready()).toEqual({ ok: false, waitingFor: ['ns::r3 and 1 more know no primary'] });
  });
});
