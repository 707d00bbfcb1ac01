/**
 * A client among nodes that randomly lose connections, delay, reorder, refuse and hold back. Whatever happens, a write
 * is executed at most once, each call ends by its deadline, success means executed, and a definite error means never
 * executed. @module-tag slow
 */

import { describe, expect, it } from 'vitest';
import { errorInfo } from '../../core/base/errors.ts';
import { SeededRandom } from '../../core/base/random.ts';
import type { Reply } from '../../core/service/reply.ts';
import type { ClientMessage } from '../../core/wire/api.ts';
import { seedsOf, telling } from '../again.ts';
import type { ApiAccepted } from './world.ts';
import { FakeNode, Outcome, World, get, pathOf, primaryAt, put, resultOf, startClient } from './world.ts';

type Request = Extract<ClientMessage, { kind: 'request' }>;

interface ServerSession {
  readonly replies: Map<number, Reply>;
  readonly held: Map<number, { request: Request; answer: (reply: Reply) => void }>;
  answered: number;
}

/** The rules of protocol §7 for the requests of sessions, in one place, as a group would follow them. */
class Group {
  readonly sessions = new Map<number, ServerSession>();
  readonly executed: string[] = [];
  #op = 100;

  register(): number {
    this.sessions.set(++this.#op, { replies: new Map(), held: new Map(), answered: 1 });
    return this.#op;
  }

  request(
    request: Request,
    answer: (reply: Reply) => void,
    refuse: (code: 'SessionGone' | 'RequestTooOld') => void,
  ): void {
    const session = this.sessions.get(request.session);
    if (session === undefined) {
      refuse('SessionGone');
      return;
    }
    const known = session.replies.get(request.request);
    if (known !== undefined) answer(known);
    else if (request.request < session.answered) refuse('RequestTooOld');
    else {
      session.held.set(request.request, { request, answer });
      this.#advance(session);
    }
  }

  #advance(session: ServerSession): void {
    for (let progress = true; progress;) {
      progress = false;
      for (const [number, { request, answer }] of [...session.held].sort((a, b) => a[0] - b[0])) {
        let ready = true;
        for (let before = request.answered; before < number; before++) {
          if (before >= session.answered && !session.replies.has(before)) ready = false;
        }
        if (!ready) continue;
        session.held.delete(number);
        session.answered = Math.max(session.answered, request.answered);
        for (const old of session.replies.keys()) if (old < session.answered) session.replies.delete(old);
        this.executed.push(pathOf(request));
        const result = { kind: 'done', version: number } as const;
        const reply: Reply = { epoch: 1, view: 1, op: ++this.#op, answer: { kind: 'result', result } };
        session.replies.set(number, reply);
        answer(reply);
        progress = true;
      }
    }
  }
}

function story(seed: number) {
  const world = new World();
  const random = new SeededRandom(seed);
  const group = new Group();
  let faults = true;
  const addresses = ['a:1', 'b:1', 'c:1'];
  const delayed = (connection: ApiAccepted, work: () => void): void => {
    // A connection breaks and loses the answers that are under way, but everything that a node has forwarded still
    // arrives.
    if (faults && random.chance(1, 400)) connection.close(1006);
    if (faults && random.chance(1, 400)) return;
    world.after(random.below(faults && random.chance(1, 20) ? 700 : 30), work);
  };
  const nodes = addresses.map((address) => {
    const node = new FakeNode(world, address);
    node.primary = primaryAt('a:1');
    node.register = (connection, { id, secret }) =>
      delayed(connection, () => {
        const session = group.register();
        connection.send(
          resultOf(id, { epoch: 1, view: 1, op: session, answer: { kind: 'registered', session, secret: secret! } }),
        );
      });
    node.request = (connection, message) =>
      delayed(connection, () => {
        const draw = faults ? random.below(100) : 99;
        if (draw < 3) node.refuse(connection, message.id, errorInfo('NotPrimary', 'not here'));
        else if (draw < 6) node.refuse(connection, message.id, errorInfo('Overloaded', 'too much'));
        else if (draw < 7) node.refuse(connection, message.id, errorInfo('LimitExceeded', 'too large'));
        else {
          if (draw === 7 && random.chance(1, 10)) group.sessions.delete(message.session);
          group.request(
            message,
            (reply) => delayed(connection, () => connection.send(resultOf(message.id, reply))),
            (code) => node.refuse(connection, message.id, errorInfo(code, code)),
          );
        }
      });
    node.read = (connection, { id }) =>
      delayed(connection, () => connection.send(resultOf(id, node.reply({ kind: 'done', version: 1 }))));
    return node;
  });
  const { client } = startClient(world, { addresses, requestTimeoutMs: 3000 });
  client.enter('test-ns', () => undefined, 60_000);
  world.pass(1000);
  const writes: { path: string; outcome: Outcome<Reply>; untilMs: number }[] = [];
  const reads: Outcome<Reply>[] = [];
  const writeOne = (): void => {
    const path = `/${writes.length}`;
    const timeoutMs = 100 + random.below(3000);
    const outcome = new Outcome<Reply>();
    const call = client.execute(put(path), { timeoutMs }, outcome.done);
    if (random.chance(1, 50)) world.after(random.below(200), () => call.abandon());
    writes.push({ path, outcome, untilMs: world.nowMs + timeoutMs });
  };
  for (let step = 0; step < 100; step++) {
    for (let i = random.below(6); i > 0; i--) writeOne();
    if (random.chance(1, 3)) client.execute(get('/r'), {}, reads[reads.push(new Outcome<Reply>()) - 1]!.done);
    if (random.chance(1, 40)) nodes[random.below(3)]!.accepts = random.chance(2, 3);
    world.pass(10 + 10 * random.below(4));
    for (const { outcome, untilMs } of writes) expect(outcome.pending && world.nowMs > untilMs + 20).toBe(false);
  }
  // The faults have stopped, so new calls are answered.
  faults = false;
  for (const node of nodes) node.accepts = true;
  world.pass(6000);
  expect(client.outstanding).toBe(0);
  const last = new Outcome<Reply>();
  client.execute(put('/last'), {}, last.done);
  world.pass(3000);
  expect(last.value.answer.kind).toBe('result');
  return { writes, reads, executed: group.executed };
}

/**
 * Plays one story, and compares what its client was told with what was executed. It also finds mutants of the client.
 * @throws the rule that was broken, with the command that runs the seed again.
 */
export function chaos(seed: number): void {
  telling('a client in a bad network', seed, 'test/client/chaos.test.ts', () => judge(seed));
}

function judge(seed: number): void {
  const { writes, reads, executed } = story(seed);
  const times = new Map<string, number>();
  for (const path of executed) times.set(path, (times.get(path) ?? 0) + 1);
  for (const [path, count] of times) expect([path, count]).toEqual([path, 1]);
  let succeeded = 0;
  for (const { path, outcome } of writes) {
    if (outcome.error === null) {
      succeeded++;
      expect(times.get(path)).toBe(1);
    } else if (outcome.error.outcome === 'definite') {
      expect([path, outcome.error.code, times.get(path)]).toEqual([path, outcome.error.code, undefined]);
    }
  }
  // The faults are harsh. This checks that some calls succeeded at all.
  expect(succeeded).toBeGreaterThan(20);
  for (const read of reads) expect(read.pending).toBe(false);
}

describe('a client in a bad network', () => {
  it.each(seedsOf(0, 12))('keeps its promises, seed %i', chaos);
});
