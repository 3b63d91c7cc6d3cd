/** The errors of the Amazon States Language: names, causes, and which names of a Retry or Catch match them. */

/**
 * A state, a branch or an execution failed with an error that the language knows.
 * https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */
export class StateError extends Error {
  /** As `ErrorEquals` names it; a Fail state may leave it out. */
  readonly error: string | undefined;
  override readonly cause: string | undefined;

  constructor(error: string | undefined, cause?: string) {
    super(`${error ?? 'no error name'}: ${cause ?? 'no cause'}`);
    this.name = 'StateError';
    this.error = error;
    this.cause = cause;
  }
}

/** An expression of a field did not give what the field needs; {@link location} is the field as AWS writes it (`Arguments/Payload`). */
export class EvaluationError extends Error {
  readonly location: string | undefined;

  constructor(message: string, location?: string) {
    super(message);
    this.name = 'EvaluationError';
    this.location = location;
  }
}

/** Thrown inside a branch that was stopped from outside. Never seen by a Retry or Catch. */
export class Cancelled extends Error {
  constructor() {
    super('cancelled');
    this.name = 'Cancelled';
  }
}

/** What `States.ALL` and `States.TaskFailed` do not match: such an error ends the execution unless it is named. */
const TERMINAL = new Set(['States.DataLimitExceeded', 'States.Runtime']);

/** Whether a Retry or Catch that lists `names` takes an error called `error`. */
export function matchesError(names: readonly string[], error: string | undefined): boolean {
  // States.Runtime cannot be handled at all.
  if (error === 'States.Runtime') return false;
  return names.some((name) => {
    if (name === error) return true;
    if (name === 'States.ALL') return error === undefined || !TERMINAL.has(error);
    if (name === 'States.TaskFailed') return error !== 'States.Timeout' && error !== undefined && !TERMINAL.has(error);
    // "A Task state either ran longer than TimeoutSeconds, or failed to send a heartbeat for longer than HeartbeatSeconds."
    if (name === 'States.Timeout') return error === 'States.HeartbeatTimeout';
    return false;
  });
}
