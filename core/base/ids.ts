/** The names and numbers of things, and which of them are well formed. */

import type { Schema } from './schema.ts';
import { hex, text } from './schema.ts';

declare const brand: unique symbol;

/**
 * A number or text that names one kind of thing. The compiler refuses it where another kind is meant: a view for an op,
 * a session for a token. At run time a brand is nothing.
 *
 * A plain number or text is accepted as any kind. So what is computed or written down needs no cast (`op + 1`, a
 * literal in a test). A cast would prove nothing: it takes a view for an op as well.
 */
export type Brand<T extends number | string, Kind extends string> = T & { readonly [brand]?: Kind };

/** 128 random bits, as 32 hexadecimal digits, drawn when a cluster is founded. */
export type ClusterId = Brand<string, 'cluster'>;
/**
 * 128 random bits, drawn when a node's store is formatted. A different incarnation means that the disk was lost
 * (protocol §2).
 */
export type Incarnation = Brand<string, 'incarnation'>;
/** The number of a namespace in its cluster. A number is never used twice. 0 is the root group (architecture §6). */
export type NamespaceId = Brand<number, 'namespace'>;
/** SHA-256 cut to 128 bits, as 32 hexadecimal digits. */
export type Checksum = Brand<string, 'checksum'>;

/** The number of an entry in the log of its group. The first entry has 1. */
export type Op = Brand<number, 'op'>;
/** The number of a view in its epoch (protocol §3). */
export type View = Brand<number, 'view'>;
/** The number of a configuration of a group. The first has 1 (protocol §8). */
export type Epoch = Brand<number, 'epoch'>;

/** The number of a session in its namespace. 0 means no session: what the group itself proposes. */
export type SessionId = Brand<number, 'session'>;
/** The number of a request in its session. The first has 1. */
export type RequestNumber = Brand<number, 'request'>;
/** The name that a host gives to a question, so that the answer finds who waits for it. It never leaves the node. */
export type Token = Brand<number, 'token'>;

/** One life of a node's process, as its peers tell it from the lives before: what it asks is numbered in each. */
export type RunId = Brand<number, 'run'>;

/** A session is named by the op that registered it, so no id is given twice (protocol §7). */
export function sessionOf(op: Op): SessionId {
  return op as number;
}

/** A namespace is named by the op of the root group's log that made it (architecture §6). */
export function namespaceOf(op: Op): NamespaceId {
  return op as number;
}

export const rootNamespaceId: NamespaceId = 0;
const noId = '00000000000000000000000000000000';
export const noCluster: ClusterId = noId;
/** That of a store that is not open. In a hello it means that any will do. */
export const noIncarnation: Incarnation = noId;

// What a page does not use is left out of it only if a bundler knows that these calls do nothing else.
export const idSchema = /* @__PURE__ */ hex(16);
export const clusterIdSchema: Schema<ClusterId> = /* @__PURE__ */ hex(16);
export const incarnationSchema: Schema<Incarnation> = /* @__PURE__ */ hex(16);
export const checksumSchema: Schema<Checksum> = /* @__PURE__ */ hex(16);
/** Names of nodes, replicas and namespaces. */
export const nameSchema = text(64);
export const addressSchema = text(256);

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

const addressPattern = /^[\x21-\x7e]{1,256}$/;

/** True for text that can be an address: printable and without spaces, so that we can dial it and show it. */
export function isAddress(address: string): boolean {
  return addressPattern.test(address);
}

/**
 * True for a valid name of a node, replica or namespace: up to 64 letters, digits, `.`, `_` and `-`, the first of them
 * a letter or digit.
 */
export function isName(name: unknown): boolean {
  return typeof name === 'string' && namePattern.test(name);
}
