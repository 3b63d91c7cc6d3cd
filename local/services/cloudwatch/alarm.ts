/** One metric alarm: what it watches, when it looks, and in which state it is. */
import { bound, type Listener, tell } from '../../core/bound.ts';
import type { Clock, Timer } from '../../core/clock.ts';
import type { MetricName, Series } from './metric.ts';

export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

export interface AlarmSettings {
  readonly name: string;
  readonly arn: string;
  readonly description?: string;
  readonly metric: MetricName;
  readonly statistic: string;
  readonly unit?: string;
  /** Seconds. */
  readonly period: number;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly threshold: number;
  readonly comparison: string;
  readonly missing: 'missing' | 'ignore' | 'breaching' | 'notBreaching';
  readonly actions: Readonly<Record<AlarmState, readonly string[]>>;
  readonly actionsEnabled: boolean;
}

export interface StateChange {
  readonly alarm: Alarm;
  readonly from: AlarmState;
  readonly fromReason: string;
  readonly fromReasonData: string;
  readonly fromTime: number;
  readonly to: AlarmState;
}

/** By CloudFormation's and the API's names. */
export const COMPARISONS: Readonly<
  Record<string, { readonly holds: (value: number, threshold: number) => boolean; readonly words: string }>
> = {
  GreaterThanOrEqualToThreshold: { holds: (value, threshold) => value >= threshold, words: 'greater than or equal to' },
  GreaterThanThreshold: { holds: (value, threshold) => value > threshold, words: 'greater than' },
  LessThanThreshold: { holds: (value, threshold) => value < threshold, words: 'less than' },
  LessThanOrEqualToThreshold: { holds: (value, threshold) => value <= threshold, words: 'less than or equal to' },
};

/** An alarm looks at two periods more than it evaluates, in case data of the last ones is late. */
const EXTRA_PERIODS = 2;

export class Alarm {
  settings: AlarmSettings;
  state: AlarmState = 'INSUFFICIENT_DATA';
  reason = 'Unchecked: Initial alarm creation';
  reasonData = '';
  /** Milliseconds since the epoch. */
  changedAt: number;
  configuredAt: number;
  /** Until when its hours are in the meter. */
  billedUntil: number;
  private readonly clock: Clock;
  private readonly find: Listener<[name: MetricName], Series | undefined>;
  private readonly changed: Listener<[change: StateChange]>;
  private timer: Timer | undefined;

  constructor(options: {
    readonly settings: AlarmSettings;
    readonly clock: Clock;
    readonly find: Listener<[name: MetricName], Series | undefined>;
    readonly changed: Listener<[change: StateChange]>;
  }) {
    this.settings = options.settings;
    this.clock = options.clock;
    this.find = options.find;
    this.changed = options.changed;
    this.changedAt = options.clock.now();
    this.configuredAt = options.clock.now();
    this.billedUntil = options.clock.now();
    this.schedule();
  }

  configure(settings: AlarmSettings): void {
    this.settings = settings;
    this.configuredAt = this.clock.now();
    this.schedule();
  }

  /**
   * Looks at the end of the running minute (of the running ten seconds, for periods below a minute); as long as there is data in
   * view, again after that. Without data, or where all of it stays the same, the state cannot change any more, so there is nothing
   * to look for.
   */
  schedule(): void {
    if (this.timer !== undefined) return;
    const step = this.settings.period < 60 ? 10_000 : 60_000;
    const next = (Math.floor(this.clock.now() / step) + 1) * step;
    this.timer = this.clock.at(next, `the alarm ${this.settings.name} is evaluated`, bound(this, this.look, next));
  }

  private look(moment: number): void {
    this.timer = undefined;
    if (this.evaluate(moment)) this.schedule();
  }

  stop(): void {
    if (this.timer !== undefined) this.clock.cancel(this.timer);
    this.timer = undefined;
  }

  /** @param reasonData JSON */
  set(state: AlarmState, reason: string, reasonData = ''): void {
    const { state: from, reason: fromReason, reasonData: fromReasonData, changedAt: fromTime } = this;
    if (from === state) return;
    this.state = state;
    this.reason = reason;
    this.reasonData = reasonData;
    this.changedAt = this.clock.now();
    tell(this.changed, { alarm: this, from, fromReason, fromReasonData, fromTime, to: state });
  }

  /** @returns whether the next look may see anything else */
  private evaluate(end: number): boolean {
    const { metric, statistic, period, evaluationPeriods, unit, comparison, threshold } = this.settings;
    const source = tell(this.find, metric);
    const length = period * 1000;
    const range = Array.from({ length: evaluationPeriods + EXTRA_PERIODS }, (_, back) => ({
      start: end - (back + 1) * length,
      value: source?.statistic(statistic, end - (back + 1) * length, end - back * length, unit),
    }));
    // The newest values first; where some periods are empty, older ones stand in.
    const real = range.filter((one): one is { start: number; value: number } => one.value !== undefined).slice(0, evaluationPeriods);
    const breaching = real.filter(({ value }) => COMPARISONS[comparison]!.holds(value, threshold));
    const state = verdict(this.settings, real.length, breaching.length);
    if (state !== undefined) {
      const data = { version: '1.0', statistic, period, threshold, recentDatapoints: real.map(({ value }) => value).toReversed() };
      this.set(state, reasonFor(this.settings, state, real, breaching.length), JSON.stringify(data));
    }
    return source?.rests(range.at(-1)!.start) !== true && range.some(({ value }) => value !== undefined);
  }
}

/**
 * What so many datapoints mean, of which so many breach; undefined leaves the state as it is.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
 */
function verdict(settings: AlarmSettings, real: number, breaching: number): AlarmState | undefined {
  const { evaluationPeriods, datapointsToAlarm, missing } = settings;
  const absent = evaluationPeriods - real;
  if (breaching >= datapointsToAlarm) return 'ALARM';
  if (missing === 'breaching') return breaching + absent >= datapointsToAlarm ? 'ALARM' : 'OK';
  if (missing === 'notBreaching' || absent === 0 || real > breaching) return 'OK';
  if (missing === 'ignore') return undefined;
  return real === 0 ? 'INSUFFICIENT_DATA' : 'ALARM';
}

function reasonFor(
  settings: AlarmSettings,
  state: AlarmState,
  real: readonly { start: number; value: number }[],
  breaching: number,
): string {
  const { threshold, comparison, evaluationPeriods, missing } = settings;
  const points = (count: number) => `${count} datapoint${count === 1 ? '' : 's'}`;
  if (real.length === 0)
    return missing === 'missing'
      ? `Insufficient Data: ${points(evaluationPeriods)} ${evaluationPeriods === 1 ? 'was' : 'were'} unknown.`
      : `Threshold Crossed: no datapoints were received for ${evaluationPeriods} period${evaluationPeriods === 1 ? '' : 's'} and ${evaluationPeriods} missing datapoint${evaluationPeriods === 1 ? ' was' : 's were'} treated as [${missing === 'breaching' ? 'Breaching' : 'NonBreaching'}].`;
  const count = state === 'ALARM' ? breaching : real.length - breaching;
  const { holds, words } = COMPARISONS[comparison]!;
  const shown = real
    .filter(({ value }) => holds(value, threshold) === (state === 'ALARM'))
    .map(({ start, value }) => `${value} (${new Date(start).toISOString()})`);
  return `Threshold Crossed: ${count} out of the last ${points(evaluationPeriods)} [${shown.join(', ')}] ${count === 1 ? 'was' : 'were'} ${state === 'ALARM' ? '' : 'not '}${words} the threshold (${threshold}).`;
}
