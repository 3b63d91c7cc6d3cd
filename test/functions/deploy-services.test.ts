/** Asking ECS, by values: what stands in the ledger before the call, what a retry finds, and what the backstop's check says. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { PromotionRecord } from '../../domain/ledger/records.ts';
import { route } from '../../domain/service/routes.ts';
import type { Place } from '../../domain/workflow/workflow.ts';
import { deployServices } from '../../functions/deploy-services.ts';
import { release as releaseOf } from '../domain/parts.ts';
import { MORNING, type StepFixture, stepFixture } from './step-fixture.ts';

let d: StepFixture;
beforeEach(async () => {
  d = await stepFixture();
});

const release = releaseOf('gateway', '1.0.0');
const running = { state: 'running' as const, reason: '', deployment: 'd1' };
const held = { state: 'succeeded' as const, reason: '' };

/** A promotion that holds its turn and has registered. @returns its fence */
async function promotion(fields: Partial<PromotionRecord> = {}, of = release): Promise<number> {
  const beta = d.world.pipeline.environments.beta!;
  const group = Object.values(d.world.pipeline.groups).find(({ repositories }) => repositories.includes(of.repository))!;
  const taken = await d.world.turns.takeGroup(beta, group.name, { id: 'p1', execution: 'e1', askedAt: MORNING, token: 't' }, MORNING);
  d.answers.length = 0;
  const known = await Promise.all(group.services.map(async (service) => ({ service, record: await d.ledger.service('beta', service) })));
  const stays = ({ record }: (typeof known)[number]) => record && record.state !== 'absent';
  await d.ledger.newPromotion({
    promotion: 'p1',
    execution: 'e1',
    environment: 'beta',
    stage: 'beta',
    group: group.name,
    release: of,
    releaseRun: 'c1',
    pipeline: 'x',
    state: 'deploying',
    askedAt: '',
    taskDefinitions: Object.fromEntries(group.services.map((service) => [service, `${service}:2`])),
    before: Object.fromEntries(known.map((one) => [one.service, stays(one) ? one.record!.taskDefinition : null])),
    reroute: known
      .filter(({ service, record }) => record?.route !== route(beta, d.world.pipeline.services[service]))
      .map((one) => one.service),
    ...fields,
  });
  return taken.state === 'held' ? taken.fence : -1;
}
const runs = (service = 'gateway', fields: object = {}) =>
  d.ledger.putService({
    environment: 'beta',
    service,
    state: 'running',
    taskDefinition: `${service}:1`,
    promotion: 'p0',
    route: route(d.world.pipeline.environments.beta!, d.world.pipeline.services[service])!,
    ...fields,
  });
const common = { promotion: 'p1', environment: 'beta', stage: 'beta', releaseRun: 'c1' };
/** Where it deploys, as registration has found it. */
async function place(): Promise<Place> {
  const services = Object.keys((await d.ledger.promotion('p1'))?.taskDefinitions ?? {});
  return { services, ...(await d.world.parameters.foundation('acme', 'beta', services)) };
}
const deploy = async (fence: number, token = 't1', of = release) =>
  deployServices(d.world)({ ...common, release: of, fence, token, place: (await place()) as never }, d.moment);
const check = () => deployServices(d.world)({ ...common, release, fence: 1, observe: true }, d.moment);
const ofEcs = () => d.asked.filter((call) => !call.startsWith('rule'));

describe('a deployment', () => {
  it('has its token and what ran before in the ledger before ECS is asked', async () => {
    await runs();
    const fence = await promotion();
    d.breakNext('update');
    await expect(deploy(fence)).rejects.toThrow('lost');
    expect(await d.ledger.wait('beta', 'gateway')).toMatchObject({
      owner: 'p1',
      kind: 'deploy',
      token: 't1',
      state: 'open',
      taskDefinition: 'gateway:2',
      among: ['gateway'],
      since: MORNING - 2000,
    });
  });

  it('updates what is there, and answers nobody: ECS’s event will', async () => {
    await runs();
    await deploy(await promotion());
    expect(d.asked).toEqual(['update gateway gateway:2']);
    expect(d.answers).toEqual([]);
  });

  it('asks ECS for nothing when its turn has passed on', async () => {
    await runs();
    const fence = await promotion();
    await d.wait({ owner: 'p2', token: 't2' });
    await expect(deploy(fence + 1)).rejects.toMatchObject({ name: 'TurnLost' });
    expect(d.asked).toEqual([]);
    // Nor does it take the wait of whoever holds the turn now for its own.
    expect(await d.ledger.wait('beta', 'gateway')).toMatchObject({ owner: 'p2', token: 't2' });
  });

  it('creates what the environment never had, led to by its rule', async () => {
    await deploy(await promotion());
    expect(d.asked).toEqual(['rule /*', 'create gateway gateway:2']);
  });

  it('creates again what was torn down, or deleted by hand', async () => {
    await runs('gateway', { state: 'absent' });
    await deploy(await promotion());
    expect(ofEcs()).toEqual(['create gateway gateway:2']);
    d = await stepFixture();
    await runs();
    d.missing.add('gateway');
    await deploy(await promotion());
    expect(ofEcs()).toEqual(['update gateway gateway:2', 'create gateway gateway:2']);
  });

  it('updates what is there after all, and fails for any other reason that ECS gives', async () => {
    const fence = await promotion();
    d.breakNext('create', new Error('Creation of service was not idempotent.'));
    await deploy(fence);
    expect(ofEcs()).toEqual(['update gateway gateway:2']);
    d = await stepFixture();
    d.breakNext('create', new Error('no capacity'));
    await expect(deploy(await promotion())).rejects.toThrow('no capacity');
  });

  it.each(['InvalidParameterException', 'ClientException', 'AccessDeniedException'])(
    'that AWS does not take as it is configured has failed, in its own words: %s',
    async (name) => {
      const refusal = Object.assign(new Error('The target group has no load balancer.'), { name });
      await runs();
      const fence = await promotion();
      d.breakNext('update', refusal);
      await expect(deploy(fence)).rejects.toMatchObject({
        name: 'DeploymentFailed',
        message: 'gateway: AWS does not take it as it is configured: The target group has no load balancer.',
      });
    },
  );

  it('leaves a rule alone that is as the configuration wants it, and brings any other to it', async () => {
    await runs('gateway', { route: 'somewhere else' });
    await deploy(await promotion());
    expect(d.asked).toEqual(['rule /*', 'update gateway gateway:2']);
  });

  it('of a group waits for all of its services under one token', async () => {
    const orders = releaseOf('orders', 'git_1');
    await runs('orders-web');
    await deploy(await promotion({}, orders), 't1', orders);
    expect(ofEcs()).toEqual(['update orders-web orders-web:2', 'create orders-worker orders-worker:2']);
    for (const service of ['orders-web', 'orders-worker'])
      expect(await d.ledger.wait('beta', service)).toMatchObject({ token: 't1', among: ['orders-web', 'orders-worker'] });
  });

  it('needs a promotion that the ledger knows, and a token', async () => {
    await expect(deploy(1)).rejects.toThrow('no promotion p1');
    await promotion();
    await expect(deployServices(d.world)({ ...common, release, fence: 1 }, d.moment)).rejects.toThrow('needs a token');
  });
});

describe('a retry', () => {
  /** The first try came as far as the answer of ECS. */
  async function again(seen: typeof running | typeof held | undefined) {
    await runs();
    const fence = await promotion();
    d.breakNext('update');
    await deploy(fence).catch(() => {});
    // By now the ledger may say that the service runs the new revision: what ran before stays what it was.
    await runs('gateway', { taskDefinition: 'gateway:2' });
    d.at(MORNING + 30_000);
    if (seen) d.statuses.set('gateway', [seen]);
    await deploy(fence, 't2');
    return d.ledger.wait('beta', 'gateway');
  }

  it('asks again where ECS knows of nothing, and still statuses for what began with the first try', async () => {
    expect(await again(undefined)).toMatchObject({ token: 't2', since: MORNING - 2000 });
    expect(d.asked).toEqual(['update gateway gateway:2']);
    expect(d.answers).toEqual([]);
  });

  it('does not start a second deployment of what goes on', async () => {
    expect(await again(running)).toMatchObject({ token: 't2', state: 'open' });
    expect(d.asked).toEqual([]);
  });

  it('answers at once where all is over, as no event comes again', async () => {
    expect(await again(held)).toMatchObject({ state: 'succeeded' });
    expect(d.asked).toEqual([]);
    expect(d.answers).toEqual([{ token: 't2', answer: { result: { services: ['gateway'] } } }]);
  });

  it('goes by what its first try found, whatever the ledger says of the service by now', async () => {
    await runs();
    await deploy(await promotion({ before: { gateway: null }, reroute: [] }));
    expect(ofEcs()).toEqual(['create gateway gateway:2']);
  });

  it('takes the wait of another promotion over as its own', async () => {
    await runs();
    await d.wait({ owner: 'p0', token: 't0', state: 'failed' });
    await deploy(await promotion());
    expect(await d.ledger.wait('beta', 'gateway')).toMatchObject({ owner: 'p1', token: 't1', state: 'open' });
    expect(d.asked).toEqual(['update gateway gateway:2']);
  });
});

describe('the check of the backstop', () => {
  it.each([
    ['is told what holds', held, { services: ['gateway'] }],
    ['gives up what still goes on', running, 'not done after 20 minutes; see timeouts.deployMinutes'],
    ['says what broke', { state: 'failed' as const, reason: 'tasks failed to start' }, 'tasks failed to start'],
    ['gives up what never began', undefined, 'not done after 20 minutes'],
  ])('%s', async (_, seen, end) => {
    await promotion();
    await d.wait({ since: MORNING - 2000 });
    if (seen) d.statuses.set('gateway', [seen]);
    if (typeof end === 'string')
      await expect(check()).rejects.toMatchObject({ name: 'DeploymentFailed', message: expect.stringContaining(end) });
    else expect(await check()).toEqual(end);
    expect(d.asked).toEqual([]);
    expect(d.answers).toEqual([]);
  });

  it('says so of a service that was never asked for, whoever else waits for it', async () => {
    await promotion();
    await expect(check()).rejects.toMatchObject({ name: 'DeploymentFailed', message: 'gateway was never deployed' });
    await d.wait({ owner: 'p0', state: 'succeeded' });
    await expect(check()).rejects.toMatchObject({ message: 'gateway was never deployed' });
  });

  it('finds what pauses before its traffic shifts', async () => {
    await promotion();
    await d.wait({ state: 'paused', pauses: true });
    await expect(check()).rejects.toMatchObject({ name: 'TrafficPaused' });
  });
});
