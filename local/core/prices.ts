/** What usage costs: list prices of us-east-1 as known in November 2026, without free tiers and discounts. Check again before quoting. */
import type { Labels, Usage, UsageKind } from './meter.ts';

/** Dollars for one unit of a kind. */
export interface Price {
  readonly kind: UsageKind;
  readonly dollars: number;
  /** In words, as the source has it. */
  readonly text: string;
  readonly source: string;
  /** Only for usage with these labels; the first price that fits counts. */
  readonly labels?: Labels;
}

/** The month whose prices these are. */
export const PRICES_AS_OF = '2026-11';

const HOURS_PER_MONTH = 730;
const GIBIBYTE = 2 ** 30;
const MILLION = 1e6;

const STEP_FUNCTIONS = 'https://aws.amazon.com/step-functions/pricing/';
const LAMBDA = 'https://aws.amazon.com/lambda/pricing/';
const DYNAMODB = 'https://aws.amazon.com/dynamodb/pricing/on-demand/';
const EVENTBRIDGE = 'https://aws.amazon.com/eventbridge/pricing/';
const SNS = 'https://aws.amazon.com/sns/pricing/';
const SQS = 'https://aws.amazon.com/sqs/pricing/';
const CLOUDWATCH = 'https://aws.amazon.com/cloudwatch/pricing/';
const CODEBUILD = 'https://aws.amazon.com/codebuild/pricing/';
const FARGATE = 'https://aws.amazon.com/fargate/pricing/';

export const PRICES: readonly Price[] = [
  { kind: 'states.transition', dollars: 25 / MILLION, text: '$0.025 per 1,000 state transitions, retries count', source: STEP_FUNCTIONS },
  { kind: 'lambda.invocation', dollars: 0.2 / MILLION, text: '$0.20 per million requests', source: LAMBDA },
  {
    kind: 'lambda.gb-second',
    labels: { architecture: 'arm64' },
    dollars: 0.0000133334,
    text: '$0.0000133334 per GB-second, Arm; start-up is billed',
    source: LAMBDA,
  },
  { kind: 'lambda.gb-second', dollars: 0.0000166667, text: '$0.0000166667 per GB-second, x86; start-up is billed', source: LAMBDA },
  { kind: 'dynamodb.write-unit', dollars: 0.625 / MILLION, text: '$0.625 per million write request units', source: DYNAMODB },
  { kind: 'dynamodb.read-unit', dollars: 0.125 / MILLION, text: '$0.125 per million read request units', source: DYNAMODB },
  { kind: 'events.custom-event', dollars: 1 / MILLION, text: '$1.00 per million custom events', source: EVENTBRIDGE },
  { kind: 'scheduler.invocation', dollars: 1 / MILLION, text: '$1.00 per million invocations', source: EVENTBRIDGE },
  { kind: 'sns.publish', dollars: 0.5 / MILLION, text: '$0.50 per million requests', source: SNS },
  { kind: 'sns.delivery', labels: { protocol: 'email' }, dollars: 20 / MILLION, text: '$2.00 per 100,000 notifications', source: SNS },
  { kind: 'sns.delivery', labels: { protocol: 'http' }, dollars: 0.6 / MILLION, text: '$0.60 per million notifications', source: SNS },
  { kind: 'sns.delivery', labels: { protocol: 'https' }, dollars: 0.6 / MILLION, text: '$0.60 per million notifications', source: SNS },
  { kind: 'sns.delivery', labels: { protocol: 'sqs' }, dollars: 0, text: 'no charge for deliveries to SQS', source: SNS },
  { kind: 'sns.delivery', labels: { protocol: 'lambda' }, dollars: 0, text: 'no charge for deliveries to Lambda', source: SNS },
  { kind: 'sqs.request', dollars: 0.4 / MILLION, text: '$0.40 per million requests, standard queue', source: SQS },
  { kind: 'logs.ingested-byte', dollars: 0.5 / GIBIBYTE, text: '$0.50 per GB collected', source: CLOUDWATCH },
  { kind: 'cloudwatch.alarm-hour', dollars: 0.1 / HOURS_PER_MONTH, text: '$0.10 per alarm metric and month', source: CLOUDWATCH },
  { kind: 'cloudwatch.metric', dollars: 0.3, text: '$0.30 per metric and month, first 10,000; a month is billed here', source: CLOUDWATCH },
  {
    kind: 'call',
    labels: { service: 'cloudwatch', operation: 'PutMetricData' },
    dollars: 10 / MILLION,
    text: '$0.01 per 1,000 requests',
    source: CLOUDWATCH,
  },
  {
    kind: 'codebuild.minute',
    labels: { environmentType: 'ARM_CONTAINER', computeType: 'BUILD_GENERAL1_SMALL' },
    dollars: 0.0034,
    text: 'arm1.small $0.0034 per build minute',
    source: CODEBUILD,
  },
  {
    kind: 'codebuild.minute',
    labels: { environmentType: 'LINUX_CONTAINER', computeType: 'BUILD_GENERAL1_SMALL' },
    dollars: 0.005,
    text: 'general1.small $0.005 per build minute',
    source: CODEBUILD,
  },
  {
    kind: 'codebuild.minute',
    labels: { environmentType: 'LINUX_CONTAINER', computeType: 'BUILD_GENERAL1_MEDIUM' },
    dollars: 0.01,
    text: 'general1.medium $0.01 per build minute',
    source: CODEBUILD,
  },
  {
    kind: 'codebuild.minute',
    labels: { environmentType: 'LINUX_CONTAINER', computeType: 'BUILD_GENERAL1_LARGE' },
    dollars: 0.02,
    text: 'general1.large $0.02 per build minute',
    source: CODEBUILD,
  },
  {
    kind: 'fargate.vcpu-second',
    labels: { architecture: 'ARM64' },
    dollars: 0.03238 / 3600,
    text: '$0.03238 per vCPU and hour, Arm',
    source: FARGATE,
  },
  { kind: 'fargate.vcpu-second', dollars: 0.04048 / 3600, text: '$0.04048 per vCPU and hour, x86', source: FARGATE },
  {
    kind: 'fargate.gb-second',
    labels: { architecture: 'ARM64' },
    dollars: 0.00356 / 3600,
    text: '$0.00356 per GB and hour, Arm',
    source: FARGATE,
  },
  { kind: 'fargate.gb-second', dollars: 0.004445 / 3600, text: '$0.004445 per GB and hour, x86', source: FARGATE },
];

/** Kinds that AWS does not bill by themselves. */
const FREE: ReadonlySet<UsageKind> = new Set([
  'call',
  'states.execution',
  'lambda.cold-start',
  'events.aws-event',
  'events.invocation',
  'codebuild.build',
  'fargate.task',
  'ecr.pull',
  'ecr.push',
  'elasticloadbalancing.request',
]);

export interface Cost {
  readonly dollars: number;
  /** Dollars by kind; kinds that cost nothing are left out. */
  readonly kinds: Readonly<Partial<Record<UsageKind, number>>>;
  /** Dollars by group, if a grouping was given. */
  readonly groups: Readonly<Record<string, number>>;
  /** Usage that is billed and whose price is not known here, such as a build machine of another size: the sum lacks it. */
  readonly unpriced: readonly Usage[];
}

/**
 * The cost of some usage, such as `meter.since(snapshot)`.
 * @param group puts each usage under a name, say `orchestration` or `verification`, by its kind and labels
 */
export function price(usage: readonly Usage[], group?: (usage: Usage) => string): Cost {
  let dollars = 0;
  const kinds: Partial<Record<UsageKind, number>> = {};
  const groups: Record<string, number> = {};
  const unpriced: Usage[] = [];
  for (const one of usage) {
    const found = priceOf(one);
    if (found === undefined) {
      if (!FREE.has(one.kind)) unpriced.push(one);
      continue;
    }
    const amount = one.amount * found.dollars;
    if (amount === 0) continue;
    dollars += amount;
    kinds[one.kind] = (kinds[one.kind] ?? 0) + amount;
    if (group !== undefined) {
      const name = group(one);
      groups[name] = (groups[name] ?? 0) + amount;
    }
  }
  return { dollars, kinds, groups, unpriced };
}

function priceOf({ kind, labels }: Usage): Price | undefined {
  return PRICES.find((one) => one.kind === kind && Object.entries(one.labels ?? {}).every(([name, value]) => labels[name] === value));
}
