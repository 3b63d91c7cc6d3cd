/** What the adapter of ECS makes of its answers. */
import { UpdateServiceCommand } from '@aws-sdk/client-ecs';
import { describe, expect, it } from 'vitest';
import { Ecs } from '../../aws/ecs.ts';
import { clientConfig } from '../../local/core/client.ts';
import { allows } from '../local/services/double.ts';
import { build, cluster, minutes, region } from '../local/services/ecs/lab.ts';

it('blames the tasks of the deployment that failed, not those of an earlier one, and the health check for which ECS stopped them', async () => {
  const lab = await build();
  const { host: _, listenerArn } = await lab.balancer();
  const targetGroupArn = await lab.group();
  await lab.lead(listenerArn, targetGroupArn);
  const loadBalancers = [{ targetGroupArn, containerName: 'web', containerPort: 8080 }];
  await lab.create(await lab.revision('good'), { desiredCount: 1, loadBalancers });
  await lab.pass(5 * minutes);
  const ecs = new Ecs(clientConfig(lab.world, { region, credentials: lab.iam.user('functions', { policy: allows('*') }) }));
  const fail = async (tag: string, labels: Record<string, string>) => {
    const since = lab.clock.now();
    await lab.pass(1000);
    await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', taskDefinition: await lab.revision(tag, labels) }));
    await lab.pass(15 * minutes);
    return await ecs.lastStopped(cluster, 'orders', since);
  };
  expect(await fail('crashes', { 'local.aws.exit-code': '3' })).toMatchObject({
    stopCode: 'EssentialContainerExited',
    containers: [{ exitCode: 3 }],
  });
  expect(await fail('sick', { 'local.aws.responses': '{"/health":500}' })).toMatchObject({
    stopCode: 'ServiceSchedulerInitiated',
    stoppedReason: expect.stringContaining('Task failed ELB health checks'),
  });
});

describe('whose deployment it is', () => {
  /** A service that runs `first`, and the adapter that looks at it. */
  async function scene() {
    const lab = await build();
    const [first, ours, theirs] = [await lab.revision('first'), await lab.revision('ours'), await lab.revision('theirs')];
    await lab.create(first, { desiredCount: 1 });
    await lab.pass(5 * minutes);
    const ecs = new Ecs(clientConfig(lab.world, { region, credentials: lab.iam.user('functions', { policy: allows('*') }) }));
    const since = lab.clock.now();
    await lab.pass(1000);
    const update = (taskDefinition: string) => lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', taskDefinition }));
    const status = (asked = false) => ecs.deploymentStatus(cluster, { service: 'orders', since, taskDefinition: ours, asked });
    const calls = () => lab.world.meter.calls({ caller: 'functions' });
    return { lab, ours, theirs, update, status, calls };
  }

  it('is ours by what it deploys: another one since then is none of ours, whatever became of it', async () => {
    const { lab, theirs, update, status } = await scene();
    await update(theirs);
    expect(await status()).toMatchObject({ state: 'none' });
    await lab.pass(15 * minutes);
    expect(await status()).toMatchObject({ state: 'none' });
  });

  it('asks nothing more where ECS has answered us and knows of one', async () => {
    const { lab, ours, update, status, calls } = await scene();
    await update(ours);
    expect(await status(true)).toMatchObject({ state: 'running' });
    expect(calls()['ecs:DescribeServiceRevisions']).toBeUndefined();
    await lab.pass(15 * minutes);
    expect(await status()).toMatchObject({ state: 'succeeded' });
    expect(calls()['ecs:DescribeServiceRevisions']).toBe(1);
  });

  it.each(['while ours is on its way', 'after ours has completed'])(
    'names the revision of the one that takes the place of ours, %s',
    async (when) => {
      const { lab, ours, theirs, update, status } = await scene();
      await update(ours);
      if (when.startsWith('after')) await lab.pass(15 * minutes);
      await lab.pass(1000);
      await update(theirs);
      const overtaken = {
        state: 'failed',
        overtakenBy: theirs,
        reason: expect.stringMatching(/^another deployment, of \S+:3, took its place$/),
      };
      expect(await status(true)).toMatchObject(overtaken);
      await lab.pass(15 * minutes);
      expect(await status(true)).toMatchObject(overtaken);
    },
  );

  it('is ours where somebody deploys our revision once more', async () => {
    const { lab, ours, theirs, update, status } = await scene();
    await update(ours);
    await lab.pass(1000);
    await update(theirs);
    await lab.pass(1000);
    await update(ours);
    await lab.pass(15 * minutes);
    expect(await status(true)).toMatchObject({ state: 'succeeded' });
  });
});
