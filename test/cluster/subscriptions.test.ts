/** Watches across a cluster: through any node, over moves and failures, without a gap and without a repeat. */

import { describe, expect, it } from 'vitest';
import { textOf, utf8 } from '../../core/base/bytes.ts';
import type { SimClient } from '../../core/sim/world.ts';
import { watch } from '../../core/client/watches.ts';
import type { WatchHandle, WatchOptions, WatchTold } from '../../core/client/watches.ts';
import type { Operation } from '../../core/tree/operation.ts';
import { Story } from './story.ts';

const patienceUs = 20_000_000;

/** What a watch was told, and its position. */
class Listener {
  readonly told: WatchTold[] = [];
  readonly handle: WatchHandle;

  constructor(client: SimClient, path: string, options: WatchOptions = {}) {
    this.handle = watch(client.client, path, { values: true, ...options }, (told) => this.told.push(told));
  }

  get values(): string[] {
    return this.told.flatMap((told) =>
      told.kind === 'event' ? told.changes.map(({ value }) => (value === null ? '' : (textOf(value) ?? ''))) : [],
    );
  }

  get begun(): boolean {
    return this.told.some((told) => told.kind === 'begun');
  }

  of<K extends WatchTold['kind']>(kind: K): Extract<WatchTold, { kind: K }>[] {
    return this.told.filter((told): told is Extract<WatchTold, { kind: K }> => told.kind === kind);
  }
}

class Play {
  readonly story: Story;
  readonly writer: SimClient;
  #count = 0;

  constructor(nodes: number, on: readonly string[], options: ConstructorParameters<typeof Story>[1] = {}) {
    this.story = Story.founded(nodes, 'ns', on, options);
    this.writer = this.enter(this.story.world.nodes.map((node) => node.apiAddress));
    this.write({ kind: 'create', path: '/a', type: 'blob', value: null });
  }

  until(check: () => boolean): void {
    expect(this.story.world.until(check, patienceUs)).toBe(true);
  }

  /** A client that stays with the first of `addresses` that answers. */
  enter(addresses: readonly string[]): SimClient {
    const client = this.story.world.addClient({ addresses, followRedirects: false });
    let inside = false;
    const enter = (): void =>
      void client.client.enter('ns', (result) => {
        if (result.ok) inside = true;
        else this.story.world.schedule.after(50_000, enter);
      });
    enter();
    this.until(() => inside);
    return client;
  }

  write(operation: Operation): void {
    let done = false;
    this.writer.client.execute(operation, { timeoutMs: 15_000 }, (result) => {
      expect(result.ok && result.value.answer.kind).toBe('result');
      done = true;
    });
    this.until(() => done);
  }

  put(times = 1): void {
    for (let i = 0; i < times; i++) {
      this.write({ kind: 'blobPut', path: '/a', value: utf8(String(++this.#count)), ifVersion: null, ifAbsent: false });
    }
  }

  /** The values that were put, from the `from`th on. */
  expected(from = 1): string[] {
    return Array.from({ length: this.#count - from + 1 }, (_, i) => String(from + i));
  }
}

describe('a watch', () => {
  it('through each node is told every change, with the writer at another node', () => {
    const play = new Play(3, ['n1', 'n2', 'n3']);
    const listeners = play.story.world.nodes.map((node) => new Listener(play.enter([node.apiAddress]), '/a'));
    play.until(() => listeners.every((one) => one.begun));
    play.put(20);
    play.until(() => listeners.every((one) => one.values.length === 20));
    for (const listener of listeners) expect(listener.values).toEqual(play.expected());
  });

  it('that begins at `now` is told every write that is asked after it has begun', () => {
    const play = new Play(3, ['n1', 'n2', 'n3']);
    for (let i = 0; i < 10; i++) {
      const listener = new Listener(play.enter([play.story.world.nodes[i % 3]!.apiAddress]), '/a');
      play.until(() => listener.begun);
      play.put();
      play.until(() => listener.values.length > 0);
      expect(listener.values).toEqual(play.expected(i + 1));
    }
  });

  it('survives the death of the node that serves it, and of one after the other', () => {
    const play = new Play(3, ['n1', 'n2', 'n3']);
    const { world } = play.story;
    const client = play.enter(world.nodes.map((node) => node.apiAddress));
    const listener = new Listener(client, '/a');
    play.until(() => listener.begun);
    for (let i = 0; i < 6; i++) {
      play.put(3);
      const serving = client.client.server?.node;
      const node = world.nodes.find((one) => one.name === serving) ?? world.nodes[0]!;
      world.crash(node);
      play.put(3);
      world.start(node);
      play.until(() => client.client.state === 'ready');
    }
    play.until(() => listener.values.length >= 36);
    expect(listener.values).toEqual(play.expected());
    expect(listener.of('snapshot')).toEqual([]);
  });

  it('survives a power cut of every node at once', () => {
    const play = new Play(3, ['n1', 'n2', 'n3']);
    const { world } = play.story;
    const listener = new Listener(play.enter(world.nodes.map((node) => node.apiAddress)), '/a', { from: 'snapshot' });
    play.until(() => listener.of('snapshot').length > 0);
    for (let i = 0; i < 3; i++) {
      play.put(5);
      for (const node of world.nodes) world.cutPower(node);
      world.run(200_000);
      for (const node of world.nodes) world.start(node);
      play.put(5);
    }
    play.until(() => listener.values.length >= 30);
    expect(listener.values).toEqual(play.expected());
    expect(listener.of('snapshot').filter((page) => page.first)).toHaveLength(1);
  });

  it('that was away while a checkpoint replaced the log gets the whole state again', () => {
    const play = new Play(3, ['n1', 'n2', 'n3'], { settings: { checkpointBytes: 8 * 1024 } });
    const { world } = play.story;
    const client = play.enter([world.nodes[0]!.apiAddress]);
    const listener = new Listener(client, '/a');
    play.until(() => listener.begun);
    play.put(2);
    play.until(() => listener.values.length === 2);
    for (const node of world.nodes) world.network.cut(client.host, node.name);
    world.network.reset(client.host, world.nodes[0]!.name);
    play.put(300);
    for (const node of world.nodes) world.cutPower(node);
    for (const node of world.nodes) world.start(node);
    play.put();
    world.network.mendAll();
    play.until(() => listener.of('snapshot').some((page) => page.last));
    const [page] = listener.of('snapshot');
    expect(page!.reset).toBe(true);
    const before = listener.values.length;
    play.put(2);
    play.until(() => listener.values.length >= before + 2);
    expect(listener.values.slice(-2)).toEqual(play.expected().slice(-2));
  });

  it('continues from an op in another process', () => {
    const play = new Play(3, ['n1', 'n2', 'n3']);
    const addresses = play.story.world.nodes.map((node) => node.apiAddress);
    const first = new Listener(play.enter(addresses), '/a');
    play.until(() => first.begun);
    play.put(3);
    play.until(() => first.values.length === 3);
    first.handle.cancel();
    play.put(3);
    const second = new Listener(play.enter(addresses), '/a', { from: { after: first.of('event').at(-1)!.op } });
    play.put(3);
    play.until(() => second.values.length >= 6);
    expect([...first.values, ...second.values]).toEqual(play.expected());
  });

  it('that is cancelled is told nothing more, and leaves nothing at its node', () => {
    const play = new Play(1, ['n1'], {});
    const listener = new Listener(play.enter([play.story.world.nodes[0]!.apiAddress]), '/a');
    play.until(() => listener.begun);
    listener.handle.cancel();
    const before = listener.told.length;
    play.put(3);
    play.story.world.run(100_000);
    expect(listener.told).toHaveLength(before);
  });

  it('that is oneshot ends with its one event', () => {
    const play = new Play(1, ['n1']);
    const listener = new Listener(play.enter([play.story.world.nodes[0]!.apiAddress]), '/a', { oneshot: true });
    play.until(() => listener.begun);
    play.put(3);
    play.until(() => listener.of('ended').length === 1);
    expect(listener.values).toEqual(['1']);
    expect(listener.of('ended')[0]!.error).toBe(null);
  });

  it('of an impossible path is refused with an error that says why, and so is one watch too many', () => {
    const play = new Play(1, ['n1'], { limits: { maxWatches: 2 } });
    const client = play.enter([play.story.world.nodes[0]!.apiAddress]);
    const wrong = new Listener(client, 'a//b');
    play.until(() => wrong.of('ended').length === 1);
    expect(wrong.of('ended')[0]!.error?.code).toBe('PathNotAbsolute');
    const listeners = [1, 2, 3].map(() => new Listener(client, '/a'));
    play.until(() => listeners[2]!.of('ended').length === 1);
    expect(listeners[2]!.of('ended')[0]!.error).toMatchObject({ code: 'LimitExceeded', details: { limit: 2 } });
    expect(listeners[0]!.begun && listeners[1]!.begun).toBe(true);
  });
});

describe('through a node without a replica', () => {
  it('a watch is relayed, and survives the death of the peer that serves it', () => {
    const play = new Play(4, ['n1', 'n2', 'n3']);
    const { world } = play.story;
    const listener = new Listener(play.enter([world.node('n4').apiAddress]), '/a', { from: 'snapshot' });
    play.until(() => listener.of('snapshot').length > 0);
    for (const node of [world.node('n1'), world.node('n2'), world.node('n3')]) {
      play.put(3);
      world.crash(node);
      play.put(3);
      world.start(node);
      play.put(3);
    }
    play.until(() => listener.values.length >= 27);
    expect(listener.values).toEqual(play.expected());
  });

  it('no event is lost when frames between nodes are lost, doubled and late', () => {
    const play = new Play(4, ['n1', 'n2', 'n3'], { seed: 5 });
    const { world } = play.story;
    const listener = new Listener(play.enter([world.node('n4').apiAddress]), '/a');
    play.until(() => listener.begun);
    world.network.faults = {
      lossPermille: 50,
      doublePermille: 200,
      holdPermille: 50,
      minDelayUs: 50,
      maxDelayUs: 3000,
      maxHoldUs: 200_000,
    };
    play.put(100);
    world.network.faults = { ...world.network.faults, lossPermille: 0, doublePermille: 0, holdPermille: 0 };
    play.put(1);
    play.until(() => listener.values.length >= 101);
    expect(listener.values).toEqual(play.expected());
  });

  it('a client that leaves ends the watches that were relayed for it', () => {
    const play = new Play(4, ['n1', 'n2', 'n3']);
    const { world } = play.story;
    const client = play.enter([world.node('n4').apiAddress]);
    const listener = new Listener(client, '/a');
    play.until(() => listener.begun);
    listener.handle.cancel();
    client.client.close();
    world.run(100_000);
    play.put(2);
    expect(listener.values).toEqual([]);
  });
});
