import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // The reference machine has two cores; more workers only take time from the clusters under test.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What is waited for comes late on a busy machine, and that alone is no failure.
    expect: { poll: { timeout: 20_000 } },
  },
});
