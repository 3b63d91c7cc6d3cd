/** A release that somebody aborts in the console, at every state it has: nothing is left behind, and the next push goes through. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Aborted } from './aborted.ts';
import { statesOf } from './aborts.ts';
import { manager } from './journey.ts';

describe('a release aborted', () => {
  let world: Aborted;
  beforeAll(async () => {
    world = await Aborted.begin('release');
    await world.good();
  });
  afterAll(() => world.end());

  it('at any state of its run', () => world.atEachState(() => world.runRelease()));

  it('at any state of one that nothing can run', () =>
    world.atEachState(async () => {
      await world.push({}, { os: 'linux', architecture: 'arm64' });
      await world.settled();
    }));

  it('at any state of one that fails in test', () => world.atEachState(() => world.failing()));

  it('at any state of one that is superseded at a gate', () =>
    world.atEachState(async () => {
      await world.good();
      await world.good();
    }));

  it('at any state of one whose promotion Step Functions would not start', () =>
    world.atEachState(async () => {
      world.refusePromotions();
      await world.good();
    }));

  // Live and sandbox move together: the outcomes of such a stage are read one by one.
  it('at any state of one that sandbox refuses', async () => {
    await world.local.decideAs(manager, { verb: 'freeze', environment: 'sandbox', reason: 'onboarding' });
    await world.atEachState(() => world.runRelease());
    await world.local.decideAs(manager, { verb: 'thaw', environment: 'sandbox' });
  });

  it('at any state of one whose promotions into live and sandbox Step Functions would not start', () =>
    world.atEachState(() => world.runRelease(() => world.refusePromotions())));

  it('was aborted at every state that its file has', () => {
    expect([...statesOf('release').keys()].filter((state) => !world.aborter.struck.has(`${state}, entered`))).toEqual([]);
  });
});
