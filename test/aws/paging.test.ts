/** Whatever AWS gives out page by page is read to its end. */
import { beforeAll, expect, it } from 'vitest';
import type { Connection } from '../../aws/clients.ts';
import { Definitions } from '../../aws/definitions.ts';
import { Logs } from '../../aws/logs.ts';
import { Repositories } from '../../aws/repositories.ts';
import { Table } from '../../aws/table.ts';
import { clientConfig } from '../../local/core/client.ts';
import { VirtualClock } from '../../local/core/clock.ts';
import type { Site } from '../../local/core/site.ts';
import { World } from '../../local/core/world.ts';
import { factories } from '../../local/services/index.ts';
import { allows } from '../local/services/double.ts';
import { createTable } from './tables.ts';

const region = 'eu-central-1';
const names = Array.from({ length: 130 }, (_, index) => `s${index}`);
let connection: Connection;
let call: (service: string, operation: string, input: object) => Promise<unknown>;
let clock: VirtualClock;
let site: Site;

beforeAll(() => {
  clock = new VirtualClock(Date.parse('2026-11-23T08:00:00Z'));
  const world = new World(clock, factories);
  site = world.site('111122223333', region);
  connection = clientConfig(world, { region, credentials: site.service('iam').user('admin', { all: allows('*') }) });
  const root = site.service('iam').rootPrincipal();
  call = (service, operation, input) => site.call(root, service, operation, input);
});

it('the services of a cluster, ten and a hundred at a time', async () => {
  await call('ecs', 'CreateCluster', { clusterName: 'many' });
  const containerDefinitions = [{ name: 'web', image: 'public.ecr.aws/web:1' }];
  await call('ecs', 'RegisterTaskDefinition', {
    family: 'web',
    networkMode: 'awsvpc',
    requiresCompatibilities: ['FARGATE'],
    cpu: '256',
    memory: '512',
    containerDefinitions,
  });
  const awsvpcConfiguration = { subnets: ['subnet-1'], securityGroups: ['sg-1'] };
  const common = {
    cluster: 'many',
    taskDefinition: 'web:1',
    desiredCount: 0,
    launchType: 'FARGATE',
    networkConfiguration: { awsvpcConfiguration },
  };
  for (const serviceName of names) await call('ecs', 'CreateService', { ...common, serviceName });
  expect([...(await new Definitions(connection).ofCluster('many')).keys()].toSorted()).toEqual(names.toSorted());
});

it('repositories, a hundred names at a time', async () => {
  for (const repositoryName of names) await call('ecr', 'CreateRepository', { repositoryName });
  expect(Object.keys(await new Repositories(connection).uris(names))).toHaveLength(names.length);
});

it('the lines of a log, a thousand at a time', async () => {
  await call('logs', 'CreateLogGroup', { logGroupName: '/many' });
  await call('logs', 'CreateLogStream', { logGroupName: '/many', logStreamName: 'one' });
  const logEvents = Array.from({ length: 1_500 }, (_, index) => ({ timestamp: clock.now(), message: `line ${index}` }));
  await call('logs', 'PutLogEvents', { logGroupName: '/many', logStreamName: 'one', logEvents });
  expect(await new Logs(connection).lines('/many', 0)).toHaveLength(1_500);
});

it('the items of a table and of its index, a megabyte at a time, as far as they are wanted', async () => {
  await createTable(connection, 'many');
  await clock.run({ until: clock.now() + 60_000 });
  const table = new Table('many', connection);
  const text = 'x'.repeat(200_000);
  for (const name of names.slice(0, 12)) await table.put({ pk: 'all', sk: name }, { gpk: 'all', gsk: name, text });
  await clock.run({ until: clock.now() + 60_000 });
  expect(await table.query('all')).toHaveLength(12);
  expect(await table.queryIndex('all', '', { newestFirst: true })).toHaveLength(12);
  expect(await table.queryIndex('all', '', { limit: 8 })).toHaveLength(8);
});
