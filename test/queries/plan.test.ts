import { describe, expect, it } from 'vitest';
import type { Source } from '../../cli/connection/source.ts';
import { planLines } from '../../cli/terminal/plan.ts';
import type {
  ApprovalRecord,
  FreezeAndPins,
  PromotionRecord,
  ReleaseRecord,
  RunningRecord,
  ServiceRecord,
} from '../../domain/ledger/records.ts';
import type { Release } from '../../domain/release/release.ts';
import type { Ticket } from '../../domain/turn/protocol.ts';
import { planOf } from '../../queries/plan/plan.ts';
import { digest, pipeline, release } from '../domain/parts.ts';

/** Monday, 08:00 in Berlin. */
const MORNING = Date.parse('2026-11-23T07:00:00Z');
const record = (one: Release, more: Partial<ReleaseRecord> = {}): ReleaseRecord => ({
  ...one,
  state: 'succeeded',
  admittedAt: one.pushedAt,
  execution: `${one.repository}-1`,
  attempt: 1,
  ...more,
});
const orders = ['a', 'b', 'c', 'd'].map((letter, index) =>
  record({
    ...release('orders', `git_${index + 1}`, letter),
    commit: `c0ffee${index}`,
    message: `Change ${index + 1}`,
    author: 'developer@example.com',
  }),
);
const [one, two, , four] = orders as [ReleaseRecord, ReleaseRecord, ReleaseRecord, ReleaseRecord];

interface Given {
  readonly runs?: Readonly<Record<string, readonly Release[]>>;
  readonly freezeAndPins?: FreezeAndPins;
  readonly gate?: ApprovalRecord;
  readonly state?: 'up' | 'down';
  readonly tickets?: readonly Ticket[];
  readonly at?: number;
  readonly migrated?: boolean;
}

/** A source of values: nothing is asked but what stands here. */
function source({
  runs = {},
  freezeAndPins = { pins: [] },
  gate,
  state = 'up',
  tickets = [],
  at = MORNING,
  migrated = true,
}: Given): Source {
  const manifest = (environment: string): RunningRecord[] =>
    (runs[environment] ?? []).map((running) => ({ ...running, environment, promotion: 'before', since: '', verified: true }));
  const ledger = {
    release: async (repository: string, wanted: string) =>
      orders.find((known) => known.repository === repository && known.digest === wanted),
    releasesOf: async (repository: string) => orders.filter((known) => known.repository === repository),
    manifest: async (environment: string) => manifest(environment),
    services: async (environment: string): Promise<ServiceRecord[]> =>
      manifest(environment).length === 0
        ? []
        : ['orders-web', 'orders-worker'].map((service) => ({
            environment,
            service,
            state: 'running',
            taskDefinition: `acme-${environment}-${service}:1`,
            promotion: '',
          })),
    promotions: async (environment: string) =>
      manifest(environment).map(
        (running) => ({ state: 'succeeded', release: running, pipeline: pipeline.digest }) as unknown as PromotionRecord,
      ),
    gate: async () => gate,
    freezeAndPins: async () => freezeAndPins,
    table: { query: async () => (migrated ? [{ state: 'succeeded' }] : []), get: async () => undefined },
  };
  const turns = { state: async () => state, tickets: async () => tickets, groupTickets: async () => [] };
  return { kind: 'rehearsal', pipeline, ledger, turns, now: () => at } as unknown as Source;
}

const text = (lines: readonly string[]) => lines.join('\n');

describe('a plan', () => {
  it('names every release between what runs and what would run, newest first, by number, commit, message and author', async () => {
    const plan = await planOf(source({ runs: { test: [one] } }), { release: four, to: 'test' });
    const [change] = plan.environments[0]!.changes;
    expect([change?.direction, change?.commits.map(({ number }) => number)]).toEqual(['forward', [4, 3, 2]]);
    expect(text(planLines(plan, 'Europe/Berlin'))).toMatch(
      /\+ 4 {2}c0ffee3 +Change 4 {2}developer@example.com\n.*3 {2}c0ffee2.*\n.*2 {2}c0ffee1/,
    );
    expect(plan.refusals).toEqual([]);
  });

  it('says what is taken out where it goes back, and that a promotion may not', async () => {
    const plan = await planOf(source({ runs: { test: [four] } }), { release: two, to: 'test' });
    const [change] = plan.environments[0]!.changes;
    expect([change?.direction, change?.commits.map(({ tag }) => tag)]).toEqual(['back', ['git_4', 'git_3']]);
    expect(plan.refusals).toEqual([expect.stringContaining('test runs orders git_4, which is newer than git_2')]);
  });

  it('shows the lines of each definition that change, rendered as the pipeline does', async () => {
    const plan = await planOf(source({ runs: { test: [one] } }), { release: two, to: 'test' });
    const services = plan.environments[0]!.services;
    expect(services.map(({ service, against }) => [service, against])).toEqual([
      ['orders-web', 'rendered'],
      ['orders-worker', 'rendered'],
    ]);
    const changed = services[0]!.diff.filter(({ sign }) => sign !== ' ').map(({ sign, text: line }) => sign + line.trim());
    expect(changed).toContain('+{ "name": "VERSION", "value": "git_2" }');
    expect(changed).toHaveLength(4);
  });

  it('covers all environments of the stage, with strategy, pause and alarms, and whom the gate asks', async () => {
    const plan = await planOf(source({ runs: { staging: [two], live: [one], sandbox: [one] }, migrated: false }), {
      release: two,
      to: 'live',
    });
    expect(plan.environments.map(({ environment }) => environment)).toEqual(['live', 'sandbox']);
    const [live] = plan.environments;
    expect(live?.services[0]).toMatchObject({ strategy: { kind: 'blue-green', pauseMinutes: 60 }, alarms: { length: 4 } });
    expect(live?.migrations).toEqual([{ database: 'live/orders', state: 'would run', by: 'orders git_2' }]);
    expect(live?.waitsFor.map(({ what }) => what)).toEqual(['migration', 'pause']);
    expect(plan.waitsFor[0]?.text).toContain('release-manager@example.com, developer@example.com, not by its author');
    expect(plan.refusals).toEqual([]);
  });

  it('knows sleep, hours, turns, freezes and pins', async () => {
    const night = source({ runs: { test: [one] }, state: 'down', at: MORNING - 6 * 3_600_000 });
    const asleep = await planOf(night, { release: two, to: 'test' });
    expect(asleep.environments[0]?.waitsFor).toEqual([{ what: 'hours', text: 'the morning: test opens at 2026-11-23T06:00:00.000Z' }]);
    expect(text(planLines(asleep, 'Europe/Berlin'))).toContain('waits for  the morning: test opens at Mon 23 Nov 07:00');
    const day = await planOf(
      source({
        state: 'down',
        tickets: [
          { id: 'x', execution: '', askedAt: 0, token: '', candidate: { repository: 'catalog', order: '1', title: 'catalog build-1' } },
        ],
      }),
      { release: two, to: 'test' },
    );
    expect(day.environments[0]?.waitsFor.map(({ text: said }) => said)).toEqual([
      'test to wake',
      'its turn in test, behind catalog build-1',
    ]);
    const freeze = {
      environment: 'test',
      by: 'release-manager@example.com',
      at: '2026-11-23T06:00:00Z',
      reason: 'audit',
      manualIntervention: false,
    };
    const pins = [
      { environment: 'test', repository: 'orders', by: 'release-manager@example.com', at: '2026-11-23T06:00:00Z', reason: 'until Friday' },
    ];
    const frozen = source({ freezeAndPins: { freeze, pins: [] } });
    expect((await planOf(frozen, { release: two, to: 'test' })).refusals).toEqual([expect.stringContaining('“audit”')]);
    expect((await planOf(frozen, { release: two, to: 'test', hotfix: 'now' })).refusals).toEqual([]);
    expect((await planOf(source({ freezeAndPins: { pins } }), { release: two, to: 'test' })).refusals).toEqual([
      expect.stringContaining('pinned'),
    ]);
  });

  it('says why it would be refused: not succeeded before, missing siblings, a set that would migrate', async () => {
    expect((await planOf(source({}), { release: two, to: 'beta' })).refusals).toEqual([
      expect.stringContaining('has not succeeded in test'),
    ]);
    const set: Release = { repository: '+test', digest: digest('e'), tag: '', order: '2026', pushedAt: '', members: [two] };
    const plan = await planOf(source({ runs: { test: [two] }, migrated: false }), { release: set, to: 'beta', from: 'test' });
    expect(plan.refusals).toEqual([expect.stringContaining('promote it by itself first')]);
    expect(text(planLines(plan, 'Europe/Berlin'))).toContain('would be refused');
    const over = await planOf(source({ runs: { test: [two] } }), { release: set, to: 'staging', from: 'test' });
    expect(over.refusals).toEqual(['orders git_2 has not succeeded in beta, the stage before; promote the set there first']);
  });

  it('shows what strangers write and does not obey it', async () => {
    const sly = { ...four, message: 'red \u001b[31m', tag: 'git_\u001b[2J' };
    const lines = text(planLines(await planOf(source({}), { release: sly, to: 'test' }), 'Europe/Berlin'));
    expect(lines).not.toContain('\u001b');
  });
});
