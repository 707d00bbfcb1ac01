/**
 * Random lives of a service alone, with leases and lines of claims (coordination). Clients ask for what they like over
 * a bad network. A primary makes entries with its clock, and now and then another one goes on without the last of them.
 * After each entry, its answer and the whole state are compared with a model, and what clients count on with the state.
 */

import { SeededRandom } from '../../../core/base/random.ts';
import { drawSecret } from '../../../core/base/session-secret.ts';
import { defaultLimits } from '../../../core/base/limits.ts';
import { decodeBody, encodeBody } from '../../../core/service/body.ts';
import type { Body } from '../../../core/service/body.ts';
import type { Reply } from '../../../core/service/reply.ts';
import { decodeReply } from '../../../core/service/reply.ts';
import { Service } from '../../../core/service/service.ts';
import { limitsWith, snapshotOf } from '../driver.ts';
import { LineClient } from './client.ts';
import type { Wire } from './client.ts';
import { Tokens, judgeNotices, judgeReply, judgeSessions, linesOf, must, same } from './compare.ts';
import type { Shown } from './compare.ts';
import { Model } from './model.ts';
import { drawWish, fenced, giveUp } from './wishes.ts';

export interface LineLife {
  readonly seed: number;
  readonly steps: number;
}

export interface LineReport {
  readonly entries: number;
  readonly grants: number;
  readonly expired: number;
  readonly fenced: number;
  /** How often a hold was compared with the state while its client counted on it. */
  readonly counted: number;
}

/** An entry before it is committed. Its op comes from its place. */
interface Made {
  readonly timestamp: number;
  readonly session: number;
  readonly request: number;
  readonly answered: number;
  readonly bytes: Uint8Array;
  readonly told: (reply: Reply) => void;
}

interface Message {
  readonly atMs: number;
  readonly arrive: () => void;
}

const limits = { maxSessions: 9, sessionMs: 8000 };
/** One advance of the replicated clock adds at most this. */
const suspicionMs = 1000;

class LineWorld implements Wire {
  readonly #random: SeededRandom;
  readonly #clients: LineClient[];
  readonly #model = new Model(limits);
  readonly #tokens = new Tokens();
  #service = new Service(limitsWith(limits), defaultLimits);
  #lines: ReadonlyMap<string, Shown> = new Map();
  /** Real time. */
  #now = 0;
  #inFlight: Message[] = [];
  #made: Made[] = [];
  /** The replicated clock of the primary, as of the real time at which it was read. */
  #clock = 0;
  #readAt = 0;
  #stalledUntil = 0;
  /** The highest token of a fenced write, by path. */
  readonly #fences = new Map<string, number>();
  /** The bind of a session is sent again under its number. */
  readonly #attempts = new Map<string, number>();
  #attempt = 0;
  readonly counts = { entries: 0, grants: 0, fenced: 0, counted: 0 };
  readonly trace: string[] = [];

  constructor(seed: number) {
    this.#random = new SeededRandom(seed, 0xc1a15);
    this.#clients = Array.from({ length: 5 }, (_, i) => new LineClient(`c${i}`, this.#random.fork(), this));
  }

  get expired(): number {
    return this.#service.stats().expiredSessions;
  }

  step(): void {
    const random = this.#random;
    const passes = random.pick([0, 0, 1, 5, 20, 60, 200]);
    this.#now += random.chance(1, 150) ? random.below(9000) : passes;
    for (let left = 4; left > 0; left--) this.#deliver();
    if (random.chance(2, 3)) this.#act(random.pick(this.#clients));
    if (random.chance(1, 80)) this.#changeView();
    if (random.chance(1, 10)) this.#noise();
    const due = this.#model.deadline();
    if (due !== null && due <= this.#timestamp() && random.chance(1, 3)) this.#group({ kind: 'expire' });
    if (random.chance(1, 60)) this.#group({ kind: 'expire' });
    for (let left = random.below(4); left > 0 && this.#made.length > 0; left--) this.#commit(this.#made.shift()!);
    if (random.chance(1, 40)) this.#restore();
  }

  /** Time goes on without faults until everybody who lives is served. */
  heal(): void {
    for (let round = 0; round < 400; round++) {
      this.#now += 100;
      this.#stalledUntil = 0;
      while (this.#inFlight.some(({ atMs }) => atMs <= this.#now)) this.#deliver();
      for (const client of this.#clients) {
        client.look(this.#now);
        if (client.session === 0 || client.dead) continue;
        client.again(this.#now);
        for (const hold of client.holds.values())
          if (hold.state === 'granted' && !hold.given) client.ask(giveUp(this.#random, client, hold), this.#now);
      }
      const due = this.#model.deadline();
      if (due !== null && due <= this.#timestamp()) this.#group({ kind: 'expire' });
      while (this.#made.length > 0) this.#commit(this.#made.shift()!);
    }
    // Those who still wait have nobody before them (coordination §16.5), except where a gate is closed.
    for (const [path, { claims }] of this.#lines) {
      if (path === '/b') continue;
      const held = claims.some(({ token }) => token > 0);
      must(held || claims.length === 0, 'a line waits although nobody holds', { path, claims });
    }
  }

  // The network.

  #send(arrive: () => void): void {
    const random = this.#random;
    if (random.chance(1, 12)) return;
    for (let copies = random.chance(1, 10) ? 2 : 1; copies > 0; copies--) {
      const late = random.chance(1, 15) ? random.below(6000) : random.below(80);
      this.#inFlight.push({ atMs: this.#now + late, arrive });
    }
  }

  #deliver(): void {
    const due = this.#inFlight.findIndex(({ atMs }) => atMs <= this.#now);
    if (due < 0) return;
    const [message] = this.#inFlight.splice(due, 1);
    message!.arrive();
    this.#believe();
  }

  request(client: LineClient, request: number, answered: number, bytes: Uint8Array): void {
    const { session, secret } = client;
    const back = (reply: Reply): void =>
      this.#send(() => {
        if (client.session === session) client.replied(request, reply, this.#now);
      });
    this.#send(() => {
      const state = this.#service.request(session, secret, request, bytes);
      if (state === 'executed' && this.#random.chance(4, 5))
        return back(decodeReply(this.#service.reply(session, request)));
      // A primary prepares no request of a stranger.
      if (state === 'gone') return this.#send(() => client.session === session && client.gone(false));
      if (state === 'other') return;
      this.#make({ session, request, answered, bytes, told: back });
    });
  }

  keepAlive(client: LineClient, heard: number, sentMs: number): void {
    const { session, secret } = client;
    this.#send(() => {
      const others = this.#random.chance(1, 4) ? this.#strangers() : [];
      const sessions = [{ session, secret, heard }, ...others];
      this.#group({ kind: 'keepAlive', sessions }, ({ op, answer }) => {
        if (answer.kind !== 'allAlive') return;
        const [mine] = answer.sessions;
        this.#send(() => client.session === session && client.alive(op, mine!, sentMs, this.#now));
      });
    });
  }

  /** Others who name sessions whose secrets they do not know. */
  #strangers(): { session: number; secret: string; heard: number }[] {
    const { sessions } = this.#model.state;
    return [...sessions.keys()].slice(0, 2).map((session) => ({ session, secret: drawSecret(this.#random), heard: 0 }));
  }

  // Clients.

  #act(client: LineClient): void {
    const random = this.#random;
    client.look(this.#now);
    if (client.dead) return;
    if (client.session === 0) return this.#register(client);
    if (random.chance(1, 120)) {
      // Its process ends, cleanly or not, and another one begins.
      const { session, secret } = client;
      if (random.chance(1, 2)) this.#send(() => this.#group({ kind: 'unregister', session, secret }));
      client.begin();
      return;
    }
    client.again(this.#now);
    const counted = client.counted(this.#now);
    if (counted.length > 0 && random.chance(1, 6)) client.ask(fenced(random.pick(counted)), this.#now);
    for (const hold of client.holds.values())
      if (hold.lapsed && !hold.given && random.chance(1, 3)) client.ask(giveUp(random, client, hold), this.#now);
    if (client.outstanding.size < 3 && random.chance(1, 2))
      client.ask(
        drawWish(random, client, (path) => this.#claimsOfOthers(client, path)),
        this.#now,
      );
    this.#believe();
  }

  #claimsOfOthers(client: LineClient, path: string): readonly number[] {
    const claims = this.#lines.get(path)?.claims ?? [];
    return claims.filter(({ session }) => session !== client.session).map(({ claim }) => claim);
  }

  #register(client: LineClient): void {
    const random = this.#random;
    const { secret } = client;
    const opened = ({ answer }: Reply): void => {
      if (answer.kind !== 'registered' && answer.kind !== 'bound') return;
      this.#send(() => {
        if (client.session !== 0 || client.secret !== secret || client.dead) return;
        client.session = answer.session;
      });
    };
    // The first two share a ClientID and an incarnation, as when a process is continued by another.
    const index = this.#clients.indexOf(client);
    if (index > 2 || random.chance(1, 3))
      return this.#send(() => this.#group({ kind: 'register', client: client.name, secret }, opened));
    const incarnation = (index === 2 ? 'cd' : 'ab').repeat(16);
    const attempt = this.#attempts.get(secret) ?? ++this.#attempt;
    this.#attempts.set(secret, attempt);
    const previous = random.chance(3, 4) ? 0 : random.below(40);
    const body = { kind: 'bind', client: client.name, identity: { id: 'who', incarnation }, attempt, previous, secret };
    this.#send(() => this.#group(body as Body, opened));
  }

  /** Every client counts only on what the committed state has, as a hold or as its shadow (coordination §16.2). */
  #believe(): void {
    for (const client of this.#clients) {
      for (const { path, claim, token } of client.counted(this.#now)) {
        this.counts.counted++;
        const there = this.#lines.get(path)?.claims.find((one) => one.claim === claim);
        const holds = there?.session === client.session && there.token === token;
        must(holds, 'a client counts on what it does not hold', {
          ...{ client: client.name, session: client.session, path, claim, token, now: this.#now },
          there: there ?? null,
        });
      }
    }
  }

  // The primary.

  /** The clock is brought up to now before an entry's timestamp is read. */
  #timestamp(): number {
    if (this.#now >= this.#stalledUntil) {
      const since = this.#now - Math.max(this.#readAt, this.#stalledUntil);
      this.#clock += Math.min(since, suspicionMs);
    }
    this.#readAt = this.#now;
    return this.#clock;
  }

  #make(entry: Omit<Made, 'timestamp'>): void {
    if (this.#now < this.#stalledUntil) return;
    this.#made.push({ ...entry, timestamp: this.#timestamp() });
  }

  #group(body: Body, told: (reply: Reply) => void = () => undefined): void {
    this.#make({ session: 0, request: 0, answered: 0, bytes: encodeBody(body), told });
  }

  /** Another primary goes on without the last entries, after some time in which nobody serves. */
  #changeView(): void {
    const random = this.#random;
    this.#made.length = random.below(this.#made.length + 1);
    this.#clock = this.#made.at(-1)?.timestamp ?? this.#service.timestamp;
    this.#readAt = this.#now;
    this.#stalledUntil = this.#now + random.pick([0, 0, 300, 5000]);
  }

  /** What no client of ours asks for. */
  #noise(): void {
    const random = this.#random;
    const sessions = [...this.#model.state.sessions.keys(), 1 + random.below(300)];
    const session = random.pick(sessions);
    const secret = drawSecret(random);
    const known = this.#model.state.sessions.get(session);
    switch (random.below(7)) {
      case 0:
        return this.#group({ kind: 'unregister', session, secret });
      case 1:
        return this.#group({
          kind: 'keepAlive',
          sessions: [{ session, secret, heard: random.below(999) }, ...this.#strangers()],
        });
      case 2:
        return this.#group({ kind: 'noop' });
      case 3:
        // Sessions that nobody keeps alive make it crowded.
        return this.#group({ kind: 'register', client: 'crowd', secret });
      case 4: {
        // The network brings an old keep-alive once more.
        const heard = random.below(Math.max(1, known?.changed ?? 1));
        return this.#group({ kind: 'keepAlive', sessions: [{ session, secret: known?.secret ?? secret, heard }] });
      }
      case 5: {
        const request = (known?.base ?? 0) + random.below(4);
        const bytes = encodeBody({
          kind: 'operation',
          operation: { kind: 'delete', path: '/nowhere', recursive: false, ifVersion: null },
        });
        if (known !== undefined && request < known.base + known.replies.size)
          this.#make({ session, request, answered: known.base, bytes, told: () => undefined });
        return;
      }
      default:
        // A session that is gone asks for something.
        if (known !== undefined) return;
        return this.#make({
          ...{ session, request: 1, answered: 1, told: () => undefined },
          bytes: encodeBody({ kind: 'operation', operation: { kind: 'abandon', path: '/l', claim: 1, request: 0 } }),
        });
    }
  }

  // The state machine.

  #commit(made: Made): void {
    const { timestamp, session, request, answered, bytes, told } = made;
    const op = this.#service.op + 1;
    const entry = { op, epoch: 1, view: 1, timestamp, session, request, answered, body: bytes };
    const body = decodeBody(bytes);
    this.#note(`${op} T=${timestamp} real=${this.#now} ${session}/${request} ${JSON.stringify(body)}`);
    this.counts.entries++;
    const reply = this.#service.apply(entry).slice();
    const forModel = { ...entry, body, bytes };
    const expected = this.#model.apply(forModel);
    this.#note(`    ${JSON.stringify(decodeReply(reply).answer)}`);
    const decoded = judgeReply(reply, expected, op);
    if (expected.is === 'either') this.#model.adopt(decoded.answer);
    const executed = session !== 0 && expected.is !== 'kept' && this.#executed(decoded);
    if (executed) this.#model.keep(forModel, reply);
    const notices = this.#service.takeNotices();
    judgeNotices(notices, this.#model);
    this.#compare();
    if (executed) this.#fence(decoded, body);
    for (const { session: to, record } of notices) {
      if (record.kind === 'granted') this.counts.grants++;
      for (const client of this.#clients)
        if (client.session === to) this.#send(() => client.session === to && client.noticed(record, this.#now));
    }
    told(decoded);
    this.#believe();
  }

  /** Whether the log executed a request now, so that its reply is kept. */
  #executed({ answer }: Reply): boolean {
    if (answer.kind !== 'error') return true;
    const { code, details } = answer.error;
    if (code === 'BadArgument' && details['request'] !== undefined) return false;
    return !['SessionGone', 'RequestTooOld', 'Retry', 'WindowExceeded'].includes(code);
  }

  #compare(): void {
    this.#lines = linesOf(this.#service, this.#model);
    this.#tokens.judge(this.#lines, this.#service.op);
    same(this.#service.deadline(), this.#model.deadline(), 'the next deadline');
    if (this.#random.chance(1, 12)) judgeSessions(this.#service, this.#model);
  }

  /** Fenced writes carry tokens that only grow (coordination §16.1). */
  #fence({ answer }: Reply, body: Body): void {
    if (body.kind !== 'operation' || body.operation.kind !== 'transaction') return;
    const [guard] = body.operation.guards;
    if (guard?.kind !== 'heldBy' || answer.kind !== 'result' || answer.result.kind !== 'transaction') return;
    if (!answer.result.held) return;
    const hold = this.#lines.get(guard.path)?.claims.find(({ claim }) => claim === guard.claim);
    must(hold?.token === guard.token && hold.until === null, 'a fenced write passed without its hold', guard);
    if (!hold.exclusive) return;
    const before = this.#fences.get(guard.path) ?? 0;
    must(guard.token >= before, 'a fenced write came after one with a higher token', { guard, before });
    this.#fences.set(guard.path, guard.token);
    this.counts.fenced++;
  }

  /** Goes on with what a snapshot gives, which must be the very same state. */
  #restore(): void {
    const pieces = snapshotOf(this.#service, 1 + this.#random.below(600));
    const copy = new Service(limitsWith(), defaultLimits);
    copy.restore(pieces);
    const again = Buffer.concat(snapshotOf(copy));
    must(again.equals(Buffer.concat(pieces)), 'a restored state has another snapshot');
    same(copy.deadline(), this.#service.deadline(), 'the deadline of a restored state');
    same(copy.size(), this.#service.size(), 'the bytes of a restored state');
    same(copy.tree.keys, this.#service.tree.keys, 'the nodes of a restored state');
    if (this.#random.chance(1, 2)) this.#service = copy;
  }

  #note(line: string): void {
    this.trace.push(line);
    if (this.trace.length > 80) this.trace.shift();
  }
}

/** @throws with the last entries when something differs. */
export function liveLines({ seed, steps }: LineLife): LineReport {
  const world = new LineWorld(seed);
  try {
    for (let step = 0; step < steps; step++) world.step();
    world.heal();
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    const again = `npm run lines -- --first ${seed} --seeds 1 --steps ${steps} --trace`;
    throw new LinesFailed(`seed ${seed}: ${what}\n  again: ${again}`, world.trace, { cause: error });
  }
  return { ...world.counts, expired: world.expired };
}

export class LinesFailed extends Error {
  override readonly name = 'LinesFailed';
  readonly trace: readonly string[];

  constructor(message: string, trace: readonly string[], options: ErrorOptions) {
    super(message, options);
    this.trace = trace;
  }
}
