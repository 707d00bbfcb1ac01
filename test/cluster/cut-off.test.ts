/**
 * Work goes on for every client with a way to a node that has a way to a quorum (V35, protocol §9.9). Nodes that are
 * cut off only from their primary follow it through others. Clients leave a node that has lost its group, or never had
 * one.
 */

import { describe, expect, it } from 'vitest';
import { watch } from '../../core/client/watches.ts';
import type { WatchTold } from '../../core/client/watches.ts';
import type { SimClient } from '../../core/sim/world.ts';
import { sectorBytes } from '../../core/store/format.ts';
import { Story, codeOf, createBlob, errorOf, get, put, valueOf } from './story.ts';

interface Cast {
  readonly story: Story;
  readonly namespaceId: number;
  readonly primary: string;
  readonly near: string;
  readonly cut: string;
}

function cast(): Cast {
  const story = Story.founded(3, 'ns', ['n1', 'n2', 'n3']);
  const writer = story.client(['n1']);
  const { namespaceId } = story.entered(writer, 'ns');
  expect(codeOf(story.ask(writer, createBlob('/b')))).toBe('ok');
  const primary = story.primaryOf(namespaceId).name;
  const [near, cut] = ['n1', 'n2', 'n3'].filter((name) => name !== primary);
  return { story, namespaceId, primary, near: near!, cut: cut! };
}

function isolate(story: Story, name: string): void {
  for (const other of ['n1', 'n2', 'n3']) if (other !== name) story.part(name, other);
}

function watching(user: SimClient, path: string): WatchTold[] {
  const told: WatchTold[] = [];
  watch(user.client, path, { from: 'now' }, (one) => void told.push(one));
  return told;
}

const kindsOf = (told: readonly WatchTold[]): string[] =>
  told.map(({ kind }) => kind).filter((kind) => kind !== 'progress');

describe('V35: primary and backup are cut off from each other, and a third reaches both', () => {
  it('the log, watches and local reads of the backup continue, and its clients stay', () => {
    const { story, primary, cut } = cast();
    const near = story.client([cut], { followRedirects: false });
    story.enter(near, 'ns');
    const told = watching(near, '/b');
    story.until('it has begun', () => told.length > 0);
    const states: string[] = [];
    near.client.onState((state) => states.push(state));
    story.part(primary, cut);
    story.pass(5000);
    const writer = story.client([primary], { followRedirects: false });
    story.enter(writer, 'ns');
    for (let i = 0; i < 4; i++) {
      expect(codeOf(story.ask(writer, put('/b', `value ${i}`)))).toBe('ok');
      story.pass(500);
      expect(kindsOf(told)).toEqual(['begun', ...Array.from({ length: i + 1 }, () => 'event')]);
      expect(valueOf(story.ask(near, get('/b'), { consistency: 'local' }))).toBe(`value ${i}`);
      // A request there goes through the third node.
      expect(valueOf(story.ask(near, get('/b')))).toBe(`value ${i}`);
    }
    expect(states).toEqual([]);
  });

  it('a watch begins at the backup: a node that reaches the primary relays it (found by the simulator)', () => {
    const { story, primary, cut } = cast();
    story.part(primary, cut);
    story.pass(5000);
    const late = story.client([cut], { followRedirects: false });
    story.enter(late, 'ns');
    const told = watching(late, '/b');
    story.pass(5000);
    const writer = story.client([primary], { followRedirects: false });
    story.enter(writer, 'ns');
    expect(codeOf(story.ask(writer, put('/b', 'value')))).toBe('ok');
    story.pass(500);
    expect(kindsOf(told)).toEqual(['begun', 'event']);
  });

  it('a client that reaches only the cut-off side is told that nothing is served there, and continues when something is', () => {
    const { story, primary } = cast();
    const lonely = story.client([primary], { followRedirects: false });
    story.enter(lonely, 'ns');
    isolate(story, primary);
    story.until('it is told', () => lonely.client.state === 'suspended', 2500);
    story.pass(5000);
    expect(lonely.client.state).toBe('suspended');
    story.world.network.mendAll();
    story.until('it is told again', () => lonely.client.state === 'ready', 5000);
    expect(codeOf(story.ask(lonely, put('/b', 'back')))).toBe('ok');
  });
});

describe('a client at a node that has lost its group', () => {
  it.each(['primary', 'backup'] as const)(
    'a %s, leaves it within about two seconds: it writes, and its watch continues',
    (which) => {
      const { story, primary, cut } = cast();
      const lost = which === 'primary' ? primary : cut;
      const user = clientAt(story, lost);
      story.enter(user, 'ns');
      const told = watching(user, '/b');
      story.until('it has begun', () => told.length > 0);
      isolate(story, lost);
      story.until('it is elsewhere', () => user.client.server?.node !== lost, 4000);
      expect(codeOf(story.ask(user, put('/b', 'elsewhere'), { timeoutMs: 3000 }))).toBe('ok');
      story.until('the watch tells', () => kindsOf(told).includes('event'), 3000);
      expect(user.client.state).toBe('ready');
    },
  );

  it('leaves it even when it asks nothing', () => {
    const { story, cut } = cast();
    const idle = clientAt(story, cut);
    story.enter(idle, 'ns');
    isolate(story, cut);
    story.until('it is elsewhere', () => idle.client.server?.node !== cut, 4000);
    story.until('it is ready', () => idle.client.state === 'ready', 2000);
  });

  it('does not move from node to node at full speed while no quorum exists', () => {
    const { story } = cast();
    const user = story.client(['n1', 'n2', 'n3'], { followRedirects: false });
    story.enter(user, 'ns');
    for (const name of ['n1', 'n2', 'n3']) isolate(story, name);
    const seen: (string | undefined)[] = [];
    for (let i = 0; i < 400; i++) {
      story.pass(50);
      const { server } = user.client;
      if (server !== null && server.node !== seen.at(-1)) seen.push(server.node);
    }
    expect(user.client.state).toBe('suspended');
    expect(seen.length).toBeGreaterThan(2);
    expect(seen.length).toBeLessThan(8);
    story.world.network.mendAll();
    story.until('it is ready', () => user.client.state === 'ready', 12_000);
    expect(codeOf(story.ask(user, put('/b', 'again')))).toBe('ok');
  });
});

describe('a client at a node that belongs to no cluster', () => {
  it('moves to a node of a cluster, and is never told that its namespace is unknown', () => {
    const story = new Story(4);
    for (const node of story.world.nodes) story.world.start(node);
    for (const name of ['n2', 'n3']) story.done(story.join(name));
    story.done(story.create('ns', ['n1', 'n2', 'n3']));
    const alone = story.client(['n4'], { requestTimeoutMs: 3000 });
    expect(errorOf(story.enter(alone, 'ns'))).toMatchObject({ code: 'Timeout', details: { lastCode: 'NoPrimary' } });
    const user = clientAt(story, 'n4');
    const entered = story.enter(user, 'ns');
    expect(codeOf(entered)).toBe('ok');
    expect(codeOf(story.ask(user, createBlob('/b')))).toBe('ok');
  });

  it('moves even when the founder serves no root group: the others know the namespace', () => {
    const { story } = cast();
    const founder = story.node('n1');
    story.world.crash(founder);
    // Its log lacks the entries of the catalog. The rest of the node is undamaged.
    const { disk } = founder;
    disk.cut(disk.list().find(({ name }) => name.startsWith('log-'))!.name, 4 * sectorBytes);
    story.world.start(founder);
    story.until('it is connected', () => founder.node?.view().connectedPeers.length === 2);
    const user = story.client(['n1'], { followRedirects: false });
    const states: string[] = [];
    user.client.onState((state) => states.push(state));
    // The other nodes tell it where the primary is, for a client that is sent there.
    const entered = story.entered(user, 'ns');
    expect(entered.primary).toMatchObject({ group: 'ns', nodeName: story.primaryOf(entered.namespaceId).name });
    expect(codeOf(story.ask(user, put('/b', 'through')))).toBe('ok');
    // The namespace counts as served as long as the node reaches others.
    states.length = 0;
    story.pass(5000);
    expect(states).toEqual([]);
    expect(user.client.state).toBe('ready');
  });
});

/** A client that has all addresses, and is connected to one of them. They are tried in random order. */
function clientAt(story: Story, name: string): SimClient {
  for (let tries = 0; tries < 50; tries++) {
    const user = story.client(
      story.world.nodes.map((node) => node.name),
      { followRedirects: false },
    );
    story.until('it is connected', () => user.client.server !== null);
    if (user.client.server?.node === name) return user;
    user.kill();
  }
  throw new Error(`no client came to ${name}`);
}
