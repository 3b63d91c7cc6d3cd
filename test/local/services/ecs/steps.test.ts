import type { DeploymentConfiguration } from '@aws-sdk/client-ecs';
import { describe, expect, it } from 'vitest';
import { minutes, seconds } from './lab.ts';
import { buildPair } from './traffic-lab.ts';

type Lab = Awaited<ReturnType<typeof buildPair>>;

/** The percentages of production traffic that the new revision had, with how long, in whole minutes, to the end of the deployment. */
async function course(lab: Lab) {
  const seen: [number, number][] = [];
  let since = lab.clock.now();
  let last = -1;
  const { statuses } = await lab.until(async () => {
    const { targetServiceRevision, sourceServiceRevisions, finishedAt } = await lab.deployment();
    const percent = targetServiceRevision!.requestedProductionTrafficWeight!;
    expect(sourceServiceRevisions![0]!.requestedProductionTrafficWeight).toBe(100 - percent);
    if (percent !== last || finishedAt !== undefined) {
      if (last > -1) seen.push([last, Math.floor((lab.clock.now() - since) / minutes)]);
      last = percent;
      since = lab.clock.now();
    }
    return finishedAt !== undefined;
  });
  return { seen, statuses };
}

describe('a canary deployment', () => {
  const canary: DeploymentConfiguration = {
    strategy: 'CANARY',
    bakeTimeInMinutes: 3,
    canaryConfiguration: { canaryPercent: 20, canaryBakeTimeInMinutes: 10 },
  };

  it('gives the new revision a share, then all, and no request fails', async () => {
    const lab = await buildPair();
    await lab.running('v1', { deploymentConfiguration: { ...canary, bakeTimeInMinutes: 0 } });
    await lab.pass(10 * minutes);
    expect(await lab.deployment()).toMatchObject({ status: 'SUCCESSFUL' });
    const v1 = await lab.answerer();
    await lab.update(await lab.revision('v2'), canary);
    await lab.until(async () => (await lab.weights()).join() === '200,800');
    const { images, statuses } = await lab.until(async () => (await lab.weights()).join() === '100,0');
    expect([...new Set(statuses)]).toEqual([200]);
    // Ten minutes of a request each second, one in five of them to the canary.
    const [old = 0, young = 0] = [images.get(v1), [...images].find(([image]) => image !== v1)?.[1]];
    expect(young / (old + young)).toBeGreaterThan(0.15);
    expect(young / (old + young)).toBeLessThan(0.25);
    await lab.untilEnd();
    expect(await lab.deployment()).toMatchObject({ status: 'SUCCESSFUL' });
    expect((await lab.service()).deployments).toHaveLength(1);
  });

  it('shows its weights for as long as they last', async () => {
    const lab = await buildPair();
    await lab.running();
    await lab.update(await lab.revision('v2'), canary);
    const { seen, statuses } = await course(lab);
    expect([...new Set(statuses)]).toEqual([200]);
    expect(seen.map(([percent]) => percent)).toEqual([0, 20, 100]);
    expect(seen[1]![1]).toBe(10);
    expect(seen[2]![1]).toBeGreaterThanOrEqual(3);
  });
});

describe('a linear deployment', () => {
  const linear: DeploymentConfiguration = {
    strategy: 'LINEAR',
    bakeTimeInMinutes: 0,
    linearConfiguration: { stepPercent: 25, stepBakeTimeInMinutes: 4 },
  };

  it('moves equal shares, and no request fails', async () => {
    const lab = await buildPair();
    await lab.running();
    await lab.update(await lab.revision('v2'), linear);
    const { seen, statuses } = await course(lab);
    expect([...new Set(statuses)]).toEqual([200]);
    expect(seen.map(([percent]) => percent)).toEqual([0, 25, 50, 75, 100]);
    expect(seen.slice(1, 4).map(([, lasted]) => lasted)).toEqual([4, 4, 4]);
    expect(await lab.weights()).toEqual([100, 0]);
  });

  it('pauses before every step, each time with another id', async () => {
    const lab = await buildPair();
    await lab.running();
    await lab.update(await lab.revision('v2'), { ...linear, lifecycleHooks: [lab.pause('PRE_PRODUCTION_TRAFFIC_SHIFT')] });
    const ids: string[] = [];
    const shares: number[] = [];
    for (let step = 0; step < 4; step++) {
      await lab.untilPaused();
      const { targetServiceRevision, lifecycleStage } = await lab.deployment();
      expect(lifecycleStage).toBe('PRE_PRODUCTION_TRAFFIC_SHIFT');
      shares.push(targetServiceRevision!.requestedProductionTrafficWeight!);
      ids.push(await lab.decide('CONTINUE'));
    }
    await lab.untilEnd();
    expect(await lab.deployment()).toMatchObject({ status: 'SUCCESSFUL' });
    expect(new Set(ids).size).toBe(4);
    expect(shares).toEqual([0, 25, 50, 75]);
  });

  it('gives all traffic back at once when a step is refused', async () => {
    const lab = await buildPair();
    await lab.running();
    const v1 = await lab.answerer();
    await lab.update(await lab.revision('v2'), { ...linear, lifecycleHooks: [lab.pause('PRE_PRODUCTION_TRAFFIC_SHIFT')] });
    for (let step = 0; step < 2; step++) {
      await lab.untilPaused();
      await lab.decide('CONTINUE');
    }
    await lab.untilPaused();
    expect(await lab.weights()).toEqual([500, 500]);
    await lab.decide('ROLLBACK');
    await lab.pass(5 * seconds);
    expect(await lab.weights()).toEqual([0, 100]);
    const { statuses, images } = await lab.untilEnd();
    expect([[...new Set(statuses)], [...images.keys()]]).toEqual([[200], [v1]]);
    expect(await lab.deployment()).toMatchObject({ status: 'ROLLBACK_SUCCESSFUL' });
  });
});
