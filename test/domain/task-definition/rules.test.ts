/** What ECS and Fargate ask of a task definition: each rule refuses at its place what they would, and takes what they take. */
import { describe, expect, it } from 'vitest';
import { refusalsBefore } from '../../../domain/task-definition/judgement.ts';
import { parts } from '../parts.ts';

interface Written {
  readonly task?: object;
  readonly container?: object;
  /** Beside the gateway's. */
  readonly others?: readonly { readonly name: string; readonly [member: string]: unknown }[];
  readonly variables?: Readonly<Record<string, string>>;
}

/** `place: message`, within the task definition. */
function refusals({ task, container, others = [], variables = {} }: Written): string[] {
  const found = refusalsBefore(
    parts({
      template: { containerDefinitions: [{ name: 'gateway', ...container }, ...others], ...task },
      containers: {
        gateway: { repository: 'gateway' },
        ...Object.fromEntries(others.map(({ name }) => [name, { image: 'public.ecr.aws/x/y:1' }])),
      },
      variables,
    }),
  );
  return found.map(({ place, message }) => `${place.replace('services.gateway.taskDefinition', '').replace(/^\./, '')}: ${message}`);
}

const waits = (containerName: string, condition: string) => ({ container: { dependsOn: [{ containerName, condition }] } });
const proxy = (members: object = {}) => ({ name: 'proxy', ...members });

const REFUSED: readonly [string, string, Written][] = [
  ['a CPU that Fargate has not', 'cpu: Fargate has no machine of 300 CPU units; it has 256', { task: { cpu: '300', memory: '512' } }],
  [
    'memory that does not go with its CPU',
    'memory: with 256 CPU units Fargate has no 4096 MiB, but 512, 1024, 2048; so much memory comes with 512 CPU units',
    { task: { cpu: '256', memory: '4096' } },
  ],
  [
    'memory between two steps',
    'memory: with 8192 CPU units Fargate has no 17408 MiB, but 16384 to 61440 in steps of 4096',
    { task: { cpu: '8 vCPU', memory: '17 GB' } },
  ],
  ['a size in words', 'memory: "much" is no size: write MiB as "512", or "0.5 GB"', { task: { memory: 'much' } }],
  [
    'containers that want more CPU than the task has',
    'cpu: its containers ask for 400 CPU units together, and the task gets 256, as the template names no size',
    { container: { cpu: 200 }, others: [proxy({ cpu: 200 })] },
  ],
  [
    'containers that want more memory than the task has',
    'memory: its containers ask for 1100 MiB together, and the task has 1024',
    { task: { cpu: '256', memory: '1024' }, container: { memory: 600 }, others: [proxy({ memoryReservation: 500 })] },
  ],
  [
    'a reservation above its limit',
    'containerDefinitions[0].memoryReservation: 300 MiB are more than the container may have',
    { container: { memory: 200, memoryReservation: 300 } },
  ],
  [
    'too little further storage',
    'ephemeralStorage.sizeInGiB: Fargate gives 21 to 200 GiB, and this is 20; 20 are there anyway',
    { task: { ephemeralStorage: { sizeInGiB: 20 } } },
  ],
  [
    'too much further storage',
    'ephemeralStorage.sizeInGiB: Fargate gives 21 to 200 GiB, and this is 201',
    { task: { ephemeralStorage: { sizeInGiB: 201 } } },
  ],
  [
    'a wait for nobody',
    'containerDefinitions[0].dependsOn[0]: there is no container "prxy", did you mean "proxy"?',
    { ...waits('prxy', 'START'), others: [proxy()] },
  ],
  ['a wait for itself', 'containerDefinitions[0].dependsOn[0]: gateway waits for itself', waits('gateway', 'START')],
  [
    'a wait for the end of an essential container',
    'containerDefinitions[0].dependsOn[0]: gateway waits for proxy to end (SUCCESS), and proxy is essential',
    { ...waits('proxy', 'SUCCESS'), others: [proxy()] },
  ],
  [
    'a wait for the end of an essential container, whatever its code',
    'dependsOn[0]: gateway waits for proxy to end (COMPLETE)',
    { ...waits('proxy', 'COMPLETE'), others: [proxy({ essential: true })] },
  ],
  [
    'a wait for health that nobody checks',
    'dependsOn[0]: gateway waits for proxy to be healthy, and proxy has no `healthCheck`',
    { ...waits('proxy', 'HEALTHY'), others: [proxy()] },
  ],
  [
    'containers that wait for each other',
    'containerDefinitions: gateway waits for proxy waits for gateway: none of them would ever start',
    { ...waits('proxy', 'START'), others: [proxy({ dependsOn: [{ containerName: 'gateway', condition: 'START' }] })] },
  ],
  [
    'another port of the host',
    'containerDefinitions[0].portMappings[0].hostPort: with awsvpc a task has its own address',
    { container: { portMappings: [{ containerPort: 8000, hostPort: 80 }] } },
  ],
  [
    'a port of two containers',
    'containerDefinitions[1].portMappings[0]: gateway has port 8000/tcp already',
    { others: [proxy({ portMappings: [{ containerPort: 8000 }] })] },
  ],
  [
    'a port that is none',
    'containerDefinitions[1].portMappings[0].containerPort: 70000 is no port',
    { others: [proxy({ portMappings: [{ containerPort: 70000 }] })] },
  ],
  [
    'two ports of one name',
    'containerDefinitions[0].portMappings[1].name: "http" is the name of another port',
    {
      container: {
        portMappings: [
          { containerPort: 8000, name: 'http' },
          { containerPort: 8001, name: 'http' },
        ],
      },
    },
  ],
  [
    'a port where requests come and nobody listens',
    'containerDefinitions[0].portMappings: gateway listens on 8080 by its template',
    { container: { portMappings: [{ containerPort: 8080 }] } },
  ],
  [
    'a variable that is a secret too',
    'containerDefinitions[0].secrets.URL: is a variable too',
    { container: { environment: [{ name: 'URL', value: 'x' }], secrets: [{ name: 'URL', valueFrom: '/app/test/url' }] } },
  ],
  [
    'a secret that is a variable of the environment',
    'containerDefinitions[0].secrets.STAGE: is a variable too',
    { variables: { STAGE: 'test' }, container: { secrets: [{ name: 'STAGE', valueFrom: '/app/test/stage' }] } },
  ],
  [
    'a secret twice',
    'containerDefinitions[0].secrets.A: is there twice',
    {
      container: {
        secrets: [
          { name: 'A', valueFrom: '/app/test/a' },
          { name: 'A', valueFrom: '/app/test/b' },
        ],
      },
    },
  ],
  [
    'a variable with two values',
    'containerDefinitions[0].environment.A: is there twice with different values',
    {
      container: {
        environment: [
          { name: 'A', value: '1' },
          { name: 'A', value: '2' },
        ],
      },
    },
  ],
  [
    'a variable without a name',
    'containerDefinitions[0].environment[0]: a variable without a `name`',
    { container: { environment: [{ value: '1' }] } },
  ],
  [
    'a container with a blank in its name',
    'containerDefinitions[1].name: "the proxy": a container is called by letters',
    { others: [{ name: 'the proxy' }] },
  ],
  [
    'a container whose name changes with every release',
    'containerDefinitions[1].name: "p-%BUILD_VERSION%"',
    { others: [{ name: 'p-%BUILD_VERSION%' }] },
  ],
  ['nothing essential', 'containerDefinitions: none is essential', { container: { essential: false } }],
  [
    'eleven containers',
    'containerDefinitions: there are 11 containers, and a task has at most 10',
    { others: Array.from({ length: 10 }, (_, index) => ({ name: `p${index}` })) },
  ],
  [
    'more than a registration holds',
    ': it has 70 KiB as it is registered, and ECS takes 64',
    { container: { command: ['x'.repeat(70_000)] } },
  ],
  [
    'a health check without its first word',
    'containerDefinitions[0].healthCheck.command: begins with "CMD"',
    { container: { healthCheck: { command: ['curl', 'localhost'] } } },
  ],
  [
    'a health check that is too patient',
    'containerDefinitions[0].healthCheck.interval: ECS takes 5 to 300 here, and this is 301',
    { container: { healthCheck: { command: ['CMD', 'x'], interval: 301 } } },
  ],
  [
    'an end that takes too long',
    'containerDefinitions[0].stopTimeout: ECS takes 2 to 120 here, and this is 121',
    { container: { stopTimeout: 121 } },
  ],
  ['a tag of AWS', 'tags[0]: "aws:x": AWS keeps names', { task: { tags: [{ key: 'aws:x', value: '1' }] } }],
  [
    'a tag twice',
    'tags[1]: "a" is there twice',
    {
      task: {
        tags: [
          { key: 'a', value: '1' },
          { key: 'a', value: '2' },
        ],
      },
    },
  ],
  ['a tag with signs that AWS has not', 'tags[0]: "a?": a tag has letters, digits', { task: { tags: [{ key: 'b', value: 'a?' }] } }],
  [
    'a mount of no volume',
    'containerDefinitions[0].mountPoints[0]: there is no volume "dta", did you mean "data"?',
    { task: { volumes: [{ name: 'data' }] }, container: { mountPoints: [{ sourceVolume: 'dta', containerPath: '/x' }] } },
  ],
  ['a volume twice', 'volumes[1]: "data" is the name of another volume', { task: { volumes: [{ name: 'data' }, { name: 'data' }] } }],
  [
    'a volume of two kinds',
    'volumes[0]: "data" is of several kinds: host, efsVolumeConfiguration',
    { task: { volumes: [{ name: 'data', host: {}, efsVolumeConfiguration: { fileSystemId: 'fs-1' } }] } },
  ],
  [
    'a volume configured at launch',
    'volumes[0].configuredAtLaunch: ECS wants `volumeConfigurations`',
    { task: { volumes: [{ name: 'data', configuredAtLaunch: true }] } },
  ],
  [
    'volumes of nobody',
    'containerDefinitions[0].volumesFrom[0]: there is no other container "proxi", did you mean "proxy"?',
    { container: { volumesFrom: [{ sourceContainer: 'proxi' }] }, others: [proxy()] },
  ],
  [
    'a log driver that Fargate has not',
    'containerDefinitions[0].logConfiguration.logDriver: gelf does not run on Fargate',
    { container: { logConfiguration: { logDriver: 'gelf' } } },
  ],
  [
    'logs for a router that is not there',
    'containerDefinitions[0].logConfiguration.logDriver: awsfirelens needs a container',
    { container: { logConfiguration: { logDriver: 'awsfirelens' } } },
  ],
  [
    'two log routers',
    'containerDefinitions[2].firelensConfiguration: is the second of this task',
    { others: [proxy({ firelensConfiguration: { type: 'fluentbit' } }), { name: 'b', firelensConfiguration: { type: 'fluentd' } }] },
  ],
  [
    'a log group that its role may not write',
    'containerDefinitions[0].logConfiguration.options.awslogs-group: the role that starts tasks here may write',
    {
      container: {
        logConfiguration: {
          logDriver: 'awslogs',
          options: { 'awslogs-group': '/x', 'awslogs-region': 'eu-central-1', 'awslogs-stream-prefix': 'x' },
        },
      },
    },
  ],
  [
    'logs without a prefix',
    'containerDefinitions[0].logConfiguration.options: awslogs on Fargate needs "awslogs-stream-prefix"',
    {
      container: {
        logConfiguration: {
          logDriver: 'awslogs',
          options: { 'awslogs-group': '/shiplock/acme/test/gateway', 'awslogs-region': 'eu-central-1' },
        },
      },
    },
  ],
  [
    'another machine than its images are for',
    'runtimePlatform.cpuArchitecture: the task runs on ARM64, and images of gateway are for linux/amd64; write X86_64 here',
    { task: { runtimePlatform: { cpuArchitecture: 'ARM64' } } },
  ],
  [
    'another system than its images are for',
    'runtimePlatform.operatingSystemFamily: the task runs on WINDOWS_SERVER_2022_CORE, and images of gateway are for linux/amd64',
    { task: { cpu: '1024', memory: '2048', runtimePlatform: { operatingSystemFamily: 'WINDOWS_SERVER_2022_CORE' } } },
  ],
  [
    'EC2 alone',
    'requiresCompatibilities: services of a pipeline run on Fargate, and this names EC2',
    { task: { requiresCompatibilities: ['EC2'] } },
  ],
  ['a bridge', 'networkMode: Fargate has awsvpc alone, and no bridge', { task: { networkMode: 'bridge' } }],
  ['links', 'containerDefinitions[0].links: Fargate has no such thing', { container: { links: ['proxy'] } }],
  [
    'a GPU',
    'containerDefinitions[0].resourceRequirements[0]: Fargate has no GPU',
    { container: { resourceRequirements: [{ type: 'GPU', value: '1' }] } },
  ],
  [
    'shared memory',
    'containerDefinitions[0].linuxParameters.sharedMemorySize: Fargate has no such setting',
    { container: { linuxParameters: { sharedMemorySize: 64 } } },
  ],
  ['App Mesh', 'proxyConfiguration: is for App Mesh, which AWS ended', { task: { proxyConfiguration: { containerName: 'proxy' } } }],
  [
    'a word for an account',
    'containerDefinitions[0].secrets.A: REGION is no Region, ACCOUNT_ID is no account',
    { container: { secrets: [{ name: 'A', valueFrom: 'arn:aws:ssm:REGION:ACCOUNT_ID:parameter/app/test/a' }] } },
  ],
];

describe('a task definition', () => {
  for (const [what, text, written] of REFUSED)
    it(`with ${what} is refused at its place, and for nothing else`, () =>
      expect(refusals(written)).toEqual([expect.stringContaining(text)]));

  it('that is wrong in several ways is told all of them', () =>
    expect(
      refusals({
        task: { cpu: '300', networkMode: 'bridge', volumes: [{ name: 'a' }, { name: 'a' }] },
        container: { links: ['x'], stopTimeout: 500 },
      }),
    ).toHaveLength(5));

  it('for Windows needs a machine that Windows has, and no further storage', () =>
    expect(
      refusals({
        task: {
          cpu: '512',
          memory: '1024',
          ephemeralStorage: { sizeInGiB: 30 },
          runtimePlatform: { operatingSystemFamily: 'WINDOWS_SERVER_2022_CORE' },
        },
      }).slice(0, 2),
    ).toEqual([
      expect.stringContaining('cpu: Fargate has no machine of 512 CPU units for Windows; it has 1024, 2048, 4096'),
      expect.stringContaining('ephemeralStorage: Fargate has no further storage for Windows'),
    ]));

  it.each<[string, Written]>([
    ['sizes with their units', { task: { cpu: '1 vCPU', memory: '2 GB' } }],
    ['the largest machine', { task: { cpu: '16384', memory: '122880' } }],
    ['200 GiB of further storage', { task: { ephemeralStorage: { sizeInGiB: 200 } } }],
    [
      'containers that fill the task',
      { container: { cpu: 200, memory: 256 }, others: [proxy({ cpu: 56, memoryReservation: 256, memory: 300 })] },
    ],
    ['a wait for the end of what is not essential', { ...waits('proxy', 'SUCCESS'), others: [proxy({ essential: false })] }],
    ['a wait for health that is checked', { ...waits('proxy', 'HEALTHY'), others: [proxy({ healthCheck: { command: ['CMD', 'ok'] } })] }],
    ['the same port for tcp and udp', { others: [proxy({ portMappings: [{ containerPort: 8000, protocol: 'udp' }] })] }],
    ['the host’s port written as the container’s', { container: { portMappings: [{ containerPort: 8000, hostPort: 8000 }] } }],
    ['the host’s port written as 0', { container: { portMappings: [{ containerPort: 8000, hostPort: 0 }] } }],
    ['a range of ports', { others: [proxy({ portMappings: [{ containerPortRange: '9000-9010' }] })] }],
    [
      'a variable twice with one value',
      {
        container: {
          environment: [
            { name: 'A', value: '1' },
            { name: 'A', value: '1' },
          ],
        },
      },
    ],
    [
      'a mounted volume',
      { task: { volumes: [{ name: 'data' }] }, container: { mountPoints: [{ sourceVolume: 'data', containerPath: '/x' }] } },
    ],
    [
      'logs through a router',
      { container: { logConfiguration: { logDriver: 'awsfirelens' } }, others: [proxy({ firelensConfiguration: { type: 'fluentbit' } })] },
    ],
    ['a memory file system', { container: { linuxParameters: { tmpfs: [{ containerPath: '/run', size: 64 }] } } }],
    ['EC2 beside Fargate', { task: { requiresCompatibilities: ['EC2', 'FARGATE'] } }],
    ['processes that its containers share', { task: { pidMode: 'task' } }],
    [
      'members that are null',
      { task: { networkMode: null, volumes: null }, container: { command: null, environment: null, portMappings: null } },
    ],
  ])('with %s passes', (_, written) => expect(refusals(written)).toEqual([]));
});
