/** What people order beside the gates: back, again, stop, freeze, pin, up and down. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shortDigest } from '../../domain/release/release.ts';
import { developer, HOUR, integrator, Journey, MINUTE, manager } from './journey.ts';

const refused = (message: string) => ({ status: 403, message: expect.stringContaining(message) });

describe('in a pipeline with two releases in live', () => {
  let journey: Journey;
  let first: string;
  let second: string;
  const order = (by: string, decision: object) => journey.local.decideAs(by, decision);
  const ended = (execution: string | undefined) =>
    journey.local.until(
      `${execution} has ended`,
      async () => (await journey.local.ledger.promotion(execution ?? ''))?.endedAt !== undefined,
    );
  const promotion = (execution: string | undefined) => journey.local.ledger.promotion(execution ?? '');

  beforeAll(async () => {
    journey = await Journey.begin();
    first = await journey.runRelease();
    second = await journey.runRelease();
  });
  afterAll(() => journey.end());

  it('live goes back to the release before when one of its approvers orders it, and is pinned to it', async () => {
    const decision = { verb: 'rollback', environment: 'live', reason: 'orders are lost' };
    expect(await order(integrator, decision)).toMatchObject(refused('it listens to'));
    const answer = await order(manager, decision);
    expect(answer).toMatchObject({ status: 200, message: expect.stringContaining('goes back to gateway 1.1.0 from 1.2.0') });
    await ended(answer.execution);
    expect(await promotion(answer.execution)).toMatchObject({ state: 'succeeded', ordered: { verb: 'rollback', by: manager } });
    expect(await journey.runs('live')).toBe('1.1.0');
    expect(await journey.runs('sandbox')).toBe('1.2.0');
    expect((await journey.local.request('live', '/health')).status).toBe(200);
  });

  it('the pin keeps the newer release out, until an approver unpins', async () => {
    const answer = await order(integrator, { verb: 'promote', repository: 'gateway', digest: second, to: 'live' });
    expect(answer.status).toBe(200);
    await journey.untilAsked(second, 'live+sandbox');
    const approve = { verb: 'approve', approval: `live+sandbox/gateway/${shortDigest(second)}/2`, digest: second };
    expect(await order(manager, approve)).toMatchObject({ status: 200 });
    const release = await journey.untilState(second, 'refused');
    expect(release.reason).toContain('gateway in live is pinned to');
    expect(release.reason).toContain('orders are lost');
    expect(await order(integrator, { verb: 'unpin', environment: 'live', repository: 'gateway' })).toMatchObject(refused('it listens to'));
    expect(await order(manager, { verb: 'unpin', environment: 'live' })).toMatchObject(refused('gateway in live is'));
    expect(await order(manager, { verb: 'unpin', environment: 'live', repository: 'gateway' })).toMatchObject({ status: 200 });
  });

  it('a freeze until a time keeps releases out until then; a hot-fix goes past it, and the journal says so', async () => {
    const until = new Date(journey.local.clock.now() + 2 * HOUR).toISOString();
    expect(await order(developer, { verb: 'freeze', environment: 'live', reason: 'a campaign', until })).toMatchObject({ status: 200 });
    expect(await order(developer, { verb: 'freeze', environment: 'live', reason: 'twice' })).toMatchObject(refused('a campaign'));
    const promote = { verb: 'promote', repository: 'gateway', digest: second, to: 'live' };
    const approve = (attempt: number) =>
      order(manager, { verb: 'approve', approval: `live+sandbox/gateway/${shortDigest(second)}/${attempt}`, digest: second });
    await order(manager, promote);
    await journey.untilAsked(second, 'live+sandbox');
    await approve(3);
    expect((await journey.untilState(second, 'refused')).reason).toContain('a campaign');
    expect(await order(integrator, { ...promote, hotfix: 'the shop is shut' })).toMatchObject(refused('it listens to'));
    expect(await order(manager, { ...promote, hotfix: 'the shop is shut' })).toMatchObject({ status: 200 });
    await journey.untilAsked(second, 'live+sandbox');
    await approve(4);
    await journey.untilState(second, 'succeeded');
    expect(await journey.runs('live')).toBe('1.2.0');
    expect(journey.journal).toContain('past a freeze: the shop is shut');
    await journey.local.advance(2 * HOUR);
    expect(await order(manager, { verb: 'thaw', environment: 'live' })).toMatchObject(refused('is not frozen'));
  });

  it('a restart runs the same release in new tasks', async () => {
    const before = (await journey.local.ledger.service('live', 'gateway'))?.taskDefinition;
    const answer = await order(manager, { verb: 'restart', environment: 'live', service: 'gateway' });
    expect(answer).toMatchObject({ status: 200 });
    await ended(answer.execution);
    expect(await promotion(answer.execution)).toMatchObject({ state: 'succeeded' });
    const after = (await journey.local.ledger.service('live', 'gateway'))?.taskDefinition;
    expect(after).not.toBe(before);
    expect(await journey.runs('live')).toBe('1.2.0');
    expect(await order(manager, { verb: 'restart', environment: 'live', service: 'gatway' })).toMatchObject(refused('no service gatway'));
  });

  it('what cannot be is refused with the reason', async () => {
    expect(await order(manager, { verb: 'rollback', environment: 'live', to: `sha256:${'0'.repeat(64)}` })).toMatchObject(
      refused('has not succeeded in live before'),
    );
    expect(await order(manager, { verb: 'promote', repository: 'gateway', digest: `sha256:${'0'.repeat(64)}`, to: 'live' })).toMatchObject(
      refused('is not in the registry'),
    );
    expect(await order(manager, { verb: 'promote', repository: 'gateway', digest: first, to: 'prod' })).toMatchObject(
      refused('no environment prod'),
    );
    expect(await order(manager, { verb: 'abort', execution: 'gateway-x-1' })).toMatchObject(refused('no run or promotion named'));
    expect(await order(manager, { verb: 'teardown', environment: 'live' })).toMatchObject(refused('always exists'));
    expect(await order(manager, { verb: 'wake', environment: 'test' })).toMatchObject(refused('is up already'));
    expect(await order('stranger@example.com', { verb: 'abort', execution: 'x' })).toMatchObject(refused('nobody of this pipeline'));
    const late = { verb: 'extend', environment: 'test', until: '2020-01-01T00:00:00Z' };
    expect(await order(manager, late)).toMatchObject(refused('over already'));
  });
});

describe('an order to stop', () => {
  let journey: Journey;
  beforeAll(async () => {
    journey = await Journey.begin();
    await journey.runRelease();
  });
  afterAll(() => journey.end());

  it('ends a release that is being deployed: ECS goes back at once, and the next one goes in', async () => {
    const slow = await journey.push({ labels: { 'local.aws.healthy-after': '600' } });
    const execution = `gateway-${shortDigest(slow)}-1`;
    await journey.local.until('ECS deploys', async () => (await journey.local.ledger.wait('test', 'gateway'))?.state === 'open');
    await journey.local.advance(5_000);
    expect(await journey.local.decideAs(integrator, { verb: 'abort', execution, reason: 'the wrong branch' })).toMatchObject({
      status: 200,
    });
    await journey.local.advance(30_000);
    const calls = journey.local.world.meter.calls({});
    expect(calls['ecs:StopServiceDeployment'], 'it is stopped before the turn may be given on').toBe(1);
    const release = await journey.untilState(slow, 'refused');
    expect(release.reason).toContain('aborted by integration-lead@example.com: the wrong branch');
    await journey.local.until(
      'it is recovered',
      async () => (await journey.local.ledger.wait('test', 'gateway')) === undefined,
      10 * MINUTE,
    );
    expect(await journey.local.ledger.promotion(`test-${execution}`)).toMatchObject({ state: 'refused' });
    await journey.runRelease();
  });

  it('for a rollback now: the one that deploys is stopped, and the last verified release stays', async () => {
    const slow = await journey.push({ labels: { 'local.aws.healthy-after': '600' } });
    await journey.local.until('ECS deploys', async () => (await journey.local.ledger.wait('test', 'gateway'))?.state === 'open');
    const before = await journey.runs('test');
    const answer = await journey.local.decideAs(integrator, { verb: 'rollback', environment: 'test', now: true, reason: 'stop it' });
    expect(answer).toMatchObject({ status: 200, stopped: true, message: expect.stringContaining(`test stays with gateway ${before}`) });
    await journey.local.until(
      'it is back',
      async () => (await journey.local.ledger.promotion(answer.execution ?? ''))?.state === 'refused',
      HOUR,
    );
    expect(await journey.runs('test')).toBe(before);
    expect(await journey.local.ledger.wait('test', 'gateway')).toBeUndefined();
    expect((await journey.untilState(slow, 'refused')).reason).toContain('rolled back now');
    expect((await journey.local.request('test', '/health')).status).toBe(200);
  });
});

describe('an on-demand environment', () => {
  let journey: Journey;
  beforeAll(async () => {
    journey = await Journey.begin();
    const digest = await journey.push();
    await journey.untilAsked(digest, 'beta');
  });
  afterAll(() => journey.end());
  const isUp = async () => (await journey.local.running('test')) !== undefined;

  it('stays up beyond its hours when somebody extends it, and is closed when that is over', async () => {
    // 08:00 in Berlin and a little: until ten in the evening.
    const until = '2026-11-23T21:00:00Z';
    expect(await journey.local.decideAs(developer, { verb: 'extend', environment: 'test', until })).toMatchObject({ status: 200 });
    await journey.local.clock.run({ until: Date.parse(until) - MINUTE });
    expect(await isUp()).toBe(true);
    await journey.local.advance(12 * MINUTE);
    expect(await isUp()).toBe(false);
  });

  it('is woken and torn down by order', async () => {
    expect(await journey.local.decideAs(developer, { verb: 'wake', environment: 'test' })).toMatchObject({ status: 200 });
    await journey.local.until('test is up', async () => (await journey.local.running('test'))?.gateway === 1);
    await journey.local.advance(2 * MINUTE);
    expect(await journey.local.decideAs(developer, { verb: 'teardown', environment: 'test' })).toMatchObject({ status: 200 });
    await journey.local.until('test is down', async () => !(await isUp()));
  });
});
