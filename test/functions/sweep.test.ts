/** The sweep by values: what is old enough to be looked after, what is left alone, and that one trouble keeps nothing else from it. */
import { beforeEach, describe, expect, it } from 'vitest';
import { sweep } from '../../functions/sweep.ts';
import { release as releaseOf } from '../domain/parts.ts';
import { EVENING, HOUR, MINUTE, MORNING, type StepFixture, stepFixture } from './step-fixture.ts';

let d: StepFixture;
beforeEach(async () => {
  d = await stepFixture();
});

const release = releaseOf('gateway', '1.0.0');
const place = (name: string) => d.world.pipeline.environments[name]!;
const run = () => sweep(d.world as unknown as Parameters<typeof sweep>[0])({}, d.moment);
const dead = (arn: string, at = MORNING - MINUTE, more: object = {}) =>
  d.executions.set(arn, { status: 'ABORTED', stoppedAt: new Date(at), ...more });

/** A promotion into beta that holds its turn since then, and another behind it. */
async function holder(askedAt = MORNING - HOUR) {
  for (const id of ['p1', 'p2'])
    await d.world.turns.takeGroup(place('beta'), 'gateway', { id, execution: `arn:${id}`, askedAt, token: `t-${id}` }, MORNING);
  d.answers.length = 0;
  await d.ledger.newPromotion({
    promotion: 'p1',
    execution: 'arn:p1',
    environment: 'beta',
    stage: 'beta',
    group: 'gateway',
    release,
    releaseRun: 'c1',
    pipeline: 'x',
    state: 'deploying',
    askedAt: '',
    taskDefinitions: {},
  });
}

it('a sweep of a pipeline at rest finds nothing, and says nothing', async () => {
  expect(await run()).toEqual({ answers: 0, waits: 0, holders: 0, teardowns: 0, releases: 0, pushes: 0 });
  expect(d.journal).toEqual([]);
});

describe('an answer that was written and not sent', () => {
  beforeEach(async () => {
    d.breakNext('answer t1');
    await d.world.outbox.answer('t1', { result: { x: 1 } }, MORNING).catch(() => {});
  });

  it('is sent when nobody else can be about to', async () => {
    d.at(MORNING + 2 * MINUTE);
    expect(await run()).toMatchObject({ answers: 0 });
    d.at(MORNING + 2 * MINUTE + 1);
    expect(await run()).toMatchObject({ answers: 1 });
    expect(d.answers).toEqual([{ token: 't1', answer: { result: { x: 1 } } }]);
    expect(await d.unsent()).toEqual([]);
  });

  it('that cannot be sent keeps nothing else from being looked after, and is tried by the next sweep', async () => {
    d.at(MORNING + HOUR);
    await holder();
    dead('arn:p1');
    d.breakNext('answer t1');
    await expect(run()).rejects.toThrow(/1 of its parts failed, all others are done: an answer to a waiting step/);
    expect(d.answers).toMatchObject([{ token: 't-p2' }]);
    expect(await run()).toMatchObject({ answers: 1 });
  });
});

describe('a wait', () => {
  const seen = (state: 'succeeded' | 'running') => d.statuses.set('gateway', [{ state, reason: '', deployment: 'd1' }]);

  it('is looked at when it is older than its environment’s patience', async () => {
    seen('succeeded');
    await d.wait({ since: MORNING - 20 * MINUTE + 1 });
    expect(await run()).toMatchObject({ waits: 0 });
    d.at(MORNING + 1);
    expect(await run()).toMatchObject({ waits: 1 });
    expect(d.answers).toMatchObject([{ token: 't0', answer: { result: { services: ['gateway'] } } }]);
  });

  it('for what still goes on, or never began, is left to its own backstop', async () => {
    await d.wait({ since: MORNING - HOUR });
    expect(await run()).toMatchObject({ waits: 0 });
    seen('running');
    expect(await run()).toMatchObject({ waits: 0 });
    expect(d.answers).toEqual([]);
  });

  it('in an environment that the configuration does not know any more is nobody’s', async () => {
    seen('succeeded');
    await d.wait({ environment: 'qa', since: MORNING - HOUR });
    expect(await run()).toMatchObject({ waits: 0 });
  });
});

describe('whoever holds a turn', () => {
  it('and has ended is settled, and the next one goes in', async () => {
    await holder();
    dead('arn:p1');
    expect(await run()).toMatchObject({ holders: 1 });
    expect(await d.ledger.promotion('p1')).toMatchObject({ state: 'errored' });
    expect(d.answers).toMatchObject([{ token: 't-p2', answer: { result: { fence: 2 } } }]);
  });

  it('and was aborted by a person is refused', async () => {
    await holder();
    dead('arn:p1', MORNING - MINUTE, { error: 'Aborted', cause: 'by manager@example.com' });
    await run();
    expect(await d.ledger.promotion('p1')).toMatchObject({ state: 'refused', reason: 'by manager@example.com' });
  });

  it.each([
    ['still runs', () => d.executions.set('arn:p1', { status: 'RUNNING' })],
    ['has ended within the minute in which a function of it may still act', () => dead('arn:p1', MORNING - MINUTE + 1)],
    ['is unknown to Step Functions', () => undefined],
  ])('and %s keeps it', async (_, arrange) => {
    await holder();
    arrange();
    expect(await run()).toMatchObject({ holders: 0 });
    expect(await d.ledger.promotion('p1')).toMatchObject({ state: 'deploying' });
    expect(d.answers).toEqual([]);
  });

  it('since a moment ago is not even asked about', async () => {
    await holder(MORNING - 2 * MINUTE + 1);
    dead('arn:p1');
    expect(await run()).toMatchObject({ holders: 0 });
  });

  it('as a teardown that has ended leaves the environment down', async () => {
    const ticket = { id: 'night', execution: 'arn:night', askedAt: MORNING - HOUR, token: 't' };
    await d.world.turns.takeEnvironment(place('test'), ticket, true, MORNING);
    dead('arn:night');
    expect(await run()).toMatchObject({ holders: 1 });
    expect(await d.world.turns.state(place('test'))).toBe('down');
  });
});

describe('a wake', () => {
  const arn = `arn:aws:states:r:1:execution:acme-wake:test-wake-0`;
  const parked = () =>
    d.world.turns.takeGroup(place('test'), 'gateway', { id: 'p1', execution: 'arn:p1', askedAt: MORNING - HOUR, token: 't-p1' }, MORNING);
  beforeEach(async () => {
    await parked();
    d.executions.set('arn:p1', { status: 'RUNNING' });
  });

  it('that was never started is, for whoever waits, under the name that all others give it', async () => {
    expect(await run()).toMatchObject({ holders: 1 });
    expect(d.started).toEqual([{ machine: d.world.wakeMachine, name: 'test-wake-0', input: { environment: 'test', cause: 'need' } }]);
  });

  it('that was never started is not out of hours, where pushes wait for the morning', async () => {
    d.at(EVENING);
    await run();
    expect(d.started).toEqual([]);
  });

  it('that has ended without a word is settled: whoever waits is told', async () => {
    await d.world.turns.beginWake(place('test'), 'test-wake-0', MORNING);
    dead(arn);
    expect(await run()).toMatchObject({ holders: 1 });
    expect(await d.world.turns.state(place('test'))).toBe('down');
    expect(d.answers).toMatchObject([{ token: 't-p1', answer: { error: 'PromotionRefused' } }]);
  });

  it('that goes on is left alone', async () => {
    await d.world.turns.beginWake(place('test'), 'test-wake-0', MORNING);
    d.executions.set(arn, { status: 'RUNNING' });
    expect(await run()).toMatchObject({ holders: 0 });
    expect(d.started).toEqual([]);
    expect(await d.world.turns.state(place('test'))).toBe('waking');
  });
});

describe('an environment that was extended', () => {
  const until = (at: number, environment = 'test') =>
    d.ledger.putExtension({ environment, until: new Date(at).toISOString(), by: 'developer@example.com' });

  it('is closed once its time has come, out of its hours, under a name of that time', async () => {
    d.at(EVENING);
    await until(EVENING);
    expect(await run()).toMatchObject({ teardowns: 1 });
    const name = `test-teardown-at${Math.floor(EVENING / 1000).toString(36)}`;
    expect(d.started).toEqual([{ machine: d.world.teardownMachine, name, input: { environment: 'test', cause: 'hours' } }]);
    expect(await d.ledger.extension('test')).toBeUndefined();
    expect(await run()).toMatchObject({ teardowns: 0 });
  });

  it('stays before that', async () => {
    d.at(EVENING);
    await until(EVENING + 1);
    expect(await run()).toMatchObject({ teardowns: 0 });
    expect(await d.ledger.extension('test')).toBeDefined();
  });

  it('stays up in the hours of the day, and one that is always there stays for ever', async () => {
    await until(MORNING);
    await until(MORNING, 'beta');
    expect(await run()).toMatchObject({ teardowns: 2 });
    expect(d.started).toEqual([]);
    expect(await d.ledger.extension('test')).toBeUndefined();
  });
});

describe('a release that climbs', () => {
  const arn = 'arn:aws:states:r:1:execution:acme-release:c1';
  const admitted = (at: number) =>
    d.ledger.putRelease({ ...release, state: 'in-progress', admittedAt: new Date(at).toISOString(), execution: 'c1', attempt: 1 });

  it('though its execution has ended, ends too: asked about once an hour', async () => {
    await admitted(MORNING - HOUR + 1);
    dead(arn);
    expect(await run()).toMatchObject({ releases: 0 });
    d.at(MORNING + 1);
    expect(await run()).toMatchObject({ releases: 1 });
    expect(await d.ledger.release('gateway', release.digest)).toMatchObject({ state: 'errored' });
    d.at(MORNING + 5 * MINUTE + 1);
    expect(await run()).toMatchObject({ releases: 0 });
  });

  it('and whose execution runs goes on', async () => {
    await admitted(MORNING - HOUR);
    d.executions.set(arn, { status: 'RUNNING' });
    expect(await run()).toMatchObject({ releases: 0 });
    expect(await d.ledger.release('gateway', release.digest)).toMatchObject({ state: 'in-progress' });
  });
});
