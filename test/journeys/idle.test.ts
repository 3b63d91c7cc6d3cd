/** An environment that somebody wakes out of its hours is not forgotten. */
import { afterEach, expect, it } from 'vitest';
import { HOUR, Journey, MINUTE, manager } from './journey.ts';

let journey: Journey;
afterEach(() => journey.end());

/** Saturday, 10:00 in Berlin; on Friday evening test was torn down with what ran there. */
const SATURDAY = Date.parse('2026-11-28T09:00:00Z');
const isUp = async () => (await journey.local.running('test')) !== undefined;

async function onSaturday(): Promise<void> {
  journey = await Journey.begin({ start: Date.parse('2026-11-27T16:00:00Z') });
  const digest = await journey.push();
  await journey.untilAsked(digest, 'beta');
  await journey.local.clock.run({ until: SATURDAY });
  expect(await isUp()).toBe(false);
  expect(await journey.local.decideAs(manager, { verb: 'wake', environment: 'test' })).toMatchObject({ status: 200 });
  await journey.local.until('test is up', async () => /test is up/.test(journey.journal.split('wakes').at(-1) ?? ''));
}

it('it closes after two idle hours', async () => {
  await onSaturday();
  await journey.local.advance(110 * MINUTE);
  expect(await isUp()).toBe(true);
  await journey.local.advance(30 * MINUTE);
  expect(await isUp()).toBe(false);
  expect(await journey.local.ledger.extension('test')).toBeUndefined();
});

it('a deployment puts that off', async () => {
  await onSaturday();
  await journey.local.advance(100 * MINUTE);
  const digest = await journey.push();
  await journey.untilAsked(digest, 'beta');
  await journey.local.advance(100 * MINUTE);
  expect(await isUp()).toBe(true);
  await journey.local.advance(40 * MINUTE);
  expect(await isUp()).toBe(false);
});

it('who extends it is listened to, longer or shorter', async () => {
  await onSaturday();
  const until = new Date(journey.local.clock.now() + 5 * HOUR).toISOString();
  expect(await journey.local.decideAs(manager, { verb: 'extend', environment: 'test', until })).toMatchObject({ status: 200 });
  const digest = await journey.push();
  await journey.untilAsked(digest, 'beta');
  await journey.local.advance(4 * HOUR);
  expect(await isUp()).toBe(true);
  await journey.local.advance(90 * MINUTE);
  expect(await isUp()).toBe(false);
});
