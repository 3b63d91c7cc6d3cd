/** Posts a notice from the topic to the chats whose webhooks the pipeline names. What fails is tried twice more, then left in the queue of the unhandled. */
import * as z from 'zod/mini';
import { Secrets } from '../aws/secrets.ts';
import { type Channel, SentNotices } from '../aws/sent-notices.ts';
import { type Notice, slackMessage, teamsMessage } from '../domain/notice/notices.ts';
import type { Pipeline } from '../domain/pipeline/pipeline.ts';
import { readPipeline, setting } from './handler/settings.ts';
import { type Moment, step } from './handler/step.ts';

/** https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html */
const Event = z.object({ Records: z.array(z.object({ Sns: z.object({ Message: z.string() }) })) });

const NoticeSchema = z.object({
  id: z.string(),
  thread: z.string(),
  tone: z.enum(['info', 'good', 'bad', 'waiting']),
  title: z.string(),
  text: z.string(),
  command: z.string(),
  at: z.string(),
  who: z.string(),
});

/** Some chats could not be reached; the others have their message, and do not get it again. */
class NotPosted extends Error {
  constructor(errors: readonly string[]) {
    super(errors.join('; '));
    this.name = 'NotPosted';
  }
}

/** Milliseconds a chat has to answer. */
const PATIENCE = 5_000;

interface World {
  readonly pipeline: Pick<Pipeline, 'notifications'>;
  readonly secrets: Pick<Secrets, 'read'>;
  readonly sent: Pick<SentNotices, 'has' | 'put'>;
  readonly fetch: typeof fetch;
}

const BODIES = { slack: slackMessage, teams: teamsMessage } as const;

export const postNotice =
  (world: World) =>
  async ({ Records }: z.infer<typeof Event>, moment: Moment): Promise<void> => {
    const errors: string[] = [];
    for (const { Sns } of Records) {
      const notice = understood(Sns.Message);
      if (notice === undefined) {
        // Alarms of CloudWatch come by the same topic: they go to the mailboxes.
        moment.logger.info('not a notice');
        continue;
      }
      for (const chat of ['slack', 'teams'] as const) {
        const trouble = await post(world, chat, notice, moment.now());
        if (trouble) errors.push(`${chat}: ${trouble}`);
      }
    }
    if (errors.length > 0) throw new NotPosted(errors);
  };

function understood(message: string): Notice | undefined {
  try {
    const parsed = z.safeParse(NoticeSchema, JSON.parse(message));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** @returns why it was not posted; never with the webhook's address, which is a secret */
async function post(
  { pipeline, secrets, sent, fetch: send }: World,
  chat: Exclude<Channel, 'topic'>,
  notice: Notice,
  now: number,
): Promise<string | undefined> {
  const parameter = pipeline.notifications[chat];
  if (parameter === undefined || (await sent.has(notice.id, chat))) return undefined;
  const url = (await secrets.read(parameter)).reveal();
  if (!url.startsWith('https://')) return `what ${parameter} holds is no https address`;
  let status: number;
  try {
    const body = JSON.stringify(BODIES[chat](notice));
    const headers = { 'content-type': 'application/json' };
    const answer = await send(url, { method: 'POST', headers, body, redirect: 'manual', signal: AbortSignal.timeout(PATIENCE) });
    status = answer.status;
  } catch (error) {
    return `no answer (${(error as Error).name})`;
  }
  if (status < 200 || status > 299) return `it answered ${status}`;
  await sent.put(notice.id, chat, now);
  return undefined;
}

export const handler = step('post-notice', Event, () =>
  postNotice({
    pipeline: readPipeline(),
    secrets: new Secrets(),
    sent: new SentNotices(setting('LEDGER_TABLE')),
    fetch: globalThis.fetch,
  }),
);
