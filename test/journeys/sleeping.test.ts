/** Environments that sleep at night and shift traffic by day. */
import { resolve } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { LocalPipeline } from '../../rehearsal/local-pipeline.ts';
import { HOUR, Journey, MINUTE, MONDAY } from './journey.ts';

const ENVIRONMENTS = ['deleted', 'zero'] as const;

let journey: Journey;
afterEach(() => journey.end());

/** By environment: every answer from when the first request was answered well. */
let answers: Record<string, number[]> = {};

const open = async (start: number) =>
  Journey.on(
    await LocalPipeline.open({ config: resolve(import.meta.dirname, 'sleeping/shiplock.config.ts'), start, seed: 1, port: false }),
  );

/** Lets time pass with a request to each environment every five seconds until it holds. */
async function underRequests(holds: () => Promise<boolean>): Promise<void> {
  answers = {};
  for (let passed = 0; passed < 720; passed++) {
    if (await holds()) return;
    for (const environment of ENVIRONMENTS) {
      const { status } = await journey.local.request(environment, '/');
      if (status === 200 || answers[environment]) answers[environment] = [...(answers[environment] ?? []), status];
    }
    await journey.local.advance(5_000);
  }
  throw new Error(`it did not come to that; ${journey.journal}`);
}

const push = (number: number) => journey.push({ repository: 'door', tag: `build-${number}` });
const isDone = (digest: string) => async () => (await journey.release(digest, 'door'))?.state === 'succeeded';
const shifts = (environment: string) => journey.told.filter(({ event, environment: at }) => event === 'shifting' && at === environment);
/** How ECS was asked to go, newest first. */
async function strategies(environment: string): Promise<string[]> {
  const cluster = `nights-${environment}`;
  const { serviceDeployments = [] } = await journey.call<{ serviceDeployments?: { serviceDeploymentArn: string }[] }>(
    'ecs',
    'ListServiceDeployments',
    { cluster, service: 'door' },
  );
  const serviceDeploymentArns = serviceDeployments.map(({ serviceDeploymentArn }) => serviceDeploymentArn);
  const described = await journey.call<{ serviceDeployments: { deploymentConfiguration: { strategy: string } }[] }>(
    'ecs',
    'DescribeServiceDeployments',
    { serviceDeploymentArns },
  );
  return described.serviceDeployments.map(({ deploymentConfiguration: { strategy } }) => strategy);
}

it('what ran comes back in the morning without pause and shift, and the next release shifts, in both depths, under requests', {
  timeout: 90_000,
}, async () => {
  journey = await open(MONDAY);
  await underRequests(isDone(await push(1)));
  for (const environment of ENVIRONMENTS) expect(shifts(environment)).toHaveLength(1);
  await journey.local.advance(13 * HOUR);
  expect(await journey.local.running('deleted')).toBeUndefined();
  expect(await journey.local.running('zero')).toEqual({ door: 0 });
  for (const environment of ENVIRONMENTS) expect((await journey.local.request(environment, '/')).status).toBe(503);

  // Pushed at night, it waits for the morning.
  const second = await push(2);
  await journey.local.advance(9 * HOUR);
  expect(journey.local.clock.now()).toBeLessThan(Date.parse('2026-11-24T06:00:00Z'));
  await journey.local.until('the first wakes', async () => (await journey.local.running('deleted'))?.door === 2);
  await underRequests(isDone(second));
  for (const environment of ENVIRONMENTS) {
    expect(answers[environment]?.length).toBeGreaterThan(20);
    expect(new Set(answers[environment])).toEqual(new Set([200]));
    expect(shifts(environment)).toHaveLength(2);
    expect(await journey.runs(environment, 'door')).toBe('build-2');
  }
  // The service that was deleted has no history from before.
  expect(await strategies('deleted')).toEqual(['CANARY', 'ROLLING']);
  expect(await strategies('zero')).toEqual(['BLUE_GREEN', 'ROLLING', 'BLUE_GREEN']);
  expect(journey.told.filter(({ tone }) => tone === 'bad')).toEqual([]);
  expect(journey.local.site.service('iam').denials).toEqual([]);
});

it('a closing waits for the traffic that shifts', async () => {
  // A quarter of an hour before it closes.
  journey = await open(Date.parse('2026-11-23T18:45:00Z'));
  await push(1);
  await journey.local.advance(Date.parse('2026-11-23T18:58:00Z') - journey.local.clock.now());
  expect(await journey.runs('deleted', 'door')).toBe('build-1');
  await push(2);
  await underRequests(async () => (await journey.runs('deleted', 'door')) === 'build-2');
  expect(journey.local.clock.now()).toBeGreaterThan(Date.parse('2026-11-23T19:01:00Z'));
  expect(new Set(answers.deleted)).toEqual(new Set([200]));
  await journey.local.advance(10 * MINUTE);
  expect(await journey.local.running('deleted')).toBeUndefined();
});
