/**
 * The few messages of etcd's v3 API that the bench sends and reads (etcd's `rpc.proto`), by hand. In the framing of
 * gRPC, they are a zero byte (not compressed), four bytes of length, then the protocol buffer.
 */

export const grpcPrefixBytes = 5;

/** Paths of the calls, as gRPC names them. */
export const etcdPaths = { put: '/etcdserverpb.KV/Put', range: '/etcdserverpb.KV/Range' } as const;

/** Field numbers, shifted by the wire type 2 (bytes) or 0 (varint), as they stand in front of a field. */
const requestKey = (1 << 3) | 2;
const putValue = (2 << 3) | 2;
const rangeSerializable = (7 << 3) | 0;
const rangeResponseKvs = (2 << 3) | 2;
const keyValueValue = (5 << 3) | 2;

function varintBytes(value: number): number {
  let count = 1;
  for (let rest = value; rest > 127; rest >>>= 7) count++;
  return count;
}

function writeVarint(buffer: Buffer, at: number, value: number): number {
  let rest = value;
  while (rest > 127) {
    buffer[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  buffer[at++] = rest;
  return at;
}

function writePrefix(buffer: Buffer, at: number, length: number): number {
  buffer[at] = 0;
  buffer.writeUInt32BE(length, at + 1);
  return at + grpcPrefixBytes;
}

function writeKey(buffer: Buffer, at: number, key: string): number {
  buffer[at++] = requestKey;
  at = writeVarint(buffer, at, key.length);
  return at + buffer.write(key, at, 'latin1');
}

/** Bytes of a Put with its prefix. Keys are ASCII. */
export function putBytes(key: string, value: Uint8Array): number {
  return grpcPrefixBytes + 2 + varintBytes(key.length) + key.length + varintBytes(value.length) + value.length;
}

export function writePut(buffer: Buffer, at: number, key: string, value: Uint8Array): void {
  at = writePrefix(buffer, at, putBytes(key, value) - grpcPrefixBytes);
  at = writeKey(buffer, at, key);
  buffer[at++] = putValue;
  at = writeVarint(buffer, at, value.length);
  buffer.set(value, at);
}

/**
 * The size of a Range of one key with its prefix, in bytes. The node that is asked answers a serializable one from its
 * own state.
 */
export function rangeBytes(key: string, serializable: boolean): number {
  return grpcPrefixBytes + 1 + varintBytes(key.length) + key.length + (serializable ? 2 : 0);
}

export function writeRange(buffer: Buffer, at: number, key: string, serializable: boolean): void {
  at = writePrefix(buffer, at, rangeBytes(key, serializable) - grpcPrefixBytes);
  at = writeKey(buffer, at, key);
  if (serializable) {
    buffer[at++] = rangeSerializable;
    buffer[at] = 1;
  }
}

/** Where a field of bytes is within one message, which reaches from `from` to `to`. */
function findBytes(bytes: Uint8Array, from: number, to: number, field: number): { at: number; length: number } | null {
  let at = from;
  const varint = (): number => {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = bytes[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128 || at >= to) return value;
      scale *= 128;
    }
  };
  while (at < to) {
    const tag = varint();
    const wireType = tag & 7;
    if (wireType === 0) varint();
    else if (wireType === 2) {
      const length = varint();
      if (tag === field) return { at, length };
      at += length;
    } else return null;
  }
  return null;
}

/** The size of the value in a RangeResponse with its prefix, in bytes, or -1 when the key was not found. */
export function rangeValueBytes(message: Uint8Array): number {
  const entry = findBytes(message, grpcPrefixBytes, message.length, rangeResponseKvs);
  if (entry === null) return -1;
  const value = findBytes(message, entry.at, entry.at + entry.length, keyValueValue);
  return value === null ? 0 : value.length;
}
