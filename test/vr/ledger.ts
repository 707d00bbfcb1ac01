/**
 * What the replicas of a scripted group said to each other, kept apart from what they conclude from it: which of them
 * acknowledged what in which view, answered which heartbeat, asked for which view, and vouched for what. If this does
 * not justify a commit, a read, a change of view or a return from recovery, a rule is broken (protocol §1, §3, §4.1,
 * §7), even if nothing went wrong this time.
 */

import { compareViewstamps } from '../../core/vr/configuration.ts';
import type { Configuration } from '../../core/vr/configuration.ts';
import type { Message } from '../../core/vr/messages.ts';
import type { Input, ReplicaEvent, ReplicaView } from '../../core/vr/ports.ts';
import type { MemoryStorage } from './memory-storage.ts';
import type { Must } from './promises.ts';

/** What one life of a replica heard, and when, by the time that it was told. */
interface Life {
  now: number;
  /** A primary decides on its ticks whether it still leads. */
  tickedAt: number;
  view: number;
  recovering: boolean;
  /** For the view that it leads: what others acknowledged, and when the newest round that each answered was begun. */
  leads: { readonly view: number; readonly since: number } | null;
  acknowledged: Map<string, number>;
  answered: Map<string, Round>;
  rounds: Map<number, Round>;
  /** Which replica asked it for which view, and when that was last heard. */
  readonly asked: Map<string, Map<number, number>>;
  /** Everything read here before this moment is known to come from a primary that still was the primary. */
  confirmed: number;
  /** By nonce: when it first asked a primary, and when another first asked it. */
  readonly questions: Map<number, number>;
  readonly toAnswer: Map<number, number>;
  /** What it asks of its past: the nonce, who answered, and of which views it was then given the log. */
  asksItsPast: number | null;
  readonly told: Set<string>;
  readonly given: Set<number>;
}

interface Round {
  /** The moment in the order of all events, and the time that its primary was told. */
  readonly at: number;
  readonly now: number;
}

export class Ledger {
  readonly #must: Must;
  readonly #suspicionMs: number;
  readonly #quorum: number;
  readonly #voters: readonly string[];
  readonly #lives = new Map<string, Life>();
  /** By view and op: the checksum that was vouched for. */
  readonly #canonical = new Map<string, string>();
  /**
   * By replica and view: for what it vouched at each op, over all of its lives. `checkpoint` where only a checkpoint stood
   * for it.
   */
  readonly #vouched = new Map<string, Map<number, string[]>>();
  #moment = 0;

  constructor(must: Must, configuration: Configuration, suspicionMs: number) {
    this.#must = must;
    this.#suspicionMs = suspicionMs;
    this.#voters = configuration.voters.map(({ replica }) => replica);
    this.#quorum = Math.floor(this.#voters.length / 2) + 1;
  }

  /** `name` was started at `now`, in `view`. */
  begins(name: string, now: number, { view, status }: ReplicaView): void {
    this.#lives.set(name, {
      now,
      tickedAt: now,
      view: view.view,
      recovering: status === 'recovering',
      leads: null,
      acknowledged: new Map(),
      answered: new Map(),
      rounds: new Map(),
      asked: new Map(),
      confirmed: -1,
      questions: new Map(),
      toAnswer: new Map(),
      asksItsPast: null,
      told: new Set(),
      given: new Set(),
    });
  }

  /** A moment in the order of all events. */
  moment(): number {
    return ++this.#moment;
  }

  /** `name` is about to take this input, at `now`. */
  takes(name: string, input: Input, now: number): void {
    const life = this.#life(name);
    life.now = Math.max(life.now, now);
    if (input.kind === 'tick') life.tickedAt = life.now;
    if (input.kind === 'message') this.#hears(life, input.message);
  }

  #hears(life: Life, message: Message): void {
    const { replica: from, view } = message;
    if (message.kind === 'startViewChange') {
      let asked = life.asked.get(from);
      if (asked === undefined) life.asked.set(from, (asked = new Map<number, number>()));
      asked.set(message.target, life.now);
    }
    if (message.kind === 'recoveryOk' && message.nonce === life.asksItsPast && this.#voters.includes(from))
      life.told.add(from);
    if (message.kind === 'startView' && message.nonce === life.asksItsPast) life.given.add(view);
    // If a question is repeated, the first one counts.
    if (message.kind === 'readIndex' && !life.toAnswer.has(message.nonce))
      life.toAnswer.set(message.nonce, this.moment());
    if (message.kind === 'readIndexOk')
      life.confirmed = Math.max(life.confirmed, life.questions.get(message.nonce) ?? -1);
    if (life.leads?.view !== view || !this.#voters.includes(from)) return;
    if (message.kind === 'prepareOk' || message.kind === 'commitOk')
      life.acknowledged.set(from, Math.max(message.op, life.acknowledged.get(from) ?? 0));
    if (message.kind !== 'commitOk') return;
    const round = life.rounds.get(message.round);
    if (round === undefined || round.at <= (life.answered.get(from)?.at ?? -1)) return;
    life.answered.set(from, round);
    const confirmed = this.#quorumRound(life);
    if (confirmed !== null) life.confirmed = Math.max(life.confirmed, confirmed.at);
  }

  /** The newest round that enough others answered for a quorum; null while there is none. */
  #quorumRound({ answered }: Life): Round | null {
    const rounds = [...answered.values()].sort((a, b) => b.at - a.at);
    return rounds[this.#quorum - 2] ?? null;
  }

  /** `name` sends `message`, with this on its disk. */
  says(name: string, message: Message, storage: MemoryStorage, stands: () => ReplicaView): void {
    const life = this.#life(name);
    const { kind, view } = message;
    if (kind === 'prepareOk' || kind === 'commitOk' || kind === 'doViewChange') {
      this.#must(
        !this.#voters.includes(name) || stands().status !== 'recovering',
        `${name} cannot prove its head, or is down, and says ${kind}`,
      );
    }
    if (kind === 'prepareOk' || kind === 'commitOk') this.#vouches(name, view, message.op, storage);
    if (kind === 'commit' && life.leads?.view === view && !life.rounds.has(message.round))
      life.rounds.set(message.round, { at: this.moment(), now: life.now });
    if (kind === 'recovery') life.asksItsPast = message.nonce;
    if (kind === 'readIndex' && !life.questions.has(message.nonce)) life.questions.set(message.nonce, this.moment());
    if (kind === 'newState')
      this.#must(
        compareViewstamps(message.logView, stands().logView) === 0,
        `${name} says of its log that it is of view ${message.logView.view}`,
      );
    if (kind === 'readIndexOk')
      this.#must(
        this.#quorum === 1 || life.confirmed > (life.toAnswer.get(message.nonce) ?? Infinity),
        `${name} answers for a read and no quorum confirmed it since`,
      );
    if (kind !== 'prepare' || this.#quorum === 1 || life.leads?.view !== view) return;
    const since = Math.max(life.leads.since, this.#quorumRound(life)?.now ?? 0);
    this.#must(
      life.tickedAt - since <= this.#suspicionMs,
      `${name} prepares in view ${view}, and no quorum answers it`,
    );
  }

  #vouches(name: string, view: number, op: number, storage: MemoryStorage): void {
    if (op === 0) return;
    let vouched = this.#vouched.get(name);
    if (vouched === undefined) this.#vouched.set(name, (vouched = new Map<number, string[]>()));
    let words = vouched.get(view);
    if (words === undefined) vouched.set(view, (words = ['checkpoint']));
    // To vouch for an op is to vouch for all below it.
    while (words.length <= op) words.push(storage.held(words.length) ?? 'nothing');
    const held = storage.held(op);
    if (held === null || held === 'checkpoint') return;
    const key = `${view} ${op}`;
    const known = this.#canonical.get(key);
    this.#must(
      known === undefined || known === held,
      `two logs are vouched for in view ${view} at ${op}, one by ${name}`,
    );
    this.#canonical.set(key, held);
  }

  /** `name` reports what happened in it. */
  event(name: string, event: ReplicaEvent): void {
    if (event.kind !== 'committed') return;
    const { acknowledged, leads } = this.#life(name);
    // The primary itself named the replicas that count. Here we look up which of them said so to it, in this view.
    const lied = event.by.filter((one) => one !== name && (acknowledged.get(one) ?? 0) < event.op);
    this.#must(
      lied.length === 0,
      `${name} counts ${lied.join()} for ${event.op}, who did not say so in view ${leads?.view ?? 0}`,
    );
  }

  /** `name` has taken `input`, and this is its state now. */
  stands(
    name: string,
    input: Input,
    view: ReplicaView,
    storage: MemoryStorage,
    committed: ReadonlyMap<number, string>,
  ): void {
    const life = this.#life(name);
    if (view.view.view > life.view) {
      this.#moved(name, life, input, view);
      life.view = view.view.view;
    }
    if (view.isPrimary && life.leads?.view !== life.view) {
      life.leads = { view: life.view, since: life.now };
      life.acknowledged = new Map();
      life.answered = new Map();
      life.rounds = new Map();
    }
    const recovering = view.status === 'recovering';
    if (life.recovering && !recovering && storage.lostBatches) this.#returned(name, life.view, storage, committed);
    if (life.recovering && !recovering && life.asksItsPast !== null) this.#answered(name, life, view);
    life.recovering = recovering;
  }

  /** It has asked where it stands. It counts again only by what was said after that. */
  #answered(name: string, { told, given }: Life, { logView }: ReplicaView): void {
    const enough = this.#voters.includes(name) ? Math.min(this.#quorum, this.#voters.length - 1) : 0;
    this.#must(
      told.size >= enough,
      `${name} counts again, and ${told.size} voters have told this life where it stands`,
    );
    this.#must(
      given.has(logView.view),
      `${name} counts again by a log of view ${logView.view} that it did not ask for`,
    );
  }

  /**
   * A view is left for one in which some replica already is, or because a quorum asked for it recently, or by its own
   * primary, alone, at its start.
   */
  #moved(name: string, life: Life, input: Input, { view: { view } }: ReplicaView): void {
    if (input.kind === 'message' && input.message.view >= view) return;
    if (input.kind === 'durable' && this.#voters[life.view % this.#voters.length] === name && view === life.view + 1)
      return;
    const asked = [...life.asked].filter(
      ([, targets]) => life.now - (targets.get(view) ?? -Infinity) <= this.#suspicionMs,
    );
    this.#must(
      asked.length + 1 >= this.#quorum,
      `${name} left view ${life.view} for ${view}, which of late only ${asked.map(([one]) => one).join()} asked it for`,
    );
  }

  /**
   * It counts again. Every entry for which it ever vouched is there, as far as that entry was committed, or may be
   * committed because of its word. Another entry may have been committed in its place: then nothing depends on its word.
   */
  #returned(name: string, view: number, storage: MemoryStorage, committed: ReadonlyMap<number, string>): void {
    for (const [inView, words] of this.#vouched.get(name) ?? []) {
      for (let op = 1; op < words.length; op++) {
        const word = words[op]!;
        if (inView !== view && word !== 'checkpoint' && word !== committed.get(op)) continue;
        const held = storage.held(op);
        this.#must(
          held !== null && (held === 'checkpoint' || held === (word === 'checkpoint' ? committed.get(op) : word)),
          `${name} counts again and lacks ${op}, which it vouched for in view ${inView}`,
        );
      }
    }
  }

  /** A linearizable read that was asked of `name` at this moment is answered there now. */
  read(name: string, askedAt: number): void {
    if (this.#quorum === 1) return;
    this.#must(
      this.#life(name).confirmed > askedAt,
      `a read is answered on ${name}, and no quorum confirmed it since it was asked`,
    );
  }

  #life(name: string): Life {
    const life = this.#lives.get(name);
    if (life === undefined) throw new Error(`${name} was never started`);
    return life;
  }
}
