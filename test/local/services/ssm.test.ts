import {
  DeleteParameterCommand,
  DescribeParametersCommand,
  GetParameterCommand,
  GetParametersByPathCommand,
  GetParametersCommand,
  PutParameterCommand,
  type PutParameterCommandInput,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { beforeEach, describe, expect, it } from 'vitest';
import { type AccessKey, clientConfig } from '../../../local/core/client.ts';
import { VirtualClock } from '../../../local/core/clock.ts';
import { World } from '../../../local/core/world.ts';
import { Iam } from '../../../local/services/iam.ts';
import { Ssm } from '../../../local/services/ssm.ts';

const account = '111122223333';
const region = 'eu-central-1';

let world: World;
let client: SSMClient;
const site = () => world.site(account, region);
const as = (credentials: AccessKey) => new SSMClient(clientConfig(world, { region, credentials }));
const put = (Name: string, Value: string, rest: Partial<PutParameterCommandInput> = {}) =>
  client.send(new PutParameterCommand({ Name, Value, Type: 'String', ...rest }));
const get = async (Name: string, WithDecryption?: boolean) =>
  (await client.send(new GetParameterCommand({ Name, WithDecryption }))).Parameter;

beforeEach(() => {
  world = new World(new VirtualClock(Date.parse('2026-11-23T08:00:00Z')), { iam: (one) => new Iam(one), ssm: (one) => new Ssm(one) }, 7);
  client = as(site().service('iam').root());
});

describe('a parameter', () => {
  it('has versions, and is overwritten only on request', async () => {
    await put('/acme/freeze', 'off');
    await expect(put('/acme/freeze', 'on')).rejects.toThrow(expect.objectContaining({ name: 'ParameterAlreadyExists' }));
    expect((await put('/acme/freeze', 'on', { Overwrite: true })).Version).toBe(2);
    expect(await get('/acme/freeze')).toMatchObject({
      Name: '/acme/freeze',
      Value: 'on',
      Version: 2,
      Type: 'String',
      ARN: `arn:aws:ssm:${region}:${account}:parameter/acme/freeze`,
    });
    expect(await get('/acme/freeze:1')).toMatchObject({ Value: 'off', Version: 1, Selector: ':1' });
    expect(await get(`arn:aws:ssm:${region}:${account}:parameter/acme/freeze`)).toMatchObject({ Value: 'on' });
    await expect(get('/acme/freeze:9')).rejects.toThrow(expect.objectContaining({ name: 'ParameterVersionNotFound' }));
  });

  it('that is not there is named', async () => {
    await put('plain', '1');
    await expect(get('/acme/none')).rejects.toThrow(expect.objectContaining({ name: 'ParameterNotFound' }));
    const { Parameters, InvalidParameters } = await client.send(new GetParametersCommand({ Names: ['plain', '/acme/none'] }));
    expect(Parameters?.map(({ Value }) => Value)).toEqual(['1']);
    expect(InvalidParameters).toEqual(['/acme/none']);
    await client.send(new DeleteParameterCommand({ Name: 'plain' }));
    await expect(client.send(new DeleteParameterCommand({ Name: 'plain' }))).rejects.toThrow(
      expect.objectContaining({ name: 'ParameterNotFound' }),
    );
  });

  it('is found by its path, one level or all of them, ten to a page', async () => {
    for (let n = 10; n < 25; n++) await put(`/acme/list/${n}`, String(n));
    await put('/acme/list/deep/1', 'deep');
    await put('/acme/listing', 'other');
    const page = (rest: object = {}) => client.send(new GetParametersByPathCommand({ Path: '/acme/list', ...rest }));
    const first = await page();
    expect(first.Parameters?.map(({ Value }) => Value)).toEqual(Array.from({ length: 10 }, (_, n) => String(10 + n)));
    const second = await page({ NextToken: first.NextToken });
    expect(second.Parameters).toHaveLength(5);
    expect(second.NextToken).toBeUndefined();
    const all = await page({ Recursive: true, MaxResults: 10, NextToken: (await page({ Recursive: true })).NextToken });
    expect(all.Parameters?.at(-1)?.Name).toBe('/acme/list/deep/1');
    expect(all.Parameters).toHaveLength(6);
  });

  it('that is secure shows its value with decryption only', async () => {
    await put('/acme/token', 'secret', { Type: 'SecureString' });
    expect((await get('/acme/token', true))?.Value).toBe('secret');
    expect((await get('/acme/token'))?.Value).not.toContain('secret');
    await expect(put('/acme/other', 'secret', { Type: 'SecureString', KeyId: 'alias/own' })).rejects.toThrow(/no KMS keys/);
  });

  it.each([
    ['/acme/large', 'x'.repeat(4097), {}, /maximum parameter value of 4096 characters/],
    ['aws-name', 'x', {}, /can't be prefixed/],
    ['acme/name', 'x', {}, /fully qualified name/],
    ['/acme/n', 'x', { AllowedPattern: '^\\d+$' }, /cannot be validated against allowedPattern/],
  ])('%s is refused', async (name, value, rest, message) => {
    await expect(put(name, value, rest)).rejects.toThrow(message);
  });

  it('is read by who may read its path', async () => {
    await put('/acme/live/a', '1');
    await put('/acme/test/a', '1');
    const statement = {
      Effect: 'Allow',
      Action: 'ssm:GetParameter',
      Resource: `arn:aws:ssm:${region}:${account}:parameter/acme/test/*`,
    } as const;
    const user = as(
      site()
        .service('iam')
        .user('tester', { read: { Version: '2012-10-17', Statement: [statement] } }),
    );
    await user.send(new GetParameterCommand({ Name: '/acme/test/a' }));
    await expect(user.send(new GetParameterCommand({ Name: '/acme/live/a' }))).rejects.toThrow('parameter/acme/live/a');
  });

  it('is made by CloudFormation and survives in a data folder', async () => {
    const context = { site: site(), stackName: 'p', logicalId: 'P', generatedName: 'p-P-1', asset: () => '' };
    const type = site().service('ssm').resources['AWS::SSM::Parameter']!;
    const created = await type.create({ Type: 'String', Value: 'v1' }, context);
    expect(created).toEqual({ ref: 'p-P-1', attributes: { Type: 'String', Value: 'v1' } });
    await type.update!({ Type: 'String', Value: 'v2' }, created, context);
    const saved = JSON.parse(JSON.stringify(site().service('ssm').save()));
    const other = world.site(account, 'us-east-1').service('ssm');
    other.load(saved);
    expect(other.value('p-P-1')).toBe('v2');
    expect(other.value('p-P-1:1')).toBe('v1');
  });
});

describe('parameters', () => {
  it('are described by name, type and path, without their values, page by page', async () => {
    await put('/acme/live/url', 'a');
    await put('/acme/live/deep/token', 'b', { Type: 'SecureString' });
    await put('/acme/test/url', 'c');
    await put('plain', 'd', { Description: 'of nobody' });
    const names = async (Key: string, Values: string[], Option?: string) =>
      (await client.send(new DescribeParametersCommand({ ParameterFilters: [{ Key, Values, Option }] }))).Parameters?.map(
        ({ Name }) => Name,
      );
    expect(await names('Path', ['/acme/live'])).toEqual(['/acme/live/url']);
    expect(await names('Path', ['/acme/live'], 'Recursive')).toEqual(['/acme/live/deep/token', '/acme/live/url']);
    expect(await names('Name', ['url'], 'Contains')).toEqual(['/acme/live/url', '/acme/test/url']);
    expect(await names('Name', ['/acme/t', 'pl'], 'BeginsWith')).toEqual(['/acme/test/url', 'plain']);
    expect(await names('Type', ['SecureString'])).toEqual(['/acme/live/deep/token']);
    const first = await client.send(new DescribeParametersCommand({ MaxResults: 3 }));
    const second = await client.send(new DescribeParametersCommand({ MaxResults: 3, NextToken: first.NextToken }));
    expect(second.Parameters).toMatchObject([{ Name: 'plain', Description: 'of nobody', Version: 1, Tier: 'Standard' }]);
    expect(second.Parameters![0]).not.toHaveProperty('Value');
    await expect(names('Path', ['/acme'], 'Equals')).rejects.toMatchObject({ name: 'InvalidFilterOption' });
    await expect(names('Label', ['a'])).rejects.toMatchObject({ name: 'InvalidFilterKey' });
  });
});
