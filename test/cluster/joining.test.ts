/** How a cluster begins: founding, joining, refusals that say what to do, and crashes between any two of the steps. */

import { describe, expect, it } from 'vitest';
import { watch } from '../../core/client/watches.ts';
import { Story, codeOf, createBlob, errorOf, get, put, valueOf } from './story.ts';

function started(nodes: number, seed = 1): Story {
  const story = new Story(nodes, { seed });
  for (const node of story.world.nodes) story.world.start(node);
  return story;
}

function states(story: Story, at: string): Record<string, string> {
  const status = story.done(story.admin(at, { kind: 'clusterStatus' }));
  if (status.kind !== 'clusterStatus') throw new Error(status.kind);
  return Object.fromEntries(status.members.map(({ node, state }) => [node, state]));
}

describe('a cluster', () => {
  it('is founded by its first command, and takes in other nodes that are then known everywhere', () => {
    const story = started(3);
    expect(story.node('n1').node!.view().cluster).toBeNull();
    expect(story.node('n1').node!.ready()).toEqual({ ok: true, waitingFor: [] });
    story.done(story.join('n2'));
    story.done(story.join('n3'));
    story.done(story.create('ns', ['n1', 'n2', 'n3']));
    story.settle();
    const cluster = story.node('n1').node!.view().cluster;
    expect(cluster).not.toBeNull();
    for (const node of ['n1', 'n2', 'n3']) {
      expect(story.node(node).node!.view().cluster).toBe(cluster);
      expect(states(story, node)).toEqual({ n1: 'participating', n2: 'participating', n3: 'participating' });
    }
  });

  it('takes a command at any of its nodes, and tells which nodes run replicas', () => {
    const story = started(3);
    story.done(story.join('n2'));
    story.done(story.join('n3', 'n2'));
    story.done(story.create('ns', ['n2'], 'n3'));
    story.settle();
    expect(states(story, 'n3')).toEqual({ n1: 'surplus', n2: 'participating', n3: 'surplus' });
  });

  it('takes in the same node again without harm', () => {
    const story = started(2);
    expect(codeOf(story.join('n2'))).toBe('ok');
    expect(codeOf(story.join('n2'))).toBe('ok');
    expect(states(story, 'n1')).toEqual({ n1: 'surplus', n2: 'surplus' });
  });

  it('refuses itself, another name, and an address where no node answers', () => {
    const story = started(3);
    story.done(story.join('n2'));
    expect(errorOf(story.join('n1'))).toMatchObject({ code: 'NodeRefused' });
    expect(errorOf(story.join('nx', 'n1', story.node('n3').clusterAddress))).toMatchObject({
      code: 'NodeNotFound',
      message: expect.stringContaining('n3') as string,
    });
    story.world.crash(story.node('n3'));
    expect(errorOf(story.join('n3'))).toMatchObject({ code: 'NodeUnreachable', retryable: true });
    expect(states(story, 'n1')).toEqual({ n1: 'surplus', n2: 'surplus' });
  });

  it('gives up a node that is silent', () => {
    const story = started(2);
    const address = story.node('n2').clusterAddress;
    story.done(story.create('ns', ['n1']));
    // Its kernel accepts the connection, but its process says nothing.
    const join = story.world.network;
    story.world.schedule.after(5000, () => join.cut('n2', 'n1'));
    story.pass(10);
    expect(errorOf(story.join('n2', 'n1', address))).toMatchObject({ code: 'NodeUnreachable' });
  });

  it('has no namespace called root, no second one of a name, and none on nodes that it does not know', () => {
    const story = started(2);
    expect(errorOf(story.create('ns', ['n2']))).toMatchObject({ code: 'NodeNotFound' });
    // A mistake does not found a cluster.
    expect(story.node('n1').node!.view().cluster).toBeNull();
    story.done(story.create('ns', ['n1', 'n1', 'n1']));
    expect(codeOf(story.create('root', ['n1']))).toBe('BadName');
    expect(codeOf(story.create('a b', ['n1']))).toBe('BadName');
    expect(codeOf(story.create('ns', ['n1']))).toBe('NamespaceExists');
    expect(codeOf(story.create('none', []))).toBe('NotEnoughReplicas');
  });

  it('gives a node no more replicas than its limit', () => {
    const story = new Story(1, { limits: { maxReplicas: 3 } });
    story.world.start(story.node('n1'));
    expect(codeOf(story.create('one', ['n1', 'n1']))).toBe('ok');
    expect(errorOf(story.create('two', ['n1']))).toMatchObject({
      code: 'LimitExceeded',
      details: { limit: 3, actual: 4 },
    });
  });
});

describe('a crash at any step', () => {
  it('of a founder leaves a node that can finish founding', () => {
    for (let effects = 1; effects <= 14; effects++) {
      const story = started(1, effects);
      const node = story.node('n1');
      story.pass(30);
      node.crashAfter(effects);
      story.create('ns', ['n1']);
      story.world.crash(node);
      story.world.start(node);
      story.settle();
      expect(['ok', 'NamespaceExists']).toContain(codeOf(story.create('ns', ['n1'])));
      story.settle();
      const user = story.client(['n1']);
      expect(codeOf(story.enter(user, 'ns'))).toBe('ok');
      expect(codeOf(story.ask(user, createBlob('/b')))).toBe('ok');
    }
  });

  it('of a node that joins, or of the node that it joins, is repaired by joining again', () => {
    for (let effects = 1; effects <= 20; effects++) {
      for (const who of ['n1', 'n2']) {
        const story = started(2, effects);
        story.done(story.create('ns', ['n1']));
        story.settle();
        story.node(who).crashAfter(effects);
        story.join('n2');
        story.world.crash(story.node(who));
        story.world.start(story.node(who));
        // A node that believes that it is in a cluster which does not know it yet is not ready.
        story.pass(500);
        expect(codeOf(story.join('n2'))).toBe('ok');
        expect(codeOf(story.create('both', ['n1', 'n2']))).toBe('ok');
        story.settle();
        expect(states(story, 'n2')).toEqual({ n1: 'participating', n2: 'participating' });
      }
    }
  });
});

describe('a node that comes back', () => {
  it('with other addresses is found by the others, and clients are told the new ones', () => {
    const story = Story.founded(3, 'ns', ['n1', 'n2', 'n3']);
    const moved = story.node('n3');
    story.world.crash(moved);
    moved.move(11, 12, 13);
    story.world.start(moved);
    story.settle();
    const told = (at: string): string | undefined => {
      const status = story.done(story.admin(at, { kind: 'clusterStatus' }));
      return status.kind === 'clusterStatus' ? status.members.find(({ node }) => node === 'n3')?.apiAddress : '';
    };
    story.until('the new address everywhere', () => story.node('n1').node!.view().connectedPeers.length === 2);
    story.pass(3000);
    for (const at of ['n1', 'n2', 'n3']) expect(told(at)).toBe('n3:13');
    // Nodes that restart dial it at its present address, though it does not dial them.
    story.world.crash(story.node('n2'));
    story.world.start(story.node('n2'));
    story.settle();
    expect(story.node('n2').node!.view().connectedPeers).toContain('n3');
  });

  it('with other addresses is found even when it has the root group', () => {
    const story = Story.founded(2, 'ns', ['n1']);
    const moved = story.node('n1');
    story.world.crash(moved);
    moved.move(21, 22, 23);
    story.world.start(moved);
    story.settle();
    story.pass(3000);
    const status = story.done(story.admin('n2', { kind: 'clusterStatus' }));
    expect(status).toMatchObject({ members: [{ node: 'n1', address: 'n1:21', apiAddress: 'n1:23' }, {}] });
  });

  it('follows the root group from where it was', () => {
    const story = Story.founded(3, 'one', ['n1']);
    story.world.crash(story.node('n3'));
    story.done(story.create('two', ['n2']));
    story.world.start(story.node('n3'));
    story.settle();
    story.until('the new namespace is known', () => story.node('n3').node!.view().cluster !== null);
    story.pass(2000);
    const known = story.done(story.admin('n3', { kind: 'namespaces' }));
    expect(known).toMatchObject({ namespaces: [{ namespace: 'one' }, { namespace: 'two' }] });
  });

  it('with the data directory of another node refuses to start, and says why', () => {
    const story = Story.founded(2, 'ns', ['n1', 'n2']);
    const [n1, n2] = [story.node('n1'), story.node('n2')];
    story.world.crash(n1);
    story.world.crash(n2);
    const taken = n1.disk.fork({ schedule: (_latency, complete) => story.world.schedule.after(100, complete) });
    Object.defineProperty(n2, 'disk', { value: taken });
    expect(() => story.world.start(n2)).toThrow('the data directory belongs to node n1');
  });
});

describe('a node whose data directory was emptied', () => {
  it('is a stranger: it says so, serves no client and joins nothing, and the others continue', () => {
    const story = Story.founded(3, 'ns', ['n1', 'n2', 'n3']);
    const user = story.client(['n1', 'n2']);
    story.enter(user, 'ns');
    story.ask(user, createBlob('/b'));
    const lost = story.node('n3');
    story.world.crash(lost);
    lost.disk.wipe();
    story.world.start(lost);
    story.until('it is told', () => (lost.node?.health().problems.length ?? 0) > 0);
    expect(lost.node!.health().ok).toBe(true);
    expect(lost.node!.health().problems[0]).toMatch(/^node n[12] knows this node with another data directory: /);
    expect(lost.node!.ready().ok).toBe(false);
    expect(lost.hosts).toEqual([]);
    story.pass(5000);
    for (const name of ['n1', 'n2']) {
      const { ok, problems } = story.node(name).node!.health();
      expect(ok).toBe(true);
      // It has lost its secret too. Only it claims to be n3, so others only report that a program answers there.
      expect(problems).toEqual([
        expect.stringMatching(/^what answers at n3:1 cannot prove the cluster's secret /),
        expect.stringMatching(
          /^namespace ns has 2 of 3 voters: r3 on n3 is missing .*; it survives no further failure$/,
        ),
      ]);
      expect(states(story, name)).toMatchObject({ n3: 'unproven' });
    }
    expect(states(story, 'n3')).toEqual({ n3: 'stranger' });
    expect(valueOf(story.ask(user, get('/b')))).toBe('first');
    expect(codeOf(story.ask(user, createBlob('/c')))).toBe('ok');
    const astray = story.client(['n3'], { requestTimeoutMs: 1000 });
    story.enter(astray, 'ns');
    expect(astray.client.problem?.error).toMatchObject({ code: 'NodeRefused' });
    expect(codeOf(story.create('mine', ['n3'], 'n3'))).toBe('NodeRefused');
    expect(errorOf(story.join('n3'))).toMatchObject({ code: 'NodeRefused' });
    // It is reported once, not at every attempt.
    expect(story.log.filter((line) => line.includes('warn refused a peer connection')).length).toBeLessThan(6);
  });

  it('denies no client its namespace while no other node has told it about it (found by the simulator)', () => {
    const story = Story.founded(3, 'ns', ['n1', 'n2', 'n3']);
    const user = story.client(['n1', 'n2']);
    story.enter(user, 'ns');
    expect(codeOf(story.ask(user, createBlob('/a')))).toBe('ok');
    const told: string[] = [];
    watch(user.client, '/a', {}, (one) => told.push(one.kind === 'ended' ? (one.error?.code ?? 'ended') : one.kind));
    story.pass(100);
    for (const node of story.world.nodes) story.world.crash(node);
    story.node('n2').disk.wipe();
    story.world.start(story.node('n2'));
    // If a write may have been executed, the client is not told that its namespace never existed.
    const result = story.ask(user, createBlob('/b'), { timeoutMs: 3000 });
    expect(codeOf(result)).toBe('Timeout');
    expect(told).toEqual(['begun']);
    // Once it knows, it sends all clients to a node that serves them.
    for (const name of ['n1', 'n3']) story.world.start(story.node(name));
    expect(codeOf(story.ask(user, put('/a', 'second')))).toBe('ok');
    story.pass(1000);
    expect(told).toEqual(['begun', 'event']);
  });

  it('is welcome again with its old data directory', () => {
    const story = Story.founded(3, 'ns', ['n1', 'n2', 'n3']);
    const lost = story.node('n3');
    story.world.crash(lost);
    const old = lost.disk.fork({ schedule: (_latency, complete) => story.world.schedule.after(100, complete) });
    lost.disk.wipe();
    story.world.start(lost);
    story.pass(3000);
    story.world.crash(lost);
    Object.defineProperty(lost, 'disk', { value: old });
    story.world.start(lost);
    story.settle();
    story.until('the others know it', () => story.node('n1').node!.health().problems.length === 0);
    expect(lost.node!.health()).toEqual({ ok: true, problems: [] });
  });
});
