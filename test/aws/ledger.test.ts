/** What the ledger leaves behind when a call of it is lost, against local AWS. */
import { describe, expect, it } from 'vitest';
import { Ledger } from '../../aws/ledger.ts';
import { clientConfig } from '../../local/core/client.ts';
import { VirtualClock } from '../../local/core/clock.ts';
import { World } from '../../local/core/world.ts';
import { factories } from '../../local/services/index.ts';
import { release } from '../domain/parts.ts';
import { createTable } from './tables.ts';

const region = 'eu-central-1';

async function build() {
  const clock = new VirtualClock(Date.parse('2026-11-23T08:00:00Z'));
  const world = new World(clock, factories);
  const all = { Version: '2012-10-17', Statement: { Effect: 'Allow' as const, Action: '*', Resource: '*' } };
  const credentials = world.site('111122223333', region).service('iam').user('admin', { all });
  const connection = clientConfig(world, { region, credentials });
  await createTable(connection, 'ledger');
  await clock.run({ until: clock.now() + 60_000 });
  return { world, ledger: new Ledger('ledger', connection) };
}

const inProgress = { ...release('orders', 'git_1'), state: 'in-progress' as const, admittedAt: '2026-11-23T08:00:00.000Z', attempt: 1 };

describe('a release that has ended', () => {
  it('is in progress no more, whichever call of its end is the last', async () => {
    const { world, ledger } = await build();
    await ledger.putRelease({ ...inProgress, execution: 'orders-1' });
    expect((await ledger.open()).inProgress).toHaveLength(1);
    // Whatever comes after the first write is lost, as by a crash.
    world.faults.add({ kind: 'error-500', nth: 2, times: 1000 });
    await ledger.setRelease('orders', inProgress.digest, 'orders-1', { state: 'succeeded' }).catch(() => {});
    world.faults.clear();
    expect(await ledger.release('orders', inProgress.digest)).toMatchObject({ state: 'succeeded', tag: 'git_1' });
    expect((await ledger.open()).inProgress).toEqual([]);
  });

  it('goes on where a later attempt has taken over: an older word is not taken', async () => {
    const { ledger } = await build();
    await ledger.putRelease({ ...inProgress, execution: 'orders-2', attempt: 2 });
    expect(await ledger.setRelease('orders', inProgress.digest, 'orders-1', { state: 'failed' })).toBe(false);
    expect((await ledger.open()).inProgress).toHaveLength(1);
  });
});
