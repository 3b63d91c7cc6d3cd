/** Renders RegisterTaskDefinition's input: values before effects. `check` and `plan` judge and print the same values that the functions send. */

import { family, logGroup } from '../pipeline/names.ts';
import type { ContainerTemplate, DangerousField, Environment, Foundation, Pipeline, ServiceDefinition } from '../pipeline/pipeline.ts';
import type { Release } from '../release/release.ts';
import type { Problem } from '../text/problem.ts';
import { RenderError } from '../workflow/errors.ts';
import { refuseDangers } from './dangers.ts';
import { listOf, type Members, withoutNulls } from './members.ts';
import { fill, refusePlaceholders, type Values } from './placeholders.ts';

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

/** What keeps a task definition from being registered. */
export interface Refusal extends Problem {
  /** What the environment would have to allow for it. */
  readonly field?: DangerousField;
}

/** The message of a refusal, with the place that would have to allow it: of one environment, or of several. */
export const refusalText = ({ message, field }: Refusal, environments: readonly string[]): string =>
  field === undefined
    ? message
    : `${message}; ${environments.map((name) => `environments.${name}.allow`).join(', ')} must name "${field}" for this`;

/** A request, and what keeps it from being sent. */
export interface Rendering {
  readonly request: TaskDefinitionRequest;
  /** Images that are not known, placeholders that nothing fills. */
  readonly unfilled: readonly Refusal[];
  /** What leaves the bounds of the environment. */
  readonly dangers: readonly Refusal[];
}

/**
 * The whole request. Images become `repository@sha256:…`, `%BUILD_VERSION%` elsewhere becomes the release's tag;
 * the environment's variables win over the template's. Roles, logs, network mode, CPU (256) and memory (512) have defaults.
 * What ECS itself asks of a task definition, `check` has judged before.
 * @throws RenderError with all that is not filled or leaves the bounds of the environment, each with its place
 */
export function renderTaskDefinition(parts: TaskDefinitionParts): TaskDefinitionRequest {
  const rendering = renderingOf(parts);
  const refusals = refusalsOf(rendering);
  if (refusals.length > 0) throw renderError(refusals, parts.environment.name);
  return rendering.request;
}

export const refusalsOf = ({ unfilled, dangers }: Rendering): Refusal[] => [...unfilled, ...elsewhere(dangers, unfilled)];

/** What follows from a value that is refused already is no problem of its own. */
export function elsewhere<T extends Problem>(problems: readonly T[], known: readonly Problem[]): T[] {
  const places = new Set(known.map(({ place }) => place));
  return problems.filter(({ place }) => !places.has(place));
}

export const renderError = (refusals: readonly Refusal[], environment: string): RenderError =>
  new RenderError(refusals.map((refusal) => ({ place: refusal.place, message: refusalText(refusal, [environment]) })));

/** The place of something within a service's task definition. */
export const placeIn = ({ name }: ServiceDefinition, path: string): string =>
  `services.${name}.taskDefinition${path === '' ? '' : `.${path}`}`;

/** The request and all that is wrong with it: whoever looks for problems wants to see every one. */
export function renderingOf(parts: TaskDefinitionParts): Rendering {
  const { pipeline, environment, service, foundation } = parts;
  const unfilled: Refusal[] = [];
  const dangers: Refusal[] = [];
  const request = requestOf(
    parts,
    (container, message) => void unfilled.push({ place: `services.${service.name}.containers${container}`, message }),
  );
  refusePlaceholders(
    withVariables(service.template, environment.variables),
    (path, message) => void unfilled.push({ place: placeIn(service, path), message }),
  );
  const written = requestOf({ ...parts, releases: asWritten(parts.releases) }, () => {});
  const bounds = {
    environment,
    environments: Object.keys(pipeline.environments),
    account: pipeline.sites[environment.site]?.account ?? '',
    foundation,
  };
  refuseDangers(request, written, bounds, (field, path, message) => {
    if (field === undefined || !environment.allow.includes(field))
      dangers.push({ place: placeIn(service, path), message, ...(field ? { field } : {}) });
  });
  return { request, unfilled, dangers };
}

/** Without the text that a release brings. */
const asWritten = (releases: TaskDefinitionParts['releases']): TaskDefinitionParts['releases'] =>
  Object.fromEntries(Object.entries(releases).map(([name, release]) => [name, { ...release, tag: 'BUILD_VERSION' }]));

/** Told of a container (`.web`, or nothing for all of them) whose image is not known. */
type RefuseImage = (container: string, message: string) => void;

function requestOf(parts: TaskDefinitionParts, refuse: RefuseImage): TaskDefinitionRequest {
  const { pipeline, environment, service, foundation, promotion } = parts;
  const { containerDefinitions, ...template } = withoutNulls(service.template);
  const [repository = ''] = repositoriesOf(service);
  const values = valuesOf(parts.releases[repository]?.tag);
  const filled = fill(template as Members, values);
  return {
    networkMode: 'awsvpc',
    requiresCompatibilities: ['FARGATE'],
    cpu: '256',
    memory: '512',
    executionRoleArn: foundation.executionRoleArn,
    taskRoleArn: foundation.taskRoleArn,
    ...(pipeline.repositories[repository]?.platform.startsWith('linux/arm64') ? { runtimePlatform: ARM } : {}),
    ...filled,
    family: family(pipeline.name, environment.name, service.name),
    containerDefinitions: containerDefinitions.map((container) => renderContainer(parts, container, values, refuse)),
    tags: tagsOf(filled.tags, [
      { key: 'shiplock:pipeline', value: pipeline.name },
      { key: 'shiplock:environment', value: environment.name },
      { key: 'shiplock:service', value: service.name },
      { key: 'shiplock:promotion', value: promotion },
    ]),
  };
}

/** What stands for the placeholders; nothing where no release is known. */
const valuesOf = (tag: string | undefined): Values => (tag === undefined ? {} : { BUILD_VERSION: tag });

/** A template does not speak for the pipeline. What is no list stays as it is, so that it is said to be none. */
function tagsOf(own: unknown, ours: TaskDefinitionRequest['tags']): TaskDefinitionRequest['tags'] {
  if (own !== undefined && !Array.isArray(own)) return own as TaskDefinitionRequest['tags'];
  const kept = ((own ?? []) as readonly (Members | undefined)[]).filter((tag) => !String(tag?.key).startsWith('shiplock:'));
  return [...(kept as unknown as TaskDefinitionRequest['tags']), ...ours];
}

/** ECS takes images for X86_64 unless it is told otherwise. */
const ARM = { cpuArchitecture: 'ARM64', operatingSystemFamily: 'LINUX' };

export const repositoriesOf = ({ containers }: ServiceDefinition): string[] =>
  Object.values(containers).flatMap((source) => ('repository' in source ? [source.repository] : []));

/** @param ofService fills a fixed image's placeholders, as it has no release of its own */
function renderContainer(
  parts: TaskDefinitionParts,
  { image: _replaced, ...template }: ContainerTemplate,
  ofService: Values,
  refuse: RefuseImage,
): Record<string, unknown> {
  const { pipeline, environment, service, releases } = parts;
  const source = Object.hasOwn(service.containers, template.name) ? service.containers[template.name] : undefined;
  const values = source && 'repository' in source ? valuesOf(releases[source.repository]?.tag) : ofService;
  const filled = fill(template, values) as ContainerTemplate;
  const { web } = service;
  return {
    essential: true,
    logConfiguration: {
      logDriver: 'awslogs',
      options: {
        'awslogs-group': logGroup(pipeline.name, environment.name, service.name),
        'awslogs-region': pipeline.sites[environment.site]?.region ?? '',
        'awslogs-stream-prefix': service.name,
      },
    },
    ...filled,
    // By its name the configuration knows it.
    name: template.name,
    image: imageOf(parts, template.name, refuse),
    environment: isListOrNothing(filled.environment)
      ? variables(listOf(filled.environment), fill(environment.variables, values))
      : filled.environment,
    ...(web?.container === template.name && isListOrNothing(filled.portMappings)
      ? { portMappings: ports(listOf(filled.portMappings), web.port) }
      : {}),
  };
}

const isListOrNothing = (value: unknown) => value === undefined || Array.isArray(value);

function imageOf({ service, releases, repositoryUris }: TaskDefinitionParts, name: string, refuse: RefuseImage): string {
  const source = Object.hasOwn(service.containers, name) ? service.containers[name] : undefined;
  if (source === undefined) {
    refuse('', `the template has a container "${name}" that is not configured; name its repository or image`);
    return '';
  }
  if ('image' in source) {
    if (/%[A-Z]\w*%|\$\{|\{\{|[<>\s]/.test(source.image))
      refuse(`.${name}`, `${source.image} is a fixed image, in which nothing is filled in; write its tag or digest`);
    return source.image;
  }
  const release = releases[source.repository];
  const uri = repositoryUris[source.repository];
  if (release === undefined) refuse('', `no release of ${source.repository} is known here`);
  else if (!/^sha256:[0-9a-f]{64}$/.test(release.digest)) refuse('', `"${release.digest}" is no digest`);
  if (uri === undefined) refuse('', `ECR has no repository ${source.repository}`);
  return `${uri ?? source.repository}@${release?.digest ?? ''}`;
}

function variables(own: readonly Members[], environment: Readonly<Record<string, string>>): Members[] {
  const kept = own.filter(({ name }) => !Object.hasOwn(environment, String(name)));
  return [...kept, ...Object.entries(environment).map(([name, value]) => ({ name, value }))];
}

/** The template with the environment's variables in every container, as they are written. */
function withVariables(template: ServiceDefinition['template'], environment: Readonly<Record<string, string>>): Members {
  const containerDefinitions = template.containerDefinitions.map((container) =>
    isListOrNothing(container.environment)
      ? { ...container, environment: variables(listOf(container.environment), environment) }
      : container,
  );
  return { ...template, containerDefinitions };
}

function ports(own: readonly Members[], port: number): readonly Members[] {
  // A container that names other ports alone does not listen here, which is said of it.
  return own.length > 0 ? own : [{ containerPort: port, protocol: 'tcp' }];
}
