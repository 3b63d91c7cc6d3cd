/** SNS: telling people. */
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { type Connection, clientSettings } from './clients.ts';

export class Notices {
  private readonly client: SNSClient;
  private readonly topicArn: string;

  constructor(topicArn: string, connection: Connection = {}) {
    this.topicArn = topicArn;
    this.client = new SNSClient(clientSettings(connection));
  }

  /** @param subject at most 100 characters of ASCII without line breaks; what does not fit is cut or replaced */
  async publish(subject: string, message: string, attributes: Readonly<Record<string, string>>): Promise<void> {
    await this.client.send(
      new PublishCommand({
        TopicArn: this.topicArn,
        Subject: subject.replace(/[^\x20-\x7e]/g, '?').slice(0, 100),
        Message: message,
        MessageAttributes: Object.fromEntries(
          Object.entries(attributes).map(([name, value]) => [name, { DataType: 'String', StringValue: value }]),
        ),
      }),
    );
  }
}
