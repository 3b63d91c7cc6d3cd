/** The request limits that AWS documents, as token buckets for each account and Region. Off until switched on. */
import type { Clock } from './clock.ts';

export interface Bucket {
  readonly name: string;
  readonly operations: readonly string[];
  /** Tokens when full. */
  readonly burst: number;
  /** Tokens per second. */
  readonly refill: number;
}

/** "Large" Regions have higher limits in Step Functions and EventBridge. */
const LARGE: ReadonlySet<string> = new Set(['us-east-1', 'us-west-2', 'eu-west-1']);

const bucket = (name: string, burst: number, refill: number, operations: readonly string[]): Bucket => ({
  name,
  burst,
  refill,
  operations,
});

/**
 * The buckets of a Region, by service.
 * ECS: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html ;
 * Step Functions: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html ;
 * EventBridge: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
 */
export function documentedBuckets(region: string): Readonly<Record<string, readonly Bucket[]>> {
  const large = LARGE.has(region);
  return {
    ecs: [
      bucket('task definition modify', 20, 1, ['RegisterTaskDefinition', 'DeregisterTaskDefinition']),
      bucket('task definition delete', 5, 1, ['DeleteTaskDefinitions']),
      bucket('task definition read', 50, 20, ['DescribeTaskDefinition', 'ListTaskDefinitions', 'ListTaskDefinitionFamilies']),
      bucket('service modify', 50, 5, ['CreateService', 'UpdateService', 'DeleteService']),
      bucket('service read', 100, 20, ['DescribeServices', 'ListServices', 'ListServicesByNamespace']),
      bucket('service deployment', 50, 20, [
        'DescribeServiceDeployments',
        'ListServiceDeployments',
        'StopServiceDeployment',
        'ContinueServiceDeployment',
      ]),
      bucket('service revision', 50, 20, ['DescribeServiceRevisions']),
      bucket('task modify', 100, 40, ['RunTask', 'StartTask', 'StopTask']),
      bucket('task read', 100, 20, ['DescribeTasks', 'ListTasks']),
      bucket('cluster modify', 20, 1, ['CreateCluster', 'UpdateCluster', 'DeleteCluster', 'PutClusterCapacityProviders']),
      bucket('cluster read', 50, 20, ['DescribeClusters', 'ListClusters']),
      bucket('tag', 20, 10, ['TagResource', 'UntagResource']),
    ],
    states: [
      bucket('StartExecution', large ? 1300 : 800, large ? 300 : 150, ['StartExecution']),
      bucket('SendTask', large ? 3000 : 1500, large ? 500 : 300, ['SendTaskSuccess', 'SendTaskFailure', 'SendTaskHeartbeat']),
      bucket('DescribeExecution', large ? 300 : 250, large ? 15 : 10, ['DescribeExecution']),
      bucket('ListExecutions', large ? 200 : 100, 5, ['ListExecutions']),
      bucket('StopExecution', large ? 1000 : 500, large ? 200 : 25, ['StopExecution']),
    ],
    events: [bucket('PutEvents', large ? 10_000 : 400, large ? 10_000 : 400, ['PutEvents'])],
  };
}

interface Level {
  tokens: number;
  at: number;
}

export class Throttles {
  private readonly clock: Clock;
  private enabled = false;
  private readonly regions = new Map<string, ReadonlyMap<string, Bucket>>();
  private readonly levels = new Map<string, Level>();
  private readonly changed = new Map<string, { burst: number; refill: number }>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Limits hold from now on, with full buckets. */
  enable(): void {
    this.enabled = true;
    this.levels.clear();
  }

  disable(): void {
    this.enabled = false;
  }

  /** Another quota for one operation's bucket, as new accounts have lower ones. */
  set(service: string, operation: string, limit: { burst: number; refill: number }): void {
    this.changed.set(`${service}/${operation}`, limit);
  }

  /** Takes one token; false means the request is throttled. Operations without a documented limit always pass. */
  take(account: string, region: string, service: string, operation: string): boolean {
    if (!this.enabled) return true;
    const bucket = this.find(region, service, operation);
    if (bucket === undefined) return true;
    const now = this.clock.now();
    const key = `${account}/${region}/${service}/${bucket.name}`;
    const before = this.levels.get(key);
    const tokens = before === undefined ? bucket.burst : Math.min(bucket.burst, before.tokens + ((now - before.at) / 1000) * bucket.refill);
    // A hair below one is one: refill times are decimal fractions.
    const allowed = tokens > 1 - 1e-9;
    this.levels.set(key, { tokens: allowed ? tokens - 1 : tokens, at: now });
    return allowed;
  }

  private find(region: string, service: string, operation: string): Bucket | undefined {
    let buckets = this.regions.get(region);
    if (buckets === undefined) {
      const found = new Map<string, Bucket>();
      for (const [name, list] of Object.entries(documentedBuckets(region)))
        for (const one of list) for (const each of one.operations) found.set(`${name}/${each}`, one);
      buckets = found;
      this.regions.set(region, buckets);
    }
    const documented = buckets.get(`${service}/${operation}`);
    for (const each of documented?.operations ?? [operation]) {
      const changed = this.changed.get(`${service}/${each}`);
      if (changed !== undefined)
        return { name: documented?.name ?? operation, operations: documented?.operations ?? [operation], ...changed };
    }
    return documented;
  }
}
