/** Clients of before, which send forms and read XML, to services that speak JSON today. */
import { Sha256 } from '@smithy/core/checksum';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../../local/core/clock.ts';
import { World } from '../../../../local/core/world.ts';
import { factories } from '../../../../local/services/index.ts';

const NOW = Date.parse('2026-11-23T07:00:00Z');

/** A client that posts forms to one service, as the AWS CLI 2.9 does. */
function client(service: 'sqs' | 'monitoring') {
  const world = new World(new VirtualClock(NOW), factories);
  const Statement = { Effect: 'Allow' as const, Action: '*', Resource: '*' };
  const credentials = world
    .site('111111111111', 'eu-central-1')
    .service('iam')
    .user('somebody', { all: { Version: '2012-10-17', Statement } });
  const host = `${service}.eu-central-1.amazonaws.com`;
  const signer = new SignatureV4({ service, region: 'eu-central-1', credentials, sha256: Sha256 as never });
  return async (form: Record<string, string>) => {
    const body = new URLSearchParams(form).toString();
    const headers = { host, 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
    const request = new HttpRequest({ method: 'POST', hostname: host, path: '/', headers, body });
    const signed = await signer.sign(request, { signingDate: new Date(NOW) });
    const sent: Record<string, string> = {};
    for (const [name, value] of Object.entries(signed.headers)) sent[name.toLowerCase()] = value;
    const response = await world.http({ method: 'POST', host, path: '/', query: '', headers: sent, body: Buffer.from(body) });
    return { status: response.status, type: response.headers['content-type'], xml: Buffer.from(response.body).toString() };
  };
}

describe('forms to SQS', () => {
  it('make a queue with attributes and tags under their former names, and read them back', async () => {
    const post = client('sqs');
    const made = await post({
      Action: 'CreateQueue',
      Version: '2012-11-05',
      QueueName: 'q',
      'Attribute.1.Name': 'VisibilityTimeout',
      'Attribute.1.Value': '33',
      'Tag.1.Key': 'a',
      'Tag.1.Value': 'b',
    });
    const QueueUrl = /<QueueUrl>(.+)<\/QueueUrl>/.exec(made.xml)?.[1] ?? '';
    expect(QueueUrl).toMatch(/\/111111111111\/q$/);
    expect(made.type).toBe('text/xml');
    expect((await post({ Action: 'ListQueues' })).xml).toContain(`<ListQueuesResult><QueueUrl>${QueueUrl}</QueueUrl></ListQueuesResult>`);
    const attributes = await post({ Action: 'GetQueueAttributes', QueueUrl, 'AttributeName.1': 'VisibilityTimeout' });
    expect(attributes.xml).toContain('<Attribute><Name>VisibilityTimeout</Name><Value>33</Value></Attribute>');
    expect((await post({ Action: 'ListQueueTags', QueueUrl })).xml).toContain('<Tag><Key>a</Key><Value>b</Value></Tag>');
  });

  it('send a batch with attributes and receive it', async () => {
    const post = client('sqs');
    const QueueUrl = /<QueueUrl>(.+)<\/QueueUrl>/.exec((await post({ Action: 'CreateQueue', QueueName: 'q' })).xml)?.[1] ?? '';
    const sent = await post({
      Action: 'SendMessageBatch',
      QueueUrl,
      'SendMessageBatchRequestEntry.1.Id': 'first',
      'SendMessageBatchRequestEntry.1.MessageBody': 'a <b>',
      'SendMessageBatchRequestEntry.1.MessageAttribute.1.Name': 'k',
      'SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType': 'String',
      'SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue': 'v',
    });
    expect(sent.xml).toMatch(/<SendMessageBatchResultEntry><Id>first<\/Id>/);
    const received = await post({ Action: 'ReceiveMessage', QueueUrl, 'MessageAttributeName.1': 'All' });
    expect(received.xml).toContain('<Body>a &lt;b&gt;</Body>');
    expect(received.xml).toMatch(/<MessageAttribute><Name>k<\/Name><Value>.*<StringValue>v<\/StringValue>.*<\/Value><\/MessageAttribute>/);
  });

  it('are answered with errors under their former codes', async () => {
    const { status, xml } = await client('sqs')({ Action: 'GetQueueUrl', QueueName: 'nope' });
    expect(status).toBe(400);
    expect(xml).toContain('<Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code>');
  });
});

describe('forms to CloudWatch', () => {
  it('put metrics and list them', async () => {
    const post = client('monitoring');
    const put = await post({
      Action: 'PutMetricData',
      Version: '2010-08-01',
      Namespace: 'Mine',
      'MetricData.member.1.MetricName': 'a',
      'MetricData.member.1.Value': '2',
      'MetricData.member.1.Dimensions.member.1.Name': 'x',
      'MetricData.member.1.Dimensions.member.1.Value': 'y',
    });
    expect(put.status).toBe(200);
    expect((await post({ Action: 'ListMetrics', Namespace: 'Mine' })).xml).toContain(
      '<MetricName>a</MetricName><Dimensions><member><Name>x</Name><Value>y</Value></member></Dimensions>',
    );
  });
});
