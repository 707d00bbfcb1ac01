/** Faults of the file of the cluster's secret, as the node's operator is told about them. */

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SeededRandom } from '../../core/base/random.ts';
import { ClusterSecret, secretFile } from '../../core/cluster/peers/secret.ts';
import { NodeDisk } from '../../node-server/node-disk.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'haret-secret-'));
  file = join(directory, secretFile);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** What a member of a cluster says about the file. */
function said(): string | null {
  const secret = new ClusterSecret({
    disk: new NodeDisk(directory),
    random: new SeededRandom(1),
    options: { configured: [], staysWithin: () => true },
    self: '127.0.0.1:1',
    inCluster: () => true,
    emptied: false,
  });
  secret.recover();
  return secret.lost;
}

const good = `${'5'.repeat(64)}\n`;

describe('the file of the secret of a member', () => {
  it('is reported as the secret of a member, with what to do', () => {
    writeFileSync(file, good);
    expect(said()).toBeNull();
    const others: readonly (readonly [string, () => void])[] = [
      ['is missing', () => undefined],
      ['is empty', () => writeFileSync(file, '')],
      ['is empty', () => writeFileSync(file, ' \n')],
      ['holds no secret, which is one line of 16 to 1024 visible characters', () => writeFileSync(file, 'short\n')],
      [
        'holds no secret, which is one line of 16 to 1024 visible characters',
        () => writeFileSync(file, Buffer.alloc(40)),
      ],
      ['is a directory', () => mkdirSync(file)],
      [
        'is a symbolic link',
        () => {
          writeFileSync(join(directory, 'elsewhere'), good);
          symlinkSync(join(directory, 'elsewhere'), file);
        },
      ],
    ];
    for (const [what, make] of others) {
      rmSync(file, { recursive: true, force: true });
      make();
      expect(said()).toBe(
        `this node has lost its cluster's secret: the file "cluster-secret" of its data directory ${what}. Copy the file itself from another node and restart; until then no node lets it in`,
      );
    }
  });
});
