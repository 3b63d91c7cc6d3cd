/**
 * Random histories on the whole pipeline, in quarters that run side by side: 100 of them, from seed 1 on. `npm run simulate` lives as
 * many more as one likes, and says how to repeat one.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Assembly, simulationAssembly } from '../assembly.ts';
import { live } from '../history.ts';

const first = 1;
const count = 100;
const QUARTERS = 4;

/** @param quarter 0 to 3 */
export function histories(quarter: number): void {
  const seeds = Array.from({ length: count }, (_, index) => first + index).filter((_, index) => index % QUARTERS === quarter);
  describe('random histories', () => {
    let assembly: Assembly;
    beforeAll(async () => {
      assembly = await simulationAssembly();
    });
    afterAll(() => assembly.remove());

    const ends = new Map<string, number>();
    it.each(seeds)('history %i keeps every invariant', async (seed) => {
      const { violations, story, ends: releases } = await live(seed, assembly.folder);
      for (const { state } of releases) ends.set(state, (ends.get(state) ?? 0) + 1);
      expect(violations, `npm run simulate -- --histories 1 --seed ${seed}\n${story.join('\n')}`).toEqual([]);
    });

    it('between them they end in every way there is', () => {
      expect([...ends.keys()].toSorted()).toEqual(['errored', 'failed', 'refused', 'succeeded', 'superseded']);
    });

    it.runIf(quarter === 0)('the same seed is the same history, to the byte', async () => {
      const [once, again] = [await live(first, assembly.folder), await live(first, assembly.folder)];
      expect(again).toEqual(once);
    });
  });
}
