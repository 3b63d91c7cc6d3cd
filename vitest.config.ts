import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/assembly.ts'],
    // One worker for each core: by itself vitest leaves one of them idle, and here two are all there are.
    maxWorkers: '100%',
    // The longest takes ten seconds; a machine with much else to do may take ten times that.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
