import {
  AddPermissionCommand,
  CreateAliasCommand,
  GetFunctionCommand,
  GetFunctionConfigurationCommand,
  GetPolicyCommand,
  InvokeCommand,
  LambdaClient,
  ListFunctionsCommand,
  ListVersionsByFunctionCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Listener, tell } from '../../../local/core/bound.ts';
import { clientConfig } from '../../../local/core/client.ts';
import { VirtualClock } from '../../../local/core/clock.ts';
import { identities } from '../../../local/core/iam/identities.ts';
import type { Service } from '../../../local/core/service.ts';
import { World } from '../../../local/core/world.ts';
import { Events } from '../../../local/services/events/index.ts';
import { Lambda } from '../../../local/services/lambda/index.ts';
import { bundled, written } from '../runtime/bundles.ts';
import { allows, Double, Logs, queues, trusts } from './double.ts';

const account = '111111111111';
const region = 'eu-central-1';
const start = Date.UTC(2026, 10, 2, 9, 0, 0);
const arn = `arn:aws:lambda:${region}:${account}:function:orders`;
const dead = `arn:aws:sqs:${region}:${account}:dead`;

/** A table service that has records when the test says so. */
class Streams implements Service {
  readonly operations = {};
  private readonly listeners = new Set<Listener<[records: readonly object[]]>>();
  private count = 0;

  private readonly kept: object[] = [];

  onRecord(_streamArn: string, listener: Listener<[records: readonly object[]]>): void {
    this.listeners.add(listener);
  }

  offRecord(_streamArn: string, listener: Listener<[records: readonly object[]]>): void {
    this.listeners.delete(listener);
  }

  records(): readonly object[] {
    return this.kept;
  }

  write(...images: Record<string, unknown>[]): void {
    const records = images.map((NewImage) => ({
      eventID: String(++this.count),
      eventName: 'INSERT',
      dynamodb: { NewImage, SequenceNumber: String(this.count).padStart(5, '0'), ApproximateCreationDateTime: start / 1000 },
    }));
    this.kept.push(...records);
    for (const listener of this.listeners) tell(listener, records);
  }
}

function build(path: string, settings: Partial<Parameters<Lambda['create']>[1]> = {}, sqs = queues()) {
  const clock = new VirtualClock(start);
  const logs = new Logs();
  const streams = new Streams();
  const world = new World(clock, {
    lambda: (site) => new Lambda(site),
    events: (site) => new Events(site),
    sqs: () => sqs,
    logs: () => logs,
    dynamodb: () => streams,
  });
  const iam = identities(world, account);
  const role = iam.createRole({ name: 'orders', trust: trusts('lambda.amazonaws.com') });
  role.inline.set('logs', allows(['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents']));
  const site = world.site(account, region);
  const lambda = site.service('lambda');
  const owner = lambda.create('orders', { code: path, handler: 'index.handler', runtime: 'nodejs24.x', role: role.arn, ...settings });
  const client = new LambdaClient(clientConfig(world, { region, credentials: iam.user('admin', { all: allows('*') }) }));
  /** Sends and lets virtual time run until the answer is there. */
  const during = async <T>(work: Promise<T>): Promise<T> => {
    let over = false;
    const ends = work.finally(() => {
      over = true;
    });
    ends.catch(() => {});
    await clock.run({ done: () => over });
    return ends;
  };
  const invoke = async (event: unknown = {}, more: Partial<ConstructorParameters<typeof InvokeCommand>[0]> = {}) => {
    const sent = client.send(
      new InvokeCommand({ FunctionName: 'orders', Payload: new TextEncoder().encode(JSON.stringify(event)), ...more }),
    );
    const { Payload, ...rest } = await during(sent);
    const text = Payload ? new TextDecoder().decode(Payload) : '';
    return { ...rest, payload: text === '' ? undefined : JSON.parse(text) };
  };
  const pass = (milliseconds: number) => clock.run({ until: clock.now() + milliseconds });
  return { clock, world, site, iam, role, lambda, owner, client, sqs, logs, streams, invoke, during, pass };
}

describe('a function', () => {
  let sender: string;
  beforeAll(async () => {
    sender = await bundled(`
      import { SQSClient, SendMessageCommand } from '@aws-sdk/client-sqs';
      const sqs = new SQSClient({});
      export const handler = async (event, context) => {
        console.log('sending', event.n);
        try {
          await sqs.send(new SendMessageCommand({ QueueUrl: process.env.QUEUE, MessageBody: String(event.n) }));
          return { sent: event.n, stage: process.env.STAGE, name: context.functionName };
        } catch (error) {
          return { refused: error.name, message: error.message };
        }
      };`);
  });
  const variables = { STAGE: 'live', QUEUE: `https://sqs.${region}.amazonaws.com/${account}/work` };

  it('calls AWS with the rights of its role, and no others', async () => {
    const { invoke, role, sqs } = build(sender, { variables });
    const refused = await invoke({ n: 1 });
    expect(refused.payload.message).toMatch(/assumed-role\/orders\/orders is not authorized to perform: sqs:SendMessage/);
    role.inline.set('send', allows('sqs:SendMessage', `arn:aws:sqs:${region}:${account}:work`));
    expect(await invoke({ n: 2 })).toMatchObject({
      StatusCode: 200,
      ExecutedVersion: '$LATEST',
      payload: { sent: 2, stage: 'live', name: 'orders' },
    });
    expect(sqs.calls.map(({ input }) => input.MessageBody)).toEqual(['2']);
    expect(sqs.calls[0]!.principal.roleArn).toBe(role.arn);
  });

  it('is ended by a kill fault before or after a call, and the next invocation starts afresh', async () => {
    const { invoke, role, sqs, world } = build(sender, { variables });
    role.inline.set('send', allows('sqs:SendMessage'));
    for (const kind of ['kill-before', 'kill-after'] as const) {
      world.faults.add({ kind, match: { service: 'sqs' } });
      const killed = await invoke({ n: kind });
      expect(killed).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled', payload: { errorType: 'Runtime.ExitError' } });
      expect(killed.payload.errorMessage).toMatch(/Error: Runtime exited without providing a reason$/);
      world.faults.clear();
    }
    expect(sqs.calls.map(({ input }) => input.MessageBody)).toEqual(['kill-after']);
    expect(await invoke({ n: 3 })).toMatchObject({ payload: { sent: 3 } });
    expect(world.meter.total('lambda.cold-start')).toBe(3);
  });

  it('writes its log where its role may, and bills what it declares', async () => {
    const { invoke, logs, role, world } = build(sender, { variables, memory: 512 });
    role.inline.set('send', allows('sqs:SendMessage'));
    await invoke({ n: 1 });
    expect(logs.groups).toEqual(new Set(['/aws/lambda/orders']));
    expect(logs.lines.map((line) => line.split(/[ \t]/)[0])).toEqual(['INIT_START', 'START', '2026-11-02T09:00:00.000Z', 'END', 'REPORT']);
    expect(logs.lines[2]).toMatch(/\tINFO\tsending 1$/);
    expect(logs.lines[4]).toMatch(/Duration: 17\.00 ms\tBilled Duration: 267 ms\tMemory Size: 512 MB/);
    expect(world.meter.total('lambda.gb-second', { function: 'orders' })).toBeCloseTo(0.267 / 2);
    role.inline.delete('logs');
    const silent = build(sender, { variables });
    silent.role.inline.delete('logs');
    await silent.invoke({ n: 1 });
    expect(silent.logs.lines).toEqual([]);
  });
});

const counter =
  'let n = 0; const born = Math.random(); exports.handler = async (event) => { if (event.wait) await new Promise((r) => setTimeout(r, event.wait)); return { n: ++n, born }; };';

describe('execution environments', () => {
  it('are used again while warm, multiplied by concurrency, and retired when idle or old', async () => {
    const { invoke, pass, clock, client, during, world } = build(written(counter));
    const first = await invoke();
    expect((await invoke()).payload).toEqual({ n: 2, born: first.payload.born });
    const both = await during(
      Promise.all(
        [1, 2].map(() => client.send(new InvokeCommand({ FunctionName: 'orders', Payload: new TextEncoder().encode('{"wait":1000}') }))),
      ),
    );
    const born = both.map(({ Payload }) => JSON.parse(new TextDecoder().decode(Payload)).born);
    expect(new Set(born).size).toBe(2);
    expect(clock.now()).toBe(start + 1_000);
    expect(world.meter.total('lambda.cold-start')).toBe(2);
    await pass(11 * 60_000);
    expect((await invoke()).payload.n).toBe(1);
    for (let minute = 0; minute < 150; minute += 5) {
      await pass(5 * 60_000);
      await invoke();
    }
    expect(world.meter.total('lambda.cold-start')).toBe(4);
  });

  it('give way to new code and configuration', async () => {
    const { invoke, client } = build(written('exports.handler = async () => process.env.STAGE ?? null;'), { variables: { STAGE: 'a' } });
    expect((await invoke()).payload).toBe('a');
    await client.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'orders', Environment: { Variables: { STAGE: 'b' } } }));
    expect((await invoke()).payload).toBe('b');
  });

  it('end with a time-out and say so', async () => {
    const { invoke, logs, clock } = build(written(counter), { timeout: 3 });
    const late = await invoke({ wait: 60_000 });
    expect(late).toMatchObject({
      FunctionError: 'Unhandled',
      payload: { errorType: 'Sandbox.Timedout', errorMessage: expect.stringMatching(/Task timed out after 3\.00 seconds$/) },
    });
    expect(clock.now()).toBe(start + 3_000);
    expect(logs.lines.some((line) => line.endsWith('Task timed out after 3.00 seconds'))).toBe(true);
    expect((await invoke()).payload.n).toBe(1);
  });
});

describe('versions', () => {
  it('keep the code and configuration of the moment they were published', async () => {
    const { invoke, client, lambda, owner } = build(written('exports.handler = async () => ["one", process.env.STAGE];'), {
      variables: { STAGE: 'a' },
    });
    expect(await client.send(new PublishVersionCommand({ FunctionName: 'orders' }))).toMatchObject({
      Version: '1',
      FunctionArn: `${arn}:1`,
    });
    expect((await client.send(new PublishVersionCommand({ FunctionName: 'orders' }))).Version).toBe('1');
    lambda.update(owner, { code: written('exports.handler = async () => ["two", process.env.STAGE];'), variables: { STAGE: 'b' } });
    expect((await client.send(new PublishVersionCommand({ FunctionName: 'orders' }))).Version).toBe('2');
    await client.send(new CreateAliasCommand({ FunctionName: 'orders', Name: 'live', FunctionVersion: '1' }));
    expect((await invoke()).payload).toEqual(['two', 'b']);
    expect(await invoke({}, { Qualifier: '1' })).toMatchObject({ ExecutedVersion: '1', payload: ['one', 'a'] });
    expect(await invoke({}, { FunctionName: `${arn}:live` })).toMatchObject({ ExecutedVersion: '1', payload: ['one', 'a'] });
    await expect(invoke({}, { Qualifier: '9' })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: `Function not found: ${arn}:9`,
    });
    const { Versions } = await client.send(new ListVersionsByFunctionCommand({ FunctionName: 'orders' }));
    expect(Versions!.map(({ Version }) => Version)).toEqual(['$LATEST', '1', '2']);
  });
});

describe('invocations', () => {
  const failing = `exports.handler = async (event) => { console.log('try'); if (event.fail) throw new TypeError('no ' + event.fail); return { done: event }; };`;

  it('give the error of a handler as payload', async () => {
    const { invoke } = build(written(failing));
    expect(await invoke({ fail: 'luck' })).toMatchObject({
      StatusCode: 200,
      FunctionError: 'Unhandled',
      payload: { errorType: 'TypeError', errorMessage: 'no luck' },
    });
    expect(await invoke({ ok: 1 })).toMatchObject({ payload: { done: { ok: 1 } } });
  });

  it('are refused when too large, when no JSON, when there is no such function, and where nobody allows them', async () => {
    const { invoke, client, iam, world } = build(written(failing));
    await expect(invoke('x'.repeat(6_291_456))).rejects.toMatchObject({ name: 'RequestTooLargeException' });
    await expect(client.send(new InvokeCommand({ FunctionName: 'orders', Payload: new TextEncoder().encode('{') }))).rejects.toMatchObject({
      name: 'InvalidRequestContentException',
    });
    await expect(invoke({}, { FunctionName: 'other' })).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    const other = new LambdaClient(clientConfig(world, { region, credentials: iam.user('nobody') }));
    await expect(other.send(new InvokeCommand({ FunctionName: 'orders' }))).rejects.toMatchObject({ name: 'AccessDeniedException' });
    expect((await invoke({}, { InvocationType: 'DryRun' })).StatusCode).toBe(204);
  });

  it('are throttled beyond the reserved concurrency', async () => {
    const { client, during } = build(written(counter));
    await client.send(new PutFunctionConcurrencyCommand({ FunctionName: 'orders', ReservedConcurrentExecutions: 1 }));
    const one = () => client.send(new InvokeCommand({ FunctionName: 'orders', Payload: new TextEncoder().encode('{"wait":1000}') }));
    const outcomes = await during(Promise.allSettled([one(), one()]));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect((outcomes[1] as PromiseRejectedResult).reason).toMatchObject({
      name: 'TooManyRequestsException',
      Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
    });
    expect(await during(one())).toMatchObject({ StatusCode: 200 });
  });

  it('of type Event are tried three times, then go to the destination and the dead-letter queue', async () => {
    const { invoke, clock, role, sqs, owner, logs } = build(written(failing), { deadLetterArn: dead });
    role.inline.set('send', allows('sqs:SendMessage'));
    owner.eventInvoke.set('$LATEST', {
      maximumRetryAttempts: 2,
      maximumEventAgeInSeconds: 3_600,
      onFailure: `${dead}-letters`,
      onSuccess: `${dead}-done`,
    });
    expect(await invoke({ fail: 'luck' }, { InvocationType: 'Event' })).toMatchObject({ StatusCode: 202, payload: undefined });
    await clock.run();
    expect(logs.lines.filter((line) => line.endsWith('try'))).toHaveLength(3);
    expect(clock.now() - start).toBeGreaterThan(180_000);
    expect(sqs.calls.map(({ input }) => input.QueueUrl.split('/').pop())).toEqual(['dead-letters', 'dead']);
    expect(JSON.parse(sqs.calls[0]!.input.MessageBody)).toMatchObject({
      requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 3, functionArn: arn },
      requestPayload: { fail: 'luck' },
      responseContext: { functionError: 'Unhandled' },
      responsePayload: { errorMessage: 'no luck' },
    });
    expect(sqs.calls[1]!.input).toMatchObject({
      MessageBody: '{"fail":"luck"}',
      MessageAttributes: { ErrorMessage: { StringValue: 'no luck' } },
    });
    await invoke({ ok: 1 }, { InvocationType: 'Event' });
    await clock.run();
    expect(JSON.parse(sqs.calls[2]!.input.MessageBody)).toMatchObject({
      requestContext: { condition: 'Success' },
      responsePayload: { done: { ok: 1 } },
    });
  });

  it('come from rules that the function permits', async () => {
    const { site, client, clock, logs } = build(written(failing));
    const events = site.service('events');
    const rule = events.putRule({ Name: 'push', EventPattern: '{"source":["aws.ecr"]}' });
    rule.putTargets([{ Id: 'f', Arn: arn }]);
    events.publish({ source: 'aws.ecr', 'detail-type': 'x', detail: {} });
    await clock.run();
    expect(logs.lines).toEqual([]);
    const permission = {
      FunctionName: 'orders',
      StatementId: 'push',
      Action: 'lambda:InvokeFunction',
      Principal: 'events.amazonaws.com',
      SourceArn: rule.arn,
    };
    await client.send(new AddPermissionCommand(permission));
    expect(JSON.parse((await client.send(new GetPolicyCommand({ FunctionName: 'orders' }))).Policy!).Statement).toEqual([
      {
        Sid: 'push',
        Effect: 'Allow',
        Principal: { Service: 'events.amazonaws.com' },
        Action: 'lambda:InvokeFunction',
        Resource: arn,
        Condition: { ArnLike: { 'AWS:SourceArn': rule.arn } },
      },
    ]);
    events.publish({ source: 'aws.ecr', 'detail-type': 'x', detail: {} });
    await clock.run();
    expect(logs.lines.filter((line) => line.endsWith('try'))).toHaveLength(1);
  });

  it('of services among themselves give the parsed payload', async () => {
    const { lambda, during } = build(written(failing));
    expect(await during(lambda.invoke(arn, { a: 1 }))).toEqual({ payload: { done: { a: 1 } }, executedVersion: '$LATEST' });
    expect(await during(lambda.invoke('orders', { fail: 'x' }))).toMatchObject({
      functionError: 'Unhandled',
      payload: { errorType: 'TypeError' },
    });
  });
});

describe('function URLs', () => {
  const echo = `exports.handler = async (event) => event.rawPath === '/plain' ? { hello: 1 } : { statusCode: 201, headers: { 'X-Seen': event.requestContext.http.method }, body: JSON.stringify({ caller: event.requestContext.authorizer?.iam, query: event.queryStringParameters, body: event.body, base64: event.isBase64Encoded, token: event.headers['x-amz-security-token'] }) };`;

  const request = (
    host: string,
    path: string,
    {
      query = '',
      method = 'GET',
      body = '',
      headers = {},
    }: { query?: string; method?: string; body?: string; headers?: Record<string, string> } = {},
  ) => ({
    method,
    host,
    path,
    query,
    headers: { host, ...headers },
    body: new TextEncoder().encode(body),
  });

  it('know the caller by signature and ask for both permissions', async () => {
    const { lambda, owner, iam, world, during } = build(written(echo));
    const { host } = lambda.urls.create(owner, undefined, 'AWS_IAM');
    const key = iam.user('approver');
    const send = async () => {
      const signer = new SignatureV4({ credentials: key, region, service: 'lambda', sha256: Sha256 as never });
      const plain = {
        method: 'POST',
        protocol: 'https:',
        hostname: host,
        path: '/approve',
        query: { a: '1', b: 'x y' },
        headers: { host, 'content-type': 'application/json' },
        body: '{"yes":true}',
      };
      const signed = await signer.sign(plain, { signingDate: new Date(world.clock.now()) });
      const headers = Object.fromEntries(Object.entries(signed.headers).map(([name, value]) => [name.toLowerCase(), value]));
      return during(world.http(request(host, '/approve', { method: 'POST', query: 'a=1&b=x%20y', body: '{"yes":true}', headers })));
    };
    expect((await send()).status).toBe(403);
    const user = iam.users.get(key.arn)!;
    user.inline.set('url', allows('lambda:InvokeFunctionUrl', arn));
    expect((await send()).status).toBe(403);
    user.inline.set('url', allows(['lambda:InvokeFunctionUrl', 'lambda:InvokeFunction'], arn));
    const answer = await send();
    expect(answer).toMatchObject({ status: 201, headers: { 'x-seen': 'POST' } });
    expect(JSON.parse(new TextDecoder().decode(answer.body))).toEqual({
      caller: {
        accessKey: key.accessKeyId,
        accountId: account,
        callerId: user.id,
        cognitoIdentity: null,
        principalOrgId: null,
        userArn: key.arn,
        userId: user.id,
      },
      query: { a: '1', b: 'x y' },
      body: '{"yes":true}',
      base64: false,
    });
  });

  it('refuse the unsigned, unless they are open to all by type and policy', async () => {
    const { lambda, owner, world, during, client } = build(written(echo));
    const { host } = lambda.urls.create(owner, undefined, 'AWS_IAM');
    expect((await during(world.http(request(host, '/plain')))).status).toBe(403);
    lambda.urls.create(owner, undefined, 'NONE');
    expect((await during(world.http(request(host, '/plain')))).status).toBe(403);
    const open = { FunctionName: 'orders', Principal: '*', FunctionUrlAuthType: 'NONE' as const };
    await client.send(new AddPermissionCommand({ ...open, StatementId: 'url', Action: 'lambda:InvokeFunctionUrl' }));
    const invoke = { FunctionName: 'orders', Principal: '*', InvokedViaFunctionUrl: true };
    await client.send(new AddPermissionCommand({ ...invoke, StatementId: 'invoke', Action: 'lambda:InvokeFunction' }));
    const answer = await during(world.http(request(host, '/plain')));
    expect([answer.status, new TextDecoder().decode(answer.body)]).toEqual([200, '{"hello":1}']);
  });
});

describe('streams of tables', () => {
  const reader = `let seen = []; exports.handler = async (event) => { const ns = event.Records.map((r) => Number(r.dynamodb.NewImage.n.N)); if (ns.some((n) => n === 13)) throw new Error('unlucky'); seen.push(ns); console.log('seen ' + JSON.stringify(seen)); };`;
  const stream = `arn:aws:dynamodb:${region}:${account}:table/journal/stream/2026-11-02T09:00:00.000`;
  const images = (...numbers: number[]) => numbers.map((n) => ({ n: { N: String(n) }, kind: { S: n % 2 ? 'odd' : 'even' } }));
  const properties = { FunctionName: arn, EventSourceArn: stream, StartingPosition: 'TRIM_HORIZON' };
  const context = (site: ReturnType<typeof build>['site']) => ({
    site,
    stackName: 's',
    logicalId: 'M',
    generatedName: 's-M-1',
    asset: () => '',
  });
  const reads = allows(['dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:DescribeStream', 'dynamodb:ListStreams']);
  const seen = (logs: Logs) =>
    logs.lines
      .filter((line) => line.includes('seen '))
      .map((line) => JSON.parse(line.split('seen ')[1]!))
      .at(-1) ?? [];

  it('are read in batches, in order, as far as the filter lets them through', async () => {
    const { lambda, site, streams, clock, logs, role } = build(written(reader));
    const FilterCriteria = {
      Filters: [{ Pattern: JSON.stringify({ eventName: ['INSERT'], dynamodb: { NewImage: { kind: { S: ['odd'] } } } }) }],
    };
    const type = lambda.resources['AWS::Lambda::EventSourceMapping']!;
    expect(() => type.create(properties, context(site))).toThrow(
      /^Cannot access stream arn:.*Please ensure the role can perform the GetRecords/,
    );
    role.inline.set('read', reads);
    streams.write(...images(1, 2));
    const made = await type.create({ ...properties, BatchSize: 4, FilterCriteria }, context(site));
    streams.write(...images(3, 4, 5, 6, 7));
    await clock.run();
    expect(seen(logs)).toEqual([
      [1, 3],
      [5, 7],
    ]);
    await type.delete!(made, context(site));
    streams.write(...images(9));
    await clock.run();
    expect(seen(logs)).toHaveLength(2);
  });

  it('are split at a bad record, which goes to the destination after its retries', async () => {
    const { lambda, site, streams, clock, logs, role, sqs } = build(written(reader));
    role.inline.set('send', allows('sqs:SendMessage'));
    role.inline.set('read', reads);
    await lambda.resources['AWS::Lambda::EventSourceMapping']!.create(
      { ...properties, BisectBatchOnFunctionError: true, MaximumRetryAttempts: 3, DestinationConfig: { OnFailure: { Destination: dead } } },
      context(site),
    );
    streams.write(...images(1, 13, 3, 4));
    streams.write(...images(5));
    await clock.run();
    expect(seen(logs)).toEqual([[1], [3], [4, 5]]);
    expect(sqs.calls).toHaveLength(1);
    expect(JSON.parse(sqs.calls[0]!.input.MessageBody)).toMatchObject({
      requestContext: { condition: 'RetryAttemptsExhausted', functionArn: arn },
      DDBStreamBatchInfo: { startSequenceNumber: '00002', endSequenceNumber: '00002', batchSize: 1, streamArn: stream },
    });
  });
});

describe('queues', () => {
  it('are read by long polling, and keep what the function could not deal with', async () => {
    let waiting = ['a', 'bad', 'b'].map((Body, index) => ({ MessageId: `m${index}`, ReceiptHandle: `r${index}`, Body, MD5OfBody: '0' }));
    const deleted: string[] = [];
    const sqs = new Double(
      {
        ReceiveMessage: ({ MaxNumberOfMessages }: { MaxNumberOfMessages: number }) => {
          const Messages = waiting.slice(0, MaxNumberOfMessages);
          waiting = waiting.slice(MaxNumberOfMessages);
          return Messages.length > 0 ? { Messages } : {};
        },
        DeleteMessageBatch: ({ Entries }: { Entries: { Id: string; ReceiptHandle: string }[] }) => {
          deleted.push(...Entries.map(({ ReceiptHandle }) => ReceiptHandle));
          return { Successful: Entries.map(({ Id }) => ({ Id })), Failed: [] };
        },
      },
      (operation) => ({ action: `sqs:${operation.replace('Batch', '')}`, resource: dead }),
    );
    const source = `exports.handler = async ({ Records }) => ({ batchItemFailures: Records.filter((r) => r.body === 'bad').map((r) => ({ itemIdentifier: r.messageId })) });`;
    const { lambda, site, role, pass } = build(written(source), {}, sqs);
    const type = lambda.resources['AWS::Lambda::EventSourceMapping']!;
    const context = { site, stackName: 's', logicalId: 'M', generatedName: 's-M-1', asset: () => '' };
    const properties = { FunctionName: arn, EventSourceArn: dead, FunctionResponseTypes: ['ReportBatchItemFailures'] };
    expect(() => type.create(properties, context)).toThrow(/does not have permissions to call ReceiveMessage on SQS/);
    role.inline.set('read', allows(['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], dead));
    const made = await type.create(properties, context);
    await pass(60_000);
    expect(deleted).toEqual(['r0', 'r2']);
    // Asked again every twenty seconds, no oftener.
    expect(sqs.calls.filter(({ operation }) => operation === 'ReceiveMessage').length).toBeLessThanOrEqual(5);
    await type.delete!(made, context);
    const asked = sqs.calls.length;
    await pass(60_000);
    expect(sqs.calls).toHaveLength(asked);
  });
});

describe('functions of a template', () => {
  it('are made from their asset with all they name', async () => {
    const { lambda, site, client, role } = build(written(counter));
    const code = written('exports.handler = async () => process.env.A;');
    const context = {
      site,
      stackName: 'acme',
      logicalId: 'F',
      generatedName: 'acme-F-1A2B',
      asset: (bucket: string, key: string) => (bucket === 'assets' && key === 'abc.zip' ? code : 'none'),
    };
    const type = lambda.resources['AWS::Lambda::Function']!;
    const properties = {
      Code: { S3Bucket: 'assets', S3Key: 'abc.zip' },
      Handler: 'index.handler',
      Runtime: 'nodejs24.x',
      Role: role.arn,
      Timeout: 30,
      MemorySize: 256,
      Architectures: ['arm64'],
      Environment: { Variables: { A: '1' } },
      LoggingConfig: { LogFormat: 'JSON' },
      Tags: [{ Key: 'team', Value: 'a' }],
    };
    const made = await type.create(properties, context);
    expect(made).toEqual({ ref: 'acme-F-1A2B', attributes: { Arn: `arn:aws:lambda:${region}:${account}:function:acme-F-1A2B` } });
    expect(await client.send(new GetFunctionConfigurationCommand({ FunctionName: made.ref }))).toMatchObject({
      Timeout: 30,
      MemorySize: 256,
      Architectures: ['arm64'],
      Environment: { Variables: { A: '1' } },
      State: 'Active',
      LoggingConfig: { LogFormat: 'JSON', LogGroup: '/aws/lambda/acme-F-1A2B' },
    });
    expect((await client.send(new GetFunctionCommand({ FunctionName: made.ref }))).Tags).toEqual({ team: 'a' });
    const version = await lambda.resources['AWS::Lambda::Version']!.create({ FunctionName: made.ref }, context);
    expect(version.ref).toBe(`${made.attributes!.Arn}:1`);
    await type.update!({ ...properties, Environment: { Variables: { A: '2' } } }, made, context);
    expect((await lambda.invoke(version.ref, {})).payload).toBe('1');
    expect((await lambda.invoke(made.ref, {})).payload).toBe('2');
    expect((await client.send(new ListFunctionsCommand({}))).Functions!.map(({ FunctionName }) => FunctionName)).toEqual([
      'acme-F-1A2B',
      'orders',
    ]);
    await type.delete!(made, context);
    await expect(client.send(new GetFunctionCommand({ FunctionName: made.ref }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  it('are refused with a role that Lambda cannot assume, reserved variables or an unknown runtime', () => {
    const { lambda, iam, role } = build(written(counter));
    const settings = { code: written(counter), handler: 'index.handler', runtime: 'nodejs24.x', role: role.arn };
    const foreign = iam.createRole({ name: 'foreign', trust: trusts('ecs.amazonaws.com') }).arn;
    expect(() => lambda.create('a', { ...settings, role: foreign })).toThrow(
      'The role defined for the function cannot be assumed by Lambda.',
    );
    expect(() => lambda.create('a', { ...settings, variables: { AWS_REGION: 'x' } })).toThrow(
      /Reserved keys used in this request: AWS_REGION/,
    );
    expect(() => lambda.create('a', { ...settings, runtime: 'python3.13' })).toThrow(/nodejs24\.x and nodejs22\.x only/);
    expect(() => lambda.create('orders', settings)).toThrow('Function already exist: orders');
  });
});
