/**
 * Fetches a checkpoint in chunks that are checked by hash, staged on disk, and available from any peer (protocol §5).
 */

import type { Op } from '../base/ids.ts';
import type { CheckpointInfo } from './checkpoint.ts';
import type { Member } from './configuration.ts';
import type { Core } from './core.ts';
import type { MessageOf } from './messages.ts';

/** How many chunks are asked for at once. */
const chunksInFlight = 4;

interface Asked {
  readonly nonce: number;
  readonly dueAt: number;
}

export class CheckpointTransfer {
  readonly #core: Core;
  readonly #staged: (info: CheckpointInfo) => void;
  #info: CheckpointInfo | null = null;
  #source: Member | null = null;
  /** By chunk: 0 to be fetched, 1 on its way to disk, 2 staged. */
  #state: Uint8Array = new Uint8Array(0);
  #left = 0;
  readonly #asked = new Map<number, Asked>();
  /** How many times in a row a peer said that it does not have the chunk, or did not answer in time. */
  #refusals = 0;

  constructor(core: Core, staged: (info: CheckpointInfo) => void) {
    this.#core = core;
    this.#staged = staged;
  }

  get active(): boolean {
    return this.#info !== null;
  }

  /** The op of the checkpoint that is being fetched. */
  get op(): Op | null {
    return this.#info?.op ?? null;
  }

  cancel(): void {
    this.#info = null;
    this.#asked.clear();
    this.#refusals = 0;
  }

  begin(info: CheckpointInfo, from: Member): void {
    this.cancel();
    this.#info = info;
    this.#source = from;
    this.#state = new Uint8Array(info.chunks.length);
    this.#left = info.chunks.length;
    for (let index = 0; index < info.chunks.length; index++) {
      if (!this.#core.storage.staged(info, index)) continue;
      this.#state[index] = 2;
      this.#left--;
    }
    this.#finishIfWhole();
  }

  pump(): void {
    const core = this.#core;
    const info = this.#info;
    if (info === null) return;
    for (const [index, asked] of this.#asked) {
      if (core.now < asked.dueAt) continue;
      this.#asked.delete(index);
      this.#refuse();
    }
    if (this.#info === null || this.#source === null) return;
    for (let index = 0; index < info.chunks.length && this.#asked.size < chunksInFlight; index++) {
      if (this.#state[index] !== 0 || this.#asked.has(index)) continue;
      const nonce = core.nonce();
      this.#asked.set(index, { nonce, dueAt: core.now + core.times.chunkMs });
      core.send(this.#source, { kind: 'getChunk', nonce, op: info.op, hash: info.hash, index });
    }
  }

  chunk(message: MessageOf<'chunk'>): void {
    const core = this.#core;
    const info = this.#info;
    if (info === null || this.#asked.get(message.index)?.nonce !== message.nonce) return;
    this.#asked.delete(message.index);
    if (message.bytes === null || core.hash.digest(message.bytes) !== info.chunks[message.index]) {
      this.#refuse();
      return;
    }
    this.#refusals = 0;
    this.#state[message.index] = 1;
    core.effect({ kind: 'stageChunk', checkpoint: info, index: message.index, bytes: message.bytes });
  }

  chunkStaged(op: Op, index: number): void {
    if (this.#info?.op !== op || this.#state[index] !== 1) return;
    this.#state[index] = 2;
    this.#left--;
    this.#finishIfWhole();
  }

  /** Another peer may have it. If none does, the group has a newer checkpoint, and asking again will show that. */
  #refuse(): void {
    const core = this.#core;
    const others = core.voters.filter((member) => !core.isSelf(member));
    if (++this.#refusals > 2 * others.length) {
      this.cancel();
      return;
    }
    const at = this.#source === null ? -1 : others.indexOf(this.#source);
    this.#source = others[(at + 1) % Math.max(1, others.length)] ?? null;
  }

  #finishIfWhole(): void {
    const info = this.#info;
    if (info === null || this.#left > 0) return;
    this.cancel();
    this.#staged(info);
  }

  /** Serves a peer from the installed checkpoint. */
  getChunk(from: Member, message: MessageOf<'getChunk'>): void {
    const core = this.#core;
    const own = core.log.checkpoint;
    const has = own !== null && own.op === message.op && own.hash === message.hash && core.down === null;
    const bytes = has ? core.storage.chunk(message.op, message.index) : null;
    core.send(from, { kind: 'chunk', nonce: message.nonce, index: message.index, bytes });
  }
}
