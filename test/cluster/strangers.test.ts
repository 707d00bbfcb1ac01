/**
 * A program without the secret reads, changes and stops nothing at the cluster port. A program with the secret speaks
 * only for itself (V31).
 */

import { noSecret } from '../../core/base/session-secret.ts';
import { describe, expect, it } from 'vitest';
import { rootNamespaceId } from '../../core/base/ids.ts';
import { encodeOperation } from '../../core/service/body.ts';
import { Dialler, helloTo, memberHello, secretOf } from './dialler.ts';
import type { ForwardItem, PeerMessage } from '../../core/wire/peer.ts';
import { apiServerCodec } from '../../core/wire/api-codecs.ts';
import { apiSubprotocols } from '../../core/wire/api.ts';
import type { Message } from '../../core/vr/messages.ts';
import { Story, codeOf, createBlob, get, put, valueOf } from './story.ts';

const most = Number.MAX_SAFE_INTEGER;
const wrong = ['not the secret of this cluster'];

/** What must not change, whoever says what. */
function standing(story: Story): unknown {
  return story.world.nodes.map((node) => ({
    health: node.node!.health(),
    status: story.done(story.admin(node.name, { kind: 'clusterStatus' })),
    views: node.hosts.map((host) => host.view().view),
    stopped: node.hosts.map((host) => host.stopped),
  }));
}

function founded(): Story {
  const story = Story.founded(3, 'ns', ['n1', 'n2', 'n3']);
  const user = story.client(['n1']);
  story.enter(user, 'ns');
  expect(codeOf(story.ask(user, createBlob('/a')))).toBe('ok');
  user.client.close();
  story.settle();
  return story;
}

/** A message between replicas of the namespace, in the name of the replica on `from`. */
function forged(story: Story, from: string, more: Partial<Extract<Message, { kind: 'viewNow' }>>): PeerMessage {
  const to = story.node('n1').hosts.find((host) => host.namespaceId !== rootNamespaceId)!;
  const { cluster, namespace } = to.identity;
  const host = story.node(from).hosts.find((one) => one.namespaceId === namespace)!;
  const { replica, node, incarnation } = host.identity;
  const { epoch, view } = to.view().view;
  const envelope = { cluster, namespace, replica, node, incarnation, to: to.replicaName, epoch, view };
  return { kind: 'vr', message: { kind: 'viewNow', ...envelope, ...more } };
}

const read: ForwardItem = { kind: 'read', consistency: { kind: 'local' }, operation: encodeOperation(get('/a')) };

describe('a stranger at the cluster port', () => {
  it.each([
    ['no secret', []],
    ['another secret', wrong],
  ])('with %s, in the name of a member, reads nothing and changes nothing', (_what, secrets) => {
    const story = founded();
    const before = standing(story);
    const { from } = memberHello(story, 'n2');
    const hellos = [
      memberHello(story, 'n2'),
      memberHello(story, 'n2', { from: { ...from, apiAddress: 'evil:3', clusterAddress: 'evil:1' } }),
      memberHello(story, 'n2', { targetIncarnation: 'ef'.repeat(16) }),
      helloTo(story),
    ];
    for (const hello of hellos) {
      const stranger = new Dialler(story).greet(hello, secrets);
      stranger.tell(forged(story, 'n2', { view: most }), { kind: 'ping', answer: true });
      stranger.untilClosed();
      expect(stranger.heard.map(({ kind }) => kind)).toEqual(['greet', 'refused']);
      const told = JSON.stringify(stranger.heard);
      for (const node of story.world.nodes) expect(told).not.toContain(node.node!.view().incarnation);
    }
    // Neither without a hello, nor with a proof that was overheard on another link.
    const mute = new Dialler(story);
    mute.tell(forged(story, 'n2', { view: most }));
    mute.untilClosed();
    story.pass(3000);
    expect(standing(story)).toEqual(before);
  });

  it('gains nothing from what it overheard: each link has nonces of its own', () => {
    const story = founded();
    const hello = memberHello(story, 'n2');
    const secrets = [secretOf(story.node('n1'))];
    const rightful = new Dialler(story).greet(hello, secrets);
    expect(rightful.heard.at(-1)).toMatchObject({ kind: 'welcome', problem: null });
    const replayed = new Dialler(story);
    for (const message of rightful.said) replayed.tell(message);
    replayed.untilClosed();
    expect(replayed.heard.at(-1)).toMatchObject({ kind: 'refused', error: { code: 'NodeRefused' } });
  });

  it('takes no place from nodes that know the secret, however often it comes', () => {
    const story = Story.founded(2, 'ns', ['n1', 'n2'], { limits: { maxClusterConnections: 200 } });
    const mute = Array.from({ length: 150 }, () => new Dialler(story));
    story.pass(10);
    expect(mute.filter(({ raw }) => raw.closed === null).length).toBeLessThanOrEqual(64);
    story.world.crash(story.node('n2'));
    story.world.start(story.node('n2'));
    story.settle();
    expect(story.node('n1').node!.view().connectedPeers).toEqual(['n2']);
  });

  it('that answers where a member is expected is not believed to be it', () => {
    const story = Story.founded(2, 'ns', ['n1'], { settings: { secrets: ['the secret of this cluster'] } });
    story.world.crash(story.node('n2'));
    story.node('n2').disk.wipe();
    story.world.start(story.node('n2'));
    story.pass(3000);
    // It knows the secret, so its peers believe that it has lost its disk.
    expect(story.node('n1').node!.health().problems).toEqual([expect.stringMatching(/^node n2 at n2:1 has another/)]);
    expect(story.node('n2').node!.health().problems).toEqual([expect.stringContaining('knows this node with another')]);
  });
});

describe('a node that knows the secret', () => {
  it('speaks for its own replicas alone: what it says in the name of others is dropped, counted and logged once', () => {
    const story = founded();
    const peer = new Dialler(story).greet(memberHello(story, 'n3'), [secretOf(story.node('n1'))]);
    const before = story.node('n1').hosts.map((host) => host.view().view);
    for (let i = 0; i < 5; i++) peer.tell(forged(story, 'n2', { view: most }), forged(story, 'n2', { view: 9 }));
    story.pass(100);
    expect(story.node('n1').hosts.map((host) => host.view().view)).toEqual(before);
    const metrics = story.done(story.admin('n1', { kind: 'metrics', prefix: 'haret_peer_unbelieved' }));
    const pairs = metrics.kind === 'pairs' ? metrics.pairs : [];
    expect(pairs.find(({ name }) => name.includes('another node'))).toMatchObject({ value: '10' });
    expect(story.log.filter((line) => line.includes('warn a message of a peer was not believed'))).toHaveLength(1);
  });

  it('cannot tell a view that elections cannot have reached, even in its own name', () => {
    const story = founded();
    const peer = new Dialler(story).greet(memberHello(story, 'n3'), [secretOf(story.node('n1'))]);
    peer.tell(forged(story, 'n3', { view: most }), forged(story, 'n3', { view: 2 ** 52 }));
    story.pass(3000);
    for (const node of story.world.nodes) {
      for (const host of node.hosts) expect(host.view().view.view).toBeLessThan(20);
    }
    const user = story.client(['n2']);
    story.enter(user, 'ns');
    expect(codeOf(story.ask(user, put('/a', 'second')))).toBe('ok');
  });

  it.each<[string, ForwardItem]>([
    ['a read', read],
    ['a write', { kind: 'request', session: 1, request: 1, answered: 1, operation: encodeOperation(put('/a', 'x')) }],
    ['a registration', { kind: 'register', client: 'x', secret: noSecret }],
  ])('has %s of the root group refused', (_what, item) => {
    const story = founded();
    const peer = new Dialler(story).greet(memberHello(story, 'n3'), [secretOf(story.node('n1'))]);
    const sink = story.node('n3');
    const before = sink.node!.health();
    peer.tell({ kind: 'forward', run: 1, id: 1, hops: 1, namespaceId: rootNamespaceId, secret: noSecret, item });
    story.pass(200);
    expect(peer.heard.at(-1)).toMatchObject({
      kind: 'forwarded',
      outcome: { kind: 'error', error: { outcome: 'definite' } },
    });
    expect(story.node('n1').hosts.every((host) => !host.stopped)).toBe(true);
    expect(sink.node!.health()).toEqual(before);
  });

  it('hints at no primary that the catalog does not name', () => {
    const story = founded();
    const namespaceId = story.node('n1').hosts.find((host) => host.namespaceId !== rootNamespaceId)!.namespaceId;
    const peer = new Dialler(story).greet(memberHello(story, 'n3'), [secretOf(story.node('n1'))]);
    const hint = { namespaceId, epoch: 1, view: 999, replica: 'r1', node: 'n3' };
    peer.tell({
      kind: 'hints',
      hints: [
        hint,
        { ...hint, node: 'x' },
        { ...hint, view: most },
        { ...hint, epoch: 7 },
        { ...hint, namespaceId: 77 },
      ],
    });
    const user = story.client(['n1']);
    story.enter(user, 'ns');
    expect(codeOf(story.ask(user, put('/a', 'second')))).toBe('ok');
    const status = story.done(story.admin('n1', { kind: 'primary', namespace: 'ns' }));
    expect(JSON.stringify(status)).toMatch(/ns::r\d::n\d@n\d:1/);
  });
});

describe('the secret', () => {
  it('is made by the first node, and is given to a new node that an operator joins and whose disk keeps it', () => {
    const story = Story.founded(2, 'ns', ['n1', 'n2']);
    expect(secretOf(story.node('n1'))).toMatch(/^[0-9a-f]{64}$/);
    expect(secretOf(story.node('n2'))).toBe(secretOf(story.node('n1')));
    for (const node of story.world.nodes) story.world.cutPower(node);
    for (const node of story.world.nodes) story.world.start(node);
    story.settle();
    const user = story.client(['n2']);
    story.enter(user, 'ns');
    expect(codeOf(story.ask(user, createBlob('/b')))).toBe('ok');
    expect(valueOf(story.ask(user, get('/b')))).toBe('first');
  });

  it('is on no disk where it is configured', () => {
    const story = Story.founded(2, 'ns', ['n1', 'n2'], { settings: { secrets: ['the secret of this cluster'] } });
    for (const { disk } of story.world.nodes)
      expect(disk.list().map(({ name }) => name)).not.toContain('cluster-secret');
    const user = story.client(['n2']);
    story.enter(user, 'ns');
    expect(codeOf(story.ask(user, createBlob('/b')))).toBe('ok');
  });

  it('can also be proven with the one before it, while it is changed', () => {
    const both = ['the secret that comes next', 'the secret of this cluster'];
    const story = Story.founded(1, 'ns', ['n1'], { settings: { secrets: both } });
    for (const secret of both) {
      const peer = new Dialler(story).greet(helloTo(story), [secret]);
      expect(peer.heard.at(-1)).toMatchObject({ kind: 'welcome', proof: expect.any(String) as string });
    }
    new Dialler(story).greet(helloTo(story), wrong).untilClosed();
  });
});

describe('an answer of another node that cannot be read', () => {
  it('is an error to the client that waits for it, and ends nothing', () => {
    const codec = apiServerCodec(apiSubprotocols.superjson);
    const garbage = new Uint8Array([9, 9, 9, 9]);
    const frame = codec.encode([
      { kind: 'reply', id: 4, reply: garbage },
      { kind: 'event', id: 5, event: garbage },
      { kind: 'pong', id: 6 },
    ]);
    expect(JSON.parse(frame as string)).toMatchObject({
      json: [
        { kind: 'error', id: 4, error: { code: 'Internal', outcome: 'unknown' } },
        { kind: 'error', id: 5, error: { code: 'Internal' } },
        { kind: 'pong', id: 6 },
      ],
    });
  });
});
