/**
 * ClientIDs across a cluster. A client continues its session in another process, and no other client gets its id while
 * it is alive.
 */

import { describe, expect, it } from 'vitest';
import type { ErrorInfo } from '../../core/base/errors.ts';
import { rootNamespaceId } from '../../core/base/ids.ts';
import type { ClientOptions } from '../../core/client/options.ts';
import { decodeReply } from '../../core/service/reply.ts';
import { doubtMs } from '../../core/service/sessions.ts';
import type { SimNode } from '../../core/sim/sim-node.ts';
import type { SimClient } from '../../core/sim/world.ts';
import { apiClientCodec } from '../../core/wire/api-codecs.ts';
import type { ServerMessage } from '../../core/wire/api.ts';
import { apiProtocol, apiSubprotocols } from '../../core/wire/api.ts';
import { Story } from './story.ts';

const patienceUs = 30_000_000;
const one = '1'.repeat(32);
const two = '2'.repeat(32);

class Play {
  readonly story: Story;

  constructor(story = Story.founded(3, 'ns', ['n1', 'n2', 'n3'])) {
    this.story = story;
  }

  enter(incarnation: string, options: Partial<ClientOptions> = {}): SimClient {
    const { world } = this.story;
    const client = world.addClient({ identity: { id: 'worker-1', incarnation }, ...options });
    let inside = false;
    client.client.enter('ns', (result) => (inside = result.ok));
    expect(world.until(() => inside, patienceUs)).toBe(true);
    return client;
  }

  /** The result of an increment of the one counter: its value, or an error. */
  increment({ client }: SimClient): number | ErrorInfo {
    const results: (number | ErrorInfo)[] = [];
    client.execute({ kind: 'counterAdd', path: '/n', by: 1 }, { timeoutMs: 20_000 }, (result) => {
      if (!result.ok) results.push(result.error);
      else if (result.value.answer.kind === 'result' && result.value.answer.result.kind === 'number')
        results.push(result.value.answer.result.number);
      else throw new Error(`no number: ${JSON.stringify(result.value)}`);
    });
    expect(this.story.world.until(() => results.length > 0, patienceUs)).toBe(true);
    return results[0]!;
  }

  create({ client }: SimClient): void {
    let done = false;
    client.execute({ kind: 'create', path: '/n', type: 'counter', value: null }, {}, (result) => (done = result.ok));
    expect(this.story.world.until(() => done, patienceUs)).toBe(true);
  }
}

describe('a client with an id', () => {
  it('continues in another process of the same incarnation, in a new session', () => {
    const play = new Play();
    const first = play.enter(one);
    play.create(first);
    expect(play.increment(first)).toBe(1);
    expect(first.client.namespace).toMatchObject({ continued: false });
    first.kill();
    const second = play.enter(one);
    expect(play.increment(second)).toBe(2);
    expect(second.client.namespace).toMatchObject({ continued: true });
    expect(second.client.namespace!.session).toBeGreaterThan(first.client.namespace!.session!);
  });

  it('continues after a power cut of every node', () => {
    const play = new Play();
    const first = play.enter(one);
    play.create(first);
    expect(play.increment(first)).toBe(1);
    const { world } = play.story;
    for (const node of world.nodes) world.cutPower(node);
    for (const node of world.nodes) world.start(node);
    expect(play.increment(first)).toBe(2);
    first.kill();
    const second = play.enter(one);
    expect(play.increment(second)).toBe(3);
    expect(second.client.namespace).toMatchObject({ continued: true });
  });

  it('keeps its id from another incarnation as long as it is alive, and no longer', () => {
    const play = new Play();
    const { world } = play.story;
    const first = play.enter(one);
    play.create(first);
    const second = play.enter(two);
    for (let i = 0; i < 3; i++) {
      const askedAtMs = world.schedule.nowMs;
      // The holder says nothing for a long time. When it is asked whether it is alive, it answers at once.
      const refusal = { code: 'ClientIdHeld', outcome: 'definite', details: { alive: true } };
      expect(play.increment(second)).toMatchObject(refusal);
      expect(world.schedule.nowMs - askedAtMs).toBeLessThan(doubtMs);
      world.run(40_000_000);
    }
    expect(play.increment(first)).toBe(1);
    first.kill();
    const askedAtMs = world.schedule.nowMs;
    expect(play.increment(second)).toBe(2);
    expect(world.schedule.nowMs - askedAtMs).toBeGreaterThanOrEqual(doubtMs);
    expect(second.client.namespace).toMatchObject({ continued: false });
  });

  it('is asked wherever it is connected, even at a node without a replica of the namespace', () => {
    const story = Story.founded(4, 'ns', ['n1', 'n2', 'n3']);
    const play = new Play(story);
    const far = story.world.nodes[3]!.apiAddress;
    const first = play.enter(one, { addresses: [far], followRedirects: false });
    play.create(first);
    story.world.run(10_000_000);
    const second = play.enter(two);
    expect(play.increment(second)).toMatchObject({ code: 'ClientIdHeld', details: { alive: true } });
    expect(play.increment(first)).toBe(1);
  });

  it('keeps its id when it moves to another node while it is asked', () => {
    const play = new Play();
    const { world } = play.story;
    const first = play.enter(one);
    play.create(first);
    const second = play.enter(two);
    // If the holder was connected to this node, it must find another one in the middle of the question.
    const at = world.nodes.find((node) => node.apiAddress === first.client.server?.address)!;
    world.cutPower(at);
    expect(play.increment(second)).toMatchObject({ code: 'ClientIdHeld' });
    expect(play.increment(first)).toBe(1);
    world.start(at);
  });

  it('V38: the later of two live processes with one identity has it, and the other is told so for good', () => {
    const play = new Play();
    const { world } = play.story;
    const first = play.enter(one);
    play.create(first);
    expect(play.increment(first)).toBe(1);
    const second = play.enter(one);
    expect(play.increment(second)).toBe(2);
    const { session } = second.client.namespace!;
    // Requests that were under way when it learns this may have been executed. Later requests were not.
    expect(play.increment(first)).toMatchObject({ code: 'SessionGone', outcome: 'unknown' });
    const taken = { code: 'ClientIdTaken', outcome: 'definite', retryable: false };
    expect(play.increment(first)).toMatchObject(taken);
    let count = 2;
    for (let i = 0; i < 20; i++) {
      expect(play.increment(second)).toBe(++count);
      expect(play.increment(first)).toMatchObject(taken);
      world.run(500_000);
    }
    expect(first.client.state).toBe('lost');
    expect(second.client.state).toBe('ready');
    // No client has taken anything since, so it is still the same session.
    expect(second.client.namespace).toMatchObject({ session });
  });

  it('V38: a process that is silent when the other comes is told when it next asks for its session', () => {
    const play = new Play();
    const first = play.enter(one, { keepAliveMs: 2000 });
    play.create(first);
    const second = play.enter(one);
    expect(play.increment(second)).toBe(1);
    expect(play.story.world.until(() => first.client.state === 'lost', patienceUs)).toBe(true);
    expect(play.increment(first)).toMatchObject({ code: 'ClientIdTaken' });
    expect(play.increment(second)).toBe(2);
  });

  it('is asked even when it has said nothing since it bound its id', () => {
    const story = Story.founded(3, 'ns', ['n1', 'n2', 'n3']);
    const [, there, elsewhere] = story.world.nodes;
    const codec = apiClientCodec(apiSubprotocols.binary);
    const { namespaceId } = there!.hosts.find((host) => host.namespaceId !== rootNamespaceId)!;
    const binds = (node: SimNode, incarnation: string, attempt: number): (() => readonly ServerMessage[]) => {
      const { link, frames } = story.dial(node.apiAddress, apiSubprotocols.binary);
      const bind = { kind: 'bind', id: 1, namespaceId, client: 'test', attempt, previous: 0, secret: null } as const;
      const identity = { id: 'worker-1', incarnation };
      link.send(
        codec.encode([
          { kind: 'hello', protocol: apiProtocol, client: 'test' },
          { ...bind, identity },
        ]),
      );
      story.world.run(1_000_000);
      return () => frames.flatMap((frame): readonly ServerMessage[] => codec.decode(frame));
    };
    const holder = binds(there!, one, 1);
    expect(holder().at(-1)).toMatchObject({ kind: 'reply' });
    const rival = binds(elsewhere!, two, 2);
    const refused = rival().at(-1);
    expect(refused?.kind === 'reply' ? decodeReply(refused.reply).answer : refused).toMatchObject({
      kind: 'error',
      error: { code: 'ClientIdHeld' },
    });
    expect(holder().at(-1)).toMatchObject({ kind: 'who', namespaceId });
  });
});
