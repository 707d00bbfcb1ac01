/**
 * What core needs from the world it runs in. A server, the simulator and a browser tab each bring their own
 * implementation. Each port has one conformance suite that all of its implementations pass (architecture §1).
 */

/**
 * Monotonic time and turns of the event loop. Nothing in core relies on it for safety (protocol §7, "No clock is
 * trusted").
 */
export interface Clock {
  /** Whole milliseconds since an arbitrary start. It never goes back. */
  now(): number;
  /**
   * Runs `work` once at the end of this turn of the event loop, after the input that has already arrived. So what
   * arrived together is batched together, and a single waiting request is not delayed.
   */
  soon(work: () => void): void;
  /**
   * Milliseconds of the wall clock. Only what it gains on {@link now} is used: so long a machine may have slept. A host
   * whose `now` goes on while it sleeps leaves it out.
   */
  wall?(): number;
}

/** Chance. Integers only, so that it is the same everywhere. */
export interface Random {
  /** An integer from 0 to 2^32 - 1. */
  uint32(): number;
  /** An integer from 0 to `limit` - 1. */
  below(limit: number): number;
  bytes(count: number): Uint8Array;
}

/** SHA-256 cut to 128 bits, as 32 hexadecimal digits. It names an entry, a checkpoint or a chunk. */
export interface Hash {
  digest(bytes: Uint8Array): string;
  /** The same hash over bytes that come in parts. */
  start(): Hasher;
  /** HMAC-SHA-256, uncut, as 64 hexadecimal digits. Only someone who knows `key` can compute it for `bytes`. */
  mac(key: Uint8Array, bytes: Uint8Array): string;
}

export interface Hasher {
  update(bytes: Uint8Array): void;
  digest(): string;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Structured log lines. Secrets are never passed to it. */
export interface Log {
  write(level: LogLevel, message: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** Why a disk could not do what it was asked. The text is for an operator. `DiskFull` is one of these errors. */
export type DiskError = Error;
export type DiskDone = (error: DiskError | null) => void;

/**
 * A directory of files. Calls on one file finish in the order in which they were made. Reads are synchronous: they
 * happen at start, and later only in bounded pieces for a peer that lags. Everything that may wait for a platter takes
 * `done`. Create, rename, remove and truncate are durable when `done` is called. A write is durable when a `sync` that
 * was called after it is done, or, if it was asked to be durable, at its own `done`.
 */
export interface Disk {
  /** Takes the directory for this process alone. @throws an Error that names the holder when another process has it. */
  lock(): void;
  unlock(): void;
  /** The names and sizes in bytes of the files in the directory, sorted by name. */
  list(): readonly { readonly name: string; readonly size: number }[];
  /** What has this name and is no file, so that it is in no list: "a directory"; null for files, and where nothing has it. */
  noFile?(name: string): string | null;
  /**
   * Makes everything durable that is in the directory, before anybody reads it. A process that was killed may have written
   * what it did not live to sync. It is read like the rest, and a power cut may still take it back.
   * @throws when something cannot be made durable.
   */
  syncAll(): void;
  /** At most `length` bytes from `offset`; fewer only at the file's end. @throws when a sector cannot be read. */
  read(name: string, offset: number, length: number): Uint8Array;
  /**
   * Makes a new file of `size` zero bytes with its space allocated. It fails if the file exists. If it fails, it leaves
   * no file.
   */
  create(name: string, size: number, done: DiskDone): void;
  /** Writes `parts` one after the other at `offset`. With `durable`, it writes and syncs in one call. */
  write(name: string, offset: number, parts: readonly Uint8Array[], durable: boolean, done: DiskDone): void;
  sync(name: string, done: DiskDone): void;
  truncate(name: string, size: number, done: DiskDone): void;
  /** Replaces `to` if it exists. */
  rename(from: string, to: string, done: DiskDone): void;
  remove(name: string, done: DiskDone): void;
  /** How many more bytes can be written, for the reserve of architecture §2. */
  free(): number;
}

/** What a process may use of its memory, and uses. Dead objects count as long as they were not collected. */
export interface MemoryUse {
  readonly usedBytes: number;
  readonly limitBytes: number;
}

/** Memory without which the process ends. */
export interface Memory {
  use(): MemoryUse;
  /** Frees what is dead. Nothing else runs meanwhile. It tells how many milliseconds that took. A host that cannot do it leaves it out. */
  collect?(): number;
}

/** What a link carries: binary frames, or text frames when its codec is text. */
export type Frame = Uint8Array | string;

/** One connection, seen from one end. Frames arrive whole and in order, or else the link closes. */
export interface Link {
  /** Hands a frame to the link. A closed link ignores it. */
  send(frame: Frame): void;
  /** Closes with a WebSocket close code and a short reason; `onClose` follows. */
  close(code: number, reason: string): void;
  /**
   * Bytes that were sent and have not left this process yet. The sender uses it to bound what it queues for a slow
   * reader.
   */
  buffered(): number;
  /**
   * Bytes that have left this process so far. It grows only when the other end takes something, and also while one large
   * write goes on. A link that cannot tell leaves it out.
   */
  taken?(): number;
  /** The other end has proven who it is. Until then, a host may bound what it reads of it. */
  proven?(): void;
  /**
   * Reads nothing more of the other end until {@link resume}, so that its kernel and ours fill and it has to wait. Frames that have
   * arrived may still be delivered. A link that cannot do this leaves it out.
   */
  pause?(): void;
  /** Reads on after {@link pause}. */
  resume?(): void;
}

/** Hears what happens on a link. */
export interface LinkHandler {
  /** Only for links that we dialled: the handshake is done, and frames may be sent. */
  onOpen?(): void;
  /** A frame arrived, whole and in order. */
  onFrame(frame: Frame): void;
  /** The last call. `code` is 1006 when the connection broke or never opened. */
  onClose(code: number, reason: string): void;
}

/** The interfaces of a node, by which others reach it (architecture §2). */
export type Interface = 'cluster' | 'admin' | 'api';

/** Dials other nodes. Accepting is up to the host, which hands each new link to the node. */
export interface Transport {
  /**
   * Dials `address` (`host:port` or a URL) for one interface, with the subprotocol of one codec. The handler is never
   * called before this returns.
   */
  dial(address: string, subprotocol: string, handler: LinkHandler): Link;
}
