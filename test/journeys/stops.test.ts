/** What people order while traffic shifts: stop, back, and once more. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { confirmStage } from '../../domain/approval/confirmation.ts';
import { shortDigest } from '../../domain/release/release.ts';
import { MINUTE, manager } from './journey.ts';
import { Tested } from './tested.ts';

const refused = (message: string) => ({ status: 403, message: expect.stringContaining(message) });

describe('while traffic shifts', { timeout: 60_000 }, () => {
  let world: Tested;
  /** Releases by their number. */
  const digests: string[] = [''];
  const order = (decision: object) => world.local.decideAs(manager, decision);
  const release = (digest: string) => world.journey.release(digest, 'door');
  const promotion = (name = '') => world.local.ledger.promotion(name);
  const runs = () => world.journey.runs('live', 'door');
  const isOver = (name = '') => world.local.until(`${name} is over`, async () => (await promotion(name))?.endedAt !== undefined);

  beforeAll(async () => {
    world = await Tested.begin();
    digests.push(await world.good(), await world.good());
    // Of a service that is new, all traffic had nowhere else to go.
    world.failed.length = 0;
  });
  afterAll(() => world.end());

  /** Pushes, and lets it go so far. @param percent of the traffic; 0: it waits for confirmation */
  async function shifting(percent: number): Promise<{ readonly digest: string; readonly execution: string; readonly number: number }> {
    const digest = await world.toLive();
    digests.push(digest);
    await world.local.until('somebody is asked to confirm', () => world.isConfirmedBy('door'));
    if (percent > 0) await world.answer(confirmStage('live'), 'door');
    await world.underRequests(`${percent} % of the traffic`, async () => (await world.weight()) === percent);
    return { digest, execution: `door-${shortDigest(digest)}-1`, number: world.pushed };
  }

  it.each([
    ['waits for confirmation', 0, [2]],
    ['is met by one customer in ten', 10, [2, 4]],
    ['bakes, and all meet it', 100, [5]],
  ])('a release that %s is aborted: what ran before serves again at once, and no request fails', async (_, percent, met) => {
    const { digest, execution, number } = await shifting(percent);
    expect(await world.meetings(30)).toEqual(met);
    const answer = await order({ verb: 'abort', execution, reason: 'the wrong sums' });
    expect(answer).toMatchObject({
      status: 200,
      message: `door build-${number} is aborted: the wrong sums; what ran before is put back in live`,
    });
    await world.underRequests('only the one before is met', async () => (await world.meetings(30)).join() === '2');
    expect(world.local.clock.now() - Date.parse((await release(digest))?.endedAt ?? '')).toBeLessThan(30_000);
    expect(await release(digest)).toMatchObject({ state: 'refused', reason: `live: aborted by ${manager}: the wrong sums` });
    await isOver(`live-${execution}`);
    expect(await promotion(`live-${execution}`)).toMatchObject({ state: 'refused', reason: `aborted by ${manager}: the wrong sums` });
    expect(world.journey.journal).toContain(`refused in live: aborted by ${manager}: the wrong sums; what ran before is put back`);
    await world.underRequests('ECS has settled', async () =>
      /^(STOPPED|ROLLBACK_SUCCESSFUL)$/.test((await world.deployments())[0]?.status ?? ''),
    );
    expect(await world.isConfirmedBy('door')).toBe(false);
    expect(await world.local.ledger.waits('live')).toEqual([]);
    expect(await runs()).toBe('build-2');
    expect(world.failed).toEqual([]);
    expect(await order({ verb: 'abort', execution })).toMatchObject(refused(`door@build-${number} is not in progress: it ended at `));
  });

  it('a rollback without more is ambiguous; one that must be now stops it and keeps the last verified release', async () => {
    const { digest, execution, number } = await shifting(10);
    expect(await order({ verb: 'rollback', environment: 'live', repository: 'door' })).toMatchObject(
      refused(`door build-${number} is being promoted into live: add --now to stop it and keep door build-2`),
    );
    const answer = await order({ verb: 'rollback', environment: 'live', repository: 'door', now: true, reason: 'wrong sums' });
    expect(answer).toMatchObject({
      status: 200,
      stopped: true,
      execution: `live-${execution}`,
      message: expect.stringContaining(`door build-${number} is stopped; live stays with door build-2, and is pinned to it: wrong sums`),
    });
    await world.underRequests('only the one before is met', async () => (await world.meetings(30)).join() === '2');
    await isOver(answer.execution);
    expect(await release(digest)).toMatchObject({ state: 'refused', reason: expect.stringContaining('rolled back now') });
    expect(await runs()).toBe('build-2');
    expect((await world.local.ledger.freezeAndPins('live')).pins).toMatchObject([{ repository: 'door', digest: digests[2] }]);
    expect(world.failed).toEqual([]);
  });

  it('once nothing goes in, it goes back to the release before the current one: confirmed, and without a failed request', async () => {
    const answer = await order({ verb: 'rollback', environment: 'live', repository: 'door', now: true, reason: 'further' });
    expect(answer).toMatchObject({ status: 200, message: expect.stringContaining('goes back to door build-1 from build-2') });
    await world.local.until('somebody is asked to confirm', () => world.isConfirmedBy('door'));
    expect(await order({ verb: 'rollback', environment: 'live', repository: 'door' })).toMatchObject(
      refused(`live goes back to door build-1 already, as ${manager} ordered`),
    );
    await world.confirm();
    await world.underRequests('it is back', async () => (await promotion(answer.execution))?.state === 'succeeded');
    expect(await world.meetings(10)).toEqual([1]);
    expect(world.failed).toEqual([]);
    expect(await order({ verb: 'unpin', environment: 'live', repository: 'door' })).toMatchObject({ status: 200 });
  });

  it('an order of a release that has ended is stopped by that release', async () => {
    const answer = await order({ verb: 'rollback', environment: 'live', repository: 'door', to: digests[2] });
    await world.local.until('somebody is asked to confirm', () => world.isConfirmedBy('door'));
    const stopped = await order({ verb: 'abort', execution: `door-${shortDigest(digests[2]!)}-1`, reason: 'not that one' });
    expect(stopped).toMatchObject({
      status: 200,
      message:
        'the rollback to door build-2 in live is aborted: not that one; what ran before is put back in live; live stays pinned, to door build-1',
    });
    expect((await world.local.ledger.freezeAndPins('live')).pins).toMatchObject([{ repository: 'door', digest: digests[1] }]);
    await isOver(answer.execution);
    expect(await world.meetings(10)).toEqual([1]);
    await order({ verb: 'unpin', environment: 'live', repository: 'door' });
  });

  it('a restart waits, and has nothing to do when something new runs by then', async () => {
    const { digest } = await shifting(10);
    const restart = await order({ verb: 'restart', environment: 'live', service: 'door' });
    await world.underRequests('the new one is through', async () => (await release(digest))?.state === 'succeeded');
    await isOver(restart.execution);
    expect(await promotion(restart.execution)).toMatchObject({
      state: 'superseded',
      reason: `live runs door build-${world.pushed} by now, in tasks that are new already`,
    });
    expect(await runs()).toBe(`build-${world.pushed}`);
    expect(await order({ verb: 'abort', execution: `door-${shortDigest(digest)}-1` })).toMatchObject(
      refused('it runs in beta, live, to take it back: shiplock rollback live --repository door'),
    );
  });

  it('a restart of what serves from the second target group goes through; and what is ordered back meanwhile comes after it', async () => {
    const serving = world.pushed;
    const restart = await order({ verb: 'restart', environment: 'live', service: 'door' });
    await world.local.until('somebody is asked to confirm', () => world.isConfirmedBy('door'));
    const back = await order({ verb: 'rollback', environment: 'live', repository: 'door', to: digests[1], reason: 'for the audit' });
    expect(back).toMatchObject({ status: 200, message: expect.stringContaining('goes back to door build-1') });
    await world.confirm();
    const met = await world.underRequests('it has restarted', async () => (await promotion(restart.execution))?.state === 'succeeded');
    expect(met).toEqual([serving]);
    await world.confirm();
    await world.underRequests('it is back', async () => (await promotion(back.execution))?.state === 'succeeded');
    await world.local.advance(MINUTE);
    expect(await world.meetings(10)).toEqual([1]);
    expect(world.failed).toEqual([]);
  });
});
