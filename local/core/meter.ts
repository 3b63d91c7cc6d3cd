/** Counts what AWS would bill or limit: calls, transitions, Lambda time, build minutes, by labels. */

/**
 * What is counted. Units are in the name; `prices.ts` says which of them cost money.
 * A kind that is not listed here is a spelling mistake, so the list is closed.
 */
export type UsageKind =
  /** An API request, whatever its outcome. Labels: service, operation, caller, account, region, outcome. */
  | 'call'
  | 'states.transition'
  | 'states.execution'
  | 'lambda.invocation'
  | 'lambda.gb-second'
  | 'lambda.cold-start'
  | 'dynamodb.write-unit'
  | 'dynamodb.read-unit'
  | 'events.custom-event'
  | 'events.aws-event'
  | 'events.invocation'
  | 'scheduler.invocation'
  | 'sns.publish'
  | 'sns.delivery'
  | 'sqs.request'
  | 'logs.ingested-byte'
  | 'cloudwatch.alarm-hour'
  /** A custom metric that gets its first value. */
  | 'cloudwatch.metric'
  | 'codebuild.build'
  | 'codebuild.minute'
  | 'fargate.task'
  | 'fargate.vcpu-second'
  | 'fargate.gb-second'
  | 'ecr.pull'
  | 'ecr.push'
  | 'elasticloadbalancing.request';

export type Labels = Readonly<Record<string, string>>;

export interface Usage {
  readonly kind: UsageKind;
  readonly labels: Labels;
  readonly amount: number;
}

/** The meter at one moment; only good for {@link Meter.since}. */
export type MeterSnapshot = ReadonlyMap<string, number>;

interface Count {
  readonly kind: UsageKind;
  readonly labels: Labels;
  amount: number;
}

export class Meter {
  private readonly counts = new Map<string, Count>();

  /** Adds `amount` (default 1) of `kind`. Labels with the same names and values, in any order, are one count. */
  record(kind: UsageKind, amount = 1, labels: Labels = {}): void {
    let key: string = kind;
    for (const name of Object.keys(labels).sort()) key += `\n${name}=${labels[name]}`;
    const count = this.counts.get(key);
    if (count === undefined) this.counts.set(key, { kind, labels: { ...labels }, amount });
    else count.amount += amount;
  }

  /** All that was counted since the start. */
  get usage(): readonly Usage[] {
    return [...this.counts.values()].map((count) => ({ ...count }));
  }

  snapshot(): MeterSnapshot {
    return new Map([...this.counts].map(([key, count]) => [key, count.amount]));
  }

  /** What was counted after `snapshot`; counts that did not move are left out. */
  since(snapshot: MeterSnapshot): readonly Usage[] {
    const usage: Usage[] = [];
    for (const [key, count] of this.counts) {
      const amount = count.amount - (snapshot.get(key) ?? 0);
      if (amount !== 0) usage.push({ kind: count.kind, labels: count.labels, amount });
    }
    return usage;
  }

  /** The sum of `kind` over all counts that carry every one of `labels`. */
  total(kind: UsageKind, labels: Labels = {}, since: MeterSnapshot = new Map()): number {
    return sum(this.since(since), kind, labels);
  }

  /** API requests by `service:Operation`, such as `ecs:UpdateService`. */
  calls(labels: Labels = {}, since: MeterSnapshot = new Map()): Readonly<Record<string, number>> {
    const calls: Record<string, number> = {};
    for (const usage of this.since(since)) {
      if (usage.kind !== 'call' || !carries(usage.labels, labels)) continue;
      const name = `${usage.labels.service}:${usage.labels.operation}`;
      calls[name] = (calls[name] ?? 0) + usage.amount;
    }
    return calls;
  }
}

const carries = (labels: Labels, wanted: Labels) => Object.entries(wanted).every(([name, value]) => labels[name] === value);

/** The sum of `kind` in a list of usage, over those that carry every one of `labels`. */
export function sum(usage: readonly Usage[], kind: UsageKind, labels: Labels = {}): number {
  return usage.filter((one) => one.kind === kind && carries(one.labels, labels)).reduce((total, one) => total + one.amount, 0);
}
