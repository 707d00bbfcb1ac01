/**
 * The file that makes a directory a store. It holds the incarnation and the seal, each drawn once (protocol §2,
 * "Strangers").
 */

import type { Disk, DiskError, Log } from '../base/ports.ts';
import type { StoreIdentity } from './format.ts';
import {
  StoreError,
  decodeIdentity,
  encodeIdentity,
  floorFile,
  identityBytes,
  identityFile,
  parseSegmentName,
  sectorBytes,
  temporaryPrefix,
} from './format.ts';

export interface FoundIdentity extends StoreIdentity {
  /** One of the two copies cannot be read. */
  readonly damaged: boolean;
}

/**
 * The identity of the store in this directory, or null when there is no store. @throws {@link StoreError} when there is
 * only half of one.
 */
export function readIdentity(disk: Disk, names: readonly string[]): FoundIdentity | null {
  if (!names.includes(identityFile)) {
    // A floor without a log is what a crash in the middle of {@link formatStore} leaves.
    if (!names.some((name) => parseSegmentName(name) !== null)) return null;
    const other = disk.noFile?.(identityFile) ?? null;
    throw new StoreError(
      `the data directory has a log but its file "${identityFile}" is ${other ?? 'missing'}: put it back, or empty the directory, give this node another node_name, and join it`,
    );
  }
  const copies = [0, sectorBytes].map((at) => {
    const sector = readSector(disk, at);
    return sector === null ? null : decodeIdentity(sector);
  });
  const identity = copies.find((copy) => copy !== null) ?? null;
  if (identity !== null) return { ...identity, damaged: copies.includes(null) };
  throw new StoreError(
    `the file "${identityFile}" of the data directory is damaged in both of its copies: restore it, or empty the directory, give this node another node_name, and join it`,
  );
}

/**
 * A process that was killed may have written what it did not live to sync. Nothing that recovery finds may be lost after
 * this node has acted on it (protocol §2).
 * @throws {@link StoreError} when the disk refuses.
 */
export function syncFound(disk: Disk): void {
  try {
    disk.syncAll();
  } catch (error) {
    throw new StoreError(error instanceof Error ? error.message : String(error));
  }
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

/** What is kept twice is told at the first copy that is bad, while the other is still good. */
export function tellDamage(log: Log, identity: FoundIdentity | null, floorDamaged: boolean): void {
  const text = (file: string): string =>
    `the file "${file}" of the data directory was damaged in one of its two copies; the other is good, and a store that has its log writes both anew`;
  if (identity?.damaged === true) log.write('warn', text(identityFile), { file: identityFile });
  if (floorDamaged) log.write('warn', text(floorFile), { file: floorFile });
}

/** Writes both copies anew where one is bad. A node can do without for now: what fails is told, and tried again at the next start. */
export function mendIdentity(disk: Disk, log: Log, found: FoundIdentity, done: () => void): void {
  if (!found.damaged) return done();
  formatStore(disk, found, (error) => {
    if (error !== null)
      log.write('warn', `the file "${identityFile}" could not be mended`, {
        file: identityFile,
        problem: error.message,
      });
    done();
  });
}
