/** What the tables do when DynamoDB refuses a write for the moment, against local AWS. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { isAbsent, Table } from '../../aws/table.ts';
import { clientConfig } from '../../local/core/client.ts';
import { VirtualClock } from '../../local/core/clock.ts';
import { World } from '../../local/core/world.ts';
import { factories } from '../../local/services/index.ts';
import { createTable } from './tables.ts';

const region = 'eu-central-1';
const key = { pk: 'a', sk: 'b' };

async function build() {
  const clock = new VirtualClock(Date.parse('2026-11-23T08:00:00Z'));
  const world = new World(clock, factories);
  const all = { Version: '2012-10-17', Statement: { Effect: 'Allow' as const, Action: '*', Resource: '*' } };
  const credentials = world.site('111122223333', region).service('iam').user('admin', { all });
  const connection = clientConfig(world, { region, credentials });
  await createTable(connection, 'ledger');
  await clock.run({ until: clock.now() + 60_000 });
  return { world, table: new Table('ledger', connection) };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a write that meets another transaction', () => {
  it.each<[string, (table: Table) => Promise<unknown>]>([
    ['put', (table) => table.put(key, { n: 1 }, isAbsent)],
    ['set', (table) => table.put(key, {}).then(() => table.set(key, { n: 1 }))],
    [
      'update',
      (table) =>
        table.put(key, {}).then(() => table.update(key, 'SET n = :n', { expression: 'attribute_exists(pk)', values: { ':n': 1 } })),
    ],
    [
      'transaction',
      (table) =>
        table.transact([
          { key, item: { n: 1 }, when: isAbsent },
          { key: { pk: 'a', sk: 'c' }, item: {} },
        ]),
    ],
  ])('is tried again: %s', async (_what, write) => {
    const { world, table } = await build();
    world.faults.add({ kind: 'conflict', times: 3 });
    expect(await write(table)).toBeTruthy();
    expect(await table.get(key)).toEqual({ n: 1 });
  });

  it('and takes an item away in the end', async () => {
    const { world, table } = await build();
    await table.put(key, {});
    world.faults.add({ kind: 'conflict', times: 3 });
    expect(await table.delete(key)).toBe(true);
    expect(await table.get(key)).toBeUndefined();
  });

  it('says so when it does not end', async () => {
    const { world, table } = await build();
    world.faults.add({ kind: 'conflict', times: 1000 });
    vi.spyOn(Math, 'random').mockReturnValue(0);
    await expect(table.put(key, {})).rejects.toMatchObject({ name: 'TransactionConflictException' });
    await expect(table.transact([{ key, item: {} }])).rejects.toMatchObject({ name: 'TransactionCanceledException' });
  });

  it('is not tried again where a condition has failed', async () => {
    const { world, table } = await build();
    await table.put(key, { n: 1 });
    const calls = () => world.meter.calls()['dynamodb:TransactWriteItems'] ?? 0;
    expect(await table.transact([{ key, item: {}, when: isAbsent }])).toBe(false);
    expect(calls()).toBe(1);
  });
});
