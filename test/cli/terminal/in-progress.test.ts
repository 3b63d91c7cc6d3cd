/** What status says of what is in progress: the weight now, the step and what it waits for; who waits behind whom; migrations. */
import { describe, expect, it } from 'vitest';
import type { Progress } from '../../../aws/rollouts.ts';
import { drawInProgress } from '../../../cli/terminal/in-progress.ts';
import type { Shifting } from '../../../domain/rollout/strategy.ts';
import type { PromotionInProgress } from '../../../queries/promotions.ts';
import { inWords, type Rollout, weightsOf } from '../../../queries/rollouts.ts';
import type { ReleaseInProgress } from '../../../queries/status.ts';
import { release } from '../../domain/parts.ts';

const now = Date.parse('2026-11-23T12:00:00Z');
const linear: Shifting = { kind: 'linear', percent: 30, bakeMinutes: 5, stepBakeMinutes: 6, confirm: false, pauseMinutes: 60 };
const seen = (stage: string, productionPercent: number, more: Partial<Progress> = {}): Progress => ({
  stage,
  productionPercent,
  testPercent: 100,
  updatedAt: now - 120_000,
  ...more,
});
const rollout = (progress: Progress, strategy = linear): Rollout => ({
  service: 'gateway',
  strategy: strategy.kind,
  steps: weightsOf(strategy).length,
  ...inWords(strategy, progress),
});

const runRelease = (more: Partial<ReleaseInProgress> = {}): ReleaseInProgress => ({
  ...release('gateway', '2.0.0'),
  state: 'in-progress',
  admittedAt: '2026-11-23T11:00:00Z',
  since: '2026-11-23T11:00:00Z',
  execution: 'gateway-1',
  attempt: 1,
  ...more,
});
const movement = (more: Partial<PromotionInProgress> = {}): PromotionInProgress => ({
  promotion: 'live-gateway-1',
  releaseRun: 'gateway-1',
  environment: 'live',
  release: release('gateway', '2.0.0'),
  state: 'deploying',
  since: '2026-11-23T11:50:00Z',
  open: [],
  among: [],
  rollouts: [],
  ...more,
});
const draw = (inProgress: ReleaseInProgress[], promotions: PromotionInProgress[] = []) =>
  drawInProgress({ inProgress, promotions, migrations: [] }, now, 'Europe/Berlin', 200).join('\n');

describe('a rollout that shifts traffic', () => {
  it('comes through the weights that ECS gives it', () => {
    expect(weightsOf(linear)).toEqual([30, 60, 90, 100]);
    expect(weightsOf({ kind: 'canary', percent: 10 })).toEqual([10, 100]);
    expect(weightsOf({ kind: 'blue-green', percent: 100 })).toEqual([100]);
  });

  it('shows the weight now, the step, what comes next and when', () => {
    const text = draw(
      [runRelease()],
      [movement({ among: ['gateway'], open: ['gateway'], rollouts: [rollout(seen('PRODUCTION_TRAFFIC_SHIFT', 60))] })],
    );
    expect(text).toContain('live  gateway linear ▰▰▰▰▰▰▱▱▱▱ 60 % of traffic, step 2 of 4: bakes, then 90 % in 4 min');
  });

  it('is no less a rollout while the checks ask its test listener', () => {
    const paused = rollout(seen('POST_TEST_TRAFFIC_SHIFT', 0, { paused: { hookId: 'h', deployment: 'd' } }));
    const text = draw([runRelease()], [movement({ state: 'verifying', among: ['gateway'], open: ['gateway'], rollouts: [paused] })]);
    expect(text).toContain('waits at the test listener');
    expect(draw([runRelease()], [movement({ state: 'verifying', among: ['gateway'] })])).toContain('runs; its checks are asked');
  });

  it('waits at the test listener, bakes, or goes back', () => {
    const says = (progress: Progress) => draw([runRelease()], [movement({ rollouts: [rollout(progress)] })]);
    const paused = { hookId: 'h', deployment: 'd' };
    expect(says(seen('POST_TEST_TRAFFIC_SHIFT', 0, { paused }))).toContain(
      '0 % of traffic, step 0 of 4, 100 % at the test listener: waits at the test listener for its checks, at most 58 min',
    );
    expect(says(seen('BAKE_TIME', 100))).toContain('100 % of traffic, step 4 of 4: bakes; old tasks stop in 3 min');
    expect(says(seen('PRODUCTION_TRAFFIC_SHIFT', 0, { goesBack: true }))).toContain('goes back to what ran before');
  });
});

describe('what is in progress', () => {
  it('says behind whom a release waits for its turn', () => {
    const waiting = movement({ state: 'waiting', behind: release('gateway', '1.9.0') });
    expect(draw([runRelease({ waitsFor: 'its turn in live' })], [waiting])).toContain(
      'gateway 2.0.0  waits for its turn in live, behind gateway 1.9.0, for 10 min',
    );
  });

  it('says times as people of the pipeline do', () =>
    expect(draw([runRelease({ waitsFor: 'the morning: test opens at 2026-11-24T06:00:00.000Z' })])).toContain(
      'waits for the morning: test opens at Tue 24 Nov 07:00, for 1 h',
    ));

  it('calls a set a set', () =>
    expect(draw([runRelease({ repository: '+test', tag: '2 of test', waitsFor: 'approval for beta' })])).toContain(
      'set (2 of test)  waits for',
    ));

  it('says which services are deployed, and how many are done', () => {
    const text = draw([runRelease()], [movement({ among: ['gateway', 'catalog-web', 'x'], open: ['gateway', 'x'] })]);
    expect(text).toContain('live  deploys gateway, x; 1 of 3 done, 10 min');
  });

  it('tells orders beside the path, with who gave them and why', () => {
    const ordered = { verb: 'rollback' as const, by: 'release-manager@example.com', reason: 'wrong sums\u001b[31m' };
    const text = draw([], [movement({ releaseRun: 'another', ordered, state: 'rolling-back' })]);
    expect(text).toContain('back to gateway 2.0.0  by release-manager@example.com: wrong sums');
    expect(text).toContain('live  goes back to what ran before, 10 min');
    expect(text).not.toContain('\u001b');
  });

  it('tells of migrations that run, wait, or would run', () => {
    const of = (database: string, state: 'running' | 'waits' | 'asked') => ({
      database,
      state,
      repository: 'orders',
      tag: 'git_1',
      environment: 'staging',
      since: '2026-11-23T11:58:00Z',
    });
    const text = drawInProgress(
      { inProgress: [], promotions: [], migrations: [of('live/orders', 'running'), of('live/crm', 'waits'), of('beta/orders', 'asked')] },
      now,
      'Europe/Berlin',
      200,
    ).join('\n');
    expect(text).toContain('live/orders  is migrated by orders git_1 for staging, for 2 min');
    expect(text).toContain('live/crm  waits to be migrated by orders git_1');
    expect(text).toContain('beta/orders  would be migrated by orders git_1, once it is let into staging');
  });
});
