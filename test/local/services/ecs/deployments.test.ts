import {
  DeregisterTaskDefinitionCommand,
  DescribeServiceDeploymentsCommand,
  ListTagsForResourceCommand,
  RegisterTaskDefinitionCommand,
  StopServiceDeploymentCommand,
  TagResourceCommand,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs';
import { beforeEach, describe, expect, it } from 'vitest';
import { allows } from '../double.ts';
import { account, build, cluster, minutes, region, registry, seconds } from './lab.ts';

let lab: Awaited<ReturnType<typeof build>>;

beforeEach(async () => {
  lab = await build();
});

const CRASH = { 'local.aws.exit-code': '1' };
const update = (taskDefinition: string) => lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', taskDefinition }));
const repository = () => lab.site.service('ecr').repository('orders');

async function behindBalancer(options = {}) {
  const { host, listenerArn } = await lab.balancer();
  const targetGroupArn = await lab.group(options);
  await lab.lead(listenerArn, targetGroupArn);
  return { host, targetGroupArn, loadBalancers: [{ targetGroupArn, containerName: 'web', containerPort: 8080 }] };
}

describe('an image that is gone', () => {
  it.each([
    ['archived', (digest: string) => lab.site.service('ecr').archive(repository(), repository().find(digest)!)],
    ['deleted', (digest: string) => lab.site.service('ecr').expel(repository(), repository().find(digest)!)],
  ])('because it was %s trips the circuit breaker in the words of AWS', async (_, spoil) => {
    const first = await lab.revision('v1');
    await lab.create(first);
    await lab.pass(5 * minutes);
    const digest = await lab.push('v2');
    const image = `${registry}/orders@${digest}`;
    spoil(digest);
    await update(await lab.register(image));
    await lab.pass(10 * minutes);
    expect((await lab.deployments())[0]!.status).toBe('ROLLBACK_SUCCESSFUL');
    expect((await lab.service()).taskDefinition).toBe(first);
    const [failed] = (await lab.tasks('STOPPED')).filter(({ stopCode }) => stopCode === 'TaskFailedToStart');
    expect(failed!.stoppedReason).toMatch(/^CannotPullContainerError: .*not found$/);
    expect(failed!.stoppedReason).toContain(image);
    expect(failed!.containers![0]).not.toHaveProperty('exitCode');
  });

  it('keeps the digest that the first task of a deployment found, wherever its tag goes', async () => {
    const digest = await lab.push('v1');
    await lab.create(await lab.register(`${registry}/orders:v1`), { desiredCount: 1 });
    await lab.pass(5 * minutes);
    await lab.push('v1', CRASH);
    await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', desiredCount: 2 }));
    await lab.pass(5 * minutes);
    const tasks = await lab.tasks();
    expect(tasks.map(({ containers }) => containers![0]!.imageDigest)).toEqual([digest, digest]);
  });
});

describe('a task behind a load balancer', () => {
  it('goes through every state, and drains for as long as its target group says', async () => {
    const { loadBalancers } = await behindBalancer({ delay: 60 });
    await lab.create(await lab.revision('v1'), { desiredCount: 1, loadBalancers });
    await lab.pass(5 * minutes);
    await update(await lab.revision('v2'));
    await lab.pass(10 * minutes);
    expect((await lab.deployments())[0]!.status).toBe('SUCCESSFUL');
    const [old] = await lab.tasks('STOPPED');
    expect(old!.stoppedAt!.getTime() - old!.stoppingAt!.getTime()).toBe(70 * seconds);
    expect(old).toMatchObject({ stopCode: 'ServiceSchedulerInitiated', containers: [{ exitCode: 143 }] });
    const states = lab.bus.events.filter(({ detail }) => detail.taskArn === old!.taskArn).map(({ detail }) => detail);
    expect(states.map(({ lastStatus }) => lastStatus)).toEqual([
      'PROVISIONING',
      'PENDING',
      'ACTIVATING',
      'RUNNING',
      'DEACTIVATING',
      'STOPPING',
      'DEPROVISIONING',
      'STOPPED',
    ]);
    expect(states.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('answers as the labels of its image say', async () => {
    const { host, loadBalancers } = await behindBalancer();
    const labels = { 'local.aws.responses': '{"/orders":418,"/orders/smoke":500}' };
    await lab.create(await lab.revision('v1', labels), { loadBalancers });
    await lab.pass(5 * minutes);
    const statuses = ['/orders/smoke/1', '/orders/1'].map(async (path) => (await lab.get(host, path)).status);
    expect(await Promise.all(statuses)).toEqual([500, 418]);
    const { body } = await lab.get(host, '/orders');
    expect(JSON.parse(Buffer.from(body).toString())).toMatchObject({ service: 'orders', container: 'web' });
  });

  it.each([
    ['responses', 'oops', '{"/health":500}'],
    ['responses', '[500]', '{"/health":500}'],
    ['responses', '{"/health":"500"}', '{"/health":500}'],
    ['responses', '{"/health":99}', '{"/health":500}'],
    ['responses', '{"health":500}', '{"/health":500}'],
    ['healthy-after', 'soon', 'a number of seconds'],
    ['exit-code', '-1', 'an exit code, 0 to 255'],
  ])('does not start where the label %s is %s, and says what it has to be', async (name, value, expected) => {
    await lab.create(await lab.revision('v1', { [`local.aws.${name}`]: value }), { desiredCount: 1 });
    await lab.pass(minutes);
    const [task] = await lab.tasks('STOPPED');
    expect(task).toMatchObject({ stopCode: 'TaskFailedToStart', stoppedReason: expect.stringContaining(`the label local.aws.${name} is`) });
    expect(task!.stoppedReason).toContain(expected);
  });

  it('is not judged before the grace period is over', async () => {
    const { loadBalancers } = await behindBalancer({ unhealthyThreshold: 2 });
    const sick = await lab.revision('v1', { 'local.aws.responses': '{"/health":500}' });
    await lab.create(sick, { desiredCount: 1, loadBalancers, healthCheckGracePeriodSeconds: 300 });
    await lab.pass(10 * minutes);
    const [task] = await lab.tasks('STOPPED');
    expect(task!.stoppingAt!.getTime() - task!.startedAt!.getTime()).toBe(300 * seconds);
  });
});

describe('a rollback', () => {
  it('fails where the task definition it goes back to was deregistered', async () => {
    const first = await lab.revision('v1');
    await lab.create(first, { deploymentConfiguration: lab.breaker(1) });
    await lab.pass(5 * minutes);
    await lab.ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition: first }));
    await update(await lab.revision('v2', CRASH));
    await lab.pass(5 * minutes);
    const [newest] = await lab.deployments();
    expect(newest!.status).toBe('ROLLBACK_FAILED');
    expect(newest!.statusReason).toContain(first);
  });

  it('ends for good when the old revision cannot start either', async () => {
    await lab.create(await lab.revision('v1'), {
      desiredCount: 1,
      deploymentConfiguration: { ...lab.breaker(2), minimumHealthyPercent: 0 },
    });
    await lab.pass(5 * minutes);
    const old = repository().find('v1')!;
    lab.site.service('ecr').archive(repository(), old);
    await update(await lab.revision('v2', CRASH));
    await lab.clock.run();
    const [newest] = await lab.deployments();
    expect(newest!.status).toBe('ROLLBACK_FAILED');
    const { serviceDeployments } = await lab.ecs.send(
      new DescribeServiceDeploymentsCommand({ serviceDeploymentArns: [newest!.serviceDeploymentArn!] }),
    );
    expect(serviceDeployments![0]!.deploymentCircuitBreaker).toMatchObject({ failureCount: 2, threshold: 2 });
    await expect(
      lab.ecs.send(new StopServiceDeploymentCommand({ serviceDeploymentArn: newest!.serviceDeploymentArn!, stopType: 'ROLLBACK' })),
    ).rejects.toMatchObject({ name: 'ConflictException' });
  });
});

describe('the circuit breaker', () => {
  it.each([
    ['COUNT' as const, 5, 5],
    ['BOUNDED_PERCENT' as const, 25, 3],
    ['UNBOUNDED_PERCENT' as const, 25, 1],
    ['UNBOUNDED_PERCENT' as const, 300, 6],
  ])('with %s of %i waits for %i failed tasks of two', async (type, value, threshold) => {
    const deploymentCircuitBreaker = { enable: true, rollback: false, thresholdConfiguration: { type, value } };
    await lab.create(await lab.revision('v1', CRASH), { deploymentConfiguration: { deploymentCircuitBreaker } });
    await lab.clock.run();
    const [newest] = await lab.deployments();
    expect(newest!.status).toBe('STOPPED');
    const { serviceDeployments } = await lab.ecs.send(
      new DescribeServiceDeploymentsCommand({ serviceDeploymentArns: [newest!.serviceDeploymentArn!] }),
    );
    expect(serviceDeployments![0]!.deploymentCircuitBreaker).toEqual({ status: 'TRIGGERED', failureCount: threshold, threshold });
  });
});

describe('permissions', () => {
  const definition = () => lab.definition('public.ecr.aws/nginx/nginx:1');
  const family = `arn:aws:ecs:${region}:${account}:task-definition/orders:*`;
  const pass = {
    Effect: 'Allow' as const,
    Action: 'iam:PassRole',
    Resource: '*',
    Condition: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
  };
  const register = { Effect: 'Allow' as const, Action: 'ecs:RegisterTaskDefinition', Resource: family };
  const tag = {
    Effect: 'Allow' as const,
    Action: 'ecs:TagResource',
    Resource: family,
    Condition: { StringEquals: { 'ecs:CreateAction': 'RegisterTaskDefinition' } },
  };

  it('to register with tags are three: register, pass the roles, tag while creating', async () => {
    const request = { ...definition(), tags: [{ key: 'team', value: 'orders' }] };
    const able = lab.clientOf('able', { Version: '2012-10-17', Statement: [register, pass, tag] });
    const { tags } = await able.send(new RegisterTaskDefinitionCommand(request));
    expect(tags).toEqual([{ key: 'team', value: 'orders' }]);
    for (const Statement of [
      [pass, tag],
      [register, tag],
      [register, pass],
    ])
      await expect(
        lab
          .clientOf(`short-${Statement[0]!.Action}-${Statement[1]!.Action}`.replaceAll(':', '-'), { Version: '2012-10-17', Statement })
          .send(new RegisterTaskDefinitionCommand(request)),
      ).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  it('may be bound to a cluster', async () => {
    const first = await lab.revision('v1');
    await lab.create(first);
    const clientFor = (name: string, arn: string) =>
      lab.clientOf(name, {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 'ecs:UpdateService', Resource: '*', Condition: { ArnEquals: { 'ecs:cluster': arn } } }],
      });
    const request = new UpdateServiceCommand({ cluster, service: 'orders', desiredCount: 1 });
    await clientFor('here', `arn:aws:ecs:${region}:${account}:cluster/${cluster}`).send(request);
    await expect(clientFor('there', `arn:aws:ecs:${region}:${account}:cluster/other`).send(request)).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
  });

  it('are asked for tags as for the rest', async () => {
    const resourceArn = (await lab.create(await lab.revision('v1'))).service!.serviceArn!;
    const reader = lab.clientOf('reader', allows('ecs:ListTagsForResource', resourceArn));
    await lab.ecs.send(new TagResourceCommand({ resourceArn, tags: [{ key: 'team', value: 'orders' }] }));
    expect((await reader.send(new ListTagsForResourceCommand({ resourceArn }))).tags).toEqual([{ key: 'team', value: 'orders' }]);
    await expect(reader.send(new TagResourceCommand({ resourceArn, tags: [] }))).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });
});

it('lives through a week of a hundred deployments in a blink, and bills what ran', async () => {
  const { loadBalancers } = await behindBalancer({ delay: 60 });
  const releases = [await lab.revision('v1'), await lab.revision('v2')];
  await lab.create(releases[0]!, { loadBalancers });
  const began = performance.now();
  for (let index = 1; index <= 100; index++) {
    await lab.pass(100 * minutes);
    await update(releases[index % 2]!);
  }
  await lab.pass(100 * minutes);
  expect(performance.now() - began).toBeLessThan(6000);
  expect((await lab.deployments())[0]!.status).toBe('SUCCESSFUL');
  const ecs = lab.site.service('ecs');
  expect(ecs.tasks.size).toBeLessThan(10);
  const labels = { cluster, region };
  expect(lab.world.meter.total('fargate.task', labels)).toBe(200);
  ecs.settleUsage();
  const used = lab.world.meter.total('fargate.vcpu-second', labels);
  const week = (101 * 100 * 60 * 2) / 4;
  expect(used).toBeGreaterThan(week);
  expect(used).toBeLessThan(week * 1.05);
  expect(lab.world.meter.total('fargate.gb-second', labels)).toBeCloseTo(used * 2);
});
