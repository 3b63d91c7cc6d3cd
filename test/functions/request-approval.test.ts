/** A gate by values: who is asked, who supersedes whom, and what two at once leave behind. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { ApprovalRecord } from '../../domain/ledger/records.ts';
import { requestApproval } from '../../functions/request-approval.ts';
import { release as releaseOf } from '../domain/parts.ts';
import { MORNING, type StepFixture, stepFixture } from './step-fixture.ts';

let d: StepFixture;
beforeEach(async () => {
  d = await stepFixture();
});

const older = releaseOf('gateway', '1.0.0', 'a');
const newer = releaseOf('gateway', '1.1.0', 'b');

const ask = (releaseRun: string, release = older, { stage = 'beta', token = `t-${releaseRun}`, ledger = d.ledger } = {}) =>
  requestApproval({ ...d.world, ledger })({ release, stage, execution: releaseRun, attempt: 1, token, approvalSeconds: 3600 }, d.moment);
const inProgress = (releaseRun: string, release = older) =>
  d.ledger.putRelease({ ...release, state: 'in-progress', admittedAt: '2026-11-23T07:00:00.000Z', execution: releaseRun, attempt: 1 });
const gate = (stage = 'beta') => d.ledger.gate(stage, 'gateway');
/** Somebody decides. */
const decided = async (state: ApprovalRecord['state'], by: readonly string[] = []) => {
  const before = (await gate())!;
  const approvals = by.map((one) => ({ by: one, at: '' }));
  expect(await d.ledger.table.transact([d.ledger.gateWrite({ ...before, state, approvals, version: before.version + 1 }, before)])).toBe(
    true,
  );
};

describe('a gate', () => {
  it('asks those who may approve, until its deadline', async () => {
    await inProgress('c1');
    await ask('c1');
    expect(await gate()).toMatchObject({
      approval: 'beta/gateway/aaaaaaaaaaaa/1',
      state: 'waiting',
      token: 't-c1',
      deadline: MORNING + 3_600_000,
      approvals: [],
      version: 1,
    });
    const who = 'approval for beta by integration-lead@example.com';
    expect(await d.ledger.release('gateway', older.digest)).toMatchObject({ stage: 'beta', waitsFor: who });
    expect(d.journal).toMatchObject([{ subject: 'c1', event: 'asked/beta', text: expect.stringContaining(who) }]);
    expect(d.answers).toEqual([]);
  });

  it('does not ask for what is older than what already runs behind it, in any of its environments', async () => {
    for (const environment of ['live', 'sandbox']) {
      d = await stepFixture();
      await d.ledger.putRunning({ ...newer, environment, promotion: 'p', since: '', verified: true });
      await ask('c1', older, { stage: 'live+sandbox' });
      expect(d.answers).toMatchObject([
        { token: 't-c1', answer: { error: 'Superseded', cause: expect.stringContaining(`${environment} runs`) } },
      ]);
      expect(await gate('live+sandbox')).toBeUndefined();
    }
  });

  it('asks for what runs there already: it may be deployed anew', async () => {
    await d.ledger.putRunning({ ...older, environment: 'beta', promotion: 'p', since: '', verified: true });
    await ask('c1');
    expect(await gate()).toMatchObject({ state: 'waiting' });
  });

  it('that asks nobody is a mistake of the configuration', async () => {
    await expect(ask('c1', older, { stage: 'test' })).rejects.toThrow('stage test asks nobody');
    await expect(ask('c1', older, { stage: 'nowhere' })).rejects.toThrow('stage nowhere asks nobody');
  });
});

describe('a release that reaches a gate where another waits', () => {
  it('supersedes an older one, whose question dies', async () => {
    await ask('c1');
    await ask('c2', newer);
    expect(d.answers).toMatchObject([
      { token: 't-c1', answer: { error: 'Superseded', cause: expect.stringContaining('has reached the gate of beta') } },
    ]);
    expect(await gate()).toMatchObject({ approval: 'beta/gateway/bbbbbbbbbbbb/1', releaseRun: 'c2', state: 'waiting', version: 2 });
    expect(await d.unsent()).toEqual([]);
  });

  it('is superseded by a newer one, whose question stands', async () => {
    await ask('c2', newer);
    await ask('c1');
    expect(d.answers).toMatchObject([{ token: 't-c1', answer: { error: 'Superseded', cause: expect.stringContaining('waits at beta') } }]);
    expect(await gate()).toMatchObject({ releaseRun: 'c2', version: 1 });
  });

  it('is superseded by a newer one that is approved and in progress, not by one that has ended', async () => {
    await inProgress('c2', newer);
    await ask('c2', newer);
    await decided('approved', ['integration-lead@example.com']);
    await ask('c1');
    expect(d.answers).toMatchObject([
      { token: 't-c1', answer: { error: 'Superseded', cause: expect.stringContaining('is approved for beta') } },
    ]);
    expect(await gate()).toMatchObject({ releaseRun: 'c2', state: 'approved' });
    await d.ledger.setRelease('gateway', newer.digest, 'c2', { state: 'failed' });
    await ask('c1');
    expect(await gate()).toMatchObject({ releaseRun: 'c1', state: 'waiting', approvals: [], version: 3 });
  });

  it('tells the other though it is killed in between: the answer is written with the question', async () => {
    await ask('c1');
    d.breakNext('answer t-c1');
    await expect(ask('c2', newer)).rejects.toThrow('lost');
    expect(await gate()).toMatchObject({ releaseRun: 'c2' });
    expect(await d.unsent()).toEqual(['t-c1']);
    await ask('c2', newer, { token: 't-again' });
    expect(d.answers).toMatchObject([{ token: 't-c1', answer: { error: 'Superseded' } }]);
  });
});

describe('a gate that is asked again by a retry', () => {
  it('keeps question, deadline and voices; only its token is new', async () => {
    await ask('c1');
    await decided('waiting', ['integration-lead@example.com']);
    d.at(MORNING + 60_000);
    await ask('c1', older, { token: 't-again' });
    expect(await gate()).toMatchObject({
      token: 't-again',
      deadline: MORNING + 3_600_000,
      approvals: [{ by: 'integration-lead@example.com' }],
      version: 3,
    });
    expect(d.answers).toEqual([]);
  });
});

describe('two at once at a gate', () => {
  /** between this step's read and its write something else happens. */
  const meanwhile = (what: () => Promise<unknown>) => {
    let first = true;
    const atGate = async (...about: Parameters<typeof d.ledger.atGate>) => {
      const found = await d.ledger.atGate(...about);
      if (first) {
        first = false;
        await what();
      }
      return found;
    };
    return Object.assign(Object.create(d.ledger) as typeof d.ledger, { atGate });
  };

  it('end as if the newer had come last', async () => {
    await ask('c1', older, { ledger: meanwhile(() => ask('c2', newer)) });
    expect(await gate()).toMatchObject({ releaseRun: 'c2', state: 'waiting' });
    expect(d.answers).toMatchObject([{ token: 't-c1', answer: { error: 'Superseded' } }]);
  });

  it('lose no voice: who approves while a retry asks again has approved', async () => {
    await ask('c1');
    await ask('c1', older, { token: 't-again', ledger: meanwhile(() => decided('waiting', ['integration-lead@example.com'])) });
    expect(await gate()).toMatchObject({ token: 't-again', approvals: [{ by: 'integration-lead@example.com' }] });
  });

  it('kill nobody who was approved just then: the newer asks anew instead', async () => {
    await ask('c1');
    await ask('c2', newer, { ledger: meanwhile(() => decided('approved', ['integration-lead@example.com'])) });
    expect(d.answers).toEqual([]);
    expect(await gate()).toMatchObject({ releaseRun: 'c2', state: 'waiting', approvals: [] });
  });
});
