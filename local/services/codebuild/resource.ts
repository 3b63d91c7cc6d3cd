/** `AWS::CodeBuild::Project`. https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-codebuild-project.html */
import { readFileSync } from 'node:fs';
import type * as Api from '@aws-sdk/client-codebuild';
import { identities } from '../../core/iam/identities.ts';
import { type CreatedResource, type ResourceContext, type ResourceType, ServiceError } from '../../core/service.ts';
import type { CodebuildAccount, Project } from './account.ts';

interface Properties {
  readonly Name?: string;
  readonly Description?: string;
  readonly Source: { readonly Type: string; readonly BuildSpec?: string };
  readonly SourceVersion?: string;
  readonly Artifacts: { readonly Type: string };
  readonly Environment: {
    readonly Type: string;
    readonly ComputeType: string;
    readonly Image: string;
    readonly PrivilegedMode?: boolean | string;
    readonly ImagePullCredentialsType?: string;
    readonly EnvironmentVariables?: readonly { readonly Name: string; readonly Value: string; readonly Type?: string }[];
  };
  readonly ServiceRole: string;
  readonly TimeoutInMinutes?: number | string;
  readonly QueuedTimeoutInMinutes?: number | string;
  readonly ConcurrentBuildLimit?: number | string;
  readonly AutoRetryLimit?: number | string;
  readonly LogsConfig?: {
    readonly CloudWatchLogs?: { readonly Status: string; readonly GroupName?: string; readonly StreamName?: string };
    readonly S3Logs?: { readonly Status: string };
  };
  readonly Tags?: readonly { readonly Key: string; readonly Value: string }[];
}

/** CloudFormation lets numbers be words. */
const number = (value: number | string | undefined) => (value === undefined ? undefined : Number(value));

/** Refuses members that would otherwise be dropped without a word. */
function assertMembers(value: object, place: string, names: readonly string[]): void {
  for (const name of Object.keys(value))
    if (!names.includes(name))
      throw new ServiceError('InvalidRequest', `AWS::CodeBuild::Project: local AWS does not know ${place}.${name}`);
}

function input(codebuild: CodebuildAccount, properties: Properties, name: string, context: ResourceContext): Api.CreateProjectInput {
  const { Source, Environment, LogsConfig, ServiceRole } = properties;
  assertMembers(Source, 'Source', ['Type', 'BuildSpec']);
  assertMembers(properties.Artifacts, 'Artifacts', ['Type']);
  assertMembers(Environment, 'Environment', [
    'Type',
    'ComputeType',
    'Image',
    'PrivilegedMode',
    'ImagePullCredentialsType',
    'EnvironmentVariables',
  ]);
  if ((LogsConfig?.S3Logs?.Status ?? 'DISABLED') !== 'DISABLED')
    throw new ServiceError('InvalidRequest', 'AWS::CodeBuild::Project: local AWS does not know LogsConfig.S3Logs');
  const { world, account } = codebuild.site;
  const role = ServiceRole.startsWith('arn:') ? ServiceRole : identities(world, account).roleNamed(ServiceRole)?.arn;
  const logs = LogsConfig?.CloudWatchLogs;
  return {
    name,
    description: properties.Description,
    source: { type: Source.Type as Api.SourceType, buildspec: buildspec(Source.BuildSpec, context) },
    sourceVersion: properties.SourceVersion,
    artifacts: { type: properties.Artifacts.Type as Api.ArtifactsType },
    environment: {
      type: Environment.Type as Api.EnvironmentType,
      computeType: Environment.ComputeType as Api.ComputeType,
      image: Environment.Image,
      privilegedMode: String(Environment.PrivilegedMode ?? false) === 'true',
      imagePullCredentialsType: (Environment.ImagePullCredentialsType ?? 'CODEBUILD') as Api.ImagePullCredentialsType,
      environmentVariables: Environment.EnvironmentVariables?.map(({ Name, Value, Type }) => ({
        name: Name,
        value: Value,
        type: (Type ?? 'PLAINTEXT') as Api.EnvironmentVariableType,
      })),
    },
    serviceRole: role ?? ServiceRole,
    timeoutInMinutes: number(properties.TimeoutInMinutes),
    queuedTimeoutInMinutes: number(properties.QueuedTimeoutInMinutes),
    concurrentBuildLimit: number(properties.ConcurrentBuildLimit),
    autoRetryLimit: number(properties.AutoRetryLimit),
    logsConfig:
      logs === undefined
        ? undefined
        : { cloudWatchLogs: { status: logs.Status as Api.LogsConfigStatusType, groupName: logs.GroupName, streamName: logs.StreamName } },
    tags: properties.Tags?.map(({ Key, Value }) => ({ key: Key, value: Value })),
  };
}

/** The text itself, or that of the asset which an S3 address names. */
function buildspec(text: string | undefined, context: ResourceContext): string | undefined {
  const [, bucket, key] = /^arn:aws:s3:::([^/]+)\/(\S+)$/.exec(text ?? '') ?? [];
  return bucket === undefined ? text : readFileSync(context.asset(bucket, key!), 'utf8');
}

export function projectResource(codebuild: CodebuildAccount): ResourceType<Properties> {
  const created = ({ settings }: Project): CreatedResource => ({
    ref: settings.name,
    attributes: { Arn: codebuild.arn(settings.name), Id: settings.name },
  });
  const create = (properties: Properties, context: ResourceContext) =>
    created(codebuild.create(input(codebuild, properties, properties.Name ?? context.generatedName, context)));
  return {
    properties: [
      'Name',
      'Description',
      'Source',
      'SourceVersion',
      'Artifacts',
      'Environment',
      'ServiceRole',
      'TimeoutInMinutes',
      'QueuedTimeoutInMinutes',
      'ConcurrentBuildLimit',
      'AutoRetryLimit',
      'LogsConfig',
      'Tags',
    ],
    inert: ['Cache', 'EncryptionKey', 'VpcConfig', 'BadgeEnabled', 'Visibility'],
    create,
    update: (properties, before, context) => {
      if (properties.Name !== undefined && properties.Name !== before.ref) {
        // Another name is another project.
        const replacement = create(properties, context);
        codebuild.projects.delete(before.ref);
        return replacement;
      }
      const project = codebuild.project(before.ref);
      codebuild.update(project, input(codebuild, properties, before.ref, context));
      return created(project);
    },
    delete: (before) => {
      codebuild.projects.delete(before.ref);
    },
  };
}
