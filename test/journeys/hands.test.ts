/** What somebody does by hand at every step of a promotion: moves a tag, deletes an image, a service, a cluster. */
import { afterEach, describe, expect, it } from 'vitest';
import { Aborted } from './aborted.ts';
import { statesOf } from './aborts.ts';
import { integrator } from './journey.ts';

let world: Aborted;
afterEach(() => world.end());

describe('at any state of a promotion', () => {
  it('a tag that is moved changes nothing: what was approved is what runs', async () => {
    const move = async () => {
      const { journey, latest, witness } = world;
      const { tag, digest } = witness.books.releases('catalog').find((release) => release.digest === latest)!;
      const [other] = witness.books.releases('catalog').filter((release) => release.digest !== digest);
      const { images = [] } = await journey.call<{ images?: { imageManifest: string; imageManifestMediaType: string }[] }>(
        'ecr',
        'BatchGetImage',
        { repositoryName: 'catalog', imageIds: [{ imageDigest: other?.digest }] },
      );
      const { imageManifest, imageManifestMediaType } = images[0]!;
      await journey.call('ecr', 'PutImage', { repositoryName: 'catalog', imageManifest, imageManifestMediaType, imageTag: tag });
      moved.push(tag);
    };
    const moved: string[] = [];
    let act = () => {};
    world = await Aborted.begin('promotion', { act: () => act() });
    await world.journey.call('ecr', 'PutImageTagMutability', { repositoryName: 'catalog', imageTagMutability: 'MUTABLE' });
    await world.good();
    await world.good();
    act = () => void move();
    const approved = async () => {
      await world.good();
      world.witness.approvals.push({ by: integrator, stage: 'beta', digest: world.latest! });
      await world.journey.approve(world.latest!, 'beta', integrator, 'catalog');
      await world.settled();
      for (const environment of ['test', 'beta', 'staging'])
        expect((await world.ledger.running(environment, 'catalog'))?.digest).toBe(world.latest);
      expect(await digestsIn('beta')).toEqual([world.latest]);
    };
    await world.atEachState(approved, { thenPush: false });
    expect(moved.length).toBe(world.aborter.struck.size);
    expect(moved.length).toBeGreaterThan(7);
  });

  it.each([
    {
      what: 'deleted',
      operation: 'BatchDeleteImage',
      reason: 'is not in the registry any more; push it again',
      until: 'CompletePromotion',
    },
    // Once ECS has asked for it, an archived image is one that is gone, and that is looked at above.
    {
      what: 'archived',
      operation: 'UpdateImageStorageClass',
      reason: 'is archived; restore it in ECR, then promote it again: shiplock promote',
      until: 'RunChecks',
    },
  ])('an image that is $what is refused before anything changes there, or is deployed already, or goes back', async (gone) => {
    let act = () => {};
    world = await Aborted.begin('promotion', { act: () => act() });
    await world.good();
    act = () => void takeAway(gone.operation);
    const states = [...statesOf('promotion').keys()];
    for (const state of states.slice(states.indexOf(gone.until) + 1))
      for (const moment of ['entered', 'waiting']) world.aborter.struck.add(`${state}, ${moment}`);
    const seen: string[] = [];
    await world.atEachState(
      async () => {
        const told = world.witness.story.length;
        await world.good();
        const { where = '' } = world.aborter;
        const { state, reason } = (await world.ledger.release('catalog', world.latest!))!;
        seen.push(where.split(',')[0]!);
        if (!/^(TakeTurn|RegisterTaskDefinitions), /.test(where)) return;
        expect(`${state}: ${reason}`).toMatch(/^refused: /);
        expect(reason).toContain(gone.reason);
        expect(world.witness.story.slice(told).filter((line) => / (Create|Update)Service test\//.test(line))).toEqual([]);
      },
      { thenPush: false },
    );
    expect(seen).toEqual(expect.arrayContaining(['TakeTurn', 'RegisterTaskDefinitions', 'DeployServices', gone.until]));
  });

  it('a service that is deleted ends the promotion with a reason, or is made again, and never silently', async () => {
    let act = () => {};
    world = await Aborted.begin('promotion', { act: () => act() });
    await world.good();
    act = () => void world.journey.call('ecs', 'DeleteService', { cluster: 'acme-test', service: 'catalog-web', force: true });
    await world.atEachState(() => world.good());
    expect(world.aborter.struck.size).toBeGreaterThan(7);
  });
});

/** The image that was pushed last is there no more. */
async function takeAway(operation: string): Promise<void> {
  const image = { imageDigest: world.latest };
  await world.journey.call('ecr', operation, {
    repositoryName: 'catalog',
    ...(operation === 'BatchDeleteImage' ? { imageIds: [image] } : { imageId: image, targetStorageClass: 'ARCHIVE' }),
  });
}

/** What the containers of an environment were started from. */
async function digestsIn(environment: string): Promise<string[]> {
  const { journey } = world;
  const cluster = `acme-${environment}`;
  const { taskArns } = await journey.call<{ taskArns: string[] }>('ecs', 'ListTasks', { cluster });
  const { tasks = [] } = await journey.call<{ tasks?: { containers: { imageDigest: string }[] }[] }>('ecs', 'DescribeTasks', {
    cluster,
    tasks: taskArns,
  });
  return [...new Set(tasks.flatMap(({ containers }) => containers.map(({ imageDigest }) => imageDigest)))];
}
