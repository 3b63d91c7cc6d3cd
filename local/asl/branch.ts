/** A sequence of states that runs by itself: a whole execution, a branch of a Parallel, an iteration of a Map. */
import type { HistoryEventType } from '@aws-sdk/client-sfn';
import { Data, type Json } from './data.ts';
import { Cancelled, EvaluationError, PathError, StateError } from './error.ts';
import { COMPLETE, type EventDetails } from './history.ts';
import type { Flow } from './jsonpath/flow.ts';
import { placed } from './jsonpath/path.ts';
import type { MapState, ParallelState, State, TaskState } from './machine.ts';
import { catcherOf, Retries } from './retry.ts';
import type { Run } from './run.ts';
import type { Bindings, Template } from './template.ts';

/** Where a state led to. */
export interface Outcome {
  /** Undefined at the end of the branch. */
  readonly next: string | undefined;
  readonly output: Data;
}

/** What only some fields of some states see. */
export interface Extras {
  /** `$states.result` */
  readonly result?: Json;
  /** `$states.errorOutput` */
  readonly errorOutput?: Json;
  readonly retryCount?: number;
  readonly token?: string | undefined;
  /** `$states.context.Map.Item` where the Map itself selects its items. */
  readonly item?: MapItem;
}

export interface MapItem {
  readonly Index: number;
  readonly Value: Json;
}

/** The fields that decide how a state is left. */
export interface Leaving {
  /** In JSONPath: how the result becomes the output. */
  readonly flow: Flow | undefined;
  readonly assign: Template | undefined;
  readonly output: Template | undefined;
  readonly next: string | undefined;
}

/** What a Catch gets of an error. */
export const errorOutputOf = ({ error, cause, absent }: StateError) => ({ Error: error ?? absent, Cause: cause ?? absent });

/** Runs a state that was entered: `enter.ts`, handed in so that a branch need not know the types of states. */
export type Enter = (branch: Branch, state: State, input: Data) => Promise<Outcome>;

/** The states that AWS reports as aborted. */
const ABORTABLE = new Set<State['type']>(['Task', 'Wait', 'Parallel', 'Map']);

const isThenable = (value: unknown): value is Promise<Json> => value instanceof Promise;

export class Branch {
  readonly execution: Run;
  /** The iteration of a Map that this is, or is inside of. */
  readonly item: MapItem | undefined;
  readonly children = new Set<Branch>();
  /** The state that runs now. */
  current: State | undefined;
  /** Milliseconds since the epoch. */
  enteredAt = 0;
  cancelled = false;
  /** It was cancelled with the whole execution: nothing of it is recorded any more. */
  silent = false;
  /** What is recorded of it beyond its states, such as an iteration of a Map. */
  whenCancelled: (() => void) | undefined;
  /** Branches of the state that runs now, by their number: what a redrive goes on from. */
  kept: (Branch | undefined)[] = [];
  /** What it gave, once it has come to its end. */
  output: Data | undefined;
  private readonly enter: Enter;
  private readonly states: ReadonlyMap<string, State>;
  /** Variables that are visible here: those of outer branches, and its own. */
  private variables: Readonly<Record<string, Json>>;
  /** The last event of this branch: what the next one follows. */
  private previous: number;
  /** The event of entering the state, until something follows it: what fails on entry is recorded as following what came before. */
  private entering: number | undefined;
  private input: Data | undefined;
  private place: State | undefined;
  private resumed: readonly (Branch | undefined)[] | undefined;
  private enteredEvent = 0;
  private readonly stops = new Set<() => void>();

  constructor(
    execution: Run,
    enter: Enter,
    states: ReadonlyMap<string, State>,
    previous: number,
    outer: { readonly variables: Readonly<Record<string, Json>>; readonly item: MapItem | undefined },
  ) {
    this.execution = execution;
    this.enter = enter;
    this.states = states;
    this.previous = previous;
    this.variables = outer.variables;
    this.item = outer.item;
  }

  /** A branch inside the state that runs now. */
  child(states: ReadonlyMap<string, State>, previous: number, item: MapItem | undefined = this.item, before?: Branch): Branch {
    const child =
      before?.revived(previous) ?? new Branch(this.execution, this.enter, states, previous, { variables: this.variables, item });
    this.children.add(child);
    return child;
  }

  /** Where it stopped, to go on from there: what has ended well in it is not done again. https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html */
  revived(previous: number): Branch {
    const { variables, item } = this;
    const branch = new Branch(this.execution, this.enter, this.states, previous, { variables, item });
    const { place, input, output, kept } = this;
    Object.assign(branch, { place, input, output, resumed: kept });
    return branch;
  }

  /** What a redrive has left of the branches of the state that runs now; undefined where they begin anew. */
  takeResumed(): readonly (Branch | undefined)[] | undefined {
    const { resumed } = this;
    this.resumed = undefined;
    return resumed;
  }

  /** Runs from `startAt`, or from where it stopped, to the end. @throws StateError, Cancelled */
  async run(startAt: string, input: Data): Promise<Data> {
    if (this.output !== undefined) return this.output;
    let { next, output } = this.place === undefined ? { next: startAt, output: input } : await this.again(this.place, this.input!);
    while (next !== undefined) {
      const state = this.states.get(next);
      if (state === undefined) throw new StateError('States.Runtime', `The state '${next}' does not exist.`);
      ({ next, output } = await this.visit(state, output));
    }
    this.current = undefined;
    this.output = output;
    return output;
  }

  /** Runs a state again that has been entered before. */
  private again(state: State, input: Data): Promise<Outcome> {
    this.current = state;
    this.enteredAt = this.execution.environment.clock.now();
    this.enteredEvent = this.previous;
    this.execution.environment.transition?.(state.name);
    return this.enter(this, state, input);
  }

  /** Enters a state and runs it until it is left. @throws StateError, Cancelled */
  visit(state: State, input: Data): Promise<Outcome> {
    if (this.cancelled) throw new Cancelled();
    this.settle();
    this.current = state;
    this.place = state;
    this.input = input;
    this.kept = [];
    this.enteredAt = this.execution.environment.clock.now();
    this.execution.environment.transition?.(state.name);
    this.entering = this.execution.history.add(`${state.type}StateEntered`, this.previous, {
      stateEnteredEventDetails: { name: state.name, input: input.text, inputDetails: COMPLETE },
    });
    this.enteredEvent = this.entering;
    return this.enter(this, state, input);
  }

  /** The id of the last event. */
  get last(): number {
    return this.entering ?? this.previous;
  }

  /** Fixes that the state was entered: from here on, events follow that one. */
  settle(): void {
    if (this.entering === undefined) return;
    this.previous = this.entering;
    this.entering = undefined;
  }

  /** Adds an event that follows the last one of this branch. */
  add(type: HistoryEventType, details?: EventDetails): number {
    this.settle();
    this.previous = this.execution.history.add(type, this.previous, details);
    return this.previous;
  }

  /** Adds an event beside the chain, such as `MapStateSucceeded`, which nothing follows. */
  addAside(type: HistoryEventType, details?: EventDetails): void {
    this.settle();
    this.execution.history.add(type, this.previous, details);
  }

  /** Goes on from an event of another branch. */
  follow(event: number): void {
    this.settle();
    this.previous = event;
  }

  /** `$states` and the variables. https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html */
  bindings(state: State, input: Data, extras: Extras = {}): Bindings {
    const item = extras.item ?? this.item;
    const { retryCount, token } = extras;
    return {
      ...this.variables,
      states: {
        input: input.value,
        ...(extras.result === undefined ? {} : { result: extras.result }),
        ...(extras.errorOutput === undefined ? {} : { errorOutput: extras.errorOutput }),
        context: {
          ...this.execution.context,
          State: {
            EnteredTime: new Date(this.enteredAt).toISOString(),
            Name: state.name,
            ...(retryCount === undefined ? {} : { RetryCount: retryCount }),
          },
          ...(token === undefined ? {} : { Task: { Token: token } }),
          ...(item === undefined ? {} : { Map: { Item: item } }),
        },
      },
    };
  }

  /** Fills a template; an error in it is recorded, and becomes the state's. @throws StateError States.QueryEvaluationError */
  async fill(template: Template, bindings: Bindings): Promise<Json> {
    if (template.constant !== undefined) return template.constant;
    try {
      const filled = template.fill(bindings);
      const value = isThenable(filled) ? await filled : filled;
      if (this.cancelled) throw new Cancelled();
      return value;
    } catch (error) {
      if (error instanceof PathError) throw this.broken(error.message, error.error);
      throw error instanceof EvaluationError ? this.evaluationFailed(error) : error;
    }
  }

  evaluationFailed({ message, location }: EvaluationError): StateError {
    const { name } = this.current!;
    const cause = `An error occurred while executing the state '${name}' (entered at the event id #${this.enteredEvent}). ${message}`;
    const error = 'States.QueryEvaluationError';
    this.previous = this.execution.history.add('EvaluationFailed', this.previous, {
      evaluationFailedEventDetails: { error, cause, state: name, ...(location === undefined ? {} : { location }) },
    });
    this.entering = undefined;
    return new StateError(error, cause);
  }

  /** What cannot be done while the state runs, as AWS puts it. */
  broken(message: string, error = 'States.Runtime'): StateError {
    this.settle();
    const { name } = this.current!;
    return new StateError(
      error,
      `An error occurred while executing the state '${name}' (entered at the event id #${this.enteredEvent}). ${message}`,
    );
  }

  /** What a state works on: its input, or what InputPath takes of it. */
  async effective(state: State, input: Data): Promise<Data> {
    const path = state.flow?.input;
    return path === undefined ? input : new Data(await this.fill(path, this.bindings(state, input)));
  }

  /** Makes a state the present one without running it, as TestState does. */
  begin(state: State, input: Data): void {
    this.current = state;
    this.input = input;
    this.enteredAt = this.execution.environment.clock.now();
  }

  /** The output of a state of JSONPath, and what Assign sees: the result as ResultSelector leaves it. */
  async flowed({ selector, result: place, output }: Flow, bindings: Bindings, result: Data) {
    const on = (data: Data): Bindings => ({ ...bindings, states: { ...(bindings.states as object), input: data.value } });
    const selected = selector === undefined ? result : new Data(await this.fill(selector, on(result)));
    const raw = this.input!;
    let whole = selected;
    if (place === null) whole = raw;
    else if (place !== undefined) {
      const value = placed(raw.value, place, selected.value);
      if (value === undefined)
        throw this.broken(`Unable to apply ReferencePath ${place.source} to input ${raw.text}`, 'States.ResultPathMatchFailure');
      whole = new Data(value);
    }
    return { seen: on(selected), selected, whole, left: output === undefined ? whole : new Data(await this.fill(output, on(whole))) };
  }

  /** Evaluates Assign and Output against the values from before, then leaves the state. */
  async leave(state: State, bindings: Bindings, { assign, output, next, flow }: Leaving, otherwise: Data): Promise<Outcome> {
    if (this.cancelled) throw new Cancelled();
    const flowed = flow === undefined ? undefined : await this.flowed(flow, bindings, otherwise);
    const seen = flowed?.seen ?? bindings;
    const assigned = assign === undefined ? undefined : ((await this.fill(assign, seen)) as Readonly<Record<string, Json>>);
    const left = flowed?.left ?? (output === undefined ? otherwise : new Data(await this.fill(output, bindings)));
    this.limit(left);
    if (assigned !== undefined) this.limit(new Data(assigned));
    this.add(`${state.type as Exclude<State['type'], 'Fail'>}StateExited`, {
      stateExitedEventDetails: {
        name: state.name,
        output: left.text,
        outputDetails: COMPLETE,
        ...(assigned === undefined
          ? {}
          : {
              assignedVariables: Object.fromEntries(Object.entries(assigned).map(([name, value]) => [name, JSON.stringify(value)])),
              assignedVariablesDetails: COMPLETE,
            }),
      },
    });
    if (assigned !== undefined) this.variables = { ...this.variables, ...assigned };
    return { next, output: left };
  }

  /** @throws StateError States.DataLimitExceeded */
  limit(data: Data): void {
    if (data.exceeds)
      throw new StateError(
        'States.DataLimitExceeded',
        `The state/task '${this.current?.name}' returned a result with a size exceeding the maximum number of bytes service limit.`,
      );
  }

  /**
   * Runs a state that has Retry and Catch.
   * @param attempt one run; `retryCount` says how many retries came before
   * @param failed called once no retry is left, before a Catch is looked for
   */
  async handled(
    state: TaskState | ParallelState | MapState,
    input: Data,
    attempt: (retryCount: number) => Promise<Outcome>,
    failed?: () => void,
  ): Promise<Outcome> {
    const { environment } = this.execution;
    const retries = new Retries(state.retry);
    for (;;) {
      try {
        return await attempt(retries.count);
      } catch (error) {
        if (!(error instanceof StateError) || this.cancelled) throw error;
        const delay = retries.next(error, environment.random);
        if (delay !== undefined) {
          if (delay > 0) await this.sleep(delay * 1000, `${state.name} is retried`);
          environment.transition?.(state.name);
          continue;
        }
        failed?.();
        const catcher = catcherOf(state.catch, error);
        if (catcher === undefined) throw error;
        const errorOutput = errorOutputOf(error);
        const bindings = this.bindings(state, input, { errorOutput, retryCount: retries.count });
        return await this.leave(state, bindings, catcher, new Data(errorOutput));
      }
    }
  }

  /** @throws Cancelled */
  sleep(milliseconds: number, what: string): Promise<void> {
    const { clock } = this.execution.environment;
    return this.interruptible<void>(({ resolve }) => {
      const timer = clock.after(milliseconds, `${what} (event ${this.last})`, () => resolve());
      return () => clock.cancel(timer);
    });
  }

  /**
   * A wait that ends when this branch is cancelled.
   * @param begin starts it and returns what clears it up, run once, however it ends
   * @throws Cancelled
   */
  interruptible<T>(begin: (end: { resolve: (value: T) => void; reject: (error: unknown) => void }) => () => void): Promise<T> {
    if (this.cancelled) return Promise.reject(new Cancelled());
    return new Promise((resolve, reject) => {
      let over = false;
      let clear: (() => void) | undefined;
      const end = () => {
        if (over) return false;
        over = true;
        this.stops.delete(stop);
        clear?.();
        return true;
      };
      const stop = () => {
        if (end()) reject(new Cancelled());
      };
      this.stops.add(stop);
      clear = begin({
        resolve: (value) => {
          if (end()) resolve(value);
        },
        reject: (error) => {
          if (end()) reject(error as Error);
        },
      });
      if (over) clear();
    });
  }

  /** Stops everything in it, innermost first, and says so in the history, unless the whole execution ends: then AWS records nothing but that. */
  cancel(recorded = true): void {
    if (this.cancelled) return;
    this.cancelled = true;
    this.silent = !recorded;
    for (const child of this.children) child.cancel(recorded);
    for (const stop of [...this.stops]) stop();
    if (!recorded) return;
    this.aborted();
    this.whenCancelled?.();
  }

  /** Records that the state which runs now was aborted, where AWS does. */
  aborted(): void {
    const { current } = this;
    if (current === undefined || !ABORTABLE.has(current.type)) return;
    this.execution.history.add(`${current.type as 'Task'}StateAborted`, this.last, undefined, true);
    this.current = undefined;
  }

  /** The states that run now, in it and in its children. */
  get running(): readonly { readonly state: string; readonly type: State['type']; readonly since: number }[] {
    const inner = [...this.children].flatMap((child) => child.running);
    return this.current === undefined ? inner : [{ state: this.current.name, type: this.current.type, since: this.enteredAt }, ...inner];
  }
}
