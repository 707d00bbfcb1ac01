/**
 * The leanest client for etcd: HTTP/2 frames written by hand into a socket. Its requests have constant headers. After
 * two priming requests, every header block is six bytes, all of them references to HPACK's tables (RFC 7541 §6.1).
 */

import type { Socket } from 'node:net';
import { etcdPaths, putBytes, rangeBytes, rangeValueBytes, writePut, writeRange } from './etcd-messages.ts';
import { SocketWriter } from './socket-writer.ts';
import { openSocket } from './sockets.ts';
import type { Connection, Done } from './target.ts';

const frame = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 } as const;
const flag = { endStream: 1, ack: 1, endHeaders: 4, padded: 8 } as const;
const frameHeaderBytes = 9;
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const defaultWindowBytes = 65_535;
const largestWindowBytes = 2 ** 31 - 1;
/** A request fits into one frame of the size that every server accepts. The bench's arguments ensure that. */
export const maxRequestBytes = 16_384;

interface Waiting {
  readonly done: Done;
  readonly isGet: boolean;
  /** The message of the answer so far. A server may send it in several frames. */
  message: Uint8Array | null;
}

/** A request that waits for the connection's flow-control window. */
interface Held {
  readonly bytes: number;
  readonly send: () => void;
  readonly done: Done;
}

/** A literal header field that enters the dynamic table. `name` is an index of the static table or a text. */
function literal(name: number | string, value: string): Buffer {
  const named =
    typeof name === 'number'
      ? Buffer.from([0x40 | name])
      : Buffer.concat([Buffer.from([0x40, name.length]), Buffer.from(name, 'latin1')]);
  return Buffer.concat([named, Buffer.from([value.length]), Buffer.from(value, 'latin1')]);
}

const methodPost = 0x83;
const schemeHttp = 0x86;
const staticPath = 4;
const staticAuthority = 1;
const staticContentType = 31;
const indexed = (index: number): number => 0x80 | index;

/** The dynamic table begins at 62, with the newest entry. */
const headerBlocks = {
  /** Enters range path, authority, content type and te. */
  first: (authority: string) =>
    Buffer.concat([
      Buffer.from([methodPost, schemeHttp]),
      literal(staticPath, etcdPaths.range),
      literal(staticAuthority, authority),
      literal(staticContentType, 'application/grpc'),
      literal('te', 'trailers'),
    ]),
  /** Enters the put path, which moves the others up by one. */
  second: Buffer.concat([
    Buffer.from([methodPost, schemeHttp]),
    literal(staticPath, etcdPaths.put),
    Buffer.from([indexed(65), indexed(64), indexed(63)]),
  ]),
  put: Buffer.from([methodPost, schemeHttp, indexed(62), indexed(65), indexed(64), indexed(63)]),
  range: Buffer.from([methodPost, schemeHttp, indexed(66), indexed(65), indexed(64), indexed(63)]),
};

class EtcdFramesConnection implements Connection {
  readonly #socket: Socket;
  readonly #writer: SocketWriter;
  readonly #streams = new Map<number, Waiting>();
  #held: Held[] = [];
  #nextStream = 1;
  #sendWindow = defaultWindowBytes;
  #received = 0;
  #rest: Buffer | null = null;
  #failure: Error | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#writer = new SocketWriter(socket);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('etcd closed the connection')));
    this.#greet();
  }

  /** Fills the peer's header table with two requests, so that all others can refer to it. */
  prime(authority: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#send(headerBlocks.first(authority), 'primer', null, true, (first) => {
        if (first !== null) {
          reject(first);
          return;
        }
        this.#send(headerBlocks.second, 'primer', new Uint8Array(1), false, (second) =>
          second === null ? resolve() : reject(second),
        );
      });
    });
  }

  create(key: string, value: Uint8Array, done: Done): void {
    this.put(key, value, done);
  }

  put(key: string, value: Uint8Array, done: Done): void {
    this.#send(headerBlocks.put, key, value, false, done);
  }

  get(key: string, linearizable: boolean, done: Done): void {
    this.#send(headerBlocks.range, key, null, !linearizable, done);
  }

  failure(): Error | null {
    return this.#failure;
  }

  close(): void {
    this.#fail(new Error('the connection was closed'));
  }

  /** A put has a value; a range has none. */
  #send(headers: Buffer, key: string, value: Uint8Array | null, serializable: boolean, done: Done): void {
    if (this.#failure !== null) {
      const failure = this.#failure;
      setImmediate(() => done(failure, 0));
      return;
    }
    const bytes = value === null ? rangeBytes(key, serializable) : putBytes(key, value);
    if (bytes > this.#sendWindow || this.#held.length > 0) {
      this.#held.push({ bytes, done, send: () => this.#sendNow(headers, bytes, key, value, serializable, done) });
      return;
    }
    this.#sendNow(headers, bytes, key, value, serializable, done);
  }

  #sendNow(
    headers: Buffer,
    bytes: number,
    key: string,
    value: Uint8Array | null,
    serializable: boolean,
    done: Done,
  ): void {
    this.#sendWindow -= bytes;
    const stream = this.#nextStream;
    this.#nextStream += 2;
    this.#streams.set(stream, { done, isGet: value === null, message: null });
    let at = this.#writer.reserve(2 * frameHeaderBytes + headers.length + bytes);
    const buffer = this.#writer.buffer;
    at = writeFrameHeader(buffer, at, headers.length, frame.headers, flag.endHeaders, stream);
    buffer.set(headers, at);
    at = writeFrameHeader(buffer, at + headers.length, bytes, frame.data, flag.endStream, stream);
    if (value === null) writeRange(buffer, at, key, serializable);
    else writePut(buffer, at, key, value);
  }

  #greet(): void {
    const settings: readonly (readonly [id: number, value: number])[] = [
      [1, 0], // No header table on our side: we need not understand the headers of answers.
      [2, 0], // No push.
      [4, largestWindowBytes],
    ];
    const bytes = preface.length + frameHeaderBytes + settings.length * 6;
    let at = this.#writer.reserve(bytes);
    const buffer = this.#writer.buffer;
    buffer.set(preface, at);
    at = writeFrameHeader(buffer, at + preface.length, settings.length * 6, frame.settings, 0, 0);
    for (const [id, value] of settings) {
      buffer.writeUInt16BE(id, at);
      buffer.writeUInt32BE(value, at + 2);
      at += 6;
    }
    this.#widen(largestWindowBytes - defaultWindowBytes);
  }

  /** Lets the server send `more` bytes. */
  #widen(more: number): void {
    let at = this.#writer.reserve(frameHeaderBytes + 4);
    at = writeFrameHeader(this.#writer.buffer, at, 4, frame.windowUpdate, 0, 0);
    this.#writer.buffer.writeUInt32BE(more, at);
  }

  #acknowledge(type: number, payload: Uint8Array): void {
    let at = this.#writer.reserve(frameHeaderBytes + payload.length);
    at = writeFrameHeader(this.#writer.buffer, at, payload.length, type, flag.ack, 0);
    this.#writer.buffer.set(payload, at);
  }

  #onData(chunk: Buffer): void {
    const bytes = this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= frameHeaderBytes) {
      const length = bytes.readUIntBE(at, 3);
      const end = at + frameHeaderBytes + length;
      if (end > bytes.length) break;
      const stream = bytes.readUInt32BE(at + 5) & 0x7fffffff;
      this.#onFrame(bytes[at + 3]!, bytes[at + 4]!, stream, bytes.subarray(at + frameHeaderBytes, end));
      at = end;
    }
    this.#rest = at === bytes.length ? null : bytes.subarray(at);
  }

  #onFrame(type: number, flags: number, stream: number, payload: Buffer): void {
    switch (type) {
      case frame.data:
        this.#onMessage(stream, payload, flags);
        break;
      case frame.headers:
        if ((flags & flag.endStream) !== 0) this.#finish(stream, null);
        break;
      case frame.reset:
        this.#finish(stream, new Error(`etcd reset the stream with code ${payload.readUInt32BE(0)}`));
        break;
      case frame.settings:
        if ((flags & flag.ack) === 0) this.#acknowledge(frame.settings, new Uint8Array(0));
        break;
      case frame.ping:
        if ((flags & flag.ack) === 0) this.#acknowledge(frame.ping, payload);
        break;
      case frame.goAway:
        this.#fail(new Error(`etcd ended the connection with code ${payload.readUInt32BE(4)}`));
        break;
      case frame.windowUpdate:
        if (stream === 0) this.#onWindow(payload.readUInt32BE(0) & 0x7fffffff);
        break;
      default:
    }
  }

  #onMessage(stream: number, payload: Buffer, flags: number): void {
    this.#received += payload.length;
    if (this.#received > largestWindowBytes / 2) {
      this.#widen(this.#received);
      this.#received = 0;
    }
    const waiting = this.#streams.get(stream);
    if (waiting === undefined) return;
    const part = (flags & flag.padded) === 0 ? payload : payload.subarray(1, payload.length - payload[0]!);
    waiting.message = waiting.message === null ? part : Buffer.concat([waiting.message, part]);
    if ((flags & flag.endStream) !== 0) this.#finish(stream, null);
  }

  #onWindow(more: number): void {
    this.#sendWindow += more;
    let sent = 0;
    for (const held of this.#held) {
      if (held.bytes > this.#sendWindow) break;
      held.send();
      sent++;
    }
    if (sent > 0) this.#held = this.#held.slice(sent);
  }

  /** When gRPC refuses a call, the answer has only headers. Otherwise it has a message. */
  #finish(stream: number, error: Error | null): void {
    const waiting = this.#streams.get(stream);
    if (waiting === undefined) return;
    this.#streams.delete(stream);
    if (error !== null) waiting.done(error, 0);
    else if (waiting.message === null) waiting.done(new Error('etcd refused the call'), 0);
    else waiting.done(null, waiting.isGet ? Math.max(0, rangeValueBytes(waiting.message)) : 0);
  }

  #fail(error: Error): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#socket.destroy();
    const waiting = [...this.#streams.values(), ...this.#held];
    this.#streams.clear();
    this.#held = [];
    for (const one of waiting) one.done(error, 0);
  }
}

function writeFrameHeader(
  buffer: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  stream: number,
): number {
  buffer.writeUIntBE(length, at, 3);
  buffer[at + 3] = type;
  buffer[at + 4] = flags;
  buffer.writeUInt32BE(stream, at + 5);
  return at + frameHeaderBytes;
}

export async function connectEtcdFrames(address: string): Promise<Connection> {
  const connection = new EtcdFramesConnection(await openSocket(address));
  await connection.prime(address);
  return connection;
}
