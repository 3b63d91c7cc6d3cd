/** The outer door over real HTTP: ordinary SDK clients with an endpoint, other origins, and a world that is made again. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudWatchClient, GetMetricStatisticsCommand, ListMetricsCommand, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { CreateClusterCommand, DescribeClustersCommand, ECSClient, TagResourceCommand } from '@aws-sdk/client-ecs';
import { CreateQueueCommand, ListQueuesCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { SmithyRpcV2CborProtocol } from '@smithy/core/cbor';
import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../local/core/clock.ts';
import { INVOCATION_HEADER } from '../../../local/core/faults.ts';
import { World } from '../../../local/core/world.ts';
import { type Door, openDoor } from '../../../local/outer/door.ts';
import { Inputs } from '../../../local/outer/inputs.ts';
import { Outside, pass } from '../../../local/outer/outside.ts';
import { Pacer } from '../../../local/outer/pacer.ts';
import { startRegistry } from '../../../local/registry/server.ts';
import { factories } from '../../../local/services/index.ts';

/** A Monday in another year than the machine's. */
const START = Date.parse('2031-03-03T07:00:00Z');
const everything = { everything: { Version: '2012-10-17', Statement: { Effect: 'Allow' as const, Action: '*', Resource: '*' } } };

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function open({ inputs, speed = 1 }: { inputs?: Inputs; speed?: number } = {}) {
  const clock = new VirtualClock(START);
  const world = new World(clock, factories, 7);
  const site = world.site('111111111111', 'eu-central-1');
  const credentials = site.service('iam').user('somebody', everything);
  for (const { input } of inputs?.read() ?? []) {
    await clock.run({ until: input.at });
    if (input.kind === 'request') void pass(site, input.entrance, input.request);
  }
  await clock.settle();
  const pacer = new Pacer(clock, { speed });
  ends.push(() => pacer.stop());
  const outside = new Outside(site, pacer, inputs);
  const door: Door = await openDoor(0, outside.api, outside.knows);
  ends.push(() => door.close());
  return { clock, world, site, pacer, door, config: { region: 'eu-central-1', endpoint: door.url, credentials, maxAttempts: 1 } };
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'shiplock-door-'));
  ends.push(() => rmSync(path, { recursive: true }));
  return path;
}

/** fetch would not send these headers. */
function raw(url: string, headers: Record<string, string>): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    }).on('error', reject);
    // A body that waits to be asked for is never sent.
    if (headers.expect === undefined) sent.end();
    else sent.flushHeaders();
  });
}

describe('clients that know only an address', () => {
  it('reach the service and Region for which they sign, at the machine’s time, whatever time it is in the world', async () => {
    const { config } = await open();
    const { Arn } = await new STSClient(config).send(new GetCallerIdentityCommand({}));
    expect(Arn).toBe('arn:aws:iam::111111111111:user/somebody');
    const { cluster } = await new ECSClient(config).send(new CreateClusterCommand({ clusterName: 'shop' }));
    expect(cluster?.clusterArn).toBe('arn:aws:ecs:eu-central-1:111111111111:cluster/shop');
    await new CloudWatchClient(config).send(new PutMetricDataCommand({ Namespace: 'Mine', MetricData: [{ MetricName: 'a', Value: 1 }] }));
    const sqs = new SQSClient(config);
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'q' }));
    // SDKs that send to a queue's own address reach it: https://sqs.… would be nobody.
    expect(QueueUrl).toBe(`${config.endpoint}/111111111111/q`);
    expect((await sqs.send(new ListQueuesCommand({}))).QueueUrls).toEqual([QueueUrl]);
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'hello' }));
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
    expect(Messages.map(({ Body }) => Body)).toEqual(['hello']);
  });

  it('get sessions that last by their own clock, which is the one by which SDKs refresh them', async () => {
    const { config, site, clock, pacer } = await open();
    const Statement = { Effect: 'Allow' as const, Principal: { AWS: '111111111111' }, Action: 'sts:AssumeRole' };
    site.service('iam').createRole('guest', { Version: '2012-10-17', Statement });
    const began = Date.now();
    const input = { RoleArn: 'arn:aws:iam::111111111111:role/guest', RoleSessionName: 'me', DurationSeconds: 900 };
    const { Credentials } = await new STSClient(config).send(new AssumeRoleCommand(input));
    expect(Math.abs(Credentials!.Expiration!.getTime() - began - 900_000)).toBeLessThan(60_000);
    const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = Credentials!;
    const sts = new STSClient({
      ...config,
      credentials: { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken },
    });
    await pacer.enter(() => clock.run({ until: clock.now() + 3_600_000 }));
    expect((await sts.send(new GetCallerIdentityCommand({}))).Arn).toContain('assumed-role/guest/me');
  });

  it('are refused with a wrong secret, without a signature, or with somebody’s invocation id', async () => {
    const { config, door } = await open();
    const wrong = new STSClient({ ...config, credentials: { ...config.credentials, secretAccessKey: 'guess' } });
    await expect(wrong.send(new GetCallerIdentityCommand({}))).rejects.toThrow(/signature we calculated does not match/);
    const response = await fetch(`${door.url}/2015-03-31/functions/`);
    expect(response.status).toBe(403);
    expect(await response.text()).toContain('Requests to it are signed');
    // The mark of a Lambda's own request would have it held to the schema: it does not come in from outside.
    const marked = new ECSClient(config);
    marked.middlewareStack.add(
      (next) => (args) => {
        const sent = args.request as { body: string };
        sent.body = '{"clusters":[],"ofTomorrow":true}';
        return next(args);
      },
      { step: 'build', priority: 'high' },
    );
    // After signing.
    marked.middlewareStack.add(
      (next) => (args) => {
        (args.request as { headers: Record<string, string> }).headers[INVOCATION_HEADER] = 'somebody';
        return next(args);
      },
      { step: 'deserialize' },
    );
    await expect(marked.send(new DescribeClustersCommand({}))).resolves.toBeDefined();
  });
});

describe('clients of services that are not here', () => {
  it.each([
    ['s3', {}, '<Error><Code>NotImplemented</Code><Message>not implemented on local AWS: s3</Message></Error>'],
    ['ec2', {}, '<Response><Errors><Error><Code>NotImplemented</Code>'],
    ['iam', { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }, '<Code>NotImplemented</Code>'],
    ['kms', { 'x-amz-target': 'TrentService.ListKeys' }, '"message":"not implemented on local AWS: kms"'],
  ])('read so in their own protocol: %s', async (service, headers, text) => {
    const { door } = await open();
    const authorization = `AWS4-HMAC-SHA256 Credential=KEY/20310303/eu-central-1/${service}/aws4_request, SignedHeaders=host, Signature=0`;
    const answer = await raw(door.url, { authorization, ...headers });
    expect(answer.status).toBe(501);
    expect(answer.text).toContain(text);
  });
});

describe('names that mean nothing', () => {
  it('are the caller’s mistake, with its words', async () => {
    const { config } = await open();
    const tagging = new TagResourceCommand({ resourceArn: 'x', tags: [{ key: 'a', value: 'b' }] });
    await expect(new ECSClient(config).send(tagging)).rejects.toMatchObject({
      name: 'InvalidParameterException',
      message: 'TagResource: "x" names nothing to which this operation applies',
    });
  });
});

/** A header of a client's last request. */
function sentHeader(client: CloudWatchClient, name: string): () => string | undefined {
  let found: string | undefined;
  client.middlewareStack.add(
    (next) => (args) => {
      found = (args.request as { headers: Record<string, string> }).headers[name];
      return next(args);
    },
    { step: 'deserialize' },
  );
  return () => found;
}

describe('bodies', () => {
  it('are read as they were before a client compressed them', async () => {
    const { config } = await open();
    const client = new CloudWatchClient(config);
    const encoding = sentHeader(client, 'content-encoding');
    const MetricData = Array.from({ length: 300 }, (_, index) => ({ MetricName: `a-metric-with-a-long-name-${index}`, Value: index }));
    await client.send(new PutMetricDataCommand({ Namespace: 'Mine', MetricData }));
    expect(encoding()).toBe('gzip');
    const { Metrics = [] } = await client.send(new ListMetricsCommand({ Namespace: 'Mine' }));
    expect(Metrics).toHaveLength(300);
  });

  it('may be CBOR, as newer clients of CloudWatch send and read it', async () => {
    const { config, clock } = await open();
    const protocol = new SmithyRpcV2CborProtocol({ defaultNamespace: 'com.amazonaws.cloudwatch' });
    const client = new CloudWatchClient({ ...config, protocol });
    const spoken = sentHeader(client, 'smithy-protocol');
    const dated = new Date(clock.now());
    await client.send(
      new PutMetricDataCommand({
        Namespace: 'Mine',
        MetricData: [{ MetricName: 'a', Values: [1.5, 2], Counts: [1, 2], Timestamp: dated }],
      }),
    );
    const asked = { Namespace: 'Mine', MetricName: 'a', Period: 60, Statistics: ['Sum' as const] };
    const { Datapoints } = await client.send(
      new GetMetricStatisticsCommand({ ...asked, StartTime: dated, EndTime: new Date(dated.getTime() + 60_000) }),
    );
    expect(spoken()).toBe('rpc-v2-cbor');
    expect(Datapoints).toEqual([{ Timestamp: dated, Unit: 'None', Sum: 5.5 }]);
    await expect(
      client.send(new GetMetricStatisticsCommand({ ...asked, Period: 7, StartTime: dated, EndTime: dated })),
    ).rejects.toMatchObject({ name: 'InvalidParameterValueException', message: expect.stringContaining('multiple of 60') });
  });

  it('that are too large are refused before they are read', async () => {
    const { door } = await open();
    const answer = await raw(door.url, { 'content-length': String(2 ** 30), expect: '100-continue' });
    expect(answer.status).toBe(413);
    expect(answer.text).toContain('at most 64 MiB');
  });
});

describe('web pages', () => {
  it.each([
    ['of another origin', { origin: 'https://evil.example' }, 'no pages of other origins'],
    ['that hide their origin', { 'sec-fetch-site': 'cross-site' }, 'pages of other origins'],
    ['that looked this machine up under a name of their own', { host: 'evil.example' }, 'not to the host "evil.example"'],
  ])('%s are refused', async (_, headers, text) => {
    const { door } = await open();
    const answer = await raw(door.url, headers);
    expect(answer.status).toBe(403);
    expect(answer.text).toContain(text);
  });

  it.each([
    ['origin', 'https://evil.example'],
    ['host', 'evil.example'],
  ])('have no way into the registry either, by their %s', async (name, value) => {
    const { site } = await open();
    const registry = await startRegistry(site);
    ends.push(() => registry.close());
    const answer = await raw(`${registry.url}/v2/`, { [name]: value });
    expect(answer).toMatchObject({ status: 403, text: expect.stringContaining('DENIED') });
  });

  it('that somebody typed into a browser are answered', async () => {
    const { door } = await open();
    expect((await raw(door.url, { 'sec-fetch-site': 'none', host: `localhost:${door.port}` })).status).toBe(200);
  });
});

describe('time', () => {
  it('goes with the machine’s, as many times as fast, and stops with it', async () => {
    const { clock, pacer } = await open({ speed: 3_600 });
    let rang = 0;
    await new Promise<void>((resolve) => {
      clock.after(60_000, 'a minute', () => {
        rang = clock.now();
        resolve();
      });
    });
    expect(rang).toBe(START + 60_000);
    await pacer.stop();
    clock.after(1, 'too late', () => (rang = 0));
    await expect(pacer.enter(() => Promise.resolve())).rejects.toThrow('stopping');
    expect(rang).toBe(START + 60_000);
  });
});

describe('a folder of inputs', () => {
  it('makes the same world again: what was created is there, with what lies in it, and who only looked is forgotten', async () => {
    const path = folder();
    const first = await open({ inputs: new Inputs(path) });
    const sqs = new SQSClient(first.config);
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'q' }));
    // Larger than what a line takes.
    const { MessageId } = await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x'.repeat(50_000) }));
    await new ECSClient(first.config).send(new CreateClusterCommand({ clusterName: 'shop' }));
    await new ECSClient(first.config).send(new DescribeClustersCommand({ clusters: ['shop'] }));
    for (const end of ends.splice(1).reverse()) await end();

    const second = await open({ inputs: new Inputs(path) });
    const { clusters = [] } = await new ECSClient(second.config).send(new DescribeClustersCommand({ clusters: ['shop'] }));
    expect(clusters.map(({ status }) => status)).toEqual(['ACTIVE']);
    const { Messages = [] } = await new SQSClient(second.config).send(new ReceiveMessageCommand({ QueueUrl }));
    expect(Messages.map((message) => [message.MessageId, message.Body?.length])).toEqual([[MessageId, 50_000]]);
    expect(new Inputs(path).read().map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  });

  it('is for its owner’s eyes only, and survives a line that was half written', async () => {
    const path = folder();
    const { appendFileSync } = await import('node:fs');
    const inputs = new Inputs(path);
    inputs.add({ kind: 'deed', at: START, what: 'first' });
    appendFileSync(join(path, 'inputs.jsonl'), '{"kind":"deed","at":1');
    const again = new Inputs(path);
    expect(again.read()).toHaveLength(1);
    again.add({ kind: 'deed', at: START, what: 'second' });
    expect(new Inputs(path).read().map(({ input }) => input)).toEqual([
      { kind: 'deed', at: START, what: 'first' },
      { kind: 'deed', at: START, what: 'second' },
    ]);
    expect(statSync(join(path, 'inputs.jsonl')).mode & 0o077).toBe(0);
  });
});
