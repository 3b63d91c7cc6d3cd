/** Whether an execution that did not succeed may go on from where it stopped. https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html */
import { HISTORY_LIMIT } from '../../asl/history.ts';
import type { Started } from './started.ts';

const DAY = 86_400_000;
/** How long after its end. */
const WINDOW = 14 * DAY;
/** How often. */
const MOST = 1000;

export type RedriveStatus =
  | { readonly redriveStatus: 'REDRIVABLE' }
  | { readonly redriveStatus: 'NOT_REDRIVABLE'; readonly redriveStatusReason: string };

/** @param now milliseconds since the epoch */
export function redriveStatus({ execution, machine }: Started, now: number): RedriveStatus {
  const not = (redriveStatusReason: string): RedriveStatus => ({ redriveStatus: 'NOT_REDRIVABLE', redriveStatusReason });
  const { status, history, redriven, startedAt, endedAt, longest } = execution;
  if (status === 'RUNNING' || status === 'SUCCEEDED') return not(`Execution is ${status} and cannot be redriven`);
  if (machine.deleting) return not('State machine is in DELETING status');
  if (history.events.length >= HISTORY_LIMIT - 1) return not('Execution history event limit exceeded');
  if (redriven.length >= MOST) return not('Execution redrive limit exceeded');
  if (endedAt !== undefined && endedAt + WINDOW <= now) return not('Execution redrivable period exceeded');
  if (startedAt + longest * 1000 <= now) return not('Execution has exceeded the max execution time');
  return { redriveStatus: 'REDRIVABLE' };
}
