/**
 * The hooks without a page: what a server renders, without a connection and without a watch. chromium.test.ts has them
 * in a page.
 */

import { createElement } from 'react';
import { renderToString } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { json, text } from '../../browser-client/index.ts';
import { Keeper } from '../../browser-client/claims/keeper.ts';
import { LeaderStore } from '../../browser-client/claims/leader-store.ts';
import { useCampaign, useConnection, useLeader, useLock, useValue, useWatch } from '../../browser-client/react.ts';
import { simulate } from '../../browser-client/testing.ts';

/** What a component that is mounted would show, each time that it changes. */
function mounted<T>(store: { readonly state: T; subscribe(listener: () => void): () => void }): {
  readonly shown: T[];
  readonly unmount: () => void;
} {
  const shown: T[] = [];
  return { shown, unmount: store.subscribe(() => void shown.push(store.state)) };
}

describe('a component that holds a lock', () => {
  it('waits for it, holds it, gives it up when it goes, and takes it again when it comes back', async () => {
    await using cluster = simulate();
    const ns = (await cluster.connect()).namespace('test');
    const other = (await cluster.connect({ host: 'other' })).namespace('test');
    const theirs = await other.lock('/doc').acquire();
    const keeper = new Keeper((signal) => ns.lock('/doc').acquire({ signal }));
    const { shown, unmount } = mounted(keeper);
    // A strict React mounts, unmounts and mounts.
    unmount();
    const again = mounted(keeper);
    await cluster.until(() => cluster.claims('test', '/doc').some(({ token }) => token === 0));
    expect(again.shown.map(({ status }) => status)).toEqual(['waiting']);
    await theirs.release();
    await cluster.until(() => keeper.state.status === 'held');
    expect(shown.map(({ status }) => status)).toEqual(['waiting']);
    again.unmount();
    expect(keeper.state.status).toBe('off');
    await cluster.until(() => cluster.claims('test', '/doc').length === 0);
    const third = mounted(keeper);
    await cluster.until(() => keeper.state.status === 'held');
    third.unmount();
  });

  it('is told of a loss before it renders that it holds the lock, and stands in line again', async () => {
    await using cluster = simulate();
    const ns = (await cluster.connect()).namespace('test');
    const other = (await cluster.connect({ host: 'other' })).namespace('test');
    const keeper = new Keeper((signal) => ns.lock('/doc').acquire({ signal }));
    const { shown, unmount } = mounted(keeper);
    await cluster.until(() => keeper.state.status === 'held');
    const thief = await other.lock('/doc').acquire({ steal: true });
    await cluster.until(() => keeper.state.status === 'waiting');
    expect(keeper.state.error).toMatchObject({ code: 'Lost', details: { reason: 'stolen' } });
    await thief.release();
    await cluster.until(() => keeper.state.status === 'held');
    expect(shown.map(({ status }) => status)).toEqual(['waiting', 'held', 'waiting', 'held']);
    unmount();
  });

  it('fails for good where there is something else', async () => {
    await using cluster = simulate();
    const ns = (await cluster.connect()).namespace('test');
    await ns.blob('/doc', text).create('x');
    const keeper = new Keeper((signal) => ns.lock('/doc').acquire({ signal }));
    const { unmount } = mounted(keeper);
    await cluster.until(() => keeper.state.status === 'failed');
    expect(keeper.state.error?.code).toBe('WrongType');
    unmount();
  });
});

describe('a component that shows who leads', () => {
  it('sees each leader, and that there is none', async () => {
    await using cluster = simulate();
    const ns = (await cluster.connect()).namespace('test');
    const other = (await cluster.connect({ host: 'other' })).namespace('test');
    const store = new LeaderStore<string>(ns.election('/e', text));
    const { shown, unmount } = mounted(store);
    await cluster.until(() => store.state.status === 'live');
    const term = await other.election('/e', text).campaign({ value: 'other' });
    await cluster.until(() => store.state.leader?.value === 'other');
    await term.proclaim('still other');
    await term.resign();
    await cluster.until(() => store.state.leader === undefined);
    expect(shown.map(({ leader }) => leader?.value)).toEqual([undefined, 'other', 'still other', undefined]);
    unmount();
  });
});

describe('on a server', () => {
  it('the hooks render every value as not known yet', async () => {
    await using cluster = simulate();
    const haret = await cluster.connect();
    const ns = haret.namespace('test');
    const blob = ns.blob('/x', json<number>());
    await blob.put(1);
    const stop = blob.live().subscribe(() => undefined);
    await cluster.run(100);
    expect(blob.live().state.status).toBe('live');
    const Page = (): string => {
      const value = useValue(blob);
      const members = useValue(ns.set('/s', text));
      const tree = useWatch(ns);
      const lock = useLock(ns.lock('/l'));
      const term = useCampaign(ns.election('/e', text), 'server', { enabled: false });
      const { status } = useLeader(ns.election('/e', text));
      const connection = useConnection(haret);
      return [value.status, members.status, tree.status, lock.status, term.status, status, connection].join(' ');
    };
    expect(renderToString(createElement(Page))).toBe('loading loading loading off off loading connecting');
    expect(await ns.exists('/l')).toBe(false);
    stop();
  });
});
