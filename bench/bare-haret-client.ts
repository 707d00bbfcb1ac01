/**
 * The barest client for haret that keeps the protocol's promises: binary messages written by hand, one session for each
 * connection, and numbered requests that are sent again until they are answered (protocol §7). It shows what a fuller
 * client costs.
 */

import { Reader, Writer, utf8Length } from '../core/base/bytes.ts';
import type { Link } from '../core/base/ports.ts';
import { decodeReply } from '../core/service/reply.ts';
import type { Reply } from '../core/service/reply.ts';
import type { ClientMessage, PrimaryInfo, ServerMessage } from '../core/wire/api.ts';
import { apiProtocol, apiSubprotocols, clientMessageSchema, serverMessageSchema } from '../core/wire/api.ts';
import * as closeCodes from '../core/wire/close-codes.ts';
import { encodeOperation } from '../core/service/body.ts';
import { WebSocketTransport } from '../node-server/ws-transport.ts';
import { keyRoot } from './target.ts';
import type { Connection, Done } from './target.ts';

/**
 * The numbers of the messages, bodies and operations that are written by hand. A test compares them with the schemas.
 */
const tag = { request: 4, read: 5, body: 1, blobPut: 3, blobGet: 36, linearizable: 1, local: 2, reply: 2 } as const;
const answerTag = { result: 1 } as const;
const resultTag = { value: 2 } as const;

/** The namespace that the bench creates. */
export const benchNamespace = 'bench';

const maxFrameBytes = 4 * 1024 * 1024;
/** A frame is sent before it grows past this, even within a turn. */
const frameTargetBytes = 256 * 1024;
const resendAfterMs = 5;
/**
 * After this much silence, a request is sent again. Under load answers take long, and asking twice would only add to
 * it.
 */
const patienceMs = 1000;
const keepAliveMs = 60_000;

interface Outstanding {
  /** The request's number in its session; -1 for a read. */
  readonly request: number;
  readonly operation: Operation;
  readonly done: Done;
  sentAt: number;
}

/** What was asked, kept so that it can be sent again. */
export interface Operation {
  readonly kind: 'create' | 'put' | 'get';
  readonly key: string;
  readonly value: Uint8Array | null;
  readonly linearizable: boolean;
}

export interface RequestNumbers {
  readonly id: number;
  readonly namespaceId: number;
  readonly session: number;
  readonly request: number;
  readonly answered: number;
}

export function writeRequest(writer: Writer, numbers: RequestNumbers, operation: Operation): void {
  writer.u8(tag.request);
  writer.uint(numbers.id);
  writer.uint(numbers.namespaceId);
  writer.uint(numbers.session);
  writer.uint(numbers.request);
  writer.uint(numbers.answered);
  const { key } = operation;
  const value = operation.value!;
  if (operation.kind === 'create') {
    writer.bytes(encodeOperation({ kind: 'create', path: key, type: 'blob', value }));
    return;
  }
  // Body, operation, path, value, no version to match, and the key may exist.
  const keyBytes = utf8Length(key);
  writer.uint(2 + uintBytes(keyBytes) + keyBytes + uintBytes(value.length) + value.length + 2);
  writer.u8(tag.body);
  writer.u8(tag.blobPut);
  writer.text(key);
  writer.bytes(value);
  writer.u8(0);
  writer.u8(0);
}

export function writeRead(writer: Writer, id: number, namespaceId: number, operation: Operation): void {
  writer.u8(tag.read);
  writer.uint(id);
  writer.uint(namespaceId);
  writer.u8(operation.linearizable ? tag.linearizable : tag.local);
  const keyBytes = utf8Length(operation.key);
  writer.uint(2 + uintBytes(keyBytes) + keyBytes);
  writer.u8(tag.body);
  writer.u8(tag.blobGet);
  writer.text(operation.key);
}

function uintBytes(value: number): number {
  let count = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) count++;
  return count;
}

/**
 * Reads `epoch, view, op, answer` and gives the size of the value in bytes: 0 when there is none, or -1 when the answer
 * is an error.
 */
export function valueBytesOfReply(reply: Uint8Array): number {
  const reader = new Reader(reply);
  reader.uint();
  reader.uint();
  reader.uint();
  if (reader.u8() !== answerTag.result) return -1;
  if (reader.u8() !== resultTag.value) return 0;
  return reader.u8() === 0 ? 0 : reader.uint();
}

type Answer = (message: ServerMessage) => void;

class BareHaretConnection implements Connection {
  #link: Link | null = null;
  readonly #outstanding = new Map<number, Outstanding>();
  readonly #asked = new Map<number, Answer>();
  readonly #writer = new Writer(64 * 1024);
  #frameMessages = 0;
  #scheduled = false;
  #nextId = 1;
  #namespaceId = 0;
  #session = 0;
  #nextRequest = 1;
  /** The lowest number without an answer. Higher numbers that have one wait in the set. */
  #answered = 1;
  readonly #answeredAbove = new Set<number>();
  #failure: Error | null = null;
  readonly #patienceMs: number;
  #timer: ReturnType<typeof setInterval> | null = null;
  #keptAliveAt = performance.now();
  readonly #flush = (): void => {
    this.#scheduled = false;
    this.#send();
  };

  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  open(transport: WebSocketTransport, address: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#link = transport.dial(address, apiSubprotocols.binary, {
        onOpen: () => {
          this.#asked.set(0, () => resolve());
          this.#message({ kind: 'hello', protocol: apiProtocol, client: 'haret bench' });
        },
        onFrame: (frame) => {
          try {
            this.#onFrame(frame as Uint8Array);
          } catch (error) {
            this.#fail(error as Error);
          }
        },
        onClose: (code, reason) => {
          const error = new Error(`haret closed the connection: ${code} ${reason}`);
          this.#fail(error);
          reject(error);
        },
      });
    });
  }

  async enter(namespace: string): Promise<PrimaryInfo | null> {
    const answer = await this.#ask((id) => ({ kind: 'enter', id, namespace }));
    if (answer.kind !== 'entered') throw unexpected(answer);
    this.#namespaceId = answer.namespaceId;
    return answer.primary;
  }

  async register(): Promise<void> {
    const reply = await this.#askReply((id) => ({
      kind: 'register',
      id,
      namespaceId: this.#namespaceId,
      client: 'haret bench',
      secret: null,
    }));
    if (reply.answer.kind !== 'registered') throw new Error('haret did not register the session');
    this.#session = reply.answer.session;
    this.#timer = setInterval(() => this.#tend(), this.#patienceMs / 4);
    this.#timer.unref();
  }

  /** Creates the directory of all keys, unless it exists. */
  async makeRoot(): Promise<void> {
    const request = this.#nextRequest++;
    const reply = await this.#askReply((id) => ({
      kind: 'request',
      id,
      namespaceId: this.#namespaceId,
      session: this.#session,
      request,
      answered: this.#answered,
      operation: encodeOperation({ kind: 'create', path: keyRoot, type: 'directory', value: null }),
    }));
    this.#onAnswered(request);
    const { answer } = reply;
    if (answer.kind === 'error' && answer.error.code !== 'PathExists') throw new Error(answer.error.message);
  }

  create(key: string, value: Uint8Array, done: Done): void {
    this.#begin({ kind: 'create', key, value, linearizable: true }, this.#nextRequest++, done);
  }

  put(key: string, value: Uint8Array, done: Done): void {
    this.#begin({ kind: 'put', key, value, linearizable: true }, this.#nextRequest++, done);
  }

  get(key: string, linearizable: boolean, done: Done): void {
    this.#begin({ kind: 'get', key, value: null, linearizable }, -1, done);
  }

  failure(): Error | null {
    return this.#failure;
  }

  close(): void {
    this.#send();
    this.#fail(new Error('the connection was closed'));
  }

  #begin(operation: Operation, request: number, done: Done): void {
    if (this.#failure !== null) {
      const failure = this.#failure;
      setImmediate(() => done(failure, 0));
      return;
    }
    this.#sendOperation({ request, operation, done, sentAt: 0 });
  }

  #sendOperation(one: Outstanding): void {
    const id = this.#nextId++;
    this.#outstanding.set(id, one);
    one.sentAt = performance.now();
    if (one.request < 0) writeRead(this.#writer, id, this.#namespaceId, one.operation);
    else {
      const numbers = {
        id,
        namespaceId: this.#namespaceId,
        session: this.#session,
        request: one.request,
        answered: this.#answered,
      };
      writeRequest(this.#writer, numbers, one.operation);
    }
    this.#queued();
  }

  #message(message: ClientMessage): void {
    clientMessageSchema.encode(this.#writer, message);
    this.#queued();
  }

  #queued(): void {
    this.#frameMessages++;
    if (this.#writer.length > frameTargetBytes) this.#send();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      process.nextTick(this.#flush);
    }
  }

  /** A frame is the number of its messages, then the messages. Only now is that number known. */
  #send(): void {
    if (this.#frameMessages === 0) return;
    const messages = this.#writer.view();
    const head = new Writer(8);
    head.uint(this.#frameMessages);
    const frame = new Uint8Array(head.length + messages.length);
    frame.set(head.view());
    frame.set(messages, head.length);
    this.#writer.reset();
    this.#frameMessages = 0;
    this.#link?.send(frame);
  }

  #ask(message: (id: number) => ClientMessage): Promise<ServerMessage> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) {
        reject(this.#failure);
        return;
      }
      const id = this.#nextId++;
      this.#asked.set(id, resolve);
      this.#message(message(id));
    });
  }

  async #askReply(message: (id: number) => ClientMessage): Promise<Reply> {
    const answer = await this.#ask(message);
    if (answer.kind !== 'reply') throw unexpected(answer);
    return decodeReply(answer.reply);
  }

  #onFrame(frame: Uint8Array): void {
    let reader = new Reader(frame);
    const count = reader.uint();
    for (let i = 0; i < count; i++) {
      const at = reader.position;
      if (reader.u8() === tag.reply) {
        const id = reader.uint();
        this.#onReply(id, reader.bytes());
        continue;
      }
      reader = new Reader(frame, at);
      this.#onMessage(serverMessageSchema.decode(reader));
    }
  }

  #onReply(id: number, reply: Uint8Array): void {
    const one = this.#outstanding.get(id);
    if (one === undefined) {
      this.#answer(id, { kind: 'reply', id, reply });
      return;
    }
    this.#outstanding.delete(id);
    if (one.request >= 0) this.#onAnswered(one.request);
    const valueBytes = valueBytesOfReply(reply);
    if (valueBytes >= 0) {
      one.done(null, valueBytes);
      return;
    }
    const { answer } = decodeReply(reply);
    const there = answer.kind === 'error' && answer.error.code === 'PathExists' && one.operation.kind === 'create';
    one.done(there ? null : new Error(answer.kind === 'error' ? answer.error.message : `unexpected ${answer.kind}`), 0);
  }

  #onMessage(message: ServerMessage): void {
    if (message.kind === 'goodbye') this.#fail(new Error(`haret said goodbye: ${message.error.message}`));
    else if (message.kind === 'welcome') this.#answer(0, message);
    else if (message.kind === 'error') this.#onError(message.id, message);
    else if (message.kind !== 'who' && message.kind !== 'notice' && message.kind !== 'standing')
      this.#answer(message.id, message);
  }

  #answer(id: number, message: ServerMessage): void {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    asked?.(message);
  }

  /**
   * What may succeed later is sent again under the same number, so that it is executed once however often it arrives.
   */
  #onError(id: number, message: ServerMessage & { readonly kind: 'error' }): void {
    const one = this.#outstanding.get(id);
    if (one === undefined) {
      this.#answer(id, message);
      return;
    }
    this.#outstanding.delete(id);
    if (message.error.retryable) {
      setTimeout(() => {
        if (this.#failure === null) this.#sendOperation(one);
        else one.done(this.#failure, 0);
      }, resendAfterMs);
      return;
    }
    if (one.request >= 0) this.#onAnswered(one.request);
    one.done(new Error(message.error.message), 0);
  }

  #onAnswered(request: number): void {
    if (request !== this.#answered) {
      this.#answeredAbove.add(request);
      return;
    }
    this.#answered++;
    while (this.#answeredAbove.delete(this.#answered)) this.#answered++;
  }

  /** Asks again what has had no answer for long, and keeps an idle session alive. */
  #tend(): void {
    const now = performance.now();
    for (const [id, one] of [...this.#outstanding]) {
      if (now - one.sentAt < this.#patienceMs) continue;
      this.#outstanding.delete(id);
      this.#sendOperation(one);
    }
    if (now - this.#keptAliveAt < keepAliveMs) return;
    this.#keptAliveAt = now;
    const id = this.#nextId++;
    this.#message({ kind: 'keepAlive', id, namespaceId: this.#namespaceId, session: this.#session, heard: 0 });
  }

  #fail(error: Error): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#link?.close(closeCodes.normal, 'done');
    for (const [id, asked] of this.#asked) asked({ kind: 'error', id, error: closedError(error) });
    this.#asked.clear();
    const outstanding = [...this.#outstanding.values()];
    this.#outstanding.clear();
    for (const one of outstanding) one.done(error, 0);
  }
}

function closedError(error: Error): (ServerMessage & { kind: 'error' })['error'] {
  return { code: 'Disconnected', message: error.message, retryable: true, outcome: 'unknown', details: {} };
}

function unexpected(message: ServerMessage): Error {
  if (message.kind === 'error' || message.kind === 'goodbye') return new Error(message.error.message);
  return new Error(`haret answered with an unexpected ${message.kind}`);
}

const transport = new WebSocketTransport({ maxFrameBytes });

/**
 * Connects to one node, enters the bench's namespace and registers a session. A request without an answer is sent again
 * every `resendMs`.
 */
export async function connectBareHaret(
  address: string,
  resendMs = patienceMs,
): Promise<Connection & { makeRoot(): Promise<void> }> {
  const connection = new BareHaretConnection(resendMs);
  await connection.open(transport, address);
  await connection.enter(benchNamespace);
  await connection.register();
  return connection;
}

/** Where the primary of the bench's namespace is, according to the node at `address`; null while it knows of none. */
export async function askPrimary(address: string): Promise<PrimaryInfo | null> {
  const connection = new BareHaretConnection(patienceMs);
  await connection.open(transport, address);
  try {
    return await connection.enter(benchNamespace);
  } finally {
    connection.close();
  }
}
