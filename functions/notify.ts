/** Tells people what the journal says, from its stream: nobody waits for this, and nothing is held up by it. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import { Notices } from '../aws/sns.ts';
import type { JournalEntry } from '../domain/records.ts';
import { setting } from './stack/settings.ts';
import { step } from './stack/step.ts';

/** https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html */
const Event = z.object({
  Records: z.array(z.object({ eventName: z.string(), dynamodb: z.object({ NewImage: z.optional(z.record(z.string(), z.unknown())) }) })),
});

interface World {
  readonly notices: Pick<Notices, 'publish'>;
}

const MARKS: Readonly<Record<JournalEntry['tone'], string>> = { good: '[ok]', bad: '[!!]', waiting: '[??]', info: '[..]' };

export const notify =
  ({ notices }: World) =>
  async ({ Records }: z.infer<typeof Event>): Promise<void> => {
    for (const { eventName, dynamodb } of Records) {
      if (eventName !== 'INSERT' || dynamodb.NewImage === undefined) continue;
      const entry = unmarshall(dynamodb.NewImage as Record<string, AttributeValue>) as JournalEntry;
      if (entry.tone === 'info') continue;
      const message = [
        entry.text,
        '',
        `${entry.at} by ${entry.who}`,
        `more: shiplock history${entry.environment ? ` ${entry.environment}` : ''}`,
      ].join('\n');
      await notices.publish(`${MARKS[entry.tone]} ${entry.text}`, message, {
        tone: entry.tone,
        ...(entry.environment ? { environment: entry.environment } : {}),
        ...(entry.repository ? { repository: entry.repository } : {}),
      });
    }
  };

export const handler = step('notify', Event, () => notify({ notices: new Notices(setting('NOTICES_TOPIC_ARN')) }));
