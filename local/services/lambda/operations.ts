/** The API operations of Lambda, in the shapes of its SDK client. */
import type * as Api from '@aws-sdk/client-lambda';
import { type Call, type Operation, type Permission, ServiceError } from '../../core/service.ts';
import type { LambdaAccount } from './account.ts';
import type { Alias, FunctionVersion, LambdaFunction } from './function.ts';
import type { VersionSettings } from './functions.ts';
import { functionArn, parseFunctionName } from './name.ts';
import { permissionStatement } from './policy.ts';

interface Named {
  readonly FunctionName?: string | undefined;
  readonly Qualifier?: string | undefined;
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

const missing = (message: string) => new ServiceError('ResourceNotFoundException', message, 404, { Type: 'User' });
const conflict = (message: string) => new ServiceError('ResourceConflictException', message, 409, { Type: 'User' });

/** How a page of a list is asked for and given. */
function page<Item>(items: readonly Item[], marker: string | undefined, size = 50): { items: Item[]; next: { NextMarker?: string } } {
  const from = marker === undefined ? 0 : Number(marker);
  const next = from + size < items.length ? { NextMarker: String(from + size) } : {};
  return { items: items.slice(from, from + size), next };
}

/** Settings as the API names them, as {@link VersionSettings}; what is absent stays as it is. */
export function settingsOf(input: Api.UpdateFunctionConfigurationRequest): VersionSettings {
  return Object.fromEntries(
    Object.entries({
      handler: input.Handler,
      runtime: input.Runtime,
      role: input.Role,
      timeout: input.Timeout,
      memory: input.MemorySize,
      variables: input.Environment?.Variables,
      description: input.Description,
      deadLetterArn: input.DeadLetterConfig?.TargetArn,
      logging: input.LoggingConfig,
      tracing: input.TracingConfig?.Mode,
      storage: input.EphemeralStorage?.Size,
      layers: input.Layers,
    }).filter(([, value]) => value !== undefined),
  );
}

/** All operations. */
export function lambdaOperations(lambda: LambdaAccount): Readonly<Record<string, Operation>> {
  /** The ARN that IAM looks at, whether or not there is such a function. */
  const arnOf = ({ FunctionName, Qualifier }: Named) => functionArn(parseFunctionName(lambda.site, FunctionName ?? '', Qualifier));
  const unqualified = ({ FunctionName }: Named) => {
    const { qualifier: _, ...name } = parseFunctionName(lambda.site, FunctionName ?? '');
    return functionArn(name);
  };
  const policyOf = (input: Named) => {
    const { name, account, region, qualifier } = parseFunctionName(lambda.site, input.FunctionName ?? '', input.Qualifier);
    if (account !== lambda.site.account || region !== lambda.site.region) return {};
    const resourcePolicy = lambda.functions.get(name)?.policy(qualifier);
    return resourcePolicy ? { resourcePolicy } : {};
  };
  const on =
    (action: string, resource: (input: Named) => string = unqualified) =>
    (input: Named): Permission[] => [{ action: `lambda:${action}`, resource: resource(input), ...policyOf(input) }];
  const operation = <Input extends object, Output>(
    authorize: (input: Input) => readonly Permission[],
    handle: (input: Input, call: Call) => Output | Promise<Output>,
  ): Operation => ({ authorize, handle });
  const found = ({ FunctionName, Qualifier }: Named) => lambda.find(FunctionName ?? '', Qualifier);
  const version = (input: Named): { owner: LambdaFunction; version: FunctionVersion; qualifier: string | undefined } => {
    const { owner, qualifier } = found(input);
    return { owner, qualifier, version: owner.version(qualifier) };
  };
  const aliasOf = (owner: LambdaFunction, alias: Alias) => ({
    AliasArn: `${owner.arn}:${alias.name}`,
    Name: alias.name,
    FunctionVersion: alias.version,
    Description: alias.description,
    RevisionId: alias.revisionId,
  });
  const urlOf = (owner: LambdaFunction, qualifier: string | undefined) => {
    const url = owner.urls.get(qualifier ?? '');
    if (url === undefined) throw missing('The resource you requested does not exist.');
    return {
      FunctionUrl: `https://${url.host}/`,
      FunctionArn: qualifier === undefined ? owner.arn : `${owner.arn}:${qualifier}`,
      AuthType: url.authType,
      InvokeMode: url.invokeMode as Api.InvokeMode,
      CreationTime: new Date(url.created).toISOString(),
      LastModifiedTime: new Date(url.created).toISOString(),
    };
  };

  return {
    Invoke: operation<Api.InvocationRequest, Promise<Api.InvocationResponse>>(
      (input) => on('InvokeFunction', arnOf)(input),
      async (input, call) => {
        const payload = input.Payload && input.Payload.byteLength > 0 ? decoder.decode(input.Payload) : '{}';
        const type = input.InvocationType ?? 'RequestResponse';
        if (type === 'DryRun') {
          version(input);
          return { StatusCode: 204 };
        }
        const client = contextOf(input.ClientContext);
        const invoked = await lambda.invokeText(input.FunctionName ?? '', input.Qualifier, payload, type, call.requestId, client);
        if (invoked === undefined) return { StatusCode: 202, Payload: new Uint8Array() };
        return {
          StatusCode: 200,
          Payload: encoder.encode(invoked.payload),
          ExecutedVersion: invoked.executedVersion,
          ...(invoked.functionError ? { FunctionError: invoked.functionError } : {}),
        };
      },
    ),

    GetFunction: operation<Api.GetFunctionRequest, Api.GetFunctionResponse>(on('GetFunction', arnOf), (input) => {
      const { owner, version: one, qualifier } = version(input);
      return {
        Configuration: owner.configuration(one, qualifier),
        Code: {
          RepositoryType: 'S3',
          Location: `https://awslambda-${lambda.site.region}-tasks.s3.${lambda.site.region}.amazonaws.com/${owner.name}`,
        },
        ...(Object.keys(owner.tags).length > 0 ? { Tags: { ...owner.tags } } : {}),
        ...(owner.reservedConcurrency === undefined ? {} : { Concurrency: { ReservedConcurrentExecutions: owner.reservedConcurrency } }),
      };
    }),

    GetFunctionConfiguration: operation<Api.GetFunctionConfigurationRequest, Api.FunctionConfiguration>(
      on('GetFunctionConfiguration', arnOf),
      (input) => {
        const { owner, version: one, qualifier } = version(input);
        return owner.configuration(one, qualifier);
      },
    ),

    ListFunctions: operation<Api.ListFunctionsRequest, Api.ListFunctionsResponse>(
      () => [{ action: 'lambda:ListFunctions', resource: '*' }],
      ({ Marker, MaxItems, FunctionVersion }) => {
        const all = [...lambda.functions.values()]
          .sort((a, b) => (a.name < b.name ? -1 : 1))
          .flatMap((owner) =>
            (FunctionVersion === 'ALL' ? [owner.latest, ...owner.versions.values()] : [owner.latest]).map((one) =>
              owner.configuration(one, FunctionVersion === 'ALL' ? one.version : undefined),
            ),
          );
        const { items, next } = page(all, Marker, MaxItems);
        return { Functions: items, ...next };
      },
    ),

    UpdateFunctionConfiguration: operation<Api.UpdateFunctionConfigurationRequest, Api.FunctionConfiguration>(
      (input) => [
        ...on('UpdateFunctionConfiguration')(input),
        ...(input.Role === undefined
          ? []
          : [{ action: 'iam:PassRole', resource: input.Role, context: { 'iam:PassedToService': 'lambda.amazonaws.com' } }]),
      ],
      (input) => {
        const { owner } = found(input);
        if (input.RevisionId !== undefined && input.RevisionId !== owner.latest.revisionId)
          throw new ServiceError('PreconditionFailedException', 'The Revision Id provided does not match the latest Revision Id.', 412, {
            Type: 'User',
          });
        return owner.configuration(lambda.update(owner, settingsOf(input)));
      },
    ),

    PublishVersion: operation<Api.PublishVersionRequest, Api.FunctionConfiguration>(on('PublishVersion'), (input) => {
      const { owner } = found(input);
      if (input.CodeSha256 !== undefined && input.CodeSha256 !== owner.latest.codeSha256)
        throw new ServiceError(
          'InvalidParameterValueException',
          `CodeSHA256 (${input.CodeSha256}) is different from current CodeSHA256 in $LATEST (${owner.latest.codeSha256}). Please try again with the CodeSHA256 in $LATEST.`,
          400,
          { Type: 'User' },
        );
      const one = lambda.publish(owner, input.Description);
      return owner.configuration(one, one.version);
    }),

    ListVersionsByFunction: operation<Api.ListVersionsByFunctionRequest, Api.ListVersionsByFunctionResponse>(
      on('ListVersionsByFunction'),
      (input) => {
        const { owner } = found(input);
        const { items, next } = page([owner.latest, ...owner.versions.values()], input.Marker, input.MaxItems);
        return { Versions: items.map((one) => owner.configuration(one, one.version)), ...next };
      },
    ),

    CreateAlias: operation<Api.CreateAliasRequest, Api.AliasConfiguration>(on('CreateAlias'), (input) => {
      const { owner } = found(input);
      if (owner.aliases.has(input.Name!)) throw conflict(`Alias already exists: ${owner.arn}:${input.Name}`);
      owner.version(input.FunctionVersion);
      const alias = {
        name: input.Name!,
        version: input.FunctionVersion!,
        description: input.Description ?? '',
        revisionId: lambda.random.uuid(),
      };
      owner.aliases.set(alias.name, alias);
      return aliasOf(owner, alias);
    }),

    GetAlias: operation<Api.GetAliasRequest, Api.AliasConfiguration>(on('GetAlias'), (input) => {
      const { owner } = found(input);
      const alias = owner.aliases.get(input.Name!);
      if (alias === undefined) throw missing(`Cannot find alias arn: ${owner.arn}:${input.Name}`);
      return aliasOf(owner, alias);
    }),

    UpdateAlias: operation<Api.UpdateAliasRequest, Api.AliasConfiguration>(on('UpdateAlias'), (input) => {
      const { owner } = found(input);
      const alias = owner.aliases.get(input.Name!);
      if (alias === undefined) throw missing(`Cannot find alias arn: ${owner.arn}:${input.Name}`);
      if (input.FunctionVersion !== undefined) {
        owner.version(input.FunctionVersion);
        alias.version = input.FunctionVersion;
      }
      alias.description = input.Description ?? alias.description;
      alias.revisionId = lambda.random.uuid();
      return aliasOf(owner, alias);
    }),

    AddPermission: operation<Api.AddPermissionRequest, Api.AddPermissionResponse>(
      (input) => on('AddPermission')(input).map((one) => ({ ...one, context: { 'lambda:Principal': input.Principal! } })),
      (input) => {
        const { owner, qualifier } = found(input);
        const statements = owner.statements(qualifier);
        if (statements.some((statement) => statement.Sid === input.StatementId))
          throw conflict(
            `The statement id (${input.StatementId}) provided already exists. Please provide a new statement id, or remove the existing statement.`,
          );
        const statement = permissionStatement(input, qualifier === undefined ? owner.arn : `${owner.arn}:${qualifier}`);
        owner.setStatements(qualifier, [...statements, statement]);
        return { Statement: JSON.stringify(statement) };
      },
    ),

    RemovePermission: operation<Api.RemovePermissionRequest, object>(on('RemovePermission'), (input) => {
      const { owner, qualifier } = found(input);
      const statements = owner.statements(qualifier);
      const left = statements.filter((statement) => statement.Sid !== input.StatementId);
      if (left.length === statements.length) throw missing(`Statement ${input.StatementId} is not found in resource policy.`);
      owner.setStatements(qualifier, left);
      return {};
    }),

    GetPolicy: operation<Api.GetPolicyRequest, Api.GetPolicyResponse>(on('GetPolicy', arnOf), (input) => {
      const { owner, qualifier } = found(input);
      const policy = owner.policy(qualifier);
      if (policy === undefined) throw missing('The resource you requested does not exist.');
      return { Policy: JSON.stringify(policy) };
    }),

    GetFunctionUrlConfig: operation<Api.GetFunctionUrlConfigRequest, Api.GetFunctionUrlConfigResponse>(
      on('GetFunctionUrlConfig', arnOf),
      (input) => {
        const { owner, qualifier } = found(input);
        return urlOf(owner, qualifier);
      },
    ),

    PutFunctionConcurrency: operation<Api.PutFunctionConcurrencyRequest, Api.Concurrency>(on('PutFunctionConcurrency'), (input) => {
      found(input).owner.reservedConcurrency = input.ReservedConcurrentExecutions;
      return { ReservedConcurrentExecutions: input.ReservedConcurrentExecutions };
    }),

    DeleteFunctionConcurrency: operation<Api.DeleteFunctionConcurrencyRequest, object>(on('DeleteFunctionConcurrency'), (input) => {
      found(input).owner.reservedConcurrency = undefined;
      return {};
    }),

    DeleteFunction: operation<Api.DeleteFunctionRequest, Api.DeleteFunctionResponse>(on('DeleteFunction', arnOf), (input) => {
      const { owner, qualifier } = found(input);
      if (qualifier === undefined) lambda.delete(owner);
      else owner.versions.delete(qualifier);
      return { StatusCode: 204 };
    }),

    ListEventSourceMappings: operation<Api.ListEventSourceMappingsRequest, Api.ListEventSourceMappingsResponse>(
      () => [{ action: 'lambda:ListEventSourceMappings', resource: '*' }],
      (input) => ({
        EventSourceMappings: lambda.mappings.list(
          input.FunctionName && found({ FunctionName: input.FunctionName }).owner.name,
          input.EventSourceArn,
        ),
      }),
    ),
  };
}

/** What a mobile client tells of itself. @throws ServiceError InvalidRequestContentException */
function contextOf(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(text, 'base64').toString());
  } catch {
    throw new ServiceError('InvalidRequestContentException', 'Client context must be a valid Base64-encoded JSON object.');
  }
}
