/** What leaves a connection: one frame a turn, cut at the limit, and a close for readers that do not read. */

import { describe, expect, it } from 'vitest';
import type { Frame } from '../../core/base/ports.ts';
import { encodeReply } from '../../core/service/reply.ts';
import { apiClientCodec, apiServerCodec, apiServerOutbox } from '../../core/wire/api-codecs.ts';
import type { ServerMessage } from '../../core/wire/api.ts';
import { apiSubprotocols } from '../../core/wire/api.ts';
import * as closeCodes from '../../core/wire/close-codes.ts';
import { Outbox } from '../../core/wire/outbox.ts';

function valueReply(id: number, bytes: number): ServerMessage {
  const result = { kind: 'value', value: new Uint8Array(bytes), version: 1 } as const;
  return { kind: 'reply', id, reply: encodeReply({ epoch: 1, view: 1, op: id, answer: { kind: 'result', result } }) };
}

const maxQueuedBytes = 100_000;

function connection(subprotocol: string, maxFrameBytes: number, buffered = 0, earlyMessages = Infinity) {
  const frames: Frame[] = [];
  const closes: number[] = [];
  const turn: (() => void)[] = [];
  const link = {
    send: (frame: Frame) => frames.push(frame),
    close: (code: number) => closes.push(code),
    buffered: () => buffered,
  };
  const clock = { now: () => 0, soon: (work: () => void) => turn.push(work) };
  const options = { ...apiServerOutbox(maxFrameBytes, maxQueuedBytes), earlyMessages };
  const outbox = new Outbox(apiServerCodec(subprotocol), link, clock, options);
  const reader = apiClientCodec(subprotocol, maxFrameBytes);
  return {
    outbox,
    frames,
    closes,
    endTurn: () => turn.splice(0).forEach((work) => work()),
    received: () => frames.flatMap((frame) => reader.decode(frame)),
  };
}

describe.each(Object.values(apiSubprotocols))('the outbox of %s', (subprotocol) => {
  it('sends the messages of one turn as one frame, at its end', () => {
    const { outbox, frames, endTurn, received } = connection(subprotocol, 100_000);
    for (let id = 0; id < 100; id++) outbox.send({ kind: 'pong', id });
    expect(frames).toHaveLength(0);
    endTurn();
    expect(frames).toHaveLength(1);
    expect(received().map((message) => 'id' in message && message.id)).toEqual(
      Array.from({ length: 100 }, (_, i) => i),
    );
  });

  it('sends many messages of one turn early, a bounded number at a time and in order', () => {
    const { outbox, frames, endTurn, received } = connection(subprotocol, 100_000, 0, 10);
    const early: number[] = [];
    for (let id = 0; id < 35; id++) {
      outbox.send({ kind: 'pong', id });
      if (frames.length > early.length) early.push(id);
    }
    expect(early).toEqual([10, 20, 30]);
    endTurn();
    expect(frames).toHaveLength(4);
    expect(received().map((message) => 'id' in message && message.id)).toEqual(Array.from({ length: 35 }, (_, i) => i));
  });

  it('cuts frames so that each is below the limit, and keeps the order', () => {
    const { outbox, frames, endTurn, received } = connection(subprotocol, 10_000);
    const sent = Array.from({ length: 40 }, (_, id) => valueReply(id, 1500));
    for (const message of sent) outbox.send(message);
    endTurn();
    expect(frames.length).toBeGreaterThan(5);
    for (const frame of frames) expect(frame.length).toBeLessThanOrEqual(10_000);
    expect(received()).toEqual(sent);
  });

  it('reports an answer that fits no frame, with the limit and the actual size', () => {
    const { outbox, endTurn, received } = connection(subprotocol, 10_000);
    outbox.send(valueReply(7, 20_000));
    endTurn();
    const [message] = received();
    expect(message).toMatchObject({
      kind: 'error',
      id: 7,
      error: { code: 'LimitExceeded', details: { limit: 10_000 } },
    });
  });

  it('closes the connection of a slow consumer, and sends it nothing more', () => {
    const { outbox, frames, closes, endTurn } = connection(subprotocol, 10_000, maxQueuedBytes + 1);
    outbox.send({ kind: 'pong', id: 1 });
    endTurn();
    expect(closes).toEqual([closeCodes.slowConsumer]);
    const sentBefore = frames.length;
    outbox.send({ kind: 'pong', id: 2 });
    endTurn();
    expect(frames).toHaveLength(sentBefore);
  });

  it('closes the connection when one turn makes more than the queue can hold', () => {
    const { outbox, frames, closes, endTurn } = connection(subprotocol, 10_000);
    for (let id = 0; id < 1000; id++) outbox.send(valueReply(id, 1500));
    expect(closes).toEqual([closeCodes.slowConsumer]);
    endTurn();
    expect(frames).toEqual([]);
  });
});
