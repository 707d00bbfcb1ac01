/**
 * The bytes of the node's log: names of files, the store's identity, and the head of a batch. A batch is a head of
 * fixed size, the echo (the headers of the batch before it, protocol §2) and the body, padded to whole sectors. Each
 * part has a CRC of its own. So a torn or rotten body still tells what came before it, and a rotten echo does not spoil
 * the body.
 */

import { bytesFromHex, hexFromBytes } from '../base/bytes.ts';
import { crc32 } from '../base/crc32.ts';
import type { Checksum, Incarnation, NamespaceId, Op } from '../base/ids.ts';
import { isName } from '../base/ids.ts';

/** What a disk writes at once. Batches begin on these boundaries, so a torn write never touches the batch before. */
export const sectorBytes = 4096;
/**
 * When many parts wait, one batch takes this many bytes of them. A single part that is larger gets a batch of its own.
 */
export const maxBatchBytes = 4 * 1024 * 1024;
/** The size of a segment when the caller gives none. */
export const defaultSegmentBytes = 32 * 1024 * 1024;
/** When nothing has followed a batch for this long, an empty batch repeats its headers (protocol §2). */
export const trailAfterMs = 10;

export const identityFile = 'store';
export const identityBytes = 2 * sectorBytes;
export const floorFile = 'floor';
export const temporaryPrefix = 'tmp-';
/** Format 2 has a floor beside the log, and a head that can give any distance to the batch that it repeats. */
export const formatVersion = 2;

/** Why a store cannot be opened. The text is for the operator. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

export interface StoreIdentity {
  readonly incarnation: Incarnation;
  /**
   * Drawn together with the incarnation and never told to anyone. It is in the head of every batch. So neither the
   * bytes of an older store nor a value that a client made up to look like a batch can pass for a batch.
   */
  readonly seal: string;
}

const identityMagic = 0x53545248;
const idBytes = 16;

/** Two equal copies in two sectors, so that one rotten sector does not lose the store. */
export function encodeIdentity(identity: StoreIdentity): Uint8Array {
  const bytes = new Uint8Array(identityBytes);
  const view = new DataView(bytes.buffer);
  for (const at of [0, sectorBytes]) {
    view.setUint32(at, identityMagic, true);
    view.setUint32(at + 8, formatVersion, true);
    bytes.set(bytesFromHex(identity.incarnation)!, at + 12);
    bytes.set(bytesFromHex(identity.seal)!, at + 28);
    view.setUint32(at + 4, crc32(bytes, 0, at + 8, at + 44), true);
  }
  return bytes;
}

/**
 * The identity in one sector, or null when the sector does not hold one. @throws {@link StoreError} when a later
 * release wrote it.
 */
export function decodeIdentity(sector: Uint8Array): StoreIdentity | null {
  if (sector.length < 44) return null;
  const view = new DataView(sector.buffer, sector.byteOffset, sector.length);
  if (view.getUint32(0, true) !== identityMagic || view.getUint32(4, true) !== crc32(sector, 0, 8, 44)) return null;
  const version = view.getUint32(8, true);
  if (version !== formatVersion) {
    throw new StoreError(
      `the data directory was written in format ${version}, and this release reads format ${formatVersion}: start it with the release that wrote it`,
    );
  }
  return {
    incarnation: hexFromBytes(sector.subarray(12, 12 + idBytes)),
    seal: hexFromBytes(sector.subarray(28, 28 + idBytes)),
  };
}

const segmentPattern = /^log-(\d{8,16})-(\d{1,15})$/;
/** The head of a batch has no room for a higher number. */
const highestSegment = 0xffff_ffff;

/** The name holds the nominal size, so that we can see when a file was cut. */
export function segmentName(number: number, size: number): string {
  return `log-${String(number).padStart(8, '0')}-${size}`;
}

export function parseSegmentName(name: string): { readonly number: number; readonly size: number } | null {
  const match = segmentPattern.exec(name);
  if (match === null) return null;
  const [number, size] = [Number(match[1]), Number(match[2])];
  // Each number is written in one way only.
  return number <= highestSegment && name === segmentName(number, size) ? { number, size } : null;
}

const checkpointPattern = /^checkpoint-(\d+)-(\d+)-([0-9a-f]{32})-(.+)$/;

export interface CheckpointName {
  readonly namespace: NamespaceId;
  readonly op: Op;
  readonly hash: Checksum;
  readonly replica: string;
}

export function checkpointName({ namespace, op, hash, replica }: CheckpointName): string {
  return `checkpoint-${namespace}-${op}-${hash}-${replica}`;
}

export function parseCheckpointName(name: string): CheckpointName | null {
  const match = checkpointPattern.exec(name);
  if (match === null || !isName(match[4]!)) return null;
  return { namespace: Number(match[1]), op: Number(match[2]), hash: match[3]!, replica: match[4]! };
}

const batchMagic = 0x42545248;
/** Bytes of the fixed head; the echo follows it. */
export const headBytes = 84;
/**
 * A start after a loss skips this many batch numbers. If the lost batches should come back, they are older all the
 * same.
 */
export const lossJump = 0x1_0000_0000;

/** The body begins with a manifest that replaces everything before it. Each run of the node writes this batch first. */
export const flagOpening = 1;
/**
 * The echo says what an earlier batch held. Usually that is the batch before. In the first batch of a run it is the
 * last durable batch of the run before.
 */
export const flagEcho = 2;

export interface BatchHead {
  readonly sequence: number;
  readonly segment: number;
  /** Where the batch begins in its segment, in bytes. */
  readonly offset: number;
  readonly flags: number;
  /** How many batches back the repeated batch is. A torn batch that was cut off may lie between. */
  readonly echoDistance: number;
  readonly echoBytes: number;
  readonly echoCrc: number;
  readonly bodyBytes: number;
  readonly bodyCrc: number;
  /** The lowest segment that is still needed. Segments below it may be gone; segments from it on may not. */
  readonly oldestSegment: number;
  /**
   * How many replicas were created and removed before this batch, in the store's whole life. It tells whether a lost
   * batch made one.
   */
  readonly roster: number;
}

const two32 = 0x1_0000_0000;

/** Writes the head into the first bytes of `into`. */
export function encodeHead(head: BatchHead, seal: Uint8Array, into: Uint8Array): void {
  const view = new DataView(into.buffer, into.byteOffset, headBytes);
  view.setUint32(0, batchMagic, true);
  into.set(seal, 8);
  view.setUint32(24, head.sequence % two32, true);
  view.setUint32(28, Math.floor(head.sequence / two32), true);
  view.setUint32(32, head.segment, true);
  view.setUint32(36, head.offset, true);
  view.setUint32(40, head.flags, true);
  view.setUint32(44, head.echoBytes, true);
  view.setUint32(48, head.echoCrc, true);
  view.setUint32(52, head.bodyBytes, true);
  view.setUint32(56, head.bodyCrc, true);
  view.setUint32(60, head.oldestSegment, true);
  view.setUint32(64, head.roster % two32, true);
  view.setUint32(68, Math.floor(head.roster / two32), true);
  view.setUint32(72, formatVersion, true);
  view.setUint32(76, head.echoDistance % two32, true);
  view.setUint32(80, Math.floor(head.echoDistance / two32), true);
  view.setUint32(4, crc32(into, 0, 8, headBytes), true);
}

/** The head of a batch, if it is of this store and belongs exactly here; otherwise null. */
/** The seal of the store that wrote a batch, when there is a whole head at the beginning of the bytes. */
export function sealOfHead(bytes: Uint8Array): Uint8Array | null {
  if (bytes.length < headBytes) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, headBytes);
  if (view.getUint32(0, true) !== batchMagic || view.getUint32(4, true) !== crc32(bytes, 0, 8, headBytes)) return null;
  return bytes.subarray(8, 8 + idBytes);
}

export function decodeHead(
  bytes: Uint8Array,
  at: number,
  seal: Uint8Array,
  segment: number,
  offset: number,
): BatchHead | null {
  if (bytes.length - at < headBytes) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, headBytes);
  if (view.getUint32(0, true) !== batchMagic) return null;
  for (let i = 0; i < idBytes; i++) if (bytes[at + 8 + i] !== seal[i]) return null;
  if (view.getUint32(4, true) !== crc32(bytes, 0, at + 8, at + headBytes)) return null;
  if (view.getUint32(32, true) !== segment || view.getUint32(36, true) !== offset) return null;
  return {
    sequence: view.getUint32(24, true) + view.getUint32(28, true) * two32,
    segment,
    offset,
    flags: view.getUint32(40, true),
    echoDistance: view.getUint32(76, true) + view.getUint32(80, true) * two32,
    echoBytes: view.getUint32(44, true),
    echoCrc: view.getUint32(48, true),
    bodyBytes: view.getUint32(52, true),
    bodyCrc: view.getUint32(56, true),
    oldestSegment: view.getUint32(60, true),
    roster: view.getUint32(64, true) + view.getUint32(68, true) * two32,
  };
}

/** `bytes` rounded up to whole sectors. */
export function wholeSectors(bytes: number): number {
  return Math.ceil(bytes / sectorBytes) * sectorBytes;
}

export function batchBytes(head: Pick<BatchHead, 'echoBytes' | 'bodyBytes'>): number {
  return wholeSectors(headBytes + head.echoBytes + head.bodyBytes);
}
