/** The MD5 sums by which SQS and its clients check that messages arrived whole. */
import { createHash } from 'node:crypto';
import type { MessageAttributeValue } from '@aws-sdk/client-sqs';

export const md5 = (data: string | Uint8Array) => createHash('md5').update(data).digest('hex');

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation */
export function md5OfAttributes(attributes: Readonly<Record<string, MessageAttributeValue>>): string | undefined {
  const names = Object.keys(attributes).sort();
  if (names.length === 0) return undefined;
  const hash = createHash('md5');
  const part = (data: string | Uint8Array) => {
    const bytes = Buffer.from(data as string);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  };
  for (const name of names) {
    const { DataType, StringValue, BinaryValue } = attributes[name]!;
    part(name);
    part(DataType ?? '');
    hash.update(Buffer.of(BinaryValue === undefined ? 1 : 2));
    part(BinaryValue ?? StringValue ?? '');
  }
  return hash.digest('hex');
}
