/** The file of the cluster's secret is for its owner only. Anyone else who can read it gets into the cluster. */

import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Log } from '../core/base/ports.ts';
import { secretFile } from '../core/cluster/peers/secret.ts';

const ownerOnly = 0o600;
const forOthers = 0o077;

/**
 * Copying the file by hand may have opened it to others. We close it again, and say so, because it may have been read.
 * @throws Error in one line when it cannot be closed.
 * @param chmod sets the mode of a file.
 */
export function closeSecretFile(directory: string, log: Log, chmod: typeof fs.chmodSync = fs.chmodSync): void {
  // File modes mean nothing there.
  if (process.platform === 'win32') return;
  const file = path.resolve(directory, secretFile);
  const found = fs.lstatSync(file, { throwIfNoEntry: false });
  if (found?.isFile() !== true || (found.mode & forOthers) === 0) return;
  const mode = (found.mode & 0o777).toString(8).padStart(4, '0');
  try {
    chmod(file, ownerOnly);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(
      `the file "${file}" can be read by others than its owner (mode ${mode}), and that cannot be changed (${code ?? String(error)}): make it 0600, owned by the user that runs the node`,
      { cause: error },
    );
  }
  const text =
    "the file of the cluster's secret could be read by others than its owner: it is 0600 now; if somebody may have read it, change the secret";
  log.write('warn', text, { file, mode });
}
