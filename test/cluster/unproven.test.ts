/**
 * Until both ends of a link between nodes have proven the secret, a node reads one bounded message at a time, and
 * accepts only the message that is due (V31).
 */

import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../core/base/random.ts';
import { Writer } from '../../core/base/bytes.ts';
import { DiallerProof } from '../../core/cluster/peers/handshake.ts';
import * as closeCodes from '../../core/wire/close-codes.ts';
import { encodePeerFrames, maxHandshakeBytes, peerProtocol } from '../../core/wire/peer.ts';
import type { PeerMessage } from '../../core/wire/peer.ts';
import { NodeHash } from '../../node-server/node-hash.ts';
import { Dialler, helloTo, secretOf } from './dialler.ts';
import { Story, codeOf, createBlob } from './story.ts';

const megabytes = 15 * 1024 * 1024;
const nonce = 'ab'.repeat(16);
const frameOf = (...messages: readonly PeerMessage[]): Uint8Array => encodePeerFrames(messages, megabytes)[0]!;
const greet: PeerMessage = { kind: 'greet', protocol: peerProtocol, nonce };
const pings = frameOf(...Array.from({ length: 60_000 }, (): PeerMessage => ({ kind: 'ping', answer: true })));
const refusals = (story: Story, from: number): readonly string[] =>
  story.log.slice(from).filter((line) => / (info|warn|error) .*(refused|closed)/.test(line));

/** What the other end may send instead of a greeting, a hello, or a welcome. */
const wrong: readonly (readonly [string, Uint8Array | string])[] = [
  ['many messages of links that are open', pings],
  ['fifteen megabytes', new Uint8Array(megabytes).fill(1)],
  ['two messages in a frame', frameOf(greet, greet)],
  ['an answer to an offer', frameOf({ kind: 'joined' })],
  ['nothing', new Uint8Array(0)],
  ['text', 'hello'],
];

describe('an end that dials a node and has proven nothing', () => {
  it.each(wrong)('is disconnected when it says %s', (_what, frame) => {
    const story = Story.founded(1, 'ns', ['n1']);
    for (const greeted of [false, true]) {
      const stranger = new Dialler(story);
      if (greeted) stranger.tell(greet);
      const before = stranger.heard.length;
      stranger.raw.link.send(frame);
      // Later messages are ignored.
      stranger.raw.link.send(frameOf(greet));
      expect(stranger.untilClosed()).toBe(closeCodes.badFrame);
      const due = greeted ? 'hello' : 'greet';
      expect(stranger.heard.slice(before).filter(({ kind }) => kind !== 'greet')).toMatchObject([
        { kind: 'refused', error: { code: 'BadFrame', message: expect.stringContaining(`must be ${due}`) as string } },
      ]);
    }
  });

  it('is disconnected when it says greet and hello at once, or a hello that is too large, although it knows the secret', () => {
    const story = Story.founded(1, 'ns', ['n1']);
    const secrets = [secretOf(story.node('n1'))];
    const rightful = new Dialler(story).greet(helloTo(story), secrets);
    const atOnce = new Dialler(story);
    atOnce.tell(...rightful.said);
    expect(atOnce.untilClosed()).toBe(closeCodes.badFrame);
    const large = new Dialler(story);
    const proof = new DiallerProof({ hash: new NodeHash(), random: new SeededRandom(1) }, secrets);
    large.tell(proof.greet());
    large.raw.link.send(new Uint8Array(maxHandshakeBytes + 1));
    expect(large.untilClosed()).toBe(closeCodes.badFrame);
  });

  it('has one line in the log for each kind of mistake, however often and however differently it makes it', () => {
    const story = Story.founded(1, 'ns', ['n1']);
    const from = story.log.length;
    for (let i = 0; i < 1500; i++) {
      // A greeting, followed by a text that ends this many bytes too early. And protocols that no release has.
      const cut = new Writer(64);
      cut.u8(1);
      cut.u8(13);
      cut.uint(1000 + i);
      const stranger = new Dialler(story);
      if (i % 2 === 0) stranger.raw.link.send(cut.finish());
      else stranger.tell({ ...greet, protocol: 1000 + i });
      stranger.untilClosed();
    }
    expect(refusals(story, from)).toHaveLength(2);
    story.pass(700_000);
    const again = refusals(story, from).slice(2);
    expect(again).toHaveLength(2);
    for (const line of again) expect(line).toMatch(/refused a peer connection, and again.*749/);
  });
});

describe('an end that answers at the address of a member that is down', () => {
  it.each([...wrong, ['a welcome before the hello', null] as const])(
    'is disconnected when it says %s',
    (_what, frame) => {
      for (const greeted of frame === null ? [false] : [false, true]) {
        const story = Story.founded(3, 'ns', ['n1', 'n2', 'n3']);
        story.world.crash(story.node('n3'));
        story.pass(2000);
        const node = story.node('n3');
        const { name, clusterAddress, adminAddress, apiAddress } = node;
        const from = { name, incarnation: nonce, clusterAddress, adminAddress, apiAddress };
        const said = frame ?? frameOf({ kind: 'welcome', cluster: nonce, from, proof: null, problem: null });
        let dialled = 0;
        const closed: number[] = [];
        const heard: string[] = [];
        node.accept = (_through, _subprotocol, link) => {
          dialled++;
          if (greeted) link.send(frameOf(greet));
          for (let i = 0; i < 5; i++) link.send(said);
          return { onFrame: (one) => void heard.push(String(one.length)), onClose: (code) => void closed.push(code) };
        };
        const log = story.log.length;
        const received = (): number => Number(metric(story, 'haret_peer_frames_received_total'));
        const before = received();
        story.until('it is dialled', () => dialled >= 4);
        story.pass(1000);
        expect(new Set(closed)).toEqual(new Set([closeCodes.badFrame]));
        // Each dial sends one greeting, at most one hello, and no answer to a ping.
        expect(heard.length).toBeLessThanOrEqual(2 * dialled);
        expect(received() - before).toBeLessThan(5000);
        const lines = refusals(story, log);
        expect(lines).toHaveLength(2);
        for (const line of lines) expect(line).toContain('does not speak as a node: the next message must be');
        const user = story.client(['n1']);
        story.enter(user, 'ns');
        expect(codeOf(story.ask(user, createBlob('/a')))).toBe('ok');
      }
    },
  );
});

function metric(story: Story, name: string): string | undefined {
  const metrics = story.done(story.admin('n1', { kind: 'metrics', prefix: name }));
  return metrics.kind === 'pairs' ? metrics.pairs[0]?.value : undefined;
}
