/** The functions of one account and Region, and their invocations. */
import type { LoggingConfig } from '@aws-sdk/client-lambda';
import { assertAssumable } from '../../core/iam/authorize.ts';
import { identities } from '../../core/iam/identities.ts';
import type { Random } from '../../core/random.ts';
import { type Principal, ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { AsynchronousInvocations } from './asynchronous.ts';
import { checkVersion, codeOf, type FunctionVersion, LambdaFunction, notFound } from './function.ts';
import { Invocations, type Invoked } from './invocation.ts';
import { LogPermission } from './logging.ts';
import { functionArn, parseFunctionName } from './name.ts';
import { SESSION_SECONDS } from './pool.ts';

/** Payload limits in bytes. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_PAYLOAD = { RequestResponse: 6_291_456, Event: 1_048_576 } as const;

/** What a caller may change of a version. */
export type VersionSettings = Partial<
  Omit<FunctionVersion, 'version' | 'bundle' | 'codeSha256' | 'codeSize' | 'revisionId' | 'modified'>
> & {
  /** A folder or file of code. */
  readonly code?: string;
};

export interface InvokeOptions {
  /** Known for what AWS's own services do among themselves; not authorised here. */
  readonly principal?: Principal;
  /** @default RequestResponse */
  readonly type?: 'RequestResponse' | 'Event';
}

export class LambdaFunctions {
  readonly site: Site;
  readonly functions = new Map<string, LambdaFunction>();
  readonly invocations: Invocations;
  readonly asynchronous: AsynchronousInvocations;
  readonly random: Random;
  /** Milliseconds after which an idle execution environment is retired. AWS does not say when; ten minutes is a judgement. */
  idle = 10 * 60_000;
  private readonly logs: LogPermission;

  constructor(site: Site) {
    this.site = site;
    this.random = site.world.random.fork(`lambda/${site.account}/${site.region}`);
    this.logs = new LogPermission(site);
    this.invocations = new Invocations({
      site,
      idle: () => this.idle,
      session: (roleArn, name) => {
        const { accessKeyId, secretAccessKey, sessionToken } = this.identitiesOf(roleArn).session(roleArn, name, {
          duration: SESSION_SECONDS,
        });
        return { accessKeyId, secretAccessKey, sessionToken };
      },
      writer: (owner, version, stream) => this.logs.writer(this.rolePrincipal(owner, version), owner, version, stream),
    });
    this.invocations.reserved = () => [...this.functions.values()].reduce((sum, each) => sum + (each.reservedConcurrency ?? 0), 0);
    this.asynchronous = new AsynchronousInvocations({
      site,
      invocations: this.invocations,
      principal: (owner) => this.rolePrincipal(owner, owner.latest),
    });
  }

  private identitiesOf(roleArn: string) {
    return identities(this.site.world, roleArn.split(':')[4]!);
  }

  /** A function's role as a caller. */
  rolePrincipal(owner: LambdaFunction, version: FunctionVersion): Principal {
    return this.identitiesOf(version.role).rolePrincipal(version.role, owner.name);
  }

  /** @throws ServiceError ResourceNotFoundException */
  find(name: string, qualifier?: string): { owner: LambdaFunction; qualifier: string | undefined } {
    const parsed = parseFunctionName(this.site, name, qualifier);
    const owner = parsed.account === this.site.account && parsed.region === this.site.region ? this.functions.get(parsed.name) : undefined;
    if (owner === undefined) throw notFound(functionArn(parsed));
    return { owner, qualifier: parsed.qualifier };
  }

  /** @throws ServiceError ResourceConflictException, InvalidParameterValueException */
  create(
    name: string,
    settings: VersionSettings & { readonly code: string; readonly handler: string; readonly runtime: string; readonly role: string },
  ): LambdaFunction {
    const arn = this.site.arn('lambda', `function:${name}`);
    if (this.functions.has(name))
      throw new ServiceError('ResourceConflictException', `Function already exist: ${name}`, 409, { Type: 'User' });
    this.checkRole(settings.role);
    const { code, ...rest } = settings;
    const latest = checkVersion({
      timeout: 3,
      memory: 128,
      variables: {},
      architecture: 'x86_64',
      description: '',
      logging: {} as LoggingConfig,
      tracing: 'PassThrough',
      storage: 512,
      layers: [],
      ...rest,
      ...codeOf(code, settings.handler),
      version: '$LATEST',
      revisionId: this.random.uuid(),
      modified: this.site.world.clock.now(),
    });
    const owner = new LambdaFunction(name, arn, latest);
    this.functions.set(name, owner);
    return owner;
  }

  /** @throws ServiceError InvalidParameterValueException */
  private checkRole(role: string): void {
    try {
      assertAssumable(this.site.world, role, 'lambda.amazonaws.com', this.site.region);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      const message = 'The role defined for the function cannot be assumed by Lambda.';
      throw new ServiceError('InvalidParameterValueException', message, 400, { Type: 'User' });
    }
  }

  /** Changes `$LATEST`. */
  update(owner: LambdaFunction, { code, ...settings }: VersionSettings): FunctionVersion {
    const handler = settings.handler ?? owner.latest.handler;
    if (settings.role !== undefined) this.checkRole(settings.role);
    owner.latest = checkVersion({
      ...owner.latest,
      ...settings,
      ...codeOf(code ?? owner.latest.bundle.path, handler),
      revisionId: this.random.uuid(),
      modified: this.site.world.clock.now(),
    });
    return owner.latest;
  }

  /** Keeps `$LATEST` as a numbered version; the last one, if nothing has changed since. */
  publish(owner: LambdaFunction, description?: string): FunctionVersion {
    const last = owner.versions.get(String(owner.published));
    const same = (version: FunctionVersion) => {
      const { version: _version, revisionId: _revision, modified: _modified, bundle, description: _description, ...rest } = version;
      return JSON.stringify([rest, bundle.path]);
    };
    if (last && same(last) === same(owner.latest)) return last;
    const version: FunctionVersion = {
      ...owner.latest,
      version: String(++owner.published),
      revisionId: this.random.uuid(),
      ...(description === undefined ? {} : { description }),
    };
    owner.versions.set(version.version, version);
    return version;
  }

  /** Invokes by name or ARN with JSON text, as operation Invoke does after authorisation. @throws ServiceError */
  async invokeText(
    name: string,
    qualifier: string | undefined,
    payload: string,
    type: 'RequestResponse' | 'Event',
    requestId: string,
    clientContext?: unknown,
  ): Promise<Invoked | undefined> {
    const found = this.find(name, qualifier);
    const version = found.owner.version(found.qualifier);
    const size = Buffer.byteLength(payload);
    if (size > MAX_PAYLOAD[type])
      throw new ServiceError(
        'RequestTooLargeException',
        `Request must be smaller than ${MAX_PAYLOAD[type]} bytes for the InvokeFunction operation`,
        413,
        { Type: 'User' },
      );
    try {
      JSON.parse(payload);
    } catch (error) {
      throw new ServiceError('InvalidRequestContentException', `Could not parse request body into json: ${(error as Error).message}`, 400, {
        Type: 'User',
      });
    }
    const request = {
      owner: found.owner,
      version,
      invokedArn: found.qualifier === undefined ? found.owner.arn : `${found.owner.arn}:${found.qualifier}`,
      requestId,
      payload,
      clientContext,
    };
    if (type === 'Event') {
      this.asynchronous.queue(request, found.qualifier);
      return undefined;
    }
    return this.invocations.run(request);
  }

  /**
   * Invokes for another service, without authorisation (callers who need that use `site.call(principal, 'lambda', 'Invoke', …)`).
   * An asynchronous invocation gives `null` at once.
   * @throws ServiceError ResourceNotFoundException, TooManyRequestsException
   */
  async invoke(
    functionArnOrName: string,
    payload: unknown,
    { type = 'RequestResponse' }: InvokeOptions = {},
  ): Promise<{ payload: unknown; functionError?: 'Unhandled' | 'Handled'; executedVersion: string }> {
    const { account, region, qualifier } = parseFunctionName(this.site, functionArnOrName);
    if (account !== this.site.account || region !== this.site.region)
      return this.site.world.site(account, region).service('lambda').invoke(functionArnOrName, payload, { type });
    const text = JSON.stringify(payload) ?? 'null';
    const invoked = await this.invokeText(functionArnOrName, undefined, text, type, this.random.uuid());
    if (invoked === undefined) return { payload: null, executedVersion: this.find(functionArnOrName).owner.version(qualifier).version };
    return {
      payload: JSON.parse(invoked.payload) as unknown,
      ...(invoked.functionError ? { functionError: invoked.functionError } : {}),
      executedVersion: invoked.executedVersion,
    };
  }
}
