/**
 * CRC-32 (IEEE), eight bytes at a time. It finds torn and rotten records. It never identifies anything (protocol §2).
 */

const tables: Uint32Array[] = [];
for (let k = 0; k < 8; k++) {
  const table = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = k === 0 ? byte : tables[k - 1]![byte]!;
    if (k === 0) for (let bit = 0; bit < 8; bit++) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    else crc = (crc >>> 8) ^ tables[0]![crc & 255]!;
    table[byte] = crc >>> 0;
  }
  tables.push(table);
}
const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
];

/** The CRC-32 of `bytes` from `start` to `end`. `previous` is the CRC of the bytes before, to continue from. */
export function crc32(bytes: Uint8Array, previous = 0, start = 0, end: number = bytes.length): number {
  let crc = ~previous;
  let i = start;
  for (; i + 8 <= end; i += 8) {
    const low = crc ^ (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
    crc =
      t7[low & 255]! ^
      t6[(low >>> 8) & 255]! ^
      t5[(low >>> 16) & 255]! ^
      t4[low >>> 24]! ^
      t3[bytes[i + 4]!]! ^
      t2[bytes[i + 5]!]! ^
      t1[bytes[i + 6]!]! ^
      t0[bytes[i + 7]!]!;
  }
  for (; i < end; i++) crc = t0[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
