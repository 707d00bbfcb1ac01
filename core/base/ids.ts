/** The names of things, and which of them are well formed. */

import { hex, text } from './schema.ts';

/** 128 random bits, as 32 hexadecimal digits, drawn when a cluster is founded. */
export type ClusterId = string;
/**
 * 128 random bits, drawn when a node's store is formatted. A different incarnation means that the disk was lost
 * (protocol §2).
 */
export type Incarnation = string;
/** The number of a namespace in its cluster. A number is never used twice. 0 is the root group (architecture §6). */
export type NamespaceId = number;
/** SHA-256 cut to 128 bits, as 32 hexadecimal digits. */
export type Checksum = string;

export const rootNamespaceId: NamespaceId = 0;
export const noCluster: ClusterId = '0'.repeat(32);

export const idSchema = hex(16);
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
