/** Renders what is sent to ECS: values before effects. `plan` prints the same values that the functions send. */
import { RenderError } from './errors.ts';
import { environmentName, family, logGroup } from './names.ts';
import type { ContainerTemplate, DangerousField, Environment, Foundation, Pipeline, ServiceDefinition } from './pipeline.ts';
import type { Release } from './release.ts';
import { looksSecret } from './secrets.ts';

/** RegisterTaskDefinition's input, as far as the pipeline looks into it. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html */
export interface TaskDefinitionRequest {
  readonly family: string;
  readonly containerDefinitions: readonly Record<string, unknown>[];
  readonly tags: readonly { readonly key: string; readonly value: string }[];
  readonly [member: string]: unknown;
}

export interface TaskDefinitionParts {
  readonly pipeline: Pipeline;
  readonly environment: Environment;
  readonly service: ServiceDefinition;
  /** What each repository of the service shall run. */
  readonly releases: Readonly<Record<string, Release>>;
  /** As DescribeRepositories says. */
  readonly repositoryUris: Readonly<Record<string, string>>;
  readonly foundation: Foundation;
  readonly promotion: string;
}

const PLACEHOLDER = /%[A-Z][A-Z0-9_]*%/;

/**
 * The whole request. Images become `repository@sha256:…`, `%BUILD_VERSION%` elsewhere becomes the release's tag;
 * the environment's variables win over the template's. Roles, logs, network mode, CPU (256) and memory (512) have defaults.
 * @throws RenderError naming the place, for a container that the configuration does not know, a placeholder that is left, or a dangerous field
 */
export function renderTaskDefinition(parts: TaskDefinitionParts): TaskDefinitionRequest {
  const { pipeline, environment, service, foundation, promotion } = parts;
  const { template } = service;
  const containers = template.containerDefinitions.map((container) => renderContainer(parts, container));
  const request: TaskDefinitionRequest = {
    networkMode: 'awsvpc',
    requiresCompatibilities: ['FARGATE'],
    cpu: '256',
    memory: '512',
    executionRoleArn: foundation.executionRoleArn,
    taskRoleArn: foundation.taskRoleArn,
    ...template,
    family: family(pipeline.name, environment.name, service.name),
    containerDefinitions: containers,
    tags: [
      ...((template.tags as { key: string; value: string }[] | undefined) ?? []),
      { key: 'shiplock:pipeline', value: pipeline.name },
      { key: 'shiplock:environment', value: environment.name },
      { key: 'shiplock:service', value: service.name },
      { key: 'shiplock:promotion', value: promotion },
    ],
  };
  refuseLeftovers(service.name, request);
  refuseDangers(service.name, request, environment, foundation);
  return request;
}

function renderContainer(
  { pipeline, environment, service, releases, repositoryUris }: TaskDefinitionParts,
  template: ContainerTemplate,
): Record<string, unknown> {
  const source = service.containers[template.name];
  const place = `services.${service.name}.containers`;
  if (source === undefined)
    throw new RenderError(place, `the template has a container "${template.name}" that is not configured; name its repository or image`);
  const release =
    'repository' in source ? releases[source.repository] : Object.values(releases).find((one) => one.repository in pipeline.repositories);
  const image = 'image' in source ? source.image : imageOf(place, source.repository, releases, repositoryUris);
  const filled = fill(template, release?.tag) as ContainerTemplate;
  const site = pipeline.sites[environment.site];
  const isWeb = service.web?.container === template.name;
  return {
    essential: true,
    logConfiguration: {
      logDriver: 'awslogs',
      options: {
        'awslogs-group': logGroup(pipeline.name, environment.name, service.name),
        'awslogs-region': site?.region ?? '',
        'awslogs-stream-prefix': service.name,
      },
    },
    ...filled,
    image,
    environment: variables(filled.environment, environment.variables),
    ...(isWeb ? { portMappings: ports(filled.portMappings, service.web?.port ?? 0) } : {}),
  };
}

function imageOf(
  place: string,
  repository: string,
  releases: Readonly<Record<string, Release>>,
  uris: Readonly<Record<string, string>>,
): string {
  const release = releases[repository];
  const uri = uris[repository];
  if (release === undefined) throw new RenderError(place, `no release of ${repository} is known here`);
  if (uri === undefined) throw new RenderError(place, `ECR has no repository ${repository}`);
  if (!/^sha256:[0-9a-f]{64}$/.test(release.digest)) throw new RenderError(place, `"${release.digest}" is no digest`);
  return `${uri}@${release.digest}`;
}

/** Puts the tag where `%BUILD_VERSION%` stands, in every text but the image, which is replaced whole. */
function fill(value: unknown, tag: string | undefined): unknown {
  if (typeof value === 'string') return tag === undefined ? value : value.replaceAll('%BUILD_VERSION%', tag);
  if (Array.isArray(value)) return value.map((one) => fill(one, tag));
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).flatMap(([name, one]) => (name === 'image' ? [] : [[name, fill(one, tag)]])));
  return value;
}

interface Variable {
  readonly name: string;
  readonly value: string;
}

function variables(own: unknown, environment: Readonly<Record<string, string>>): Variable[] {
  const kept = ((own as Variable[] | undefined) ?? []).filter(({ name }) => !(name in environment));
  return [...kept, ...Object.entries(environment).map(([name, value]) => ({ name, value }))];
}

function ports(own: unknown, port: number): object[] {
  const mappings = (own as { containerPort?: number }[] | undefined) ?? [];
  return mappings.some(({ containerPort }) => containerPort === port) ? mappings : [...mappings, { containerPort: port, protocol: 'tcp' }];
}

function refuseLeftovers(service: string, value: unknown, path = ''): void {
  if (typeof value === 'string') {
    const left = PLACEHOLDER.exec(value)?.[0];
    if (left)
      throw new RenderError(`services.${service}.taskDefinition${path}`, `the placeholder ${left} is left; only %BUILD_VERSION% is filled`);
  } else if (value !== null && typeof value === 'object')
    for (const [name, one] of Object.entries(value))
      refuseLeftovers(service, one, Array.isArray(value) ? `${path}[${name}]` : `${path}.${name}`);
}

/** What a task definition may do to escape its bounds. The pipeline passes roles and secrets on, so it has to look. */
export function refuseDangers(service: string, request: TaskDefinitionRequest, environment: Environment, foundation: Foundation): void {
  const refuse = (field: DangerousField, path: string, message: string) => {
    if (!environment.allow.includes(field))
      throw new RenderError(
        `services.${service}.taskDefinition.${path}`,
        `${message}; environments.${environment.name}.allow must name "${field}" for this`,
      );
  };
  if (request.networkMode === 'host') refuse('host-network', 'networkMode', 'the host’s network is refused');
  if (request.pidMode === 'host') refuse('privileged', 'pidMode', 'the host’s processes are refused');
  if (request.ipcMode === 'host') refuse('privileged', 'ipcMode', 'the host’s memory is refused');
  for (const [index, volume] of ((request.volumes as { host?: { sourcePath?: string } }[] | undefined) ?? []).entries())
    if (volume.host?.sourcePath) refuse('host-volumes', `volumes[${index}]`, `the host’s folder ${volume.host.sourcePath} is refused`);
  for (const member of ['taskRoleArn', 'executionRoleArn'] as const)
    if (request[member] !== undefined && request[member] !== foundation[member])
      refuse('foreign-roles', member, `the role ${String(request[member])} is not the environment’s own`);
  for (const [index, container] of request.containerDefinitions.entries())
    refuseContainerDangers(`containerDefinitions[${index}]`, container, environment.name, refuse);
}

interface LinuxParameters {
  readonly capabilities?: { readonly add?: readonly string[] };
  readonly devices?: readonly unknown[];
}

function refuseContainerDangers(
  path: string,
  container: Record<string, unknown>,
  environment: string,
  refuse: (field: DangerousField, path: string, message: string) => void,
): void {
  const { privileged, linuxParameters, environment: own, secrets, dockerSecurityOptions, repositoryCredentials } = container;
  if (privileged === true) refuse('privileged', `${path}.privileged`, 'a privileged container is refused');
  const { capabilities, devices } = (linuxParameters as LinuxParameters | undefined) ?? {};
  if (capabilities?.add?.some((capability) => capability !== 'SYS_PTRACE'))
    refuse('privileged', `${path}.linuxParameters.capabilities`, 'added capabilities are refused');
  if (devices && devices.length > 0) refuse('privileged', `${path}.linuxParameters.devices`, 'devices of the host are refused');
  if (((dockerSecurityOptions as string[] | undefined) ?? []).some((option) => option.includes('unconfined')))
    refuse('privileged', `${path}.dockerSecurityOptions`, 'an unconfined container is refused');
  for (const { name, value } of (own as Variable[] | undefined) ?? [])
    if (looksSecret(name, value))
      refuse(
        'plaintext-secrets',
        `${path}.environment.${name}`,
        'it looks like a secret in plain text; put it into Secrets Manager and name it under `secrets`',
      );
  for (const { name, valueFrom } of (secrets as { name: string; valueFrom: string }[] | undefined) ?? [])
    if (isForeignSecret(valueFrom, environment))
      refuse('foreign-secrets', `${path}.secrets.${name}`, `${valueFrom} is a secret of another environment`);
  const credentials = (repositoryCredentials as { credentialsParameter?: string } | undefined)?.credentialsParameter;
  if (credentials && isForeignSecret(credentials, environment))
    refuse('foreign-secrets', `${path}.repositoryCredentials`, `${credentials} is a secret of another environment`);
}

/** Secrets and parameters carry their environment as a part of their name: `acme/live/database`. */
const isForeignSecret = (valueFrom: string, environment: string) =>
  !valueFrom.split(/[/:]/).some((part) => part === environment || part.startsWith(`${environment}-`));

export interface ServiceParts {
  readonly pipeline: Pipeline;
  readonly environment: Environment;
  readonly service: ServiceDefinition;
  readonly foundation: Foundation;
  /** Of a web service. */
  readonly targetGroupArn: string | undefined;
  /** The revision's exact ARN, never the family's newest. */
  readonly taskDefinition: string;
  readonly promotion: string;
}

/**
 * Rolling, given up after so many failed tasks and rolled back by ECS itself.
 * COUNT, because the default of 50 % is clamped to three failures at the least.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
 */
const deploymentConfiguration = ({ failureThreshold }: Environment) => ({
  strategy: 'ROLLING',
  maximumPercent: 200,
  minimumHealthyPercent: 100,
  deploymentCircuitBreaker: { enable: true, rollback: true, thresholdConfiguration: { type: 'COUNT', value: failureThreshold } },
});

/** UpdateService's input. It never says how many tasks, so that a promotion never shrinks a service that was scaled. */
export function renderUpdateService({ pipeline, environment, service, taskDefinition }: ServiceParts) {
  return {
    cluster: environmentName(pipeline.name, environment.name),
    service: service.name,
    taskDefinition,
    deploymentConfiguration: deploymentConfiguration(environment),
    ...(service.web ? { healthCheckGracePeriodSeconds: service.web.graceSeconds } : {}),
  };
}

/** UpdateService's input that brings a service back from zero: with a new deployment, as a change of the count alone has no event. */
export function renderWakeService(parts: ServiceParts) {
  return { ...renderUpdateService(parts), desiredCount: countIn(parts), forceNewDeployment: true };
}

/** CreateService's input. */
export function renderCreateService(parts: ServiceParts) {
  const { pipeline, environment, service, foundation, targetGroupArn, taskDefinition, promotion } = parts;
  const { cluster, service: serviceName, ...rest } = renderUpdateService(parts);
  return {
    cluster,
    serviceName,
    ...rest,
    taskDefinition,
    desiredCount: countIn(parts),
    launchType: 'FARGATE',
    networkConfiguration: {
      awsvpcConfiguration: { subnets: [...foundation.subnets], securityGroups: [...foundation.securityGroups], assignPublicIp: 'ENABLED' },
    },
    ...(service.web && targetGroupArn
      ? { loadBalancers: [{ targetGroupArn, containerName: service.web.container, containerPort: service.web.port }] }
      : {}),
    propagateTags: 'TASK_DEFINITION',
    clientToken: clientToken(`${promotion}/${service.name}`),
    tags: [
      { key: 'shiplock:pipeline', value: pipeline.name },
      { key: 'shiplock:environment', value: environment.name },
    ],
  };
}

const countIn = ({ service, environment }: ServiceParts) => service.count[environment.name] ?? 1;

/** At most 36 characters; the same for the same promotion and service, so that a retry creates nothing twice. */
function clientToken(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const character of text) hash = BigInt.asUintN(64, (hash ^ BigInt(character.codePointAt(0) ?? 0)) * 0x100000001b3n);
  return `${hash.toString(16).padStart(16, '0')}-${text.slice(-19).replace(/[^A-Za-z0-9-]/g, '-')}`;
}
