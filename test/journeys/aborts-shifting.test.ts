/** A promotion that somebody aborts in the console at every state of traffic that shifts: what ran before serves, nothing is left behind, and the next push goes through. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { confirmStage } from '../../domain/approval/confirmation.ts';
import { InvariantWatch } from '../simulation/invariants.ts';
import { Aborter, SHIFTING, statesOf } from './aborts.ts';
import { integrator, MINUTE, manager } from './journey.ts';
import { Tested } from './tested.ts';

describe('a promotion whose traffic shifts, aborted', { timeout: 120_000 }, () => {
  let world: Tested;
  let witness: InvariantWatch;
  let aborter: Aborter;
  /** Which release customers shall meet. */
  let serves = 0;

  beforeAll(async () => {
    world = await Tested.begin();
    witness = new InvariantWatch(world.local);
    aborter = new Aborter(world.journey, 'promotion');
    // Every other state is aborted in aborts-promotion.test.ts.
    for (const state of statesOf('promotion').keys())
      if (!SHIFTING.includes(state)) for (const moment of ['entered', 'at work', 'waiting']) aborter.struck.add(`${state}, ${moment}`);
    await good('the first');
  });
  afterAll(() => {
    aborter.close();
    return world.end();
  });

  it('at any state of a good one', () => atEachState(() => {}));

  it('at any state of one whose end ECS never told', () => atEachState(loseTheEnd));

  it('was aborted at every state that the others were not', () => {
    expect(SHIFTING.filter((state) => !aborter.struck.has(`${state}, entered`))).toEqual([]);
    expect([...aborter.struck]).toEqual(expect.arrayContaining(['RequestConfirmation, waiting', 'ShiftTraffic, waiting']));
  });

  /** Pushes again and again, each time struck at a place where none was yet, until one goes through. */
  async function atEachState(begin: () => void): Promise<void> {
    for (let run = 0; run < 20; run++) {
      begin();
      aborter.arm();
      const { digest, met } = await push();
      const where = aborter.disarm();
      aborter.listen();
      if (where === undefined) {
        serves = world.pushed;
        return;
      }
      const { state, reason } = (await world.journey.release(digest, 'door'))!;
      expect(`${state}: ${reason}`, where).toMatch(/^(errored|refused): .*ABORTED/);
      if (!/^(ShiftTraffic|CheckShift), /.test(where)) expect(met, `${where}: nobody has met it`).toEqual([serves]);
      await atRest(where);
      // Where it has only begun, the next one shows it by what it comes to.
      if (!where.endsWith('entered')) await good(where);
    }
    throw new Error('it was struck again and again, and never went through');
  }

  /** Pushes, and answers whoever asks, until it has ended. @returns whom customers have met meanwhile */
  async function push(): Promise<{ readonly digest: string; readonly met: number[] }> {
    const digest = await world.push();
    await world.journey.untilAsked(digest, 'live', { repository: 'door' });
    for (const by of [manager, integrator]) witness.approvals.push({ by, stage: 'live', digest });
    await world.answer('live', 'door');
    // Whoever looks takes a moment.
    let asked = false;
    const met = await world.underRequests('it has ended', async () => {
      if (asked && (await world.isConfirmedBy('door'))) await world.answer(confirmStage('live'), 'door');
      asked = await world.isConfirmedBy('door');
      return (await world.journey.release(digest, 'door'))?.state !== 'in-progress';
    });
    return { digest, met };
  }

  /** The next push goes through, and everybody meets it. */
  async function good(after: string): Promise<void> {
    const { digest } = await push();
    expect(await world.journey.release(digest, 'door'), after).toMatchObject({ state: 'succeeded' });
    serves = world.pushed;
    await atRest(`the push after ${after}`);
  }

  /** Ledger and ECS agree, nobody waits for anything, nothing pauses, and customers meet what shall serve. */
  async function atRest(where: string): Promise<void> {
    await world.local.until('ECS has settled', async () =>
      (await world.deployments()).every(({ status }) => !/PROGRESS|REQUESTED|PENDING/.test(status)),
    );
    // The earlier release is deployed again only when no function can still act, and its turn is passed on when that has succeeded: a sweep later at most.
    await world.local.until('nobody waits for ECS', async () => (await world.local.ledger.waits('live')).length === 0, 10 * MINUTE);
    await world.local.advance(2 * MINUTE);
    witness.atRest();
    expect(witness.violations.splice(0), `${where}\n${witness.story.slice(-40).join('\n')}`).toEqual([]);
    const { ids = [] } = await world.journey.call<{ ids?: string[] }>('codebuild', 'ListBuilds', {});
    const { builds = [] } = await world.journey.call<{ builds?: { buildStatus: string }[] }>('codebuild', 'BatchGetBuilds', { ids });
    expect(
      builds.filter(({ buildStatus }) => buildStatus === 'IN_PROGRESS'),
      where,
    ).toEqual([]);
    expect(await world.meetings(10), where).toEqual([serves]);
    if (serves > 1) expect(world.failed.splice(0), where).toEqual([]);
    else world.failed.splice(0);
  }

  /** ECS's word that a deployment has ended, once traffic shifts; and no sweep finds it before its time is up. */
  function loseTheEnd(): void {
    const { faults } = world.local.world;
    let begun = false;
    world.local.onJournal(({ event }) => {
      if (event === 'shifting') begun = true;
    });
    faults.addEvent({ match: (event) => begun && event['detail-type'] === 'ECS Deployment State Change', times: 1000, deliver: [] });
    faults.add({ kind: 'kill-before', match: ({ caller }) => caller.endsWith('-sweep'), times: 100_000 });
  }
});
