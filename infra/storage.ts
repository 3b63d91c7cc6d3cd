/** Ledger and journal, the topic on which people hear of things, and the queues of what went astray. */
import {
  CfnDeletionPolicy,
  type CfnResource,
  aws_cloudwatch as cloudwatch,
  aws_dynamodb as dynamodb,
  type Stack,
  aws_sns as sns,
  aws_sqs as sqs,
} from 'aws-cdk-lib';
import * as names from '../domain/pipeline/names.ts';
import { pascal, undeliveredQueue, unhandledQueue } from './names.ts';
import type { Place } from './place.ts';

export interface Storage {
  readonly ledger: dynamodb.CfnTable;
  readonly journal: dynamodb.CfnTable;
  readonly topic: sns.CfnTopic;
  readonly undelivered: sqs.CfnQueue;
  readonly unhandled: sqs.CfnQueue;
}

/** @param rules names of those that hear of events */
export function storage(stack: Stack, place: Place, rules: readonly string[]): Storage {
  const topic = noticesTopic(stack, place);
  manualInterventionAlarm(stack, place, topic);
  return {
    ledger: ledgerTable(stack, place),
    journal: journalTable(stack, place),
    topic,
    undelivered: deadLetters(stack, 'Undelivered', undeliveredQueue(place.name), 'an event or a schedule did not reach its target', topic, [
      {
        Sid: 'FromRules',
        Effect: 'Allow',
        Principal: { Service: 'events.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: place.undeliveredArn,
        Condition: { ArnEquals: { 'aws:SourceArn': rules.map((rule) => place.arn('events', `rule/${rule}`)) } },
      },
    ]),
    unhandled: deadLetters(stack, 'Unhandled', unhandledQueue(place.name), 'a function failed on an event, every try', topic, []),
  };
}

const key = (name: string, type: 'HASH' | 'RANGE') => ({ attributeName: name, keyType: type });
const text = (name: string) => ({ attributeName: name, attributeType: 'S' });

function ledgerTable(stack: Stack, place: Place): dynamodb.CfnTable {
  return kept(
    new dynamodb.CfnTable(stack, 'Ledger', {
      tableName: names.ledgerTable(place.name),
      billingMode: 'PAY_PER_REQUEST',
      attributeDefinitions: ['pk', 'sk', 'gpk', 'gsk'].map(text),
      keySchema: [key('pk', 'HASH'), key('sk', 'RANGE')],
      globalSecondaryIndexes: [
        { indexName: 'index', keySchema: [key('gpk', 'HASH'), key('gsk', 'RANGE')], projection: { projectionType: 'ALL' } },
      ],
      timeToLiveSpecification: { attributeName: 'expiresAt', enabled: true },
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtectionEnabled: true,
    }),
  );
}

function journalTable(stack: Stack, place: Place): dynamodb.CfnTable {
  return kept(
    new dynamodb.CfnTable(stack, 'Journal', {
      tableName: names.journalTable(place.name),
      billingMode: 'PAY_PER_REQUEST',
      attributeDefinitions: ['pk', 'sk', 'gpk', 'gsk'].map(text),
      keySchema: [key('pk', 'HASH'), key('sk', 'RANGE')],
      // By day, as people read it.
      globalSecondaryIndexes: [
        { indexName: 'index', keySchema: [key('gpk', 'HASH'), key('gsk', 'RANGE')], projection: { projectionType: 'ALL' } },
      ],
      streamSpecification: { streamViewType: 'NEW_IMAGE' },
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtectionEnabled: true,
    }),
  );
}

function kept<Resource extends CfnResource>(resource: Resource): Resource {
  resource.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN;
  resource.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
  return resource;
}

/**
 * Not encrypted at rest: AWS's own key for SNS does not let CloudWatch alarms publish, and a key of ours costs a dollar a
 * month. What is said here is what the journal says, in transit by TLS only.
 * https://repost.aws/knowledge-center/cloudwatch-receive-sns-for-alarm-trigger
 */
function noticesTopic(stack: Stack, place: Place): sns.CfnTopic {
  const topic = new sns.CfnTopic(stack, 'Notices', { topicName: names.noticesTopic(place.name), displayName: `Shiplock ${place.name}` });
  new sns.CfnTopicPolicy(stack, 'NoticesPolicy', {
    topics: [topic.ref],
    policyDocument: {
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'Alarms',
          Effect: 'Allow',
          Principal: { Service: 'cloudwatch.amazonaws.com' },
          Action: 'sns:Publish',
          Resource: topic.ref,
          Condition: { StringEquals: { 'aws:SourceAccount': place.account } },
        },
        onlyByTls('sns:Publish', topic.ref),
      ],
    },
  });
  return topic;
}

/** A rollback failed: the environment is frozen until a person has intervened. The metric is the one that complete-promotion counts. */
function manualInterventionAlarm(stack: Stack, place: Place, topic: sns.CfnTopic): void {
  new cloudwatch.CfnAlarm(stack, 'NeedsPersonAlarm', {
    alarmName: `${place.name}-manual-intervention`,
    alarmDescription: 'A rollback failed, and its environment is frozen. See shiplock status, mend it, then thaw',
    namespace: 'Shiplock',
    metricName: 'ManualIntervention',
    dimensions: [
      { name: 'service', value: place.name },
      { name: 'step', value: 'complete-promotion' },
    ],
    statistic: 'Sum',
    period: 60,
    evaluationPeriods: 1,
    threshold: 0,
    comparisonOperator: 'GreaterThanThreshold',
    treatMissingData: 'notBreaching',
    alarmActions: [topic.ref],
  });
}

/** A queue that should be empty, and an alarm for when it is not. */
function deadLetters(
  stack: Stack,
  id: string,
  name: string,
  what: string,
  topic: sns.CfnTopic,
  statements: readonly object[],
): sqs.CfnQueue {
  const queue = new sqs.CfnQueue(stack, id, {
    queueName: name,
    sqsManagedSseEnabled: true,
    // The longest there is: a person has to read it.
    messageRetentionPeriod: 14 * 24 * 3600,
  });
  new sqs.CfnQueuePolicy(stack, `${id}Policy`, {
    queues: [queue.ref],
    policyDocument: { Version: '2012-10-17', Statement: [...statements, onlyByTls('sqs:*', queue.attrArn)] },
  });
  new cloudwatch.CfnAlarm(stack, `${id}Alarm`, {
    alarmName: `${name}-not-empty`,
    alarmDescription: `${pascal(id)}: ${what}. Read it in the queue ${name}, then redrive`,
    namespace: 'AWS/SQS',
    metricName: 'ApproximateNumberOfMessagesVisible',
    dimensions: [{ name: 'QueueName', value: queue.attrQueueName }],
    statistic: 'Maximum',
    period: 300,
    evaluationPeriods: 1,
    threshold: 0,
    comparisonOperator: 'GreaterThanThreshold',
    treatMissingData: 'notBreaching',
    alarmActions: [topic.ref],
  });
  return queue;
}

const onlyByTls = (action: string, resource: string) => ({
  Sid: 'OnlyByTls',
  Effect: 'Deny',
  Principal: '*',
  Action: action,
  Resource: resource,
  Condition: { Bool: { 'aws:SecureTransport': 'false' } },
});
