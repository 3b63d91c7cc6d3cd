/** Tells people what the journal says, from its stream: nobody waits for this, and nothing is held up by it. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import { SentNotices } from '../aws/sent-notices.ts';
import { Notices } from '../aws/sns.ts';
import type { JournalEntry } from '../domain/ledger/records.ts';
import { bundled, noticeOf } from '../domain/notice/notices.ts';
import type { Pipeline } from '../domain/pipeline/pipeline.ts';
import { readPipeline, setting } from './handler/settings.ts';
import { type Moment, step } from './handler/step.ts';

/** https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html */
const Event = z.object({
  Records: z.array(z.object({ eventName: z.string(), dynamodb: z.object({ NewImage: z.optional(z.record(z.string(), z.unknown())) }) })),
});

interface World {
  readonly pipeline: Pick<Pipeline, 'name' | 'timeZone'>;
  readonly notices: Pick<Notices, 'publish'>;
  readonly sent: Pick<SentNotices, 'has' | 'put'>;
}

export const notify =
  ({ pipeline, notices, sent }: World) =>
  async ({ Records }: z.infer<typeof Event>, { now }: Moment): Promise<void> => {
    const entries = Records.flatMap(({ eventName, dynamodb }) =>
      eventName === 'INSERT' && dynamodb.NewImage ? [unmarshall(dynamodb.NewImage as Record<string, AttributeValue>) as JournalEntry] : [],
    );
    const fresh = [];
    for (const entry of entries) {
      const notice = noticeOf(entry, pipeline.name, pipeline.timeZone);
      // The stream brings records again after a failure.
      if (notice && !(await sent.has(notice.id, 'topic'))) fresh.push(notice);
    }
    const messages = bundled(fresh, pipeline.name);
    for (const message of messages) {
      await notices.publish(message);
      for (const { id } of messages.length === fresh.length ? [message] : fresh) await sent.put(id, 'topic', now());
    }
  };

export const handler = step('notify', Event, () =>
  notify({
    pipeline: readPipeline(),
    notices: new Notices(setting('NOTICES_TOPIC_ARN')),
    sent: new SentNotices(setting('LEDGER_TABLE')),
  }),
);
