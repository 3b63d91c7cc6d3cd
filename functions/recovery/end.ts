/** When an ended execution may be recovered: not before its last Lambda invocation must have ended. */
class InvocationMayRun extends Error {
  constructor(execution: string) {
    super(`${execution} has ended a moment ago, and a function of it may still act; this is tried again in a minute`);
    this.name = 'InvocationMayRun';
  }
}

/** What an ended promotion left in ECS is still being rolled back: it is not recovered yet. */
class StillRollingBack extends Error {
  constructor(promotion: string) {
    super(`what ran before ${promotion} is not back yet; ECS is asked again, by the sweep at the latest`);
    this.name = 'StillRollingBack';
  }
}

/**
 * Lambda brings an event again after a minute, and then after two; until then its retries are enough.
 * The last one ends well: from then on the sweep checks, and the event is not reported as unhandled. Milliseconds.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
const RETRIES = 120_000;

/** @throws StillRollingBack while the event may come again */
export function assertRecovered(isRecovered: boolean, promotion: string, { stoppedAt }: End, now: number): void {
  if (!isRecovered && now - stoppedAt < RETRIES) throw new StillRollingBack(promotion);
}

/** How it ended. */
export interface End {
  readonly status: string;
  /** Milliseconds since the epoch. */
  readonly stoppedAt: number;
  readonly cause: string;
  /** A person ended it through `decide`: that is no fault of ours. */
  readonly aborted?: boolean;
}

/** What an end is called, and why. */
export function outcomeOf({ status, cause, aborted }: End): { readonly state: 'refused' | 'errored'; readonly reason: string } {
  return aborted
    ? { state: 'refused', reason: cause }
    : { state: 'errored', reason: `its execution ended as ${status}${cause ? `: ${cause}` : ''}` };
}

/**
 * The longest a Lambda that was running when its execution ended may still act.
 * Its own time-out is at most 60 s; the turn passes on when it must be dead.
 */
export const LONGEST_INVOCATION = 60_000;

/**
 * Nothing is recovered while a function of the execution may still act: it could deploy after ECS was asked.
 * @throws InvocationMayRun
 */
export function assertInvocationsEnded(execution: string, { stoppedAt }: End, now: number): void {
  if (now - stoppedAt < LONGEST_INVOCATION) throw new InvocationMayRun(execution);
}
