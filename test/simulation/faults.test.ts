/**
 * Every single fault at every call of a climb into test: of a good release, of one that is rolled back, and of the first that ever came.
 * All of them take about half an hour, with `SHIPLOCK_SWEEP=all`; otherwise `SHIPLOCK_SEED` chooses `SHIPLOCK_FAULTS` of them (24).
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallFaultKind } from '../../local/core/faults.ts';
import { Random } from '../../local/core/random.ts';
import { type Assembly, simulationAssembly } from './assembly.ts';
import { type Climbed, climb, isOfTheClimb } from './climb.ts';

const kinds: readonly CallFaultKind[] = ['throttle', 'error-500', 'timeout-before', 'timeout-after', 'kill-before', 'kill-after'];
const isAll = process.env.SHIPLOCK_SWEEP === 'all';
const sample = Number(process.env.SHIPLOCK_FAULTS ?? 24);
const seed = Number(process.env.SHIPLOCK_SEED ?? 1);

const climbs = [
  { what: 'a good release', circumstances: {} },
  { what: 'a release that is rolled back', circumstances: { labels: { 'local.aws.responses': '{"/smoke":500}' } } },
  { what: 'the first release, which wakes the environment', circumstances: { first: true } },
] as const;

describe.each(climbs)('one fault in the climb of $what', ({ what, circumstances }) => {
  let assembly: Assembly;
  let undisturbed: Climbed;
  beforeAll(async () => {
    assembly = await simulationAssembly();
    undisturbed = await climb({ assembly: assembly.folder, ...circumstances });
  });
  afterAll(() => assembly.remove());

  it('goes as it should without one', () => {
    expect(undisturbed.violations).toEqual([]);
    expect(undisturbed.calls.length).toBeGreaterThan(50);
    const failed = what === 'a release that is rolled back';
    expect(undisturbed.standing).toMatchObject({
      second: failed ? 'failed' : 'climbing',
      gate: failed ? 'build-1' : 'build-2',
      test: failed ? 'build-1' : 'build-2',
    });
  });

  it(
    'ends as if there had been none',
    async () => {
      const all = undisturbed.calls.flatMap((call, index) => kinds.map((kind) => ({ call, kind, nth: index + 1 })));
      const random = new Random(seed);
      const chosen = isAll ? all : Array.from({ length: Math.ceil(sample / climbs.length) }, () => all[random.integer(all.length)]!);
      const wrong: string[] = [];
      for (const { call, kind, nth } of chosen) {
        const { standing, violations, reason } = await climb({
          assembly: assembly.folder,
          ...circumstances,
          plant: ({ world }) => world.faults.add({ kind, nth, match: isOfTheClimb }),
        });
        const differs = JSON.stringify(standing) !== JSON.stringify(undisturbed.standing);
        if (differs || violations.length > 0)
          wrong.push(
            `${kind} at call ${nth}, ${call.caller} ${call.service}:${call.operation}: ${JSON.stringify(standing)} ${reason} ${violations.join('; ')}`,
          );
      }
      console.log(`${what}: ${chosen.length} of ${all.length} single faults`);
      expect(wrong).toEqual([]);
    },
    isAll ? 3_600_000 : 180_000,
  );
});
