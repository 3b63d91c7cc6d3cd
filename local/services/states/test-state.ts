/** TestState: one state run alone, with its call made or mocked. https://docs.aws.amazon.com/step-functions/latest/dg/test-state-isolation.html */
import type { InspectionData, TestStateInput, TestStateOutput } from '@aws-sdk/client-sfn';
import { errorOutputOf } from '../../asl/branch.ts';
import { Data, type Json } from '../../asl/data.ts';
import type { Definition, StateDefinition } from '../../asl/definition.ts';
import type { Environment } from '../../asl/environment.ts';
import { matchesError, StateError } from '../../asl/error.ts';
import { Execution } from '../../asl/execution.ts';
import { lintState, refusal } from '../../asl/lint.ts';
import { compileState, type MapState, type ParallelState, type State, type TaskState } from '../../asl/machine.ts';
import { retryDelay } from '../../asl/retry.ts';
import { modelOf } from '../../core/protocols/model.ts';
import type { Shape } from '../../core/protocols/shape.ts';
import { ServiceError } from '../../core/service.ts';

/** Where the state is tested. */
export interface TestEnvironment {
  readonly environment: Environment;
  /** `arn:aws:states:eu-central-1:111111111111` */
  readonly place: string;
  readonly roleArn: string | undefined;
}

/** The name that AWS gives the state in its context, whatever it is called. */
const NAME = 'StateName';
const CONTEXT: Readonly<Record<string, readonly string[]>> = {
  Execution: ['Id', 'Input', 'Name', 'RoleArn', 'StartTime', 'RedriveCount', 'RedriveTime'],
  State: ['Name', 'EnteredTime', 'RetryCount'],
  StateMachine: ['Id', 'Name'],
  Task: ['Token'],
};

const invalid = (message: string) => new ServiceError('ValidationException', message);
const undefinable = (message: string) => new ServiceError('InvalidDefinition', message);

type Handled = TaskState | ParallelState | MapState;
const isHandled = (state: State): state is Handled => 'retry' in state;

/** @throws ServiceError ValidationException, InvalidDefinition, InvalidExecutionInput */
export async function testState(request: TestStateInput, where: TestEnvironment): Promise<TestStateOutput> {
  const { mock, stateConfiguration = {} } = request;
  const { name, definition, language } = stateIn(request);
  const refused = refusal(lintState({ ...definition, QueryLanguage: language }, name));
  if (refused !== undefined) throw undefinable(refused);
  if (mock === undefined) {
    if (stateConfiguration.mapIterationFailureCount !== undefined)
      throw invalid('TestState does not support MapIterationFailureCount when a mock is not specified.');
    if (definition.Type === 'Map' || definition.Type === 'Parallel')
      throw undefinable(
        'TestState API does not support Map or Parallel states. Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]',
      );
  } else if (definition.Type === 'Fail' || definition.Type === 'Succeed')
    throw invalid(`State type '${definition.Type}' is not supported when a mock is specified`);
  const result = mock?.result === undefined ? undefined : mockedResult(mock.result, mock.fieldValidationMode ?? 'STRICT', definition);
  const input = new Data(JSON.parse(request.input ?? '{}') as Json, request.input);
  const compiled = compileState(NAME, definition, language, { now: () => where.environment.clock.now(), random: where.environment.random });
  const test = new Test(request, compiled, input, where, contextOf(request));
  const answer = await test.run(result);
  if (request.inspectionLevel === undefined || request.inspectionLevel === 'INFO') return answer;
  return { ...answer, inspectionData: inspected(language, definition, request, input, test, answer) };
}

/** The state itself, or the named one of a machine. */
function stateIn({ definition: text, stateName }: TestStateInput) {
  let root: Definition & StateDefinition;
  try {
    root = JSON.parse(text ?? '') as Definition & StateDefinition;
  } catch {
    throw undefinable("Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object'");
  }
  const definition = stateName === undefined ? root : root.States?.[stateName];
  if (definition === undefined) throw invalid(`State not found: ${stateName}`);
  return {
    name: stateName ?? NAME,
    definition: definition as StateDefinition,
    language: definition.QueryLanguage ?? root.QueryLanguage ?? ('JSONPath' as const),
  };
}

function contextOf({ context: text }: TestStateInput): Readonly<Record<string, Json>> {
  if (text === undefined) return {};
  const context = JSON.parse(text) as Readonly<Record<string, Json>>;
  for (const [name, value] of Object.entries(context)) {
    if (name === 'Map') throw invalid("Invalid Context object provided: 'Map' field is not supported when mocking a Context object");
    const known = CONTEXT[name];
    const unknown = known === undefined ? name : Object.keys(value as object).find((field) => !known.includes(field));
    if (unknown !== undefined) throw invalid(`Invalid Context object provided: Field '${unknown}' is not allowed`);
  }
  return context;
}

/** The mock's value, if it looks like what the call would give. */
function mockedResult(text: string, mode: string, definition: StateDefinition): Json {
  const result = JSON.parse(text) as Json;
  if (definition.Type === 'Map' || definition.Type === 'Parallel') {
    if (!Array.isArray(result)) throw invalid('Mocked result must be an array.');
    if (definition.Type === 'Parallel' && result.length !== definition.Branches?.length)
      throw invalid('Mocked result must contain the same number of items as number of Parallel branches.');
  }
  const shape = definition.Type === 'Task' ? answerShape(definition.Resource ?? '') : undefined;
  if (shape !== undefined && mode !== 'NONE') {
    const why = misshapen(shape, result, mode === 'STRICT', '');
    if (why !== undefined) throw invalid(`Mock result schema validation error: ${why}`);
  }
  return result;
}

/** The shape of the call's answer, where the client of its service knows it. The payload of a function has none. */
function answerShape(resource: string): Shape | undefined {
  const [, service, action] = /:states:::(?:aws-sdk:)?([a-z0-9-]+):([A-Za-z0-9]+)$/.exec(resource) ?? [];
  if (service === undefined || action === undefined || service === 'lambda') return undefined;
  return modelOf(service === 'sfn' ? 'states' : service)?.operations.get(action.charAt(0).toUpperCase() + action.slice(1))?.output;
}

const upperFirst = (name: string) => name.charAt(0).toUpperCase() + name.slice(1);

/** Why a mocked answer is not what the API would give; times are text in state machines. */
function misshapen(shape: Shape, value: Json, strict: boolean, field: string): string | undefined {
  switch (shape.kind) {
    case 'structure': {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return `Field '${field}' must be an object`;
      const given = value as Readonly<Record<string, Json>>;
      if (strict)
        for (const name of shape.required)
          if (given[upperFirst(name)] === undefined) return `Required field '${upperFirst(name)}' is missing`;
      for (const { name, shape: inner } of shape.members.values()) {
        const one = given[upperFirst(name)];
        const why = one === undefined ? undefined : misshapen(inner, one, strict, upperFirst(name));
        if (why !== undefined) return why;
      }
      return undefined;
    }
    case 'list':
      if (!Array.isArray(value)) return `Field '${field}' must be an array`;
      return value.map((one: Json) => misshapen(shape.item.shape, one, strict, field)).find((why) => why !== undefined);
    case 'string':
    case 'timestamp':
    case 'blob':
      return typeof value === 'string' ? undefined : `Field '${field}' must be a string`;
    case 'number':
      return typeof value === 'number' ? undefined : `Field '${field}' must be a number`;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : `Field '${field}' must be a boolean`;
    default:
      return undefined;
  }
}

class Test {
  /** The result of the call, and its arguments, as they were. */
  result: Json | undefined;
  arguments: Json | undefined;
  errorDetails: InspectionData['errorDetails'];
  readonly numbers: { maxConcurrency?: number; toleratedFailureCount?: number; toleratedFailurePercentage?: number } = {};
  private readonly request: TestStateInput;
  private readonly state: State;
  private readonly input: Data;
  private readonly execution: Execution;

  constructor(request: TestStateInput, state: State, input: Data, where: TestEnvironment, context: Readonly<Record<string, Json>>) {
    this.request = request;
    this.state = state;
    this.input = input;
    const { random } = where.environment;
    const machine = random.uuid();
    const name = random.uuid();
    const { environment } = where;
    this.execution = new Execution({
      environment: {
        ...environment,
        request: async (task) => {
          this.arguments = task.arguments;
          this.result = await environment.request(task);
          return this.result;
        },
      },
      machine: { startAt: NAME, states: new Map([[NAME, state]]), timeoutSeconds: undefined },
      arn: `${where.place}:express:${machine}:${name}`,
      name,
      input,
      roleArn: where.roleArn ?? '',
      stateMachine: { id: `${where.place}:stateMachine:${machine}`, name: machine },
      variables: request.variables === undefined ? {} : (JSON.parse(request.variables) as Readonly<Record<string, Json>>),
      context: {
        Execution: {
          Id: `${where.place}:express:${machine}:${name}`,
          Input: input.value,
          Name: name,
          RoleArn: where.roleArn ?? null,
          StartTime: new Date(environment.clock.now()).toISOString(),
        },
        ...context,
      },
    });
  }

  async run(mocked: Json | undefined): Promise<TestStateOutput> {
    const { main } = this.execution;
    const { state, input } = this;
    try {
      const { mock } = this.request;
      const outcome =
        mock === undefined
          ? await main.visit(isHandled(state) ? { ...state, retry: [], catch: [] } : state, input)
          : await this.mocked(mocked);
      return {
        status: 'SUCCEEDED',
        output: outcome.output.text,
        ...(outcome.next === undefined ? {} : { nextState: outcome.next }),
      };
    } catch (error) {
      if (!(error instanceof StateError)) throw error;
      return this.failed(error);
    }
  }

  /** Fills what comes before the call, and goes on as if it had given the mock. */
  private async mocked(result: Json | undefined) {
    const { main } = this.execution;
    const { state, input, request } = this;
    main.current = state;
    main.enteredAt = this.execution.environment.clock.now();
    const retryCount = isHandled(state) ? { retryCount: request.stateConfiguration?.retrierRetryCount ?? 0 } : {};
    const bindings = main.bindings(state, input, retryCount);
    if (state.type === 'Task') this.arguments = state.arguments === undefined ? input.value : await main.fill(state.arguments, bindings);
    if (state.type === 'Map') {
      this.numbers.maxConcurrency = state.maxConcurrency === undefined ? 0 : ((await main.fill(state.maxConcurrency, bindings)) as number);
      if (state.toleratedCount !== undefined)
        this.numbers.toleratedFailureCount = (await main.fill(state.toleratedCount, bindings)) as number;
      if (state.toleratedPercentage !== undefined)
        this.numbers.toleratedFailurePercentage = (await main.fill(state.toleratedPercentage, bindings)) as number;
    }
    const { errorOutput } = request.mock!;
    if (errorOutput !== undefined) throw new StateError(errorOutput.error, errorOutput.cause);
    this.checkFailures(result);
    const seen = state.type === 'Pass' || state.type === 'Choice' || state.type === 'Wait' ? {} : { result: result! };
    return main.leave(
      state,
      main.bindings(state, input, { ...retryCount, ...seen }),
      state,
      result === undefined ? input : new Data(result),
    );
  }

  /** A Map whose iterations have failed more often than it tolerates. */
  private checkFailures(result: Json | undefined): void {
    const failures = this.request.stateConfiguration?.mapIterationFailureCount ?? 0;
    const { toleratedFailureCount: count, toleratedFailurePercentage: percentage } = this.numbers;
    const all = Array.isArray(result) ? result.length : 0;
    if ((count !== undefined && failures > count) || (percentage !== undefined && (100 * failures) / all > percentage))
      throw new StateError('States.ExceedToleratedFailureThreshold', 'The specified tolerated failure threshold was exceeded');
  }

  /** What the state's Retry or Catch would do. */
  private async failed(error: StateError): Promise<TestStateOutput> {
    const { main } = this.execution;
    const { state, input, request } = this;
    const why = {
      ...(error.error === undefined ? {} : { error: error.error }),
      ...(error.cause === undefined ? {} : { cause: error.cause }),
    };
    if (!isHandled(state)) return { status: 'FAILED', ...why };
    const retries = request.stateConfiguration?.retrierRetryCount ?? 0;
    const retryIndex = state.retry.findIndex(({ errors }) => matchesError(errors, error));
    const retrier = state.retry[retryIndex];
    if (retrier !== undefined && retries < retrier.maxAttempts) {
      this.errorDetails = { retryIndex, retryBackoffIntervalSeconds: retryDelay(retrier, retries) };
      return { status: 'RETRIABLE', ...why };
    }
    const catchIndex = state.catch.findIndex(({ errors }) => matchesError(errors, error));
    const catcher = state.catch[catchIndex];
    if (catcher === undefined) return { status: 'FAILED', ...why };
    this.errorDetails = { catchIndex };
    const errorOutput = errorOutputOf(error);
    main.current = state;
    const { output } = await main.leave(
      state,
      main.bindings(state, input, { errorOutput, retryCount: retries }),
      catcher,
      new Data(errorOutput),
    );
    return { status: 'CAUGHT_ERROR', ...why, nextState: catcher.next, output: output.text };
  }
}

/** What DEBUG and TRACE show beside the outcome. */
function inspected(
  language: string,
  { Type }: StateDefinition,
  { mock, variables }: TestStateInput,
  input: Data,
  test: Test,
  answer: TestStateOutput,
): InspectionData {
  const called = test.result === undefined ? {} : { result: JSON.stringify(test.result) };
  const shown: InspectionData = {
    input: input.text,
    ...test.numbers,
    ...(variables === undefined || variables === '{}' ? {} : { variables }),
    ...(test.errorDetails === undefined ? {} : { errorDetails: test.errorDetails }),
  };
  if (language === 'JSONata')
    return {
      ...shown,
      ...called,
      ...(Type === 'Task' && test.arguments !== undefined ? { afterArguments: JSON.stringify(test.arguments) } : {}),
    };
  // A neutral state has none of the fields of JSONPath, so nothing changes on the way.
  const before = mock === undefined ? { afterInputPath: input.text } : {};
  if (answer.status !== 'SUCCEEDED') return { ...shown, ...before };
  const given = mock === undefined && ['Pass', 'Task'].includes(Type) ? { afterParameters: input.text } : {};
  const result = mock?.result ?? answer.output;
  return { ...shown, ...called, ...before, ...given, afterResultSelector: result, afterResultPath: result };
}
