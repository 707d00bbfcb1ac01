/** The watches of one replica: what each is told, in which order, and what happens to slow readers. */

import { describe, expect, it } from 'vitest';
import { textOf, utf8 } from '../../core/base/bytes.ts';
import { defaultLimits } from '../../core/base/limits.ts';
import type { Limits } from '../../core/base/limits.ts';
import { WatchFeed } from '../../core/cluster/watching/watch-feed.ts';
import type { WatchMessage, WatchSink, WatchWish } from '../../core/cluster/watching/watch.ts';
import { Watch } from '../../core/cluster/watching/watch.ts';
import { encodeOperation } from '../../core/service/body.ts';
import { encodeBody } from '../../core/service/body.ts';
import type { Change } from '../../core/service/events.ts';
import { decodeEvent } from '../../core/service/events.ts';
import { serviceLimitsOf } from '../../core/service/limits.ts';
import { Service } from '../../core/service/service.ts';
import type { Operation, SimpleOperation } from '../../core/tree/operation.ts';

class Reader implements WatchSink {
  readonly told: WatchMessage[] = [];
  room = true;

  tell(message: WatchMessage): void {
    this.told.push(message);
  }

  hasRoom(): boolean {
    return this.room;
  }

  /** What was told since the last time, in words. */
  take(): string[] {
    return this.told.splice(0).map(inWords);
  }
}

function inWords(message: WatchMessage): string {
  switch (message.kind) {
    case 'event': {
      const { op, folded, changes } = decodeEvent(message.event);
      return `${op}${folded ? ' folded' : ''}: ${changes.map(changeInWords).join(', ')}`;
    }
    case 'snapshot': {
      const { op, first, last, reset, changes } = message;
      const flags = [first && 'first', last && 'last', reset && 'reset'].filter(Boolean).join(' ');
      return `state at ${op} (${flags}): ${changes.map(changeInWords).join(', ')}`;
    }
    case 'progress':
      return `nothing else up to ${message.op}`;
    default:
      return message.kind;
  }
}

function changeInWords({ kind, path, version, value, number }: Change): string {
  const detail = value === null ? number : textOf(value);
  return `${kind} ${path} v${version}${detail === null ? '' : ` ${detail}`}`;
}

const enough = 100_000;

class Scene {
  readonly service: Service;
  readonly feed: WatchFeed;
  readonly ended: number[] = [];
  #op = 0;
  #request = 0;
  #watches = 0;

  constructor(limits: Partial<Limits> = {}) {
    const all = { ...defaultLimits, ...limits };
    this.service = new Service(serviceLimitsOf(all, 1000), all);
    this.feed = new WatchFeed(this.service, (watch) => void this.ended.push(watch.id));
    this.#apply(0, encodeBody({ kind: 'register', client: 'test', secret: '5e'.repeat(16) }));
  }

  #apply(session: number, body: Uint8Array): number {
    const op = ++this.#op;
    const request = session === 0 ? 0 : this.#request++;
    this.service.apply({ op, epoch: 1, view: 1, timestamp: op, session, request, answered: request, body });
    return op;
  }

  /** Applies an operation without telling the watches. */
  quietly(operation: Operation): number {
    return this.#apply(1, encodeOperation(operation));
  }

  do(operation: Operation): number {
    const op = this.quietly(operation);
    this.feed.advance();
    return op;
  }

  create(path: string, value = ''): number {
    return this.do({ kind: 'create', path, type: 'blob', value: utf8(value) });
  }

  put(path: string, value: string): number {
    return this.do(put(path, value));
  }

  delete(path: string): number {
    return this.do({ kind: 'delete', path, recursive: true, ifVersion: null });
  }

  watch(path: string, wish: Partial<WatchWish> = {}, from: number | 'snapshot' = this.service.op): Reader {
    const reader = new Reader();
    this.watchBy(reader, path, wish, from);
    return reader;
  }

  watchBy(
    reader: Reader,
    path: string,
    wish: Partial<WatchWish> = {},
    from: number | 'snapshot' = this.service.op,
  ): Watch {
    const whole: WatchWish = { path, subtree: false, values: true, oneshot: false, slow: 'reset', ...wish };
    const watch = new Watch(++this.#watches, whole, reader, from === 'snapshot' ? this.service.op : from);
    if (from === 'snapshot') watch.startSnapshot(this.service, false);
    this.feed.add(watch, { left: enough });
    return watch;
  }
}

function put(path: string, value: string): SimpleOperation {
  return { kind: 'blobPut', path, value: utf8(value), ifVersion: null, ifAbsent: false };
}

describe('a watch', () => {
  it('of a path is told what happens there and nowhere else', () => {
    const scene = new Scene();
    scene.create('/a/b');
    scene.create('/a/bc');
    const reader = scene.watch('/a/b');
    const first = scene.put('/a/b', 'x');
    scene.put('/a/bc', 'y');
    const second = scene.delete('/a/b');
    const third = scene.create('/a/b', 'z');
    expect(reader.take()).toEqual([
      `${first}: put /a/b v1 x`,
      `${second}: deleted /a/b v1`,
      `${third}: created /a/b v0 z`,
    ]);
  });

  it('of a subtree is told what happens at it and beneath it, and of directories that are made', () => {
    const scene = new Scene();
    const reader = scene.watch('/svc', { subtree: true, values: false });
    const first = scene.create('/svc/db/1', 'x');
    scene.create('/svcs/2');
    const second = scene.delete('/svc');
    expect(reader.take()).toEqual([
      `${first}: created /svc v0, created /svc/db v0, created /svc/db/1 v0`,
      `${second}: deleted /svc v0`,
    ]);
  });

  it('of the root sees everything', () => {
    const scene = new Scene();
    const reader = scene.watch('/', { subtree: true });
    const op = scene.create('/x', '1');
    expect(reader.take()).toEqual([`${op}: created /x v0 1`]);
  });

  it('beneath a directory that is deleted is told so, if a node existed where it watches', () => {
    const scene = new Scene();
    scene.create('/d/e/f');
    const there = scene.watch('/d/e/f');
    const above = scene.watch('/d/e', { subtree: true });
    const nothing = scene.watch('/d/e/g', { subtree: true });
    const op = scene.delete('/d');
    expect(there.take()).toEqual([`${op}: deleted /d v0`]);
    expect(above.take()).toEqual([`${op}: deleted /d v0`]);
    expect(nothing.take()).toEqual([]);
  });

  it('is told a transaction as one event, with what concerns it', () => {
    const scene = new Scene();
    scene.create('/a');
    scene.create('/b');
    const one = scene.watch('/a');
    const all = scene.watch('/', { subtree: true, values: false });
    const op = scene.do({
      kind: 'transaction',
      guards: [],
      then: [put('/a', '1'), put('/b', '2'), put('/a', '3')],
      otherwise: [],
    });
    expect(one.take()).toEqual([`${op}: put /a v1 1, put /a v2 3`]);
    expect(all.take()).toEqual([`${op}: put /a v1, put /b v1, put /a v2`]);
  });

  it('that is oneshot ends with its first event', () => {
    const scene = new Scene();
    scene.create('/a');
    const reader = scene.watch('/a', { oneshot: true });
    const op = scene.put('/a', '1');
    scene.put('/a', '2');
    expect(reader.take()).toEqual([`${op}: put /a v1 1`]);
    expect(scene.ended).toEqual([1]);
    expect(scene.feed.size).toBe(0);
  });

  it('from an op is told everything after it, and continues', () => {
    const scene = new Scene();
    const op = scene.create('/a');
    scene.put('/a', '1');
    scene.put('/a', '2');
    const reader = scene.watch('/a', {}, op);
    scene.put('/a', '3');
    expect(reader.take()).toEqual([`${op + 1}: put /a v1 1`, `${op + 2}: put /a v2 2`, `${op + 3}: put /a v3 3`]);
  });

  it('from an op that this replica has not reached waits for the changes after that op', () => {
    const scene = new Scene();
    const op = scene.create('/a');
    const reader = scene.watch('/a', {}, op + 1);
    scene.put('/a', '1');
    scene.put('/a', '2');
    scene.feed.catchUp({ left: enough });
    expect(reader.take()).toEqual([`${op + 2}: put /a v2 2`]);
  });

  it('from a snapshot is told the state, and then every change after it', () => {
    const scene = new Scene();
    scene.create('/d/a', '1');
    scene.do({ kind: 'create', path: '/d/s', type: 'set', value: null });
    const at = scene.do({ kind: 'setInsert', path: '/d/s', member: utf8('m') });
    const reader = scene.watch('/d', { subtree: true }, 'snapshot');
    const bare = scene.watch('/d', { subtree: true, values: false }, 'snapshot');
    const op = scene.put('/d/a', '2');
    expect(reader.take()).toEqual([
      `state at ${at} (first last): created /d v2, created /d/a v0 1, created /d/s v1, inserted /d/s v1 m`,
      `${op}: put /d/a v1 2`,
    ]);
    expect(bare.take()[0]).toBe(`state at ${at} (first last): created /d v2, created /d/a v0, created /d/s v1`);
  });

  it('from a snapshot of an absent node is told that nothing exists', () => {
    const scene = new Scene();
    const reader = scene.watch('/none', {}, 'snapshot');
    expect(reader.take()).toEqual([`state at ${scene.service.op} (first last): `]);
  });

  it('is told how far it has come when nothing else happens', () => {
    const scene = new Scene();
    scene.create('/a');
    const reader = scene.watch('/a');
    scene.feed.mark(10_000, 5000);
    expect(reader.take()).toEqual([]);
    const op = scene.create('/b');
    scene.feed.mark(20_000, 15_000);
    scene.feed.mark(20_010, 15_010);
    expect(reader.take()).toEqual([`nothing else up to ${op}`]);
  });
});

describe('a snapshot', () => {
  it('of a large state is told in pages, as it was, while the state changes', () => {
    const scene = new Scene();
    for (let i = 0; i < 2500; i++) scene.create(`/d/${String(i).padStart(5, '0')}`, 'v'.repeat(100));
    const at = scene.service.op;
    const reader = new Reader();
    reader.room = false;
    scene.watchBy(reader, '/d', { subtree: true }, 'snapshot');
    const during = scene.put('/d/00000', 'new');
    scene.delete('/d/02499');
    reader.room = true;
    for (let i = 0; i < 100 && reader.told.length < 8; i++) scene.feed.catchUp({ left: 300 });
    const pages = reader.told.filter((one) => one.kind === 'snapshot');
    expect(pages.length).toBeGreaterThan(3);
    expect(pages.every((page) => page.op === at)).toBe(true);
    expect(pages.map((page) => [page.first, page.last])).toEqual(
      pages.map((_, i) => [i === 0, i === pages.length - 1]),
    );
    const changes = pages.flatMap((page) => page.changes);
    expect(changes).toHaveLength(2501);
    expect(changeInWords(changes[1]!)).toBe(`created /d/00000 v0 ${'v'.repeat(100)}`);
    expect(reader.take().slice(pages.length)).toEqual([
      `${during}: put /d/00000 v1 new`,
      `${during + 1}: deleted /d/02499 v0`,
    ]);
  });

  it('holds a value of the largest size', () => {
    const scene = new Scene();
    scene.create('/d/a', 'x'.repeat(1_000_000));
    scene.create('/d/b', 'y'.repeat(1_000_000));
    const reader = scene.watch('/d', { subtree: true }, 'snapshot');
    const pages = reader.told.filter((one) => one.kind === 'snapshot');
    expect(pages.flatMap((page) => page.changes).map((change) => change.value?.length ?? 0)).toEqual([
      0, 1_000_000, 1_000_000,
    ]);
    expect(pages.length).toBeGreaterThan(1);
  });
});

describe('a reader that is slow', () => {
  it('is told every change once it has room again', () => {
    const scene = new Scene();
    scene.create('/a');
    const reader = scene.watch('/a');
    const first = scene.put('/a', '1');
    reader.room = false;
    for (let i = 2; i < 10; i++) scene.put('/a', String(i));
    expect(reader.told).toHaveLength(1);
    reader.room = true;
    scene.feed.catchUp({ left: enough });
    scene.put('/a', '10');
    expect(reader.take()).toEqual(Array.from({ length: 10 }, (_, i) => `${first + i}: put /a v${i + 1} ${i + 1}`));
  });

  it('is told the state again when the changes that it missed are no longer remembered', () => {
    const scene = new Scene({ watchHistoryBytes: 50_000 });
    scene.create('/a');
    const reader = scene.watch('/a');
    reader.room = false;
    for (let i = 0; i < 1000; i++) scene.put('/a', 'v'.repeat(200));
    const at = scene.put('/a', 'last');
    reader.room = true;
    scene.feed.catchUp({ left: enough });
    const op = scene.put('/a', 'next');
    expect(reader.take()).toEqual([
      `state at ${at} (first last reset): created /a v1001 last`,
      `${op}: put /a v1002 next`,
    ]);
  });

  it('that asked for folding is told the changes that it missed as one', () => {
    const scene = new Scene();
    scene.create('/d/a');
    scene.create('/d/gone');
    scene.do({ kind: 'create', path: '/d/q', type: 'queue', value: null });
    const reader = scene.watch('/d', { subtree: true, slow: 'fold' });
    reader.room = false;
    for (let i = 0; i < 100; i++) scene.put('/d/a', String(i));
    scene.create('/d/new', '1');
    scene.put('/d/new', '2');
    scene.delete('/d/gone');
    scene.create('/d/gone', 'again');
    scene.do({ kind: 'queuePush', path: '/d/q', value: utf8('x') });
    const op = scene.do({ kind: 'queuePush', path: '/d/q', value: utf8('y') });
    reader.room = true;
    scene.feed.catchUp({ left: enough });
    const next = scene.put('/d/a', 'z');
    expect(reader.take()).toEqual([
      `${op} folded: put /d/a v100 99, created /d/new v1 2, deleted /d/gone v0, created /d/gone v0 again, changed /d/q v2`,
      `${next}: put /d/a v101 z`,
    ]);
  });

  it('does not delay the other readers', () => {
    const scene = new Scene();
    scene.create('/a');
    const slow = scene.watch('/a');
    const quick = scene.watch('/a');
    slow.room = false;
    const op = scene.put('/a', '1');
    expect(quick.take()).toEqual([`${op}: put /a v1 1`]);
    expect(slow.take()).toEqual([]);
  });
});

describe('a state that was replaced', () => {
  it('by a checkpoint is told again to watches that were up to date', () => {
    const scene = new Scene();
    scene.create('/a');
    const ahead = new Scene();
    ahead.create('/a');
    for (let i = 0; i < 5; i++) ahead.put('/a', String(i));
    const reader = scene.watch('/a');
    const pieces: Uint8Array[] = [];
    const snapshot = ahead.service.snapshot();
    for (let piece = snapshot.next(4096); piece !== null; piece = snapshot.next(4096)) pieces.push(piece);
    scene.service.restore(pieces);
    scene.feed.advance();
    scene.feed.catchUp({ left: enough });
    expect(reader.take()).toEqual([`state at ${ahead.service.op} (first last reset): created /a v5 4`]);
  });
});

describe('a thousand watches of one path', () => {
  it('are told the same bytes', () => {
    const scene = new Scene();
    scene.create('/a');
    const readers = Array.from({ length: 1000 }, () => scene.watch('/a'));
    scene.put('/a', '1');
    const events = new Set(readers.map((reader) => (reader.told[0] as { event: Uint8Array }).event));
    expect(events.size).toBe(1);
  });
});
