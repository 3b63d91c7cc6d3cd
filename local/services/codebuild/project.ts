/** Build projects: what they may be here, and what a single build overrides. */
import type {
  CreateProjectInput,
  EnvironmentVariable,
  LogsConfig,
  ProjectEnvironment,
  ProjectSource,
  StartBuildInput,
  Tag,
} from '@aws-sdk/client-codebuild';
import { ServiceError } from '../../core/service.ts';

/** The settings that a build runs with. */
export interface ProjectSettings {
  readonly name: string;
  readonly description?: string;
  readonly source: ProjectSource;
  readonly sourceVersion?: string;
  readonly environment: ProjectEnvironment;
  readonly serviceRole: string;
  readonly timeoutInMinutes: number;
  readonly queuedTimeoutInMinutes: number;
  readonly encryptionKey?: string;
  readonly concurrentBuildLimit?: number;
  readonly logsConfig?: LogsConfig;
  readonly tags: readonly Tag[];
}

const invalid = (message: string) => new ServiceError('InvalidInputException', message);
const missing = (what: string) => invalid(`local AWS does not implement ${what}`);

const COMPUTE = /^BUILD_(GENERAL1_(SMALL|MEDIUM|LARGE|XLARGE|2XLARGE)|LAMBDA_(1|2|4|8|10)GB)$/;
const ENVIRONMENTS: readonly string[] = ['LINUX_CONTAINER', 'ARM_CONTAINER', 'LINUX_LAMBDA_CONTAINER', 'ARM_LAMBDA_CONTAINER'];

/** What of a project local AWS has no behaviour for. */
const UNKNOWN: readonly (keyof CreateProjectInput)[] = [
  'secondarySources',
  'secondaryArtifacts',
  'fileSystemLocations',
  'buildBatchConfig',
];

/**
 * A project as CreateProject or UpdateProject leaves it.
 * @throws ServiceError InvalidInputException, also for what AWS knows and local AWS does not
 */
export function projectSettings(input: CreateProjectInput, region: string, account: string): ProjectSettings {
  const { name, source, environment, artifacts, serviceRole } = input;
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{1,149}$/.test(name ?? '')) throw invalid(`Project name is not valid: ${name}`);
  for (const key of UNKNOWN) {
    const value = input[key];
    if (value !== undefined && !(Array.isArray(value) && value.length === 0)) throw missing(`${key} of a project`);
  }
  if ((input.autoRetryLimit ?? 0) > 0) throw missing('autoRetryLimit');
  if (source?.type !== 'NO_SOURCE') throw missing(`sources of type ${source?.type}; give NO_SOURCE and an inline buildspec`);
  if (!source.buildspec) throw invalid('Project source location buildspec must be specified for NO_SOURCE source type');
  if (artifacts?.type !== 'NO_ARTIFACTS') throw missing(`artifacts of type ${artifacts?.type}; give NO_ARTIFACTS`);
  const timeoutInMinutes = input.timeoutInMinutes ?? 60;
  assertEnvironment(environment!);
  assertTimeout(timeoutInMinutes);
  if (!/^arn:aws:iam::\d{12}:role\//.test(serviceRole ?? '')) throw invalid(`Invalid service role: ${serviceRole}`);
  if ((input.concurrentBuildLimit ?? 1) < 1) throw invalid('Project concurrentBuildLimit must be at least 1');
  return {
    name: name!,
    description: input.description,
    source,
    sourceVersion: input.sourceVersion,
    environment: {
      imagePullCredentialsType: 'CODEBUILD',
      privilegedMode: false,
      ...environment!,
      environmentVariables: environment!.environmentVariables ?? [],
    },
    serviceRole: serviceRole!,
    timeoutInMinutes,
    queuedTimeoutInMinutes: input.queuedTimeoutInMinutes ?? 480,
    encryptionKey: input.encryptionKey ?? `arn:aws:kms:${region}:${account}:alias/aws/s3`,
    concurrentBuildLimit: input.concurrentBuildLimit,
    logsConfig: input.logsConfig,
    tags: input.tags ?? [],
  };
}

function assertEnvironment(environment: ProjectEnvironment): void {
  if (!ENVIRONMENTS.includes(environment.type ?? '')) throw missing(`environments of type ${environment.type}`);
  if (!COMPUTE.test(environment.computeType ?? '')) throw missing(`compute type ${environment.computeType}`);
  if (environment.fleet !== undefined || environment.registryCredential !== undefined || environment.dockerServer !== undefined)
    throw missing('fleets, registry credentials and docker servers');
  assertVariables(environment.environmentVariables);
}

function assertVariables(variables: readonly EnvironmentVariable[] = []): void {
  for (const { type } of variables) if (type === 'SECRETS_MANAGER') throw missing('environment variables of type SECRETS_MANAGER');
}

/** https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html */
function assertTimeout(minutes: number): void {
  if (minutes < 5 || minutes > 2160) throw invalid('Project timeoutInMinutes must be between 5 and 2160');
}

const OVERRIDES: ReadonlySet<string> = new Set([
  'projectName',
  'sourceVersion',
  'environmentVariablesOverride',
  'sourceTypeOverride',
  'buildspecOverride',
  'imageOverride',
  'computeTypeOverride',
  'environmentTypeOverride',
  'privilegedModeOverride',
  'serviceRoleOverride',
  'timeoutInMinutesOverride',
  'queuedTimeoutInMinutesOverride',
  'encryptionKeyOverride',
  'logsConfigOverride',
  'artifactsOverride',
  'idempotencyToken',
]);

/** The settings of one build. @throws ServiceError InvalidInputException */
export function buildSettings(project: ProjectSettings, input: StartBuildInput): ProjectSettings {
  for (const [name, value] of Object.entries(input))
    if (value !== undefined && !OVERRIDES.has(name)) throw missing(`${name} of StartBuild`);
  if ((input.sourceTypeOverride ?? 'NO_SOURCE') !== 'NO_SOURCE') throw missing(`sources of type ${input.sourceTypeOverride}`);
  if ((input.artifactsOverride?.type ?? 'NO_ARTIFACTS') !== 'NO_ARTIFACTS')
    throw missing(`artifacts of type ${input.artifactsOverride?.type}`);
  const variables = new Map(project.environment.environmentVariables?.map((variable) => [variable.name, variable]));
  for (const variable of input.environmentVariablesOverride ?? []) variables.set(variable.name, variable);
  const environment: ProjectEnvironment = {
    ...project.environment,
    image: input.imageOverride ?? project.environment.image,
    computeType: input.computeTypeOverride ?? project.environment.computeType,
    type: input.environmentTypeOverride ?? project.environment.type,
    privilegedMode: input.privilegedModeOverride ?? project.environment.privilegedMode,
    environmentVariables: [...variables.values()],
  };
  const timeoutInMinutes = input.timeoutInMinutesOverride ?? project.timeoutInMinutes;
  assertEnvironment(environment);
  assertTimeout(timeoutInMinutes);
  return {
    ...project,
    environment,
    timeoutInMinutes,
    source: { ...project.source, buildspec: input.buildspecOverride ?? project.source.buildspec },
    sourceVersion: input.sourceVersion ?? project.sourceVersion,
    serviceRole: input.serviceRoleOverride ?? project.serviceRole,
    queuedTimeoutInMinutes: input.queuedTimeoutInMinutesOverride ?? project.queuedTimeoutInMinutes,
    encryptionKey: input.encryptionKeyOverride ?? project.encryptionKey,
    logsConfig: input.logsConfigOverride ?? project.logsConfig,
  };
}
