/** A wake or a teardown that somebody aborts in the console, at every state it has: the environment comes up again, and the next push goes through. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Aborted } from './aborted.ts';
import { statesOf } from './aborts.ts';
import { MINUTE } from './journey.ts';

describe('a wake aborted', () => {
  let world: Aborted;
  beforeAll(async () => {
    world = await Aborted.begin('wake');
    await world.good();
  });
  afterAll(() => world.end());

  it('at any state of a good one', () =>
    world.atEachState(async () => {
      await world.tearDown();
      await world.good();
    }));

  it('at any state of one that finds nothing to do', () => world.atEachState(() => world.morning()));

  it('at any state of one that cannot restore what ran', () =>
    world.atEachState(async () => {
      await world.tearDown();
      await world.archive();
      await world.good();
    }));

  it('at any state of one that cannot begin', () =>
    world.atEachState(async () => {
      await world.tearDown();
      world.refuse('CreateCluster');
      await world.good();
    }));

  it('was aborted at every state that its file has', () => {
    expect([...statesOf('wake').keys()].filter((state) => !world.aborter.struck.has(`${state}, entered`))).toEqual([]);
  });
});

describe('a teardown aborted', () => {
  let world: Aborted;
  beforeAll(async () => {
    world = await Aborted.begin('teardown');
    await world.good();
  });
  afterAll(() => world.end());

  it('at any state of a good one', () => world.atEachState(() => world.tearDown()));

  it('while it waits for its turn', () =>
    world.atEachState(async () => {
      await world.push({ 'local.aws.healthy-after': '30' });
      await world.local.advance(5_000);
      await world.tearDown();
    }));

  it('at any state of one that finds nothing to do', () =>
    world.atEachState(async () => {
      await world.tearDown();
      await world.tearDown();
    }));

  it('at any state of one that cannot delete', () =>
    world.atEachState(async () => {
      world.refuse('DeleteService');
      await world.tearDown();
    }));

  it('leaves nothing up that the next one does not take down', async () => {
    world.aborter.struck.delete('DeleteCluster, entered');
    world.aborter.arm();
    await world.tearDown();
    expect(world.aborter.disarm()).toBe('DeleteCluster, entered');
    world.aborter.struck.delete('DeleteServices, entered');
    await world.good();
    world.aborter.arm();
    await world.tearDown();
    expect(world.aborter.disarm()).toBe('DeleteServices, entered');
    await world.local.advance(2 * MINUTE);
    expect(await world.local.running('test')).toEqual({ 'catalog-web': 1 });
    await world.tearDown();
    expect(await world.local.running('test')).toBeUndefined();
  });

  it('was aborted at every state that its file has', () => {
    expect([...statesOf('teardown').keys()].filter((state) => !world.aborter.struck.has(`${state}, entered`))).toEqual([]);
  });
});
