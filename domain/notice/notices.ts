/** What people are told, as values: from journal entries to e-mails, and to messages of Slack, Teams and Amazon Q, each with its own escaping. */
import type { JournalEntry } from '../ledger/records.ts';
import { releaseTitle, shortDigest } from '../release/release.ts';
import { dayTime, inZone } from '../text/times.ts';

/** One thing to tell people. Its texts hold what strangers wrote: tags, commit messages, logs. */
export interface Notice {
  /** The same for the same entry of the journal, so that it is told once. */
  readonly id: string;
  /** Notices of one release, or one environment, belong together. */
  readonly thread: string;
  readonly tone: JournalEntry['tone'];
  /** Who it is about, in a few words. */
  readonly title: string;
  readonly text: string;
  /** The next command: made of our own words only. */
  readonly command: string;
  /** As people of the pipeline say it, with their time zone. */
  readonly at: string;
  readonly who: string;
  readonly environment?: string;
  readonly repository?: string;
}

/** Said by the release's or the promotion's own end too, or only worth a line in the journal. */
const LEFT_TO_THE_JOURNAL = ['refused/', 'migrated/', 'approved/'];

/** Told although they are neither good nor bad: something has begun. */
const BEGINNINGS = ['deploying', 'waking'];

/** @param timeZone of the pipeline's people @default UTC @returns undefined for what stays in the journal */
export function noticeOf(entry: JournalEntry, pipeline: string, timeZone = 'UTC'): Notice | undefined {
  const { subject, event, tone, text, at, who, environment, repository, tag } = entry;
  if (LEFT_TO_THE_JOURNAL.some((prefix) => event.startsWith(prefix))) return undefined;
  if (tone === 'info' && !BEGINNINGS.includes(event)) return undefined;
  return {
    id: `${subject} ${event}`,
    thread: repository && entry.digest ? `${pipeline}/${repository}/${shortDigest(entry.digest)}` : `${pipeline}/${subject}`,
    tone,
    title: oneLine(
      repository && tag ? `${releaseTitle({ repository, tag })}${environment ? ` in ${environment}` : ''}` : environment || pipeline,
      120,
    ),
    text: oneLine(inZone(text, timeZone), 1_000),
    command: commandFor(entry),
    at: `${dayTime(Date.parse(at), timeZone)}, ${timeZone}`,
    who: oneLine(who, 120),
    ...(environment ? { environment } : {}),
    ...(repository ? { repository } : {}),
  };
}

/** What helps now. */
function commandFor({ subject, event, tone, digest, environment, repository, stage }: JournalEntry): string {
  const plain = (word: string | undefined): word is string => word !== undefined && /^\+?[A-Za-z0-9][\w+./-]*$/.test(word);
  if (event.startsWith('asked/') && plain(stage) && plain(repository) && digest) {
    const attempt = /-(\d+)$/.exec(subject)?.[1] ?? '1';
    return `shiplock approve ${stage}/${repository}/${shortDigest(digest)}/${attempt}`;
  }
  if (event.startsWith('manual-intervention/') && plain(environment))
    return `shiplock history ${environment}; shiplock thaw ${environment}`;
  if (tone === 'bad' && plain(environment)) return `shiplock history ${environment}`;
  return 'shiplock status';
}

/** More than this at once becomes one digest. */
export const AT_ONCE = 5;

/** What is sent of notices that came together: each by itself, or all as one. */
export function bundled(notices: readonly Notice[], pipeline: string): Notice[] {
  if (notices.length <= AT_ONCE) return [...notices];
  const worst = (['bad', 'waiting', 'good', 'info'] as const).find((tone) => notices.some((notice) => notice.tone === tone)) ?? 'info';
  const counts = (['bad', 'waiting', 'good', 'info'] as const)
    .map((tone) => ({ tone, count: notices.filter((notice) => notice.tone === tone).length }))
    .filter(({ count }) => count > 0)
    .map(({ tone, count }) => `${count} ${WORDS[tone]}`);
  const first = notices.find(({ tone }) => tone === worst) ?? notices[0]!;
  const digest: Notice = {
    id: `digest ${notices[0]!.id}`,
    thread: `${pipeline}/digest`,
    tone: worst,
    title: `${pipeline}: ${notices.length} things at once`,
    text: `${counts.join(', ')}. First: ${first.text}`,
    command: 'shiplock status',
    at: notices.at(-1)!.at,
    who: 'shiplock',
  };
  return [digest];
}

const WORDS: Readonly<Record<Notice['tone'], string>> = { bad: 'went wrong', waiting: 'wait', good: 'went well', info: 'began' };
const MARKS: Readonly<Record<Notice['tone'], string>> = { good: '[ok]', bad: '[!!]', waiting: '[??]', info: '[..]' };
const COLOURS: Readonly<Record<Notice['tone'], string>> = { good: '#2eb67d', bad: '#e01e5a', waiting: '#ecb22e', info: '#36c5f0' };
const TEAMS_COLOURS: Readonly<Record<Notice['tone'], string>> = { good: 'Good', bad: 'Attention', waiting: 'Warning', info: 'Accent' };

/** Without control characters, line breaks and what turns text around; cut, never within a character. */
export function oneLine(text: string, limit: number): string {
  const line = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu, ' ').trim();
  const characters = Array.from(line);
  return characters.length <= limit ? line : `${characters.slice(0, limit - 1).join('')}…`;
}

/** An e-mail: no markup, so nothing to escape. SNS takes 100 characters of ASCII as a subject. */
export const mailOf = (notice: Notice): { readonly subject: string; readonly message: string } => ({
  subject: `${MARKS[notice.tone]} ${notice.title}`.replace(/[^\x20-\x7e]/g, '?').slice(0, 100),
  message: [notice.text, '', `${notice.at} by ${notice.who}`, `next: ${notice.command}`].join('\n'),
});

/** Slack's three control characters: without them there is no mention, no link. https://docs.slack.dev/messaging/formatting-message-text/#escaping */
const slackText = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** What strangers wrote stands in `plain_text` only, which knows no markup. https://docs.slack.dev/reference/block-kit/composition-objects/text-object/ */
const slackPlain = (text: string) => ({ type: 'plain_text', text: slackText(text), emoji: false });

/** The body of a POST to an incoming webhook of Slack. https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/ */
export const slackMessage = (notice: Notice) => ({
  text: slackText(`${MARKS[notice.tone]} ${notice.title}`),
  unfurl_links: false,
  unfurl_media: false,
  attachments: [
    {
      color: COLOURS[notice.tone],
      fallback: slackText(`${notice.title}: ${notice.text}`),
      blocks: [
        { type: 'section', text: slackPlain(notice.text) },
        { type: 'context', elements: [slackPlain(`${notice.at} by ${notice.who}`)] },
        { type: 'section', text: { type: 'mrkdwn', text: `\`${slackText(notice.command)}\``, verbatim: true } },
      ],
    },
  ],
});

/** A TextRun knows no markdown, and mentions only those that `msteams.entities` names. https://adaptivecards.io/explorer/TextRun.html */
const run = (text: string, more: object = {}) => ({ type: 'RichTextBlock', inlines: [{ type: 'TextRun', text, ...more }] });

/** The body of a POST to a workflow's webhook of Teams. https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using */
export const teamsMessage = (notice: Notice) => ({
  type: 'message',
  attachments: [
    {
      contentType: 'application/vnd.microsoft.card.adaptive',
      content: {
        $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
        type: 'AdaptiveCard',
        version: '1.4',
        body: [
          run(notice.title, { weight: 'Bolder', size: 'Medium', color: TEAMS_COLOURS[notice.tone] }),
          run(notice.text),
          run(`${notice.at} by ${notice.who}`, { isSubtle: true, size: 'Small' }),
          run(notice.command, { fontType: 'Monospace' }),
        ],
      },
    },
  ],
});

/**
 * Markdown that the client shows, so it has to be harmless in all of them: control characters of Slack are escaped, and a
 * word joiner, which nobody sees, breaks emphasis, code, links and mentions.
 */
const clientMarkdown = (text: string) => slackText(text).replace(/[*_~`[\]()#!@|\\]|:(?=\/\/)/g, (sign) => `${sign}\u2060`);

/** What Amazon Q Developer in chat applications shows. https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html */
export const chatMessage = (notice: Notice) => ({
  version: '1.0',
  source: 'custom',
  id: oneLine(notice.id, 256),
  content: {
    textType: 'client-markdown',
    title: oneLine(`${EMOJI[notice.tone]} ${clientMarkdown(notice.title)}`, 250),
    description: `${clientMarkdown(notice.text)}\n${clientMarkdown(`${notice.at} by ${notice.who}`)}`,
    nextSteps: [`\`${notice.command}\``],
    keywords: [WORDS[notice.tone], ...(notice.environment ? [notice.environment] : []), ...(notice.repository ? [notice.repository] : [])],
  },
  metadata: { threadId: notice.thread, summary: clientMarkdown(notice.title), eventType: notice.tone },
});

const EMOJI: Readonly<Record<Notice['tone'], string>> = {
  good: ':white_check_mark:',
  bad: ':rotating_light:',
  waiting: ':hourglass_flowing_sand:',
  info: ':ship:',
};
