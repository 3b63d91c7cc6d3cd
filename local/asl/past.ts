/** The events of an execution that is run again up to where it was: each is found once more, by what it follows and what it says. */
import type { HistoryEvent } from '@aws-sdk/client-sfn';

/** The execution runs another way than it did. */
export class AnotherWayError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'AnotherWayError';
  }
}

export class Past {
  private readonly left = new Map<string, HistoryEvent[]>();
  private count: number;
  private missed: string | undefined;

  constructor(events: readonly HistoryEvent[]) {
    this.count = events.length;
    for (const event of events) {
      const key = keyOf(event.type, event.previousEventId);
      const same = this.left.get(key);
      if (same === undefined) this.left.set(key, [event]);
      else same.push(event);
    }
  }

  /** The id that an event had. Branches side by side may come in another order than they did. */
  find(type: HistoryEvent['type'], previousEventId: number, details: object | undefined): number {
    const same = this.left.get(keyOf(type, previousEventId)) ?? [];
    const text = JSON.stringify(details ?? {});
    const index = same.length < 2 ? 0 : same.findIndex((event) => text === detailsOf(event));
    const [event] = same.splice(index, index < 0 ? 0 : 1);
    if (event === undefined) {
      this.missed ??= `${type} after ${previousEventId}`;
      return 0;
    }
    this.count--;
    return event.id!;
  }

  /** @throws AnotherWayError unless each event was found, and nothing else */
  assertOver(): void {
    if (this.missed !== undefined) throw new AnotherWayError(`${this.missed} had not happened`);
    if (this.count > 0) throw new AnotherWayError(`${this.count} of its events have not happened again`);
  }
}

const keyOf = (type: HistoryEvent['type'], previousEventId: number | undefined) => `${type} ${previousEventId}`;

function detailsOf({ timestamp: _timestamp, type: _type, id: _id, previousEventId: _previous, ...details }: HistoryEvent): string {
  return JSON.stringify(details);
}
