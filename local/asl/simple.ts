/** The states that neither call anybody nor contain others: Pass, Choice, Wait, Succeed, Fail. */
import type { Branch, Outcome } from './branch.ts';
import { Data, type Json } from './data.ts';
import { EvaluationError, StateError } from './error.ts';
import type { ChoiceState, FailState, PassState, SucceedState, WaitState } from './machine.ts';
import type { Bindings, Template } from './template.ts';
import { parseTimestamp } from './timestamp.ts';

export async function runPass(branch: Branch, state: PassState, input: Data): Promise<Outcome> {
  const given = await branch.effective(state, input);
  const bindings = branch.bindings(state, given);
  if (state.result !== undefined) return branch.leave(state, bindings, state, new Data(state.result));
  return branch.leave(
    state,
    bindings,
    state,
    state.arguments === undefined ? given : new Data(await branch.fill(state.arguments, bindings)),
  );
}

export async function runSucceed(branch: Branch, state: SucceedState, input: Data): Promise<Outcome> {
  const given = await branch.effective(state, input);
  return branch.leave(state, branch.bindings(state, given), state, given);
}

/** The first rule whose condition holds brings its own Assign and Output; those of the state belong to Default. */
export async function choose(branch: Branch, state: ChoiceState, input: Data): Promise<Outcome> {
  const given = await branch.effective(state, input);
  const bindings = branch.bindings(state, given);
  for (const choice of state.choices)
    if ((await branch.fill(choice.condition, bindings)) === true) return branch.leave(state, bindings, choice, given);
  if (state.default === undefined) {
    branch.settle();
    throw new StateError('States.NoChoiceMatched', 'No choice rule matched, and the state has no Default.');
  }
  return branch.leave(state, bindings, { ...state, next: state.default }, given);
}

export async function runWait(branch: Branch, state: WaitState, input: Data): Promise<Outcome> {
  branch.settle();
  const given = await branch.effective(state, input);
  const bindings = branch.bindings(state, given);
  const { clock } = branch.execution.environment;
  let until = clock.now();
  if (state.seconds !== undefined) until += 1000 * (await secondsOf(branch, state.seconds, bindings));
  else if (state.timestamp !== undefined) until = await timeOf(branch, state.timestamp, bindings);
  if (until > clock.now()) await branch.sleep(until - clock.now(), `${state.name} has waited`);
  return branch.leave(state, bindings, state, given);
}

/** The range that the language allows. https://docs.aws.amazon.com/step-functions/latest/dg/state-wait.html */
async function secondsOf(branch: Branch, field: Template, bindings: Bindings): Promise<number> {
  const seconds = await branch.fill(field, bindings);
  if (typeof seconds === 'number' && Number.isInteger(seconds) && seconds >= 0 && seconds <= 99_999_999) return seconds;
  if (field.path !== undefined)
    throw branch.broken(`The SecondsPath parameter cannot be parsed as a long value: ${field.path.source} == ${plainly(seconds)}`);
  throw branch.evaluationFailed(
    new EvaluationError(`The Seconds field must be a whole number from 0 to 99999999 but was: ${plainly(seconds)}`, 'Seconds'),
  );
}

/** @returns milliseconds since the epoch */
async function timeOf(branch: Branch, field: Template, bindings: Bindings): Promise<number> {
  const value = await branch.fill(field, bindings);
  const time = typeof value === 'string' ? parseTimestamp(value) : undefined;
  if (time !== undefined) return time;
  if (field.path !== undefined)
    throw branch.broken(
      `The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: ${field.path.source} == ${plainly(value)}`,
    );
  throw branch.evaluationFailed(
    new EvaluationError(
      `The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: ${plainly(value)}`,
      'Timestamp',
    ),
  );
}

const plainly = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));

export async function runFail(branch: Branch, state: FailState, input: Data): Promise<Outcome> {
  const bindings = branch.bindings(state, input);
  const textOf = async (field: Template | undefined, name: string): Promise<string | undefined> => {
    if (field === undefined) return undefined;
    const value = await branch.fill(field, bindings);
    if (typeof value !== 'string') throw branch.broken(`The ${name} field must be a string but was: ${plainly(value)}`);
    return value;
  };
  const error = await textOf(state.error, 'Error');
  const cause = await textOf(state.cause, 'Cause');
  branch.settle();
  throw new StateError(error, cause);
}
