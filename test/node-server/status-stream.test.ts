/**
 * What a node reports about itself for a picture. It reports nothing when no client listens, and its reports are
 * bounded, however much happens.
 */

import { afterEach, describe, expect, it } from 'vitest';
import type { Frame, LinkHandler } from '../../core/base/ports.ts';
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
  closings = 0;
  told = 0;
  handler: LinkHandler;

  constructor(stream: StatusStream) {
    const link = {
      send: (frame: Frame): void => {
        this.told++;
        this.#heard.push(JSON.parse(frame as string) as StatusMessage);
        this.#wake();
      },
      close: (code: number): void => {
        this.closings++;
        this.closed ??= code;
      },
      buffered: () => 0,
    };
    this.handler = stream.accept(link, 'test');
  }

  async next(): Promise<StatusMessage> {
    while (this.#heard.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#heard.shift()!;
  }
}

describe('the status stream', () => {
  const node = new TalkingNode({ name: 'dev1' } as EchoNode['options']);
  const log: string[] = [];
  const stream = new StatusStream({
    name: 'dev1',
    adminAddress: () => null,
    node: () => node,
    log: { write: (level, text) => void log.push(`${level} ${text}`) },
    clock: { now: () => 0 },
  });

  afterEach(() => stream.stop());

  it('counts nothing while no one listens', async () => {
    for (let i = 0; i < 1000; i++) stream.observer.sent(them, message('prepare', 'dev1'));
    node.asked = 500;
    stream.observer.event({ namespace: 3, replica: 'r1', node: 'dev1' } as never, { kind: 'alarm', reason: 'old' });
    const listener = new Listener(stream);
    const told = await listener.next();
    expect(told).toMatchObject({ node: 'dev1', messages: [], events: [] });
    expect(told.clients).toEqual({ connections: 2, asked: 0, answered: 0 });
    listener.handler.onClose(1000, '');
  });

  it('tells how many messages there were, and the times of a few', async () => {
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

  it.each<[string, Frame]>([
    ['text', 'hello'],
    ['a question of a client', '{"json":[{"kind":"hello","protocol":1,"client":"x"}]}'],
    ['a command of an administrator', '{"json":[{"id":1,"command":{"kind":"logLevel","level":"debug"}}]}'],
    ['what it tells itself', '{"node":"dev2","peers":["dev1"],"adminAddress":"evil:1","groups":[]}'],
    ['no text', ''],
    ['ANSI codes', '\u001b[2J\u0007'],
    ['a long text', 'x'.repeat(4 * 1024 * 1024)],
    ['bytes', new Uint8Array([0xff, 0x00, 0x1b])],
    ['no bytes', new Uint8Array(0)],
  ])('takes no messages: %s closes it once, however often it comes, and no other listener', async (_what, frame) => {
    const bystander = new Listener(stream);
    const listener = new Listener(stream);
    const before = stream.refused;
    for (let i = 0; i < 100; i++) listener.handler.onFrame(frame);
    expect(listener).toMatchObject({ closed: 4000, closings: 1 });
    expect(stream.refused).toBe(before + 1);
    node.asked++;
    // What the others are told it is not, before its end has gone and after.
    expect((await bystander.next()).node).toBe('dev1');
    expect(listener.told).toBe(0);
    listener.handler.onClose(4000, '');
    listener.handler.onClose(4000, '');
    listener.handler.onFrame(frame);
    expect(listener.closings).toBe(1);
    expect(bystander.closed).toBeNull();
    bystander.handler.onClose(1000, '');
    expect(log.filter((line) => line.startsWith('info')).length).toBeLessThanOrEqual(2);
  });

  it('serves a bounded number of listeners; a refused listener takes no place', () => {
    const listeners = Array.from({ length: 70 }, () => new Listener(stream));
    expect(listeners.filter(({ closed }) => closed === 4003)).toHaveLength(6);
    listeners[0]!.handler.onFrame('x');
    expect(new Listener(stream).closed).toBeNull();
    expect(new Listener(stream).closed).toBe(4003);
  });
});
