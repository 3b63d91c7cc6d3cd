/** A Lambda function: its code and configuration, versions, aliases, permissions. */
import type { FunctionConfiguration, LoggingConfig } from '@aws-sdk/client-lambda';
import { type PolicyDocument, type PolicyStatement, ServiceError } from '../../core/service.ts';
import { Bundle } from '../../runtime/bundle.ts';
import { nodeVersions } from '../../runtime/environment.ts';

/** What a version keeps: `$LATEST` is replaced by a new value on each change, a published one never changes. */
export interface FunctionVersion {
  readonly version: string;
  readonly bundle: Bundle;
  readonly handler: string;
  readonly runtime: string;
  readonly role: string;
  /** Seconds. */
  readonly timeout: number;
  /** MB. */
  readonly memory: number;
  readonly variables: Readonly<Record<string, string>>;
  readonly architecture: string;
  readonly description: string;
  readonly deadLetterArn?: string;
  readonly logging: LoggingConfig;
  readonly tracing: string;
  readonly storage: number;
  readonly layers: readonly string[];
  readonly revisionId: string;
  /** Milliseconds since the epoch. */
  readonly modified: number;
  readonly codeSha256: string;
  readonly codeSize: number;
}

export interface Alias {
  readonly name: string;
  version: string;
  description: string;
  revisionId: string;
}

/** What becomes of asynchronous invocations; by qualifier. */
export interface EventInvokeConfig {
  readonly maximumRetryAttempts: number;
  readonly maximumEventAgeInSeconds: number;
  readonly onSuccess?: string;
  readonly onFailure?: string;
}

export interface FunctionUrl {
  readonly id: string;
  readonly host: string;
  readonly authType: 'AWS_IAM' | 'NONE';
  readonly invokeMode: string;
  readonly created: number;
}

export class LambdaFunction {
  readonly name: string;
  readonly arn: string;
  latest: FunctionVersion;
  readonly versions = new Map<string, FunctionVersion>();
  readonly aliases = new Map<string, Alias>();
  /** Resource policies by qualifier; the empty one is the function's own. Replaced, never changed: IAM compiles each once. */
  readonly policies = new Map<string, PolicyDocument & { readonly Statement: readonly PolicyStatement[] }>();
  readonly eventInvoke = new Map<string, EventInvokeConfig>();
  /** By qualifier; the empty one is `$LATEST`'s. */
  readonly urls = new Map<string, FunctionUrl>();
  tags: Readonly<Record<string, string>> = {};
  reservedConcurrency: number | undefined;
  /** Invocations that run now. */
  running = 0;
  published = 0;

  constructor(name: string, arn: string, latest: FunctionVersion) {
    this.name = name;
    this.arn = arn;
    this.latest = latest;
  }

  /** @throws ServiceError ResourceNotFoundException */
  version(qualifier = '$LATEST'): FunctionVersion {
    if (qualifier === '$LATEST') return this.latest;
    const found = this.versions.get(this.aliases.get(qualifier)?.version ?? qualifier);
    if (found === undefined) throw notFound(`${this.arn}:${qualifier}`);
    return found;
  }

  policy(qualifier: string | undefined): PolicyDocument | undefined {
    const found = this.policies.get(qualifier ?? '');
    return found && found.Statement.length > 0 ? found : undefined;
  }

  /** The statements of a policy. */
  statements(qualifier: string | undefined): readonly PolicyStatement[] {
    return this.policies.get(qualifier ?? '')?.Statement ?? [];
  }

  setStatements(qualifier: string | undefined, statements: readonly PolicyStatement[]): void {
    this.policies.set(qualifier ?? '', { Version: '2012-10-17', Statement: statements });
  }

  get logGroup(): string {
    return this.latest.logging.LogGroup ?? `/aws/lambda/${this.name}`;
  }

  /** As GetFunctionConfiguration says it. `qualifier` is what the ARN shall end in. */
  configuration(version: FunctionVersion, qualifier?: string): FunctionConfiguration {
    return {
      FunctionName: this.name,
      FunctionArn: qualifier === undefined ? this.arn : `${this.arn}:${qualifier}`,
      Runtime: version.runtime as NonNullable<FunctionConfiguration['Runtime']>,
      Role: version.role,
      Handler: version.handler,
      CodeSize: version.codeSize,
      CodeSha256: version.codeSha256,
      Description: version.description,
      Timeout: version.timeout,
      MemorySize: version.memory,
      LastModified: new Date(version.modified).toISOString().replace('Z', '+0000'),
      Version: version.version,
      ...(version.deadLetterArn === undefined ? {} : { DeadLetterConfig: { TargetArn: version.deadLetterArn } }),
      ...(Object.keys(version.variables).length > 0 ? { Environment: { Variables: { ...version.variables } } } : {}),
      TracingConfig: { Mode: version.tracing as 'PassThrough' },
      RevisionId: version.revisionId,
      State: 'Active',
      LastUpdateStatus: 'Successful',
      PackageType: 'Zip',
      Architectures: [version.architecture as 'x86_64'],
      EphemeralStorage: { Size: version.storage },
      LoggingConfig: {
        LogFormat: version.logging.LogFormat ?? 'Text',
        ...version.logging,
        LogGroup: version.logging.LogGroup ?? `/aws/lambda/${this.name}`,
      },
    };
  }
}

export function notFound(arn: string): ServiceError {
  return new ServiceError('ResourceNotFoundException', `Function not found: ${arn}`, 404, { Type: 'User' });
}

const invalid = (message: string) => new ServiceError('InvalidParameterValueException', message, 400, { Type: 'User' });

/** Set by Lambda itself. https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html */
const reserved = new Set([
  '_HANDLER',
  '_X_AMZN_TRACE_ID',
  'AWS_DEFAULT_REGION',
  'AWS_REGION',
  'AWS_EXECUTION_ENV',
  'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
  'AWS_LAMBDA_FUNCTION_VERSION',
  'AWS_LAMBDA_INITIALIZATION_TYPE',
  'AWS_LAMBDA_LOG_GROUP_NAME',
  'AWS_LAMBDA_LOG_STREAM_NAME',
  'AWS_ACCESS_KEY',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_LAMBDA_RUNTIME_API',
  'LAMBDA_TASK_ROOT',
  'LAMBDA_RUNTIME_DIR',
]);

const MAX_VARIABLES = 4_096;

/** @throws ServiceError InvalidParameterValueException for what Lambda refuses of a configuration */
export function checkVersion(version: FunctionVersion): FunctionVersion {
  if (!(version.runtime in nodeVersions))
    throw invalid(`local AWS runs ${Object.keys(nodeVersions).join(' and ')} only, not ${version.runtime}`);
  const taken = Object.keys(version.variables).filter((name) => reserved.has(name));
  if (taken.length > 0)
    throw invalid(
      `Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: ${taken.join(', ')}`,
    );
  const size = JSON.stringify(version.variables).length;
  if (size > MAX_VARIABLES)
    throw invalid(
      `Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: ${JSON.stringify(version.variables)}`,
    );
  if (!(version.timeout >= 1 && version.timeout <= 900))
    throw new ServiceError(
      'ValidationException',
      `1 validation error detected: Value '${version.timeout}' at 'timeout' failed to satisfy constraint: Member must have value ${version.timeout > 900 ? 'less than or equal to 900' : 'greater than or equal to 1'}`,
    );
  if (!(version.memory >= 128 && version.memory <= 10_240))
    throw invalid(`'MemorySize' value failed to satisfy constraint: Member must have value between 128 and 10240, not ${version.memory}`);
  return version;
}

/** A bundle and what Lambda tells of it. */
export function codeOf(path: string, handler: string): { bundle: Bundle; codeSha256: string; codeSize: number } {
  const bundle = new Bundle(path);
  const { sha256, size } = bundle.digest(handler);
  return { bundle, codeSha256: sha256, codeSize: size };
}
