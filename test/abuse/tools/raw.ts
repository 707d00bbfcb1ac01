/** A client in binary that keeps no promises: it asks what it likes, as often as it likes, and need not read the answers. */

import type { WebSocket } from 'ws';
import { encodeWhole } from '../../../core/base/whole.ts';
import { encodeOperation } from '../../../core/service/body.ts';
import { decodeReply } from '../../../core/service/reply.ts';
import type { Reply } from '../../../core/service/reply.ts';
import type { Operation } from '../../../core/tree/operation.ts';
import { apiProtocol, apiSubprotocols, clientFrameSchema, serverFrameSchema } from '../../../core/wire/api.ts';
import type { ClientMessage, ServerMessage } from '../../../core/wire/api.ts';
import { decodeWhole } from '../../../core/base/whole.ts';
import { open } from '../../integration/raw-socket.ts';
import { namespaceName, shown } from '../../stage/stage.ts';
import type { Stage } from '../../stage/stage.ts';
import { within } from '../../stage/tools/waiting.ts';

const answerLimitMs = 20_000;

const secret = 'ab'.repeat(16);

export class Raw {
  readonly #ws: WebSocket;
  readonly #waiting = new Map<number, (message: ServerMessage | null) => void>();
  #lastId = 0;
  /** How many answers came, and how many of them were errors. */
  answers = 0;
  errors = 0;
  /** What errors said, each once. */
  readonly words = new Set<string>();
  /** The code with which the node closed; null while it is open. */
  closed: number | null = null;
  namespaceId = 0;
  session = 0;

  private constructor(ws: WebSocket) {
    this.#ws = ws;
    ws.on('message', (data: Buffer) => {
      for (const message of decodeWhole(serverFrameSchema, new Uint8Array(data))) this.#take(message);
    });
    ws.on('close', (code) => {
      this.closed = code;
      for (const waiter of this.#waiting.values()) waiter(null);
      this.#waiting.clear();
    });
  }

  /** Connects, says hello and enters the namespace of the trial. */
  static async open(stage: Pick<Stage, 'atEnd'>, address: string): Promise<Raw> {
    const ws = await open(address, apiSubprotocols.binary);
    stage.atEnd(() => ws.terminate());
    const raw = new Raw(ws);
    raw.say([{ kind: 'hello', protocol: apiProtocol, client: 'abuse/1' }]);
    const entered = await raw.ask((id) => ({ kind: 'enter', id, namespace: namespaceName }));
    if (entered?.kind !== 'entered') throw new Error(`cannot enter: ${shown(JSON.stringify(entered))}`);
    raw.namespaceId = entered.namespaceId;
    return raw;
  }

  /** Registers a session, which is the one of {@link write} from then on. */
  async register(): Promise<void> {
    const { namespaceId } = this;
    const said = await this.ask((id) => ({ kind: 'register', id, namespaceId, client: 'abuse/1', secret }));
    const answer = said?.kind === 'reply' ? decodeReply(said.reply).answer : null;
    if (answer?.kind !== 'registered') throw new Error(`no session: ${shown(JSON.stringify(said))}`);
    this.session = answer.session;
  }

  /** Sends messages in one frame. */
  say(messages: readonly ClientMessage[]): number {
    const frame = encodeWhole(clientFrameSchema, messages);
    if (this.closed === null) this.#ws.send(frame);
    return frame.length;
  }

  nextId(): number {
    return ++this.#lastId;
  }

  ask(message: (id: number) => ClientMessage, limitMs = answerLimitMs): Promise<ServerMessage | null> {
    const id = this.nextId();
    const answer = new Promise<ServerMessage | null>((resolve) => this.#waiting.set(id, resolve));
    this.say([message(id)]);
    return within('an answer', limitMs, answer);
  }

  /** The answer to a message that was or will be said with this id; null when the connection closes before. */
  answerTo(id: number): Promise<ServerMessage | null> {
    if (this.closed !== null) return Promise.resolve(null);
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  readMessage(operation: Operation, consistency: 'local' | 'linearizable' = 'local'): ClientMessage {
    const { namespaceId } = this;
    const kind = { kind: consistency };
    return { kind: 'read', id: this.nextId(), namespaceId, consistency: kind, operation: encodeOperation(operation) };
  }

  writeMessage(operation: Operation, request: number, answered: number, session = this.session): ClientMessage {
    const { namespaceId } = this;
    return {
      kind: 'request',
      id: this.nextId(),
      namespaceId,
      session,
      request,
      answered,
      operation: encodeOperation(operation),
    };
  }

  /** A local read, and its answer. */
  async read(operation: Operation): Promise<ServerMessage | null> {
    const message = this.readMessage(operation);
    const answer = this.answerTo(this.#lastId);
    this.say([message]);
    return within('an answer', answerLimitMs, answer);
  }

  async write(operation: Operation, request: number): Promise<Reply | null> {
    const message = this.writeMessage(operation, request, request);
    const answer = this.answerTo(this.#lastId);
    this.say([message]);
    const said = await within('an answer', answerLimitMs, answer);
    return said?.kind === 'reply' ? decodeReply(said.reply) : null;
  }

  /** Reads nothing from now on. */
  pause(): void {
    this.#ws.pause();
  }

  resume(): void {
    this.#ws.resume();
  }

  close(): void {
    this.#ws.terminate();
  }

  #take(message: ServerMessage): void {
    this.answers++;
    if (message.kind === 'error') {
      this.errors++;
      this.words.add(`${message.error.code} (${message.error.outcome}): ${message.error.message}`);
    }
    if (!('id' in message) && message.kind !== 'welcome') return;
    const id = 'id' in message ? message.id : 0;
    const waiter = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiter?.(message);
  }
}
