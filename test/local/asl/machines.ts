/** Runs a definition by itself: an account whose functions are those of the test, on virtual time. */
import { Data, type Json } from '../../../local/asl/data.ts';
import type { Definition, StateDefinition } from '../../../local/asl/definition.ts';
import type { Environment, FollowedWork, TaskRequest } from '../../../local/asl/environment.ts';
import { Execution } from '../../../local/asl/execution.ts';
import { lintDefinition } from '../../../local/asl/lint.ts';
import { compile } from '../../../local/asl/machine.ts';
import { TaskTokens } from '../../../local/asl/tokens.ts';
import { VirtualClock } from '../../../local/core/clock.ts';
import { Random } from '../../../local/core/random.ts';

export const START = Date.UTC(2026, 10, 2, 9, 0, 0);

type States = Readonly<Record<string, Omit<StateDefinition, 'Type'> & { readonly Type: string }>>;

/** A JSONata machine whose first state is the first that is listed. */
export function machine(states: States, more: Partial<Definition> = {}): Definition {
  return { QueryLanguage: 'JSONata', StartAt: Object.keys(states)[0]!, States: states as unknown as Definition['States'], ...more };
}

/** A state that calls a function of the test. */
export const call = (name: string, more: object = {}) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Arguments: { FunctionName: name, Payload: '{% $states.input %}' },
  Output: '{% $states.result.Payload %}',
  ...more,
});

export interface World {
  /** By name. What it throws becomes the state's error. */
  readonly functions?: Readonly<Record<string, (payload: Json, task: TaskRequest) => Json | Promise<Json>>>;
  readonly follow?: (task: TaskRequest, answer: Json) => FollowedWork;
  readonly seed?: number;
  readonly items?: Json;
}

/** Starts an execution; `run` lets time pass until it ends, or until `until` (milliseconds after the start). */
export function begin(definition: Definition, input: Json = {}, world: World = {}) {
  const refused = lintDefinition(definition).filter(({ severity }) => severity === 'ERROR');
  if (refused.length > 0) throw new Error(refused.map(({ location, message }) => `${location}: ${message}`).join('\n'));
  const clock = new VirtualClock(START);
  const random = new Random(world.seed ?? 7);
  const entered: string[] = [];
  const tasks: { readonly task: TaskRequest; readonly time: number }[] = [];
  const environment: Environment & { readonly tokens: TaskTokens } = {
    clock,
    random,
    tokens: new TaskTokens(random),
    region: 'eu-central-1',
    request: async (task) => {
      tasks.push({ task, time: clock.now() - START });
      const { resource } = task;
      const given = task.arguments as Readonly<Record<string, Json>>;
      const name = resource.kind === 'lambda' ? resource.arn.split(':').at(-1)! : String(given.FunctionName ?? resource.kind);
      const run = world.functions?.[name];
      if (run === undefined) throw new Error(`the test has no function ${name}`);
      const payload = await run(resource.kind === 'lambda' ? task.arguments : (given.Payload ?? {}), task);
      return resource.kind === 'lambda' ? payload : { ExecutedVersion: '$LATEST', Payload: payload, StatusCode: 200 };
    },
    follow: (task, answer) => world.follow!(task, answer),
    transition: (state) => entered.push(state),
    ...(world.items === undefined ? {} : { items: async () => world.items! }),
  };
  const execution = new Execution({
    environment,
    machine: compile(definition, { now: () => clock.now(), random }),
    arn: 'arn:aws:states:eu-central-1:111111111111:execution:m:e',
    name: 'e',
    input: new Data(input),
    roleArn: 'arn:aws:iam::111111111111:role/m',
    stateMachine: { id: 'arn:aws:states:eu-central-1:111111111111:stateMachine:m', name: 'm' },
  });
  execution.start();
  const run = async (until?: number) => {
    await clock.run(until === undefined ? { done: () => execution.end !== undefined } : { until: START + until });
    return ended();
  };
  const ended = () => ({
    status: execution.status,
    output: execution.end?.output?.value,
    error: execution.end?.error,
    cause: execution.end?.cause,
    /** Milliseconds after the start. */
    time: (execution.endedAt ?? clock.now()) - START,
  });
  const types = () => execution.history.events.map(({ type }) => type);
  return { execution, clock, environment, entered, tasks, run, ended, types };
}

/** Runs to the end. */
export const run = (definition: Definition, input?: Json, world?: World) => begin(definition, input, world).run();
