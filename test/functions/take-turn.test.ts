/** Asking for a turn: granted, parked, superseded, refused; and which wake it starts. */
import { beforeEach, describe, expect, it } from 'vitest';
import { completePromotion } from '../../functions/complete-promotion.ts';
import { takeTurn } from '../../functions/take-turn.ts';
import { digest, release as releaseOf } from '../domain/parts.ts';
import { EVENING, HOUR, MORNING, type StepFixture, stepFixture } from './step-fixture.ts';

let d: StepFixture;
beforeEach(async () => {
  d = await stepFixture();
});

const gateway = (tag: string, letter = 'a') => releaseOf('gateway', tag, letter);

/** A promotion asks. */
const ask = (ticket: string, { environment = 'beta', release = gateway('1.0.0'), token = `t-${ticket}`, ...more }: object & Asked = {}) =>
  takeTurn(d.world)(
    {
      kind: 'group',
      ticket,
      execution: `e-${ticket}`,
      askedAt: MORNING,
      environment,
      token,
      stage: environment,
      releaseRun: `c-${ticket}`,
      release,
      ...more,
    },
    d.moment,
  );

interface Asked {
  readonly environment?: string;
  readonly release?: ReturnType<typeof releaseOf>;
  readonly token?: string;
  readonly askedAt?: number;
  readonly ordered?: { readonly verb: 'rollback'; readonly by: string; readonly reason: string };
}

const tearDown = (environment: string, cause = 'hours') =>
  takeTurn(d.world)(
    { kind: 'environment', ticket: 'night', execution: 'e', askedAt: MORNING, environment, token: 't-night', cause },
    d.moment,
  );

const isInProgress = (releaseRun: string, release = gateway('1.0.0')) =>
  d.ledger.putRelease({ ...release, state: 'in-progress', admittedAt: '2026-11-23T07:00:00.000Z', execution: releaseRun, attempt: 1 });

describe('a turn that is free', () => {
  it('is granted at once, with its fence and how long its steps may take', async () => {
    await ask('p1');
    expect(d.answers).toEqual([
      { token: 't-p1', answer: { result: { fence: 1, deploySeconds: 1200, verifySeconds: expect.any(Number) } } },
    ]);
    expect(await d.ledger.promotion('p1')).toMatchObject({ state: 'waiting', group: 'gateway', releaseRun: 'c-p1', taskDefinitions: {} });
    expect(d.journal).toEqual([]);
  });

  it('is granted again to the new token of a retry, under the same fence, and what the promotion has come to stays', async () => {
    await ask('p1');
    await d.ledger.setPromotion('p1', { state: 'deploying' });
    await ask('p1', { token: 't-again' });
    expect(d.answers.at(-1)).toMatchObject({ token: 't-again', answer: { result: { fence: 1 } } });
    expect(await d.ledger.promotion('p1')).toMatchObject({ state: 'deploying' });
  });

  it('is not lost when its answer is: the next try of the step finds its turn, and tells it', async () => {
    d.breakNext('answer t-p1');
    await expect(ask('p1')).rejects.toThrow('lost');
    expect(d.answers).toEqual([]);
    await ask('p1');
    expect(d.answers).toMatchObject([{ token: 't-p1', answer: { result: { fence: 1 } } }]);
  });

  it('is not given to whoever has ended in the meantime', async () => {
    const outcome = { outcome: 'errored' as const, reason: 'taking the turn timed out' };
    await completePromotion(d.world)(
      { promotion: 'p1', environment: 'beta', stage: 'beta', releaseRun: 'c-p1', release: gateway('1.0.0'), outcome },
      d.moment,
    );
    await ask('p1');
    expect(d.answers).toEqual([]);
    await ask('p2');
    expect(d.answers).toMatchObject([{ token: 't-p2' }]);
  });
});

describe('a turn that somebody holds', () => {
  it('is waited for, and the release says so', async () => {
    await ask('p1');
    await isInProgress('c-p2');
    await ask('p2');
    expect(d.answers).toHaveLength(1);
    expect(await d.ledger.release('gateway', digest('a'))).toMatchObject({ stage: 'beta', waitsFor: 'its turn in beta' });
    expect(d.journal).toMatchObject([{ subject: 'p2', event: 'parked', tone: 'waiting' }]);
    expect(d.started).toEqual([]);
  });

  it('is waited for by the newest of a repository only', async () => {
    await ask('p1');
    await ask('p2', { release: gateway('1.1.0', 'b') });
    await ask('p3', { release: gateway('1.2.0', 'c') });
    await ask('p4', { release: gateway('1.1.5', 'd') });
    expect(d.answers.slice(1)).toMatchObject([
      { token: 't-p2', answer: { error: 'Superseded', cause: expect.stringContaining('1.2.0, which is newer') } },
      { token: 't-p4', answer: { error: 'Superseded', cause: expect.stringContaining('1.2.0, which is newer') } },
    ]);
  });

  it('is waited for by what a person ordered, whatever else waits: neither supersedes the other', async () => {
    await ask('p1');
    await ask('p2', { release: gateway('1.2.0', 'c') });
    await ask('p3', { release: gateway('0.9.0', 'b'), ordered: { verb: 'rollback', by: 'manager@example.com', reason: 'x' } });
    await ask('p4', { release: gateway('1.3.0', 'd') });
    expect(d.answers.slice(1)).toMatchObject([{ token: 't-p2', answer: { error: 'Superseded' } }]);
    expect(await d.ledger.promotion('p3')).toMatchObject({ ordered: { verb: 'rollback' } });
  });

  it('of another group is nobody’s business', async () => {
    await ask('p1');
    await ask('p2', { release: releaseOf('catalog', 'build-1') });
    expect(d.answers).toHaveLength(2);
  });
});

describe('an environment that is down', () => {
  it('is woken once, whoever asks', async () => {
    await isInProgress('c-p1');
    await ask('p1', { environment: 'test' });
    await ask('p2', { environment: 'test', release: releaseOf('catalog', 'build-1') });
    expect(d.started).toEqual([{ machine: d.world.wakeMachine, name: 'test-wake-0', input: { environment: 'test', cause: 'need' } }]);
    expect(d.answers).toEqual([]);
    expect(await d.ledger.release('gateway', digest('a'))).toMatchObject({ waitsFor: 'test to wake' });
  });

  it('out of its hours is waited for until the morning, where the configuration says so', async () => {
    d.at(EVENING);
    await isInProgress('c-p1');
    await ask('p1', { environment: 'test' });
    expect(d.started).toEqual([]);
    expect(await d.ledger.release('gateway', digest('a'))).toMatchObject({
      waitsFor: 'the morning: test opens at 2026-11-24T06:00:00.000Z',
    });
  });

  it('out of its hours is woken, where the configuration says so', async () => {
    d.at(EVENING);
    const { test } = d.world.pipeline.environments;
    const eager = { ...test!, onDemand: { ...test!.onDemand!, outside: 'wake' as const } };
    const world = { ...d.world, pipeline: { ...d.world.pipeline, environments: { ...d.world.pipeline.environments, test: eager } } };
    const input = { kind: 'group' as const, ticket: 'p1', execution: 'e', askedAt: MORNING, environment: 'test', token: 't' };
    await takeTurn(world)({ ...input, stage: 'test', releaseRun: 'c', release: gateway('1.0.0') }, d.moment);
    expect(d.started).toHaveLength(1);
  });

  it('takes no set: whoever ordered it is told to wake it first', async () => {
    const set = { ...gateway('1.0.0'), members: [gateway('1.0.0')] };
    await ask('p1', { environment: 'test', release: set });
    expect(d.answers).toMatchObject([
      { token: 't-p1', answer: { error: 'PromotionRefused', cause: expect.stringContaining('shiplock wake test') } },
    ]);
    expect(await d.ledger.promotion('p1')).toMatchObject({ group: '*' });
  });

  it('is not torn down again', async () => {
    await tearDown('test');
    expect(d.answers).toMatchObject([{ token: 't-night', answer: { error: 'EnvironmentAsleep' } }]);
  });

  it('is torn down where something of it still runs', async () => {
    await d.ledger.putService({ environment: 'test', service: 'gateway', state: 'running', taskDefinition: 't:1', promotion: 'p' });
    await tearDown('test');
    expect(d.answers).toMatchObject([{ token: 't-night', answer: { result: { fence: 1 } } }]);
  });
});

describe('a scheduled teardown', () => {
  const extended = (until: number) =>
    d.ledger.putExtension({ environment: 'test', until: new Date(until).toISOString(), by: 'developer@example.com' });
  beforeEach(() =>
    d.ledger.putService({ environment: 'test', service: 'gateway', state: 'running', taskDefinition: 't:1', promotion: 'p' }),
  );

  it('does not come while somebody has extended the hours, and says who', async () => {
    await extended(MORNING + HOUR);
    await tearDown('test');
    expect(d.answers).toMatchObject([
      { answer: { error: 'EnvironmentAsleep', cause: expect.stringContaining('as developer@example.com asked') } },
    ]);
    expect(await d.world.turns.tickets(d.world.pipeline.environments.test!)).toEqual([]);
  });

  it('comes when that is over, and whenever a person orders it', async () => {
    await extended(MORNING);
    await tearDown('test');
    expect(d.answers).toMatchObject([{ answer: { result: { fence: 1 } } }]);
    d = await stepFixture();
    await d.ledger.putService({ environment: 'test', service: 'gateway', state: 'running', taskDefinition: 't:1', promotion: 'p' });
    await extended(MORNING + HOUR);
    await tearDown('test', 'person');
    expect(d.answers).toMatchObject([{ answer: { result: { fence: 1 } } }]);
  });
});

it('an environment that the configuration does not know any more is named, beside those that there are', async () => {
  await expect(ask('p1', { environment: 'qa' })).rejects.toThrow('no environment qa in this pipeline; there are test, beta');
});
