/** CloudWatch Logs: the last thing a failed container or build said. */
import {
  CloudWatchLogsClient,
  GetLogEventsCommand,
  paginateFilterLogEvents,
  ResourceNotFoundException,
} from '@aws-sdk/client-cloudwatch-logs';
import { type Connection, clientSettings } from './clients.ts';

export interface LogLine {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly stream: string;
  readonly text: string;
}

/** Pages that are read at most: a thousand lines each. */
const PAGES = 20;

export class Logs {
  private readonly client: CloudWatchLogsClient;

  constructor(connection: Connection = {}) {
    this.client = new CloudWatchLogsClient(clientSettings(connection));
  }

  /** The last line of a stream that is not empty; undefined if there is none. */
  async lastLine(logGroupName: string, logStreamName: string): Promise<string | undefined> {
    return (await this.lastLines(logGroupName, logStreamName, 10)).at(-1);
  }

  /** What is not empty of the last lines of a stream, oldest first. */
  async lastLines(logGroupName: string, logStreamName: string, limit: number): Promise<string[]> {
    try {
      const { events = [] } = await this.client.send(new GetLogEventsCommand({ logGroupName, logStreamName, limit, startFromHead: false }));
      return events.flatMap(({ message }) => message?.trim() || []);
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return [];
      throw error;
    }
  }

  /**
   * The lines of a group since a moment, oldest first; nothing if there is no such group.
   * @param since milliseconds since the epoch
   * @param stream only this one; all unless given
   */
  async lines(logGroupName: string, since: number, stream?: string): Promise<LogLine[]> {
    const found: LogLine[] = [];
    let pages = 0;
    try {
      const input = {
        logGroupName,
        startTime: Math.max(0, Math.floor(since)),
        limit: 1000,
        ...(stream ? { logStreamNames: [stream] } : {}),
      };
      for await (const { events = [] } of paginateFilterLogEvents({ client: this.client }, input)) {
        for (const { eventId = '', timestamp = 0, logStreamName = '', message = '' } of events)
          found.push({ id: eventId, at: timestamp, stream: logStreamName, text: message.trimEnd() });
        if (++pages >= PAGES) break;
      }
    } catch (error) {
      if (!(error instanceof ResourceNotFoundException)) throw error;
    }
    return found.toSorted((a, b) => a.at - b.at);
  }
}
