/** The CloudFormation resource types of Lambda. */
import type { LoggingConfig } from '@aws-sdk/client-lambda';
import type { CreatedResource, ResourceContext, ResourceType } from '../../core/service.ts';
import { ServiceError } from '../../core/service.ts';
import type { LambdaAccount } from './account.ts';
import type { LambdaFunction } from './function.ts';
import type { VersionSettings } from './functions.ts';
import { permissionStatement } from './policy.ts';
import type { MappingSettings } from './reader.ts';

/** Numbers and booleans of a template may be text. */
const number = (value: unknown): number | undefined => (value === undefined ? undefined : Number(value));
const truth = (value: unknown): boolean | undefined => (value === undefined ? undefined : value === true || value === 'true');

interface FunctionProperties {
  readonly FunctionName?: string;
  readonly Code: { readonly S3Bucket?: string; readonly S3Key?: string; readonly ZipFile?: string; readonly ImageUri?: string };
  readonly Handler: string;
  readonly Runtime: string;
  readonly Role: string;
  readonly Timeout?: number | string;
  readonly MemorySize?: number | string;
  readonly Description?: string;
  readonly Environment?: { readonly Variables?: Readonly<Record<string, string>> };
  readonly Architectures?: readonly string[];
  readonly DeadLetterConfig?: { readonly TargetArn?: string };
  readonly LoggingConfig?: LoggingConfig;
  readonly ReservedConcurrentExecutions?: number | string;
  readonly EphemeralStorage?: { readonly Size?: number | string };
  readonly PackageType?: string;
  readonly Tags?: readonly { readonly Key: string; readonly Value: string }[];
  readonly Layers?: readonly string[];
}

function codePath({ Code, PackageType }: FunctionProperties, context: ResourceContext): string {
  if (Code.S3Bucket === undefined || Code.S3Key === undefined || PackageType === 'Image')
    throw new ServiceError('InvalidRequest', `local AWS takes a function's code from an asset only (${context.logicalId})`);
  return context.asset(Code.S3Bucket, Code.S3Key);
}

function settingsFrom(properties: FunctionProperties): VersionSettings & { handler: string; runtime: string; role: string } {
  const { DeadLetterConfig } = properties;
  return {
    handler: properties.Handler,
    runtime: properties.Runtime,
    role: properties.Role,
    timeout: number(properties.Timeout) ?? 3,
    memory: number(properties.MemorySize) ?? 128,
    variables: Object.fromEntries(Object.entries(properties.Environment?.Variables ?? {}).map(([name, value]) => [name, String(value)])),
    architecture: properties.Architectures?.[0] ?? 'x86_64',
    description: properties.Description ?? '',
    logging: properties.LoggingConfig ?? {},
    storage: number(properties.EphemeralStorage?.Size) ?? 512,
    ...(DeadLetterConfig?.TargetArn === undefined ? { deadLetterArn: undefined } : { deadLetterArn: DeadLetterConfig.TargetArn }),
  };
}

function functionType(lambda: LambdaAccount): ResourceType<FunctionProperties> {
  const finish = (owner: LambdaFunction, properties: FunctionProperties): CreatedResource => {
    owner.reservedConcurrency = number(properties.ReservedConcurrentExecutions);
    owner.tags = Object.fromEntries((properties.Tags ?? []).map(({ Key, Value }) => [Key, Value]));
    return { ref: owner.name, attributes: { Arn: owner.arn } };
  };
  return {
    properties: [
      'FunctionName',
      'Code',
      'Handler',
      'Runtime',
      'Role',
      'Timeout',
      'MemorySize',
      'Description',
      'Environment',
      'Architectures',
      'DeadLetterConfig',
      'LoggingConfig',
      'ReservedConcurrentExecutions',
      'EphemeralStorage',
      'PackageType',
      'Tags',
    ],
    inert: ['TracingConfig', 'RuntimeManagementConfig', 'RecursiveLoop', 'KmsKeyArn'],
    create: (properties, context) => {
      const name = properties.FunctionName ?? context.generatedName.slice(0, 64);
      return finish(lambda.create(name, { ...settingsFrom(properties), code: codePath(properties, context) }), properties);
    },
    update: (properties, before, context) => {
      if (properties.FunctionName !== undefined && properties.FunctionName !== before.ref)
        throw new ServiceError('InvalidRequest', `local AWS does not rename function ${before.ref}: give its resource another logical id`);
      const { owner } = lambda.find(before.ref);
      lambda.update(owner, { ...settingsFrom(properties), code: codePath(properties, context) });
      return finish(owner, properties);
    },
    delete: (before) => lambda.delete(lambda.find(before.ref).owner),
  };
}

/** A snapshot of code and configuration, taken when the resource is created. */
function versionType(lambda: LambdaAccount): ResourceType {
  return {
    properties: ['FunctionName', 'Description', 'CodeSha256'],
    inert: ['ProvisionedConcurrencyConfig', 'RuntimePolicy'],
    create: ({ FunctionName, Description, CodeSha256 }) => {
      const { owner } = lambda.find(FunctionName);
      if (CodeSha256 !== undefined && CodeSha256 !== owner.latest.codeSha256)
        throw new ServiceError(
          'InvalidParameterValueException',
          `CodeSHA256 (${CodeSha256}) is different from current CodeSHA256 in $LATEST (${owner.latest.codeSha256}).`,
        );
      const version = lambda.publish(owner, Description);
      const arn = `${owner.arn}:${version.version}`;
      return { ref: arn, attributes: { Version: version.version, FunctionArn: arn } };
    },
    delete: (before) => {
      const name = before.ref.split(':')[6]!;
      lambda.functions.get(name)?.versions.delete(before.attributes!.Version!);
    },
  };
}

function aliasType(lambda: LambdaAccount): ResourceType {
  return {
    properties: ['FunctionName', 'FunctionVersion', 'Name', 'Description'],
    inert: ['ProvisionedConcurrencyConfig'],
    create: ({ FunctionName, FunctionVersion, Name, Description = '' }) => {
      const { owner } = lambda.find(FunctionName);
      owner.version(FunctionVersion);
      owner.aliases.set(Name, { name: Name, version: FunctionVersion, description: Description, revisionId: lambda.random.uuid() });
      return { ref: `${owner.arn}:${Name}`, attributes: { AliasArn: `${owner.arn}:${Name}` } };
    },
    update: ({ FunctionName, FunctionVersion, Name, Description = '' }, before) => {
      const { owner } = lambda.find(FunctionName);
      owner.version(FunctionVersion);
      owner.aliases.set(Name, { name: Name, version: FunctionVersion, description: Description, revisionId: lambda.random.uuid() });
      return before;
    },
    delete: (before) => {
      const [name, alias] = before.ref.split(':').slice(6);
      lambda.functions.get(name!)?.aliases.delete(alias!);
    },
  };
}

function permissionType(lambda: LambdaAccount): ResourceType {
  return {
    properties: [
      'FunctionName',
      'Action',
      'Principal',
      'SourceArn',
      'SourceAccount',
      'FunctionUrlAuthType',
      'InvokedViaFunctionUrl',
      'EventSourceToken',
      'PrincipalOrgID',
    ],
    create: ({ FunctionName, ...properties }, { generatedName }) => {
      const { owner, qualifier } = lambda.find(FunctionName);
      const resource = qualifier === undefined ? owner.arn : `${owner.arn}:${qualifier}`;
      const input = { ...properties, StatementId: generatedName, InvokedViaFunctionUrl: truth(properties.InvokedViaFunctionUrl) };
      const others = owner.statements(qualifier).filter((statement) => statement.Sid !== generatedName);
      owner.setStatements(qualifier, [...others, permissionStatement(input, resource)]);
      return { ref: generatedName, attributes: { Id: generatedName, FunctionArn: resource } };
    },
    delete: (before) => {
      const [name, qualifier] = before.attributes!.FunctionArn!.split(':').slice(6);
      const owner = lambda.functions.get(name!);
      owner?.setStatements(
        qualifier,
        owner.statements(qualifier).filter((statement) => statement.Sid !== before.ref),
      );
    },
  };
}

function urlType(lambda: LambdaAccount): ResourceType {
  const make = ({ TargetFunctionArn, AuthType, InvokeMode, Qualifier }: Record<string, string>): CreatedResource => {
    const { owner, qualifier } = lambda.find(TargetFunctionArn!, Qualifier);
    const url = lambda.urls.create(owner, qualifier, AuthType as 'AWS_IAM', InvokeMode);
    const arn = qualifier === undefined ? owner.arn : `${owner.arn}:${qualifier}`;
    return { ref: arn, attributes: { FunctionArn: arn, FunctionUrl: `https://${url.host}/` } };
  };
  return {
    properties: ['TargetFunctionArn', 'AuthType', 'InvokeMode', 'Qualifier'],
    inert: ['Cors'],
    create: (properties) => make(properties),
    update: (properties) => make(properties),
    delete: (before) => {
      const [name, qualifier] = before.ref.split(':').slice(6);
      const owner = lambda.functions.get(name!);
      if (owner) lambda.urls.delete(owner, qualifier ?? '');
    },
  };
}

function mappingType(lambda: LambdaAccount): ResourceType {
  const settings = (properties: {
    FunctionName: string;
    EventSourceArn: string;
    BatchSize?: number;
    MaximumBatchingWindowInSeconds?: number;
    StartingPosition?: string;
    FilterCriteria?: { Filters?: { Pattern: string }[] };
    MaximumRetryAttempts?: number;
    MaximumRecordAgeInSeconds?: number;
    BisectBatchOnFunctionError?: boolean;
    DestinationConfig?: { OnFailure?: { Destination?: string } };
    FunctionResponseTypes?: string[];
    Enabled?: boolean;
  }): MappingSettings => ({
    functionName: properties.FunctionName,
    sourceArn: properties.EventSourceArn,
    batchSize: number(properties.BatchSize) ?? (properties.EventSourceArn.startsWith('arn:aws:sqs:') ? 10 : 100),
    window: number(properties.MaximumBatchingWindowInSeconds) ?? 0,
    startingPosition: properties.StartingPosition,
    filters: (properties.FilterCriteria?.Filters ?? []).map(({ Pattern }) => Pattern),
    maximumRetryAttempts: number(properties.MaximumRetryAttempts) ?? -1,
    maximumRecordAge: number(properties.MaximumRecordAgeInSeconds) ?? -1,
    bisect: truth(properties.BisectBatchOnFunctionError) ?? false,
    onFailure: properties.DestinationConfig?.OnFailure?.Destination,
    partialFailures: properties.FunctionResponseTypes?.includes('ReportBatchItemFailures') ?? false,
    enabled: truth(properties.Enabled) ?? true,
  });
  return {
    properties: [
      'FunctionName',
      'EventSourceArn',
      'BatchSize',
      'MaximumBatchingWindowInSeconds',
      'StartingPosition',
      'FilterCriteria',
      'MaximumRetryAttempts',
      'MaximumRecordAgeInSeconds',
      'BisectBatchOnFunctionError',
      'DestinationConfig',
      'FunctionResponseTypes',
      'Enabled',
    ],
    // One shard is read, so there is nothing to do side by side.
    inert: ['ParallelizationFactor', 'Tags', 'MetricsConfig'],
    create: (properties) => {
      const id = lambda.mappings.create(settings(properties));
      return { ref: id, attributes: { Id: id, EventSourceMappingArn: lambda.site.arn('lambda', `event-source-mapping:${id}`) } };
    },
    update: (properties, before) => {
      lambda.mappings.change(before.ref, settings(properties));
      return before;
    },
    delete: (before) => lambda.mappings.delete(before.ref),
  };
}

function eventInvokeType(lambda: LambdaAccount): ResourceType {
  const put = (properties: {
    FunctionName: string;
    Qualifier: string;
    MaximumRetryAttempts?: number;
    MaximumEventAgeInSeconds?: number;
    DestinationConfig?: { OnSuccess?: { Destination?: string }; OnFailure?: { Destination?: string } };
  }): CreatedResource => {
    const { owner } = lambda.find(properties.FunctionName);
    const { OnSuccess, OnFailure } = properties.DestinationConfig ?? {};
    owner.eventInvoke.set(properties.Qualifier, {
      maximumRetryAttempts: number(properties.MaximumRetryAttempts) ?? 2,
      maximumEventAgeInSeconds: number(properties.MaximumEventAgeInSeconds) ?? 21_600,
      ...(OnSuccess?.Destination ? { onSuccess: OnSuccess.Destination } : {}),
      ...(OnFailure?.Destination ? { onFailure: OnFailure.Destination } : {}),
    });
    return { ref: `${owner.name}|${properties.Qualifier}` };
  };
  return {
    properties: ['FunctionName', 'Qualifier', 'MaximumRetryAttempts', 'MaximumEventAgeInSeconds', 'DestinationConfig'],
    create: (properties) => put(properties),
    update: (properties) => put(properties),
    delete: (before) => {
      const [name, qualifier] = before.ref.split('|');
      lambda.functions.get(name!)?.eventInvoke.delete(qualifier!);
    },
  };
}

/** All types. */
export function lambdaResources(lambda: LambdaAccount): Readonly<Record<string, ResourceType>> {
  return {
    'AWS::Lambda::Function': functionType(lambda),
    'AWS::Lambda::Version': versionType(lambda),
    'AWS::Lambda::Alias': aliasType(lambda),
    'AWS::Lambda::Permission': permissionType(lambda),
    'AWS::Lambda::Url': urlType(lambda),
    'AWS::Lambda::EventSourceMapping': mappingType(lambda),
    'AWS::Lambda::EventInvokeConfig': eventInvokeType(lambda),
  };
}
