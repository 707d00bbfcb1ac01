/**
 * One connection of a client: frames in both directions, and why it ended. It ends once, and reports nothing after
 * that.
 */

import type { ErrorInfo } from '../base/errors.ts';
import { MalformedError, errorInfo } from '../base/errors.ts';
import { defaultMaxFrameBytes } from '../base/limits.ts';
import type { Frame, Link, LinkHandler } from '../base/ports.ts';
import * as closeCodes from '../wire/close-codes.ts';
import type { Codec } from '../wire/codec.ts';
import type { OutboxOptions } from '../wire/outbox.ts';
import { Outbox } from '../wire/outbox.ts';
import type { ClientPorts } from './options.ts';

/** What a connection needs to know about the messages of an interface. */
export interface Dialect<Out, In> {
  readonly subprotocol: string;
  codec(maxFrameBytes: number): Codec<Out, In>;
  readonly maxFrameMessages: number;
  estimate(message: Out): number;
  /** The error of a `goodbye`, or null for any other message. */
  goodbye(message: In): ErrorInfo | null;
}

export interface ConnectionEvents<Out, In> {
  onOpen(connection: Connection<Out, In>): void;
  onMessage(connection: Connection<Out, In>, message: In): void;
  onDown(connection: Connection<Out, In>, error: ErrorInfo): void;
  /** A message that is too large for a frame was not sent. */
  onOversized(message: Out, bytes: number, limit: number): void;
}

/**
 * With hundreds of calls outstanding, most new calls come from callers that were just answered. After this many
 * messages a frame is sent early, so that the node works on them while this end still answers the other callers. With
 * fewer, the additional frames would cost more than this saves.
 */
const earlyMessages = 32;

/** The bound of a frame, whatever a node says in its welcome. */
const largestFrameBytes = 1024 * 1024 * 1024;

export class Connection<Out, In> implements LinkHandler {
  readonly address: string;
  /** When it was dialled, and when the node was last heard. */
  readonly dialledAtMs: number;
  heardAtMs: number;
  pingedAtMs = 0;
  readonly #ports: ClientPorts;
  readonly #dialect: Dialect<Out, In>;
  readonly #events: ConnectionEvents<Out, In>;
  readonly #link: Link;
  readonly #outbox: Outbox<Out>;
  readonly #outboxOptions: OutboxOptions<Out> & { maxFrameBytes: number };
  #codec: Codec<Out, In>;
  #ended = false;
  #goodbye: ErrorInfo | null = null;

  constructor(
    ports: ClientPorts,
    dialect: Dialect<Out, In>,
    events: ConnectionEvents<Out, In>,
    address: string,
    maxQueuedBytes: number,
  ) {
    this.address = address;
    this.#ports = ports;
    this.#dialect = dialect;
    this.#events = events;
    this.dialledAtMs = ports.clock.now();
    this.heardAtMs = this.dialledAtMs;
    this.#codec = dialect.codec(defaultMaxFrameBytes);
    this.#outboxOptions = {
      maxFrameBytes: defaultMaxFrameBytes,
      maxQueuedBytes,
      maxFrameMessages: dialect.maxFrameMessages,
      earlyMessages,
      estimate: (message) => dialect.estimate(message),
      oversized: (message, bytes) => {
        events.onOversized(message, bytes, this.#outboxOptions.maxFrameBytes);
        return null;
      },
    };
    this.#link = ports.transport.dial(address, dialect.subprotocol, this);
    this.#outbox = new Outbox(this.#codec, this.#link, ports.clock, this.#outboxOptions);
  }

  /** Queues a message for the end of this turn. */
  send(message: Out): void {
    this.#outbox.send(message);
  }

  /** Bytes that were sent and have not left this process. */
  get buffered(): number {
    return this.#link.buffered();
  }

  /** Takes the limit from the node's welcome. */
  limitFrames(maxFrameBytes: number): void {
    this.#outboxOptions.maxFrameBytes = maxFrameBytes;
    const readable = Math.min(Math.max(maxFrameBytes, defaultMaxFrameBytes), largestFrameBytes);
    if (readable !== this.#codec.maxFrameBytes) this.#codec = this.#dialect.codec(readable);
  }

  /** Ends it from our side. Nothing is reported. */
  close(code: number, reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#outbox.flush();
    this.#outbox.close();
    this.#link.close(code, reason);
  }

  /** Ends it because of a fault of the other end, and reports that. */
  fail(code: number, error: ErrorInfo): void {
    if (this.#ended) return;
    this.close(code, error.message.slice(0, 60));
    this.#events.onDown(this, error);
  }

  onOpen(): void {
    if (!this.#ended) this.#events.onOpen(this);
  }

  onFrame(frame: Frame): void {
    if (this.#ended) return;
    this.heardAtMs = this.#ports.clock.now();
    let messages: readonly In[];
    try {
      messages = this.#codec.decode(frame);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      const problem = `${this.address} sent a frame that cannot be read: ${error.message}`;
      this.fail(closeCodes.badFrame, errorInfo('BadFrame', problem, { address: this.address }));
      return;
    }
    for (const message of messages) {
      const goodbye = this.#dialect.goodbye(message);
      if (goodbye === null) this.#events.onMessage(this, message);
      else this.#goodbye = goodbye;
      // A message may have ended the connection.
      if (this.#isEnded()) return;
    }
  }

  onClose(code: number, reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#outbox.close();
    const error = this.#goodbye ?? closedError(this.address, code, reason);
    this.#events.onDown(this, error);
  }

  #isEnded(): boolean {
    return this.#ended;
  }
}

function closedError(address: string, code: number, reason: string): ErrorInfo {
  const why = reason === '' ? '' : `: ${reason}`;
  const what = code === closeCodes.abnormal ? `cannot reach ${address}` : `${address} closed the connection`;
  return errorInfo('NodeUnreachable', `${what}${why}`, { address, closeCode: code });
}
