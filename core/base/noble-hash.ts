/** The `Hash` port in plain JavaScript, for browsers and the simulator. Servers have a faster one. */

import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { hexFromBytes } from './bytes.ts';
import type { Hash, Hasher } from './ports.ts';

const digestBytes = 16;

export class NobleHash implements Hash {
  digest(bytes: Uint8Array): string {
    return hexFromBytes(sha256(bytes).subarray(0, digestBytes));
  }

  mac(key: Uint8Array, bytes: Uint8Array): string {
    return hexFromBytes(hmac(sha256, key, bytes));
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
