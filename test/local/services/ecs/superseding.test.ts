import { StopServiceDeploymentCommand } from '@aws-sdk/client-ecs';
import { describe, expect, it } from 'vitest';
import { minutes } from './lab.ts';
import { buildPair } from './traffic-lab.ts';

type Lab = Awaited<ReturnType<typeof buildPair>>;

const ok = (statuses: readonly number[]) => expect([...new Set(statuses)]).toEqual([200]);
const stop = async (lab: Lab) =>
  lab.ecs.send(
    new StopServiceDeploymentCommand({ serviceDeploymentArn: (await lab.deployment()).serviceDeploymentArn!, stopType: 'ROLLBACK' }),
  );
const statuses = async (lab: Lab) => (await lab.deployments()).map(({ status }) => status);

describe('a newer deployment', () => {
  it.each(['SCALE_UP', 'POST_TEST_TRAFFIC_SHIFT', 'BAKE_TIME', 'CLEAN_UP'])('takes over at %s, and no request fails', async (stage) => {
    const lab = await buildPair();
    await lab.running();
    await lab.update(await lab.revision('v2'));
    ok((await lab.untilStage(stage)).statuses);
    const v3 = await lab.revision('v3');
    await lab.update(v3);
    ok((await lab.untilEnd()).statuses);
    expect(await statuses(lab)).toEqual(['SUCCESSFUL', 'STOPPED', 'SUCCESSFUL']);
    expect(await lab.service()).toMatchObject({ taskDefinition: v3, runningCount: 2 });
    expect((await lab.tasks()).every(({ taskDefinitionArn }) => taskDefinitionArn === v3)).toBe(true);
  });

  it('takes over between two steps, after all traffic went back to what held last', async () => {
    const lab = await buildPair();
    await lab.running();
    const v1 = await lab.answerer();
    const canary = { strategy: 'CANARY', canaryConfiguration: { canaryPercent: 30, canaryBakeTimeInMinutes: 30 } } as const;
    await lab.update(await lab.revision('v2'), canary);
    ok((await lab.until(async () => (await lab.weights()).join() === '300,700')).statuses);
    await lab.update(await lab.revision('v3'), canary);
    ok((await lab.untilStage('RECONCILE_SERVICE')).statuses);
    ok((await lab.untilStage('PRE_SCALE_UP')).statuses);
    expect(await lab.weights()).toEqual([0, 100]);
    expect(await lab.answerer()).toBe(v1);
    ok((await lab.untilEnd()).statuses);
    expect(await statuses(lab)).toEqual(['SUCCESSFUL', 'STOPPED', 'SUCCESSFUL']);
  });

  it('finds two target groups that serve, if the first of all was not done yet', async () => {
    const lab = await buildPair();
    const canary = { strategy: 'CANARY', canaryConfiguration: { canaryPercent: 5, canaryBakeTimeInMinutes: 30 } } as const;
    await lab.running('v1', { deploymentConfiguration: canary });
    expect(await lab.weights()).toEqual([950, 50]);
    await lab.update(await lab.revision('v2'), canary);
    await lab.pass(5 * minutes);
    // Nothing held before, so nobody knows what to go back to: people have set the weights by hand.
    expect(await lab.deployment()).toMatchObject({ status: 'ROLLBACK_FAILED' });
    expect((await lab.service()).events!.some(({ message }) => message!.includes('but found 2 target groups'))).toBe(true);
    expect(await lab.weights()).toEqual([950, 50]);
  });

  it('takes over from a rollback, too', async () => {
    const lab = await buildPair();
    await lab.running();
    await lab.update(await lab.revision('v2'));
    await lab.untilStage('BAKE_TIME');
    await stop(lab);
    ok((await lab.until(async () => (await lab.deployment()).status === 'ROLLBACK_IN_PROGRESS')).statuses);
    const v3 = await lab.revision('v3');
    await lab.update(v3);
    ok((await lab.untilEnd()).statuses);
    expect(await statuses(lab)).toEqual(['SUCCESSFUL', 'STOPPED', 'SUCCESSFUL']);
    expect(await lab.service()).toMatchObject({ taskDefinition: v3, runningCount: 2 });
  });

  it('pauses at RECONCILE_SERVICE where that is asked', async () => {
    const lab = await buildPair();
    await lab.running();
    await lab.update(await lab.revision('v2'));
    await lab.untilStage('BAKE_TIME');
    await lab.update(await lab.revision('v3'), lab.blueGreen({ lifecycleHooks: [lab.pause('RECONCILE_SERVICE')] }));
    ok((await lab.untilPaused()).statuses);
    expect(await lab.deployment()).toMatchObject({ lifecycleStage: 'RECONCILE_SERVICE', sourceServiceRevisions: [{}, {}] });
    ok((await lab.until(async () => (await lab.service()).runningCount === 4)).statuses);
    await lab.decide('CONTINUE');
    ok((await lab.untilEnd()).statuses);
    expect(await statuses(lab)).toEqual(['SUCCESSFUL', 'STOPPED', 'SUCCESSFUL']);
  });

  it('may not change the strategy meanwhile, and may afterwards', async () => {
    const lab = await buildPair();
    await lab.running();
    const v2 = await lab.revision('v2');
    await lab.update(v2);
    await expect(lab.update(v2, { strategy: 'ROLLING' })).rejects.toMatchObject({ name: 'NotImplemented' });
    await lab.untilEnd();
    // It serves from the first target group now; once more, and it serves from the alternate one.
    await lab.update(await lab.revision('v3'));
    await lab.untilEnd();
    expect(await lab.weights()).toEqual([0, 100]);
    const v4 = await lab.revision('v4');
    await lab.update(v4, { strategy: 'ROLLING' });
    ok((await lab.untilEnd()).statuses);
    expect(await lab.service()).toMatchObject({ taskDefinition: v4, runningCount: 2, deploymentConfiguration: { strategy: 'ROLLING' } });
    expect(await lab.weights()).toEqual([0, 100]);
    await lab.update(await lab.revision('v5'));
    ok((await lab.untilEnd()).statuses);
    expect([await lab.weights(), (await lab.deployment()).status]).toEqual([[100, 0], 'SUCCESSFUL']);
  });
});
