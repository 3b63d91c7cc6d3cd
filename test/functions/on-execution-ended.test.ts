/** Executions that ended without a word, by values: whose end it is, what is recovered, and when. */
import { beforeEach, describe, expect, it } from 'vitest';
import { onExecutionEnded } from '../../functions/on-execution-ended.ts';
import { release as releaseOf } from '../domain/parts.ts';
import { MINUTE, MORNING, type StepFixture, stepFixture } from './step-fixture.ts';

let d: StepFixture;
beforeEach(async () => {
  d = await stepFixture();
});

const release = releaseOf('gateway', '1.0.0');
const beta = () => d.world.pipeline.environments.beta!;
const test = () => d.world.pipeline.environments.test!;

interface End {
  readonly machine?: string;
  readonly stopDate?: number | null;
  readonly input?: object | null;
  readonly status?: string;
  readonly error?: string;
  readonly cause?: string;
}
const ended = (
  name: string,
  { machine = 'acme-promotion', stopDate = MORNING - MINUTE, input = {}, status = 'ABORTED', ...more }: End = {},
) =>
  onExecutionEnded(d.world)(
    {
      source: 'aws.states',
      detail: {
        executionArn: `arn:aws:states:r:1:execution:${machine}:${name}`,
        stateMachineArn: `arn:aws:states:r:1:stateMachine:${machine}`,
        name,
        status,
        stopDate,
        input: input && JSON.stringify(input),
        ...more,
      },
    },
    d.moment,
  );

describe('a promotion that ended without a word', () => {
  /** It deploys, and another waits behind it. */
  beforeEach(async () => {
    for (const id of ['p1', 'p2'])
      await d.world.turns.takeGroup(beta(), 'gateway', { id, execution: id, askedAt: MORNING, token: `t-${id}` }, MORNING);
    d.answers.length = 0;
    await d.ledger.newPromotion({
      promotion: 'p1',
      execution: 'e1',
      environment: 'beta',
      stage: 'beta',
      group: 'gateway',
      release,
      releaseRun: 'c1',
      pipeline: 'x',
      state: 'deploying',
      askedAt: '',
      taskDefinitions: { gateway: 'new:2' },
      before: { gateway: 'old:1' },
    });
    await d.wait();
    const running = { state: 'running', reason: '', deployment: 'd1' } as const;
    d.statuses.set('gateway', [running, running, { state: 'failed', reason: 'stopped' }]);
  });

  it('is stopped in ECS at once, and recovered only when no function of it can still act', async () => {
    await expect(ended('p1', { stopDate: MORNING - MINUTE + 1 })).rejects.toThrow('tried again in a minute');
    expect(d.asked).toEqual(['stop d1']);
    expect(d.answers).toEqual([]);
    expect(await d.ledger.promotion('p1')).toMatchObject({ state: 'deploying' });
  });

  it('is recovered a minute later, and gives its turn on', async () => {
    d.statuses.set('gateway', [
      { state: 'running', reason: '', deployment: 'd1' },
      { state: 'failed', reason: 'stopped' },
    ]);
    await ended('p1');
    expect(d.asked).toEqual(['stop d1']);
    expect(await d.ledger.promotion('p1')).toMatchObject({ state: 'errored', reason: expect.stringContaining('ended as ABORTED') });
    expect(await d.ledger.waits('beta')).toEqual([]);
    expect(d.answers).toMatchObject([{ token: 't-p2', answer: { result: { fence: 2 } } }]);
  });

  it('keeps its turn while ECS is on its way back: the event comes again, and then the sweep looks', async () => {
    d.statuses.set('gateway', [{ state: 'running', reason: '', deployment: 'd1' }]);
    await expect(ended('p1')).rejects.toThrow('what ran before p1 is not back yet');
    await ended('p1', { stopDate: MORNING - 3 * MINUTE });
    expect(await d.ledger.promotion('p1')).toMatchObject({ state: 'deploying' });
    expect({ answers: d.answers, journal: d.journal }).toEqual({ answers: [], journal: [] });
  });

  it('by a person’s order is refused, in that person’s words', async () => {
    await ended('p1', { error: 'Aborted', cause: 'aborted by manager@example.com: wrong one' });
    expect(await d.ledger.promotion('p1')).toMatchObject({ state: 'refused', reason: 'aborted by manager@example.com: wrong one' });
  });

  it('though its error says Aborted, is errored where nobody aborted it', async () => {
    await ended('p1', { status: 'FAILED', error: 'Aborted' });
    expect(await d.ledger.promotion('p1')).toMatchObject({ state: 'errored' });
  });

  it('is left as it is when it has written its own end, whatever has become of its services', async () => {
    await d.ledger.setPromotion('p1', { state: 'failed', reason: 'its own' });
    await ended('p1', { stopDate: MORNING });
    expect(d.asked).toEqual([]);
    expect(await d.ledger.promotion('p1')).toMatchObject({ state: 'failed', reason: 'its own' });
  });

  it('before the ledger knew of it has left nothing', async () => {
    await ended('p9', { stopDate: MORNING });
    expect(d.asked).toEqual([]);
    expect(d.journal).toEqual([]);
  });

  it('is recovered once, however often the event comes', async () => {
    await ended('p1');
    d.asked.length = 0;
    await ended('p1');
    expect(d.asked).toEqual([]);
    expect(d.journal).toHaveLength(1);
  });
});

describe('a release that ended without a word', () => {
  const input = { repository: 'gateway', digest: release.digest, attempt: 1 };
  beforeEach(async () => {
    await d.ledger.putRelease({
      ...release,
      state: 'in-progress',
      admittedAt: '2026-11-23T07:00:00.000Z',
      execution: 'c1',
      attempt: 1,
      stage: 'beta',
    });
    const asked = {
      approval: 'x',
      stage: 'beta',
      release,
      releaseRun: 'c1',
      token: 't',
      state: 'waiting' as const,
      askedAt: '',
      deadline: 0,
    };
    await d.ledger.table.transact([d.ledger.gateWrite({ ...asked, approvals: [], version: 1 }, undefined)]);
  });

  it('has ended in the ledger too, and its question is withdrawn', async () => {
    await ended('c1', { machine: 'acme-release', input, stopDate: MORNING });
    expect(await d.ledger.release('gateway', release.digest)).toMatchObject({ state: 'errored' });
    expect(await d.ledger.gate('beta', 'gateway')).toMatchObject({ state: 'withdrawn', version: 2 });
  });

  it('is not what a newer attempt does', async () => {
    await ended('c0', { machine: 'acme-release', input, stopDate: MORNING });
    expect(await d.ledger.release('gateway', release.digest)).toMatchObject({ state: 'in-progress' });
    expect(await d.ledger.gate('beta', 'gateway')).toMatchObject({ state: 'waiting' });
    expect(d.journal).toEqual([]);
  });

  it('keeps the question of whoever has the gate by now', async () => {
    const before = (await d.ledger.gate('beta', 'gateway'))!;
    await d.ledger.table.transact([d.ledger.gateWrite({ ...before, releaseRun: 'c2', version: 2 }, before)]);
    await ended('c1', { machine: 'acme-release', input, stopDate: MORNING });
    expect(await d.ledger.gate('beta', 'gateway')).toMatchObject({ releaseRun: 'c2', state: 'waiting' });
  });
});

describe('a wake that ended without a word', () => {
  const wake = (name: string, stopDate = MORNING - MINUTE) =>
    ended(name, { machine: 'acme-wake', input: { environment: 'test' }, stopDate });
  beforeEach(async () => {
    await d.world.turns.takeGroup(test(), 'gateway', { id: 'p1', execution: 'p1', askedAt: MORNING, token: 't-p1' }, MORNING);
    await d.world.turns.beginWake(test(), 'test-wake-0', MORNING);
    await d.wait({ environment: 'test', owner: 'test-wake-0', kind: 'restore' });
  });

  it('leaves the environment down; whoever waited is told, and its waits are cleared', async () => {
    await wake('test-wake-0');
    expect(await d.world.turns.state(test())).toBe('down');
    expect(d.answers).toMatchObject([
      { token: 't-p1', answer: { error: 'PromotionRefused', cause: expect.stringContaining('could not be woken') } },
    ]);
    expect(await d.ledger.waits('test')).toEqual([]);
    expect(await d.world.turns.wakeName(test())).toBe('test-wake-1');
  });

  it('is recovered when no function of it can still act', async () => {
    await expect(wake('test-wake-0', MORNING)).rejects.toThrow('tried again in a minute');
    expect(await d.world.turns.state(test())).toBe('waking');
  });

  it('is nobody’s business where another one wakes the environment', async () => {
    await wake('by-hand', MORNING);
    expect(await d.world.turns.state(test())).toBe('waking');
    expect(d.answers).toEqual([]);
  });
});

describe('a teardown that ended without a word', () => {
  const tearDown = (name: string, stopDate = MORNING - MINUTE) =>
    ended(name, { machine: 'acme-teardown', input: { environment: 'test' }, stopDate });
  beforeEach(() => d.world.turns.takeEnvironment(test(), { id: 'night', execution: 'x', askedAt: MORNING, token: 't' }, true, MORNING));

  it('gives the environment back as one that is down, when no function of it can still act', async () => {
    expect(await d.world.turns.state(test())).toBe('tearing-down');
    await expect(tearDown('night', MORNING)).rejects.toThrow('tried again in a minute');
    await tearDown('night');
    expect(await d.world.turns.state(test())).toBe('down');
    expect(d.journal).toMatchObject([{ subject: 'night', tone: 'bad' }]);
    await tearDown('night');
    expect(d.journal).toHaveLength(1);
  });

  it('that held nothing has left nothing', async () => {
    await tearDown('another', MORNING);
    expect(await d.world.turns.state(test())).toBe('tearing-down');
    expect(d.journal).toEqual([]);
  });
});

it('an execution of another state machine is nobody’s business, though it has the same name', async () => {
  await d.world.turns.takeEnvironment(test(), { id: 'night', execution: 'x', askedAt: MORNING, token: 't' }, true, MORNING);
  await ended('night', { machine: 'other-teardown', input: { environment: 'test' } });
  expect(await d.world.turns.state(test())).toBe('tearing-down');
});
