/** Renders what is sent to ECS: values before effects. `plan` prints the same values that the functions send. */
import { listOf, refuseDangers } from './dangers.ts';
import { RenderError } from './errors.ts';
import { environmentName, family, fingerprint, logGroup } from './names.ts';
import type { ContainerTemplate, Environment, Foundation, Pipeline, ServiceDefinition } from './pipeline.ts';
import type { Release } from './release.ts';
import { atOnce, rolling, rollingAgain, type Shift, WAY_BACK } from './rollout.ts';
import { strategyOf } from './strategy.ts';

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
  const { containerDefinitions, ...template } = service.template;
  const place = `services.${service.name}.taskDefinition`;
  const [repository = ''] = repositoriesOf(service);
  const tag = parts.releases[repository]?.tag;
  const filled = fill(template, tag) as Record<string, unknown>;
  const ownTags = listOf(filled.tags, `${place}.tags`) as unknown as TaskDefinitionRequest['tags'];
  const request: TaskDefinitionRequest = {
    networkMode: 'awsvpc',
    requiresCompatibilities: ['FARGATE'],
    cpu: '256',
    memory: '512',
    executionRoleArn: foundation.executionRoleArn,
    taskRoleArn: foundation.taskRoleArn,
    ...(pipeline.repositories[repository]?.platform.startsWith('linux/arm64') ? { runtimePlatform: ARM } : {}),
    ...filled,
    family: family(pipeline.name, environment.name, service.name),
    containerDefinitions: containerDefinitions.map((container) => renderContainer(parts, container, tag)),
    tags: [
      // A template does not speak for the pipeline.
      ...ownTags.filter(({ key }) => !String(key).startsWith('shiplock:')),
      { key: 'shiplock:pipeline', value: pipeline.name },
      { key: 'shiplock:environment', value: environment.name },
      { key: 'shiplock:service', value: service.name },
      { key: 'shiplock:promotion', value: promotion },
    ],
  };
  refuseLeftovers(service.name, request);
  refuseDangers(request, {
    service: service.name,
    environment,
    environments: Object.keys(pipeline.environments),
    account: pipeline.sites[environment.site]?.account ?? '',
    foundation,
  });
  return request;
}

/** ECS takes images for X86_64 unless it is told otherwise. */
const ARM = { cpuArchitecture: 'ARM64', operatingSystemFamily: 'LINUX' };

const repositoriesOf = ({ containers }: ServiceDefinition): string[] =>
  Object.values(containers).flatMap((source) => ('repository' in source ? [source.repository] : []));

/** @param versionOfService fills a fixed image's placeholders, as it has no release of its own */
function renderContainer(
  { pipeline, environment, service, releases, repositoryUris }: TaskDefinitionParts,
  { image: _replaced, ...template }: ContainerTemplate,
  versionOfService: string | undefined,
): Record<string, unknown> {
  const source = Object.hasOwn(service.containers, template.name) ? service.containers[template.name] : undefined;
  const place = `services.${service.name}.containers`;
  if (source === undefined)
    throw new RenderError(place, `the template has a container "${template.name}" that is not configured; name its repository or image`);
  const image = 'image' in source ? source.image : imageOf(place, source.repository, releases, repositoryUris);
  const tag = 'repository' in source ? releases[source.repository]?.tag : versionOfService;
  const filled = fill(template, tag) as ContainerTemplate;
  const at = `services.${service.name}.taskDefinition.containerDefinitions.${template.name}`;
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
    environment: variables(listOf(filled.environment, `${at}.environment`), environment.variables),
    ...(isWeb ? { portMappings: ports(listOf(filled.portMappings, `${at}.portMappings`), service.web?.port ?? 0) } : {}),
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

/** Puts the tag where `%BUILD_VERSION%` stands, in every text. */
function fill(value: unknown, tag: string | undefined): unknown {
  if (typeof value === 'string') return tag === undefined ? value : value.replaceAll('%BUILD_VERSION%', () => tag);
  if (Array.isArray(value)) return value.map((one) => fill(one, tag));
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, fill(one, tag)]));
  return value;
}

type Members = Readonly<Record<string, unknown>>;

function variables(own: readonly Members[], environment: Readonly<Record<string, string>>): Members[] {
  const kept = own.filter(({ name }) => !Object.hasOwn(environment, String(name)));
  return [...kept, ...Object.entries(environment).map(([name, value]) => ({ name, value }))];
}

function ports(own: readonly Members[], port: number): readonly Members[] {
  return own.some(({ containerPort }) => containerPort === port) ? own : [...own, { containerPort: port, protocol: 'tcp' }];
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
  /** How it gets there. @default as its strategy rolls; where traffic shifts, {@link WAY_BACK}, which asks nobody */
  readonly shift?: Shift;
}

function deploymentConfiguration({ environment, service, shift }: ServiceParts) {
  if (shift) return shift.deploymentConfiguration;
  const strategy = strategyOf(environment, service);
  if (strategy.kind !== 'rolling') return WAY_BACK.deploymentConfiguration;
  // A release that never held may have told ECS of a pause and alarms; no record speaks of it.
  return service.web ? rollingAgain(environment, strategy.earlySuccess).deploymentConfiguration : rolling(environment, strategy);
}

function loadBalancers({ service: { web }, targetGroupArn, shift }: ServiceParts) {
  if (web === undefined || targetGroupArn === undefined) return {};
  const advanced = shift?.advancedConfiguration && { advancedConfiguration: shift.advancedConfiguration };
  return { loadBalancers: [{ targetGroupArn, containerName: web.container, containerPort: web.port, ...advanced }] };
}

/** UpdateService's input. It never says how many tasks, so that a promotion never shrinks a service that was scaled. */
export function renderUpdateService(parts: ServiceParts) {
  const { pipeline, environment, service, taskDefinition } = parts;
  return {
    cluster: environmentName(pipeline.name, environment.name),
    service: service.name,
    taskDefinition,
    deploymentConfiguration: deploymentConfiguration(parts),
    ...(parts.shift?.advancedConfiguration ? loadBalancers(parts) : {}),
    ...(service.web ? { healthCheckGracePeriodSeconds: service.web.graceSeconds } : {}),
  };
}

/** UpdateService's input that brings a service back from zero: with a new deployment, as a change of the count alone has no event. */
export function renderWakeService(parts: ServiceParts) {
  return { ...renderUpdateService(parts), desiredCount: countIn(parts), forceNewDeployment: true };
}

/** CreateService's input. A first rollout has nobody to share traffic with: all of it shifts at once, after the same checks. */
export function renderCreateService(parts: ServiceParts) {
  const { pipeline, environment, service, foundation, taskDefinition, promotion } = parts;
  const { cluster, service: serviceName, ...rest } = renderUpdateService(parts.shift ? { ...parts, shift: atOnce(parts.shift) } : parts);
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
    ...loadBalancers(parts),
    propagateTags: 'TASK_DEFINITION',
    clientToken: clientToken(`${pipeline.name}/${promotion}/${service.name}`),
    tags: [
      { key: 'shiplock:pipeline', value: pipeline.name },
      { key: 'shiplock:environment', value: environment.name },
    ],
  };
}

const countIn = ({ service, environment }: ServiceParts) => service.count[environment.name] ?? 1;

/** At most 36 characters; the same for the same promotion and service, so that a retry creates nothing twice. */
const clientToken = (text: string) => `${fingerprint(text)}-${text.slice(-22).replace(/[^A-Za-z0-9-]/g, '-')}`;
