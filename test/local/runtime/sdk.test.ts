import { beforeAll, describe, expect, it } from 'vitest';
import { LambdaKilled } from '../../../local/core/faults.ts';
import { ConnectionError } from '../../../local/core/http.ts';
import { Bundle } from '../../../local/runtime/bundle.ts';
import { bundled, json, rig, start, value } from './bundles.ts';

const source = `
import { DynamoDBClient, GetItemCommand, ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { ECSClient, ListServicesCommand, ClusterNotFoundException } from '@aws-sdk/client-ecs';
import { Logger } from '@aws-lambda-powertools/logger';
import { randomUUID } from 'node:crypto';

const logger = new Logger({ serviceName: 'orders' });
const ecs = new ECSClient({ maxAttempts: 6 });
const dynamodb = new DynamoDBClient({});

export const handler = async (event, context) => {
  logger.addContext(context);
  logger.info('looking', { cluster: event.cluster });
  try {
    const { serviceArns } = await ecs.send(new ListServicesCommand({ cluster: event.cluster }));
    const { Item } = await dynamodb.send(new GetItemCommand({ TableName: 'ledger', Key: { id: { S: 'a' } } }));
    return { serviceArns, blob: Buffer.from(Item.blob.B).toString('utf8'), isBytes: Item.blob.B instanceof Uint8Array, stage: process.env.STAGE, id: randomUUID(), at: new Date().toISOString() };
  } catch (error) {
    logger.error('refused', error as Error);
    return { refused: error.name, isError: error instanceof Error, isModeled: error instanceof ClusterNotFoundException, code: error.code, attempts: error.$metadata?.attempts, at: new Date().toISOString() };
  }
};
`;

describe('a bundle with real SDK clients', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await bundled(source);
  });

  const answer = (request: { host: string }) =>
    request.host.startsWith('ecs.')
      ? json({ serviceArns: ['arn:aws:ecs:eu-central-1:111111111111:service/acme/orders'] })
      : json({ Item: { blob: { B: Buffer.from('grüezi').toString('base64') } } });

  it('reaches AWS through the inner door, signed by the credentials in its variables', async () => {
    const lambda = rig(folder, { answer });
    expect(lambda.environment.start()).toBeUndefined();
    expect(value(await lambda.invoke({ cluster: 'acme' }))).toMatchObject({
      serviceArns: ['arn:aws:ecs:eu-central-1:111111111111:service/acme/orders'],
      blob: 'grüezi',
      isBytes: true,
      stage: 'test',
      at: '2026-11-02T09:00:00.000Z',
    });
    const [list, get] = lambda.requests;
    expect(list).toMatchObject({ method: 'POST', host: 'ecs.eu-central-1.amazonaws.com', path: '/', query: '' });
    expect(list!.headers['x-amz-target']).toBe('AmazonEC2ContainerServiceV20141113.ListServices');
    expect(list!.headers.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE\/20261102\/eu-central-1\/ecs\/aws4_request/);
    expect(list!.headers['x-amz-security-token']).toBe('token');
    expect(list!.headers['x-local-aws-invocation']).toBe('00000000-0000-4000-a000-000000000001');
    expect(JSON.parse(Buffer.from(list!.body).toString())).toEqual({ cluster: 'acme' });
    expect(get!.host).toBe('dynamodb.eu-central-1.amazonaws.com');
    expect(get!.headers['content-length']).toBe(String(get!.body.byteLength));
  });

  it('logs through Powertools in virtual time', async () => {
    const lambda = rig(folder, { answer });
    lambda.environment.start();
    await lambda.clock.run({ until: start + 60_000 });
    await lambda.invoke({ cluster: 'acme' });
    const record = JSON.parse(lambda.lines.find((line) => line.includes('looking'))!);
    expect(record).toMatchObject({
      level: 'INFO',
      message: 'looking',
      service: 'orders',
      cluster: 'acme',
      cold_start: true,
      function_name: 'orders',
      timestamp: '2026-11-02T09:01:00.000Z',
    });
  });

  it('gets the errors of a service as the classes of its client', async () => {
    const lambda = rig(folder, { answer: () => json({ __type: 'ClusterNotFoundException', message: 'Cluster not found.' }, 400) });
    lambda.environment.start();
    expect(value(await lambda.invoke({ cluster: 'acme' }))).toMatchObject({
      refused: 'ClusterNotFoundException',
      isError: true,
      isModeled: true,
    });
  });

  it('retries throttled calls over virtual seconds, within a moment', async () => {
    const lambda = rig(folder, { answer: () => json({ __type: 'ThrottlingException', message: 'Rate exceeded' }, 400) });
    lambda.environment.start();
    const began = performance.now();
    expect(value(await lambda.invoke({ cluster: 'acme' }, 300))).toMatchObject({ refused: 'ThrottlingException', attempts: 6 });
    expect(lambda.requests).toHaveLength(6);
    expect(lambda.clock.now() - start).toBeGreaterThan(1_000);
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  it('sees a failed connection with the code Node gives it', async () => {
    const lambda = rig(folder, {
      answer: () => {
        throw new ConnectionError('ENOTFOUND', 'ecs.eu-central-1.amazonaws.com');
      },
    });
    lambda.environment.start();
    expect(value(await lambda.invoke({ cluster: 'acme' }, 300))).toMatchObject({ refused: 'Error', isError: true, code: 'ENOTFOUND' });
  });

  it('is repeated to the byte by the same seed, and differs with another', async () => {
    const run = async (seed: number) => {
      let calls = 0;
      const flaky = (request: { host: string }) =>
        ++calls < 4 ? json({ __type: 'ThrottlingException', message: 'Rate exceeded' }, 400) : answer(request);
      const lambda = rig(folder, { answer: flaky, seed });
      lambda.environment.start();
      const outcome = await lambda.invoke({ cluster: 'acme' });
      return JSON.stringify([outcome, lambda.lines, lambda.requests, lambda.clock.now()]);
    };
    const first = await run(3);
    expect(await run(3)).toBe(first);
    expect(await run(4)).not.toBe(first);
  });

  it('ends as a crashed runtime when it is killed at a call, and does nothing more', async () => {
    const lambda = rig(folder, {
      answer: () => {
        throw new LambdaKilled('00000000-0000-4000-a000-000000000001', 'ecs:ListServices');
      },
    });
    lambda.environment.start();
    expect(await lambda.invoke({ cluster: 'acme' })).toEqual({
      kind: 'failed',
      ended: true,
      error: {
        errorType: 'Runtime.ExitError',
        errorMessage: 'RequestId: 00000000-0000-4000-a000-000000000001 Error: Runtime exited without providing a reason',
      },
    });
    await lambda.clock.run();
    expect(lambda.clock.now()).toBe(start);
    expect(lambda.requests).toHaveLength(1);
    expect(lambda.environment.usable).toBe(false);
  });

  it('compiles its code once, for all environments and all that bring the same folder', () => {
    expect(new Bundle(folder).compile('/index.js')).toBe(new Bundle(folder).compile('/index.js'));
  });
});
