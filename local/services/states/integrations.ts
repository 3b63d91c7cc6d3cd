/** The calls that Task states make, each in the execution's role: Lambda functions, nested executions, builds, tasks, and any SDK call. */
import type { Json } from '../../asl/data.ts';
import type { FollowedWork, ItemsRequest, TaskRequest } from '../../asl/environment.ts';
import { StateError } from '../../asl/error.ts';
import { SDK_SERVICES } from '../../asl/integrations.ts';
import { bound, type Listener } from '../../core/bound.ts';
import type { Clock } from '../../core/clock.ts';
import { identities } from '../../core/iam/identities.ts';
import { modelOf } from '../../core/protocols/model.ts';
import type { Random } from '../../core/random.ts';
import { type Principal, ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { fromClient, toClient } from './casing.ts';
import { failureOf } from './failure.ts';
import { type Followed, Follower, type Watcher, type Work } from './follower.ts';

type Fields = Readonly<Record<string, Json>>;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Services of the optimized integrations, and the names that only Step Functions has for their actions. */
const OPTIMIZED = new Set(['lambda', 'states', 'codebuild', 'ecs', 'dynamodb', 'sns', 'sqs', 'events']);

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

export class Integrations implements Watcher {
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

  get clock(): Clock {
    return this.site.world.clock;
  }

  /** Looks after what a `.sync` call started, once it is told to begin. @throws StateError where that cannot be done */
  follow(task: TaskRequest, answer: Json, roleArn: string, heard: Listener<[outcome: Followed]>): Follower {
    return new Follower(this, { ...workOf(task, answer as Fields), roleArn }, heard);
  }

  /** The same for whoever is not saved. */
  followed(task: TaskRequest, answer: Json, roleArn: string): FollowedWork {
    let follower: Follower | undefined;
    const result = new Promise<Json>((resolve, reject) => {
      follower = this.follow(task, answer, roleArn, (outcome) => {
        if ('error' in outcome) reject(outcome.error as Error);
        else resolve(outcome.value);
      });
      follower.begin();
    });
    return { result, stop: () => follower?.stop() };
  }

  whenEnded(executionArn: string, listener: Listener<[]>): void {
    const [, , , region, account] = executionArn.split(':') as [string, string, string, string, string];
    this.site.world.site(account, region).service('states').whenEnded(executionArn, listener);
  }

  async look(work: Work): Promise<Json | undefined> {
    const caller = await this.caller({ roleArn: work.taskRoleArn, executionName: work.executionName }, work.roleArn);
    switch (work.kind) {
      case 'execution': {
        const found = (await this.sdkCall(caller, 'states', 'states', 'describeExecution', { ExecutionArn: work.id })) as Fields;
        if (found.Status !== 'SUCCEEDED') throw new StateError('States.TaskFailed', JSON.stringify(found));
        if (!work.parsed) return found;
        return { ...found, Input: JSON.parse(String(found.Input)) as Json, Output: JSON.parse(String(found.Output)) as Json };
      }
      case 'build': {
        const { Builds } = (await this.sdkCall(caller, 'codebuild', 'codebuild', 'batchGetBuilds', { Ids: [work.id] })) as Fields;
        const [build] = Builds as readonly Fields[];
        if (build === undefined) throw new StateError('States.TaskFailed', `There is no build ${work.id}`);
        if (build.BuildStatus === 'IN_PROGRESS') return undefined;
        if (build.BuildStatus !== 'SUCCEEDED') throw new StateError('States.TaskFailed', JSON.stringify({ Build: build }));
        return { Build: build };
      }
      case 'task': {
        const where = { Cluster: work.cluster!, Tasks: [work.id] };
        const found = (await this.sdkCall(caller, 'ecs', 'ecs', 'describeTasks', where)) as Fields;
        const [one] = found.Tasks as readonly Fields[];
        if (one === undefined) throw new StateError('States.TaskFailed', `There is no task ${work.id}`);
        if (one.LastStatus !== 'STOPPED') return undefined;
        const failed = (one.Containers as readonly Fields[]).some(({ ExitCode }) => ExitCode !== 0);
        if (failed) throw new StateError('States.TaskFailed', JSON.stringify(one));
        return one;
      }
    }
  }

  end(work: Work): void {
    this.clock.after(0, `Step Functions stops what ${work.state} started`, bound(this, this.endNow, work));
  }

  /** Ends what a state no longer waits for; AWS tries once and says nothing if it cannot. */
  private async endNow(work: Work): Promise<void> {
    const [service, action, given] = ENDS[work.kind](work);
    try {
      const caller = await this.caller({ roleArn: work.taskRoleArn, executionName: work.executionName }, work.roleArn);
      await this.sdkCall(caller, service, service, action, given);
    } catch (error) {
      if (!(error instanceof StateError)) throw error;
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
}

/** How work is ended: by which call of which service. */
const ENDS: Readonly<Record<Work['kind'], (work: Work) => readonly [service: string, action: string, given: Json]>> = {
  execution: ({ id }) => ['states', 'stopExecution', { ExecutionArn: id }],
  build: ({ id }) => ['codebuild', 'stopBuild', { Id: id }],
  task: ({ id, cluster }) => ['ecs', 'stopTask', { Cluster: cluster!, Task: id }],
};

/** What the answer of a `.sync` call says was started. @throws StateError */
function workOf({ resource, resourceArn, state, executionName, roleArn: taskRoleArn }: TaskRequest, answer: Fields): Omit<Work, 'roleArn'> {
  const service = resource.kind === 'integration' ? resource.service : '';
  const of = { state, executionName, taskRoleArn };
  switch (service) {
    case 'states':
      return {
        ...of,
        kind: 'execution',
        id: String(answer.ExecutionArn),
        parsed: resource.kind === 'integration' && resource.pattern === 'sync2',
      };
    case 'codebuild':
      return { ...of, kind: 'build', id: String((answer.Build as Fields).Id) };
    case 'ecs': {
      const [started] = (answer.Tasks ?? []) as readonly Fields[];
      if (started === undefined) throw new StateError('AmazonECS.Unknown', JSON.stringify({ Failures: answer.Failures ?? [] }));
      return { ...of, kind: 'task', id: String(started.TaskArn), cluster: String(started.ClusterArn) };
    }
    default:
      throw new StateError('States.Runtime', `local AWS cannot wait for ${resourceArn}`);
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
