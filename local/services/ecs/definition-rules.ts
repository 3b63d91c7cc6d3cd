/** What ECS asks of a task definition before it registers it. */
import type { ContainerDefinition, RegisterTaskDefinitionRequest } from '@aws-sdk/client-ecs';
import { client, NAME, notImplemented } from './names.ts';

/** "Maximum size of a task definition: 64 KiB", "containers: 10". https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html */
const MAX_BYTES = 64 * 1024;
const MAX_CONTAINERS = 10;

const gigabytes = (from: number, to: number, step = 1) => {
  const sizes: number[] = [];
  for (let size = from; size <= to; size += step) sizes.push(size * 1024);
  return sizes;
};

/** CPU units to MiB. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html */
const FARGATE: ReadonlyMap<number, readonly number[]> = new Map([
  [256, [512, 1024, 2048]],
  [512, gigabytes(1, 4)],
  [1024, gigabytes(2, 8)],
  [2048, gigabytes(4, 16)],
  [4096, gigabytes(8, 30)],
  [8192, gigabytes(16, 60, 4)],
  [16_384, gigabytes(32, 120, 8)],
]);

/** CPU units of `256` or `.25 vCPU`. */
const cpuUnits = (text: string | undefined) => {
  const virtual = /^\s*(\d*\.?\d+)\s*vcpu\s*$/i.exec(text ?? '');
  return virtual ? Number(virtual[1]) * 1024 : /^\d+$/.test(text ?? '') ? Number(text) : Number.NaN;
};

/** MiB of `512` or `1 GB`. */
const mebibytes = (text: string | undefined) => {
  const given = /^\s*(\d*\.?\d+)\s*gb\s*$/i.exec(text ?? '');
  return given ? Number(given[1]) * 1024 : /^\d+$/.test(text ?? '') ? Number(text) : Number.NaN;
};

/** Task-level CPU (units) and memory (MiB), as ECS writes them back. */
export const sizeOf = ({ cpu, memory }: { readonly cpu?: string | undefined; readonly memory?: string | undefined }) => ({
  cpu: cpuUnits(cpu),
  memory: mebibytes(memory),
});

export const isEcrImage = (image: string) => /^\d{12}\.dkr\.ecr\.[\w-]+\.amazonaws\.com\//.test(image);

/** @throws ServiceError ClientException; NotImplemented for what local AWS does not do */
export function validate(input: RegisterTaskDefinitionRequest): void {
  const containers = input.containerDefinitions ?? [];
  if (!NAME.test(input.family ?? '')) throw client('Family contains invalid characters.');
  if (containers.length === 0) throw client('Container definitions should not be empty.');
  if (containers.length > MAX_CONTAINERS) throw client(`Too many containers. The limit is ${MAX_CONTAINERS}.`);
  const bytes = Buffer.byteLength(JSON.stringify(input));
  if (bytes > MAX_BYTES) throw client(`Actual length: '${bytes}'. Max allowed length is '${MAX_BYTES}' bytes.`);
  const names = new Set<string>();
  for (const container of containers) {
    const name = container.name ?? '';
    if (!NAME.test(name)) throw client('Container.name contains invalid characters.');
    if (names.has(name)) throw client('Container names must be unique within a task definition.');
    names.add(name);
    if (!container.image) throw client('Container.image should not be null or empty.');
  }
  if (!containers.some(({ essential }) => essential !== false))
    throw client('A task definition must have at least one essential container.');
  for (const container of containers) validateContainer(container, containers);
  assertOrder(containers);
  assertVolumes(input);
  if (containers.some(({ secrets }) => secrets?.length) && !input.executionRoleArn)
    throw client("When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.");
  if (input.requiresCompatibilities?.includes('FARGATE')) validateFargate(input);
}

function validateContainer(container: ContainerDefinition, containers: readonly ContainerDefinition[]): void {
  const wrong = (reason: string) => client(`Invalid 'dependsOn' setting for container '${container.name}': ${reason}`);
  for (const { containerName, condition } of container.dependsOn ?? []) {
    const other = containers.find(({ name }) => name === containerName);
    if (other === undefined) throw wrong(`container '${containerName}' is not defined.`);
    if (other === container) throw wrong('a container cannot depend on itself.');
    // "This condition can't be set on an essential container." https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html
    if ((condition === 'COMPLETE' || condition === 'SUCCESS') && other.essential !== false)
      throw wrong(`the condition ${condition} cannot be set on the essential container '${containerName}'.`);
    if (condition === 'HEALTHY' && other.healthCheck === undefined)
      throw wrong(`the condition HEALTHY needs a health check of container '${containerName}'.`);
  }
  const taken = new Set((container.environment ?? []).map(({ name }) => name));
  for (const { name } of container.secrets ?? []) {
    if (taken.has(name))
      throw client(
        `The secret name must be unique and not shared with any new or existing environment variables set on the container, such as '${name}'.`,
      );
    taken.add(name);
  }
  assertCheck(container);
  if (container.stopTimeout !== undefined && (container.stopTimeout < 2 || container.stopTimeout > 120))
    throw client('The stopTimeout must be between 2 and 120 seconds on Fargate.');
  const { logDriver, options = {} } = container.logConfiguration ?? {};
  if (logDriver === 'awslogs') {
    for (const key of ['awslogs-group', 'awslogs-region']) if (!options[key]) throw client(`Log driver awslogs requires options: ${key}`);
    if (options['awslogs-create-group'] === 'true') throw notImplemented('ecs.RegisterTaskDefinition with awslogs-create-group');
  }
  if (container.restartPolicy?.enabled) throw notImplemented('ecs.RegisterTaskDefinition with restartPolicy');
}

/** Ranges of https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html */
function assertCheck({ name, healthCheck }: ContainerDefinition): void {
  if (healthCheck === undefined) return;
  if (!healthCheck.command?.length) throw client(`The health check of container '${name}' needs a command.`);
  const ranges = { interval: [5, 300], timeout: [2, 60], retries: [1, 10], startPeriod: [0, 300] } as const;
  for (const [member, [least, most]] of Object.entries(ranges)) {
    const value = healthCheck[member as keyof typeof ranges];
    if (value !== undefined && (value < least || value > most))
      throw client(`The health check of container '${name}' must have ${member} between ${least} and ${most}.`);
  }
}

/** @throws ServiceError ClientException where containers wait for one another */
function assertOrder(containers: readonly ContainerDefinition[]): void {
  const done = new Set<string>();
  const visit = (name: string, waiting: readonly string[]): void => {
    if (waiting.includes(name)) throw client(`Cyclic dependency detected in container dependencies: ${[...waiting, name].join(', ')}.`);
    if (done.has(name)) return;
    const { dependsOn = [] } = containers.find((one) => one.name === name)!;
    for (const { containerName = '' } of dependsOn) visit(containerName, [...waiting, name]);
    done.add(name);
  };
  for (const { name = '' } of containers) visit(name, []);
}

/** @throws ServiceError ClientException */
function assertVolumes({ volumes = [], containerDefinitions = [] }: RegisterTaskDefinitionRequest): void {
  const names = new Set(volumes.map(({ name }) => name));
  if (names.size < volumes.length) throw client('Volume names must be unique within a task definition.');
  for (const { mountPoints = [] } of containerDefinitions)
    for (const { sourceVolume } of mountPoints) if (!names.has(sourceVolume)) throw client(`Unknown volume '${sourceVolume}'.`);
  if (volumes.filter(({ configuredAtLaunch }) => configuredAtLaunch).length > 1)
    throw client('Only one volume can be configured at launch in a task definition.');
}

/** What Fargate does not take, by https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html and the reference of each parameter */
function assertFargateContainer(container: ContainerDefinition): void {
  const { linuxParameters = {}, resourceRequirements = [], ulimits = [] } = container;
  const unsupported = (setting: string) => client(`The '${setting}' setting for container is not supported on Fargate.`);
  for (const setting of ['privileged', 'disableNetworking', 'dnsServers', 'dnsSearchDomains', 'dockerSecurityOptions'] as const) {
    const value = container[setting];
    if (Array.isArray(value) ? value.length > 0 : value) throw unsupported(setting);
  }
  if (container.links?.length) throw client('Links are not supported when networkMode=awsvpc.');
  if (container.extraHosts?.length) throw client('Extra hosts are not supported on container when networkMode=awsvpc.');
  if (container.hostname) throw client('Hostname is not supported on container when networkMode=awsvpc.');
  for (const setting of ['devices', 'maxSwap', 'sharedMemorySize', 'swappiness'] as const) {
    const value = linuxParameters[setting];
    if (Array.isArray(value) ? value.length > 0 : value !== undefined) throw unsupported(`linuxParameters.${setting}`);
  }
  for (const capability of linuxParameters.capabilities?.add ?? [])
    if (capability !== 'SYS_PTRACE') throw unsupported(`linuxParameters.capabilities.add ${capability}`);
  if (resourceRequirements.some(({ type }) => type === 'GPU')) throw unsupported('resourceRequirements GPU');
  if (ulimits.some(({ name }) => name !== 'nofile')) throw unsupported('ulimits other than nofile');
}

/** @throws ServiceError ClientException */
function assertFargateTask(input: RegisterTaskDefinitionRequest, cpu: number, memory: number): void {
  const containers = input.containerDefinitions ?? [];
  for (const { host, dockerVolumeConfiguration } of input.volumes ?? []) {
    if (host?.sourcePath) throw client('host.sourcePath should not be set for volumes in Fargate');
    if (dockerVolumeConfiguration) throw client('dockerVolumeConfiguration is not supported for volumes in Fargate');
  }
  if (input.ipcMode !== undefined) throw client('IPC mode is not supported on Fargate.');
  if (input.pidMode === 'host') throw client("PID mode 'host' is not supported on Fargate.");
  if (input.placementConstraints?.length) throw client('Placement constraints are not supported for FARGATE launch type.');
  const size = input.ephemeralStorage?.sizeInGiB;
  if (size !== undefined && (size < 21 || size > 200)) throw client('Ephemeral storage must be between 21 and 200 GiB.');
  const sum = (of: (container: ContainerDefinition) => number | undefined) => containers.reduce((total, one) => total + (of(one) ?? 0), 0);
  if (sum((one) => one.cpu) > cpu)
    throw client("Invalid 'cpu' setting for task because it is lower than the sum of the 'cpu' settings of its containers.");
  if (sum((one) => one.memoryReservation ?? one.memory) > memory)
    throw client("Invalid 'memory' setting for task because it is lower than the sum of the memory that its containers reserve.");
  for (const { name, memory: hard, memoryReservation: soft } of containers)
    if (hard !== undefined && (hard > memory || (soft !== undefined && hard < soft)))
      throw client(`Invalid setting for container '${name}'. Its 'memory' must be at most that of the task and at least its reservation.`);
}

function validateFargate(input: RegisterTaskDefinitionRequest): void {
  const containers = input.containerDefinitions ?? [];
  if (input.networkMode !== 'awsvpc') throw client('Fargate only supports network mode ‘awsvpc’.');
  const { cpu, memory } = sizeOf(input);
  if (Number.isNaN(cpu)) throw client('Fargate requires task definition to have cpu at the task level.');
  if (Number.isNaN(memory)) throw client('Fargate requires task definition to have memory at the task level.');
  if (!FARGATE.has(cpu))
    throw client(
      "Invalid 'cpu' setting for task. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.",
    );
  if (!FARGATE.get(cpu)!.includes(memory)) throw client('No Fargate configuration exists for given values.');
  for (const container of containers) assertFargateContainer(container);
  assertFargateTask(input, cpu, memory);
  for (const { portMappings = [] } of containers)
    for (const { containerPort, hostPort } of portMappings)
      if (hostPort !== undefined && hostPort !== 0 && hostPort !== containerPort)
        throw client('When networkMode=awsvpc, the host ports and container ports in port mappings must match.');
  if (!input.executionRoleArn) {
    if (containers.some(({ logConfiguration }) => logConfiguration?.logDriver === 'awslogs'))
      throw client('Fargate requires task definition to have execution role ARN to support log driver awslogs.');
    if (containers.some(({ image }) => isEcrImage(image ?? '')))
      throw client('Fargate requires task definition to have execution role ARN to support ECR images.');
  }
}
