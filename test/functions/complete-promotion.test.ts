/** The end of a promotion by values: what the ledger says afterwards, who goes on, and what a retry must not undo. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { PromotionRecord } from '../../domain/ledger/records.ts';
import type { Outcome } from '../../domain/workflow/outcome.ts';
import { completePromotion } from '../../functions/complete-promotion.ts';
import { digest, release as releaseOf } from '../domain/parts.ts';
import { EVENING, HOUR, MORNING, type StepFixture, stepFixture } from './step-fixture.ts';

let d: StepFixture;
beforeEach(async () => {
  d = await stepFixture();
});

const release = releaseOf('gateway', '1.0.0');
const succeeded: Outcome = { outcome: 'succeeded', reason: '' };
const failed: Outcome = { outcome: 'failed', reason: '/health answered 500' };

/** Two promotions of gateway into an environment: one holds the turn, the other waits for it. */
async function two(fields: Partial<PromotionRecord> = {}, environment = 'beta') {
  for (const id of ['p1', 'p2'])
    await d.world.turns.takeGroup(
      d.world.pipeline.environments[environment]!,
      'gateway',
      { id, execution: `e-${id}`, askedAt: MORNING, token: `t-${id}` },
      MORNING,
    );
  d.answers.length = 0;
  await d.ledger.newPromotion({
    promotion: 'p1',
    execution: 'e-p1',
    environment,
    stage: environment,
    group: 'gateway',
    release,
    releaseRun: 'c1',
    pipeline: 'x',
    state: 'verifying',
    askedAt: '',
    taskDefinitions: { gateway: 'gateway:2' },
    before: { gateway: 'gateway:1' },
    ...fields,
  });
}
const end = (outcome: Outcome, { manualIntervention, environment = 'beta' }: { manualIntervention?: boolean; environment?: string } = {}) =>
  completePromotion(d.world)(
    {
      promotion: 'p1',
      environment,
      stage: environment,
      releaseRun: 'c1',
      release,
      outcome,
      ...(manualIntervention ? { manualIntervention } : {}),
    },
    d.moment,
  );
const nextIsIn = () => d.answers.some(({ token }) => token === 't-p2');

describe('a promotion that succeeded', () => {
  it('is what the environment runs; the next one goes in, and people are told', async () => {
    await two();
    expect(await end(succeeded)).toEqual(succeeded);
    expect(await d.ledger.running('beta', 'gateway')).toMatchObject({ tag: '1.0.0', promotion: 'p1', verified: true, since: iso(MORNING) });
    expect(await d.ledger.service('beta', 'gateway')).toMatchObject({ state: 'running', taskDefinition: 'gateway:2', promotion: 'p1' });
    expect(await d.ledger.promotion('p1')).toMatchObject({ state: 'succeeded', endedAt: iso(MORNING) });
    expect(nextIsIn()).toBe(true);
    expect(d.journal).toMatchObject([{ subject: 'p1', event: 'ended', tone: 'good' }]);
    expect(d.counted).toEqual(['PromotionEnded succeeded']);
  });

  it('is said to have passed its checks only where some are configured', async () => {
    await two();
    await end(succeeded);
    const unchecked = { ...d.world.pipeline.environments.beta!, verification: { http: [] } };
    const environments = { ...d.world.pipeline.environments, beta: unchecked };
    await completePromotion({ ...d.world, pipeline: { ...d.world.pipeline, environments } })(
      { promotion: 'p2', environment: 'beta', stage: 'beta', releaseRun: 'c1', release, outcome: succeeded },
      d.moment,
    );
    expect(d.journal.map(({ text }) => text)).toEqual([
      'gateway 1.0.0: runs in beta, checks passed',
      'gateway 1.0.0: runs in beta, no checks configured',
    ]);
  });

  it('and is completed again, does not overwrite what the next one has written', async () => {
    await two();
    await end(succeeded);
    await d.ledger.putRunning({ ...releaseOf('gateway', '1.1.0', 'b'), environment: 'beta', promotion: 'p2', since: '', verified: true });
    await d.ledger.putService({ environment: 'beta', service: 'gateway', state: 'running', taskDefinition: 'gateway:3', promotion: 'p2' });
    d.at(MORNING + HOUR);
    await end(succeeded);
    expect(await d.ledger.running('beta', 'gateway')).toMatchObject({ tag: '1.1.0' });
    expect(await d.ledger.service('beta', 'gateway')).toMatchObject({ taskDefinition: 'gateway:3' });
    expect(await d.ledger.promotion('p1')).toMatchObject({ endedAt: iso(MORNING) });
  });

  it('though killed while it gives its turn on, loses nothing: the next one’s answer is in the outbox', async () => {
    await two();
    d.breakNext('answer t-p2');
    await expect(end(succeeded)).rejects.toThrow('lost');
    expect(await d.unsent()).toEqual(['t-p2']);
    await end(succeeded);
    expect(d.journal).toHaveLength(1);
    expect(await d.ledger.promotion('p1')).toMatchObject({ state: 'succeeded' });
  });

  it('as a set is what the environment runs of each of its members', async () => {
    const members = [release, releaseOf('catalog', 'build-1', 'b')];
    await d.ledger.newPromotion({ ...record, release: { ...release, members }, group: '*' });
    await completePromotion(d.world)(
      { promotion: 'p1', environment: 'beta', stage: 'beta', releaseRun: 'c1', release: { ...release, members }, outcome: succeeded },
      d.moment,
    );
    expect((await d.ledger.manifest('beta')).map(({ repository, digest: of }) => [repository, of])).toEqual([
      ['catalog', digest('b')],
      ['gateway', digest('a')],
    ]);
  });
});

const record: PromotionRecord = {
  promotion: 'p1',
  execution: 'e-p1',
  environment: 'beta',
  stage: 'beta',
  group: 'gateway',
  release,
  releaseRun: 'c1',
  pipeline: 'x',
  state: 'verifying',
  askedAt: '',
  taskDefinitions: {},
};

describe('a promotion that did not come through', () => {
  it.each(['failed', 'errored', 'refused', 'superseded'] as const)(
    'as it %s, leaves what runs in the books, and gives its turn on',
    async (outcome) => {
      await two();
      await d.ledger.putService({
        environment: 'beta',
        service: 'gateway',
        state: 'running',
        taskDefinition: 'gateway:1',
        promotion: 'p0',
      });
      await end({ outcome, reason: 'why' });
      expect(await d.ledger.running('beta', 'gateway')).toBeUndefined();
      expect(await d.ledger.service('beta', 'gateway')).toMatchObject({ taskDefinition: 'gateway:1' });
      expect(await d.ledger.promotion('p1')).toMatchObject({ state: outcome, reason: 'why' });
      expect(nextIsIn()).toBe(true);
      expect(d.journal).toMatchObject([{ tone: outcome === 'superseded' ? 'info' : 'bad', text: expect.stringContaining('why') }]);
      expect(await d.ledger.freeze('beta')).toBeUndefined();
    },
  );

  it('clears its own waits, and nobody else’s', async () => {
    await two({ before: { gateway: 'gateway:1', 'catalog-web': 'catalog-web:1' } });
    await d.wait({ service: 'gateway', owner: 'p1' });
    await d.wait({ service: 'catalog-web', owner: 'p2' });
    await end(failed);
    expect((await d.ledger.waits('beta')).map(({ service }) => service)).toEqual(['catalog-web']);
  });

  it('and could not be put back, freezes the environment until a person has intervened', async () => {
    await two();
    await end(failed, { manualIntervention: true });
    expect(await d.ledger.freeze('beta')).toMatchObject({
      manualIntervention: true,
      by: 'shiplock',
      reason: expect.stringContaining('/health answered 500'),
    });
    expect(await d.ledger.promotion('p1')).toMatchObject({ manualIntervention: true });
    expect(d.journal[0]).toMatchObject({ subject: 'environment/beta', event: 'manual-intervention/p1' });
    expect(d.counted).toContain('ManualIntervention');
  });

  it('before anything was written of it, gives its turn on all the same', async () => {
    await two();
    await d.ledger.table.delete({ pk: 'PROMOTION#p1', sk: 'PROMOTION' });
    await end({ outcome: 'errored', reason: 'x' });
    expect(nextIsIn()).toBe(true);
    expect(await d.ledger.promotion('p1')).toBeUndefined();
  });
});

describe('an environment that is up out of its hours', () => {
  const until = async () => (await d.ledger.extension('test'))?.until;
  const extended = (by: string, at = EVENING + HOUR) => d.ledger.putExtension({ environment: 'test', until: iso(at), by });

  it('stays two hours longer after a deployment, unless a person has said how long', async () => {
    d.at(EVENING);
    await two({}, 'test');
    await extended('shiplock');
    await end(succeeded, { environment: 'test' });
    expect(await until()).toBe(iso(EVENING + 2 * HOUR));
    await extended('developer@example.com');
    await end(succeeded, { environment: 'test' });
    expect(await until()).toBe(iso(EVENING + HOUR));
  });

  it('and into its hours again, is left to its scheduled teardown', async () => {
    await two({}, 'test');
    await extended('shiplock', MORNING + HOUR);
    await end(succeeded, { environment: 'test' });
    expect(await until()).toBe(iso(MORNING + HOUR));
  });

  it('that nobody has woken then is not kept', async () => {
    d.at(EVENING);
    await two({}, 'test');
    await end(succeeded, { environment: 'test' });
    expect(await until()).toBeUndefined();
  });
});

const iso = (at: number) => new Date(at).toISOString();
