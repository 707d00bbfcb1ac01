/** Each admin command with the worst fields there are: nothing changes, nobody falls, and whoever asked is told what was wrong. */

import { describe, expect, it } from 'vitest';
import { adminClientCodec, adminServerCodec } from '../../core/wire/admin-codecs.ts';
import type { AdminClientCodec } from '../../core/wire/admin-codecs.ts';
import { adminSubprotocols } from '../../core/wire/admin.ts';
import type { AdminCommand, AdminReply, Placement } from '../../core/wire/admin.ts';
import { apiClientCodec } from '../../core/wire/api-codecs.ts';
import { apiProtocol, apiSubprotocols } from '../../core/wire/api.ts';
import * as closeCodes from '../../core/wire/close-codes.ts';
import { isName, rootNamespaceId } from '../../core/base/ids.ts';
import { noSecret } from '../../core/base/session-secret.ts';
import type { PeerMessage } from '../../core/wire/peer.ts';
import { Dialler, memberHello, secretOf } from './dialler.ts';
import { Story, codeOf, createBlob, get, valueOf } from './story.ts';

type Kind = AdminCommand['kind'];

/** Of names, addresses and other texts. */
const worst = [
  '',
  ' ',
  '../../etc/passwd',
  '/',
  'n1\u001b[2J\u0007',
  'n\u0000',
  'root',
  '..',
  '-rf',
  'ü',
  'n'.repeat(64),
];
const places: readonly Placement[] = worst.map((text) => ({ replica: text, node: text, address: `${text} ${text}` }));
const good: Placement = { replica: 'r1', node: 'n1', address: 'n1:1' };
const three = [good, { ...good, replica: 'r2' }, { ...good, replica: 'r3' }];

/** What can be encoded and must do nothing. What a command may do is in the other tests of this room. */
const fields = {
  clusterJoin: worst.flatMap((text) => [
    { node: text, address: 'n2:1' },
    { node: 'n2', address: `${text} ` },
    // Another node's name, and this node's own.
    { node: text, address: text },
    { node: 'n1', address: 'n2:1' },
    { node: 'n2', address: 'n1:1' },
  ]),
  clusterStatus: [{}],
  createNamespace: [
    ...worst
      .filter((text) => text !== 'n'.repeat(64))
      .map((text) => ({ namespace: text, replicas: three, allowSmall: true })),
    ...places.map((place) => ({ namespace: 'made', replicas: [place], allowSmall: true })),
    ...places.map((place) => ({ namespace: 'made', replicas: [...three, place], allowSmall: false })),
    { namespace: 'made', replicas: [], allowSmall: true },
    { namespace: 'made', replicas: [good, good, good], allowSmall: false },
    { namespace: 'made', replicas: Array.from({ length: 64 }, () => good), allowSmall: true },
    { namespace: 'made', replicas: [{ ...good, node: 'n9' }], allowSmall: true },
    { namespace: 'made', replicas: [{ ...good, address: 'n2:1' }], allowSmall: true },
  ],
  namespaces: [{}],
  replica: worst.flatMap((text) => [
    { namespace: text, replica: 'r1', node: '' },
    { namespace: 'ns', replica: text, node: '' },
    { namespace: 'ns', replica: 'r1', node: text.slice(0, 63) + 'x' },
  ]),
  primary: worst.map((text) => ({ namespace: text })),
  config: [{}],
  metrics: worst.map((text) => ({ prefix: text })),
  logLevel: [...worst, 'DEBUG', 'debug ', 'trace', '__proto__', 'toString']
    .filter((text) => text !== '' && text.length <= 16)
    .map((level) => ({ level })),
  ping: [{}],
} satisfies { readonly [K in Kind]: readonly Omit<Extract<AdminCommand, { kind: K }>, 'kind'>[] };

const kinds = Object.keys(fields) as Kind[];
/** Those that are answered, whatever they say: they only tell. */
const tells = {
  clusterJoin: false,
  clusterStatus: true,
  createNamespace: false,
  namespaces: true,
  replica: false,
  primary: false,
  config: true,
  metrics: true,
  logLevel: false,
  ping: true,
} satisfies Readonly<Record<Kind, boolean>>;

function commandsOf(kind: Kind): readonly AdminCommand[] {
  return fields[kind].map((one) => ({ kind, ...one }) as AdminCommand);
}

const huge = '9'.repeat(400);
/** Values that no field takes, as they stand in a text frame. */
const wrongValues = [
  'null',
  'true',
  '-1',
  '1.5',
  '1e308',
  huge,
  '[]',
  '{}',
  '"\\ud800"',
  JSON.stringify('x'.repeat(70_000)),
];

/** Each field of each kind with each of them, and ids that are none. */
function malformedOf(kind: Kind): readonly string[] {
  const [example] = commandsOf(kind);
  const frames: string[] = [];
  for (const value of wrongValues) {
    // An id of none of these is one.
    frames.push(`{"json":[{"id":${value},"command":${JSON.stringify(example)}}]}`);
    for (const name of Object.keys(example!)) {
      if (name === 'allowSmall' && value === 'true') continue;
      const marked = JSON.stringify({ ...example, [name]: 'HERE' });
      if (name === 'replicas' && value === '[]') continue;
      frames.push(`{"json":[{"id":1,"command":${marked.replace('"HERE"', value)}}]}`);
    }
  }
  frames.push(`{"json":[{"id":1,"command":"${kind}"}]}`, `{"json":[{"id":1,"kind":"${kind}"}]}`);
  frames.push(`{"json":[{"id":1,"command":{"kind":"${kind}","__proto__":{"kind":"ping"}}}]}`);
  return frames;
}

function founded(): Story {
  const story = Story.founded(2, 'ns', ['n1', 'n2']);
  const user = story.client(['n1']);
  story.enter(user, 'ns');
  expect(codeOf(story.ask(user, createBlob('/a')))).toBe('ok');
  user.client.close();
  story.settle();
  return story;
}

/** What is not to change, whoever says what. */
function standing(story: Story): unknown {
  return story.world.nodes.map((node) => ({
    health: node.node!.health(),
    status: story.done(story.admin(node.name, { kind: 'clusterStatus' })),
    namespaces: story.done(story.admin(node.name, { kind: 'namespaces' })),
    level: story.done(story.admin(node.name, { kind: 'logLevel', level: '' })),
    views: node.hosts.map((host) => host.view().view),
    // An entry of the catalog or of a namespace is a change, too.
    heads: node.hosts.map((host) => [host.name, host.view().head]),
    stopped: node.hosts.map((host) => host.stopped),
  }));
}

function serves(story: Story): void {
  const user = story.client(['n2']);
  story.enter(user, 'ns');
  expect(valueOf(story.ask(user, get('/a')))).toBe('first');
  user.client.close();
}

/** A connection to a node's admin interface. */
function connected(
  story: Story,
  subprotocol: string,
  node = 'n1',
): { codec: AdminClientCodec; raw: ReturnType<Story['dial']> } {
  return {
    codec: adminClientCodec(subprotocol),
    raw: story.dial(story.node(node).adminAddress, subprotocol),
  };
}

const codecs = Object.values(adminSubprotocols);

describe.each(kinds)('the command %s', (kind) => {
  it.each(codecs)('with the worst fields, again and again, over %s, changes nothing and is answered', (subprotocol) => {
    const story = founded();
    const before = standing(story);
    const { codec, raw } = connected(story, subprotocol);
    const asked = [...commandsOf(kind), ...commandsOf(kind)];
    raw.link.send(codec.encode(asked.map((command, i) => ({ id: i, command }))));
    // Numbers of questions are the other end's own: the highest there is, and one twice.
    raw.link.send(codec.encode([7, 7, Number.MAX_SAFE_INTEGER].map((id) => ({ id, command: asked[0]! }))));
    const answers = (): AdminReply[] => raw.frames.flatMap((frame) => [...codec.decode(frame)]);
    story.until('all answers', () => answers().length === asked.length + 3, 60_000);
    for (const answer of answers()) {
      if (tells[kind]) expect(answer.kind).toBe('done');
      else if (answer.kind === 'failed') expect(answer.error).toMatchObject({ outcome: 'definite' });
      // Whoever joins a node that is in the cluster already, and asks for a primary that there is, is told so.
      else
        expect(answer).toMatchObject({ kind: 'done', result: { kind: expect.stringMatching(/ok|primary/) as string } });
    }
    expect(raw.closed).toBeNull();
    expect(standing(story)).toEqual(before);
    serves(story);
  });

  it('with fields of other types closes its connection with a typed reason, and no other', () => {
    const story = founded();
    const before = standing(story);
    const bystander = connected(story, adminSubprotocols.superjson);
    const { codec } = bystander;
    for (const frame of malformedOf(kind)) {
      const { raw } = connected(story, adminSubprotocols.superjson);
      raw.link.send(frame);
      story.until('it is closed', () => raw.closed !== null, 1000);
      expect([frame.slice(0, 200), raw.closed!.code]).toEqual([frame.slice(0, 200), closeCodes.badFrame]);
      expect(codec.decode(raw.frames[0]!)).toMatchObject([{ kind: 'goodbye', error: { code: 'BadFrame' } }]);
    }
    bystander.raw.link.send(codec.encode([{ id: 1, command: { kind: 'ping' } }]));
    story.pass(10);
    expect(bystander.raw.frames).toHaveLength(1);
    expect(standing(story)).toEqual(before);
    serves(story);
  });

  it('is answered to no one after the connection closed or the node stopped', () => {
    const story = founded();
    const node = story.node('n1').node!;
    const codec = adminClientCodec(adminSubprotocols.binary);
    const sent: unknown[] = [];
    const link = { send: (frame: unknown) => void sent.push(frame), close: () => undefined, buffered: () => 0 };
    const closed = node.accept('admin', adminSubprotocols.binary, link, 'test');
    const open = node.accept('admin', adminSubprotocols.binary, link, 'test');
    closed.onFrame(new Uint8Array([0xff, 0xff]));
    sent.length = 0;
    const frame = codec.encode(commandsOf(kind).map((command, id) => ({ id, command })));
    const before = standing(story);
    closed.onFrame(frame);
    closed.onClose(closeCodes.badFrame, '');
    closed.onFrame(frame);
    story.pass(1000);
    expect(sent).toEqual([]);
    expect(standing(story)).toEqual(before);
    let stopped = false;
    node.stop(() => (stopped = true));
    open.onFrame(frame);
    story.until('the node stops', () => stopped, 10_000);
    open.onFrame(frame);
    const { state, cluster } = node.view();
    expect([state, cluster]).toEqual(['unknown', null]);
  });

  it('sent on by a node of the cluster changes nothing either', () => {
    const story = founded();
    const peer = new Dialler(story).greet(memberHello(story, 'n2'), [secretOf(story.node('n1'))]);
    story.settle();
    const before = standing(story);
    const commands = commandsOf(kind);
    const envelope = { kind: 'forward', run: 7, hops: 1, namespaceId: rootNamespaceId, secret: noSecret } as const;
    peer.tell(
      ...commands.map((command, id): PeerMessage => ({ ...envelope, id: id + 1, item: { kind: 'admin', command } })),
    );
    const answers = (): PeerMessage[] => peer.heard.filter((message) => message.kind === 'forwarded');
    story.until('all answers', () => answers().length === commands.length, 60_000);
    story.settle();
    if (tells[kind] || kind === 'logLevel') {
      const metrics = story.done(story.admin('n1', { kind: 'metrics', prefix: 'haret_peer_unbelieved' }));
      expect(JSON.stringify(metrics)).toContain('an admin command that no node sends on');
      for (const answer of answers()) expect(answer).toMatchObject({ outcome: { kind: 'error' } });
    }
    const told = story.log.filter((line) => line.includes('warn a message of a peer was not believed'));
    expect(told.length).toBeLessThanOrEqual(1);
    expect(standing(story)).toEqual(before);
  });
});

describe('what is refused on an admin connection', () => {
  it.each([
    [
      'a hello of a client',
      apiClientCodec(apiSubprotocols.binary).encode([{ kind: 'hello', protocol: apiProtocol, client: 'x' }]),
    ],
    [
      'an answer',
      adminServerCodec(adminSubprotocols.binary).encode([
        {
          kind: 'goodbye',
          error: { code: 'Closed', message: 'x', retryable: false, outcome: 'definite', details: {} },
        },
      ]),
    ],
    ['text', 'ping'],
  ])('%s closes it', (_what, frame) => {
    const story = founded();
    const { raw } = connected(story, adminSubprotocols.binary);
    raw.link.send(frame);
    story.until('it is closed', () => raw.closed !== null, 1000);
    expect(raw.closed!.code).toBe(closeCodes.badFrame);
    serves(story);
  });

  it('only a bounded number of commands at once: each one too many is refused alone', () => {
    const story = founded();
    story.world.crash(story.node('n1'));
    story.pass(3000);
    const { codec, raw } = connected(story, adminSubprotocols.binary, 'n2');
    // Each waits for the node that has the root group's primary.
    const command: AdminCommand = { kind: 'clusterJoin', node: 'n7', address: 'n7:1' };
    raw.link.send(codec.encode(Array.from({ length: 1000 }, (_, id) => ({ id, command }))));
    const answers = (): AdminReply[] => raw.frames.flatMap((frame) => [...codec.decode(frame)]);
    story.until('all answers', () => answers().length === 1000, 60_000);
    const refused = answers().filter((one) => one.kind === 'failed' && one.error.code === 'Overloaded');
    expect(refused).toHaveLength(1000 - 256);
    raw.link.send(codec.encode([{ id: 1, command: { kind: 'ping' } }]));
    story.pass(10);
    expect(answers().at(-1)).toEqual({ kind: 'done', id: 1, result: { kind: 'ok' } });
  });
});

describe('a node that is in no cluster', () => {
  it.each(kinds)('founds no cluster for a command %s that cannot be done', (kind) => {
    const story = new Story(1);
    story.world.start(story.node('n1'));
    story.pass(100);
    const bad = commandsOf(kind).filter((command) => {
      // Some of the worst fields are those of a cluster that a founder may well begin with.
      if (command.kind === 'createNamespace')
        return !command.replicas.every(({ node }) => node === 'n1') || isTwice(command.replicas);
      return command.kind !== 'clusterJoin' || !isName(command.node) || command.address.includes(' ');
    });
    for (const command of bad) story.admin('n1', command);
    story.pass(1000);
    expect(story.node('n1').node!.view()).toMatchObject({ cluster: null, replicas: [] });
    expect(story.log.join('\n')).not.toContain('founding a cluster');
  });
});

function isTwice(replicas: readonly Placement[]): boolean {
  return new Set(replicas.map(({ replica }) => replica)).size < replicas.length;
}

describe('a refused command', () => {
  it('is counted, and logged once for each kind, with words of the other end only as text', () => {
    const story = founded();
    for (let i = 0; i < 20; i++) {
      for (const command of commandsOf('logLevel')) story.admin('n1', command);
    }
    for (let i = 0; i < 20; i++) {
      const { raw } = connected(story, adminSubprotocols.binary);
      raw.link.send(new Uint8Array([0xff, i]));
      story.until('it is closed', () => raw.closed !== null, 1000);
    }
    const metrics = story.done(story.admin('n1', { kind: 'metrics', prefix: 'haret_admin_refused_total' }));
    expect(metrics).toEqual({
      kind: 'pairs',
      pairs: [{ name: 'haret_admin_refused_total', value: String(20 * commandsOf('logLevel').length + 20) }],
    });
    for (const text of ['info refused an admin command', 'info closed an admin connection']) {
      expect(story.log.filter((line) => line.includes(text))).toHaveLength(1);
    }
    expect(story.log.join('\n')).not.toContain('\u001b');
  });
});
