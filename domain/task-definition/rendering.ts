/** Renders RegisterTaskDefinition's input: values before effects. `plan` prints the same values that the functions send. */

import { family, logGroup } from '../pipeline/names.ts';
import type { ContainerTemplate, Environment, Foundation, Pipeline, ServiceDefinition } from '../pipeline/pipeline.ts';
import type { Release } from '../release/release.ts';
import { RenderError } from '../workflow/errors.ts';
import { listOf, refuseDangers } from './dangers.ts';

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
