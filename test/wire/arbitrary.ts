/** Arbitrary messages of both interfaces, for every kind. */

import fc from 'fast-check';
import { noticeKinds, noticeReasons } from '../../core/tree/names.ts';
import { maxLeaseMs, maxPermits, maxWaitMs, minLeaseMs } from '../../core/tree/operations/claims.ts';
import { maxTtlMs, minTtlMs } from '../../core/tree/operations/lives.ts';
import { maxDedupMs, maxVisibilityMs, minDedupMs, minVisibilityMs } from '../../core/tree/operations/queue.ts';
import { isWellFormed } from '../../core/base/bytes.ts';
import type { ErrorInfo } from '../../core/base/errors.ts';
import { errorCodes } from '../../core/base/errors.ts';
import type { ErrorCode } from '../../core/base/errors.ts';
import { encodeOperation } from '../../core/service/body.ts';
import { encodeEvent } from '../../core/service/events.ts';
import { encodeReply } from '../../core/service/reply.ts';
import type { Reply } from '../../core/service/reply.ts';
import type {
  Guard,
  Operation,
  OperationResult,
  SimpleOperation,
  Upsertable,
  SimpleResult,
} from '../../core/tree/operation.ts';
import { changeKinds, claimTypes, deletionCauses, itemStates, nodeTypes } from '../../core/tree/names.ts';
import type { AdminCommand, AdminReply, AdminRequest, AdminResult } from '../../core/wire/admin.ts';
import type { ClientMessage, Consistency, ServerMessage, WatchFrom } from '../../core/wire/api.ts';

const whole = fc.maxSafeNat();
const anyInt = fc.maxSafeInteger().map((n) => (n === 0 ? 0 : n));
const anyNumber = fc.oneof(anyInt, fc.double({ noNaN: true, noDefaultInfinity: true })).map((n) => (n === 0 ? 0 : n));
const word = fc.string({ unit: 'binary', maxLength: 20 }).filter(isWellFormed);
const path = word.map((text) => `/${text}`);
const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/);
const address = name.map((host) => `${host}:5002`);
const value = fc.uint8Array({ maxLength: 40 });
const id128 = fc.stringMatching(/^[0-9a-f]{32}$/);
const orNull = <T>(inner: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(inner, { nil: null });
const few = <T>(inner: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(inner, { maxLength: 4 });
const type = fc.constantFrom(...nodeTypes);
const limit = fc.integer({ min: 1, max: 10_000 });

type Fields<T> = { [K in keyof Omit<T, 'kind'>]: fc.Arbitrary<T[K & keyof T]> };
/** One arbitrary for each kind. If a kind is left out, this does not compile. */
type Kinds<U extends { kind: string }> = { [K in U['kind']]: Fields<Extract<U, { kind: K }>> };

function anyOf<U extends { kind: string }>(kinds: Kinds<U>): fc.Arbitrary<U> {
  const each = Object.entries(kinds as Record<string, Record<string, fc.Arbitrary<unknown>>>);
  const arbitraries = each.map(([kind, fields]) =>
    fc.record({ kind: fc.constant(kind), ...fields }, { noNullPrototype: true }),
  );
  return fc.oneof(...arbitraries) as unknown as fc.Arbitrary<U>;
}

const operand = fc.oneof(
  fc.record({ kind: fc.constant('path' as const), path }, { noNullPrototype: true }),
  fc.record({ kind: fc.constant('members' as const), members: few(value) }, { noNullPrototype: true }),
);

const waitMs = fc.integer({ min: 0, max: maxWaitMs });
const visibilityMs = fc.integer({ min: minVisibilityMs, max: maxVisibilityMs });
const leaseMs = fc.integer({ min: minLeaseMs, max: maxLeaseMs });
const dedup = fc.record({ id: word, ms: fc.integer({ min: minDedupMs, max: maxDedupMs }) }, { noNullPrototype: true });
const upsertable = {
  queuePut: { path, value, priority: fc.integer({ min: 0, max: 9 }), delayMs: waitMs, dedup: orNull(dedup) },
  queueTake: {
    path,
    max: fc.integer({ min: 1, max: 100 }),
    visibilityMs,
    waitMs: orNull(waitMs),
    leaseMs: orNull(leaseMs),
  },
  queueConfigure: { path, maxAttempts: orNull(fc.nat(1_000_000)), maxDead: orNull(fc.nat(100_000)) },
  blobPut: { path, value, ifVersion: orNull(whole), ifAbsent: fc.boolean() },
  queuePush: { path, value },
  setInsert: { path, member: value },
  counterAdd: { path, by: anyInt },
};
const permits = fc.integer({ min: 1, max: maxPermits });
const wish = {
  permits,
  exclusive: fc.boolean(),
  value: orNull(value),
  waitMs: orNull(fc.integer({ min: 0, max: maxWaitMs })),
  leaseMs: orNull(fc.integer({ min: minLeaseMs, max: maxLeaseMs })),
  auto: orNull(fc.constantFrom(...claimTypes)),
  of: orNull(permits),
};
const job = { path, item: whole, receipt: whole };
/** What each operation that is no transaction may hold. */
export const simpleKinds: Kinds<SimpleOperation> = {
  ...upsertable,
  upsert: { operation: anyOf<Upsertable>(upsertable) },
  create: { path, type, value: orNull(value) },
  delete: { path, recursive: fc.boolean(), ifVersion: orNull(whole) },
  queuePop: { path },
  setRemove: { path, member: value },
  blobCas: { path, expected: value, value },
  keys: { path, limit, after: orNull(path) },
  children: { path, limit, after: orNull(word) },
  stat: { path },
  exists: { path },
  blobGet: { path },
  blobSize: { path },
  queueFront: { path },
  queueBack: { path },
  queueLength: { path },
  queueList: { path, limit, from: whole },
  setContains: { path, member: value },
  setMembers: { path, limit, after: orNull(value) },
  setSize: { path },
  setUnion: { paths: few(path) },
  setIntersection: { paths: few(path) },
  setDifference: { path, other: path },
  setSymmetricDifference: { path, other: path },
  setSubset: { path, other: operand },
  setSuperset: { path, other: operand },
  counterGet: { path },
  claim: { path, ...wish },
  release: { path, claim: whole, token: whole, to: whole },
  abandon: { path, claim: whole, request: whole },
  steal: { path, claim: whole, put: orNull(fc.record(wish, { noNullPrototype: true })) },
  semaphoreCreate: { path, capacity: permits },
  semaphoreResize: { path, capacity: permits },
  barrierSet: { path, open: fc.boolean() },
  proclaim: { path, claim: whole, token: whole, value },
  claims: { path, limit, from: whole },
  leader: { path },
  createWith: {
    path,
    type,
    value: orNull(value),
    capacity: orNull(permits),
    ephemeral: fc.boolean(),
    sequential: fc.boolean(),
    adopt: fc.boolean(),
    auto: fc.boolean(),
    ttlMs: orNull(fc.integer({ min: minTtlMs, max: maxTtlMs })),
    leaseMs: wish.leaseMs,
  },
  touch: { path },
  queueAck: job,
  queueNack: { ...job, delayMs: orNull(fc.integer({ min: 0, max: maxWaitMs })), reason: word },
  queueExtend: { ...job, visibilityMs },
  queueProgress: { ...job, note: word },
  queueDead: { path, item: whole, drop: fc.boolean() },
  queueJob: job,
  queueItems: { path, state: fc.constantFrom(...itemStates), limit, from: whole },
  queueInfo: { path },
  largest: { path, limit: fc.integer({ min: 1, max: 100 }) },
};
const simpleOperation = anyOf<SimpleOperation>(simpleKinds);
const guard = anyOf<Guard>({
  version: { path, version: whole },
  created: { path, op: whole },
  modified: { path, op: whole },
  exists: { path },
  absent: { path },
  type: { path, type },
  blobValue: { path, value },
  blobSize: { path, size: whole },
  setMember: { path, member: value },
  held: { path, token: whole },
  heldBy: { path, token: whole, claim: whole },
  owner: { path, session: whole },
});
export const operation = anyOf<Operation>({
  ...simpleKinds,
  transaction: { guards: few(guard), then: few(simpleOperation), otherwise: few(simpleOperation) },
});

const detail = fc.oneof(word, anyInt, fc.boolean());
const plainName = fc
  .stringMatching(/^[a-z][A-Za-z]{0,12}$/)
  .filter((text) => text !== 'constructor' && text !== 'prototype');
export const error: fc.Arbitrary<ErrorInfo> = fc.record(
  {
    code: fc.constantFrom(...(Object.keys(errorCodes) as ErrorCode[])),
    message: word,
    retryable: fc.boolean(),
    outcome: fc.constantFrom('definite' as const, 'unknown' as const),
    details: fc.dictionary(plainName, detail, { maxKeys: 3, noNullPrototype: true }),
  },
  { noNullPrototype: true },
);

const stat = fc.record(
  {
    path,
    type,
    version: whole,
    created: whole,
    modified: whole,
    count: whole,
    bytes: whole,
    subtreeBytes: whole,
    subtreeNodes: whole,
    owner: orNull(whole),
    ttlMs: orNull(whole),
    auto: fc.boolean(),
  },
  { noNullPrototype: true },
);
const child = fc.record(
  { name: word, type, version: whole, count: whole, bytes: whole, owner: orNull(whole), ttlMs: orNull(whole) },
  { noNullPrototype: true },
);
const knownClaim = fc.record(
  {
    claim: whole,
    session: whole,
    client: word,
    permits: whole,
    exclusive: fc.boolean(),
    value: orNull(value),
    token: whole,
    since: whole,
    until: orNull(whole),
  },
  { noNullPrototype: true },
);
const record = fc.record(
  {
    op: whole,
    path,
    claim: whole,
    kind: fc.constantFrom(...noticeKinds),
    token: whole,
    reason: orNull(fc.constantFrom(...noticeReasons)),
    until: orNull(whole),
    items: few(whole),
  },
  { noNullPrototype: true },
);
const simpleResultKinds: Kinds<SimpleResult> = {
  claimed: { claim: whole, token: whole, ahead: whole, clock: whole, changed: whole },
  abandoned: { was: fc.constantFrom('waiting' as const, 'granted' as const, 'nothing' as const) },
  claims: {
    capacity: orNull(whole),
    open: fc.boolean(),
    claims: few(knownClaim),
    more: fc.boolean(),
    held: whole,
    waiting: whole,
    version: whole,
  },
  leader: { leader: orNull(knownClaim), version: whole },
  created: { path, version: whole, created: whole, clock: whole, changed: whole },
  table: { numbers: few(whole), values: few(value), more: fc.boolean() },
  done: { version: whole },
  value: { value: orNull(value), version: whole },
  number: { number: anyNumber, version: whole },
  truth: { truth: fc.boolean(), version: orNull(whole) },
  values: { values: few(value), more: fc.boolean() },
  paths: { paths: few(path), more: fc.boolean() },
  children: { children: few(child), more: fc.boolean(), version: whole },
  stat: { stat },
  stats: { stats: few(stat) },
};
const result = anyOf<OperationResult>({
  ...simpleResultKinds,
  transaction: { held: fc.boolean(), results: few(anyOf<SimpleResult>(simpleResultKinds)) },
});
export const reply: fc.Arbitrary<Reply> = fc.record(
  {
    epoch: whole,
    view: whole,
    op: whole,
    answer: anyOf<Reply['answer']>({
      result: { result },
      error: { error },
      registered: { session: whole, secret: id128 },
      nothing: {},
      alive: { clock: whole, leaseMs: whole, changes: few(record) },
      allAlive: {
        clock: whole,
        sessions: few(orNull(fc.record({ leaseMs: whole, changes: few(record) }, { noNullPrototype: true }))),
        elsewhere: few(whole),
      },
      bound: { session: whole, secret: id128, continued: fc.boolean() },
    }),
  },
  { noNullPrototype: true },
);

const id = whole;
const consistency = anyOf<Consistency>({ linearizable: {}, local: {}, atLeast: { op: whole } });
const operationBytes = operation.map(encodeOperation);
const identity = fc.record({ id: word, incarnation: id128 }, { noNullPrototype: true });
export const clientMessage = anyOf<ClientMessage>({
  hello: { protocol: whole, client: word },
  enter: { id, namespace: name },
  register: { id, namespaceId: whole, client: word, secret: orNull(id128) },
  request: { id, namespaceId: whole, session: whole, request: whole, answered: whole, operation: operationBytes },
  read: { id, namespaceId: whole, consistency, operation: operationBytes },
  listNamespaces: { id },
  ping: { id },
  unregister: { id, namespaceId: whole, session: whole },
  keepAlive: { id, namespaceId: whole, session: whole, heard: whole },
  watch: {
    id,
    namespaceId: whole,
    path,
    subtree: fc.boolean(),
    from: anyOf<WatchFrom>({ now: {}, snapshot: {}, after: { op: whole } }),
    values: fc.boolean(),
    oneshot: fc.boolean(),
    slow: fc.constantFrom('reset' as const, 'fold' as const),
    consistency,
  },
  unwatch: { id },
  bind: {
    id,
    namespaceId: whole,
    client: word,
    identity,
    attempt: whole,
    previous: whole,
    secret: orNull(id128),
  },
  resume: { namespaceId: whole, session: whole, secret: id128 },
});
const changes = few(
  fc.record(
    {
      path,
      kind: fc.constantFrom(...changeKinds),
      type,
      version: whole,
      value: orNull(value),
      number: orNull(anyNumber),
      claim: orNull(fc.record({ claim: whole, token: whole, session: whole }, { noNullPrototype: true })),
      cause: orNull(fc.constantFrom(...deletionCauses)),
    },
    { noNullPrototype: true },
  ),
);
const event = fc.record({ op: whole, timestamp: whole, folded: fc.boolean(), changes }, { noNullPrototype: true });
const primary = fc.record(
  { name, group: name, nodeName: name, nodeAddress: address, apiAddress: address },
  { noNullPrototype: true },
);
export const serverMessage = anyOf<ServerMessage>({
  welcome: {
    protocol: whole,
    cluster: id128,
    node: name,
    maxFrameBytes: whole,
    maxValueBytes: whole,
    maxWindow: whole,
  },
  reply: { id, reply: reply.map(encodeReply) },
  error: { id, error },
  entered: { id, namespaceId: whole, epoch: whole, view: whole, here: fc.boolean(), primary: orNull(primary) },
  namespaces: { id, names: few(name) },
  pong: { id },
  goodbye: { error },
  watching: { id, op: whole },
  event: { id, event: event.map(encodeEvent) },
  snapshot: { id, op: whole, reset: fc.boolean(), first: fc.boolean(), last: fc.boolean(), changes },
  progress: { id, op: whole },
  who: { namespaceId: whole, session: whole },
  standing: { namespaceId: whole, served: fc.boolean() },
  notice: { namespaceId: whole, session: whole, record },
});

const placement = fc.record({ replica: name, node: name, address }, { noNullPrototype: true });
const command = anyOf<AdminCommand>({
  clusterJoin: { node: name, address },
  clusterStatus: {},
  createNamespace: { namespace: name, replicas: few(placement), allowSmall: fc.boolean() },
  namespaces: {},
  replica: { namespace: name, replica: name, node: name },
  primary: { namespace: name },
  config: {},
  metrics: { prefix: word },
  logLevel: { level: fc.constantFrom('', 'debug', 'info') },
  ping: {},
});
export const adminRequest: fc.Arbitrary<AdminRequest> = fc.record({ id, command }, { noNullPrototype: true });
const member = fc.record(
  {
    node: name,
    address,
    apiAddress: address,
    state: fc.constantFrom('unknown' as const, 'participating' as const, 'emptied' as const, 'replaced' as const),
    connected: fc.boolean(),
    self: fc.boolean(),
  },
  { noNullPrototype: true },
);
const replica = fc.record(
  {
    namespace: name,
    namespaceId: whole,
    replica: name,
    node: name,
    address,
    status: fc.constantFrom('normal', 'view change'),
    primary: orNull(word),
    isPrimary: fc.boolean(),
    epoch: whole,
    view: whole,
    logEpoch: whole,
    logView: whole,
    head: whole,
    commit: whole,
    applied: whole,
    checkpointOp: whole,
    logFirst: whole,
    sessions: whole,
    keys: whole,
    bytes: whole,
  },
  { noNullPrototype: true },
);
const namespaceStatus = fc.record(
  { namespace: name, namespaceId: whole, replicas: few(placement), primary: orNull(word) },
  { noNullPrototype: true },
);
const adminResult = anyOf<AdminResult>({
  ok: {},
  clusterStatus: { cluster: orNull(id128), node: name, members: few(member), warnings: few(word) },
  namespaces: { namespaces: few(namespaceStatus) },
  replica: { replica },
  primary: { primary: orNull(word) },
  pairs: { pairs: few(fc.record({ name: word, value: word }, { noNullPrototype: true })) },
  text: { text: word },
});
export const adminReply = anyOf<AdminReply>({
  done: { id, result: adminResult },
  failed: { id, error },
  goodbye: { error },
});
