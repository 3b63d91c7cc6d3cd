/** A teardown during a promotion, a push during a teardown, an image or a service deleted in between: at every state. */
import { afterEach, describe, expect, it } from 'vitest';
import { Aborted } from './aborted.ts';
import { manager } from './journey.ts';

let world: Aborted;
afterEach(() => world.end());

const isAsking = async () => {
  const release = await world.ledger.release('catalog', world.latest ?? '');
  return release?.stage === 'beta' && release.state === 'in-progress';
};

describe('a teardown', () => {
  it('ordered at any state of a promotion waits for it: it is never half an environment, and the release goes on', async () => {
    let order = () => {};
    world = await Aborted.begin('promotion', { act: () => order() });
    await world.good();
    order = () => void world.local.decideAs(manager, { verb: 'teardown', environment: 'test' });
    await world.atEachState(
      async () => {
        await world.good();
        expect(await isAsking()).toBe(true);
        if (world.aborter.where) await world.until('test is down', async () => (await world.local.running('test')) === undefined);
      },
      { thenPush: false },
    );
    expect(world.aborter.struck.size).toBeGreaterThan(8);
  });

  it('ordered at any state of a promotion that rolls back waits for it', async () => {
    let order = () => {};
    world = await Aborted.begin('promotion', { act: () => order() });
    await world.good();
    order = () => void world.local.decideAs(manager, { verb: 'teardown', environment: 'test' });
    await world.atEachState(() => world.failing(), { thenPush: false });
    expect([...world.aborter.struck]).toContain('RollBack, waiting');
  });

  it('at any state of which something is pushed lets it in afterwards', async () => {
    let push = () => {};
    world = await Aborted.begin('teardown', { act: () => push() });
    await world.good();
    push = () => void world.pushMeanwhile();
    await world.atEachState(
      async () => {
        await world.tearDown();
        if (world.aborter.where) await world.untilAsked();
        else await world.good();
      },
      { thenPush: false },
    );
    expect([...world.aborter.struck]).toEqual(expect.arrayContaining(['DeleteServices, entered', 'WaitForDraining, waiting']));
  });
});
