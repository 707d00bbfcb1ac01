/** A scripted world for the client engine: virtual time, links in memory, and servers that say what a test wants. */

import { SeededRandom } from '../../core/base/random.ts';
import type { ErrorInfo, Result } from '../../core/base/errors.ts';
import { errorInfo } from '../../core/base/errors.ts';
import type { Frame, Link, LinkHandler } from '../../core/base/ports.ts';
import { encodeReply } from '../../core/service/reply.ts';
import type { Reply } from '../../core/service/reply.ts';
import type { Operation } from '../../core/tree/operation.ts';
import { decodeBody } from '../../core/service/body.ts';
import { binaryApi } from '../../core/wire/api-client-binary.ts';
import { apiServerCodec } from '../../core/wire/api-codecs.ts';
import type { ClientMessage, PrimaryInfo, ServerMessage } from '../../core/wire/api.ts';
import type { Codec } from '../../core/wire/codec.ts';
import { Client } from '../../core/client/client.ts';
import type { ClientOptions, Entered } from '../../core/client/options.ts';

/** One accepted connection as a scripted server sees it. */
export interface Accepted<Out, In> {
  readonly address: string;
  readonly subprotocol: string;
  send(...messages: Out[]): void;
  sendRaw(frame: Frame): void;
  close(code: number, reason?: string): void;
  /** Everything that it has received so far. */
  readonly heard: In[];
  readonly frames: Frame[];
  closedBy: { code: number; reason: string } | null;
}

export interface ScriptedServer<Out, In> {
  readonly connections: Accepted<Out, In>[];
  codec(subprotocol: string): Codec<Out, In>;
  /** False: connections never open. */
  accepts: boolean;
  hangs: boolean;
  onMessage(connection: Accepted<Out, In>, message: In): void;
}

/** Virtual time, turns and links. A turn runs everything that is due now. `pass` lets time pass in ticks. */
export class World {
  nowMs = 1000;
  readonly random = new SeededRandom(7);
  readonly servers = new Map<string, ScriptedServer<never, never>>();
  readonly dialled: string[] = [];
  readonly ticked: (() => void)[] = [];
  #due: (() => void)[] = [];
  #later: { readonly atMs: number; readonly work: () => void }[] = [];

  readonly clock = {
    now: (): number => this.nowMs,
    soon: (work: () => void): void => void this.#due.push(work),
  };
  readonly transport = {
    dial: (address: string, subprotocol: string, handler: LinkHandler): Link =>
      this.#dial(address, subprotocol, handler),
  };

  get ports() {
    return { transport: this.transport, clock: this.clock, random: this.random };
  }

  /** Runs turns until nothing is left to do at this instant. */
  settle(): void {
    for (let turns = 0; this.#due.length > 0; turns++) {
      if (turns > 10_000) throw new Error('the world does not come to rest');
      for (const work of this.#due.splice(0)) work();
    }
  }

  after(ms: number, work: () => void): void {
    this.#later.push({ atMs: this.nowMs + ms, work });
  }

  /** Lets time pass in ticks of 10 ms. */
  pass(ms: number): void {
    for (const until = this.nowMs + ms; this.nowMs < until;) {
      this.nowMs += 10;
      const ripe = this.#later.filter(({ atMs }) => atMs <= this.nowMs);
      this.#later = this.#later.filter(({ atMs }) => atMs > this.nowMs);
      for (const { work } of ripe) work();
      for (const tick of this.ticked) tick();
      this.settle();
    }
  }

  #dial(address: string, subprotocol: string, handler: LinkHandler): Link {
    this.dialled.push(address);
    const server = this.servers.get(address) as ScriptedServer<unknown, unknown> | undefined;
    let open = true;
    const end = (code: number, reason: string): void => {
      if (!open) return;
      open = false;
      this.#due.push(() => handler.onClose(code, reason));
    };
    if (server === undefined || !server.accepts) {
      end(1006, 'connection refused');
      return { send: () => undefined, close: () => undefined, buffered: () => 0 };
    }
    const codec = server.codec(subprotocol);
    const toClient = (frame: Frame): void => void this.#due.push(() => (open ? handler.onFrame(frame) : undefined));
    const accepted: Accepted<unknown, unknown> = {
      address,
      subprotocol,
      heard: [],
      frames: [],
      closedBy: null,
      send: (...messages) => toClient(codec.encode(messages)),
      sendRaw: toClient,
      close: (code, reason = '') => void this.#due.push(() => end(code, reason)),
    };
    if (!server.hangs) {
      server.connections.push(accepted);
      this.#due.push(() => handler.onOpen?.());
    }
    return {
      buffered: () => 0,
      close: (code, reason) => {
        accepted.closedBy = { code, reason };
        end(code, reason);
      },
      send: (frame) => {
        if (!open) return;
        this.#due.push(() => {
          accepted.frames.push(frame);
          for (const message of codec.decode(frame)) {
            accepted.heard.push(message);
            server.onMessage(accepted, message);
          }
        });
      },
    };
  }
}

export type ApiAccepted = Accepted<ServerMessage, ClientMessage>;
type Of<K extends ClientMessage['kind']> = Extract<ClientMessage, { kind: K }>;

/** A node of the API interface that behaves correctly, until a test replaces one of its answers. */
export class FakeNode implements ScriptedServer<ServerMessage, ClientMessage> {
  readonly connections: ApiAccepted[] = [];
  accepts = true;
  hangs = false;
  silent = false;
  namespaces = ['test-ns'];
  maxWindow = 4096;
  maxFrameBytes = 4 * 1024 * 1024;
  epoch = 1;
  view = 1;
  primary: PrimaryInfo | null = null;
  sessions = 40;
  op = 100;
  /** What was executed, by session and request, in order. */
  readonly executed: string[] = [];
  readonly #cluster: Map<string, Reply>;
  request: (connection: ApiAccepted, message: Of<'request'>) => void;
  read: (connection: ApiAccepted, message: Of<'read'>) => void;
  register: (connection: ApiAccepted, message: Of<'register'>) => void;

  /** @param cluster the replies of a cluster that several nodes share. */
  constructor(world: World, address: string, cluster = new Map<string, Reply>()) {
    this.#cluster = cluster;
    this.request = (connection, message) => this.execute(connection, message);
    this.read = (connection, message) => {
      connection.send(resultOf(message.id, this.reply({ kind: 'done', version: 1 })));
    };
    this.register = (connection, message) => {
      const session = ++this.sessions;
      const reply: Reply = {
        epoch: this.epoch,
        view: this.view,
        op: session,
        answer: { kind: 'registered', session, secret: message.secret! },
      };
      connection.send(resultOf(message.id, reply));
    };
    world.servers.set(address, this as unknown as ScriptedServer<never, never>);
  }

  codec(subprotocol: string): Codec<ServerMessage, ClientMessage> {
    // A scripted node is never asked things that a node refuses by itself.
    return apiServerCodec(subprotocol, 64 * 1024 * 1024) as Codec<ServerMessage, ClientMessage>;
  }

  get last(): ApiAccepted {
    return this.connections.at(-1)!;
  }

  /** Messages of one kind, on all connections. */
  heard<K extends ClientMessage['kind']>(kind: K): Of<K>[] {
    return this.connections.flatMap(({ heard }) => heard.filter((message): message is Of<K> => message.kind === kind));
  }

  reply(result: Extract<Reply['answer'], { kind: 'result' }>['result']): Reply {
    return { epoch: this.epoch, view: this.view, op: ++this.op, answer: { kind: 'result', result } };
  }

  /** Executes a write once. A repeated write gets the first reply. */
  execute(connection: ApiAccepted, message: Of<'request'>): void {
    connection.send(resultOf(message.id, this.executeOnly(message)));
  }

  executeOnly(message: Of<'request'>): Reply {
    const key = `${message.session}/${message.request}`;
    let reply = this.#cluster.get(key);
    if (reply === undefined) {
      reply = this.reply({ kind: 'done', version: message.request });
      this.#cluster.set(key, reply);
      this.executed.push(key);
    }
    return reply;
  }

  refuse(connection: ApiAccepted, id: number, error: ErrorInfo): void {
    connection.send({ kind: 'error', id, error });
  }

  onMessage(connection: ApiAccepted, message: ClientMessage): void {
    if (this.silent) return;
    switch (message.kind) {
      case 'hello':
        connection.send({
          kind: 'welcome',
          protocol: 1,
          cluster: 'c'.repeat(32),
          node: 'dev1',
          maxFrameBytes: this.maxFrameBytes,
          maxValueBytes: 1024 * 1024,
          maxWindow: this.maxWindow,
        });
        break;
      case 'enter': {
        const namespaceId = this.namespaces.indexOf(message.namespace) + 1;
        if (namespaceId === 0) {
          this.refuse(connection, message.id, errorInfo('UnknownNamespace', 'Unknown namespace'));
          break;
        }
        const { epoch, view, primary } = this;
        const here = primary !== null && primary.apiAddress === connection.address;
        connection.send({ kind: 'entered', id: message.id, namespaceId, epoch, view, here, primary });
        break;
      }
      case 'listNamespaces':
        connection.send({ kind: 'namespaces', id: message.id, names: this.namespaces });
        break;
      case 'ping':
        connection.send({ kind: 'pong', id: message.id });
        break;
      case 'register':
        this.register(connection, message);
        break;
      case 'request':
        this.request(connection, message);
        break;
      case 'read':
        this.read(connection, message);
        break;
      case 'resume':
        break;
      case 'bind':
      case 'watch':
      case 'unwatch':
        throw new Error(`no story here has a ${message.kind}`);
      case 'unregister':
      case 'keepAlive':
        connection.send(resultOf(message.id, { epoch: 1, view: 1, op: 1, answer: { kind: 'nothing' } }));
    }
  }
}

export function resultOf(id: number, reply: Reply): ServerMessage {
  return { kind: 'reply', id, reply: encodeReply(reply) };
}

export function primaryAt(address: string): PrimaryInfo {
  return { name: 'r1', group: 'test-ns', nodeName: 'dev1', nodeAddress: '127.0.0.1:2000', apiAddress: address };
}

export function put(path: string): Operation {
  return { kind: 'blobPut', path, value: new Uint8Array([1]), ifVersion: null, ifAbsent: false };
}

export function get(path: string): Operation {
  return { kind: 'blobGet', path };
}

export function pathOf(message: { operation: Uint8Array }): string {
  const body = decodeBody(message.operation);
  if (body.kind !== 'operation' || body.operation.kind === 'transaction' || !('path' in body.operation)) return '';
  return body.operation.path;
}

/** A started client in a world, with the results of its calls. */
export function startClient(world: World, options: Partial<ClientOptions> = {}) {
  const client = new Client(world.ports, { addresses: ['a:1'], codec: binaryApi, ...options });
  const states: string[] = [];
  client.onState((state) => states.push(state));
  world.ticked.push(() => client.tick());
  client.start();
  world.settle();
  return { client, states };
}

/** Remembers the end of a call, which must end once. */
export class Outcome<T> {
  result: Result<T> | null = null;
  readonly done = (result: Result<T>): void => {
    if (this.result !== null) throw new Error('ended twice');
    this.result = result;
  };

  get error(): ErrorInfo | null {
    return this.result === null || this.result.ok ? null : this.result.error;
  }

  get value(): T {
    if (this.result === null || !this.result.ok) throw new Error(`no value: ${JSON.stringify(this.result)}`);
    return this.result.value;
  }

  get pending(): boolean {
    return this.result === null;
  }
}

/** Enters a namespace, as far as the world proceeds by itself. */
export function entering(world: World, client: Client, namespace = 'test-ns'): Outcome<Entered> {
  const outcome = new Outcome<Entered>();
  client.enter(namespace, outcome.done);
  world.settle();
  return outcome;
}

export function write(client: Client, path: string, timeoutMs = 10_000): Outcome<Reply> {
  const outcome = new Outcome<Reply>();
  client.execute(put(path), { timeoutMs }, outcome.done);
  return outcome;
}

export function read(client: Client, path: string, timeoutMs = 10_000): Outcome<Reply> {
  const outcome = new Outcome<Reply>();
  client.execute(get(path), { timeoutMs }, outcome.done);
  return outcome;
}
