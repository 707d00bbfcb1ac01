import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // `npm run test:fast` leaves out files that say `@module-tag slow` at their top: they run many seeds, or wait for processes.
    tags: [{ name: 'slow', description: 'takes more than three seconds of a processor' }],
    // The reference machine has two cores; more workers only take time from the clusters under test.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What is waited for comes late on a busy machine, and that alone is no failure.
    expect: { poll: { timeout: 20_000 } },
  },
});
