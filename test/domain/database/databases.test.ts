import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ConfigError, parsePipeline } from '../../../domain/configuration/configuration.ts';
import type { PipelineConfig } from '../../../domain/configuration/schema.ts';
import { approvalOf, databasesOf, homesOf, sharersOf } from '../../../domain/database/databases.ts';
import { homeOf, type MigrationRecord, renderMigration, runName, standingOf, verdictOn } from '../../../domain/database/migration.ts';
import { RenderError } from '../../../domain/workflow/errors.ts';
import example from '../../../examples/acme/shiplock.config.ts';
import { digest, foundation, pipeline, release } from '../parts.ts';

const folder = resolve(import.meta.dirname, '../../../examples/acme');
const parse = (config: unknown) => parsePipeline(config, (path) => readFileSync(resolve(folder, path), 'utf8'));
const problems = (change: (config: PipelineConfig) => void): string => {
  const config = structuredClone(example) as PipelineConfig;
  change(config);
  try {
    parse(config);
    return '';
  } catch (error) {
    return (error as ConfigError).message;
  }
};
const live = databasesOf(pipeline, pipeline.environments.staging!, 'orders')[0]!;

describe('a database', () => {
  it('belongs to the environment that it is named after, and is shared with those that say so', () => {
    expect(live.id).toBe('live/orders');
    expect(sharersOf(pipeline, live).map(({ name }) => name)).toEqual(['staging', 'live']);
    expect(homesOf(pipeline).map(({ id }) => id)).toEqual(['test/orders', 'beta/orders', 'live/orders', 'sandbox/orders']);
    expect(databasesOf(pipeline, pipeline.environments.staging!, 'gateway')).toEqual([]);
  });

  it('is found again by the family of its migration, and by no other', () => {
    const arn = (family: string) => `arn:aws:ecs:eu-central-1:111111111111:task-definition/${family}:7`;
    expect(homeOf(pipeline, arn('acme-live-migrate-orders'))?.id).toBe('live/orders');
    expect(homeOf(pipeline, arn('acme-staging-migrate-orders'))).toBeUndefined();
    expect(homeOf(pipeline, arn('acme-live-orders-web'))).toBeUndefined();
  });

  it('asks those who approve for all that share it, for what would migrate it and nothing else', () => {
    expect(approvalOf(pipeline, 'staging', 'orders')).toEqual(pipeline.environments.live!.approval);
    expect(approvalOf(pipeline, 'staging', 'gateway')).toBeUndefined();
    expect(approvalOf(pipeline, 'test', 'orders')).toBeUndefined();
    expect(approvalOf(pipeline, 'beta', 'orders')?.approvers).toEqual(['integration-lead@example.com']);
  });
});

describe('what does not fit together is refused with its place and the way out', () => {
  it.each<[string, (config: PipelineConfig) => void, string]>([
    [
      'an owner that is deleted at night',
      (c) => {
        c.environments.staging!.databases = { orders: 'test' };
      },
      'deleted at night',
    ],
    [
      'an owner that does not exist',
      (c) => {
        c.environments.staging!.databases = { orders: 'liv' };
      },
      'did you mean "live"',
    ],
    [
      'an owner that has none itself',
      (c) => {
        c.environments.live!.databases = { orders: false };
      },
      'has no orders of its own',
    ],
    [
      'a database that is not configured',
      (c) => {
        c.environments.live!.databases = { oders: false };
      },
      'no database "oders", did you mean "orders"',
    ],
    [
      'two repositories',
      (c) => {
        c.databases!.orders!.containers = { migrate: 'orders', proxy: 'gateway' };
      },
      'here are 2',
    ],
    [
      'a container that the template has not',
      (c) => {
        c.databases!.orders!.containers = { migrat: 'orders' };
      },
      'name its repository or image',
    ],
    [
      'a service of the same name',
      (c) => {
        c.services['migrate-orders'] = c.services['orders-worker']!;
      },
      'rename one of them',
    ],
    [
      'approvers of whom nobody may approve for all',
      (c) => {
        c.environments.beta!.databases = { orders: 'live' };
      },
      'let their approvers overlap',
    ],
  ])('%s', (_what, change, words) => {
    expect(problems(change)).toContain(words);
  });
});

describe('the task of a migration', () => {
  const parts = {
    pipeline,
    releases: { orders: release('orders', 'git_1') },
    repositoryUris: { orders: '111111111111.dkr.ecr.eu-central-1.amazonaws.com/orders' },
    foundation,
    promotion: 'staging-orders-aaaaaaaaaaaa-1',
  };

  it('is the image by digest, in the environment that the database belongs to, and its container alone decides', () => {
    const request = renderMigration(live, parts);
    expect(request.family).toBe('acme-live-migrate-orders');
    const [migrate, proxy] = request.containerDefinitions;
    expect(migrate).toMatchObject({
      image: `${parts.repositoryUris.orders}@${digest('a')}`,
      command: ['migrate', '--up'],
      essential: true,
      environment: expect.arrayContaining([{ name: 'ENVIRONMENT', value: 'live' }]),
    });
    expect(proxy).toMatchObject({ essential: false });
  });

  it('may read no secret of another environment, and says where it tried', () => {
    const template = structuredClone(live.database.template) as unknown as { containerDefinitions: Record<string, unknown>[] };
    const arn = 'arn:aws:secretsmanager:eu-central-1:111111111111:secret:acme/test/database-AbCdEf';
    template.containerDefinitions[0]!.secrets = [{ name: 'DATABASE', valueFrom: arn }];
    const home = { ...live, database: { ...live.database, template: template as never } };
    expect(() => renderMigration(home, parts)).toThrow(RenderError);
    expect(() => renderMigration(home, parts)).toThrow(/^databases\.orders\.taskDefinition/);
  });

  it('has a name that is the same for the same releaseRun alone, and that ECS takes', () => {
    const name = runName('live/orders', digest('a'), 'orders-aaaaaaaaaaaa-1');
    expect(name).toBe(runName('live/orders', digest('a'), 'orders-aaaaaaaaaaaa-1'));
    expect(
      new Set([
        name,
        runName('test/orders', digest('a'), 'orders-aaaaaaaaaaaa-1'),
        runName('live/orders', digest('a'), 'orders-aaaaaaaaaaaa-2'),
      ]).size,
    ).toBe(3);
    expect(name).toMatch(/^[\w-]{1,64}$/);
  });
});

describe('what a run comes to', () => {
  const task = (stopCode: string, exitCode?: number, reason?: string) => ({
    stopCode,
    stoppedReason: 'Task stopped',
    containers: [
      { name: 'proxy', exitCode: 143 },
      { name: 'migrate', ...(exitCode === undefined ? {} : { exitCode }), ...(reason ? { reason } : {}) },
    ],
  });

  it('is good only if its container came to its own end with 0', () => {
    expect(verdictOn(live, task('EssentialContainerExited', 0), ['done'])).toMatchObject({
      state: 'succeeded',
      exitCode: 0,
      lastLines: ['done'],
    });
    expect(verdictOn(live, task('EssentialContainerExited', 3), ['ERROR: lock']).reason).toBe(
      'the migration of live/orders failed: container migrate ended with exit code 3; last line: “ERROR: lock”',
    );
    // Told to stop, it may well have ended with 0.
    expect(verdictOn(live, task('UserInitiated', 0), []).state).toBe('failed');
    expect(verdictOn(live, task('TaskFailedToStart', undefined, 'CannotPullContainerError: not found'), []).reason).toContain('CannotPull');
  });

  it('is done for every releaseRun once it is good, and failed for its own releaseRun alone', () => {
    const run = (state: MigrationRecord['state'], releaseRun: string) =>
      ({ state, releaseRun, digest: digest('a'), database: 'live/orders' }) as MigrationRecord;
    const waiter = { digest: digest('a'), releaseRun: 'two' };
    expect(standingOf(waiter, [run('succeeded', 'one')], undefined).state).toBe('done');
    expect(standingOf(waiter, [run('failed', 'one')], undefined).state).toBe('free');
    expect(standingOf(waiter, [run('failed', 'two')], undefined).state).toBe('failed');
    expect(standingOf(waiter, [run('running', 'one')], run('running', 'one')).state).toBe('open');
    expect(standingOf(waiter, [], { digest: digest('b') }).state).toBe('open');
  });
});
