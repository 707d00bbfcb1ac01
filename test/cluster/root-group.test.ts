/** The root group is not for clients. It refuses everything that a client asks of it, and goes on. */

import { expect, it } from 'vitest';
import { encodeOperation } from '../../core/service/body.ts';
import { apiClientCodec } from '../../core/wire/api-codecs.ts';
import type { ClientMessage, ServerMessage } from '../../core/wire/api.ts';
import { apiProtocol, apiSubprotocols } from '../../core/wire/api.ts';
import { Story } from './story.ts';

it('a client that names the root group is told that no such namespace exists, and stops nothing', () => {
  const story = Story.founded(1, 'ns', ['n1']);
  const [node] = story.world.nodes;
  const codec = apiClientCodec(apiSubprotocols.binary);
  const { link, frames } = story.dial(node!.apiAddress, apiSubprotocols.binary);
  const operation = encodeOperation({ kind: 'exists', path: '/' });
  const root = { namespaceId: 0 };
  const consistency = { kind: 'linearizable' } as const;
  const identity = { id: 'a', incarnation: '1'.repeat(32) };
  const asked: readonly ClientMessage[] = [
    { kind: 'read', id: 1, ...root, consistency, operation },
    { kind: 'read', id: 2, ...root, consistency: { kind: 'local' }, operation },
    { kind: 'request', id: 3, ...root, session: 1, request: 1, answered: 1, operation },
    { kind: 'register', id: 4, ...root, client: 'test', secret: null },
    { kind: 'bind', id: 5, ...root, client: 'test', identity, attempt: 1, previous: 0, secret: null },
    { kind: 'keepAlive', id: 6, ...root, session: 1, heard: 0 },
    { kind: 'unregister', id: 7, ...root, session: 1 },
    {
      ...{ kind: 'watch', id: 8, ...root, path: '/', subtree: true, from: { kind: 'now' }, values: false },
      ...{ oneshot: false, slow: 'reset', consistency },
    },
  ];
  const resume = { kind: 'resume', ...root, session: 1, secret: '5e'.repeat(16) } as const;
  link.send(codec.encode([{ kind: 'hello', protocol: apiProtocol, client: 'test' }, resume, ...asked]));
  story.world.run(500_000);
  const answers = frames.flatMap((frame): readonly ServerMessage[] => codec.decode(frame));
  expect(answers.slice(1).map((one) => (one.kind === 'error' ? [one.id, one.error.code] : one.kind))).toEqual(
    asked.map((_, i) => [i + 1, 'UnknownNamespace']),
  );
  expect(node!.hosts.map((host) => host.stopped)).toEqual([false, false]);
});

it('nodes that restart while the founder is down know the namespace that was made last', () => {
  const story = Story.founded(3, 'ns', ['n1', 'n2', 'n3']);
  const [founder, ...others] = story.world.nodes;
  story.pass(1000);
  for (const node of story.world.nodes) story.world.crash(node);
  for (const node of others) story.world.start(node);
  const user = story.client(['n2', 'n3']);
  expect(story.enter(user, 'ns').ok).toBe(true);
  expect(founder!.alive).toBe(false);
});
