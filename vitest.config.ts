import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What lives through whole histories comes first, so that no core has to wait for it at the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification) =>
      moduleId.includes('/test/simulation/') ? 0 : moduleId.includes('/test/journeys/') ? 1 : 2;
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/assembly.ts'],
    // One worker for each core: by itself vitest leaves one of them idle, and here two are all there are.
    maxWorkers: '100%',
    // Files of a worker share what they have loaded and compiled, which was more than a third of all work. So no test may leave anything behind
    // in a module: they run in any order, and beside each other.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    // The longest takes ten seconds; a machine with much else to do may take ten times that.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
