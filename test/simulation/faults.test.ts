/**
 * Every single fault at every call of a climb into test: of a good release, of one that is rolled back, and of the first that ever came.
 * All of them take about half an hour, with `SHIPLOCK_SWEEP=all`; otherwise `SHIPLOCK_SEED` chooses `SHIPLOCK_FAULTS` of them (24).
 * And pairs of them, of which there are too many for anybody: `SHIPLOCK_PAIRS` (12), chosen by the same seed.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallFaultKind, ObservedCall } from '../../local/core/faults.ts';
import { Random } from '../../local/core/random.ts';
import { type Assembly, simulationAssembly } from './assembly.ts';
import { isOfTheRun, type ReleaseRun, runRelease } from './release-run.ts';

const kinds: readonly CallFaultKind[] = ['throttle', 'error-500', 'timeout-before', 'timeout-after', 'kill-before', 'kill-after'];
const isAll = process.env.SHIPLOCK_SWEEP === 'all';
const sample = Number(process.env.SHIPLOCK_FAULTS ?? 24);
const pairs = Number(process.env.SHIPLOCK_PAIRS ?? 12);
const seed = Number(process.env.SHIPLOCK_SEED ?? 1);

/** Calls after a fault within which a step is usually tried again. */
const NEAR = 12;

const climbs = [
  { what: 'a good release', circumstances: {} },
  { what: 'a release that is rolled back', circumstances: { labels: { 'local.aws.responses': '{"/smoke":500}' } } },
  { what: 'the first release, which wakes the environment', circumstances: { first: true } },
] as const;

interface Planted {
  readonly kind: CallFaultKind;
  /** Counted from 1 over the calls of the climb, those of a retry included. */
  readonly nth: number;
}

let assembly: Assembly;
beforeAll(async () => {
  assembly = await simulationAssembly();
});
afterAll(() => assembly.remove());

describe.each(climbs)('in the run of $what', ({ what, circumstances }) => {
  let undisturbed: ReleaseRun;
  beforeAll(async () => {
    undisturbed = await runRelease({ assembly: assembly.folder, ...circumstances });
  });

  /** @returns what is otherwise than without these faults; undefined if nothing is */
  async function differs(faults: readonly Planted[]): Promise<string | undefined> {
    const { standing, violations, reason } = await runRelease({
      assembly: assembly.folder,
      ...circumstances,
      plant: ({ world }) => {
        for (const fault of faults) world.faults.add({ ...fault, match: isOfTheRun });
      },
    });
    if (JSON.stringify(standing) === JSON.stringify(undisturbed.standing) && violations.length === 0) return undefined;
    const where = faults.map(({ kind, nth }) => {
      const call = undisturbed.calls[nth - 1];
      return `${kind} at call ${nth}${call ? `, ${call.caller} ${call.service}:${call.operation}` : ''}`;
    });
    return `${where.join('; then ')}: ${JSON.stringify(standing)} ${reason} ${violations.join('; ')}`;
  }

  it('all goes as it should without a fault', () => {
    expect(undisturbed.violations).toEqual([]);
    expect(undisturbed.calls.length).toBeGreaterThan(50);
    const failed = what === 'a release that is rolled back';
    expect(undisturbed.standing).toMatchObject({
      second: failed ? 'failed' : 'in-progress',
      gate: failed ? 'build-1' : 'build-2',
      test: failed ? 'build-1' : 'build-2',
    });
  });

  it(
    'one fault changes nothing in its end',
    async () => {
      const all = undisturbed.calls.flatMap((_, index) => kinds.map((kind) => ({ kind, nth: index + 1 })));
      const random = new Random(seed);
      const chosen = isAll ? all : Array.from({ length: Math.ceil(sample / climbs.length) }, () => all[random.integer(all.length)]!);
      const wrong: string[] = [];
      for (const fault of chosen) wrong.push(...[(await differs([fault])) ?? []].flat());
      console.log(`${what}: ${chosen.length} of ${all.length} single faults`);
      expect(wrong).toEqual([]);
    },
    isAll ? 3_600_000 : 180_000,
  );

  it(
    'nor do two within its promotion',
    async () => {
      const random = new Random(seed + 1);
      const isOf = (step: string) => (call: ObservedCall) => call.caller.endsWith(step);
      const from = undisturbed.calls.findIndex(isOf('-take-turn')) + 1;
      const to = undisturbed.calls.findLastIndex(isOf('-complete-promotion')) + 1;
      const wrong: string[] = [];
      for (let count = Math.ceil(pairs / climbs.length); count > 0; count--) {
        const first = from + random.integer(to - from);
        // Half of the second ones strike the retry that the first one has caused, or whoever acts beside it.
        const second = first + 1 + random.integer(random.next() < 0.5 ? NEAR : to - first);
        const both = [first, second].map((nth) => ({ kind: kinds[random.integer(kinds.length)]!, nth }));
        const difference = await differs(both);
        if (difference === undefined) continue;
        wrong.push(difference);
        console.log(`${what}: ${difference}`);
      }
      console.log(`${what}: ${Math.ceil(pairs / climbs.length)} pairs of faults, seed ${seed}`);
      expect(wrong).toEqual([]);
    },
    60_000 + pairs * 10_000,
  );
});
