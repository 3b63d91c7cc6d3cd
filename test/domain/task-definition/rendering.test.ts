import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shiftingOf } from '../../../domain/rollout/choice.ts';
import { failuresOf, renderShift, rolling, wayBack } from '../../../domain/rollout/rollout.ts';
import { renderCreateService, renderUpdateService, renderWakeService } from '../../../domain/service/rendering.ts';
import { renderTaskDefinition } from '../../../domain/task-definition/rendering.ts';
import { RenderError } from '../../../domain/workflow/errors.ts';
import { digest, foundation, type Given, parts, pipeline, release } from '../parts.ts';

const render = (given: Given) => renderTaskDefinition(parts(given));
/** The gateway's only container, with something done to it. */
const container = (change: object, rest: object = {}) =>
  render({ template: { containerDefinitions: [{ name: 'gateway', ...change }], ...rest } }).containerDefinitions[0]!;

describe('a task definition', () => {
  it('is whole: image by digest, names, roles, logs, ports, variables, tags', () => {
    expect(render({ service: 'orders-web' })).toEqual({
      networkMode: 'awsvpc',
      requiresCompatibilities: ['FARGATE'],
      cpu: '256',
      memory: '512',
      executionRoleArn: foundation.executionRoleArn,
      taskRoleArn: foundation.taskRoleArn,
      family: 'acme-test-orders-web',
      containerDefinitions: [
        {
          name: 'web',
          image: `111111111111.dkr.ecr.eu-central-1.amazonaws.com/orders@${digest('a')}`,
          essential: true,
          command: ['node', 'web.js'],
          portMappings: [{ containerPort: 8080, protocol: 'tcp' }],
          environment: [
            { name: 'SERVICE', value: 'orders-web' },
            { name: 'VERSION', value: 'git_cf7edb2' },
            { name: 'ENVIRONMENT', value: 'test' },
          ],
          logConfiguration: {
            logDriver: 'awslogs',
            options: {
              'awslogs-group': '/shiplock/acme/test/orders-web',
              'awslogs-region': 'eu-central-1',
              'awslogs-stream-prefix': 'orders-web',
            },
          },
        },
      ],
      tags: [
        { key: 'shiplock:pipeline', value: 'acme' },
        { key: 'shiplock:environment', value: 'test' },
        { key: 'shiplock:service', value: 'orders-web' },
        { key: 'shiplock:promotion', value: 'test-gateway-cccccccccccc-1' },
      ],
    });
  });

  it('leaves what the template says about CPU, logs and ports', () => {
    const request = render({
      template: {
        cpu: '1024',
        memory: '2048',
        containerDefinitions: [
          { name: 'gateway', logConfiguration: { logDriver: 'splunk' }, portMappings: [{ containerPort: 8000, name: 'http' }] },
        ],
      },
    });
    expect(request).toMatchObject({ cpu: '1024', memory: '2048' });
    expect(request.containerDefinitions[0]).toMatchObject({
      logConfiguration: { logDriver: 'splunk' },
      portMappings: [{ containerPort: 8000, name: 'http' }],
    });
  });

  it('adds the port that requests come to where the container names none', () =>
    expect(container({}).portMappings).toEqual([{ containerPort: 8000, protocol: 'tcp' }]));

  it('adds none beside others, among which check looks for it', () =>
    expect(container({ portMappings: [{ containerPort: 9090 }] }).portMappings).toEqual([{ containerPort: 9090 }]));

  it('gives workers no port', () =>
    expect(render({ service: 'orders-worker' }).containerDefinitions[0]).not.toHaveProperty('portMappings'));

  it('lets the environment’s variables win over the template’s', () =>
    expect(
      container({
        environment: [
          { name: 'ENVIRONMENT', value: 'mine' },
          { name: 'constructor', value: 'kept' },
        ],
      }).environment,
    ).toEqual([
      { name: 'constructor', value: 'kept' },
      { name: 'ENVIRONMENT', value: 'test' },
    ]));

  it('fills the tag in wherever the placeholder stands', () => {
    const request = render({
      template: {
        containerDefinitions: [
          {
            name: 'gateway',
            image: 'gateway:%BUILD_VERSION%',
            command: ['run', '--version=%BUILD_VERSION%'],
            dockerLabels: { version: '%BUILD_VERSION%-%BUILD_VERSION%' },
          },
        ],
        tags: [{ key: 'version', value: '%BUILD_VERSION%' }],
      },
    });
    expect(request.containerDefinitions[0]).toMatchObject({
      image: `111111111111.dkr.ecr.eu-central-1.amazonaws.com/gateway@${digest('c')}`,
      command: ['run', '--version=1.2.3'],
      dockerLabels: { version: '1.2.3-1.2.3' },
    });
    expect(request.tags[0]).toEqual({ key: 'version', value: '1.2.3' });
  });

  it('replaces the image of a container and nothing else that is called image', () =>
    expect(container({ image: 'x', dockerLabels: { image: 'kept' } }).dockerLabels).toEqual({ image: 'kept' }));

  it('gives a fixed image as it is configured, and the version of its own service', () => {
    const [, sidecar] = render({
      service: 'gateway',
      containers: { gateway: { repository: 'gateway' }, proxy: { image: 'public.ecr.aws/nginx/nginx:1.29' } },
      template: {
        containerDefinitions: [{ name: 'gateway' }, { name: 'proxy', image: 'whatever', command: ['%BUILD_VERSION%'] }],
      },
    }).containerDefinitions;
    expect(sidecar).toMatchObject({ image: 'public.ecr.aws/nginx/nginx:1.29', command: ['1.2.3'] });
  });

  it('does not let a template speak for the pipeline', () => {
    const request = render({
      template: {
        family: 'acme-live-gateway',
        containerDefinitions: [{ name: 'gateway' }],
        tags: [
          { key: 'team', value: 'edge' },
          { key: 'shiplock:environment', value: 'live' },
        ],
      },
    });
    expect(request.family).toBe('acme-test-gateway');
    expect(request.tags.map(({ key, value }) => `${key}=${value}`)).toEqual([
      'team=edge',
      'shiplock:pipeline=acme',
      'shiplock:environment=test',
      'shiplock:service=gateway',
      'shiplock:promotion=test-gateway-cccccccccccc-1',
    ]);
  });

  it('asks for ARM machines where the repository’s images are for them', () => {
    const given = parts({});
    const arm = {
      ...given.pipeline,
      repositories: { ...pipeline.repositories, gateway: { ...pipeline.repositories.gateway!, platform: 'linux/arm64' } },
    };
    expect(renderTaskDefinition({ ...given, pipeline: arm }).runtimePlatform).toEqual({
      cpuArchitecture: 'ARM64',
      operatingSystemFamily: 'LINUX',
    });
    expect(renderTaskDefinition(given)).not.toHaveProperty('runtimePlatform');
  });

  it('changes nothing that it was given', () => {
    const given = parts({ service: 'orders-web' });
    const before = structuredClone(given);
    renderTaskDefinition(given);
    expect(given).toEqual(before);
  });

  it('is refused where the configuration knows no such container, no release, no repository, no digest', () => {
    expect(() => render({ template: { containerDefinitions: [{ name: 'proxy' }] } })).toThrow(
      new RenderError([
        {
          place: 'services.gateway.containers',
          message: 'the template has a container "proxy" that is not configured; name its repository or image',
        },
      ]),
    );
    expect(() => render({ template: { containerDefinitions: [{ name: 'constructor' }] } })).toThrow('that is not configured');
    expect(() => render({ releases: {} })).toThrow('no release of gateway is known here');
    expect(() => renderTaskDefinition({ ...parts({}), repositoryUris: {} })).toThrow('ECR has no repository gateway');
    expect(() => render({ releases: { gateway: { ...release('gateway', 'x'), digest: 'latest' } } })).toThrow('"latest" is no digest');
  });

  it('is refused where another placeholder is left, at its place', () =>
    expect(() => container({ command: ['a', '--x=%DATABASE%'] })).toThrow(
      'services.gateway.taskDefinition.containerDefinitions[0].command[1]: keeps the placeholder %DATABASE%, which nothing fills; known is %BUILD_VERSION%, and a percent sign itself is written %%',
    ));
});

describe('a service', () => {
  const given = (service: string, environment = 'live') => ({
    ...parts({ service, environment }),
    environment: { ...pipeline.environments[environment]!, strategy: { kind: 'rolling' as const, earlySuccess: false } },
    targetGroupArn: pipeline.services[service]!.web ? 'arn:target-group' : undefined,
    taskDefinition: 'arn:aws:ecs:eu-central-1:111111111111:task-definition/acme-live-orders-web:7',
  });

  const asRolled = {
    strategy: 'ROLLING',
    maximumPercent: 200,
    minimumHealthyPercent: 100,
    deploymentCircuitBreaker: { enable: true, rollback: true, thresholdConfiguration: { type: 'COUNT', value: 3 } },
    earlySuccessCriteria: { enable: false },
  };
  /** A release that shifted and never succeeded may have left a pause and alarms. */
  const unasked = { lifecycleHooks: [], alarms: { alarmNames: [], enable: false, rollback: false } };

  it('is updated to an exact revision, without a word about how many tasks', () =>
    expect(renderUpdateService(given('orders-web'))).toEqual({
      cluster: 'acme-live',
      service: 'orders-web',
      taskDefinition: 'arn:aws:ecs:eu-central-1:111111111111:task-definition/acme-live-orders-web:7',
      deploymentConfiguration: { ...asRolled, ...unasked },
      healthCheckGracePeriodSeconds: 60,
    }));

  it('is created whole, with as many tasks as are configured', () =>
    expect(renderCreateService(given('orders-web'))).toEqual({
      cluster: 'acme-live',
      serviceName: 'orders-web',
      taskDefinition: 'arn:aws:ecs:eu-central-1:111111111111:task-definition/acme-live-orders-web:7',
      deploymentConfiguration: { ...asRolled, ...unasked },
      healthCheckGracePeriodSeconds: 60,
      desiredCount: 2,
      launchType: 'FARGATE',
      networkConfiguration: {
        awsvpcConfiguration: { subnets: ['subnet-1', 'subnet-2'], securityGroups: ['sg-1'], assignPublicIp: 'ENABLED' },
      },
      loadBalancers: [{ targetGroupArn: 'arn:target-group', containerName: 'web', containerPort: 8080 }],
      propagateTags: 'TASK_DEFINITION',
      clientToken: expect.stringMatching(/^[!-~]{1,36}$/),
      tags: [
        { key: 'shiplock:pipeline', value: 'acme' },
        { key: 'shiplock:environment', value: 'live' },
      ],
    }));

  it('has no load balancer and no grace if it is a worker', () => {
    const request = renderCreateService(given('orders-worker'));
    expect(request).not.toHaveProperty('loadBalancers');
    expect(request).not.toHaveProperty('healthCheckGracePeriodSeconds');
    expect(request.deploymentConfiguration).toEqual(asRolled);
  });

  it('is created once for a promotion, however often that is tried, and anew by another', () => {
    const token = (change: object) => renderCreateService({ ...given('orders-web'), ...change }).clientToken;
    expect(token({})).toBe(token({}));
    expect(token({ promotion: 'live-gateway-cccccccccccc-2' })).not.toBe(token({}));
    expect(token({ promotion: 'x'.repeat(80) }).length).toBeLessThanOrEqual(36);
    expect(renderCreateService(given('orders-worker')).clientToken).not.toBe(token({}));
  });

  it('shares its token with no other service, environment or pipeline, within what ECS takes', () => {
    const text = fc.stringMatching(/^[a-z][a-z0-9-]{0,60}$/);
    const base = given('orders-web');
    const token = ([name, promotion, service]: readonly [string, string, string]) =>
      renderCreateService({ ...base, promotion, pipeline: { ...pipeline, name }, service: { ...base.service, name: service } }).clientToken;
    const parts = fc.tuple(text, text, text);
    fc.assert(
      fc.property(parts, parts, fc.constantFrom(0, 1, 2), (one, other, index) => {
        const changed = one.with(index, other[index]!) as [string, string, string];
        expect(token(one)).toMatch(/^[!-~]{1,36}$/);
        expect(token(one) === token(changed)).toBe(one[index] === other[index]);
      }),
      { numRuns: 1000 },
    );
    // Alike in all that a person would read in the token.
    const alike = Array.from({ length: 500 }, (_, index) => token(['acme', 'p', `${index}-${'x'.repeat(40)}`]));
    expect(new Set(alike).size).toBe(500);
  });

  it('says how many tasks when it is created and woken alone', () =>
    expect(
      [renderUpdateService, renderWakeService, renderCreateService].map((render) => 'desiredCount' in render(given('orders-web'))),
    ).toEqual([false, true, true]));

  it('comes back from zero by a deployment, as a change of the count alone has no event', () =>
    expect(renderWakeService(given('orders-web'))).toMatchObject({ service: 'orders-web', desiredCount: 2, forceNewDeployment: true }));

  it('shifts traffic as its environment says, and pauses before it does', () => {
    const arns = {
      alternateTargetGroupArn: 'arn:b',
      productionRuleArn: 'arn:rule',
      testRuleArn: 'arn:test',
      infrastructureRoleArn: 'arn:role',
    };
    const live = { ...given('orders-web'), environment: pipeline.environments.live! };
    const shift = renderShift(live, shiftingOf(live.environment, live.service)!, arns);
    expect(renderUpdateService({ ...live, shift })).toMatchObject({
      deploymentConfiguration: {
        strategy: 'BLUE_GREEN',
        bakeTimeInMinutes: 5,
        lifecycleHooks: [
          { targetType: 'PAUSE', lifecycleStages: ['POST_TEST_TRAFFIC_SHIFT'], timeoutConfiguration: { action: 'ROLLBACK' } },
        ],
        alarms: { enable: true, rollback: true },
      },
      loadBalancers: [{ advancedConfiguration: { alternateTargetGroupArn: 'arn:b', testListenerRule: 'arn:test', roleArn: 'arn:role' } }],
    });
    // A first rollout has nobody who serves the rest, and is tested all the same.
    for (const kind of ['canary', 'linear'] as const) {
      const gradual = renderShift(live, { ...shiftingOf(live.environment, live.service)!, kind, percent: 10, stepBakeMinutes: 5 }, arns);
      const { deploymentConfiguration: first } = renderCreateService({ ...live, shift: gradual });
      expect(first).toEqual(renderCreateService({ ...live, shift }).deploymentConfiguration);
      expect(renderUpdateService({ ...live, shift: gradual }).deploymentConfiguration).toMatchObject({ strategy: kind.toUpperCase() });
    }
    // The way back asks nobody.
    expect(renderUpdateService(live).deploymentConfiguration).toMatchObject({
      strategy: 'BLUE_GREEN',
      bakeTimeInMinutes: 0,
      lifecycleHooks: [],
    });
  });

  it('succeeds early, or is told not to any more, as its environment says', () => {
    const early = (earlySuccess: boolean) =>
      renderUpdateService({
        ...given('orders-web'),
        environment: { ...given('orders-web').environment, strategy: { kind: 'rolling', earlySuccess } },
      }).deploymentConfiguration;
    expect(early(true)).toMatchObject({
      earlySuccessCriteria: { enable: true, healthyPercent: 100, sourceServiceRevisionCleanup: 'DEFERRED' },
    });
    expect(early(false)).toMatchObject({ earlySuccessCriteria: { enable: false } });
  });

  it('goes back as it came, whatever its strategy says by now', () => {
    const { environment } = given('orders-web');
    expect(wayBack(environment, { pauses: true }).deploymentConfiguration).toMatchObject({ strategy: 'BLUE_GREEN', bakeTimeInMinutes: 0 });
    expect(wayBack(environment, {}).deploymentConfiguration).toEqual(asRolled);
  });

  it('is given up after as many failures as its environment says', () =>
    expect(
      renderUpdateService({ ...given('orders-web'), environment: { ...given('orders-web').environment, failureThreshold: 7 } })
        .deploymentConfiguration,
    ).toMatchObject({ deploymentCircuitBreaker: { thresholdConfiguration: { type: 'COUNT', value: 7 } } }));

  it.each([
    [1, 2, 1],
    ['25%', 40, 10],
    ['25%', 2, 3],
    ['50%', 1000, 200],
  ] as const)('is given up at %s of %i tasks after %i failures, whether ECS counts or we do', (failureThreshold, count, failures) => {
    const parts = given('orders-web');
    const environment = { ...parts.environment, failureThreshold };
    const service = { ...parts.service, count: { [environment.name]: count } };
    expect(failuresOf(environment, service)).toBe(failures);
    const { thresholdConfiguration } = rolling(environment, { earlySuccess: false }).deploymentCircuitBreaker;
    expect(thresholdConfiguration).toEqual(
      typeof failureThreshold === 'number'
        ? { type: 'COUNT', value: failures }
        : { type: 'BOUNDED_PERCENT', value: Number(failureThreshold.replace('%', '')) },
    );
  });
});
