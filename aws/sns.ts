/** SNS: telling people. */
import { PublishBatchCommand, SNSClient } from '@aws-sdk/client-sns';
import { chatMessage, mailOf, type Notice } from '../domain/notice/notices.ts';
import { type Connection, clientSettings } from './clients.ts';

/** https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html */
export const NOTICES_PER_CALL = 10;

export class Notices {
  private readonly client: SNSClient;
  private readonly topicArn: string;

  constructor(topicArn: string, connection: Connection = {}) {
    this.topicArn = topicArn;
    this.client = new SNSClient(clientSettings(connection));
  }

  /**
   * At most ten, in one call: each in the form that each subscriber takes: text for mailboxes and queues, the notice itself for functions, and for
   * HTTPS what Amazon Q Developer shows in chats. https://docs.aws.amazon.com/sns/latest/dg/sns-send-custom-platform-specific-payloads-mobile-devices.html
   */
  async publish(notices: readonly Notice[]): Promise<{ readonly sent: readonly Notice[]; readonly failed?: string }> {
    const { Successful = [], Failed = [] } = await this.client.send(
      new PublishBatchCommand({
        TopicArn: this.topicArn,
        PublishBatchRequestEntries: notices.map((notice, index) => ({ Id: String(index), ...messageOf(notice) })),
      }),
    );
    const [first] = Failed;
    return {
      sent: Successful.flatMap(({ Id }) => notices[Number(Id)] ?? []),
      ...(first ? { failed: `${first.Code} ${first.Message}` } : {}),
    };
  }
}

function messageOf(notice: Notice) {
  const { subject, message } = mailOf(notice);
  const attributes = { tone: notice.tone, environment: notice.environment, repository: notice.repository };
  return {
    Subject: subject,
    MessageStructure: 'json',
    Message: JSON.stringify({ default: message, lambda: JSON.stringify(notice), https: JSON.stringify(chatMessage(notice)) }),
    MessageAttributes: Object.fromEntries(
      Object.entries(attributes).flatMap(([name, value]) => (value ? [[name, { DataType: 'String', StringValue: value }]] : [])),
    ),
  };
}
