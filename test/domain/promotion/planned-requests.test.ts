import { describe, expect, it } from 'vitest';
import { foundationPlaceholder, planRequests, UNKNOWN_DIGEST } from '../../../domain/promotion/planned-requests.ts';
import { shiftingOf } from '../../../domain/rollout/choice.ts';
import { renderShift } from '../../../domain/rollout/rollout.ts';
import { renderUpdateService } from '../../../domain/service/rendering.ts';
import { renderTaskDefinition } from '../../../domain/task-definition/rendering.ts';
import { foundation, parts, pipeline, release } from '../parts.ts';

const asPlanned = (service: string, environment: string, promotion: string, released: ReturnType<typeof release>) => {
  const given = { ...parts({ service, environment, releases: { [released.repository]: released } }), promotion };
  const register = renderTaskDefinition(given);
  const sent = { ...given, targetGroupArn: '<target group>', taskDefinition: `${register.family}:<new revision>` };
  const shifting = shiftingOf(given.environment, given.service);
  const rules = {
    alternateTargetGroupArn: '<alternate target group>',
    productionRuleArn: '<production rule>',
    testRuleArn: '<test rule>',
    infrastructureRoleArn: '<infrastructure role>',
  };
  const update = renderUpdateService({ ...sent, ...(shifting ? { shift: renderShift(sent, shifting, rules) } : {}) });
  return [
    { call: 'ecs:RegisterTaskDefinition', input: register },
    { call: 'ecs:UpdateService', input: update },
  ];
};

describe('a plan', () => {
  const orders = release('orders', 'git_cf7edb2', 'c');
  const cases = [
    [orders, ['orders-web', 'orders-worker'], 'orders-cccccccccccc-1'],
    [release('catalog', 'build-7', 'b'), ['catalog-web'], 'catalog-bbbbbbbbbbbb-1'],
    [release('gateway', '1.2.3', 'd'), ['gateway'], 'gateway-dddddddddddd-1'],
  ] as const;
  for (const [released, services, releaseRun] of cases)
    for (const environment of ['test', 'live'])
      it(`of ${released.repository} in ${environment} is what the functions send, service by service`, () =>
        expect(planRequests(pipeline, environment, released, foundation)).toEqual(
          services.flatMap((service) => asPlanned(service, environment, `${environment}-${releaseRun}`, released)),
        ));

  it('has values for what the stack alone knows, and the environment’s own roles', () => {
    const [register] = planRequests(pipeline, 'live', orders, foundationPlaceholder(pipeline, 'live'));
    expect(register?.input).toMatchObject({
      family: 'acme-live-orders-web',
      taskRoleArn: 'arn:aws:iam::111111111111:role/acme-live-task',
      executionRoleArn: 'arn:aws:iam::111111111111:role/acme-live-execution',
    });
  });

  it('is refused as the promotion would be', () => {
    const given = parts({ service: 'gateway', template: { containerDefinitions: [{ name: 'gateway', privileged: true }] } });
    const services = { ...pipeline.services, gateway: given.service };
    expect(() => planRequests({ ...pipeline, services }, 'test', release('gateway', '1.2.3'), foundation)).toThrow(
      'a privileged container is refused',
    );
  });

  it('marks a digest that nobody knows as one, and sends no zeros', () => {
    const planned = planRequests(pipeline, 'test', { ...orders, digest: UNKNOWN_DIGEST }, foundation);
    expect(JSON.stringify(planned)).toContain('amazonaws.com/orders@<digest of git_cf7edb2>');
    expect(JSON.stringify(planned)).toContain('{"key":"shiplock:promotion","value":"<promotion>"}');
    expect(JSON.stringify(planned)).not.toContain('000000000000');
  });

  it('is of the whole group, and leaves open what its other repositories run', () => {
    const containers = { gateway: { repository: 'gateway' }, web: { repository: 'catalog' } };
    const template = { containerDefinitions: [{ name: 'gateway' }, { name: 'web', command: ['%BUILD_VERSION%'] }] };
    const { service } = parts({ service: 'gateway', containers, template });
    const group = { name: 'catalog', repositories: ['catalog', 'gateway'], services: ['catalog-web', 'gateway'] };
    const joined = {
      ...pipeline,
      services: {
        ...pipeline.services,
        gateway: { ...service, group: 'catalog' },
      },
      groups: { orders: pipeline.groups.orders!, catalog: group },
    };
    const planned = planRequests(joined, 'test', release('gateway', '1.2.3', 'd'), foundation);
    const images = planned
      .filter(({ call }) => call === 'ecs:RegisterTaskDefinition')
      .map(({ input }) => (input as { containerDefinitions: { image: string }[] }).containerDefinitions.map(({ image }) => image));
    const registry = '111111111111.dkr.ecr.eu-central-1.amazonaws.com';
    const catalog = `${registry}/catalog@<catalog as it runs>`;
    expect(images).toEqual([[catalog], [`${registry}/gateway@sha256:${'d'.repeat(64)}`, catalog]]);
    expect(JSON.stringify(planned)).toContain('"command":["<catalog as it runs>"]');
  });
});

it('shows the pause of a service whose traffic shifts, as it will be sent', () => {
  const requests = planRequests(pipeline, 'live', release('orders', 'git_1'), foundation);
  const update = requests.find(({ call, input }) => call === 'ecs:UpdateService' && JSON.stringify(input).includes('orders-web'));
  expect(update?.input).toMatchObject({
    deploymentConfiguration: {
      strategy: 'BLUE_GREEN',
      lifecycleHooks: [{ targetType: 'PAUSE', lifecycleStages: ['POST_TEST_TRAFFIC_SHIFT'] }],
    },
    loadBalancers: [{ advancedConfiguration: { testListenerRule: '<test rule>' } }],
  });
});
