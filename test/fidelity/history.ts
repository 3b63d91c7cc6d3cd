/** Compares the history of an execution with a recorded one. */
import type { Likeness } from './likeness.ts';

export interface RecordedEvent {
  /** `[0]` where the events of a Parallel were sorted and have lost their numbers. */
  readonly id: number | readonly [0];
  readonly previousEventId: number;
  readonly type: string;
}

/** Which only mark the end of a Parallel: recordings whose events were sorted have lost them. */
const DROPPED = new Set(['ParallelStateFailed', 'ParallelStateSucceeded', 'ParallelStateExited']);

/** @param sorted the recording has the events inside a Parallel without their order */
export function compareHistory(
  likeness: Likeness,
  recorded: readonly RecordedEvent[],
  got: readonly RecordedEvent[],
  sorted = false,
): string | undefined {
  if (!sorted) {
    const types = (events: readonly RecordedEvent[]) => events.map(({ type }) => type);
    return likeness.difference(types(recorded), types(got), 'events') ?? likeness.difference(recorded, got, 'history');
  }
  const left = [...got];
  const bare = ({ id: _id, previousEventId: _previous, ...rest }: RecordedEvent) => rest;
  const isLike = (event: RecordedEvent, candidate: RecordedEvent) => {
    if (typeof event.id === 'number') return event.id === candidate.id;
    const saved = likeness.save();
    const agrees = likeness.difference(bare(event), bare(candidate)) === undefined;
    if (!agrees) likeness.restore(saved);
    return agrees;
  };
  for (const event of recorded) {
    const index = left.findIndex((candidate) => isLike(event, candidate));
    if (index < 0) return `no event like ${JSON.stringify(event)}`;
    const [found] = left.splice(index, 1);
    const why = typeof event.id === 'number' ? likeness.difference(event, found, `event ${event.id}`) : undefined;
    if (why !== undefined) return why;
  }
  const extra = left.find(({ type }) => !DROPPED.has(type));
  return extra === undefined ? undefined : `an event too many: ${JSON.stringify(extra)}`;
}
