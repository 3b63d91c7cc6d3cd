/** Letting traffic shift, by values: which deployments go on, what a retry finds, and whose turn it must be. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { WaitRecord } from '../../domain/ledger/records.ts';
import { shiftTraffic } from '../../functions/shift-traffic.ts';
import { release as releaseOf } from '../domain/parts.ts';
import { MORNING, type StepFixture, stepFixture } from './step-fixture.ts';

let d: StepFixture;
let fence: number;
/** Deployments that were told to go on. */
let proceeded: string[];
/** What ECS says instead. */
let refusal: Error | undefined;
const release = releaseOf('orders', 'git_1');
const hook = (service: string) => ({ hookId: `hook of ${service}`, deployment: `deployment of ${service}` });

beforeEach(async () => {
  d = await stepFixture();
  proceeded = [];
  refusal = undefined;
  const ticket = { id: 'p1', execution: 'e1', askedAt: MORNING, token: 't' };
  const taken = await d.world.turns.takeGroup(d.world.pipeline.environments.beta!, 'orders', ticket, MORNING);
  fence = taken.state === 'held' ? taken.fence : -1;
  d.answers.length = 0;
  await d.ledger.newPromotion({
    promotion: 'p1',
    execution: 'e1',
    environment: 'beta',
    stage: 'beta',
    group: 'orders',
    release,
    releaseRun: 'c1',
    pipeline: 'x',
    state: 'verifying',
    askedAt: '',
    taskDefinitions: { 'orders-web': 'new:2', 'orders-worker': 'new:2' },
  });
});

const waiting = (fields: Partial<WaitRecord> & { service: string }) =>
  d.wait({ among: ['orders-web', 'orders-worker'], state: 'paused', pauses: true, hook: hook(fields.service), ...fields });
const shift = (token = 't1', act: 'begin' | 'observe' = 'begin', of = fence) => {
  const { ecs, ...rest } = d.world.clients();
  const client = {
    send: async ({ input }: { input: { hookId: string } }) => {
      if (refusal) throw refusal;
      proceeded.push(input.hookId);
    },
  };
  const world = { ...d.world, clients: () => ({ ...rest, ecs: Object.assign(ecs, { client }) }) as never };
  const common = { promotion: 'p1', environment: 'beta', stage: 'beta', releaseRun: 'c1', release };
  return shiftTraffic(world)(act === 'begin' ? { ...common, act, fence: of, token } : { ...common, act }, d.moment);
};

describe('traffic', () => {
  it('shifts where a deployment pauses, and its end is waited for under the new token; what was rolled is left alone', async () => {
    await waiting({ service: 'orders-web' });
    await d.wait({ service: 'orders-worker', among: ['orders-web', 'orders-worker'], state: 'succeeded' });
    await shift();
    expect(proceeded).toEqual(['hook of orders-web']);
    expect(await d.ledger.wait('beta', 'orders-web')).toMatchObject({ kind: 'shift', state: 'open', token: 't1', among: ['orders-web'] });
    expect(await d.ledger.wait('beta', 'orders-worker')).toMatchObject({ kind: 'deploy', state: 'succeeded', token: 't0' });
    expect(d.journal).toMatchObject([{ event: 'shifting' }]);
    expect(d.answers).toEqual([]);
  });

  it('does not shift for whoever has lost the turn: nothing goes on, and the waits stay', async () => {
    await waiting({ service: 'orders-web' });
    await expect(shift('t1', 'begin', fence + 1)).rejects.toMatchObject({ name: 'TurnLost' });
    expect(proceeded).toEqual([]);
    expect(await d.ledger.wait('beta', 'orders-web')).toMatchObject({ kind: 'deploy', state: 'paused', token: 't0' });
  });

  it('that was rolled back while people were asked is found, and the step fails at once', async () => {
    await waiting({ service: 'orders-web' });
    refusal = new Error('Continuing a service deployment is not allowed for service deployment in terminal states.');
    d.statuses.set('orders-web', [{ state: 'failed', reason: 'somebody stopped it', deployment: 'd1' }]);
    await shift();
    expect(d.answers).toMatchObject([{ token: 't1', answer: { error: 'DeploymentFailed', cause: expect.stringContaining('stopped it') } }]);
    expect(d.journal).toEqual([]);
  });

  it('shifts for none where one had come to its end before', async () => {
    await waiting({ service: 'orders-web' });
    await waiting({ service: 'orders-worker', state: 'failed', reason: 'its tasks crash' });
    d.statuses.set('orders-web', [{ state: 'running', reason: '', deployment: 'd1' }]);
    await shift();
    expect(proceeded).toEqual([]);
    expect(d.answers).toEqual([{ token: 't1', answer: { error: 'DeploymentFailed', cause: 'its tasks crash' } }]);
  });

  it('that ECS refuses to let go on for another reason is an error of the step', async () => {
    await waiting({ service: 'orders-web' });
    refusal = new Error('Rate exceeded');
    await expect(shift()).rejects.toThrow('Rate exceeded');
  });

  it('does not shift for another promotion', async () => {
    await waiting({ service: 'orders-web', owner: 'p0' });
    await shift();
    expect(proceeded).toEqual([]);
  });

  it('that a retry finds shifted is answered at once, and is not told to go on again', async () => {
    await waiting({ service: 'orders-web' });
    await shift();
    await d.ledger.endWait((await d.ledger.wait('beta', 'orders-web'))!, { state: 'succeeded' });
    proceeded.length = 0;
    await shift('t2');
    expect(proceeded).toEqual([]);
    expect(d.answers).toEqual([{ token: 't2', answer: { result: { services: ['orders-web'] } } }]);
  });

  it('that a retry finds shifting is told again, as nobody knows whether ECS has heard', async () => {
    await waiting({ service: 'orders-web' });
    d.statuses.set('orders-web', [{ state: 'running', reason: '', deployment: 'd1' }]);
    await shift();
    await shift('t2');
    expect(proceeded).toEqual(['hook of orders-web', 'hook of orders-web']);
    expect(d.answers).toEqual([]);
  });
});

it('traffic whose shift ended while the retry was on its way is answered, as no event comes again', async () => {
  await waiting({ service: 'orders-web' });
  await shift();
  d.statuses.set('orders-web', [{ state: 'succeeded', reason: '', deployment: 'd1' }]);
  await shift('t2');
  expect(d.answers).toEqual([{ token: 't2', answer: { result: { services: ['orders-web'] } } }]);
});

describe('the check of the backstop', () => {
  it.each([
    ['succeeded', undefined],
    ['failed', 'alarm'],
    ['running', 'not'],
  ] as const)('sees that it %s', async (state, reason) => {
    await waiting({ service: 'orders-web' });
    await shift();
    d.statuses.set('orders-web', [{ state, reason: 'an alarm went off', deployment: 'd1' }]);
    const end = shift('', 'observe');
    if (reason === undefined) expect(await end).toMatchObject({ services: ['orders-web'] });
    else await expect(end).rejects.toMatchObject({ name: 'DeploymentFailed', message: expect.stringContaining(reason) });
  });
});
