/** A client that speaks text over a bare WebSocket. It says what a trial gives it, true or not. */

import { randomBytes } from 'node:crypto';
import type { WebSocket } from 'ws';
import { apiProtocol, apiSubprotocols } from '../../../core/wire/api.ts';
import { readDocument, writeDocument } from '../../../core/wire/text-codec.ts';
import { open } from '../../integration/raw-socket.ts';
import type { Stage } from '../stage.ts';
import { namespaceName, shown } from '../stage.ts';
import { within } from './waiting.ts';

export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly outcome: string;
  readonly retryable: boolean;
}

/** What a node said, as JSON. */
export interface Heard {
  readonly kind: string;
  readonly id?: number;
  readonly namespaceId?: number;
  readonly cluster?: string;
  readonly primary?: { readonly nodeName: string; readonly apiAddress: string } | null;
  readonly error?: WireError;
  readonly reply?: {
    readonly op: number;
    readonly answer: {
      readonly kind: string;
      readonly session?: number;
      readonly error?: WireError;
      readonly result?: { readonly kind: string; readonly number?: number };
    };
  };
}

const answerLimitMs = 30_000;
const maxFrameBytes = 64 * 1024 * 1024;

export class ThinConnection {
  readonly #ws: WebSocket;
  readonly #waiting = new Map<number, (heard: Heard) => void>();
  readonly heard: Heard[] = [];
  #lastId = 0;
  closed = false;
  cluster = '';

  private constructor(ws: WebSocket) {
    this.#ws = ws;
    ws.on('message', (data: Buffer) => {
      for (const one of readDocument(data.toString('utf8'), maxFrameBytes) as readonly Heard[]) this.#take(one);
    });
    ws.on('close', () => {
      this.closed = true;
      for (const waiter of this.#waiting.values()) waiter({ kind: 'closed' });
      this.#waiting.clear();
    });
  }

  /** Connects and says hello. */
  static async open(stage: Stage, address: string): Promise<ThinConnection> {
    const ws = await open(address, apiSubprotocols.superjson);
    stage.atEnd(() => ws.terminate());
    const connection = new ThinConnection(ws);
    const welcomed = new Promise<Heard>((resolve) => connection.#waiting.set(0, resolve));
    connection.say([{ kind: 'hello', protocol: apiProtocol, client: 'torture/1' }]);
    connection.cluster = (await within('the welcome', answerLimitMs, welcomed)).cluster ?? '';
    return connection;
  }

  say(messages: readonly object[]): void {
    this.#ws.send(writeDocument(messages));
  }

  /** Asks, and returns the answer with that id; `closed` when no answer can come any more. */
  async ask(message: object, limitMs = answerLimitMs): Promise<Heard> {
    return within(`an answer to ${shown(JSON.stringify(message))}`, limitMs, this.send(message));
  }

  /** The same, without a limit. */
  send(message: object): Promise<Heard> {
    return this.sendAll([message])[0]!;
  }

  sendAll(messages: readonly object[]): Promise<Heard>[] {
    const all = messages.map((message) => ({ ...message, id: ++this.#lastId }));
    const answers = all.map(({ id }) => new Promise<Heard>((resolve) => this.#waiting.set(id, resolve)));
    if (this.closed) for (const waiter of this.#waiting.values()) waiter({ kind: 'closed' });
    else this.say(all);
    return answers;
  }

  async enter(namespace = namespaceName): Promise<number> {
    const entered = await this.ask({ kind: 'enter', namespace });
    if (entered.namespaceId === undefined) throw new Error(`cannot enter: ${entered.error?.message ?? entered.kind}`);
    return entered.namespaceId;
  }

  close(): void {
    this.#ws.terminate();
  }

  #take(heard: Heard): void {
    this.heard.push(heard);
    const id = heard.kind === 'welcome' ? 0 : heard.id;
    if (id === undefined) return;
    const waiter = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiter?.(heard);
  }
}

/**
 * Everything that the answer to `register` gives its holder: the session's number and, if there is one, the secret that
 * proves that a client may use it.
 */
export type Credentials = Readonly<Record<string, unknown>>;

export async function register(connection: ThinConnection, namespaceId: number): Promise<Credentials> {
  const secret = randomBytes(16).toString('hex');
  const heard = await connection.ask({ kind: 'register', namespaceId, client: 'torture/1', secret });
  const answer = heard.reply?.answer;
  if (answer?.session === undefined) throw new Error(`no session: ${shown(JSON.stringify(heard))}`);
  const { kind: _kind, ...credentials } = answer;
  return credentials;
}

/**
 * Over another connection than the one of the registration, sends the proof that the client may use the session, if
 * there is such a proof.
 */
export function resume(connection: ThinConnection, namespaceId: number, credentials: Credentials): void {
  if ('secret' in credentials) connection.say([{ kind: 'resume', namespaceId, ...credentials }]);
}

/** The credentials of a stranger who knows only the number. The rest has the right form, and is wrong. */
export function guessed(credentials: Credentials): Credentials {
  return Object.fromEntries(
    Object.entries(credentials).map(([name, value]) => {
      if (typeof value === 'string') return [name, value.replace(/[0-9a-f]/g, (digit) => (digit === '0' ? '1' : '0'))];
      if (value instanceof Uint8Array) return [name, value.map((byte) => byte ^ 0xff)];
      return [name, value];
    }),
  );
}

export function request(namespaceId: number, credentials: Credentials, number: number, operation: object): object {
  return { kind: 'request', namespaceId, ...credentials, request: number, answered: number, operation };
}

export function errorOf(heard: Heard): WireError | null {
  return heard.error ?? heard.reply?.answer.error ?? null;
}
