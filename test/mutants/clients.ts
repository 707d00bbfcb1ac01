/** Mutants of sessions and reads: scenarios V14, V15, V16 and V19. */

import type { Mutant } from './mutant.ts';

const requests = 'core/vr/requests.ts';
const reads = 'core/vr/reads.ts';
const sessions = 'core/service/sessions.ts';

export const clientMutants: readonly Mutant[] = [
  {
    scenario: 'V14',
    name: 'a primary that loses its view remembers the requests in flight',
    by: 'exploration',
    edits: [
      {
        file: requests,
        find: `    this.#waiters.clear();
    this.#sessions.clear();`,
        replace: '    this.#waiters.clear();',
      },
      {
        file: requests,
        find: '    this.#sessions.clear();\n    this.#expiryOp = 0;',
        replace: '    this.#expiryOp = 0;',
      },
    ],
  },
  {
    scenario: 'V14',
    name: 'a new primary does not learn from its log which requests are in flight',
    by: 'exploration',
    equivalent:
      'a second entry of one request is executed once all the same, and a retry with `answered` raised passes what it is held for',
    edits: [
      {
        file: requests,
        find: 'if (entry === null || entry.session === 0) continue;',
        replace: 'if (entry === null || entry.session !== -1) continue;',
      },
    ],
  },
  {
    scenario: 'V14',
    name: 'a client that waits for a dropped entry is told the reply of another entry',
    by: 'exploration',
    edits: [
      {
        file: requests,
        find: `    for (const tokens of this.#waiters.values()) this.#fail(tokens, unknown);
    this.#waiters.clear();`,
        replace: '    if (unknown === null) this.#waiters.clear();',
      },
    ],
  },
  {
    scenario: 'V15',
    name: 'request 6 is executed before request 5',
    by: 'exploration',
    edits: [
      {
        file: requests,
        find: 'const waits = request > Math.max(next, answered);',
        replace: 'const waits = request > 1e9;',
      },
    ],
  },
  {
    scenario: 'V15',
    name: 'request 5 is refused, and request 6 still waits for it',
    by: 'exploration',
    edits: [
      {
        file: requests,
        find: 'const waits = request > Math.max(next, answered);',
        replace: 'const waits = request > next;',
      },
    ],
  },
  {
    scenario: 'V15',
    name: 'a retry that no longer waits for request 5 is held with the attempt that waits',
    by: 'exploration',
    edits: [
      {
        file: requests,
        find: 'if (held === undefined || answered <= held.answered) return',
        replace: 'if (held === undefined || answered >= 0) return',
      },
    ],
  },
  {
    scenario: 'V15',
    name: 'the state machine executes a request below the window',
    by: 'simulator',
    equivalent: 'the primary asks the applied state before it prepares, and refuses it there',
    edits: [
      {
        file: sessions,
        find: 'if (request < session.window.base) {',
        replace: "if (request < session.window.base) return { kind: 'execute', session };\n    if (request < 0) {",
      },
    ],
  },
  {
    scenario: 'V15',
    name: 'sessions are never evicted',
    by: 'simulator',
    edits: [
      {
        file: sessions,
        find: 'while (this.#byId.size >= maxSessions) {',
        replace: 'while (this.#byId.size >= 1e9) {',
      },
    ],
  },
  {
    scenario: 'V16',
    name: 'a request that was executed is executed again',
    by: 'simulator',
    edits: [
      {
        file: sessions,
        find: 'if (request < window.next) {',
        replace: "if (request < window.next) return { kind: 'execute', session };\n    if (request < 0) {",
      },
      {
        file: 'core/service/service.ts',
        find: "if (request >= window.next) return 'new';",
        replace: "if (request >= window.base) return 'new';",
      },
      { file: requests, find: 'if (request < next) {', replace: 'if (request < 0) {' },
    ],
  },
  {
    scenario: 'V19',
    name: 'a primary answers reads without asking whether it is still the primary',
    by: 'exploration',
    edits: [
      {
        file: reads,
        find: 'if (core.quorum === 1) this.#serve(round);\n    else this.#rounds.push(round);',
        replace: 'this.#serve(round);',
      },
    ],
  },
  {
    scenario: 'V19',
    name: 'a read is confirmed by a round that began before it arrived',
    by: 'exploration',
    edits: [
      {
        file: reads,
        find: 'core.quorum === 1 ? 0 : core.parts.primary.heartbeat()',
        replace: 'core.quorum === 1 ? 0 : core.parts.primary.heartbeat() - 1',
      },
    ],
  },
  {
    scenario: 'V19',
    name: 'a new primary answers reads before the suffix of its view is committed',
    by: 'exploration',
    edits: [{ file: reads, find: 'return primary.serving && primary.settled;', replace: 'return primary.serving;' }],
  },
  {
    scenario: 'V19',
    name: 'a primary whose group is idle answers no reads',
    by: 'exploration',
    edits: [
      {
        file: 'core/vr/primary.ts',
        find: 'return this.#core.commit >= this.#startHead;',
        replace: 'return this.#core.commit > this.#startHead;',
      },
    ],
  },
  {
    scenario: 'V19',
    name: 'a read is answered before its index is applied',
    by: 'exploration',
    edits: [
      {
        file: reads,
        find: 'if (this.#core.parts.execution.applied >= op) {',
        replace: 'if (this.#core.parts.execution.applied >= op - 1) {',
      },
    ],
  },
  {
    scenario: 'V35',
    name: 'a node whose catalog lags denies a namespace that it does not know yet',
    by: 'simulator',
    damage: 'rot',
    edits: [
      {
        file: 'core/cluster/clients/desk.ts',
        find: 'if (this.#groups.knowsAllNamespaces()) {',
        replace: 'if (name.length > 0) {',
      },
    ],
  },
  {
    scenario: 'V35',
    name: 'after a change of the catalog, no later entry tells the others that it is committed',
    by: 'simulator',
    wish: { left: 'founder', events: 3000 },
    edits: [
      {
        file: 'core/cluster/admin/joining.ts',
        find: "if (reply.kind === 'done') root.propose(nobody, settled);",
        replace: '',
      },
    ],
  },
];
