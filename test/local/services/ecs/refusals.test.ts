import {
  type ContainerDefinition,
  CreateClusterCommand,
  CreateServiceCommand,
  DeleteTaskDefinitionsCommand,
  DeregisterTaskDefinitionCommand,
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
  type RegisterTaskDefinitionCommandInput,
  RunTaskCommand,
} from '@aws-sdk/client-ecs';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { beforeEach, describe, expect, it } from 'vitest';
import { clientConfig } from '../../../../local/core/client.ts';
import { VirtualClock } from '../../../../local/core/clock.ts';
import { identities } from '../../../../local/core/iam/identities.ts';
import { World } from '../../../../local/core/world.ts';
import { factories } from '../../../../local/services/index.ts';
import { allows, trusts } from '../double.ts';

const account = '111122223333';
const region = 'eu-central-1';
const execution = `arn:aws:iam::${account}:role/execution`;
const network = { awsvpcConfiguration: { subnets: ['subnet-1'] } };
const secretArn = `arn:aws:secretsmanager:${region}:${account}:secret:db-AbCdEf`;

let clock: VirtualClock;
let world: World;
let ecs: ECSClient;
let ssm: SSMClient;

beforeEach(async () => {
  clock = new VirtualClock(Date.parse('2026-11-23T08:00:00Z'));
  world = new World(clock, factories, 1);
  const config = clientConfig(world, { region, credentials: world.site(account, region).service('iam').root() });
  ecs = new ECSClient(config);
  ssm = new SSMClient(config);
  const role = identities(world, account).createRole({ name: 'execution', trust: trusts('ecs-tasks.amazonaws.com') });
  role.inline.set('own', allows(['ssm:GetParameters', 's3:GetObject']));
  await ecs.send(new CreateClusterCommand({ clusterName: 'live' }));
});

const web: ContainerDefinition = { name: 'web', image: 'nginx' };
const register = (more: Partial<RegisterTaskDefinitionCommandInput> = {}) =>
  ecs.send(
    new RegisterTaskDefinitionCommand({
      family: 'orders',
      requiresCompatibilities: ['FARGATE'],
      networkMode: 'awsvpc',
      cpu: '256',
      memory: '512',
      executionRoleArn: execution,
      containerDefinitions: [web],
      ...more,
    }),
  );
const containers = (...list: Partial<ContainerDefinition>[]) => ({
  containerDefinitions: list.map((one, index) => ({ ...web, name: index === 0 ? 'web' : `side${index}`, ...one })),
});

describe('a task definition is refused for', () => {
  const cases: [what: string, more: Partial<RegisterTaskDefinitionCommandInput>, message: string][] = [
    ['a size that is none', { cpu: '300' }, "Invalid 'cpu' setting for task."],
    ['memory that does not go with it', { cpu: '256', memory: '4096' }, 'No Fargate configuration exists for given values.'],
    ['no size', { cpu: undefined }, 'Fargate requires task definition to have cpu at the task level.'],
    ['another network', { networkMode: 'bridge' }, 'Fargate only supports network mode'],
    ['containers that want more than it has', containers({ cpu: 200 }, { cpu: 100 }), "Invalid 'cpu' setting for task"],
    [
      'memory that its containers exceed',
      containers({ memoryReservation: 400 }, { memoryReservation: 200 }),
      "Invalid 'memory' setting for task",
    ],
    [
      'a variable that shares its name with a secret',
      containers({ environment: [{ name: 'DB', value: 'x' }], secrets: [{ name: 'DB', valueFrom: 'db' }] }),
      "The secret name must be unique and not shared with any new or existing environment variables set on the container, such as 'DB'.",
    ],
    [
      'secrets without the role that reads them',
      { executionRoleArn: '', ...containers({ secrets: [{ name: 'DB', valueFrom: 'db' }] }) },
      "you must also specify a value for 'executionRoleArn'.",
    ],
    [
      'what it waits for is not there',
      containers({ dependsOn: [{ containerName: 'none', condition: 'START' }] }),
      "container 'none' is not defined.",
    ],
    ['waiting for itself', containers({ dependsOn: [{ containerName: 'web', condition: 'START' }] }), 'cannot depend on itself'],
    [
      'waiting for the end of an essential container',
      containers({ dependsOn: [{ containerName: 'side1', condition: 'SUCCESS' }] }, {}),
      "SUCCESS cannot be set on the essential container 'side1'",
    ],
    [
      'waiting for health that nobody checks',
      containers({ dependsOn: [{ containerName: 'side1', condition: 'HEALTHY' }] }, {}),
      "needs a health check of container 'side1'",
    ],
    [
      'waiting in a circle',
      containers(
        { dependsOn: [{ containerName: 'side1', condition: 'START' }] },
        { dependsOn: [{ containerName: 'web', condition: 'START' }] },
      ),
      'Cyclic dependency detected',
    ],
    [
      'a path of the host',
      { volumes: [{ name: 'data', host: { sourcePath: '/data' } }] },
      'host.sourcePath should not be set for volumes in Fargate',
    ],
    [
      'a volume that is not there',
      containers({ mountPoints: [{ sourceVolume: 'data', containerPath: '/data' }] }),
      "Unknown volume 'data'.",
    ],
    ['a privileged container', containers({ privileged: true }), "The 'privileged' setting for container is not supported on Fargate."],
    ['devices', containers({ linuxParameters: { devices: [{ hostPath: '/dev/a' }] } }), 'linuxParameters.devices'],
    ['a graphics processor', containers({ resourceRequirements: [{ type: 'GPU', value: '1' }] }), 'GPU'],
    [
      'further hosts',
      containers({ extraHosts: [{ hostname: 'a', ipAddress: '10.0.0.1' }] }),
      'Extra hosts are not supported on container when networkMode=awsvpc.',
    ],
    ['another port of the host', containers({ portMappings: [{ containerPort: 80, hostPort: 8080 }] }), 'must match.'],
    ['a health check out of range', containers({ healthCheck: { command: ['CMD', 'true'], interval: 301 } }), 'interval between 5 and 300'],
    ['a disk out of range', { ephemeralStorage: { sizeInGiB: 20 } }, 'Ephemeral storage must be between 21 and 200 GiB.'],
    ['the process space of the host', { pidMode: 'host' }, "PID mode 'host' is not supported on Fargate."],
  ];
  it.each(cases)('%s', async (_, more, message) => {
    await expect(register(more)).rejects.toMatchObject({ name: 'ClientException', message: expect.stringContaining(message) });
  });

  it('nothing where its order and its sizes are sound', async () => {
    await register({
      cpu: '.5 vCPU',
      memory: '1 GB',
      volumes: [{ name: 'shared' }],
      ...containers(
        {
          dependsOn: [
            { containerName: 'side1', condition: 'HEALTHY' },
            { containerName: 'side2', condition: 'SUCCESS' },
          ],
        },
        { healthCheck: { command: ['CMD', 'true'] }, mountPoints: [{ sourceVolume: 'shared', containerPath: '/a' }] },
        { essential: false, cpu: 512, memory: 1024 },
      ),
    });
  });

  it('no empty role: it counts as none', async () => {
    await register({ taskRoleArn: '', executionRoleArn: '' });
    const { taskDefinition } = await ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: 'orders' }));
    expect(taskDefinition).not.toHaveProperty('taskRoleArn');
    expect(taskDefinition).not.toHaveProperty('executionRoleArn');
  });
});

describe('what is launched is refused for', () => {
  const service = (more: object) =>
    ecs.send(
      new CreateServiceCommand({
        cluster: 'live',
        serviceName: 'orders',
        taskDefinition: 'orders',
        launchType: 'FARGATE',
        desiredCount: 1,
        networkConfiguration: network,
        ...more,
      }),
    );

  it('a grace period without a load balancer', async () => {
    await register();
    await expect(service({ healthCheckGracePeriodSeconds: 60 })).rejects.toThrow(
      'Health check grace period is only valid for services configured to use load balancers',
    );
  });

  it('a volume that is to be configured at launch', async () => {
    await register({ volumes: [{ name: 'data', configuredAtLaunch: true }] });
    const run = new RunTaskCommand({ cluster: 'live', taskDefinition: 'orders', launchType: 'FARGATE', networkConfiguration: network });
    await expect(ecs.send(run)).rejects.toThrow("Volume 'data' is configured at launch");
    await expect(service({})).rejects.toThrow("Volume 'data' is configured at launch");
  });

  it('a shell in its containers, which nobody here opens', async () => {
    await register();
    await expect(service({ enableExecuteCommand: true })).rejects.toMatchObject({ name: 'NotImplemented' });
  });
});

describe('a task', () => {
  /** How a task of this container ends or runs after two minutes. */
  async function outcome(...list: Partial<ContainerDefinition>[]) {
    await register(containers(...list));
    const { tasks } = await ecs.send(
      new RunTaskCommand({ cluster: 'live', taskDefinition: 'orders', launchType: 'FARGATE', networkConfiguration: network }),
    );
    await clock.run({ until: clock.now() + 120_000 });
    return (await ecs.send(new DescribeTasksCommand({ cluster: 'live', tasks: [tasks![0]!.taskArn!] }))).tasks![0]!;
  }

  it('starts only if its parameters are there', async () => {
    const secrets = [{ name: 'DB', valueFrom: '/orders/db' }];
    expect(await outcome({ secrets })).toMatchObject({
      stopCode: 'TaskFailedToStart',
      stoppedReason: expect.stringMatching(/unable to retrieve secrets from ssm: .*invalid ssm parameters: \/orders\/db$/),
    });
    await ssm.send(new PutParameterCommand({ Name: '/orders/db', Value: 'x', Type: 'SecureString' }));
    expect(await outcome({ secrets })).not.toHaveProperty('stopCode', 'TaskFailedToStart');
  });

  const others: [what: string, container: Partial<ContainerDefinition>, reason: RegExp][] = [
    [
      'options of its log driver',
      { logConfiguration: { logDriver: 'splunk', secretOptions: [{ name: 'splunk-token', valueFrom: 'token' }] } },
      /invalid ssm parameters: token$/,
    ],
    [
      'credentials of its registry',
      { repositoryCredentials: { credentialsParameter: secretArn } },
      /AccessDeniedException: .*secretsmanager:GetSecretValue/,
    ],
    ['secrets', { secrets: [{ name: 'DB', valueFrom: secretArn }] }, /AccessDeniedException: .*secretsmanager:GetSecretValue/],
    [
      'environment files',
      { environmentFiles: [{ type: 's3', value: 'arn:aws:s3:::bucket/a.env' }] },
      /failed to download env files: .*NoSuchKey/,
    ],
  ];
  it.each(others)('needs the right to its %s, and the things themselves', async (_, container, reason) => {
    expect((await outcome(container)).stoppedReason).toMatch(reason);
    identities(world, account).role(execution).inline.clear();
    expect((await outcome(container)).stoppedReason).toMatch(/AccessDeniedException/);
  });

  it('whose other container ended shows 143 for those that were told to end', async () => {
    const task = await outcome({ command: ['migrate'] }, {});
    expect(task.stopCode).toBe('EssentialContainerExited');
    expect(Object.fromEntries(task.containers!.map(({ name, exitCode }) => [name, exitCode]))).toEqual({ web: 0, side1: 143 });
  });
});

it('a task definition that is being deleted can still be described, and starts nothing', async () => {
  await register();
  const taskDefinition = 'orders:1';
  await ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition }));
  await ecs.send(new DeleteTaskDefinitionsCommand({ taskDefinitions: [taskDefinition] }));
  const described = await ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition }));
  expect(described.taskDefinition?.status).toBe('DELETE_IN_PROGRESS');
  const run = new RunTaskCommand({ cluster: 'live', taskDefinition, launchType: 'FARGATE', networkConfiguration: network });
  await expect(ecs.send(run)).rejects.toThrow();
});
