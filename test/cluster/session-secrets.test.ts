/**
 * Who may speak as a session, and how many sessions one connection may have. The tests use raw connections, to nodes
 * that forward and nodes that do not.
 */

import { describe, expect, it } from 'vitest';
import { encodeOperation } from '../../core/service/body.ts';
import type { Reply } from '../../core/service/reply.ts';
import { decodeReply } from '../../core/service/reply.ts';
import type { Operation } from '../../core/tree/operation.ts';
import { apiClientCodec } from '../../core/wire/api-codecs.ts';
import { apiProtocol, apiSubprotocols } from '../../core/wire/api.ts';
import type { ClientMessage, ServerMessage } from '../../core/wire/api.ts';
import type { ErrorInfo } from '../../core/base/errors.ts';
import { Story } from './story.ts';

const codec = apiClientCodec(apiSubprotocols.binary);
const own = '5e'.repeat(16);
const wrong = '0d'.repeat(16);
const add: Operation = { kind: 'counterAdd', path: '/n', by: 1 };
type Answer = Reply['answer'] | { readonly kind: 'refused'; readonly error: ErrorInfo };
type Asked<M> = M extends { readonly id: number } ? Omit<M, 'id' | 'namespaceId'> : never;

/** A client according to docs/wire.md that writes each message by hand. */
class Raw {
  readonly #story: Story;
  readonly #link: { send(frame: Uint8Array | string): void };
  readonly #frames: readonly (Uint8Array | string)[];
  readonly #namespaceId: number;
  #lastId = 0;

  constructor(story: Story, node: string, namespaceId: number) {
    this.#story = story;
    const { link, frames } = story.dial(story.node(node).apiAddress, apiSubprotocols.binary);
    this.#link = link;
    this.#frames = frames;
    this.#namespaceId = namespaceId;
    this.say({ kind: 'hello', protocol: apiProtocol, client: 'raw' });
  }

  say(...messages: ClientMessage[]): void {
    this.#link.send(codec.encode(messages));
  }

  heard(): ServerMessage[] {
    return this.#frames.flatMap((frame) => codec.decode(frame));
  }

  ask(message: Asked<ClientMessage>): Answer {
    const id = ++this.#lastId;
    this.say({ ...message, id, namespaceId: this.#namespaceId } as ClientMessage);
    const answers = (): Answer[] =>
      this.heard().flatMap((told): Answer[] => {
        if (told.kind === 'reply' && told.id === id) return [decodeReply(told.reply).answer];
        return told.kind === 'error' && told.id === id ? [{ kind: 'refused', error: told.error }] : [];
      });
    this.#story.world.until(() => answers().length > 0, 10_000_000);
    const [answer] = answers();
    if (answer === undefined) throw new Error(`${message.kind} was not answered`);
    return answer;
  }

  register(secret: string | null = own): number {
    const answer = this.ask({ kind: 'register', client: 'raw', secret });
    if (answer.kind !== 'registered') throw new Error(`not registered: ${JSON.stringify(answer)}`);
    return answer.session;
  }

  resume(session: number, secret: string): void {
    this.say({ kind: 'resume', namespaceId: this.#namespaceId, session, secret });
  }

  write(session: number, request: number, operation: Operation = add, answered = 1): Answer {
    return this.ask({ kind: 'request', session, request, answered, operation: encodeOperation(operation) });
  }
}

const create: Operation = { kind: 'create', path: '/n', type: 'counter', value: null };
const code = (answer: Answer): string =>
  answer.kind === 'refused' || answer.kind === 'error' ? answer.error.code : answer.kind;

/** Four nodes. n4 has no replica, and the primary is on one of the others. */
function founded(limits = {}): { readonly story: Story; readonly at: (node: string) => Raw; readonly primary: string } {
  const story = Story.founded(4, 'ns', ['n1', 'n2', 'n3'], { limits });
  const { namespaceId } = story.entered(story.client(['n1']), 'ns');
  const primary = story.primaryOf(namespaceId).name;
  return { story, primary, at: (node) => new Raw(story, node, namespaceId) };
}

describe('a session', () => {
  it('may be used by the client that registered it, and over other connections by a client that tells its secret', () => {
    const { at, primary } = founded();
    const holder = at('n4');
    const session = holder.register();
    expect(code(holder.write(session, 1, create))).toBe('result');
    for (const node of ['n4', primary]) {
      const stranger = at(node);
      // It has not sent a secret, so its own node refuses it, whether the session exists or not.
      const refused = { kind: 'refused', error: { code: 'BadArgument', outcome: 'definite' } };
      for (const named of [session, 999_999]) expect(stranger.write(named, 2)).toMatchObject(refused);
      // It guesses. A session with another secret gets the same answer as one that does not exist.
      const gone = { kind: 'refused', error: { code: 'SessionGone', outcome: 'unknown' } };
      for (const named of [session, 1]) {
        for (const request of [1, 2]) {
          stranger.resume(named, wrong);
          expect(stranger.write(named, request, request === 1 ? create : add)).toMatchObject(gone);
        }
        stranger.resume(named, wrong);
        expect(code(stranger.ask({ kind: 'keepAlive', session: named, heard: 0 }))).toBe('SessionGone');
        stranger.resume(named, wrong);
        expect(code(stranger.ask({ kind: 'unregister', session: named }))).toBe('nothing');
      }
      const successor = at(node);
      successor.resume(session, own);
      expect(successor.write(session, 1, create)).toMatchObject({ kind: 'result' });
    }
    expect(holder.write(session, 2)).toMatchObject({ kind: 'result', result: { number: 1 } });
  });

  it('that has ended is said to be gone as often as its client speaks as it, for it may have missed the answer', () => {
    const { at } = founded();
    const holder = at('n4');
    const session = holder.register();
    expect(code(holder.write(session, 1, create))).toBe('result');
    const elsewhere = at('n1');
    elsewhere.resume(session, own);
    elsewhere.ask({ kind: 'unregister', session });
    for (let times = 0; times < 3; times++) {
      expect(code(holder.ask({ kind: 'keepAlive', session, heard: 0 }))).toBe('SessionGone');
      expect(code(holder.write(session, 2 + times))).toBe('SessionGone');
    }
    // So many are remembered, and no more.
    for (let i = 0; i < 70; i++) {
      holder.resume(1_000_000 + i, own);
      expect(code(holder.ask({ kind: 'keepAlive', session: 1_000_000 + i, heard: 0 }))).toBe('SessionGone');
    }
    expect(code(holder.write(session, 9))).toBe('BadArgument');
  });

  it('continues at another node after its primary died, because the client shows its secret', () => {
    const { story, at, primary } = founded();
    const holder = at('n4');
    const mine = holder.register();
    expect(code(holder.write(mine, 1, create))).toBe('result');
    story.world.crash(story.node(primary));
    story.settle();
    expect(code(holder.write(mine, 2))).toBe('result');
    const elsewhere = at(['n1', 'n2', 'n3'].find((name) => name !== primary)!);
    elsewhere.resume(mine, own);
    expect(elsewhere.write(mine, 2)).toMatchObject({ kind: 'result', result: { number: 1 } });
  });

  it('whose secret the node drew has a secret that no other session has', () => {
    const { at } = founded();
    const raw = at('n4');
    const answers = [1, 2].map(() => raw.ask({ kind: 'register', client: 'raw', secret: null }));
    const secrets = answers.map((answer) => (answer.kind === 'registered' ? answer.secret : ''));
    for (const secret of secrets) expect(secret).toMatch(/^[0-9a-f]{32}$/);
    expect(secrets[0]).not.toBe(secrets[1]);
  });

  it('V38: gives the reply of a number only to the request that was asked under it', () => {
    const { at } = founded();
    const raw = at('n4');
    const session = raw.register();
    raw.write(session, 1, create);
    const first = raw.write(session, 2);
    expect(first).toMatchObject({ kind: 'result', result: { number: 1 } });
    const other = raw.write(session, 2, { ...add, by: 5 });
    expect(other).toMatchObject({ kind: 'refused', error: { code: 'BadArgument', outcome: 'definite' } });
    expect(raw.write(session, 2)).toEqual(first);
    expect(raw.write(session, 3)).toMatchObject({ kind: 'result', result: { number: 2 } });
    // No request has the number 0, and none reports answers to requests that were never made.
    for (const [request, answered] of [
      [0, 0],
      [4, 0],
      [4, 5],
    ] as const)
      expect(code(raw.write(session, request, add, answered))).toBe('BadArgument');
  });
});

describe('one connection', () => {
  const limits = { maxSessions: 20, maxSessionsPerConnection: 8 };

  it('has a bounded share of sessions, which it gets back as it gives them back', () => {
    const { at } = founded(limits);
    const raw = at('n4');
    const sessions = Array.from({ length: 8 }, () => raw.register());
    const more = raw.ask({ kind: 'register', client: 'raw', secret: null });
    expect(more).toMatchObject({
      error: {
        code: 'LimitExceeded',
        outcome: 'definite',
        retryable: true,
        details: { name: 'maxSessionsPerConnection', limit: 8 },
      },
    });
    // A wrong secret frees nothing.
    raw.resume(sessions[0]!, wrong);
    expect(code(raw.write(sessions[0]!, 1, create))).toBe('result');
    for (let i = 0; i < 20; i++) {
      raw.resume(900_000 + i, wrong);
      raw.ask({ kind: 'unregister', session: 900_000 + i });
    }
    expect(code(raw.ask({ kind: 'register', client: 'raw', secret: null }))).toBe('LimitExceeded');
    raw.ask({ kind: 'unregister', session: sessions[1]! });
    expect(raw.register()).toBeGreaterThan(0);
  });

  it('ends no session that is alive, however often it comes again', () => {
    const { story, at } = founded(limits);
    const holder = at('n4');
    const session = holder.register();
    holder.write(session, 1, create);
    let refused = 0;
    for (let i = 0; i < 10; i++) {
      const raw = at('n4');
      for (let n = 0; n < 8; n++) {
        if (code(raw.ask({ kind: 'register', client: 'flood', secret: null })) === 'LimitExceeded') refused++;
      }
      story.pass(1000);
      expect(code(holder.ask({ kind: 'keepAlive', session, heard: 0 }))).toBe('alive');
    }
    expect(refused).toBeGreaterThan(50);
    expect(holder.write(session, 2)).toMatchObject({ kind: 'result', result: { number: 1 } });
  });
});
