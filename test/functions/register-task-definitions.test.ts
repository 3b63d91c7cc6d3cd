/** Registering, killed in between and tried again: no slot that somebody waits for is taken twice, and what is known to be registered is not registered again. */
import { expect, it } from 'vitest';
import { route } from '../../domain/service/routes.ts';
import { registerTaskDefinitions } from '../../functions/register-task-definitions.ts';
import { foundation, pipeline, release as releaseOf } from '../domain/parts.ts';

const release = releaseOf('orders', 'git_1');
const found = { foundation, targetGroups: { 'orders-web': 'tg/orders-web' }, alternates: {} };
const input = { promotion: 'p1', environment: 'test', stage: 'test', releaseRun: 'c1', release };

/** @param slot when its slots are there. Milliseconds */
function scene({ slot = 0, status = 'ACTIVE', known = {} as object } = {}) {
  const registered: string[] = [];
  let reserved = 0;
  let now = 1_000_000;
  /** After so many of its writes the function is killed. */
  let lives = Number.POSITIVE_INFINITY;
  let record: Record<string, unknown> = { promotion: 'p1', environment: 'test', release, taskDefinitions: {} };
  const world = {
    pipeline,
    registry: {
      image: async () => ({ status }),
      uris: async () => ({ orders: '111111111111.dkr.ecr.eu-central-1.amazonaws.com/orders' }),
    },
    parameters: { foundation: async () => found },
    ledger: {
      situation: async () => ({ promotion: structuredClone(record), restrictions: { pins: [] }, running: {}, services: known }),
      promotionWrite: (_: string, fields: object) => ({ set: fields }),
      setPromotion: async (_: string, fields: object) => {
        if (lives-- <= 0) throw new Error('killed');
        record = { ...record, ...structuredClone(fields) };
      },
    },
    pace: {
      reserve: async (_: string, count: number) => {
        reserved += count;
        return slot || now;
      },
    },
    migrations: { runs: async () => [{ state: 'succeeded' }] },
    journal: {
      writeWith: async (_table: unknown, [{ set }]: [{ set: object }]) => {
        if (lives-- <= 0) throw new Error('killed');
        record = { ...record, ...structuredClone(set) };
        return true;
      },
    },
    clients: () => ({
      ecs: {
        client: {
          send: async ({ input: { family } }: { input: { family: string } }) => ({
            taskDefinition: { taskDefinitionArn: `${family}:${registered.push(family)}` },
          }),
        },
      },
    }),
  } as never;
  return {
    registered,
    run: (killedAfter = Number.POSITIVE_INFINITY) => {
      lives = killedAfter;
      return registerTaskDefinitions(world)(input, { now: () => now, logger: { info() {}, warn() {} }, count() {} } as never);
    },
    later: (time: number) => {
      now = time;
    },
    get reserved() {
      return reserved;
    },
    get record() {
      return record;
    },
  };
}

const web = 'acme-test-orders-web';
const worker = 'acme-test-orders-worker';

it('registers each service once, and writes down what it got', async () => {
  const one = scene();
  expect(await one.run()).toEqual({ place: { services: ['orders-web', 'orders-worker'], ...found } });
  expect(one.registered).toEqual([web, worker]);
  expect(one.reserved).toBe(2);
  expect(one.record).toMatchObject({ state: 'deploying', taskDefinitions: { 'orders-web': `${web}:1`, 'orders-worker': `${worker}:2` } });
});

it('writes down what runs before anything changes, and whose rule has to be looked after; a retry keeps what the first try has seen', async () => {
  const place = pipeline.environments.test!;
  const record = (service: string, more: object) => ({ [service]: { state: 'running', taskDefinition: `${service}:7`, ...more } });
  const known = {
    ...record('orders-web', { route: 'elsewhere' }),
    ...record('orders-worker', { route: route(place, pipeline.services['orders-worker']) }),
  };
  const one = scene({ known });
  await one.run();
  const seen = { before: { 'orders-web': 'orders-web:7', 'orders-worker': 'orders-worker:7' }, reroute: ['orders-web'] };
  expect(one.record).toMatchObject(seen);
  Object.assign(known, record('orders-web', { taskDefinition: 'orders-web:8' }));
  await one.run();
  expect(one.record).toMatchObject(seen);
});

it('writes down that nothing runs where there is no service, or none any more', async () => {
  const one = scene({ known: { 'orders-web': { state: 'absent', taskDefinition: 'orders-web:7' } } });
  await one.run();
  expect(one.record.before).toEqual({ 'orders-web': null, 'orders-worker': null });
});

it('tried again after everything was done registers nothing more', async () => {
  const one = scene();
  await one.run();
  await one.run();
  expect(one.registered).toEqual([web, worker]);
  expect(one.reserved).toBe(2);
});

it.each([
  { killed: 'before the first revision was written down', after: 0, registered: [web, web, worker], reserved: 4 },
  { killed: 'before the second revision was written down, and that it deploys', after: 1, registered: [web, worker, worker], reserved: 3 },
])('killed $killed leaves at most one revision that nobody uses', async ({ after, registered, reserved }) => {
  const one = scene();
  await expect(one.run(after)).rejects.toThrow('killed');
  await one.run();
  expect(one.registered).toEqual(registered);
  expect(one.reserved).toBe(reserved);
  expect(one.record.taskDefinitions).toEqual({
    'orders-web': `${web}:${registered.lastIndexOf(web) + 1}`,
    'orders-worker': `${worker}:${registered.lastIndexOf(worker) + 1}`,
  });
});

it('killed before it wrote down for which slot it waits takes another one', async () => {
  const one = scene({ slot: 1_030_000 });
  await expect(one.run(0)).rejects.toThrow('killed');
  await expect(one.run()).rejects.toMatchObject({ name: 'RegistrationPaced' });
  expect(one.reserved).toBe(4);
});

it('that has to wait for its slot registers nothing, says when, and takes no second slot when it comes again', async () => {
  const one = scene({ slot: 1_030_000 });
  await expect(one.run()).rejects.toMatchObject({ name: 'RegistrationPaced' });
  await expect(one.run()).rejects.toMatchObject({ name: 'RegistrationPaced' });
  expect(one.registered).toEqual([]);
  one.later(1_030_000);
  await one.run();
  expect(one.registered).toEqual([web, worker]);
  expect(one.reserved).toBe(2);
});

it.each([
  ['ARCHIVED', 'is archived; restore it in ECR, then promote it again: shiplock promote orders@git_1 --to test'],
  ['ACTIVATING', 'is being restored in ECR; wait for that, then promote it again: shiplock promote orders@git_1 --to test'],
])('an image that is %s is refused with the way out, before anything is registered', async (status, reason) => {
  const { run, registered } = scene({ status });
  await expect(run()).rejects.toMatchObject({ name: 'PromotionRefused', message: expect.stringContaining(reason) });
  expect(registered).toEqual([]);
});
