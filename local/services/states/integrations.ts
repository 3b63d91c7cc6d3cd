/** The calls that Task states make, each in the execution's role: Lambda functions, nested executions, builds, tasks, and any SDK call. */
import type { Json } from '../../asl/data.ts';
import type { FollowedWork, ItemsRequest, TaskRequest } from '../../asl/environment.ts';
import { StateError } from '../../asl/error.ts';
import { SDK_SERVICES } from '../../asl/integrations.ts';
import { identities } from '../../core/iam/identities.ts';
import { modelOf } from '../../core/protocols/model.ts';
import type { Random } from '../../core/random.ts';
import { type Principal, ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { fromClient, toClient } from './casing.ts';
import { failureOf } from './failure.ts';

type Fields = Readonly<Record<string, Json>>;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Services of the optimized integrations, and the names that only Step Functions has for their actions. */
const OPTIMIZED = new Set(['lambda', 'states', 'codebuild', 'ecs', 'dynamodb', 'sns', 'sqs', 'events']);

/** Seconds between looks at a build or a task that is waited for; each is a fifth longer than the one before. */
const LOOK = { first: 5, last: 60, growth: 1.2 };

/** The managed rules that `.sync` needs, by service. https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html */
export const MANAGED_RULES: Readonly<Record<string, string>> = {
  states: 'StepFunctionsGetEventsForStepFunctionsExecutionRule',
  codebuild: 'StepFunctionsGetEventForCodeBuildStartBuildRule',
  ecs: 'StepFunctionsGetEventsForECSTaskRule',
};

/** Who makes the calls of an execution. */
interface Caller {
  readonly site: Site;
  readonly principal: Principal;
}

export class Integrations {
  private readonly site: Site;
  private readonly random: Random;

  constructor(site: Site, random: Random) {
    this.site = site;
    this.random = random;
  }

  /** Makes the call of a task. @throws StateError */
  async request(task: TaskRequest, roleArn: string): Promise<Json> {
    const { resource } = task;
    if (resource.kind === 'activity') throw new StateError('States.Runtime', 'local AWS has no activities');
    const caller = await this.caller(task, roleArn);
    if (resource.kind === 'lambda') {
      const { payload } = await this.invoke(caller, { FunctionName: resource.arn }, JSON.stringify(task.arguments));
      return payload;
    }
    const { service, action } = resource;
    if (service.startsWith('aws-sdk:')) {
      const local = SDK_SERVICES[service.slice('aws-sdk:'.length)];
      if (local === undefined) throw new StateError('States.Runtime', `local AWS has no service for ${task.resourceArn}`);
      return this.sdkCall(caller, service, local, action, task.arguments);
    }
    if (!OPTIMIZED.has(service)) throw new StateError('States.Runtime', `local AWS has no service for ${task.resourceArn}`);
    if (service === 'lambda') {
      const { Payload, ...given } = task.arguments as Fields;
      const { payload, answer, requestId } = await this.invoke(caller, given, payloadText(Payload));
      return { ...answer, Payload: payload, ...metadata(requestId) };
    }
    const answer = await this.sdkCall(caller, service, service, action, task.arguments);
    return { ...(answer as Fields), ...metadata(this.random.uuid()) };
  }

  /** Reads the object of S3 that a distributed Map takes its items from. @throws StateError States.ItemReaderFailed */
  async items({ resource, arguments: given, executionName }: ItemsRequest, roleArn: string): Promise<Json> {
    const failed = (why: string) => new StateError('States.ItemReaderFailed', why);
    if (!resource.endsWith(':s3:getObject')) throw failed(`local AWS cannot read items from ${resource}`);
    if (!this.site.world.knows('s3')) throw failed('local AWS has no S3, so a Map cannot read its items there');
    const { site, principal } = await this.caller({ roleArn: undefined, executionName }, roleArn);
    try {
      const { Body } = await site.call<{ readonly Body: Uint8Array }>(principal, 's3', 'GetObject', given as object);
      return JSON.parse(decoder.decode(Body)) as Json;
    } catch (error) {
      throw failed((error as Error).message);
    }
  }

  /** Waits for what a `.sync` call started. */
  follow(task: TaskRequest, answer: Json, roleArn: string): FollowedWork {
    const { resource } = task;
    const service = resource.kind === 'integration' ? resource.service : '';
    switch (service) {
      case 'states':
        return this.followExecution(task, answer as Fields, roleArn);
      case 'codebuild':
        return this.followBuild(task, answer as Fields, roleArn);
      case 'ecs':
        return this.followTask(task, answer as Fields, roleArn);
      default:
        return {
          result: Promise.reject(new StateError('States.Runtime', `local AWS cannot wait for ${task.resourceArn}`)),
          stop: () => {},
        };
    }
  }

  /** The session that calls: the execution's role, or the role of `Credentials` assumed by it. @throws StateError */
  private async caller(task: Pick<TaskRequest, 'roleArn' | 'executionName'>, roleArn: string): Promise<Caller> {
    const { world, region } = this.site;
    const session = task.executionName.replace(/[^\w+=,.@-]/g, '-').slice(0, 64);
    const as = (arn: string): Principal => {
      try {
        return identities(world, arn.split(':')[4]!).rolePrincipal(arn, session);
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        throw new StateError('States.Permissions', error.message);
      }
    };
    const own = as(roleArn);
    if (task.roleArn === undefined) return { site: this.site, principal: own };
    try {
      await this.site.call(own, 'sts', 'AssumeRole', { RoleArn: task.roleArn, RoleSessionName: session });
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      throw new StateError('States.Permissions', error.message);
    }
    return { site: world.site(task.roleArn.split(':')[4]!, region), principal: as(task.roleArn) };
  }

  /** A call by the names of the SDK: the arguments and the answer have capital letters, times are text. @throws StateError */
  private async sdkCall(caller: Caller, service: string, local: string, action: string, given: Json): Promise<Json> {
    const operation = action.charAt(0).toUpperCase() + action.slice(1);
    const model = modelOf(local)?.operations.get(operation);
    if (model === undefined) throw new StateError('States.Runtime', `local AWS does not know ${service}:${action}`);
    const input = toClient(model.input, given) as object;
    return this.named(service, local, async () =>
      fromClient(model.output, await caller.site.call(caller.principal, local, operation, input)),
    );
  }

  /** Gives errors of `call` the names that state machines have for them. */
  private async named<T>(service: string, local: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (error instanceof StateError) throw error;
      throw failureOf(error, service, local, this.random.uuid());
    }
  }

  /** Invokes a function with a payload as text. @throws StateError with the function's own error */
  private async invoke(
    { site, principal }: Caller,
    given: Fields,
    payload: string | undefined,
  ): Promise<{ readonly payload: Json; readonly answer: Fields; readonly requestId: string }> {
    const input = { ...given, ...(payload === undefined ? {} : { Payload: encoder.encode(payload) }) };
    interface Invoked {
      readonly Payload?: Uint8Array;
      readonly StatusCode?: number;
      readonly ExecutedVersion?: string;
      readonly FunctionError?: string;
    }
    const invoked = await this.named('lambda', 'lambda', () => site.call<Invoked>(principal, 'lambda', 'Invoke', input));
    const text = invoked.Payload === undefined ? '' : decoder.decode(invoked.Payload);
    if (invoked.FunctionError !== undefined) throw functionError(text);
    const answer: Fields = {
      ...(invoked.ExecutedVersion === undefined ? {} : { ExecutedVersion: invoked.ExecutedVersion }),
      StatusCode: invoked.StatusCode ?? 200,
    };
    return { payload: text === '' ? {} : (JSON.parse(text) as Json), answer, requestId: this.random.uuid() };
  }

  private followExecution(task: TaskRequest, { ExecutionArn }: Fields, roleArn: string): FollowedWork {
    const executionArn = String(ExecutionArn);
    const parsed = task.resource.kind === 'integration' && task.resource.pattern === 'sync2';
    const result = (async () => {
      const [, , , region, account] = executionArn.split(':') as [string, string, string, string, string];
      await this.site.world.site(account, region).service('states').whenEnded(executionArn);
      const caller = await this.caller(task, roleArn);
      const found = (await this.sdkCall(caller, 'states', 'states', 'describeExecution', { ExecutionArn: executionArn })) as Fields;
      if (found.Status !== 'SUCCEEDED') throw new StateError('States.TaskFailed', JSON.stringify(found));
      if (!parsed) return found;
      return { ...found, Input: JSON.parse(String(found.Input)) as Json, Output: JSON.parse(String(found.Output)) as Json };
    })();
    return { result, stop: () => this.stopping(task, roleArn, 'states', 'stopExecution', { ExecutionArn: executionArn }) };
  }

  private followBuild(task: TaskRequest, { Build }: Fields, roleArn: string): FollowedWork {
    const { Id } = Build as Fields;
    const look = async (): Promise<Json | undefined> => {
      const caller = await this.caller(task, roleArn);
      const { Builds } = (await this.sdkCall(caller, 'codebuild', 'codebuild', 'batchGetBuilds', { Ids: [Id!] })) as Fields;
      const [build] = Builds as readonly Fields[];
      if (build === undefined) throw new StateError('States.TaskFailed', `There is no build ${String(Id)}`);
      if (build.BuildStatus === 'IN_PROGRESS') return undefined;
      if (build.BuildStatus !== 'SUCCEEDED') throw new StateError('States.TaskFailed', JSON.stringify({ Build: build }));
      return { Build: build };
    };
    return this.watch(`build ${String(Id)}`, look, () => this.stopping(task, roleArn, 'codebuild', 'stopBuild', { Id: Id! }));
  }

  private followTask(task: TaskRequest, { Tasks, Failures }: Fields, roleArn: string): FollowedWork {
    const [started] = (Tasks ?? []) as readonly Fields[];
    if (started === undefined)
      return { result: Promise.reject(new StateError('AmazonECS.Unknown', JSON.stringify({ Failures: Failures ?? [] }))), stop: () => {} };
    const where = { Cluster: started.ClusterArn!, Tasks: [started.TaskArn!] };
    const look = async (): Promise<Json | undefined> => {
      const caller = await this.caller(task, roleArn);
      const found = (await this.sdkCall(caller, 'ecs', 'ecs', 'describeTasks', where)) as Fields;
      const [one] = found.Tasks as readonly Fields[];
      if (one === undefined) throw new StateError('States.TaskFailed', `There is no task ${String(started.TaskArn)}`);
      if (one.LastStatus !== 'STOPPED') return undefined;
      const failed = (one.Containers as readonly Fields[]).some(({ ExitCode }) => ExitCode !== 0);
      if (failed) throw new StateError('States.TaskFailed', JSON.stringify(one));
      return one;
    };
    const stop = () => this.stopping(task, roleArn, 'ecs', 'stopTask', { Cluster: started.ClusterArn!, Task: started.TaskArn! });
    return this.watch(`task ${String(started.TaskArn)}`, look, stop);
  }

  /** Looks again and again until there is something to see. */
  private watch(what: string, look: () => Promise<Json | undefined>, stop: () => void): FollowedWork {
    const { clock } = this.site.world;
    let over = false;
    const result = (async () => {
      for (let seconds = LOOK.first; ; seconds = Math.min(seconds * LOOK.growth, LOOK.last)) {
        await new Promise<void>((resolve) => clock.after(seconds * 1000, `Step Functions looks at ${what}`, resolve));
        if (over) throw new StateError('States.TaskFailed', 'stopped');
        const seen = await look();
        if (seen !== undefined) return seen;
      }
    })();
    return {
      result,
      stop: () => {
        over = true;
        stop();
      },
    };
  }

  /** Ends what a state no longer waits for; AWS tries once and says nothing if it cannot. */
  private stopping(task: TaskRequest, roleArn: string, service: string, action: string, given: Json): void {
    const { clock } = this.site.world;
    clock.after(0, `Step Functions stops what ${task.state} started`, async () => {
      try {
        await this.sdkCall(await this.caller(task, roleArn), service, service, action, given);
      } catch (error) {
        if (!(error instanceof StateError)) throw error;
      }
    });
  }
}

/** The body of an invocation: text is sent as it is, anything else as JSON. */
const payloadText = (payload: Json | undefined): string | undefined =>
  payload === undefined || typeof payload === 'string' ? payload : JSON.stringify(payload);

/** What optimized integrations add to an answer. */
const metadata = (requestId: string): Fields => ({
  SdkHttpMetadata: {
    AllHttpHeaders: { 'x-amzn-RequestId': [requestId] },
    HttpHeaders: { 'x-amzn-RequestId': requestId },
    HttpStatusCode: 200,
  },
  SdkResponseMetadata: { RequestId: requestId },
});

/** The error that a function ended with: its type is the name, the whole payload the cause. */
function functionError(payload: string): StateError {
  let type: unknown;
  try {
    type = (JSON.parse(payload) as { readonly errorType?: unknown }).errorType;
  } catch {
    type = undefined;
  }
  if (typeof type === 'string' && type !== '') return new StateError(type, payload);
  return new StateError(
    'Lambda.Unknown',
    `The cause could not be determined because Lambda did not return an error type. Returned payload: ${payload}`,
  );
}
