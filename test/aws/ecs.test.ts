/** What the adapter of ECS makes of its answers. */
import { UpdateServiceCommand } from '@aws-sdk/client-ecs';
import { expect, it } from 'vitest';
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
