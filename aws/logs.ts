/** CloudWatch Logs: the last thing a failed container or build said. */
import { CloudWatchLogsClient, GetLogEventsCommand, ResourceNotFoundException } from '@aws-sdk/client-cloudwatch-logs';
import { type Connection, clientSettings } from './clients.ts';

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
}
