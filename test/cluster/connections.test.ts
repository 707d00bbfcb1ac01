/** A connection can harm only itself. And what a node reports about itself until it has stopped. */

import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../core/base/random.ts';
import type { Frame, Interface, Link, LinkHandler } from '../../core/base/ports.ts';
import { encodeOperation } from '../../core/service/body.ts';
import { adminClientCodec } from '../../core/wire/admin-codecs.ts';
import { adminSubprotocols } from '../../core/wire/admin.ts';
import { apiClientCodec } from '../../core/wire/api-codecs.ts';
import { apiProtocol, apiSubprotocols } from '../../core/wire/api.ts';
import * as closeCodes from '../../core/wire/close-codes.ts';
import { peerSubprotocol } from '../../core/wire/peer.ts';
import type { PeerMessage } from '../../core/wire/peer.ts';
import { Dialler, helloTo, secretOf } from './dialler.ts';
import { Story, codeOf, createBlob, errorOf, get, put, valueOf } from './story.ts';
import type { RawConnection } from './story.ts';

const api = apiClientCodec(apiSubprotocols.binary);
const admin = adminClientCodec(adminSubprotocols.binary);
const interfaces: readonly [Interface, string][] = [
  ['api', apiSubprotocols.binary],
  ['admin', adminSubprotocols.binary],
  ['cluster', peerSubprotocol],
];

function address(story: Story, node: string, through: Interface): string {
  return story.node(node)[`${through}Address`];
}

function serves(story: Story, at: string): void {
  const user = story.client([at]);
  expect(codeOf(story.enter(user, 'ns'))).toBe('ok');
  expect(['ok', 'PathExists']).toContain(codeOf(story.ask(user, createBlob('/served'))));
  expect(valueOf(story.ask(user, get('/served')))).toBe('first');
  user.client.close();
}

/** A link whose other end does not read. */
class StalledLink implements Link {
  readonly frames: Frame[] = [];
  closed: { readonly code: number; readonly reason: string } | null = null;
  #bytes = 0;

  send(frame: Frame): void {
    if (this.closed !== null) return;
    this.frames.push(frame);
    this.#bytes += frame.length;
  }

  close(code: number, reason: string): void {
    this.closed ??= { code, reason };
  }

  buffered(): number {
    return this.#bytes;
  }
}

function stalled(story: Story, through: Interface, subprotocol: string): { link: StalledLink; handler: LinkHandler } {
  const link = new StalledLink();
  const handler = story.node('n1').node!.accept(through, subprotocol, link, 'test');
  return { link, handler };
}

describe.each(interfaces)('the %s interface', (through, subprotocol) => {
  it('closes a connection that sends a frame of another protocol, and closes no other', () => {
    const story = Story.founded(1, 'ns', ['n1']);
    const bystander = story.dial(address(story, 'n1', 'api'), apiSubprotocols.binary);
    bystander.link.send(api.encode([{ kind: 'hello', protocol: apiProtocol, client: 'test' }]));
    const random = new SeededRandom(7);
    for (let i = 0; i < 40; i++) {
      const raw = story.dial(address(story, 'n1', through), subprotocol);
      raw.link.send(i % 4 === 0 ? 'text on a binary connection' : random.bytes(1 + random.below(300)));
      raw.link.send(new Uint8Array([0xff, 0xff, 0xff]));
      story.until('it is closed', () => raw.closed !== null, 1000);
      expect([closeCodes.badFrame, closeCodes.notAllowed]).toContain(raw.closed!.code);
    }
    bystander.link.send(api.encode([{ kind: 'ping', id: 1 }]));
    story.pass(10);
    expect(bystander.closed).toBeNull();
    expect(bystander.frames.flatMap((frame) => api.decode(frame)).at(-1)).toEqual({ kind: 'pong', id: 1 });
    serves(story, 'n1');
  });

  it('closes a connection whose frame is over the limit', () => {
    const story = Story.founded(1, 'ns', ['n1'], { limits: { maxFrameBytes: 8192, maxPeerFrameBytes: 8192 } });
    const raw = story.dial(address(story, 'n1', through), subprotocol);
    raw.link.send(new Uint8Array(8193));
    story.until('it is closed', () => raw.closed !== null, 1000);
    expect([closeCodes.badFrame, closeCodes.tooBig]).toContain(raw.closed!.code);
    serves(story, 'n1');
  });

  it('tells a connection over the limit why it is closed, and takes another when one has closed', () => {
    const limits = { maxApiConnections: 6, maxAdminConnections: 6, maxClusterConnections: 6 };
    const story = Story.founded(1, 'ns', ['n1'], { limits });
    story.pass(1000);
    const held: RawConnection[] = [];
    for (let i = 0; i < 6; i++) held.push(story.dial(address(story, 'n1', through), subprotocol));
    const more = story.dial(address(story, 'n1', through), subprotocol);
    story.until('it is closed', () => more.closed !== null, 1000);
    expect(more.closed!.code).toBe(closeCodes.tooManyConnections);
    expect(more.frames).toHaveLength(1);
    held[0]!.link.close(closeCodes.normal, '');
    story.pass(10);
    const next = story.dial(address(story, 'n1', through), subprotocol);
    story.pass(10);
    expect(next.closed).toBeNull();
  });
});

describe('a client that does not read', () => {
  it('is cut off when too much waits for it, and does no harm to other clients', () => {
    const story = Story.founded(1, 'ns', ['n1'], { limits: { maxQueuedBytes: 100_000 } });
    const user = story.client(['n1']);
    story.enter(user, 'ns');
    story.ask(user, createBlob('/b'));
    story.ask(user, put('/b', 'x'.repeat(10_000)));
    const namespaceId = user.client.namespace!.id;
    const { link, handler } = stalled(story, 'api', apiSubprotocols.binary);
    handler.onFrame(api.encode([{ kind: 'hello', protocol: apiProtocol, client: 'test' }]));
    const operation = encodeOperation(get('/b'));
    for (let id = 1; id <= 60; id++) {
      handler.onFrame(api.encode([{ kind: 'read', id, namespaceId, consistency: { kind: 'local' }, operation }]));
      story.pass(1);
    }
    // What it would have to read first is made, and nothing more.
    expect(link.frames.length).toBeLessThan(20);
    expect(link.closed).toBeNull();
    story.until('it is closed', () => link.closed !== null, 15_000);
    expect(link.closed).toMatchObject({ code: closeCodes.slowConsumer });
    expect(link.frames.length).toBeLessThan(20);
    handler.onClose(closeCodes.slowConsumer, '');
    serves(story, 'n1');
    expect(story.log.filter((line) => line.includes('does not read')).length).toBe(1);
  });

  it('is also cut off on the admin interface', () => {
    const story = Story.founded(1, 'ns', ['n1'], { limits: { maxQueuedBytes: 20_000 } });
    const { link, handler } = stalled(story, 'admin', adminSubprotocols.binary);
    for (let id = 1; id <= 60 && link.closed === null; id++) {
      handler.onFrame(admin.encode([{ id, command: { kind: 'metrics', prefix: '' } }]));
      story.pass(1);
    }
    expect(link.closed).toMatchObject({ code: closeCodes.slowConsumer });
  });
});

describe('an answer that fits no frame', () => {
  it('is an error that says so, and the connection stays', () => {
    const story = Story.founded(1, 'ns', ['n1'], { limits: { maxFrameBytes: 1024 } });
    const all = story.admin('n1', { kind: 'metrics', prefix: '' });
    expect(errorOf(all)).toMatchObject({ code: 'LimitExceeded', details: { limit: 1024 } });
    expect(codeOf(story.admin('n1', { kind: 'metrics', prefix: 'haret_store' }))).toBe('ok');
  });

  it('holds for the metrics of a tree with long paths, whose names are cut', () => {
    const story = Story.founded(1, 'ns', ['n1']);
    const user = story.client(['n1']);
    story.enter(user, 'ns');
    expect(valueOf(story.ask(user, createBlob(`/${'ä'.repeat(120)}/${'b'.repeat(250)}`)))).not.toBe('LimitExceeded');
    const metrics = story.done(story.admin('n1', { kind: 'metrics', prefix: 'haret_largest' }));
    expect(metrics).toMatchObject({ pairs: [{ name: expect.stringMatching(/…$/) as string }] });
  });
});

describe('the cluster interface', () => {
  it.each([
    ['another cluster', { cluster: 'cd'.repeat(16) }, 'WrongCluster', closeCodes.wrongCluster],
    ['whoever means another node', { target: 'n7' }, 'NodeNotFound', closeCodes.notAllowed],
  ] as const)('refuses %s in words, and continues', (_what, more, code, close) => {
    const story = Story.founded(2, 'ns', ['n1', 'n2']);
    const peer = new Dialler(story).greet(helloTo(story, more), [secretOf(story.node('n1'))]);
    peer.tell({ kind: 'ping', answer: true });
    expect(peer.untilClosed()).toBe(close);
    expect(peer.heard.at(-1)).toEqual({ kind: 'refused', error: expect.objectContaining({ code }) as object });
    expect(story.node('n1').node!.health()).toEqual({ ok: true, problems: [] });
    serves(story, 'n1');
  });

  it('refuses another protocol in words, before any other message', () => {
    const story = Story.founded(1, 'ns', ['n1']);
    const peer = new Dialler(story);
    peer.tell({ kind: 'greet', protocol: 99, nonce: 'ab'.repeat(16) });
    expect(peer.untilClosed()).toBe(closeCodes.wrongCluster);
    expect(peer.heard).toEqual([
      { kind: 'refused', error: expect.objectContaining({ code: 'WrongCluster' }) as object },
    ]);
    serves(story, 'n1');
  });

  it.each([
    ['a name', { name: 'n\u001b[2J' }],
    ['an address', { apiAddress: 'x:1\u0007' }],
    ['no address', { clusterAddress: '' }],
  ])('refuses %s that a terminal should not show, even from an end that knows the secret', (_what, more) => {
    const story = Story.founded(1, 'ns', ['n1']);
    const { from } = helloTo(story);
    const secrets = [secretOf(story.node('n1'))];
    const strange = { ...from, ...more };
    new Dialler(story)
      .greet(helloTo(story, { from: strange, targetIncarnation: 'ef'.repeat(16) }), secrets)
      .untilClosed();
    new Dialler(story).greet(helloTo(story, { from: strange }), secrets).untilClosed();
    const status = story.done(story.admin('n1', { kind: 'clusterStatus' }));
    expect(status).toMatchObject({ members: [{ node: 'n1' }] });
    expect(story.node('n1').node!.health()).toEqual({ ok: true, problems: [] });
    expect(story.log.join('\n')).not.toContain('\u001b');
  });

  it('is still a member after nodes of another cluster had its address', () => {
    const story = Story.founded(1, 'ns', ['n1']);
    const other = helloTo(story, { cluster: 'cd'.repeat(16), targetIncarnation: 'ef'.repeat(16) });
    new Dialler(story).greet(other, [secretOf(story.node('n1'))]).untilClosed();
    expect(story.node('n1').node!.health().ok).toBe(true);
    serves(story, 'n1');
  });

  it('closes links that never say hello, or that only say hello to a node without a cluster', () => {
    const story = new Story(1);
    story.world.start(story.node('n1'));
    const mute = new Dialler(story);
    const idle = new Dialler(story).greet(helloTo(story, { cluster: 'cd'.repeat(16) }), []);
    story.pass(6000);
    expect(mute.raw.closed).toMatchObject({ code: closeCodes.timeout });
    expect(idle.raw.closed).toMatchObject({ code: closeCodes.timeout });
  });

  it('ignores answers to questions that it did not ask', () => {
    const story = Story.founded(1, 'ns', ['n1']);
    const peer = new Dialler(story).greet(helloTo(story), [secretOf(story.node('n1'))]);
    const answers = Array.from({ length: 50 }, (_, id): PeerMessage => ({
      kind: 'forwarded',
      run: 0,
      id,
      outcome: { kind: 'found', namespaceId: 1, epoch: 1, view: 0, primary: null },
    }));
    peer.tell(...answers, { kind: 'joined' });
    serves(story, 'n1');
    expect(peer.raw.closed).toBeNull();
  });
});

describe('links that die silently', () => {
  it('are noticed by both ends, and made again when the network is back', () => {
    const story = Story.founded(2, 'ns', ['n1']);
    story.part('n1', 'n2');
    story.pass(200);
    // Nothing was closed. Both still believe in their links.
    expect(story.node('n1').node!.view().connectedPeers).toEqual(['n2']);
    story.pass(5000);
    for (const name of ['n1', 'n2']) expect(story.node(name).node!.view().connectedPeers).toEqual([]);
    story.reunite('n1', 'n2');
    story.pass(3000);
    for (const name of ['n1', 'n2']) expect(story.node(name).node!.view().connectedPeers).toHaveLength(1);
  });
});

describe('a disk that is nearly full', () => {
  it('refuses writes that grow with an error that says why, serves the rest, warns, and takes all writes when there is room again', () => {
    const settings = { diskCapacityBytes: 6 * 1024 * 1024, diskReserveBytes: 1024 * 1024, segmentBytes: 1024 * 1024 };
    const story = Story.founded(1, 'ns', ['n1'], { settings });
    const user = story.client(['n1'], { requestTimeoutMs: 3000 });
    story.enter(user, 'ns');
    story.ask(user, createBlob('/b'));
    const { disk } = story.node('n1');
    const free = disk.free();
    disk.create('ballast', free - 1000, () => undefined);
    story.pass(2000);
    expect(story.node('n1').node!.health()).toEqual({
      ok: true,
      problems: [
        expect.stringMatching(/^the disk of the data directory has 1000 bytes left of the \d{7} that are kept free/),
      ],
    });
    // The client tries again until its deadline, because there may be space by then.
    expect(errorOf(story.ask(user, put('/b', 'more')))).toMatchObject({ outcome: 'definite' });
    expect(valueOf(story.ask(user, get('/b')))).toBe('first');
    expect(codeOf(story.ask(user, { kind: 'delete', path: '/b', recursive: false, ifVersion: null }))).toBe('ok');
    disk.remove('ballast', () => undefined);
    story.pass(2000);
    expect(codeOf(story.ask(user, createBlob('/b')))).toBe('ok');
    expect(story.node('n1').node!.health()).toEqual({ ok: true, problems: [] });
  });
});

describe('metrics', () => {
  it('have names that end in their units, counters in _total, and one type and help a name', () => {
    const story = Story.founded(2, 'ns', ['n1', 'n2']);
    serves(story, 'n1');
    const seen = new Map<string, string>();
    for (const { name, type, help, value, labels } of story.node('n1').node!.metrics()) {
      expect(name).toMatch(/^haret_[a-z]+(_[a-z]+)*$/);
      expect(name.endsWith('_total')).toBe(type === 'counter');
      expect(help).toMatch(/\.$/);
      expect(Number.isFinite(value)).toBe(true);
      for (const label of Object.keys(labels)) expect(label).toMatch(/^[a-z_]+$/);
      expect(seen.get(name) ?? `${type} ${help}`).toBe(`${type} ${help}`);
      seen.set(name, `${type} ${help}`);
    }
    expect(seen.size).toBeGreaterThan(30);
  });
});

describe('a node that stops', () => {
  it('says so on every connection, refuses new ones, and has everything on disk', () => {
    const story = Story.founded(1, 'ns', ['n1']);
    const node = story.node('n1');
    const user = story.client(['n1']);
    story.enter(user, 'ns');
    story.ask(user, createBlob('/b'));
    const held = interfaces.map(([through, subprotocol]) => story.dial(address(story, 'n1', through), subprotocol));
    let stopped = 0;
    node.node!.stop(() => stopped++);
    node.node!.stop(() => stopped++);
    const late = story.dial(node.apiAddress, apiSubprotocols.binary);
    story.pass(100);
    expect(stopped).toBe(2);
    for (const { closed } of held) expect(closed).toMatchObject({ code: closeCodes.goingAway });
    expect(late.closed).not.toBeNull();
    expect(node.node!.ready().ok).toBe(false);
    node.node!.stop(() => stopped++);
    expect(stopped).toBe(3);
    story.world.cutPower(node);
    story.world.start(node);
    story.settle();
    expect(valueOf(story.ask(user, get('/b')))).toBe('first');
  });

  it('hands its groups over: the others continue at once', () => {
    const story = Story.founded(3, 'ns', ['n1', 'n2', 'n3']);
    const user = story.client(['n1', 'n2', 'n3']);
    const entered = story.entered(user, 'ns');
    story.ask(user, createBlob('/b'));
    const primary = story.primaryOf(entered.namespaceId);
    const before = story.world.schedule.nowMs;
    primary.node!.stop(() => story.world.crash(primary));
    expect(codeOf(story.ask(user, put('/b', 'after')))).toBe('ok');
    expect(story.world.schedule.nowMs - before).toBeLessThan(1000);
  });
});
