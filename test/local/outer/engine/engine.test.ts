/** Containers that run: in the engine that `docker` reaches. Where none does, or where there is no static program to put into an image, it is skipped. */
import { execFileSync } from 'node:child_process';
import { DescribeTasksCommand, RunTaskCommand, StopTaskCommand } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EngineContainers } from '../../../../local/outer/engine/engine.ts';
import type { Report } from '../../../../local/outer/engine/reports.ts';
import { Pacer } from '../../../../local/outer/pacer.ts';
import { pushImage } from '../../../../local/registry/push.ts';
import { type Registry, startRegistry } from '../../../../local/registry/server.ts';
import { issueToken } from '../../../../local/services/ecr/tokens.ts';
import { build, cluster, registry as ecrHost } from '../../services/ecs/lab.ts';
import { busybox, containersOf, engine, reason } from './lab.ts';

const folder = `test-${process.pid}`;

describe.skipIf(engine === undefined)(`in an engine${reason}`, () => {
  let lab: Awaited<ReturnType<typeof build>>;
  let containers: EngineContainers;
  let pacer: Pacer;
  let registry: Registry;
  let image = '';

  beforeAll(async () => {
    lab = await build();
    const { site, clock, world } = lab;
    containers = new EngineContainers(site);
    site.service('ecs').lives.runtime = containers;
    // The world around the containers may hurry: they are what is tested.
    pacer = new Pacer(clock, { speed: 20 });
    registry = await startRegistry(site);
    const pushed = await pushImage({
      url: registry.url,
      credentials: { user: 'AWS', password: issueToken(world, lab.iam.rootPrincipal(), 'test').password },
      repository: 'orders',
      tag: '1',
      ...busybox(),
    });
    image = `${ecrHost}/orders@${pushed.digest}`;
    const enter = (report: Report) => void pacer.enter(() => Promise.resolve(containers.apply(report))).catch(() => undefined);
    const settings = { ...engine!, folder, registry: registry.host };
    await containers.live(settings, { enter, remember: () => undefined });
  }, 60_000);

  afterAll(async () => {
    containers.hush();
    await pacer.stop();
    await containers.close();
    await registry.close();
    expect(containersOf(folder)).toEqual([]);
  }, 60_000);

  /** A container of the image that was pushed. */
  const container = (name: string, more: object) => ({ ...lab.definition(image).containerDefinitions![0]!, name, ...more });
  const shown = async (arn: string) => (await lab.ecs.send(new DescribeTasksCommand({ cluster, tasks: [arn] }))).tasks![0]!;
  const run = async (containerDefinitions: object[]) => {
    const taskDefinition = await lab.register(image, { containerDefinitions } as object);
    const networkConfiguration = { awsvpcConfiguration: { subnets: ['subnet-1'] } };
    const { tasks } = await lab.ecs.send(new RunTaskCommand({ cluster, taskDefinition, launchType: 'FARGATE', networkConfiguration }));
    return tasks![0]!.taskArn!;
  };
  const within = { timeout: 30_000, interval: 100 };

  it('a web server answers behind the load balancer once it is healthy, and is replaced when it dies', async () => {
    const { host, listenerArn } = await lab.balancer();
    const targetGroupArn = await lab.group({ interval: 5, path: '/orders/health' });
    await lab.lead(listenerArn, targetGroupArn);
    const taskDefinition = await lab.register(image, {
      containerDefinitions: [container('web', { command: ['httpd', '-f', '-p', '8080'], portMappings: [{ containerPort: 8080 }] })],
    });
    const loadBalancers = [{ targetGroupArn, containerName: 'web', containerPort: 8080 }];
    await lab.create(taskDefinition, { desiredCount: 1, loadBalancers });
    const ask = async () => {
      const response = await lab.world.http({
        method: 'GET',
        host,
        path: '/orders/health',
        query: '',
        headers: { host },
        body: new Uint8Array(),
        received: Date.now(),
      });
      return `${response.status} ${Buffer.from(response.body).toString()}`;
    };
    await expect.poll(ask, within).toBe('200 fine');
    const [first] = await lab.tasks();
    execFileSync('docker', ['kill', `ecs-orders-1-web-${first!.taskArn!.split('/').at(-1)}`]);
    await expect.poll(async () => (await shown(first!.taskArn!)).containers?.[0]?.exitCode, within).toBe(137);
    await expect.poll(async () => (await lab.tasks()).map(({ lastStatus }) => lastStatus), within).toEqual(['RUNNING']);
    await expect.poll(ask, within).toBe('200 fine');
  }, 90_000);

  it('containers of a task start in order, share localhost, write their logs and end with their codes', async () => {
    const environment = [{ name: 'WORD', value: 'hello # there' }];
    const arn = await run([
      container('job', {
        command: ['sh', '-c', 'busybox wget -qO- http://localhost:8080/orders/health; echo " $WORD"; exit 3'],
        environment,
        dependsOn: [{ containerName: 'server', condition: 'HEALTHY' }],
      }),
      container('server', {
        command: ['httpd', '-f', '-p', '8080'],
        essential: false,
        stopTimeout: 2,
        healthCheck: { command: ['CMD-SHELL', 'busybox wget -qO- http://localhost:8080/orders/health'], interval: 5 },
        dependsOn: [{ containerName: 'before', condition: 'SUCCESS' }],
      }),
      container('before', { command: ['sh', '-c', 'echo first'], essential: false }),
    ]);
    await expect.poll(async () => (await shown(arn)).lastStatus, within).toBe('STOPPED');
    const { stopCode, containers: ended = [] } = await shown(arn);
    expect(stopCode).toBe('EssentialContainerExited');
    expect(ended.map(({ name, exitCode }) => [name, exitCode])).toEqual([
      ['job', 3],
      ['server', expect.any(Number)],
      ['before', 0],
    ]);
    expect(lab.logs.lines).toEqual(expect.arrayContaining(['first', 'fine hello # there']));
  }, 60_000);

  it.each([
    ['by the shell', ['CMD-SHELL', 'echo "a check"; sleep 555 | cat']],
    ['by itself', ['CMD', 'busybox', 'sleep', '555']],
  ])(
    'a health check that runs %s and takes too long leaves nothing in the container',
    async (_, command) => {
      const arn = await run([
        container('web', { command: ['sh', '-c', 'sleep 3600'], healthCheck: { command, interval: 5, timeout: 2, retries: 1 } }),
      ]);
      await expect.poll(async () => (await shown(arn)).containers?.[0]?.healthStatus, within).toBe('UNHEALTHY');
      const name = `ecs-orders-${(await shown(arn)).taskDefinitionArn!.split(':').at(-1)}-web-${arn.split('/').at(-1)}`;
      const running = () => execFileSync('docker', ['exec', name, 'busybox', 'ps', '-o', 'args'], { encoding: 'utf8' });
      expect(running()).toContain('sleep 3600');
      await expect.poll(running, within).not.toContain('sleep 555');
      await lab.ecs.send(new StopTaskCommand({ cluster, task: arn }));
    },
    60_000,
  );

  it.each([
    ['an image that is not there', { image: '127.0.0.1:1/nothing:1', command: ['true'] }, 'CannotPullContainerError'],
    ['a program that is not in the image', { entryPoint: ['/bin/nothing'] }, 'CannotStartContainerError'],
  ])(
    '%s is said in the words of ECS',
    async (_, more, words) => {
      const arn = await run([container('web', more)]);
      await expect.poll(async () => (await shown(arn)).lastStatus, within).toBe('STOPPED');
      const { stopCode, stoppedReason, containers: ended } = await shown(arn);
      expect([stopCode, stoppedReason, ended![0]!.reason]).toEqual(['TaskFailedToStart', expect.stringContaining(words), stoppedReason]);
    },
    60_000,
  );
});
