/** The history of an execution: events in AWS's shape, numbered, each pointing at the one it follows. */
import type { HistoryEvent, HistoryEventType } from '@aws-sdk/client-sfn';
import type { Clock } from '../core/clock.ts';
import { StateError } from './error.ts';
import { Past } from './past.ts';

/** Events of one Standard execution; one more and it fails. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
export const HISTORY_LIMIT = 25_000;

/** The details that an event carries under the member of its type. */
export type EventDetails = Omit<HistoryEvent, 'timestamp' | 'type' | 'id' | 'previousEventId'>;

/** AWS never cuts what it returns while `includeExecutionData` is on. */
export const COMPLETE = { truncated: false };

export class History {
  readonly events: HistoryEvent[];
  private readonly clock: Pick<Clock, 'now'>;
  private past: Past | undefined;

  /** @param past the events so far of an execution that is run again up to where it was. @default it begins */
  constructor(clock: Pick<Clock, 'now'>, past: readonly HistoryEvent[] = []) {
    this.clock = clock;
    this.events = [...past];
    this.past = past.length === 0 ? undefined : new Past(past);
  }

  /** From here on it goes on. @throws AnotherWayError where it did not come to where it was */
  goOn(): void {
    this.past?.assertOver();
    this.past = undefined;
  }

  /**
   * Adds an event and returns its id.
   * @param last the event ends the execution, so it may stand on the last free place
   * @throws StateError States.Runtime at {@link HISTORY_LIMIT}
   */
  add(type: HistoryEventType, previousEventId: number, details?: EventDetails, last = false): number {
    if (this.past !== undefined) return this.past.find(type, previousEventId, details);
    if (this.events.length >= HISTORY_LIMIT - 1 && !last)
      throw new StateError('States.Runtime', `The execution reached the maximum number of history events (${HISTORY_LIMIT}).`);
    const id = this.events.length + 1;
    this.events.push({ timestamp: new Date(this.clock.now()), type, id, previousEventId, ...details });
    return id;
  }
}
