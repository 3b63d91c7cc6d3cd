import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../aws/secrets.ts';
import type { Channel } from '../../aws/sent-notices.ts';
import type { JournalEntry } from '../../domain/ledger/records.ts';
import type { Notice } from '../../domain/notice/notices.ts';
import { notify } from '../../functions/notify.ts';
import { postNotice } from '../../functions/post-notice.ts';

const moment = { now: () => 0, logger: { info: () => {} }, count: () => {} } as never;
const entry = (number: number): JournalEntry => ({
  subject: `test-orders-${number}`,
  event: 'ended',
  at: '2026-11-23T08:00:00.000Z',
  who: 'shiplock',
  tone: 'good',
  text: 'runs in test',
  environment: 'test',
});
const record = (one: JournalEntry, eventName = 'INSERT') => ({ eventName, dynamodb: { NewImage: marshall(one) } });

let remembered: Set<string>;
const told = {
  has: async (id: string, way: Channel) => remembered.has(`${way} ${id}`),
  put: async (id: string, way: Channel) => void remembered.add(`${way} ${id}`),
  among: async (ids: readonly string[], way: Channel) => new Set(ids.filter((id) => remembered.has(`${way} ${id}`))),
  putMany: async (ids: readonly string[], way: Channel) => {
    for (const id of ids) remembered.add(`${way} ${id}`);
  },
};
beforeEach(() => {
  remembered = new Set();
});

describe('the stream of the journal', () => {
  let published: Notice[];
  let trouble: number;
  const step = notify({
    pipeline: { name: 'acme', timeZone: 'Europe/Berlin' },
    sent: told,
    notices: {
      publish: async (notices) => {
        const sent = notices.slice(0, trouble === -1 ? undefined : Math.max(trouble - published.length, 0));
        published.push(...sent);
        return { sent, ...(sent.length < notices.length ? { failed: 'SNS is away' } : {}) };
      },
    },
  });
  beforeEach(() => {
    published = [];
    trouble = -1;
  });

  it('that brings a record again tells people once', async () => {
    await step({ Records: [record(entry(1))] }, moment);
    await step({ Records: [record(entry(1)), record(entry(2))] }, moment);
    expect(published.map(({ id }) => id)).toEqual(['test-orders-1 ended', 'test-orders-2 ended']);
  });

  it('that fails in the midst goes on where it failed', async () => {
    const Records = [1, 2, 3].map((number) => record(entry(number)));
    trouble = 1;
    await expect(step({ Records }, moment)).rejects.toThrow('SNS is away');
    trouble = -1;
    await step({ Records }, moment);
    expect(published.map(({ id }) => id)).toEqual([1, 2, 3].map((number) => `test-orders-${number} ended`));
  });

  it('that brings many at once is one message, and none of them is told again', async () => {
    const Records = Array.from({ length: 60 }, (_, number) => record(entry(number)));
    await step({ Records }, moment);
    expect(published.map(({ title }) => title)).toEqual(['acme: 60 things at once']);
    await step({ Records: Records.slice(0, 3) }, moment);
    expect(published).toHaveLength(1);
  });

  it('tells of what is new, not of what is changed or removed', async () => {
    await step({ Records: [record(entry(1), 'MODIFY'), record(entry(2), 'REMOVE')] }, moment);
    expect(published).toEqual([]);
  });
});

describe('a notice for chats', () => {
  const secret = 'https://hooks.example.com/services/very/secret';
  const notice = { id: 'x ended', thread: 't', tone: 'bad', title: 'x', text: 'y', command: 'shiplock status', at: '', who: '' };
  const event = (message: string) => ({ Records: [{ Sns: { Message: message } }] });
  let asked: string[];
  let answers: Record<string, number | Error>;
  const step = (url = secret) =>
    postNotice({
      pipeline: { notifications: { email: [], slack: '/acme/slack', teams: '/acme/teams' } },
      sent: told,
      secrets: { read: async (name) => new Secret(name === '/acme/slack' ? url : 'https://teams.example.com/hook') },
      fetch: (async (to: string) => {
        const host = new URL(to).host;
        asked.push(host);
        const answer = answers[host] ?? 200;
        if (typeof answer !== 'number') throw answer;
        return new Response(null, { status: answer });
      }) as unknown as typeof fetch,
    });
  beforeEach(() => {
    asked = [];
    answers = {};
  });

  it('is posted to each, and again only to the one that failed', async () => {
    answers = { 'hooks.example.com': 503 };
    await expect(step()(event(JSON.stringify(notice)), moment)).rejects.toThrow('slack: it answered 503');
    answers = {};
    await step()(event(JSON.stringify(notice)), moment);
    await step()(event(JSON.stringify(notice)), moment);
    expect(asked).toEqual(['hooks.example.com', 'teams.example.com', 'hooks.example.com']);
  });

  it.each([new TypeError(`fetch failed for ${secret}`), 302, 404])('that ends as %s never says the address', async (answer) => {
    answers = { 'hooks.example.com': answer };
    const error = await step()(event(JSON.stringify(notice)), moment).catch((caught: Error) => caught);
    expect(String(error)).toContain('slack: ');
    expect(`${error} ${JSON.stringify(error)} ${(error as Error).stack}`).not.toContain('very/secret');
  });

  it('goes over no connection that others can read', async () => {
    await expect(step('http://hooks.example.com/services/very/secret')(event(JSON.stringify(notice)), moment)).rejects.toThrow('no https');
    expect(asked).toEqual(['teams.example.com']);
  });

  it('is no other message of the topic, such as an alarm', async () => {
    await step()(event('{"AlarmName":"acme-manual-intervention"}'), moment);
    await step()(event('plain text'), moment);
    expect(asked).toEqual([]);
  });
});

it('a secret prints as redacted', () => {
  const secret = new Secret('hush');
  expect(`${secret} ${JSON.stringify({ secret })}`).toBe('(secret) {"secret":"(secret)"}');
});
