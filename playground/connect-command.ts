/** The page's own command, which decides which cluster it shows. */

import { lines } from '../core/shell/outcome.ts';
import type { CommandSpec } from '../core/shell/index.ts';

/** Means the cluster in the tab, instead of an address. */
export const tabAddress = 'tab';

/** @param connect shows another cluster. It is called before the command has ended, and may end the whole terminal. */
export function connectCommand(connect: (address: string) => void): CommandSpec {
  return {
    words: ['connect'],
    family: 'session',
    needs: 'nothing',
    arguments: [{ name: 'ADDRESS', kind: 'text' }],
    flags: [],
    summary: 'Show another cluster: that of the node at ADDRESS, or with `tab` the one in this tab.',
    details: ["ADDRESS is host:port of a node's API interface, or a ws:// or wss:// URL."],
    examples: ['connect 127.0.0.1:2002', 'connect tab'],
    run: (bound) => {
      connect(bound.text('ADDRESS'));
      return Promise.resolve(lines([], null));
    },
  };
}
