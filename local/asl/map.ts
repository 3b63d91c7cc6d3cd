/** The Map state: the same states for every item, inside the execution (inline) or as executions of their own (distributed). */
import type { Branch, MapItem, Outcome } from './branch.ts';
import { Data, type Json } from './data.ts';
import { Cancelled, EvaluationError, StateError } from './error.ts';
import type { MapState } from './machine.ts';
import type { Run } from './run.ts';
import type { Bindings, Template } from './template.ts';

/** Iterations of an inline Map that run side by side. https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html */
const INLINE_LIMIT = 40;
/** Child executions of a distributed Map that run side by side, unless MaxConcurrency says less. */
const DISTRIBUTED_LIMIT = 10_000;

interface Settings {
  readonly concurrency: number;
  readonly toleratedCount: number;
  readonly toleratedPercentage: number;
}

export function runMap(branch: Branch, state: MapState, input: Data): Promise<Outcome> {
  const attempt = async (retryCount: number): Promise<Outcome> => {
    const effective = await branch.effective(state, input);
    const bindings = branch.bindings(state, effective, { retryCount });
    const number = (template: Template | undefined) => (template === undefined ? 0 : numberOf(branch, template, bindings));
    const settings: Settings = {
      concurrency: await number(state.maxConcurrency),
      toleratedCount: await number(state.toleratedCount),
      toleratedPercentage: await number(state.toleratedPercentage),
    };
    const run = state.distributed ? distributed : inline;
    const result = await run(branch, state, effective, bindings, settings, retryCount);
    return branch.leave(state, branch.bindings(state, effective, { result, retryCount }), state, new Data(result));
  };
  return branch.handled(state, input, attempt, () => branch.add('MapStateFailed'));
}

/** A number that a template or a path gives; a path may lead to anything. */
async function numberOf(branch: Branch, template: Template, bindings: Bindings): Promise<number> {
  const value = await branch.fill(template, bindings);
  if (typeof value !== 'number')
    throw branch.broken(`Reference path "${template.path?.source}" must point to a number, but was: ${JSON.stringify(value)}`);
  return value;
}

/** The items of the field, or the input itself. */
async function itemsOf(branch: Branch, state: MapState, input: Data, bindings: Bindings): Promise<readonly Json[]> {
  const items = state.items === undefined ? input.value : await branch.fill(state.items, bindings);
  if (!Array.isArray(items) && state.flow !== undefined)
    throw branch.broken(`Reference path "${state.itemsPath ?? '$'}" must point to array.`);
  if (!Array.isArray(items)) throw branch.evaluationFailed(new EvaluationError(`Map state input must be an array but was: ${input.text}`));
  return items as readonly Json[];
}

/** What one iteration gets. */
async function selected(branch: Branch, state: MapState, input: Data, item: MapItem, retryCount: number): Promise<Data> {
  if (state.selector === undefined) return new Data(item.Value);
  return new Data(await branch.fill(state.selector, branch.bindings(state, input, { item, retryCount })));
}

/** Calls `run` for every index, at most `width` at a time, each lane one after the other; ends at the first error. */
async function inLanes(count: number, width: number, run: (index: number, lane: number) => Promise<void>): Promise<void> {
  let next = 0;
  let failed = false;
  const lane = async (number: number) => {
    while (next < count && !failed)
      try {
        await run(next++, number);
      } catch (error) {
        failed = true;
        throw error;
      }
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.min(width, count) }, (_, number) => lane(number)));
  const reasons = ended.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
  // A lane that was stopped because of another's error is not the reason.
  const reason = reasons.find((one) => !(one instanceof Cancelled)) ?? reasons[0];
  if (reason !== undefined) throw reason;
}

async function inline(
  branch: Branch,
  state: MapState,
  input: Data,
  bindings: Bindings,
  { concurrency }: Settings,
  retryCount: number,
): Promise<Json[]> {
  const { history } = branch.execution;
  const items = await itemsOf(branch, state, input, bindings);
  const started = branch.add('MapStateStarted', { mapStateStartedEventDetails: { length: items.length } });
  const outputs: Json[] = [];
  const { name, processor } = state;
  /** What the next iteration of a lane follows: the last event of its forerunner. */
  const lanes: number[] = [];
  let last = started;
  let failure: { readonly error: unknown; readonly event: number } | undefined;
  const resumed = branch.takeResumed();
  const kept: (Branch | undefined)[] = [];
  branch.kept = kept;
  const iterate = async (index: number, lane: number) => {
    const before = resumed?.[index];
    if (before?.output !== undefined) {
      kept[index] = before;
      outputs[index] = before.output.value;
      return;
    }
    const item: MapItem = { Index: index, Value: items[index]! };
    const given = await selected(branch, state, input, item, retryCount);
    const details = { index, name };
    const begun = history.add('MapIterationStarted', lanes[lane] ?? started, { mapIterationStartedEventDetails: details });
    const child = branch.child(processor.states, begun, item, before);
    kept[index] = child;
    child.whenCancelled = () => {
      history.add('MapIterationAborted', child.last, { mapIterationAbortedEventDetails: details }, true);
    };
    try {
      outputs[index] = (await child.run(processor.startAt, given)).value;
      last = history.add('MapIterationSucceeded', child.last, { mapIterationSucceededEventDetails: details });
      lanes[lane] = child.last;
    } catch (error) {
      if (!(error instanceof Cancelled) && failure === undefined) {
        failure = { error, event: child.last };
        history.add('MapIterationFailed', child.last, { mapIterationFailedEventDetails: details }, true);
      }
      throw error;
    } finally {
      branch.children.delete(child);
    }
  };
  const width = concurrency === 0 ? INLINE_LIMIT : Math.min(concurrency, INLINE_LIMIT);
  try {
    await inLanes(items.length, width, async (index, lane) => {
      try {
        await iterate(index, lane);
      } catch (error) {
        for (const other of branch.children) other.cancel();
        throw error;
      }
    });
  } catch (error) {
    if (branch.cancelled) throw new Cancelled();
    if (failure === undefined) throw error;
    branch.follow(failure.event);
    throw failure.error;
  }
  branch.follow(last);
  branch.addAside('MapStateSucceeded');
  return outputs;
}

async function distributed(
  branch: Branch,
  state: MapState,
  input: Data,
  bindings: Bindings,
  settings: Settings,
  retryCount: number,
): Promise<Json[]> {
  const { execution } = branch;
  const { environment, history } = execution;
  const read = state.reader === undefined ? await itemsOf(branch, state, input, bindings) : undefined;
  branch.add('MapStateStarted', { mapStateStartedEventDetails: { length: read?.length ?? 0 } });
  const items = read ?? (await readItems(branch, state, bindings));
  const selectedItems: Json[] = [];
  for (const [Index, Value] of items.entries())
    selectedItems.push((await selected(branch, state, input, { Index, Value }, retryCount)).value);
  const inputs = state.batcher === undefined ? selectedItems : await batches(branch, state.batcher, selectedItems, bindings);

  const machine = execution.context.StateMachine.Name;
  const place = execution.arn.split(':').slice(0, 5).join(':');
  const started = branch.add('MapRunStarted', {
    mapRunStartedEventDetails: { mapRunArn: `${place}:mapRun:${machine}/${state.name}:${environment.random.uuid()}` },
  });
  const outputs: (Json | undefined)[] = [];
  let failures = 0;
  const running = new Set<Run>();
  const runChild = async (index: number) => {
    const name = environment.random.uuid();
    const child = execution.another({
      machine: { ...state.processor, timeoutSeconds: undefined },
      arn: `${place}:execution:${machine}/${state.name}:${name}`,
      name,
      input: new Data(inputs[index]!),
      roleArn: execution.roleArn,
      stateMachine: { id: execution.context.StateMachine.Id, name: `${machine}/${state.name}` },
    });
    running.add(child);
    child.start();
    const end = await child.ended;
    running.delete(child);
    if (branch.cancelled) throw new Cancelled();
    if (end.status === 'SUCCEEDED') {
      outputs[index] = end.output!.value;
      return;
    }
    failures++;
    const percentage = (100 * failures) / inputs.length;
    const tolerated = failures <= settings.toleratedCount || percentage <= settings.toleratedPercentage;
    if (!tolerated)
      throw new StateError('States.ExceedToleratedFailureThreshold', 'The specified tolerated failure threshold was exceeded');
  };
  const stopAll = () => {
    if (branch.cancelled && !branch.silent) history.add('MapRunAborted', started, undefined, true);
    for (const child of running) child.stop();
  };
  const width = settings.concurrency === 0 ? DISTRIBUTED_LIMIT : settings.concurrency;
  try {
    await branch.interruptible<void>(({ resolve, reject }) => {
      inLanes(inputs.length, width, runChild).then(resolve, reject);
      // Nothing is left to stop where all of them have ended.
      return stopAll;
    });
  } catch (error) {
    if (error instanceof StateError) branch.add('MapRunFailed', { mapRunFailedEventDetails: { error: error.error, cause: error.cause } });
    throw error;
  }
  const succeeded = history.add('MapRunSucceeded', started);
  history.add('MapStateSucceeded', succeeded);
  return outputs.filter((output) => output !== undefined);
}

async function readItems(branch: Branch, { reader }: MapState, bindings: Bindings): Promise<readonly Json[]> {
  const { environment, arn, name } = branch.execution;
  const { resource, arguments: given, maxItems } = reader!;
  if (environment.items === undefined) throw new StateError('States.ItemReaderFailed', `local AWS cannot read items from ${resource}`);
  const args = given === undefined ? {} : await branch.fill(given, bindings);
  const items = await environment.items({ resource, arguments: args, executionArn: arn, executionName: name });
  if (!Array.isArray(items)) throw new StateError('States.ItemReaderFailed', 'Attempting to map over non-iterable node.');
  const most = maxItems === undefined ? items.length : await numberOf(branch, maxItems, bindings);
  return (items as readonly Json[]).slice(0, most);
}

/** Puts items together, as many as the bounds allow. */
async function batches(
  branch: Branch,
  batcher: NonNullable<MapState['batcher']>,
  items: readonly Json[],
  bindings: Bindings,
): Promise<Json[]> {
  const most = batcher.maxItems === undefined ? Number.POSITIVE_INFINITY : await numberOf(branch, batcher.maxItems, bindings);
  const bytes = batcher.maxBytes === undefined ? Number.POSITIVE_INFINITY : await numberOf(branch, batcher.maxBytes, bindings);
  const common = batcher.input === undefined ? {} : { BatchInput: await branch.fill(batcher.input, bindings) };
  const made: { readonly Items: Json[] }[] = [];
  const size = (batch: { readonly Items: readonly Json[] }) => Buffer.byteLength(JSON.stringify({ ...common, ...batch }));
  for (const item of items) {
    const last = made.at(-1);
    if (last !== undefined && last.Items.length < most && size({ Items: [...last.Items, item] }) <= bytes) last.Items.push(item);
    else made.push({ Items: [item] });
  }
  return made.map((batch): Json => ({ ...common, ...batch }) as Json);
}
