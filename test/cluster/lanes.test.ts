/** Two nodes share two links: replicas' messages have one, and bulk has the other, so that neither waits for the other (V32). */

import { describe, expect, it } from 'vitest';
import { decodePeerFrame } from '../../core/wire/peer.ts';
import { NodeHash } from '../../node-server/node-hash.ts';
import { Story, codeOf, createBlob, put } from './story.ts';

const hash = new NodeHash();

describe('the links between two nodes', () => {
  it('carry bulk and the messages of replicas apart, while both are open', () => {
    const story = Story.founded(3, 'ns', ['n1', 'n2', 'n3']);
    const kinds = { protocol: new Set<string>(), bulk: new Set<string>() };
    story.world.network.tap = (_from, frame) => {
      const messages = decodePeerFrame(frame, hash);
      const bulk = messages.some(({ kind }) => kind === 'forward' || kind === 'forwarded');
      for (const { kind } of messages) kinds[bulk ? 'bulk' : 'protocol'].add(kind);
    };
    const users = ['n1', 'n2', 'n3'].map((node) => story.client([node], { followRedirects: false }));
    for (const [i, user] of users.entries()) {
      story.enter(user, 'ns');
      expect(codeOf(story.ask(user, createBlob(`/${i}`)))).toBe('ok');
      for (let n = 0; n < 20; n++) expect(codeOf(story.ask(user, put(`/${i}`, 'x'.repeat(1000))))).toBe('ok');
    }
    // What goes by one turn to one node goes by two frames.
    expect([...kinds.bulk].sort()).toEqual(['forward', 'forwarded']);
    expect(kinds.protocol.has('vr')).toBe(true);
  });
});
