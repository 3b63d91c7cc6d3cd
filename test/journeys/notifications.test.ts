/** What people hear of: by e-mail and in chats, once, and without holding anything up. */
import { afterEach, expect, it } from 'vitest';
import { chatHost } from '../../rehearsal/chats.ts';
import { HOUR, integrator, Journey, MINUTE, manager } from './journey.ts';

let journey: Journey;
afterEach(() => journey.end());

const posted = (chat: 'slack' | 'teams') =>
  journey.local.posts.filter((post) => post.chat === chat).map(({ body }) => JSON.stringify(body));
const mails = () => journey.local.site.service('sns').outbox.filter(({ to }) => to === manager);

it('people are told of the start, of what waits with the command that helps, and of the end, once each', async () => {
  journey = await Journey.begin();
  const digest = await journey.push();
  await journey.untilAsked(digest, 'beta');
  await journey.local.advance(2 * MINUTE);
  for (const chat of ['slack', 'teams'] as const) {
    const told = posted(chat);
    expect(told.filter((body) => body.includes('deploys to test'))).toHaveLength(1);
    expect(told.filter((body) => body.includes('waits for approval for beta'))).toHaveLength(1);
    expect(told.filter((body) => body.includes(`shiplock approve beta/gateway/${digest.slice(7, 19)}/1`))).toHaveLength(1);
    expect(told.filter((body) => body.includes('runs in test, checks passed'))).toHaveLength(1);
  }
  expect(mails().filter(({ body }) => body.includes('waits for approval for beta'))).toHaveLength(1);
  expect(new Set(posted('slack')).size).toBe(posted('slack').length);
  expect(journey.local.site.service('iam').denials.map(({ message }) => message)).toEqual([]);
});

it('what a stranger writes into a commit message mentions nobody', async () => {
  journey = await Journey.begin();
  const digest = await journey.push({
    tag: '1.9.9',
    message: '<!channel> free money',
    labels: { 'local.aws.exit-code': '1', 'local.aws.log': '<!here> <https://evil.example.com|approve>' },
  });
  await journey.untilState(digest, 'failed');
  await journey.local.advance(2 * MINUTE);
  expect(posted('slack').join()).toContain('&lt;!here&gt;');
  expect(posted('slack').join()).not.toContain('<!');
});

it('a webhook that fails holds nobody up: tried three times, then left for a person, and the other chat is told once', async () => {
  journey = await Journey.begin();
  let asked = 0;
  journey.local.world.listen(chatHost('slack'), async () => {
    asked++;
    return { status: 500, headers: {}, body: new Uint8Array() };
  });
  const digest = await journey.push();
  await journey.untilAsked(digest, 'beta');
  await journey.approve(digest, 'beta', integrator);
  await journey.untilAsked(digest, 'live+sandbox');
  await journey.local.advance(HOUR);
  const told = posted('teams');
  expect(told.length).toBeGreaterThan(3);
  expect(new Set(told).size).toBe(told.length);
  expect(asked).toBe(told.length * 3);
  const queue = await journey.local.site.call<{ Attributes: Record<string, string> }>(
    journey.local.site.service('iam').userPrincipal('rehearsal'),
    'sqs',
    'GetQueueAttributes',
    {
      QueueUrl: `https://sqs.${journey.local.site.region}.amazonaws.com/${journey.local.site.account}/acme-unhandled`,
      AttributeNames: ['ApproximateNumberOfMessages'],
    },
  );
  expect(Number(queue.Attributes.ApproximateNumberOfMessages)).toBe(told.length);
});

it('the address of a webhook is in no template, no log and no message', async () => {
  journey = await Journey.begin();
  journey.local.world.listen(chatHost('slack'), async () => ({ status: 404, headers: {}, body: new Uint8Array() }));
  const digest = await journey.push();
  await journey.untilAsked(digest, 'beta');
  await journey.local.advance(20 * MINUTE);
  const self = journey.local.site.service('iam').userPrincipal('rehearsal');
  const { events } = await journey.local.site.call<{ events: { message: string }[] }>(self, 'logs', 'FilterLogEvents', {
    logGroupName: '/aws/lambda/acme-post-notice',
  });
  const log = events.map(({ message }) => message).join();
  expect(log).toContain('it answered 404');
  expect(log).not.toContain('/hooks/');
});
