/** The `Hash` port with Node's own crypto. */

import { createHash, createHmac, hash } from 'node:crypto';
import type { Hash, Hasher } from '../core/base/ports.ts';

const digestDigits = 32;

export class NodeHash implements Hash {
  /**
   * One call into the library takes 0.4 us for an entry of 350 bytes. An object with `update` and `digest` costs twice
   * that.
   */
  digest(bytes: Uint8Array): string {
    return hash('sha256', bytes, 'hex').slice(0, digestDigits);
  }

  mac(key: Uint8Array, bytes: Uint8Array): string {
    return createHmac('sha256', key).update(bytes).digest('hex');
  }

  start(): Hasher {
    const parts = createHash('sha256');
    return {
      update: (bytes) => {
        parts.update(bytes);
      },
      digest: () => parts.digest('hex').slice(0, digestDigits),
    };
  }
}
