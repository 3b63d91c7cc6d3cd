/** Amazon CloudWatch: metrics, their statistics, and alarms that tell of their changes. */
import type * as Api from '@aws-sdk/client-cloudwatch';
import { bound, type Listener, tell } from '../core/bound.ts';
import { type CreatedResource, type Operation, type Principal, type ResourceType, type Service, ServiceError } from '../core/service.ts';
import type { Site } from '../core/site.ts';
import { Alarm, type AlarmSettings, type AlarmState, COMPARISONS, type StateChange } from './cloudwatch/alarm.ts';
import { Level } from './cloudwatch/level.ts';
import { isStatistic, Metric, type MetricName, metricKey, type Sample, type Series, sampleOf } from './cloudwatch/metric.ts';
import { actionMessage, eventDetail, lambdaPayload } from './cloudwatch/notice.ts';
import type { EmbeddedMetric } from './logs/emf.ts';

declare module '../core/site.ts' {
  interface Services {
    cloudwatch: CloudWatch;
  }
}

export type { AlarmState, StateChange };

/** An action of an alarm that failed. */
export interface FailedAction {
  readonly alarm: string;
  readonly action: string;
  readonly error: string;
}

const HOUR = 3600_000;
const DAY = 24 * HOUR;
/** Of one GetMetricStatistics. */
const STATISTICS = 1_440;
const DATAPOINTS = 100_800;

const invalid = (message: string) => new ServiceError('InvalidParameterValueException', message);

export class CloudWatch implements Service {
  readonly operations: Readonly<Record<string, Operation>>;
  readonly resources: Readonly<Record<string, ResourceType>>;
  readonly failedActions: FailedAction[] = [];
  private readonly site: Site;
  private readonly metrics = new Map<string, Series>();
  /** Of these, what is put, and what is reported every minute. */
  private readonly samples = new Map<string, Metric>();
  private readonly levels = new Map<string, Level>();
  private readonly alarms = new Map<string, Alarm>();
  private readonly dashboards = new Map<string, string>();
  private readonly listeners = new Set<Listener<[change: StateChange]>>();

  constructor(site: Site) {
    this.site = site;
    this.operations = { ...this.metricOperations(), ...this.alarmOperations() };
    this.resources = { 'AWS::CloudWatch::Alarm': this.alarmType(), 'AWS::CloudWatch::Dashboard': this.dashboardType() };
  }

  /** Metrics that another service found or measured. */
  ingest(metrics: readonly EmbeddedMetric[]): void {
    for (const { values, time, unit, ...name } of metrics)
      this.record(
        name,
        sampleOf(
          time,
          values.map((value) => [value, 1] as const),
          unit,
        ),
      );
  }

  /** One value now, as services report of themselves: `put('AWS/ApplicationELB', 'HTTPCode_Target_5XX_Count', 1, { LoadBalancer: … })`. */
  put(namespace: string, name: string, value: number, dimensions: Readonly<Record<string, string>> = {}, unit?: string): void {
    this.record({ namespace, name, dimensions }, sampleOf(this.site.world.clock.now(), [[value, 1]], unit));
  }

  /** The state of an alarm by name or ARN; undefined if there is none. */
  alarmState(nameOrArn: string): AlarmState | undefined {
    return this.alarms.get(nameOrArn.split(':alarm:').at(-1)!)?.state;
  }

  /** Calls `listener` at every change of an alarm's state. @returns ends it */
  onStateChange(listener: Listener<[change: StateChange]>): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** From now on a service of AWS's own reports this every minute, until it says otherwise; nothing, without a value. */
  level(name: MetricName, unit: string, value: number | undefined): void {
    const key = metricKey(name);
    let level = this.levels.get(key);
    if (level === undefined) {
      level = new Level(name, unit, this.site.world.clock);
      this.levels.set(key, level);
      this.metrics.set(key, level);
    }
    if (level.set(value)) this.wakeAlarms(key);
  }

  private wakeAlarms(key: string): void {
    for (const alarm of this.alarms.values()) if (metricKey(alarm.settings.metric) === key) alarm.schedule();
  }

  private record(name: MetricName, sample: Sample): void {
    const key = metricKey(name);
    let metric = this.samples.get(key);
    if (metric === undefined) {
      metric = new Metric(name);
      this.samples.set(key, metric);
      this.metrics.set(key, metric);
      // Metrics of AWS's own services cost nothing.
      const { account, region } = this.site;
      if (!name.namespace.startsWith('AWS/'))
        this.site.world.meter.record('cloudwatch.metric', 1, { account, region, namespace: name.namespace });
    }
    metric.add(sample);
    this.wakeAlarms(key);
  }

  /** Brings `cloudwatch.alarm-hour` in the meter up to now. To be called before the meter is read: alarms cost by the hour, and no timer counts them. */
  accrue(): void {
    for (const alarm of this.alarms.values()) this.accrueOne(alarm);
  }

  private accrueOne(alarm: Alarm): void {
    const now = this.site.world.clock.now();
    const { account, region } = this.site;
    if (now > alarm.billedUntil)
      this.site.world.meter.record('cloudwatch.alarm-hour', (now - alarm.billedUntil) / HOUR, { account, region });
    alarm.billedUntil = now;
  }

  // ---- metrics

  private metricOperations(): Readonly<Record<string, Operation>> {
    const everything = (action: string) => () => [{ action: `cloudwatch:${action}`, resource: '*' }];
    return {
      PutMetricData: {
        authorize: (input: Api.PutMetricDataInput) => [
          { action: 'cloudwatch:PutMetricData', resource: '*', context: { 'cloudwatch:namespace': input.Namespace ?? '' } },
        ],
        handle: (input: Api.PutMetricDataInput) => {
          if (input.Namespace?.startsWith('AWS/') === true) throw invalid('The value AWS/ for parameter Namespace is invalid.');
          const data = [...(input.MetricData ?? []), ...(input.EntityMetricData ?? []).flatMap(({ MetricData }) => MetricData ?? [])];
          const samples = data.map((datum) => ({
            name: this.nameOf(input.Namespace, datum.MetricName, datum.Dimensions),
            sample: this.sample(datum),
          }));
          for (const { name, sample } of samples) this.record(name, sample);
          return {};
        },
      },
      GetMetricData: {
        // Knows no resource.
        authorize: everything('GetMetricData'),
        handle: (input: Api.GetMetricDataInput): Api.GetMetricDataOutput => {
          const start = time(input.StartTime);
          const end = time(input.EndTime);
          if (start >= end) throw invalid('The parameter StartTime must be less than the parameter EndTime.');
          return {
            MetricDataResults: (input.MetricDataQueries ?? [])
              .filter(({ ReturnData }) => ReturnData !== false)
              .map((query) => this.answer(query, start, end, input)),
            Messages: [],
          };
        },
      },
      GetMetricStatistics: {
        // Knows no resource.
        authorize: everything('GetMetricStatistics'),
        handle: (input: Api.GetMetricStatisticsInput): Api.GetMetricStatisticsOutput => {
          const metric = this.metrics.get(metricKey(this.nameOf(input.Namespace, input.MetricName, input.Dimensions)));
          const period = (input.Period ?? 60) * 1000;
          const points: Api.Datapoint[] = [];
          const asked = Math.ceil((time(input.EndTime) - time(input.StartTime)) / period);
          if (asked > STATISTICS)
            throw new ServiceError(
              'InvalidParameterCombinationException',
              `You have requested up to ${asked.toLocaleString('en')} datapoints, which exceeds the limit of 1,440. You may reduce the datapoints requested by increasing Period, or decreasing the time range.`,
            );
          for (const start of this.periods(time(input.StartTime), time(input.EndTime), period)) {
            const values = Object.fromEntries(
              (input.Statistics ?? []).map((statistic) => [statistic, metric?.statistic(statistic, start, start + period, input.Unit)]),
            );
            if (Object.values(values).some((value) => value !== undefined))
              points.push({ Timestamp: new Date(start), Unit: input.Unit ?? 'None', ...values });
          }
          return { Label: input.MetricName, Datapoints: points };
        },
      },
      ListMetrics: {
        // Knows no resource.
        authorize: everything('ListMetrics'),
        handle: (input: Api.ListMetricsInput): Api.ListMetricsOutput => {
          const found = [...this.metrics.values()]
            .map(({ name }) => name)
            .filter(
              ({ namespace, name, dimensions }) =>
                (input.Namespace ?? namespace) === namespace &&
                (input.MetricName ?? name) === name &&
                (input.Dimensions ?? []).every(
                  ({ Name = '', Value }) => Name in dimensions && (Value ?? dimensions[Name]) === dimensions[Name],
                ),
            );
          const first = Number(input.NextToken ?? 0);
          return {
            Metrics: found.slice(first, first + 500).map(({ namespace, name, dimensions }) => ({
              Namespace: namespace,
              MetricName: name,
              Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
            })),
            ...(found.length > first + 500 ? { NextToken: String(first + 500) } : {}),
          };
        },
      },
    };
  }

  /**
   * The starts of the periods that begin in a span and may hold data; periods are aligned to the epoch.
   * @throws ServiceError InvalidParameterValueException
   */
  private *periods(start: number, end: number, period: number): Generator<number> {
    const seconds = period / 1000;
    if (![1, 5, 10, 20, 30].includes(seconds) && !(seconds >= 60 && seconds % 60 === 0))
      throw invalid('The parameter Period must be 1, 5, 10, 20, 30, or a multiple of 60.');
    const now = this.site.world.clock.now();
    const first = Math.max(start, now - (seconds < 60 ? 15 : 455) * DAY);
    const last = Math.min(end, now + DAY / 12);
    for (let at = Math.floor(first / period) * period; at < last; at += period) yield at;
  }

  /** @throws ServiceError InvalidParameterValueException */
  private nameOf(namespace: string | undefined, name: string | undefined, dimensions: readonly Api.Dimension[] | undefined): MetricName {
    if (!namespace) throw new ServiceError('MissingRequiredParameterException', 'The parameter Namespace is required.');
    if (!name) throw new ServiceError('MissingRequiredParameterException', 'The parameter MetricName is required.');
    return { namespace, name, dimensions: Object.fromEntries((dimensions ?? []).map(({ Name = '', Value = '' }) => [Name, Value])) };
  }

  private sample(datum: Api.MetricDatum): Sample {
    const now = this.site.world.clock.now();
    const at = datum.Timestamp?.getTime() ?? now;
    if (at < now - 14 * DAY || at > now + DAY / 12)
      throw invalid(`The parameter MetricData.member.Timestamp must specify a time within the past two weeks and the next two hours.`);
    const unit = datum.Unit ?? 'None';
    const set = datum.StatisticValues;
    if (set !== undefined)
      return { time: at, sum: set.Sum ?? 0, count: set.SampleCount ?? 0, minimum: set.Minimum ?? 0, maximum: set.Maximum ?? 0, unit };
    const values =
      datum.Values?.map((value, index) => [value, datum.Counts?.[index] ?? 1] as const) ??
      (datum.Value === undefined ? [] : [[datum.Value, 1] as const]);
    if (values.length === 0 || values.some(([value]) => !Number.isFinite(value)))
      throw invalid('The parameter MetricData.member.Value must be a number.');
    return sampleOf(at, values, unit);
  }

  private answer(query: Api.MetricDataQuery, start: number, end: number, input: Api.GetMetricDataInput): Api.MetricDataResult {
    const stat = query.MetricStat;
    if (stat?.Metric === undefined) throw invalid(`local AWS knows no metric math: ${query.Id} must be a MetricStat`);
    if (!isStatistic(stat.Stat ?? ''))
      throw invalid(`local AWS knows Sum, Average, Minimum, Maximum, SampleCount and percentiles, not ${stat.Stat}`);
    const metric = this.metrics.get(metricKey(this.nameOf(stat.Metric.Namespace, stat.Metric.MetricName, stat.Metric.Dimensions)));
    const period = (stat.Period ?? 60) * 1000;
    const points = [...this.periods(start, end, period)].flatMap((at) => {
      const value = metric?.statistic(stat.Stat!, at, at + period, stat.Unit);
      return value === undefined ? [] : [{ at, value }];
    });
    if (points.length > DATAPOINTS) throw invalid('Too many datapoints requested.');
    if (input.ScanBy !== 'TimestampAscending') points.reverse();
    return {
      Id: query.Id,
      Label: query.Label ?? stat.Metric.MetricName,
      Timestamps: points.map(({ at }) => new Date(at)),
      Values: points.map(({ value }) => value),
      StatusCode: 'Complete',
    };
  }

  // ---- alarms

  private arn(name: string): string {
    return this.site.arn('cloudwatch', `alarm:${name}`);
  }

  private alarm(name: string | undefined): Alarm {
    const alarm = this.alarms.get(name ?? '');
    if (alarm === undefined) throw new ServiceError('ResourceNotFound', `Unknown alarm ${name}`, 404);
    return alarm;
  }

  private alarmOperations(): Readonly<Record<string, Operation>> {
    const named = (action: string) => (input: { AlarmName?: string; AlarmNames?: readonly string[] }) =>
      (input.AlarmNames ?? [input.AlarmName ?? '*']).map((name) => ({ action: `cloudwatch:${action}`, resource: this.arn(name) }));
    const enable = (enabled: boolean) => (input: { AlarmNames?: readonly string[] }) => {
      for (const name of input.AlarmNames ?? []) {
        const alarm = this.alarms.get(name);
        if (alarm !== undefined) alarm.settings = { ...alarm.settings, actionsEnabled: enabled };
      }
      return {};
    };
    return {
      PutMetricAlarm: {
        authorize: named('PutMetricAlarm'),
        handle: (input: Api.PutMetricAlarmInput) => {
          this.putAlarm(input);
          return {};
        },
      },
      DescribeAlarms: {
        authorize: named('DescribeAlarms'),
        handle: (input: Api.DescribeAlarmsInput): Api.DescribeAlarmsOutput => {
          const found = [...this.alarms.values()]
            .filter(
              ({ settings: { name }, state }) =>
                (input.AlarmNames?.includes(name) ?? true) &&
                name.startsWith(input.AlarmNamePrefix ?? '') &&
                (input.StateValue ?? state) === state,
            )
            .sort((a, b) => (a.settings.name < b.settings.name ? -1 : 1));
          const first = Number(input.NextToken ?? 0);
          const limit = input.MaxRecords ?? (input.AlarmNames === undefined ? 50 : 100);
          return {
            MetricAlarms: found.slice(first, first + limit).map(described),
            CompositeAlarms: [],
            ...(found.length > first + limit ? { NextToken: String(first + limit) } : {}),
          };
        },
      },
      DeleteAlarms: {
        authorize: named('DeleteAlarms'),
        handle: (input: Api.DeleteAlarmsInput) => {
          for (const name of input.AlarmNames ?? []) this.deleteAlarm(name);
          return {};
        },
      },
      SetAlarmState: {
        authorize: named('SetAlarmState'),
        handle: (input: Api.SetAlarmStateInput) => {
          const alarm = this.alarm(input.AlarmName);
          alarm.set(input.StateValue as AlarmState, input.StateReason ?? '', input.StateReasonData);
          // The alarm returns to its own opinion when it looks the next time.
          alarm.schedule();
          return {};
        },
      },
      EnableAlarmActions: { authorize: named('EnableAlarmActions'), handle: enable(true) },
      DisableAlarmActions: { authorize: named('DisableAlarmActions'), handle: enable(false) },
    };
  }

  private putAlarm(input: Api.PutMetricAlarmInput): Alarm {
    const settings = readAlarm(input, this.arn(input.AlarmName ?? ''));
    const existing = this.alarms.get(settings.name);
    if (existing !== undefined) {
      existing.configure(settings);
      return existing;
    }
    const alarm = new Alarm({
      settings,
      clock: this.site.world.clock,
      find: bound(this, this.metric),
      changed: bound(this, this.tell),
    });
    this.alarms.set(settings.name, alarm);
    return alarm;
  }

  private metric(name: MetricName): Series | undefined {
    return this.metrics.get(metricKey(name));
  }

  private deleteAlarm(name: string): void {
    const alarm = this.alarms.get(name);
    if (alarm === undefined) return;
    this.accrueOne(alarm);
    alarm.stop();
    this.alarms.delete(name);
  }

  private tell(change: StateChange): void {
    const { world, account, region } = this.site;
    const { settings } = change.alarm;
    for (const listener of this.listeners) tell(listener, change);
    if (world.knows('events'))
      this.site.service('events').publish({
        source: 'aws.cloudwatch',
        'detail-type': 'CloudWatch Alarm State Change',
        detail: eventDetail(change),
        resources: [settings.arn],
      });
    if (!settings.actionsEnabled) return;
    // What is said is what was true at the change, whatever happens until it arrives.
    const message = actionMessage(change, account, region);
    const payload = JSON.stringify(lambdaPayload(change, account, region));
    for (const action of settings.actions[change.to])
      world.clock.after(100, `the alarm ${settings.name} acts`, bound(this, this.act, settings, action, message, payload));
  }

  private async act(
    settings: AlarmSettings,
    action: string,
    message: { Subject: string; Message: string },
    payload: string,
  ): Promise<void> {
    const [, , service, region = '', account = ''] = action.split(':');
    const there = this.site.world.site(account, region);
    const principal = (arn: string): Principal => ({
      kind: 'service',
      arn,
      account: this.site.account,
      context: { 'aws:SourceArn': settings.arn, 'aws:SourceAccount': this.site.account, 'aws:SourceOwner': this.site.account },
    });
    try {
      if (service === 'sns') await there.call(principal('cloudwatch.amazonaws.com'), 'sns', 'Publish', { TopicArn: action, ...message });
      else
        await there.call(principal('lambda.alarms.cloudwatch.amazonaws.com'), 'lambda', 'Invoke', {
          FunctionName: action,
          InvocationType: 'Event',
          Payload: new TextEncoder().encode(payload),
        });
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      this.failedActions.push({ alarm: settings.name, action, error: `${error.code}: ${error.message}` });
    }
  }

  // ---- CloudFormation

  private alarmType(): ResourceType<Api.PutMetricAlarmInput> {
    const put = (properties: Api.PutMetricAlarmInput, name: string): CreatedResource => {
      const alarm = this.putAlarm({ ...properties, AlarmName: name, Tags: undefined });
      return { ref: name, attributes: { Arn: alarm.settings.arn } };
    };
    return {
      properties: [
        'AlarmName',
        'AlarmDescription',
        'ActionsEnabled',
        'AlarmActions',
        'OKActions',
        'InsufficientDataActions',
        'MetricName',
        'Namespace',
        'Statistic',
        'ExtendedStatistic',
        'Dimensions',
        'Period',
        'Unit',
        'EvaluationPeriods',
        'DatapointsToAlarm',
        'Threshold',
        'ComparisonOperator',
        'TreatMissingData',
        'Metrics',
      ],
      inert: ['EvaluateLowSampleCountPercentile', 'Tags'],
      create: (properties, context) => {
        const name = properties.AlarmName ?? context.generatedName;
        if (this.alarms.has(name))
          throw new ServiceError('AlreadyExists', `Resource of type 'AWS::CloudWatch::Alarm' with identifier '${name}' already exists.`);
        return put(properties, name);
      },
      update: (properties, before) => {
        const name = properties.AlarmName ?? before.ref;
        if (name !== before.ref) this.deleteAlarm(before.ref);
        return put(properties, name);
      },
      delete: (before) => this.deleteAlarm(before.ref),
    };
  }

  /** A dashboard shows nothing here. */
  private dashboardType(): ResourceType<{ readonly DashboardName?: string; readonly DashboardBody: string }> {
    const put = (name: string, body: string): CreatedResource => {
      this.dashboards.set(name, body);
      return { ref: name };
    };
    return {
      properties: ['DashboardName', 'DashboardBody'],
      create: (properties, context) => put(properties.DashboardName ?? context.generatedName, properties.DashboardBody),
      update: (properties, before) => put(properties.DashboardName ?? before.ref, properties.DashboardBody),
      delete: (before) => {
        this.dashboards.delete(before.ref);
      },
    };
  }
}

const time = (date: Date | undefined) => date?.getTime() ?? 0;

/** @throws ServiceError for what local AWS does not know, or CloudWatch refuses */
function readAlarm(input: Api.PutMetricAlarmInput, arn: string): AlarmSettings {
  const [query, ...more] = input.Metrics ?? [];
  if (more.length > 0 || (query !== undefined && query.MetricStat === undefined))
    throw invalid(`local AWS knows no metric math in alarms: ${input.AlarmName}`);
  const metric = query?.MetricStat?.Metric ?? input;
  const statistic = query?.MetricStat?.Stat ?? input.Statistic ?? input.ExtendedStatistic ?? '';
  const period = Number(query?.MetricStat?.Period ?? input.Period);
  const missing = input.TreatMissingData ?? 'missing';
  const evaluationPeriods = Number(input.EvaluationPeriods);
  const datapointsToAlarm = Number(input.DatapointsToAlarm ?? evaluationPeriods);
  const comparison = input.ComparisonOperator ?? '';
  if (!isStatistic(statistic))
    throw invalid(`local AWS knows Sum, Average, Minimum, Maximum, SampleCount and percentiles, not "${statistic}"`);
  if (!(comparison in COMPARISONS)) throw invalid(`local AWS knows no anomaly detection: ComparisonOperator ${comparison}`);
  if (input.Threshold === undefined) throw new ServiceError('MissingRequiredParameterException', 'The parameter Threshold is required.');
  if (![10, 20, 30].includes(period) && !(period >= 60 && period % 60 === 0))
    throw invalid('Period must be 10, 20, 30, or a multiple of 60');
  if (!(evaluationPeriods >= 1) || datapointsToAlarm > evaluationPeriods)
    throw invalid('DatapointsToAlarm must be less than or equal to EvaluationPeriods');
  if (missing !== 'missing' && missing !== 'ignore' && missing !== 'breaching' && missing !== 'notBreaching')
    throw invalid(`The value ${missing} for parameter TreatMissingData is not supported.`);
  const actions = { ALARM: input.AlarmActions ?? [], OK: input.OKActions ?? [], INSUFFICIENT_DATA: input.InsufficientDataActions ?? [] };
  for (const action of Object.values(actions).flat())
    if (!/^arn:aws:(sns|lambda):/.test(action)) throw invalid(`local AWS knows topics and functions as actions of alarms, not ${action}`);
  const unit = query?.MetricStat?.Unit ?? input.Unit;
  return {
    name: input.AlarmName ?? '',
    arn,
    metric: {
      namespace: metric.Namespace ?? '',
      name: metric.MetricName ?? '',
      dimensions: Object.fromEntries((metric.Dimensions ?? []).map(({ Name = '', Value = '' }) => [Name, Value])),
    },
    statistic,
    period,
    evaluationPeriods,
    datapointsToAlarm,
    comparison,
    missing,
    actions,
    threshold: Number(input.Threshold),
    actionsEnabled: input.ActionsEnabled ?? true,
    ...(unit === undefined ? {} : { unit }),
    ...(input.AlarmDescription === undefined ? {} : { description: input.AlarmDescription }),
  };
}

function described({ settings, state, reason, reasonData, changedAt, configuredAt }: Alarm): Api.MetricAlarm {
  const { metric, statistic, actions } = settings;
  return {
    AlarmName: settings.name,
    AlarmArn: settings.arn,
    AlarmDescription: settings.description,
    AlarmConfigurationUpdatedTimestamp: new Date(configuredAt),
    ActionsEnabled: settings.actionsEnabled,
    OKActions: [...actions.OK],
    AlarmActions: [...actions.ALARM],
    InsufficientDataActions: [...actions.INSUFFICIENT_DATA],
    StateValue: state,
    StateReason: reason,
    ...(reasonData === '' ? {} : { StateReasonData: reasonData }),
    StateUpdatedTimestamp: new Date(changedAt),
    StateTransitionedTimestamp: new Date(changedAt),
    MetricName: metric.name,
    Namespace: metric.namespace,
    ...(statistic.startsWith('p') ? { ExtendedStatistic: statistic } : { Statistic: statistic as Api.Statistic }),
    Dimensions: Object.entries(metric.dimensions).map(([Name, Value]) => ({ Name, Value })),
    Period: settings.period,
    ...(settings.unit === undefined ? {} : { Unit: settings.unit as Api.StandardUnit }),
    EvaluationPeriods: settings.evaluationPeriods,
    DatapointsToAlarm: settings.datapointsToAlarm,
    Threshold: settings.threshold,
    ComparisonOperator: settings.comparison as Api.ComparisonOperator,
    TreatMissingData: settings.missing,
  };
}
