import {
  DescribeCapacityProvidersCommand,
  GetTaskProtectionCommand,
  ListAccountSettingsCommand,
  RunTaskCommand,
  UpdateServiceCommand,
  UpdateTaskProtectionCommand,
} from '@aws-sdk/client-ecs';
import { beforeEach, describe, expect, it } from 'vitest';
import { build, cluster, minutes } from './lab.ts';

let lab: Awaited<ReturnType<typeof build>>;
beforeEach(async () => {
  lab = await build();
});

const protect = (tasks: string[], protectionEnabled = true, expiresInMinutes?: number) =>
  lab.ecs.send(new UpdateTaskProtectionCommand({ cluster, tasks, protectionEnabled, expiresInMinutes }));
const running = async () => (await lab.tasks('RUNNING')).map(({ taskArn }) => taskArn!);

describe('a protected task', () => {
  it('stays when its service is scaled in, until its protection ends', async () => {
    await lab.create(await lab.revision('v1'), { desiredCount: 3 });
    await lab.pass(2 * minutes);
    const tasks = await running();
    const { protectedTasks } = await protect(tasks.slice(0, 2), true, 30);
    expect(protectedTasks).toEqual(
      tasks.slice(0, 2).map((taskArn) => ({ taskArn, protectionEnabled: true, expirationDate: new Date(lab.clock.now() + 30 * minutes) })),
    );
    await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', desiredCount: 0 }));
    await lab.pass(5 * minutes);
    expect((await running()).sort()).toEqual(tasks.slice(0, 2).sort());
    await protect([tasks[0]!], false);
    await lab.pass(5 * minutes);
    expect(await running()).toEqual([tasks[1]]);
    await lab.pass(25 * minutes);
    expect(await running()).toEqual([]);
  });

  it('keeps a deployment waiting', async () => {
    await lab.create(await lab.revision('v1'), { desiredCount: 1 });
    await lab.pass(2 * minutes);
    const [old] = await running();
    await protect([old!], true, 20);
    await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', taskDefinition: await lab.revision('v2') }));
    await lab.pass(10 * minutes);
    expect(await running()).toContain(old);
    expect((await lab.deployments())[0]!.status).toBe('IN_PROGRESS');
    await lab.pass(15 * minutes);
    expect(await running()).not.toContain(old);
    expect((await lab.deployments())[0]!.status).toBe('SUCCESSFUL');
  });

  it('is one of a service that runs', async () => {
    await lab.create(await lab.revision('v1'), { desiredCount: 1 });
    await lab.pass(2 * minutes);
    const network = { awsvpcConfiguration: { subnets: ['subnet-1'] } };
    const job = new RunTaskCommand({ cluster, taskDefinition: 'orders', launchType: 'FARGATE', networkConfiguration: network });
    const { tasks = [] } = await lab.ecs.send(job);
    const { failures } = await protect([tasks[0]!.taskArn!, 'none']);
    expect(failures?.map(({ reason }) => reason)).toEqual(['TASK_NOT_VALID', 'MISSING']);
    const { protectedTasks } = await lab.ecs.send(new GetTaskProtectionCommand({ cluster }));
    expect(protectedTasks).toMatchObject([{ protectionEnabled: false }]);
    await expect(protect([tasks[0]!.taskArn!], true, 2881)).rejects.toThrow('expiresInMinutes must be between 1 and 2880.');
  });
});

it('an account has the settings and the capacity that every account begins with', async () => {
  const settings = (effectiveSettings: boolean) =>
    lab.ecs.send(new ListAccountSettingsCommand({ effectiveSettings, name: 'containerInsights' }));
  expect((await settings(false)).settings).toEqual([]);
  expect((await settings(true)).settings).toMatchObject([{ name: 'containerInsights', value: 'disabled' }]);
  const { capacityProviders, failures } = await lab.ecs.send(
    new DescribeCapacityProvidersCommand({ capacityProviders: ['FARGATE_SPOT', 'own'] }),
  );
  expect(capacityProviders).toMatchObject([{ name: 'FARGATE_SPOT', status: 'ACTIVE' }]);
  expect(failures).toMatchObject([{ reason: 'MISSING' }]);
});
