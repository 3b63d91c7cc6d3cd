/** An execution as the service keeps it. */
import type { Execution } from '../../asl/execution.ts';
import type { Listener } from '../../core/bound.ts';
import type { Revision, StateMachine } from './machine.ts';
import type { Recording } from './recording.ts';

/** An execution and where it came from. */
export interface Started {
  /** As long as it runs. */
  recording?: Recording;
  execution: Execution;
  readonly machine: StateMachine;
  readonly revision: Revision;
  readonly versionArn?: string;
  readonly aliasArn?: string;
  /** When each client token redrove it. */
  readonly redriveTokens: Map<string, number>;
  /** Who wants to know when it has ended. */
  readonly waiting: Listener<[]>[];
}
