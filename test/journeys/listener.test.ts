/** What is tested at the test listener before a customer meets it: by a build, and as a set of which all goes in or nothing. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Builds } from '../../aws/codebuild.ts';
import { Logs } from '../../aws/logs.ts';
import { confirmStage } from '../../domain/approval/confirmation.ts';
import { shortDigest } from '../../domain/release/release.ts';
import { MINUTE, manager } from './journey.ts';
import { type Repository, Tested } from './tested.ts';

let world: Tested;
afterAll(() => world.end());

const responses = (of: Readonly<Record<string, number>>) => ({ 'local.aws.responses': JSON.stringify(of) });
const release = (digest: string, repository: string) => world.journey.release(digest, repository);
const isSettled = () =>
  world.local.until('ECS has settled', async () =>
    [...(await world.deployments('door')), ...(await world.deployments('desk'))].every(
      ({ status }) => !/PROGRESS|REQUESTED|PENDING/.test(status),
    ),
  );

beforeAll(async () => {
  world = await Tested.begin();
  await world.good();
  await world.good('desk');
  world.failed.length = 0;
});

describe('a build', () => {
  const logs = async () => {
    const { events = [] } = await world.journey.call<{ events?: { message: string }[] }>('logs', 'FilterLogEvents', {
      logGroupName: '/aws/codebuild/tested-live-probe',
    });
    return events.map(({ message }) => message).join('\n');
  };

  it('is told the address of the test listener, and where it fails no customer has met the release', async () => {
    const bad = await world.toLive('door', responses({ '/probe': 500 }));
    const met = await world.underRequests('it has ended', async () => (await release(bad, 'door'))?.state !== 'in-progress');
    expect(met).toEqual([1]);
    expect(await release(bad, 'door')).toMatchObject({
      state: 'failed',
      reason: expect.stringMatching(/GET http:\/\/\S+:9000\/probe answered 500 instead of 200/),
    });
    await isSettled();
    expect(await world.meetings(10)).toEqual([1]);
    expect(world.failed).toEqual([]);
    expect(await world.local.ledger.waits('live')).toEqual([]);
    expect(await logs()).toContain('probes door build-3 at http://');
  });

  it('is looked at by its number, with what it checked, why it failed and what it said', async () => {
    const connection = world.local.connection();
    const [newest, ...older] = (await new Builds(connection).newest('tested-live-probe', 10)) ?? [];
    expect(newest).toMatchObject({
      number: older.length + 1,
      status: 'FAILED',
      release: { repository: 'door', tag: 'build-3' },
      failure: { phase: 'BUILD' },
    });
    expect(newest!.ended).toBeGreaterThan(newest!.began);
    expect(older.map(({ number, status }) => [number, status])).toEqual(older.map((_, index) => [older.length - index, 'SUCCEEDED']));
    expect(await new Builds(connection).newest('tested-live-probe', 1)).toEqual([newest]);
    expect(await new Builds(connection).newest('nothing', 1)).toBeUndefined();
    const { group, stream } = newest!.log!;
    const said = await new Logs(connection).lines(group, newest!.began, stream);
    expect(said.map(({ text }) => text).join('\n')).toMatch(/probes door build-3/);
    expect(said.map(({ text }) => text).join('\n')).not.toMatch(/build-1/);
  });
});

describe('a set', () => {
  /** What beta runs, into live. @returns its digest */
  async function set(manifest: Record<string, string>): Promise<string> {
    const answer = await world.local.decideAs(manager, { verb: 'promote-set', from: 'beta', to: 'live', manifest });
    expect(answer).toMatchObject({ status: 200 });
    await world.local.until('the set asks', async () => (await world.local.ledger.gate('live', '+beta'))?.state === 'waiting');
    const { release: asked } = (await world.local.ledger.gate('live', '+beta'))!;
    await world.answer('live', '+beta');
    return asked.digest;
  }

  /** Pushes what enters beta and is said no to at live by itself. */
  async function inBeta(repository: Repository, of: Readonly<Record<string, number>> = {}): Promise<string> {
    const digest = await world.push(repository, responses(of));
    await world.journey.untilAsked(digest, 'live', { repository });
    await world.answer('live', repository, 'reject');
    return digest;
  }
  const ended = async (digest: string) => {
    const now = await release(digest, '+beta');
    return now !== undefined && now.state !== 'in-progress';
  };
  const meet = async () => [await world.meetings(10), await world.meetings(10, 'desk')];

  it('of which one fails at the test listener leaves none behind: nobody has met any of it', async () => {
    const door = await inBeta('door');
    const desk = await inBeta('desk', { '/desk/checkout': 500 });
    const digest = await set({ door, desk });
    await world.underRequests('it has ended', () => ended(digest));
    expect(await release(digest, '+beta')).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('check /desk/checkout in live at the test listener: HTTP 500 instead of 200'),
    });
    await isSettled();
    expect(await meet()).toEqual([[1], [2]]);
    expect((await world.local.ledger.manifest('live')).map(({ tag }) => tag)).toEqual(['build-2', 'build-1']);
    expect(await world.local.ledger.waits('live')).toEqual([]);
    expect(world.failed).toEqual([]);
  });

  it('asks one question, of as many as the gate, and goes in as one', async () => {
    const door = await inBeta('door');
    const doors = world.pushed;
    const desk = await inBeta('desk');
    const digest = await set({ door, desk });
    await world.local.until('it waits for confirmation', () => world.isConfirmedBy('+beta'));
    expect([await world.isConfirmedBy('door'), await world.isConfirmedBy('desk')]).toEqual([false, false]);
    expect(await meet()).toEqual([[1], [2]]);
    const abort = { verb: 'abort', execution: `door-${shortDigest(door)}-1` };
    expect(await world.local.decideAs(manager, abort)).toMatchObject({
      status: 403,
      message: expect.stringContaining(
        `door@build-${doors} is in progress in a set (2 of beta), which is aborted as a whole: shiplock abort `,
      ),
    });
    const [first, second] = await world.answer(confirmStage('live'), '+beta');
    expect(first).toMatchObject({ status: 200, message: 'set (2 of beta): approved for the shift of traffic in live, 1 more needed' });
    expect(second).toMatchObject({ status: 200 });
    await world.underRequests('it has ended', () => ended(digest));
    expect(await release(digest, '+beta')).toMatchObject({ state: 'succeeded' });
    await isSettled();
    expect(await meet()).toEqual([[doors], [doors + 1]]);
    expect(world.failed).toEqual([]);
  });
});

describe('what pauses while people are asked', () => {
  /** Until somebody is asked to confirm what was pushed. */
  async function looked(labels: Readonly<Record<string, string>> = {}): Promise<{ readonly digest: string; readonly serving: number[] }> {
    const serving = await world.meetings(10);
    const digest = await world.toLive('door', labels);
    await world.local.until('it waits for confirmation', () => world.isConfirmedBy('door'));
    return { digest, serving };
  }

  /** It has failed for the reason, nobody is asked any more, and customers have met nothing of it. */
  async function ends({ digest, serving }: Awaited<ReturnType<typeof looked>>, reason: string): Promise<void> {
    const met = await world.underRequests('it has ended', async () => (await release(digest, 'door'))?.state !== 'in-progress');
    expect(met).toEqual(serving);
    expect(await release(digest, 'door')).toMatchObject({ state: 'failed', reason: expect.stringContaining(reason) });
    expect(await world.isConfirmedBy('door')).toBe(false);
    await isSettled();
    expect(await world.local.ledger.waits('live')).toEqual([]);
    expect(world.failed).toEqual([]);
  }

  it('and is stopped in the console ends with that reason, and nobody is asked any more', async () => {
    const asked = await looked();
    const [{ serviceDeploymentArn } = { serviceDeploymentArn: '' }] = await world.deployments();
    await world.journey.call('ecs', 'StopServiceDeployment', { serviceDeploymentArn, stopType: 'ROLLBACK' });
    const stopped = world.local.clock.now();
    await ends(asked, 'rolled back because of a user request');
    expect(world.local.clock.now() - stopped).toBeLessThan(5 * MINUTE);
  });

  it('and crashes is stopped, sooner than ECS loses patience', async () => {
    const asked = await looked({ 'local.aws.exit-code': '1', 'local.aws.exit-after': '240' });
    const began = world.local.clock.now();
    await ends(asked, 'door: container web ended with exit code 1');
    expect(world.local.clock.now() - began).toBeLessThan(30 * MINUTE);
  });

  it('and goes back unheard of is found at their yes', async () => {
    const { faults } = world.local.world;
    faults.addEvent({ match: (event) => event['detail-type'] === 'ECS Deployment State Change', times: 100, deliver: [] });
    const asked = await looked();
    const [{ serviceDeploymentArn } = { serviceDeploymentArn: '' }] = await world.deployments();
    await world.journey.call('ecs', 'StopServiceDeployment', { serviceDeploymentArn, stopType: 'ROLLBACK' });
    await isSettled();
    faults.clear();
    await world.answer(confirmStage('live'), 'door');
    await ends(asked, 'rolled back because of a user request');
  });
});
