/** The `Hash` port in JavaScript alone, for browsers and the simulator; servers have a faster one. */

import { sha256 } from '@noble/hashes/sha2.js';
import { hexFromBytes } from './bytes.ts';
import type { Hash, Hasher } from './ports.ts';

const digestBytes = 16;

export class NobleHash implements Hash {
  digest(bytes: Uint8Array): string {
    return hexFromBytes(sha256(bytes).subarray(0, digestBytes));
  }

  start(): Hasher {
    const hash = sha256.create();
    return {
      update: (bytes) => {
        hash.update(bytes);
      },
      digest: () => hexFromBytes(hash.digest().subarray(0, digestBytes)),
    };
  }
}
