/** One log stream: its events in the order of their times, in pages. */

export interface LogEvent {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly ingestedAt: number;
  readonly message: string;
}

export class LogStream {
  readonly name: string;
  readonly arn: string;
  readonly createdAt: number;
  lastIngestion: number | undefined;
  private events: LogEvent[] = [];
  /** How many events retention has removed: positions in tokens count from the first event ever. */
  private removed = 0;

  constructor(name: string, arn: string, createdAt: number) {
    this.name = name;
    this.arn = arn;
    this.createdAt = createdAt;
  }

  add(event: LogEvent): void {
    this.lastIngestion = event.ingestedAt;
    let at = this.events.length;
    while (at > 0 && this.events[at - 1]!.timestamp > event.timestamp) at--;
    this.events.splice(at, 0, event);
  }

  /** Removes what is older. */
  expire(before: number): void {
    let old = 0;
    while (old < this.events.length && this.events[old]!.timestamp < before) old++;
    this.events.splice(0, old);
    this.removed += old;
  }

  get all(): readonly LogEvent[] {
    return this.events;
  }

  /**
   * A page and the tokens to go on in both directions; the token of an end is the one that led there.
   * @param token `f/<position>` or `b/<position>`
   */
  page(options: { start: number; end: number; limit: number; fromHead: boolean; token: string | undefined }) {
    const { start, end, limit, fromHead, token } = options;
    const within = this.events
      .map((event, index) => ({ event, position: index + this.removed }))
      .filter(({ event }) => event.timestamp >= start && event.timestamp < end);
    const [, direction = fromHead ? 'f' : 'b', position] = /^([fb])\/(\d+)$/.exec(token ?? '') ?? [];
    const forward = direction === 'f';
    const rest = within.filter(
      (one) => position === undefined || (forward ? one.position >= Number(position) : one.position < Number(position)),
    );
    const page = forward ? rest.slice(0, limit) : rest.slice(Math.max(0, rest.length - limit));
    const [first, last] = [page[0], page.at(-1)];
    const here = position ?? String(forward ? this.removed : this.removed + this.events.length);
    return {
      events: page.map(({ event }) => event),
      forwardToken: `f/${last === undefined ? here : last.position + 1}`,
      backwardToken: `b/${first === undefined ? here : first.position}`,
    };
  }
}
