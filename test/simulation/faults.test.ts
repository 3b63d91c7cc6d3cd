/**
 * Faults at the calls of a run into test: of a good release, of one that is rolled back, and of the first that ever came.
 * A sample of them, chosen by `SHIPLOCK_SEED`: `SHIPLOCK_FAULTS` single ones (24) and `SHIPLOCK_PAIRS` pairs (12).
 * `npm run simulate -- --sweep` plants every single one.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ObservedCall } from '../../local/core/faults.ts';
import { Random } from '../../local/core/random.ts';
import { type Assembly, simulationAssembly } from './assembly.ts';
import { FaultyRun, kinds, runs } from './faults.ts';

const sample = Number(process.env.SHIPLOCK_FAULTS ?? 24);
const pairs = Number(process.env.SHIPLOCK_PAIRS ?? 12);
const seed = Number(process.env.SHIPLOCK_SEED ?? 1);

/** Calls after a fault within which a step is usually tried again. */
const NEAR = 12;

let assembly: Assembly;
beforeAll(async () => {
  assembly = await simulationAssembly();
});
afterAll(() => assembly.remove());

describe.each(runs)('in the run of $what', ({ what, circumstances }) => {
  let run: FaultyRun;
  beforeAll(async () => {
    run = await FaultyRun.of(assembly.folder, circumstances);
  });

  it('all goes as it should without a fault', () => {
    const { violations, calls, standing } = run.undisturbed;
    expect(violations).toEqual([]);
    expect(calls.length).toBeGreaterThan(30);
    const failed = what === 'a release that is rolled back';
    expect(standing).toMatchObject({
      second: failed ? 'failed' : 'in-progress',
      gate: failed ? 'build-1' : 'build-2',
      test: failed ? 'build-1' : 'build-2',
    });
  });

  it('one fault changes nothing in its end', async () => {
    const all = run.singles;
    const random = new Random(seed);
    const chosen = Array.from({ length: Math.ceil(sample / runs.length) }, () => all[random.integer(all.length)]!);
    const wrong: string[] = [];
    for (const fault of chosen) wrong.push(...[(await run.differs([fault])) ?? []].flat());
    console.log(`${what}: ${chosen.length} of ${all.length} single faults`);
    expect(wrong).toEqual([]);
  }, 180_000);

  it(
    'nor do two within its promotion',
    async () => {
      const random = new Random(seed + 1);
      const { calls } = run.undisturbed;
      const isOf = (step: string) => (call: ObservedCall) => call.caller.endsWith(step);
      const from = calls.findIndex(isOf('-take-turn')) + 1;
      const to = calls.findLastIndex(isOf('-complete-promotion')) + 1;
      const wrong: string[] = [];
      for (let count = Math.ceil(pairs / runs.length); count > 0; count--) {
        const first = from + random.integer(to - from);
        // Half of the second ones strike the retry that the first one has caused, or whoever acts beside it.
        const second = first + 1 + random.integer(random.next() < 0.5 ? NEAR : to - first);
        const both = [first, second].map((nth) => ({ kind: kinds[random.integer(kinds.length)]!, nth }));
        const difference = await run.differs(both);
        if (difference === undefined) continue;
        wrong.push(difference);
        console.log(`${what}: ${difference}`);
      }
      console.log(`${what}: ${Math.ceil(pairs / runs.length)} pairs of faults, seed ${seed}`);
      expect(wrong).toEqual([]);
    },
    60_000 + pairs * 10_000,
  );
});
