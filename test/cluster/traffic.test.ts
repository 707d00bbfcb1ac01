/** What clients ask and read is bounded in bytes, for each connection and for all (V32). Whoever reads gets everything. */

import { describe, expect, it } from 'vitest';
import type { Frame, Link, LinkHandler } from '../../core/base/ports.ts';
import { encodeOperation } from '../../core/service/body.ts';
import { decodeReply } from '../../core/service/reply.ts';
import { apiClientCodec } from '../../core/wire/api-codecs.ts';
import { apiProtocol, apiSubprotocols } from '../../core/wire/api.ts';
import type { ClientMessage, ServerMessage } from '../../core/wire/api.ts';
import * as closeCodes from '../../core/wire/close-codes.ts';
import { Story, codeOf, createBlob, get, put } from './story.ts';

const api = apiClientCodec(apiSubprotocols.binary);
const mebi = 1024 * 1024;
const value = 'x'.repeat(256 * 1024);

/** A link whose other end takes what the test lets it take. */
class SlowLink implements Link {
  readonly frames: Frame[] = [];
  paused = false;
  closed: number | null = null;
  most = 0;
  #bytes = 0;

  send(frame: Frame): void {
    if (this.closed !== null) return;
    this.frames.push(frame);
    this.#bytes += frame.length;
    this.most = Math.max(this.most, this.#bytes);
  }

  /** The other end reads. */
  take(bytes: number): void {
    this.#bytes = Math.max(0, this.#bytes - bytes);
  }

  close(code: number): void {
    this.closed ??= code;
  }

  buffered(): number {
    return this.#bytes;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }
}

interface Slow {
  readonly story: Story;
  readonly user: ReturnType<Story['client']>;
  readonly namespaceId: number;
  readonly link: SlowLink;
  readonly handler: LinkHandler;
  readonly say: (...messages: ClientMessage[]) => void;
  readonly heard: () => ServerMessage[];
  /** The lengths of the values that were answered, and the kinds of other answers. */
  readonly values: () => (string | number)[];
}

function slow(nodes = 1): Slow {
  const story = Story.founded(nodes, 'ns', ['n1']);
  const user = story.client(['n1']);
  story.enter(user, 'ns');
  story.ask(user, createBlob('/b'));
  story.ask(user, put('/b', value));
  const link = new SlowLink();
  const handler = story.node(`n${nodes}`).node!.accept('api', apiSubprotocols.binary, link, 'test');
  const say = (...messages: ClientMessage[]): void => handler.onFrame(api.encode(messages));
  const heard = (): ServerMessage[] => link.frames.flatMap((frame) => api.decode(frame));
  const values = (): (string | number)[] =>
    heard().flatMap((message): (string | number)[] => {
      if (message.kind !== 'reply') return [];
      const { answer } = decodeReply(message.reply);
      return [answer.kind === 'result' && answer.result.kind === 'value' ? answer.result.value!.length : answer.kind];
    });
  say({ kind: 'hello', protocol: apiProtocol, client: 'test' });
  return { story, user, namespaceId: user.client.namespace!.id, link, handler, say, heard, values };
}

function reads(namespaceId: number, count: number, kind: 'local' | 'linearizable'): ClientMessage[] {
  const operation = encodeOperation(get('/b'));
  return Array.from({ length: count }, (_, i) => ({
    kind: 'read',
    id: i + 1,
    namespaceId,
    consistency: { kind },
    operation,
  }));
}

describe.each(['local', 'linearizable'] as const)('a frame of 400 %s reads of a large value', (kind) => {
  it('is answered as fast as it is read, in its order', () => {
    const { story, user, namespaceId, link, say, values } = slow();
    say(...reads(namespaceId, 400, kind));
    story.pass(100);
    expect(values().length).toBeLessThan(40);
    expect(codeOf(story.ask(user, put('/b', 'short')))).toBe('ok');
    for (let mebis = 0; mebis < 120; mebis++) {
      link.take(mebi);
      story.pass(10);
    }
    const all = values();
    expect(all).toHaveLength(400);
    // No later answer is of an earlier time.
    expect(all).toEqual([...all].sort((one, other) => Number(other) - Number(one)));
    expect(new Set(all)).toEqual(new Set([value.length, 'short'.length]));
    expect(link.closed).toBeNull();
    expect(link.most).toBeLessThan(6 * mebi);
  });

  it('ends only the connection of a sender that does not read', () => {
    const { story, user, namespaceId, link, handler, say, values } = slow();
    say(...reads(namespaceId, 400, kind));
    for (let i = 0; i < 20; i++) {
      expect(codeOf(story.ask(user, get('/b')))).toBe('ok');
      story.pass(1000);
    }
    expect(link.closed).toBe(closeCodes.slowConsumer);
    expect(values().length).toBeLessThan(40);
    expect(story.log.filter((line) => line.includes('does not read'))).toHaveLength(1);
    handler.onClose(closeCodes.slowConsumer, '');
    expect(codeOf(story.ask(user, get('/b')))).toBe('ok');
  });
});

describe('reads that another node answers', () => {
  it('are sent as fast as that node takes them', () => {
    const { story, namespaceId, link, say, values } = slow(2);
    story.until('it knows where to ask', () => story.node('n2').node!.view().connectedPeers.length === 1);
    say(...reads(namespaceId, 400, 'linearizable'));
    for (let mebis = 0; mebis < 200; mebis++) {
      link.take(2 * mebi);
      story.pass(10);
    }
    expect(values()).toHaveLength(400);
    expect(link.closed).toBeNull();
  });

  it('end the connection of a client that does not read them', () => {
    const { story, namespaceId, link, say, values } = slow(2);
    story.until('it knows where to ask', () => story.node('n2').node!.view().connectedPeers.length === 1);
    say(...reads(namespaceId, 400, 'linearizable'));
    story.until('it is closed', () => link.closed !== null, 15_000);
    expect(link.closed).toBe(closeCodes.slowConsumer);
    expect(values().length).toBeLessThan(20);
  });
});

describe('a connection that asks faster than it can be answered', () => {
  it('is not read from until answers have left', () => {
    const { story, namespaceId, link, say, heard } = slow();
    say({ kind: 'register', id: 1, namespaceId, client: 'raw', secret: null });
    story.pass(100);
    const [registered] = heard().flatMap((one) => (one.kind === 'reply' ? [decodeReply(one.reply).answer] : []));
    if (registered?.kind !== 'registered') throw new Error('no session');
    const operation = encodeOperation(put('/b', value));
    const write = (request: number): ClientMessage => ({
      kind: 'request',
      id: 10 + request,
      namespaceId,
      session: registered.session,
      request,
      answered: request,
      operation,
    });
    for (let request = 1; request <= 15; request++) say(write(request));
    expect(link.paused).toBe(false);
    say(write(16), write(17));
    expect(link.paused).toBe(true);
    story.until('all is answered', () => heard().filter((one) => one.kind === 'reply').length === 18);
    expect(link.paused).toBe(false);
  });
});

describe('a frame of reads that take long', () => {
  it.each(['local', 'linearizable'] as const)(
    'is worked on a little in each turn, between the requests of others: %s',
    (kind) => {
      const { story, user, namespaceId, link, say, heard } = slow();
      story.ask(user, { kind: 'create', path: '/d', type: 'directory', value: null });
      for (let i = 0; i < 20; i++) {
        const then = Array.from({ length: 1000 }, (_, child) => {
          return { kind: 'create', path: `/d/${i}-${child}`, type: 'blob', value: null } as const;
        });
        expect(codeOf(story.ask(user, { kind: 'transaction', guards: [], then, otherwise: [] }))).toBe('ok');
      }
      const operation = encodeOperation({ kind: 'largest', path: '/d', limit: 1 });
      say(
        ...Array.from({ length: 600 }, (_, i): ClientMessage => {
          return { kind: 'read', id: i + 1, namespaceId, consistency: { kind }, operation };
        }),
      );
      const answered = (): number => heard().filter((one) => one.kind === 'reply').length;
      story.pass(5);
      expect(answered()).toBeLessThan(60);
      expect(codeOf(story.ask(user, get('/b')))).toBe('ok');
      expect(answered()).toBeLessThan(300);
      story.until('all is answered', () => answered() === 600, 2000);
      expect(link.closed).toBeNull();
    },
  );
});
