/** How releases, promotions and executions end. */

/** How something ended. A rule or a person said no: refused. The deployment or its checks failed: failed. Our machinery broke: errored. */
export type OutcomeKind = 'succeeded' | 'superseded' | 'refused' | 'failed' | 'errored';

/** The error with which an execution ends that a person has aborted. */
export const ABORTED = 'Aborted';

export interface Outcome {
  readonly outcome: OutcomeKind;
  /** In words a person can act on. Empty when it succeeded. */
  readonly reason: string;
}
