/**
 * Reads that do not go through the log. They use a read index that a heartbeat round confirms, which backups ask the
 * primary for, or they wait for an op (protocol §7, "Reads"). No clock is trusted.
 */

import type { ErrorInfo } from '../base/errors.ts';
import { errorInfo } from '../base/errors.ts';
import type { HeapItem } from '../base/heap.ts';
import { Heap } from '../base/heap.ts';
import type { Op, Token } from '../base/ids.ts';
import { Numbered } from '../base/numbered.ts';
import type { Member } from './configuration.ts';
import type { Core } from './core.ts';
import type { MessageOf } from './messages.ts';
import type { ReadsPart } from './parts.ts';

interface Read {
  readonly token: Token;
  abandoned: boolean;
  /** While it waits for an op. */
  waiting: Waiting | null;
}

interface Waiting extends HeapItem {
  readonly op: Op;
  readonly read: Read;
}

/** Reads and backups' questions that one heartbeat round serves. */
interface Round {
  readonly round: number;
  readonly index: number;
  readonly reads: readonly Read[];
  readonly questions: ReadonlyMap<Member, number>;
}

interface Question {
  readonly nonce: number;
  readonly reads: readonly Read[];
  dueAt: number;
}

/** The room for reads of at least an op, as a part of the reads that may wait here. */
const earlyPart = 1 / 2;
/** A third round would begin before the first is answered, and would only carry fewer reads. */
const maxRounds = 2;

export class Reads implements ReadsPart {
  readonly #core: Core;
  /** Linearizable reads. */
  readonly #open = new Numbered<Read>();
  /**
   * Reads of at least an op that is not applied here, longest first. Their client names the op, and it may never come. So they have room of
   * their own, and never take that of linearizable reads. When it is full, whatever waits longest goes.
   */
  readonly #early = new Map<Token, Read>();
  /** Tokens rise. None of a read that is early is lower. */
  #firstEarly = 0;
  /** Abandoned reads that may still be in the list of those that arrived. */
  #abandoned = 0;
  /** Linearizable reads that arrived and are in no round and no question yet. */
  #arrived: Read[] = [];
  /** At the primary: the newest question of each member. */
  #questions = new Map<Member, number>();
  #rounds: Round[] = [];
  /** At a backup: what it asked of the primary. */
  #question: Question | null = null;
  /** Reads whose op is known but not applied yet. */
  readonly #waiting = new Heap<Waiting>((a, b) => a.op < b.op || (a.op === b.op && a.read.token < b.read.token));

  constructor(core: Core) {
    this.#core = core;
  }

  read(token: Token, consistency: 'linearizable' | { readonly atLeast: Op }): void {
    const core = this.#core;
    if (core.down !== null) {
      this.#fail(token, errorInfo('Retry', `this replica is being rebuilt: ${core.down}`));
      return;
    }
    const { maxPendingReads } = core.limits;
    const read: Read = { token, abandoned: false, waiting: null };
    if (consistency !== 'linearizable') {
      if (core.parts.execution.applied >= consistency.atLeast) return this.#ready(read);
      this.#makeRoom(Math.max(1, maxPendingReads * earlyPart));
      if (this.#early.size === 0) this.#firstEarly = token;
      this.#early.set(token, read);
      this.#at(consistency.atLeast, read);
    } else if (this.#open.size >= maxPendingReads) {
      const details = { limit: maxPendingReads, actual: this.#open.size };
      this.#fail(token, errorInfo('Overloaded', `maxPendingReads is ${maxPendingReads}`, details));
    } else {
      this.#open.set(token, read);
      if (core.quorum === 1 && this.#leads()) this.#at(core.commit, read);
      else this.#arrived.push(read);
    }
  }

  /** @param most of the reads that name an op may wait. */
  #makeRoom(most: number): void {
    while (this.#early.size >= most) {
      const read = this.#early.get(this.#firstEarly++);
      if (read === undefined) continue;
      this.#take(read);
      const details = { limit: most, actual: most + 1 };
      const text = 'the read waited too long for its op, and others wait as well';
      this.#fail(read.token, errorInfo('Overloaded', text, details));
    }
  }

  #fail(token: Token, error: ErrorInfo): void {
    this.#core.effect({ kind: 'readReady', token, result: { ok: false, error } });
  }

  /** A read leaves. */
  #take(read: Read): void {
    const { token, waiting } = read;
    if (!this.#early.delete(token)) this.#open.take(token);
    if (waiting === null) return;
    this.#waiting.remove(waiting);
    read.waiting = null;
  }

  abandon(token: Token): void {
    const read = this.#early.get(token) ?? this.#open.get(token);
    if (read === undefined) return;
    const arrived = read.waiting === null;
    this.#take(read);
    read.abandoned = true;
    // No round may come for it for long, and it must not stay for ever once no one waits for it.
    if (!arrived || ++this.#abandoned <= this.#open.size) return;
    this.#abandoned = 0;
    this.#arrived = this.#arrived.filter((one) => !one.abandoned);
  }

  /** It is primary, a quorum answers it, and the suffix of its view is committed. */
  #leads(): boolean {
    const { primary } = this.#core.parts;
    return primary.serving && primary.settled;
  }

  /** At the end of a turn: one round, or one question, for everything that arrived. */
  flush(): void {
    const core = this.#core;
    if (this.#arrived.length === 0 && this.#questions.size === 0) return;
    if (core.parts.primary.active) {
      if (this.#leads() && this.#rounds.length < maxRounds) this.#startRound();
      return;
    }
    if (this.#question !== null || this.#arrived.length === 0) return;
    const primary = core.parts.suspicion.knownPrimary();
    if (primary === null) return;
    const reads = this.#arrived.filter((read) => !read.abandoned);
    this.#arrived = [];
    if (reads.length === 0) return;
    this.#question = { nonce: core.nonce(), reads, dueAt: core.now + core.times.readIndexMs };
    core.send(primary, { kind: 'readIndex', nonce: this.#question.nonce });
  }

  #startRound(): void {
    const core = this.#core;
    const reads = this.#arrived.filter((read) => !read.abandoned);
    const questions = this.#questions;
    this.#arrived = [];
    this.#questions = new Map();
    // The round begins after everything that it serves has arrived.
    const index = core.commit;
    const round = { round: core.quorum === 1 ? 0 : core.parts.primary.heartbeat(), index, reads, questions };
    if (core.quorum === 1) this.#serve(round);
    else this.#rounds.push(round);
  }

  /** A quorum answered `round`, and with it all earlier rounds. */
  confirmed(round: number): void {
    while (this.#rounds.length > 0 && this.#rounds[0]!.round <= round) this.#serve(this.#rounds.shift()!);
  }

  #serve({ index, reads, questions }: Round): void {
    for (const read of reads) if (!read.abandoned) this.#at(index, read);
    for (const [member, nonce] of questions) this.#core.send(member, { kind: 'readIndexOk', nonce, index });
  }

  /** The suffix of the view may now be committed. In a group of one, reads that waited for that go on. */
  settled(): void {
    if (this.#core.quorum !== 1 || this.#arrived.length === 0 || !this.#leads()) return;
    this.#startRound();
  }

  readIndex(from: Member, message: MessageOf<'readIndex'>): void {
    if (this.#core.parts.primary.active) this.#questions.set(from, message.nonce);
  }

  readIndexOk(message: MessageOf<'readIndexOk'>): void {
    const question = this.#question;
    if (question?.nonce !== message.nonce) return;
    this.#question = null;
    for (const read of question.reads) if (!read.abandoned) this.#at(message.index, read);
  }

  tick(now: number): void {
    const core = this.#core;
    const question = this.#question;
    if (question === null || now < question.dueAt) return;
    const primary = core.parts.suspicion.knownPrimary();
    if (primary === null || core.isSelf(primary)) return;
    question.dueAt = now + core.times.readIndexMs;
    core.send(primary, { kind: 'readIndex', nonce: question.nonce });
  }

  /**
   * There is another primary, or none. What was in a round or a question begins anew. It changed nothing, so it may.
   */
  primaryChanged(): void {
    for (const { reads } of this.#rounds) this.#arrived.push(...reads);
    this.#rounds = [];
    if (this.#question !== null) this.#arrived.push(...this.#question.reads);
    this.#question = null;
    this.#questions.clear();
  }

  #at(op: Op, read: Read): void {
    if (this.#core.parts.execution.applied >= op) {
      this.#ready(read);
      return;
    }
    read.waiting = { op, read, index: 0 };
    this.#waiting.add(read.waiting);
  }

  /** More entries were applied. */
  advanced(): void {
    const { applied } = this.#core.parts.execution;
    for (let next = this.#waiting.top; next !== undefined && next.op <= applied; next = this.#waiting.top)
      this.#ready(next.read);
  }

  #ready(read: Read): void {
    this.#take(read);
    this.#core.effect({ kind: 'readReady', token: read.token, result: { ok: true } });
  }
}
