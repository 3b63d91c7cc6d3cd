/**
 * Random histories on the whole pipeline. `SHIPLOCK_HISTORIES` says how many (30 unless set), `SHIPLOCK_SEED` the first seed (1):
 * `SHIPLOCK_SEED=17 SHIPLOCK_HISTORIES=1 npx vitest run test/simulation/histories.test.ts` repeats the one with seed 17.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Assembly, simulationAssembly } from './assembly.ts';
import { live } from './history.ts';

const first = Number(process.env.SHIPLOCK_SEED ?? 1);
const count = Number(process.env.SHIPLOCK_HISTORIES ?? 30);

describe('random histories', () => {
  let assembly: Assembly;
  beforeAll(async () => {
    assembly = await simulationAssembly();
  });
  afterAll(() => assembly.remove());

  const ends = new Map<string, number>();
  it.each(Array.from({ length: count }, (_, index) => first + index))(
    'history %i keeps every invariant',
    async (seed) => {
      const { violations, story, ends: releases } = await live(seed, assembly.folder);
      for (const { state } of releases) ends.set(state, (ends.get(state) ?? 0) + 1);
      expect(violations, `seed ${seed}\n${story.join('\n')}`).toEqual([]);
    },
    60_000,
  );

  it.runIf(count >= 20)('between them they end in every way there is', () => {
    expect([...ends.keys()].toSorted()).toEqual(['errored', 'failed', 'refused', 'succeeded', 'superseded']);
  });

  it('the same seed is the same history, to the byte', async () => {
    const [once, again] = [await live(first, assembly.folder), await live(first, assembly.folder)];
    expect(again).toEqual(once);
  });
});
