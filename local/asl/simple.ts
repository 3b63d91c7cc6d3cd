/** The states that neither call anybody nor contain others: Pass, Choice, Wait, Succeed, Fail. */
import type { Branch, Outcome } from './branch.ts';
import { Data } from './data.ts';
import { EvaluationError, StateError } from './error.ts';
import type { ChoiceState, FailState, PassState, SucceedState, WaitState } from './machine.ts';
import { parseTimestamp } from './timestamp.ts';

export function runPass(branch: Branch, state: PassState, input: Data): Promise<Outcome> {
  return branch.leave(state, branch.bindings(state, input), state, state.result === undefined ? input : new Data(state.result));
}

export function runSucceed(branch: Branch, state: SucceedState, input: Data): Promise<Outcome> {
  return branch.leave(state, branch.bindings(state, input), state, input);
}

/** The first rule whose condition holds brings its own Assign and Output; those of the state belong to Default. */
export async function choose(branch: Branch, state: ChoiceState, input: Data): Promise<Outcome> {
  const bindings = branch.bindings(state, input);
  for (const choice of state.choices)
    if ((await branch.fill(choice.condition, bindings)) === true) return branch.leave(state, bindings, choice, input);
  if (state.default === undefined) {
    branch.settle();
    throw new StateError('States.NoChoiceMatched', 'No choice rule matched, and the state has no Default.');
  }
  return branch.leave(state, bindings, { ...state, next: state.default }, input);
}

export async function runWait(branch: Branch, state: WaitState, input: Data): Promise<Outcome> {
  branch.settle();
  const bindings = branch.bindings(state, input);
  const { clock } = branch.execution.environment;
  let until = clock.now();
  if (state.seconds !== undefined) {
    const seconds = (await branch.fill(state.seconds, bindings)) as number;
    // The range that the language allows. https://docs.aws.amazon.com/step-functions/latest/dg/state-wait.html
    if (!Number.isInteger(seconds) || seconds < 0 || seconds > 99_999_999)
      throw branch.evaluationFailed(
        new EvaluationError(`The Seconds field must be a whole number from 0 to 99999999 but was: ${seconds}`, 'Seconds'),
      );
    until += seconds * 1000;
  } else if (state.timestamp !== undefined) {
    const text = (await branch.fill(state.timestamp, bindings)) as string;
    const time = parseTimestamp(text);
    if (time === undefined)
      throw branch.evaluationFailed(
        new EvaluationError(
          `The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: ${text}`,
          'Timestamp',
        ),
      );
    until = time;
  }
  if (until > clock.now()) await branch.sleep(until - clock.now(), `${state.name} has waited`);
  return branch.leave(state, bindings, state, input);
}

export async function runFail(branch: Branch, state: FailState, input: Data): Promise<Outcome> {
  const bindings = branch.bindings(state, input);
  const error = state.error && ((await branch.fill(state.error, bindings)) as string);
  const cause = state.cause && ((await branch.fill(state.cause, bindings)) as string);
  branch.settle();
  throw new StateError(error, cause);
}
