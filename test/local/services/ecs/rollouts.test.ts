import { CloudWatchClient, PutMetricAlarmCommand, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import {
  DeleteClusterCommand,
  DeleteServiceCommand,
  DeregisterTaskDefinitionCommand,
  DescribeServiceDeploymentsCommand,
  DescribeServiceRevisionsCommand,
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  ListServiceDeploymentsCommand,
  ListServicesCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
  StopServiceDeploymentCommand,
  StopTaskCommand,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs';
import { describe, expect, it } from 'vitest';
import { clientConfig } from '../../../../local/core/client.ts';
import { allows, trusts } from '../double.ts';
import { account, build, cluster, minutes, region, registry, seconds, start } from './lab.ts';

const arn = (resource: string) => `arn:aws:ecs:${region}:${account}:${resource}`;

describe('a rolling deployment', () => {
  it('holds when its tasks answer, and says so in every place', async () => {
    const lab = await build();
    const first = await lab.revision('v1');
    const created = (await lab.create(first)).service!;
    expect(created).toMatchObject({ status: 'ACTIVE', desiredCount: 2, runningCount: 0, taskDefinition: first });
    expect(created.deployments).toHaveLength(1);
    expect(created.deployments![0]).toMatchObject({ status: 'PRIMARY', rolloutState: 'IN_PROGRESS', taskDefinition: first });
    const id = created.deployments![0]!.id!;
    expect(id).toMatch(/^ecs-svc\/\d+$/);
    await lab.pass(5 * minutes);
    const service = await lab.service();
    expect(service).toMatchObject({ runningCount: 2, pendingCount: 0 });
    expect(service.deployments![0]).toMatchObject({
      id,
      rolloutState: 'COMPLETED',
      runningCount: 2,
      rolloutStateReason: `ECS deployment ${id} completed.`,
    });
    const [deployment] = await lab.deployments();
    expect(deployment).toMatchObject({
      status: 'SUCCESSFUL',
      serviceArn: arn(`service/${cluster}/orders`),
      clusterArn: arn(`cluster/${cluster}`),
    });
    expect(deployment!.finishedAt!.getTime()).toBeGreaterThan(deployment!.startedAt!.getTime());
    expect(service.currentServiceDeployment).toBe(deployment!.serviceDeploymentArn);
    expect(service.currentServiceRevisions).toMatchObject([{ arn: deployment!.targetServiceRevisionArn, runningTaskCount: 2 }]);
    expect(lab.deploymentEvents()).toEqual([
      ['SERVICE_DEPLOYMENT_IN_PROGRESS', id, `ECS deployment ${id} in progress.`],
      ['SERVICE_DEPLOYMENT_COMPLETED', id, `ECS deployment ${id} completed.`],
    ]);
    expect(service.events!.map(({ message }) => message)).toContain('(service orders) has reached a steady state.');
    const steady = lab.bus.events.filter(({ detail }) => detail.eventName === 'SERVICE_STEADY_STATE');
    expect(steady.length).toBeGreaterThan(0);
    expect(steady[0]).toMatchObject({
      source: 'aws.ecs',
      'detail-type': 'ECS Service Action',
      detail: { eventType: 'INFO', clusterArn: arn(`cluster/${cluster}`) },
    });
  });

  it('names the digests that run in its service revision', async () => {
    const lab = await build();
    const digest = await lab.push('v1');
    await lab.create(await lab.register(`${registry}/orders:v1`));
    await lab.pass(5 * minutes);
    const [deployment] = await lab.deployments();
    const { serviceRevisions } = await lab.ecs.send(
      new DescribeServiceRevisionsCommand({ serviceRevisionArns: [deployment!.targetServiceRevisionArn!] }),
    );
    expect(serviceRevisions![0]!.containerImages).toMatchObject([{ containerName: 'web', imageDigest: digest }]);
    // A moved tag changes nothing for tasks of the same revision.
    await lab.push('v1', { another: 'image' });
    await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', desiredCount: 3 }));
    await lab.pass(5 * minutes);
    expect((await lab.tasks()).map(({ containers }) => containers![0]!.imageDigest)).toEqual([digest, digest, digest]);
    expect(await lab.deployments()).toHaveLength(1);
  });

  it('fails no request while requests come all the time', async () => {
    const lab = await build();
    const { host, listenerArn } = await lab.balancer();
    const targetGroupArn = await lab.group();
    await lab.lead(listenerArn, targetGroupArn);
    await lab.create(await lab.revision('v1'), { loadBalancers: [{ targetGroupArn, containerName: 'web', containerPort: 8080 }] });
    await lab.pass(5 * minutes);
    const before = new Set((await lab.tasks()).map(({ taskArn }) => taskArn));
    await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', taskDefinition: await lab.revision('v2') }));
    const statuses = new Map<number, number>();
    const images = new Set<string>();
    for (let sent = 0; sent < 600; sent++) {
      const { status, body } = await lab.get(host, '/orders/1');
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      images.add(new TextDecoder().decode(body));
      await lab.pass(500);
    }
    expect([...statuses]).toEqual([[200, 600]]);
    const after = await lab.tasks();
    expect(after).toHaveLength(2);
    expect(after.some(({ taskArn }) => before.has(taskArn))).toBe(false);
    expect((await lab.deployments()).map(({ status }) => status)).toEqual(['SUCCESSFUL', 'SUCCESSFUL']);
    expect((await lab.service()).deployments).toHaveLength(1);
  });

  it('never has fewer healthy or more tasks than its percentages say', async () => {
    const lab = await build();
    await lab.create(await lab.revision('v1'), {
      desiredCount: 4,
      deploymentConfiguration: { minimumHealthyPercent: 50, maximumPercent: 100 },
    });
    await lab.pass(5 * minutes);
    await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', taskDefinition: await lab.revision('v2') }));
    let fewest = 4;
    let most = 0;
    for (let look = 0; look < 300; look++) {
      await lab.pass(seconds);
      const wanted = await lab.tasks();
      fewest = Math.min(fewest, wanted.filter(({ lastStatus }) => lastStatus === 'RUNNING').length);
      most = Math.max(most, wanted.length);
    }
    expect([fewest, most]).toEqual([2, 4]);
    expect((await lab.deployments())[0]!.status).toBe('SUCCESSFUL');
  });

  it('is not started by a new count, tags or deployment settings, and by forceNewDeployment it is', async () => {
    const lab = await build();
    await lab.create(await lab.revision('v1'), { desiredCount: 1 });
    await lab.pass(5 * minutes);
    await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', desiredCount: 3, deploymentConfiguration: lab.breaker(5) }));
    await lab.pass(5 * minutes);
    expect(await lab.tasks()).toHaveLength(3);
    expect(await lab.deployments()).toHaveLength(1);
    await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', desiredCount: 0 }));
    await lab.pass(5 * minutes);
    expect(await lab.tasks()).toHaveLength(0);
    expect(await lab.deployments()).toHaveLength(1);
    await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', desiredCount: 1, forceNewDeployment: true }));
    await lab.pass(5 * minutes);
    expect((await lab.deployments()).map(({ status }) => status)).toEqual(['SUCCESSFUL', 'SUCCESSFUL']);
  });

  it('is stopped by a newer one', async () => {
    const lab = await build();
    await lab.create(await lab.revision('v1'));
    await lab.pass(5 * minutes);
    await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', taskDefinition: await lab.revision('v2') }));
    await lab.pass(10 * seconds);
    const v3 = await lab.revision('v3');
    await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', taskDefinition: v3 }));
    expect((await lab.deployments())[1]!.status).toMatch(/^STOP(_REQUESTED|PED)$/);
    await lab.pass(10 * minutes);
    expect((await lab.deployments()).map(({ status }) => status)).toEqual(['SUCCESSFUL', 'STOPPED', 'SUCCESSFUL']);
    expect(await lab.service()).toMatchObject({ taskDefinition: v3, runningCount: 2 });
    expect((await lab.tasks()).every(({ taskDefinitionArn }) => taskDefinitionArn === v3)).toBe(true);
  });
});

describe('the circuit breaker', () => {
  it('goes back to what ran before when an image crashes', async () => {
    const lab = await build();
    const v1 = await lab.revision('v1');
    const old = (await lab.create(v1)).service!.deployments![0]!.id!;
    await lab.pass(5 * minutes);
    lab.bus.events.length = 0;
    const v2 = await lab.revision('v2', { 'local.aws.exit-code': '3', 'local.aws.log': 'starting\nno database' });
    const { service: updated } = await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', taskDefinition: v2 }));
    const bad = updated!.deployments!.find(({ status }) => status === 'PRIMARY')!.id!;
    expect(bad).not.toBe(old);
    await lab.pass(15 * minutes);
    const [newest] = await lab.deployments();
    expect(newest).toMatchObject({
      status: 'ROLLBACK_SUCCESSFUL',
      statusReason: 'Service deployment rolled back because the circuit breaker threshold was exceeded.',
    });
    const { serviceDeployments } = await lab.ecs.send(
      new DescribeServiceDeploymentsCommand({ serviceDeploymentArns: [newest!.serviceDeploymentArn!] }),
    );
    expect(serviceDeployments![0]).toMatchObject({
      deploymentCircuitBreaker: { status: 'TRIGGERED', failureCount: 3, threshold: 3 },
      rollback: { reason: 'Service deployment rolled back because the circuit breaker threshold was exceeded.' },
      targetServiceRevision: { arn: newest!.targetServiceRevisionArn },
    });
    const service = await lab.service();
    expect(service).toMatchObject({ taskDefinition: v1, runningCount: 2 });
    expect(service.deployments).toMatchObject([{ id: old, status: 'PRIMARY', rolloutState: 'COMPLETED' }]);
    const back = `ECS deployment circuit breaker: rolling back to deploymentId ${old}.`;
    expect(lab.deploymentEvents()).toEqual([
      ['SERVICE_DEPLOYMENT_IN_PROGRESS', bad, `ECS deployment ${bad} in progress.`],
      ['SERVICE_DEPLOYMENT_FAILED', bad, 'ECS deployment circuit breaker: tasks failed to start.'],
      ['SERVICE_DEPLOYMENT_IN_PROGRESS', old, back],
      ['SERVICE_DEPLOYMENT_COMPLETED', old, back],
    ]);
    const crashed = (await lab.tasks('STOPPED')).filter(({ taskDefinitionArn }) => taskDefinitionArn === v2);
    expect(crashed.filter(({ stopCode }) => stopCode === 'EssentialContainerExited').length).toBeGreaterThanOrEqual(3);
    expect(crashed[0]).toMatchObject({ lastStatus: 'STOPPED', desiredStatus: 'STOPPED' });
    const one = crashed.find(({ stopCode }) => stopCode === 'EssentialContainerExited')!;
    expect(one).toMatchObject({
      stoppedReason: 'Essential container in task exited',
      containers: [{ name: 'web', exitCode: 3, lastStatus: 'STOPPED' }],
    });
    expect(lab.logs.lines).toContain('no database');
  });

  it('keeps serving while a bad image is tried', async () => {
    const lab = await build();
    const { host, listenerArn } = await lab.balancer();
    const targetGroupArn = await lab.group();
    await lab.lead(listenerArn, targetGroupArn);
    const v1 = await lab.revision('v1');
    await lab.create(v1, { loadBalancers: [{ targetGroupArn, containerName: 'web', containerPort: 8080 }] });
    await lab.pass(5 * minutes);
    const bad = await lab.revision('v2', { 'local.aws.responses': JSON.stringify({ '/health': 500 }) });
    await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', taskDefinition: bad }));
    const statuses = new Set<number>();
    for (let sent = 0; sent < 900; sent++) {
      statuses.add((await lab.get(host, '/orders')).status);
      await lab.pass(seconds);
    }
    expect([...statuses]).toEqual([200]);
    expect((await lab.deployments())[0]).toMatchObject({ status: 'ROLLBACK_SUCCESSFUL' });
    const failed = (await lab.tasks('STOPPED')).filter(({ taskDefinitionArn }) => taskDefinitionArn === bad);
    expect(
      failed.some(({ stoppedReason }) => stoppedReason?.startsWith(`Task failed ELB health checks in (target-group ${targetGroupArn})`)),
    ).toBe(true);
    expect((await lab.service()).taskDefinition).toBe(v1);
  });

  it('has nothing to roll back to on the first deployment', async () => {
    const lab = await build();
    await lab.create(await lab.revision('v1', { 'local.aws.exit-code': '1' }));
    await lab.pass(30 * minutes);
    expect((await lab.deployments())[0]).toMatchObject({
      status: 'ROLLBACK_FAILED',
      statusReason: 'No rollback candidate was found to run the rollback.',
    });
    expect((await lab.service()).deployments![0]).toMatchObject({
      rolloutState: 'FAILED',
      rolloutStateReason: 'ECS deployment circuit breaker: tasks failed to start.',
    });
    expect(lab.deploymentEvents().map(([name]) => name)).toEqual(['SERVICE_DEPLOYMENT_IN_PROGRESS', 'SERVICE_DEPLOYMENT_FAILED']);
    const stopped = (await lab.tasks('STOPPED')).length;
    await lab.pass(30 * minutes);
    expect((await lab.service()).runningCount).toBe(0);
    expect(stopped).toBeGreaterThanOrEqual(3);
    // A good image heals the service.
    await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', taskDefinition: await lab.revision('v2') }));
    await lab.pass(10 * minutes);
    expect((await lab.deployments())[0]!.status).toBe('SUCCESSFUL');
  });

  it('without rollback leaves the deployment failed and stopped', async () => {
    const lab = await build();
    await lab.create(await lab.revision('v1'));
    await lab.pass(5 * minutes);
    await lab.ecs.send(
      new UpdateServiceCommand({
        cluster,
        service: 'orders',
        taskDefinition: await lab.revision('v2', { 'local.aws.exit-code': '1' }),
        deploymentConfiguration: lab.breaker(3, false),
      }),
    );
    await lab.pass(20 * minutes);
    expect((await lab.deployments())[0]!.status).toBe('STOPPED');
    const { deployments } = await lab.service();
    expect(deployments!.find(({ status }) => status === 'PRIMARY')).toMatchObject({ rolloutState: 'FAILED' });
    expect((await lab.tasks()).length).toBe(2);
  });

  it('counts by default half of the tasks, but three at the least', async () => {
    const lab = await build();
    await lab.create(await lab.revision('v1'), {
      desiredCount: 10,
      deploymentConfiguration: { deploymentCircuitBreaker: { enable: true, rollback: true } },
    });
    const [one] = await lab.deployments();
    const threshold = async () =>
      (await lab.ecs.send(new DescribeServiceDeploymentsCommand({ serviceDeploymentArns: [one!.serviceDeploymentArn!] })))
        .serviceDeployments![0]!.deploymentCircuitBreaker!;
    expect(await threshold()).toMatchObject({ threshold: 5, failureCount: 0, status: 'MONITORING' });
    await lab.pass(10 * minutes);
    expect(await threshold()).toMatchObject({ status: 'MONITORING_COMPLETE' });
  });
});

describe('a deployment without a circuit breaker', () => {
  it('that can never finish stays in progress, and the clock comes to rest', async () => {
    const lab = await build();
    await lab.create(await lab.revision('v1'), { deploymentConfiguration: {} });
    await lab.clock.run();
    await lab.ecs.send(
      new UpdateServiceCommand({ cluster, service: 'orders', taskDefinition: await lab.revision('v2', { 'local.aws.exit-code': '1' }) }),
    );
    await lab.clock.run();
    expect((await lab.deployments())[0]!.status).toBe('IN_PROGRESS');
    expect(await lab.service()).toMatchObject({ runningCount: 2 });
    expect(
      (await lab.service()).events!.some(({ message }) => message!.includes('is unable to consistently start tasks successfully')),
    ).toBe(true);
    const [stuck] = await lab.deployments();
    await lab.ecs.send(new StopServiceDeploymentCommand({ serviceDeploymentArn: stuck!.serviceDeploymentArn!, stopType: 'ROLLBACK' }));
    await lab.clock.run();
    expect((await lab.deployments())[0]!.status).toBe('ROLLBACK_SUCCESSFUL');
  });
});

describe('stopping a deployment', () => {
  it('in the middle goes back to what ran before', async () => {
    const lab = await build();
    const v1 = await lab.revision('v1');
    await lab.create(v1);
    await lab.pass(5 * minutes);
    lab.bus.events.length = 0;
    await lab.ecs.send(
      new UpdateServiceCommand({
        cluster,
        service: 'orders',
        taskDefinition: await lab.revision('v2', { 'local.aws.healthy-after': '600' }),
      }),
    );
    await lab.pass(minutes);
    const [running] = await lab.deployments();
    expect(running!.status).toBe('IN_PROGRESS');
    const serviceDeploymentArn = running!.serviceDeploymentArn!;
    expect(await lab.ecs.send(new StopServiceDeploymentCommand({ serviceDeploymentArn, stopType: 'ROLLBACK' }))).toMatchObject({
      serviceDeploymentArn,
    });
    expect((await lab.deployments())[0]!.status).toMatch(/^ROLLBACK_(REQUESTED|IN_PROGRESS)$/);
    await lab.pass(5 * minutes);
    expect((await lab.deployments())[0]!.status).toBe('ROLLBACK_SUCCESSFUL');
    expect(await lab.service()).toMatchObject({ taskDefinition: v1, runningCount: 2 });
    expect(lab.deploymentEvents().map(([name]) => name)).toEqual([
      'SERVICE_DEPLOYMENT_IN_PROGRESS',
      'SERVICE_DEPLOYMENT_IN_PROGRESS',
      'SERVICE_DEPLOYMENT_COMPLETED',
    ]);
    await expect(lab.ecs.send(new StopServiceDeploymentCommand({ serviceDeploymentArn }))).rejects.toMatchObject({
      name: 'ConflictException',
    });
  });

  it('of an unknown deployment is refused', async () => {
    const lab = await build();
    await expect(
      lab.ecs.send(
        new StopServiceDeploymentCommand({ serviceDeploymentArn: arn(`service-deployment/${cluster}/orders/AAAAAAAAAAAAAAAAAAAAA`) }),
      ),
    ).rejects.toMatchObject({ name: 'ServiceDeploymentNotFoundException' });
  });
});

describe('services', () => {
  it('are created once: the same token gives the same service, another is refused', async () => {
    const lab = await build();
    const v1 = await lab.revision('v1');
    const one = await lab.create(v1, { clientToken: 'a-token' });
    const again = await lab.create(v1, { clientToken: 'a-token' });
    expect(again.service!.serviceArn).toBe(one.service!.serviceArn);
    await expect(lab.create(v1, { clientToken: 'another', desiredCount: 5 })).rejects.toMatchObject({
      name: 'InvalidParameterException',
      message: 'Creation of service was not idempotent.',
    });
    await lab.pass(5 * minutes);
    expect(await lab.tasks()).toHaveLength(2);
  });

  it('refuse a target group without a load balancer', async () => {
    const lab = await build();
    const targetGroupArn = await lab.group();
    await expect(
      lab.create(await lab.revision('v1'), { loadBalancers: [{ targetGroupArn, containerName: 'web', containerPort: 8080 }] }),
    ).rejects.toMatchObject({
      name: 'InvalidParameterException',
      message: `The target group with targetGroupArn ${targetGroupArn} does not have an associated load balancer.`,
    });
  });

  it('with tasks are only deleted by force, drain, and their name is taken until they are gone', async () => {
    const lab = await build();
    const { listenerArn } = await lab.balancer();
    const targetGroupArn = await lab.group({ delay: 60 });
    await lab.lead(listenerArn, targetGroupArn);
    const v1 = await lab.revision('v1');
    const loadBalancers = [{ targetGroupArn, containerName: 'web', containerPort: 8080 }];
    await lab.create(v1, { loadBalancers });
    await lab.pass(5 * minutes);
    await expect(lab.ecs.send(new DeleteServiceCommand({ cluster, service: 'orders' }))).rejects.toMatchObject({
      name: 'InvalidParameterException',
    });
    await expect(lab.ecs.send(new DeleteClusterCommand({ cluster }))).rejects.toMatchObject({ name: 'ClusterContainsServicesException' });
    const { service } = await lab.ecs.send(new DeleteServiceCommand({ cluster, service: 'orders', force: true }));
    expect(service!.status).toBe('DRAINING');
    expect((await lab.ecs.send(new ListServicesCommand({ cluster }))).serviceArns).toEqual([]);
    await expect(lab.create(v1, { loadBalancers })).rejects.toMatchObject({
      name: 'InvalidParameterException',
      message: 'Unable to Start a service that is still Draining.',
    });
    await expect(lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', desiredCount: 1 }))).rejects.toMatchObject({
      name: 'ServiceNotActiveException',
    });
    await expect(lab.ecs.send(new DeleteClusterCommand({ cluster }))).rejects.toMatchObject({
      name: 'ClusterContainsServicesException',
    });
    await lab.pass(5 * minutes);
    expect((await lab.service()).status).toBe('INACTIVE');
    expect(await lab.tasks()).toEqual([]);
    await lab.create(v1, { loadBalancers });
    await lab.ecs.send(new DeleteServiceCommand({ cluster, service: 'orders', force: true }));
    await lab.pass(5 * minutes);
    expect((await lab.ecs.send(new DeleteClusterCommand({ cluster }))).cluster!.status).toBe('INACTIVE');
    await expect(lab.create(v1)).rejects.toMatchObject({ name: 'ClusterNotFoundException' });
  });

  it('replace a task that somebody stops', async () => {
    const lab = await build();
    await lab.create(await lab.revision('v1'));
    await lab.pass(5 * minutes);
    const [victim] = await lab.tasks();
    await lab.ecs.send(new StopTaskCommand({ cluster, task: victim!.taskArn!, reason: 'drill' }));
    await lab.pass(5 * minutes);
    expect(await lab.tasks()).toHaveLength(2);
    const stopped = (await lab.tasks('STOPPED'))[0]!;
    expect(stopped).toMatchObject({ stopCode: 'UserInitiated', stoppedReason: 'drill' });
  });

  it('describe at most ten at once and name what is missing', async () => {
    const lab = await build();
    const { services, failures } = await lab.ecs.send(new DescribeServicesCommand({ cluster, services: ['nothing'] }));
    expect(services).toEqual([]);
    expect(failures).toMatchObject([{ reason: 'MISSING' }]);
    await expect(
      lab.ecs.send(new DescribeServicesCommand({ cluster, services: Array.from({ length: 11 }, (_, n) => `s${n}`) })),
    ).rejects.toMatchObject({ name: 'InvalidParameterException' });
  });

  it('list deployments by status and time of creation', async () => {
    const lab = await build();
    await lab.create(await lab.revision('v1'));
    await lab.pass(5 * minutes);
    const between = new Date(lab.clock.now());
    await lab.pass(minutes);
    await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', forceNewDeployment: true }));
    const list = async (more: object) =>
      (await lab.ecs.send(new ListServiceDeploymentsCommand({ cluster, service: 'orders', ...more }))).serviceDeployments!;
    expect(await list({})).toHaveLength(2);
    expect(await list({ createdAt: { after: between } })).toHaveLength(1);
    expect(await list({ createdAt: { before: between } })).toHaveLength(1);
    expect(await list({ status: ['SUCCESSFUL'] })).toHaveLength(1);
  });
});

describe('tasks', () => {
  it('of a missing image fail to start with AWS’s words, and the old ones serve on', async () => {
    const lab = await build();
    await lab.create(await lab.revision('v1'));
    await lab.pass(5 * minutes);
    const image = `${registry}/orders:nowhere`;
    await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', taskDefinition: await lab.register(image) }));
    await lab.pass(30 * minutes);
    expect((await lab.deployments())[0]!.status).toBe('ROLLBACK_SUCCESSFUL');
    const stopped = (await lab.tasks('STOPPED')).find(({ stopCode }) => stopCode === 'TaskFailedToStart')!;
    expect(stopped.stoppedReason).toMatch(/^CannotPullContainerError: .*orders:nowhere: not found/);
    expect((await lab.service()).runningCount).toBe(2);
  });

  it('whose log group is missing fail to start', async () => {
    const lab = await build();
    lab.logs.groups.clear();
    await lab.create(await lab.revision('v1'));
    await lab.pass(2 * minutes);
    const stopped = (await lab.tasks('STOPPED'))[0]!;
    expect(stopped.stopCode).toBe('TaskFailedToStart');
    expect(stopped.stoppedReason).toMatch(
      /^ResourceInitializationError: failed to validate logger args: .*The specified log group does not exist/,
    );
  });

  it('whose role may not pull fail to start', async () => {
    const lab = await build();
    lab.execution.inline.clear();
    await lab.create(await lab.revision('v1'));
    await lab.pass(2 * minutes);
    expect((await lab.tasks('STOPPED'))[0]!.stoppedReason).toMatch(/AccessDenied|403 Forbidden/);
  });

  it('run once, exit with their code, and are counted', async () => {
    const lab = await build();
    const migrate = await lab.revision('migrate', {
      'local.aws.exit-code': '0',
      'local.aws.exit-after': '90',
      'local.aws.log': 'migrated',
    });
    const { tasks, failures } = await lab.ecs.send(
      new RunTaskCommand({
        cluster,
        taskDefinition: migrate,
        launchType: 'FARGATE',
        networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-1'] } },
      }),
    );
    expect(failures).toEqual([]);
    expect(tasks![0]).toMatchObject({ lastStatus: 'PROVISIONING', desiredStatus: 'RUNNING' });
    await lab.clock.run();
    const states = lab.bus.events
      .filter((event) => event['detail-type'] === 'ECS Task State Change')
      .map(({ detail }) => detail.lastStatus as string);
    expect(states.filter((state, index) => state !== states[index - 1])).toEqual(
      expect.arrayContaining(['PROVISIONING', 'PENDING', 'RUNNING', 'DEPROVISIONING', 'STOPPED']),
    );
    const last = lab.bus.events.findLast((event) => event['detail-type'] === 'ECS Task State Change')!;
    expect(last.detail).toMatchObject({
      taskArn: tasks![0]!.taskArn,
      clusterArn: arn(`cluster/${cluster}`),
      taskDefinitionArn: migrate,
      lastStatus: 'STOPPED',
      stopCode: 'EssentialContainerExited',
      stoppedReason: 'Essential container in task exited',
      containers: [{ name: 'web', exitCode: 0, lastStatus: 'STOPPED' }],
    });
    expect(last.detail.containers[0].imageDigest).toMatch(/^sha256:/);
    expect(last.detail.version).toBeGreaterThan(1);
    expect(lab.world.meter.total('fargate.task')).toBe(1);
    expect(lab.world.meter.total('fargate.vcpu-second')).toBeGreaterThan(90 * 0.25);
    expect(lab.world.meter.total('fargate.gb-second')).toBeGreaterThan(90 * 0.5);
  });

  it('that never start say why', async () => {
    const lab = await build();
    await lab.create(
      await lab.revision('v1', { 'local.aws.never-starts': 'Timeout waiting for network interface provisioning to complete.' }),
    );
    await lab.pass(10 * minutes);
    expect((await lab.tasks('STOPPED'))[0]).toMatchObject({
      stopCode: 'TaskFailedToStart',
      stoppedReason: 'Timeout waiting for network interface provisioning to complete.',
    });
  });
});

describe('task definitions', () => {
  it('number their revisions and never start again', async () => {
    const lab = await build();
    const one = await lab.register('public.ecr.aws/nginx/nginx:1');
    expect(one).toBe(arn('task-definition/orders:1'));
    await lab.ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition: one }));
    expect(await lab.register('public.ecr.aws/nginx/nginx:2')).toBe(arn('task-definition/orders:2'));
    const { taskDefinition } = await lab.ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: 'orders' }));
    expect(taskDefinition!.revision).toBe(2);
    expect((await lab.ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: one }))).taskDefinition!.status).toBe('INACTIVE');
    await expect(lab.create(one)).rejects.toMatchObject({ name: 'ClientException', message: 'TaskDefinition is inactive' });
  });

  it('need roles that the caller may pass', async () => {
    const lab = await build();
    const register = allows(['ecs:RegisterTaskDefinition'], `arn:aws:ecs:${region}:${account}:task-definition/orders:*`);
    const deployer = lab.clientOf('deployer', register);
    const input = lab.definition('public.ecr.aws/nginx/nginx:1');
    await expect(deployer.send(new RegisterTaskDefinitionCommand(input))).rejects.toThrow(/iam:PassRole/);
    const passing = lab.iam.user('passing', {
      register,
      pass: { ...allows('iam:PassRole', [lab.execution.arn, lab.task.arn]) },
    });
    const { ECSClient } = await import('@aws-sdk/client-ecs');
    const client = new ECSClient(clientConfig(lab.world, { region, credentials: passing }));
    await client.send(new RegisterTaskDefinitionCommand(input));
    await expect(client.send(new RegisterTaskDefinitionCommand({ ...input, tags: [{ key: 'a', value: 'b' }] }))).rejects.toThrow(
      /ecs:TagResource/,
    );
    await expect(client.send(new RegisterTaskDefinitionCommand({ ...input, family: 'payments' }))).rejects.toThrow(
      /ecs:RegisterTaskDefinition/,
    );
  });

  it('are refused where Fargate has no such size', async () => {
    const lab = await build();
    await expect(lab.register('public.ecr.aws/nginx/nginx:1', { cpu: '256', memory: '4096' })).rejects.toMatchObject({
      name: 'ClientException',
    });
  });
});

describe('health checks of containers', () => {
  const check = { command: ['CMD-SHELL', 'curl -f http://localhost:8080/health || exit 1'], interval: 10, retries: 3, timeout: 5 };
  const withCheck = (lab: Awaited<ReturnType<typeof build>>, image: string) =>
    lab.register(image, {
      containerDefinitions: lab.definition(image).containerDefinitions!.map((one) => ({ ...one, healthCheck: check })),
    });

  it('decide about a deployment', async () => {
    const lab = await build();
    await lab.create(await withCheck(lab, `${registry}/orders@${await lab.push('v1')}`));
    await lab.pass(5 * minutes);
    expect((await lab.tasks()).map(({ healthStatus }) => healthStatus)).toEqual(['HEALTHY', 'HEALTHY']);
    const digest = await lab.push('v2', { 'local.aws.responses': JSON.stringify({ '/health': 500 }) });
    await lab.ecs.send(
      new UpdateServiceCommand({ cluster, service: 'orders', taskDefinition: await withCheck(lab, `${registry}/orders@${digest}`) }),
    );
    await lab.pass(30 * minutes);
    expect((await lab.deployments())[0]!.status).toBe('ROLLBACK_SUCCESSFUL');
    expect((await lab.tasks('STOPPED')).some(({ stoppedReason }) => stoppedReason === 'Task failed container health checks')).toBe(true);
  });
});

describe('deployment alarms', () => {
  const alarm = async (lab: Awaited<ReturnType<typeof build>>) => {
    const cloudwatch = new CloudWatchClient(clientConfig(lab.world, { region, credentials: lab.iam.user('admin') }));
    const metric = { Namespace: 'Acme', MetricName: 'Errors' };
    await cloudwatch.send(
      new PutMetricAlarmCommand({
        AlarmName: 'errors',
        ...metric,
        Statistic: 'Sum',
        Period: 60,
        EvaluationPeriods: 2,
        DatapointsToAlarm: 1,
        Threshold: 0,
        ComparisonOperator: 'GreaterThanThreshold',
        TreatMissingData: 'notBreaching',
      }),
    );
    return () => cloudwatch.send(new PutMetricDataCommand({ Namespace: 'Acme', MetricData: [{ MetricName: 'Errors', Value: 1 }] }));
  };
  const watched = (rollback: boolean) => ({ alarms: { alarmNames: ['errors'], enable: true, rollback } });
  const shown = async (lab: Awaited<ReturnType<typeof build>>) => {
    const [newest] = await lab.deployments();
    const arns = { serviceDeploymentArns: [newest!.serviceDeploymentArn!] };
    return (await lab.ecs.send(new DescribeServiceDeploymentsCommand(arns))).serviceDeployments![0]!;
  };

  it('that go off while it bakes bring the old revision back', async () => {
    const lab = await build();
    const ring = await alarm(lab);
    const v1 = await lab.revision('v1');
    await lab.create(v1, { deploymentConfiguration: watched(true) });
    await lab.pass(10 * minutes);
    expect(await shown(lab)).toMatchObject({ status: 'SUCCESSFUL', alarms: { status: 'MONITORING_COMPLETE', triggeredAlarmNames: [] } });
    const v2 = await lab.revision('v2');
    await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', taskDefinition: v2 }));
    await lab.pass(90 * seconds);
    // Every old task is gone and the alarm is still watched.
    expect((await lab.tasks()).map(({ taskDefinitionArn }) => taskDefinitionArn)).toEqual([v2, v2]);
    expect(await shown(lab)).toMatchObject({ status: 'IN_PROGRESS', alarms: { status: 'MONITORING', alarmNames: ['errors'] } });
    await ring();
    await lab.pass(10 * minutes);
    expect(await shown(lab)).toMatchObject({
      status: 'ROLLBACK_SUCCESSFUL',
      alarms: { status: 'TRIGGERED', triggeredAlarmNames: ['errors'] },
    });
    expect((await lab.tasks()).map(({ taskDefinitionArn }) => taskDefinitionArn)).toEqual([v1, v1]);
    expect(lab.deploymentEvents().filter(([name]) => name === 'SERVICE_DEPLOYMENT_FAILED')).toHaveLength(1);
  });

  it('stop it where no rollback is wanted, and count for nothing if they rang before', async () => {
    const lab = await build();
    const ring = await alarm(lab);
    await lab.create(await lab.revision('v1'), { deploymentConfiguration: watched(false) });
    await lab.pass(10 * seconds);
    await ring();
    await lab.pass(2 * minutes);
    expect(await shown(lab)).toMatchObject({ status: 'STOPPED', alarms: { status: 'TRIGGERED' } });
    await ring();
    await lab.pass(10 * seconds);
    await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', taskDefinition: await lab.revision('v2') }));
    await lab.pass(5 * minutes);
    expect(await shown(lab)).toMatchObject({ status: 'SUCCESSFUL' });
  });
});

describe('what ECS says of itself', () => {
  it('tells of stopped tasks, not of counts that a person changed', async () => {
    const lab = await build();
    await lab.create(await lab.revision('v1'));
    await lab.pass(5 * minutes);
    const [one] = await lab.tasks();
    lab.bus.events.length = 0;
    await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', desiredCount: 0 }));
    await lab.pass(5 * minutes);
    const actions = lab.bus.events.filter((event) => event['detail-type'] === 'ECS Service Action').map(({ detail }) => detail);
    expect(actions.map(({ eventName }) => eventName)).toEqual(['TASKS_STOPPED', 'SERVICE_STEADY_STATE']);
    expect(actions[0].taskArns).toContain(one!.taskArn);
  });

  it('names the reason why no task starts', async () => {
    const lab = await build();
    await lab.create(await lab.register(`${registry}/orders:nowhere`));
    await lab.pass(5 * minutes);
    const messages = (await lab.service()).events!.map(({ message }) => message!);
    expect(
      messages.some((text) => text.startsWith('(service orders) was unable to place a task. Reason: CannotPullContainerError: ')),
    ).toBe(true);
  });

  it('refuses a task whose own role trusts somebody else', async () => {
    const lab = await build();
    lab.task.trust = trusts('lambda.amazonaws.com');
    await lab.create(await lab.revision('v1'));
    await lab.pass(2 * minutes);
    expect((await lab.tasks('STOPPED'))[0]!.stoppedReason).toMatch(/^ECS was unable to assume the role 'arn:aws:iam::\d+:role\/task'/);
  });

  it('notes when an image was last pulled', async () => {
    const lab = await build();
    const digest = await lab.push('v1');
    await lab.create(await lab.register(`${registry}/orders@${digest}`));
    await lab.pass(5 * minutes);
    expect(lab.site.service('ecr').repository('orders').images.get(digest)!.pulledAt).toBeGreaterThan(start);
    expect(lab.world.meter.total('ecr.pull')).toBe(2);
  });

  it('bills Arm and x86 apart', async () => {
    const lab = await build();
    const image = 'public.ecr.aws/nginx/nginx:1';
    await lab.create(await lab.register(image, { runtimePlatform: { cpuArchitecture: 'ARM64', operatingSystemFamily: 'LINUX' } }));
    await lab.pass(10 * minutes);
    lab.site.service('ecs').settleUsage();
    expect(lab.world.meter.total('fargate.vcpu-second', { architecture: 'ARM64' })).toBeGreaterThan(0);
    expect(lab.world.meter.total('fargate.vcpu-second', { architecture: 'X86_64' })).toBe(0);
  });
});

describe('a crash loop', () => {
  it('goes on until a patient circuit breaker has counted enough', async () => {
    const lab = await build();
    await lab.create(await lab.revision('v1'), { desiredCount: 1 });
    await lab.pass(5 * minutes);
    const crashing = await lab.revision('v2', { 'local.aws.exit-code': '1' });
    await lab.ecs.send(
      new UpdateServiceCommand({ cluster, service: 'orders', taskDefinition: crashing, deploymentConfiguration: lab.breaker(60) }),
    );
    await lab.clock.run();
    expect((await lab.deployments())[0]!.status).toBe('ROLLBACK_SUCCESSFUL');
  });

  it('of tasks that live for hours comes to rest too', async () => {
    const lab = await build();
    await lab.create(await lab.revision('v1', { 'local.aws.exit-code': '1', 'local.aws.exit-after': '7200' }), { desiredCount: 1 });
    await lab.clock.run();
    expect((await lab.deployments())[0]!.status).toBe('SUCCESSFUL');
    expect(lab.clock.now() - start).toBeGreaterThan(24 * 60 * minutes);
  });
});

it('does the same to the byte from the same seed', async () => {
  const story = async () => {
    const lab = await build();
    await lab.create(await lab.revision('v1'));
    await lab.pass(5 * minutes);
    await lab.ecs.send(
      new UpdateServiceCommand({ cluster, service: 'orders', taskDefinition: await lab.revision('v2', { 'local.aws.exit-code': '1' }) }),
    );
    await lab.pass(20 * minutes);
    return JSON.stringify([lab.bus.events, await lab.service(), await lab.deployments()]);
  };
  expect(await story()).toBe(await story());
});

describe('speed', () => {
  it('takes a week with a hundred deployments and ten thousand requests in a few seconds', { timeout: 60_000 }, async () => {
    const lab = await build();
    const { host, listenerArn } = await lab.balancer();
    const targetGroupArn = await lab.group({ delay: 60 });
    await lab.lead(listenerArn, targetGroupArn);
    await lab.create(await lab.revision('v0'), { loadBalancers: [{ targetGroupArn, containerName: 'web', containerPort: 8080 }] });
    await lab.pass(10 * minutes);
    const begun = performance.now();
    let bad = 0;
    for (let n = 1; n <= 100; n++) {
      await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', taskDefinition: await lab.revision(`v${n}`) }));
      for (let sent = 0; sent < 100; sent++) {
        await lab.pass(minutes);
        if ((await lab.get(host, '/orders')).status !== 200) bad++;
      }
    }
    expect(bad).toBe(0);
    expect(performance.now() - begun).toBeLessThan(20_000);
  });
});
