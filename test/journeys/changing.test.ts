/** A live service whose environment gets another strategy: the stack is deployed, the next release goes the new way, no request fails. */
import { resolve } from 'node:path';
import type { ListServiceDeploymentsResponse } from '@aws-sdk/client-ecs';
import type { DescribeRulesOutput } from '@aws-sdk/client-elastic-load-balancing-v2';
import { afterEach, expect, it } from 'vitest';
import { foundationParameter, targetGroupParameter } from '../../domain/pipeline/names.ts';
import { LocalPipeline } from '../../rehearsal/local-pipeline.ts';
import { Journey, MONDAY } from './journey.ts';

type Kind = 'early' | 'rolling' | 'blue-green' | 'canary' | 'linear';
const config = (kind: Kind) => resolve(import.meta.dirname, `changing/${kind}.config.ts`);

let journey: Journey;
afterEach(() => journey.end());
let pushes = 0;

async function begin(kind: Kind): Promise<void> {
  pushes = 0;
  journey = Journey.on(await LocalPipeline.open({ config: config(kind), start: MONDAY, seed: 1, port: false }));
}

/** Pushes a release and lets it end under requests. @returns how it ended, and every answer that was not 200 after the first that was */
async function release(
  labels: Record<string, string> = {},
): Promise<{ readonly state: string; readonly reason?: string; readonly failed: number[] }> {
  const digest = await journey.push({ repository: 'door', tag: `build-${++pushes}`, labels });
  const answers: number[] = [];
  for (let passed = 0; passed < 720; passed++) {
    const record = await journey.release(digest, 'door');
    if (record?.endedAt) {
      const { state, reason } = record;
      return { state, ...(reason ? { reason } : {}), failed: answers.slice(answers.indexOf(200)).filter((status) => status !== 200) };
    }
    answers.push((await journey.local.request('live', '/')).status);
    await journey.local.advance(5_000);
  }
  throw new Error(`it did not end; ${journey.journal}`);
}

/** Which target groups the rule leads to, and of them the one that requests go to: the first of the stack, or another. */
async function serving(): Promise<'first' | 'other'> {
  const value = (name: string) => journey.local.site.service('ssm').value(name)!;
  const { listenerArn } = JSON.parse(value(foundationParameter('change', 'live'))) as { listenerArn: string };
  const { Rules = [] } = await journey.call<DescribeRulesOutput>('elasticloadbalancing', 'DescribeRules', { ListenerArn: listenerArn });
  const [action] = Rules.find(({ IsDefault }) => !IsDefault)!.Actions!;
  const served = action!.ForwardConfig!.TargetGroups!.filter(({ Weight }) => Weight !== 0).map(({ TargetGroupArn }) => TargetGroupArn);
  expect(served).toHaveLength(1);
  return served[0] === value(targetGroupParameter('change', 'live', 'door')) ? 'first' : 'other';
}

const good = { state: 'succeeded', failed: [] };

it('goes back to rolling from a pair whose second target group serves, also past a release that fails', { timeout: 120_000 }, async () => {
  await begin('canary');
  expect(await release()).toEqual(good);
  expect(await serving()).toBe('other');
  await journey.local.reconfigure(config('rolling'));
  expect((await journey.local.request('live', '/')).status).toBe(200);
  const bad = await release({ 'local.aws.responses': '{"/checked":500}' });
  expect(bad).toMatchObject({ state: 'failed', reason: expect.stringContaining('/checked'), failed: [] });
  expect(await journey.runs('live', 'door')).toBe('build-1');
  for (let count = 0; count < 2; count++) expect(await release()).toEqual(good);
  expect(await serving()).toBe('first');
  // And into a pair again, with a second target group that is new.
  await journey.local.reconfigure(config('blue-green'));
  for (let count = 0; count < 2; count++) expect(await release()).toEqual(good);
  expect(journey.local.site.service('iam').denials).toEqual([]);
});

it('goes from rolling to blue/green, to canary and to linear, past releases that fail', { timeout: 120_000 }, async () => {
  await begin('rolling');
  expect(await release()).toEqual(good);
  for (const kind of ['blue-green', 'canary', 'linear'] as const) {
    await journey.local.reconfigure(config(kind));
    const bad = await release({ 'local.aws.responses': '{"/checked":500}' });
    expect(bad).toMatchObject({ state: 'failed', reason: expect.stringContaining('at the test listener'), failed: [] });
    expect(await release()).toEqual(good);
    expect(await journey.runs('live', 'door')).toBe(`build-${pushes}`);
  }
  expect(journey.local.site.service('iam').denials).toEqual([]);
});

it('succeeds early, or gives up early, as a rolling environment says', { timeout: 120_000 }, async () => {
  await begin('rolling');
  expect(await release()).toEqual(good);
  /** Milliseconds from when ECS is asked until the checks begin, and how many tasks failed. */
  const rolled = async (labels: Record<string, string> = {}) => {
    const began = journey.local.clock.now();
    const ended = await release(labels);
    type Deployments = { serviceDeployments: { deploymentCircuitBreaker: { failureCount: number; threshold: number } }[] };
    const { serviceDeployments = [] } = await journey.call<ListServiceDeploymentsResponse>('ecs', 'ListServiceDeployments', {
      cluster: 'change-live',
      service: 'door',
      maxResults: 1,
    });
    const serviceDeploymentArns = serviceDeployments.map(({ serviceDeploymentArn }) => serviceDeploymentArn);
    const described = await journey.call<Deployments>('ecs', 'DescribeServiceDeployments', { serviceDeploymentArns });
    return { ...ended, took: journey.local.clock.now() - began, breaker: described.serviceDeployments[0]!.deploymentCircuitBreaker };
  };
  const late = await rolled();
  expect((await rolled({ 'local.aws.exit-code': '3' })).breaker).toMatchObject({ failureCount: 3, threshold: 3 });
  await journey.local.reconfigure(config('early'));
  const early = await rolled();
  // The old tasks drain for ten seconds before they stop.
  expect(late.took - early.took).toBeGreaterThanOrEqual(10_000);
  const crashed = await rolled({ 'local.aws.exit-code': '3' });
  expect(crashed).toMatchObject({ state: 'failed', reason: expect.stringContaining('exit code 3'), failed: [] });
  expect(crashed.breaker).toMatchObject({ threshold: 1 });
  expect(await journey.runs('live', 'door')).toBe('build-4');
});
