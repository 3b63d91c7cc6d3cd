/** What a deployment costs in calls: a minute or an hour alike, and no poll. */
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LocalPipeline } from '../../rehearsal/local-pipeline.ts';
import { HOUR, Journey, MINUTE, MONDAY } from './journey.ts';

describe('a deployment', () => {
  let journey: Journey;
  let builds = 0;
  beforeAll(async () => {
    const config = resolve(import.meta.dirname, 'patient/shiplock.config.ts');
    journey = Journey.on(await LocalPipeline.open({ config, start: MONDAY, port: false }));
    await deploy(1);
    // The sweep looks by the clock and not by the deployment: without it every call is the release's own.
    await journey.stopSchedules();
  });
  afterAll(() => journey.end());

  /** One release from its push to its end: the calls of its functions, and its transitions. */
  async function deploy(healthyAfter: number) {
    const { faults, meter } = journey.local.world;
    const transitions = meter.total('states.transition');
    const began = journey.local.clock.now();
    faults.record();
    const tag = `build-${++builds}`;
    const digest = await journey.push({ repository: 'door', tag, labels: { 'local.aws.healthy-after': String(healthyAfter) } });
    await journey.untilState(digest, 'succeeded', { repository: 'door', limit: 2 * HOUR });
    const took = journey.local.clock.now() - began;
    await journey.local.advance(MINUTE);
    const calls: Record<string, number> = {};
    // Cold starts read what they keep; where they fall is chance.
    for (const { service, operation, invocation } of faults.calls)
      if (invocation !== undefined && !['ssm', 'sts'].includes(service))
        calls[`${service}:${operation}`] = (calls[`${service}:${operation}`] ?? 0) + 1;
    return { calls, took, transitions: meter.total('states.transition') - transitions };
  }

  it('of an hour makes the very calls and transitions that one of a minute makes, and three calls of ECS', async () => {
    const minute = await deploy(30);
    const hour = await deploy(3_500);
    expect(minute.took).toBeLessThan(2 * MINUTE);
    expect(hour.took).toBeGreaterThan(58 * MINUTE);
    expect(hour.calls).toEqual(minute.calls);
    expect(hour.transitions).toBe(minute.transitions);
    const ecs = Object.entries(hour.calls).filter(([call]) => call.startsWith('ecs:'));
    expect(Object.fromEntries(ecs)).toEqual({
      'ecs:RegisterTaskDefinition': 1,
      'ecs:UpdateService': 1,
      'ecs:ListServiceDeployments': 1,
    });
  });
});
