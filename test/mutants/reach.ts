/** Mutants of the way to a quorum, and of what a client is told without one: scenarios V30, V35 and V38. */

import type { Mutant } from './mutant.ts';

const connector = 'core/client/connector.ts';

export const reachMutants: readonly Mutant[] = [
  {
    scenario: 'V30',
    name: 'any refusal of a resend makes the outcome definite',
    by: 'simulator',
    edits: [
      {
        file: 'core/client/call-table.ts',
        find: "if (error.outcome === 'definite' && call.unresolved === 1) call.unresolved = 0;",
        replace: "if (error.outcome === 'definite') call.unresolved = 0;",
      },
    ],
  },
  {
    scenario: 'V35',
    name: 'a backup that is cut off from its primary asks no other replica',
    by: 'simulator',
    wish: { left: 'apart', oneNode: true, events: 3000 },
    edits: [
      {
        file: 'core/vr/suspicion.ts',
        find: 'return this.unheard && core.inView && !core.isPrimaryOf(core.view) && core.now >= this.#askOthersAt;',
        replace: 'return this.unheard && core.now < 0;',
      },
    ],
  },
  {
    scenario: 'V35',
    name: 'a client stays at a node through which nothing is done',
    by: 'simulator',
    wish: { left: 'alone', events: 3000 },
    edits: [
      {
        file: connector,
        find: 'return next !== address && this.moveTo(next) ? address : null;',
        replace: "return next === '' && this.moveTo(next) ? address : null;",
      },
    ],
  },
  {
    scenario: 'V35',
    name: 'a client that pauses now and then takes the silence of a dead connection for its own pause',
    by: 'simulator',
    wish: { favour: 'clientLine', stalls: true, events: 4000 },
    edits: [
      {
        file: connector,
        find: 'const awakeMs = Math.min(now - this.#lastTickMs, this.#options.silenceMs / 4);',
        replace:
          'const awakeMs = now - this.#lastTickMs > this.#options.silenceMs / 4 ? -this.#silentMs : now - this.#lastTickMs;',
      },
    ],
  },
  {
    scenario: 'V38',
    name: 'an upsert does not make the node that is missing',
    by: 'simulator',
    edits: [
      {
        file: 'core/tree/write.ts',
        find: '  if (place.node !== null) return write(root, operation, context);',
        replace: '  if (place.parts.length >= 0) return write(root, operation, context);',
      },
    ],
  },
  {
    scenario: 'V38',
    name: 'the requests of one turn leave in the opposite order',
    by: 'simulator',
    edits: [
      {
        file: 'core/client/session.ts',
        find: 'for (const call of this.#queue) {',
        replace: 'for (const call of [...this.#queue].reverse()) {',
      },
    ],
  },
  {
    scenario: 'V35',
    name: 'a backup that is cut off from its primary and far behind takes no checkpoint of others',
    by: 'simulator',
    wish: { left: 'apart', oneNode: true, small: true, padding: 40_000, favour: 'isolate', events: 3000 },
    edits: [
      {
        file: 'core/vr/transfer.ts',
        find: 'followed && message.checkpoint === null && this.#want() === null',
        replace: 'followed && this.#want() === null',
      },
    ],
  },
  {
    scenario: 'V35',
    name: 'a watch begins at no node that is cut off from its primary',
    by: 'simulator',
    wish: { left: 'apart', oneNode: true, events: 3000 },
    edits: [
      {
        file: 'core/cluster/watching/subscriptions.ts',
        find: 'const cutOff = host.inTouch && host.primaryNode === null;',
        replace: 'const cutOff = !host.inTouch && host.primaryNode !== null;',
      },
    ],
  },
  {
    scenario: 'V35',
    name: 'a node never says that it has lost its group',
    by: 'simulator',
    wish: { left: 'alone', onlooker: true, events: 3000 },
    edits: [
      {
        file: 'core/cluster/clients/desk.ts',
        find: 'if (hosts.length > 0) return hosts.some((host) => host.inTouch);',
        replace: 'if (hosts.length > 0) return true;',
      },
    ],
  },
  {
    scenario: 'V30',
    name: 'a request that was forwarded to one node and then to another is refused definitely',
    by: 'forwards',
    edits: [
      {
        file: 'core/cluster/routing/router.ts',
        find: 'return changes(item) && !(waiter instanceof Uncertain) ? new Uncertain(waiter) : waiter;',
        replace: 'return changes(item) && waiter instanceof Uncertain ? new Uncertain(waiter) : waiter;',
      },
    ],
  },
];
