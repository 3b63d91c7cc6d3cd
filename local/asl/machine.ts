/** A definition made ready to run: every expression parsed, once for all executions. */
import type { Json } from './data.ts';
import type { Definition, ProcessorDefinition, QueryLanguage, StateDefinition } from './definition.ts';
import type { Ambient } from './functions.ts';
import { compileRule } from './jsonpath/choice.ts';
import { constant, type Flow, flowOf, named, referenceOf, waited } from './jsonpath/flow.ts';
import { PathField, payload } from './jsonpath/template.ts';
import { parseResource, type Resource } from './resource.ts';
import type { Catcher, Retrier } from './retry.ts';
import { type Template, template, type Wanted } from './template.ts';

interface Common {
  readonly name: string;
  /** Undefined in a state of JSONata. */
  readonly flow: Flow | undefined;
  /** The state that follows; undefined where the branch ends. */
  readonly next: string | undefined;
  readonly assign: Template | undefined;
  readonly output: Template | undefined;
}

interface Handling {
  readonly retry: readonly Retrier[];
  readonly catch: readonly Catcher[];
}

export interface PassState extends Common {
  readonly type: 'Pass';
  readonly arguments: Template | undefined;
  readonly result: Json | undefined;
}

export interface TaskState extends Common, Handling {
  readonly type: 'Task';
  readonly resource: Resource;
  /** As written: `arn:aws:states:::lambda:invoke`. */
  readonly resourceArn: string;
  readonly arguments: Template | undefined;
  readonly credentials: Template | undefined;
  readonly timeout: Template | undefined;
  readonly heartbeat: Template | undefined;
}

export interface Choice {
  readonly flow: Flow | undefined;
  readonly condition: Template;
  readonly next: string;
  readonly assign: Template | undefined;
  readonly output: Template | undefined;
}

export interface ChoiceState extends Common {
  readonly type: 'Choice';
  readonly choices: readonly Choice[];
  readonly default: string | undefined;
}

export interface WaitState extends Common {
  readonly type: 'Wait';
  readonly seconds: Template | undefined;
  readonly timestamp: Template | undefined;
}

export interface SucceedState extends Common {
  readonly type: 'Succeed';
}

export interface FailState extends Common {
  readonly type: 'Fail';
  readonly error: Template | undefined;
  readonly cause: Template | undefined;
}

export interface ParallelState extends Common, Handling {
  readonly type: 'Parallel';
  readonly arguments: Template | undefined;
  readonly branches: readonly Processor[];
}

export interface MapState extends Common, Handling {
  readonly type: 'Map';
  readonly items: Template | undefined;
  /** As written, for messages. */
  readonly itemsPath: string | undefined;
  readonly selector: Template | undefined;
  readonly processor: Processor;
  readonly distributed: boolean;
  readonly maxConcurrency: Template | undefined;
  readonly toleratedCount: Template | undefined;
  readonly toleratedPercentage: Template | undefined;
  readonly reader:
    | { readonly resource: string; readonly arguments: Template | undefined; readonly maxItems: Template | undefined }
    | undefined;
  readonly batcher:
    | { readonly maxItems: Template | undefined; readonly maxBytes: Template | undefined; readonly input: Template | undefined }
    | undefined;
}

export type State = PassState | TaskState | ChoiceState | WaitState | SucceedState | FailState | ParallelState | MapState;

export interface Processor {
  readonly startAt: string;
  readonly states: ReadonlyMap<string, State>;
}

export interface Machine extends Processor {
  readonly timeoutSeconds: number | undefined;
}

/** @param definition one that lint.ts has no errors for */
export function compile(definition: Definition, ambient: Ambient): Machine {
  return { ...processor(definition, definition.QueryLanguage ?? 'JSONPath', ambient), timeoutSeconds: definition.TimeoutSeconds };
}

function processor(definition: ProcessorDefinition, inherited: QueryLanguage, ambient: Ambient): Processor {
  const states = new Map<string, State>();
  for (const [name, state] of Object.entries(definition.States))
    states.set(name, compileState(name, state, state.QueryLanguage ?? definition.QueryLanguage ?? inherited, ambient));
  return { startAt: definition.StartAt, states };
}

/** One state alone, as TestState runs it. */
export function compileState(name: string, definition: StateDefinition, language: QueryLanguage, ambient: Ambient): State {
  const byPath = language === 'JSONPath';
  /** A field that JSONata fills; in JSONPath "{% … %}" is text like any other. */
  const parse = (field: Json | undefined, location: string, wanted?: Wanted): Template | undefined => {
    if (field === undefined) return undefined;
    return byPath ? constant(field) : template(field, location, ambient, wanted);
  };
  /** A field that holds a template in both languages. */
  const filled = (field: Json | undefined, location: string): Template | undefined =>
    byPath && field !== undefined ? payload(field, ambient) : parse(field, location);
  /** A number, in JSONPath also by a path. */
  const number = (field: Json | undefined, path: string | undefined, location: string): Template | undefined =>
    path === undefined ? parse(field, location, 'number') : new PathField(path);
  const flow = byPath ? flowOf(definition, ambient) : undefined;
  const common = {
    name,
    next: definition.Next,
    flow,
    assign: filled(definition.Assign, 'Assign'),
    output: parse(definition.Output, 'Output'),
  };
  const handling = (): Handling => ({
    retry: (definition.Retry ?? []).map((retrier) => ({
      errors: retrier.ErrorEquals,
      intervalSeconds: retrier.IntervalSeconds ?? 1,
      maxAttempts: retrier.MaxAttempts ?? 3,
      backoffRate: retrier.BackoffRate ?? 2,
      maxDelaySeconds: retrier.MaxDelaySeconds,
      jitter: retrier.JitterStrategy === 'FULL',
    })),
    catch: (definition.Catch ?? []).map((catcher, index) => ({
      errors: catcher.ErrorEquals,
      next: catcher.Next,
      assign: filled(catcher.Assign, `Catch[${index}]/Assign`),
      output: parse(catcher.Output, `Catch[${index}]/Output`),
      flow: byPath ? { input: undefined, selector: undefined, result: referenceOf(catcher.ResultPath), output: undefined } : undefined,
    })),
  });
  switch (definition.Type) {
    case 'Pass':
      return { ...common, type: 'Pass', arguments: filled(definition.Parameters, 'Parameters'), result: definition.Result };
    case 'Task': {
      const resource = parseResource(definition.Resource ?? '');
      if (resource === undefined) throw new Error(`${name}: ${definition.Resource} is no resource`);
      return {
        ...common,
        ...handling(),
        type: 'Task',
        resource,
        resourceArn: definition.Resource!,
        arguments: byPath ? filled(definition.Parameters, 'Parameters') : parse(definition.Arguments, 'Arguments'),
        credentials: filled(definition.Credentials as Json | undefined, 'Credentials'),
        timeout: number(definition.TimeoutSeconds, definition.TimeoutSecondsPath, 'TimeoutSeconds'),
        heartbeat: number(definition.HeartbeatSeconds, definition.HeartbeatSecondsPath, 'HeartbeatSeconds'),
      };
    }
    case 'Choice':
      return {
        ...common,
        type: 'Choice',
        default: definition.Default,
        choices: (definition.Choices ?? []).map((choice, index) => ({
          condition: byPath ? { fill: compileRule(choice) } : parse(choice.Condition, `Choices[${index}]/Condition`, 'boolean')!,
          next: choice.Next,
          flow,
          assign: filled(choice.Assign, `Choices[${index}]/Assign`),
          output: parse(choice.Output, `Choices[${index}]/Output`),
        })),
      };
    case 'Wait':
      return {
        ...common,
        type: 'Wait',
        seconds: waited(definition.SecondsPath, 'SecondsPath') ?? parse(definition.Seconds, 'Seconds', 'number'),
        timestamp: waited(definition.TimestampPath, 'TimestampPath') ?? parse(definition.Timestamp, 'Timestamp', 'string'),
      };
    case 'Succeed':
      return { ...common, type: 'Succeed' };
    case 'Fail':
      return {
        ...common,
        type: 'Fail',
        error: named(definition.ErrorPath, 'ErrorPath', ambient) ?? parse(definition.Error, 'Error', 'string'),
        cause: named(definition.CausePath, 'CausePath', ambient) ?? parse(definition.Cause, 'Cause', 'string'),
      };
    case 'Parallel':
      return {
        ...common,
        ...handling(),
        type: 'Parallel',
        arguments: byPath ? filled(definition.Parameters, 'Parameters') : parse(definition.Arguments, 'Arguments'),
        branches: (definition.Branches ?? []).map((branch) => processor(branch, language, ambient)),
      };
    case 'Map': {
      const inner = (definition.ItemProcessor ?? definition.Iterator)!;
      const { ItemReader, ItemBatcher } = definition;
      return {
        ...common,
        ...handling(),
        type: 'Map',
        items: definition.ItemsPath === undefined ? parse(definition.Items, 'Items', 'array') : new PathField(definition.ItemsPath),
        itemsPath: definition.ItemsPath,
        selector: filled(definition.ItemSelector ?? definition.Parameters, 'ItemSelector'),
        processor: processor(inner, language, ambient),
        distributed: inner.ProcessorConfig?.Mode === 'DISTRIBUTED',
        maxConcurrency: number(definition.MaxConcurrency, definition.MaxConcurrencyPath, 'MaxConcurrency'),
        toleratedCount: number(definition.ToleratedFailureCount, definition.ToleratedFailureCountPath, 'ToleratedFailureCount'),
        toleratedPercentage: number(
          definition.ToleratedFailurePercentage,
          definition.ToleratedFailurePercentagePath,
          'ToleratedFailurePercentage',
        ),
        reader: ItemReader && {
          resource: ItemReader.Resource,
          arguments: byPath ? filled(ItemReader.Parameters, 'ItemReader/Parameters') : parse(ItemReader.Arguments, 'ItemReader/Arguments'),
          maxItems: number(ItemReader.ReaderConfig?.MaxItems, ItemReader.ReaderConfig?.MaxItemsPath, 'ItemReader/ReaderConfig/MaxItems'),
        },
        batcher: ItemBatcher && {
          maxItems: number(ItemBatcher.MaxItemsPerBatch, ItemBatcher.MaxItemsPerBatchPath, 'ItemBatcher/MaxItemsPerBatch'),
          maxBytes: number(ItemBatcher.MaxInputBytesPerBatch, ItemBatcher.MaxInputBytesPerBatchPath, 'ItemBatcher/MaxInputBytesPerBatch'),
          input: filled(ItemBatcher.BatchInput, 'ItemBatcher/BatchInput'),
        },
      };
    }
  }
}
