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
import { checkRequest, contextOf, invalid, mockedResult, parsed, undefinable } from './test-request.ts';

/** Where the state is tested. */
export interface TestEnvironment {
  readonly environment: Environment;
  /** `arn:aws:states:eu-central-1:111111111111` */
  readonly place: string;
  readonly roleArn: string | undefined;
}

/** The name that AWS gives the state in its context, whatever it is called. */
const NAME = 'StateName';
type Handled = TaskState | ParallelState | MapState;
const isHandled = (state: State): state is Handled => 'retry' in state;

/** @throws ServiceError ValidationException, InvalidDefinition, InvalidExecutionInput */
export async function testState(request: TestStateInput, where: TestEnvironment): Promise<TestStateOutput> {
  const { mock } = request;
  const { name, definition, language } = stateIn(request);
  const refused = refusal(lintState({ ...definition, QueryLanguage: language }, name));
  if (refused !== undefined) throw undefinable(refused);
  checkRequest(request, definition, where.roleArn);
  const result = mock?.result === undefined ? undefined : mockedResult(mock.result, mock.fieldValidationMode ?? 'STRICT', definition);
  const input = new Data(parsed(request.input ?? '{}', 'input'), request.input);
  const compiled = compileState(NAME, definition, language, { now: () => where.environment.clock.now(), random: where.environment.random });
  const test = new Test(request, compiled, input, where, contextOf(request));
  const answer = await test.run(result);
  if (request.inspectionLevel === undefined || request.inspectionLevel === 'INFO') return answer;
  return { ...answer, inspectionData: test.inspected(answer) };
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
  if (definition === undefined || (stateName !== undefined && !Object.hasOwn(root.States, stateName)))
    throw invalid(`State not found: ${stateName}`);
  return {
    name: stateName ?? NAME,
    definition: definition as StateDefinition,
    language: definition.QueryLanguage ?? root.QueryLanguage ?? ('JSONPath' as const),
  };
}

class Test {
  /** The result of the call, and its arguments, as they were. */
  result: Json | undefined;
  arguments: Json | undefined;
  /** In JSONPath: the input after each field that changes it, and the result after each. */
  readonly flowed: { input?: Data; parameters?: Data; selected?: Data; whole?: Data } = {};
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
      variables: variablesOf(request),
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
      main.begin(state, input);
      await this.before();
      const { mock } = this.request;
      const outcome =
        mock === undefined
          ? await main.visit(isHandled(state) ? { ...state, retry: [], catch: [] } : state, input)
          : await this.mocked(mocked);
      await this.after(mock === undefined ? this.result : mocked);
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

  private get retryCount() {
    return isHandled(this.state) ? { retryCount: this.request.stateConfiguration?.retrierRetryCount ?? 0 } : {};
  }

  /** What InputPath and Parameters make of the input, as far as it is shown. */
  private async before(): Promise<void> {
    const { main } = this.execution;
    const { state, input } = this;
    if (state.flow === undefined || state.type === 'Parallel' || state.type === 'Map') return;
    this.flowed.input = await main.effective(state, input);
    if (state.type !== 'Pass' && state.type !== 'Task') return;
    const bindings = main.bindings(state, this.flowed.input, this.retryCount);
    this.flowed.parameters = state.arguments === undefined ? this.flowed.input : new Data(await main.fill(state.arguments, bindings));
  }

  /** What ResultSelector and ResultPath make of the result. */
  private async after(called: Json | undefined): Promise<void> {
    const { main } = this.execution;
    const { state, input, flowed } = this;
    if (state.flow === undefined) return;
    const own = state.type === 'Pass' ? state.result : undefined;
    const value = own ?? called;
    const result =
      value === undefined
        ? (flowed.parameters ?? flowed.input ?? input)
        : new Data(value, own === undefined ? this.request.mock?.result : undefined);
    const { selected, whole } = await main.flowed(
      { ...state.flow, output: undefined },
      main.bindings(state, result, this.retryCount),
      result,
    );
    flowed.selected = selected;
    flowed.whole = whole;
  }

  /** Fills what comes before the call, and goes on as if it had given the mock. */
  private async mocked(result: Json | undefined) {
    const { main } = this.execution;
    const { state, input, request, retryCount } = this;
    const effective = await main.effective(state, input);
    const bindings = main.bindings(state, effective, retryCount);
    if (state.type === 'Task')
      this.arguments = state.arguments === undefined ? effective.value : await main.fill(state.arguments, bindings);
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
    return main.leave(state, main.bindings(state, effective, { ...retryCount, result: result! }), state, new Data(result!));
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
    main.begin(state, input);
    const { output } = await main.leave(
      state,
      main.bindings(state, input, { errorOutput, retryCount: retries }),
      catcher,
      new Data(errorOutput),
    );
    return { status: 'CAUGHT_ERROR', ...why, nextState: catcher.next, output: output.text };
  }

  /** What DEBUG and TRACE show beside the outcome. */
  inspected({ status }: TestStateOutput): InspectionData {
    const { state, flowed } = this;
    const { variables } = this.request;
    const text = (name: string, data: Data | undefined) => (data === undefined ? {} : { [name]: data.text });
    const shown: InspectionData = {
      input: this.input.text,
      ...this.numbers,
      ...(variables === undefined || variables === '{}' ? {} : { variables }),
      ...(this.errorDetails === undefined ? {} : { errorDetails: this.errorDetails }),
      ...(this.result === undefined ? {} : { result: JSON.stringify(this.result) }),
    };
    if (state.flow === undefined)
      return {
        ...shown,
        ...(state.type === 'Task' && this.arguments !== undefined ? { afterArguments: JSON.stringify(this.arguments) } : {}),
      };
    return {
      ...shown,
      ...text('afterInputPath', flowed.input),
      ...text('afterParameters', flowed.parameters),
      ...(status === 'SUCCEEDED' ? { ...text('afterResultSelector', flowed.selected), ...text('afterResultPath', flowed.whole) } : {}),
    };
  }
}

function variablesOf({ variables }: TestStateInput): Readonly<Record<string, Json>> {
  if (variables === undefined) return {};
  const given = parsed(variables, 'variables');
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw invalid('Variables must be a JSON object');
  return given as Readonly<Record<string, Json>>;
}
