import { describe, expect, it } from 'vitest';
import { homesOf } from '../../../domain/database/databases.ts';
import type { MigrationRecord } from '../../../domain/database/migration.ts';
import { type MigratingWorld, observeRun } from '../../../functions/migration/migration-runs.ts';
import { pipeline } from '../../domain/parts.ts';

const home = homesOf(pipeline).find(({ id }) => id === 'live/orders')!;
const run = {
  database: 'live/orders',
  run: 'shiplock-migration-1',
  state: 'running',
  repository: 'orders',
  releaseRun: 'c',
  tag: 't',
} as MigrationRecord;

function worldOf(known: { startedBy?: string; status?: string; lost?: boolean }) {
  const written: object[] = [];
  const world = {
    pipeline,
    migrations: {
      note: async (_run: unknown, fields: object) => written.push(fields),
      end: async (_run: unknown, fields: object) => written.push(fields),
    },
    journal: { write: async () => {} },
    clients: () => ({
      logs: {
        lastLines: async () => {
          throw new Error('no log');
        },
      },
    }),
    tasks: () => ({
      taskStartedBy: async () => known.startedBy,
      task: async () =>
        known.lost
          ? undefined
          : {
              lastStatus: known.status,
              stopCode: 'EssentialContainerExited',
              stoppedReason: '',
              containers: [{ name: 'migrate', exitCode: 0 }],
            },
    }),
  } as unknown as MigratingWorld;
  return { world, written };
}

describe('a check of a migration', () => {
  it('finds the task of a Lambda that could not write down what it ran', async () => {
    const { world, written } = worldOf({ startedBy: 'arn:task/1', status: 'RUNNING' });
    expect(await observeRun(world, home, run, 0)).toMatchObject({ state: 'running', taskArn: 'arn:task/1' });
    expect(written).toEqual([{ taskArn: 'arn:task/1' }]);
  });

  it('leaves what ECS has never heard of as it is', async () => {
    const { world, written } = worldOf({});
    expect(await observeRun(world, home, run, 0)).toEqual(run);
    expect(written).toEqual([]);
  });

  it('ends a run though its log cannot be read', async () => {
    const { world, written } = worldOf({ status: 'STOPPED' });
    expect(await observeRun(world, home, { ...run, taskArn: 'arn:task/1' }, 0)).toMatchObject({ state: 'succeeded', lastLines: [] });
    expect(written).toHaveLength(1);
  });

  it('never calls a migration good whose task ECS has forgotten', async () => {
    const { world } = worldOf({ lost: true });
    const ended = await observeRun(world, home, { ...run, taskArn: 'arn:task/1' }, 0);
    expect(ended).toMatchObject({ state: 'failed', reason: expect.stringContaining('check the database') });
  });
});
