/** What TestState refuses before it runs anything. https://docs.aws.amazon.com/step-functions/latest/apireference/API_TestState.html */
import type { TestStateInput } from '@aws-sdk/client-sfn';
import type { Json } from '../../asl/data.ts';
import type { ProcessorDefinition, StateDefinition } from '../../asl/definition.ts';
import { parseResource } from '../../asl/resource.ts';
import { modelOf } from '../../core/protocols/model.ts';
import type { Shape } from '../../core/protocols/shape.ts';
import { ServiceError } from '../../core/service.ts';

export const invalid = (message: string) => new ServiceError('ValidationException', message);
export const undefinable = (message: string) => new ServiceError('InvalidDefinition', message);

/** @throws ServiceError ValidationException where the text is no JSON */
export function parsed(text: string, what: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw invalid(`Invalid ${what}: the text is not valid JSON`);
  }
}

/** What can be mocked is what would call somebody, or run others. */
const MOCKABLE = new Set(['Task', 'Map', 'Parallel']);

/** @throws ServiceError ValidationException, InvalidDefinition */
export function checkRequest(
  { mock, stateConfiguration = {} }: TestStateInput,
  definition: StateDefinition,
  roleArn: string | undefined,
): void {
  const { Type, Resource = '' } = definition;
  const { mapIterationFailureCount, errorCausedByState } = stateConfiguration;
  if (mock === undefined) {
    if (mapIterationFailureCount !== undefined)
      throw invalid('TestState does not support MapIterationFailureCount when a mock is not specified.');
    if (Type === 'Map' || Type === 'Parallel')
      throw undefinable(
        'TestState API does not support Map or Parallel states. Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]',
      );
    const resource = Type === 'Task' ? parseResource(Resource) : undefined;
    if (resource?.kind === 'activity') throw undefinable('TestState API does not support Activity tasks when a mock is not specified.');
    if (resource?.kind === 'integration' && resource.pattern !== 'request')
      throw undefinable(
        `TestState API does not support the service integration pattern of '${resource.name}' when a mock is not specified.`,
      );
    if (resource !== undefined && roleArn === undefined) throw invalid('RoleArn must be specified when a mock is not specified.');
    return;
  }
  if (!MOCKABLE.has(Type)) throw invalid(`State type '${Type}' is not supported when a mock is specified`);
  if ((mock.result === undefined) === (mock.errorOutput === undefined))
    throw invalid('A test mock should have only one of the following fields: [result, errorOutput].');
  if (mapIterationFailureCount !== undefined && Type !== 'Map') throw invalid('MapIterationFailureCount is only supported for Map states.');
  if (errorCausedByState === undefined) return;
  if (Type === 'Task') throw invalid('ErrorCausedByState is only supported for Map and Parallel states.');
  const inner = [definition.ItemProcessor, definition.Iterator, ...(definition.Branches ?? [])];
  if (!inner.some((processor) => processor !== undefined && holds(processor, errorCausedByState)))
    throw invalid(`State not found: ${errorCausedByState}`);
}

/** Whether a state of that name is in it, however deep. */
function holds({ States }: ProcessorDefinition, name: string): boolean {
  return Object.entries(States).some(
    ([own, { ItemProcessor, Iterator: iterator, Branches = [] }]) =>
      own === name || [ItemProcessor, iterator, ...Branches].some((inner) => inner !== undefined && holds(inner, name)),
  );
}

/** The members that a context may have, and of which type each is. */
const CONTEXT: Readonly<Record<string, Readonly<Record<string, 'a string' | 'a number' | 'anything'>>>> = {
  Execution: {
    Id: 'a string',
    Input: 'anything',
    Name: 'a string',
    RoleArn: 'a string',
    StartTime: 'a string',
    RedriveCount: 'a number',
    RedriveTime: 'a string',
  },
  State: { Name: 'a string', EnteredTime: 'a string', RetryCount: 'a number' },
  StateMachine: { Id: 'a string', Name: 'a string' },
  Task: { Token: 'a string' },
};

const isObject = (value: Json): value is Readonly<Record<string, Json>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @throws ServiceError ValidationException */
export function contextOf({ context: text }: TestStateInput): Readonly<Record<string, Json>> {
  if (text === undefined) return {};
  const refuse = (why: string) => invalid(`Invalid Context object provided: ${why}`);
  const context = parsed(text, 'Context object provided');
  if (!isObject(context)) throw refuse('Context must be a JSON object');
  for (const [name, value] of Object.entries(context)) {
    if (name === 'Map') throw refuse("'Map' field is not supported when mocking a Context object");
    const known = CONTEXT[name];
    if (known === undefined) throw refuse(`Field '${name}' is not allowed`);
    if (!isObject(value)) throw refuse(`Field '${name}' must be an object`);
    for (const [field, one] of Object.entries(value)) {
      const type = known[field];
      if (type === undefined) throw refuse(`Field '${field}' is not allowed`);
      if (type !== 'anything' && typeof one !== type.slice(2)) throw refuse(`Field '${field}' must be ${type}`);
    }
  }
  return context;
}

/** The mock's value, if it looks like what the call would give. */
export function mockedResult(text: string, mode: string, definition: StateDefinition): Json {
  const result = parsed(text, 'mocked result');
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
