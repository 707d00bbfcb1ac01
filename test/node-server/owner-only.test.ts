/** The file of the cluster's secret, and which users can read it. */

import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { secretFile } from '../../core/cluster/peers/secret.ts';
import { closeSecretFile } from '../../node-server/owner-only.ts';

let directory: string;
let file: string;
let lines: string[];
const log = {
  write: (level: string, message: string, facts = {}) =>
    void lines.push(`${level} ${message} ${JSON.stringify(facts)}`),
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'haret-owner-'));
  file = join(directory, secretFile);
  lines = [];
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

function made(mode: number): void {
  writeFileSync(file, 'secret\n');
  chmodSync(file, mode);
}

describe.skipIf(process.platform === 'win32')('the file of the secret', () => {
  it.each([0o644, 0o640, 0o604, 0o660, 0o601])(
    'is closed to all but its owner again, and the log says that it was open: %o',
    (mode) => {
      made(mode);
      closeSecretFile(directory, log);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(lines).toEqual([
        expect.stringMatching(/^warn the file of the cluster's secret could be read by others.*"mode":"0\d{3}"/),
      ]);
      closeSecretFile(directory, log);
      expect(lines).toHaveLength(1);
    },
  );

  it.each([0o600, 0o400])('is left alone when only its owner can read it: %o', (mode) => {
    made(mode);
    closeSecretFile(directory, log);
    expect(statSync(file).mode & 0o777).toBe(mode);
    expect(lines).toEqual([]);
  });

  it('need not exist, and neither need its directory', () => {
    closeSecretFile(directory, log);
    closeSecretFile(join(directory, 'none'), log);
    expect(lines).toEqual([]);
  });

  it('keeps the node from starting when it cannot be closed, and the error says what to do', () => {
    made(0o644);
    const chmod = (): void => {
      throw Object.assign(new Error('no'), { code: 'EPERM' });
    };
    expect(() => closeSecretFile(directory, log, chmod)).toThrow(
      /cluster-secret" can be read by others than its owner \(mode 0644\), and that cannot be changed \(EPERM\): make it 0600/,
    );
  });
});
