/**
 * Random histories on the whole pipeline, in quarters that run side by side. `SHIPLOCK_HISTORIES` says how many there are
 * (200 unless set), `SHIPLOCK_SEED` the first seed (1); the first quarter has what is left over:
 * `SHIPLOCK_SEED=17 SHIPLOCK_HISTORIES=1 npx vitest run test/simulation/histories/first.test.ts` repeats the one with seed 17.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Assembly, simulationAssembly } from '../assembly.ts';
import { live } from '../history.ts';

const first = Number(process.env.SHIPLOCK_SEED ?? 1);
const count = Number(process.env.SHIPLOCK_HISTORIES ?? 200);
const QUARTERS = 4;

/** @param quarter 0 to 3 */
export function histories(quarter: number): void {
  const seeds = Array.from({ length: count }, (_, index) => first + index).filter((_, index) => index % QUARTERS === quarter);
  describe.runIf(seeds.length > 0)('random histories', () => {
    let assembly: Assembly;
    beforeAll(async () => {
      assembly = await simulationAssembly();
    });
    afterAll(() => assembly.remove());

    const ends = new Map<string, number>();
    it.each(seeds)('history %i keeps every invariant', async (seed) => {
      const { violations, story, ends: releases } = await live(seed, assembly.folder);
      for (const { state } of releases) ends.set(state, (ends.get(state) ?? 0) + 1);
      expect(violations, `seed ${seed}\n${story.join('\n')}`).toEqual([]);
    });

    it.runIf(seeds.length >= 20)('between them they end in every way there is', () => {
      expect([...ends.keys()].toSorted()).toEqual(['errored', 'failed', 'refused', 'succeeded', 'superseded']);
    });

    it.runIf(quarter === 0)('the same seed is the same history, to the byte', async () => {
      const [once, again] = [await live(first, assembly.folder), await live(first, assembly.folder)];
      expect(again).toEqual(once);
    });
  });
}
