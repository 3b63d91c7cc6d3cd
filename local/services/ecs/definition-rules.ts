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
  for (const container of containers) validateContainer(container, names);
  if (input.requiresCompatibilities?.includes('FARGATE')) validateFargate(input);
}

function validateContainer(container: ContainerDefinition, names: ReadonlySet<string>): void {
  for (const { containerName } of container.dependsOn ?? [])
    if (!names.has(containerName ?? ''))
      throw client(`Invalid 'dependsOn' setting for container '${container.name}': container '${containerName}' is not defined.`);
  if (container.stopTimeout !== undefined && (container.stopTimeout < 2 || container.stopTimeout > 120))
    throw client('The stopTimeout must be between 2 and 120 seconds on Fargate.');
  const { logDriver, options = {} } = container.logConfiguration ?? {};
  if (logDriver === 'awslogs') {
    for (const key of ['awslogs-group', 'awslogs-region']) if (!options[key]) throw client(`Log driver awslogs requires options: ${key}`);
    if (options['awslogs-create-group'] === 'true') throw notImplemented('ecs.RegisterTaskDefinition with awslogs-create-group');
  }
  if (container.restartPolicy?.enabled) throw notImplemented('ecs.RegisterTaskDefinition with restartPolicy');
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
  for (const { privileged, links } of containers) {
    if (privileged) throw client("The 'privileged' setting for container is not supported on Fargate.");
    if (links?.length) throw client('Links are not supported when networkMode=awsvpc.');
  }
  for (const { portMappings = [] } of containers)
    for (const { containerPort, hostPort } of portMappings)
      if (hostPort !== undefined && hostPort !== 0 && hostPort !== containerPort)
        throw client('When networkMode=awsvpc, the host ports and container ports in port mappings must match.');
  if (input.executionRoleArn === undefined) {
    if (containers.some(({ logConfiguration }) => logConfiguration?.logDriver === 'awslogs'))
      throw client('Fargate requires task definition to have execution role ARN to support log driver awslogs.');
    if (containers.some(({ image }) => isEcrImage(image ?? '')))
      throw client('Fargate requires task definition to have execution role ARN to support ECR images.');
  }
}
