/** Reads a queue for a function by long polling, as its role; what the function has dealt with is deleted. */
import type { Message } from '@aws-sdk/client-sqs';
import { bound } from '../../core/bound.ts';
import { ServiceError } from '../../core/service.ts';
import { parseArn, queueUrl } from '../events/delivery.ts';
import { flatten, matches } from '../events/match.ts';
import type { EventPattern } from '../events/pattern.ts';
import { validPattern } from '../events/verdict.ts';
import type { LambdaFunctions } from './functions.ts';
import type { MappingSettings, Reader } from './reader.ts';

/** What a role must be allowed to read a queue. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html */
export const queueActions = ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'] as const;

/** Seconds that one request waits for messages. */
const LONG_POLL = 20;
/** Messages in one request. */
const MAX_MESSAGES = 10;

/** A message as functions get it. https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html */
function recordOf(message: Message, sourceArn: string, region: string): object {
  return {
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: message.Attributes ?? {},
    messageAttributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).map(([name, { StringValue, DataType }]) => [
        name,
        { stringValue: StringValue, stringListValues: [], binaryListValues: [], dataType: DataType },
      ]),
    ),
    md5OfBody: message.MD5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN: sourceArn,
    awsRegion: region,
  };
}

/** A record as filters see it: a body that is JSON is looked into. */
function forFilter(record: object): object {
  try {
    return { ...record, body: JSON.parse((record as { body: string }).body) as unknown };
  } catch {
    return record;
  }
}

export class QueueReader implements Reader {
  private settings: MappingSettings;
  private patterns: EventPattern[];
  private stopped = false;
  /** A request waits for messages. */
  private asks = false;
  private readonly lambda: LambdaFunctions;

  constructor(lambda: LambdaFunctions, settings: MappingSettings) {
    this.lambda = lambda;
    this.settings = settings;
    this.patterns = settings.filters.map(validPattern);
    this.later(0);
  }

  change(settings: MappingSettings): void {
    this.patterns = settings.filters.map(validPattern);
    this.settings = settings;
  }

  stop(): void {
    this.stopped = true;
  }

  /** A request that waited ended with the process that held it: it is made anew. */
  resume(): void {
    if (!this.asks) return;
    this.asks = false;
    this.later(0);
  }

  private later(milliseconds: number): void {
    if (this.stopped) return;
    this.lambda.site.world.clock.after(milliseconds, `${this.settings.sourceArn} is read`, bound(this, this.poll));
  }

  private call<Output>(operation: string, input: object): Promise<Output> {
    const { owner } = this.lambda.find(this.settings.functionName);
    const { site } = this.lambda;
    const QueueUrl = queueUrl(this.settings.sourceArn);
    return site.call<Output>(this.lambda.rolePrincipal(owner, owner.latest), 'sqs', operation, { QueueUrl, ...input });
  }

  private async poll(): Promise<void> {
    if (this.stopped) return;
    if (!this.settings.enabled) return this.later(LONG_POLL * 1000);
    const { clock } = this.lambda.site.world;
    const began = clock.now();
    let messages: Message[] = [];
    this.asks = true;
    try {
      const received = await this.call<{ Messages?: Message[] }>('ReceiveMessage', {
        MaxNumberOfMessages: Math.min(this.settings.batchSize, MAX_MESSAGES),
        WaitTimeSeconds: LONG_POLL,
        MessageSystemAttributeNames: ['All'],
        MessageAttributeNames: ['All'],
      });
      messages = received.Messages ?? [];
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      return this.later(LONG_POLL * 1000);
    } finally {
      this.asks = false;
    }
    if (messages.length > 0) await this.process(messages);
    // A queue that answers at once that it is empty is asked again after the time it should have waited.
    this.later(messages.length > 0 ? 0 : Math.max(0, began + LONG_POLL * 1000 - clock.now()));
  }

  private async process(messages: readonly Message[]): Promise<void> {
    const { sourceArn, functionName } = this.settings;
    const all = messages.map((message) => ({ message, record: recordOf(message, sourceArn, parseArn(sourceArn).region) }));
    const wanted = all.filter(
      ({ record }) => this.patterns.length === 0 || this.patterns.some((pattern) => matches(pattern, flatten(forFilter(record)))),
    );
    const unwanted = all.filter((one) => !wanted.includes(one));
    let done = unwanted.map(({ message }) => message);
    try {
      if (wanted.length > 0) {
        const payload = JSON.stringify({ Records: wanted.map(({ record }) => record) });
        const invoked = await this.lambda.invokeText(functionName, undefined, payload, 'RequestResponse', this.lambda.random.uuid());
        if (invoked!.functionError === undefined) {
          const result = JSON.parse(invoked!.payload) as { batchItemFailures?: { itemIdentifier: string }[] } | null;
          const failed = new Set(
            this.settings.partialFailures ? (result?.batchItemFailures ?? []).map(({ itemIdentifier }) => itemIdentifier) : [],
          );
          done = [...done, ...wanted.map(({ message }) => message).filter(({ MessageId }) => !failed.has(MessageId!))];
        }
      }
      // What is not deleted comes back when its visibility timeout ends.
      if (done.length > 0)
        await this.call('DeleteMessageBatch', { Entries: done.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle })) });
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
    }
  }
}
