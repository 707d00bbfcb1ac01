/** What the host of a part offers to claims, for parts that have none. */

import type { PartHost } from '../../core/client/part.ts';

function none(): never {
  throw new Error('nothing is claimed here');
}

export const claimless: Pick<PartHost, 'execute' | 'keepAlive' | 'alarms'> = {
  execute: none,
  keepAlive: none,
  alarms: new Set(),
};
