/** A definition as it is written, as far as it is read here. What it may hold is checked by lint.ts. https://states-language.net */
import type { Json } from './data.ts';

export type QueryLanguage = 'JSONata' | 'JSONPath';

export interface ProcessorDefinition {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, StateDefinition>>;
  readonly QueryLanguage?: QueryLanguage;
  readonly ProcessorConfig?: { readonly Mode?: 'INLINE' | 'DISTRIBUTED'; readonly ExecutionType?: 'STANDARD' | 'EXPRESS' };
}

export interface Definition extends ProcessorDefinition {
  readonly Comment?: string;
  readonly Version?: string;
  readonly TimeoutSeconds?: number;
}

export type StateType = 'Pass' | 'Task' | 'Choice' | 'Wait' | 'Succeed' | 'Fail' | 'Parallel' | 'Map';

export interface RetryDefinition {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds?: number;
  readonly MaxAttempts?: number;
  readonly BackoffRate?: number;
  readonly MaxDelaySeconds?: number;
  readonly JitterStrategy?: 'FULL' | 'NONE';
}

export interface CatchDefinition {
  readonly ErrorEquals: readonly string[];
  readonly Next: string;
  readonly Assign?: Json;
  readonly Output?: Json;
  readonly ResultPath?: string | null;
}

/** A rule: a Condition in JSONata, a comparison in JSONPath. */
export interface ChoiceDefinition {
  readonly Condition?: Json;
  readonly Next: string;
  readonly Assign?: Json;
  readonly Output?: Json;
  readonly Variable?: string;
  readonly [operator: string]: Json | undefined;
}

export interface ReaderDefinition {
  readonly Resource: string;
  readonly Arguments?: Json;
  readonly Parameters?: Json;
  readonly ReaderConfig?: { readonly InputType?: string; readonly MaxItems?: Json; readonly MaxItemsPath?: string };
}

/** All fields of all types of states in one; the type says which of them are there. */
export interface StateDefinition {
  readonly Type: StateType;
  readonly QueryLanguage?: QueryLanguage;
  readonly Comment?: string;
  readonly Next?: string;
  readonly End?: boolean;
  readonly Assign?: Json;
  readonly Output?: Json;
  readonly Arguments?: Json;
  readonly Result?: Json;
  readonly Resource?: string;
  readonly Credentials?: { readonly RoleArn: Json };
  readonly TimeoutSeconds?: Json;
  readonly HeartbeatSeconds?: Json;
  readonly Retry?: readonly RetryDefinition[];
  readonly Catch?: readonly CatchDefinition[];
  readonly Choices?: readonly ChoiceDefinition[];
  readonly Default?: string;
  readonly Seconds?: Json;
  readonly Timestamp?: Json;
  readonly Error?: Json;
  readonly Cause?: Json;
  readonly Branches?: readonly ProcessorDefinition[];
  readonly Items?: Json;
  readonly ItemSelector?: Json;
  readonly ItemProcessor?: ProcessorDefinition;
  /** The old name of ItemProcessor. */
  readonly Iterator?: ProcessorDefinition;
  readonly MaxConcurrency?: Json;
  readonly ToleratedFailureCount?: Json;
  readonly ToleratedFailurePercentage?: Json;
  readonly ItemReader?: ReaderDefinition;
  readonly ItemBatcher?: {
    readonly MaxItemsPerBatch?: Json;
    readonly MaxItemsPerBatchPath?: string;
    readonly MaxInputBytesPerBatch?: Json;
    readonly MaxInputBytesPerBatchPath?: string;
    readonly BatchInput?: Json;
  };
  readonly Label?: string;
  // Of JSONPath states. Null discards.
  readonly InputPath?: string | null;
  readonly Parameters?: Json;
  readonly ResultSelector?: Json;
  readonly ResultPath?: string | null;
  readonly OutputPath?: string | null;
  readonly ItemsPath?: string;
  readonly SecondsPath?: string;
  readonly TimestampPath?: string;
  readonly TimeoutSecondsPath?: string;
  readonly HeartbeatSecondsPath?: string;
  readonly ErrorPath?: string;
  readonly CausePath?: string;
  readonly MaxConcurrencyPath?: string;
  readonly ToleratedFailureCountPath?: string;
  readonly ToleratedFailurePercentagePath?: string;
}
