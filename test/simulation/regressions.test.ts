/** What random histories have found, each with the seed of the history that found it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Assembly, simulationAssembly } from './assembly.ts';
import { live } from './history.ts';
import { runRelease } from './release-run.ts';

describe('histories that once went wrong', () => {
  let assembly: Assembly;
  beforeAll(async () => {
    assembly = await simulationAssembly();
  });
  afterAll(() => assembly.remove());

  it.each([
    { seed: 6, error: 'ServiceNotFoundException', what: 'asking for the last words of a service that was deleted by hand' },
    { seed: 183, error: 'still Draining', what: 'a good release that came while a failed first deployment was still being taken down' },
  ])('seed $seed: $what', async ({ seed, error }) => {
    const { violations, story, ends } = await live(seed, assembly.folder);
    expect(violations, story.join('\n')).toEqual([]);
    expect(ends.filter(({ reason }) => reason.includes(error))).toEqual([]);
  });

  it('a rollback whose Lambda is killed just before it updates ECS puts back what ran before', async () => {
    const { standing, violations, story } = await runRelease({
      assembly: assembly.folder,
      labels: { 'local.aws.responses': '{"/smoke":500}' },
      // The first update brings the bad release in, the second takes it back.
      plant: ({ world }) => world.faults.add({ kind: 'kill-before', match: { operation: 'UpdateService' }, nth: 2 }),
    });
    expect(violations, story.join('\n')).toEqual([]);
    expect(standing).toMatchObject({ second: 'failed', test: 'build-1' });
  });

  it('a gate whose Lambda is killed just before it tells the one that is superseded tells it when it is tried again', async () => {
    const { standing, violations, story } = await runRelease({
      assembly: assembly.folder,
      plant: ({ world }) =>
        world.faults.add({ kind: 'kill-before', match: { caller: 'sim-request-approval', operation: 'SendTaskFailure' }, nth: 1 }),
    });
    expect(violations, story.join('\n')).toEqual([]);
    expect(standing).toMatchObject({ first: 'superseded', gate: 'build-2' });
  });
});
