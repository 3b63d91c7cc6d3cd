import { CloudWatchLogsClient, CreateLogGroupCommand, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient, ListTablesCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { CreateRepositoryCommand, DescribeImagesCommand, ECRClient } from '@aws-sdk/client-ecr';
import { CreateConnectionCommand, EventBridgeClient, PutEventsCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { CreateScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import {
  CreateStateMachineAliasCommand,
  ListExecutionsCommand,
  SendTaskFailureCommand,
  SFNClient,
  TagResourceCommand,
} from '@aws-sdk/client-sfn';
import { DeleteMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { describe, expect, it } from 'vitest';
import { clientConfig } from '../../../../local/core/client.ts';
import { VirtualClock } from '../../../../local/core/clock.ts';
import { CLIENTS } from '../../../../local/core/protocols/clients.ts';
import table from '../../../../local/core/protocols/constraints.json' with { type: 'json' };
import { javaExpression } from '../../../../local/core/protocols/constraints.ts';
import { modelOf } from '../../../../local/core/protocols/model.ts';
import type { Shape } from '../../../../local/core/protocols/shape.ts';
import { World } from '../../../../local/core/world.ts';
import { factories } from '../../../../local/services/index.ts';

const account = '111122223333';
const region = 'eu-central-1';
const world = new World(new VirtualClock(Date.parse('2026-11-23T08:00:00Z')), factories, 1);
const config = clientConfig(world, { region, credentials: world.site(account, region).service('iam').root() });

const states = new SFNClient(config);
const events = new EventBridgeClient(config);
const scheduler = new SchedulerClient(config);
const dynamodb = new DynamoDBClient(config);
const logs = new CloudWatchLogsClient(config);
const sqs = new SQSClient(config);
const ecr = new ECRClient(config);
const at = (place: string, value: string, rule: string) => `Value '${value}' at '${place}' failed to satisfy constraint: ${rule}`;
const one = (place: string, value: string, rule: string) => `1 validation error detected: ${at(place, value, rule)}`;
const most = (limit: number, what = 'length') => `Member must have ${what} less than or equal to ${limit}`;
const least = (limit: number, what = 'length') => `Member must have ${what} greater than or equal to ${limit}`;
const pattern = (text: string) => `Member must satisfy regular expression pattern: ${text}`;
const long = (length: number) => 'x'.repeat(length);
const schedule = (more: object) =>
  scheduler.send(
    new CreateScheduleCommand({
      Name: 'nightly',
      ScheduleExpression: 'rate(1 day)',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: { Arn: `arn:aws:sqs:${region}:${account}:q`, RoleArn: `arn:aws:iam::${account}:role/r` },
      ...more,
    }),
  );
const target = (more: object) => ({ Target: { Arn: 'a', RoleArn: `arn:aws:iam::${account}:role/r`, ...more } });

const cases: [what: string, send: () => Promise<unknown>, name: string, message: string][] = [
  [
    'the cause of a failed task',
    () => states.send(new SendTaskFailureCommand({ taskToken: 't', cause: long(32_769) })),
    'ValidationException',
    one('cause', long(32_769), most(32_768)),
  ],
  [
    'the error of a failed task',
    () => states.send(new SendTaskFailureCommand({ taskToken: 't', error: long(257) })),
    'ValidationException',
    one('error', long(257), most(256)),
  ],
  [
    'the size of a page',
    () => states.send(new ListExecutionsCommand({ stateMachineArn: 'arn', maxResults: 1001 })),
    'ValidationException',
    one('maxResults', '1001', most(1000, 'value')),
  ],
  [
    'the name of an alias',
    () =>
      states.send(new CreateStateMachineAliasCommand({ name: '1', routingConfiguration: [{ stateMachineVersionArn: 'a', weight: 101 }] })),
    'ValidationException',
    `2 validation errors detected: ${at('name', '1', pattern('^(?=.*[a-zA-Z_\\-\\.])[a-zA-Z0-9_\\-\\.]+$'))}; ${at('routingConfiguration.1.member.weight', '101', most(100, 'value'))}`,
  ],
  [
    'the key of a tag',
    () => states.send(new TagResourceCommand({ resourceArn: 'a', tags: [{ key: 'ok' }, { key: '' }] })),
    'ValidationException',
    one('tags.2.member.key', '', least(1)),
  ],
  [
    'several constraints of one member, and of others',
    () => events.send(new CreateConnectionCommand({ Name: `a b${long(64)}`, AuthorizationType: 'NONE' as never, AuthParameters: {} })),
    'ValidationException',
    `3 validation errors detected: ${at('name', `a b${long(64)}`, pattern('[\\.\\-_A-Za-z0-9]+'))}; ${at('name', `a b${long(64)}`, most(64))}; ${at('authorizationType', 'NONE', 'Member must satisfy enum value set: [BASIC, OAUTH_CLIENT_CREDENTIALS, API_KEY]')}`,
  ],
  [
    'the members of a list',
    () =>
      events.send(
        new PutTargetsCommand({
          Rule: 'r',
          Targets: [
            { Id: 'a', Arn: 'a' },
            { Id: '!', Arn: '' },
          ],
        }),
      ),
    'ValidationException',
    `2 validation errors detected: ${at('targets.2.member.id', '!', pattern('[\\.\\-_A-Za-z0-9]+'))}; ${at('targets.2.member.arn', '', least(1))}`,
  ],
  [
    'the number of entries',
    () => events.send(new PutEventsCommand({ Entries: [] })),
    'ValidationException',
    one('entries', '[]', least(1)),
  ],
  [
    'the retries of a schedule',
    () => schedule(target({ RetryPolicy: { MaximumRetryAttempts: 186, MaximumEventAgeInSeconds: 59 } })),
    'ValidationException',
    `2 validation errors detected: ${at('target.retryPolicy.maximumEventAgeInSeconds', '59', least(60, 'value'))}; ${at('target.retryPolicy.maximumRetryAttempts', '186', most(185, 'value'))}`,
  ],
  ['the name of a schedule', () => schedule({ Name: 'a b' }), 'ValidationException', one('name', 'a b', pattern('^[0-9a-zA-Z-_.]+$'))],
  [
    'a member that must be there',
    () => dynamodb.send(new PutItemCommand({ TableName: undefined, Item: {} })),
    'ValidationException',
    "1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null",
  ],
  [
    'a page of tables',
    () => dynamodb.send(new ListTablesCommand({ Limit: 0 })),
    'ValidationException',
    one('limit', '0', least(1, 'value')),
  ],
  [
    'the name of a log group',
    () => logs.send(new CreateLogGroupCommand({ logGroupName: 'a b' })),
    'InvalidParameterException',
    one('logGroupName', 'a b', pattern('[\\.\\-_/#A-Za-z0-9]+')),
  ],
  [
    'texts in a list, as a whole',
    () => logs.send(new FilterLogEventsCommand({ logGroupName: 'a', logStreamNames: ['ok', 'a:b'] })),
    'InvalidParameterException',
    one('logStreamNames', '[ok, a:b]', `Member must satisfy constraint: [${most(512)}, ${least(1)}, ${pattern('[^:*]*')}]`),
  ],
  [
    'the number of parameters',
    () => new SSMClient(config).send(new GetParametersCommand({ Names: Array(11).fill('a') })),
    'ValidationException',
    one('names', `[${Array(11).fill('a').join(', ')}]`, most(10)),
  ],
  [
    'the length of a session',
    () =>
      new STSClient(config).send(
        new AssumeRoleCommand({ RoleArn: `arn:aws:iam::${account}:role/r`, RoleSessionName: 's', DurationSeconds: 899 }),
      ),
    'ValidationError',
    `2 validation errors detected: ${at('roleSessionName', 's', least(2))}; ${at('durationSeconds', '899', least(900, 'value'))}`,
  ],
  [
    'the name of a function',
    () => new LambdaClient(config).send(new InvokeCommand({ FunctionName: 'a b' })),
    'ValidationException',
    one(
      'functionName',
      'a b',
      pattern(
        '(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_\\.]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?',
      ),
    ),
  ],
  [
    'the name of a repository, in words of its own',
    () => ecr.send(new CreateRepositoryCommand({ repositoryName: 'Orders' })),
    'InvalidParameterException',
    "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression '(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*''",
  ],
  [
    'a page of images',
    () => ecr.send(new DescribeImagesCommand({ repositoryName: 'orders', maxResults: 1001 })),
    'InvalidParameterException',
    "Invalid parameter at 'maxResults' failed to satisfy constraint: 'must have value less than or equal to 1000'",
  ],
  [
    'what a message needs, in words of its own',
    () => sqs.send(new SendMessageCommand({ QueueUrl: `https://sqs.${region}.amazonaws.com/${account}/q`, MessageBody: undefined })),
    'MissingParameter',
    'The request must contain the parameter MessageBody.',
  ],
  [
    'the handle of a message',
    () => sqs.send(new DeleteMessageCommand({ QueueUrl: `https://sqs.${region}.amazonaws.com/${account}/q`, ReceiptHandle: undefined })),
    'MissingParameter',
    'The request must contain the parameter ReceiptHandle.',
  ],
];

describe('a request is refused for', () => {
  it.each(cases)('%s', async (_, send, name, message) => {
    await expect(send()).rejects.toMatchObject({ name, message });
  });
});

describe('the table of constraints', () => {
  /** `Structure.member` of everything that can be sent to a service. */
  function membersOf(service: string): Set<string> {
    const members = new Set<string>();
    const seen = new Set<Shape>();
    const walk = (shape: Shape): void => {
      if (seen.has(shape)) return;
      seen.add(shape);
      if (shape.kind === 'list') walk(shape.item.shape);
      if (shape.kind === 'map') walk(shape.value.shape);
      if (shape.kind !== 'structure') return;
      for (const [name, member] of shape.members) {
        members.add(`${shape.name}.${name}`);
        walk(member.shape);
      }
    };
    for (const { input } of modelOf(service)!.operations.values()) walk(input);
    return members;
  }

  it('covers every service, and names nothing that its client does not have', () => {
    expect(Object.keys(table).sort()).toEqual(Object.keys(CLIENTS).sort());
    for (const [service, places] of Object.entries(table)) {
      const members = membersOf(service);
      const strange = Object.keys(places).filter((place) => !members.has(place.replace(/[[{].*$/, '')));
      expect([service, strange]).toEqual([service, []]);
    }
  });

  it('holds only patterns that can be read here', () => {
    for (const places of Object.values(table))
      for (const { pattern: text } of Object.values(places as Record<string, { pattern?: string }>))
        if (text !== undefined) javaExpression(text);
    expect(javaExpression('\\p{Print}+').test('a ~')).toBe(true);
    expect(javaExpression('\\p{Print}+').test('é')).toBe(false);
    expect(javaExpression('^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$').test('Größe 1')).toBe(true);
    expect(javaExpression('(?i)all|[0-9]{12}').test('ALL')).toBe(true);
    expect(javaExpression('a|b').test('ab')).toBe(false);
  });
});
