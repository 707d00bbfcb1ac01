/**
 * Random forwarding from one seed: one node's router alone, among peers that become the primary and stop being it,
 * whose answers are late or lost, and whose connections break. Each question ends once. What ends well was executed, and
 * what is refused definitely never is (V30).
 */

import type { ErrorInfo } from '../../core/base/errors.ts';
import { errorInfo } from '../../core/base/errors.ts';
import { defaultLimits } from '../../core/base/limits.ts';
import { SeededRandom } from '../../core/base/random.ts';
import { Whereabouts } from '../../core/cluster/routing/whereabouts.ts';
import type { Resources } from '../../core/cluster/replicas/resources.ts';
import type { Groups } from '../../core/cluster/replicas/groups.ts';
import type { Peers } from '../../core/cluster/peers/peers.ts';
import { Router } from '../../core/cluster/routing/router.ts';
import type { ForwardItem, ForwardOutcome, PeerMessage } from '../../core/wire/peer.ts';
import { telling } from '../again.ts';

const patienceMs = 500;
const run = 77;
const secret = '5e'.repeat(16);
const namespaceId = 7;
const names = ['n2', 'n3', 'n4'];

/** @throws with what runs the seed again, when a question ends twice or not at all, or its end is not what happened. */
export function forward(seed: number): void {
  telling('forwarding', seed, 'test/cluster/forwards.test.ts', () => {
    const forwards = new Forwards(seed);
    for (let step = 0; step < 400; step++) forwards.step();
    forwards.end();
  });
}

interface Asked {
  readonly write: boolean;
  ended: 'reply' | ErrorInfo | null;
}

class Forwards {
  readonly #random: SeededRandom;
  readonly #router: Router;
  readonly #connected = new Set(names);
  readonly #asked: Asked[] = [];
  /** The numbers of the writes that the group has executed. */
  readonly #executed = new Set<number>();
  #due: { readonly atMs: number; readonly work: () => void }[] = [];
  #nowMs = 0;
  #view = 1;
  #primary = 'n2';

  constructor(seed: number) {
    this.#random = new SeededRandom(seed, 0xf03);
    const groups: Partial<Groups> = {
      self: () => 'n1',
      primaryHost: () => null,
      hostsOf: () => [],
      knows: () => true,
      denies: () => false,
      nodesOf: () => names,
    };
    const peers: Partial<Peers> = {
      connected: (node) => this.#connected.has(node),
      connectedNames: () => [...this.#connected],
      send: (to, message) => this.#send(to, message),
    };
    const resources: Partial<Resources> = { takes: (_operation, waiter) => ({ waiter, refusal: null }) };
    this.#router = new Router({
      groups: groups as Groups,
      peers: peers as Peers,
      resources: resources as Resources,
      limits: { ...defaultLimits, maxPendingRequests: this.#random.pick([3, 1000]) },
      times: { patienceMs, commandMs: patienceMs },
      now: () => this.#nowMs,
      run,
      tired: () => false,
      whereabouts: new Whereabouts(),
    });
    this.#hear();
  }

  step(): void {
    const random = this.#random;
    switch (
      random.pick(['ask', 'ask', 'ask', 'elect', 'hear', 'break', 'connect', 'connect', 'pass', 'pass'] as const)
    ) {
      case 'ask':
        this.#ask(random.chance(3, 4));
        break;
      case 'elect':
        this.#view++;
        this.#primary = random.pick(names);
        break;
      case 'hear':
        this.#hear();
        break;
      case 'break': {
        const node = random.pick(names);
        if (this.#connected.delete(node)) this.#router.lost(node);
        break;
      }
      case 'connect':
        this.#connected.add(random.pick(names));
        break;
      case 'pass':
        this.#pass(random.pick([1, 5, 20, 100]));
    }
  }

  end(): void {
    this.#pass(10 * patienceMs);
    for (const [number, { write, ended }] of this.#asked.entries()) {
      if (ended === null) throw new Error(`question ${number} has no end`);
      const executed = this.#executed.has(number);
      if (write && ended === 'reply' && !executed) throw new Error(`write ${number} was answered and never executed`);
      if (ended !== 'reply' && ended.outcome === 'definite' && executed)
        throw new Error(`write ${number} was executed, and refused definitely: ${ended.message}`);
    }
    if (this.#router.outstanding > 0) throw new Error('questions that ended are outstanding');
  }

  #hear(): void {
    this.#router.learn({ namespaceId, epoch: 1, view: this.#view, replica: this.#primary, node: this.#primary });
  }

  #ask(write: boolean): void {
    const asked: Asked = { write, ended: null };
    const number = this.#asked.push(asked) - 1;
    const operation = new Uint8Array(1);
    const item: ForwardItem = write
      ? { kind: 'request', session: 1, request: number, answered: 0, operation }
      : { kind: 'read', consistency: { kind: 'linearizable' }, operation };
    const ends = (how: 'reply' | ErrorInfo): void => {
      if (asked.ended !== null) throw new Error(`question ${number} ends twice`);
      asked.ended = how;
    };
    const waiter = { reply: () => ends('reply'), fail: (error: ErrorInfo) => ends(error) };
    this.#router.serve({ namespaceId, item, secret, hops: 0, from: null, asker: null, waiter });
  }

  #send(to: string, message: PeerMessage): boolean {
    if (!this.#connected.has(to)) return false;
    if (message.kind !== 'forward' || this.#random.chance(1, 20)) return true;
    this.#later(() => {
      const outcome = this.#serve(to, message.item);
      if (this.#random.chance(1, 5)) return;
      this.#later(() => {
        if (this.#connected.has(to)) this.#router.settled(to, { kind: 'forwarded', run, id: message.id, outcome });
      });
    });
    return true;
  }

  /** What the node makes of it. A write that was executed has its reply; a node on the way knows of none. */
  #serve(node: string, item: ForwardItem): ForwardOutcome {
    if (this.#random.chance(1, 10)) return { kind: 'error', error: errorInfo('Overloaded', 'too much waits here') };
    if (node !== this.#primary) return { kind: 'error', error: errorInfo('NoPrimary', 'no primary is known here') };
    if (item.kind === 'request') this.#executed.add(item.request);
    return { kind: 'reply', reply: new Uint8Array(1) };
  }

  #later(work: () => void): void {
    this.#due.push({ atMs: this.#nowMs + this.#random.pick([1, 5, 5, 30, 2 * patienceMs]), work });
  }

  #pass(ms: number): void {
    for (const untilMs = this.#nowMs + ms; this.#nowMs < untilMs;) {
      this.#nowMs++;
      const due = this.#due.filter(({ atMs }) => atMs <= this.#nowMs);
      this.#due = this.#due.filter(({ atMs }) => atMs > this.#nowMs);
      for (const { work } of due) work();
      this.#router.tick(this.#nowMs);
    }
  }
}
