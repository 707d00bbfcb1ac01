/**
 * A program that answers at a member's address while the member is down, and cannot prove the secret, makes no node
 * believe anything about the member (V31).
 */

import { describe, expect, it } from 'vitest';
import type { NodeInfo } from '../../core/wire/node-info.ts';
import type { PeerMessage } from '../../core/wire/peer.ts';
import { decodePeerFrame, encodePeerFrames, peerProtocol } from '../../core/wire/peer.ts';
import { noCluster } from '../../core/base/ids.ts';
import { errorInfo } from '../../core/base/errors.ts';
import { NodeHash } from '../../node-server/node-hash.ts';
import { secretOf } from './dialler.ts';
import { Story, codeOf, createBlob, errorOf } from './story.ts';

const hash = new NodeHash();
const other = 'ef'.repeat(16);
type Welcome = Extract<PeerMessage, { kind: 'welcome' }>;

/**
 * A program at the address of a node that is down. It welcomes every node that dials, with no proof or an invented one.
 */
class Squatter {
  heard: PeerMessage[] = [];
  readonly #node: ReturnType<Story['node']>;
  readonly #usual: ReturnType<Story['node']>['accept'];

  constructor(story: Story, name: string, more: (from: NodeInfo) => Partial<Welcome>) {
    const node = (this.#node = story.node(name));
    const { clusterAddress, adminAddress, apiAddress } = node;
    this.#usual = node.accept.bind(node);
    node.accept = (_through, _subprotocol, link) => {
      const say = (message: PeerMessage): void => {
        for (const frame of encodePeerFrames([message], 2 ** 20)) link.send(frame);
      };
      const hear = (message: PeerMessage): void => {
        this.heard.push(message);
        if (message.kind === 'greet') say({ kind: 'greet', protocol: peerProtocol, nonce: 'ab'.repeat(16) });
        if (message.kind !== 'hello') return;
        const from = { name, incarnation: message.targetIncarnation, clusterAddress, adminAddress, apiAddress };
        say({ kind: 'welcome', cluster: message.cluster, from, proof: null, problem: null, ...more(from) });
      };
      return {
        onFrame: (frame) => {
          for (const message of decodePeerFrame(frame, hash)) hear(message);
        },
        onClose: () => undefined,
      };
    };
  }

  leave(): void {
    this.#node.accept = this.#usual;
  }
}

function state(story: Story, at: string): string | undefined {
  const status = story.done(story.admin(at, { kind: 'clusterStatus' }));
  return status.kind === 'clusterStatus' ? status.members.find(({ node }) => node === 'n3')?.state : undefined;
}

function without3(): Story {
  const story = Story.founded(3, 'ns', ['n1', 'n2', 'n3']);
  story.world.crash(story.node('n3'));
  story.pass(3000);
  return story;
}

const lacking = [
  'namespace ns has 2 of 3 voters: r3 on n3 is missing (what answers at its address cannot prove itself); it survives no further failure',
];
const emptied = errorInfo('NodeRefused', 'empty it', { node: 'n3', emptied: true });
const claims: readonly (readonly [string, (from: NodeInfo) => Partial<Welcome>])[] = [
  ['its incarnation and no cluster', () => ({ cluster: noCluster })],
  ['another incarnation and no cluster', (from) => ({ cluster: noCluster, from: { ...from, incarnation: other } })],
  ['another incarnation and the cluster', (from) => ({ from: { ...from, incarnation: other } })],
  ['a log that is gone', () => ({ problem: emptied })],
  ['a proof that it made up', (from) => ({ proof: 'ab'.repeat(32), from: { ...from, incarnation: other } })],
];

describe('a process at the address of a member that is down', () => {
  it.each(claims)('that tells of %s is reported as unproven, and the report ends when it is gone', (_what, more) => {
    const story = without3();
    const before = state(story, 'n1');
    const from = story.log.length;
    const squatter = new Squatter(story, 'n3', more);
    const said = (): readonly string[] => story.node('n1').node!.health().problems;
    story.until('it is told', () => said().length > 0);
    story.pass(20_000);
    for (const name of ['n1', 'n2']) {
      const { ok, problems } = story.node(name).node!.health();
      expect(ok).toBe(true);
      expect(problems).toEqual([
        expect.stringMatching(/^what answers at n3:1 cannot prove .* is node n3 .*: look at that node itself before/),
        ...lacking,
      ]);
      expect(state(story, name)).toBe('unproven');
    }
    // An operator who joins it again does not hand it the secret, and is not told to empty anything.
    const join = { kind: 'clusterJoin', node: 'n3', address: story.node('n3').clusterAddress } as const;
    expect(errorOf(story.admin('n1', join))?.code).toBe('NodeRefused');
    expect(JSON.stringify(squatter.heard)).not.toContain(secretOf(story.node('n1')));
    const log = story.log.slice(from);
    expect(log.filter((line) => / (warn|error) a peer refused this node/.test(line))).toHaveLength(2);
    expect(log.join('\n')).not.toMatch(/has another data directory|has lost its log|empty the data directory/);
    expect(errorOf(story.admin('n1', join))?.message).not.toMatch(/empty the|another node_name/);

    squatter.leave();
    const claimed = (node: string): boolean =>
      story
        .node(node)
        .node!.health()
        .problems.some((problem) => problem.startsWith('what answers'));
    story.until('it is forgotten', () => !claimed('n1') && !claimed('n2'));
    expect(state(story, 'n1')).toBe(before);
  });

  it('is reported no longer when the node itself is back', () => {
    const story = without3();
    const squatter = new Squatter(story, 'n3', () => ({ cluster: noCluster }));
    story.until('it is told', () => story.node('n1').node!.health().problems.length > 0);
    squatter.leave();
    story.world.start(story.node('n3'));
    story.settle();
    for (const { node } of story.world.nodes) expect(node!.health()).toEqual({ ok: true, problems: [] });
    const user = story.client(['n3']);
    story.enter(user, 'ns');
    expect(codeOf(story.ask(user, createBlob('/after')))).toBe('ok');
  });
});
