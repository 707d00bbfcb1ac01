/**
 * The hooks without a page: what a server renders, without a connection and without a watch. chromium.test.ts has them
 * in a page.
 */

import { createElement } from 'react';
import { renderToString } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { json, text } from '../../browser-client/index.ts';
import { useConnection, useValue, useWatch } from '../../browser-client/react.ts';
import { simulate } from '../../browser-client/testing.ts';

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
      return [value.status, members.status, tree.status, useConnection(haret)].join(' ');
    };
    expect(renderToString(createElement(Page))).toBe('loading loading loading connecting');
    stop();
  });
});
