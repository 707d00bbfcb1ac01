/**
 * The clients of a random history: what they asked, what they were told, and whether that was executed (protocol §7,
 * §9.3).
 */

import { errorInfo } from '../../core/base/errors.ts';
import type { SeededRandom } from '../../core/base/random.ts';
import { noSecret } from '../../core/base/session-secret.ts';
import type { Outcome, World } from './world.ts';

/** One request of a session. Every retry repeats its text. */
interface Asked {
  readonly text: string;
  /** What `answered` was when it was first sent. A retry under way may say so for ever. */
  readonly answered: number;
  state: 'open' | 'done' | 'refused';
}

interface Session {
  readonly id: number;
  readonly asked: Asked[];
}

interface Waiting {
  readonly key: string;
  readonly asked: Asked | null;
  readonly outcome: Outcome;
}

const maxSessions = 3;

export class Users {
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #seed: number;
  readonly #acknowledged = new Map<string, string>();
  /** Requests that were sent once, and certainly did not happen, according to the answer. */
  readonly #refused = new Set<string>();
  readonly #sessions: Session[] = [];
  #registrations: Outcome[] = [];
  #waiting: Waiting[] = [];
  #puts = 0;

  constructor(world: World, random: SeededRandom, seed: number) {
    this.#world = world;
    this.#random = random;
    this.#seed = seed;
  }

  #broken(what: string): never {
    throw new Error(`seed ${this.#seed}: ${what}`);
  }

  /** A client asks something at `name`, or many clients at once. */
  ask(name: string, times: number): void {
    const random = this.#random;
    if (times > 1) {
      const session = this.#sessions.length > 0 && random.chance(1, 2) ? random.pick(this.#sessions) : null;
      for (let i = 0; i < times; i++) {
        if (session === null) this.#put(name);
        else this.#request(name, session, session.asked.length + 1);
      }
      return;
    }
    if (this.#sessions.length < maxSessions && random.chance(1, 4))
      this.#registrations.push(this.#world.propose(name, 'register'));
    else if (this.#sessions.length > 0 && random.chance(3, 4)) {
      const session = random.pick(this.#sessions);
      const { length } = session.asked;
      const again = length > 0 && random.chance(1, 4) ? Math.max(1, length - random.below(4)) : length + 1;
      // Now and then two leave together, and the later one is faster.
      const ahead = again > length && random.chance(1, 6);
      if (ahead) this.#request(name, session, again + 1);
      this.#request(name, session, again);
    } else this.#put(name);
  }

  #put(name: string): void {
    const key = `free-${this.#puts++}`;
    this.#waiting.push({ key, asked: null, outcome: this.#world.propose(name, `put ${key}`) });
  }

  #request(name: string, session: Session, request: number): void {
    const { asked, id } = session;
    while (asked.length < request) {
      const text = this.#random.chance(1, 16) ? 'invalid' : `put ${id}-${asked.length + 1}`;
      asked.push({ text, answered: answeredOf(session), state: 'open' });
    }
    const one = asked[request - 1]!;
    // A client does not send again what it has the answer to. A retry that was under way says what it said then.
    const answered = one.state === 'open' ? Math.min(request, answeredOf(session)) : one.answered;
    const refusal = this.#random.chance(1, 6) ? errorInfo('DiskLow', 'no room now') : null;
    const { replica, machine } = this.#world.place(name);
    const executed = replica !== null && machine.request(id, noSecret, request) === 'executed';
    const outcome = this.#world.request(name, id, request, one.text, answered, refusal);
    // What is known to be executed gets its reply before any judgement of this sending (V30).
    if (executed && answered <= request && outcome.error !== null)
      this.#broken(`${id}-${request} is executed at ${name}, and is told ${outcome.error.code}`);
    this.#waiting.push({ key: `${id}-${request}`, asked: one, outcome });
  }

  /** Takes up what they were told since the last time. */
  listen(): void {
    const ended = this.#waiting.filter(({ outcome }) => outcome.reply !== null || outcome.error !== null);
    if (ended.length > 0) this.#waiting = this.#waiting.filter((one) => !ended.includes(one));
    for (const { key, asked, outcome } of ended) {
      this.#told(key, asked, outcome);
      if (asked === null && outcome.error?.outcome === 'definite') this.#refused.add(key);
    }
    for (const { asked, key, outcome } of ended) {
      if (outcome.reply !== null && !outcome.reply.startsWith('put') && asked?.state === 'open')
        this.#broken(`${key} was never answered and is told "${outcome.reply}"`);
      if (outcome.error?.code === 'SessionGone') this.#broken(`${key} is told that its session is gone`);
    }
    for (const { reply } of this.#registrations)
      if (reply !== null) this.#sessions.push({ id: Number(reply.split(' ')[1]), asked: [] });
    this.#registrations = this.#registrations.filter(({ reply, error }) => reply === null && error === null);
  }

  /** True when this settles it. */
  #told(key: string, asked: Asked | null, { reply, error }: Outcome): boolean {
    if (asked?.text === 'invalid') {
      if (reply !== null) this.#broken(`${key} is invalid and was executed`);
      if (error?.code !== 'BadArgument') return false;
      asked.state = 'refused';
      return true;
    }
    if (reply?.startsWith('put') === true) {
      if (!reply.startsWith(`put ${key} at `)) this.#broken(`${key} is told the reply of another: "${reply}"`);
      const before = this.#acknowledged.get(key);
      if (before !== undefined && before !== reply) this.#broken(`${key} has two replies`);
      this.#acknowledged.set(key, reply);
      if (asked !== null) asked.state = 'done';
      return true;
    }
    return false;
  }

  /**
   * All clients give up what is under way. Then everything that was never answered is retried, in order, with `ask`,
   * until it has an answer.
   */
  retryAll(ask: (make: (name: string) => Outcome, what: string) => Outcome): void {
    this.listen();
    for (const session of this.#sessions) {
      for (let request = 1; request <= session.asked.length; request++) {
        const one = session.asked[request - 1]!;
        if (one.state !== 'open') continue;
        const key = `${session.id}-${request}`;
        const answered = answeredOf(session);
        const outcome = ask((name) => this.#world.request(name, session.id, request, one.text, answered), key);
        if (!this.#told(key, one, outcome))
          this.#broken(`${key} is told "${outcome.reply ?? outcome.error?.code ?? ''}"`);
      }
    }
  }

  /** What was acknowledged is there, what was refused for certain is not, and nothing of a session is there twice. */
  account(values: readonly string[]): void {
    const times = new Map<string, number>();
    for (const value of values) times.set(value, (times.get(value) ?? 0) + 1);
    for (const key of this.#acknowledged.keys()) {
      if (times.get(key) !== 1) this.#broken(`${key} was acknowledged and is there ${times.get(key) ?? 0} times`);
    }
    for (const key of this.#refused) {
      if (times.has(key)) this.#broken(`${key} was told not to have happened, and is there`);
    }
    for (const [value, many] of times) {
      if (many > 1 && /^\d/.test(value)) this.#broken(`${value} was executed ${many} times`);
    }
  }
}

/** The lowest number to which its client has no answer. */
function answeredOf(session: Session): number {
  const open = session.asked.findIndex(({ state }) => state === 'open');
  return open < 0 ? session.asked.length + 1 : open + 1;
}
