/** A pipeline whose tasks are containers, stopped and gone on with. Where no container engine answers, it is skipped. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import {
  CreateServiceCommand,
  DescribeTasksCommand,
  ECSClient,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
} from '@aws-sdk/client-ecs';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { executionRole } from '../../domain/pipeline/names.ts';
import { pushImage } from '../../local/registry/push.ts';
import { RunningPipeline } from '../../rehearsal/running.ts';
import { exampleConfig } from '../assembly.ts';
import { busybox, containersOf, engine, reason } from '../local/outer/engine/lab.ts';

const cluster = 'acme-beta';
const owner = `pipeline-test-${process.pid}`;
const within = { timeout: 40_000, interval: 200 };
const networkConfiguration = { awsvpcConfiguration: { subnets: ['subnet-1'] } };

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function open(data: string) {
  const said: string[] = [];
  const options = { config: exampleConfig, synthesised: inject('assembly'), data, start: Date.parse('2026-11-23T07:00:00Z') };
  // Faster than `shiplock local` allows: these containers only wait.
  const running = await RunningPipeline.open({ ...options, speed: 20, say: (text) => void said.push(text), engine: { ...engine!, owner } });
  const { region, endpoint, profiles } = running.addresses;
  const connection = { region, endpoint, credentials: { ...profiles['shiplock-admin']! } };
  const ecs = new ECSClient(connection);
  const shown = async (task: string) => (await ecs.send(new DescribeTasksCommand({ cluster, tasks: [task] }))).tasks![0]!;
  return { running, said, ecs, ecr: new ECRClient(connection), shown };
}

describe.skipIf(engine === undefined)(`a pipeline with containers${reason}`, () => {
  it('leaves none behind, starts those of services again, and does not run a job a second time', async () => {
    const data = mkdtempSync(join(tmpdir(), 'shiplock-containers-'));
    ends.push(() => rmSync(data, { recursive: true }));
    const before = await open(data);
    const { authorizationData } = await before.ecr.send(new GetAuthorizationTokenCommand({}));
    const [user = '', password = ''] = Buffer.from(authorizationData![0]!.authorizationToken!, 'base64').toString().split(':');
    const url = `http://${before.running.addresses.registry}`;
    const { digest } = await pushImage({ url, credentials: { user, password }, repository: 'gateway', tag: 'tools', ...busybox() });
    const { account, region } = before.running.addresses;
    const { taskDefinition } = await before.ecs.send(
      new RegisterTaskDefinitionCommand({
        family: 'sleeper',
        requiresCompatibilities: ['FARGATE'],
        networkMode: 'awsvpc',
        cpu: '256',
        memory: '512',
        executionRoleArn: `arn:aws:iam::${account}:role/${executionRole('acme', 'beta')}`,
        containerDefinitions: [
          {
            name: 'sleeper',
            image: `${account}.dkr.ecr.${region}.amazonaws.com/gateway@${digest}`,
            command: ['sleep', '1000'],
            stopTimeout: 2,
          },
        ],
      }),
    );
    const what = { cluster, taskDefinition: taskDefinition!.taskDefinitionArn!, launchType: 'FARGATE', networkConfiguration } as const;
    await before.ecs.send(new CreateServiceCommand({ ...what, serviceName: 'sleeper', desiredCount: 1 }));
    const { tasks = [] } = await before.ecs.send(new RunTaskCommand(what));
    const job = tasks[0]!.taskArn!;
    const { taskArns = [] } = await before.ecs.send(new ListTasksCommand({ cluster, serviceName: 'sleeper' }));
    const service = taskArns[0]!;
    for (const task of [job, service]) await expect.poll(async () => (await before.shown(task)).lastStatus, within).toBe('RUNNING');
    // Each with the one that holds its network.
    expect(containersOf(owner)).toHaveLength(4);
    await before.running.close();
    expect(containersOf(owner)).toEqual([]);

    const after = await open(data);
    ends.push(() => after.running.close());
    expect(after.said.join('\n')).not.toContain('answered differently');
    await expect.poll(async () => (await after.shown(job)).lastStatus, within).toBe('STOPPED');
    expect((await after.shown(job)).containers).toMatchObject([{ exitCode: 137, reason: expect.stringContaining('stopped') }]);
    await expect
      .poll(() => containersOf(owner).filter((name) => name.includes('-sleeper-')), within)
      .toEqual([expect.stringContaining(service.split('/').at(-1)!)]);
    expect(await after.shown(service)).toMatchObject({ lastStatus: 'RUNNING' });
  }, 120_000);
});
