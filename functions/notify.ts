/** Sends notices to people about journal entries, from the journal's stream: no step waits for it. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';
import { SentNotices } from '../aws/sent-notices.ts';
import { NOTICES_PER_CALL, Notices } from '../aws/sns.ts';
import type { JournalEntry } from '../domain/ledger/records.ts';
import { bundled, type Notice, noticeOf } from '../domain/notice/notices.ts';
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
  readonly sent: Pick<SentNotices, 'among' | 'putMany'>;
}

const idsOf = (notices: readonly Notice[]) => notices.map(({ id }) => id);

/** Not all could be told: Lambda brings the records again, and those that were told are known. */
class NotPublished extends Error {
  constructor(why: string) {
    super(`some notices were not published: ${why}`);
    this.name = 'NotPublished';
  }
}

export const notify =
  ({ pipeline, notices, sent: sentNotices }: World) =>
  async ({ Records }: z.infer<typeof Event>, { now }: Moment): Promise<void> => {
    const entries = Records.flatMap(({ eventName, dynamodb }) =>
      eventName === 'INSERT' && dynamodb.NewImage ? [unmarshall(dynamodb.NewImage as Record<string, AttributeValue>) as JournalEntry] : [],
    );
    const all = entries.flatMap((entry) => noticeOf(entry, pipeline.name, pipeline.timeZone) ?? []);
    // The stream brings records again after a failure.
    const known = await sentNotices.among(idsOf(all), 'topic');
    const fresh = all.filter(({ id }) => !known.has(id));
    const messages = bundled(fresh, pipeline.name);
    const isBundled = messages.length < fresh.length;
    for (let start = 0; start < messages.length; start += NOTICES_PER_CALL) {
      const { sent, failed } = await notices.publish(messages.slice(start, start + NOTICES_PER_CALL));
      if (sent.length > 0) await sentNotices.putMany(idsOf(isBundled ? fresh : sent), 'topic', now());
      if (failed) throw new NotPublished(failed);
    }
  };

export const handler = step('notify', Event, () =>
  notify({
    pipeline: readPipeline(),
    notices: new Notices(setting('NOTICES_TOPIC_ARN')),
    sent: new SentNotices(setting('LEDGER_TABLE')),
  }),
);
