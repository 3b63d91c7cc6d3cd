/** Strategies that shift traffic, under requests that must not fail. */
import { resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { LocalPipeline } from '../../rehearsal/local-pipeline.ts';
import { integrator, Journey, MINUTE, MONDAY, manager } from './journey.ts';

let journey: Journey;
let failed: number[] = [];
/** All answers, in order. */
let answered: number[] = [];
afterEach(async () => {
  await journey.end();
  failed = [];
  answered = [];
});

const said = (text: string) => journey.told.filter((entry) => entry.text.includes(text));

/** Lets time pass with a request every five seconds until it holds. */
async function underRequests(holds: () => Promise<boolean>, path: string): Promise<void> {
  for (let passed = 0; passed < 720; passed++) {
    if (await holds()) return;
    const { status } = await journey.local.request('live', path);
    answered.push(status);
    if (status !== 200) failed.push(status);
    await journey.local.advance(5_000);
  }
  throw new Error(`it did not come to that; ${journey.journal}`);
}

describe('the example’s live', () => {
  /** Lets a release run until live begins. */
  async function toLive(push: NonNullable<Parameters<Journey['push']>[0]>): Promise<string> {
    const { repository = 'gateway' } = push;
    const digest = await journey.push(push);
    await journey.untilAsked(digest, 'beta', { repository });
    await journey.approve(digest, 'beta', integrator, repository);
    await journey.untilAsked(digest, 'live+sandbox', { repository });
    await journey.approve(digest, 'live+sandbox', manager, repository);
    return digest;
  }

  it.each([
    ['blue/green', 'catalog', 'build-1', 'build-2', '/catalog'],
    ['canary', 'gateway', '1.0.0', '1.1.0', '/'],
  ])('%s: tested first, no request fails', async (_, repository, first, second, path) => {
    journey = await Journey.begin();
    await journey.runRelease({ repository, tag: first });
    const digest = await toLive({ repository, tag: second });
    await underRequests(async () => (await journey.release(digest, repository))?.state === 'succeeded', path);
    expect(await journey.runs('live', repository)).toBe(second);
    expect(failed).toEqual([]);
    // Once when its service was created, once when it was updated.
    expect(said('is ready at the test listener')).toHaveLength(2);
  });

  it('checks that fail at the test listener bring it back before a customer meets it', async () => {
    journey = await Journey.begin();
    await journey.runRelease({ repository: 'catalog', tag: 'build-1' });
    const labels = { 'local.aws.responses': '{"/catalog/checkout":500}' };
    const bad = await toLive({ repository: 'catalog', tag: 'build-2', labels });
    const met: number[] = [];
    await underRequests(async () => {
      met.push((await journey.local.request('live', '/catalog/checkout')).status);
      return (await journey.release(bad, 'catalog'))?.state === 'failed';
    }, '/catalog');
    expect((await journey.release(bad, 'catalog'))?.reason).toContain('/catalog/checkout in live at the test listener: HTTP 500');
    expect(new Set([...met, ...failed])).toEqual(new Set([200]));
    expect(await journey.runs('live', 'catalog')).toBe('build-1');
    expect(said('is ready at the test listener')).toHaveLength(1);
  });
});

describe('linear, with a confirmation', () => {
  const release = async (digest: string) => journey.release(digest, 'door');
  const question = async (digest: string) => {
    const gate = await journey.local.ledger.gate('live:confirm', 'door');
    return gate?.release.digest === digest && gate.state === 'waiting' ? gate.approval : undefined;
  };

  async function begin(): Promise<void> {
    journey = Journey.on(
      await LocalPipeline.open({ config: resolve(import.meta.dirname, 'shifting/shiplock.config.ts'), start: MONDAY, seed: 1 }),
    );
    const first = await push(1);
    await passGates(first, 'approve');
    await underRequests(async () => (await release(first))?.state === 'succeeded', '/');
    // Nothing ran before: all traffic comes to it at once, not step by step with nobody who answers the rest.
    expect(answered.slice(answered.indexOf(200))).not.toContain(503);
    expect(answered).toContain(200);
    failed = [];
  }

  async function push(number: number, labels: Record<string, string> = {}): Promise<string> {
    const digest = await journey.push({ repository: 'door', tag: `build-${number}`, labels });
    await journey.untilAsked(digest, 'live', { repository: 'door' });
    await journey.approve(digest, 'live', manager, 'door');
    return digest;
  }

  async function passGates(digest: string, verb: 'approve' | 'reject'): Promise<void> {
    await journey.local.until('somebody is asked to confirm', async () => (await question(digest)) !== undefined);
    const approval = (await question(digest))!;
    const reason = verb === 'reject' ? { reason: 'it looks wrong' } : {};
    expect(await journey.local.decideAs(manager, { verb, approval, digest, ...reason } as never)).toMatchObject({ status: 200 });
  }

  it('goes to the end when the person says yes, and no request fails', async () => {
    await begin();
    const digest = await push(2);
    await passGates(digest, 'approve');
    await underRequests(async () => (await release(digest))?.state === 'succeeded', '/');
    expect(failed).toEqual([]);
    expect(await journey.runs('live', 'door')).toBe('build-2');
  });

  it('goes back when the person says no', async () => {
    await begin();
    const digest = await push(2);
    await passGates(digest, 'reject');
    await underRequests(async () => (await release(digest))?.state !== 'in-progress', '/');
    expect(await release(digest)).toMatchObject({ reason: expect.stringContaining('it looks wrong') });
    expect(failed).toEqual([]);
    expect(await journey.runs('live', 'door')).toBe('build-1');
  });

  it('goes back when nobody confirms, and the question has expired', async () => {
    await begin();
    const digest = await push(2);
    await underRequests(async () => (await release(digest))?.state !== 'in-progress', '/');
    expect(await release(digest)).toMatchObject({
      reason: expect.stringContaining('nobody confirmed at the test listener within 29 minutes'),
    });
    expect(await journey.local.ledger.gate('live:confirm', 'door')).toMatchObject({ state: 'expired' });
  });

  it('is stopped when the new tasks crash, sooner than its time-out, with the reason', async () => {
    await begin();
    const began = journey.local.clock.now();
    const digest = await push(2, { 'local.aws.exit-code': '3' });
    await underRequests(async () => (await release(digest))?.state === 'failed', '/');
    expect((await release(digest))?.reason).toContain('exit code 3');
    expect(journey.local.clock.now() - began).toBeLessThan(20 * MINUTE);
    expect(failed).toEqual([]);
  });

  it('goes back when its alarm goes off under the requests of customers, although its checks passed', async () => {
    await begin();
    const digest = await push(2, { 'local.aws.responses': '{"/buy":500}' });
    await passGates(digest, 'approve');
    const met: number[] = [];
    await underRequests(async () => {
      met.push((await journey.local.request('live', '/buy')).status);
      return (await release(digest))?.state === 'failed';
    }, '/health');
    expect((await release(digest))?.reason).toMatch(
      /^live: door: ECS went back, as the alarm steps-live-door-errors-[ab] \(5 answers of 5xx or more in a minute\) went off; .*shiplock logs door live$/,
    );
    expect(failed).toEqual([]);
    // Some customers met it before the alarm had its data, and after it nobody.
    expect(met).toContain(500);
    expect(met.at(-1)).toBe(200);
    expect(await journey.runs('live', 'door')).toBe('build-1');
    const { MetricAlarms = [] } = await journey.call<{ MetricAlarms?: { StateValue: string }[] }>('cloudwatch', 'DescribeAlarms', {
      StateValue: 'ALARM',
    });
    expect(MetricAlarms).toHaveLength(1);
    await journey.local.advance(10 * MINUTE);
    const after = await journey.call<{ MetricAlarms?: unknown[] }>('cloudwatch', 'DescribeAlarms', { StateValue: 'ALARM' });
    expect(after.MetricAlarms).toEqual([]);
    // The way is free for the next.
    const next = await push(3);
    await passGates(next, 'approve');
    await journey.untilState(next, 'succeeded', { repository: 'door' });
  });

  it('goes back when the new tasks stay unhealthy, long before their grace is over, and says which alarm it was', async () => {
    await begin();
    const began = journey.local.clock.now();
    const digest = await push(2, { 'local.aws.healthy-after': '100000' });
    await underRequests(async () => (await release(digest))?.state === 'failed', '/');
    expect((await release(digest))?.reason).toMatch(
      /the alarm steps-live-door-unhealthy-[ab] \(targets that failed their health check for 5 minutes\) went off/,
    );
    expect(journey.local.clock.now() - began).toBeLessThan(10 * MINUTE);
    expect(failed).toEqual([]);
    expect(await journey.runs('live', 'door')).toBe('build-1');
  });

  it('finds the pause by one check when its event is lost', async () => {
    await begin();
    const { Rules = [] } = await journey.call<{ Rules?: { Name: string }[] }>('events', 'ListRules', {});
    const { Name } = Rules.find((rule) => rule.Name.includes('ecs-hook'))!;
    await journey.call('events', 'DisableRule', { Name });
    const digest = await push(2);
    await passGates(digest, 'approve');
    await journey.untilState(digest, 'succeeded', { repository: 'door' });
    expect(await journey.runs('live', 'door')).toBe('build-2');
  });
});
