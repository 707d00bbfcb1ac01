/**
 * Nodes that say what a scene wants, and hold whoever connects to the rules of docs/wire.md: they write down each rule that a message
 * broke. What a scene does not script is answered as a node that works would.
 */

import { hexFromBytes } from '../../core/base/bytes.ts';
import type { ErrorCode, Outcome } from '../../core/base/errors.ts';
import { errorInfo } from '../../core/base/errors.ts';
import { decodeBody } from '../../core/service/body.ts';
import type { Reply } from '../../core/service/reply.ts';
import { encodeReply } from '../../core/service/reply.ts';
import { apiServerCodec } from '../../core/wire/api-codecs.ts';
import type { ApiServerCodec, Unusable } from '../../core/wire/api-codecs.ts';
import type { ClientMessage, ServerMessage } from '../../core/wire/api.ts';
import { apiProtocol, apiSubprotocols } from '../../core/wire/api.ts';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';

export type Said<K extends ClientMessage['kind']> = Extract<ClientMessage, { kind: K }>;
/** What a scene does with a kind of message; false when it wants it answered as usual. */
export type Script = { [K in ClientMessage['kind']]?: (message: Said<K>, line: Line) => boolean };

const cluster = 'c1'.repeat(16);
const limits = { maxFrameBytes: 65_536, maxValueBytes: 16_384 };
/** The namespace that every scene enters. */
const namespaceId = 7;

interface Session {
  readonly secret: string;
  /** The highest number that was sent in it, and each number's operation. */
  highest: number;
  readonly operations: Map<number, string>;
  readonly replies: Map<number, Uint8Array>;
}

/** One connection of the client. */
export class Line {
  /** Over all connections of the scene, from 1 on. */
  readonly number: number;
  readonly node: number;
  readonly #cluster: ScriptedCluster;
  readonly #socket: WebSocket;
  readonly #codec: ApiServerCodec;
  readonly #questions = new Map<number, string>();
  /** Sessions that it has said it knows the secret of, or registered. */
  readonly #spoken = new Set<number>();
  #greeted = false;
  #highest = 0;
  #answered = 0;

  constructor(owner: ScriptedCluster, node: number, number: number, socket: WebSocket) {
    this.number = number;
    this.node = node;
    this.#cluster = owner;
    this.#socket = socket;
    this.#codec = apiServerCodec(socket.protocol, limits.maxFrameBytes);
    socket.on('message', (data: Buffer, isBinary: boolean) =>
      this.#heard(isBinary ? new Uint8Array(data) : String(data)),
    );
    socket.on('error', () => undefined);
  }

  tell(...messages: ServerMessage[]): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(this.#codec.encode(messages));
  }

  reply(id: number, answer: Reply['answer']): void {
    this.tell({ kind: 'reply', id, reply: this.#cluster.reply(answer) });
  }

  error(id: number, code: ErrorCode, outcome?: Outcome): void {
    this.tell({ kind: 'error', id, error: errorInfo(code, `a scene says ${code}`, {}, outcome) });
  }

  /** The connection breaks. */
  cut(): void {
    this.#socket.terminate();
  }

  close(code: number, reason: ErrorCode): void {
    this.tell({ kind: 'goodbye', error: errorInfo(reason, 'a scene says goodbye') });
    this.#socket.close(code, reason);
  }

  #heard(frame: string | Uint8Array): void {
    let messages: readonly (ClientMessage | Unusable)[];
    try {
      messages = this.#codec.decode(frame);
    } catch (error) {
      return this.#broke(`a frame that is none: ${String(error)}`);
    }
    for (const message of messages) {
      if (message.kind === 'unusable') this.#broke(`a message out of bounds: ${message.error.message}`);
      else this.#take(message);
    }
  }

  #take(message: ClientMessage): void {
    this.#judge(message);
    this.#cluster.heard.push({ line: this.number, message });
    const scripted = this.#cluster.script[message.kind] as
      ((message: ClientMessage, line: Line) => boolean) | undefined;
    if (scripted?.(message, this) !== true) this.answer(message);
    this.#cluster.wake();
  }

  #broke(rule: string): void {
    this.#cluster.broken.push(`connection ${this.number}: ${rule}`);
  }

  #judge(message: ClientMessage): void {
    if (message.kind === 'hello') {
      if (this.#greeted) this.#broke('a second hello');
      if (message.protocol !== apiProtocol) this.#broke('a hello of another protocol');
      this.#greeted = true;
      return;
    }
    if (!this.#greeted) this.#broke(`${message.kind} before hello`);
    if ('id' in message && message.kind !== 'unwatch') {
      const { id } = message;
      // A question that is sent again says what has been answered, or told, since.
      const question = JSON.stringify({ ...message, answered: 0, from: null }, (_key, value: unknown) =>
        value instanceof Uint8Array ? hexFromBytes(value) : value,
      );
      const before = this.#questions.get(id);
      if (before !== undefined && before !== question) this.#broke(`two questions with the id ${id}`);
      this.#questions.set(id, question);
    }
    if (message.kind === 'resume') {
      if (this.#cluster.sessions.get(message.session)?.secret === message.secret) this.#spoken.add(message.session);
      else this.#broke(`a resume of session ${message.session} with another secret`);
    }
    if (message.kind === 'request' || message.kind === 'keepAlive' || message.kind === 'unregister') {
      if (!this.#spoken.has(message.session)) {
        this.#broke(`${message.kind} of session ${message.session} over a connection that did not say its secret`);
      }
    }
    if (message.kind === 'request') this.#judgeRequest(message);
  }

  #judgeRequest({ session: id, request, answered, operation }: Said<'request'>): void {
    const session = this.#cluster.sessions.get(id);
    if (session === undefined) return this.#broke(`a request of session ${id}, which there is not`);
    if (answered < 1 || answered > request) this.#broke(`request ${request} with answered ${answered}`);
    if (answered < this.#answered) this.#broke(`answered fell from ${this.#answered} to ${answered}`);
    this.#answered = answered;
    const { maxWindow } = this.#cluster;
    if (request >= answered + maxWindow) this.#broke(`request ${request} is beyond the window of ${answered}`);
    for (let gap = session.highest + 1; gap < request; gap++) {
      if (gap >= answered) this.#broke(`request ${request} leaves a gap at ${gap} that answered has not passed`);
    }
    session.highest = Math.max(session.highest, request);
    const text = hexFromBytes(operation);
    const before = session.operations.get(request);
    if (before !== undefined && before !== text) this.#broke(`another operation under the number ${request}`);
    session.operations.set(request, text);
    for (const [other, { operations }] of this.#cluster.sessions) {
      if (other !== id && [...operations.values()].includes(text))
        this.#broke('what was asked in a session that is gone');
    }
    const firstHere = !this.#numbers.has(request);
    this.#numbers.add(request);
    if (firstHere && request < this.#highest)
      this.#broke(`request ${request} after ${this.#highest}: not the lowest first`);
    this.#highest = Math.max(this.#highest, request);
    const body = decodeBody(operation);
    if (body.kind !== 'operation') return this.#broke('a body that is no operation');
    const value: unknown = 'value' in body.operation ? body.operation.value : null;
    if (value instanceof Uint8Array && value.length > limits.maxValueBytes) this.#broke('a value above maxValueBytes');
  }

  readonly #numbers = new Set<number>();

  /** As a node that works answers. */
  answer(message: ClientMessage): void {
    switch (message.kind) {
      case 'hello':
        return this.tell({
          kind: 'welcome',
          protocol: apiProtocol,
          cluster,
          node: `n${this.node + 1}`,
          ...limits,
          maxWindow: this.#cluster.maxWindow,
        });
      case 'enter':
        return this.tell({
          kind: 'entered',
          id: message.id,
          namespaceId,
          epoch: 1,
          view: 0,
          here: true,
          primary: null,
        });
      case 'register': {
        const [session, secret] = this.#cluster.register(message.secret);
        this.#spoken.add(session);
        return this.reply(message.id, { kind: 'registered', session, secret });
      }
      case 'request': {
        const session = this.#cluster.sessions.get(message.session);
        if (session === undefined) return this.error(message.id, 'SessionGone');
        const kept = session.replies.get(message.request);
        const reply = kept ?? this.#cluster.reply({ kind: 'result', result: { kind: 'done', version: 1 } });
        session.replies.set(message.request, reply);
        return this.tell({ kind: 'reply', id: message.id, reply });
      }
      case 'read':
        return this.reply(message.id, { kind: 'result', result: { kind: 'truth', truth: true, version: null } });
      case 'keepAlive':
      case 'unregister':
        return this.reply(message.id, { kind: 'nothing' });
      case 'ping':
        return this.tell({ kind: 'pong', id: message.id });
      case 'listNamespaces':
        return this.tell({ kind: 'namespaces', id: message.id, names: ['test-ns'] });
      case 'watch':
        return this.tell({ kind: 'watching', id: message.id, op: this.#cluster.op });
      case 'bind':
        return this.error(message.id, 'BadArgument');
      case 'resume':
      case 'unwatch':
    }
  }
}

export class ScriptedCluster {
  readonly addresses: readonly string[];
  /** Rules that were broken, in words. */
  readonly broken: string[] = [];
  readonly heard: { readonly line: number; readonly message: ClientMessage }[] = [];
  readonly sessions = new Map<number, Session>();
  readonly script: Script;
  readonly maxWindow: number;
  readonly #servers: readonly WebSocketServer[];
  #lines = 0;
  #wakers: (() => void)[] = [];
  #op = 100;

  private constructor(servers: readonly WebSocketServer[], script: Script, maxWindow: number) {
    this.script = script;
    this.maxWindow = maxWindow;
    this.#servers = servers;
    this.addresses = servers.map((server) => `127.0.0.1:${(server.address() as AddressInfo).port}`);
    servers.forEach((server, node) => server.on('connection', (socket) => new Line(this, node, ++this.#lines, socket)));
  }

  static async start(nodes: number, script: Script, maxWindow = 16): Promise<ScriptedCluster> {
    const offered = Object.values<string>(apiSubprotocols);
    const servers = Array.from(
      { length: nodes },
      () =>
        new WebSocketServer({
          host: '127.0.0.1',
          port: 0,
          handleProtocols: (asked) => offered.find((one) => asked.has(one)) ?? false,
        }),
    );
    await Promise.all(servers.map((server) => once(server, 'listening')));
    return new ScriptedCluster(servers, script, maxWindow);
  }

  get op(): number {
    return this.#op;
  }

  reply(answer: Reply['answer']): Uint8Array {
    return encodeReply({ epoch: 1, view: 0, op: ++this.#op, answer });
  }

  /** A new session, and what one speaks as it by. */
  register(secret: string | null): readonly [number, string] {
    const session = ++this.#op;
    const known = secret ?? session.toString(16).padStart(32, '0');
    this.sessions.set(session, { secret: known, highest: 0, operations: new Map(), replies: new Map() });
    return [session, known];
  }

  said<K extends ClientMessage['kind']>(kind: K): readonly Said<K>[] {
    return this.heard.map(({ message }) => message).filter((message): message is Said<K> => message.kind === kind);
  }

  wake(): void {
    for (const wake of this.#wakers.splice(0)) wake();
  }

  /** Resolves once so many messages of a kind came. */
  async until(kind: ClientMessage['kind'], count: number): Promise<void> {
    while (this.said(kind).length < count) await new Promise<void>((resolve) => this.#wakers.push(resolve));
  }

  close(): void {
    for (const server of this.#servers) {
      for (const socket of server.clients) socket.terminate();
      server.close();
    }
  }
}
