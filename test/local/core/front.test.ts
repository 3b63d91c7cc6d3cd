import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient, PutItemCommand, type TransactionCanceledException, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import { DescribeServicesCommand, ECSClient, ListClustersCommand, UpdateServiceCommand } from '@aws-sdk/client-ecs';
import { DescribeRulesCommand, ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { GetFunctionCommand, InvokeCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { GetScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, it } from 'vitest';
import { type AccessKey, clientConfig } from '../../../local/core/client.ts';
import { VirtualClock } from '../../../local/core/clock.ts';
import { INVOCATION_HEADER, LambdaKilled } from '../../../local/core/faults.ts';
import { modelOf } from '../../../local/core/protocols/model.ts';
import { address } from '../../../local/core/protocols/wire.ts';
import { type Operation, type Service, ServiceError } from '../../../local/core/service.ts';
import { World } from '../../../local/core/world.ts';
import { factories } from '../../../local/services/index.ts';

const account = '111122223333';
const region = 'us-east-1';
const service = 'arn:aws:ecs:us-east-1:111122223333:service/test/orders';

/** What the fake services were asked, and what they answer. */
let asked: Record<string, unknown>[];
let answers: Record<string, unknown>;
let world: World;
let clock: VirtualClock;
let root: AccessKey;

const answering = (operation: string, action?: string, resource = '*'): Operation => ({
  authorize: () => (action === undefined ? [] : [{ action, resource }]),
  handle: (input) => {
    asked.push(input);
    const answer = answers[operation];
    if (answer instanceof Error) throw answer;
    return answer as object;
  },
});

const fake = (operations: Record<string, Operation>) => (): Service => ({ operations });

beforeEach(() => {
  asked = [];
  answers = {};
  clock = new VirtualClock(Date.parse('2026-11-23T08:00:00Z'));
  world = new World(
    clock,
    {
      ...factories,
      ecs: fake({
        UpdateService: answering('UpdateService', 'ecs:UpdateService', service),
        DescribeServices: answering('DescribeServices', 'ecs:DescribeServices', service),
      }),
      dynamodb: fake({ PutItem: answering('PutItem'), TransactWriteItems: answering('TransactWriteItems') }),
      sns: fake({ Publish: answering('Publish') }),
      sqs: fake({ GetQueueUrl: answering('GetQueueUrl') }),
      cloudwatch: fake({ DescribeAlarms: answering('DescribeAlarms') }),
      elasticloadbalancing: fake({ DescribeRules: answering('DescribeRules') }),
      lambda: fake({ Invoke: answering('Invoke'), GetFunction: answering('GetFunction'), ListFunctions: answering('ListFunctions') }),
      scheduler: fake({ GetSchedule: answering('GetSchedule') }),
    },
    7,
  );
  root = world.site(account, region).service('iam').root();
});

const config = (credentials = root) => clientConfig(world, { region, credentials });
const ecs = (credentials = root) => new ECSClient(config(credentials));

describe('the JSON protocols', () => {
  it('carry dates, blobs and nested structures both ways', async () => {
    answers.DescribeServices = {
      services: [{ serviceName: 'orders', createdAt: new Date('2026-11-01T10:00:00.250Z'), deployments: [{ desiredCount: 2 }] }],
    };
    const answer = await ecs().send(new DescribeServicesCommand({ cluster: 'test', services: ['orders'], include: ['TAGS'] }));
    expect(asked).toEqual([{ cluster: 'test', services: ['orders'], include: ['TAGS'] }]);
    expect(answer.services?.[0]).toEqual({
      serviceName: 'orders',
      createdAt: new Date('2026-11-01T10:00:00.250Z'),
      deployments: [{ desiredCount: 2 }],
    });
  });

  it("carry DynamoDB's values, binary too", async () => {
    answers.PutItem = { Attributes: { n: { N: '1.50' }, b: { B: new Uint8Array([1, 2, 255]) }, m: { M: { x: { NULL: true } } } } };
    const item = { pk: { S: 'release#1' }, blob: { B: new Uint8Array([9, 8]) }, list: { L: [{ BOOL: false }] } };
    const answer = await new DynamoDBClient(config()).send(new PutItemCommand({ TableName: 'ledger', Item: item }));
    expect(asked[0]?.Item).toEqual(item);
    expect(answer.Attributes).toEqual(answers.PutItem && (answers.PutItem as { Attributes: object }).Attributes);
  });

  it('carry errors with their further members', async () => {
    answers.TransactWriteItems = new ServiceError('TransactionCanceledException', 'Transaction cancelled', 400, {
      CancellationReasons: [{ Code: 'None' }, { Code: 'ConditionalCheckFailed', Item: { pk: { S: 'x' } } }],
    });
    const error = await new DynamoDBClient(config()).send(new TransactWriteItemsCommand({ TransactItems: [{}] })).catch((caught) => caught);
    expect(error).toMatchObject({ name: 'TransactionCanceledException', message: 'Transaction cancelled' });
    expect((error as TransactionCanceledException).CancellationReasons?.[1]).toEqual({
      Code: 'ConditionalCheckFailed',
      Item: { pk: { S: 'x' } },
    });
  });

  it('name errors of former query services in both ways', async () => {
    answers.GetQueueUrl = new ServiceError('QueueDoesNotExist', 'The specified queue does not exist.');
    const error = await new SQSClient(config()).send(new GetQueueUrlCommand({ QueueName: 'gone' })).catch((caught) => caught);
    expect(error).toMatchObject({ name: 'QueueDoesNotExist', Code: 'AWS.SimpleQueueService.NonExistentQueue' });
  });

  it('reach CloudWatch under its own host and signing name', async () => {
    answers.DescribeAlarms = { MetricAlarms: [{ AlarmName: 'errors', StateValue: 'ALARM', Threshold: 1.5 }] };
    const answer = await new CloudWatchClient(config()).send(new DescribeAlarmsCommand({ AlarmNames: ['errors'] }));
    expect(answer.MetricAlarms).toEqual([{ AlarmName: 'errors', StateValue: 'ALARM', Threshold: 1.5 }]);
  });
});

describe('the query protocol', () => {
  it('tells the classic load balancers, which have the same address, from the newer ones by their version', () => {
    const request = (version: string) => ({
      method: 'POST',
      host: 'elasticloadbalancing.eu-central-1.amazonaws.com',
      path: '/',
      query: '',
      headers: {},
      body: new TextEncoder().encode(`Action=DescribeLoadBalancers&Version=${version}`),
    });
    const model = modelOf('elasticloadbalancing')!;
    expect(address(model, request('2015-12-01')).operation.name).toBe('DescribeLoadBalancers');
    expect(() => address(model, request('2012-06-01'))).toThrow('elasticloadbalancing in the version 2012-06-01; 2015-12-01 is here');
  });

  it('carries maps with renamed keys, and text that XML must escape', async () => {
    answers.Publish = { MessageId: 'a<b>&"c' };
    const attributes = {
      kind: { DataType: 'String', StringValue: 'a&b=c' },
      raw: { DataType: 'Binary', BinaryValue: new Uint8Array([7, 7]) },
    };
    const answer = await new SNSClient(config()).send(
      new PublishCommand({ TopicArn: 'arn:t', Message: 'ä < ö\nü', MessageAttributes: attributes }),
    );
    expect(asked).toEqual([{ TopicArn: 'arn:t', Message: 'ä < ö\nü', MessageAttributes: attributes }]);
    expect(answer.MessageId).toBe('a<b>&"c');
  });

  it('carries lists of structures, numbers, booleans and dates', async () => {
    const rules = [
      {
        RuleArn: 'arn:rule',
        Priority: '10',
        IsDefault: false,
        Conditions: [{ Field: 'path-pattern', PathPatternConfig: { Values: ['/orders/*', '/v2'] } }],
        Actions: [{ Type: 'forward', Order: 1, ForwardConfig: { TargetGroups: [{ TargetGroupArn: 'arn:tg', Weight: 100 }] } }],
      },
    ];
    answers.DescribeRules = { Rules: rules };
    const answer = await new ElasticLoadBalancingV2Client(config()).send(
      new DescribeRulesCommand({ ListenerArn: 'arn:l', RuleArns: ['a', 'b'] }),
    );
    expect(asked).toEqual([{ ListenerArn: 'arn:l', RuleArns: ['a', 'b'] }]);
    expect(answer.Rules).toEqual(rules);
  });

  it("gives the error its code of the query protocol and the client's type", async () => {
    answers.DescribeRules = new ServiceError('ListenerNotFoundException', "One or more listeners not found: 'arn:l'");
    const error = await new ElasticLoadBalancingV2Client(config())
      .send(new DescribeRulesCommand({ ListenerArn: 'arn:l' }))
      .catch((caught) => caught);
    expect(error).toMatchObject({ name: 'ListenerNotFoundException', message: "One or more listeners not found: 'arn:l'" });
  });
});

describe('the REST protocol', () => {
  it('carries a payload as it is, and labels, headers and status beside it', async () => {
    answers.Invoke = {
      StatusCode: 200,
      FunctionError: 'Unhandled',
      ExecutedVersion: '$LATEST',
      Payload: new TextEncoder().encode('{"errorType":"Error"}'),
    };
    const FunctionName = 'arn:aws:lambda:us-east-1:111122223333:function:admit:live';
    const answer = await new LambdaClient(config()).send(
      new InvokeCommand({ FunctionName, InvocationType: 'RequestResponse', Payload: new TextEncoder().encode('{"a":1}') }),
    );
    expect(asked[0]).toMatchObject({ FunctionName, InvocationType: 'RequestResponse' });
    expect(new TextDecoder().decode(asked[0]?.Payload as Uint8Array)).toBe('{"a":1}');
    expect(answer).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled', ExecutedVersion: '$LATEST' });
    expect(answer.Payload?.transformToString()).toBe('{"errorType":"Error"}');
  });

  it('tells a list from one of its members by the path', async () => {
    answers.ListFunctions = { Functions: [{ FunctionName: 'admit', MemorySize: 256 }] };
    answers.GetFunction = { Configuration: { FunctionName: 'admit' }, Tags: { team: 'lock' } };
    const lambda = new LambdaClient(config());
    expect((await lambda.send(new ListFunctionsCommand({ MaxItems: 5 }))).Functions).toEqual([{ FunctionName: 'admit', MemorySize: 256 }]);
    expect((await lambda.send(new GetFunctionCommand({ FunctionName: 'admit', Qualifier: '3' }))).Tags).toEqual({ team: 'lock' });
    expect(asked).toEqual([{ MaxItems: 5 }, { FunctionName: 'admit', Qualifier: '3' }]);
  });

  it('carries dates as numbers in the body and errors in a header', async () => {
    answers.GetSchedule = { Name: 'night', StartDate: new Date('2026-12-01T00:00:00Z') };
    const scheduler = new SchedulerClient(config());
    expect((await scheduler.send(new GetScheduleCommand({ Name: 'night', GroupName: 'a_b' }))).StartDate).toEqual(
      new Date('2026-12-01T00:00:00Z'),
    );
    expect(asked).toEqual([{ Name: 'night', GroupName: 'a_b' }]);
    answers.GetSchedule = new ServiceError('ResourceNotFoundException', 'Schedule night does not exist.', 404);
    await expect(scheduler.send(new GetScheduleCommand({ Name: 'night' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Schedule night does not exist.',
    });
  });
});

describe('the check against the schema', () => {
  it('refuses a value that the constant of the client does not list', async () => {
    const call = ecs().send(new DescribeServicesCommand({ services: ['orders'], include: ['TASKS' as never] }));
    await expect(call).rejects.toMatchObject({
      name: 'InvalidParameterException',
      message:
        "1 validation error detected: Value '[TASKS]' at 'include' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [TAGS]]",
    });
    expect(asked).toEqual([]);
  });

  it('refuses a missing required member', async () => {
    await expect(ecs().send(new UpdateServiceCommand({ cluster: 'test' } as never))).rejects.toMatchObject({
      name: 'InvalidParameterException',
      message: expect.stringContaining("Value null at 'service'"),
    });
  });

  it('names the unknown member and the wrong type of a call without the wire', async () => {
    const site = world.site(account, region);
    const principal = site.service('iam').rootPrincipal();
    await expect(site.call(principal, 'ecs', 'UpdateService', { service: 'orders', desiredCout: 1 })).rejects.toMatchObject({
      code: 'SerializationException',
      message: 'UpdateService: desiredCout: unknown member "desiredCout" of UpdateServiceRequest',
    });
    await expect(site.call(principal, 'ecs', 'UpdateService', { service: 'orders', desiredCount: '1' })).rejects.toMatchObject({
      message: 'UpdateService: desiredCount: expected a number, got the string "1"',
    });
  });

  it('refuses unknown members on the wire, and for outside tools ignores them if asked to', async () => {
    const send = async () => {
      const client = ecs();
      client.middlewareStack.add(
        (next) => (args) => {
          const request = args.request as { body: string; headers: Record<string, string> };
          request.body = '{"service":"orders","colour":"red"}';
          request.headers['content-length'] = String(request.body.length);
          return next(args);
        },
        { step: 'build' },
      );
      return client.send(new UpdateServiceCommand({ service: 'orders' }));
    };
    answers.UpdateService = {};
    await expect(send()).rejects.toMatchObject({ name: 'SerializationException', message: expect.stringContaining('"colour"') });
    world.lenient = true;
    await send();
    expect(asked).toEqual([{ service: 'orders' }]);
  });

  it('calls an answer that does not fit a bug of local AWS, and no client tries again', async () => {
    answers.UpdateService = { service: { desiredCount: 'two' } };
    const client = new ECSClient({ ...config(), maxAttempts: 3 });
    await expect(client.send(new UpdateServiceCommand({ service: 'orders' }))).rejects.toMatchObject({
      name: 'LocalAwsBug',
      message: expect.stringContaining(
        'ecs.UpdateService does not fit its schema: service.desiredCount: expected a number, got the string "two"',
      ),
    });
    expect(asked).toHaveLength(1);
  });
});

describe('what is not there', () => {
  it('answers an operation that is not implemented with its name, never with a success', async () => {
    const error = await ecs()
      .send(new ListClustersCommand({}))
      .catch((caught) => caught);
    expect(error).toMatchObject({ name: 'NotImplemented', message: 'not implemented on local AWS: ecs.ListClusters' });
    expect(error.$metadata.httpStatusCode).toBe(501);
  });

  it('does not know hosts that are no AWS endpoint', async () => {
    const request = { method: 'GET', host: 'example.com', path: '/', query: '', headers: {}, body: new Uint8Array() };
    await expect(world.http(request)).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });
});

describe('the way of a call', () => {
  const mayDescribe = {
    describe: { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 'ecs:Describe*', Resource: '*' } },
  } as const;

  it('refuses what IAM does not allow, before the effect, and counts it', async () => {
    const iam = world.site(account, region).service('iam');
    const user = iam.user('reader', mayDescribe);
    await expect(ecs(user).send(new UpdateServiceCommand({ service: 'orders' }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: `User: ${user.arn} is not authorized to perform: ecs:UpdateService on resource: ${service} because no identity-based policy allows the ecs:UpdateService action`,
    });
    expect(asked).toEqual([]);
    expect(world.meter.total('call', { operation: 'UpdateService', caller: 'reader', outcome: 'AccessDeniedException' })).toBe(1);
  });

  it('throttles by the documented bucket once limits are on, and counts it', async () => {
    answers.UpdateService = {};
    world.throttles.enable();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 52 }, () => ecs().send(new UpdateServiceCommand({ service: 'orders' }))),
    );
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(2);
    expect(outcomes[51]).toMatchObject({ reason: { name: 'ThrottlingException', message: 'Rate exceeded' } });
    expect(world.meter.calls()).toEqual({ 'ecs:UpdateService': 52 });
  });

  it('loses the answer after the effect', async () => {
    answers.UpdateService = {};
    world.faults.add({ kind: 'timeout-after', match: { operation: 'UpdateService' }, nth: 2 });
    const client = new ECSClient({ ...config(), maxAttempts: 1 });
    await client.send(new UpdateServiceCommand({ service: 'orders' }));
    await expect(client.send(new UpdateServiceCommand({ service: 'orders' }))).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(asked).toHaveLength(2);
  });

  it.each([
    ['throttle', { name: 'TooManyRequestsException', message: 'Rate exceeded' }],
    ['error-500', { name: 'ServiceException', $metadata: { httpStatusCode: 500 } }],
    ['timeout-before', { code: 'ETIMEDOUT' }],
  ] as const)('fails before the effect with %s, in the words of the service', async (kind, failure) => {
    world.faults.add({ kind, match: { service: 'lambda' } });
    await expect(new LambdaClient(config()).send(new ListFunctionsCommand({}))).rejects.toMatchObject(failure);
    expect(asked).toEqual([]);
  });

  it('kills only a Lambda, at the call that was named', async () => {
    answers.UpdateService = {};
    world.faults.record();
    world.faults.add({ kind: 'kill-after', match: { operation: 'UpdateService' } });
    await ecs().send(new UpdateServiceCommand({ service: 'orders' }));
    const client = ecs();
    client.middlewareStack.add(
      (next) => (args) => {
        (args.request as { headers: Record<string, string> }).headers[INVOCATION_HEADER] = 'req-1';
        return next(args);
      },
      { step: 'finalizeRequest', priority: 'low' },
    );
    const killed = await client.send(new UpdateServiceCommand({ service: 'orders' })).catch((caught) => caught);
    expect(killed).toBeInstanceOf(LambdaKilled);
    expect(killed).toMatchObject({ invocation: 'req-1' });
    expect(asked).toHaveLength(2);
    expect(world.faults.calls.map(({ operation, caller, invocation }) => ({ operation, caller, invocation }))).toEqual([
      { operation: 'UpdateService', caller: 'root', invocation: undefined },
      { operation: 'UpdateService', caller: 'root', invocation: 'req-1' },
    ]);
  });
});
