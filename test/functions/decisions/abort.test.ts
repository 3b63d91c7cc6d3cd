/** Stopping what moves, by values: a release that comes through while it is stopped, and the pin of a rollback that is aborted. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { PromotionRecord } from '../../../domain/ledger/records.ts';
import { abort } from '../../../functions/decisions/abort.ts';
import { rollback } from '../../../functions/decisions/rollback.ts';
import { pipeline, release } from '../../domain/parts.ts';
import { MORNING, type StepFixture, stepFixture } from '../step-fixture.ts';

const [a, b] = [release('gateway', '1.0.0', 'a'), release('gateway', '2.0.0', 'b')];
const caller = { person: { email: 'release-manager@example.com' }, now: MORNING } as never;

describe('an order to stop', () => {
  let d: StepFixture;
  /** What happens elsewhere while an execution is stopped. */
  let meanwhile: () => Promise<unknown>;
  const world = () =>
    ({
      ...d.world,
      workflows: { ...d.world.workflows, stop: async () => (await meanwhile()) !== false },
      machines: { promotion: 'arn:aws:states:r:1:stateMachine:acme-promotion' },
    }) as never;
  const promotion = (id: string, fields: Partial<PromotionRecord>) =>
    d.ledger.newPromotion({
      promotion: id,
      execution: id,
      environment: 'beta',
      stage: 'beta',
      group: 'gateway',
      release: a,
      releaseRun: id,
      pipeline: 'x',
      state: 'deploying',
      askedAt: id,
      taskDefinitions: {},
      before: { gateway: 'old:1' },
      ...fields,
    });
  const runs = (one: typeof a, id: string) =>
    d.ledger.putRunning({ ...one, environment: 'beta', promotion: id, since: '2026-11-23T07:00:00.000Z', verified: true });
  const pins = async () => (await d.ledger.freezeAndPins('beta')).pins;

  /** The first holds, and the second is at work. */
  beforeEach(async () => {
    d = await stepFixture();
    meanwhile = async () => {};
    await promotion('p1', { state: 'succeeded' });
    await runs(a, 'p1');
    const ticket = { id: 'p2', execution: 'p2', askedAt: MORNING, token: 't2' };
    await d.world.turns.takeGroup(pipeline.environments.beta!, 'gateway', ticket, MORNING);
  });

  it('now: the promotion in progress is stopped, and the last verified release stays', async () => {
    await promotion('p2', { release: b });
    const said = await rollback(world(), { verb: 'rollback', environment: 'beta', now: true }, caller);
    expect(said).toMatchObject({ stopped: true, done: expect.stringContaining('gateway 2.0.0 is stopped; beta stays with gateway 1.0.0') });
    expect(d.started).toEqual([]);
  });

  it.each([undefined, a.digest])('now, of what comes through just then: it goes back from that, as from anything that runs', async (to) => {
    await promotion('p2', { release: b });
    meanwhile = () => runs(b, 'p2');
    const said = await rollback(world(), { verb: 'rollback', environment: 'beta', now: true, ...(to ? { to } : {}) }, caller);
    expect(said).toMatchObject({ done: expect.stringContaining('beta goes back to gateway 1.0.0 from 2.0.0, and is pinned to it') });
    expect(said).not.toHaveProperty('stopped');
    expect(d.started).toMatchObject([{ input: { release: { digest: a.digest }, ordered: { verb: 'rollback' } } }]);
    expect(await pins()).toMatchObject([{ repository: 'gateway', digest: a.digest }]);
  });

  describe('of a rollback', () => {
    const pin = { environment: 'beta', repository: 'gateway', by: 'integration-lead@example.com', at: '', reason: 'wrong sums' };
    const said = () => abort(world(), { verb: 'abort', execution: 'p2', reason: 'not that one' }, caller);
    beforeEach(async () => {
      await runs(b, 'p0');
      await promotion('p2', { release: a, ordered: { verb: 'rollback', by: pin.by, reason: pin.reason } });
      await d.ledger.putPin({ ...pin, digest: a.digest });
    });

    it('pins what runs, says so in the journal, and for whose reasons', async () => {
      expect(await said()).toMatchObject({ done: expect.stringContaining('; beta stays pinned, to gateway 2.0.0') });
      const reason = 'the rollback to gateway 1.0.0, which integration-lead@example.com ordered (wrong sums), was aborted: not that one';
      expect(await pins()).toMatchObject([{ digest: b.digest, by: 'release-manager@example.com', reason }]);
      expect(d.journal.at(-1)).toMatchObject({
        who: 'release-manager@example.com',
        environment: 'beta',
        text: `gateway in beta stays pinned, now to 2.0.0: ${reason}`,
      });
    });

    it('leaves a pin that somebody takes away meanwhile', async () => {
      const { freezeAndPins } = d.ledger;
      d.ledger.freezeAndPins = async (environment) => {
        const before = await freezeAndPins.call(d.ledger, environment);
        await d.ledger.dropPin('beta', 'gateway');
        return before;
      };
      expect(await said()).toMatchObject({ done: expect.stringContaining('its pin was changed meanwhile, and is left as it is') });
      expect((await freezeAndPins.call(d.ledger, 'beta')).pins).toEqual([]);
      expect(d.journal.some(({ text }) => text.includes('pinned'))).toBe(false);
    });
  });
});
