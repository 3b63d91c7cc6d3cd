/** What wakes functions: pushes, deployments, ends of executions, and the journal's stream. */
import { aws_events as events, aws_lambda as lambda, type Stack, aws_sns as sns } from 'aws-cdk-lib';
import { homesOf } from '../domain/database/databases.ts';
import * as names from '../domain/pipeline/names.ts';
import type { StepFunction } from './functions.ts';
import { deploymentRule, executionRule, hookRule, imagePushRule, migrationRule, pascal, taskRule } from './names.ts';
import type { Place } from './place.ts';
import type { Storage } from './storage.ts';

/** An event pattern may have 2,048 characters. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html */
const PATTERN_LIMIT = 2_048;

/** Hours an event waits for a function that cannot be called, and tries. As long as EventBridge can: a push is not to be lost. */
const RETRY = { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 };

/** Seconds an event may wait inside Lambda, after its function failed. */
const AGE = 3_600;

/** Rules, permissions and retries of what comes as an event. */
export function eventSources(stack: Stack, place: Place, functions: ReadonlyMap<string, StepFunction>, storage: Storage): void {
  const wire = (id: string, name: string, description: string, file: string, pattern: object) => {
    const step = required(functions, file);
    const rule = new events.CfnRule(stack, id, {
      name,
      description,
      eventPattern: pattern,
      state: 'ENABLED',
      targets: [{ id: file, arn: step.function.functionArn, deadLetterConfig: { arn: storage.undelivered.attrArn }, retryPolicy: RETRY }],
    });
    new lambda.CfnPermission(stack, `${id}Permission`, {
      action: 'lambda:InvokeFunction',
      functionName: step.function.functionArn,
      principal: 'events.amazonaws.com',
      sourceArn: rule.attrArn,
      sourceAccount: place.account,
    });
  };
  pushPatterns(place).forEach((pattern, shard) => {
    wire(numbered('ImagePushRule', shard), imagePushRule(place.name, shard), 'A tagged image was pushed', 'on-image-push', pattern);
  });
  deploymentPatterns(place).forEach((pattern, shard) => {
    wire(numbered('DeploymentRule', shard), deploymentRule(place.name, shard), 'A deployment of ECS ended', 'on-ecs-event', pattern);
  });
  rolloutPatterns(place).forEach(({ hooks, tasks }, shard) => {
    wire(numbered('HookRule', shard), hookRule(place.name, shard), 'A deployment of ECS pauses', 'on-ecs-event', hooks);
    wire(numbered('TaskRule', shard), taskRule(place.name, shard), 'A task failed where traffic shifts', 'on-ecs-event', tasks);
  });
  wire('ExecutionRule', executionRule(place.name), 'A workflow ended badly', 'on-execution-ended', executionPattern(place));

  if (homesOf(place.pipeline).length > 0)
    wire('MigrationRule', migrationRule(place.name), 'The task of a migration stopped', 'on-migration-ended', migrationPattern(place));

  for (const file of ['on-image-push', 'on-ecs-event', 'on-migration-ended', 'post-notice', 'on-execution-ended', 'sweep'])
    new lambda.CfnEventInvokeConfig(stack, `${pascal(file)}Retries`, {
      functionName: required(functions, file).function.functionName,
      qualifier: '$LATEST',
      maximumRetryAttempts: 2,
      maximumEventAgeInSeconds: AGE,
      destinationConfig: { onFailure: { destination: storage.unhandled.attrArn } },
    });

  subscriptions(stack, place, functions, storage);
  new lambda.CfnEventSourceMapping(stack, 'JournalStream', {
    functionName: required(functions, 'notify').function.functionName,
    eventSourceArn: storage.journal.attrStreamArn,
    startingPosition: 'TRIM_HORIZON',
    // What comes together is told together: a burst becomes one message, and nobody's inbox overflows.
    batchSize: 100,
    maximumBatchingWindowInSeconds: 10,
    maximumRetryAttempts: 5,
    bisectBatchOnFunctionError: true,
    destinationConfig: { onFailure: { destination: storage.unhandled.attrArn } },
  });
}

const numbered = (id: string, shard: number) => `${id}${shard === 0 ? '' : shard + 1}`;

/** Mailboxes that the configuration names, and the function that tells chats. */
function subscriptions(stack: Stack, place: Place, functions: ReadonlyMap<string, StepFunction>, storage: Storage): void {
  const { email, slack, teams } = place.pipeline.notifications;
  email.forEach((endpoint, index) => {
    new sns.CfnSubscription(stack, `Mailbox${index + 1}`, { topicArn: storage.topic.ref, protocol: 'email', endpoint });
  });
  if (slack === undefined && teams === undefined) return;
  const post = required(functions, 'post-notice').function;
  new sns.CfnSubscription(stack, 'Chats', { topicArn: storage.topic.ref, protocol: 'lambda', endpoint: post.functionArn });
  new lambda.CfnPermission(stack, 'ChatsPermission', {
    action: 'lambda:InvokeFunction',
    functionName: post.functionArn,
    principal: 'sns.amazonaws.com',
    sourceArn: storage.topic.ref,
    sourceAccount: place.account,
  });
}

/** What the rules that hear of events are called. */
export const ruleNames = (place: Place): string[] => [
  ...pushPatterns(place).map((_, shard) => imagePushRule(place.name, shard)),
  ...deploymentPatterns(place).map((_, shard) => deploymentRule(place.name, shard)),
  ...rolloutPatterns(place).flatMap((_, shard) => [hookRule(place.name, shard), taskRule(place.name, shard)]),
  executionRule(place.name),
  ...(homesOf(place.pipeline).length > 0 ? [migrationRule(place.name)] : []),
];

/** @throws Error naming the file that is missing */
export function required(functions: ReadonlyMap<string, StepFunction>, file: string): StepFunction {
  const step = functions.get(file);
  if (step === undefined) throw new Error(`there is no functions/${file}.ts`);
  return step;
}

/**
 * Pushes of a tag to one of the pipeline's repositories, here: as many patterns as the names need.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
 */
export function pushPatterns(place: Place): object[] {
  const pattern = (repositories: readonly string[]) => ({
    source: ['aws.ecr'],
    'detail-type': ['ECR Image Action'],
    account: [place.account],
    region: [place.region],
    detail: { 'action-type': ['PUSH'], result: ['SUCCESS'], 'repository-name': repositories, 'image-tag': [{ exists: true }] },
  });
  return sharded(Object.keys(place.pipeline.repositories), pattern);
}

/** As many patterns as it takes for every item to be in one. */
function sharded(items: readonly string[], pattern: (items: readonly string[]) => object): object[] {
  const shards: string[][] = [[]];
  for (const item of items) {
    const shard = shards.at(-1)!;
    if (JSON.stringify(pattern([...shard, item])).length > PATTERN_LIMIT) shards.push([item]);
    else shard.push(item);
  }
  return shards.map(pattern);
}

/**
 * The event names the service alone, as `service/<cluster>/<service>`: our clusters begin with the pipeline's name.
 * As many patterns as the environments need.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
 */
export const deploymentPatterns = (place: Place): object[] =>
  sharded(
    place.environments.map(({ name }) => name),
    (environments) => ({
      source: ['aws.ecs'],
      'detail-type': ['ECS Deployment State Change'],
      account: [place.account],
      region: [place.region],
      resources: environments.map((name) => ({ prefix: place.arn('ecs', `service/${names.environmentName(place.name, name)}/`) })),
      detail: { eventName: ['SERVICE_DEPLOYMENT_COMPLETED', 'SERVICE_DEPLOYMENT_FAILED'] },
    }),
  );

/**
 * Pauses, and tasks that failed, where traffic can shift: there ECS has no circuit breaker. What shifts outlives the strategy that
 * began it, so the rules do not depend on it.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
 */
export function rolloutPatterns(place: Place): { readonly hooks: object; readonly tasks: object }[] {
  const common = { source: ['aws.ecs'], account: [place.account], region: [place.region] };
  const patterns = (environments: readonly string[]) => {
    const clusterArn = environments.map((name) => place.arn('ecs', `cluster/${names.environmentName(place.name, name)}`));
    return {
      hooks: { ...common, 'detail-type': ['ECS Hook State Change'], detail: { clusterArn, eventName: ['HOOK_AWAITING_ACTION'] } },
      tasks: {
        ...common,
        'detail-type': ['ECS Task State Change'],
        detail: {
          clusterArn,
          lastStatus: ['STOPPED'],
          // A task that fails a health check is stopped by the scheduler, which says "Task failed …".
          $or: [{ stopCode: ['EssentialContainerExited', 'TaskFailedToStart'] }, { stoppedReason: [{ prefix: 'Task failed' }] }],
        },
      },
    };
  };
  return place.services.every(({ web }) => web === undefined)
    ? []
    : (sharded(
        place.environments.map(({ name }) => name),
        patterns,
      ) as { hooks: object; tasks: object }[]);
}

/** Executions that ended by themselves have cleaned up; these may not have. */
const executionPattern = (place: Place) => ({
  source: ['aws.states'],
  'detail-type': ['Step Functions Execution Status Change'],
  account: [place.account],
  region: [place.region],
  detail: {
    status: ['FAILED', 'TIMED_OUT', 'ABORTED'],
    stateMachineArn: (['release', 'promotion', 'wake', 'teardown'] as const).map((workflow) => place.machineArn(workflow)),
  },
});

/**
 * Tasks that we ran to migrate: the function looks whose they are.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
 */
const migrationPattern = (place: Place) => ({
  source: ['aws.ecs'],
  'detail-type': ['ECS Task State Change'],
  account: [place.account],
  region: [place.region],
  detail: {
    lastStatus: ['STOPPED'],
    startedBy: [{ prefix: 'shiplock-migration-' }],
    clusterArn: [{ prefix: place.arn('ecs', `cluster/${place.name}-`) }],
  },
});
