/** The keys and defaults in docs/operations.md are true. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defaultLimits } from '../../core/base/limits.ts';
import { defaultTiming } from '../../core/cluster/base/host.ts';
import { configKeys } from '../../node-server/config-keys.ts';

const text = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');

describe('the operations page', () => {
  it('names no key that config.toml does not take', () => {
    const named = [...text.matchAll(/`([a-z]+(?:_[a-z]+)+)`/g)].map(([, key]) => key!);
    const keys = named.filter((name) => !/^(haret|process)_/.test(name));
    expect(keys.length).toBeGreaterThan(30);
    expect(keys.filter((key) => !configKeys.has(key))).toEqual([]);
  });

  it('has the defaults with which it counts failures', () => {
    expect(defaultTiming).toMatchObject({ suspicionMs: 1000, sessionMs: 600_000 });
    expect(defaultLimits).toMatchObject({ maxFrameBytes: 4 * 2 ** 20, maxPendingRequests: 16_384, maxReplicas: 4096 });
  });
});
