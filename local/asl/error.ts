/** The errors of the Amazon States Language: names, causes, and which names of a Retry or Catch match them. */

/**
 * A state, a branch or an execution failed with an error that the language knows.
 * https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */
export class StateError extends Error {
  /** As `ErrorEquals` names it; a Fail state may leave it out. */
  readonly error: string | undefined;
  override readonly cause: string | undefined;
  /** Another name that a Retry or Catch knows it by. */
  readonly alias: string | undefined;
  /** What a Catch gets in place of a name or a cause that is not there. */
  readonly absent: '' | null;

  constructor(
    error: string | undefined,
    cause?: string,
    { alias, absent = '' }: { readonly alias?: string; readonly absent?: '' | null } = {},
  ) {
    super(`${error ?? 'no error name'}: ${cause ?? 'no cause'}`);
    this.name = 'StateError';
    this.error = error;
    this.cause = cause;
    this.alias = alias;
    this.absent = absent;
  }
}

/** A state ran out of time. */
export const timedOut = () => new StateError('States.Timeout');

/** A heartbeat was missed: AWS calls that States.Timeout as well, and a Retry or Catch may also name it for itself. */
export const heartbeatMissed = () => new StateError('States.Timeout', undefined, { alias: 'States.HeartbeatTimeout' });

/** An expression of a field did not give what the field needs; {@link location} is the field as AWS writes it (`Arguments/Payload`). */
export class EvaluationError extends Error {
  readonly location: string | undefined;

  constructor(message: string, location?: string) {
    super(message);
    this.name = 'EvaluationError';
    this.location = location;
  }
}

/** A path or an intrinsic function of a JSONPath state gave nothing. */
export class PathError extends Error {
  /** What the state fails with. */
  readonly error: string;

  constructor(message: string, error = 'States.Runtime') {
    super(message);
    this.name = 'PathError';
    this.error = error;
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

/** Whether a Retry or Catch that lists `names` takes the error. */
export function matchesError(names: readonly string[], { error, alias }: Pick<StateError, 'error' | 'alias'>): boolean {
  // States.Runtime cannot be handled at all.
  if (error === 'States.Runtime') return false;
  return names.some((name) => {
    if (name === error || (alias !== undefined && name === alias)) return true;
    if (name === 'States.ALL') return error === undefined || !TERMINAL.has(error);
    if (name === 'States.TaskFailed') return error !== 'States.Timeout' && error !== undefined && !TERMINAL.has(error);
    return false;
  });
}
