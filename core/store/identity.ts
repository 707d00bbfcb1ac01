/**
 * The file that makes a directory a store. It holds the incarnation and the seal, each drawn once (protocol §2,
 * "Strangers").
 */

import type { Disk, DiskError } from '../base/ports.ts';
import type { StoreIdentity } from './format.ts';
import {
  StoreError,
  decodeIdentity,
  encodeIdentity,
  identityBytes,
  identityFile,
  parseSegmentName,
  sectorBytes,
  temporaryPrefix,
} from './format.ts';

/**
 * The identity of the store in this directory, or null when there is no store. @throws {@link StoreError} when there is
 * only half of one.
 */
export function readIdentity(disk: Disk, names: readonly string[]): StoreIdentity | null {
  if (!names.includes(identityFile)) {
    // A floor without a log is what a crash in the middle of {@link formatStore} leaves.
    if (!names.some((name) => parseSegmentName(name) !== null)) return null;
    throw new StoreError(
      `the data directory has a log but its file "${identityFile}" is missing: put it back, or empty the directory, give this node another node_name, and join it`,
    );
  }
  for (const at of [0, sectorBytes]) {
    const sector = readSector(disk, at);
    const identity = sector === null ? null : decodeIdentity(sector);
    if (identity !== null) return identity;
  }
  throw new StoreError(
    `the file "${identityFile}" of the data directory is damaged in both of its copies: restore it, or empty the directory, give this node another node_name, and join it`,
  );
}

function readSector(disk: Disk, at: number): Uint8Array | null {
  try {
    return disk.read(identityFile, at, sectorBytes);
  } catch {
    return null;
  }
}

/**
 * Makes the file under another name and renames it, so that it is there whole or not at all. The floor is written
 * before: a store without a floor has lost it.
 */
export function formatStore(disk: Disk, identity: StoreIdentity, done: (error: DiskError | null) => void): void {
  const temporary = `${temporaryPrefix}${identityFile}`;
  disk.create(temporary, identityBytes, (createError) => {
    if (createError !== null) return done(createError);
    disk.write(temporary, 0, [encodeIdentity(identity)], true, (writeError) => {
      if (writeError !== null) return done(writeError);
      disk.rename(temporary, identityFile, done);
    });
  });
}
