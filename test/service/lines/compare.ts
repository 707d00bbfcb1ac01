/** Compares a service with the model, and judges what must hold whatever the model says (coordination §16). */

import { ChunkReader } from '../../../core/base/chunk-reader.ts';
import { encodeOperation } from '../../../core/service/body.ts';
import type { Reply } from '../../../core/service/reply.ts';
import { decodeReply } from '../../../core/service/reply.ts';
import type { Notice } from '../../../core/service/leases.ts';
import type { Service } from '../../../core/service/service.ts';
import { readSessions } from '../../../core/service/snapshot.ts';
import type { KnownClaim, Operation } from '../../../core/tree/operation.ts';
import { snapshotOf } from '../driver.ts';
import type { Expected, Model } from './model.ts';
import { holdsOf, isLine, text, waitersOf } from './state.ts';

export class LineBroken extends Error {
  override readonly name = 'LineBroken';
}

export function must(condition: boolean, what: string, facts: unknown = null): asserts condition {
  if (!condition) throw new LineBroken(facts === null ? what : `${what} ${JSON.stringify(facts)}`);
}

export function same(found: unknown, expected: unknown, what: string): void {
  const [is, should] = [JSON.stringify(found), JSON.stringify(expected)];
  if (is === should) return;
  // Only what is around the first difference.
  let at = 0;
  while (is[at] === should[at]) at++;
  const near = (text: string): string => text.slice(Math.max(0, at - 120), at + 120);
  must(false, `${what}: ${near(is)} in the place of ${near(should)}`);
}

function read(service: Service, operation: Operation): Reply['answer'] {
  return decodeReply(service.read(encodeOperation(operation), { epoch: 1, view: 1, op: service.op })).answer;
}

/** A claim as it is listed, in one form for both sides. */
interface Listed {
  readonly claim: number;
  readonly session: number;
  readonly permits: number;
  readonly exclusive: boolean;
  readonly value: string | null;
  readonly token: number;
  readonly since: number;
  readonly until: number | null;
}

function listed({ claim, session, permits, exclusive, value, token, since, until }: KnownClaim): Listed {
  const told = value === null ? null : text(value);
  return { claim, session, permits, exclusive, value: told, token, since, until };
}

/** What a service shows of one line. */
export interface Shown {
  readonly capacity: number | null;
  readonly open: boolean;
  readonly claims: readonly Listed[];
}

/** All lines of a service, as anyone can read them. */
export function linesOf(service: Service, model: Model): ReadonlyMap<string, Shown> {
  const paths = read(service, { kind: 'keys', path: '/', limit: 1000, after: null });
  must(paths.kind === 'result' && paths.result.kind === 'paths', 'keys are answered');
  const expected = ['/', ...model.state.nodes.keys()].sort();
  same([...paths.result.paths].sort(), expected, 'the tree has other nodes');
  const lines = new Map<string, Shown>();
  for (const [path, node] of model.state.nodes) {
    const { type } = node;
    if (!isLine(node)) continue;
    const answer = read(service, { kind: 'claims', path, limit: 1000, from: 0 });
    must(answer.kind === 'result' && answer.result.kind === 'claims', `the claims of ${path} are answered`, answer);
    const { capacity, open, held, waiting } = answer.result;
    const claims = answer.result.claims.map(listed);
    lines.set(path, { capacity, open, claims });
    const count = claims.filter(({ token, until }) => token > 0 && until === null).length;
    same([held, waiting], [count, claims.filter(({ token }) => token === 0).length], `the counts of ${path}`);
    const holds = holdsOf(node).map((one) => ({ ...one, since: one.granted }));
    const waits = waitersOf(node).map((one) => ({ ...one, since: one.enqueued, until: one.waitUntil }));
    const should = [...holds, ...waits].map(({ claim, session, permits, exclusive, value, token, since, until }) => ({
      claim,
      session,
      permits,
      exclusive,
      value,
      token,
      since,
      until,
    }));
    same(
      { capacity, open, claims },
      { capacity: node.capacity, open: node.open, claims: should },
      `the line of ${path}`,
    );
    if (type === 'election') {
      const leads = read(service, { kind: 'leader', path });
      must(leads.kind === 'result' && leads.result.kind === 'leader', 'the leader is answered');
      const { leader } = leads.result;
      const first = should.find(({ token, until }) => token > 0 && until === null);
      same(leader === null ? null : listed(leader), first ?? null, `the leader of ${path}`);
    }
  }
  return lines;
}

/** Whatever is granted on one line fits together, and tokens only grow (coordination §16.1). */
export class Tokens {
  /** By path: the highest token ever, and that of each claim. */
  readonly #highest = new Map<string, number>();
  readonly #tokens = new Map<string, number>();

  judge(lines: ReadonlyMap<string, Shown>, op: number): void {
    for (const [path, { capacity, claims }] of lines) {
      const holds = claims.filter(({ token }) => token > 0);
      const exclusive = holds.filter((one) => one.exclusive);
      must(exclusive.length === 0 || holds.length === 1, 'an exclusive hold has company', { path, holds });
      const used = holds.reduce((sum, { permits }) => sum + permits, 0);
      must(capacity === null || used <= capacity, 'more permits are held than there are', { path, used, capacity });
      const highest = this.#highest.get(path) ?? 0;
      for (const { claim, token } of holds) {
        const key = `${path} ${claim}`;
        const known = this.#tokens.get(key);
        if (known === undefined) {
          must(token === op && token > highest, 'a grant does not have the op of its entry as its token', { path, op });
          this.#tokens.set(key, token);
          this.#highest.set(path, token);
        } else must(known === token, 'a claim was granted twice', { path, claim, known, token });
      }
    }
  }
}

/** What an entry was answered. */
export function judgeReply(reply: Uint8Array, expected: Expected, op: number): Reply {
  const decoded = decodeReply(reply);
  if (expected.is === 'either') return decoded;
  if (expected.is === 'kept') {
    must(Buffer.compare(reply, expected.reply) === 0, 'a kept reply differs from the first one');
    return decoded;
  }
  must(decoded.op === op, 'a reply has another op', { op, told: decoded.op });
  const { answer } = decoded;
  if (expected.is === 'refused') {
    must(answer.kind === 'error', `answered, not refused with ${expected.codes.join()}`, answer);
    const { code, details } = answer.error;
    must(expected.codes.includes(code), `refused with ${code}, not with ${expected.codes.join()}`, answer.error);
    const named = { ...details } as { [key: string]: unknown };
    for (const [key, value] of Object.entries(expected.details ?? {})) same(named[key], value, `the detail ${key}`);
    return decoded;
  }
  same(withoutVersion(answer), withoutVersion(expected.answer), 'an answer');
  return decoded;
}

/** The model knows nothing of versions, and has records in no order within one entry. */
function withoutVersion(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutVersion);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== 'version');
  return Object.fromEntries(
    entries
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, key === 'changes' ? inOrder(one as object[]) : withoutVersion(one)]),
  );
}

function inOrder(records: readonly object[]): readonly string[] {
  return records.map((one) => JSON.stringify(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))).sort();
}

export function judgeNotices(notices: readonly Notice[], model: Model): void {
  const told = notices.map(({ session, record }) => ({ ...record, session }));
  same(inOrder(told), inOrder(model.told), 'what sessions were told');
}

/** All that a snapshot keeps of sessions. */
export function judgeSessions(service: Service, model: Model): void {
  const { sessions } = readSessions(new ChunkReader(snapshotOf(service)));
  const found = sessions.hold().map((one) => ({
    id: one.id,
    secret: one.secret,
    client: one.binding?.identity.id ?? null,
    seen: one.seenMs,
    lease: one.leaseMs,
    continued: one.continued,
    changed: one.changed,
    base: one.window.base,
    kept: one.window.count,
    records: inOrder(one.records),
  }));
  const expected = [...model.state.sessions.values()].map((one) => ({
    id: one.id,
    secret: one.secret,
    client: one.identity?.id ?? null,
    seen: one.seen,
    lease: one.lease,
    continued: one.continued,
    changed: one.changed,
    base: one.base,
    kept: one.replies.size,
    records: inOrder(one.records),
  }));
  same(found, expected, 'the sessions');
}
