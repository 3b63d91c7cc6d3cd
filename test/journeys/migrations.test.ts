/** Databases on the way: migrated once, before any service changes, under the strictest gate of those that share them. */
import { afterEach, describe, expect, it } from 'vitest';
import { Migrations } from '../../aws/migrations.ts';
import type { MigrationRecord } from '../../domain/database/migration.ts';
import { developer, integrator, Journey, MINUTE, manager } from './journey.ts';

let journey: Journey;
afterEach(() => journey.end());

const self = () => journey.local.site.service('iam').userPrincipal('rehearsal');
const runs = (database: string): Promise<MigrationRecord[]> => journey.local.ledger.table.query(`DATABASE#${database}`, 'MIGRATION#');
const orders = { repository: 'orders' };
const image = (tag: string, migrate?: object) => ({
  ...orders,
  tag: `git_${tag}`,
  author: developer,
  ...(migrate ? { labels: { 'local.aws.commands': JSON.stringify({ migrate }) } } : {}),
});
const calls = (operation: string) => journey.local.world.meter.calls()[`ecs:${operation}`] ?? 0;

/** Approves wherever people are asked, until the release has come to an end. */
async function runRelease(digest: string): Promise<void> {
  await journey.untilAsked(digest, 'beta', orders);
  await journey.approve(digest, 'beta', integrator, 'orders');
  await journey.untilAsked(digest, 'staging', orders);
  await journey.approve(digest, 'staging', manager, 'orders');
  await journey.untilAsked(digest, 'live+sandbox', orders);
  await journey.approve(digest, 'live+sandbox', manager, 'orders');
  await journey.untilState(digest, 'succeeded', orders);
}

describe('a migration', () => {
  it('runs once for two environments that share a database, where it belongs, with kept evidence', async () => {
    journey = await Journey.begin();
    const digest = await journey.push(image('0000001', { 'exit-after': 20, log: 'adding a column\ndone' }));
    await runRelease(digest);
    const evidence = await runs('live/orders');
    expect(evidence).toEqual([
      expect.objectContaining({
        digest,
        state: 'succeeded',
        exitCode: 0,
        environment: 'staging',
        approvedBy: [manager],
        lastLines: ['adding a column', 'done'],
        taskArn: expect.stringContaining(':task/acme-live/'),
        execution: expect.stringContaining(':execution:acme-promotion:staging-orders-'),
      }),
    ]);
    // test, beta and sandbox have databases of their own.
    expect(calls('RunTask')).toBe(4);
    expect(await runs('staging/orders')).toEqual([]);
    expect((await journey.local.ledger.service('live', 'orders-web'))?.state).toBe('running');
    expect(journey.local.site.service('iam').denials.map(({ message }) => message)).toEqual([]);
  });

  it('of a database that live shares is asked for by those who approve for live, not by their author', async () => {
    journey = await Journey.begin();
    const digest = await journey.push(image('0000001'));
    await journey.untilAsked(digest, 'beta', orders);
    // Said before anybody is asked, as it could not go in.
    const set = { verb: 'promote-set', from: 'test', to: 'beta', manifest: { orders: digest } };
    expect(await journey.local.decideAs(manager, set)).toMatchObject({
      status: 403,
      message: expect.stringMatching(/has a migration to run for beta; promote it by itself first: shiplock promote orders@\S+ --to beta$/),
    });
    await journey.approve(digest, 'beta', integrator, 'orders');
    await journey.untilAsked(digest, 'staging', orders);
    await journey.local.advance(30 * MINUTE);
    expect(await runs('live/orders')).toEqual([]);
    expect(await journey.approve(digest, 'staging', integrator, 'orders')).toMatchObject({ status: 403 });
    expect(await journey.approve(digest, 'staging', developer, 'orders')).toMatchObject({ status: 403 });
    // What brings no migration enters as before.
    const gateway = await journey.push();
    await journey.untilAsked(gateway, 'beta');
    await journey.approve(gateway, 'beta', integrator);
    await journey.untilAsked(gateway, 'live+sandbox');
    expect(await journey.runs('staging')).toBe('1.2.0');
  });

  it('that fails ends the promotion before any service changes, with its exit code and last line', async () => {
    journey = await Journey.begin();
    const good = await journey.push(image('0000001'));
    await journey.untilAsked(good, 'beta', orders);
    const before = calls('UpdateService') + calls('CreateService');
    const bad = await journey.push(image('0000002', { 'exit-code': 3, log: 'ALTER TABLE orders\nERROR: lock timeout' }));
    const { reason } = await journey.untilState(bad, 'failed', orders);
    expect(reason).toContain('exit code 3');
    expect(reason).toContain('ERROR: lock timeout');
    expect(calls('UpdateService') + calls('CreateService')).toBe(before);
    expect(await journey.runs('test', 'orders')).toBe('git_0000001');
    expect((await runs('test/orders')).map(({ digest, state, exitCode }) => ({ digest, state, exitCode }))).toContainEqual({
      digest: bad,
      state: 'failed',
      exitCode: 3,
    });
    expect((await journey.local.ledger.promotions('test'))[0]).toMatchObject({ state: 'failed' });
  });

  it('whose Lambda is killed after it has run the task is found, and runs once', async () => {
    journey = await Journey.begin();
    journey.local.world.faults.add({
      kind: 'kill-after',
      match: ({ operation }) => operation === 'RunTask',
    });
    const digest = await journey.push(image('0000001', { 'exit-after': 300 }));
    await journey.untilAsked(digest, 'beta', { ...orders, limit: 60 * MINUTE });
    expect(await runs('test/orders')).toMatchObject([{ digest, state: 'succeeded' }]);
    const { taskArns } = await journey.local.site.call<{ taskArns: string[] }>(self(), 'ecs', 'ListTasks', {
      cluster: 'acme-test',
      family: 'acme-test-migrate-orders',
      desiredStatus: 'STOPPED',
    });
    expect(taskArns.length).toBe(1);
  });

  it('never runs when a person rolls back', async () => {
    journey = await Journey.begin();
    const first = await journey.push(image('0000001'));
    await journey.untilAsked(first, 'beta', orders);
    const second = await journey.push(image('0000002'));
    await journey.untilAsked(second, 'beta', orders);
    // As if it had come before the database was configured: nothing says that it has migrated.
    for (const { digest, releaseRun } of await runs('test/orders'))
      if (digest === first)
        await journey.local.ledger.table.delete({ pk: 'DATABASE#test/orders', sk: `MIGRATION#${digest}#${releaseRun}` });
    const before = calls('RunTask');
    const answer = await journey.local.decideAs(manager, { verb: 'rollback', environment: 'test', repository: 'orders', reason: 'slow' });
    expect(answer).toMatchObject({ status: 200 });
    await journey.local.until('test runs the first again', async () => (await journey.runs('test', 'orders')) === 'git_0000001');
    expect(calls('RunTask')).toBe(before);
  });

  it('that takes too long is stopped, and the promotion says how long it may take', async () => {
    journey = await Journey.begin();
    const digest = await journey.push(image('0000001', { 'exit-after': 3_600 }));
    const { reason } = await journey.untilState(digest, 'failed', orders);
    expect(reason).toContain('took longer than 15 minutes');
    await journey.local.advance(2 * MINUTE);
    expect(await runs('test/orders')).toMatchObject([{ state: 'failed', reason: expect.stringContaining('timeoutMinutes') }]);
    // The database is free again.
    const next = await journey.push(image('0000002'));
    await journey.untilAsked(next, 'beta', orders);
  });

  it('whose end is lost is found by one check at the time-out', async () => {
    journey = await Journey.begin();
    journey.local.world.faults.addEvent({
      match: (event) =>
        event['detail-type'] === 'ECS Task State Change' && (event.detail as { lastStatus: string }).lastStatus === 'STOPPED',
      times: 1,
      deliver: [],
    });
    const digest = await journey.push(image('0000001'));
    await journey.untilAsked(digest, 'beta', orders);
    expect(await runs('test/orders')).toMatchObject([{ digest, state: 'succeeded' }]);
    expect(calls('RunTask')).toBe(1);
  });

  it('whose Lambda is killed before it could run the task is begun by the next try, once', async () => {
    journey = await Journey.begin();
    journey.local.world.faults.add({ kind: 'kill-before', match: ({ operation }) => operation === 'RunTask' });
    const digest = await journey.push(image('0000001'));
    await journey.untilAsked(digest, 'beta', orders);
    expect(await runs('test/orders')).toMatchObject([{ digest, state: 'succeeded' }]);
    expect(calls('RunTask')).toBe(1);
  });

  it('that has failed runs again when a person promotes again, and both runs are kept', async () => {
    journey = await Journey.begin();
    const bad = await journey.push(image('0000001', { 'exit-code': 1 }));
    await journey.untilState(bad, 'failed', orders);
    const again = { verb: 'promote', repository: 'orders', digest: bad, to: 'test' };
    expect(await journey.local.decideAs(manager, again)).toMatchObject({ status: 200 });
    await journey.local.until(
      'it has run again',
      async () => (await runs('test/orders')).filter(({ state }) => state === 'failed').length === 2,
    );
    expect(new Set((await runs('test/orders')).map(({ taskArn }) => taskArn)).size).toBe(2);
  });

  it('waits while another release migrates the same database, and then runs', async () => {
    journey = await Journey.begin();
    const first = await journey.push(image('0000001'));
    await journey.untilAsked(first, 'beta', orders);
    await journey.reject(first, 'beta', integrator, 'needed in live at once', 'orders');
    await journey.untilState(first, 'refused', orders);
    expect(
      await journey.local.decideAs(manager, { verb: 'promote', repository: 'orders', digest: first, to: 'live', hotfix: 'customers wait' }),
    ).toMatchObject({
      status: 200,
    });
    await journey.untilAsked(first, 'live+sandbox', orders);
    const second = await journey.push(image('0000002', { 'exit-after': 600 }));
    await journey.untilAsked(second, 'beta', orders);
    await journey.approve(second, 'beta', integrator, 'orders');
    await journey.untilAsked(second, 'staging', orders);
    await journey.approve(second, 'staging', manager, 'orders');
    const of = async (digest: string) => (await runs('live/orders')).find((run) => run.digest === digest);
    await journey.local.until('the second migrates', async () => (await of(second))?.taskArn !== undefined);
    const approval = (await journey.local.ledger.gate('live+sandbox', 'orders'))!.approval;
    expect(await journey.local.decideAs(manager, { verb: 'approve', approval, digest: first })).toMatchObject({ status: 200 });
    await journey.local.advance(2 * MINUTE);
    expect((await of(second))?.state).toBe('running');
    expect(await of(first)).toBeUndefined();
    await journey.local.until('live runs the first', async () => (await journey.runs('live', 'orders')) === 'git_0000001');
    const [one, two] = [(await of(first))!, (await of(second))!];
    expect(two.state).toBe('succeeded');
    expect(one).toMatchObject({ state: 'succeeded', environment: 'live' });
    expect(Date.parse(one.askedAt)).toBeGreaterThanOrEqual(Date.parse(two.endedAt!));
  });

  it('never begins while another one has the database, whoever comes first', async () => {
    journey = await Journey.begin();
    const migrations = new Migrations(journey.local.ledger.table);
    const run = (letter: string) =>
      ({
        database: 'live/orders',
        digest: `sha256:${letter.repeat(64)}`,
        releaseRun: `orders-${letter}-1`,
        state: 'running',
      }) as MigrationRecord;
    expect(await Promise.all(['a', 'b', 'c'].map((letter) => migrations.begin(run(letter))))).toEqual(
      expect.arrayContaining([true, false, false]),
    );
    const holder = (await migrations.holder('live/orders'))!;
    const other = ['a', 'b', 'c'].map(run).find(({ digest }) => digest !== holder.digest)!;
    expect(await migrations.begin(other)).toBe(false);
    const end = { state: 'succeeded', endedAt: '2026-11-23T08:00:00.000Z' } as const;
    expect(await migrations.end(other, end)).toBe(false);
    expect(await migrations.end(holder, end)).toBe(true);
    expect(await migrations.end(holder, { ...end, state: 'failed' })).toBe(false);
    expect(await migrations.begin(other)).toBe(true);
    // What has ended is evidence: it is neither changed nor begun again.
    expect(await migrations.runs('live/orders', holder.digest)).toMatchObject([{ state: 'succeeded' }]);
    expect(await migrations.begin(holder)).toBe(false);
  });
});
