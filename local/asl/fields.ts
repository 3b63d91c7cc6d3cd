/** The fields that each type of state has, and the names that the language gives to errors. */
import type { StateType } from './definition.ts';

/** As AWS lists them in a refusal. */
export const TYPES: readonly StateType[] = ['Task', 'Wait', 'Pass', 'Succeed', 'Fail', 'Choice', 'Parallel', 'Map'];

/** How a state says what follows it. */
export const MOVING = ['Next', 'End'];
const HANDLING = ['Retry', 'Catch'];
/** Beside Type, Comment and QueryLanguage. */
export const FIELDS: Readonly<Record<StateType, readonly string[]>> = {
  Pass: ['Assign', 'Output', ...MOVING],
  Task: ['Resource', 'Arguments', 'Assign', 'Output', 'Credentials', 'TimeoutSeconds', 'HeartbeatSeconds', ...HANDLING, ...MOVING],
  Choice: ['Choices', 'Default', 'Assign', 'Output'],
  Wait: ['Seconds', 'Timestamp', 'Assign', 'Output', ...MOVING],
  Succeed: ['Output'],
  Fail: ['Error', 'Cause'],
  Parallel: ['Branches', 'Arguments', 'Assign', 'Output', ...HANDLING, ...MOVING],
  Map: `Items ItemSelector ItemProcessor Iterator MaxConcurrency ToleratedFailureCount ToleratedFailurePercentage ItemReader ItemBatcher
    ResultWriter Label Assign Output`
    .split(/\s+/)
    .concat(HANDLING, MOVING),
};

/** Fields of the other query language. */
export const JSONPATH_FIELDS = new Set(
  `InputPath Parameters ResultSelector ResultPath OutputPath ItemsPath SecondsPath TimestampPath TimeoutSecondsPath HeartbeatSecondsPath
  MaxConcurrencyPath ErrorPath CausePath ToleratedFailureCountPath ToleratedFailurePercentagePath Result`.split(/\s+/),
);

/** Fields that mean something else, or nothing, in a JSONPath state. */
export const JSONATA_FIELDS = new Set(['Arguments', 'Output', 'Assign', 'Items']);

/** Error names that the language knows; a misspelt one never matches. https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html */
export const ERROR_NAMES = new Set(
  `ALL BranchFailed DataLimitExceeded ExceedToleratedFailureThreshold HeartbeatTimeout Http.Socket IntrinsicFailure ItemReaderFailed
  NoChoiceMatched ParameterPathFailure Permissions QueryEvaluationError ResultPathMatchFailure ResultWriterFailed Runtime TaskFailed Timeout`
    .split(/\s+/)
    .map((name) => `States.${name}`),
);
