/** A promotion that somebody aborts in the console, at every state it has: nothing is left behind, and the next push goes through. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Aborted } from './aborted.ts';
import { SHIFTING, statesOf } from './aborts.ts';
import { MINUTE } from './journey.ts';

/** `State, moment` of every abort of this file. */
const struck = new Set<string>();

describe('a promotion aborted', () => {
  let world: Aborted;
  beforeAll(async () => {
    world = await Aborted.begin('promotion');
    await world.good();
  });
  afterAll(() => {
    for (const place of world.aborter.struck) struck.add(place);
    return world.end();
  });

  it('at any state of a good one', () => world.atEachState(() => world.good()));

  it('while it waits for a slot to register in', () =>
    world.atEachState(async () => {
      await world.noSlots();
      await world.good();
    }));

  it('at any state of one that fails its checks', () => world.atEachState(() => world.failing()));

  it('while it waits for its turn, or is superseded there', () =>
    world.atEachState(async () => {
      await world.push({ 'local.aws.healthy-after': '30' });
      await world.until('it deploys', async () => (await world.ledger.waits('test')).length > 0, 2 * MINUTE);
      await world.push();
      await world.local.advance(15_000);
      await world.push();
      await world.settled();
    }));

  it('at any state of one whose end ECS never told', () =>
    world.atEachState(async () => {
      world.loseEvents();
      await world.good();
    }));

  it('at any state of one whose rollback ECS never told', () =>
    world.atEachState(async () => {
      world.loseEvents({ after: 'rolling-back' });
      await world.failing();
    }));

  it('at any state of one whose rollback fails', () =>
    world.atEachState(async () => {
      world.failUpdates();
      await world.failing();
    }));

  it('at any state of one whose build fails, or does not begin', async () => {
    await world.atEachState(async () => {
      world.stopBuild();
      await world.good();
    });
    await world.atEachState(async () => {
      world.refuseBuild();
      await world.good();
    });
  });
});

describe('a promotion that migrates, aborted', () => {
  let world: Aborted;
  beforeAll(async () => {
    world = await Aborted.begin('promotion', { repository: 'orders' });
    await world.good();
    // What others have been aborted at already need not be again.
    for (const place of struck) if (!place.includes('Migrat')) world.aborter.struck.add(place);
  });
  afterAll(() => world.end());

  it('while its migration runs', () => world.atEachState(() => world.good()));

  it('while it looks for a migration whose end ECS never told', () =>
    world.atEachState(async () => {
      world.loseEvents({ type: 'ECS Task State Change' });
      await world.good();
    }));

  it('was aborted at every state that the file has, but those of aborts-shifting.test.ts', () => {
    for (const place of world.aborter.struck) struck.add(place);
    expect([...statesOf('promotion').keys()].filter((state) => !struck.has(`${state}, entered`))).toEqual(SHIFTING);
  });
});
