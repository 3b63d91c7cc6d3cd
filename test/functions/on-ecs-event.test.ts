/** Events of ECS by values: whose they are, what one check makes of them, and who is answered. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { WaitRecord } from '../../domain/ledger/records.ts';
import { onEcsEvent } from '../../functions/on-ecs-event.ts';
import { MORNING, type StepFixture, stepFixture } from './step-fixture.ts';

let d: StepFixture;
beforeEach(async () => {
  d = await stepFixture();
});

const arn = (service = 'gateway', cluster = 'acme-beta') => `arn:aws:ecs:eu-central-1:111111111111:service/${cluster}/${service}`;
const told = (resources: readonly string[] = [arn()], detail: Parameters<ReturnType<typeof onEcsEvent>>[0]['detail'] = {}) =>
  onEcsEvent(d.world)({ source: 'aws.ecs', resources: [...resources], detail }, d.moment);
const completed = (updatedAt: number) => ({ eventName: 'SERVICE_DEPLOYMENT_COMPLETED', updatedAt: new Date(updatedAt).toISOString() });
const sees = (state: 'running' | 'succeeded' | 'failed', reason = '', service = 'gateway') =>
  d.statuses.set(service, [{ state, reason, deployment: 'd1' }]);
const wait = (service = 'gateway') => d.ledger.wait('beta', service);

describe('an event of ECS', () => {
  it('of somebody else, or of a deployment that nobody waits for, is left alone', async () => {
    sees('succeeded');
    await told();
    await d.wait();
    await told([arn('gateway', 'acme-qa'), arn('gateway', 'other-beta'), arn('other'), 'arn:aws:ecs:r:1:cluster/acme-beta', '']);
    expect(d.answers).toEqual([]);
    expect(await wait()).toMatchObject({ state: 'open' });
  });

  it('ends the wait by what ECS says when asked, and answers it', async () => {
    sees('succeeded');
    await d.wait();
    await told();
    expect(await wait()).toMatchObject({ state: 'succeeded' });
    expect(d.answers).toEqual([{ token: 't0', answer: { result: { services: ['gateway'] } } }]);
  });

  it('that calls a rolled-back deployment completed is a failure, with its reason', async () => {
    sees('failed', 'tasks failed to start');
    await d.wait();
    await told([arn()], completed(MORNING));
    expect(d.answers).toMatchObject([{ answer: { error: 'DeploymentFailed', cause: expect.stringContaining('tasks failed to start') } }]);
  });

  it('of one of a group answers nobody before the last has ended, but a broken one does', async () => {
    const among = ['orders-web', 'orders-worker'];
    for (const service of among) await d.wait({ service, among });
    sees('succeeded', '', 'orders-web');
    await told([arn('orders-web')]);
    expect(d.answers).toEqual([]);
    sees('succeeded', '', 'orders-worker');
    await told([arn('orders-worker')]);
    expect(d.answers).toEqual([{ token: 't0', answer: { result: { services: among } } }]);
    d = await stepFixture();
    for (const service of among) await d.wait({ service, among });
    sees('failed', 'x', 'orders-worker');
    await told([arn('orders-worker')]);
    expect(d.answers).toMatchObject([{ answer: { error: 'DeploymentFailed' } }]);
  });

  it('of one of a group answers nobody while the others have yet to be asked for', async () => {
    await d.wait({ service: 'orders-web', among: ['orders-web', 'orders-worker'] });
    await d.wait({ service: 'orders-worker', owner: 'p0', state: 'succeeded' });
    sees('succeeded', '', 'orders-web');
    await told([arn('orders-web')]);
    expect(d.answers).toEqual([]);
  });

  it('that comes again tells what its first handler could not', async () => {
    sees('succeeded');
    await d.wait();
    d.breakNext('answer t0');
    await expect(told()).rejects.toThrow('lost');
    expect(d.answers).toEqual([]);
    sees('running');
    await told();
    expect(d.answers).toMatchObject([{ token: 't0', answer: { result: {} } }]);
  });

  it('that is ahead of ECS’s answer is looked at again later; one of an earlier deployment is not', async () => {
    sees('running');
    const { since } = await d.wait();
    await expect(told([arn()], completed(since + 1))).rejects.toMatchObject({ name: 'EventAhead' });
    await told([arn()], completed(since));
    await told([arn()], { ...completed(since + 1), eventName: 'SERVICE_DEPLOYMENT_IN_PROGRESS' });
    await told([arn()], {});
    expect(await wait()).toMatchObject({ state: 'open' });
    expect(d.answers).toEqual([]);
  });
});

describe('a pause before traffic shifts', () => {
  const deployment = (id: string) => `arn:aws:ecs:eu-central-1:111111111111:service-deployment/acme-beta/gateway/${id}`;
  /** ECS names the deployment in the detail; `resources` may be missing. */
  const pause = (at: number, id = 'd1') =>
    onEcsEvent(d.world)(
      { source: 'aws.ecs', detail: { hookId: 'h1', updatedAt: new Date(at).toISOString(), serviceDeploymentArn: deployment(id) } },
      d.moment,
    );
  beforeEach(() => d.statuses.set('gateway', [{ state: 'running', reason: '', deployment: deployment('d1') }]));

  it('ends the wait for it, and says where it pauses', async () => {
    await d.wait({ pauses: true });
    await pause(MORNING);
    expect(await wait()).toMatchObject({ state: 'paused', hook: { hookId: 'h1', deployment: deployment('d1') } });
    expect(d.answers).toMatchObject([{ answer: { error: 'TrafficPaused' } }]);
  });

  it('of somebody else’s deployment is none of ours: it is neither checked nor continued', async () => {
    await d.wait({ pauses: true });
    await pause(MORNING, 'd2');
    expect(await wait()).toMatchObject({ state: 'open' });
    d.statuses.set('gateway', [{ state: 'none', reason: 'ECS knows of no deployment of this revision' }]);
    await pause(MORNING);
    expect(await wait()).toMatchObject({ state: 'open' });
    expect(d.answers).toEqual([]);
  });

  it('that was told late, after another deployment has begun, is not this one', async () => {
    const { since } = await d.wait({ pauses: true });
    await pause(since - 1);
    expect(await wait()).toMatchObject({ state: 'open' });
    expect(d.answers).toEqual([]);
  });

  it('that has come to its end is broken, for whoever asks next; one that ECS still calls running is looked at again later', async () => {
    const { since } = await d.wait({ pauses: true });
    await pause(MORNING);
    sees('running');
    await expect(told([arn()], completed(since + 1))).rejects.toMatchObject({ name: 'EventAhead' });
    expect(await wait()).toMatchObject({ state: 'paused' });
    sees('failed', 'somebody stopped it');
    await told([arn()], completed(since + 1));
    expect(await wait()).toMatchObject({ state: 'failed', reason: expect.stringContaining('somebody stopped it') });
  });

  it('that has come to its end is told at once where others of its group have yet to pause', async () => {
    const among = ['orders-web', 'orders-worker'];
    await d.wait({ service: 'orders-web', among, state: 'paused', pauses: true, hook: { hookId: 'h1', deployment: 'd1' } });
    await d.wait({ service: 'orders-worker', among });
    sees('failed', 'its tasks crash', 'orders-web');
    await told([arn('orders-web')]);
    expect(d.answers).toMatchObject([{ token: 't0', answer: { error: 'DeploymentFailed' } }]);
  });

  it.each(['shift', 'stop', 'put-back'] as const)('is nothing that a wait of kind %s waits for', async (kind) => {
    await d.wait({ kind, pauses: true });
    await pause(MORNING);
    expect(await wait()).toMatchObject({ state: 'open' });
  });
});

describe('a task that failed where ECS has no circuit breaker', () => {
  const failed = (task: string, detail: object = {}) =>
    told([], {
      taskArn: task,
      clusterArn: 'arn:aws:ecs:eu-central-1:111111111111:cluster/acme-beta',
      group: 'service:gateway',
      taskDefinitionArn: 'new:2',
      ...detail,
    });
  const shifting = (fields: Partial<WaitRecord> = {}) => d.wait({ pauses: true, ...fields });

  it('is counted once, however often it is told; the threshold stops the deployment', async () => {
    sees('running');
    await shifting();
    for (const task of ['a', 'b', 'a', 'b', 'b']) await failed(task);
    expect(await wait()).toMatchObject({ failures: ['a', 'b'], failed: 2 });
    expect(d.asked).toEqual([]);
    await failed('c');
    expect(d.asked).toEqual(['stop d1']);
    expect(await wait()).toMatchObject({ state: 'open' });
  });

  it('is stopped for again by an event that comes again, if it still goes on, and not if it has ended', async () => {
    await shifting({ failures: ['a', 'b', 'c'], failed: 3 });
    sees('running');
    await failed('c');
    expect(d.asked).toEqual(['stop d1']);
    sees('failed');
    await failed('c');
    expect(d.asked).toEqual(['stop d1']);
  });

  it('is not counted twice where two are told at once, and none is lost', async () => {
    sees('running');
    await shifting();
    await Promise.all(['a', 'b'].map((task) => failed(task)));
    expect((await wait())?.failures?.toSorted()).toEqual(['a', 'b']);
  });

  it.each([
    ['of the old revision', {}, { taskDefinitionArn: 'old:1' }],
    ['of another service', {}, { group: 'service:other' }],
    ['that somebody started by hand', {}, { group: 'family:gateway' }],
    ['in another cluster', {}, { clusterArn: 'arn:aws:ecs:eu-central-1:111111111111:cluster/acme-qa' }],
    ['where ECS counts itself', { pauses: false }, {}],
    ['after the end of its deployment', { state: 'failed' as const }, {}],
  ])('%s is not counted', async (_, fields, detail) => {
    await shifting(fields);
    await failed('a', detail);
    expect(await wait()).not.toHaveProperty('failures');
  });
});
