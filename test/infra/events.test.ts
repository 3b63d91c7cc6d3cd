import { describe, expect, it } from 'vitest';
import { deploymentPatterns, pushPatterns, rolloutPatterns } from '../../infra/events.ts';
import { Place } from '../../infra/place.ts';
import { flatten, matches } from '../../local/services/events/match.ts';
import { compilePattern } from '../../local/services/events/pattern.ts';
import { ACCOUNT, environment, pipeline, REGION } from './pipelines.ts';

const place = new Place(pipeline({ repositories: ['orders', 'catalog'], environments: [environment('test'), environment('live')] }));
const hears = (pattern: object, event: object) => matches(compilePattern(JSON.stringify(pattern)), flatten(event));

describe('the rule for pushes', () => {
  const push = {
    version: '0',
    id: '13cde686-328b-6117-af20-0e5566167482',
    'detail-type': 'ECR Image Action',
    source: 'aws.ecr',
    account: ACCOUNT,
    time: '2026-11-16T01:54:34Z',
    region: REGION,
    resources: [],
    detail: {
      result: 'SUCCESS',
      'repository-name': 'orders',
      'image-digest': `sha256:${'7'.repeat(64)}`,
      'action-type': 'PUSH',
      'image-tag': 'git_cf7edb2',
    },
  };
  const [pattern = {}] = pushPatterns(place);

  it('hears of a tagged push to a repository of ours', () => {
    expect(hears(pattern, push)).toBe(true);
  });

  const { 'image-tag': _tag, ...untagged } = push.detail;
  it.each<[what: string, event: object]>([
    ['a push without a tag: the child of an index', { ...push, detail: untagged }],
    ['a push to somebody else’s repository', { ...push, detail: { ...push.detail, 'repository-name': 'theirs' } }],
    ['a push in another account', { ...push, account: '444455556666' }],
    ['a push in another Region', { ...push, region: 'eu-west-1' }],
    ['a push that failed', { ...push, detail: { ...push.detail, result: 'FAILURE' } }],
    ['a deletion', { ...push, detail: { ...push.detail, 'action-type': 'DELETE' } }],
    ['an event of an application', { ...push, source: 'my.ecr' }],
    ['a referrer', { ...push, 'detail-type': 'ECR Referrer Action' }],
  ])('does not hear of %s', (_what, event) => {
    expect(hears(pattern, event)).toBe(false);
  });

  it('is several rules where there are many repositories, and each repository is heard once', () => {
    const repositories = Array.from({ length: 300 }, (_, index) => `team/service-${index}`);
    const patterns = pushPatterns(new Place(pipeline({ repositories })));
    expect(patterns.length).toBeGreaterThan(1);
    for (const one of patterns) expect(JSON.stringify(one).length).toBeLessThanOrEqual(2_048);
    for (const repository of repositories) {
      const event = { ...push, detail: { ...push.detail, 'repository-name': repository } };
      expect(patterns.filter((one) => hears(one, event))).toHaveLength(1);
    }
  });
});

describe('the rule for deployments', () => {
  const event = (service: string, eventName = 'SERVICE_DEPLOYMENT_COMPLETED') => ({
    version: '0',
    id: 'ddca6449-b258-46c0-8653-e0e3aEXAMPLE',
    'detail-type': 'ECS Deployment State Change',
    source: 'aws.ecs',
    account: ACCOUNT,
    time: '2026-11-23T12:31:14Z',
    region: REGION,
    resources: [`arn:aws:ecs:${REGION}:${ACCOUNT}:service/${service}`],
    detail: {
      eventType: 'INFO',
      eventName,
      deploymentId: 'ecs-svc/123',
      updatedAt: '2026-11-23T11:11:11Z',
      reason: 'ECS deployment deploymentID completed.',
    },
  });

  const heard = (one: object, of: Place = place) => deploymentPatterns(of).filter((pattern) => hears(pattern, one)).length;

  it('is several rules where there are many environments, and each environment is heard once', () => {
    const environments = Array.from({ length: 60 }, (_, index) => environment(`sandbox-${index}`));
    const many = new Place(pipeline({ environments }));
    expect(deploymentPatterns(many).length).toBeGreaterThan(1);
    for (const one of deploymentPatterns(many)) expect(JSON.stringify(one).length).toBeLessThanOrEqual(2_048);
    for (const { name } of environments) expect(heard(event(`acme-${name}/orders`), many)).toBe(1);
  });

  it('hears of services in clusters of ours', () => {
    expect(heard(event('acme-test/orders'))).toBe(1);
    expect(heard(event('acme-live/orders', 'SERVICE_DEPLOYMENT_FAILED'))).toBe(1);
  });

  it.each(['other/orders', 'acme-testing/orders', 'acme/orders'])('does not hear of %s', (service) => {
    expect(heard(event(service))).toBe(0);
  });

  it('does not hear of deployments that begin', () => {
    expect(heard(event('acme-test/orders', 'SERVICE_DEPLOYMENT_IN_PROGRESS'))).toBe(0);
  });
});

it('pauses are heard of wherever traffic could shift, as what shifts outlives its strategy; of workers alone nothing is', () => {
  const [pattern] = rolloutPatterns(place);
  const clusterArn = `arn:aws:ecs:${REGION}:${ACCOUNT}:cluster/acme-test`;
  const detail = { clusterArn, eventName: 'HOOK_AWAITING_ACTION' };
  const event = { source: 'aws.ecs', 'detail-type': 'ECS Hook State Change', account: ACCOUNT, region: REGION, detail };
  expect(hears(pattern?.hooks ?? {}, event)).toBe(true);
  const services = Object.fromEntries(
    Object.entries(place.pipeline.services).map(([name, { web: _web, ...worker }]) => [name, worker] as const),
  );
  expect(rolloutPatterns(new Place({ ...place.pipeline, services }))).toEqual([]);
});
