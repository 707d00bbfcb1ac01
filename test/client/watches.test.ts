/**
 * The client's half of watches: where each begins again after a break, what it does not tell twice, and how a stream
 * pauses.
 */

import { describe, expect, it } from 'vitest';
import { errorInfo } from '../../core/base/errors.ts';
import { SeededRandom } from '../../core/base/random.ts';
import { defaultClientOptions } from '../../core/client/options.ts';
import { binaryApi } from '../../core/wire/api-client-binary.ts';
import { WatchStream } from '../../core/client/watch-stream.ts';
import type { WatchHandle, WatchOptions, WatchTold } from '../../core/client/watches.ts';
import { Watches, endedWatch } from '../../core/client/watches.ts';
import type { Outgoing } from '../../core/wire/api-client.ts';
import { claimless } from './claimless.ts';

class Scene {
  readonly sent: Outgoing[] = [];
  readonly violations: string[] = [];
  readonly watches: Watches;
  connected = false;
  now = 0;
  #lastId = 0;

  constructor() {
    const clock = { now: () => this.now, soon: (work: () => void) => work() };
    const transport = {
      dial: () => {
        throw new Error('nothing is dialled here');
      },
    };
    const options = { ...defaultClientOptions, codec: binaryApi, addresses: ['a:1'] };
    this.watches = new Watches({
      ports: { transport, clock, random: new SeededRandom(1) },
      options,
      newId: () => ++this.#lastId,
      connected: () => this.connected,
      send: (message) => void this.sent.push(message),
      violation: (what) => void this.violations.push(what),
      ...claimless,
    });
  }

  connect(): void {
    this.connected = true;
    this.watches.connected();
  }

  disconnect(): void {
    this.connected = false;
    this.watches.disconnected();
  }

  open(options: WatchOptions = {}): { readonly told: WatchTold[]; readonly handle: WatchHandle } {
    const told: WatchTold[] = [];
    const handle = this.watches.open(7, '/a', options, (one) => told.push(one));
    return { told, handle };
  }

  /** The id and the beginning of the watch that was asked last. */
  get asked(): { readonly id: number; readonly from: unknown } {
    const last = this.sent.filter((message) => message.kind === 'watch').at(-1)!;
    return { id: last.id, from: last.from };
  }

  watching(op: number): void {
    this.watches.receive({ kind: 'watching', id: this.asked.id, op });
  }

  event(op: number, id = this.asked.id): void {
    const change = {
      path: '/a',
      kind: 'put',
      type: 'blob',
      version: op,
      value: null,
      number: null,
      claim: null,
      cause: null,
    } as const;
    const event = { op, timestamp: 0, folded: false, changes: [change] };
    this.watches.receive({ kind: 'event', id, event });
  }

  page(op: number, first: boolean, last: boolean, reset = false): void {
    this.watches.receive({ kind: 'snapshot', id: this.asked.id, op, reset, first, last, changes: [] });
  }
}

function inShort(told: readonly WatchTold[]): string[] {
  return told.map((one) => (one.kind === 'ended' ? `ended ${one.error?.code ?? ''}` : `${one.kind} ${one.op}`));
}

describe('a watch', () => {
  it('that was opened without a connection is asked for when there is one', () => {
    const scene = new Scene();
    scene.open({ subtree: true });
    expect(scene.sent).toEqual([]);
    scene.connect();
    expect(scene.sent).toMatchObject([
      { kind: 'watch', namespaceId: 7, path: '/a', subtree: true, from: { kind: 'now' } },
    ]);
  });

  it('begins again after its last event, and before any event after the op where it began', () => {
    const scene = new Scene();
    const { told } = scene.open();
    scene.connect();
    scene.watching(10);
    scene.disconnect();
    scene.connect();
    expect(scene.asked.from).toEqual({ kind: 'after', op: 10 });
    scene.watching(10);
    scene.event(12);
    scene.event(15);
    scene.disconnect();
    scene.connect();
    expect(scene.asked.from).toEqual({ kind: 'after', op: 15 });
    scene.watching(15);
    scene.event(16);
    expect(inShort(told)).toEqual(['begun 10', 'event 12', 'event 15', 'event 16']);
  });

  it('begins at `now` again when no node said where it had begun', () => {
    const scene = new Scene();
    scene.open();
    scene.connect();
    scene.disconnect();
    scene.connect();
    expect(scene.asked.from).toEqual({ kind: 'now' });
  });

  it('continues after a mark of progress', () => {
    const scene = new Scene();
    const { told } = scene.open();
    scene.connect();
    scene.watching(10);
    scene.watches.receive({ kind: 'progress', id: scene.asked.id, op: 90 });
    scene.disconnect();
    scene.connect();
    expect(scene.asked.from).toEqual({ kind: 'after', op: 90 });
    expect(inShort(told)).toEqual(['begun 10', 'progress 90']);
  });

  it('asks again for a snapshot that broke off, and continues after one that was complete', () => {
    const scene = new Scene();
    const { told } = scene.open({ from: 'snapshot' });
    scene.connect();
    scene.watching(10);
    scene.page(10, true, false);
    scene.disconnect();
    scene.connect();
    expect(scene.asked.from).toEqual({ kind: 'snapshot' });
    scene.watching(20);
    scene.page(20, true, false);
    scene.page(20, false, true);
    scene.disconnect();
    scene.connect();
    expect(scene.asked.from).toEqual({ kind: 'after', op: 20 });
    expect(inShort(told)).toEqual(['begun 10', 'snapshot 10', 'snapshot 20', 'snapshot 20']);
  });

  it('ignores late answers to an earlier question', () => {
    const scene = new Scene();
    const { told } = scene.open();
    scene.connect();
    const first = scene.asked.id;
    scene.watching(10);
    scene.disconnect();
    scene.connect();
    scene.event(11, first);
    expect(inShort(told)).toEqual(['begun 10']);
    expect(scene.violations).toEqual([]);
  });

  it('takes no event twice: a node that tells one breaks its word', () => {
    const scene = new Scene();
    const { told } = scene.open();
    scene.connect();
    scene.watching(10);
    scene.event(12);
    scene.event(12);
    expect(inShort(told)).toEqual(['begun 10', 'event 12']);
    expect(scene.violations).toEqual(['told op 12 to a watch that was at 12']);
  });

  it('that is refused for now is asked again, later each time; one that is refused for good ends', () => {
    const scene = new Scene();
    const { told } = scene.open();
    scene.connect();
    const asked = (): number => scene.sent.filter((message) => message.kind === 'watch').length;
    for (let i = 1; i <= 5; i++) {
      expect(asked()).toBe(i);
      expect(scene.watches.refused(scene.asked.id, errorInfo('NoPrimary', 'none'))).toBe(true);
      scene.watches.tick(scene.now);
      expect(asked()).toBe(i);
      scene.now += 500;
      scene.watches.tick(scene.now);
    }
    scene.watches.refused(scene.asked.id, errorInfo('UnknownNamespace', 'gone'));
    expect(inShort(told)).toEqual(['ended UnknownNamespace']);
    expect(scene.watches.size).toBe(0);
    expect(scene.watches.refused(99, errorInfo('NoPrimary', 'none'))).toBe(false);
  });

  it('whose question has no answer for long is asked again under another id', () => {
    const scene = new Scene();
    scene.open();
    scene.connect();
    const first = scene.asked.id;
    scene.now = 60_000;
    scene.watches.tick(scene.now);
    expect(scene.sent.slice(-2)).toMatchObject([{ kind: 'unwatch', id: first }, { kind: 'watch' }]);
    expect(scene.asked.id).not.toBe(first);
  });

  it('that is oneshot ends with its event, even with one that folds many', () => {
    const scene = new Scene();
    const one = scene.open({ oneshot: true });
    scene.connect();
    scene.watching(10);
    scene.event(11);
    expect(inShort(one.told)).toEqual(['begun 10', 'event 11', 'ended ']);
    const other = scene.open({ oneshot: true, from: { after: 3 } });
    scene.watching(3);
    scene.page(40, true, true, true);
    expect(inShort(other.told)).toEqual(['begun 3', 'snapshot 40', 'ended ']);
    expect(scene.watches.size).toBe(0);
  });

  it('that is cancelled tells nothing more and says so to the node; closing ends every watch', () => {
    const scene = new Scene();
    const one = scene.open();
    const other = scene.open();
    scene.connect();
    const [first] = scene.sent.map((message) => (message as { id: number }).id);
    one.handle.cancel();
    one.handle.cancel();
    expect(scene.sent.slice(2)).toEqual([{ kind: 'unwatch', id: first }]);
    scene.watches.receive({ kind: 'watching', id: first!, op: 10 });
    scene.watches.close();
    expect(inShort(one.told)).toEqual([]);
    expect(inShort(other.told)).toEqual(['ended Closed']);
  });

  it('rests where it can continue without a repeat: not within a snapshot', () => {
    const scene = new Scene();
    const { told, handle } = scene.open({ from: 'snapshot' });
    scene.connect();
    scene.watching(10);
    scene.page(10, true, false);
    handle.pause();
    expect(scene.sent).toHaveLength(1);
    scene.page(10, false, true);
    expect(scene.sent.at(-1)).toMatchObject({ kind: 'unwatch' });
    scene.event(11);
    scene.disconnect();
    scene.connect();
    expect(scene.sent.at(-1)).toMatchObject({ kind: 'unwatch' });
    handle.resume();
    expect(scene.asked.from).toEqual({ kind: 'after', op: 10 });
    scene.watching(10);
    scene.event(11);
    expect(inShort(told)).toEqual(['begun 10', 'snapshot 10', 'snapshot 10', 'event 11']);
  });
});

describe('a watch that never began', () => {
  it('ends at the end of the turn, unless it is cancelled before', () => {
    const works: (() => void)[] = [];
    const clock = { now: () => 0, soon: (work: () => void) => void works.push(work) };
    const told: WatchTold[] = [];
    endedWatch(clock, errorInfo('Closed', 'closed'), (one) => told.push(one));
    endedWatch(clock, errorInfo('Closed', 'closed'), (one) => told.push(one)).cancel();
    expect(told).toEqual([]);
    for (const work of works) work();
    expect(inShort(told)).toEqual(['ended Closed']);
  });
});

describe('a stream', () => {
  class Source {
    readonly calls: string[] = [];
    tell: (told: WatchTold) => void = () => undefined;
    readonly open = (handler: (told: WatchTold) => void): WatchHandle => {
      this.tell = handler;
      return {
        cancel: () => void this.calls.push('cancel'),
        pause: () => void this.calls.push('pause'),
        resume: () => void this.calls.push('resume'),
      };
    };
  }

  it('yields updates in order, whether its reader waits for them or they wait for the reader', async () => {
    const source = new Source();
    const stream = new WatchStream(source.open);
    const first = stream.next();
    const second = stream.next();
    for (const op of [1, 2, 3]) source.tell({ kind: 'progress', op });
    source.tell({ kind: 'ended', error: null });
    expect([await first, await second, await stream.next(), await stream.next()]).toEqual([
      ...[1, 2, 3].map((op) => ({ done: false, value: { kind: 'progress', op } })),
      { done: true, value: undefined },
    ]);
  });

  it('has the node pause while its reader is slow, and continue when the reader has caught up', async () => {
    const source = new Source();
    const stream = new WatchStream(source.open);
    for (let op = 0; op < 300; op++) source.tell({ kind: 'progress', op });
    expect(source.calls).toEqual(['pause']);
    for (let i = 0; i < 267; i++) await stream.next();
    expect(source.calls).toEqual(['pause']);
    await stream.next();
    expect(source.calls).toEqual(['pause', 'resume']);
  });

  it('throws the error of its end once, after the updates before it', async () => {
    const source = new Source();
    const stream = new WatchStream(source.open);
    source.tell({ kind: 'progress', op: 1 });
    source.tell({ kind: 'ended', error: errorInfo('UnknownNamespace', 'gone') });
    expect(await stream.next()).toMatchObject({ done: false });
    await expect(stream.next()).rejects.toMatchObject({ code: 'UnknownNamespace' });
    expect(await stream.next()).toMatchObject({ done: true });
  });

  it('that is left ends its watch', async () => {
    const source = new Source();
    const stream = new WatchStream(source.open);
    source.tell({ kind: 'progress', op: 1 });
    for await (const told of stream) {
      expect(told).toEqual({ kind: 'progress', op: 1 });
      break;
    }
    expect(source.calls).toEqual(['cancel']);
    expect(await stream.next()).toMatchObject({ done: true });
  });

  it('is interrupted by its signal, even by one that was aborted before', async () => {
    const source = new Source();
    const abort = new AbortController();
    const waiting = new WatchStream(source.open, abort.signal).next();
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'Interrupted' });
    expect(source.calls).toEqual(['cancel']);
    await expect(new WatchStream(source.open, abort.signal).next()).rejects.toMatchObject({ code: 'Interrupted' });
  });
});
