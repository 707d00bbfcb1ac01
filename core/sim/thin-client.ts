/**
 * A client without the client engine, written from docs/wire.md. It holds two connections to two nodes, and sends a
 * number to either, to both, and again. What it is told is compared with the replay of the committed log, by the rule
 * of that page: a refusal settles a number only if the number was sent once. It also tries what must never succeed: it
 * guesses the secrets of others, asks something else under a number that is taken, and registers more sessions than
 * there is room for.
 */

import { equalBytes, utf8 } from '../base/bytes.ts';
import type { ErrorInfo } from '../base/errors.ts';
import type { NamespaceId, RequestNumber, SessionId } from '../base/ids.ts';
import type { Frame, Link } from '../base/ports.ts';
import type { SeededRandom } from '../base/random.ts';
import { drawSecret } from '../base/session-secret.ts';
import { encodeOperation } from '../service/body.ts';
import { decodeReply } from '../service/reply.ts';
import { Service } from '../service/service.ts';
import type { ClientMessage, ServerMessage } from '../wire/api.ts';
import { apiProtocol, apiSubprotocols } from '../wire/api.ts';
import { apiClientCodec } from '../wire/api-codecs.ts';
import { RuleBroken } from './checker.ts';
import type { World } from './world.ts';

const codec = apiClientCodec(apiSubprotocols.binary);
/** The name of the sessions that it registers and never uses. */
const flood = 'flood';
/** It does not wait for ever. After sending one number this often, it goes on and counts the outcome as unknown. */
const maxSends = 12;
const resendUs = 700_000;
/** If the log's reply is one of these, it is not an answer to the request: it refused this sending. */
const refusalsOfTheLog: ReadonlySet<string> = new Set([
  'Retry',
  'WindowExceeded',
  'SessionGone',
  'RequestTooOld',
  'BadArgument',
]);
/**
 * A primary may answer with these only when it does not know the number. A node on the way knows no numbers, and may be
 * overloaded.
 */
const judgedAtThePrimary: ReadonlySet<string> = new Set(['DiskLow', 'MemoryLow', 'WindowExceeded', 'LimitExceeded']);

type Fate = 'waiting' | 'executed' | 'definite' | 'unknown';

interface Written {
  readonly request: RequestNumber;
  readonly body: Uint8Array;
  sends: number;
  fate: Fate;
  reply: Uint8Array | null;
}

/** A write, as it goes into a message. */
interface Asked {
  readonly session: SessionId;
  readonly request: RequestNumber;
  readonly answered: RequestNumber;
  readonly operation: Uint8Array;
}

/** What to do with an answer, by the id of the question. */
type OnAnswer = (reply: Uint8Array | null, error: ErrorInfo | null) => void;

/** One of its connections. */
class Line {
  readonly #client: ThinClient;
  readonly #world: World;
  readonly #host: string;
  #link: Link | null = null;
  inside = false;

  constructor(client: ThinClient, world: World, host: string) {
    this.#client = client;
    this.#world = world;
    this.#host = host;
  }

  dial(address: string): void {
    const link: { value: Link | null } = { value: null };
    const mine = (): boolean => link.value === this.#link;
    link.value = this.#world.network.transportOf(this.#host).dial(address, apiSubprotocols.binary, {
      onOpen: () => mine() && this.say({ kind: 'hello', protocol: apiProtocol, client: 'thin' }),
      onFrame: (frame: Frame) => {
        if (mine()) for (const message of codec.decode(frame)) this.#client.told(this, message);
      },
      onClose: () => {
        if (mine()) this.leave();
      },
    });
    this.#link = link.value;
  }

  /** Gives the connection up and takes another node. */
  leave(): void {
    const link = this.#link;
    this.#link = null;
    this.inside = false;
    link?.close(1000, 'done');
    this.#client.later(100_000, () => this.#link === null && this.#client.dial(this));
  }

  say(...messages: ClientMessage[]): void {
    this.#link?.send(codec.encode(messages));
  }
}

export class ThinClient {
  readonly #name: string;
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #namespace: string;
  readonly #lines: readonly Line[];
  readonly #waiting = new Map<number, OnAnswer>();
  /** Everything that it ever wrote. Each body occurs once in the world. */
  readonly #written: Written[] = [];
  /** What it asked in the name of others, or under a number that was taken. None of it may ever be executed. */
  readonly #forbidden: Uint8Array[] = [];
  #namespaceId = 0;
  #session = 0;
  #secret = '';
  #registering = false;
  #next = 1;
  #current: Written | null = null;
  #lastId = 0;
  #serial = 0;
  #stopped = false;

  constructor(name: string, world: World, namespace: string, random: SeededRandom) {
    this.#name = name;
    this.#world = world;
    this.#namespace = namespace;
    this.#random = random;
    this.#lines = ['a', 'b'].map((line) => new Line(this, world, `${name}${line}`));
    for (const line of this.#lines) this.dial(line);
    this.#think();
  }

  /** Asks nothing more. */
  stop(): void {
    this.#stopped = true;
  }

  /** True when none of its questions waits for an answer. */
  get idle(): boolean {
    return this.#current === null;
  }

  dial(line: Line): void {
    line.dial(this.#random.pick(this.#world.nodes).apiAddress);
  }

  later(us: number, run: () => void): void {
    this.#world.schedule.after(us, run);
  }

  told(line: Line, message: ServerMessage): void {
    switch (message.kind) {
      case 'welcome':
        line.say({ kind: 'enter', id: ++this.#lastId, namespace: this.#namespace });
        return;
      case 'entered':
        this.#namespaceId = message.namespaceId;
        line.inside = true;
        this.#resume(line);
        return;
      case 'reply':
        return this.#answered(message.id, message.reply, null);
      case 'error':
        if (!line.inside) return line.leave();
        return this.#answered(message.id, null, message.error);
      default:
    }
  }

  #resume(line: Line): void {
    if (this.#session === 0 || !line.inside) return;
    line.say({ kind: 'resume', namespaceId: this.#namespaceId, session: this.#session, secret: this.#secret });
  }

  #answered(id: number, reply: Uint8Array | null, error: ErrorInfo | null): void {
    const done = this.#waiting.get(id);
    this.#waiting.delete(id);
    done?.(reply, error);
  }

  #think(): void {
    this.later(1000 + this.#random.below(25_000), () => {
      this.#act();
      this.#think();
    });
  }

  #act(): void {
    const random = this.#random;
    const line = random.pick(this.#lines);
    if (random.chance(1, 100)) line.leave();
    if (!line.inside || this.#current !== null) return;
    if (this.#stopped) return;
    if (this.#session === 0) return this.#register(line);
    if (random.chance(1, 10)) this.#impersonate(line);
    if (random.chance(1, 60)) this.#flood(line);
    this.#write(line);
  }

  #register(line: Line): void {
    if (this.#registering) return;
    this.#registering = true;
    const secret = drawSecret(this.#random);
    const id = ++this.#lastId;
    line.say({ kind: 'register', id, namespaceId: this.#namespaceId, client: this.#name, secret });
    this.later(3_000_000, () => this.#answered(id, null, null));
    this.#waiting.set(id, (reply) => {
      this.#registering = false;
      const answer = reply === null ? null : decodeReply(reply).answer;
      if (answer?.kind !== 'registered') return;
      this.#session = answer.session;
      this.#secret = secret;
      this.#next = 1;
      for (const one of this.#lines) this.#resume(one);
    });
  }

  #write(line: Line): void {
    const random = this.#random;
    const body = this.#body('w');
    const written: Written = { request: this.#next++, body, sends: 0, fate: 'waiting', reply: null };
    this.#written.push(written);
    this.#current = written;
    this.#send(line, written);
    if (random.chance(1, 3)) this.#send(random.pick(this.#lines), written);
    this.#sendLater(written);
  }

  #body(kind: string): Uint8Array {
    const value = utf8(`${this.#name}.${kind}${++this.#serial}`);
    const path = this.#random.pick(['/a', '/dir/b']);
    return encodeOperation({ kind: 'create', path: `${path}/${kind}${this.#serial}`, type: 'blob', value });
  }

  #send(line: Line, written: Written): void {
    if (!line.inside) return;
    const session = this.#session;
    written.sends++;
    const { request, body } = written;
    this.#ask(line, { session, request, answered: request, operation: body }, (reply, error) => {
      if (this.#session !== session) return;
      this.#judge(written, reply, error);
    });
  }

  #ask(line: Line, asked: Asked, done: OnAnswer): void {
    const id = ++this.#lastId;
    this.#waiting.set(id, done);
    line.say({ kind: 'request', id, namespaceId: this.#namespaceId, ...asked });
  }

  #sendLater(written: Written): void {
    this.later(resendUs, () => {
      if (this.#current !== written) return;
      // While no connection is inside its namespace, nothing is sent, and nothing is counted.
      if (written.sends >= maxSends) return this.#settle(written, 'unknown');
      this.#send(this.#random.pick(this.#lines), written);
      this.#sendLater(written);
    });
  }

  #judge(written: Written, reply: Uint8Array | null, error: ErrorInfo | null): void {
    if (reply !== null) {
      const { answer } = decodeReply(reply);
      if (answer.kind !== 'error' || !refusalsOfTheLog.has(answer.error.code)) return this.#replied(written, reply);
      error = answer.error;
    }
    if (error === null || written.fate !== 'waiting') return;
    if (error.code === 'SessionGone') return this.#lost(written);
    if (error.outcome === 'definite' && written.sends === 1) this.#settle(written, 'definite');
  }

  #replied(written: Written, reply: Uint8Array): void {
    if (written.reply !== null && !equalBytes(written.reply, reply))
      throw new RuleBroken(`rule 7: ${this.#name} was answered twice in different words`);
    written.reply = reply.slice();
    if (written.fate === 'definite')
      throw new RuleBroken(`rule 3: ${this.#name} was refused definitely what is executed`);
    if (written.fate !== 'waiting') return;
    this.#askAgain(written);
    this.#settle(written, 'executed');
  }

  /** The reply is kept until another number says that it is no longer needed. */
  #askAgain({ request, body, reply }: Written): void {
    const random = this.#random;
    const line = random.pick(this.#lines);
    if (!line.inside || !random.chance(1, 2)) return;
    const session = this.#session;
    this.#ask(line, { session, request, answered: request, operation: body }, (again, error) => {
      if (again !== null && reply !== null) {
        const { answer } = decodeReply(again);
        const refused = answer.kind === 'error' && refusalsOfTheLog.has(answer.error.code);
        if (!refused && !equalBytes(again, reply))
          throw new RuleBroken(`rule 7: ${this.#name} asked for a kept reply and got another`);
      }
      if (error !== null && judgedAtThePrimary.has(error.code))
        throw new RuleBroken(`rule 3: ${this.#name} asked for a kept reply and was told ${error.code}`);
    });
    if (!random.chance(1, 2)) return;
    const other = this.#body('o');
    this.#forbidden.push(other);
    this.#ask(line, { session, request, answered: request, operation: other }, (again) => {
      if (again !== null && decodeReply(again).answer.kind !== 'error')
        throw new RuleBroken(`rule 7: ${this.#name} asked something else under a kept number and was given its reply`);
    });
  }

  #settle(written: Written, fate: Fate): void {
    written.fate = fate;
    if (this.#current === written) this.#current = null;
  }

  #lost(written: Written): void {
    this.#settle(written, 'unknown');
    this.#session = 0;
  }

  /** Everyone sees session numbers, so it knows those of others. It knows nothing of their secrets. */
  #impersonate(line: Line): void {
    const machine = this.#world.nodes.flatMap((node) => [...node.hosts]).find((host) => this.#isMine(host.namespaceId));
    if (!(machine?.machine instanceof Service)) return;
    const own = [this.#name, flood];
    const others = machine.machine.newestSessions(100).filter(({ client }) => !own.includes(client));
    if (others.length === 0) return;
    const namespaceId = this.#namespaceId;
    const { id: session } = this.#random.pick(others);
    line.say({ kind: 'resume', namespaceId, session, secret: drawSecret(this.#random) });
    const request = 1 + this.#random.below(200);
    const body = this.#body('x');
    this.#forbidden.push(body);
    this.#ask(line, { session, request, answered: request, operation: body }, (reply) => {
      if (reply !== null)
        throw new RuleBroken(`rule 7: ${this.#name} was answered as session ${session}, which is another's`);
    });
    line.say({ kind: 'unregister', id: ++this.#lastId, namespaceId, session });
  }

  #isMine(namespaceId: NamespaceId): boolean {
    return namespaceId === this.#namespaceId;
  }

  /** Registers more sessions than there is room for, and keeps none alive. */
  #flood(line: Line): void {
    for (let left = 10; left > 0; left--) {
      const id = ++this.#lastId;
      line.say({ kind: 'register', id, namespaceId: this.#namespaceId, client: flood, secret: null });
    }
  }

  /**
   * Each write that it was told had happened happened once. Each write that it was told had not happened did not
   * (protocol §9.3).
   */
  account(): void {
    const { checker } = this.#world;
    for (const { body, fate, request } of this.#written) {
      const times = checker.executions(this.#namespaceId, body);
      if (fate === 'definite' ? times > 0 : times > 1)
        throw new RuleBroken(
          `rule 3: ${this.#name} was told ${fate} of request ${request}, which was executed ${times} times`,
        );
    }
    for (const body of this.#forbidden) {
      const times = checker.executions(this.#namespaceId, body);
      if (times > 0) throw new RuleBroken(`rule 7: something was executed that ${this.#name} had no right to ask for`);
    }
  }
}
