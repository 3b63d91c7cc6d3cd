/** Waking by values: when there is nothing to do, what is restored how, and who goes in afterwards. */
import { beforeEach, describe, expect, it } from 'vitest';
import { wakeEnvironment } from '../../functions/wake-environment.ts';
import { EVENING, HOUR, MORNING, type StepFixture, stepFixture } from './step-fixture.ts';

let d: StepFixture;
beforeEach(async () => {
  d = await stepFixture();
});

const execution = 'test-wake-0';
const place = (name: string) => d.world.pipeline.environments[name]!;
const begin = (cause = 'need', by = execution, environment = 'test') =>
  wakeEnvironment(d.world)({ act: 'begin', environment, execution: by, cause }, d.moment);
const restore = (group = 'gateway', token = 't1', environment = 'test') =>
  wakeEnvironment(d.world)({ act: 'restore', environment, execution, group, token }, d.moment);
const end = (act: 'complete' | 'give-up', outcome: 'succeeded' | 'failed' = 'succeeded', reason = '') =>
  wakeEnvironment(d.world)({ act, environment: 'test', execution, outcome: { outcome, reason } }, d.moment);
const ran = (service: string, environment = 'test') =>
  d.ledger.putService({
    environment,
    service,
    state: environment === 'test' ? 'absent' : 'asleep',
    taskDefinition: `${service}:1`,
    promotion: 'p0',
  });
const parked = (environment = 'test') =>
  d.world.turns.takeGroup(place(environment), 'gateway', { id: 'p1', execution: 'e1', askedAt: MORNING, token: 't-p1' }, MORNING);
const ofEcs = () => d.asked.filter((call) => !call.startsWith('rule'));

describe('a wake begins', () => {
  it('with the cluster and the groups that ran before', async () => {
    for (const service of ['orders-web', 'orders-worker', 'gateway', 'one-that-is-no-more']) await ran(service);
    expect(await begin()).toEqual({ awake: false, groups: expect.arrayContaining(['gateway', 'orders']) });
    expect(d.asked).toEqual(['cluster acme-test']);
    expect(await d.world.turns.state(place('test'))).toBe('waking');
    expect(d.journal).toMatchObject([{ event: 'waking' }]);
  });

  it('without a cluster where that has stayed', async () => {
    await begin('need', 'staging-wake-0', 'staging');
    expect(d.asked).toEqual([]);
  });

  it('in the morning only if somebody waits', async () => {
    expect(await begin('morning')).toEqual({ awake: true, groups: [] });
    expect(await d.world.turns.state(place('test'))).toBe('down');
    await parked();
    expect(await begin('morning')).toMatchObject({ awake: false });
  });

  it('once: a retry goes on, another execution has nothing to do', async () => {
    await begin();
    expect(await begin()).toMatchObject({ awake: false });
    expect(await begin('need', 'by-hand')).toEqual({ awake: true, groups: [] });
  });
});

describe('a group is restored', () => {
  beforeEach(() => begin());

  it('by creating its services with what they ran, and waits for them under one token', async () => {
    for (const service of ['orders-web', 'orders-worker']) await ran(service);
    d.asked.length = 0;
    await restore('orders');
    expect(ofEcs()).toEqual(['create orders-web orders-web:1', 'create orders-worker orders-worker:1']);
    expect(d.asked).toContain('rule /orders*');
    for (const service of ['orders-web', 'orders-worker']) {
      expect(await d.ledger.wait('test', service)).toMatchObject({
        owner: execution,
        kind: 'restore',
        token: 't1',
        among: ['orders-web', 'orders-worker'],
      });
      expect(await d.ledger.service('test', service)).toMatchObject({ state: 'running', taskDefinition: `${service}:1` });
    }
    expect(d.answers).toEqual([]);
  });

  it('by giving its services their tasks back, where they have stayed at zero', async () => {
    await ran('gateway', 'staging');
    d.asked.length = 0;
    await restore('gateway', 't1', 'staging');
    expect(ofEcs()).toEqual(['update gateway gateway:1 to 1']);
  });

  it('by creating what somebody has deleted in the meantime', async () => {
    await ran('gateway', 'staging');
    d.missing.add('gateway');
    d.asked.length = 0;
    await restore('gateway', 't1', 'staging');
    expect(ofEcs()).toEqual(['update gateway gateway:1 to 1', 'create gateway gateway:1']);
  });

  it('by taking over what is there after all; for another reason of ECS it fails', async () => {
    await ran('gateway');
    d.asked.length = 0;
    d.breakNext('create', new Error('Creation of service was not idempotent.'));
    await restore();
    expect(ofEcs()).toEqual(['update gateway gateway:1 to 1']);
    d.breakNext('create', new Error('no capacity'));
    await expect(restore('gateway', 't2')).rejects.toThrow('no capacity');
  });

  it('at once where nothing of it ran', async () => {
    await ran('orders-web');
    await restore('gateway');
    expect(d.answers).toEqual([{ token: 't1', answer: { result: { services: [] } } }]);
  });

  it('has its wait in the ledger before ECS is asked, and the service counts as running: a teardown statuses at that', async () => {
    await ran('gateway');
    d.breakNext('create');
    await expect(restore()).rejects.toThrow('lost');
    expect(await d.ledger.wait('test', 'gateway')).toMatchObject({ state: 'open', since: MORNING - 2000 });
    expect(await d.ledger.service('test', 'gateway')).toMatchObject({ state: 'running' });
  });

  it.each([
    ['that finds nothing begun begins', undefined, ['create gateway gateway:1'], []],
    ['that finds it under way waits for it', 'running' as const, [], []],
    [
      'that finds it over answers, as no event comes again',
      'succeeded' as const,
      [],
      [{ token: 't2', answer: { result: { services: ['gateway'] } } }],
    ],
    ['that finds it broken says so', 'failed' as const, [], [{ token: 't2', answer: { error: 'DeploymentFailed' } }]],
  ])('by a retry %s', async (_, seen, asked, answers) => {
    await ran('gateway');
    d.breakNext('create');
    await restore().catch(() => {});
    d.asked.length = 0;
    d.at(MORNING + HOUR);
    if (seen) d.statuses.set('gateway', [{ state: seen, reason: 'x', deployment: 'd1' }]);
    await restore('gateway', 't2');
    expect(ofEcs()).toEqual(asked);
    expect(d.answers).toMatchObject(answers);
    expect(await d.ledger.wait('test', 'gateway')).toMatchObject({ token: 't2', since: MORNING - 2000 });
  });

  it('by a retry that creates the service whose cluster ECS does not know yet', async () => {
    await ran('gateway');
    d.breakNext('create');
    await restore().catch(() => {});
    d.asked.length = 0;
    d.statuses.set('gateway', [{ state: 'failed', reason: 'gone', gone: true }]);
    await restore('gateway', 't2');
    expect(ofEcs()).toEqual(['create gateway gateway:1']);
  });
});

describe('a wake ends', () => {
  beforeEach(async () => {
    await parked();
    await begin();
    await ran('gateway');
    await ran('catalog-web');
    await d.wait({ environment: 'test', service: 'gateway', owner: execution, kind: 'restore' });
    await d.wait({ environment: 'test', service: 'catalog-web', owner: 'p9' });
  });

  it('with whoever waited going in; its own waits are cleared, nobody else’s', async () => {
    await end('complete');
    expect(await d.world.turns.state(place('test'))).toBe('up');
    expect(d.answers).toMatchObject([{ token: 't-p1', answer: { result: { fence: 1 } } }]);
    expect((await d.ledger.waits('test')).map(({ owner }) => owner)).toEqual(['p9']);
    expect(d.journal.at(-1)).toMatchObject({ event: 'awake', tone: 'good' });
    expect(await d.ledger.extension('test')).toBeUndefined();
  });

  it('degraded where a service could not be restored, and is up all the same', async () => {
    await end('complete', 'failed', 'orders: its image is archived');
    expect(await d.world.turns.state(place('test'))).toBe('up');
    expect(d.journal.at(-1)).toMatchObject({ tone: 'bad', text: expect.stringContaining('degraded: orders: its image is archived') });
  });

  it('out of hours with a teardown after two idle hours', async () => {
    d.at(EVENING);
    await end('complete');
    expect(await d.ledger.extension('test')).toMatchObject({ by: 'shiplock', until: new Date(EVENING + 2 * HOUR).toISOString() });
  });

  it('in vain: whoever waited is refused with the reason, and the next wake has another name', async () => {
    await end('give-up', 'failed', 'no capacity');
    expect(await d.world.turns.state(place('test'))).toBe('down');
    expect(d.answers).toMatchObject([
      { token: 't-p1', answer: { error: 'PromotionRefused', cause: expect.stringContaining('no capacity') } },
    ]);
    expect(await d.world.turns.wakeName(place('test'))).toBe('test-wake-1');
    expect(d.journal.at(-1)).toMatchObject({ event: 'not-woken', tone: 'bad' });
  });
});
