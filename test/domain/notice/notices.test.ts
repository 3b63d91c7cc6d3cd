import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../../domain/ledger/records.ts';
import { AT_ONCE, bundled, chatMessage, mailOf, noticeOf, slackMessage, teamsMessage } from '../../../domain/notice/notices.ts';

const entry = (more: Partial<JournalEntry> = {}): JournalEntry => ({
  subject: 'test-orders-aaaaaaaaaaaa-1',
  event: 'ended',
  at: '2026-11-23T08:00:00.000Z',
  who: 'shiplock',
  tone: 'bad',
  text: 'orders git_1: failed in test: exit code 1',
  repository: 'orders',
  digest: `sha256:${'a'.repeat(64)}`,
  tag: 'git_1',
  environment: 'test',
  ...more,
});
const notice = (more: Partial<JournalEntry> = {}) => noticeOf(entry(more), 'acme')!;

/** What a stranger may write into a tag, a commit message or a log. */
const HOSTILE = [
  '<!channel> look',
  '<!here|here>',
  '<@U012345>',
  '<https://evil.example.com|shiplock approve>',
  '&lt;!everyone&gt;',
  '[click](https://evil.example.com)',
  '*bold* _it_ ~gone~ `code` ```block```',
  '@channel @here @everyone',
  '<at>General</at>',
  '![picture](https://evil.example.com/pixel.png)',
  '# heading\n- list\n> quote',
  'one\r\nSubject: two\n\nBcc: everybody@example.com',
  'right\u202eleft\u2066\u2069',
  '\u001b[31mred\u001b[0m\u0007',
  '"}],"text":"injected',
  '</script><script>alert(1)</script>',
  '🚢'.repeat(1_200),
];

describe('what people are told', () => {
  it('is beginnings, what waits, ends and troubles, not every line of the journal', () => {
    expect(noticeOf(entry({ event: 'deploying', tone: 'info' }), 'acme')?.tone).toBe('info');
    expect(noticeOf(entry({ event: 'asked/beta', tone: 'waiting' }), 'acme')?.tone).toBe('waiting');
    expect(noticeOf(entry({ tone: 'good' }), 'acme')?.tone).toBe('good');
    expect(noticeOf(entry({ event: 'admitted', tone: 'info' }), 'acme')).toBeUndefined();
    expect(noticeOf(entry({ event: 'refused/4711', tone: 'bad' }), 'acme')).toBeUndefined();
  });

  it('says times as people of the pipeline do, and calls a set a set', () => {
    const said = { event: 'asked/beta', tone: 'waiting' as const, stage: 'beta', text: 'waits until 2026-11-24T06:00:00.000Z' };
    const told = noticeOf(entry({ ...said, repository: '+test', tag: '2 of test' }), 'acme', 'Europe/Berlin');
    expect(told).toMatchObject({
      title: 'set (2 of test) in test',
      text: 'waits until Tue 24 Nov 07:00',
      at: 'Mon 23 Nov 09:00, Europe/Berlin',
      command: `shiplock approve beta/+test/${'a'.repeat(12)}/1`,
    });
  });

  it('names the command that helps', () => {
    const asked = { subject: 'orders-aaaaaaaaaaaa-3', event: 'asked/live+sandbox', tone: 'waiting', stage: 'live+sandbox' } as const;
    expect(notice(asked).command).toBe('shiplock approve live+sandbox/orders/aaaaaaaaaaaa/3');
    expect(notice({ event: 'manual-intervention/x' }).command).toContain('shiplock thaw test');
    expect(notice().command).toBe('shiplock history test');
    expect(notice({ event: 'parked', tone: 'waiting' }).command).toBe('shiplock status');
  });

  it('has the same id for the same entry, and one thread for one release', () => {
    expect(notice()).toEqual(notice());
    expect(notice({ event: 'deploying', tone: 'info' }).id).not.toBe(notice().id);
    expect(notice({ event: 'deploying', tone: 'info' }).thread).toBe(notice().thread);
  });

  it('is coloured by its tone, everywhere differently for good and bad', () => {
    for (const message of [slackMessage, teamsMessage, chatMessage])
      expect(JSON.stringify(message(notice({ tone: 'good' })))).not.toBe(JSON.stringify(message(notice())));
    expect(slackMessage(notice()).attachments[0]?.color).toBe('#e01e5a');
    expect(slackMessage(notice({ tone: 'good' })).attachments[0]?.color).toBe('#2eb67d');
  });
});

describe('a burst', () => {
  it('becomes one message with the worst of it', () => {
    const many = Array.from({ length: 40 }, (_, index) => notice({ subject: `s${index}`, tone: index === 7 ? 'bad' : 'good' }));
    const [digest, ...rest] = bundled(many, 'acme');
    expect(rest).toEqual([]);
    expect(digest).toMatchObject({ tone: 'bad', text: expect.stringContaining('1 went wrong, 39 went well') });
    expect(digest!.text).toContain('exit code 1');
  });

  it('of a few stays as it is', () => {
    const few = Array.from({ length: AT_ONCE }, (_, index) => notice({ subject: `s${index}` }));
    expect(bundled(few, 'acme')).toEqual(few);
    expect(bundled([], 'acme')).toEqual([]);
  });
});

/** Every text in a message, with the member that it stands under. */
function texts(value: unknown, at = ''): { readonly at: string; readonly text: string }[] {
  if (typeof value === 'string') return [{ at, text: value }];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([name, one]) => texts(one, name));
}

describe.each(HOSTILE)('what a stranger wrote, %j', (text) => {
  const hostile = notice({ text, tag: text, who: text });

  it('is no mention, link or markup in Slack', () => {
    const message = slackMessage(hostile);
    for (const one of texts(message)) {
      expect(one.text).not.toMatch(/[<>]/);
      expect(one.text.replaceAll(/&(amp|lt|gt);/g, '')).not.toContain('&');
    }
    const mrkdwn = message.attachments.flatMap(({ blocks }) => blocks).flatMap((block) => ('text' in block ? [block.text] : []));
    for (const one of mrkdwn) if (one?.type === 'mrkdwn') expect(one.text).toBe('`shiplock history test`');
  });

  it('is literal in Teams', () => {
    for (const { content } of teamsMessage(hostile).attachments) {
      expect(content.body.every(({ type }) => type === 'RichTextBlock')).toBe(true);
      expect(Object.keys(content)).not.toContain('msteams');
    }
  });

  it('is broken up in markdown that any client may show', () => {
    const { title: whole, description } = chatMessage(hostile).content;
    const title = whole.replace(/^:\w+: /, '');
    for (const one of [title, description]) {
      expect(one).not.toMatch(/[<>]/);
      expect(one).not.toMatch(/\]\(|[*_~`@](?!\u2060)|https?:\/\//);
    }
  });

  it('adds no line to the subject of an e-mail, and no control character anywhere', () => {
    const { subject, message } = mailOf(hostile);
    expect(subject).toMatch(/^[\x20-\x7e]{1,100}$/);
    expect(message.split('\n')).toHaveLength(4);
    for (const { text: one } of [...texts(slackMessage(hostile)), ...texts(teamsMessage(hostile)), { text: message.replaceAll('\n', '') }])
      expect(one).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
  });

  it('fits what a chat takes, without half a character', () => {
    for (const message of [slackMessage(hostile), teamsMessage(hostile), chatMessage(hostile)]) {
      expect(JSON.stringify(message).length).toBeLessThan(20_000);
      for (const one of texts(message)) expect(one.text.isWellFormed()).toBe(true);
    }
  });
});
