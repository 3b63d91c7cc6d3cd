/** CloudWatch alarms that fail a deployment. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html */
import type { MetricAlarm } from '@aws-sdk/client-cloudwatch';
import type { DeploymentConfiguration } from '@aws-sdk/client-ecs';
import { bound, type Listener } from '../../core/bound.ts';
import type { Service as AwsService, Call } from '../../core/service.ts';
import type { AlarmWatch, EcsParts } from './parts.ts';
import { current, type WatchedAlarms } from './service.ts';

/** CloudWatch, as ECS uses it. */
interface Alarms extends AwsService {
  onStateChange(listener: Listener<[change: Change]>): unknown;
}

interface Change {
  readonly alarm: { readonly settings: { readonly name: string } };
  readonly to: string;
}

export class DeploymentAlarms implements AlarmWatch {
  private readonly ecs: EcsParts;
  private isListening = false;

  constructor(ecs: EcsParts) {
    this.ecs = ecs;
  }

  watch({ alarms }: DeploymentConfiguration): WatchedAlarms | undefined {
    const names = alarms?.alarmNames ?? [];
    if (!alarms?.enable || names.length === 0) return undefined;
    this.listen();
    const monitored = this.describe(names).filter(({ StateValue }) => StateValue !== 'ALARM');
    const bake = Math.max(0, ...monitored.map(({ Period = 60, EvaluationPeriods = 1 }) => Period * EvaluationPeriods * 1000));
    return { names, monitored: monitored.map(({ AlarmName = '' }) => AlarmName), triggered: [], bake };
  }

  private get cloudwatch(): Alarms {
    return this.ecs.site.find('cloudwatch') as unknown as Alarms;
  }

  private describe(AlarmNames: readonly string[]): readonly MetricAlarm[] {
    const call: Call = {
      principal: { kind: 'service', arn: 'ecs.amazonaws.com', account: this.ecs.site.account },
      requestId: '',
      now: this.ecs.site.world.clock.now(),
    };
    const { MetricAlarms = [] } = this.cloudwatch.operations.DescribeAlarms!.handle({ AlarmNames }, call) as {
      MetricAlarms?: MetricAlarm[];
    };
    return MetricAlarms;
  }

  private listen(): void {
    if (this.isListening) return;
    this.isListening = true;
    this.cloudwatch.onStateChange(bound(this, this.changed));
  }

  private changed({ alarm, to }: Change): void {
    const { name } = alarm.settings;
    if (to !== 'ALARM') return;
    for (const service of this.ecs.services.values()) {
      const one = current(service);
      if (one?.status !== 'IN_PROGRESS' || !one.alarms?.monitored.includes(name)) continue;
      one.alarms.triggered.push(name);
      this.ecs.deployments.alarmed(service, one);
    }
  }
}
