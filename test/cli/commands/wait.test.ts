/** Waiting, against a ledger in memory: any release is found, however old, and each attempt by its own name. */
import { describe, expect, it } from 'vitest';
import { exitCodeOf, waitFor } from '../../../cli/commands/shared/wait.ts';
import type { Source } from '../../../cli/connection/source.ts';
import { UsageError } from '../../../cli/terminal/errors.ts';
import type { JournalEntry, PromotionRecord, ReleaseRecord, RunningRecord } from '../../../domain/ledger/records.ts';
import { orderedExecution, promotionExecution, releaseExecution } from '../../../domain/pipeline/names.ts';
import { setRepository } from '../../../domain/release/release.ts';
import { inZone } from '../../../domain/text/times.ts';
import { inOrder } from '../../../queries/journal.ts';
import type { Awaited } from '../../../queries/outcome.ts';
import { release } from '../../domain/parts.ts';

const record = (tag: string, more: Partial<ReleaseRecord> = {}): ReleaseRecord => ({
  ...release('orders', tag),
  digest: `sha256:${tag}`,
  state: 'succeeded',
  admittedAt: '2026-11-23T08:00:00Z',
  execution: `orders-${tag}-1`,
  attempt: 1,
  ...more,
});
const said = (event: string, more: Partial<JournalEntry> = {}): JournalEntry => ({
  subject: 'x',
  event,
  at: '2026-11-23T08:00:00Z',
  who: 'shiplock',
  tone: 'info',
  text: event,
  ...more,
});

interface World {
  readonly releases?: readonly ReleaseRecord[];
  readonly promotions?: Readonly<Record<string, Partial<PromotionRecord>>>;
  readonly running?: Partial<RunningRecord>;
  readonly journal?: Readonly<Record<string, readonly JournalEntry[]>>;
}

/** A rehearsal that has ended: nothing is waited for in vain. */
const source = ({ releases = [], promotions = {}, running, journal = {} }: World) =>
  ({
    kind: 'rehearsal',
    pipeline: { environments: { test: {}, live: {} }, repositories: { orders: {}, 'team/stock_a': {} } },
    timeZone: 'UTC',
    ledger: {
      inProgress: async () => releases.filter(({ state }) => state === 'in-progress'),
      releases: async () => releases,
      release: async (_repository: string, digest: string) => releases.find((one) => one.digest === digest),
      promotion: async (name: string) => promotions[name],
      running: async () => running,
    },
    journal: { about: async (subject: string) => journal[subject] ?? [] },
  }) as unknown as Source;

const wait = (world: World, awaited: Awaited, environment?: string) =>
  waitFor(source(world), awaited, { minutes: 0, silent: true, ...(environment ? { environment } : {}) });

/** What comes of the first look at a pipeline that goes on; a second look fails. */
const first = (execution: string) => {
  let looks = 0;
  const { ledger, ...others } = source({});
  const inProgress = () => (looks++ === 0 ? Promise.resolve([]) : Promise.reject(new Error('looked again')));
  const running = { ...others, kind: 'local', ledger: Object.assign(ledger, { inProgress }) } as unknown as Source;
  return waitFor(running, { execution }, { minutes: 1, silent: true, pace: 1 });
};

describe('wait', () => {
  it('finds a release behind hundreds of newer ones', async () => {
    const releases = Array.from({ length: 500 }, (_, index) =>
      record(String(index), index === 499 ? { state: 'failed', reason: 'no' } : {}),
    );
    expect(await wait({ releases }, { execution: 'orders-499-1' })).toMatchObject({ outcome: 'failed', reason: 'no' });
  });

  it('takes the newest attempt of a release, and an older one by its name', async () => {
    const [newest] = [record('1', { execution: 'orders-1-2', attempt: 2 })];
    const journal = { 'orders-1-1': [said('ended', { tone: 'bad', text: 'failed: check /health' })] };
    const { repository, digest } = newest;
    expect(await wait({ releases: [newest], journal }, { repository, digest })).toMatchObject({
      execution: 'orders-1-2',
      outcome: 'succeeded',
    });
    expect(await wait({ releases: [newest], journal }, { execution: 'orders-1-1' })).toMatchObject({ outcome: 'failed' });
  });

  it('for an environment ends with its promotion, or where an earlier attempt has brought the release there', async () => {
    const inProgress = record('1', { state: 'in-progress', waitsFor: 'approval for live' });
    const promotions = { 'test-orders-1-1': { state: 'failed', reason: 'check /health', environment: 'test' } as const };
    expect(await wait({ releases: [inProgress], promotions }, inProgress, 'test')).toMatchObject({
      outcome: 'failed',
      reason: 'check /health',
    });
    expect(
      await wait({ releases: [inProgress], running: { digest: inProgress.digest, verified: true } }, inProgress, 'test'),
    ).toMatchObject({
      outcome: 'succeeded',
    });
    expect(await wait({ releases: [inProgress] }, inProgress, 'test')).toMatchObject({
      outcome: 'waiting',
      reason: 'it waits for approval for live',
    });
  });

  it.each([
    ['nothing', 'no release or execution named nothing is known; see shiplock status'],
    ['orders', 'write a release as REPOSITORY@TAG, such as orders@TAG'],
    ['orders:git_1', 'such as orders@git_1'],
    ['orders-git_1', 'no release or execution named orders-git_1'],
    ['catalog-cf7edb2a90b1-1', 'no release or execution named catalog'],
    ['test-catalog-cf7edb2a90b1-1', 'no release or execution named test-catalog'],
    ['beta-wake-1', 'no release or execution named beta-wake-1'],
  ])('says at once that no execution here gets the name %s', async (execution, message) => {
    await expect(first(execution)).rejects.toThrow(message);
  });

  it.each([
    'orders-cf7edb2a90b1-1',
    releaseExecution('team/stock_a', `sha256:${'0'.repeat(64)}`, 2),
    'test-orders-cf7edb2a90b1-12',
    releaseExecution(setRepository('test'), 'sha256:cf7edb2a90b1', 1),
    promotionExecution('live', releaseExecution(setRepository('test'), 'sha256:cf7edb2a90b1', 1)),
    orderedExecution('live', 'orders', 'sha256:cf7edb2a90b1', 1_800_000_000_000),
    'test-wake-3',
    'live-teardown-atabc',
  ])('reads again for %s, which may be in progress', async (execution) => {
    await expect(first(execution)).rejects.toThrow('looked again');
  });

  it('refuses names of nothing, and says with its exit code how things ended', async () => {
    await expect(wait({}, { execution: 'nothing' })).rejects.toThrow(UsageError);
    const code = (outcome: Parameters<typeof exitCodeOf>[0]['outcome']) => exitCodeOf({ execution: '', outcome, reason: '' });
    expect([code('succeeded'), code('failed'), code('errored'), code('waiting'), code('refused'), code('superseded')]).toEqual([
      0, 1, 1, 1, 3, 3,
    ]);
  });
});

describe('the journal on a terminal', () => {
  it('tells causes before their effects where both bear the same time', () => {
    const entries = [
      said('asked/beta'),
      said('ended'),
      said('ended', { environment: 'test' }),
      said('deploying'),
      said('parked'),
      said('admitted'),
    ];
    const events = inOrder([...entries, said('ordered', { at: '2026-11-23T07:59:59Z' })]).map(
      ({ event, environment }) => event + (environment ?? ''),
    );
    expect(events).toEqual(['ordered', 'admitted', 'parked', 'deploying', 'endedtest', 'asked/beta', 'ended']);
  });

  it('says instants as people of the time zone do', () =>
    expect(inZone('test stays up until 2026-11-23T21:22:35.673Z', 'Europe/Berlin')).toBe('test stays up until Mon 23 Nov 22:22'));
});
