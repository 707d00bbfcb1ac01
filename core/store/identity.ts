/** The file that makes a directory a store: its incarnation and its seal, drawn once (protocol §2, "Strangers"). */

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

/** The identity of the store that is there, or null when there is none. @throws StoreError when there is half of one. */
export function readIdentity(disk: Disk, names: readonly string[]): StoreIdentity | null {
  if (!names.includes(identityFile)) {
    // A floor alone is what a crash leaves in the middle of {@link formatStore}.
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

/** Makes the file beside its place and moves it there, so that there is all of it or none. The floor is there before: a store without one lost it. */
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
