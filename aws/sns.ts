/** SNS: telling people. */
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { chatMessage, mailOf, type Notice } from '../domain/notice/notices.ts';
import { type Connection, clientSettings } from './clients.ts';

export class Notices {
  private readonly client: SNSClient;
  private readonly topicArn: string;

  constructor(topicArn: string, connection: Connection = {}) {
    this.topicArn = topicArn;
    this.client = new SNSClient(clientSettings(connection));
  }

  /**
   * One message in the form that each subscriber takes: text for mailboxes and queues, the notice itself for functions, and for
   * HTTPS what Amazon Q Developer shows in chats. https://docs.aws.amazon.com/sns/latest/dg/sns-send-custom-platform-specific-payloads-mobile-devices.html
   */
  async publish(notice: Notice): Promise<void> {
    const { subject, message } = mailOf(notice);
    const attributes = { tone: notice.tone, environment: notice.environment, repository: notice.repository };
    await this.client.send(
      new PublishCommand({
        TopicArn: this.topicArn,
        Subject: subject,
        MessageStructure: 'json',
        Message: JSON.stringify({ default: message, lambda: JSON.stringify(notice), https: JSON.stringify(chatMessage(notice)) }),
        MessageAttributes: Object.fromEntries(
          Object.entries(attributes).flatMap(([name, value]) => (value ? [[name, { DataType: 'String', StringValue: value }]] : [])),
        ),
      }),
    );
  }
}
