/**
 * What a node reports about itself for a picture. It reports nothing when no client listens, and its reports are
 * bounded, however much happens.
 */

import { afterEach, describe, expect, it } from 'vitest';
import type { LinkHandler } from '../../core/base/ports.ts';
import type { SessionsView } from '../../core/cluster/base/host.ts';
import type { Message } from '../../core/vr/messages.ts';
import type { StatusMessage } from '../../core/wire/status.ts';
import { StatusStream } from '../../node-server/status-stream.ts';
import { EchoNode } from './fake-node.ts';

const us = { replica: 'r1', node: 'dev1', incarnation: '0'.repeat(32), address: 'a:1' };
const them = { replica: 'r2', node: 'dev2', incarnation: '1'.repeat(32), address: 'b:1' };

/** Only its sender, kind and group are used. */
function message(kind: 'prepare' | 'prepareOk', node: string): Message {
  return { kind, namespace: 3, node } as Message;
}

class TalkingNode extends EchoNode {
  asked = 0;
  known: SessionsView[] = [];

  override view(): ReturnType<EchoNode['view']> {
    return { ...super.view(), clients: { connections: 2, asked: this.asked, answered: this.asked } };
  }

  override sessions(): readonly SessionsView[] {
    return this.known;
  }
}

class Listener {
  readonly #heard: StatusMessage[] = [];
  #wake: () => void = () => undefined;
  closed: number | null = null;
  handler: LinkHandler;

  constructor(stream: StatusStream) {
    this.handler = stream.accept({
      send: (frame) => {
        this.#heard.push(JSON.parse(frame as string) as StatusMessage);
        this.#wake();
      },
      close: (code) => {
        this.closed = code;
      },
      buffered: () => 0,
    });
  }

  async next(): Promise<StatusMessage> {
    while (this.#heard.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#heard.shift()!;
  }
}

describe('the status stream', () => {
  const node = new TalkingNode({ name: 'dev1' } as EchoNode['options']);
  const stream = new StatusStream(
    'dev1',
    () => null,
    () => node,
  );

  afterEach(() => stream.stop());

  it('counts nothing while nobody listens', async () => {
    for (let i = 0; i < 1000; i++) stream.observer.sent(them, message('prepare', 'dev1'));
    node.asked = 500;
    stream.observer.event({ namespace: 3, replica: 'r1', node: 'dev1' } as never, { kind: 'alarm', reason: 'old' });
    const listener = new Listener(stream);
    const told = await listener.next();
    expect(told).toMatchObject({ node: 'dev1', messages: [], events: [] });
    expect(told.clients).toEqual({ connections: 2, asked: 0, answered: 0 });
    listener.handler.onClose(1000, '');
  });

  it('tells how many messages there were, and when a few of them', async () => {
    const listener = new Listener(stream);
    for (let i = 0; i < 5000; i++) {
      stream.observer.sent(them, message('prepare', 'dev1'));
      stream.observer.received(message('prepareOk', 'dev2'));
      // A node's messages to itself use no link.
      stream.observer.sent(us, message('prepareOk', 'dev1'));
    }
    node.asked += 7;
    const { messages, clients, intervalMs } = await listener.next();
    expect(messages).toMatchObject([
      { group: 3, from: 'dev1', to: 'dev2', kind: 'prepare', count: 5000 },
      { group: 3, from: 'dev2', to: 'dev1', kind: 'prepareOk', count: 5000 },
    ]);
    for (const { at } of messages) {
      expect(at.length).toBeGreaterThan(0);
      expect(at.length).toBeLessThanOrEqual(12);
      expect(at.every((ms) => ms >= 0 && ms <= intervalMs)).toBe(true);
    }
    expect(clients).toEqual({ connections: 2, asked: 7, answered: 7 });
    listener.handler.onClose(1000, '');
  });

  it('stays bounded with very many links', async () => {
    const listener = new Listener(stream);
    for (let i = 0; i < 5000; i++) stream.observer.sent({ ...them, node: `n${i}` }, message('prepare', 'dev1'));
    expect((await listener.next()).messages.length).toBe(512);
    listener.handler.onClose(1000, '');
  });

  it('takes no messages', () => {
    const listener = new Listener(stream);
    listener.handler.onFrame('hello');
    expect(listener.closed).toBe(4000);
  });
});
