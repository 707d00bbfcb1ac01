/**
 * Takes the lock of a directory, says so, and keeps it until it is killed. Each line of input asks whether it still has
 * the lock.
 */

import { DirectoryLock } from '../../node-server/directory-lock.ts';

const [directory, options] = process.argv.slice(2);
const lock = new DirectoryLock(directory!, JSON.parse(options ?? '{}') as object);

function say(work: () => void): void {
  try {
    work();
    process.stdout.write('held\n');
  } catch (error) {
    process.stdout.write(`${(error as Error).message}\n`);
  }
}

say(() => lock.acquire());
process.stdin.on('data', () => say(() => lock.check()));
