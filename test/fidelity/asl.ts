/** Measures the interpreter of state machines against executions, refusals and tests of states that the real AWS recorded. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestStateInput } from '@aws-sdk/client-sfn';
import { Data, type Json } from '../../local/asl/data.ts';
import type { Definition } from '../../local/asl/definition.ts';
import type { Environment, TaskRequest } from '../../local/asl/environment.ts';
import { StateError } from '../../local/asl/error.ts';
import { Execution } from '../../local/asl/execution.ts';
import { lintDefinition, refusal } from '../../local/asl/lint.ts';
import { compile } from '../../local/asl/machine.ts';
import { TaskTokens } from '../../local/asl/tokens.ts';
import { VirtualClock } from '../../local/core/clock.ts';
import { Random } from '../../local/core/random.ts';
import { ServiceError } from '../../local/core/service.ts';
import { testState } from '../../local/services/states/test-state.ts';
import { difference, unfolded } from './likeness.ts';

/** How far local AWS agrees with the recordings of one topic. */
export interface Agreement {
  readonly topic: string;
  readonly total: number;
  readonly agreed: number;
  readonly differences: { readonly name: string; readonly why: string }[];
}

interface RecordedEvent {
  /** `[0]` where the events of a Parallel were sorted and have lost their numbers. */
  readonly id: number | readonly [0];
  readonly previousEventId: number;
  readonly type: string;
}

interface Behaviour {
  readonly name: string;
  readonly arn: string;
  readonly behaviour: 'echo input' | 'return' | 'raise' | 'unsupported';
  readonly returns?: Json;
  readonly raises?: Readonly<Record<string, Json>>;
  readonly delaySeconds?: number;
}

interface Case {
  readonly name: string;
  readonly type: 'STANDARD' | 'EXPRESS';
  readonly definition: Definition;
  readonly input?: Json;
  readonly lambdas?: readonly Behaviour[];
  readonly s3Objects?: readonly { readonly bucket: string; readonly key: string; readonly body: string }[];
  readonly otherStateMachines?: readonly { readonly arn: string; readonly definition: Definition }[];
  readonly maskedTimes?: boolean;
  readonly parallelSorted?: boolean;
  readonly expected: {
    readonly status: string;
    readonly output?: Json;
    readonly error?: string;
    readonly cause?: Json;
    readonly message?: string;
    readonly result?: string;
    readonly diagnostics?: readonly object[];
    readonly history?: readonly RecordedEvent[];
  };
}

const START = Date.UTC(2024, 0, 1);
const EXECUTION = 'arn:<partition>:states:<region>:111111111111:execution:<ArnPart_0idx>:<ExecArnPart_0idx>';
const MACHINE = 'arn:<partition>:states:<region>:111111111111:stateMachine:<ArnPart_0idx>';

export function casesIn<One>(folder: string): One[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as One);
}

/** The account that a recording was made in, as far as its machine can see it. */
export function accountOf(one: Pick<Case, 'lambdas' | 's3Objects' | 'otherStateMachines'>, clock: VirtualClock): Environment {
  const random = new Random(1);
  const invoke = async (name: string, payload: Json): Promise<Json> => {
    const found = one.lambdas?.find((lambda) => lambda.name === name || lambda.arn === name);
    if (found === undefined) throw new StateError('Lambda.ResourceNotFoundException', `Function not found: ${name}`);
    if (found.delaySeconds !== undefined)
      await new Promise<void>((resolve) => clock.after(found.delaySeconds! * 1000, 'a function answers', resolve));
    if (found.behaviour === 'raise')
      throw new StateError(String(found.raises?.errorType), JSON.stringify({ ...found.raises, requestId: random.uuid() }));
    return found.behaviour === 'return' ? found.returns! : payload;
  };
  const environment: Environment = {
    clock,
    random,
    tokens: new TaskTokens(random),
    region: '<region>',
    request: (task) => requested(task, invoke),
    follow: (task, answer) => {
      const given = task.arguments as { readonly StateMachineArn: string; readonly Input: string; readonly Name: string };
      const other = one.otherStateMachines!.find(({ arn }) => arn === given.StateMachineArn)!;
      const { ExecutionArn } = answer as { readonly ExecutionArn: string };
      const child = new Execution({
        environment,
        machine: compile(other.definition, { now: () => clock.now(), random }),
        arn: ExecutionArn,
        name: given.Name,
        input: new Data(JSON.parse(given.Input) as Json, given.Input),
        roleArn: 'role',
        stateMachine: { id: other.arn, name: 'other' },
      });
      child.start();
      const result = child.ended.then(
        ({ status, output }): Json => ({
          ExecutionArn,
          Input: given.Input,
          InputDetails: { Included: true },
          Name: given.Name,
          Output: output?.text ?? null,
          OutputDetails: { Included: true },
          RedriveCount: 0,
          RedriveStatus: 'NOT_REDRIVABLE',
          RedriveStatusReason: `Execution is ${status} and cannot be redriven`,
          StartDate: new Date(child.startedAt).toISOString(),
          StateMachineArn: other.arn,
          Status: status,
          StopDate: new Date(child.endedAt!).toISOString(),
        }),
      );
      return { result, stop: () => child.stop() };
    },
    items: async ({ arguments: given }) => {
      const { Bucket, Key } = given as { readonly Bucket: string; readonly Key: string };
      const object = one.s3Objects?.find(({ bucket, key }) => bucket === Bucket && key === Key);
      if (object === undefined) throw new StateError('States.ItemReaderFailed', `no object ${Bucket}/${Key}`);
      return JSON.parse(object.body) as Json;
    },
  };
  return environment;
}

async function requested(task: TaskRequest, invoke: (name: string, payload: Json) => Promise<Json>): Promise<Json> {
  const { resource } = task;
  if (resource.kind !== 'integration') return invoke(resource.arn, task.arguments);
  const given = task.arguments as Readonly<Record<string, Json>>;
  if (resource.service === 'lambda') {
    const { FunctionName, Payload = {} } = given;
    // A text is sent as it is; everything else as JSON.
    const payload = typeof Payload === 'string' ? (JSON.parse(Payload) as Json) : Payload;
    return { ExecutedVersion: '$LATEST', Payload: await invoke(String(FunctionName), payload), StatusCode: 200 };
  }
  if (resource.service === 'states')
    return {
      ExecutionArn: `${String(given.StateMachineArn).replace(':stateMachine:', ':execution:')}:${given.Name}`,
      StartDate: new Date(START).toISOString(),
    };
  throw new StateError('States.Runtime', `the recordings do not call ${task.resourceArn}`);
}

/** @returns why the case differs; undefined where it agrees */
async function compare(one: Case): Promise<string | undefined> {
  const { expected } = one;
  const findings = lintDefinition(one.definition, one.type);
  const errors = findings.filter(({ severity }) => severity === 'ERROR');
  if (expected.status === 'VALIDATION') {
    const got = errors.map(({ severity, code, location, message }) => ({
      severity,
      code,
      message,
      ...(location === '' ? {} : { location }),
    }));
    return difference(expected.diagnostics, got) ?? difference(expected.result, got.length === 0 ? 'OK' : 'FAIL');
  }
  const refused = refusal(findings);
  if (expected.status === 'REJECTED') return difference(expected.message, refused);
  if (refused !== undefined) return `refused: ${refused}`;
  return execute(one);
}

async function execute(one: Case): Promise<string | undefined> {
  const { expected } = one;
  const clock = new VirtualClock(START);
  const environment = accountOf(one, clock);
  const execution = new Execution({
    environment,
    machine: compile(one.definition, { now: () => clock.now(), random: environment.random }),
    arn: EXECUTION,
    name: '<ExecArnPart_0idx>',
    input: new Data(one.input ?? {}),
    roleArn: 'snf_role_arn',
    stateMachine: { id: MACHINE, name: '<ArnPart_0idx>' },
  });
  execution.start();
  await clock.run({ until: START + 7 * 86_400_000, done: () => execution.end !== undefined });
  const { end } = execution;
  if (end === undefined) return 'has not ended';
  const recorded = (value: unknown) => masked(unfolded(value), one.maskedTimes === true);
  return (
    difference(expected.status, end.status) ??
    difference(recorded(expected.output), recorded(end.output?.value)) ??
    difference(recorded(expected.error), recorded(end.error)) ??
    difference(recorded(expected.cause), recorded(end.cause)) ??
    (expected.history === undefined
      ? undefined
      : compareHistory(recorded(expected.history) as RecordedEvent[], recorded(execution.history.events) as RecordedEvent[], one))
  );
}

/** In some recordings every time of the input has become a word. */
function masked(value: unknown, mask: boolean): unknown {
  if (!mask) return value;
  return (
    JSON.parse(
      JSON.stringify(value ?? null, (name, member: unknown) => (name === 'TimestampValue' && typeof member === 'string' ? 'date' : member)),
    ) ?? undefined
  );
}

function compareHistory(recorded: readonly RecordedEvent[], got: readonly RecordedEvent[], one: Case): string | undefined {
  if (one.parallelSorted !== true) {
    const types = difference(
      recorded.map(({ type }) => type),
      got.map(({ type }) => type),
      'events',
    );
    return types ?? difference(recorded, got, 'history');
  }
  // Inside a Parallel the recording has lost the numbers, and some of the events that only mark its end.
  const dropped = new Set(['ParallelStateFailed', 'ParallelStateSucceeded', 'ParallelStateExited']);
  const left = [...got];
  const take = (matches: (event: RecordedEvent) => boolean) => {
    const index = left.findIndex(matches);
    return index < 0 ? undefined : left.splice(index, 1)[0];
  };
  for (const event of recorded) {
    const numbered = typeof event.id === 'number';
    const bare = ({ id: _id, previousEventId: _previous, ...rest }: RecordedEvent) => rest;
    const found = numbered
      ? take(({ id }) => id === event.id)
      : take((candidate) => difference(bare(event), bare(candidate)) === undefined);
    if (found === undefined) return `no event like ${JSON.stringify(event)}`;
    const why = numbered ? difference(event, found, `event ${event.id}`) : undefined;
    if (why !== undefined) return why;
  }
  const extra = left.find(({ type }) => !dropped.has(type));
  return extra === undefined ? undefined : `an event too many: ${JSON.stringify(extra)}`;
}

/** Runs `compare` over all cases and counts by the topic in their names. */
export async function measure<One extends { readonly name: string }>(
  prefix: string,
  all: readonly One[],
  compareOne: (one: One) => Promise<string | undefined>,
): Promise<Agreement[]> {
  const topics = new Map<string, { total: number; differences: { name: string; why: string }[] }>();
  for (const one of all) {
    const topic = `${prefix}/${one.name.split('__')[0]}`;
    let counted = topics.get(topic);
    if (counted === undefined) {
      counted = { total: 0, differences: [] };
      topics.set(topic, counted);
    }
    counted.total++;
    const why = await compareOne(one);
    if (why !== undefined) counted.differences.push({ name: one.name, why });
  }
  return [...topics].map(([topic, { total, differences }]) => ({ topic, total, agreed: total - differences.length, differences }));
}

interface TestCase {
  readonly name: string;
  readonly request: Omit<TestStateInput, 'definition' | 'input' | 'variables' | 'context'> & {
    readonly definition: Json;
    readonly input?: Json;
    readonly variables?: Json;
    readonly context?: Json;
  };
  readonly expected: Readonly<Record<string, Json>>;
}

const ROLE = 'arn:<partition>:iam::111111111111:role/<role>';

async function compareTest(one: TestCase): Promise<string | undefined> {
  const { request, expected } = one;
  const clock = new VirtualClock(START);
  // What a function does is not in these recordings; that it was called shows in the inspected result, so it gives that.
  const { result } = (expected.inspectionData ?? {}) as { readonly result?: string };
  const { Resource } = request.definition as { readonly Resource?: string };
  const lambdas: Behaviour[] =
    result === undefined || Resource === undefined
      ? []
      : [{ name: Resource, arn: Resource, behaviour: 'return', returns: JSON.parse(result) }];
  const account = accountOf({ lambdas }, clock);
  const text = (value: Json | undefined) => (value === undefined ? undefined : JSON.stringify(value));
  const { definition, input, variables, context, ...rest } = request;
  // The recordings leave the role of the request out; the context that AWS shows tells whether there was one.
  const roleArn = JSON.stringify(expected).includes('"RoleArn":null') ? undefined : ROLE;
  const given = { ...rest, definition: JSON.stringify(definition), input: text(input), variables: text(variables), context: text(context) };
  const where = { environment: account, place: 'arn:<partition>:states:<region>:111111111111', roleArn };
  try {
    return difference(unfolded(expected), unfolded(await testState(given, where)));
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return difference(expected, { status: 'REJECTED', error: error.code, message: error.message });
  }
}

/** @param folder the folder of all recordings */
export async function stateMachines(folder: string): Promise<Agreement[]> {
  const measured = [];
  for (const part of ['asl', 'asl-neutral']) measured.push(...(await measure(part, casesIn<Case>(join(folder, part)), compare)));
  measured.push(...(await measure('asl-test-state', casesIn<TestCase>(join(folder, 'asl-test-state')), compareTest)));
  return measured;
}
