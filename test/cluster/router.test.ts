/** The router alone, between nodes that a test connects as it wants. */

import { beforeEach, describe, expect, it } from 'vitest';
import type { ErrorInfo } from '../../core/base/errors.ts';
import { errorInfo } from '../../core/base/errors.ts';
import { defaultLimits } from '../../core/base/limits.ts';
import type { Groups } from '../../core/cluster/replicas/groups.ts';
import type { Resources } from '../../core/cluster/replicas/resources.ts';
import type { Peers } from '../../core/cluster/peers/peers.ts';
import { Whereabouts } from '../../core/cluster/routing/whereabouts.ts';
import { Router } from '../../core/cluster/routing/router.ts';
import type { ForwardItem, PeerMessage } from '../../core/wire/peer.ts';

const timeoutMs = 5000;
const run = 77;
const secret = '5e'.repeat(16);
const read: ForwardItem = { kind: 'read', consistency: { kind: 'linearizable' }, operation: new Uint8Array(1) };
const write: ForwardItem = { kind: 'request', session: 1, request: 1, answered: 1, operation: new Uint8Array(1) };

let connected: Set<string>;
let sent: { readonly to: string; readonly message: Extract<PeerMessage, { kind: 'forward' }> }[];
let now: number;
let router: Router;
let ends: (string | ErrorInfo)[];

/** Node n1 of three, which has no replica of namespace 7. */
function routerOf(maxPendingRequests = defaultLimits.maxPendingRequests): Router {
  const groups: Partial<Groups> = {
    self: () => 'n1',
    primaryHost: () => null,
    hostsOf: () => [],
    knows: (id) => id === 7,
    denies: () => false,
    nodesOf: () => ['n2', 'n3'],
  };
  const peers: Partial<Peers> = {
    connected: (node) => connected.has(node),
    connectedNames: () => [...connected],
    send: (to, message) => {
      if (!connected.has(to) || message.kind !== 'forward') return false;
      sent.push({ to, message });
      return true;
    },
  };
  const resources: Partial<Resources> = { takes: (_operation, waiter) => ({ waiter, refusal: null }) };
  const limits = { ...defaultLimits, maxPendingRequests };
  return new Router({
    whereabouts: new Whereabouts(),
    groups: groups as Groups,
    peers: peers as Peers,
    resources: resources as Resources,
    limits,
    times: { patienceMs: timeoutMs, commandMs: timeoutMs * 5 },
    now: () => now,
    run,
    tired: () => false,
  });
}

/** The connection of a client. */
const client = {};

function ask(item: ForwardItem, namespaceId = 7, asker: object = client): void {
  const waiter = { reply: () => void ends.push('reply'), fail: (error: ErrorInfo) => void ends.push(error) };
  router.serve({ namespaceId, item, secret, hops: 0, from: null, asker, waiter });
}

function learn(node: string, view: number): boolean {
  return router.learn({ namespaceId: 7, epoch: 1, view, replica: 'r', node });
}

function answer(from: string, id: number, to = run): void {
  router.settled(from, { kind: 'forwarded', run: to, id, outcome: { kind: 'reply', reply: new Uint8Array(0) } });
}

beforeEach(() => {
  connected = new Set(['n2', 'n3']);
  sent = [];
  now = 0;
  ends = [];
  router = routerOf();
});

describe('a router', () => {
  it('leaves forwarded requests where they are when it cannot reach the new primary', () => {
    connected = new Set(['n2']);
    ask(read);
    ask(write);
    // It once asked the same peer again for ever, because each new question was due to be asked again.
    expect(learn('n3', 2)).toBe(true);
    expect(sent.map(({ to }) => to)).toEqual(['n2', 'n2']);
    expect(router.outstanding).toBe(2);
  });

  it('asks the new primary at once for the answers that an older one owes, each once', () => {
    learn('n2', 1);
    ask(read);
    ask(write);
    learn('n3', 2);
    expect(sent.map(({ to }) => to)).toEqual(['n2', 'n2', 'n3', 'n3']);
    for (const { to, message } of sent) answer(to, message.id);
    expect(ends).toEqual(['reply', 'reply']);
    expect(router.outstanding).toBe(0);
  });

  it('V30: says of a write that it gave to two nodes that it may have happened, when the second refuses it', () => {
    learn('n2', 1);
    ask(write);
    ask(read);
    learn('n3', 2);
    expect(sent.map(({ message }) => message.secret)).toEqual([secret, secret, secret, secret]);
    for (const { message } of sent.slice(2)) {
      const outcome = { kind: 'error', error: errorInfo('Overloaded', 'not now') } as const;
      router.settled('n3', { kind: 'forwarded', run, id: message.id, outcome });
    }
    expect(ends).toMatchObject([
      { code: 'Overloaded', outcome: 'unknown' },
      { code: 'Overloaded', outcome: 'definite' },
    ]);
  });

  it('does not go back to a primary of an older view, and skips a primary that is gone', () => {
    expect(learn('n2', 3)).toBe(true);
    expect(learn('n3', 2)).toBe(false);
    expect(learn('n3', 3)).toBe(false);
    connected.delete('n2');
    ask(read);
    expect(sent.map(({ to }) => to)).toEqual(['n3']);
  });

  it('never sends a request back to the peer that asked, and lets it pass over at most three nodes', () => {
    learn('n2', 1);
    const answers: PeerMessage[] = [];
    const message = { kind: 'forward', run: 5, id: 9, hops: 1, namespaceId: 7, secret, item: read } as const;
    router.receive('n2', message, (reply) => void answers.push(reply));
    expect(sent.map(({ to }) => to)).toEqual(['n3']);
    router.receive('n2', { ...message, hops: 3 }, (reply) => void answers.push(reply));
    expect(answers).toMatchObject([{ run: 5, id: 9, outcome: { kind: 'error', error: { code: 'NoPrimary' } } }]);
  });

  it('takes an answer only from the node that it asked', () => {
    learn('n2', 1);
    ask(read);
    answer('n3', sent[0]!.message.id);
    expect(ends).toEqual([]);
    answer('n2', sent[0]!.message.id);
    answer('n2', sent[0]!.message.id);
    expect(ends).toEqual(['reply']);
  });

  it('takes no answer that was meant for an earlier process with the same numbers (seed 5194)', () => {
    learn('n2', 1);
    ask(read);
    // The node asked this read of another path before it was restarted. Its answer was once given to this client.
    answer('n2', sent[0]!.message.id, run - 1);
    expect(ends).toEqual([]);
    answer('n2', sent[0]!.message.id);
    expect(ends).toEqual(['reply']);
  });

  it('ends every question: after its time, with its connection, or at its limit', () => {
    router = routerOf(4);
    ask(read);
    ask(write);
    ask(write);
    expect(ends).toMatchObject([{ code: 'Overloaded', outcome: 'definite', details: { limit: 4 } }]);
    const [first, second] = sent;
    now = timeoutMs - 1;
    router.tick(now);
    expect(router.outstanding).toBe(2);
    router.lost(second!.to);
    now = timeoutMs;
    router.tick(now);
    expect(router.outstanding).toBe(0);
    expect(ends).toHaveLength(3);
    expect(ends).toContainEqual(expect.objectContaining({ code: 'Disconnected', outcome: 'unknown' }));
    expect(first!.to).toMatch(/^n[23]$/);
  });

  it('leaves room for clients that ask for little, and gives it back', () => {
    router = routerOf(64);
    const overloaded = (): number => ends.filter((end) => typeof end === 'object' && end.code === 'Overloaded').length;
    const greedy = [{}, {}, {}];
    for (const one of greedy) for (let i = 0; i < 100; i++) ask(write, 7, one);
    expect(router.outstanding).toBeLessThan(64);
    const refused = overloaded();
    const modest = {};
    ask(write, 7, modest);
    ask(read, 7, modest);
    expect(overloaded()).toBe(refused);
    // What a peer asks counts as that peer's.
    const message = { kind: 'forward', run: 5, id: 1, hops: 1, namespaceId: 7, secret, item: read } as const;
    const answers: PeerMessage[] = [];
    router.receive('n2', message, (reply) => void answers.push(reply));
    expect(answers).toEqual([]);
    router.lost('n2');
    router.lost('n3');
    expect(router.outstanding).toBe(0);
    ends = [];
    for (let i = 0; i < 32; i++) ask(write, 7, greedy[0]);
    expect(ends).toEqual([]);
  });

  it('denies no namespace that only this node does not know, and asks the nodes that know it', () => {
    ask(read, 8);
    expect(sent).toHaveLength(1);
    connected.clear();
    ask(read, 8);
    expect(ends).toMatchObject([{ code: 'NoPrimary', retryable: true }]);
  });
});
