/** An execution as the service keeps it. */
import type { Execution } from '../../asl/execution.ts';
import type { Revision, StateMachine } from './machine.ts';

/** An execution and where it came from. */
export interface Started {
  readonly execution: Execution;
  readonly machine: StateMachine;
  readonly revision: Revision;
  readonly versionArn?: string;
  readonly aliasArn?: string;
  /** When each client token redrove it. */
  readonly redriveTokens: Map<string, number>;
}
