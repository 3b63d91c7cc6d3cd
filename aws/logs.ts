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
    try {
      const { events = [] } = await this.client.send(
        new GetLogEventsCommand({ logGroupName, logStreamName, limit: 10, startFromHead: false }),
      );
      return events.findLast(({ message }) => message?.trim())?.message?.trim();
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    }
  }
}
