/** What the model of lines of claims keeps, and what can be said about it at a glance. */

import type { NodeType } from '../../../core/tree/names.ts';

/** A wish to hold permits. It waits while its token is 0. A hold with an `until` is a shadow. */
export interface Claim {
  readonly claim: number;
  readonly session: number;
  readonly request: number;
  readonly permits: number;
  readonly exclusive: boolean;
  value: string | null;
  readonly enqueued: number;
  readonly waitUntil: number | null;
  front: number;
  token: number;
  granted: number;
  until: number | null;
}

/** A node of any type. Only lines have claims. */
export interface Line {
  readonly type: NodeType;
  capacity: number | null;
  open: boolean;
  auto: boolean;
  claims: Claim[];
}

export interface Record {
  readonly op: number;
  readonly path: string;
  readonly claim: number;
  readonly kind: 'granted' | 'passed' | 'revoked' | 'ended' | 'lost';
  readonly token: number;
  readonly reason: string | null;
  readonly until: number | null;
  readonly items: readonly never[];
}

export interface Session {
  readonly id: number;
  readonly secret: string;
  identity: {
    readonly id: string;
    readonly incarnation: string;
    readonly attempt: number;
    readonly continued: boolean;
  } | null;
  seen: number;
  /** 0 for a session that never had a belonging. */
  lease: number;
  continued: boolean;
  changed: number;
  records: Record[];
  /** Its replies that may still be asked for, from number `base` on. */
  base: number;
  readonly replies: Map<number, { readonly body: Uint8Array; readonly reply: Uint8Array }>;
}

export interface State {
  op: number;
  now: number;
  /** By path. The root is not among them. */
  nodes: Map<string, Line>;
  sessions: Map<number, Session>;
}

const lines: ReadonlySet<NodeType> = new Set<NodeType>(['lock', 'semaphore', 'barrier', 'election']);

export function isLine({ type }: Line): boolean {
  return lines.has(type);
}

export function holdsOf(node: Line | undefined): Claim[] {
  return (node?.claims ?? []).filter(({ token }) => token > 0).sort((a, b) => a.claim - b.claim);
}

/** Those in front first, the latest foremost; then by age. */
export function waitersOf(node: Line): Claim[] {
  return node.claims.filter(({ token }) => token === 0).sort((a, b) => b.front - a.front || a.claim - b.claim);
}

/** Permits of holds and shadows. */
export function room(node: Line): number {
  return holdsOf(node).reduce((sum, { permits }) => sum + permits, 0);
}

/** True when a claim fits beside the holds and shadows that are there. */
export function counts(node: Line, claim: Claim): boolean {
  const holds = holdsOf(node);
  if (claim.exclusive) return holds.length === 0;
  if (holds.some(({ exclusive }) => exclusive)) return false;
  return node.capacity === null || room(node) + claim.permits <= node.capacity;
}

export function dueAt({ seen, lease }: Session, { sessionMs }: { readonly sessionMs: number }): number {
  return seen + (lease === 0 ? sessionMs : lease);
}

/** Nothing is granted to a claim whose wait or session is due, or whose session is gone. */
export function over({ now, sessions }: State, claim: Claim, limits: { readonly sessionMs: number }): boolean {
  if (claim.waitUntil !== null && claim.waitUntil <= now) return true;
  const session = sessions.get(claim.session);
  return session === undefined || session.continued || dueAt(session, limits) <= now;
}

export function belongingsOf(
  { nodes }: State,
  session: number,
): { readonly path: string; readonly node: Line; readonly claim: Claim }[] {
  return [...nodes].flatMap(([path, node]) =>
    node.claims.filter((one) => one.session === session).map((claim) => ({ path, node, claim })),
  );
}

/** The paths of the directories above, from the root down, without the root. */
export function parentsOf(path: string): string[] {
  const parts = path.slice(1).split('/');
  return parts.slice(0, -1).map((_, i) => `/${parts.slice(0, i + 1).join('/')}`);
}

export function children(nodes: ReadonlyMap<string, Line>, path: string): number {
  return [...nodes.keys()].filter((one) => one.startsWith(`${path}/`)).length;
}

export function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
