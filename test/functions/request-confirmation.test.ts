/** Asking people to confirm, by values: who is asked, and that nobody is where nothing is left to confirm. */
import { beforeEach, expect, it } from 'vitest';
import { confirmStage } from '../../domain/approval/confirmation.ts';
import { requestConfirmation } from '../../functions/request-confirmation.ts';
import { release as releaseOf } from '../domain/parts.ts';
import { MORNING, type StepFixture, stepFixture } from './step-fixture.ts';

let d: StepFixture;
const release = releaseOf('gateway', '1.0.0');
const common = { promotion: 'p1', environment: 'beta', stage: 'beta', releaseRun: 'c1', release };

beforeEach(async () => {
  d = await stepFixture();
  await d.ledger.newPromotion({
    ...common,
    execution: 'e1',
    group: 'gateway',
    pipeline: 'x',
    state: 'verifying',
    askedAt: '',
    taskDefinitions: { gateway: 'new:2' },
  });
});
const ask = () => requestConfirmation(d.world)({ ...common, token: 't1', confirmUntil: MORNING + 60_000, url: 'http://door' }, d.moment);
const question = () => d.ledger.gate(confirmStage('beta'), 'gateway');

it('asks while the deployment pauses', async () => {
  await d.wait({ state: 'paused', pauses: true });
  await ask();
  expect(await question()).toMatchObject({ state: 'waiting', token: 't1', deadline: MORNING + 60_000 });
  expect(d.answers).toEqual([]);
});

it('asks nobody where the deployment came to its end during the checks: the step is told why', async () => {
  await d.wait({ state: 'failed', pauses: true, reason: 'its tasks crash' });
  await ask();
  expect(await question()).toMatchObject({ state: 'withdrawn' });
  expect(d.answers).toEqual([{ token: 't1', answer: { error: 'DeploymentFailed', cause: 'its tasks crash' } }]);
});

it('asks where only what another promotion left is broken', async () => {
  await d.wait({ state: 'failed', owner: 'p0', pauses: true });
  await ask();
  expect(await question()).toMatchObject({ state: 'waiting' });
});
