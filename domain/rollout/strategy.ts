/** The strategies with which a deployment moves traffic from what runs to what shall run, as ECS knows them. */

/** Task by task, given up by the circuit breaker after {@link Environment.failureThreshold} failed tasks. */
export interface Rolling {
  readonly kind: 'rolling';
  /** A deployment succeeds as soon as all new tasks are healthy; the old ones stop afterwards. @default false */
  readonly earlySuccess: boolean;
}

/** A second set of tasks beside the first, tested at a listener of its own before any customer meets it. */
export interface Shifting {
  readonly kind: 'blue-green' | 'canary' | 'linear';
  /** Minutes that the old tasks are kept after all traffic has shifted, while alarms may bring it back. @default 5 */
  readonly bakeMinutes: number;
  /** Percent of the traffic of a canary (0.1–100, 5 if left out), or of one step of linear (3–100, 10 if left out); 100 for blue/green. */
  readonly percent: number;
  /** Minutes after a canary or between two steps of linear. @default 10, 6 for linear, 0 for blue/green */
  readonly stepBakeMinutes: number;
  /** One of the environment's approvers has to confirm at the test listener before traffic shifts. @default false */
  readonly confirm: boolean;
  /** Minutes that ECS waits at the test listener for checks and people before it rolls back. @default 60, a day with `confirm` */
  readonly pauseMinutes: number;
}

export type Strategy = Rolling | Shifting;

export const STRATEGIES = ['rolling', 'blue-green', 'canary', 'linear'] as const;

/** Minutes from the moment that a deployment may go on to its end, if all goes well; starting and stopping tasks comes on top. */
export function shiftMinutes({ kind, bakeMinutes, percent, stepBakeMinutes }: Shifting): number {
  // A canary has one step before all traffic shifts, however small; at 100 % there is none to wait for.
  const steps = Math.ceil(100 / percent) - 1;
  return bakeMinutes + stepBakeMinutes * (kind === 'canary' ? Math.min(1, steps) : steps);
}
