/** What an alarm tells others when its state changes: the event, and the message of its actions. */
import type { AlarmSettings, StateChange } from './alarm.ts';

/** AWS writes `2026-11-23T08:00:00.000+0000`. */
const timestamp = (time: number) => new Date(time).toISOString().replace('Z', '+0000');

const stateOf = (value: string, reason: string, reasonData: string, time: number) => ({
  value,
  reason,
  ...(reasonData === '' ? {} : { reasonData }),
  timestamp: timestamp(time),
});

/** The detail of `CloudWatch Alarm State Change`: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html */
export function eventDetail({ alarm, from, fromReason, fromReasonData, fromTime, to }: StateChange): object {
  const { settings } = alarm;
  const { metric, period, statistic } = settings;
  return {
    alarmName: settings.name,
    state: stateOf(to, alarm.reason, alarm.reasonData, alarm.changedAt),
    previousState: stateOf(from, fromReason, fromReasonData, fromTime),
    configuration: {
      ...(settings.description === undefined ? {} : { description: settings.description }),
      metrics: [
        {
          id: 'm1',
          metricStat: {
            metric: { namespace: metric.namespace, name: metric.name, dimensions: metric.dimensions },
            period,
            stat: statistic,
          },
          returnData: true,
        },
      ],
    },
  };
}

/** What is published to a topic. */
export function actionMessage({ alarm, from, to }: StateChange, account: string, region: string): { Subject: string; Message: string } {
  const { settings } = alarm;
  const message = {
    AlarmName: settings.name,
    AlarmDescription: settings.description ?? null,
    AWSAccountId: account,
    AlarmConfigurationUpdatedTimestamp: timestamp(alarm.configuredAt),
    NewStateValue: to,
    NewStateReason: alarm.reason,
    StateChangeTime: timestamp(alarm.changedAt),
    Region: region,
    AlarmArn: settings.arn,
    OldStateValue: from,
    OKActions: settings.actions.OK,
    AlarmActions: settings.actions.ALARM,
    InsufficientDataActions: settings.actions.INSUFFICIENT_DATA,
    Trigger: trigger(settings),
  };
  return { Subject: `${to}: "${settings.name}" in ${region}`.slice(0, 100), Message: JSON.stringify(message) };
}

function trigger(settings: AlarmSettings): object {
  const { metric, statistic, unit, period, evaluationPeriods, comparison, threshold, missing } = settings;
  return {
    MetricName: metric.name,
    Namespace: metric.namespace,
    StatisticType: 'Statistic',
    Statistic: statistic.toUpperCase(),
    Unit: unit ?? null,
    Dimensions: Object.entries(metric.dimensions).map(([name, value]) => ({ value, name })),
    Period: period,
    EvaluationPeriods: evaluationPeriods,
    DatapointsToAlarm: settings.datapointsToAlarm,
    ComparisonOperator: comparison,
    Threshold: threshold,
    TreatMissingData: missing,
    EvaluateLowSampleCountPercentile: '',
  };
}

/** What a function gets as an action. */
export function lambdaPayload(change: StateChange, account: string, region: string): object {
  const { alarm } = change;
  const { alarmName, configuration, ...states } = eventDetail(change) as { alarmName: string; configuration: object };
  return {
    source: 'aws.cloudwatch',
    alarmArn: alarm.settings.arn,
    accountId: account,
    time: timestamp(alarm.changedAt),
    region,
    alarmData: { alarmName, ...states, configuration },
  };
}
