import { beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../local/core/clock.ts';
import type { PolicyDocument, ResourceContext } from '../../../local/core/service.ts';
import { World } from '../../../local/core/world.ts';
import type { Iam } from '../../../local/services/iam.ts';
import { factories } from '../../../local/services/index.ts';

const account = '111122223333';
let world: World;
let iam: Iam;

beforeEach(() => {
  world = new World(new VirtualClock(Date.parse('2026-11-23T08:00:00Z')), factories, 7);
  iam = world.site(account, 'us-east-1').service('iam');
});

const document = (Action: string): PolicyDocument => ({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource: '*' }] });
const trust: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
};
const context = (logicalId: string): ResourceContext => ({
  site: world.site(account, 'us-east-1'),
  stackName: 'lock',
  logicalId,
  generatedName: `lock-${logicalId}-AB12`,
  asset: () => '',
});
const type = (name: string) => iam.resources[`AWS::IAM::${name}`]!;
const policies = (name: string) => [...(iam.role(`arn:aws:iam::${account}:role/${name}`).inline.keys() ?? [])];
const may = (role: string, action: string) => {
  try {
    iam.authorize(iam.rolePrincipal(`arn:aws:iam::${account}:role/${role}`, 's'), { action, resource: '*' });
    return true;
  } catch {
    return false;
  }
};

describe('access keys and ids', () => {
  it('are the same for the same seed, and others for another', () => {
    const key = (seed: number) => new World(new VirtualClock(0), factories, seed).site(account, 'us-east-1').service('iam').user('ci');
    expect(key(3)).toEqual(key(3));
    expect(key(3).accessKeyId).not.toBe(key(4).accessKeyId);
    expect(iam.root()).toEqual(iam.root());
    expect(iam.user('ci')).toEqual(iam.user('ci'));
  });
});

describe('AWS::IAM::Role', () => {
  it('has a made-up name, an ARN and an id, and what its policies allow', async () => {
    const created = await type('Role').create(
      {
        AssumeRolePolicyDocument: trust,
        ManagedPolicyArns: ['arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole'],
        Policies: [{ PolicyName: 'own', PolicyDocument: document('ecs:ListClusters') }],
      },
      context('Admit'),
    );
    expect(created).toMatchObject({ ref: 'lock-Admit-AB12', attributes: { Arn: `arn:aws:iam::${account}:role/lock-Admit-AB12` } });
    expect(created.attributes?.RoleId).toMatch(/^AROA/);
    expect([may(created.ref, 'ecs:ListClusters'), may(created.ref, 'logs:PutLogEvents'), may(created.ref, 'ecs:CreateCluster')]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('keeps policies that others put on it when its own change', async () => {
    const role = await type('Role').create(
      { RoleName: 'r', AssumeRolePolicyDocument: trust, Policies: [{ PolicyName: 'a', PolicyDocument: document('ecs:*') }] },
      context('R'),
    );
    await type('Policy').create({ PolicyName: 'default', PolicyDocument: document('sqs:*'), Roles: ['r'] }, context('P'));
    await type('Role').update!(
      { RoleName: 'r', AssumeRolePolicyDocument: trust, Policies: [{ PolicyName: 'b', PolicyDocument: document('ecr:*') }] },
      role,
      context('R'),
    );
    expect(policies('r').sort()).toEqual(['b', 'default']);
  });

  it('is another role under another name', async () => {
    const before = await type('Role').create({ RoleName: 'r', AssumeRolePolicyDocument: trust }, context('R'));
    const after = await type('Role').update!({ RoleName: 's', AssumeRolePolicyDocument: trust }, before, context('R'));
    expect(after.attributes?.Arn).toBe(`arn:aws:iam::${account}:role/s`);
    expect(() => iam.role(`arn:aws:iam::${account}:role/r`)).toThrow('cannot be found');
  });

  it.each([
    ['a name that is taken', { RoleName: 'taken', AssumeRolePolicyDocument: trust }, 'EntityAlreadyExists'],
    ['a trust policy without a principal', { AssumeRolePolicyDocument: document('sts:AssumeRole') }, 'MalformedPolicyDocument'],
    [
      'a policy with a principal',
      { AssumeRolePolicyDocument: trust, Policies: [{ PolicyName: 'p', PolicyDocument: trust }] },
      'MalformedPolicyDocument',
    ],
    [
      'an action without its service',
      { AssumeRolePolicyDocument: trust, Policies: [{ PolicyName: 'p', PolicyDocument: document('UpdateService') }] },
      'MalformedPolicyDocument',
    ],
    [
      'a resource that is no ARN',
      {
        AssumeRolePolicyDocument: trust,
        Policies: [
          {
            PolicyName: 'p',
            PolicyDocument: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'ecs:*', Resource: 'live' }] },
          },
        ],
      },
      'MalformedPolicyDocument',
    ],
    [
      'inline policies of more than 10,240 characters',
      { AssumeRolePolicyDocument: trust, Policies: [{ PolicyName: 'p', PolicyDocument: document(`ecs:${'x'.repeat(10_240)}`) }] },
      'LimitExceeded',
    ],
    [
      'a managed policy that does not exist',
      { AssumeRolePolicyDocument: trust, ManagedPolicyArns: [`arn:aws:iam::${account}:policy/none`] },
      'NoSuchEntity',
    ],
    [
      'an AWS managed policy that is not known here',
      { AssumeRolePolicyDocument: trust, ManagedPolicyArns: ['arn:aws:iam::aws:policy/Foo'] },
      'NotImplemented',
    ],
    ['a name of 65 characters', { RoleName: 'r'.repeat(65), AssumeRolePolicyDocument: trust }, 'ValidationError'],
  ])('is refused with %s', async (_, properties, code) => {
    iam.createRole('taken', trust);
    await expect((async () => type('Role').create(properties, context('R')))()).rejects.toMatchObject({ code });
  });

  it('takes its sessions with it when it goes', async () => {
    const role = await type('Role').create({ RoleName: 'r', AssumeRolePolicyDocument: trust }, context('R'));
    iam.session(role.attributes!.Arn!, 's');
    await type('Role').delete!(role, context('R'));
    expect(() => iam.session(role.attributes!.Arn!, 's')).toThrow('cannot be found');
  });
});

describe('AWS::IAM::Policy', () => {
  it('sits on its roles, moves with a change and goes with a deletion', async () => {
    for (const name of ['a', 'b']) iam.createRole(name, trust);
    const created = await type('Policy').create({ PolicyName: 'p', PolicyDocument: document('ecs:*'), Roles: ['a'] }, context('P'));
    expect(created.ref).toBe('p');
    expect([policies('a'), policies('b')]).toEqual([['p'], []]);
    const moved = await type('Policy').update!({ PolicyName: 'p', PolicyDocument: document('sqs:*'), Roles: ['b'] }, created, context('P'));
    expect([policies('a'), policies('b')]).toEqual([[], ['p']]);
    expect(may('b', 'ecs:ListClusters')).toBe(false);
    await type('Policy').delete!(moved, context('P'));
    expect(policies('b')).toEqual([]);
  });

  it('needs somebody to sit on, who exists', async () => {
    const create = async (more: object) =>
      type('Policy').create({ PolicyName: 'p', PolicyDocument: document('ecs:*'), ...more }, context('P'));
    await expect(create({})).rejects.toMatchObject({ code: 'ValidationError' });
    await expect(create({ Roles: ['nobody'] })).rejects.toMatchObject({ code: 'NoSuchEntity' });
  });
});

describe('AWS::IAM::ManagedPolicy and AWS::IAM::User', () => {
  it('give their permissions to each other', async () => {
    const user = await type('User').create({ UserName: 'operator' }, context('U'));
    expect(user).toEqual({ ref: 'operator', attributes: { Arn: `arn:aws:iam::${account}:user/operator` } });
    const principal = iam.userPrincipal('operator');
    const list = { action: 'ecs:ListClusters', resource: '*' };
    const managed = await type('ManagedPolicy').create({ PolicyDocument: document('ecs:List*'), Users: ['operator'] }, context('M'));
    expect(managed.ref).toBe(`arn:aws:iam::${account}:policy/lock-M-AB12`);
    expect(() => iam.authorize(principal, list)).not.toThrow();
    const changed = await type('ManagedPolicy').update!({ PolicyDocument: document('sqs:*'), Users: ['operator'] }, managed, context('M'));
    expect(() => iam.authorize(principal, list)).toThrow('not authorized');
    await type('ManagedPolicy').delete!(changed, context('M'));
    expect(() => iam.authorize(principal, list)).toThrow('not authorized');
  });
});
