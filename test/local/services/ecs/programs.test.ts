import { SetRepositoryPolicyCommand } from '@aws-sdk/client-ecr';
import {
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  ListServiceDeploymentsCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
  UpdateServiceCommand,
  waitUntilServicesStable,
} from '@aws-sdk/client-ecs';
import { describe, expect, it } from 'vitest';
import { allows } from '../double.ts';
import { build, cluster, registry, seconds } from './lab.ts';
import { buildPair } from './traffic-lab.ts';

type Lab = Awaited<ReturnType<typeof buildPair>>;

/** What deploying programs do: take the definition that runs, put the new image in, register, update. */
async function deploy(lab: Lab, image: string) {
  const { services } = await lab.ecs.send(new DescribeServicesCommand({ cluster, services: ['orders'] }));
  const { taskDefinition } = await lab.ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: services![0]!.taskDefinition }));
  // What DescribeTaskDefinition adds to what RegisterTaskDefinition takes.
  const { family, containerDefinitions: containers, ...all } = taskDefinition!;
  const added = 'taskDefinitionArn revision status requiresAttributes compatibilities registeredAt registeredBy'.split(' ');
  const rest = Object.fromEntries(Object.entries(all).filter(([name]) => !added.includes(name)));
  const containerDefinitions = containers!.map((container) => ({ ...container, image }));
  const registered = await lab.ecs.send(new RegisterTaskDefinitionCommand({ ...rest, family, containerDefinitions }));
  const wanted = registered.taskDefinition!.taskDefinitionArn!;
  await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', taskDefinition: wanted }));
  return wanted;
}

const STRATEGIES = [
  { strategy: 'ROLLING' },
  { strategy: 'BLUE_GREEN', bakeTimeInMinutes: 2 },
  { strategy: 'CANARY', bakeTimeInMinutes: 1, canaryConfiguration: { canaryPercent: 10, canaryBakeTimeInMinutes: 1 } },
  { strategy: 'LINEAR', bakeTimeInMinutes: 1, linearConfiguration: { stepPercent: 50, stepBakeTimeInMinutes: 1 } },
] as const;

describe('a program that knows nothing of strategies', () => {
  it.each(STRATEGIES)('sees counts, events and an end: $strategy', async (configuration) => {
    const lab = await buildPair();
    await lab.running('v1', { deploymentConfiguration: configuration });
    await lab.pass(300 * seconds);
    expect((await lab.service()).deployments).toHaveLength(1);
    const wanted = await deploy(lab, `${registry}/orders@${await lab.push('v2')}`);

    const seen: string[] = [];
    const { statuses } = await lab.until(async () => {
      const { deployments = [], runningCount, pendingCount } = await lab.service();
      const primary = deployments.find(({ status }) => status === 'PRIMARY')!;
      expect(primary.taskDefinition).toBe(wanted);
      const line = `${deployments.length} ${primary.rolloutState} ${primary.runningCount}/${primary.desiredCount} of ${runningCount}+${pendingCount}`;
      if (seen.at(-1) !== line) seen.push(line);
      return deployments.length === 1 && primary.rolloutState === 'COMPLETED';
    });
    expect([...new Set(statuses)]).toEqual([200]);
    // Started, running beside the old ones, alone.
    expect(seen).toContain('2 IN_PROGRESS 0/2 of 2+2');
    expect(seen).toContain('2 IN_PROGRESS 2/2 of 4+0');
    expect(seen.at(-1)).toBe('1 COMPLETED 2/2 of 2+0');
    expect((await lab.service()).events!.slice(0, 3).map(({ message }) => message)).toEqual(
      expect.arrayContaining([expect.stringMatching(/has reached a steady state\.$/), expect.stringMatching(/deployment completed\.$/)]),
    );
    const { serviceDeployments } = await lab.ecs.send(
      new ListServiceDeploymentsCommand({ cluster, service: 'orders', status: ['SUCCESSFUL'] }),
    );
    expect(serviceDeployments).toHaveLength(2);
  });

  it.each(STRATEGIES)("waits with the SDK's own waiter: $strategy", async (configuration) => {
    const lab = await buildPair();
    await lab.running('v1', { deploymentConfiguration: configuration });
    await lab.pass(300 * seconds);
    await deploy(lab, `${registry}/orders@${await lab.push('v2')}`);
    let over = false;
    const waiting = waitUntilServicesStable(
      { client: lab.ecs, maxWaitTime: 3600, minDelay: 0.001, maxDelay: 0.002 },
      { cluster, services: ['orders'] },
    ).finally(() => {
      over = true;
    });
    await lab.until(async () => over);
    expect((await waiting).state).toBe('SUCCESS');
    expect((await lab.deployment()).status).toBe('SUCCESSFUL');
  });
});

describe('an image', () => {
  it('is pulled where the repository’s own policy lets the execution role in, and not before', async () => {
    const lab = await build();
    lab.execution.inline.set('pull', allows(['ecr:GetAuthorizationToken', 'logs:CreateLogStream', 'logs:PutLogEvents']));
    await lab.create(await lab.revision('v1'), { desiredCount: 1 });
    await lab.pass(60 * seconds);
    expect((await lab.tasks('STOPPED'))[0]!.stoppedReason).toContain('ecr:BatchGetImage');
    const Statement = [
      { Effect: 'Allow', Principal: { AWS: lab.execution.arn }, Action: ['ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'] },
    ];
    const policyText = JSON.stringify({ Version: '2012-10-17', Statement });
    await lab.ecr.send(new SetRepositoryPolicyCommand({ repositoryName: 'orders', policyText }));
    await lab.ecs.send(new UpdateServiceCommand({ cluster, service: 'orders', forceNewDeployment: true }));
    await lab.pass(90 * seconds);
    expect((await lab.service()).runningCount).toBe(1);
  });
});

describe('a task', () => {
  it('of a family that is not there is refused for that', async () => {
    const lab = await build();
    const networkConfiguration = { awsvpcConfiguration: { subnets: ['subnet-1'] } };
    const task = new RunTaskCommand({ cluster, taskDefinition: 'nope', launchType: 'FARGATE', networkConfiguration });
    await expect(lab.ecs.send(task)).rejects.toThrow('TaskDefinition not found');
  });
});
