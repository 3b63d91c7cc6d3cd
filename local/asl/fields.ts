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

/** Fields of JSONPath states, by type. https://docs.aws.amazon.com/step-functions/latest/dg/concepts-input-output-filtering.html */
export const PATH_FIELDS: Readonly<Record<StateType, readonly string[]>> = {
  Pass: ['InputPath', 'Parameters', 'Result', 'ResultPath', 'OutputPath'],
  Task: ['InputPath', 'Parameters', 'ResultSelector', 'ResultPath', 'OutputPath', 'TimeoutSecondsPath', 'HeartbeatSecondsPath'],
  Choice: ['InputPath', 'OutputPath'],
  Wait: ['InputPath', 'OutputPath', 'SecondsPath', 'TimestampPath'],
  Succeed: ['InputPath', 'OutputPath'],
  Fail: ['ErrorPath', 'CausePath'],
  Parallel: ['InputPath', 'Parameters', 'ResultSelector', 'ResultPath', 'OutputPath'],
  Map: `InputPath ItemsPath Parameters ResultSelector ResultPath OutputPath MaxConcurrencyPath ToleratedFailureCountPath
    ToleratedFailurePercentagePath`.split(/\s+/),
};

/** Fields of JSONPath, whatever the type of the state. */
export const JSONPATH_FIELDS = new Set(Object.values(PATH_FIELDS).flat());

/** Fields that only JSONata has. */
export const JSONATA_FIELDS = new Set(['Arguments', 'Output', 'Items']);

/** Error names that the language knows; a misspelt one never matches. https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html */
export const ERROR_NAMES = new Set(
  `ALL BranchFailed DataLimitExceeded ExceedToleratedFailureThreshold HeartbeatTimeout Http.Socket IntrinsicFailure ItemReaderFailed
  NoChoiceMatched ParameterPathFailure Permissions QueryEvaluationError ResultPathMatchFailure ResultWriterFailed Runtime TaskFailed Timeout`
    .split(/\s+/)
    .map((name) => `States.${name}`),
);
