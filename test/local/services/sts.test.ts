import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { beforeEach, describe, expect, it } from 'vitest';
import { type AccessKey, clientConfig } from '../../../local/core/client.ts';
import { VirtualClock } from '../../../local/core/clock.ts';
import type { PolicyDocument } from '../../../local/core/service.ts';
import { World } from '../../../local/core/world.ts';
import { factories } from '../../../local/services/index.ts';

const account = '111122223333';
const region = 'eu-central-1';
let clock: VirtualClock;
let world: World;

beforeEach(() => {
  clock = new VirtualClock(Date.parse('2026-11-23T08:00:00Z'));
  world = new World(clock, factories, 7);
});

const iam = (of = account) => world.site(of, region).service('iam');
const sts = (credentials: AccessKey) => new STSClient(clientConfig(world, { region, credentials }));
const policy = (...Statement: PolicyDocument['Statement'][]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: Statement.flat() as never,
});
const mayAssume = (Resource: string) => policy({ Effect: 'Allow', Action: 'sts:AssumeRole', Resource });
const trusting = (AWS: string, Condition?: object) =>
  policy({ Effect: 'Allow', Principal: { AWS }, Action: 'sts:AssumeRole', ...(Condition ? { Condition } : {}) } as never);

describe('GetCallerIdentity', () => {
  it('tells a user who they are', async () => {
    const user = iam().user('release-manager');
    const answer = await sts(user).send(new GetCallerIdentityCommand({}));
    expect(answer).toMatchObject({ Account: account, Arn: `arn:aws:iam::${account}:user/release-manager` });
    expect(answer.UserId).toMatch(/^AIDA/);
  });

  it('tells a session of a role which session it is', async () => {
    const role = iam().createRole('deployer', trusting(account));
    const answer = await sts(iam().session(role.arn, 'run-1')).send(new GetCallerIdentityCommand({}));
    expect(answer.Arn).toBe(`arn:aws:sts::${account}:assumed-role/deployer/run-1`);
    expect(answer.UserId).toBe(`${role.id}:run-1`);
  });
});

describe('AssumeRole', () => {
  it('gives credentials that act as the role until they expire, in the time of the world', async () => {
    const role = iam().createRole('deployer', trusting(account));
    const user = iam().user('ci', { assume: mayAssume(role.arn) });
    const { Credentials } = await sts(user).send(
      new AssumeRoleCommand({ RoleArn: role.arn, RoleSessionName: 'night', DurationSeconds: 900 }),
    );
    expect(Credentials?.Expiration).toEqual(new Date('2026-11-23T08:15:00Z'));
    const session = {
      accessKeyId: Credentials!.AccessKeyId!,
      secretAccessKey: Credentials!.SecretAccessKey!,
      sessionToken: Credentials!.SessionToken!,
    };
    await clock.run({ until: Date.parse('2026-11-23T08:14:59Z') });
    expect((await sts(session).send(new GetCallerIdentityCommand({}))).Arn).toBe(`arn:aws:sts::${account}:assumed-role/deployer/night`);
    await clock.run({ until: Date.parse('2026-11-23T08:15:00Z') });
    await expect(sts(session).send(new GetCallerIdentityCommand({}))).rejects.toMatchObject({ name: 'ExpiredTokenException' });
  });

  it('needs a policy of the caller where the trust policy only names the account', async () => {
    const role = iam().createRole('deployer', trusting(`arn:aws:iam::${account}:root`));
    const call = sts(iam().user('stranger')).send(new AssumeRoleCommand({ RoleArn: role.arn, RoleSessionName: 'now' }));
    await expect(call).rejects.toMatchObject({
      name: 'AccessDenied',
      message: `User: arn:aws:iam::${account}:user/stranger is not authorized to perform: sts:AssumeRole on resource: ${role.arn} because no identity-based policy allows the sts:AssumeRole action`,
    });
  });

  it('needs no policy of the caller where the trust policy names the caller', async () => {
    const user = iam().user('operator');
    const role = iam().createRole('deployer', trusting(user.arn));
    const answer = await sts(user).send(new AssumeRoleCommand({ RoleArn: role.arn, RoleSessionName: 'now' }));
    expect(answer.AssumedRoleUser?.AssumedRoleId).toBe(`${role.id}:now`);
  });

  it('is refused by a trust policy that does not name the caller, whatever the caller may do', async () => {
    const role = iam().createRole(
      'deployer',
      policy({ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }),
    );
    const user = iam().user('ci', { everything: policy({ Effect: 'Allow', Action: '*', Resource: '*' }) });
    await expect(sts(user).send(new AssumeRoleCommand({ RoleArn: role.arn, RoleSessionName: 'now' }))).rejects.toMatchObject({
      name: 'AccessDenied',
    });
  });

  it('reaches a role of another account only if both accounts allow it', async () => {
    const other = '444455556666';
    const role = iam(other).createRole('site', trusting(account, { StringEquals: { 'sts:ExternalId': 'lock-7' } }));
    const user = iam().user('ci', { assume: mayAssume(role.arn) });
    await expect(sts(user).send(new AssumeRoleCommand({ RoleArn: role.arn, RoleSessionName: 'now' }))).rejects.toMatchObject({
      name: 'AccessDenied',
    });
    const { Credentials } = await sts(user).send(
      new AssumeRoleCommand({ RoleArn: role.arn, RoleSessionName: 'now', ExternalId: 'lock-7' }),
    );
    const session = {
      accessKeyId: Credentials!.AccessKeyId!,
      secretAccessKey: Credentials!.SecretAccessKey!,
      sessionToken: Credentials!.SessionToken!,
    };
    expect((await sts(session).send(new GetCallerIdentityCommand({}))).Account).toBe(other);
    await expect(
      sts(iam().user('poor')).send(new AssumeRoleCommand({ RoleArn: role.arn, RoleSessionName: 'now', ExternalId: 'lock-7' })),
    ).rejects.toMatchObject({ name: 'AccessDenied' });
  });

  it('lets a chained session live one hour at most', async () => {
    const role = iam().createRole('deployer', trusting(account), { assume: mayAssume('*') });
    role.maxSessionDuration = 43_200;
    const call = sts(iam().session(role.arn, 'first')).send(
      new AssumeRoleCommand({ RoleArn: role.arn, RoleSessionName: 'second', DurationSeconds: 7200 }),
    );
    await expect(call).rejects.toMatchObject({ name: 'ValidationError', message: expect.stringContaining('role chaining') });
  });
});
