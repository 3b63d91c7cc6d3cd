/** A cluster that somebody deletes by hand. */
import { afterEach, expect, it } from 'vitest';
import { HOUR, integrator, Journey, MINUTE, manager } from './journey.ts';

let journey: Journey;
afterEach(() => journey.end());

async function remove(environment: string): Promise<void> {
  const cluster = `acme-${environment}`;
  for (const service of Object.keys((await journey.local.running(environment)) ?? {}))
    await journey.call('ecs', 'DeleteService', { cluster, service, force: true });
  await journey.local.advance(2 * MINUTE);
  await journey.call('ecs', 'DeleteCluster', { cluster });
  expect(await journey.local.running(environment)).toBeUndefined();
}

it('of an on-demand environment: the next release says so and a person must intervene; after a teardown all of it comes back', async () => {
  journey = await Journey.begin({ port: false });
  const first = await journey.push();
  await journey.untilAsked(first, 'beta');
  await remove('test');
  const next = await journey.push();
  expect((await journey.untilState(next, 'failed', { limit: HOUR })).reason).toMatch(
    /^test: gateway: .*somebody deleted it.*needs manual intervention/,
  );
  expect(await journey.local.ledger.freeze('test')).toMatchObject({ manualIntervention: true });
  expect(await journey.runs('test')).toBe('1.1.0');

  expect(await journey.local.decideAs(manager, { verb: 'teardown', environment: 'test' })).toMatchObject({ status: 200 });
  await journey.local.advance(5 * MINUTE);
  expect(await journey.local.decideAs(manager, { verb: 'thaw', environment: 'test' })).toMatchObject({ status: 200 });
  const after = await journey.push();
  await journey.untilAsked(after, 'beta', { limit: HOUR });
  expect(await journey.local.running('test')).toEqual({ gateway: 1 });
});

it('of one that always is: the next release says so, and the environments before and after it keep what they run', async () => {
  journey = await Journey.begin({ port: false });
  await journey.runRelease();
  await remove('beta');
  const next = await journey.push();
  await journey.untilAsked(next, 'beta');
  await journey.approve(next, 'beta', integrator);
  expect((await journey.untilState(next, 'failed', { limit: HOUR })).reason).toMatch(
    /^beta: gateway: .*somebody deleted it.*needs manual intervention/,
  );
  expect(await journey.runs('test')).toBe('1.2.0');
  expect(await journey.runs('live')).toBe('1.1.0');
  expect((await journey.local.request('live', '/health')).status).toBe(200);
});
