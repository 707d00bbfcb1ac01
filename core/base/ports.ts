/**
 * What core needs from the world it runs in. A server, the simulator and a browser tab each bring their own; each port has
 * one conformance suite that all of its implementations pass (architecture §1).
 */

/** Monotonic time and turns. Nothing in core judges safety by it (protocol §7, "No clock is trusted"). */
export interface Clock {
  /** Whole milliseconds since an arbitrary beginning; never goes back. */
  now(): number;
  /**
   * Runs `work` once at the end of this turn of the loop, after the inputs that have already arrived: what came together is
   * batched together, and a single waiting request is not delayed.
   */
  soon(work: () => void): void;
}

/** Chance; integers only, so that it is the same everywhere. */
export interface Random {
  /** An integer from 0 to 2^32 - 1. */
  uint32(): number;
  /** An integer from 0 to `limit` - 1. */
  below(limit: number): number;
  bytes(count: number): Uint8Array;
}

/** SHA-256 cut to 128 bits, as 32 hexadecimal digits: the name of an entry, a checkpoint, a chunk. */
export interface Hash {
  digest(bytes: Uint8Array): string;
  /** The same over bytes that come in parts. */
  start(): Hasher;
  /** HMAC-SHA-256, whole, as 64 hexadecimal digits: what only who knows `key` can say of `bytes`. */
  mac(key: Uint8Array, bytes: Uint8Array): string;
}

export interface Hasher {
  update(bytes: Uint8Array): void;
  digest(): string;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Structured log lines. Secrets are never given to it. */
export interface Log {
  write(level: LogLevel, message: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** Why a disk could not do what it was asked: its text says it to an operator. `DiskFull` is one of its own. */
export type DiskError = Error;
export type DiskDone = (error: DiskError | null) => void;

/**
 * A directory of files. Calls on one file end in the order they were made. Reads are synchronous: they happen at start, and
 * later only in bounded pieces for a peer that lags; everything that can wait for a platter is a call with `done`.
 * Create, rename, remove and truncate are durable when `done` is called; a write is durable once a `sync` that was
 * asked for after it is done, or at its own `done` when it was asked to be durable.
 */
export interface Disk {
  /** Takes the directory for this process alone. @throws an Error that names the holder when another process has it. */
  lock(): void;
  unlock(): void;
  /** Names and sizes in bytes of the files that are there, sorted by name. */
  list(): readonly { readonly name: string; readonly size: number }[];
  /** At most `length` bytes from `offset`; fewer only at the file's end. @throws when a sector cannot be read. */
  read(name: string, offset: number, length: number): Uint8Array;
  /** Makes a new file of `size` zero bytes whose space is allocated. It is an error if it is there. One that fails leaves nothing. */
  create(name: string, size: number, done: DiskDone): void;
  /** Writes `parts`, one behind the other, at `offset`. With `durable`, as one write and sync. */
  write(name: string, offset: number, parts: readonly Uint8Array[], durable: boolean, done: DiskDone): void;
  sync(name: string, done: DiskDone): void;
  truncate(name: string, size: number, done: DiskDone): void;
  /** Replaces `to` when it is there. */
  rename(from: string, to: string, done: DiskDone): void;
  remove(name: string, done: DiskDone): void;
  /** Bytes that can still be written, for the reserve of architecture §2. */
  free(): number;
}

/** What a link carries: binary frames, or text frames for links of a text codec. */
export type Frame = Uint8Array | string;

/** One connection, seen from one end. Frames arrive whole and in order, or the link closes. */
export interface Link {
  /** Hands a frame to the link. A link that is closed ignores it. */
  send(frame: Frame): void;
  /** Closes with a WebSocket close code and a short reason; `onClose` follows. */
  close(code: number, reason: string): void;
  /** Bytes that were sent and have not left this process yet: the sender's bound on a slow reader. */
  buffered(): number;
}

/** Who is told what happens on a link. */
export interface LinkHandler {
  /** Dialled links only: the handshake is done and frames may be sent. */
  onOpen?(): void;
  /** A frame arrived, whole and in order. */
  onFrame(frame: Frame): void;
  /** The last call. `code` is 1006 when the connection broke or never opened. */
  onClose(code: number, reason: string): void;
}

/** The ways into a node (architecture §2). */
export type Interface = 'cluster' | 'admin' | 'api';

/** Dials other nodes. Accepting is the host's part: it hands each new link to the node. */
export interface Transport {
  /**
   * Dials `address` (`host:port` or a URL) for one interface with one codec's subprotocol.
   * The handler is never called before this returns.
   */
  dial(address: string, subprotocol: string, handler: LinkHandler): Link;
}
