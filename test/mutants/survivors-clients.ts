/** Mutants of what a client and its session remember, and of watches (protocol §7, §9.7). */

import type { Mutant } from './mutant.ts';

const callTable = 'core/client/call-table.ts';
const session = 'core/client/session.ts';
const clientSessions = 'core/client/sessions.ts';
const watches = 'core/client/watches.ts';
const subscriptions = 'core/cluster/watching/subscriptions.ts';
const history = 'core/service/history.ts';

export const clientSurvivors: readonly Mutant[] = [
  {
    scenario: 'V15',
    name: 'the state machine executes a request before the one that it follows',
    by: 'simulator',
    equivalent:
      'the primary holds a request until those before it are in its log, and a log that loses one of them loses all that comes after it',
    edits: [
      {
        file: 'core/service/sessions.ts',
        find: 'if (request > window.next) {',
        replace: 'if (request > window.next + 1e9) {',
      },
    ],
  },
  {
    scenario: 'V30',
    name: 'the client lets any refusal of a resend make the outcome definite',
    by: 'chaos',
    edits: [
      {
        file: callTable,
        find: "if (error.outcome === 'definite' && call.unresolved === 1) call.unresolved = 0;",
        replace: "if (error.outcome === 'definite') call.unresolved = 0;",
      },
    ],
  },
  {
    scenario: 'V30',
    name: 'only the last send counts for the outcome',
    by: 'chaos',
    edits: [{ file: callTable, find: 'call.unresolved++;', replace: 'call.unresolved = 1;' }],
  },
  {
    scenario: 'V30',
    name: '`answered` runs ahead of the lowest number that is outstanding',
    by: 'chaos',
    edits: [
      {
        file: session,
        find: 'while (lowest < this.#next && this.#outstanding.get(lowest) === undefined) lowest++;',
        replace: 'while (lowest < this.#next) lowest++;',
      },
    ],
  },
  {
    scenario: 'V16',
    name: 'a client sends the outstanding requests of a lost session again in the next one',
    by: 'chaos',
    edits: [
      {
        file: clientSessions,
        find: "for (const call of session.gone()) this.#host.calls.refused(call, { ...error, outcome: 'unknown' });",
        replace: `for (const call of session.gone()) {
      call.requestNumber = 0;
      session.enqueue(call, 0);
    }`,
      },
    ],
  },
  {
    scenario: 'V34',
    name: 'a client takes a snapshot that broke off for a whole one',
    by: 'watching',
    edits: [
      {
        file: watches,
        find: 'watch.paging = watch.torn = !last;',
        replace: 'watch.paging = !last;\n    watch.position = op;',
      },
    ],
  },
  {
    scenario: 'V35',
    name: 'a frame of a relayed watch may be lost, and no one notices',
    by: 'simulator',
    wish: { nodes: 5, replicas: 3, favour: 'network', events: 8000 },
    edits: [
      {
        file: subscriptions,
        find: 'if (number > relay.next) return this.#failWith(',
        replace: 'relay.next = number;\n    if (number < 0) return this.#failWith(',
      },
    ],
  },
  {
    scenario: 'V34',
    name: 'a watch is not told anew when the state is replaced',
    by: 'simulator',
    edits: [
      {
        file: 'core/cluster/watching/watch-feed.ts',
        find: 'if (from < history.floor) return this.#leaveBehind(from);',
        replace: 'if (from < history.floor) return;',
      },
    ],
  },
  {
    scenario: 'V34',
    name: 'the history says that it reaches back to before a state that was replaced',
    by: 'simulator',
    edits: [
      {
        file: 'core/service/service.ts',
        find: 'this.#history = this.#newHistory(header.op);',
        replace: 'this.#history = this.#newHistory(0);',
      },
    ],
  },
  {
    scenario: 'V34',
    name: 'the history says that it reaches back to records that it has dropped',
    by: 'simulator',
    edits: [{ file: history, find: '      this.#floor = page.last;\n', replace: '' }],
  },
];
